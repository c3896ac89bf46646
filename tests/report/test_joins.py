"""Joins on the page: the data's references with examples of orphans, and what each way to join costs."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import assay


@pytest.fixture
def child(tmp_path: Path) -> Path:
    """Ten rows: six refer to three parents, three to a parent that is missing, one to nobody."""
    pq.write_table(pa.table({"id": [1, 2, 3], "name": ["one", "two", "three"]}), tmp_path / "parent.parquet")
    (tmp_path / "parent.toml").write_text('source = { path = "parent.parquet" }\n', encoding="utf-8")
    keys = [1, 1, 2, 2, 3, 3, 9, 9, 8, None]
    pq.write_table(pa.table({"key": pa.array(keys), "row": range(10)}), tmp_path / "child.parquet")
    definition = 'source = { path = "child.parquet" }\n[foreign_keys.parent]\ncolumns = ["key"]\n'
    (tmp_path / "child.toml").write_text(f'{definition}parent = "parent.toml"\nparent_columns = ["id"]\n', "utf-8")
    return tmp_path / "child.toml"


def rows_of(page: str, caption: str) -> list[list[str]]:
    """The texts of the cells of the table whose caption begins so."""
    (found,) = re.findall(rf"<table><caption><span>{caption}.*?</table>", page, re.DOTALL)
    rows = re.findall(r"<tr>(.*?)</tr>", found, re.DOTALL)
    return [[re.sub("<[^>]*>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)] for row in rows]


def page_of(child: Path, tmp_path: Path, **settings: object) -> str:
    found = assay.compare("partitioning", child, strategies=["round_robin"], partitions=2, timing=False, **settings)
    return Path(found.report(tmp_path / "out.html")).read_text(encoding="utf-8")


def test_orphans_are_shown_with_their_most_frequent_values(child: Path, tmp_path: Path) -> None:
    head, row = rows_of(page_of(child, tmp_path), "References of the data itself")
    assert head[-1] == "most frequent orphans"
    assert row == ["parent", "6", "3", "3", "2", "1", "9 (2 rows), 8 (1 row)"]


def test_what_joins_cost_is_shown_as_far_as_it_was_measured(child: Path, tmp_path: Path) -> None:
    # Parents on partitions 0 1 0 by number, rows on 0 1 0 1 ...: rows 1, 2 and 5 live apart from theirs, 16 bytes each.
    head, row = rows_of(page_of(child, tmp_path), "Joins under round_robin")
    assert head[1:] == ["cross-partition joins", "rows per update", "partitions per update"]
    assert row == ["parent", "50.0 %", "2", "2"]
    head, row = rows_of(page_of(child, tmp_path, bytes=True), "Joins under round_robin")
    assert head[2:5] == ["reference table", "repartition, each join", "denormalized bytes"]
    assert row[2:5] == ["35 B", "48 B", "22 B"]
