"""The Arrow boundary: random arrays of every key type, in every layout, beside a naive reading of the same values.

Sound arrays: sliced, chunked, with nulls over garbage, dictionaries with nulls in indices and values, views. Their
hashes, digests and filters are compared with `xxhash`, `hashlib` and a set over the canonical bytes that
METHODOLOGY.md, "Keys", defines. Broken arrays: offsets, views and indices that point anywhere. They are an error of
assay's or an answer of the right length, never a crash.
"""

from __future__ import annotations

import hashlib
import random
import struct
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import xxhash
from loop import run

import assay
from assay.errors import AssayError

UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1}
INTEGERS = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
FLOATS = [pa.float16(), pa.float32(), pa.float64()]
TEXTS = [pa.string(), pa.large_string(), pa.string_view()]
BINARIES = [pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(5), pa.binary(16)]
TIMES = [
    *(pa.date32(), pa.date64(), pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns")),
    *(pa.timestamp("s"), pa.timestamp("ms", "UTC"), pa.timestamp("us"), pa.timestamp("ns", "Europe/Berlin")),
]
DECIMALS = [pa.decimal32(9, 2), pa.decimal64(18, 3), pa.decimal128(38, 4), pa.decimal128(10, -2), pa.decimal256(30, 7)]
TYPES = [pa.bool_(), *INTEGERS, *FLOATS, *TEXTS, *BINARIES, *TIMES, *DECIMALS]


# Values, and what they are read as


def word(value: int) -> bytes:
    """64 bits, little-endian, whatever the sign."""
    return struct.pack("<Q", value % 2**64)


def canonical(value: Any, kind: pa.DataType) -> bytes:
    """The bytes that METHODOLOGY.md gives a value; times are the integers that Arrow stores."""
    if pa.types.is_boolean(kind):
        return bytes([value])
    if pa.types.is_integer(kind) or pa.types.is_date32(kind):
        return word(value)
    if pa.types.is_floating(kind):
        value = float(value)
        return struct.pack("<d", value + 0.0) if value == value else struct.pack("<Q", 0x7FF8 << 48)
    if pa.types.is_date64(kind):
        return word(value // 86_400_000)
    if pa.types.is_temporal(kind):
        if kind.unit == "ns":
            return word(value // 1000) + (struct.pack("<H", value % 1000) if value % 1000 else b"")
        return word(value * UNITS[kind.unit])
    if pa.types.is_decimal(kind):
        unscaled, scale = int(value.scaleb(kind.scale)), kind.scale
        while scale > 0 and unscaled % 10 == 0:
            unscaled, scale = unscaled // 10, scale - 1
        if scale < 0:
            unscaled, scale = unscaled * 10**-scale, 0
        if scale == 0 and -(2**63) <= unscaled < 2**63:
            return word(unscaled)
        return (unscaled % 2**128).to_bytes(16, "little") + bytes([scale])
    return value.encode() if isinstance(value, str) else bytes(value)


def some_value(chance: random.Random, kind: pa.DataType) -> Any:
    """A value of the type, often an edge of it; times as integers."""
    if pa.types.is_boolean(kind):
        return chance.random() < 0.5
    if pa.types.is_integer(kind):
        low, high = 0, 2**kind.bit_width - 1
        if pa.types.is_signed_integer(kind):
            low, high = -(high // 2) - 1, high // 2
        return chance.choice([low, high, 0, 1, chance.randint(low, high)])
    if pa.types.is_floating(kind):
        some = np.float16(chance.uniform(-9, 9)).item()
        return chance.choice([0.0, -0.0, float("nan"), float("inf"), -float("inf"), 1.0, some])
    if pa.types.is_temporal(kind):
        if pa.types.is_time(kind):
            second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]
            return chance.choice([0, 1, chance.randrange(86_400 * second)])
        reach = 100_000 if kind == pa.date32() else 10**12
        value = chance.choice([0, -1, 1, chance.randint(-reach, reach)])
        return value * 86_400_000 // 10**4 if kind == pa.date64() else value
    if pa.types.is_decimal(kind):
        digits = chance.choice([1, kind.precision, chance.randint(1, kind.precision)])
        unscaled = chance.choice([0, 100, chance.randint(-(10**digits) + 1, 10**digits - 1)])
        return Decimal(unscaled).scaleb(-kind.scale)
    if pa.types.is_fixed_size_binary(kind):
        return chance.randbytes(kind.byte_width)
    length = chance.choice([0, 1, 7, 8, 11, 12, 13, 16, 17, 33, chance.randint(0, 300)])
    if kind in TEXTS:
        return "".join(chance.choices("abcü€\U0001f600\0 ", k=length))
    return chance.randbytes(length)


def plain(values: list[Any], kind: pa.DataType) -> pa.Array:
    """An array of these values, times given as integers."""
    if pa.types.is_temporal(kind):
        stored = pa.int32() if kind.bit_width == 32 else pa.int64()
        return pa.array(values, stored).view(kind)
    return pa.array(values, kind)


# Layouts


def over_garbage(chance: random.Random, array: pa.Array) -> pa.Array:
    """The same values behind an offset, with garbage before, after, and under the nulls."""
    padding = [chance.randrange(0, 20), chance.randrange(0, 20)]
    kind = array.type
    extra = [plain([some_value(chance, kind) for _ in range(count)], kind) for count in padding]
    whole = pa.concat_arrays([extra[0], array.fill_null(array.drop_null()[0]) if fillable(array) else array, extra[1]])
    if not fillable(array):
        return whole.slice(padding[0], len(array))
    validity = [chance.random() < 0.5 for _ in range(padding[0])]
    validity += array.is_valid().to_pylist() + [chance.random() < 0.5 for _ in range(padding[1])]
    buffers = whole.buffers()
    buffers[0] = pa.py_buffer(np.packbits(validity, bitorder="little").tobytes())
    return pa.Array.from_buffers(kind, len(array), buffers, offset=padding[0])


def fillable(array: pa.Array) -> bool:
    """Whether nulls can be filled, so that what lies under them is a value."""
    is_filled_by_arrow = not pa.types.is_decimal(array.type) and "view" not in str(array.type)
    return is_filled_by_arrow and array.null_count < len(array)


def in_a_dictionary(chance: random.Random, array: pa.Array) -> pa.Array:
    """The same values by indices into a shuffled dictionary with a null and unused entries."""
    values = array.to_pylist() if not pa.types.is_temporal(array.type) else integers_of(array)
    entries = [*values, None, some_value(chance, array.type)]
    order = list(range(len(entries)))
    chance.shuffle(order)
    dictionary = plain([entries[position] for position in order], array.type)
    place = {position: number for number, position in enumerate(order)}
    indices = [None if value is None and chance.random() < 0.5 else place[row] for row, value in enumerate(values)]
    width = chance.choice([pa.int16(), pa.int32(), pa.int64(), pa.uint16(), pa.uint32(), pa.uint64()])
    return pa.DictionaryArray.from_arrays(pa.array(indices, width), dictionary)


def integers_of(array: pa.Array) -> list[Any]:
    """What is stored of times."""
    return array.view(pa.int32() if array.type.bit_width == 32 else pa.int64()).to_pylist()


def chunked(chance: random.Random, array: pa.Array) -> pa.ChunkedArray:
    """The same array, cut."""
    cuts = sorted(chance.choices(range(len(array) + 1), k=chance.randint(0, 3)))
    ranges = zip([0, *cuts], [*cuts, len(array)], strict=True)
    return pa.chunked_array([array[start:end] for start, end in ranges], array.type)


LAYOUTS: list[Callable[[random.Random, pa.Array], Any]] = [
    lambda _, array: array,
    over_garbage,
    in_a_dictionary,
    chunked,
    lambda chance, array: chunked(chance, over_garbage(chance, array)),
    lambda chance, array: in_a_dictionary(chance, array).slice(0),
]


def sound(chance: random.Random) -> None:
    """A sound array against its values."""
    kind = chance.choice(TYPES)
    rows = chance.choice([0, 1, 2, 63, 64, 65, 127, 300])
    distinct = [some_value(chance, kind) for _ in range(chance.choice([1, 3, rows + 1]))]
    missing = chance.choice([0, 0.1, 0.9, 1])
    values = [None if chance.random() < missing else chance.choice(distinct) for _ in range(rows)]
    keys = chance.choice(LAYOUTS)(chance, plain(values, kind))
    if pa.types.is_float16(kind) or pa.types.is_float32(kind):
        values = [None if value is None else np.dtype(kind.to_pandas_dtype()).type(value).item() for value in values]
    wanted = [None if value is None else canonical(value, kind) for value in values]
    seed, threads = chance.choice([0, 1, 2**63]), chance.choice([1, 2])
    for name, oracle in (("xxh3_64", xxhash.xxh3_64_intdigest), ("xxh64", xxhash.xxh64_intdigest)):
        found = assay.hash(keys, name, seed=seed, threads=threads).to_pylist()
        assert found == [None if form is None else oracle(form, seed) for form in wanted], (name, kind, values)
    algorithm = chance.choice(["md5", "sha1", "sha256", "sha512"])
    found = assay.digest(keys, algorithm, threads=threads).to_pylist()
    digests = [None if form is None else hashlib.new(algorithm, form).digest() for form in wanted]
    assert found == digests, (algorithm, kind, values)
    if any(form is not None for form in wanted):
        held = assay.BloomFilter.build(keys, layout="standard")
        answers = held.contains(keys, threads=threads).to_pylist()
        assert answers == [None if form is None else True for form in wanted], (kind, values)


# Broken arrays


def broken(chance: random.Random) -> None:
    """Offsets, views or indices that point anywhere: an error of ours, or as many answers as rows."""
    rows, body = chance.choice([1, 2, 64, 70]), chance.randbytes(chance.choice([0, 1, 16, 100]))

    def anywhere(width: int) -> list[int]:
        high = 2 ** (8 * width - 1)
        points = [0, 1, len(body), len(body) + 1, -1, high - 1, -high]
        inside = range(len(body) + 1)
        return [chance.choice(points if chance.random() < 0.3 else inside) for _ in range(rows + 1)]

    shape = chance.randrange(3)
    try:
        if shape == 0:
            kinds = {4: [pa.binary(), pa.string()], 8: [pa.large_binary(), pa.large_string()]}
            width = chance.choice([4, 8])
            kind = chance.choice(kinds[width])
            offsets = np.array(anywhere(width), f"i{width}").tobytes()
            keys = pa.Array.from_buffers(kind, rows, [None, pa.py_buffer(offsets), pa.py_buffer(body)])
        elif shape == 1:
            words = np.array(anywhere(4) * 4, "i4")[: 4 * rows].tobytes()
            buffers = [None, pa.py_buffer(words), *[pa.py_buffer(body)] * chance.randrange(3)]
            keys = pa.Array.from_buffers(chance.choice([pa.string_view(), pa.binary_view()]), rows, buffers)
        else:
            width = chance.choice([1, 2, 4, 8])
            limit = 2 ** (8 * width - 1)
            points = [min(max(point, -limit), limit - 1) for point in anywhere(width)][:rows]
            index = pa.array(points, getattr(pa, f"int{8 * width}")())
            keys = pa.DictionaryArray.from_arrays(index, pa.array(["a", None, "b"]), safe=False)
    except (pa.ArrowException, ValueError):
        return  # pyarrow would not make it
    for use in (assay.hash, assay.digest, lambda column: assay.BloomFilter.build(column).contains(column)):
        try:
            answer = use(keys)
        except AssayError:
            continue
        assert len(answer) == rows


def case(chance: random.Random) -> None:
    """A sound array, or now and then a broken one."""
    (broken if chance.random() < 0.3 else sound)(chance)


if __name__ == "__main__":
    raise SystemExit(run(case))
