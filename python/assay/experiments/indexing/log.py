"""A query log as a workload: what its templates ask and change, and the instances that it names.

A statement whose conditions join by AND is answered by an index of columns that all are equal to given values, or of
the one column whose bounds it gives; what its other conditions leave out of the rows found is not timed. A statement
that changes rows finds them first: it is a read and a write. An UPDATE concerns the keys whose columns it sets.
Source: METHODOLOGY, "Workload".
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from assay.datasets.splitmix import draws, unit_interval
from assay.datasets.workload import Template, Window, Workload, array_of
from assay.experiments.indexing.keys import KeyRows, plain_float
from assay.experiments.indexing.operations import Operation
from assay.experiments.indexing.questions import Lists, Lookups, Question, Ranges

__all__ = ["logged_question", "operations_of"]

_STREAM = 50  # of the seed


def operations_of(log: Workload) -> list[Operation]:
    """The operations of a log, each weighed by how often it was done."""
    found: list[Operation] = []
    writes = dict.fromkeys(("insert", "delete"), 0)
    for template in log.templates:
        if template.kind in writes:
            writes[template.kind] += template.frequency
        if template.kind == "insert" or not template.columns:
            continue
        name = template.name.replace(".", "_")
        if template.assumed is not None:
            query = template.assumed
            numbers = () if query.size is None else (("size", query.size),)
            found.append(Operation(name, query.kind, query.columns, float(template.frequency), numbers, query))
        else:
            kind = "point" if template.points else "range"
            columns = template.points or template.windows
            found.append(Operation(name, kind, columns, float(template.frequency), template=template))
    found += [Operation(kind, kind, (), float(count)) for kind, count in writes.items() if count]
    return [*found, *_updates(log)]


def _updates(log: Workload) -> list[Operation]:
    """The updates, by the columns that they set; those of none are of another table."""
    found: list[Operation] = []
    for columns, count in log.updates.items():
        if columns:
            name = "_".join(["update", *columns]).replace(".", "_")
            name = name if all(one.name != name for one in found) else f"{name}_{len(found)}"
            found.append(Operation(name, "update", columns, float(count)))
    return found


def logged_question(template: Template, key: KeyRows, count: int, seed: int) -> Question | None:
    """What a log asks of a key: `count` instances, drawn as often as asked; None where none finds anything."""
    usable = [place for place, bound in enumerate(template.instances) if not bound.is_impossible]
    if not usable:
        return None
    weights = np.array([template.frequencies[place] for place in usable], np.float64)
    ends = np.cumsum(weights)
    shares = unit_interval(draws(seed, np.arange(count, dtype=np.uint64), stream=_STREAM))
    drawn = np.minimum(np.searchsorted(ends, shares * ends[-1], side="right"), len(usable) - 1)
    if set(key.names) <= set(template.points):
        return _lookups(template, key, usable, drawn)
    return _ranges(template, key, usable, drawn)


def _lookups(template: Template, key: KeyRows, usable: Sequence[int], drawn: np.ndarray) -> Question:
    rows: list[tuple[object, ...]] = []
    offsets = [0]
    for place in usable:  # a list for each column; a compound key is each combination of them
        points = dict(template.instances[place].points)
        rows += itertools.product(*(points[name] for name in key.names))
        offsets.append(len(rows))
    columns = [
        plain_float(array_of([row[number] for row in rows], column.type)).cast(column.type)
        for number, column in enumerate(key.columns)
    ]
    asked = KeyRows(key.names, tuple(columns))
    numbers = _numbers(key, asked)
    starts, lengths = np.array(offsets[:-1]), np.diff(offsets)
    taken = np.concatenate([np.arange(starts[place], starts[place] + lengths[place]) for place in drawn])
    lookups = Lookups(key, asked.taken(taken), numbers[taken])
    if (lengths == 1).all():
        return lookups
    return Lists(lookups, np.concatenate(([0], np.cumsum(lengths[drawn]))).astype(np.int64))


def _numbers(key: KeyRows, asked: KeyRows) -> np.ndarray:
    """The number of each key that is asked for among the distinct ones; -1 where it is none of them."""
    distinct = [column.take(pa.array(key.distinct_rows)) for column in key.columns]
    both = KeyRows(
        key.names, tuple(pa.concat_arrays([one, other]) for one, other in zip(distinct, asked.columns, strict=True))
    )
    known, wanted = both.numbers[: key.distinct], both.numbers[key.distinct :]
    places = np.minimum(np.searchsorted(known, wanted), key.distinct - 1)
    return np.where(known[places] == wanted, places, -1)


def _ranges(template: Template, key: KeyRows, usable: Sequence[int], drawn: np.ndarray) -> Question | None:
    """Bounds as the nearest keys within them, so that an open end and a missing one need no verb of their own."""
    column = key.columns[0]
    windows = [dict(template.instances[place].windows)[key.names[0]] for place in usable]
    first, beyond = _places(key, column, windows)
    drawn = drawn[(first < beyond)[drawn]]
    if not len(drawn):
        return None
    first, beyond = first[drawn], beyond[drawn]
    return Ranges(key, key.keys(first), key.keys(beyond - 1), first, beyond)


def _places(key: KeyRows, column: pa.Array, windows: Sequence[Window]) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of the keys within each window: from the first to beyond the last."""
    distinct = column.take(pa.array(key.distinct_rows))
    ends = []
    for side in ("low", "high"):
        bounds = array_of([getattr(window, side) for window in windows], column.type).cast(column.type)
        ends.append(KeyRows(key.names, (pa.concat_arrays([distinct, plain_float(bounds)]),)).numbers)
    (of_low, low), (of_high, high) = ((one[: key.distinct], one[key.distinct :]) for one in ends)
    first = np.where(low < 0, 0, np.searchsorted(of_low, low))
    is_open = np.array([window.high_open for window in windows])
    closed, open_ = np.searchsorted(of_high, high, side="right"), np.searchsorted(of_high, high)
    beyond = np.where(high < 0, key.distinct, np.where(is_open, open_, closed))
    return first.astype(np.int64), beyond.astype(np.int64)
