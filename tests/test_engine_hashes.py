"""Hash functions of other engines: against plain implementations, published vectors, and what a server said."""

from __future__ import annotations

import binascii
import datetime as dt
from decimal import Decimal

import mmh3
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import assay
from assay.errors import UnsupportedTypeError

MASK = 2**64 - 1
TEXTS = st.lists(st.one_of(st.none(), st.text(max_size=70)))
INTEGERS = st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)))
BYTES = st.lists(st.one_of(st.none(), st.binary(max_size=70)))


def spark(data: bytes) -> int:
    """Murmur3 x86 32 with seed 42; whole words as usual, then each byte as a signed word of its own."""

    def rotate(word: int, by: int) -> int:
        return (word << by | word >> (32 - by)) & 0xFFFFFFFF

    words = [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data) // 4 * 4, 4)]
    words += [(byte - 256 if byte > 127 else byte) & 0xFFFFFFFF for byte in data[len(data) // 4 * 4 :]]
    value = 42
    for word in words:
        value ^= rotate(word * 0xCC9E2D51 & 0xFFFFFFFF, 15) * 0x1B873593 & 0xFFFFFFFF
        value = (rotate(value, 13) * 5 + 0xE6546B64) & 0xFFFFFFFF
    value ^= len(data)
    value = (value ^ value >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    value = (value ^ value >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    return value ^ value >> 16


def crc16(data: bytes) -> int:
    return binascii.crc_hqx(data, 0)


def canonical(value: object) -> bytes:
    if isinstance(value, int):
        return (value & MASK).to_bytes(8, "little")
    return value.encode() if isinstance(value, str) else bytes(value)  # type: ignore[call-overload]


@pytest.mark.parametrize(("name", "function"), [("murmur3_spark", spark), ("crc16_xmodem", crc16)])
@given(values=st.one_of(TEXTS, INTEGERS, BYTES))
def test_a_column_hashes_as_a_plain_implementation_says(name, function, values):
    wanted = [None if value is None else function(canonical(value)) for value in values]
    assert assay.hash(pa.array(values), name, threads=1).to_pylist() == wanted


@given(values=st.lists(st.text(alphabet=st.characters(max_codepoint=127), max_size=70)))
def test_cassandras_token_of_ascii_is_the_first_half_of_murmur3(values):
    # Tail bytes above 127 are what Cassandra does otherwise; below, both agree.
    wanted = [mmh3.hash64(value.encode(), signed=False)[0] for value in values]
    assert assay.hash(pa.array(values, pa.string()), "murmur3_cassandra").to_pylist() == wanted


def test_cassandras_tokens_are_those_of_its_drivers_tests():
    keys = [b"123", b"\xfe" * 16, b"\xfe" * 8, b"\xfe" * 4, b"\xe2\xe7", None]
    tokens = [
        -7468325962851647638,
        -833317529301936754,
        -8927430733708461935,
        4566408979886474012,
        -8582699461035929883,
    ]
    found = assay.hash(pa.array(keys, pa.binary()), "murmur3_cassandra")
    assert found.to_pylist() == [*(token & MASK for token in tokens), None]


def test_widths_are_those_of_the_functions():
    keys = pa.array(["a", None])
    assert assay.hash(keys, "crc16_xmodem").type == pa.uint16()
    assert assay.hash(keys, "murmur3_spark").type == pa.uint32()
    assert assay.hash(keys, "murmur3_cassandra").type == assay.hash(keys, "postgres").type == pa.uint64()
    assert assay.hash_rows(pa.table({"a": keys, "b": keys}), "crc16_xmodem").type == pa.uint16()


# The only remainders for which `satisfies_hash_partition(table, 4096, remainder, columns)` is true on PostgreSQL 15.18.
ROWS = pa.table(
    {
        "i": pa.array([42, -1, 2**63 - 1, None, None, -(2**63)], pa.int64()),
        "t": pa.array(["ab", "twelve bytes", "天地", None, "", None]),
        "f": pa.array([0.1, 0.0, float("nan"), None, -2.25, float("inf")]),
        "b": pa.array([True, False, None, None, True, False]),
    }
)
REMAINDERS = {
    ("i",): [2658, 4005, 2678, 0, 0, 383],
    ("t",): [3104, 1302, 908, 0, 2214, 0],
    ("f",): [1526, 1504, 2152, 0, 325, 2783],
    ("b",): [4024, 2480, 0, 0, 4024, 2480],
    ("i", "t"): [2742, 976, 630, 0, 2214, 383],
    ("b", "f", "t"): [3140, 200, 276, 0, 2149, 418],
}


@pytest.mark.parametrize("columns", REMAINDERS, ids="-".join)
def test_postgresqls_partitions_are_those_of_the_server(columns):
    hashes = assay.hash_rows(ROWS, "postgres", columns=columns).fill_null(0)  # one null column: null, remainder 0
    assert [value % 4096 for value in hashes.to_pylist()] == REMAINDERS[columns]
    encoded = pa.table({name: ROWS.column(name).dictionary_encode() for name in columns if name != "b"})
    if "b" not in columns:
        assert assay.hash_rows(encoded, "postgres").fill_null(0).to_pylist() == hashes.to_pylist()


def test_the_strategy_puts_each_row_where_postgresql_does():
    spelling = "hash(i, t, function=postgres)"
    compared = assay.compare("partitioning", ROWS, strategies=[spelling], partitions=8, timing=False)
    loads = (
        compared.store.query("SELECT value FROM series_point WHERE series = 'load' ORDER BY position")
        .column(0)
        .to_pylist()
    )
    wanted = [0] * 8
    for remainder in REMAINDERS["i", "t"]:
        wanted[remainder % 8] += 1
    assert loads == wanted


def test_what_postgresql_hashes_otherwise_is_refused_with_the_way_out():
    columns = [
        pa.array([dt.date(2024, 1, 1)]),
        pa.array([dt.datetime(2024, 1, 1)]),
        pa.array([dt.time(1)]),
        pa.array([Decimal("1.5")]),
    ]
    for column in columns:
        with pytest.raises(UnsupportedTypeError, match="postgres hashes integers, floats, bool, text and binary"):
            assay.hash(column, "postgres")
    with pytest.raises(UnsupportedTypeError, match="beyond PostgreSQL's bigint"):
        assay.hash(pa.array([2**63], pa.uint64()), "postgres")


@pytest.mark.parametrize("columns", REMAINDERS, ids="-".join)
def test_partitions_are_counted_where_postgresql_puts_the_rows(columns):
    spelling = f"hash({', '.join(columns)}, function=postgres)"
    wanted = [REMAINDERS[columns].count(remainder) for remainder in range(4096)]
    assert assay.count_partitions(ROWS, spelling, partitions=4096).to_pylist() == wanted
