"""Multi-probe and bounded loads: against naive oracles of a few lines, their bounds, and their edges."""

from __future__ import annotations

import bisect
import hashlib
import math
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mmh3
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

import assay
from assay.errors import ParameterError
from assay.placement import BoundedLoads, MultiProbe, Placement, Ring

HASHES: dict[str, Callable[[bytes], int]] = {
    "xxh3_64": xxhash.xxh3_64_intdigest,
    "murmur3_32": lambda key: mmh3.hash(key, signed=False),
    "md5": lambda key: int.from_bytes(hashlib.md5(key).digest()[:8], "little"),
}
WEIGHTS = st.lists(st.sampled_from([0.5, 1, 1.5, 2, 3.7]), min_size=1, max_size=7)
KEYS = st.lists(st.one_of(st.none(), st.integers(0, 40).map(lambda n: f"key {n}")), max_size=60)
MANY = pa.array(range(40_000), pa.int64())


def finalise(value: int) -> int:
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB % 2**64
    return value ^ (value >> 31)


def points_of(p: Placement, function: Callable[[bytes], int]) -> list[tuple[int, int]]:
    """The circle: each node's points, max(1, round-half-even(virtual_nodes x weight)) of them."""
    counts = [max(1, round(p.parameters["virtual_nodes"] * weight)) for weight in p.weights]
    named = [(name, node, i) for node, name in enumerate(p.nodes) for i in range(counts[node])]
    return sorted((function(f"{name}-{i}".encode()), node) for name, node, i in named)


@settings(max_examples=60, deadline=None)
@given(WEIGHTS, KEYS, st.integers(1, 30), st.integers(1, 3), st.sampled_from(list(HASHES)))
def test_of_the_points_after_the_probes_the_nearest_has_the_key(
    weights: list[float], keys: list[str | None], probes: int, virtual_nodes: int, name: str
) -> None:
    placement = MultiProbe(len(weights), probes=probes, virtual_nodes=virtual_nodes, weights=weights, hash=name)
    points = points_of(placement, xxhash.xxh3_64_intdigest)

    def owner(key: str) -> int:
        value = HASHES[name](key.encode())
        starts = [finalise((value + i * 0x9E3779B97F4A7C15) % 2**64) for i in range(1, probes + 1)]
        return min(((point - start) % 2**64, node) for start in starts for point, node in points)[1]

    assert placement.lookup(pa.array(keys, pa.string())).to_pylist() == [key and owner(key) for key in keys]


@settings(max_examples=100, deadline=None)
@given(WEIGHTS, KEYS, st.sampled_from([0, 0.05, 0.1, 0.25, 1, 10]), st.integers(1, 20), st.sampled_from(list(HASHES)))
def test_a_key_passes_by_the_nodes_that_are_full(
    weights: list[float], keys: list[str | None], epsilon: float, virtual_nodes: int, name: str
) -> None:
    placement = BoundedLoads(
        len(weights), epsilon=epsilon, virtual_nodes=virtual_nodes, weights=weights, hash=name
    )  # fmt: skip
    points = points_of(placement, HASHES[name])
    hashed = {key: HASHES[name](key.encode()) for key in keys if key is not None}
    # Weights are floats, as the placement has them; the bound is a decimal.
    slack = (1 + Fraction(str(epsilon))) * len(set(hashed.values())) / sum(map(Fraction, weights))
    room = [math.ceil(slack * Fraction(weight)) for weight in weights]
    owner_of = {}
    for value in sorted(set(hashed.values()), key=finalise):
        start = bisect.bisect_left(points, (value, 0))
        owner = next(node for _, node in points[start:] + points[:start] if room[node] > 0)
        room[owner] -= 1
        owner_of[value] = owner
    found = placement.lookup(pa.array(keys, pa.string())).to_pylist()
    assert found == [None if key is None else owner_of[hashed[key]] for key in keys]


@pytest.mark.parametrize("epsilon", [0, 0.01, 0.1, 0.25, 1])
def test_no_node_holds_more_keys_than_its_bound(epsilon: float) -> None:
    weights = [1, 2, 0.5, 4]
    loads = Counter(BoundedLoads(4, epsilon=epsilon, weights=weights).lookup(MANY).to_pylist())
    for node, weight in enumerate(weights):
        assert loads[node] <= math.ceil((1 + Fraction(str(epsilon))) * 40_000 * Fraction(weight) / Fraction(15, 2))
    if epsilon == 0:
        # Three bounds are rounded up by less than one, so that the fourth node may lack almost three.
        assert [loads[node] for node in range(4)] == pytest.approx([40_000 * w / 7.5 for w in weights], abs=3)


def test_neither_order_nor_repetition_nor_chunks_nor_threads_change_where_bounded_keys_are() -> None:
    placement = BoundedLoads(9, epsilon=0.02)
    owners = placement.lookup(MANY, threads=1)
    backwards = MANY.take(pa.array(range(len(MANY) - 1, -1, -1)))
    assert placement.lookup(backwards, threads=2).to_pylist() == owners.to_pylist()[::-1]
    twice = pa.chunked_array([MANY[:11], pa.array([], pa.int64()), MANY[11:], MANY])
    assert placement.lookup(twice).to_pylist() == owners.to_pylist() * 2
    with_nulls = pa.concat_arrays([pa.nulls(5, pa.int64()), MANY])[3:]
    assert placement.lookup(with_nulls).to_pylist() == [None, None, *owners.to_pylist()]
    # A part of the keys has room where the whole had none.
    assert placement.lookup(MANY[:100]).to_pylist() != owners.to_pylist()[:100]


def test_bounded_keys_are_elsewhere_than_on_the_ring_only_if_it_was_full() -> None:
    owners, ring = BoundedLoads(9, epsilon=0.05).lookup(MANY), Ring(9).lookup(MANY)
    full = math.ceil(1.05 * 40_000 / 9)
    loads, wanted = Counter(owners.to_pylist()), Counter(ring.to_pylist())
    displaced = [(a, b) for a, b in zip(owners.to_pylist(), ring.to_pylist(), strict=True) if a != b]
    assert displaced and all(loads[b] == full for _, b in displaced)
    assert len(displaced) >= sum(max(0, count - full) for count in wanted.values()) > 0


def test_more_probes_make_shares_more_even_and_one_probe_is_a_ring_of_one_point() -> None:
    spread = [max(MultiProbe(50, probes=probes).ownership().values()) * 50 for probes in (1, 2, 5, 21, 200)]
    assert spread == sorted(spread, reverse=True) and spread[0] > 3 and spread[3] < 1.1 and spread[4] < 1.02
    one = MultiProbe(5, probes=1)
    ring = Ring(5, virtual_nodes=1, hash="identity")
    hashes = assay.hash(MANY)
    probes = pa.array([finalise((value + 0x9E3779B97F4A7C15) % 2**64) for value in hashes.to_pylist()], pa.uint64())
    assert one.lookup(MANY).equals(ring.lookup(probes))


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (MultiProbe, {"probes": 0}, "probes is 0; expected an integer from 1 to 1024"),
        (MultiProbe, {"probes": 2.5}, "probes is 2.5"),
        (BoundedLoads, {"epsilon": -0.1}, "epsilon is -0.1; expected a number from 0 to 1000"),
        (BoundedLoads, {"epsilon": math.nan}, "epsilon is nan"),
        (BoundedLoads, {"epsilon": "much"}, "epsilon is 'much'"),
        (BoundedLoads, {"virtual_nodes": 0}, "virtual_nodes is 0"),
    ],
)
def test_parameters_out_of_bounds_are_refused(kind: type[Placement], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        kind(3, **options)


@pytest.mark.parametrize("kind", [MultiProbe, BoundedLoads])
def test_copies_are_refused_with_the_way_out(kind: type[Placement]) -> None:
    with pytest.raises(ParameterError, match="no replicas; choose ring or rendezvous"):
        kind(3).replicas(MANY, 2)


def test_a_column_without_keys_is_placed_nowhere() -> None:
    for column in (pa.array([], pa.int64()), pa.nulls(3, pa.int64()), pa.chunked_array([], pa.int64())):
        assert BoundedLoads(3).lookup(column).to_pylist() == [None] * len(column)
