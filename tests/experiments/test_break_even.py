"""Where an index begins to pay: the arithmetic, its interval, the direct measurement by its own clock, and sets."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import assay
from assay.experiments.base import Cell, Times, Value
from assay.experiments.indexing import conclude, decisions, direct
from assay.experiments.indexing.answer import _pays
from assay.experiments.indexing.break_even import (
    Draws,
    break_even,
    break_even_of_rounds,
    interval,
    pays_from,
    sense_of,
    summed,
    typical_draws,
)
from assay.experiments.indexing.conclude import agreement
from assay.experiments.indexing.contenders import IndexSpec, baseline_of, parse_index
from assay.experiments.indexing.contests import Contest, Key, plan_of
from assay.experiments.indexing.costs import costs_of, points_of
from assay.experiments.indexing.decisions import Candidate, best_set, cost_of
from assay.experiments.indexing.direct import Direct, Side, measure_directly
from assay.experiments.indexing.mix import mix_of
from assay.experiments.indexing.operations import parse_operation
from assay.experiments.indexing.settings import IndexingSettings
from assay.experiments.indexing.table import Columns

# -- arithmetic -------------------------------------------------------------------------------------


def around(value: float, spread: float = 0.02, seed: int = 0) -> Draws:
    """A time whose three processes have ten rounds each, about this value."""
    random = np.random.default_rng(seed)
    return typical_draws((value * (1 + spread * random.standard_normal((3, 10)))).tolist(), f"{value}/{seed}", 0)


@given(st.floats(1, 1e6), st.floats(1, 1e6), st.floats(1, 1e6), st.floats(1, 1e6), st.floats(0, 1e3))
def test_an_index_pays_where_its_total_is_smaller(r: float, w: float, r0: float, w0: float, mix: float) -> None:
    pays, reads = pays_from(r0 - r, w - w0)
    cheaper = mix * (r0 - r) > w - w0
    said = {
        "always": True,
        "never": False,
        "from": reads is not None and mix > reads,
        "up to": reads is not None and mix < reads,
    }[pays]
    near = reads is not None and mix == pytest.approx(reads, rel=1e-9)
    assert said == cheaper or near or r == r0 or w == w0


def test_the_interval_holds_the_true_mix() -> None:
    held = 0
    for seed in range(40):
        read, write, other_read, other_write = (around(value, 0.03, seed) for value in (100, 300, 1_000, 50))
        found = break_even(read, write, other_read, other_write)
        assert found.pays == "from" and found.low is not None and found.high is not None
        held += found.low <= 250 / 900 <= found.high
    assert held >= 34, "95 of 100 intervals are meant to; 34 of 40 and more come by chance 999 times in 1,000"


def test_an_index_that_makes_writes_cheaper_pays_at_every_mix() -> None:
    found = break_even(around(10), around(40), around(500), around(60))
    assert (found.pays, found.reads, found.low, found.high) == ("always", 0.0, None, None)
    assert "writes are no dearer" in found.words


def test_a_direct_measurement_of_no_reads_has_words() -> None:
    note = "against sqlite(layout=none): pays from so many reads for each write on"
    row = {
        "break_even_reads.none": Value("c", "break_even_reads.none", 0.5, note=note),
        "break_even_reads_direct.none": Value("c", "break_even_reads_direct.none", 0.0),
    }
    assert _pays("sqlite", row, ("none",)) == [
        "Against sqlite(layout=none) sqlite pays from one read for 2 writes (measured directly: no read at all)."
    ]


def test_an_index_that_saves_nothing_never_pays() -> None:
    assert break_even(around(500), around(40), around(10), around(20)).pays == "never"


def test_an_index_for_writers_pays_up_to_a_mix() -> None:
    found = break_even(around(500), around(20), around(100), around(420))
    assert found.pays == "up to" and found.reads == pytest.approx(1, rel=0.1)


def test_an_end_that_resamples_disagree_on_is_open() -> None:
    found = break_even(around(100, 0.4), around(300), around(105, 0.4, 1), around(50))
    assert found.pays in ("from", "never")
    if found.pays == "from":
        assert found.high is None


def test_sums_keep_what_is_shared_out_of_the_difference() -> None:
    shared, own = around(1_000, 0.5), around(10)
    with_index, without = summed([(0.5, shared), (0.5, own)]), summed([(0.5, shared), (0.5, around(50, 0.02, 3))])
    low, high = interval(Draws(without.value - with_index.value, without.draws - with_index.draws))
    assert 18 < low <= high < 22, "the noise of the shared part is in both, and drops out"


# -- costs ------------------------------------------------------------------------------------------


def contest(name: str, column: str = "k") -> Contest:
    spec = IndexSpec(name, name)
    cell = Cell("indexing", name, 1, {"column": column}, "t", "f")
    return Contest(spec, Key((column,), None, "stored", None), 1, cell)


@pytest.fixture
def no_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(IndexSpec, "is_engine", property(lambda spec: False))
    monkeypatch.setattr(IndexSpec, "is_ordered", property(lambda spec: spec.name != "hash"))
    monkeypatch.setattr(IndexSpec, "shares_passes", property(lambda spec: spec.name == "scan"))


def times_of(times: dict[tuple[str, str], float], contests: list[Contest]) -> Times:
    cells = {one.spec.name: one.cell.cell_id for one in contests}
    rounds = {(cells[name], metric): [[time] * 5] * 2 for (name, metric), time in times.items()}
    return Times({key: [[9e9]] for key in rounds}, rounds)


TIMES = {
    ("scan", "query_ns.p"): 1_000.0,
    ("scan", "query_ns.r"): 2_000.0,
    ("tree", "query_ns.p"): 100.0,
    ("tree", "query_ns.r"): 200.0,
    ("hash", "query_ns.p"): 20.0,
    **{("tree", f"{kind}_ns"): 60.0 for kind in ("insert", "update", "delete")},
    **{("hash", f"{kind}_ns"): 30.0 for kind in ("insert", "update", "delete")},
}


def test_costs_are_put_together_by_hand(no_catalogue: None) -> None:
    mix = mix_of([parse_operation("p", "point(k, weight=3)"), parse_operation("r", "range(k, rows=9)")], 0.8)
    contests = [contest("hash"), contest("tree"), contest("scan")]
    [point] = points_of(contests)
    costs = {cost.name: cost for cost in costs_of(point, mix, times_of(TIMES, contests), 0)}
    reads = {name: cost.read.value for name, cost in costs.items()}
    assert reads == pytest.approx({"scan": 1_250.0, "tree": 125.0, "hash": 515.0})
    assert {name: cost.write.value for name, cost in costs.items()} == pytest.approx(
        {"scan": 0, "tree": 60, "hash": 30}
    )
    assert costs["hash"].left == ("r",), "a range is left to the scan, which is charged"
    assert costs["tree"].workload.value == pytest.approx(0.8 * 125 + 0.2 * 60)
    settings = IndexingSettings(direct_rounds=0)
    values = conclude.conclude(
        contests, Columns(pa.table({})), mix, settings, times_of(TIMES, contests), lambda _: None
    )
    named = {one.cell.cell_id: one.spec.name for one in contests}
    found = {(named[value.cell_id], value.metric): value for value in values.values}
    assert found["tree", "break_even_reads.none"].value == pytest.approx(60 / (1_250 - 125))
    assert found["hash", "break_even_reads.none"].value == pytest.approx(30 / (1_250 - 515))
    assert found["tree", "break_even_reads.next_best"].value == pytest.approx(30 / (515 - 125))
    assert found["tree", "workload_regret"].value == 0
    assert found["hash", "query_regret.p"].value == 0 and found["tree", "query_regret.p"].value == pytest.approx(4)
    assert found["hash", "query_cost_ns.r"].value == 2_000 and found["hash", "query_regret.r"].value == pytest.approx(9)
    assert "r left to the scan" in str(found["hash", "read_ns"].note)


def test_an_index_without_its_times_has_no_cost(no_catalogue: None) -> None:
    mix = mix_of([parse_operation("p", "point(k)")], 0.8)
    contests = [contest("scan"), contest("tree")]
    known = {key: time for key, time in TIMES.items() if key[0] != "hash" and key != ("tree", "delete_ns")}
    assert [cost.name for cost in costs_of(contests, mix, times_of(known, contests), 0)] == ["scan"]


@given(st.lists(st.lists(st.floats(1, 1e9), max_size=6), min_size=1, max_size=4).filter(any))
def test_a_time_is_the_lower_quartile_of_its_rounds(processes: list[list[float]]) -> None:
    draws = typical_draws(processes, "t", 0)
    rounds = [one for process in processes for one in process]
    assert draws.value == pytest.approx(np.quantile(rounds, 0.25))
    assert draws.draws.min() >= min(rounds) and draws.draws.max() <= max(rounds)


# -- the direct measurement -------------------------------------------------------------------------


class Clock:
    """Time that passes only where an index says so."""

    def __init__(self) -> None:
        self.ns = 0

    def thread_time_ns(self) -> int:
        return self.ns


class Priced:
    """An index whose reads and writes cost just so much."""

    def __init__(self, clock: Clock, read: int, write: int) -> None:
        self.clock, self.each_read, self.each_write = clock, read, write
        self.reads = self.writes = 0

    def lookup(self, keys: Any, *, threads: int | None = None) -> None:
        self.reads += len(keys)
        self.clock.ns += self.each_read * len(keys)

    def insert(self, keys: Any, rows: Any) -> None:
        self.writes += len(rows)
        self.clock.ns += self.each_write * len(rows)

    def delete(self, keys: Any, rows: Any = None) -> int:
        self.clock.ns += self.each_write * len(rows)
        return len(rows)


@pytest.mark.parametrize(
    ("read", "write", "other_read", "other_write"), [(100, 900, 4_000, 0), (50, 700, 60, 300), (900, 20, 80, 600)]
)
@pytest.mark.parametrize("elsewhere", [0, 1, 3], ids="{} other writes for each insertion".format)
@pytest.mark.parametrize("most", [1, 7], ids="{} reads at once".format)
def test_the_direct_measurement_finds_the_mix_at_which_both_are_alike(
    monkeypatch: pytest.MonkeyPatch,
    no_catalogue: None,
    read: int,
    write: int,
    other_read: int,
    other_write: int,
    elsewhere: int,
    most: int,
) -> None:
    clock = Clock()
    monkeypatch.setattr(direct, "time", clock)
    columns = Columns(pa.table({"k": pa.array(range(2_000))}))
    operations = [parse_operation("p", "point(k)"), parse_operation("i", "insert")]
    if elsewhere:  # writes that do not concern an index of this column, and cost it nothing
        operations.append(parse_operation("u", f"update(l, weight={elsewhere})"))
    mix = mix_of(operations, 0.5)
    sides, priced = [], []
    for name, each in (("tree", (read, write)), ("other", (other_read, other_write))):
        one = contest(name)
        plan = plan_of(one.key, columns, mix, IndexingSettings(batch=50))
        priced.append(Priced(clock, *each))
        index: Any = priced[-1]
        sides.append(Side(one, plan, index, None, mix.of(("k",)), mix.writes_of(("k",)), most))
    wanted = (write - other_write) / (1 + elsewhere) / (other_read - read)
    found = measure_directly(sides[0], sides[1], wanted, (float(other_read), float(write)), 5)
    assert found.reads == found.low == found.high == pytest.approx(wanted)
    assert found.predicted.reads == found.predicted.low == found.predicted.high == pytest.approx(wanted)
    assert found.cost_ratio == pytest.approx(1)
    pays = "from" if read < other_read else "up to"
    assert (found.predicted.pays, found.pays, found.rounds, found.mix) == (pays, pays, 5, pytest.approx(wanted))
    assert all(one.reads > 0 for one in priced), "both did what was asked, what warmed the caches among it"


def test_agreement_is_within_a_fifth_or_within_an_interval() -> None:
    found = break_even(around(100), around(300), around(1_000), around(50))
    assert found.reads is not None

    def at(reads: float | None, low: float = 0.0, high: float = 0.0) -> str:
        return agreement(found, Direct(found, "from", reads, low, high, 1.0, 0.3, 5))

    assert at(found.reads * 1.15) == "they agree within 20 %"
    assert at(found.reads * 2, found.reads * 0.9, found.reads * 3) == "they agree within the interval"
    assert at(found.reads * 2, found.reads * 1.5, found.reads * 3) == "they disagree"
    assert at(None).startswith("they disagree")
    hardly = break_even(around(100, 0.4), around(300), around(105, 0.4, 1), around(50))
    assert hardly.pays == "from" and hardly.high is None
    none = Direct(found, "never", None, None, None, 1.0, 0.3, 5)
    assert agreement(hardly, none) == "they agree within the interval", "that it may never pay was predicted"
    assert agreement(found, none).startswith("they disagree"), "no round found a mix, and one was sure"


def test_that_an_index_always_or_never_pays_is_held_against_the_rounds() -> None:
    always, never = break_even(around(10), around(40), around(500), around(60)), break_even(*[around(9)] * 4)
    assert (always.pays, never.pays) == ("always", "never")
    some = Direct(always, "from", 0.2, 0.1, 0.3, 1.0, 0.3, 5)
    assert agreement(always, some) == agreement(never, some) == "they disagree"
    assert agreement(always, replace(some, low=0.0)) == "they agree within the interval"
    assert agreement(never, replace(some, high=None)) == "they agree within the interval"
    both = Direct(never, "never", None, None, None, 1.0, 0.3, 5)
    assert agreement(never, both) == "they agree that it pays at no mix"
    assert agreement(always, replace(both, pays="always", reads=0.0)) == "they agree that it pays at every mix"
    writers = Direct(never, "up to", 0.01, 0.0, 0.02, 1.0, 0.3, 5)
    assert agreement(never, writers) == "they agree within the interval", "up to no read at all is never"
    assert agreement(never, replace(writers, low=0.005)) == "they disagree"


def test_what_pays_up_to_a_mix_pays_up_to_no_read_where_its_writes_are_no_cheaper() -> None:
    assert [direct._ratio(*one, "up to") for one in ((-10, -5), (-10, 5), (10, -5))] == [0.5, 0, math.inf]
    assert [direct._ratio(*one, "from") for one in ((10, 5), (10, -5), (-10, 5))] == [0.5, 0, math.inf]
    assert sense_of("up to", "never") == sense_of("never", "up to") == "up to"


def test_rounds_that_time_both_lose_what_the_machine_does_meanwhile() -> None:
    slow = np.random.default_rng(3).uniform(1, 2, 5)
    found = break_even_of_rounds([(900 * each, 250 * each) for each in slow], "t")
    assert found.pays == "from"
    assert [found.reads, found.low, found.high] == pytest.approx([250 / 900] * 3)
    unsure = break_even_of_rounds([(-5, 250), (-1, 250), (2, 250), (6, 250), (9, 250)], "t")
    assert unsure.reads == 125 and unsure.low is not None and unsure.low < 50 and unsure.high is None


def test_one_batch_is_enough_for_a_direct_measurement(no_catalogue: None) -> None:
    columns = Columns(pa.table({"k": pa.array([7, 8])}))
    mix = mix_of(
        [parse_operation("p", "point(k)"), parse_operation("d", "delete"), parse_operation("i", "insert")], 0.9
    )
    sides = []
    for name, kind in (("tree", "btree"), ("other", "sorted")):
        one = contest(name)
        plan = plan_of(one.key, columns, mix, IndexingSettings())
        assert [len(batches) for batches in plan.changes.values()] == [1, 1, 1]
        index = assay.Index.build(columns.table["k"], kind=kind)
        sides.append(Side(one, plan, index, None, mix.of(("k",)), mix.writes_of(("k",)), 1))
    for reads in (1e-6, 5.0):
        assert measure_directly(sides[0], sides[1], reads, (500.0, 500.0), 1).rounds == 1
    assert [side.index.lookup(columns.table["k"]).to_pylist() for side in sides] == [[[0], [1]]] * 2, "as it was"


# -- sets -------------------------------------------------------------------------------------------

TIME = st.floats(1, 1_000)


@given(st.data())
def test_the_best_set_is_that_of_all(data: st.DataObject) -> None:
    queries = ["p", "q", "r"]
    scans = {name: data.draw(TIME) * 10 for name in queries}
    shares = {name: data.draw(st.floats(0, 1)) for name in queries}
    candidates = [
        Candidate(key, index, data.draw(st.dictionaries(st.sampled_from(queries), TIME)), data.draw(TIME))
        for key in ("a", "b")
        for index in ("tree", "hash")
    ]
    best = best_set(candidates, scans, shares, 0.3)
    costs = [
        cost_of(chosen, scans, shares, 0.3)
        for count in range(3)
        for chosen in itertools.combinations(candidates, count)
        if len({one.key for one in chosen}) == count
    ]
    assert best.cost == min(costs) and best.is_exhaustive


def test_many_sets_are_tried_greedily(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decisions, "MOST_SETS", 3)
    candidates = [Candidate("a", "tree", {"p": 10.0}, 5.0), Candidate("b", "hash", {"q": 20.0}, 5.0)]
    candidates.append(Candidate("b", "dear", {"q": 19.0}, 5_000.0))
    found = best_set(candidates, {"p": 100.0, "q": 200.0}, {"p": 0.5, "q": 0.4}, 0.1)
    assert found.words == "hash on b, tree on a" and not found.is_exhaustive
    assert found.cost == pytest.approx(0.5 * 10 + 0.4 * 20 + 0.1 * 10)


def test_no_index_at_all_can_be_the_best_set() -> None:
    found = best_set([Candidate("a", "tree", {"p": 10.0}, 900.0)], {"p": 100.0}, {"p": 0.5}, 0.5)
    assert found.words == "no index at all" and found.cost == 50


# -- engines ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spelling", "baseline"),
    [
        ("sqlite", "sqlite(layout=none)"),
        ("sqlite(layout=covering,durability=none)", "sqlite(layout=none,durability=none)"),
        ("duckdb(index=art)", "duckdb(index=none)"),
        ("duckdb", "duckdb"),
    ],
)
def test_an_engine_is_compared_with_itself_without_an_index(spelling: str, baseline: str) -> None:
    found = baseline_of(parse_index(spelling))
    assert found is not None and found.text == baseline
