"""Hashes of a column beside their peers: one script, interleaved rounds, processor time.

    python bench/peers/hashes.py [--rows 10000000] [--rounds 7] [--only NAME ...] [-o FILE]

assay on one thread, Arrow in and Arrow out, beside the hashes of polars, polars-hash, DuckDB and pandas over columns,
and loops of xxhash and mmh3 over Python objects (fewer rows; their figures are per key). polars', DuckDB's and
pandas' own hashes change between versions; they stand here for their speed. Where a peer computes the same function,
its answers are checked for equality before anything is timed. Goals are printed beside the figures; a miss is printed
as a miss.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("POLARS_MAX_THREADS", "1")  # polars reads it when it is imported

import duckdb
import mmh3
import numpy as np
import pandas as pd
import polars as pl
import polars_hash as plh
import pyarrow as pa
import xxhash
from beside import Report, Row, threads_over_processes

import assay

LOOP_ROWS = 200_000
PANDAS_TEXT_ROWS = 100_000
OTHERS = ("rapidhash", "siphash_2_4", "fnv1a_64", "crc32c", "xxh3_128", "murmur3_128")


def words(rows: int) -> pa.Array:
    """Integers of 63 bits, from a seed."""
    return pa.array(np.random.default_rng(1).integers(0, 2**63 - 1, rows, dtype=np.int64))


def texts(rows: int, width: int = 16) -> pa.Array:
    """Texts of `width` small letters, from a seed."""
    data = np.random.default_rng(2).integers(97, 123, rows * width, dtype=np.uint8)
    offsets = np.arange(rows + 1, dtype=np.int32) * width
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(data))


def uneven(rows: int) -> pa.Array:
    """Texts of 0 to 23 small letters, from a seed."""
    draw = np.random.default_rng(3)
    lengths = draw.integers(0, 24, rows)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    data = draw.integers(97, 123, int(offsets[-1]), dtype=np.uint8)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(data))


def with_nulls(column: pa.Array) -> pa.Array:
    """The column with every tenth value null, at random places."""
    holes = np.random.default_rng(4).random(len(column)) < 0.1
    return pa.Array.from_buffers(
        column.type,
        len(column),
        [pa.py_buffer(np.packbits(~holes, bitorder="little")), *column.buffers()[1:]],
    )


def ours(column: Any, algorithm: str) -> Callable[[], object]:
    """A call of assay on one thread."""
    return lambda: assay.hash(column, algorithm, threads=1)


def expression(frame: pl.DataFrame, column: Any) -> Callable[[], object]:
    """A call of a polars expression, to Arrow."""
    return lambda: frame.select(column).to_series().to_arrow()


def in_duckdb(column: pa.Array) -> Callable[[], object]:
    """A call of DuckDB's hash on one thread, to Arrow."""
    connection = duckdb.connect(config={"threads": 1})
    connection.register("keys", pa.table({"k": column}))
    return lambda: connection.sql("SELECT hash(k) FROM keys").to_arrow_table()


def agree(found: pa.Array, other: Any) -> None:
    """Raises unless both are the same hashes."""
    theirs = pa.array(other, pa.uint64()) if isinstance(other, list) else other.to_series().to_arrow()
    assert found.cast(pa.uint64()).equals(theirs.cast(pa.uint64())), "the peer's hashes are others"


def beside_int64(rows: int, rounds: int, report: Report) -> None:
    """Keys of type int64."""
    column = words(rows)
    frame = pl.DataFrame({"k": pl.from_arrow(column)})
    bytes_of = plh.col("k").bytes.to_le().nchash
    agree(assay.hash(column), frame.select(bytes_of.xxh3_64()))
    agree(assay.hash(column, "xxh64"), frame.select(bytes_of.xxhash64()))
    agree(assay.hash(column, "murmur3_32"), frame.select(bytes_of.murmur32()))
    report.say(f"\nint64, {rows:,} keys")
    rows_of = {
        **{f"assay {name}": Row(ours(column, name), rows, rounds) for name in ("xxh3_64", "xxh64", "murmur3_32")},
        **{f"assay {name}": Row(ours(column, name), rows, rounds) for name in OTHERS},
        "polars Series.hash (unstable)": Row(frame.to_series().hash, rows, rounds),
        "polars-hash xxh3_64": Row(expression(frame, bytes_of.xxh3_64()), rows, rounds),
        "polars-hash xxhash64": Row(expression(frame, bytes_of.xxhash64()), rows, rounds),
        "polars-hash murmur32": Row(expression(frame, bytes_of.murmur32()), rows, rounds),
        "duckdb hash (unstable)": Row(in_duckdb(column), rows, rounds),
        "pandas hash_array": Row(lambda: pd.util.hash_array(column.to_numpy()), rows, rounds),
    }
    figures = report.table(rows_of)
    best = min(figures["assay xxh3_64"], figures["assay xxh64"])
    theirs = min(figures["polars-hash xxh3_64"], figures["polars-hash xxhash64"])
    report.goal("xxh3_64 or xxh64 of int64", best, 1.0, unit="ns", most=True)
    report.goal("over polars-hash", theirs / best, 5)
    report.goal("over polars Series.hash", figures["polars Series.hash (unstable)"] / best, 1)
    report.goal("murmur3_32 of int64", figures["assay murmur3_32"], 2.5, unit="ns", most=True)
    report.goal("over polars-hash murmur32", figures["polars-hash murmur32"] / figures["assay murmur3_32"], 2.5)


def beside_text(rows: int, rounds: int, report: Report) -> None:
    """Texts of 16 bytes."""
    column = texts(rows)
    frame = pl.DataFrame({"k": pl.from_arrow(column)})
    hashes = plh.col("k").nchash
    few = [key.encode() for key in column.slice(0, LOOP_ROWS).to_pylist()]
    some = column.slice(0, PANDAS_TEXT_ROWS).to_numpy(zero_copy_only=False)
    agree(assay.hash(column), frame.select(hashes.xxh3_64()))
    agree(assay.hash(column, "xxh64"), frame.select(hashes.xxhash64()))
    agree(assay.hash(column, "murmur3_32"), frame.select(hashes.murmur32()))
    agree(assay.hash(column.slice(0, LOOP_ROWS)), [xxhash.xxh3_64_intdigest(key) for key in few])
    report.say(f"\ntext of 16 bytes, {rows:,} keys (loops {LOOP_ROWS:,})")
    rows_of = {
        **{f"assay {name}": Row(ours(column, name), rows, rounds) for name in ("xxh3_64", "xxh64", "murmur3_32")},
        **{f"assay {name}": Row(ours(column, name), rows, rounds) for name in OTHERS},
        "polars Series.hash (unstable)": Row(frame.to_series().hash, rows, rounds),
        "polars-hash xxh3_64": Row(expression(frame, hashes.xxh3_64()), rows, rounds),
        "polars-hash xxhash64": Row(expression(frame, hashes.xxhash64()), rows, rounds),
        "polars-hash murmur32": Row(expression(frame, hashes.murmur32()), rows, rounds),
        "duckdb hash (unstable)": Row(in_duckdb(column), rows, rounds),
        "pandas hash_array, categorize=False": Row(
            lambda: pd.util.hash_array(some, categorize=False), PANDAS_TEXT_ROWS, rounds
        ),
        "loop xxhash.xxh3_64": Row(lambda: [xxhash.xxh3_64_intdigest(key) for key in few], LOOP_ROWS, rounds),
        "loop mmh3.hash": Row(lambda: [mmh3.hash(key) for key in few], LOOP_ROWS, rounds),
    }
    figures = report.table(rows_of)
    best = min(figures["assay xxh3_64"], figures["assay xxh64"])
    theirs = min(figures["polars-hash xxh3_64"], figures["polars-hash xxhash64"])
    report.goal("xxh3_64 or xxh64 of 16 bytes", best, 1.8, unit="ns", most=True)
    report.goal("over polars-hash", theirs / best, 1.6)
    report.goal("over polars Series.hash", figures["polars Series.hash (unstable)"] / best, 1)
    report.goal("murmur3_32 of 16 bytes", figures["assay murmur3_32"], 2.5, unit="ns", most=True)
    report.goal("over polars-hash murmur32", figures["polars-hash murmur32"] / figures["assay murmur3_32"], 2.5)


def beside_layouts(rows: int, rounds: int, report: Report) -> None:
    """Other columns, and rows of two; no goals."""
    fixed = texts(rows)
    view = fixed.cast(pa.string_view())
    binary = pa.Array.from_buffers(pa.binary(16), rows, [None, fixed.buffers()[2]])
    numbers = words(rows)
    different = uneven(rows)
    dictionary = pa.DictionaryArray.from_arrays(
        pa.array(np.random.default_rng(5).integers(0, 1000, rows, dtype=np.int32)), fixed.slice(0, 1000)
    )
    table = pa.table({"a": numbers, "b": numbers})
    mixed = pa.table({"a": numbers, "b": fixed})
    frame, other = pl.DataFrame(pl.from_arrow(table)), pl.DataFrame(pl.from_arrow(mixed))
    assert assay.hash(view).equals(assay.hash(fixed))
    assert assay.hash(binary).equals(assay.hash(fixed))
    report.say(f"\nother columns and rows of two, xxh3_64, {rows:,} keys")
    report.table(
        {
            "assay int64, a tenth null": Row(ours(with_nulls(numbers), "xxh3_64"), rows, rounds),
            "assay text of 16 bytes, a tenth null": Row(ours(with_nulls(fixed), "xxh3_64"), rows, rounds),
            "assay binary(16)": Row(ours(binary, "xxh3_64"), rows, rounds),
            "assay text views of 16 bytes": Row(ours(view, "xxh3_64"), rows, rounds),
            "assay text of 0 to 23 bytes": Row(ours(different, "xxh3_64"), rows, rounds),
            "polars Series.hash, text of 0 to 23 bytes": Row(pl.Series(different).hash, rows, rounds),
            "assay dictionary of 1,000 texts": Row(ours(dictionary, "xxh3_64"), rows, rounds),
            "assay hash_rows, two int64": Row(lambda: assay.hash_rows(table, threads=1), rows, rounds),
            "polars hash_rows, two int64 (unstable)": Row(frame.hash_rows, rows, rounds),
            "assay hash_rows, int64 and text": Row(lambda: assay.hash_rows(mixed, threads=1), rows, rounds),
            "polars hash_rows, int64 and text (unstable)": Row(other.hash_rows, rows, rounds),
        }
    )


def two_threads(rows: int, rounds: int, report: Report) -> None:
    """Two threads beside two processes."""
    report.say(f"\ntwo threads over two processes of one thread, {rows:,} keys")
    for what, column in (("int64", words(rows)), ("text of 16 bytes", texts(rows))):
        for name in ("xxh3_64", "murmur3_32"):
            both = lambda column=column, name=name: assay.hash(column, name, threads=2)  # noqa: E731
            report.goal(f"{name} of {what}", threads_over_processes(ours(column, name), both, rounds=rounds), 0.85)


TABLES = {"int64": beside_int64, "text": beside_text, "layouts": beside_layouts, "threads": two_threads}


def main() -> int:
    """Everything that was asked for, in one report."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", nargs="*", choices=TABLES, default=[*TABLES])
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    report = Report()
    report.head(("assay", "polars", "polars-hash", "duckdb", "pandas", "xxhash", "mmh3", "pyarrow"))
    for name in arguments.only:
        TABLES[name](arguments.rows, arguments.rounds, report)
    if arguments.output is not None:
        report.write(arguments.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
