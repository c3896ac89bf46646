"""The grid of an advice: strategies for each key, and numbers of partitions.

For a key: hash, ring, jump and range; modulo of one integer column; list and directory where the values are few. A
pair of columns: hash and jump. Beside them a range of the time, a list combined with a hash of the best key, and round
robin, which keeps nothing together.

Numbers of partitions are the user's, or steps of 1, 2, 3, 4, 6, 8, 12, 16, 24, ... (2^k and 3·2^k, which many numbers
of nodes divide): the five from the least on that the limits allow, if a partition may hold so many bytes or a node more
may move so much; 8, 16, 32 and 64 if neither is limited.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from assay.datasets import Dataset
from assay.datasets.spelling import quote_name
from assay.errors import EmptyInputError, ParameterError
from assay.experiments.partitioning.advise.keys import (
    LIST_DISTINCT_AT_MOST,
    Key,
    KeyChoice,
    choose_keys,
    few_valued,
    time_column,
)
from assay.experiments.partitioning.limits import Limits
from assay.experiments.partitioning.settings import MOST_PARTITIONS, PartitioningSettings
from assay.experiments.partitioning.table_sample import Sample, row_bytes_of, take_sample
from assay.units import format_bytes

__all__ = ["Grid", "plan_grid"]

PLAIN_COUNTS = (8, 16, 32, 64)
STEPS = 5


@dataclass(frozen=True)
class Grid:
    """What an advice tries, and why: candidates, numbers of partitions, and what was assumed."""

    strategies: tuple[str, ...]
    counts: tuple[int, ...]  # ascending
    choice: KeyChoice = field(default_factory=lambda: KeyChoice((), {}))
    notes: tuple[str, ...] = ()
    time: str | None = None  # the column by which growth is replayed


def plan_grid(dataset: Dataset, settings: PartitioningSettings) -> Grid:
    """The candidates for a table under the user's limits.

    Raises:
        UnknownNameError: The table has no such column.
        ParameterError: A limit asks for more partitions than there may be, or cannot be judged.
        EmptyInputError: No column can be a key.
    """
    for name in settings.keys:
        dataset.column(name)
    limits = Limits.of(settings)
    sample = take_sample(dataset, settings.weight)
    counts, notes = _counts(sample, settings, limits)
    time = settings.time or time_column(sample)
    if limits.growth_skew_max is not None and time is None:
        raise ParameterError(
            f"growth_skew_max is {limits.growth_skew_max:g}, but {dataset.name} has no column of times or dates by "
            "which growth could be replayed; name a column that ascends: time = ..."
        )
    if settings.strategies:
        return Grid(tuple(settings.strategies), counts, notes=notes, time=time)
    choice = choose_keys(sample, settings.keys, counts, limits.skew_max)
    found = tuple(dict.fromkeys(_strategies(sample, choice, bool(settings.keys))))
    if not choice.keys and found == ("round_robin",):
        shown = "; ".join(f"{name}: {reason}" for name, reason in choice.rejected.items())
        raise EmptyInputError(
            f"{dataset.name} has no column that can be a key ({shown}); name one with key, or name strategies"
        )
    if sample.words:
        notes = (*notes, f"Keys were chosen by {sample.words}; candidates are measured on all rows.")
    return Grid(found, counts, choice, notes, time)


def _strategies(sample: Sample, choice: KeyChoice, given: bool) -> Iterator[str]:
    schema = sample.data.schema
    for key in choice.keys:
        columns = ", ".join(quote_name(name) for name in key)
        yield f"hash({columns})"
        yield f"jump({columns})"
        if len(key) > 1:
            continue
        yield f"ring({columns}, virtual_nodes=128)"
        yield f"range({columns})"
        if pa.types.is_integer(schema.field(key[0]).type):
            yield f"modulo({columns})"
        if choice.facts[key].distinct <= LIST_DISTINCT_AT_MOST:
            yield f"list({columns})"
            yield f"directory({columns})"
    best = _single(choice.keys)
    time = time_column(sample)
    if time is not None and (time,) not in choice.keys and not given:
        yield f"range({quote_name(time)})"
    few = few_valued(sample, choice)
    if best is not None and few is not None and few != best and not given:
        yield f"composite(list({quote_name(few)}), hash({quote_name(best)}))"
    yield "round_robin"


def _single(keys: Sequence[Key]) -> str | None:
    return next((key[0] for key in keys if len(key) == 1), None)


def _counts(sample: Sample, settings: PartitioningSettings, limits: Limits) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The numbers of partitions to try, and what they rest on."""
    notes = []
    least, total = 1, 0.0
    if limits.partition_bytes_max is not None:
        size = row_bytes_of(sample.dataset)
        total = size.mean * sample.rows
        least = max(least, math.ceil(total / limits.partition_bytes_max))
        if not settings.bytes:
            notes.append(
                f"Sizes are estimated: {size.mean:.1f} bytes a row, from {size.source}; {format_bytes(total)} in all."
                + ("" if size.stored else " bytes = true (--bytes) measures them.")
            )
    if "partitions" in settings.model_fields_set:
        return tuple(sorted(settings.grid)), tuple(notes)
    if limits.moved_max is not None:
        least = max(least, math.ceil(1 / limits.moved_max - 1 - 1e-9))
    if least > MOST_PARTITIONS:
        what = f"{format_bytes(total)} need {least:,} partitions"
        raise ParameterError(
            f"partition_bytes_max is {settings.partition_bytes_max}, and {what}; expected at most {MOST_PARTITIONS:,} "
            "partitions: allow more bytes in one"
            if limits.moved_max is None or 1 / limits.moved_max - 1 <= MOST_PARTITIONS
            else f"moved_max is {limits.moved_max:g}, for which even the best strategy needs {least:,} partitions; "
            f"expected at most {MOST_PARTITIONS:,}: allow more to move"
        )
    if limits.partition_bytes_max is None and limits.moved_max is None:
        shown = ", ".join(map(str, PLAIN_COUNTS))
        notes.append(
            f"No limit asks for a least number of partitions, so that the fewest of those tried ({shown}) win where "
            "they can; partition_bytes_max, moved_max or partitions say what you need."
        )
        return PLAIN_COUNTS, tuple(notes)
    if limits.partition_bytes_max is not None and total <= limits.partition_bytes_max:
        notes.append(
            f"The whole table, {format_bytes(total)}, would fit into one partition: its size does not ask for any."
        )
    return tuple(_steps(max(2, least))), tuple(notes)


def _steps(least: int) -> list[int]:
    """The first STEPS numbers of the form 2^k or 3·2^k from `least` on.

    >>> _steps(5), _steps(60_000)
    ([6, 8, 12, 16, 24], [65536])
    """
    ladder = sorted({base * 2**power for base in (1, 3) for power in range(17)})
    return [count for count in ladder if least <= count <= MOST_PARTITIONS][:STEPS] or [MOST_PARTITIONS]
