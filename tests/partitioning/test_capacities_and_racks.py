"""Unequal capacities, racks and replicas of learned strategies, against what can be said in a few lines."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import assay
from assay.errors import ParameterError
from assay.experiments.distinct import DistinctKeys
from assay.experiments.partitioning.strategies import Learned, after, learn, parse_strategy

ROWS = np.array([9, 8, 8, 5, 3, 3, 2, 1], np.uint64)
KEYS = pa.array([f"k{i}" for i in range(8)])
MANY = pa.array(range(5_000))
SKEWED = np.where(np.arange(5_000) < 100, 90, 1).astype(np.uint64)


def distinct(keys: pa.Array = KEYS, rows: np.ndarray | None = None) -> DistinctKeys:
    if rows is None:
        rows = ROWS if keys is KEYS else np.ones(len(keys), np.uint64)
    return DistinctKeys.of(("k",), [keys], rows, rows)


def learned(text: str, nodes: int, *, keys: pa.Array = KEYS, rows: np.ndarray | None = None, **cluster: Any) -> Learned:
    spec = parse_strategy(text, pa.schema([("k", keys.type)]))
    return learn(spec, range(nodes), lambda _: distinct(keys, rows), **cluster)


@given(
    rows=st.lists(st.integers(1, 50), min_size=1, max_size=40),
    capacities=st.lists(st.sampled_from([1.0, 2.0, 0.1, 0.3, 2.5, 7.0]), min_size=1, max_size=6),
)
def test_values_are_dealt_to_the_least_load_over_capacity(rows: list[int], capacities: list[float]) -> None:
    keys = pa.array(range(len(rows)))
    loads = [Fraction(0)] * len(capacities)
    wanted = [0] * len(rows)
    for key in sorted(range(len(rows)), key=lambda key: (-rows[key], key)):
        ratios = [load / Fraction(capacity) for load, capacity in zip(loads, capacities, strict=True)]
        wanted[key] = ratios.index(min(ratios))
        loads[wanted[key]] += rows[key]
    for name in ("list", "directory"):
        counts = np.array(rows, np.uint64)
        found = learned(f"{name}(k)", len(capacities), keys=keys, rows=counts, capacities=capacities)
        assert found.assign([keys], len(rows)).tolist() == wanted


@pytest.mark.parametrize("name", ["ring", "rendezvous", "redis_slots"])
def test_placements_that_can_weigh_give_a_node_its_part(name: str) -> None:
    found = learned(f"{name}(k)", 3, keys=MANY, capacities=[1, 1, 2])
    shares = np.bincount(found.assign([MANY], len(MANY)), minlength=3) / len(MANY)
    # A ring of 128 points each spreads by some 9 %; the others by chance alone, at most 3 % at four deviations.
    assert shares == pytest.approx([0.25, 0.25, 0.5], abs=0.12 if name == "ring" else 0.03)


@pytest.mark.parametrize(
    "text", ["hash(k)", "jump(k)", "maglev(k)", "range(k)", "modulo(k)", "bucket(k)", "round_robin"]
)
def test_other_strategies_ignore_capacities(text: str) -> None:
    plain, weighed = learned(text, 3, keys=MANY), learned(text, 3, keys=MANY, capacities=[1, 1, 2])
    columns = [] if text == "round_robin" else [MANY]
    assert weighed.assign(columns, 5_000).tolist() == plain.assign(columns, 5_000).tolist()
    assert weighed.capacities == (1, 1, 2)


def test_nodes_keep_their_capacities_and_racks_when_others_come_and_go() -> None:
    found = learned("directory(k)", 3, capacities=[1, 2, 4], racks=["a", None, "b"])
    wanted = {
        "add_one": ((1, 2, 4, 1.0), ("a", None, "b", None)),
        "remove_one": ((1, 2), ("a", None)),
        "replace_one": ((1, 2, 4), ("a", None, "b")),
        "double": ((1, 2, 4, 1, 2, 4), ("a", None, "b") * 2),
    }
    for action, (capacities, racks) in wanted.items():
        changed = after(found, action, lambda _: distinct())
        assert changed is not None and (changed.capacities, changed.racks) == (capacities, racks)
    given = after(found, "add_one", lambda _: distinct(), capacities=[1, 1, 1, 1], racks=["x"] * 4)
    assert given is not None and (given.capacities, given.racks) == ((1, 1, 1, 1), ("x",) * 4)
    hashed = after(learned("hash(k)", 2, racks=["a", "b"]), "add_one", lambda _: distinct())
    assert hashed is not None and (hashed.capacities, hashed.racks) == (None, ("a", "b", None))


def test_a_range_that_splits_takes_capacities_and_racks_along_with_its_nodes() -> None:
    # 13,900 rows; the bound is the key of rank 6950, 77: parts of 6930 and 6970 rows, and the second is split.
    found = learned("range(k)", 2, keys=MANY, rows=SKEWED, capacities=[1, 2], racks=["a", "b"])
    changed = after(found, "add_one", lambda _: distinct(MANY, SKEWED))
    assert changed is not None and changed.nodes == (0, 1, 2)
    again = learned("range(k, bounds=[4000])", 2, keys=MANY, racks=["a", "b"], capacities=[1, 2])
    changed = after(again, "add_one", lambda _: distinct(MANY))
    assert changed is not None and changed.nodes == (0, 2, 1)
    assert (changed.capacities, changed.racks) == ((1, 1.0, 2), ("a", None, "b"))
    assert changed.replicas([MANY.slice(0, 1)], 1, 3).tolist() == [[0, 1, 2]]


@pytest.mark.parametrize(
    "text", ["hash(k)", "list(k)", "directory(k)", "range(k)", "jump(k)", "composite(hash(k), hash(k))"]
)
def test_replicas_are_chained_in_the_order_of_nodes(text: str) -> None:
    racks = ["a", "a", "b", "b"]
    found = learned(text, 4, racks=racks)
    homes = found.assign([KEYS], 8)
    replicas = found.replicas([KEYS], 8, 3)
    assert replicas.dtype == np.uint32 and replicas[:, 0].tolist() == homes.tolist()
    for home, (_, second, third) in zip(homes.tolist(), replicas.tolist(), strict=True):
        following = [(home + step) % 4 for step in (1, 2, 3)]
        unseen = next(node for node in following if racks[node] != racks[home])
        assert (second, third) == (unseen, next(node for node in following if node != unseen))
    alone = learned(text, 4).replicas([KEYS], 8, 2)
    assert alone[:, 1].tolist() == ((homes + 1) % 4).tolist()


def test_a_ring_and_rendezvous_place_replicas_as_their_classes_do() -> None:
    racks = ["a", "a", "b", "c"]
    for name, kind in (("ring", assay.Ring), ("rendezvous", assay.Rendezvous)):
        placement = kind(4, racks=racks, weights=[1, 2, 1, 1])
        found = learned(f"{name}(k)", 4, capacities=[1, 2, 1, 1], racks=racks)
        assert found.replicas([KEYS], 8, 3).tolist() == placement.replicas(KEYS, 3).to_pylist()
    null = learned("ring(k)", 4, racks=racks).replicas([pa.array([None], pa.string())], 1, 3)
    assert null.tolist() == [[0, 2, 3]]


def test_round_robin_has_replicas_by_the_rows_number() -> None:
    found = learned("round_robin", 3)
    assert found.replicas([], 2, 2, first_row=4).tolist() == [[1, 2], [2, 0]]


def test_capacities_racks_and_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(ParameterError, match="capacities has 2 entries for 3 nodes"):
        learned("hash(k)", 3, capacities=[1, 2])
    with pytest.raises(ParameterError, match="racks has 1 entries for 3 nodes"):
        learned("ring(k)", 3, racks=["a"])
    for wrong in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ParameterError, match=r"capacities\[1\] is .*expected a number above 0"):
            learned("list(k)", 2, capacities=[1.0, wrong])
    for count in (0, 4):
        with pytest.raises(ParameterError, match=f"count is {count}, but there are 3 nodes"):
            learned("hash(k)", 3).replicas([KEYS], 8, count)
