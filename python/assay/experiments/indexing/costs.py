"""What reads and writes cost with each index of a key, put together from what was timed.

A read that an index cannot answer is left to the scan, and costs what it does. No index has nothing to be told of a
write: the table's own writes are the same with any index, and left out of all. Times are medians with the draws of
their resamples, so that whatever is computed of them has an interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assay.experiments.base import Rounds
from assay.experiments.indexing.break_even import Draws, median_draws, summed
from assay.experiments.indexing.contenders import NO_INDEX
from assay.experiments.indexing.contests import Contest, Key
from assay.experiments.indexing.mix import Mix

__all__ = ["Cost", "costs_of", "points_of"]


@dataclass(frozen=True)
class Cost:
    """What one index of a key costs.

    Attributes:
        contest: Which.
        queries: The time of each read that it answers, by name.
        left: The reads that are left to the scan.
        read: Of a read, by the shares of the reads of this key; None where a time is missing.
        write: Of a write.
        workload: Of an operation at the mix.
    """

    contest: Contest
    queries: Mapping[str, Draws]
    left: tuple[str, ...]
    read: Draws
    write: Draws
    workload: Draws

    def at(self, reads_for_each_write: float) -> float:
        """The time of so many reads and a write."""
        return reads_for_each_write * self.read.value + self.write.value


def points_of(contests: Sequence[Contest]) -> list[list[Contest]]:
    """The contests of each key and number of threads, no index first."""
    found: dict[tuple[Key, int], list[Contest]] = {}
    for contest in contests:
        found.setdefault((contest.key, contest.threads), []).append(contest)
    return [sorted(here, key=lambda one: one.spec.name != NO_INDEX) for here in found.values()]


def costs_of(contests: Sequence[Contest], mix: Mix, rounds: Rounds, seed: int) -> list[Cost]:
    """What each index costs whose times are complete, no index first; none where no index itself was not timed.

    Args:
        contests: Of one key and number of threads, no index first.
        mix: The workload.
        rounds: What was timed.
        seed: Of the resamples.
    """
    names = contests[0].key.names
    reads, writes = mix.of(names), mix.writes_of(names)
    scan = contests[0]
    if scan.spec.name != NO_INDEX:
        return []
    found: list[Cost] = []
    of_scan: Mapping[str, Draws] = {}
    for contest in contests:
        cell = contest.cell.cell_id
        own = {
            name: median_draws(rounds[cell, f"query_ns.{name}"], f"{cell}/{name}", seed)
            for name in reads
            if (cell, f"query_ns.{name}") in rounds
        }
        if contest is scan:
            of_scan = own
        known = {name: share for name, share in reads.items() if name in own or name in of_scan}
        if not known:
            return []
        if any((cell, f"{kind}_ns") not in rounds for kind in writes) and contest is not scan:
            continue
        whole = sum(known.values())
        read = summed([(share / whole, own.get(name) or of_scan[name]) for name, share in known.items()])
        times = {} if contest is scan else {kind: rounds[cell, f"{kind}_ns"] for kind in writes}
        write = summed([(writes[kind], median_draws(found, f"{cell}/{kind}", seed)) for kind, found in times.items()])
        workload = summed([(mix.read_share, read), (1 - mix.read_share, write)])
        left = tuple(name for name in known if name not in own)
        found.append(Cost(contest, own, left, read, write, workload))
    return found
