"""Columns in folder names: typed, in their place, and never in two places at once."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.datasets import describe, open_dataset
from assay.datasets.hive import NULL, folder_columns
from assay.errors import ReadError, SuiteError, UnknownNameError

Read = Callable[..., pa.Table]


def write(path: Path, **columns: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, row_group_size=2)


@pytest.fixture
def trips(tmp_path: Path) -> Path:
    write(tmp_path / "trips/year=2012/day=2012-12-31/kind=a%2Fb/part.parquet", id=[1, 2, 3])
    write(tmp_path / f"trips/year=2013/day=2013-01-01/kind={NULL}/part.parquet", id=[4])
    write(tmp_path / "trips/year=2013/day=2013-01-01/kind=007/part.parquet", id=[5, 6, 7])
    return tmp_path / "trips"


@pytest.mark.parametrize("target_rows", [1, 3, 100])
def test_names_of_folders_become_typed_columns_after_the_own_ones(trips: Path, read: Read, target_rows: int) -> None:
    dataset = open_dataset(trips)
    found = read(dataset, target_rows)
    assert found.schema.names == ["id", "year", "day", "kind"]
    assert found.schema.types == [pa.int64(), pa.int64(), pa.date32(), pa.string()]
    new_year = datetime.date(2013, 1, 1)
    assert found.to_pydict() == {
        "id": [1, 2, 3, 5, 6, 7, 4],  # in the order of the paths
        "year": [2012] * 3 + [2013] * 4,
        "day": [datetime.date(2012, 12, 31)] * 3 + [new_year] * 4,
        "kind": ["a/b"] * 3 + ["007"] * 3 + [None],
    }


def test_columns_come_in_any_order_and_alone_and_count_rows(trips: Path, read: Read) -> None:
    dataset = open_dataset(trips)
    assert read(dataset, 3, ["kind", "id", "year"]).column_names == ["kind", "id", "year"]
    assert read(dataset, 3, ["year"])["year"].to_pylist() == [2012] * 3 + [2013] * 4
    assert sum(batch.data.num_rows for batch in dataset.batches([])) == 7


def test_they_travel_to_another_process_and_change_the_fingerprint(trips: Path) -> None:
    dataset = open_dataset(trips)
    again = dataset.description().open()
    assert again.table().equals(dataset.table()) and again.fingerprint() == dataset.fingerprint()
    before = dataset.fingerprint()
    (trips / "year=2012").rename(trips / "year=2011")
    assert open_dataset(trips).fingerprint() != before


@pytest.mark.parametrize("pattern", ["*/*/*/*.parquet", "**/*.parquet", "year=*/**/part.parquet"])
def test_a_pattern_has_them_from_its_first_wildcard_on(trips: Path, pattern: str) -> None:
    assert open_dataset(trips / pattern).table().equals(open_dataset(trips).table())


def test_folders_above_what_was_named_are_no_columns(trips: Path) -> None:
    assert open_dataset(trips / "year=2013").schema.names == ["id", "day", "kind"]
    assert open_dataset(trips / "year=2013/day=2013-01-01/kind=007/part.parquet").schema.names == ["id"]
    assert open_dataset(trips / "year=2013/day=2013-01-01/kind=007/*.parquet").schema.names == ["id"]


def test_a_declared_type_wins(trips: Path, write_definition: Callable[..., Path]) -> None:
    path = write_definition('source = { path = "trips" }\ntypes = { year = "string", day = "timestamp[us]" }')
    dataset = open_dataset(path)
    assert dataset.schema.types == [pa.int64(), pa.string(), pa.timestamp("us"), pa.string()]
    assert set(dataset.table(["year"])["year"].to_pylist()) == {"2012", "2013"}
    wrong = write_definition('source = { path = "trips" }\ntypes = { kind = "int64" }', "wrong")
    with pytest.raises(ReadError, match=r"the folder kind=a/b is no int64; declare another type for kind"):
        open_dataset(wrong)
    unknown = write_definition('source = { path = "trips" }\ntypes = { yaer = "int64" }', "unknown")
    with pytest.raises(UnknownNameError, match='did you mean "year"'):
        open_dataset(unknown)


def test_types_without_such_folders_are_still_a_mistake(tmp_path: Path, write_definition: Callable[..., Path]) -> None:
    write(tmp_path / "flat/part.parquet", id=[1])
    with pytest.raises(SuiteError, match="types: is for CSV"):
        open_dataset(write_definition('source = { path = "flat" }\ntypes = { id = "int64" }'))


def test_a_column_in_two_places_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "t/id=1/part.parquet", id=[1])
    with pytest.raises(ReadError, match=r"column 'id' of .* is in a folder's name and in the files themselves; rename"):
        open_dataset(tmp_path / "t")
    assert open_dataset(tmp_path / "t/id=1/*.parquet").rows == 1
    write(tmp_path / "u/a=1/a=2/part.parquet", id=[1])
    with pytest.raises(ReadError, match="is in two folders' names"):
        open_dataset(tmp_path / "u")


@pytest.mark.parametrize("other", ["t/month=1/part.parquet", "t/part.parquet", "t/year=1/month=2/part.parquet"])
def test_files_under_other_names_are_refused(tmp_path: Path, other: str) -> None:
    write(tmp_path / "t/year=2013/part.parquet", id=[1])
    write(tmp_path / other, id=[1])
    with pytest.raises(ReadError, match="all files of one dataset must lie under the same names"):
        open_dataset(tmp_path / "t")


def test_facts_count_them_like_any_column(trips: Path) -> None:
    columns = {column.name: column for column in describe(open_dataset(trips)).columns}
    assert (columns["year"].distinct, columns["year"].top_value, columns["year"].top_rows) == (2, 2013, 4)
    assert (columns["kind"].nulls, columns["kind"].distinct) == (1, 2)


def test_arrow_writes_and_reads_the_same_folders(tmp_path: Path) -> None:
    table = pa.table({"n": range(50), "k": [n % 3 for n in range(50)], "t": [f"x{n % 2} é/=%" for n in range(50)]})
    pads.write_dataset(
        table, tmp_path / "d", format="parquet", partitioning=["k", "t"], partitioning_flavor="hive"
    )  # fmt: skip
    found = open_dataset(tmp_path / "d").table().sort_by("n")
    assert found.to_pydict() == table.to_pydict()


TEXTS = st.lists(st.one_of(st.none(), st.integers().map(str), st.dates().map(str), st.text(max_size=4)), min_size=1)


@given(TEXTS)
def test_any_values_become_one_type_that_holds_them_all(texts: list[str | None]) -> None:
    from urllib.parse import quote

    values = [(("k", NULL if text is None else quote(text, safe="")),) for text in texts]
    ((field, scalars),) = folder_columns(values, [f"file {n}" for n in range(len(texts))], pa.schema([]), {})
    for text, scalar in zip(texts, scalars, strict=True):
        assert scalar.type == field.type
        if text is None:
            assert not scalar.is_valid
        elif field.type == pa.int64():
            assert scalar.as_py() == int(text)
        else:
            assert str(scalar.as_py()) == text
