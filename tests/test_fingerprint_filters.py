"""Filters of fingerprints: laws against sets, rates against theory, stored forms, wrong use."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

import assay
from assay.errors import DataError, ParameterError, UnsupportedTypeError

BUILT_ONCE: dict[str, Any] = {
    "binary_fuse": assay.BinaryFuseFilter,
    "xor": assay.XorFilter,
    "ribbon": assay.RibbonFilter,
}
KINDS: dict[str, Any] = {**BUILT_ONCE, "cuckoo": assay.CuckooFilter}
kinds = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
built_once = pytest.mark.parametrize("kind", BUILT_ONCE.values(), ids=BUILT_ONCE.keys())


def held(filter: Any, keys: Any, **options: Any) -> list[bool | None]:
    answers: list[bool | None] = filter.contains(keys, **options).to_pylist()
    return answers


@kinds
@settings(max_examples=60, deadline=None)
@given(
    keys=st.lists(st.one_of(st.none(), st.text(max_size=20)), max_size=120),
    probes=st.lists(st.one_of(st.none(), st.text(max_size=20)), max_size=60),
    cut=st.integers(0, 120),
)
def test_a_key_is_never_denied_and_any_cut_order_and_type_give_the_same_bits(
    kind: Any, keys: list[str | None], probes: list[str | None], cut: int
) -> None:
    column = pa.array(keys, pa.string())
    filter = kind.build(column)
    asked = keys + probes
    present = {key for key in keys if key is not None}
    answers = held(filter, pa.array(asked, pa.string()))
    assert all((answer is None) == (key is None) for key, answer in zip(asked, answers, strict=True))
    assert all(answer for key, answer in zip(asked, answers, strict=True) if key in present)
    assert len(filter) == len(present)
    padded = pa.concat_arrays([pa.array(["x", None], pa.string()), column]).slice(2)
    assert kind.build(padded) == filter
    assert kind.build(pa.chunked_array([column[:cut], column[cut:]], pa.string())) == filter
    for other in (column.cast(pa.large_string()), column.cast(pa.string_view()), column.dictionary_encode()):
        made = kind.build(other)
        assert held(made, column) == held(filter, column) == held(filter, other)
        # The type stays with a filter, the bits are those of the values.
        assert made.to_bytes()[64:] == filter.to_bytes()[64:]


@built_once
@pytest.mark.parametrize("count", [0, 1, 2, 3, 10, 1000, 70_000])
def test_order_duplicates_and_threads_do_not_change_a_bit(kind: Any, count: int) -> None:
    values = np.arange(count)
    filter = kind.build(pa.array(values), threads=1)
    shuffled = np.random.default_rng(count).permutation(np.concatenate([values, values[: count // 3]]))
    assert kind.build(pa.array(shuffled), threads=2) == filter
    assert len(filter) == count
    assert filter.contains(pa.array(values)).true_count == count
    probes = pa.array(np.arange(200_000))
    assert filter.contains(probes, threads=1).equals(filter.contains(probes, threads=2))


@kinds
def test_a_million_keys_are_all_held(kind: Any) -> None:
    keys = pa.array(np.arange(1_000_000) * 7)
    filter = kind.build(keys)
    assert filter.contains(keys).true_count == len(keys) == len(filter)


@kinds
def test_an_integer_is_found_from_every_type_that_holds_it(kind: Any) -> None:
    filter = kind.build(pa.array([5, -7, 40], pa.int32()))
    for kind_of_key in (pa.int8(), pa.int16(), pa.int64(), pa.decimal128(24, 2)):
        assert held(filter, pa.array([5, None, -7, 40], pa.int64()).cast(kind_of_key)) == [True, None, True, True]
    dictionary = pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 2], pa.int8()), pa.array([5, None, 40]))
    assert held(filter, dictionary) == [True, None, None, True]
    assert filter.key_type == "int32"


@kinds
def test_a_filter_without_keys_holds_nothing(kind: Any) -> None:
    for column in (pa.array([], pa.int64()), pa.array([None, None], pa.string()), pa.nulls(3)):
        filter = kind.build(column)
        assert len(filter) == 0 and filter.bits_per_key is None
        assert filter.expected_false_positive_rate == 0
        assert filter.contains(pa.array(np.arange(10_000))).true_count == 0
        assert kind.from_bytes(filter.to_bytes()) == filter


@kinds
def test_values_of_a_dictionary_that_no_row_uses_are_not_keys(kind: Any) -> None:
    dictionary = pa.DictionaryArray.from_arrays(pa.array([2, 0, None], pa.int8()), pa.array(["a", "b", "c"]))
    filter = kind.build(dictionary)
    assert len(filter) == 2
    assert filter.to_bytes()[64:] == kind.build(pa.array(["a", "c"])).to_bytes()[64:]


@kinds
def test_a_stored_filter_is_the_filter_on_every_way_back(kind: Any) -> None:
    filter = kind.build(pa.array([b"a", b"bc", b""]))
    assert held(filter, pa.array(["a", "", "x" * 200]))[:2] == [True, True]
    for other in (kind.from_bytes(memoryview(filter.to_bytes())), pickle.loads(pickle.dumps(filter)), filter.copy()):
        assert other == filter and other.to_bytes() == filter.to_bytes() and other.key_type == "binary"
    assert filter != kind.build(pa.array([b"a", b"bc", b"d"]))
    assert (filter == assay.BloomFilter.build(pa.array([b"a"]))) is False


@kinds
def test_truncated_grown_or_changed_bytes_are_refused(kind: Any) -> None:
    whole = kind.build(pa.array(np.arange(100))).to_bytes()
    for at in range(len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 1 << at % 8
        with pytest.raises(DataError):
            kind.from_bytes(changed)
    for wrong in (whole[:-1], whole[:64], whole[:10], b"", whole + b"\0"):
        with pytest.raises(DataError):
            kind.from_bytes(wrong)
    with pytest.raises(DataError, match=r"read them by BloomFilter.from_bytes"):
        kind.from_bytes(assay.BloomFilter.build(pa.array([1])).to_bytes())


@kinds
@pytest.mark.parametrize("at", [12, 13, 14, 15, *range(24, 48)])
@pytest.mark.parametrize("value", [0, 1, 3, 17, 64, 127, 255])
def test_a_forged_header_is_refused_or_harmless(kind: Any, at: int, value: int) -> None:
    """Any byte of parameter, size, keys and seed, with a checksum that is right."""
    data = bytearray(kind.build(pa.array(np.arange(300))).to_bytes())
    data[at] = value
    data[56:64] = xxhash.xxh3_64_intdigest(bytes(data[:56])).to_bytes(8, "little")
    try:
        filter = kind.from_bytes(data)
    except DataError:
        return
    assert filter.to_bytes() == data
    filter.contains(pa.array(np.arange(1000)))


@built_once
def test_what_a_filter_that_is_built_once_cannot_do_says_why(kind: Any) -> None:
    filter = kind.build(pa.array([1]))
    with pytest.raises(ParameterError, match=r"built once from all keys.*BloomFilter"):
        filter.insert(pa.array([2]))
    with pytest.raises(ParameterError, match=r"has no union.*both columns"):
        filter | filter
    assert held(filter, pa.array([1])) == [True]


@kinds
def test_columns_that_are_no_keys_are_refused(kind: Any) -> None:
    with pytest.raises(UnsupportedTypeError):
        kind.build(pa.array([[1]]))
    with pytest.raises(UnsupportedTypeError):
        kind.build(pa.array([1])).contains(pa.array([[1]]))
    with pytest.raises(TypeError, match="build"):
        kind()


# --- Binary fuse ------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("arity", [3, 4])
def test_the_rate_of_binary_fuse_is_two_to_the_minus_the_width(bits: int, arity: int) -> None:
    """4.5 standard errors of the binomial: once in 150,000 seeds."""
    filter = assay.BinaryFuseFilter.build(pa.array(np.arange(20_000)), fingerprint_bits=bits, arity=arity)
    measured = filter.measured_false_positive_rate(pa.array(np.arange(1 << 40, (1 << 40) + 2_000_000)))
    rate = 2.0**-bits
    assert filter.expected_false_positive_rate == rate
    assert abs(measured.rate - rate) < 4.5 * (rate / measured.asked) ** 0.5
    assert filter.bits_per_key is not None and filter.bits_per_key < (1.28 if arity == 3 else 1.25) * bits


def test_a_rate_picks_the_width_of_binary_fuse() -> None:
    def width(rate: float) -> int:
        return assay.BinaryFuseFilter.build(pa.array([1]), false_positive_rate=rate).fingerprint_bits

    assert [width(rate) for rate in (0.5, 0.01, 2**-8, 0.0039, 1e-4, 2**-16)] == [8, 8, 8, 16, 16, 16]
    for rate in (1e-5, 0.0, -1.0, 1.0, float("nan")):
        with pytest.raises(ParameterError, match=r'expected 1.53e-05 or more.*layout="standard"'):
            width(rate)


def test_settings_of_binary_fuse_that_are_none_are_refused() -> None:
    build = assay.BinaryFuseFilter.build
    for wrong, message in [
        ({"fingerprint_bits": 12}, "fingerprint_bits is 12; expected 8 or 16"),
        ({"fingerprint_bits": -1}, "fingerprint_bits is -1"),
        ({"arity": 5}, "arity is 5; expected 3 or 4"),
        ({"arity": -3}, "arity is -3"),
        ({"fingerprint_bits": 8, "false_positive_rate": 0.01}, "expected one of them"),
    ]:
        with pytest.raises(ParameterError, match=message):
            build(pa.array([1]), **wrong)
    assert repr(build(pa.array([1]), arity=4)).startswith("<BinaryFuseFilter fingerprint_bits=8 arity=4 memory_bytes=")


# --- Xor --------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [8, 16])
def test_the_rate_of_xor_is_two_to_the_minus_the_width(bits: int) -> None:
    """4.5 standard errors of the binomial: once in 150,000 seeds."""
    filter = assay.XorFilter.build(pa.array(np.arange(20_000)), false_positive_rate=2.0**-bits)
    measured = filter.measured_false_positive_rate(pa.array(np.arange(1 << 40, (1 << 40) + 2_000_000)))
    assert filter.expected_false_positive_rate == 2.0**-bits and filter.fingerprint_bits == bits
    assert abs(measured.rate - 2.0**-bits) < 4.5 * (2.0**-bits / measured.asked) ** 0.5
    assert filter.bits_per_key == pytest.approx(1.23 * bits, rel=0.01)
    with pytest.raises(ParameterError, match="fingerprint_bits is 4; expected 8 or 16"):
        assay.XorFilter.build(pa.array([1]), fingerprint_bits=4)


# --- Ribbon -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "bits"), [(0.7, 1), (0.5, 1), (0.3, 2), (0.01, 7), (2**-8, 8), (1e-3, 10), (1e-4, 14)]
)
def test_the_rate_of_ribbon_is_two_to_the_minus_its_width_in_hardly_more_bits(rate: float, bits: int) -> None:
    """4.5 standard errors of the binomial: once in 150,000 seeds."""
    filter = assay.RibbonFilter.build(pa.array(np.arange(200_000)), false_positive_rate=rate)
    expected = 2.0**-bits
    assert filter.fingerprint_bits == bits and filter.expected_false_positive_rate == expected
    measured = filter.measured_false_positive_rate(pa.array(np.arange(1 << 40, (1 << 40) + 2_000_000)))
    assert abs(measured.rate - expected) < 4.5 * (expected * (1 - expected) / measured.asked) ** 0.5
    assert filter.bits_per_key is not None and filter.bits_per_key < 1.015 * bits + 0.04


def test_rates_and_widths_of_ribbon_that_are_none_are_refused() -> None:
    build = assay.RibbonFilter.build
    for rate in (0.0, -1.0, 1e-10, 1.0, float("nan")):
        with pytest.raises(ParameterError, match=r'expected 2.33e-10 or more.*1 to 32 bits.*layout="standard"'):
            build(pa.array([1]), false_positive_rate=rate)
    for bits in (0, 33, 64):
        with pytest.raises(ParameterError, match=rf"fingerprint_bits is {bits}; expected 1 to 32"):
            build(pa.array([1]), fingerprint_bits=bits)
    assert build(pa.array([1]), false_positive_rate=2.0**-32).fingerprint_bits == 32
    assert repr(build(pa.array([1]))).startswith("<RibbonFilter fingerprint_bits=8 memory_bytes=")


@pytest.mark.parametrize("count", [1_100, 70_000])
def test_a_stored_ribbon_of_several_layers_is_read_back_and_its_forged_counts_are_refused(count: int) -> None:
    filter = assay.RibbonFilter.build(pa.array(np.arange(count)))
    whole = filter.to_bytes()
    assert assay.RibbonFilter.from_bytes(whole) == filter
    for at in range(64, 72):  # how many keys the second layer has
        data = bytearray(whole)
        data[at] ^= 0x80
        data[-8:] = xxhash.xxh3_64_intdigest(bytes(data[64:-8])).to_bytes(8, "little")
        with pytest.raises(DataError, match="contradicts"):
            assay.RibbonFilter.from_bytes(data)


# --- Cuckoo -----------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(st.tuples(st.booleans(), st.integers(0, 30)), max_size=80))
def test_keys_that_were_inserted_and_not_removed_are_held(steps: list[tuple[bool, int]]) -> None:
    filter = assay.CuckooFilter.build(pa.array([], pa.int64()), capacity=60)
    present: set[int] = set()
    for insert, key in steps:
        if insert and key not in present:
            filter.insert(pa.array([key, key, None]))
            present.add(key)
        elif not insert and key in present:
            filter.remove(pa.array([key, key, None]))
            present.remove(key)
        assert len(filter) == len(present)
        assert all(held(filter, pa.array(sorted(present), pa.int64())))
    filter.remove(pa.array(sorted(present), pa.int64()))
    assert filter == assay.CuckooFilter.build(pa.array([], pa.int64()), capacity=60)


def test_a_full_cuckoo_filter_refuses_keys_and_loses_none() -> None:
    keys = pa.array(np.arange(10_000))
    filter = assay.CuckooFilter.build(keys, false_positive_rate=0.001)
    before = filter.copy()
    with pytest.raises(ParameterError, match=r"is full: 10000 keys.*nothing was added.*greater capacity"):
        filter.insert(pa.array(np.arange(10_000, 20_000)))
    with pytest.raises(ParameterError, match=r"are not held, and nothing was removed"):
        filter.remove(pa.array(np.arange(9_000, 12_000)))
    assert filter == before and filter.contains(keys).true_count == len(keys)
    one = assay.CuckooFilter.build(pa.array([], pa.int64()), capacity=1000)
    for _ in range(8):
        one.insert(pa.array([7]))
    with pytest.raises(ParameterError, match="8 times at most"):
        one.insert(pa.array([7]))
    assert len(one) == 8


@pytest.mark.parametrize(
    ("rate", "width"), [(0.5, 8), (0.03, 8), (0.01, 10), (0.002, 12), (0.0005, 14), (0.000125, 16)]
)
def test_the_rate_of_cuckoo_is_that_of_eight_slots(rate: float, width: int) -> None:
    """4.5 standard errors of the binomial, and 1 % for slots that share a fingerprint."""
    filter = assay.CuckooFilter.build(pa.array(np.arange(50_000)), false_positive_rate=rate)
    assert filter.fingerprint_bits == width
    expected = filter.expected_false_positive_rate
    assert expected <= rate
    measured = filter.measured_false_positive_rate(pa.array(np.arange(1 << 40, (1 << 40) + 1_000_000)))
    assert abs(measured.rate - expected) < 4.5 * (expected / measured.asked) ** 0.5 + 0.01 * expected
    assert filter.bits_per_key == pytest.approx(width / 0.94, rel=0.02)


def test_settings_of_cuckoo_that_are_none_are_refused() -> None:
    build = assay.CuckooFilter.build
    for wrong, message in [
        ({"false_positive_rate": 1e-4}, r"false_positive_rate is 0.0001; expected 1.*BinaryFuseFilter"),
        ({"false_positive_rate": float("nan")}, "false_positive_rate is NaN"),
        ({"capacity": 0}, "capacity is 0; expected at least 1"),
        ({"capacity": 2}, "capacity is 2; expected at least 3, the distinct keys given"),
        ({"capacity": 2**63}, "split the keys over several filters"),
        ({"capacity": -1}, "capacity is -1"),
    ]:
        with pytest.raises(ParameterError, match=message):
            build(pa.array([1, 2, 3, 3]), **wrong)
    with pytest.raises(ParameterError, match="has no union"):
        build(pa.array([1])) | build(pa.array([2]))


def test_the_rate_of_a_cuckoo_filter_grows_with_its_keys_by_its_own_formula() -> None:
    filter = assay.CuckooFilter.build(pa.array(np.arange(1000)), capacity=2000)
    assert filter.false_positive_rate_at(1000) == pytest.approx(filter.expected_false_positive_rate, rel=1e-12)
    filter.insert(pa.array(np.arange(1000, 1900)))
    assert filter.false_positive_rate_at(1900) == pytest.approx(filter.expected_false_positive_rate, rel=1e-12)
    assert filter.false_positive_rate_at(0) == 0
    for keys in (-1, 1.5, "many", 10**9):
        with pytest.raises(ParameterError, match=r"keys is .*; expected a number of keys, 0 to the"):
            filter.false_positive_rate_at(keys)  # type: ignore[arg-type]
