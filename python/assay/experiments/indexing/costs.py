"""What reads and writes cost with each index of a key, put together from what was timed.

A read that an index cannot answer is left to the scan, and costs what it does. The scan has nothing to be told of a
write: the table's own writes are the same with any structure beside it, and left out of all. An engine holds the table
too: its writes are those of table and index, and it is compared with the same engine without one.

Times are those of the processor where one thread does all the work: a long scan cannot escape what else runs, and a
short lookup can, so that their wall times do not go together on a busy machine. They are lower quartiles of the rounds,
each by the median of its samples, not the least, as reads and writes between each other are not at their best; each has
the draws of its resamples, so that whatever is computed of them has an interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assay.experiments.base import Times
from assay.experiments.indexing.break_even import Draws, summed, typical_draws
from assay.experiments.indexing.contenders import baseline_of, is_same
from assay.experiments.indexing.contests import Contest, Key
from assay.experiments.indexing.mix import Mix

__all__ = ["Cost", "baseline", "costs_of", "points_of"]


@dataclass(frozen=True)
class Cost:
    """What one index of a key costs.

    Attributes:
        contest: Which.
        queries: The time of each read, by name.
        left: Those that are left to the scan.
        read: Of a read, by the shares of the reads of this key.
        write: Of a write.
        workload: Of an operation at the mix.
    """

    contest: Contest
    queries: Mapping[str, Draws]
    left: tuple[str, ...]
    read: Draws
    write: Draws
    workload: Draws

    @property
    def name(self) -> str:
        """The index, as it was spelled."""
        return self.contest.spec.text


def points_of(contests: Sequence[Contest]) -> list[list[Contest]]:
    """The contests of each key and number of threads, what is no index first."""
    found: dict[tuple[Key, int], list[Contest]] = {}
    for contest in contests:
        found.setdefault((contest.key, contest.threads), []).append(contest)
    return [sorted(here, key=lambda one: (not one.is_none, not one.spec.is_bare)) for here in found.values()]


def costs_of(contests: Sequence[Contest], mix: Mix, times: Times, seed: int) -> list[Cost]:
    """What each index costs whose times are complete; the scan, which answers what others cannot, first.

    Args:
        contests: Of one key and number of threads, as `points_of` gives them.
        mix: The workload.
        times: What was timed.
        seed: Of the resamples.
    """
    names = contests[0].key.names
    reads, writes = mix.of(names), mix.writes_of(names)
    found: list[Cost] = []
    scanned: Mapping[str, Draws] = {}
    for contest in contests:
        cell = contest.cell.cell_id
        rounds = times.processor if contest.is_processor_bound else times.wall
        own = {
            name: typical_draws(rounds[cell, f"query_ns.{name}"], f"{cell}/{name}", seed)
            for name in reads
            if (cell, f"query_ns.{name}") in rounds
        }
        if contest.is_none:
            scanned = own
        elsewhere = {} if contest.spec.is_engine else scanned
        known = {name: share for name, share in reads.items() if name in own or name in elsewhere}
        told = {} if contest.is_none else writes
        if not known or any((cell, f"{kind}_ns") not in rounds for kind in told):
            continue
        whole = sum(known.values())
        queries = {name: own.get(name) or scanned[name] for name in known}
        read = summed([(share / whole, queries[name]) for name, share in known.items()])
        write = summed(
            [(share, typical_draws(rounds[cell, f"{kind}_ns"], f"{cell}/{kind}", seed)) for kind, share in told.items()]
        )
        workload = summed([(mix.read_share, read), (1 - mix.read_share, write)])
        left = tuple(name for name in known if name not in own)
        found.append(Cost(contest, queries, left, read, write, workload))
    return found


def baseline(cost: Cost, costs: Sequence[Cost]) -> Cost | None:
    """The same without an index; None for one that is none, and where that was not measured."""
    if cost.contest.spec.is_bare:
        return None
    wanted = baseline_of(cost.contest.spec)
    if wanted is None:
        return None
    return next((other for other in costs if is_same(other.contest.spec, wanted)), None)
