"""Digests of columns and of blocks, against the standard library's one at a time."""

from __future__ import annotations

import hashlib
import random

import pyarrow as pa
import pytest

import assay

NAMES = ["md5", "sha1", "sha256", "sha512"]


def texts(rows: int, seed: int) -> list[str | None]:
    """Texts of none to a few blocks of a digest, some of them long, every eleventh null."""
    draw = random.Random(seed)
    lengths = [draw.choice([0, 8, 16, 36, 55, 56, 64, 111, 112, 128, 247, 250, 1_500]) for _ in range(rows)]
    return [None if draw.random() < 1 / 11 else f"{draw.getrandbits(64):x}" * length for length in lengths]


def wanted(values: list[str | None], name: str) -> list[bytes | None]:
    return [None if value is None else hashlib.new(name, value.encode()).digest() for value in values]


@pytest.mark.parametrize("name", NAMES)
def test_keys_of_mixed_lengths_are_digested_as_one_by_one_however_the_column_holds_them(name):
    values = texts(2_500, seed=3)
    expected = wanted(values, name)
    column = pa.array(values)
    forms = [
        column,
        column.cast(pa.large_string()),
        column.cast(pa.string_view()),
        column.cast(pa.binary()),
        column.dictionary_encode(),
        pa.chunked_array([column.slice(0, 7), column.slice(7, 1_400), column.slice(1_407, 0), column.slice(1_407)]),
    ]
    for form in forms:
        for threads in (1, 2):
            assert assay.digest(form, name, threads=threads).to_pylist() == expected, (form.type, threads)
        assert assay.digest(form.slice(13, 1_111), name).to_pylist() == expected[13 : 13 + 1_111], form.type


@pytest.mark.parametrize("name", NAMES)
def test_numbers_and_fixed_binaries_are_digested_by_their_canonical_bytes(name):
    draw = random.Random(4)
    numbers = [None if draw.random() < 0.1 else draw.getrandbits(63) for _ in range(1_100)]
    words = [None if number is None else number.to_bytes(8, "little") for number in numbers]
    expected = [None if word is None else hashlib.new(name, word).digest() for word in words]
    assert assay.digest(pa.array(numbers, pa.int64()), name).to_pylist() == expected
    assert assay.digest(pa.array(words, pa.binary(8)), name).to_pylist() == expected
    whole = [number or 0 for number in numbers]
    assert assay.digest(pa.array(whole, pa.uint64()), name).to_pylist() == [
        hashlib.new(name, number.to_bytes(8, "little")).digest() for number in whole
    ]


def test_nulls_in_a_dictionarys_values_have_no_digest():
    column = pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 2, 1], pa.int8()), pa.array(["a", None, "b"]))
    a, b = hashlib.sha256(b"a").digest(), hashlib.sha256(b"b").digest()
    assert assay.digest(column, "sha256").to_pylist() == [a, None, None, b, None]
    assert assay.digest(pa.array([], pa.string()), "sha1").to_pylist() == []
    assert assay.digest(pa.nulls(3), "sha1").to_pylist() == [None] * 3


@pytest.mark.parametrize("name", [*NAMES, "blake3"])
@pytest.mark.parametrize("block", [1, 64, 1_000, 4_096, 40_000])
def test_blocks_side_by_side_have_the_digests_of_each_alone(name, block):
    data = random.Random(5).randbytes(min(300_001, 700 * block))
    parts = [data[start : start + block] for start in range(0, len(data), block)]
    found = assay.checksum_blocks(data, name, block_bytes=block).to_pylist()
    assert found == [assay.checksum(part, name) for part in parts]
    if name != "blake3":
        assert found == [hashlib.new(name, part).digest() for part in parts]
    # At odd addresses too.
    assert assay.checksum_blocks(memoryview(data)[3:], name, block_bytes=block)[0].as_py() == assay.checksum(
        data[3 : 3 + block], name
    )
