"""The experiment `membership`: theory, a naive oracle of row groups, a filter that lies, edges, and bad input."""

from __future__ import annotations

import datetime
import decimal
import pickle
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from assay.catalogue import Contender, Parameter, contenders, register, unregister
from assay.datasets import open_dataset
from assay.datasets.arrow_types import plain_array
from assay.errors import (
    AssayError,
    EmptyInputError,
    InterruptedRunError,
    ParameterError,
    SpellingError,
    SuiteError,
    UnknownNameError,
)
from assay.experiments.base import Findings, Value
from assay.experiments.membership import EXPERIMENT
from assay.experiments.membership.absent import made_up
from assay.experiments.membership.job import MembershipJob
from assay.experiments.membership.metrics import METRICS
from assay.experiments.membership.row_groups import Grouping
from assay.experiments.membership.settings import ORDERS, MembershipSettings
from assay.experiments.membership.spelling import MAKERS, build, parse_filter, propose
from assay.filters import BloomFilter
from assay.harness import TimingSettings, run_suite, suite_from_dict
from assay.store import Store

KEYS = "ascending(rows=2000, stride=3)"
OFF = TimingSettings(enabled=False)


def plan(data: object = KEYS, **settings: Any) -> MembershipJob:
    return EXPERIMENT.job(open_dataset(data), MembershipSettings(**settings))


def findings_of(job: MembershipJob, target_rows: int = 1_000_000) -> Findings:
    """The job folded span by span, with everything packed that may be, as the harness does it."""
    dataset, learned = job.dataset, None
    state: Any = None
    lessons: list[Any] = []
    for stage in range(job.stages):
        state = job.start(stage, learned)
        if job.scans(stage, learned):
            for span in dataset.spans(target_rows=target_rows):
                part = job.start(stage, learned)
                for batch in dataset.batches(list(job.columns(stage)), span):
                    job.update(part, batch)
                state = job.merge(state, job.unpack(stage, job.pack(part), learned))
        if stage < job.stages - 1:
            learned = job.learn(stage, state).pack()
            lessons.append(learned)
    assert state is not None
    return job.finish(lessons, state)


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


# Rates


@pytest.mark.parametrize("name", sorted(MAKERS))
@pytest.mark.parametrize("rate", [0.1, 0.01])
def test_the_measured_rate_is_what_theory_expects(name: str, rate: float) -> None:
    # 100,000 absent keys at a rate of at least 0.003: a standard error of at most 6 %; the tolerance is four of these.
    found = measured(filters=[name], false_positive_rate=rate, absent_keys=100_000, key="key")
    assert number(found, "false_positive_rate_over_theory") == pytest.approx(1, abs=0.25)
    assert number(found, "false_negatives") == 0
    low, high = found["false_positive_rate"].low, found["false_positive_rate"].high
    assert low is not None and high is not None and low < number(found, "false_positive_rate") < high
    assert number(found, "bits_per_key") == pytest.approx(8 * number(found, "memory_bytes") / 2000)


def test_a_tenth_of_the_keys_is_held_out_and_the_rest_made_up() -> None:
    found = measured(filters=["standard"], absent_keys=5_000, key="key")
    assert re.fullmatch(
        r"\d+ of 5,000 absent keys; 200 were held out, 4,800 made up", found["false_positive_rate"].note or ""
    )
    assert number(found, "keys_held") == 2000
    few = measured(filters=["standard"], absent_keys=50, key="key")
    assert (few["false_positive_rate"].note or "").endswith("50 were held out, 0 made up")


def test_another_seed_asks_for_other_keys() -> None:
    rates = {number(measured(filters=["standard"], seed=seed, key="key"), "false_positive_rate") for seed in range(4)}
    assert len(rates) == 4


COLUMNS = {
    "dense": pa.array(range(1000)),
    "whole_type": pa.array(range(-128, 128), pa.int8()),
    "extreme": pa.array([-(2**63), 2**63 - 1, 4]),
    "unsigned": pa.array([2**64 - 1, 0], pa.uint64()),
    "floats": pa.array([1.5, float("nan"), float("inf"), -0.0], pa.float32()),
    "texts": pa.array(["N14228", "N24211", "é", "", "日本"]),
    "views": pa.array(["a", "b"], pa.string_view()),
    "dictionary": pa.array(["a", "b"]).dictionary_encode(),
    "binary": pa.array([b"abc", b"\xff\x00"]),
    "fixed": pa.array([b"abcd", b"efgh", b"ijkl"], pa.binary(4))[1:],
    "dates": pa.array([datetime.date(2020, 1, 1), datetime.date(2020, 2, 1)]),
    "dates64": pa.array([datetime.date(2020, 1, 1)]).cast(pa.date64()),
    "instants": pa.array([datetime.datetime(2020, 1, 1)], pa.timestamp("ms")),
    "times": pa.array([1, 86_399], pa.time32("s")),
    "decimals": pa.array([decimal.Decimal("1.25"), decimal.Decimal("-3.50")], pa.decimal128(9, 2)),
    "booleans": pa.array([True]),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_keys_that_are_made_up_are_new_distinct_and_of_the_column_s_type(name: str) -> None:
    keys = plain_array(COLUMNS[name])
    made = made_up(keys, 2_000, seed=3)
    made.validate(full=True)
    assert made.type == keys.type
    assert made.null_count == 0
    as_text = [str(value) for value in made.to_pylist()]
    assert len(set(as_text)) == len(as_text) and not set(as_text) & {str(value) for value in keys.to_pylist()}
    assert len(made) == (0 if name in ("whole_type", "booleans") else 2_000)
    assert made.equals(made_up(keys, 2_000, seed=3))


def test_a_column_that_has_all_values_of_its_type_is_measured_with_those_held_out() -> None:
    table = pa.table({"id": pa.array(range(-128, 128), pa.int8())})
    found = measured(table, key="id", filters=["standard"])
    assert number(found, "absent_keys_asked") == 25
    booleans = measured(pa.table({"id": [True, False, None]}), key="id", filters=["standard"])
    assert booleans["false_positive_rate"].value is None and "no value that is not a key" in str(booleans)


# Sizes


def test_key_counts_draw_from_the_column_and_go_beyond_it() -> None:
    job = plan(filters=["split_block"], key="key", key_count=[10, 2000, 50_000], absent_keys=1000)
    findings = findings_of(job)
    by_cell = {cell.cell_id: cell.parameters["key_count"] for cell in job.cells}
    held = {by_cell[one.cell_id]: one.value for one in findings.values if one.metric == "keys_held"}
    assert held == {10: 10, 2000: 2000, 50_000: 50_000}
    assert all(one.value is None and one.note for one in findings.values if one.metric.startswith("row_groups"))


def test_more_keys_than_the_type_has_fail_their_cell_alone() -> None:
    table = pa.table({"id": pa.array([1, 2, 3], pa.uint8())})
    job = plan(table, key="id", filters=["standard"], key_count=[3, 300])
    findings = findings_of(job)
    assert list(findings.failures) == [job.cells[1].cell_id]
    assert "only 256 values" in findings.failures[job.cells[1].cell_id]


# Row groups


def oracle(
    keys: list[int | None], size: int, groups: list[int], queries: dict[int, float], rate: float
) -> dict[str, Any]:
    """What queries read, in plain Python but for the filter: value → share of the queries, group of each row."""
    held: dict[int, set[int]] = {}
    for key, group in zip(keys, groups, strict=True):
        if key is not None:
            held.setdefault(group, set()).add(key)
    sums: Counter[str] = Counter()
    for own in held.values():
        built = BloomFilter.build(pa.array(sorted(own)), false_positive_rate=rate, layout="standard")
        sums["filter_bytes"] += built.memory_bytes
        for value, share in queries.items():
            passed = min(own) <= value <= max(own)
            sums["row_groups_read_by_min_max"] += share * passed  # type: ignore[assignment]
            sums["row_groups_read_mean"] += share * (passed and value in built)  # type: ignore[assignment]
            sums["row_groups_read_at_best"] += share * (value in own)  # type: ignore[assignment]
            sums["filter_bytes_read_mean"] += share * passed * built.memory_bytes  # type: ignore[assignment]
    return {"row_groups": len(held), **sums}


@given(
    keys=st.lists(st.one_of(st.none(), st.integers(-40, 40)), min_size=2, max_size=60),
    size=st.integers(1, 20),
    order=st.sampled_from(ORDERS),
    seed=st.integers(0, 3),
)
def test_row_groups_are_read_as_plain_python_reads_them(
    keys: list[int | None], size: int, order: str, seed: int
) -> None:
    there = {key for key in keys if key is not None}
    if not there or len(keys) <= size:
        return
    table = pa.table({"id": pa.array(keys, pa.int64())})
    found = measured(
        table, key="id", filters=["standard"], row_group_rows=size, order=order, absent_share=0, seed=seed,
        absent_keys=10, false_positive_rate=0.3,
    )  # fmt: skip
    grouping = Grouping(tuple(range(0, len(keys), size)), seed)
    rows = np.arange(len(keys))
    laid = sorted(keys, key=lambda key: (key is None, key)) if order == "sorted" else keys
    groups = (grouping.shuffled(rows) if order == "shuffled" else rows // size).tolist()
    wanted = oracle(laid, size, groups, dict.fromkeys(there, 1 / len(there)), 0.3)
    for metric, value in wanted.items():
        assert number(found, metric) == pytest.approx(value, rel=1e-9), metric


def test_a_workload_says_what_is_asked_and_how_often(tmp_path: Path) -> None:
    table = pa.table({"id": pa.array([1, 2, 3, 4, 5, 6, 7, 9], pa.int64())})
    log = pa.table({"id": pa.array([1, 1, 1, 8, None], pa.int32())})
    found = measured(table, key="id", filters=["standard"], row_group_rows=2, workload=log)
    # Groups 1-2, 3-4, 5-6, 7-9. Value 1 (3 of 4) is in the first, value 8 (1 of 4) within the last one's bounds.
    assert number(found, "row_groups_read_by_min_max") == 1
    assert number(found, "row_groups_read_at_best") == 0.75
    assert 0.75 <= number(found, "row_groups_read_mean") <= 1
    assert "25 % of the queries find none" in (found["row_groups_read_mean"].note or "")
    pq.write_table(log, tmp_path / "log.parquet")
    job = EXPERIMENT.job(
        open_dataset(table),
        MembershipSettings(key="id", filters=["standard"], row_group_rows=2, workload="log.parquet"),
        base=str(tmp_path),
    )
    assert {value.metric: value.value for value in findings_of(job).values} == {
        name: value.value for name, value in found.items()
    }


def test_row_groups_of_parquet_are_the_file_s_own(tmp_path: Path) -> None:
    path = tmp_path / "keys.parquet"
    pq.write_table(pa.table({"id": range(1000)}), path, row_group_size=100)
    found = measured(str(path), key="id", filters=["standard"], absent_share=0)
    assert number(found, "row_groups") == 10
    assert number(found, "row_groups_read_by_min_max") == number(found, "row_groups_read_at_best") == 1
    assert number(found, "pruned_bytes_share_by_min_max") == pytest.approx(0.9)
    # Sorted, min and max find the group by themselves: what a filter costs is not made up for.
    assert number(found, "bytes_saved_mean") == pytest.approx(-number(found, "filter_bytes_read_mean"))


def test_of_one_row_group_there_is_nothing_to_say() -> None:
    found = measured(key="key", filters=["standard"])
    assert found["row_groups_read_mean"].value is None
    assert "2,000 rows are in one group" in (found["row_groups_read_mean"].note or "")


def test_many_distinct_keys_are_sampled_and_the_note_says_so() -> None:
    found = measured(key="key", filters=["standard"], row_group_rows=500, queries_max=100, absent_share=0.25)
    note = found["row_groups_read_mean"].note
    assert note == "100 of 2,000 distinct keys, and 25 % of the queries ask for one of 100 absent values"
    assert number(found, "row_groups_read_at_best") == pytest.approx(0.75)


# A filter that lies


class _Liar:
    """A filter that denies one key it holds; its rate and size are those of a list."""

    def __init__(self, keys: set[Any]) -> None:
        self._keys = keys - {min(keys)}

    @classmethod
    def build(cls, keys: pa.Array, *, false_positive_rate: float, threads: int | None = None) -> _Liar:
        return cls(set(keys.to_pylist()))

    def contains(self, keys: pa.Array, *, threads: int | None = None) -> pa.Array:
        return pa.array([key in self._keys for key in keys.to_pylist()])

    memory_bytes = 100
    expected_false_positive_rate = 0.0


class _Honest(_Liar):
    def __init__(self, keys: set[Any]) -> None:
        self._keys = keys


@pytest.fixture(params=[_Liar, _Honest])
def own(request: pytest.FixtureRequest) -> Iterator[type[_Liar]]:
    rate = Parameter("false_positive_rate", "0.01", "number", "the target", low=0, high=1)
    register(Contender("filter", "own", 1, "a set", "all of it", "in tests", "", (rate,), implementation=request.param))
    yield request.param
    unregister("filter", "own")


def test_one_false_negative_voids_the_filter_s_cells(own: type[_Liar]) -> None:
    job = plan(filters=["own", "standard"], key="key", row_group_rows=500, order=["stored", "sorted"])
    findings = findings_of(job)
    lied = {cell.cell_id for cell in job.cells if cell.contender == "own"} if own is _Liar else set()
    assert set(findings.failures) == lied
    assert not lied & {value.cell_id for value in findings.values}
    for words in findings.failures.values():
        assert words.startswith("own denies 1 of 2,000 keys that it holds, such as ")
    if own is _Honest:
        rates = [one for one in findings.values if one.metric == "false_positive_rate_over_theory"]
        assert {one.note for one in rates if one.value is None} == {"theory expects no yes at all"}


# The contract of a fold


def test_any_split_gives_the_same_bits() -> None:
    settings = {"key": "key", "row_group_rows": 600, "order": list(ORDERS), "filters": ["standard", "split_block"]}
    job = plan("zipf(rows=5000, keys=300, seed=3)", **settings)
    whole = findings_of(job)
    parts = findings_of(pickle.loads(pickle.dumps(job)), target_rows=700)
    assert whole == parts and len(whole.values) > 100 and not whole.failures


def test_every_metric_is_declared_and_every_value_is_of_one() -> None:
    job = plan(key="key", row_group_rows=500, false_positive_rate=[0.1, 0.01])
    findings = findings_of(job)
    assert {value.metric for value in findings.values} == {n for n, m in METRICS.items() if m.kind != "timed"}
    for value in findings.values:
        bounded = value.low is not None and value.high is not None
        assert bounded == (METRICS[value.metric].kind == "seeded"), value


class _Interrupted(ThreadPoolExecutor):
    """Stands for Ctrl-C: the run ends where so many spans were handed out."""

    def __init__(self, left: int) -> None:
        super().__init__(max_workers=1)
        self.left = left

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        return super().submit(fn, *args, **kwargs)


@pytest.mark.parametrize("after", [2, 7])
def test_an_interrupted_run_resumes_to_the_same_results(tmp_path: Path, after: int) -> None:
    entry = {"kind": "membership", "dataset": "zipf(rows=5000, keys=300)", "key": "key", "row_group_rows": 600,
             "filters": ["standard"], "order": ["stored", "sorted"]}  # fmt: skip
    suite, results = (
        suite_from_dict({"experiment": [entry]}),
        "SELECT contender, metric, value FROM result ORDER BY ALL",
    )
    with Store(None) as store:
        run_suite(suite, store, timing=OFF)
        wanted = store.query(results).to_pylist()
    with Store(tmp_path / "r.duckdb") as store:
        with pytest.raises(InterruptedRunError):
            run_suite(suite, store, timing=OFF, span_rows=1000, executor=_Interrupted(after))
        assert run_suite(suite, store, timing=OFF, span_rows=1000, resume=True).exit_code == 0
        assert store.query(results).to_pylist() == wanted and wanted


def test_the_harness_times_probes_and_builds_in_a_fresh_process() -> None:
    entry = {
        "kind": "membership",
        "dataset": KEYS,
        "key": "key",
        "filters": ["standard"],
        "order": ["stored", "sorted"],
    }
    quick = TimingSettings(processes=1, rounds=1, samples=1, target_sample_ns=1000, least_rounds=1)
    with Store(None) as store:
        outcome = run_suite(suite_from_dict({"experiment": [entry]}), store, timing=quick)
        rows = store.query("SELECT metric, value FROM result WHERE kind = 'timed' ORDER BY ALL").to_pylist()
    assert outcome.exit_code == 0, outcome.failures
    assert {row["metric"] for row in rows} == {"build_ns", "probe_ns.absent", "probe_ns.present"}
    assert all(row["value"] > 0 for row in rows if row["value"] is not None)


def test_without_names_every_filter_that_can_be_built_is_tried() -> None:
    assert [cell.contender for cell in plan(key="key").cells] == propose()
    assert set(MAKERS) <= {one.name for one in contenders("filter")}


def test_every_filter_of_the_catalogue_can_be_built_here() -> None:
    assert [one.name for one in contenders("filter") if one.implementation is None] == list(MAKERS)


# The answer


def test_the_answer_is_the_fewest_bits_that_keep_the_promise() -> None:
    settings = MembershipSettings(filters=["split_block", "standard"], false_positive_rate=[0.1, 0.01], key="key")
    job = EXPERIMENT.job(open_dataset("ascending(rows=20000, stride=3)"), settings)
    answers = EXPERIMENT.answer(job.cells, findings_of(job).values, settings)
    assert [answer.parameters["false_positive_rate"] for answer in answers] == [0.1, 0.01]
    assert all(answer.best == "standard" and answer.pareto for answer in answers)
    assert answers[1].sentence.startswith("standard holds the 20,000 keys of key in 9.59 bits each and says yes to ")
    assert answers[1].findings == ()


# Bad input


@pytest.mark.parametrize(
    ("spelling", "error", "words"),
    [
        ("splitblock", UnknownNameError, 'did you mean "split_block"?'),
        ("split_block(capcity=3)", UnknownNameError, 'did you mean "capacity"?'),
        ("split_block(tailnum)", SpellingError, "without a column"),
        ("standard(false_positive_rate=0.1)", ParameterError, "is the setting false_positive_rate"),
        ("split_block(block_count=8)", ParameterError, "block_count follows from the keys"),
        ("standard(", SpellingError, "'standard('"),
        ("xor(fingerprint_bits=9)", ParameterError, "xor(fingerprint_bits=9): fingerprint_bits is 9; expected 8 or 16"),
    ],
)
def test_a_wrong_spelling_is_refused_with_a_way_out(spelling: str, error: type[AssayError], words: str) -> None:
    with pytest.raises(error, match=re.escape(words)):
        parse_filter(spelling)


def test_filters_that_nobody_named_and_that_cannot_keep_the_rate_are_left_out_with_the_reason() -> None:
    settings = MembershipSettings(false_positive_rate=[0.01, 1e-7], key="key")
    job = EXPERIMENT.job(open_dataset("ascending(rows=2000, stride=3)"), settings)
    found = findings_of(job)
    assert not found.failures
    usual, low = EXPERIMENT.answer(job.cells, found.values, settings, job)
    assert not usual.notes and {cell.contender for cell in job.cells} == set(propose())
    assert {note.split(" was left out: false_positive_rate is ")[0] for note in low.notes} >= {"split_block", "xor"}
    assert low.best == "ribbon" and "says yes to none of 200,000 absent ones" in low.sentence
    named = EXPERIMENT.job(job.dataset, MembershipSettings(filters=["xor"], false_positive_rate=1e-7, key="key"))
    (why,) = findings_of(named).failures.values()  # what was asked for by name is not left out
    assert why.startswith("false_positive_rate is 1e-07; expected ")


def test_a_column_without_absent_values_is_told_so() -> None:
    settings = MembershipSettings(key="key")
    job = EXPERIMENT.job(open_dataset(pa.table({"key": [True, False] * 50})), settings)
    (found,) = EXPERIMENT.answer(job.cells, findings_of(job).values, settings, job)
    assert found.best is None
    assert found.sentence.startswith(
        "No filter could be judged at a target of 1 %: the column's type has no value that"
    )


def test_all_mistakes_of_the_settings_are_told_at_once() -> None:
    with pytest.raises(SuiteError) as caught:
        plan(key="kee", filters=["standard", "standard", "blom"])
    assert list(dict(caught.value.mistakes)) == ["filters[1]", "filters[2]", "key"]
    with pytest.raises(UnknownNameError, match="column of table"):
        plan(key="key", workload=pa.table({"other": [1]}))


@pytest.mark.parametrize(
    "wrong",
    [
        {"false_positive_rate": 0},
        {"false_positive_rate": []},
        {"false_positive_rate": 0.9},
        {"key_count": 0},
        {"order": "random"},
        {"absent_share": 1.5},
        {"held_out_share": 0.9},
        {"row_group_rows": 0},
        {"filter": "standard"},
    ],
)
def test_settings_out_of_bounds_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MembershipSettings(**wrong)


def test_a_table_without_rows_or_keys_is_refused() -> None:
    with pytest.raises(EmptyInputError, match="no rows"):
        plan("uniform(rows=0)", key="key")
    with pytest.raises(EmptyInputError, match="no key that is not null"):
        findings_of(plan(pa.table({"id": pa.nulls(5, pa.int64())}), key="id"))


def test_one_key_among_nulls_is_held() -> None:
    found = measured(pa.table({"id": pa.array([None, 7, None, 7])}), key="id", filters=["standard"], row_group_rows=1)
    assert number(found, "keys_held") == 1 and number(found, "row_groups") == 2
    assert number(found, "row_groups_read_at_best") == pytest.approx(2 * 0.9)


def test_a_rate_that_a_filter_cannot_reach_fails_its_cell_alone() -> None:
    job = plan(key="key", filters=["split_block", "standard"], false_positive_rate=1e-8)
    findings = findings_of(job)
    assert list(findings.failures) == [job.cells[0].cell_id]
    assert "false_positive_rate" in findings.failures[job.cells[0].cell_id]
    assert {timer.cell_id for timer in job.timers([job.learn(0, _counted(job))])} == {job.cells[1].cell_id}


def _counted(job: MembershipJob) -> Any:
    state = job.start(0, None)
    for batch in job.dataset.batches(["key"]):
        job.update(state, batch)
    return state


def test_a_filter_is_built_of_distinct_keys_on_one_thread_as_on_many() -> None:
    keys = pa.array(range(5000))
    for name in MAKERS:
        spec = parse_filter(name)
        one, many = build(spec, keys, 0.01, threads=1), build(spec, keys, 0.01)
        probes = pa.array(range(-5000, 20_000))
        assert one.contains(probes).equals(many.contains(probes))
