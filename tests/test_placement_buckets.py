"""Anchor and Memento: against the papers' algorithms in a few lines, their laws, and their edges."""

from __future__ import annotations

import pickle
from collections import Counter

import pyarrow as pa
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.errors import ParameterError
from assay.placement import Anchor, Jump, Memento, Placement

MANY = pa.array(range(20_000), pa.int64())
# Each step removes the node at a position, modulo their number, or adds one.
STEPS = st.lists(st.one_of(st.none(), st.integers(0, 50)), max_size=14)


def finalise(value: int) -> int:
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB % 2**64
    return value ^ (value >> 31)


def below(value: int, count: int) -> int:
    return value * count >> 64


def rehash(value: int, bucket: int) -> int:
    return finalise((value + (bucket + 1) * 0x9E3779B97F4A7C15) % 2**64)


def jump(key: int, buckets: int) -> int:
    b, j = -1, 0
    while j < buckets:
        b = j
        key = (key * 2862933555777941757 + 1) % 2**64
        j = int((b + 1) * (float(1 << 31) / float((key >> 33) + 1)))
    return b


class PaperAnchor:
    """Mendelson et al. 2020, algorithm 3, letter by letter."""

    def __init__(self, a: int, w: int) -> None:
        self.A, self.R, self.N = [0] * a, list[int](), w
        self.K, self.L, self.W = list(range(a)), list(range(a)), list(range(a))
        for b in range(a - 1, w - 1, -1):
            self.R.append(b)
            self.A[b] = b

    def remove(self, b: int) -> None:
        self.R.append(b)
        self.N -= 1
        self.A[b] = self.N
        self.W[self.L[b]] = self.K[b] = self.W[self.N]
        self.L[self.W[self.N]] = self.L[b]

    def add(self) -> int:
        b = self.R.pop()
        self.A[b] = 0
        self.L[self.W[self.N]] = self.N
        self.W[self.L[b]] = self.K[b] = b
        self.N += 1
        return b

    def lookup(self, value: int) -> int:
        b = below(finalise(value), len(self.A))
        while self.A[b] > 0:
            h = below(rehash(value, b), self.A[b])
            while self.A[h] >= self.A[b]:
                h = self.K[h]
            b = h
        return b


class PaperMemento:
    """Coluzzi et al. 2024, algorithms 1 to 4: n, the last removed bucket l, R: bucket to (number, removed before)."""

    def __init__(self, w: int) -> None:
        self.n, self.l, self.R = w, w, dict[int, tuple[int, int]]()

    def remove(self, b: int) -> None:
        if not self.R and b == self.n - 1:
            self.n = self.l = b
        else:
            self.R[b] = (self.n - len(self.R) - 1, self.l)
            self.l = b

    def add(self) -> int:
        if not self.R:
            self.n += 1
            self.l = self.n
            return self.n - 1
        b = self.l
        self.l = self.R.pop(b)[1]
        return b

    def lookup(self, value: int) -> int:
        b = jump(value, self.n)
        while b in self.R:
            left = self.R[b][0]
            d = below(rehash(value, b), left)
            while d in self.R and self.R[d][0] >= left:
                d = self.R[d][0]
            b = d
        return b


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.integers(0, 6), STEPS, st.booleans())
def test_any_changes_lead_to_the_papers_state_and_move_only_the_keys_concerned(
    nodes: int, spare: int, steps: list[int | None], is_anchor: bool
) -> None:
    capacity = nodes + spare
    placement: Anchor | Memento = Anchor(nodes, capacity=capacity) if is_anchor else Memento(nodes)
    paper: PaperAnchor | PaperMemento = PaperAnchor(capacity, nodes) if is_anchor else PaperMemento(nodes)
    keys = MANY[:200]
    hashes = [xxhash.xxh3_64_intdigest(key.to_bytes(8, "little")) for key in keys.to_pylist()]
    for number, step in enumerate(steps):
        before, owners = placement, placement.lookup(keys).to_pylist()
        gone = new = None
        if step is not None and len(placement.nodes) > 1:
            gone = placement.nodes[step % len(placement.nodes)]
            paper.remove(placement.buckets[0][step % len(placement.nodes)])
            placement = placement.without_node(gone)
        elif not is_anchor or len(placement.nodes) < capacity:
            new = f"new-{number}"
            placement = placement.with_node(new)
            assert placement.buckets[0][-1] == paper.add()
        after = placement.lookup(keys).to_pylist()
        assert [placement.buckets[0][owner] for owner in after] == [paper.lookup(value) for value in hashes]
        for old, now in zip(owners, after, strict=True):
            assert before.nodes[old] in (placement.nodes[now], gone) or placement.nodes[now] == new
        copy = pickle.loads(pickle.dumps(placement))
        assert copy == placement and hash(copy) == hash(placement) and copy.lookup(keys).to_pylist() == after


@pytest.mark.parametrize("kind", [Anchor, Memento])
def test_whoever_comes_after_a_node_that_went_has_all_its_keys(kind: type[Placement]) -> None:
    before = kind(["a", "b", "c", "d", "e"])
    owners = [before.nodes[owner] for owner in before.lookup(MANY).to_pylist()]
    without = before.without_node("b").without_node("d")
    again = without.with_node("d").with_node("b")
    assert [again.nodes[owner] for owner in again.lookup(MANY).to_pylist()] == owners
    other = without.with_node("x").with_node("y")
    names = {"d": "x", "b": "y"}
    assert [other.nodes[owner] for owner in other.lookup(MANY).to_pylist()] == [names.get(o, o) for o in owners]
    assert before.moved_share(again) == 0
    assert before.moved_share(other) == pytest.approx(2 / 5, abs=1e-12)


@pytest.mark.parametrize("kind", [Anchor, Memento])
def test_shares_stay_equal_when_half_of_the_nodes_have_gone(kind: type[Placement]) -> None:
    placement = kind(20)
    for node in range(1, 20, 2):
        placement = placement.without_node(f"node-{node}")
    loads = Counter(placement.lookup(MANY).to_pylist())
    # 2,000 each, a binomial count whose standard deviation is 42: allow five of these.
    assert len(loads) == 10 and all(abs(load - 2_000) < 212 for load in loads.values())
    assert list(placement.ownership().values()) == [0.1] * 10


@pytest.mark.parametrize("kind", [Anchor, Memento])
def test_one_node_of_many_that_is_left_has_all_keys(kind: type[Placement]) -> None:
    placement = kind(7)
    for node in (3, 0, 6, 1, 5, 2):
        placement = placement.without_node(f"node-{node}")
    assert placement.nodes == ("node-4",) and set(placement.lookup(MANY).to_pylist()) == {0}


def test_memento_without_missing_nodes_is_jump_and_has_no_state() -> None:
    assert Memento(11).lookup(MANY).equals(Jump(11).lookup(MANY))
    assert Memento(11).without_node("node-10") == Memento(10)
    assert Memento(1000).memory_bytes == 8 < Memento(1000).without_node("node-3").memory_bytes


def test_a_changed_placement_says_so_and_differs_from_a_fresh_one() -> None:
    changed = Memento(4).without_node("node-1")
    assert repr(changed).startswith("<Memento(['node-0', 'node-2', 'node-3']") and repr(changed).endswith(
        "after changes>"
    )
    assert (
        changed != Memento(changed.nodes)
        and repr(Memento(2)) == "Memento(['node-0', 'node-1'], hash='xxh3_64', seed=0)"
    )
    assert Anchor(3).parameters["capacity"] == 6 == Anchor(3).with_node("d").parameters["capacity"]


def test_a_full_anchor_and_a_small_capacity_are_refused_with_the_way_out() -> None:
    with pytest.raises(ParameterError, match=r"capacity is 2, and 3 nodes are more; build .* or choose memento"):
        Anchor(2, capacity=2).with_node("c")
    with pytest.raises(ParameterError, match="capacity is 2 for 3 nodes; expected from 3"):
        Anchor(3, capacity=2)
    for capacity in (0, 2.5, 2**28):
        with pytest.raises(ParameterError, match=f"capacity is {capacity}; expected an integer from 1 to 134217728"):
            Anchor(1, capacity=capacity)  # type: ignore[arg-type]
