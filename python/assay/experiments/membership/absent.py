"""Keys that a filter does not hold: held out of the column, or made up in its likeness.

A key that is made up looks like those of the column, since a hash function that is weak on such keys shows there:
numbers lie between the least and the greatest (or as far beyond as must be, where few are free there), texts end
otherwise than a key does. None is a key, and none occurs twice: both are looked up. Cost: some 100 ns a key.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay import _core
from assay.datasets.splitmix import Integers, draws, unit_interval
from assay.experiments.distinct import numpy_of

__all__ = ["made_up", "shuffled"]

_ROOM = 4  # times the keys wanted must be free, so that few draws are in vain
_TRIES = 8
_LAST = 3  # characters of a text that are drawn anew, at first
_LONGEST = 12
_SAMPLED = 4_096  # texts whose last characters are an alphabet


def shuffled(count: int, seed: int, stream: int) -> np.ndarray:
    """The numbers below `count` in an order that follows from seed and stream."""
    return np.argsort(draws(seed, np.arange(count, dtype=np.uint64), stream=stream), kind="stable")


def made_up(keys: pa.Array, count: int, seed: int) -> pa.Array:
    """Up to `count` distinct values of the keys' type that are none of them.

    Args:
        keys: Distinct, not null, in their plain type, at least one.
        count: How many are wanted; fewer come where the type has no more, and none of types that cannot be drawn.
        seed: Other values of the same likeness.
    """
    table = _core.KeyTable()
    table.insert(keys)
    found: list[pa.Array] = []
    missing = count
    for attempt, candidates in enumerate(_candidates(keys, seed)):
        drawn = candidates(missing + missing // 8 + 16, attempt)
        _, fresh = table.insert(drawn)
        found.append(drawn.take(fresh[:missing]))
        missing -= len(found[-1])
        if missing == 0 or attempt == _TRIES:
            break
    return pa.concat_arrays(found) if found else keys[:0]


Draw = Callable[[int, int], pa.Array]  # how many, and which attempt it is


def _candidates(keys: pa.Array, seed: int) -> Iterator[Draw]:
    """One way to draw candidates after another, each of more values than the last; none for a type without."""
    kind: Any = keys.type
    types: Any = pa.types
    if types.is_date64(kind):  # milliseconds, of whole days only
        for days in _candidates(keys.cast(pa.date32()), seed):
            yield _cast(days, kind)
    elif types.is_large_string(kind) or types.is_large_binary(kind):
        yield from _texts(keys, seed)
    elif types.is_fixed_size_binary(kind) and not types.is_decimal(kind):
        if kind.byte_width:
            yield from _fixed(keys, seed)
    elif types.is_floating(kind):
        yield from _floats(keys, seed)
    elif types.is_decimal128(kind):
        most = 10 ** min(kind.precision, 18) - 1  # what 64 bits hold of them
        yield from _numbers(keys, seed, -most, most)
    elif types.is_integer(kind) or types.is_temporal(kind):
        bits = kind.bit_width
        signed = not types.is_unsigned_integer(kind)
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        if types.is_date32(kind):
            low, high = -(10**8), 10**8  # as far as milliseconds hold them
        elif types.is_time(kind):
            low, high = 0, 86_400 * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit] - 1
        yield from _numbers(keys, seed, low, high)


def _cast(draw: Draw, kind: pa.DataType) -> Draw:
    return lambda count, stream: draw(count, stream).cast(kind)


def _numbers(keys: pa.Array, seed: int, lowest: int, highest: int) -> Iterator[Draw]:
    """Whole numbers between the least and the greatest key, then from ever wider ranges around them."""
    ends = pc.min_max(keys)
    low, high = max(lowest, _whole(ends["min"])), min(highest, _whole(ends["max"]))
    if low > high:  # decimals beyond 64 bits
        low, high = lowest, highest
    for _ in range(_TRIES + 1):

        def draw(count: int, stream: int) -> pa.Array:
            nonlocal low, high
            while high - low + 1 - len(keys) < _ROOM * count and (low > lowest or high < highest):
                width = high - low + 1
                low, high = max(lowest, low - (width + 1) // 2), min(highest, high + width)
            rows = np.arange(count, dtype=np.uint64)
            bits = draws(seed, rows, stream=100 + stream)
            offsets = bits if high - low >= 2**64 - 1 else bits % np.uint64(high - low + 1)
            with np.errstate(over="ignore"):  # two's complement: the sum is right modulo 2^64
                return _of_numbers(np.uint64(low % 2**64) + offsets, keys.type)

        yield draw


def _whole(value: pa.Scalar) -> int:
    """A number, an instant or a decimal as the integer that is stored."""
    if pa.types.is_decimal(value.type):
        with decimal.localcontext(prec=80):
            return int(value.as_py().scaleb(value.type.scale))
    width = value.type.bit_width
    return int(
        value.cast(value.type if pa.types.is_integer(value.type) else pa.int32() if width == 32 else pa.int64()).as_py()
    )


def _of_numbers(bits: Integers, kind: pa.DataType) -> pa.Array:
    """Stored integers, modulo 2^64, as values of a type."""
    if pa.types.is_decimal(kind):
        signed = bits.view(np.int64)
        both = np.stack([signed, signed >> np.int64(63)], axis=1)
        return pa.Array.from_buffers(kind, len(bits), [None, pa.py_buffer(np.ascontiguousarray(both))])
    narrow = bits.astype(np.dtype(f"u{kind.bit_width // 8}"))
    return pa.Array.from_buffers(kind, len(bits), [None, pa.py_buffer(narrow)])


def _floats(keys: pa.Array, seed: int) -> Iterator[Draw]:
    """Floats between the least and the greatest finite key, and as far beyond."""
    values = numpy_of(keys).astype(np.float64)
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    middle, half = low / 2 + high / 2, max(high / 2 - low / 2, 1.0)
    for _ in range(_TRIES + 1):

        def draw(count: int, stream: int) -> pa.Array:
            unit = unit_interval(draws(seed, np.arange(count, dtype=np.uint64), stream=100 + stream))
            return pa.array(middle + (4 * unit - 2) * half).cast(keys.type, safe=False)

        yield draw


def _texts(keys: pa.Array, seed: int) -> Iterator[Draw]:
    """Keys whose last characters are drawn anew, from those that the last ones of keys are; ever more of them."""
    text = pa.types.is_large_string(keys.type)
    cut = pc.utf8_slice_codeunits if text else pc.binary_slice
    ends = cut(keys[:_SAMPLED], -_LAST).to_pylist()
    letters: list[Any] = sorted({letter for end in ends for letter in (end if text else _bytes(end))})
    if len(letters) < 10:
        letters = list("0123456789") if text else _bytes(bytes(range(256)))
    alphabet = pa.array(letters, keys.type)
    nothing = pa.scalar("" if text else b"", keys.type)
    for length in range(_LAST, _LONGEST + 1):

        def draw(count: int, stream: int, length: int = length) -> pa.Array:
            rows = np.arange(count, dtype=np.uint64)
            bits = draws(seed, rows, stream=100 + stream)
            parts = [cut(keys.take(pa.array(bits % np.uint64(len(keys)))), 0, -_LAST)]
            for place in range(length):
                chosen = draws(seed, rows, stream=1_000 + 100 * stream + place) % np.uint64(len(letters))
                parts.append(alphabet.take(pa.array(chosen)))
            return pc.binary_join_element_wise(*parts, nothing)

        yield draw


def _bytes(value: bytes) -> list[bytes]:
    return [bytes([byte]) for byte in value]


def _fixed(keys: pa.Array, seed: int) -> Iterator[Draw]:
    """Keys of a fixed width whose last bytes, up to eight, are drawn anew."""
    width = keys.type.byte_width
    last = min(width, 8)
    plain = keys if keys.offset == 0 else pa.concat_arrays([keys])
    matrix = np.frombuffer(plain.buffers()[1], np.uint8)[: len(keys) * width].reshape(len(keys), width)
    for _ in range(_TRIES + 1):

        def draw(count: int, stream: int) -> pa.Array:
            rows = np.arange(count, dtype=np.uint64)
            made = matrix[(draws(seed, rows, stream=100 + stream) % np.uint64(len(keys))).astype(np.int64)]
            made[:, width - last :] = draws(seed, rows, stream=200 + stream).view(np.uint8).reshape(count, 8)[:, :last]
            return pa.Array.from_buffers(keys.type, count, [None, pa.py_buffer(np.ascontiguousarray(made))])

        yield draw
