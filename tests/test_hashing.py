"""Hashes and digests of columns against an oracle of a few lines, in every type and container."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import math
import struct
import threading
from decimal import Decimal

import duckdb
import mmh3
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

import assay
from assay.errors import ParameterError, UnknownNameError, UnsupportedTypeError

FUNCTIONS = {
    "xxh3_64": xxhash.xxh3_64_intdigest,
    "xxh64": xxhash.xxh64_intdigest,
    "xxh32": xxhash.xxh32_intdigest,
    "murmur3_32": lambda data: mmh3.hash(data, signed=False),
    "md5": lambda data: int.from_bytes(hashlib.md5(data).digest()[:8], "little"),
    "fnv1a_64": lambda data: functools.reduce(lambda h, b: (h ^ b) * 0x100000001B3 % 2**64, data, 0xCBF29CE484222325),
    "crc32c": lambda data: assay.checksum(data, "crc32c"),
    "siphash_2_4": lambda data: siphash(0, data),
    "xxh3_128": xxhash.xxh3_128_digest,
    "murmur3_128": mmh3.hash_bytes,
}
SEEDED = {
    "xxh3_64": (xxhash.xxh3_64_intdigest, 64),
    "xxh64": (xxhash.xxh64_intdigest, 64),
    "xxh32": (xxhash.xxh32_intdigest, 32),
    "xxh3_128": (xxhash.xxh3_128_digest, 64),
    "murmur3_32": (lambda data, seed: mmh3.hash(data, seed, signed=False), 32),
    "murmur3_128": (mmh3.hash_bytes, 32),
    "siphash_2_4": (lambda data, seed: siphash(seed, data), 64),
}


def siphash(seed: int, data: bytes) -> int:
    """SipHash-2-4 as its paper has it, with the key k0 = seed, k1 = 0."""

    def rotated(word: int, by: int) -> int:
        return (word << by | word >> 64 - by) % 2**64

    v = [seed ^ 0x736F6D6570736575, 0x646F72616E646F6D, seed ^ 0x6C7967656E657261, 0x7465646279746573]

    def rounds(count: int) -> None:
        for _ in range(count):
            for a, b, by in ((0, 1, 13), (2, 3, 16)):
                v[a] = (v[a] + v[b]) % 2**64
                v[b] = rotated(v[b], by) ^ v[a]
            v[0] = rotated(v[0], 32)
            for a, b, by in ((2, 1, 17), (0, 3, 21)):
                v[a] = (v[a] + v[b]) % 2**64
                v[b] = rotated(v[b], by) ^ v[a]
            v[2] = rotated(v[2], 32)

    padded = data + bytes(7 - len(data) % 8) + bytes([len(data) % 256])
    for (word,) in struct.iter_unpack("<Q", padded):
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xFF
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def canonical(value: object) -> bytes:
    """The canonical bytes of a Python value, as the definition of keys has them."""
    if isinstance(value, bool):
        return bytes([value])
    if isinstance(value, int):
        return (value & 0xFFFFFFFFFFFFFFFF).to_bytes(8, "little")
    if isinstance(value, float):
        return struct.pack("<Q", 0x7FF8000000000000) if math.isnan(value) else struct.pack("<d", value + 0.0)
    if isinstance(value, str):
        return value.encode()
    return bytes(value)


def expected(values: list, function: str) -> list:
    return [None if value is None else FUNCTIONS[function](canonical(value)) for value in values]


SIGNED = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1))
FLOATS = st.one_of(st.none(), st.floats(), st.sampled_from([0.0, -0.0, math.nan, math.inf]))
TEXTS = st.one_of(st.none(), st.text(max_size=40))
BYTES = st.one_of(st.none(), st.binary(max_size=300))


@pytest.mark.parametrize("function", FUNCTIONS)
@given(values=st.one_of(st.lists(SIGNED), st.lists(FLOATS), st.lists(TEXTS), st.lists(BYTES), st.lists(st.booleans())))
def test_a_column_hashes_as_its_keys_canonical_bytes(function, values):
    column = pa.array(values)
    assert assay.hash(column, function, threads=1).to_pylist() == expected(values, function)


@given(values=st.lists(TEXTS, min_size=1), cut=st.integers(0, 50), start=st.integers(0, 20), length=st.integers(0, 40))
def test_slices_chunks_dictionaries_and_views_hash_alike(values, cut, start, length):
    plain = pa.array(values, pa.string()).slice(start, length)
    cut = min(cut, len(plain))
    wanted = expected(plain.to_pylist(), "xxh3_64")
    dictionary = pa.array(values, pa.string()).dictionary_encode().slice(start, length)
    for column in (
        plain,
        plain.cast(pa.large_string()),
        plain.cast(pa.string_view()),
        plain.cast(pa.binary()),
        plain.cast(pa.binary_view()),
        dictionary,
        pa.chunked_array([plain.slice(0, cut), plain.slice(cut)]),
        pa.chunked_array([dictionary.slice(0, cut), dictionary.slice(cut)]),
    ):
        assert assay.hash(column).to_pylist() == wanted, column.type


@pytest.mark.parametrize("width", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"])
def test_one_integer_hashes_alike_in_every_width(width):
    values = [0, 1, 100, None, *([] if width.startswith("u") else [-1, -100])]
    assert assay.hash(pa.array(values, width)).to_pylist() == expected(values, "xxh3_64")


def test_zeros_are_one_nans_are_one_and_widths_of_floats_agree():
    values = [0.0, -0.0, math.nan, -math.nan, 0.5, None]
    wide = assay.hash(pa.array(values, pa.float64())).to_pylist()
    assert wide[0] == wide[1]
    assert wide[2] == wide[3]
    assert assay.hash(pa.array(values, pa.float32())).to_pylist() == wide
    assert assay.hash(pa.array(values, pa.float16())).to_pylist() == wide


def test_dates_and_times_are_days_and_microseconds():
    day, moment = dt.date(2013, 1, 1), dt.datetime(2013, 1, 1, 5, 0, 0)
    days = (day - dt.date(1970, 1, 1)).days
    micros = int((moment - dt.datetime(1970, 1, 1)).total_seconds()) * 1_000_000
    for kind in (pa.date32(), pa.date64()):
        assert assay.hash(pa.array([day, None], kind)).to_pylist() == expected([days, None], "xxh3_64")
    for unit in ("s", "ms", "us", "ns"):
        for zone in (None, "America/New_York"):
            column = pa.array([moment, None]).cast(pa.timestamp(unit)).cast(pa.timestamp(unit, zone))
            # Casting to a zone keeps the instant, which is what is hashed.
            wanted = expected([column.cast(pa.int64())[0].as_py() * 1_000_000 // _per_second(unit), None], "xxh3_64")
            assert assay.hash(column).to_pylist() == wanted
    clock = dt.time(1, 2, 3)
    since = (3600 + 2 * 60 + 3) * 1_000_000
    for kind in (pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns")):
        assert assay.hash(pa.array([clock], kind)).to_pylist() == expected([since], "xxh3_64")
    assert micros > 0


def _per_second(unit: str) -> int:
    return {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}[unit]


def test_nanoseconds_below_a_microsecond_are_appended():
    column = pa.array([1_234_567, -1], pa.int64()).cast(pa.timestamp("ns"))
    forms = [struct.pack("<qH", 1_234, 567), struct.pack("<qH", -1, 999)]
    assert assay.hash(column).to_pylist() == [FUNCTIONS["xxh3_64"](form) for form in forms]


def test_a_decimal_is_its_value_whatever_its_scale():
    seven = expected([7], "xxh3_64")
    for kind in (pa.decimal32(5, 2), pa.decimal64(9, 3), pa.decimal128(20, 4), pa.decimal256(50, 6)):
        assert assay.hash(pa.array([Decimal("7")], kind)).to_pylist() == seven, kind
    half = FUNCTIONS["xxh3_64"]((15).to_bytes(16, "little") + b"\x01")
    assert assay.hash(pa.array([Decimal("1.500")], pa.decimal128(10, 3))).to_pylist() == [half]
    beyond = pa.array([Decimal(10) ** 60], pa.decimal256(70, 0))
    with pytest.raises(UnsupportedTypeError, match="128 bits"):
        assay.hash(beyond)


def test_every_library_gives_the_same_hashes():
    values = ["a", None, "ünï", "", "a longer text than twelve bytes"]
    wanted = expected(values, "xxh3_64")
    sources = [
        pa.array(values),
        pa.table({"key": values}),
        pl.Series("key", values),
        pl.DataFrame({"key": values}),
        pl.Series("key", values, dtype=pl.Categorical),
        pd.Series(values, dtype="str"),
        pd.DataFrame({"key": pd.Series(values, dtype="str")}),
        duckdb.sql("SELECT unnest(?) AS key", params=[values]),
    ]
    for source in sources:
        assert assay.hash(source).to_pylist() == wanted, type(source)


def test_no_rows_and_no_values_are_fine():
    assert assay.hash(pa.array([], pa.string())).to_pylist() == []
    assert assay.hash(pa.chunked_array([], pa.int64())).to_pylist() == []
    assert assay.hash(pa.nulls(3)).to_pylist() == [None] * 3
    assert assay.hash(pa.array([None], pa.dictionary(pa.int8(), pa.string()))).to_pylist() == [None]
    nulls_inside = pa.DictionaryArray.from_arrays(pa.array([0, 1, None]), pa.array(["x", None]))
    assert assay.hash(nulls_inside).to_pylist() == [*expected(["x"], "xxh3_64"), None, None]


def test_threads_do_not_change_the_result():
    column = pa.array([f"key {row}" if row % 7 else None for row in range(200_000)])
    once = assay.hash(column, "murmur3_32", threads=1)
    assert assay.hash(column, "murmur3_32", threads=2).equals(once)
    assert assay.hash(column, "murmur3_32").equals(once)
    assert once.type == pa.uint32()


def test_an_output_stays_as_it_is_while_others_come_and_go_in_the_same_memory():
    # 600,000 hashes are 4.8 MB, so that their memory is kept when they are gone.
    first, second = (pa.array(range(start, start + 600_000), pa.int64()) for start in (0, 1_000_000))
    wanted = assay.hash(first).to_pylist()  # freed at once: its memory is the next one's
    held = assay.hash(first)
    part = held.slice(599_990)
    for column in (second, second.slice(0, 590_000), second):
        assert assay.hash(column)[0] != held[0]
        nulls = pa.array([None, 1] * 300_000, pa.int64())
        assert assay.hash(nulls).null_count == 300_000
    assert held.to_pylist() == wanted
    del held
    assert assay.hash(second)[0] != part[0]
    assert part.to_pylist() == wanted[599_990:]


def test_the_interpreter_is_free_while_a_column_is_hashed():
    column = pa.array([f"key {row}" for row in range(300_000)])
    ticks, done = [0], threading.Event()

    def tick():
        while not done.is_set():
            ticks[0] += 1

    other = threading.Thread(target=tick)
    other.start()
    try:
        before = ticks[0]
        for _ in range(20):
            assay.hash(column, "md5", threads=1)
        assert ticks[0] > before
    finally:
        done.set()
        other.join()


@pytest.mark.parametrize("function", SEEDED)
@given(values=st.lists(BYTES, max_size=20), seed=st.integers(0, 2**64 - 1))
def test_a_seeded_function_is_that_of_the_reference(function, values, seed):
    oracle, bits = SEEDED[function]
    seed %= 2**bits
    found = assay.hash(pa.array(values, pa.binary()), function, seed=seed).to_pylist()
    assert found == [None if value is None else oracle(value, seed=seed) for value in values]


@pytest.mark.parametrize("function", ["xxh3_128", "murmur3_128"])
def test_functions_of_128_bits_give_16_bytes_and_are_no_hash_of_a_placement(function):
    column = pa.array(["abc", None, "abc"])
    found = assay.hash(column, function)
    assert found.type == pa.binary(16)
    assert found.to_pylist() == [FUNCTIONS[function](b"abc"), None, FUNCTIONS[function](b"abc")]
    assert assay.hash(column.dictionary_encode(), function).equals(found)
    table = pa.table({"a": ["ab", None], "b": pa.array([None, None], pa.int64())})
    framed = [b"\1\2\0\0\0ab\0", b"\0\0"]
    assert assay.hash_rows(table, function).to_pylist() == [FUNCTIONS[function](row) for row in framed]
    with pytest.raises(ParameterError, match=r"128 bits.*choose xxh3_64"):
        assay.Ring(["a", "b"], hash=function)
    with pytest.raises(UnknownNameError, match=f'no function of hash "{function}".*xxh3_64'):
        assay.compare("partitioning", table, strategies=[f"hash(a, function={function})"], partitions=[2])


def test_seeds_change_hashes_and_functions_without_one_refuse_them():
    column = pa.array(["abc"])
    assert assay.hash(column, seed=7)[0].as_py() == xxhash.xxh3_64_intdigest(b"abc", seed=7)
    assert assay.hash(column, "xxh64", seed=2**63)[0].as_py() == xxhash.xxh64_intdigest(b"abc", seed=2**63)
    assert assay.hash(column, "murmur3_32", seed=42)[0].as_py() == mmh3.hash(b"abc", 42, signed=False)
    assert assay.hash(column, "rapidhash", seed=1) != assay.hash(column, "rapidhash")
    for name in ("md5", "crc32c", "fnv1a_64"):
        with pytest.raises(ParameterError, match="takes no seed"):
            assay.hash(column, name, seed=1)
    with pytest.raises(ParameterError, match="32 bits"):
        assay.hash(column, "xxh32", seed=2**32)


@given(left=st.lists(TEXTS, max_size=20), numbers=st.lists(SIGNED, max_size=20))
def test_rows_hash_as_framed_fields(left, numbers):
    rows = min(len(left), len(numbers))
    left, numbers = left[:rows], numbers[:rows]

    def frame(value: object) -> bytes:
        if value is None:
            return b"\0"
        data = canonical(value)
        return b"\1" + len(data).to_bytes(4, "little") + data

    table = pa.table({"left": pa.array(left, pa.string()), "number": pa.array(numbers, pa.int64())})
    wanted = [xxhash.xxh3_64_intdigest(frame(a) + frame(b)) for a, b in zip(left, numbers, strict=True)]
    assert assay.hash_rows(table).to_pylist() == wanted
    cut = pa.concat_tables([table.slice(0, rows // 2), table.slice(rows // 2)])
    assert assay.hash_rows(cut).to_pylist() == wanted
    assert assay.hash_rows(table, columns=["left"]).to_pylist() == assay.hash(table.column("left")).to_pylist()


def test_where_a_field_ends_is_part_of_a_rows_hash():
    table = pa.table({"a": ["ab", "a"], "b": ["c", "bc"]})
    first, second = assay.hash_rows(table).to_pylist()
    assert first != second


@pytest.mark.parametrize("name", ["md5", "sha1", "sha256", "sha512"])
@given(values=st.lists(BYTES))
def test_digests_are_those_of_the_standard_library(name, values):
    found = assay.digest(pa.array(values, pa.binary()), name)
    assert found.to_pylist() == [None if value is None else hashlib.new(name, value).digest() for value in values]
    assert found.type == pa.binary(hashlib.new(name).digest_size)


def test_a_dictionary_is_digested_by_its_values():
    column = pa.array(["x", None, "y", "x"])
    assert assay.digest(column.dictionary_encode(), "blake3").equals(assay.digest(column, "blake3"))


def test_what_cannot_be_a_key_is_named_with_the_way_out():
    with pytest.raises(UnsupportedTypeError, match=r'column "tags" is of type List.*supported: integers'):
        assay.hash(pa.table({"tags": pa.array([[1]])}))
    with pytest.raises(UnsupportedTypeError, match="got list"):
        assay.hash([1, 2])
    with pytest.raises(ParameterError, match=r"table of 2 columns \(a, b\)"):
        assay.hash(pa.table({"a": [1], "b": [2]}))
    with pytest.raises(UnknownNameError, match='did you mean "xxh3_64"'):
        assay.hash(pa.array([1]), "xxh3_46")
    with pytest.raises(UnknownNameError, match='did you mean "left"'):
        assay.hash_rows(pa.table({"left": [1]}), columns=["leftt"])
    with pytest.raises(ParameterError, match="threads is 0"):
        assay.hash(pa.array([1]), threads=0)
    for verb in (assay.hash, assay.digest):
        with pytest.raises(ParameterError, match="algorithm is 3; expected the name of a"):
            verb(pa.array([1]), 3)
    for table in ([1, 2], pa.array([1]), None, "a"):
        with pytest.raises(UnsupportedTypeError, match=r"expected a table .*for one column call assay.hash"):
            assay.hash_rows(table)
    with pytest.raises(ParameterError, match=r"columns is 'ab'; expected a list of names, such as \['ab'\]"):
        assay.hash_rows(pa.table({"ab": [1]}), columns="ab")
    with pytest.raises(UnsupportedTypeError, match='column "tags" is of type List'):
        assay.hash_rows(pa.table({"a": [1], "tags": [[1]]}))
    with pytest.raises(UnsupportedTypeError, match="uint64"):
        assay.hash(pa.array([1], pa.int64()), "identity")
    assert assay.hash(pa.array([5], pa.uint64()), "identity").to_pylist() == [5]
