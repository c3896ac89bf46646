"""Strategies written in Python: their mistakes stay their own, and say what was wrong."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import assay
from assay import catalogue
from assay.errors import MeasurementError, ParameterError

TABLE = pa.table({"k": ["a", "b", None, "c"] * 50})


@pytest.fixture
def strategy():
    """Registers a strategy with this `assign`, for one test."""
    names = []

    def register(name, assign):
        made = type(name, (assay.Strategy,), {"__doc__": "For a test.", "name": name, "assign": assign})
        assay.register_strategy(made)
        names.append(name)

    yield register
    for name in names:
        catalogue.unregister("partition", name)


def rows(comparison, contender):
    table = comparison.to_arrow()
    return {row["metric"]: row["value"] for row in table.to_pylist() if row["contender"] == contender}


def test_a_strategy_in_python_is_measured_like_any_other(strategy):
    strategy("by_code", lambda self, keys: [ord(key) % self.partitions for key in keys.column(0).to_pylist()])
    found = assay.compare("partitioning", TABLE, strategies=["by_code(k)", "round_robin"], partitions=[3], timing=False)
    # a=97, b=98, c=99 at n = 3: partitions 1, 2 and 0, and null lives in partition 0: loads 100, 50, 50.
    assert rows(found, "by_code(k)")["load_max_over_mean"] == 1.5
    assert rows(found, "by_code(k)")["moved_share.replace_one"] == 0.25


@pytest.mark.parametrize(
    ("assign", "message"),
    [
        (lambda self, keys: 1 / 0, "assign failed: ZeroDivisionError"),
        (lambda self, keys: [99] * keys.num_rows, "partitions from 99 to 99; expected 0 to 1"),
        (lambda self, keys: [0], r"shape \(1,\); expected \(3,\)"),
        (lambda self, keys: np.zeros(keys.num_rows), "type float64; expected integers"),
        (lambda self, keys: pa.nulls(keys.num_rows, pa.int8()), "gave 3 nulls"),
        (lambda self, keys: np.arange(keys.num_rows) // 2, "different partitions when asked again"),
    ],
)
def test_a_wrong_strategy_fails_alone_and_says_why(strategy, assign, message):
    strategy("wrong", assign)
    with pytest.raises(MeasurementError, match=message):
        assay.compare("partitioning", TABLE, strategies=["wrong(k)"], partitions=[2], timing=False)
    both = assay.compare("partitioning", TABLE, strategies=["wrong(k)", "hash(k)"], partitions=[2], timing=False)
    assert both.exit_code == 3
    assert rows(both, "hash(k)")["load_max_over_mean"] >= 1


def test_a_name_of_assays_own_cannot_be_taken(strategy):
    with pytest.raises(ParameterError, match="assay's own"):
        strategy("hash", lambda self, keys: [0] * keys.num_rows)
    with pytest.raises(ParameterError, match="name of letters"):
        strategy("two words", lambda self, keys: [0] * keys.num_rows)


def test_a_class_that_is_derived_from_nothing_is_told_from_what_it_must_be():
    class Odd:
        name = "odd"

        def assign(self, keys):
            return [0] * keys.num_rows

    with pytest.raises(ParameterError, match=r"Odd is no strategy; expected a class derived from assay.Strategy"):
        assay.register_strategy(Odd)
