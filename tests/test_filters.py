"""Bloom filters: derivations by hand, laws of all layouts, stored forms, wrong use. Parquet's own are tested apart."""

from __future__ import annotations

import datetime
import decimal
import math
import pickle
import struct
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

import assay
from assay.errors import DataError, ParameterError, UnknownNameError, UnsupportedTypeError
from assay.filters.fingerprints import BuiltOnceFilter

D = decimal.Decimal
LAYOUTS: list[Any] = ["split_block", "standard", "blocked_512"]
HEADER_BYTES, TRAILER_BYTES = 64, 8


def bitset(filter: assay.BloomFilter) -> bytes:
    """Parquet's bitset: the payload of the stored form."""
    return filter.to_bytes()[HEADER_BYTES:-TRAILER_BYTES]


def held(filter: assay.BloomFilter, keys: Any, **options: Any) -> list[bool | None]:
    answers: list[bool | None] = filter.contains(keys, **options).to_pylist()
    return answers


# --- the layouts ----------------------------------------------------------------------------


def test_split_block_follows_the_specification_in_a_case_worked_by_hand() -> None:
    # BloomFilter.md: the upper half of XXH64 picks the block, the lower half times a salt the bit.
    salts = [0x47B6137B, 0x44974D91, 0x8824AD5B, 0xA2B7289D, 0x705495C7, 0x2DF1424B, 0x9EFC4947, 0x5C6BFB31]
    keys, blocks = ["a", "", "parquet", "ÿ"], 3
    words = [[0] * 8 for _ in range(blocks)]
    for key in keys:
        value = xxhash.xxh64_intdigest(key.encode(), seed=0)
        block = words[((value >> 32) * blocks) >> 32]
        for index, salt in enumerate(salts):
            block[index] |= 1 << (((value & 0xFFFFFFFF) * salt & 0xFFFFFFFF) >> 27)
    expected = b"".join(struct.pack("<8I", *block) for block in words)
    assert bitset(assay.BloomFilter.build(pa.array(keys), block_count=blocks)) == expected


def test_blocked_512_follows_its_documented_derivation() -> None:
    keys = ["a", "", "bloom", "ÿ"]
    made = assay.BloomFilter.build(pa.array(keys), layout="blocked_512", capacity=200, false_positive_rate=0.001)
    lines, k = made.block_count, made.probes
    assert lines is not None and made.memory_bytes == 64 * lines
    bits = 0
    for key in keys:
        value = xxhash.xxh3_64_intdigest(key.encode())
        line = (value >> 32) * lines >> 32
        walk = value & 0xFFFFFFFF
        for _ in range(k):
            bits |= 1 << (512 * line + (walk >> 23))
            walk = walk * 0x9E3779B9 % 2**32
    assert bitset(made) == bits.to_bytes(64 * lines, "little")


def test_standard_follows_its_documented_derivation() -> None:
    keys = ["a", "", "bloom", "ÿ"]
    made = assay.BloomFilter.build(pa.array(keys), layout="standard", capacity=10, false_positive_rate=0.001)
    # m = ceil(-10 ln 0.001 / ln^2 2) = 144, k = round(144 / 10 ln 2) = 10
    m, k = 144, 10
    assert (made.memory_bytes, made.probes) == (24, k)
    bits = 0
    for key in keys:
        walk = xxhash.xxh3_64_intdigest(key.encode())
        for _ in range(k):
            bits |= 1 << ((walk * m) >> 64)
            walk = walk * 0x9E3779B97F4A7C15 % 2**64
    assert bitset(made) == bits.to_bytes(24, "little")


# --- laws ------------------------------------------------------------------------------------

words = st.lists(st.one_of(st.none(), st.text(max_size=20)), max_size=200)
numbers = st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), max_size=200)
doubles = st.lists(st.one_of(st.none(), st.floats(allow_nan=False)), max_size=100)


@st.composite
def columns(draw: st.DrawFn) -> pa.Array:
    values, kind = draw(
        st.one_of(
            st.tuples(words, st.sampled_from([pa.string(), pa.large_string(), pa.string_view()])),
            st.tuples(numbers, st.just(pa.int64())),
            st.tuples(doubles, st.just(pa.float64())),
        )
    )
    return pa.array(values, kind)


@given(column=columns(), layout=st.sampled_from(LAYOUTS), cut=st.integers(0, 200))
@settings(max_examples=120, deadline=None)
def test_a_filter_never_denies_a_key_it_holds_and_any_cut_gives_the_same_bits(
    column: pa.Array, layout: Any, cut: int
) -> None:
    build = assay.BloomFilter.build
    whole = build(column, layout=layout, capacity=150)
    expected = [None if value is None else True for value in column.to_pylist()]
    assert held(whole, column) == expected
    head, tail = column.slice(0, cut), column.slice(cut)
    chunked = pa.chunked_array([head, pa.array([], column.type), tail], column.type)
    assert build(chunked, layout=layout, capacity=150, threads=2) == whole
    assert build(head, layout=layout, capacity=150) | build(tail, layout=layout, capacity=150) == whole
    grown = build(head, layout=layout, capacity=150)
    grown.insert(tail)
    assert grown == whole
    assert held(whole, chunked, threads=2) == expected
    assert held(whole, tail) == expected[cut:]
    assert assay.BloomFilter.from_bytes(whole.to_bytes()) == whole
    if column.type != pa.string_view():
        coded = column.dictionary_encode()
        assert build(coded, layout=layout, capacity=150) == whole
        assert held(whole, coded) == expected
    assert len(whole) == len(column) - column.null_count


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("rate", [0.3, 0.05, 0.01, 0.001])
def test_the_measured_rate_is_binomial_around_the_expected_one(layout: Any, rate: float) -> None:
    made = assay.BloomFilter.build(pa.array(range(20_000)), layout=layout, false_positive_rate=rate)
    absent = 100_000
    yes = made.contains(pa.array(range(10**9, 10**9 + absent))).true_count
    expected = made.expected_false_positive_rate
    # 4.5 standard errors of the binomial: once in 150,000 for another set of keys.
    assert abs(yes - absent * expected) < 4.5 * math.sqrt(absent * expected * (1 - expected)) + 1
    # What the bits predict is what was asked for: the fill of a filter of 20,000 keys scatters by
    # less than a hundredth; k is a whole number, which costs `standard` a little at high rates.
    assert expected == pytest.approx(rate, rel=0.06)


def test_a_union_answers_as_both_do() -> None:
    left, right = pa.array(["a", "b"]), pa.array(["b", "c", None])
    for layout in LAYOUTS:
        both = assay.BloomFilter.build(left, layout=layout, capacity=50) | assay.BloomFilter.build(
            right, layout=layout, capacity=50
        )
        assert held(both, pa.array(["a", "b", "c", None])) == [True, True, True, None]
        assert len(both) == 4


@pytest.mark.parametrize("layout", LAYOUTS)
def test_threads_and_chunks_do_not_change_a_bit(layout: Any) -> None:
    rng = np.random.default_rng(7)
    column = pa.array(rng.integers(0, 5_000, 300_000), mask=rng.random(300_000) < 0.1)
    cuts = sorted(rng.integers(0, 300_000, 9))
    chunks = [column.slice(low, high - low) for low, high in zip([0, *cuts], [*cuts, 300_000], strict=True)]
    chunked = pa.chunked_array(chunks)
    one = assay.BloomFilter.build(column, layout=layout, capacity=5_000, threads=1)
    assert assay.BloomFilter.build(chunked, layout=layout, capacity=5_000, threads=4) == one
    probes = pa.array(rng.integers(0, 20_000, 200_000))
    answers = one.contains(probes, threads=1)
    again = one.contains(pa.chunked_array([probes.slice(0, 77_777), probes.slice(77_777)]), threads=4)
    assert again.equals(answers)
    assert answers.false_count > 0


# --- one value in many types -----------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("probe", [pa.int8(), pa.int64(), pa.uint16(), pa.decimal128(19, 0), pa.decimal128(25, 3)])
def test_an_integer_is_found_from_every_type_that_holds_it(layout: Any, probe: pa.DataType) -> None:
    made = assay.BloomFilter.build(pa.array([7, 100], pa.int32()), layout=layout, false_positive_rate=1e-5)
    found = held(made, pa.array([7, 8, None, 100], pa.int64()).cast(probe))
    assert found == [True, False, None, True]


def test_probes_without_an_exact_value_in_the_built_type_are_absent() -> None:
    made = assay.BloomFilter.build(pa.array([7, 0], pa.int8()))
    assert held(made, pa.array([7, 7 + 256, 2**40])) == [True, False, False]
    assert held(made, pa.array([7.0, 7.5, -0.0, math.nan, math.inf, None])) == [True, False, True, False, False, None]
    assert held(made, pa.array([D("7.0"), D("7.1")])) == [True, False]
    for other in (pa.array(["7"]), pa.array([True]), pa.array([datetime.date(1970, 1, 8)])):
        assert held(made, other) == [False]


def test_either_zero_finds_either_zero() -> None:
    for layout in LAYOUTS:
        for zero in (0.0, -0.0):
            made = assay.BloomFilter.build(pa.array([zero, 3.5]), layout=layout)
            assert held(made, pa.array([0.0, -0.0, 3.5], pa.float64())) == [True, True, True]
            assert held(made, pa.array([0.0, -0.0, 3.5], pa.float32())) == [True, True, True]
            assert held(made, pa.array([1.0])) == [False]


def test_times_are_found_in_every_unit_and_text_in_every_layout() -> None:
    stamps = pa.array([1_000, 2_000], pa.timestamp("ms"))
    made = assay.BloomFilter.build(stamps)
    for unit in ("s", "us", "ns"):
        assert held(made, stamps.cast(pa.timestamp(unit, "UTC"))) == [True, True]
    assert held(made, pa.array([1_000_001], pa.timestamp("us"))) == [False]
    texts = assay.BloomFilter.build(pa.array(["ab", "a longer text than a view inlines"]))
    for kind in (pa.large_string(), pa.string_view(), pa.binary(), pa.binary_view()):
        assert held(texts, pa.array(["ab", "a longer text than a view inlines", "x"]).cast(kind)) == [True, True, False]
    assert held(texts, pa.array([b"ab", b"ax"], pa.binary(2))) == [True, False]


def test_polars_and_pandas_columns_are_columns() -> None:
    made = assay.BloomFilter.build(pl.Series(["a", None, "b"]))
    assert made == assay.BloomFilter.build(pa.array(["a", None, "b"]))
    assert held(made, pl.Series(["b", None, "c"])) == [True, None, False]
    assert held(made, pl.Series(["b", "c"], dtype=pl.Categorical)) == [True, False]


# --- edges -----------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("column", [pa.array([], pa.string()), pa.array([None, None], pa.string()), pa.nulls(3)])
def test_a_filter_without_keys_holds_nothing(layout: Any, column: pa.Array) -> None:
    made = assay.BloomFilter.build(column, layout=layout)
    assert len(made) == 0 and made.bits_per_key is None and made.expected_false_positive_rate == 0.0
    assert held(made, column) == [None] * len(column)
    assert held(made, pa.array(["a"])) == [False]
    assert made.contains(pa.array([], pa.string())).type == pa.bool_()


def test_duplicates_are_counted_and_set_no_more_bits() -> None:
    once = assay.BloomFilter.build(pa.array(["a"]), block_count=4)
    thrice = assay.BloomFilter.build(pa.array(["a", "a", "a"]), block_count=4)
    assert bitset(once) == bitset(thrice)
    assert (len(once), len(thrice)) == (1, 3)


def test_values_of_a_dictionary_that_no_row_uses_are_not_keys() -> None:
    coded = pa.DictionaryArray.from_arrays(pa.array([0, None, 0]), pa.array(["used", "unused", "null"]))
    made = assay.BloomFilter.build(coded, capacity=100)
    assert bitset(made) == bitset(assay.BloomFilter.build(pa.array(["used"]), capacity=100))


def test_bools_are_held_by_standard_only() -> None:
    made = assay.BloomFilter.build(pa.array([True, None]), layout="standard", false_positive_rate=1e-9)
    assert held(made, pa.array([True, False, None])) == [True, False, None]
    with pytest.raises(UnsupportedTypeError, match='layout="standard"'):
        assay.BloomFilter.build(pa.array([True]))


def test_facts_of_a_filter_are_those_of_its_bits() -> None:
    made = assay.BloomFilter.build(pa.array(range(100_000)))
    assert made.layout == "split_block" and made.key_type == "int64" and made.probes == 8
    assert made.block_count is not None and made.memory_bytes == made.block_count * 32
    # 10.5 bits per key at 1 % (Parquet, BloomFilter.md), not the 9.585 of an unblocked filter.
    assert made.bits_per_key == pytest.approx(10.53, abs=0.01)
    assert made.key_count == len(made) == 100_000
    assert repr(made).startswith("<BloomFilter layout='split_block' block_count=")
    standard = assay.BloomFilter.build(pa.array(range(100_000)), layout="standard")
    assert standard.bits_per_key == pytest.approx(9.585, abs=0.01) and standard.block_count is None
    assert "bits=958506" in repr(standard)


def test_one_python_value_can_be_asked_for() -> None:
    made = assay.BloomFilter.build(pa.array(["a"]))
    assert "a" in made and "b" not in made and None not in made


# --- stored forms ----------------------------------------------------------------------------


def sealed(header: bytes, payload: bytes) -> bytes:
    """The stored form of this header and payload, with the checksums of both."""
    checksum = [struct.pack("<Q", xxhash.xxh3_64_intdigest(part)) for part in (header, payload)]
    return header + checksum[0] + payload + checksum[1]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_stored_filter_is_the_filter_on_every_way_back(layout: Any) -> None:
    made = assay.BloomFilter.build(pa.array(["a", "b"]), layout=layout)
    stored = made.to_bytes()
    for data in (stored, bytearray(stored), memoryview(stored), np.frombuffer(stored, np.uint8), pa.py_buffer(stored)):
        again = assay.BloomFilter.from_bytes(data)
        assert again == made and again.key_type == "string" and len(again) == 2
    assert pickle.loads(pickle.dumps(made)) == made
    copied = made.copy()
    copied.insert(pa.array(["c"]))
    assert copied != made and made == assay.BloomFilter.from_bytes(stored)


def test_the_stored_form_is_pinned() -> None:
    made = assay.BloomFilter.build(pa.array(["a"]), block_count=1)
    value = xxhash.xxh64_intdigest(b"a")
    header = struct.pack("<8sHBBI8sQQQQ", b"assayflt", 1, 2, 0, 8, bytes([19]) + bytes(7), 1, 1, 0, 32)
    salts = [0x47B6137B, 0x44974D91, 0x8824AD5B, 0xA2B7289D, 0x705495C7, 0x2DF1424B, 0x9EFC4947, 0x5C6BFB31]
    body = struct.pack("<8I", *(1 << ((value * salt & 0xFFFFFFFF) >> 27) for salt in salts))
    assert made.to_bytes() == sealed(header, body)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_truncated_grown_or_changed_bytes_are_refused(layout: Any) -> None:
    stored = assay.BloomFilter.build(pa.array(range(100)), layout=layout).to_bytes()
    for size in (0, 1, 63, 71, 72, len(stored) - 1):
        with pytest.raises(DataError, match="no filter of assay"):
            assay.BloomFilter.from_bytes(stored[:size])
    with pytest.raises(DataError, match="truncated or joined"):
        assay.BloomFilter.from_bytes(stored + b"x")
    for at in range(0, len(stored), 7):
        changed = bytearray(stored)
        changed[at] ^= 0x10
        with pytest.raises(DataError):
            assay.BloomFilter.from_bytes(changed)


@given(data=st.binary(max_size=200), prefix=st.booleans())
@settings(max_examples=100, deadline=None)
def test_hostile_bytes_are_refused(data: bytes, prefix: bool) -> None:
    with pytest.raises(DataError):
        assay.BloomFilter.from_bytes((b"assayflt\x01\0" if prefix else b"") + data)


@pytest.mark.parametrize(("layout", "code"), [("standard", 1), ("split_block", 2), ("blocked_512", 3)])
@pytest.mark.parametrize("size", [0, 2**26, 2**34 + 1, 2**63, 2**64 - 1])
def test_a_header_that_claims_a_huge_size_allocates_nothing(layout: str, code: int, size: int) -> None:
    for payload_bytes in (0, size, size * 32 % 2**64):
        header = struct.pack(
            "<8sHBBI8sQQQQ", b"assayflt", 1, code, 0, 8, bytes([5]) + bytes(7), size, 1, 0, payload_bytes
        )
        with pytest.raises(DataError, match=r"contradicts|header says"):
            assay.BloomFilter.from_bytes(sealed(header, b""))


# --- wrong use -------------------------------------------------------------------------------


def test_rates_that_a_layout_cannot_keep_are_refused_with_the_way_out() -> None:
    keys = pa.array([1, 2])
    for rate in (0.0, -0.1, 1e-6, 1e-12, 0.6, 1.0, math.nan):
        with pytest.raises(ParameterError, match=r'false_positive_rate.*layout="standard"'):
            assay.BloomFilter.build(keys, false_positive_rate=rate)
    for rate in (0.0, -0.1, 9e-6, 0.6, 1.0, math.nan):
        with pytest.raises(ParameterError, match=r'false_positive_rate.*layout="standard"'):
            assay.BloomFilter.build(keys, layout="blocked_512", false_positive_rate=rate)
    for rate in (0.0, 1e-13, 0.6, math.nan):
        with pytest.raises(ParameterError, match="false_positive_rate"):
            assay.BloomFilter.build(keys, layout="standard", false_positive_rate=rate)
    with pytest.raises(ParameterError, match="64-bit hashes"):
        assay.BloomFilter.build(keys, layout="standard", false_positive_rate=1e-12, capacity=2**33)


def test_sizes_out_of_bounds_are_refused() -> None:
    keys = pa.array([1, 2])
    wrong: tuple[dict[str, Any], ...] = (
        {"block_count": 0},
        {"block_count": -1},
        {"block_count": 2**26},
        {"capacity": 0},
        {"capacity": -5},
    )
    for options in wrong:
        with pytest.raises(ParameterError, match=next(iter(options))):
            assay.BloomFilter.build(keys, **options)
    for layout in LAYOUTS:
        with pytest.raises(ParameterError, match="2 GiB"):
            assay.BloomFilter.build(keys, layout=layout, capacity=2**40)
    with pytest.raises(ParameterError, match="threads is 0"):
        assay.BloomFilter.build(keys, threads=0)


def test_filters_of_different_shapes_are_not_joined() -> None:
    one = assay.BloomFilter.build(pa.array(["a"]), capacity=10)
    for other, named in (
        (assay.BloomFilter.build(pa.array(["a"]), capacity=10, layout="standard"), "standard"),
        (assay.BloomFilter.build(pa.array(["a"]), block_count=9), "blocks"),
        (assay.BloomFilter.build(pa.array([1]), capacity=10), "int64"),
    ):
        with pytest.raises(ParameterError, match=named):
            one | other
    with pytest.raises(TypeError):
        one | 3


def test_keys_that_do_not_fit_are_not_inserted() -> None:
    made = assay.BloomFilter.build(pa.array([1], pa.int32()))
    before = made.copy()
    with pytest.raises(UnsupportedTypeError, match="5000000000 of type int64 has no exact value in int32"):
        made.insert(pa.array([2, 5_000_000_000]))
    assert made == before
    made.insert(pa.array([2]))
    assert held(made, pa.array([1, 2, 3])) == [True, True, False]


def test_wrong_kinds_of_input_are_named() -> None:
    with pytest.raises(UnknownNameError, match='filter layout "split"; did you mean "split_block"'):
        assay.BloomFilter.build(pa.array([1]), layout="split")  # type: ignore[arg-type]
    with pytest.raises(UnsupportedTypeError, match="List"):
        assay.BloomFilter.build(pa.array([[1]]))
    with pytest.raises(UnsupportedTypeError, match="Arrow column"):
        assay.BloomFilter.build(["a"])
    with pytest.raises(UnsupportedTypeError, match="expected bytes"):
        assay.BloomFilter.from_bytes("text")
    with pytest.raises(TypeError, match=r"BloomFilter\.build"):
        assay.BloomFilter()
    with pytest.raises(TypeError, match="unhashable"):
        hash(assay.BloomFilter.build(pa.array([1])))
    with pytest.raises(ParameterError, match="layout is 3; expected the name of a layout"):
        assay.BloomFilter.build(pa.array([1]), layout=3)  # type: ignore[arg-type]
    with pytest.raises(UnsupportedTypeError, match="of type object cannot be a key"):
        _ = object() in assay.BloomFilter.build(pa.array([1]))


@pytest.mark.parametrize(
    "kind",
    [
        assay.BloomFilter,
        assay.CountingBloomFilter,
        assay.CuckooFilter,
        assay.XorFilter,
        assay.BinaryFuseFilter,
        assay.RibbonFilter,
    ],
)
def test_settings_of_the_wrong_kind_are_refused_as_those_out_of_bounds_are(kind: Any) -> None:
    keys = pa.array([1, 2, 3])
    for rate in ("1 %", [0.01], True, b"1"):
        with pytest.raises(ParameterError, match=r"false_positive_rate is .*; expected a number"):
            kind.build(keys, false_positive_rate=rate)
    count = "fingerprint_bits" if issubclass(kind, BuiltOnceFilter) else "capacity"
    for value in ("8", 8.0, True, -1, 2**64):
        with pytest.raises(ParameterError, match=rf"{count} is .*; expected an integer of 1 or more"):
            kind.build(keys, **{count: value})


@pytest.mark.parametrize("kind", [assay.BloomFilter, assay.XorFilter, assay.BinaryFuseFilter, assay.RibbonFilter])
def test_what_cannot_forget_a_key_says_what_can(kind: Any) -> None:
    filter = kind.build(pa.array([1]))
    with pytest.raises(ParameterError, match="choose CountingBloomFilter or CuckooFilter"):
        filter.remove(pa.array([1]))
    assert filter.contains(pa.array([1])).to_pylist() == [True]


def test_probes_and_insertions_of_many_threads_do_not_lose_a_key() -> None:
    made = assay.BloomFilter.build(pa.array([], pa.int64()), capacity=40_000)
    parts = [pa.array(range(start, start + 5_000)) for start in range(0, 40_000, 5_000)]

    def work(part: pa.Array) -> bool:
        made.insert(part)
        return all(held(made, part))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, parts))
    assert made == assay.BloomFilter.build(pa.chunked_array(parts), capacity=40_000)
