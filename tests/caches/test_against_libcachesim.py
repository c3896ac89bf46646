"""Every policy that libCacheSim has too misses exactly as often as there: trace by trace, capacity by capacity.

The default tests compare with what its package answered once (answers.json; `record_answers.py` writes it); the slow
ones run the package again. Both go through the policies of the catalogue: a new one is compared from its first day.
"""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import assay
from assay.catalogue import contenders

sys.path.insert(0, str(Path(__file__).parent))

import libcachesim_peer as peer
from cache_traces import GENERATED, NAMES, CacheTrace, trace

ANSWERS: dict[str, Any] = json.loads((Path(__file__).parent / "answers.json").read_text())
POLICIES = [contender.name for contender in contenders("cache") if contender.name in peer.NAMES]

NOT_SOUND = {
    "lirs": "it reads the size of an object that it has just freed, where a hit in Q drives the object itself out of Q",
    "opt": "a bound by bytes needs a definition of its own; its Belady looks at the next use alone",
}
"""Policies whose answers by bytes are not to be equalled everywhere, and why."""

UNSOUND_ANSWERS = {
    ("lirs", "zipf_bytes", "8546"),
    ("lirs", "zipf_bytes", "427327"),
    ("lirs", "changing_bytes", "499347"),
}


def on_this_machine(name: str) -> CacheTrace:
    """The trace, or the test is skipped with the reason."""
    made = trace(name)
    if made is None:
        pytest.skip(f"{name} may not ship: name a folder that has {name}.parquet in ASSAY_TRACES")
    return made


def column(made: CacheTrace) -> pa.Table:
    """The trace as assay takes it."""
    sizes = {} if made.sizes is None else {"size": pa.array(made.sizes)}
    return pa.table({"key": pa.array(made.keys), **sizes})


def ours(policy: str, made: CacheTrace, capacities: list[str]) -> dict[str, list[int]]:
    """Capacity -> misses, missed bytes."""
    size = None if made.sizes is None else "size"
    found = assay.simulate_cache(column(made), policy, capacity=[int(text) for text in capacities], size=size)
    total = len(made.keys) if made.sizes is None else int(made.sizes.sum())
    ratios = found["miss_ratio" if made.sizes is None else "byte_miss_ratio"].to_pylist()
    counts = [[misses, round(ratio * total)] for misses, ratio in zip(found["misses"].to_pylist(), ratios, strict=True)]
    return dict(zip(capacities, counts, strict=True))


def refused(policy: str, made: CacheTrace, capacity: str) -> bool:
    """Whether libCacheSim has a sub-queue of no room there, and so refuses all: assay gives that one object of room."""
    return made.sizes is None and int(capacity) < peer.SMALLEST.get(policy, 1)


@pytest.mark.parametrize("name", ANSWERS)
def test_the_trace_is_the_one_whose_answers_were_recorded(name: str) -> None:
    assert on_this_machine(name).fingerprint == ANSWERS[name]["fingerprint"]


def test_answers_are_recorded_for_every_trace_and_every_policy_of_the_peer() -> None:
    assert {*GENERATED, "cache2k_web07", "cache2k_web12"} <= set(ANSWERS) <= set(NAMES)
    assert all(list(recorded["answers"]) == list(peer.NAMES) for recorded in ANSWERS.values())
    assert all(recorded["recorded_with"] == "libcachesim 0.3.5" for recorded in ANSWERS.values())


@pytest.mark.parametrize("name", [name for name in ANSWERS if ANSWERS[name]["requests"] < 200_000])
@pytest.mark.parametrize("policy", POLICIES)
def test_misses_are_those_that_libcachesim_answered(policy: str, name: str) -> None:
    compare(policy, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in ANSWERS if ANSWERS[name]["requests"] >= 200_000])
@pytest.mark.parametrize("policy", POLICIES)
def test_misses_of_long_traces_are_those_that_libcachesim_answered(policy: str, name: str) -> None:
    compare(policy, name)


def compare(policy: str, name: str) -> None:
    """All capacities of one trace."""
    made = on_this_machine(name)
    if made.sizes is not None and policy == "opt":
        pytest.skip(f"{policy} by bytes: {NOT_SOUND[policy]}")
    answers = ANSWERS[name]["answers"][policy]
    found = ours(policy, made, list(answers))
    for capacity, answer in answers.items():
        if refused(policy, made, capacity):
            # All requests missed there (or the package ended): with one object of room some hit.
            assert answer is None or answer[0] == len(made.keys)
            assert found[capacity][0] < len(made.keys)
        elif (policy, name, capacity) not in UNSOUND_ANSWERS:
            assert found[capacity] == answer, f"{policy} of {capacity} on {name}"


@pytest.mark.slow
@pytest.mark.skipif(find_spec("libcachesim") is None, reason="libcachesim is not installed: pip install libcachesim")
@pytest.mark.parametrize("name", [*GENERATED, "cache2k_web12", "cloudphysics_io", "cloudphysics_io_bytes"])
@pytest.mark.parametrize("policy", peer.NAMES)
def test_the_package_answers_what_was_recorded(policy: str, name: str) -> None:
    on_this_machine(name)
    if peer.peer_version() != ANSWERS[name]["recorded_with"]:
        pytest.skip(f"{peer.peer_version()} is installed; answers are those of {ANSWERS[name]['recorded_with']}")
    recorded = ANSWERS[name]["answers"][policy]
    found = peer.answers(policy, name)
    for capacity, answer in recorded.items():
        if (policy, name, capacity) not in UNSOUND_ANSWERS:
            assert found[capacity] == answer
