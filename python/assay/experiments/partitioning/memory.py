"""How much memory a comparison takes, and what a limit leaves for each part of it.

What is counted is known before anything is learned: every distinct key with its counts, what finds its number, its
partition under each strategy. To that comes what one strategy at a time needs while it is learned or changed, and what
the process takes whatever the table: interpreter, libraries, and the batches that each thread reads and holds.
A limit is kept in two ways. Counting spills to disk beyond its share; and once the distinct keys are known, a
comparison that would not fit is refused with what it needs. Not foreseen are sums and marks over rows of the second
scan (foreign keys and queries by other keys than a strategy's own), and the tables of parents.
Source: METHODOLOGY, "Memory".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa

from assay.errors import MeasurementError, ParameterError
from assay.experiments.distinct import DistinctKeys, Key
from assay.experiments.partitioning.contest import Contest
from assay.experiments.partitioning.narrow import narrow
from assay.units import format_bytes

__all__ = ["PROCESS_BYTES", "THREAD_BYTES", "check_fits", "check_limit", "counting_bytes", "own_bytes", "wanted_bytes"]

PROCESS_BYTES = 160 << 20  # the interpreter and its libraries, before a row is read
THREAD_BYTES = 48 << 20  # the batches of a thread that reads
LEARNING_BYTES = 24  # a distinct key of one strategy: its order while it is sorted, its place by weight
TABLE_BYTES = 77  # a distinct key that a list finds by a table made for it, while that grows
DIRECTORY_BYTES = 56  # a distinct key that a directory may move
_GROWING = 0.75  # of a table: what it was before it grew, which the allocator of a thread may keep
_HELD_WHEN_SPILT = 4  # what goes to disk is there several times for a moment: joined, hashed, ordered, cut
_NAMED = ("list", "directory")


def own_bytes() -> int:
    """What the process takes whatever the table."""
    return PROCESS_BYTES + THREAD_BYTES * _threads()


def check_limit(limit: int) -> None:
    """Refuses a limit below what the process itself takes.

    Raises:
        ParameterError: It is not above it.
    """
    if limit <= own_bytes():
        raise ParameterError(
            f"memory_limit is {format_bytes(limit)}; expected more than the {format_bytes(own_bytes())} that reading "
            "and counting take on this machine before a key is kept: raise it, or leave it out"
        )


def counting_bytes(limit: int) -> int:
    """What each of the threads that count side by side may hold before it writes to disk."""
    return max(1, (limit - own_bytes()) // (_HELD_WHEN_SPILT * _threads()))


def _threads() -> int:
    """Those that read a table side by side."""
    return int(pa.cpu_count())


def wanted_bytes(
    distinct: Mapping[Key, DistinctKeys], tables: Mapping[Key, int], contests: Iterable[Contest]
) -> dict[str, int]:
    """What learning and judging all strategies will take at most, part by part.

    Args:
        distinct: The distinct keys with their counts.
        tables: The bytes of the tables that number them; none where they went to disk.
        contests: The strategies.
    """
    keyed = [contest for contest in contests if contest.spec.keyed]
    numbers = sum(len(distinct[contest.spec.columns]) * _number_bytes(contest.partitions) for contest in keyed)
    learning = max((_learning_bytes(contest, distinct, tables) for contest in keyed), default=0)
    keys, found_by = sum(keys.table.nbytes for keys in distinct.values()), sum(tables.values())
    # Any key may occur among the rows of each thread.
    again = int((_threads() - 1) * (keys + found_by) + _threads() * _GROWING * found_by) if tables else 0
    return {
        "the process and its batches": own_bytes(),
        "the distinct keys with their counts": keys,
        "the tables that find them": found_by,
        "their partitions under each strategy": numbers,
        "one strategy while it is learned, or what other threads have counted": max(learning, again - numbers),
    }


def check_fits(
    limit: int, distinct: Mapping[Key, DistinctKeys], tables: Mapping[Key, int], contests: Iterable[Contest]
) -> None:
    """Refuses a comparison that would not fit the limit.

    Raises:
        MeasurementError: It would take more.
    """
    wanted = wanted_bytes(distinct, tables, contests)
    whole = sum(wanted.values())
    if whole <= limit:
        return
    most = max(distinct, key=lambda key: len(distinct[key]))
    parts = ", ".join(f"{format_bytes(size)} for {what}" for what, size in wanted.items() if size)
    raise MeasurementError(
        f"memory_limit is {format_bytes(limit)}, and this comparison needs about {format_bytes(whole)}: {parts}; "
        f"{', '.join(most)} has {len(distinct[most]):,} distinct values; raise memory_limit, compare fewer strategies "
        "at once, or choose a key with fewer values"
    )


def _number_bytes(partitions: int) -> int:
    return narrow(np.empty(0, np.uint32), partitions).dtype.itemsize


def _learning_bytes(contest: Contest, distinct: Mapping[Key, DistinctKeys], tables: Mapping[Key, int]) -> int:
    """What the strategy's own key takes while it is learned, verified and changed; partitions before and after."""
    spec = contest.spec
    each = LEARNING_BYTES + 3 * _number_bytes(2 * contest.partitions)
    names = {leaf.name for leaf in spec.leaves}
    if names & set(_NAMED) and spec.columns not in tables:
        each += TABLE_BYTES
    if "directory" in names:
        each += DIRECTORY_BYTES
    return len(distinct[spec.columns]) * each
