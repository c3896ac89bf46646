"""Placements: against naive oracles, published vectors, laws and edges."""

from __future__ import annotations

import bisect
import hashlib
import math
import pickle
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import duckdb
import mmh3
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

import assay
from assay.errors import ParameterError, UnknownNameError, UnsupportedTypeError
from assay.placement import (
    Anchor,
    BoundedLoads,
    Jump,
    Maglev,
    Memento,
    Modulo,
    MultiProbe,
    Placement,
    RedisSlots,
    Rendezvous,
    Ring,
)

KINDS: list[type[Placement]] = [Ring, Rendezvous, Jump, Maglev, Modulo, MultiProbe, BoundedLoads, Anchor, Memento]

# Oracle hash functions over canonical bytes, and their widths; points of a ring by `identity` are xxh3_64's.
Hash = Callable[[bytes, int], int]
HASHES: dict[str, tuple[Hash, int]] = {
    "xxh3_64": (lambda key, seed: xxhash.xxh3_64_intdigest(key, seed), 64),
    "xxh64": (lambda key, seed: xxhash.xxh64_intdigest(key, seed), 64),
    "xxh32": (lambda key, seed: xxhash.xxh32_intdigest(key, seed), 32),
    "murmur3_32": (lambda key, seed: mmh3.hash(key, seed, signed=False), 32),
    "md5": (lambda key, seed: int.from_bytes(hashlib.md5(key).digest()[:8], "little"), 64),
}


def canonical(key: Any) -> bytes:
    """The bytes that every hash of a key sees, for text and integers."""
    return key.encode() if isinstance(key, str) else (key % 2**64).to_bytes(8, "little")


# --- Oracles: a few lines each, by the definitions --------------------------------------------------


def ring_points(p: Placement) -> list[tuple[int, int]]:
    function, _ = HASHES[p.parameters["hash"]]
    points = []
    for position, (name, weight) in enumerate(zip(p.nodes, p.weights, strict=True)):
        for i in range(max(1, round(p.parameters["virtual_nodes"] * weight))):  # Python rounds half to even
            points.append((function(f"{name}-{i}".encode(), p.parameters["seed"]), position))
    return sorted(points)


def by_rack(p: Placement, preferred: list[int], count: int) -> list[int]:
    """Unseen racks first, then the skipped nodes in order; `preferred` holds each node once."""
    taken: list[int] = []
    skipped = []
    racks = set()
    for node in preferred:
        rack = p.racks[node] if p.racks[node] is not None else ("alone", node)
        (skipped if rack in racks else taken).append(node)
        racks.add(rack)
    return (taken + skipped)[:count]


def ring_preference(p: Placement, points: list[tuple[int, int]], value: int) -> list[int]:
    start = bisect.bisect_left(points, (value, 0))
    return list(dict.fromkeys(node for _, node in points[start:] + points[:start]))


def finalise(value: int) -> int:
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB % 2**64
    return value ^ (value >> 31)


def rendezvous_preference(p: Placement, value: int) -> list[int]:
    bits = [finalise(value ^ xxhash.xxh3_64_intdigest(name.encode())) for name in p.nodes]
    if len(set(p.weights)) == 1:
        return sorted(range(len(bits)), key=lambda node: (-bits[node], node))
    bids = [-w / math.log(((b >> 11) + 0.5) / 2**53) for w, b in zip(p.weights, bits, strict=True)]
    return sorted(range(len(bids)), key=lambda node: (-bids[node], node))


def maglev_table(p: Placement, size: int) -> list[int]:
    digest = xxhash.xxh3_64_intdigest
    rows = [(digest(name) % size, digest(name, 1) % (size - 1) + 1) for name in (node.encode() for node in p.nodes)]
    table, steps = [-1] * size, [0] * len(rows)
    while True:
        for node, (offset, skip) in enumerate(rows):
            while table[(offset + steps[node] * skip) % size] >= 0:
                steps[node] += 1
            table[(offset + steps[node] * skip) % size] = node
            if min(table) >= 0:
                return table


NAMES = st.lists(st.text(st.characters(codec="utf-8"), max_size=6), min_size=1, max_size=7, unique=True)
KEYS = st.one_of(
    st.lists(st.one_of(st.none(), st.text(max_size=20)), max_size=30).map(lambda keys: pa.array(keys, pa.string())),
    st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), max_size=30).map(
        lambda keys: pa.array(keys, pa.int64())
    ),
)


@st.composite
def clusters(draw: st.DrawFn, weighted: bool = True) -> dict[str, Any]:
    names = draw(NAMES)
    rack = st.sampled_from([None, "a", "b", "c"])
    cluster: dict[str, Any] = {"nodes": names, "racks": draw(st.lists(rack, min_size=len(names), max_size=len(names)))}
    if weighted:
        weight = st.sampled_from([0.001, 0.25, 0.5, 1, 1.5, 2, 3.7])
        cluster["weights"] = draw(st.lists(weight, min_size=len(names), max_size=len(names)))
    name = draw(st.sampled_from(list(HASHES)))
    return cluster | {"hash": name, "seed": 0 if name == "md5" else draw(st.integers(0, 2**32 - 1))}


@settings(max_examples=60, deadline=None)
@given(clusters(), st.integers(1, 40), KEYS, st.data())
def test_a_ring_answers_as_bisection_over_its_sorted_points(
    cluster: dict[str, Any], virtual_nodes: int, keys: pa.Array, data: st.DataObject
) -> None:
    ring = Ring(**cluster, virtual_nodes=virtual_nodes)
    function, bits = HASHES[cluster["hash"]]
    points = ring_points(ring)
    count = data.draw(st.integers(1, len(ring.nodes)))
    wanted: list[list[int] | None] = []
    for key in keys.to_pylist():
        value = None if key is None else function(canonical(key), cluster["seed"])
        wanted.append(None if value is None else by_rack(ring, ring_preference(ring, points, value), count))
    assert ring.replicas(keys, count).to_pylist() == wanted
    assert ring.lookup(keys).to_pylist() == [row and row[0] for row in wanted]
    assert ring.adjacent_equal_pairs() == (len(points) > 1) * sum(
        a[1] == b[1] for a, b in zip(points, points[1:] + points[:1], strict=True)
    )
    # Arcs: exact rational shares of the circle of 2^bits values.
    arcs = ring.arcs().to_pydict()
    assert list(zip(arcs["point"], arcs["node"], strict=True)) == points
    shares = [Fraction(0)] * len(ring.nodes)
    for (start, _), (end, node) in zip([(points[-1][0] - 2**bits, 0), *points], points, strict=False):
        shares[node] += Fraction(end - start, 2**bits)
    assert list(ring.ownership().values()) == [float(share) for share in shares]


@settings(max_examples=40, deadline=None)
@given(clusters(), KEYS, st.data())
def test_rendezvous_answers_as_sorting_all_bids(cluster: dict[str, Any], keys: pa.Array, data: st.DataObject) -> None:
    placement = Rendezvous(**cluster)
    function, _ = HASHES[cluster["hash"]]
    count = data.draw(st.integers(1, len(placement.nodes)))
    wanted: list[list[int] | None] = []
    for key in keys.to_pylist():
        value = None if key is None else function(canonical(key), cluster["seed"])
        wanted.append(None if value is None else by_rack(placement, rendezvous_preference(placement, value), count))
    assert placement.replicas(keys, count).to_pylist() == wanted
    assert placement.lookup(keys).to_pylist() == [row and row[0] for row in wanted]


@settings(max_examples=40, deadline=None)
@given(clusters(weighted=False), KEYS, st.sampled_from([7, 11, 101]))
def test_modulo_and_maglev_reduce_the_hash_value_as_it_is(cluster: dict[str, Any], keys: pa.Array, size: int) -> None:
    modulo, maglev = Modulo(**cluster), Maglev(**cluster, table_size=size)
    table = maglev_table(maglev, size)
    function, _ = HASHES[cluster["hash"]]
    values = [None if key is None else function(canonical(key), cluster["seed"]) for key in keys.to_pylist()]
    assert modulo.lookup(keys).to_pylist() == [v if v is None else v % len(modulo.nodes) for v in values]
    assert maglev.lookup(keys).to_pylist() == [v if v is None else table[v % size] for v in values]


# --- Published vectors ------------------------------------------------------------------------------


def words(*values: int) -> pa.Array:
    return pa.array(values, pa.uint64())


def test_jump_matches_the_published_lists() -> None:
    # Guava, Hashing.consistentHash(i, 100) for i = 0..19; further values of public test suites.
    hundred = [0, 55, 62, 8, 45, 59, 86, 97, 82, 59, 73, 37, 17, 56, 86, 21, 90, 37, 38, 83]
    assert Jump(100, hash="identity").lookup(words(*range(20))).to_pylist() == hundred
    eleven = words(10863919174838991, 2016238256797177309, 1673758223894951030)
    assert Jump(11, hash="identity").lookup(eleven).to_pylist() == [6, 3, 5]
    assert Jump(100_001, hash="identity").lookup(words(2, 2201, 2202)).to_pylist() == [80343, 22152, 15018]
    # go-jump: one key while nodes are added.
    grown = [Jump(n, hash="identity").lookup(words(0xDEADBEEF))[0].as_py() for n in range(1, 20)]
    assert grown == [0, 1, 2, 3, 3, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 16, 16, 16]


def test_a_small_ring_is_as_worked_by_hand() -> None:
    # identity: keys are their own values; points are XXH3-64 of "a-0", "b-0".
    points = sorted((xxhash.xxh3_64_intdigest(f"{name}-0".encode()), position) for position, name in enumerate("ab"))
    (low, first), (high, second) = points
    ring = Ring(["a", "b"], virtual_nodes=1, hash="identity")
    keys = words(0, low, low + 1, high, high + 1, 2**64 - 1)
    assert ring.lookup(keys).to_pylist() == [first, first, second, second, first, first]
    assert ring.ownership()["ab"[second]] == pytest.approx((high - low) / 2**64, abs=1e-15)


# --- Laws -------------------------------------------------------------------------------------------

MANY = pa.array(range(40_000), pa.int64())


def moved(before: Placement, after: Placement, keys: pa.Array = MANY) -> dict[tuple[str, str], int]:
    """How many keys moved, by the names of the nodes from and to."""
    counts: dict[tuple[str, str], int] = {}
    for a, b in zip(before.lookup(keys).to_pylist(), after.lookup(keys).to_pylist(), strict=True):
        pair = (before.nodes[a], after.nodes[b])
        if pair[0] != pair[1]:
            counts[pair] = counts.get(pair, 0) + 1
    return counts


@pytest.mark.parametrize("kind", [Ring, Rendezvous, Jump, MultiProbe, Anchor, Memento])
def test_a_new_node_takes_its_share_without_stray_moves(kind: type[Placement]) -> None:
    before = kind(9)
    after = before.with_node("node-9")
    moves = moved(before, after)
    assert {to for _, to in moves} == {"node-9"}
    expected = before.moved_share(after)
    # The share of 40,000 keys varies by sqrt(0.1 x 0.9 / 40,000) = 0.0015: allow four of these.
    assert sum(moves.values()) / len(MANY) == pytest.approx(expected, abs=0.006)
    assert after.ownership()["node-9"] == pytest.approx(expected, abs=1e-12)
    # Back again: the old answers, bit for bit.
    assert after.without_node("node-9").lookup(MANY).equals(before.lookup(MANY))
    if kind in (Rendezvous, Jump, Anchor, Memento):
        assert expected == pytest.approx(1 / 10, abs=1e-12)


@pytest.mark.parametrize("kind", [Ring, Rendezvous, MultiProbe])
def test_a_removed_node_moves_only_its_own_keys(kind: type[Placement]) -> None:
    before = kind(6, weights=[1, 2, 0.5, 1, 3, 1])
    after = before.without_node("node-2")
    assert after.nodes == ("node-0", "node-1", "node-3", "node-4", "node-5")
    assert after.weights == (1, 2, 1, 3, 1)
    assert {start for start, _ in moved(before, after)} == {"node-2"}
    assert before.moved_share(after) == pytest.approx(before.ownership()["node-2"], abs=1e-12)


@pytest.mark.parametrize("kind", [Ring, Rendezvous])
def test_a_changed_weight_moves_keys_only_to_its_node(kind: type[Placement]) -> None:
    before = kind(4, weights=[1, 2, 3, 4])
    after = kind(4, weights=[1, 2.5, 3, 4])
    moves = moved(before, after)
    assert {to for _, to in moves} == {"node-1"}
    assert sum(moves.values()) / len(MANY) == pytest.approx(before.moved_share(after), abs=0.006)


def test_modulo_moves_exactly_n_of_n_plus_1() -> None:
    for n in range(1, 30):
        assert Modulo(n).moved_share(Modulo(n).with_node(f"node-{n}")) == float(Fraction(n, n + 1))
    # All 90 values of a cycle of 9 and 10, and ten cycles: 81 of 90 move.
    cycle = words(*range(900))
    moves = moved(Modulo(9, hash="identity"), Modulo(10, hash="identity"), cycle)
    assert Fraction(sum(moves.values()), 900) == Fraction(9, 10)


def test_shares_of_a_ring_vary_as_the_law_says() -> None:
    # E[CV²] = (n-1)/(nV+1). Over 120 seeds the mean of CV², a sum of 8 squares, has a relative error of about
    # sqrt(2/7)/sqrt(120) = 4.9 %: allow four of these.
    n, v = 8, 64
    squares, pairs = 0.0, 0
    for seed in range(120):
        ring = Ring(n, virtual_nodes=v, seed=seed)
        squares += sum((share * n - 1) ** 2 for share in ring.ownership().values()) / n
        pairs += ring.adjacent_equal_pairs()
    assert squares / 120 == pytest.approx((n - 1) / (n * v + 1), rel=0.2)
    # About V neighbours: nV(V-1)/(nV-1) = 63.1, a count that varies by about 7.4, its mean by 0.68.
    assert pairs / 120 == pytest.approx(n * v * (v - 1) / (n * v - 1), abs=2.8)


def test_stronger_machines_take_shares_in_proportion() -> None:
    weights = [1, 2, 0.5, 4]
    for placement, tolerance in [(Rendezvous(4, weights=weights), 1e-12), (Ring(4, weights=weights), 0.08)]:
        for share, weight in zip(placement.ownership().values(), weights, strict=True):
            assert share == pytest.approx(weight / 7.5, abs=tolerance)
        counts = pl.Series(placement.lookup(MANY)).value_counts().sort("").get_column("count").to_list()
        # Four standard deviations of a share of 40,000 keys, at most 0.01.
        assert [count / len(MANY) for count in counts] == pytest.approx(list(placement.ownership().values()), abs=0.01)


def test_maglev_shares_differ_by_at_most_one_slot() -> None:
    shares = [share * 65_537 for share in Maglev(10).ownership().values()]
    assert sorted({round(share) for share in shares}) == [6553, 6554]
    assert sum(shares) == pytest.approx(65_537)


@pytest.mark.parametrize(
    "pair",
    [
        (Ring(5), Jump(6)),
        (Modulo(4), Maglev(4)),
        (Ring(3), Ring(3, seed=1)),
        (MultiProbe(5, weights=[1, 2, 1, 1, 2]), MultiProbe(7)),
        (BoundedLoads(5, epsilon=0.05), BoundedLoads(6, epsilon=0.05)),
    ],
)
def test_the_moved_share_between_any_two_is_near_that_of_keys(pair: tuple[Placement, Placement]) -> None:
    share = sum(moved(*pair).values()) / len(MANY)
    assert pair[0].moved_share(pair[1]) == pytest.approx(share, abs=0.015)
    assert pair[0].moved_share(pair[0]) == 0


# --- Columns ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_one_value_has_one_node_whatever_carries_it(kind: type[Placement]) -> None:
    placement = kind(5)
    text = ["a", None, "tail number", "a", ""]
    wanted = placement.lookup(pa.array(text))
    assert wanted.type == pa.uint32() and wanted.null_count == 1
    for column in (
        pa.array(text, pa.large_string()),
        pa.array(text, pa.string_view()),
        pa.array(text).dictionary_encode(),
        pa.chunked_array([text[:1], [], text[1:]]),
        pa.array(["x", *text])[1:],
        pl.Series(text),
        pl.DataFrame({"key": text}),
        pd.Series(text, dtype="str"),
        duckdb.sql("SELECT * FROM (VALUES ('a'), (NULL), ('tail number'), ('a'), ('')) AS t(key)"),
    ):
        assert placement.lookup(column, threads=1).equals(wanted)
    numbers = placement.lookup(pa.array([1, 2, 3], pa.int8()))
    assert numbers.equals(placement.lookup(pa.array([1, 2, 3], pa.uint64())))


@pytest.mark.parametrize("kind", [Ring, Rendezvous])
def test_replicas_are_distinct_and_null_for_null_keys(kind: type[Placement]) -> None:
    placement = kind(6, racks=["a", "a", "b", "b", None, "c"])
    keys = pa.chunked_array([["k", None], [f"key {i}" for i in range(3_000)]])
    rows = placement.replicas(keys, 4)
    assert rows.type == pa.list_(pa.uint32(), 4)
    assert rows[1].as_py() is None and rows.null_count == 1
    for row in rows.to_pylist():
        if row is not None:
            assert len({placement.racks[node] for node in row}) == 4
    assert rows.equals(placement.replicas(keys, 4, threads=1))
    assert placement.replicas(pa.array([], pa.string()), 2).to_pylist() == []
    assert [row[0] for row in placement.replicas(keys[2:], 1).to_pylist()] == placement.lookup(keys[2:]).to_pylist()


@pytest.mark.parametrize("kind", KINDS)
def test_any_number_of_threads_gives_the_same_answers(kind: type[Placement]) -> None:
    keys = pa.chunked_array([pa.array([None, *range(99_999)], pa.int64()), pa.array(range(70_000))])
    placement = kind(11)
    once = placement.lookup(keys, threads=1)
    assert once.equals(placement.lookup(keys, threads=3)) and once.equals(placement.lookup(keys))
    assert once[1:].equals(placement.lookup(keys[1:].combine_chunks(), threads=2))
    if kind in (Ring, Rendezvous):
        assert placement.replicas(keys, 2, threads=1).equals(placement.replicas(keys, 2, threads=3))


@pytest.mark.parametrize("kind", KINDS)
def test_empty_null_and_equal_keys_are_answered(kind: type[Placement]) -> None:
    placement = kind(["only"])
    assert placement.lookup(pa.array([], pa.string())).to_pylist() == []
    assert placement.lookup(pa.nulls(3)).to_pylist() == [None] * 3
    assert placement.lookup(pa.array(["x"] * 70_000)).unique().to_pylist() == [0]
    assert placement.ownership() == {"only": 1.0}
    bigger = kind(7)
    assert len(bigger.lookup(pa.array([3] * 70_000)).unique()) == 1
    with pytest.raises(UnsupportedTypeError, match="cannot be a key"):
        placement.lookup(pa.array([[1]]))


def test_identity_takes_hashed_keys_only() -> None:
    keys = pa.array(["a", "b", None])
    for kind in KINDS:
        hashed = kind(5, hash="identity").lookup(assay.hash(keys))
        assert hashed.equals(kind(5).lookup(keys))
        with pytest.raises(UnsupportedTypeError, match="uint64"):
            kind(5, hash="identity").lookup(pa.array([1, 2]))


def test_colliding_points_of_32_bits_go_to_the_lower_position() -> None:
    # 2 x 60,000 points in 2^32 values: about 1.7 collisions in expectation; this pair of names has some.
    nodes = next(names for names in ([f"a{i}", f"b{i}"] for i in range(50)) if _collisions(*names) > 0)
    ring = Ring(nodes, virtual_nodes=60_000, hash="murmur3_32")
    arcs = ring.arcs().to_pydict()
    rows = list(zip(arcs["point"], arcs["node"], arcs["share"], strict=True))
    assert rows == sorted(rows, key=lambda row: row[:2])
    shared = [(a, b) for a, b in pairwise(rows) if a[0] == b[0] and a[1] != b[1]]
    assert shared and all(a[1] == 0 and b[2] == 0.0 for a, b in shared)


def _collisions(a: str, b: str) -> int:
    points = [{mmh3.hash(f"{name}-{i}", 0, signed=False) for i in range(60_000)} for name in (a, b)]
    return len(points[0] & points[1])


# --- Objects ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_placements_can_be_pickled_compared_and_shown(kind: type[Placement]) -> None:
    placement = kind(["a", "b"], racks=["x", None], hash="xxh64", seed=5)
    copy = pickle.loads(pickle.dumps(placement))
    assert copy == placement and hash(copy) == hash(placement) and copy.racks == ("x", None)
    assert copy.lookup(MANY[:100]).equals(placement.lookup(MANY[:100]))
    assert eval(repr(placement), {kind.__name__: kind}) == placement
    assert "... 20 in all" in repr(kind(20))
    bigger = placement.with_node("c", rack="x")
    assert (bigger.nodes, bigger.racks) == (("a", "b", "c"), ("x", None, "x"))
    assert placement.nodes == ("a", "b") and bigger != placement
    assert kind(["a", "b"]) != kind(["b", "a"])
    assert placement.memory_bytes > 0


def test_a_ring_accounts_for_its_points_and_index() -> None:
    # 8 bytes a value, 4 a node, and an index of 2^b >= 2P entries of 4 bytes; one sentinel.
    assert Ring(8, virtual_nodes=128).memory_bytes == 1025 * 12 + 2048 * 4
    assert Maglev(8).memory_bytes == 65_537 * 4
    assert Rendezvous(8).memory_bytes == 64
    assert Rendezvous(2, weights=[1, 2]).memory_bytes == 32


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("nodes", "options", "message"),
    [
        ([], {}, "at least one node"),
        (0, {}, "nodes is 0; expected an integer from 1"),
        (True, {}, "nodes is True"),
        ("abc", {}, "expected a list of names"),
        (3.5, {}, "expected a list of names"),
        (["a", "b", "a"], {}, r'nodes\[2\] is "a", which is there twice'),
        ({"a", "b"}, {}, "nodes is a set, whose order changes from run to run"),
        (2, {"weights": {"node-0": 2, "node-1": 1}}, "weights is a dict; expected one number above 0 per node"),
        (["a", 1], {}, r"nodes\[1\] is 1; expected a name"),
        (["\ud800"], {}, "surrogates"),
        (2, {"weights": [1, 0]}, r'weights\[1\], of node "node-1", is 0'),
        (2, {"weights": [1, -1]}, "above 0"),
        (2, {"weights": [1, math.nan]}, "is nan"),
        (2, {"weights": [1, math.inf]}, "is inf"),
        (2, {"weights": [1, "heavy"]}, "is 'heavy'"),
        (2, {"weights": [1]}, "weights has 1 entries for 2 nodes"),
        (2, {"racks": ["x"]}, "racks has 1 entries for 2 nodes"),
        (2, {"racks": ["x", 2]}, r"racks\[1\] is 2"),
        (2, {"seed": -1}, "seed is -1; expected an integer from 0"),
        (2, {"seed": 2**64}, "seed is"),
        (2, {"hash": "md5", "seed": 3}, "takes no seed"),
        (2, {"hash": 3}, "hash is 3"),
    ],
)
def test_bad_settings_are_refused_by_name_value_and_way_out(
    kind: type[Placement], nodes: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ParameterError, match=message):
        kind(nodes, **options)


def test_what_an_algorithm_cannot_do_is_refused_with_the_way_out() -> None:
    for kind in (Jump, Maglev, Modulo, Anchor, Memento):
        with pytest.raises(ParameterError, match="choose ring or rendezvous"):
            kind(2, weights=[1, 2])
        with pytest.raises(ParameterError, match="no replicas; choose ring or rendezvous"):
            kind(3).replicas(pa.array(["a"]), 2)
    with pytest.raises(ParameterError, match=r'cannot remove "node-0".*the last, "node-2".*choose Ring'):
        Jump(3).without_node("node-0")
    assert Jump(3).without_node("node-2") == Jump(2)
    for kind in KINDS:
        placement = kind(2)
        with pytest.raises(UnknownNameError, match=r'no node "node-7".*node-'):
            placement.without_node("node-7")
        with pytest.raises(ParameterError, match="which is there twice"):
            placement.with_node("node-0")
        with pytest.raises(ParameterError, match="only node"):
            placement.without_node("node-1").without_node("node-0")
        with pytest.raises(UnsupportedTypeError, match="expected a placement"):
            placement.moved_share("ring")  # type: ignore[arg-type]
        with pytest.raises(UnknownNameError, match="hash function"):
            kind(2, hash="xxh3_65")
        with pytest.raises(ParameterError, match="threads is 0"):
            placement.lookup(MANY, threads=0)
    for count, message in [(4, "count is 4, but there are 3 nodes"), (0, "count is 0"), (2.5, "count is 2.5")]:
        with pytest.raises(ParameterError, match=message):
            Ring(3).replicas(MANY, count)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="virtual_nodes is 0; expected an integer from 1 to 1000000"):
        Ring(3, virtual_nodes=0)
    with pytest.raises(ParameterError, match="use fewer virtual nodes"):
        Ring(1000, virtual_nodes=1_000_000)
    with pytest.raises(ParameterError, match=r"expected a prime from 3 .* such as 307"):
        Maglev(3, table_size=9)
    with pytest.raises(TypeError, match="use Ring"):
        Placement(2)


def test_names_and_weights_come_from_any_sequence() -> None:
    wanted = Ring(["a", "b"], weights=[1.0, 2.0])
    assert Ring(pa.array(["a", "b"]), weights=pa.array([1, 2])) == wanted
    assert Ring(pl.Series(["a", "b"]), weights=pl.Series([1.0, 2.0])) == wanted
    assert Ring((name for name in "ab"), weights=(w for w in (1, 2))) == wanted
    assert Ring(["node-0", "node-1"]) == Ring(2)


def test_the_versions_in_the_catalogue_hold_these_numbers() -> None:
    # Owners are stored and compared across releases: whoever changes them changes the version here too.
    from assay import _core

    versions = {entry["name"]: entry["version"] for entry in _core.catalogue() if entry["room"] == "placement"}
    names = ("modulo", "ring", "jump", "rendezvous", "maglev", "redis_slots", "multi_probe", "bounded_loads")
    names = (*names, "anchor", "memento")
    assert versions == dict.fromkeys(names, 1)
    weighted = {"weights": [1, 2, 0.5, 1, 1, 3]}
    golden = {
        "ring": (Ring(6), Ring(6, hash="md5", **weighted), Ring(6, hash="murmur3_32")),
        "rendezvous": (Rendezvous(6), Rendezvous(6, **weighted), Rendezvous(6, hash="xxh32")),
        "jump": (Jump(6), Jump(6, hash="murmur3_32")),
        "maglev": (Maglev(6), Maglev(700)),
        "modulo": (Modulo(6), Modulo(6, hash="xxh64", seed=3)),
        "multi_probe": (MultiProbe(6), MultiProbe(6, probes=3, virtual_nodes=4, hash="murmur3_32", **weighted)),
        "anchor": (Anchor(6), Anchor(6, capacity=40, hash="murmur3_32")),
        "memento": (Memento(6), Memento(9).without_node("node-2").without_node("node-7")),
        "bounded_loads": (BoundedLoads(6, epsilon=0.05), BoundedLoads(6, epsilon=0.01, hash="murmur3_32", **weighted)),
    }
    found = {kind: [_digest(placement) for placement in placements] for kind, placements in golden.items()}
    assert found == {
        "ring": ["b63fb5ebc57498bf", "b94c84a4ef36e1ae", "cf6f9b24ad5421e2"],
        "rendezvous": ["6b642079eed9b6c3", "51cefdf0ba255081", "0ae948056466c846"],
        "jump": ["e217d210c6149a1b", "a9fb58f2445cca04"],
        "maglev": ["a23d34fcdc9de0e5", "c2b3f9c6ea44a911"],
        "modulo": ["11914ed7f6562d49", "4768601fbcba4168"],
        "multi_probe": ["d485e48afeffc1b3", "06d367be80feebba"],
        "bounded_loads": ["1e46552b4df0839a", "105b5bdcde2315ca"],
        "anchor": ["91b17be429fc209a", "13158c3268d777bc"],
        "memento": ["e217d210c6149a1b", "094c6166524d7b5e"],
    }


def _digest(placement: Placement) -> str:
    owners = placement.lookup(pa.array([f"key {i}" for i in range(2_000)]))
    return hashlib.sha256(bytes(owners.buffers()[1])[: 4 * len(owners)]).hexdigest()[:16]


def test_every_contender_of_the_room_is_a_class_with_its_parameters() -> None:
    from assay import _core

    room = {entry["name"]: entry for entry in _core.catalogue() if entry["room"] == "placement"}
    assert {kind.kind for kind in [*KINDS, RedisSlots]} == set(room)
    for kind in [*KINDS, RedisSlots]:
        assert set(kind(3).parameters) == {parameter["name"] for parameter in room[kind.kind]["parameters"]}
