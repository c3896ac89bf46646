"""The instances of each operation on a key, drawn from its own values.

What asks for one key, a list or a window draws among the distinct instances, which all count alike (METHODOLOGY,
"Queries"); what a log asks is drawn as often as it was asked. Keys that are not there are made in the likeness of
those that are. A range of so many rows starts at any key and ends with the one that completes them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.datasets.splitmix import draws, unit_interval
from assay.experiments.distinct import DistinctKeys, numpy_of
from assay.experiments.indexing.keys import KeyRows
from assay.experiments.indexing.log import logged_question
from assay.experiments.indexing.operations import Operation
from assay.experiments.indexing.questions import InOrder, Lists, Lookups, Question, Ranges
from assay.experiments.membership.absent import made_up
from assay.experiments.partitioning.queries import instances_of

__all__ = ["DRAWN", "absent_keys", "hits", "misses", "question_of", "ranges_of_rows"]

DRAWN = 20_000  # instances of a question: more than a cache holds the paths of

_HITS, _MISSES, _POINTS, _ABSENT, _RANGES, _LISTS, _WINDOWS, _PREFIXES, _JOINS = range(10, 19)  # streams of the seed


def _draw(count: int, seed: int, stream: int, wanted: int | None = None) -> np.ndarray:
    """So many of the numbers below `count`, alike likely (int64); as many as a question has where not told."""
    rows = DRAWN if wanted is None else wanted
    shares = unit_interval(draws(seed, np.arange(rows, dtype=np.uint64), stream=stream))
    return np.minimum((shares * count).astype(np.int64), count - 1)


def _askable(key: KeyRows) -> np.ndarray:
    """The numbers of the distinct keys without a null part, which a question can spell."""
    return np.flatnonzero(~key.has_null)


def hits(key: KeyRows, seed: int, stream: int = _HITS) -> Lookups:
    """Keys that are there."""
    usable = _askable(key)
    numbers = usable[_draw(len(usable), seed, stream)] if len(usable) else usable
    return Lookups(key, key.keys(numbers), numbers)


def misses(key: KeyRows, seed: int) -> Lookups | None:
    """Keys that are not there; None where the types have no other values."""
    keys = absent_keys(key, min(DRAWN, max(1_000, key.distinct)), seed + _MISSES)
    return None if not len(keys) else Lookups(key, keys, np.full(len(keys), -1, np.int64))


def absent_keys(key: KeyRows, count: int, seed: int) -> Any:
    """Up to so many keys that are not there; of a compound key those whose last part is not."""
    usable = _askable(key)
    last = key.columns[-1].take(pa.array(key.distinct_rows[usable])).unique()
    made = made_up(last, count, seed) if len(last) else last
    if len(key.columns) == 1:
        return made
    chosen = key.distinct_rows[usable[_draw(len(usable), seed, _ABSENT, len(made))]] if len(made) else np.zeros(0, int)
    fronts = [column.take(pa.array(chosen)) for column in key.columns[:-1]]
    return pa.table([*fronts, made], names=list(key.names))


def ranges_of_rows(key: KeyRows, rows: int, seed: int) -> Ranges | None:
    """Ranges of as many keys as hold so many rows; None where there are fewer rows."""
    usable = _askable(key)
    if key.indexed < rows or not len(usable):
        return None
    last = int(np.searchsorted(key.starts, key.indexed - rows, side="right"))  # one that starts later has too few
    from_first = usable[usable < max(1, last)]
    first = from_first[_draw(len(from_first), seed, _RANGES)] if len(from_first) else usable[:1]
    beyond = np.searchsorted(key.starts, key.starts[first] + rows).astype(np.int64)
    beyond = np.minimum(np.maximum(beyond, first + 1), key.distinct)
    usable_end = (
        usable[np.searchsorted(usable, beyond - 1, side="right") - 1] + 1
    )  # ends with a key that can be spelled
    beyond = np.maximum(usable_end, first + 1)
    return Ranges(key, key.keys(first), key.keys(beyond - 1), first, beyond)


def question_of(operation: Operation, key: KeyRows, *, absent_share: float, seed: int) -> Question | None:
    """The instances of an operation on a key whose columns it asks for; None where there are none."""
    kind = operation.kind
    if operation.template is not None:
        return logged_question(operation.template, key, DRAWN, seed)
    if kind == "top_k":
        return InOrder(key, operation.number("k"), operation.descending)
    if kind == "order_by":
        return InOrder(key)
    if not len(_askable(key)):
        return None
    if set(operation.columns) != set(key.names):
        return _beginning(key, len(operation.columns), seed)
    if kind == "point":
        return _points(key, absent_share, seed)
    if kind == "in_list":
        return _lists(key, operation.number("size"), seed)
    if kind == "join_probe":
        asked = hits(key, seed, _JOINS)
        size = min(operation.number("size"), len(asked))
        return Lists(asked, np.arange(len(asked) // size + 1, dtype=np.int64) * size)
    if kind == "prefix":
        length = operation.number("length")
        return _beginning(key, length, seed) if len(key.names) > 1 else _texts(key, length, seed)
    if operation.query is not None:
        return _windows(operation, key, seed)
    return ranges_of_rows(key, operation.number("rows"), seed)


def _points(key: KeyRows, absent_share: float, seed: int) -> Question:
    present = hits(key, seed, _POINTS)
    absent = misses(key, seed) if absent_share else None
    if absent is None:
        return present
    drawn = unit_interval(draws(seed, np.arange(len(present), dtype=np.uint64), stream=_ABSENT)) < absent_share
    places = np.arange(len(present))
    places[drawn] = len(present) + np.arange(int(drawn.sum())) % len(absent)
    both = _joined(present.keys, absent.keys)
    return Lookups(key, both.take(pa.array(places)), np.concatenate((present.numbers, absent.numbers))[places])


def _joined(one: Any, other: Any) -> Any:
    if isinstance(one, pa.Table):
        return pa.concat_tables([one, other.cast(one.schema)]).combine_chunks()
    return pa.concat_arrays([one, other])


def _lists(key: KeyRows, size: int, seed: int) -> Question:
    """Consecutive chunks of the sorted values."""
    usable = _askable(key)
    chunks = -(-len(usable) // size)
    drawn = _draw(chunks, seed, _LISTS, max(1, DRAWN // size))
    parts = [usable[chunk * size : (chunk + 1) * size] for chunk in drawn]
    numbers = np.concatenate(parts)
    offsets = np.concatenate(([0], np.cumsum([len(part) for part in parts]))).astype(np.int64)
    return Lists(Lookups(key, key.keys(numbers), numbers), offsets)


def _windows(operation: Operation, key: KeyRows, seed: int) -> Question | None:
    """Aligned windows that some value falls into."""
    assert operation.query is not None, "a range with a width is a declared query"
    column = key.columns[0].take(pa.array(key.distinct_rows))
    table = pa.table({"k0": column, "rows": pa.array(np.ones(len(column), np.uint8))})
    found = instances_of(operation.query, DistinctKeys(key.names, table))
    if not found.count:
        return None
    window = found.asked.windows[key.names[0]]
    cells = found.of_key.astype(np.int64)
    inside = np.flatnonzero(cells < found.count)  # NaN and infinities are in none
    first = inside[np.searchsorted(cells[inside], np.arange(found.count))]
    beyond = inside[np.searchsorted(cells[inside], np.arange(found.count), side="right") - 1] + 1
    known = np.flatnonzero(numpy_of(window.first.is_valid()) & numpy_of(window.last.is_valid()))
    if not len(known):
        return None
    drawn = known[_draw(len(known), seed, _WINDOWS)]
    taken = pa.array(drawn)
    return Ranges(key, window.first.take(taken), window.last.take(taken), first[drawn], beyond[drawn])


def _texts(key: KeyRows, length: int, seed: int) -> Question | None:
    """Texts that begin alike in so many characters, or in as many as the longest has: from the beginning itself to
    below the least text that is greater than all of them."""
    values = key.columns[0].take(pa.array(key.distinct_rows))
    lengths = pc.utf8_length(values)
    length = min(length, pc.max(lengths).as_py())
    long = np.flatnonzero(numpy_of(pc.greater_equal(lengths, length)))
    encoded = pc.utf8_slice_codeunits(values.take(pa.array(long)), 0, length).dictionary_encode()
    runs = numpy_of(encoded.indices)  # the values ascend, so that those which begin alike are neighbours
    bounds = [(place, text, _above(text)) for place, text in enumerate(encoded.dictionary.to_pylist())]
    bounded = [(place, text, above) for place, text, above in bounds if above is not None]
    if not bounded:
        return None
    chosen = [bounded[place] for place in _draw(len(bounded), seed, _PREFIXES)]
    places = np.array([place for place, _, _ in chosen], np.int64)
    lows, highs = (pa.array([one[side] for one in chosen], values.type) for side in (1, 2))
    first = long[np.searchsorted(runs, places)]
    beyond = long[np.searchsorted(runs, places, side="right") - 1] + 1
    return Ranges(key, lows, highs, first.astype(np.int64), beyond.astype(np.int64), "left")


def _above(text: str) -> str | None:
    """The least text above all that begin with this one; None where there is none."""
    for place in range(len(text) - 1, -1, -1):
        code = ord(text[place]) + 1
        code = 0xE000 if 0xD800 <= code < 0xE000 else code  # surrogates are no text
        if code <= 0x10FFFF:
            return text[:place] + chr(code)
    return None


def _beginning(key: KeyRows, columns: int, seed: int) -> Question | None:
    """The keys that begin alike: ranges whose ends are the first columns of a compound key."""
    front = KeyRows(key.names[:columns], tuple(one.take(pa.array(key.distinct_rows)) for one in key.columns[:columns]))
    # Distinct keys are in order, so that those with one front are neighbours.
    usable = np.flatnonzero(~front.has_null)
    if not len(usable):
        return None
    # A null front is the last one, and has the number -1 where all of its parts are null.
    numbers = np.where(front.numbers < 0, front.distinct, front.numbers)
    first = np.searchsorted(numbers, np.arange(front.distinct))
    beyond = np.searchsorted(numbers, np.arange(front.distinct), side="right")
    chosen = usable[_draw(len(usable), seed, _PREFIXES)]
    ends = front.keys(chosen)
    return Ranges(key, ends, ends, first[chosen], beyond[chosen])
