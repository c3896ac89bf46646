"""Kafka: its hash is held to its own test's values, and the exported module is asked for each row's partition."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from landing import ROW_ID, check, odd_table

import assay
from assay.errors import UnsupportedTypeError
from assay.targets.kafka import murmur2

# org.apache.kafka.common.utils.UtilsTest.testMurmur2
VECTORS = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


def test_murmur2_gives_the_values_of_kafkas_own_test() -> None:
    assert dict(zip(VECTORS, murmur2(list(VECTORS)).view(np.int32).tolist(), strict=True)) == VECTORS
    assert murmur2([]).tolist() == []


def naive(key: bytes) -> int:
    """Utils.murmur2, a byte and a word at a time."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = 0x9747B28C ^ len(key)
    for start in range(0, len(key) // 4 * 4, 4):
        k = int.from_bytes(key[start : start + 4], "little") * m & mask
        h = (h * m & mask) ^ ((k ^ k >> 24) * m & mask)
    tail = key[len(key) // 4 * 4 :]
    if tail:
        h = (h ^ int.from_bytes(tail, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


@given(st.lists(st.binary(max_size=40), max_size=30))
def test_murmur2_equals_a_naive_one(keys: list[bytes]) -> None:
    assert murmur2(keys).tolist() == [naive(key) for key in keys]


def test_hash_is_left_to_kafka_and_predicted() -> None:
    export = assay.export(odd_table(), target="kafka", strategy='hash("select""")', partitions=6, table="shop.odd")
    assert [file.name for file in export.files] == ["odd.sh", "producer.properties"]
    assert "--create --topic shop.odd --partitions 6\n" in export.text
    keys, placed = (export.keys.column(place).to_pylist() for place in (0, 2))
    assert placed == [0 if k is None else (naive(k.encode()) & 0x7FFFFFFF) % 6 for k in keys]
    assert any("Records without a key" in note for note in export.notes)
    assert not export.exact  # because of them


MODULES = (
    "range(dict)",
    'range("select""")',
    'range("Ünïcode name")',
    "range(order, bounds=[3, 3, 7])",
    "list(flag)",
    'list(dict, "Ünïcode name")',
    'modulo("Ünïcode name")',
    "round_robin",
    "ring(order)",
    'jump("select""", flag)',
    "hash(dict, order)",
    "composite(list(flag), round_robin, first=2)",
    "composite(ring(order), list(dict), first=2)",
)


@pytest.mark.parametrize("strategy", MODULES)
def test_the_module_gives_every_row_its_partition(tmp_path: Path, strategy: str) -> None:
    export = assay.export(odd_table(), target="kafka", strategy=strategy, partitions=4, table="odd")
    assert export.exact
    export.write(tmp_path / "out")
    module = runpy.run_path(str(tmp_path / "out" / "odd_partitioner.py"))
    check(export, {row[ROW_ID]: module["partition_of"](row) for row in odd_table().to_pylist()})


def test_exact_keeps_the_measured_hash(tmp_path: Path) -> None:
    export = assay.export(odd_table(), target="kafka", strategy="hash(dict)", partitions=4, table="odd", exact=True)
    export.write(tmp_path / "out")
    module = runpy.run_path(str(tmp_path / "out" / "odd_partitioner.py"))
    check(export, {row[ROW_ID]: module["partition_of"](row) for row in odd_table().to_pylist()})
    with pytest.raises(KeyError):
        module["partition_of"]({"dict": "never seen"})


def test_what_a_topic_or_a_mapping_cannot_hold_is_refused() -> None:
    table = pa.table({"a": [1, 2]})
    with pytest.raises(UnsupportedTypeError, match="is no topic"):
        assay.export(table, target="kafka", strategy="hash(a)", table='"my topic"')
    with pytest.raises(UnsupportedTypeError, match="a mapping in JSON holds"):
        assay.export(odd_table(), target="kafka", strategy="ring(price)")
