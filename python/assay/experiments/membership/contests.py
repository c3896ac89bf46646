"""One filter on one set of keys at one target rate: what it answers, and what it takes."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from assay.errors import MeasurementError
from assay.experiments.base import Cell, Value
from assay.experiments.membership.keys import KeySet
from assay.experiments.membership.row_groups import Reads
from assay.experiments.membership.settings import Order
from assay.experiments.membership.spelling import Filter, FilterSpec, build
from assay.intervals import rate_interval

__all__ = ["Contest", "group_values", "measure", "no_groups"]

NO_KEYS = "the column's type has no value that is not a key, and too few keys to hold some out"


@dataclass(frozen=True)
class Contest:
    """One cell: a filter, a target rate, how many keys, and how the rows lie in groups."""

    spec: FilterSpec
    rate: float
    key_count: int | None
    order: Order
    cell: Cell

    def built(self, keys: pa.Array, *, threads: int | None = None) -> Filter:
        """The filter of these keys."""
        return build(self.spec, keys, self.rate, threads=threads)


def measure(contest: Contest, asked: KeySet) -> list[Value]:
    """Rates and sizes.

    Raises:
        MeasurementError: The filter denies a key that it holds.
        ParameterError: It cannot be for this rate or so many keys.
    """
    whole = contest.built(asked.keys)
    _verify(contest, whole, asked.keys)
    kept = whole
    if len(asked.held_out):
        kept = contest.built(asked.kept)
        _verify(contest, kept, asked.kept)
    cell_id = contest.cell.cell_id
    expected = float(kept.expected_false_positive_rate)
    size = int(whole.memory_bytes)
    probes = getattr(whole, "probes", None)
    values = [
        Value(cell_id, "false_negatives", 0),
        Value(cell_id, "keys_held", len(asked.keys)),
        Value(cell_id, "absent_keys_asked", len(asked.absent)),
        Value(cell_id, "bits_per_key", 8 * size / len(asked.keys)),
        Value(cell_id, "memory_bytes", size),
        Value(cell_id, "probes", probes, note=None if probes else "it does not say how many places it looks at"),
        Value(cell_id, "expected_false_positive_rate", expected),
    ]
    return values + _rates(contest, kept, expected, asked)


def _verify(contest: Contest, built: Filter, keys: pa.Array) -> None:
    """A filter that denies a key is none, and has neither a rate nor a time."""
    answers = built.contains(keys)
    denied = len(keys) - (pc.sum(answers).as_py() or 0)
    if denied:
        first = keys[pc.index(answers, False).as_py()].as_py()
        raise MeasurementError(
            f"{contest.spec.text} denies {denied:,} of {len(keys):,} keys that it holds, such as {first!r}"
        )


def _rates(contest: Contest, built: Filter, expected: float, asked: KeySet) -> list[Value]:
    cell_id, absent = contest.cell.cell_id, asked.absent
    names = ("false_positive_rate", "false_positive_rate_over_theory", "false_positive_rate_over_target")
    if not len(absent):
        return [Value(cell_id, name, None, note=NO_KEYS) for name in names]
    hits = int(pc.sum(built.contains(absent)).as_py() or 0)
    rate, (low, high) = hits / len(absent), rate_interval(hits, len(absent))
    how = f"{len(asked.held_out):,} were held out, {len(asked.made_up):,} made up"
    note = f"{hits:,} of {len(absent):,} absent keys; {how}"
    values = [Value(cell_id, names[0], rate, low, high, note)]
    for name, divisor in zip(names[1:], (expected, contest.rate), strict=True):
        if divisor:
            values.append(Value(cell_id, name, rate / divisor, low / divisor, high / divisor))
        else:
            values.append(Value(cell_id, name, None, note="theory expects no yes at all"))
    return values


_OF_GROUPS = (
    "row_groups",
    "row_groups_read_by_min_max",
    "row_groups_read_mean",
    "row_groups_read_at_best",
    "pruned_bytes_share_by_min_max",
    "pruned_bytes_share",
    "filter_bytes",
    "filter_bytes_share",
    "filter_bytes_read_mean",
    "bytes_saved_mean",
)


def group_values(contest: Contest, reads: Reads, note: str | None) -> list[Value]:
    """What the queries read."""
    table = reads.table_bytes
    numbers = (
        reads.groups,
        reads.by_min_max,
        reads.with_filter,
        reads.at_best,
        1 - reads.bytes_by_min_max / table if table else None,
        1 - reads.bytes_with_filter / table if table else None,
        reads.filter_bytes,
        reads.filter_bytes / table if table else None,
        reads.filter_bytes_read,
        reads.bytes_by_min_max - reads.bytes_with_filter - reads.filter_bytes_read,
    )
    cell_id = contest.cell.cell_id
    return [
        Value(cell_id, name, number, note=note if name == "row_groups_read_mean" else None)
        for name, number in zip(_OF_GROUPS, numbers, strict=True)
    ]


def no_groups(contest: Contest, why: str) -> list[Value]:
    """The values of row groups where there are none to speak of."""
    return [Value(contest.cell.cell_id, name, None, note=why) for name in _OF_GROUPS]
