"""ZIP codes: the numbers that the package is known for, and null where it holds no value."""

from __future__ import annotations

import sys

import pytest

from assay.datasets import describe, guess_roles, open_dataset
from assay.datasets.zip_codes import _table
from assay.errors import ReadError


def test_the_table_has_the_known_shape() -> None:
    facts = describe(open_dataset("zipcodes"))
    columns = {column.name: column for column in facts.columns}
    assert facts.rows == 42_789 and facts.fingerprint_kind == "content" and facts.licence == "MIT"
    assert columns["zip_code"].distinct == 42_789
    assert (columns["state"].distinct, columns["state"].top_value, columns["state"].top_rows) == (62, "TX", 2662)
    assert {name: column.nulls for name, column in columns.items() if column.nulls} == {
        "county": 977, "timezone": 823, "world_region": 78, "country": 78, "latitude": 872, "longitude": 872
    }  # fmt: skip


def test_a_place_that_everybody_knows_is_where_it_is() -> None:
    rows = {row["zip_code"]: row for row in open_dataset("zipcodes").table().to_pylist()}
    assert list(rows) == sorted(rows)
    beverly_hills = rows["90210"]
    assert (beverly_hills["city"], beverly_hills["state"]) == ("Beverly Hills", "CA")
    assert round(beverly_hills["latitude"]) == 34 and round(beverly_hills["longitude"]) == -118


def test_the_roles_are_the_zip_code_and_the_state() -> None:
    roles = guess_roles(open_dataset("zipcodes"))
    assert roles.keys[0] == "zip_code" and roles.lists[0] == "state"


def test_another_process_gets_the_same_rows() -> None:
    dataset = open_dataset("zipcodes()")
    assert dataset.description().open().table().equals(dataset.table())


def test_a_missing_or_strange_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import zipcodes

    _table.cache_clear()
    try:
        monkeypatch.setattr(zipcodes, "list_all", lambda: [{"zip_code": "1"}])
        with pytest.raises(ReadError, match="does not hold what was expected"):
            open_dataset("zipcodes")
        monkeypatch.setitem(sys.modules, "zipcodes", None)
        with pytest.raises(ReadError, match=r'pip install "assay\[data\]"'):
            open_dataset("zipcodes")
    finally:
        _table.cache_clear()
