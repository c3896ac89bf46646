"""Which column of a trace is which: named, declared, or by the usual names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from assay.datasets import find_trace_roles, open_dataset, trace_roles
from assay.datasets.trace_roles import SYNONYMS
from assay.errors import UnknownNameError, UnsupportedTypeError, UsageError


def table(**columns: list[object]) -> pa.Table:
    return pa.table(columns)


def test_columns_called_by_their_roles_have_them() -> None:
    roles = trace_roles(open_dataset(table(op=["get"], size=[1], key=["a"], time=[0])))
    assert (roles.key, roles.time, roles.size, roles.op) == ("key", "time", "size", "op")
    assert roles.columns == ("key", "time", "size", "op")


def test_a_key_alone_is_a_trace() -> None:
    roles = trace_roles(open_dataset(table(key=[1, 2])))
    assert (roles.key, roles.time, roles.size, roles.op) == ("key", None, None, None)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            ["Timestamp", "Object ID", "Object-Size", "OPERATION"],
            ("Object ID", "Timestamp", "Object-Size", "OPERATION"),
        ),
        (["ts", "url", "bytes", "method"], ("url", "ts", "bytes", "method")),
        (["clock_time", "obj_id", "obj_size"], ("obj_id", "clock_time", "obj_size", None)),
    ],
)
def test_the_usual_names_are_known_without_case_and_signs(columns: list[str], expected: tuple[str | None, ...]) -> None:
    texts = ("OPERATION", "method", "url")
    data = pa.table({name: ["x"] if name in texts else [1] for name in columns})
    roles = trace_roles(open_dataset(data))
    assert (roles.key, roles.time, roles.size, roles.op) == expected


def test_the_first_of_the_usual_names_counts() -> None:
    assert trace_roles(open_dataset(table(url=["a"], key=[1]))).key == "key"
    flat = [name for names in SYNONYMS.values() for name in names]
    assert len(flat) == len(set(flat))


def test_what_is_declared_goes_before_names_and_what_is_named_before_both(
    write_definition: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "log.csv").write_text("key,page,size,length\n1,a,2,3\n")
    definition = write_definition('source = { path = "log.csv" }\nroles = { key = "page", size = "length" }')
    dataset = open_dataset(definition)
    declared = trace_roles(dataset)
    assert (declared.key, declared.size) == ("page", "length")
    assert declared.sources == {"key": "declared", "size": "declared"}
    named = trace_roles(dataset, key="key")
    assert (named.key, named.size) == ("key", "length")
    assert named.sources == {"key": "named", "size": "declared"}


def test_a_column_by_its_name_must_fit_and_one_has_one_role() -> None:
    roles = trace_roles(open_dataset(table(key=[1], size=["large"], op=[3], time=["noon"])))
    assert (roles.time, roles.size, roles.op) == (None, None, None)
    assert trace_roles(open_dataset(table(time=[1], key=[2])), key="time").time is None


def test_a_column_that_was_named_and_does_not_fit_is_refused() -> None:
    dataset = open_dataset(table(key=[1], size=["large"], parts=[[1]]))
    with pytest.raises(UnsupportedTypeError, match=r"column size of table is string; .* expected whole numbers"):
        trace_roles(dataset, size="size")
    with pytest.raises(UnsupportedTypeError, match="column parts of table is list"):
        trace_roles(dataset, key="parts")
    with pytest.raises(UnknownNameError, match='did you mean "key"'):
        trace_roles(dataset, key="keys")


def test_a_table_without_a_key_is_no_trace_and_the_way_out_is_told() -> None:
    dataset = open_dataset(table(user=["a"], amount=[1]))
    assert find_trace_roles(dataset) is None
    with pytest.raises(UsageError, match=r'its columns \(user, amount\) with key=..., .*roles = \{ key = "url" \}'):
        trace_roles(dataset)


@pytest.mark.parametrize(
    ("name", "requests", "objects"), [("cache2k_web07", 76_118, 20_484), ("cache2k_web12", 95_607, 13_756)]
)
def test_the_shipped_traces_are_what_they_were(name: str, requests: int, objects: int) -> None:
    dataset = open_dataset(name)  # checks the recorded checksum
    roles = trace_roles(dataset)
    assert (roles.key, roles.time, roles.size, roles.op) == ("key", "time", "size", "op")
    keys = dataset.table(["key"])["key"]
    assert (len(keys), len(keys.unique())) == (requests, objects)
    assert dataset.definition.licence == "CC-BY-4.0"
    assert "headissue GmbH, Jens Wilke" in str(dataset.definition.attribution)
