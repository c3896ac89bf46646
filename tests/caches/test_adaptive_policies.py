"""ARC, LIRS, SLRU, 2Q, S3-FIFO and W-TinyLFU beside caches written down in a few lines of Python (oracles/).

The oracles are compared with libCacheSim's recorded answers as well: so the three agree, and not two by chance.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import assay
from assay.errors import ParameterError, UnknownNameError

sys.path.insert(0, str(Path(__file__).parent))

import libcachesim_peer as peer
from cache_traces import trace
from oracles.arc import Arc
from oracles.lirs import Lirs
from oracles.s3_fifo import S3Fifo
from oracles.slru import Slru
from oracles.two_q import TwoQ
from oracles.w_tinylfu import WTinyLfu

ORACLES: dict[str, Callable[[int], Any]] = {
    "arc": Arc,
    "lirs": Lirs,
    "lirs(hir_share=0.3)": lambda capacity: Lirs(capacity, 0.3),
    "lirs(queue_hit=keeps, hir_share=0.2)": lambda capacity: Lirs(capacity, 0.2, paper=True),
    "slru": Slru,
    "slru(segments=2)": lambda capacity: Slru(capacity, 2),
    "slru(segments=1)": lambda capacity: Slru(capacity, 1),
    "two_q": TwoQ,
    "two_q(in_share=0.6, out_share=2)": lambda capacity: TwoQ(capacity, 0.6, 2.0),
    "s3_fifo": S3Fifo,
    "s3_fifo(small_share=0.3, ghost_share=2, uses=1)": lambda capacity: S3Fifo(capacity, 0.3, 2.0, 1),
    "w_tinylfu": WTinyLfu,
    "w_tinylfu(window_share=0.2)": lambda capacity: WTinyLfu(capacity, 0.2),
}
ANSWERS: dict[str, Any] = json.loads((Path(__file__).parent / "answers.json").read_text())


def requests(objects: int, weights: st.SearchStrategy[int]) -> st.SearchStrategy[list[tuple[int, int]]]:
    """Requests for few objects, some of them as a loop, so that ghosts come back; each with a size."""
    some = st.lists(st.integers(0, objects - 1), max_size=60)
    loop = st.tuples(st.integers(1, objects), st.integers(1, 4)).map(lambda said: list(range(said[0])) * said[1])
    keys = st.lists(st.one_of(some, loop), min_size=1, max_size=6).map(
        lambda parts: [k for part in parts for k in part]
    )
    return keys.filter(bool).flatmap(
        lambda found: st.lists(weights, min_size=len(found), max_size=len(found)).map(
            lambda sizes: list(zip(found, sizes, strict=True))
        )
    )


def outcome(policy: str, asked: list[tuple[int, int]], capacity: int, *, by_bytes: bool) -> dict[str, Any]:
    """What assay says."""
    table = pa.table({"key": pa.array([k for k, _ in asked], pa.uint64()), "size": pa.array([s for _, s in asked])})
    found: dict[str, Any] = assay.simulate_cache(
        table, policy, capacity=capacity, size="size" if by_bytes else None
    ).to_pylist()[0]
    return found


@pytest.mark.parametrize("policy", ORACLES)
@given(asked=requests(24, st.just(1)), capacity=st.integers(1, 30))
@example(asked=[(key % 7, 1) for key in range(50)], capacity=1)
@example(asked=[(key % 7, 1) for key in range(50)], capacity=6)
def test_counted_in_objects_a_policy_misses_what_its_oracle_misses(
    policy: str, asked: list[tuple[int, int]], capacity: int
) -> None:
    oracle = ORACLES[policy](capacity)
    misses = 0
    for key, _ in asked:
        misses += not oracle.request(key)
        assert oracle.used <= capacity
    found = outcome(policy, asked, capacity, by_bytes=False)
    assert found["misses"] == misses
    assert found["misses"] >= len({key for key, _ in asked})
    if isinstance(oracle, Slru | Lirs | WTinyLfu):  # LIRS holds more than the capacity where it does not count all
        assert found["misses"] - found["evictions"] == len(oracle.there())
    else:
        assert 0 <= found["misses"] - found["evictions"] <= capacity


@pytest.mark.parametrize("policy", ORACLES)
@given(asked=requests(16, st.integers(0, 12)), capacity=st.integers(1, 120))
def test_counted_in_bytes_a_policy_misses_what_its_oracle_misses(
    policy: str, asked: list[tuple[int, int]], capacity: int
) -> None:
    """Sizes change from request to request, as they do in block traces: an object keeps the one it came with."""
    oracle = ORACLES[policy](capacity)
    misses = missed_bytes = 0
    for key, size in asked:
        if not oracle.request(key, size):
            misses, missed_bytes = misses + 1, missed_bytes + size
        assert oracle.used <= capacity
    found, whole = outcome(policy, asked, capacity, by_bytes=True), sum(size for _, size in asked)
    assert found["misses"] == misses
    assert found["byte_miss_ratio"] == (missed_bytes / whole if whole else None)


@pytest.mark.parametrize("policy", ORACLES)
@given(asked=requests(24, st.integers(0, 12)))
def test_a_cache_for_all_misses_each_object_once(policy: str, asked: list[tuple[int, int]]) -> None:
    whole = 100 * (sum(size for _, size in asked) + len(asked))
    for by_bytes in (False, True):
        found = outcome(policy, asked, whole, by_bytes=by_bytes)
        assert (found["misses"], found["evictions"]) == (len({key for key, _ in asked}), 0)


@pytest.mark.parametrize("policy", ["arc", "lirs", "slru", "two_q", "s3_fifo", "w_tinylfu"])
@pytest.mark.parametrize("name", ["loops_in_zipf", "changing_bytes"])
def test_the_oracles_miss_what_libcachesim_answered(policy: str, name: str) -> None:
    made = trace(name)
    assert made is not None
    keys = made.keys.tolist()
    sizes = np.ones(len(keys), dtype=np.int64).tolist() if made.sizes is None else made.sizes.tolist()
    capacity = made.capacities()[2]
    oracle = ORACLES[policy](capacity)
    misses = sum(not oracle.request(key, size) for key, size in zip(keys, sizes, strict=True))
    assert misses == ANSWERS[name]["answers"][policy][str(capacity)][0]


@pytest.mark.parametrize(("policy", "smallest"), peer.SMALLEST.items())
def test_a_queue_rounded_to_nothing_has_room_for_one(policy: str, smallest: int) -> None:
    """libCacheSim refuses all objects there: https://github.com/1a1a11a/libCacheSim, S3FIFO.c and others."""
    keys = [0, 1] * 50
    for capacity in range(2, smallest + 1):
        found = outcome(policy, [(key, 1) for key in keys], capacity, by_bytes=False)
        assert found["misses"] == 2, f"two objects fit into {capacity}"


def test_scans_pass_through_arc_lirs_and_s3_fifo_and_not_through_lru() -> None:
    """Worked by hand: three rounds over 8 hot objects, then each of 20 scans of 30 new ones is followed by a round."""
    keys = [key for _ in range(3) for key in range(8)]
    for scan in range(20):
        keys += [100 + 30 * scan + step for step in range(30)] + list(range(8))
    found = {
        policy: outcome(policy, [(key, 1) for key in keys], 20, by_bytes=False)["misses"]
        for policy in ("lru", "arc", "lirs", "s3_fifo")
    }
    # All 8 at first, each of the 600, and under LRU all 8 after each of the 20 scans.
    assert found["lru"] == 8 + 600 + 160
    assert all(found[policy] == 8 + 600 for policy in ("arc", "lirs", "s3_fifo"))


@pytest.mark.parametrize(
    "policy",
    ["slru(segments=0)", "two_q(in_share=1.5)", "s3_fifo(small_share=-0.1)", "w_tinylfu(window_share=1)",
     "lirs(queue_hit=other)"],
)  # fmt: skip
def test_a_parameter_out_of_its_bounds_is_refused(policy: str) -> None:
    with pytest.raises((ParameterError, UnknownNameError)):
        assay.simulate_cache(pa.table({"key": [1]}), policy, capacity=1)
