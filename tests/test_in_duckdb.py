"""`assay.duckdb`: the primitives' own answers as SQL functions, for each type of key, with nulls and clear errors."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa
import pytest

import assay
import assay.duckdb
from assay import _core, hashing
from assay.catalogue import contenders
from assay.errors import UnsupportedTypeError, UsageError

RING = assay.Ring(["ams", "fra", "lhr"], virtual_nodes=32)
SEEN = assay.BloomFilter.build(pa.array(["a", "c"]))


@pytest.fixture
def connection() -> Iterator[Any]:
    with duckdb.connect() as made:
        assay.duckdb.register(made, placements={"ring": RING}, filters={"seen": SEEN})
        yield made


def one(connection: Any, sql: str) -> Any:
    return connection.execute(sql).fetchall()[0][0]


KEYS = {
    "1::TINYINT": 1,
    "1": 1,
    "-5::BIGINT": -5,
    "1::USMALLINT": 1,
    "18446744073709551615::UBIGINT": None,
    "'text'": "text",
    "''": "",
    "'x'::ENUM('x', 'y')": "x",
    "'\\xFF'::BLOB": b"\xff",
    "1.5::FLOAT": 1.5,
    "-0.0::DOUBLE": 0.0,
    "true": True,
    "DATE '2013-01-01'": None,
    "TIME '05:15:00'": None,
    "TIMESTAMP '2013-01-01 05:15:00'": None,
    "TIMESTAMP_S '2013-01-01 05:15:00'": None,
    "TIMESTAMP_NS '2013-01-01 05:15:00.123456789'": None,
    "TIMESTAMPTZ '2013-01-01 05:15:00+00'": None,
}


@pytest.mark.parametrize("key", KEYS)
def test_a_key_of_every_type_hashes_as_in_python(connection: Any, key: str) -> None:
    column = connection.sql(f"SELECT {key} AS k").to_arrow_table().column("k")
    if KEYS[key] is not None:
        assert one(connection, f"SELECT assay_hash({key})") == assay.hash(pa.array([KEYS[key]]))[0].as_py()
    assert one(connection, f"SELECT assay_hash({key})") == assay.hash(column)[0].as_py()
    assert one(connection, f"SELECT assay_md5({key})") == assay.digest(column)[0].as_py()
    assert one(connection, f"SELECT assay_lookup({key}, 'ring')") == RING.lookup(column)[0].as_py()


@pytest.mark.parametrize("name", [one.name for one in contenders("hash") if one.name not in ("identity", "md5")])
def test_every_hash_function_is_there_by_its_name(connection: Any, name: str) -> None:
    wanted = assay.hash(pa.array([7]), name)[0].as_py()
    assert one(connection, f"SELECT assay_{name}(7)") == wanted
    verb = "assay_digest" if isinstance(wanted, bytes) else "assay_hash"
    assert one(connection, f"SELECT {verb}(7, '{name}')") == wanted
    assert f"assay_{name}" in assay.duckdb.functions()


@pytest.mark.parametrize("name", [one.name for one in contenders("digest")])
def test_every_digest_is_there_by_its_name(connection: Any, name: str) -> None:
    wanted = assay.digest(pa.array(["abc"]), name)[0].as_py()
    assert one(connection, f"SELECT assay_{name}('abc')") == one(connection, f"SELECT assay_digest('abc', '{name}')")
    assert one(connection, f"SELECT assay_{name}('abc')") == wanted


def test_a_column_of_many_rows_with_nulls_is_answered_row_by_row(connection: Any) -> None:
    connection.execute(
        "CREATE TABLE t AS SELECT CASE WHEN range % 5 > 0 THEN 'key ' || range END AS k FROM range(10000)"
    )
    keys = connection.sql("SELECT k FROM t").to_arrow_table().column("k")
    found = connection.sql(
        "SELECT assay_hash(k) h, assay_hash(k, 'xxh64', seed := 3) x, assay_sha1(k) d, assay_lookup(k, 'ring') l, "
        "assay_contains(k, 'seen') c FROM t"
    ).to_arrow_table()
    assert found.column("h").to_pylist() == assay.hash(keys).to_pylist()
    assert found.column("x").to_pylist() == assay.hash(keys, "xxh64", seed=3).to_pylist()
    assert found.column("d").to_pylist() == assay.digest(keys, "sha1").to_pylist()
    assert found.column("l").to_pylist() == RING.lookup(keys).to_pylist()
    assert found.column("c").to_pylist() == SEEN.contains(keys).to_pylist()
    assert found.column("h").null_count == found.column("c").null_count == 2000
    assert [str(field.type) for field in found.schema] == ["uint64", "uint64", "binary", "uint32", "bool"]


def test_an_empty_table_and_nulls_alone_are_answered(connection: Any) -> None:
    assert connection.execute("SELECT assay_hash(range) FROM range(0)").fetchall() == []
    assert connection.execute("SELECT assay_hash(NULL), assay_md5(NULL), assay_hash('a', NULL)").fetchall() == [
        (None, None, None)
    ]
    assert connection.execute("SELECT assay_lookup(NULL::VARCHAR, 'ring'), assay_lookup('a', NULL)").fetchall() == [
        (None, None)
    ]


def test_keys_are_handed_over_once_and_not_copied_again(connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real, met = hashing.hash, []

    def addresses(column: pa.ChunkedArray) -> list[int]:
        return [buffer.address for chunk in column.chunks for buffer in chunk.buffers() if buffer is not None]

    def outer(keys: Any, *args: Any, **kwargs: Any) -> pa.Array:
        met.append(("given", addresses(keys)))
        return real(keys, *args, **kwargs)

    core = _core.hash

    def inner(keys: Any, *args: Any, **kwargs: Any) -> pa.Array:
        met.append(("hashed", addresses(keys)))
        return core(keys, *args, **kwargs)

    monkeypatch.setattr(hashing, "hash", outer)
    monkeypatch.setattr(_core, "hash", inner)
    connection.execute("SELECT assay_hash(k, 'xxh64') FROM (SELECT 'key ' || range AS k FROM range(5000))").fetchall()
    given = [found for who, found in met if who == "given"]
    assert given == [found for who, found in met if who == "hashed"] and all(given)


def test_it_is_pure_so_that_constants_are_folded(connection: Any) -> None:
    plan = connection.execute("EXPLAIN SELECT assay_hash('a') FROM range(10)").fetchall()[0][1]
    assert "16629034431890738719" in plan.replace("\n", "")


def test_more_names_may_be_registered_and_others_take_their_place(connection: Any) -> None:
    other = assay.Ring(["one"])
    assay.duckdb.register(connection, placements={"other": other})
    assert one(connection, "SELECT assay_lookup('a', 'other')") == 0
    assert one(connection, "SELECT assay_lookup('a', 'ring')") == RING.lookup(pa.array(["a"]))[0].as_py()
    assay.duckdb.register(connection, placements={"ring": other})
    assert {row[0] for row in connection.execute("SELECT assay_lookup(range, 'ring') FROM range(99)").fetchall()} == {0}


def test_connections_to_one_database_each_have_their_own_names(connection: Any) -> None:
    cursor = connection.cursor()
    assay.duckdb.register(cursor, placements={"ring": assay.Ring(["one"])})
    sql = "SELECT count(DISTINCT assay_lookup(range, 'ring')) FROM range(100)"
    assert (one(connection, sql), one(cursor, sql)) == (3, 1)


def test_nothing_of_it_stays_in_a_database_file(tmp_path: Any) -> None:
    with duckdb.connect(str(tmp_path / "a.duckdb")) as made:
        assay.duckdb.register(made)
        made.execute("CREATE TABLE t AS SELECT assay_hash(range) AS h FROM range(10)")
    with duckdb.connect(str(tmp_path / "a.duckdb")) as again:
        assert one(again, "SELECT count(h) FROM t") == 10
        with pytest.raises(duckdb.CatalogException):
            again.execute("SELECT assay_hash(1)")
        assay.duckdb.register(again)
        assert one(again, "SELECT count(*) FROM t WHERE h = assay_hash(3)") == 1


def test_threads_of_a_query_and_of_a_program_are_answered(connection: Any) -> None:
    connection.execute("SET threads = 4")
    wanted = one(connection, "SELECT bit_xor(assay_hash(range)) FROM range(300000)")
    found: list[int] = []

    def ask() -> None:
        cursor = connection.cursor()
        assay.duckdb.register(cursor)
        found.append(one(cursor, "SELECT bit_xor(assay_hash(range)) FROM range(300000)"))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [wanted] * 3


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("assay_hash('a', 'xxh3')", 'there is no hash function "xxh3"'),
        ("assay_digest('a', 'sha0')", 'there is no digest "sha0"; did you mean "sha1"?'),
        ("assay_hash('a', 'murmur3_spark', seed := 1)", "takes no seed"),
        ("assay_lookup('a', 'rings')", 'there is no placement "rings"; did you mean "ring"?'),
        ("assay_contains('a', 'scene')", 'there is no filter "scene"'),
        ("assay_hash(1.25)", "assay_hash: a key of type DECIMAL would lose digits on its way; cast it to"),
        ("assay_md5(1::HUGEINT)", "assay_md5: a key of type HUGEINT would lose digits"),
        ("assay_hash([1])", "does not support the supplied arguments"),
        ("assay_hash(uuid())", "assay_hash: a key of type UUID could be its text or its bytes; cast it to VARCHAR"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(connection: Any, call: str, words: str) -> None:
    with pytest.raises(duckdb.Error) as caught:
        connection.execute(f"SELECT {call} FROM range(3)").fetchall()
    assert words in str(caught.value)


def test_an_argument_that_differs_from_row_to_row_is_refused(connection: Any) -> None:
    sql = "SELECT assay_hash(range, CASE WHEN range > 1 THEN 'xxh64' ELSE 'xxh32' END) FROM range(4)"
    with pytest.raises(duckdb.Error, match="algorithm differs from row to row"):
        connection.execute(sql).fetchall()


def test_names_for_nothing_are_told_how_to_register() -> None:
    with duckdb.connect() as bare:
        assay.duckdb.register(bare)
        with pytest.raises(duckdb.Error, match=r"call assay.duckdb.register\(connection, placements="):
            bare.execute("SELECT assay_lookup('a', 'ring')").fetchall()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((duckdb,), "expected a connection of duckdb"),
        ((None,), "expected a connection of duckdb"),
        ((duckdb.connect(), {"ring": "a ring"}), "ring: expected a placement"),
        ((duckdb.connect(), None, {"seen": RING}), "seen: expected a filter"),
        ((duckdb.connect(), RING), "placements is of type Ring; expected a dict"),
        ((duckdb.connect(), {3: RING}), "placements has the name 3; expected text"),
    ],
)
def test_what_cannot_be_registered_is_refused(arguments: tuple[Any, ...], words: str) -> None:
    connection, placements, filters = (*arguments, None, None)[:3]
    with pytest.raises(UnsupportedTypeError, match=words):
        assay.duckdb.register(connection, placements=placements, filters=filters)


def test_a_duckdb_that_is_too_old_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duckdb, "__version__", "1.3.2")
    with pytest.raises(UsageError, match=r"which duckdb 1\.3\.2 does not have; expected 1\.4 or newer"):
        assay.duckdb.register(duckdb.connect())
