"""What a table holds, counted exactly or not at all; and which columns to try first."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.datasets import ColumnFacts, ForeignKeyFacts, describe, guess_roles, open_dataset
from assay.datasets.counting import KeyCounter
from assay.errors import ParameterError


def columns_of(table: pa.Table, **options: int) -> dict[str, ColumnFacts]:
    return {column.name: column for column in describe(open_dataset(table), **options).columns}


def test_a_small_table_by_hand() -> None:
    # x: a a b null -> 2 distinct, a on 2 of 3 rows; mean 1.5 rows a value, so the skew is 2 / 1.5.
    facts = describe(open_dataset(pa.table({"x": ["a", "a", "b", None]})))
    (column,) = facts.columns
    assert (facts.rows, column.nulls, column.distinct, column.top_value, column.top_rows) == (4, 1, 2, "a", 2)
    assert column.null_share == 0.25
    assert column.top_share == pytest.approx(2 / 3)
    assert column.skew == pytest.approx(4 / 3)


def test_every_layout_is_counted_alike(table: pa.Table) -> None:
    facts = {column.name: column for column in describe(open_dataset(table)).columns}
    for name in table.column_names:
        values = table[name].to_pylist()
        counts = Counter(value for value in values if value is not None)
        top = min(value for value in counts if counts[value] == max(counts.values()))
        found = facts[name]
        assert (found.nulls, found.distinct) == (values.count(None), len(counts)), name
        assert (found.top_value, found.top_rows) == (top, counts[top]), name


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.none() | st.integers(-5, 5), max_size=30), max_size=6), st.integers(1, 12))
def test_counts_are_exact_or_absent(batches: list[list[int | None]], limit: int) -> None:
    counter = KeyCounter([pa.int64()], limit=limit)
    for batch in batches:
        counter.add([pa.array(batch, pa.int64())])
    expected = Counter(value for batch in batches for value in batch)
    found = counter.counts()
    assert bool(counter.exceeded) == (len(expected) > limit)
    if not counter.exceeded:
        assert dict(zip(found["k0"].to_pylist(), found["count"].to_pylist(), strict=True)) == expected


def test_zeros_are_one_value_and_so_are_all_nan() -> None:
    nan = float("nan")
    facts = columns_of(pa.table({"x": pa.chunked_array([[0.0, -0.0, nan], [-nan, 0.0]])}))
    assert facts["x"].distinct == 2 and facts["x"].top_rows == 3


def test_too_many_values_are_more_than_the_limit_never_a_wrong_number() -> None:
    facts = columns_of(pa.table({"x": range(100), "y": [1] * 100}), distinct_limit=10)
    assert facts["x"].distinct is None and facts["x"].note == "more than 10 distinct values"
    assert facts["y"].distinct == 1


def test_lists_are_not_counted_and_empty_tables_have_no_shares() -> None:
    facts = columns_of(pa.table({"l": [[1]], "n": pa.nulls(1)}))
    assert facts["l"].note == "list<item: int64> is not counted"
    assert facts["n"].distinct == 0 and facts["n"].nulls == 1
    (empty,) = describe(open_dataset(pa.table({"a": pa.array([], pa.int64())}))).columns
    assert (empty.null_share, empty.top_share, empty.skew, empty.distinct) == (None, None, None, 0)


def test_a_scan_may_end_early_and_says_so(table: pa.Table) -> None:
    facts = describe(open_dataset(table), rows_at_most=10)
    assert facts.rows == 10 and not facts.complete and facts.columns[0].distinct == 10
    assert describe(open_dataset(table), rows_at_most=1000).complete
    with pytest.raises(ParameterError, match="rows_at_most is 0"):
        describe(open_dataset(table), rows_at_most=0)


def test_nanoseconds_need_no_other_library() -> None:
    code = """
import sys
class WithoutPandas:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "pandas":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, WithoutPandas())
import pyarrow as pa
from assay.datasets import describe, open_dataset
table = pa.table({"t": pa.array([1, 1, 2], pa.timestamp("ns"))})
print(describe(open_dataset(table), fingerprint=False).columns[0].top_value)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1970-01-01 00:00:00.000000001"


# Foreign keys


@pytest.fixture
def family(tmp_path: Path) -> Callable[[pa.Table, pa.Table], ForeignKeyFacts]:
    def make(child: pa.Table, parent: pa.Table) -> ForeignKeyFacts:
        pq.write_table(child, tmp_path / "child.parquet")
        pq.write_table(parent, tmp_path / "parent.parquet")
        columns = ", ".join(f'"{name}"' for name in child.column_names)
        parents = ", ".join(f'"{name}"' for name in parent.column_names)
        (tmp_path / "child.toml").write_text(
            f'source = {{ path = "child.parquet" }}\n[foreign_keys.up]\nparent = "parent.parquet"\n'
            f"columns = [{columns}]\nparent_columns = [{parents}]\n"
        )
        (found,) = describe(open_dataset(tmp_path / "child.toml")).foreign_keys
        return found

    return make


def test_orphans_by_hand(family: Callable[..., ForeignKeyFacts]) -> None:
    # 1 and 2 exist; 3 (twice) and 4 do not; null refers to nothing.
    found = family(pa.table({"a": pa.array([1, 2, 3, 3, 4, None], pa.int32())}), pa.table({"k": [1, 2, 9]}))
    assert (found.null_rows, found.orphan_rows, found.orphan_values, found.matched_rows) == (1, 3, 2, 2)
    assert found.parent_rows == 3 and found.problem is None


def test_any_null_part_of_a_compound_key_refers_to_nothing(family: Callable[..., ForeignKeyFacts]) -> None:
    child = pa.table({"a": ["x", "x", None, "y", None], "b": [1, 2, 1, None, None]})
    found = family(child, pa.table({"p": pa.array(["x", "y"], pa.string_view()), "q": [1, 1]}))
    assert (found.null_rows, found.orphan_rows, found.orphan_values, found.matched_rows) == (3, 1, 1, 1)


def test_a_parent_that_repeats_a_key_or_cannot_match_is_a_problem_not_a_number(
    family: Callable[..., ForeignKeyFacts],
) -> None:
    found = family(pa.table({"a": [1]}), pa.table({"k": [1, 1, 2]}))
    assert "1 rows of parent repeat a value" in found.problem and found.orphan_rows is None
    found = family(pa.table({"a": [1]}), pa.table({"k": ["one"]}))
    assert "expected types whose values can be equal" in found.problem


# Roles


def test_roles_follow_the_rules_in_their_order() -> None:
    table = pa.table(
        {
            "measure": [n / 3 for n in range(1000)],
            "count": range(1000),
            "order_id": [n % 900 for n in range(1000)],
            "user": [f"u{n % 300}" for n in range(1000)],
            "sparse": [f"s{n}" if n % 2 else None for n in range(1000)],
            "country": [f"c{n % 5}" for n in range(1000)],
            "flag": [n % 2 for n in range(1000)],
            "day": pa.array([n % 30 for n in range(1000)], pa.date32()),
            "at": pa.array(range(1000), pa.timestamp("s")),
        }
    )
    roles = guess_roles(open_dataset(table))
    assert roles.time == "at"
    assert roles.keys == ("user", "order_id", "count")
    assert roles.lists == ("country",)
    assert roles.reasons["user"] == "300 distinct values, the most frequent on 0.4 % of rows"


def test_a_table_without_candidates_has_none() -> None:
    roles = guess_roles(open_dataset(pa.table({"x": [0.5, 1.5], "t": pa.nulls(2, pa.timestamp("s"))})))
    assert (roles.time, roles.keys, roles.lists) == (None, (), ())
