"""Avalanche: what changes in a hash when one bit of its key does.

Each bit of sampled keys is flipped, one at a time. Of an ideal function every flip changes each bit of the hash with
probability 1/2, whatever bit was flipped. Numbers, dates and times are flipped in their own width, text and bytes in
the last 64 bytes, counted from the end, where keys that begin alike differ. Bits of the framing of a compound key, of
null parts and of decimals are not flipped.

Cost: one hash for each flip, and a pass over its bits.
Source: Webster & Tavares 1985 (the strict avalanche criterion); SMHasher3's avalanche test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from assay.experiments.chance import bias_bound
from assay.experiments.distinct import numpy_of
from assay.experiments.hashing.spelling import bytes_of
from assay.intervals import over_seeds

__all__ = ["LAST_BYTES", "Avalanche", "avalanche", "flips"]

LAST_BYTES = 64  # of text and bytes whose bits are flipped

Columns = Sequence[pa.Array]


@dataclass(frozen=True)
class Flip:
    """One bit of a key, flipped in all the keys that have it."""

    label: str  # of the bit: "17", and of a compound key "0.17"
    columns: list[pa.Array]  # of the keys with the bit flipped
    rows: np.ndarray  # which of the keys they are


@dataclass(frozen=True)
class Avalanche:
    """What flipping bits does to the hashes of one function."""

    share: float  # of the hash's bits that change, over all flips
    low: float  # of the 95 % interval over the keys
    high: float
    by_output: np.ndarray  # the share of flips that change each bit of the hash
    by_input: dict[str, float]  # the share of the hash's bits that each bit of the key changes
    output_bound: float  # what the most biased bit of an ideal function stays below
    input_bound: float
    flips: int

    @property
    def output_bias(self) -> float:
        """|2p - 1| of the hash's most biased bit."""
        return float(np.abs(2 * self.by_output - 1).max())

    @property
    def input_bias(self) -> float:
        """|2p - 1| of the key's most biased bit."""
        return max(abs(2 * share - 1) for share in self.by_input.values())


def avalanche(columns: Columns, hashed: Callable[[Columns], pa.Array]) -> Avalanche | None:
    """What flips of the keys do to `hashed`; None where no bit of these keys can be flipped.

    Args:
        columns: The sampled keys, none of them null.
        hashed: The function.
    """
    before = bytes_of(hashed(columns))
    width = 8 * before.shape[1]
    changed_by_output = np.zeros(width, np.int64)
    changed_by_key = np.zeros(len(before), np.int64)
    flips_by_key = np.zeros(len(before), np.int64)
    inputs: dict[str, tuple[int, int]] = {}
    for flip in flips(columns):
        after = bytes_of(hashed(flip.columns))
        changed = np.unpackbits(after ^ before[flip.rows], axis=1, bitorder="little")
        each = changed.sum(axis=1, dtype=np.int64)
        changed_by_output += changed.sum(axis=0, dtype=np.int64)
        changed_by_key[flip.rows] += each
        flips_by_key[flip.rows] += 1
        inputs[flip.label] = int(each.sum()), len(flip.rows)
    total = int(flips_by_key.sum())
    if not total:
        return None
    flipped = flips_by_key > 0
    over_keys = over_seeds((changed_by_key[flipped] / (width * flips_by_key[flipped])).tolist())
    most = max(count for _, count in inputs.values())
    # A bit that few keys are long enough to have says little; it is not the worst one by its bad luck.
    common = {label: (changed, count) for label, (changed, count) in inputs.items() if 2 * count >= most}
    least = min(count for _, count in common.values())
    return Avalanche(
        share=int(changed_by_output.sum()) / (width * total),
        low=over_keys.low,
        high=over_keys.high,
        by_output=changed_by_output / total,
        by_input={label: changed / (width * count) for label, (changed, count) in common.items()},
        output_bound=bias_bound(total, width),
        input_bound=bias_bound(least * width, len(common)),
        flips=total,
    )


def flips(columns: Columns) -> Iterator[Flip]:
    """Every bit of the keys that can be flipped, one at a time."""
    for index, column in enumerate(columns):
        for bit, rows, flipped in _flipped(column):
            whole = [
                flipped if other == index else columns[other].take(pa.array(rows)) for other in range(len(columns))
            ]
            yield Flip(f"{index}.{bit}" if len(columns) > 1 else str(bit), whole, rows)


def _flipped(column: pa.Array) -> Iterator[tuple[int, np.ndarray, pa.Array]]:
    """Bit by bit: its number, the rows that have it, and their values with the bit flipped."""
    kind = column.type
    rows = np.flatnonzero(numpy_of(column.is_valid()))
    valid = column.take(pa.array(rows))
    if pa.types.is_boolean(kind):
        yield 0, rows, pa.array(~numpy_of(valid), kind)
    elif pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        yield from _flipped_bytes(valid.cast(pa.large_binary()), rows)
    elif pa.types.is_fixed_size_binary(kind) and not pa.types.is_decimal(kind):
        for bit, own, flipped in _flipped_bytes(valid.cast(pa.large_binary()), rows):
            yield bit, own, flipped.cast(kind)
    elif pa.types.is_primitive(kind):
        yield from _flipped_words(valid, rows)


def _flipped_bytes(column: pa.Array, rows: np.ndarray) -> Iterator[tuple[int, np.ndarray, pa.Array]]:
    """Bits of the last bytes of each value, counted from its end."""
    lengths = _lengths(column)
    longest = min(LAST_BYTES, int(lengths.max(initial=0)))
    for back in range(longest):
        own = np.flatnonzero(lengths > back)
        values = column.take(pa.array(own))
        ends = np.cumsum(lengths[own])
        content = np.frombuffer(b"".join(values.to_pylist()), np.uint8).copy()
        offsets = pa.py_buffer(np.concatenate(([0], ends)).astype(np.int64))
        for bit in range(8):
            content[ends - 1 - back] ^= np.uint8(1 << bit)
            flipped = pa.LargeBinaryArray.from_buffers(
                pa.large_binary(), len(own), [None, offsets, pa.py_buffer(content.tobytes())]
            )
            yield 8 * back + bit, rows[own], flipped
            content[ends - 1 - back] ^= np.uint8(1 << bit)


def _lengths(column: pa.Array) -> np.ndarray:
    offsets = np.frombuffer(column.buffers()[1], np.int64, count=len(column) + 1, offset=8 * column.offset)
    return np.diff(offsets)


def _flipped_words(column: pa.Array, rows: np.ndarray) -> Iterator[tuple[int, np.ndarray, pa.Array]]:
    """Bits of values of a fixed width, from the lowest on. A float that flips to an equal key is left out."""
    kind = column.type
    if pa.types.is_timestamp(kind) and kind.unit in ("s", "ms"):  # as the µs that are hashed: any of these is in range
        column = column.cast(pa.timestamp("us"))
    elif pa.types.is_date64(kind):  # keys are whole days
        column = column.cast(pa.date32())
    kind = column.type
    width = kind.bit_width
    words = np.frombuffer(column.buffers()[1], f"<u{width // 8}", count=len(column), offset=width // 8 * column.offset)
    for bit in range(width):
        flipped = words ^ words.dtype.type(1 << bit)
        own = np.arange(len(words))
        if pa.types.is_floating(kind):
            floats = [numbers.view(f"<f{width // 8}") for numbers in (words, flipped)]
            equal = (floats[0] == floats[1]) | (np.isnan(floats[0]) & np.isnan(floats[1]))
            own = np.flatnonzero(~equal)
        if len(own):
            content = np.ascontiguousarray(flipped[own])
            yield bit, rows[own], pa.Array.from_buffers(kind, len(own), [None, pa.py_buffer(content.tobytes())])
