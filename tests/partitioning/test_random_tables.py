"""Product and oracle on random tables: every exact metric equal, and the laws that hold whatever the table."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import oracle
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, event, given, settings
from oracle_keys import Column
from oracle_strategies import ACTIONS, Strategy
from product import ask, differences, to_arrow, without_blanks
from random_cases import Case, cases

from assay.errors import AssayError

QUICK = settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
THOROUGH = settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))


def check(case: Case) -> None:
    with tempfile.TemporaryDirectory() as folder:
        answers = ask(
            case.write(Path(folder)),
            case.strategies,
            [case.partitions],
            queries={query.name: query.spelling for query in case.queries},
            bytes=case.bytes,
            **({"weight": case.weight} if case.weight else {}),
        )
    found: list[str] = []
    for strategy in case.strategies:
        event(strategy.name)
        found += differences(strategy, case.partitions, answers, oracle.metrics(case.question(strategy)))
        check_laws(case, strategy, answers[without_blanks(strategy.spelling), case.partitions])
    assert found == []


def check_laws(case: Case, strategy: Strategy, found: Mapping[str, float | None]) -> None:
    """What holds of the product's numbers alone."""
    n = case.partitions
    for action in ACTIONS:
        share = found[f"moved_share.{action}"]
        assert share is None or 0 <= share <= 1
    for query in case.queries:
        held, most = found[f"fan_out_mean.{query.name}"], found[f"fan_out_max.{query.name}"]
        asked = found[f"routed_fan_out_mean.{query.name}"]
        if held is not None and most is not None and asked is not None:
            assert 1 <= held <= most <= n
            assert held <= asked <= n
    for key in case.foreign_keys:
        if strategy.keyed and set(key.columns) == set(strategy.key_columns):
            assert found[f"cross_join_share.{key.name}"] in (0, None)
            assert not found.get(f"repartition_bytes.{key.name}")
            assert found[f"update_partitions_max.{key.name}"] in (1, None)
        check_join_laws(case, key.name, found)
    if strategy.name in ("ring", "jump", "rendezvous", "multi_probe"):
        assert found["stray_moves.add_one"] == 0
        assert found["stray_moves.double"] == 0


def check_join_laws(case: Case, key: str, found: Mapping[str, float | None]) -> None:
    """Every row has a parent, is an orphan, or refers to nobody; an update touches no more partitions than rows."""
    counts = [found[f"{name}.{key}"] or 0 for name in ("matched_rows", "orphan_rows", "null_rows")]
    assert sum(counts) == len(case.table["weight"].values)
    rows, partitions = found[f"update_rows_max.{key}"], found[f"update_partitions_max.{key}"]
    assert (rows is None) == (partitions is None) == (counts[0] == 0)
    assert partitions is None or rows is None or 1 <= partitions <= min(rows, case.partitions)


@QUICK
@given(cases())
def test_every_exact_metric_of_a_random_table_equals_the_oracle(case: Case) -> None:
    check(case)


@pytest.mark.slow
@THOROUGH
@given(cases(placements=("ring", "jump", "rendezvous", "maglev", "bounded_loads")))
def test_every_exact_metric_of_many_random_tables_equals_the_oracle(case: Case) -> None:
    check(case)


def test_a_table_without_rows_is_refused() -> None:
    with pytest.raises(AssayError, match="no rows"):
        ask(pa.table({"k": pa.array([], pa.int64())}), [Strategy("hash", ("k",))], [2])


def test_a_key_that_is_null_everywhere_is_refused() -> None:
    table = to_arrow({"k": Column("int", [None, None])})
    with pytest.raises(AssayError, match="every value of k is null"):
        ask(table, [Strategy("hash", ("k",))], [2])


@pytest.mark.parametrize(("width", "values"), [(1, [0, 2**63 - 1]), (10, [2**63 - 4] * 2 + [2**63 - 1] * 2)])
def test_a_window_at_the_greatest_integer_asks_the_part_that_begins_there(width: int, values: list[int]) -> None:
    # At n = 2 the bound is 2^63 - 1 itself; the last window [.., 2^63) holds it, so its part must be asked.
    table = {"k": Column("int", values)}
    strategy, query = Strategy("range", ("k",)), oracle.Query("window", "range", ("k",), width=width)
    answers = ask(to_arrow(table), [strategy], [2], queries={"window": query.spelling})
    expected = oracle.metrics(oracle.Question(table, strategy, 2, queries=[query]))
    assert differences(strategy, 2, answers, expected) == []
