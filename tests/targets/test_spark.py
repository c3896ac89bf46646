"""Spark: its SQL is read by a parser, carried over to DuckDB and run; its own hash is held to published values."""

from __future__ import annotations

import ast
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from landing import ODD_STRATEGIES, ROW_ID, check, odd_table

import assay
from assay.errors import UnsupportedTypeError, UsageError
from assay.targets.export import Export

sqlglot = pytest.importorskip("sqlglot", reason="sqlglot is not installed here")

NUMBERED = [strategy for strategy in ODD_STRATEGIES if "round_robin" not in strategy and "clock" not in strategy]


def script(export: Export) -> dict[str, object]:
    """The constants of the export's script."""
    tree = ast.parse(export.files[1].text or "")
    return {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }


@pytest.mark.parametrize("strategy", NUMBERED)
def test_the_expression_gives_every_row_its_partition(tmp_path: Path, strategy: str) -> None:
    """As no Spark is at hand, a translator of dialects carries the expression over to DuckDB, which computes it."""
    export = assay.export(odd_table(), target="spark", strategy=strategy, partitions=4, table="odd", rows=True)
    assert export.exact
    export.write(tmp_path / "out")
    expression = script(export)["PARTITION_NUMBER"]
    joins = "".join(
        f" LEFT JOIN '{tmp_path}/out/{file.name}' AS m{index} ON "
        + " AND ".join(f"m{index}.k{i} IS NOT DISTINCT FROM t.{_quoted(name)}" for i, name in enumerate(columns))
        for index, (file, columns) in enumerate(mappings(export))
    )
    (translated,) = sqlglot.transpile(f"SELECT {expression} AS n", read="spark", write="duckdb")
    query = f"SELECT t.{ROW_ID}, {translated.removeprefix('SELECT ')} FROM '{tmp_path}/out/odd.parquet' AS t{joins}"
    with duckdb.connect() as connection:
        connection.execute("CREATE MACRO pmod(a, n) AS (a % n + n) % n; CREATE MACRO raise_error(m) AS error(m)")
        check(export, dict(connection.execute(query).fetchall()))


def mappings(export: Export) -> list[tuple[object, tuple[str, ...]]]:
    files = [file for file in export.files if "_partition_of" in file.name]
    specs = [leaf for leaf in export.layout.spec.leaves if leaf.name not in ("range", "list", "modulo")]
    if not specs and files:
        specs = [leaf for leaf in export.layout.spec.leaves if len(leaf.columns) > 1]
    return [(file, spec.columns) for file, spec in zip(files, specs, strict=True)]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@pytest.mark.parametrize("strategy", ["hash(dict)", "range(order)", "ring(day)", "round_robin"])
def test_ddl_and_script_are_what_spark_and_python_read(strategy: str) -> None:
    export = assay.export(odd_table(), target="spark", strategy=strategy, partitions=4, table="shop.`odd")
    (statement,) = sqlglot.parse(export.text, dialect="spark")
    names = [column.name for column in statement.find_all(sqlglot.exp.ColumnDef)]
    assert names[: len(odd_table().column_names)] == odd_table().column_names
    ast.parse(export.files[1].text or "")


def test_buckets_are_those_of_spark() -> None:
    """Spark: SELECT hash(CAST(1 AS BIGINT)), hash('Spark'), hash(NULL) gives -1712319331, 228093765 and 42."""
    export = assay.export(pa.table({"k": [1, None]}), target="spark", strategy="hash(k)", partitions=5)
    assert export.keys.column("partition").to_pylist() == [-1712319331 % 5, 42 % 5]
    export = assay.export(pa.table({"k": ["Spark"]}), target="spark", strategy="hash(k)", partitions=1000)
    assert export.keys.column("partition").to_pylist() == [228093765 % 1000]
    assert "CLUSTERED BY (`k`) INTO 1000 BUCKETS" in export.text
    assert "rows.repartition(1000, rows['`k`'])" in (export.files[1].text or "")


@pytest.mark.parametrize("name", ["flag", "day", "f", '"Ünïcode name"', "price"])
def test_types_that_spark_hashes_otherwise_are_no_prediction(name: str) -> None:
    export = assay.export(odd_table(), target="spark", strategy=f"hash({name})", partitions=4)
    assert export.native is None and not export.exact
    assert "places not" in export.notes[0]


def test_a_key_for_which_spark_has_no_type_is_refused() -> None:
    with pytest.raises(UnsupportedTypeError, match='column "clock" is of type time64'):
        assay.export(odd_table(), target="spark", strategy="list(clock)", partitions=4)


def test_rows_by_number_are_dealt_or_refused() -> None:
    export = assay.export(odd_table(), target="spark", strategy="round_robin", partitions=4)
    assert not export.exact and np.ptp(export.predicted) == 0
    with pytest.raises(UsageError, match="rows have no numbers in Spark"):
        assay.export(odd_table(), target="spark", strategy="composite(round_robin, hash(dict), first=2)", partitions=4)
