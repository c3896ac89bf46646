"""Product and oracle on random query logs over random tables: every metric of the work equal."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import oracle
import oracle_workload as work
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from oracle_keys import Column
from oracle_strategies import Strategy, node_names, place
from oracle_workload import Condition, Log, Statement
from product import ask, same, without_blanks
from random_cases import COLUMNS, VALUES, Case, cases

Draw = Callable[[st.SearchStrategy[Any]], Any]
QUICK = settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
THOROUGH = settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))

ORDERED = [name for name, kind in COLUMNS.items() if kind in ("int", "float", "date", "timestamp")]
# NaN and infinity have no literal that all dialects share; -0.0 is 0.0.
SPELLED = VALUES | {"float": st.sampled_from([0.0, 0.5, 1.0, -2.25, 1e6, 3.0, 7.5])}


@st.composite
def logs(draw: Draw, case: Case) -> Log:
    statement = statements(case)
    block = st.lists(statement, min_size=1, max_size=4).map(tuple)
    return Log(tuple(draw(st.lists(statement | block, min_size=1, max_size=12))))


@st.composite
def statements(draw: Draw, case: Case) -> Statement:
    kind = draw(st.sampled_from(["select", "select", "select", "update", "delete", "insert"]))
    names = draw(st.lists(st.sampled_from(sorted(COLUMNS)), max_size=3, unique=True))
    if kind == "insert":
        return Statement(kind, tuple(draw(equalities(name)) for name in sorted(names) or ["number"]))
    reads = tuple(draw(st.lists(st.sampled_from(sorted(COLUMNS)), max_size=3, unique=True)))
    conditions = tuple(draw(condition(name)) for name in names)
    if kind == "delete":
        return Statement(kind, conditions)
    joins = case.foreign_keys[0].columns if kind == "select" and draw(st.booleans()) else ()
    return Statement(kind, conditions, reads, joins)


@st.composite
def equalities(draw: Draw, name: str) -> Condition:
    return Condition(name, (draw(SPELLED[COLUMNS[name]]),))


@st.composite
def condition(draw: Draw, name: str) -> Condition:
    values = SPELLED[COLUMNS[name]]
    shape = draw(st.sampled_from(["point", "list", "window"] if name in ORDERED else ["point", "list"]))
    if shape == "point":
        return draw(equalities(name))  # type: ignore[no-any-return]
    if shape == "list":
        return Condition(name, tuple(draw(st.lists(values, min_size=1, max_size=4))), is_list=True)
    if COLUMNS[name] == "float":  # infinities lie in windows without a bound only; a test of its own holds that
        return Condition(name, None, low=draw(values), high=draw(values))
    low, high = draw(st.none() | values), draw(st.none() | values)
    return Condition(name, None, low=low, high=draw(values) if low is high is None else high)


def check(case: Case, log: Log, transaction: str | None) -> None:
    if case.foreign_keys[0].columns and any(one.joins for one in log.statements):
        event("joined")
    pairs = list(zip(case.foreign_keys[0].columns, case.foreign_keys[0].parent_columns, strict=True))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "queries.sql"
        path.write_text(work.script(case.table, log, pairs), encoding="utf-8")
        answers = ask(
            case.write(Path(folder)),
            case.strategies,
            [case.partitions],
            queries={query.name: query.spelling for query in case.queries},
            workload=str(path),
            bytes=True,
            **({"transaction": transaction} if transaction else {}),
        )
    wrong = []
    for strategy in case.strategies:
        event(strategy.name)
        placed = place(strategy, case.table, node_names(case.partitions))
        expected = work.workload_metrics(case.table, placed, log)
        if transaction:
            expected |= work.column_transactions(case.table, placed, transaction)
        for query in case.queries:
            sizes = work.partition_bytes(case.table, placed, query.columns)
            expected |= oracle.query_metrics(case.table, placed, query, sizes)
        found = answers[without_blanks(strategy.spelling), case.partitions]
        for name, value in expected.items():
            if not same(found[name], value):
                wrong.append(f"{strategy.spelling}: {name} is {found[name]}, expected {value}")
    assert not wrong, "\n".join(wrong)


@QUICK
@given(st.data())
def test_random_logs_are_measured_as_the_oracle_has_it(data: st.DataObject) -> None:
    case = data.draw(cases(most_rows=40))
    check(case, data.draw(logs(case)), data.draw(st.none() | st.sampled_from(sorted(COLUMNS))))


@pytest.mark.slow
@THOROUGH
@given(st.data())
def test_many_random_logs_are_measured_as_the_oracle_has_it(data: st.DataObject) -> None:
    case = data.draw(cases())
    check(case, data.draw(logs(case)), data.draw(st.none() | st.sampled_from(sorted(COLUMNS))))


def test_a_small_case_worked_by_hand() -> None:
    # Rows 0..5 on modulo(k) at 3: partitions 0 1 2 0 1 2. k = 4 finds row 4 in partition 1 and asks 1; v = 'a' finds
    # rows 0 and 3 in partition 0, but asks all 3; k in [1, 3) finds rows 1 and 2 in two partitions, and asks 3.
    table = {"k": Column("int", [0, 1, 2, 3, 4, 5]), "v": Column("text", ["a", "bb", "c", "a", "d", None])}
    placed = place(Strategy("modulo", ("k",)), table, node_names(3))
    entries = (
        Statement("select", (Condition("k", (4,)),)),
        (Statement("update", (Condition("v", ("a",)),)), Statement("delete", (Condition("k", (1,)),))),
        Statement("select", (Condition("k", None, low=1, high=3),), ("v",)),
    )
    found = work.workload_metrics(table, placed, Log(entries))
    assert (found["fan_out_mean.point_k"], found["routed_fan_out_mean.point_k"]) == (1, 1)
    assert (found["fan_out_mean.update_point_v"], found["routed_fan_out_mean.update_point_v"]) == (1, 3)
    assert (found["fan_out_mean.range_k"], found["routed_fan_out_mean.range_k"]) == (2, 3)
    # k is 8 bytes a row; v has 1, 2, 1, 1, 1 and 0 bytes. Partition 1 holds rows 1 and 4.
    assert found["bytes_read.point_k"] == 16
    assert found["bytes_read.update_point_v"] == 6
    assert found["bytes_read.range_k"] == 6 * 8 + 6
    assert found["bytes_read.delete_point_k"] == 16 + 3
    assert found["workload_bytes_read"] == (16 + 6 + 54 + 19) / 4
    assert (found["distributed_transaction_share"], found["transaction_participants_mean"]) == (1, 2)
