"""The experiment `placement`: laws over seeds, a naive oracle, the contract of a fold, and bad input."""

from __future__ import annotations

import bisect
import itertools
import math
import pickle
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from assay.datasets import open_dataset
from assay.errors import (
    AssayError,
    EmptyInputError,
    ParameterError,
    SpellingError,
    SuiteError,
    UnknownNameError,
)
from assay.experiments.base import Findings, Value
from assay.experiments.placement import EXPERIMENT
from assay.experiments.placement.draws import ACTIONS, nodes_after
from assay.experiments.placement.hash_and_list import differences
from assay.experiments.placement.job import PlacementJob
from assay.experiments.placement.laws import adjacent_pairs_law, load_cv_law, ownership_cv_law
from assay.experiments.placement.metrics import METRICS, balance, optimum, share_cv
from assay.experiments.placement.settings import PlacementSettings
from assay.experiments.placement.spelling import build, parse_placement, propose
from assay.harness import TimingSettings, run_suite, suite_from_dict
from assay.intervals import over_seeds
from assay.placement import Ring
from assay.store import Store

KEYS = "ascending(rows=2000)"


def plan(data: object = KEYS, **settings: Any) -> PlacementJob:
    return EXPERIMENT.job(open_dataset(data), PlacementSettings(**settings))


def findings_of(job: PlacementJob, target_rows: int = 1_000_000) -> Findings:
    """The job folded span by span, as the harness does it."""
    dataset, state = job.dataset, None
    for span in dataset.spans(target_rows=target_rows):
        part = job.start(0, None)
        for batch in dataset.batches(list(job.columns(0)), span):
            job.update(part, batch)
        part = job.unpack(0, job.pack(part), None)
        state = part if state is None else job.merge(state, part)
    assert state is not None
    return job.finish([], state)


def measured(data: object = KEYS, **settings: Any) -> dict[str, Value]:
    """The values of a plan with one cell, by metric."""
    job = plan(data, **settings)
    findings = findings_of(job)
    assert len(job.cells) == 1 and not findings.failures, findings.failures
    return {value.metric: value for value in findings.values}


def number(found: dict[str, Value], metric: str) -> float:
    value = found[metric].value
    assert value is not None, metric
    return float(value)


# Laws


@pytest.mark.parametrize(("nodes", "virtual_nodes"), [(2, 1), (4, 1), (10, 16), (50, 8)])
def test_shares_of_a_ring_vary_as_the_law_says(nodes: int, virtual_nodes: int) -> None:
    # One ring's CV^2 has a relative standard deviation of at most 0.9 (Dirichlet shares; the most at n = 2, V = 1), so
    # the mean of 400 has a relative standard error of 4.5 %, its root of 2.2 %; the tolerance is three of these.
    spelling = f"ring(virtual_nodes={virtual_nodes})"
    found = measured("ascending(rows=10)", key="key", nodes=nodes, placements=[spelling], seeds=400, removals=[])
    law = math.sqrt((nodes - 1) / (nodes * virtual_nodes + 1))
    assert number(found, "ownership_cv_law") == pytest.approx(law, rel=1e-12)
    assert number(found, "ownership_cv_over_law") == pytest.approx(1, abs=0.067)
    assert found["ownership_cv"].low < number(found, "ownership_cv") < found["ownership_cv"].high  # type: ignore[operator]


@pytest.mark.parametrize("nodes", [3, 40])
def test_about_v_pairs_of_neighbours_share_a_node(nodes: int) -> None:
    # The number of pairs is nearly Poisson with mean V = 64, or narrower: over 100 seeds its mean has a standard
    # error of at most 0.8; the tolerance is four of these.
    found = measured(
        "ascending(rows=10)", key="key", nodes=nodes, placements=["ring(virtual_nodes=64)"], seeds=100, removals=[]
    )
    law = nodes * 64 * 63 / (nodes * 64 - 1)
    assert number(found, "adjacent_equal_pairs_law") == pytest.approx(law, rel=1e-12)
    assert number(found, "adjacent_equal_pairs") == pytest.approx(law, abs=3.2)


@pytest.mark.parametrize("counts", [(2, 2), (1, 3), (1, 1, 3), (2, 2, 1), (5,), (1,)])
def test_the_law_of_pairs_is_the_mean_over_all_arrangements(counts: tuple[int, ...]) -> None:
    points = [node for node, count in enumerate(counts) for _ in range(count)]
    arrangements = set(itertools.permutations(points))
    pairs = [
        sum(one == next_one for one, next_one in zip(ring, ring[1:] + ring[:1], strict=True)) for ring in arrangements
    ]
    assert adjacent_pairs_law(counts) == pytest.approx(sum(pairs) / len(pairs) if len(points) > 1 else 0)


def test_the_law_of_shares_counts_what_rounding_takes_from_a_weight() -> None:
    # Points 1 and 1 for weights 1 and 3: fair 1/4 and 3/4, shares Beta(1, 1) with mean 1/2 and variance 1/12.
    # CV^2 = sum (1/12 + (1/4)^2) / f = (1/12 + 1/16) (4 + 4/3).
    expected = math.sqrt((1 / 12 + 1 / 16) * (4 + 4 / 3))
    assert ownership_cv_law([1, 1], [0.25, 0.75]) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("nodes", [4, 10])
@pytest.mark.parametrize("placement", ["ring", "jump", "rendezvous", "multi_probe", "anchor", "memento"])
def test_a_consistent_placement_moves_the_least_and_nothing_astray(placement: str, nodes: int) -> None:
    # One draw of a ring with V = 128 moves 1/(n+1) give or take 9 %, sampling 2,000 keys 5 %: over 20 seeds 2.3 %.
    found = measured(nodes=nodes, placements=[placement], seeds=20)
    for action in ACTIONS:
        assert number(found, f"moved_over_optimum.{action}") == pytest.approx(1, abs=0.08)
        assert found[f"stray_moves.{action}"].high == 0
    assert number(found, "moved_share.add_one") == pytest.approx(1 / (nodes + 1), rel=0.08)


@pytest.mark.parametrize(("nodes", "probes"), [(2, 1), (2, 3), (5, 2), (10, 21)])
def test_shares_by_several_probes_vary_as_the_law_says(nodes: int, probes: int) -> None:
    # As for rings: the mean of 400 has a relative standard error of about 2.2 %; the tolerance is three of these.
    spelling = f"multi_probe(probes={probes})"
    found = measured("ascending(rows=10)", key="key", nodes=nodes, placements=[spelling], seeds=400, removals=[])
    assert number(found, "ownership_cv_over_law") == pytest.approx(1, abs=0.067)


def test_the_law_of_several_probes_is_the_mean_over_random_circles() -> None:
    # Two points, k probes: with u the difference of the arcs, uniform in [0, 1], the shares differ by u^k, and the mean
    # of u^2k is 1 / (2k + 1). One probe is the law of rings.
    for probes in (1, 2, 3, 21):
        assert ownership_cv_law([1, 1], [0.5, 0.5], probes=probes) == pytest.approx(1 / math.sqrt(2 * probes + 1))
    for points in ([3, 3, 3], [1, 2, 5]):
        fair = [count / sum(points) for count in points]
        beta = [c * (sum(points) - c) / (sum(points) ** 2 * (sum(points) + 1)) for c in points]
        rings = math.sqrt(sum(variance / part for variance, part in zip(beta, fair, strict=True)))
        assert ownership_cv_law(points, fair) == pytest.approx(rings)


@pytest.mark.parametrize(
    "placement", ["ring(virtual_nodes=4)", "rendezvous", "jump", "maglev", "anchor", "memento", "multi_probe", "modulo"]
)
def test_loads_of_skewed_keys_vary_as_the_law_says(placement: str) -> None:
    # 60 seeds of 5 nodes: the mean square, of four squares each, has a relative standard error of sqrt(2/4/60) = 9 %,
    # heavy keys make it some 13 %; its root half of that. The tolerance is four of these.
    found = measured(
        "zipf(rows=4000, keys=200, seed=5)", key="key", nodes=5, placements=[placement], seeds=60, removals=[]
    )
    assert number(found, "load_cv_over_law") == pytest.approx(1, abs=0.26)


def test_the_law_of_loads_is_the_floor_of_equal_shares_and_keys() -> None:
    # m keys alike on n equal nodes: the variance of a binomial count, n (1/n)(1 - 1/n) m / (m/n)^2 / n = (n - 1) / m.
    assert load_cv_law(0, 8, 1 / 400) == pytest.approx(math.sqrt(7 / 400))
    # One key has all: one node has n times its share, whatever the shares are: sum f (0 or n - 1)^2 = n - 1.
    assert load_cv_law(0.3, 8, 1) == pytest.approx(math.sqrt(7))


@pytest.mark.parametrize("placement", ["ring", "rendezvous", "multi_probe", "anchor", "memento"])
def test_random_nodes_that_go_move_their_own_keys_only(placement: str) -> None:
    found = measured(nodes=10, placements=[placement], seeds=5)
    for percent, count in ((10, 1), (25, 2), (50, 5)):
        assert found[f"stray_moves.remove_{percent}"].high == 0
        assert number(found, f"moved_share.remove_{percent}") == pytest.approx(count / 10, abs=0.06)
        # Some 200 keys for each of the others, by uneven arcs: the busiest takes up to about twice its part.
        assert number(found, f"effective_receivers.remove_{percent}") > 0.45 * (10 - count)
        assert number(found, f"effective_senders.remove_{percent}") > 0.7 * count


def test_nodes_that_jump_cannot_remove_send_keys_astray() -> None:
    found = measured(nodes=10, placements=["jump"], seeds=5, removals=[30])
    assert number(found, "stray_moves.remove_30") > 200 and "stray_moves.remove_50" not in found


def test_the_nodes_that_go_are_drawn_by_seed_and_a_larger_share_takes_those_of_a_smaller_one() -> None:
    assert nodes_after("add_one", 3, 0) == [0, 1, 2, 3] and nodes_after("remove_one", 3, 0) == [0, 1]
    for nodes, percent, left in [(10, 25, 8), (10, 35, 6), (2, 1, 1), (3, 99, 1), (1000, 50, 500), (1, 50, 0)]:
        assert len(nodes_after(f"remove_{percent}", nodes, 7)) == left
    few, many = (set(nodes_after(f"remove_{percent}", 100, 3)) for percent in (25, 50))
    assert many < few and few != set(nodes_after("remove_25", 100, 4))
    ranks = {n: xxhash.xxh3_64_intdigest(f"draw-3-removal-{n}".encode()) for n in range(100)}
    assert many == set(sorted(ranks, key=ranks.__getitem__)[50:])


def test_nodes_give_and_take_as_worked_by_hand() -> None:
    # Modulo of identity keys, 3 nodes to 2: 0 1 2 0 1 2 becomes 0 1 0 1 0 1; 2 and 5 go to 0 and 1, 3 and 4 stray.
    table = pa.table({"id": pa.array([0, 1, 2, 3, 4, 5], pa.uint64())})
    found = measured(table, key="id", nodes=3, placements=["modulo(hash=identity)"], seeds=1)
    assert number(found, "moved_share.remove_one") == 4 / 6 and number(found, "stray_moves.remove_one") == 2
    # Node 2 gives two keys, 0 and 1 one each; 0 and 1 get two each.
    assert number(found, "effective_senders.remove_one") == 2 and number(found, "effective_receivers.remove_one") == 2


def test_bounded_loads_keep_their_bound_and_count_their_displaced_keys() -> None:
    found = measured(nodes=10, placements=["bounded_loads(epsilon=0.05)"], seeds=3)
    most = found["load_max_over_mean"].high
    assert most is not None and most <= 1.05
    assert found["ownership_cv_law"].note == "no law is known of its shares"
    ring = measured(nodes=10, placements=["ring"], seeds=3)
    assert number(found, "memory_bytes") > number(ring, "memory_bytes")


def test_modulo_moves_n_of_n_plus_one() -> None:
    found = measured(nodes=9, placements=["modulo"], seeds=10)
    assert number(found, "moved_share.add_one") == pytest.approx(9 / 10, abs=0.01)
    assert number(found, "moved_over_optimum.add_one") == pytest.approx(9, abs=0.1)
    assert number(found, "stray_moves.add_one") > 1000


@pytest.mark.parametrize("placement", ["ring(virtual_nodes=1000)", "rendezvous"])
def test_shares_follow_the_weights(placement: str) -> None:
    found = measured(nodes=4, weights=[1, 1, 2, 4], placements=[placement], seeds=5)
    slack = 1e-9 if placement == "rendezvous" else 0.1
    assert 1 - slack <= number(found, "share_over_weight_min") <= number(found, "share_over_weight_max") <= 1 + slack
    # A node of weight 1 comes to 8: it takes 1/9. The last one goes with half of all.
    assert number(found, "moved_share.add_one") == pytest.approx(1 / 9, abs=0.02)
    assert number(found, "moved_share.remove_one") == pytest.approx(1 / 2, abs=0.03)


def test_the_optimum_is_the_closed_form_for_equal_weights() -> None:
    def cluster(*nodes: int) -> dict[str, float]:
        return {f"node-{node}": 1.0 for node in nodes}

    assert optimum(cluster(0, 1, 2), cluster(0, 1, 2, 3)) == pytest.approx(1 / 4)
    assert optimum(cluster(0, 1, 2), cluster(0, 1)) == pytest.approx(1 / 3)
    assert optimum({"a": 1.0, "b": 3.0}, {"a": 1.0, "b": 1.0}) == pytest.approx(1 / 4)


def test_weighted_balance_with_equal_weights_is_plain_balance() -> None:
    import numpy as np

    loads = np.array([5, 0, 7, 8], np.uint64)
    plain, weighted = balance(loads, None), balance(loads, [2.0] * 4)
    assert plain == pytest.approx(weighted)
    assert plain["load_max_over_mean"] == pytest.approx(1.6)
    assert share_cv([0.25, 0.75], [0.5, 0.5]) == pytest.approx(0.5)


# Oracle


def oracle_ring(nodes: int, virtual_nodes: int, draw: int) -> list[tuple[int, int]]:
    """(value, node) of all points, clockwise, by the definition."""
    prefix = "" if draw == 0 else f"draw-{draw}-"
    return sorted(
        (xxhash.xxh3_64_intdigest(f"{prefix}node-{node}-{point}".encode(), seed=draw), node)
        for node in range(nodes)
        for point in range(virtual_nodes)
    )


def oracle_owner(ring: Sequence[tuple[int, int]], key: int, draw: int) -> int:
    value = xxhash.xxh3_64_intdigest(key.to_bytes(8, "little", signed=True), seed=draw)
    return ring[bisect.bisect_left(ring, (value, -1)) % len(ring)][1]


@given(
    keys=st.lists(st.integers(-50, 50), min_size=1, max_size=60),
    nodes=st.integers(1, 6),
    virtual_nodes=st.integers(1, 9),
    seed=st.integers(0, 3),
    seeds=st.integers(1, 3),
)
def test_a_ring_is_measured_as_plain_python_measures_it(
    keys: list[int], nodes: int, virtual_nodes: int, seed: int, seeds: int
) -> None:
    table = pa.table({"id": pa.array(keys, pa.int64())})
    spelling = f"ring(virtual_nodes={virtual_nodes})"
    found = measured(table, key="id", nodes=nodes, placements=[spelling], seed=seed, seeds=seeds)
    expected: dict[str, list[float]] = {}
    for draw in range(seed, seed + seeds):
        ring = oracle_ring(nodes, virtual_nodes, draw)
        owners = [node for _, node in ring]
        pairs = sum(a == b for a, b in zip(owners, owners[1:] + owners[:1], strict=True)) if len(ring) > 1 else 0
        before = [oracle_owner(ring, key, draw) for key in keys]
        row: dict[str, float] = {
            "adjacent_equal_pairs": pairs,
            "load_max_over_mean": max(Counter(before).values()) * nodes / len(keys),
        }
        for action, after_nodes in (("add_one", nodes + 1), ("remove_one", nodes - 1)):
            if after_nodes:
                changed = oracle_ring(after_nodes, virtual_nodes, draw)
                after = [oracle_owner(changed, key, draw) for key in keys]
                row[f"moved_share.{action}"] = sum(map(int.__ne__, before, after)) / len(keys)
                stays = min(nodes, after_nodes)
                row[f"stray_moves.{action}"] = sum(
                    a != b and a < stays and b < stays for a, b in zip(before, after, strict=True)
                )
        for metric, value in row.items():
            expected.setdefault(metric, []).append(value)
    for metric, draws in expected.items():
        value = found[metric]
        assert (value.low, value.high) == pytest.approx((min(draws), max(draws)), rel=1e-12), metric
        assert value.value == pytest.approx(sum(draws) / len(draws), rel=1e-12, abs=1e-12), metric
    if nodes == 1:
        assert found["moved_share.remove_one"].value is None
        assert found["moved_share.remove_one"].note == "no node would be left"


# Draws


def test_draw_zero_is_the_ring_that_users_have() -> None:
    job = plan(nodes=5, placements=["ring(virtual_nodes=7)"], seeds=3)
    ring = Ring(5, virtual_nodes=7)
    points = {(point.series, point.label): point.value for point in findings_of(job).points}
    for name, share in ring.ownership().items():
        assert points["ownership", name] == share
        assert points["points", name] == 7
    owners = Counter(ring.lookup(pa.array(range(2000))).to_pylist())
    assert [points["load", f"node-{node}"] for node in range(5)] == [owners[node] for node in range(5)]


def test_the_note_of_a_seeded_metric_has_the_interval_of_its_mean() -> None:
    draws = [number(measured(nodes=6, placements=["ring"], seed=seed, seeds=1), "load_cv") for seed in range(4)]
    found = measured(nodes=6, placements=["ring"], seeds=4)["load_cv"]
    spread = over_seeds(draws)
    assert (found.value, found.low, found.high) == (pytest.approx(spread.mean), min(draws), max(draws))
    assert found.note == f"95 % interval of the mean of 4 seeds: {spread.low:.4g} to {spread.high:.4g}"
    assert measured(nodes=6, placements=["ring"], seeds=1)["load_cv"].note is None


def test_seeds_are_drawn_one_by_one_from_the_first() -> None:
    def mean(seed: int, seeds: int) -> float:
        return number(measured(nodes=6, placements=["ring"], seed=seed, seeds=seeds), "load_max_over_mean")

    assert mean(0, 4) == pytest.approx((mean(0, 2) + mean(2, 2)) / 2)
    assert mean(0, 1) != mean(1, 1)


@pytest.mark.parametrize("placement", ["ring(hash=md5)", "rendezvous(hash=md5)", "jump", "modulo(seed=5)", "maglev"])
def test_every_draw_differs_where_chance_has_a_part(placement: str) -> None:
    load = measured(nodes=6, placements=[placement], seeds=3)["load_cv"]
    assert load.low is not None and load.high is not None and load.low < load.high


def test_a_function_without_a_seed_leaves_jump_as_it_is() -> None:
    load = measured(nodes=6, placements=["jump(hash=md5)"], seeds=3)["load_cv"]
    assert load.low == load.high == pytest.approx(number({"load_cv": load}, "load_cv"))


def test_rows_weigh_keys_and_null_keys_live_on_the_first_node() -> None:
    table = pa.table({"id": pa.array([7] * 6 + [None] * 4, pa.int64())})
    job = plan(table, key="id", nodes=3, placements=["rendezvous"], seeds=1)
    loads = [point.value for point in findings_of(job).points if point.series == "load"]
    assert sum(loads) == 10 and loads[0] >= 4 and max(loads) >= 6
    assert number(measured(table, key="id", nodes=3, placements=["jump"], seeds=1), "sampling_floor_cv") == math.sqrt(3)


@pytest.mark.parametrize("hash", ["xxh3_64", "md5", "murmur3_32", "crc16_xmodem"])
@pytest.mark.parametrize("name", ["ring", "modulo"])
def test_a_ring_is_a_hash_and_a_list_of_arcs_and_modulo_one_of_remainders(name: str, hash: str) -> None:
    spec = parse_placement(f"{name}(hash={hash})")
    table = pa.table({"id": pa.array([None, *range(3000)])})
    found = measured(table, key="id", nodes=7, placements=[spec.text], seeds=2, seed=1)
    assert number(found, "hash_and_list_differences") == 0
    # Keys on other nodes than those of the list are counted, but for null, which has no hash.
    placement, keys = build(spec, (1.0,) * 7, 1), table.column("id").combine_chunks()
    wrong = (np.asarray(placement.lookup(keys).fill_null(0)) + 1) % 7
    assert differences(spec, 7, 1, placement, keys, wrong) == 3000
    assert differences(spec, 7, 2, placement, keys, wrong) != 3000 or hash in ("md5", "crc16_xmodem")


def test_what_has_no_list_says_so() -> None:
    found = measured(nodes=3, placements=["jump"], seeds=1)["hash_and_list_differences"]
    assert found.value is None and "in no list" in (found.note or "")


# The contract of a fold


def test_any_split_gives_the_same_bits() -> None:
    job = plan("zipf(rows=5000, keys=300, seed=3)", key="key", nodes=[3, 7], seeds=2)
    whole = findings_of(job)
    parts = findings_of(pickle.loads(pickle.dumps(job)), target_rows=700)
    assert whole == parts and len(whole.values) > 100


def test_every_metric_is_declared_and_every_seeded_one_has_its_spread() -> None:
    job = plan(nodes=[1, 5], seeds=3)
    findings = findings_of(job)
    declared = {name for name, metric in METRICS.items() if metric.kind != "timed"}
    met = set()
    for value in findings.values:
        stem, dot, _ = value.metric.partition(".")
        name = f"{stem}.ACTION" if dot else stem
        met.add(name)
        if value.value is None:
            assert value.note, value
        elif METRICS[name].kind == "seeded" and not stem.endswith("_over_law"):
            assert value.low is not None and value.high is not None
            assert value.low <= value.value * (1 + 1e-12) and value.value <= value.high * (1 + 1e-12) + 1e-12, value
        elif METRICS[name].kind == "exact":
            assert value.low is value.high is None
    assert met == declared
    by_cell = Counter(value.cell_id for value in findings.values)
    assert set(by_cell) == {cell.cell_id for cell in job.cells} and len(set(by_cell.values())) == 1


def test_the_harness_times_every_placement_in_a_fresh_process() -> None:
    entry = {"kind": "placement", "dataset": KEYS, "nodes": 3, "placements": ["ring", "modulo"], "seeds": 1}
    quick = TimingSettings(processes=1, rounds=1, samples=1, target_sample_ns=1000, least_rounds=1)
    with Store(None) as store:
        outcome = run_suite(suite_from_dict({"experiment": [entry]}), store, timing=quick)
        rows = store.query("SELECT contender, metric, value FROM result WHERE kind = 'timed' ORDER BY ALL").to_pylist()
    assert outcome.exit_code == 0, outcome.failures
    assert [(row["contender"], row["metric"]) for row in rows] == [
        (placement, metric) for placement in ("modulo", "ring") for metric in ("build_ns", "lookup_ns")
    ]
    assert all(row["value"] > 0 for row in rows)


def test_without_names_every_placement_of_the_catalogue_is_tried() -> None:
    assert [cell.contender for cell in plan().cells] == propose(weighted=False)
    assert [cell.contender for cell in plan(nodes=2, weights=[1, 2]).cells] == propose(weighted=True)
    assert {"ring", "jump", "rendezvous", "maglev", "modulo"} <= set(propose(weighted=False))
    assert {"ring", "rendezvous"} <= set(propose(weighted=True)) and "jump" not in propose(weighted=True)


# The answer


def test_the_answer_is_even_moves_little_and_is_small() -> None:
    settings = PlacementSettings(nodes=[4, 8], placements=["ring(virtual_nodes=1)", "ring", "jump", "modulo"], seeds=10)
    job = EXPERIMENT.job(open_dataset(KEYS), settings)
    answers = EXPERIMENT.answer(job.cells, findings_of(job).values, settings)
    assert [answer.parameters["nodes"] for answer in answers] == [4, 8]
    for answer in answers:
        assert answer.best == "jump"
        assert "ring(virtual_nodes=1)" in answer.dropped
        assert "modulo" not in answer.pareto or "jump" in answer.pareto
    assert answers[0].sentence.startswith("jump spreads the keys of key on 4 nodes (1.0")
    assert "(equal shares need 20.0 %)" in answers[0].sentence


def test_no_answer_where_every_placement_is_uneven() -> None:
    settings = PlacementSettings(nodes=8, key="tenant", seeds=2)
    job = EXPERIMENT.job(open_dataset("hot_tenant(rows=2000, hot_share=0.5, seed=1)"), settings)
    (answer,) = EXPERIMENT.answer(job.cells, findings_of(job).values, settings)
    assert answer.best is None and len(answer.dropped) == len(job.cells)
    assert answer.sentence.startswith(f"None of the {len(job.cells)} placements spreads the keys of tenant on 8 nodes")


# Bad input


@pytest.mark.parametrize(
    ("spelling", "error", "words"),
    [
        ("rign", UnknownNameError, 'did you mean "ring"?'),
        ("ring(virtual_node=3)", UnknownNameError, 'did you mean "virtual_nodes"?'),
        ("ring(virtual_nodes=0)", ParameterError, "from 1 to"),
        ("ring(tailnum)", SpellingError, "without a column"),
        ("ring(hash=md5, seed=1)", ParameterError, "md5 takes no seed"),
        ("ring(", SpellingError, "'ring('"),
    ],
)
def test_a_wrong_spelling_is_refused_with_a_way_out(spelling: str, error: type[AssayError], words: str) -> None:
    with pytest.raises(error, match=words.replace("(", r"\(").replace("?", r"\?")):
        parse_placement(spelling)


def test_all_mistakes_of_the_settings_are_told_at_once() -> None:
    with pytest.raises(SuiteError) as caught:
        plan(nodes=3, key="kee", weights=[1, 2], placements=["jump", "ring", "ring"])
    places = dict(caught.value.mistakes)
    assert list(places) == ["placements[0]", "placements[2]", "weights", "key"]
    assert "compare those that can: ring, rendezvous, redis_slots" in places["placements[0]"]
    assert places["weights"] == "weights has 2 entries for 3 nodes; expected one per node"
    assert 'did you mean "key"?' in places["key"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"nodes": 0},
        {"nodes": []},
        {"nodes": 2.5},
        {"seeds": 0},
        {"seed": -1},
        {"weights": [1, 0]},
        {"removals": [0]},
        {"removals": [100]},
        {"weights": [float("nan")]},
        {"racks": ["a"]},
        {"placement": "ring"},
    ],
)
def test_settings_out_of_bounds_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PlacementSettings(**wrong)


def test_a_table_without_rows_or_keys_is_refused() -> None:
    with pytest.raises(EmptyInputError, match="no rows"):
        plan("uniform(rows=0)", key="key")
    with pytest.raises(EmptyInputError, match="no key that is not null"):
        findings_of(plan(pa.table({"id": pa.nulls(5, pa.int64())}), key="id"))


def test_a_placement_that_cannot_be_fails_alone() -> None:
    job = plan(nodes=9, placements=["maglev(table_size=7)", "jump"], seeds=1)
    findings = findings_of(job)
    bad, good = job.cells
    assert set(findings.failures) == {bad.cell_id} and "table_size is 7" in findings.failures[bad.cell_id]
    assert {value.cell_id for value in findings.values} == {good.cell_id}
    assert {timer.cell_id for timer in job.timers([])} == {good.cell_id}
