"""Running suites: one answer wherever and however the spans are measured, and failures that stay rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from assay.errors import InterruptedRunError, MeasurementError, StoreError, UsageError
from assay.experiments.base import Findings
from assay.harness import TimingSettings, make_executor, run_suite, suite_from_dict
from assay.harness.executors import InlineExecutor
from assay.harness.progress import SilentProgress
from assay.store import Store

OFF = TimingSettings.off()
RESULTS = "SELECT contender, parameters, metric, unit, kind, value, low, high, note FROM result ORDER BY ALL"
SERIES = "SELECT contender, parameters, series, position, label, value FROM series_point ORDER BY ALL"


@pytest.fixture(scope="module")
def pool() -> Iterator[Executor]:
    executor = make_executor("processes", 2)
    yield executor
    executor.shutdown()


def measured(content: dict[str, Any], **options: Any) -> tuple[Any, Any]:
    with Store(None) as store:
        outcome = run_suite(suite_from_dict(content), store, timing=OFF, **options)
        assert outcome.exit_code == 0, outcome
        return store.query(RESULTS).to_pylist(), store.query(SERIES).to_pylist()


def test_results_equal_a_naive_recomputation(content: dict[str, Any], table: Path) -> None:
    results, series = measured(content)
    keys = pq.read_table(table)["id"].to_numpy()
    assert len(results) == 6 * 4
    for contender, divisor in (("modulo(4)", 4), ("modulo(7)", 7), ("modulo(10)", 10)):
        for shift in (0, 1):
            counts = np.bincount((keys + shift) % divisor, minlength=divisor)
            found = {
                row["metric"]: row["value"]
                for row in results
                if row["contender"] == contender and json.loads(row["parameters"]) == {"shift": shift}
            }
            assert found["rows_max"] == counts.max()
            assert found["max_over_mean"] == counts.max() / counts.mean()
            assert found["key_max"] == keys.max()
            points = [
                row["value"]
                for row in series
                if row["contender"] == contender and json.loads(row["parameters"]) == {"shift": shift}
            ]
            assert points == counts.tolist()


def test_any_executor_and_any_spans_give_the_same_bits(content: dict[str, Any], pool: Executor) -> None:
    whole = measured(content)
    assert measured(content, span_rows=10) == whole
    with make_executor("threads", 3) as threads:
        assert measured(content, span_rows=70, executor=threads) == whole
    assert measured(content, span_rows=50, executor=pool) == whole


def test_a_table_in_memory_reaches_the_workers(content: dict[str, Any], table: Path, pool: Executor) -> None:
    wanted = [row["value"] for row in measured(content)[0]]
    content["experiment"][0]["dataset"] = pq.read_table(table)
    assert [row["value"] for row in measured(content)[0]] == wanted
    assert [row["value"] for row in measured(content, span_rows=100, executor=pool)[0]] == wanted


def test_the_store_keeps_the_plan_and_drops_the_states_of_a_finished_run(
    content: dict[str, Any], tmp_path: Path
) -> None:
    with Store(tmp_path / "kept.duckdb") as store:
        outcome = run_suite(suite_from_dict(content), store, timing=OFF, span_rows=100, label="nightly")
        blocks = store.query("SELECT count(*) AS blocks, count(state) AS states FROM block").to_pylist()
        assert blocks == [{"blocks": 20, "states": 0}]  # two stages of ten spans
        assert store.query("SELECT count(learned) AS learned FROM stage").to_pylist() == [{"learned": 0}]
        [run] = store.query("SELECT * FROM run_summary").to_pylist()
        assert (run["run_id"], run["status"], run["label"]) == (outcome.run_id, "done", "nightly")
        assert (run["cells"], run["cells_done"], run["cells_failed"]) == (6, 6, 0)
        assert run["command"].startswith("assay compare toy ")
        [answers] = store.query("SELECT answers FROM experiment")["answers"].to_pylist()
        assert json.loads(answers)[0]["best"] == "modulo(10)"
        [dataset] = store.query("SELECT name, rows, schema FROM dataset").to_pylist()
        assert (dataset["name"], dataset["rows"]) == ("keys", 1000)
        assert json.loads(dataset["schema"])[0] == {"name": "id", "type": "int64"}
        [facts] = store.query("SELECT facts FROM environment")["facts"].to_pylist()
        assert json.loads(facts)["cores"] >= 1


@pytest.mark.parametrize(
    ("fault", "error", "exit_code"),
    [
        ("update", "ZeroDivisionError: the fault of row 10", 3),
        ("assay_error", "the counter lost a row", 3),
        ("learn", 'there is no value "x"', 2),
    ],
)
def test_a_failed_experiment_leaves_failed_rows_and_the_run_goes_on(
    content: dict[str, Any], fault: str, error: str, exit_code: int
) -> None:
    content["experiment"].append({**content["experiment"][0], "fault": fault})
    content["experiment"].append({**content["experiment"][0], "shift": 5})
    with Store(None) as store:
        outcome = run_suite(suite_from_dict(content), store, timing=OFF, span_rows=10)
        assert (outcome.status, outcome.exit_code, len(outcome.failures)) == ("failed", exit_code, 6)
        rows = store.query("SELECT experiment_index, error FROM failure").to_pylist()
        assert len(rows) == 6
        assert all(row["experiment_index"] == 1 and row["error"].startswith(error) for row in rows)
        done = store.query("SELECT DISTINCT experiment_index AS i FROM result ORDER BY i")["i"].to_pylist()
        assert done == [0, 2]


class _FailsToConclude:
    """A toy job whose times nothing can be made of."""

    def conclude(self, *_: object) -> Findings:
        raise MeasurementError("the times of modulo(4) are not there")


def test_a_failed_step_of_an_experiment_is_kept_beside_its_numbers(
    content: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from toy_experiment import ToyExperiment, ToyJob

    monkeypatch.setattr(ToyJob, "conclude", _FailsToConclude.conclude, raising=False)
    monkeypatch.setattr(ToyExperiment, "answer", lambda *_: 1 / 0)
    content["experiment"][0] |= {"shift": 0, "counters": ["modulo(4)"]}
    once = TimingSettings(processes=1, rounds=2, samples=1, target_sample_ns=1000, least_rounds=1)
    told = SilentProgress()
    with Store(None) as store:
        outcome = run_suite(suite_from_dict(content), store, timing=once, progress=told)
        rows = store.query("SELECT contender, cell_id, experiment, dataset, error FROM failure").to_pylist()
        assert store.query("SELECT count(*) AS n FROM result").to_pylist() == [{"n": 5}]
    errors = [
        "nothing is concluded from the times: the times of modulo(4) are not there",
        "there is no answer: ZeroDivisionError: division by zero",
    ]
    assert (outcome.status, outcome.exit_code) == ("failed", 3)
    assert [(one.contender, one.cell_id, one.error) for one in outcome.failures] == [(None, None, e) for e in errors]
    assert rows == [
        {"contender": None, "cell_id": None, "experiment": "toy", "dataset": "keys", "error": error} for error in errors
    ]
    assert [message.partition(": ")[2] for message in told.messages] == errors


def test_a_resumed_run_has_not_forgotten_which_steps_failed(
    content: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toy_experiment import ToyExperiment

    content["experiment"].append({**content["experiment"][0], "shift": 5})
    suite = suite_from_dict(content)
    with Store(tmp_path / "r.duckdb") as store:
        with monkeypatch.context() as broken, pytest.raises(InterruptedRunError):
            broken.setattr(ToyExperiment, "answer", lambda *_: 1 / 0)
            run_suite(suite, store, timing=OFF, span_rows=100, executor=_InterruptedExecutor(25))
        outcome = run_suite(suite, store, timing=OFF, resume=True)
        kept = store.query("SELECT experiment_index, error FROM failure").to_pylist()
    error = "there is no answer: ZeroDivisionError: division by zero"
    assert (outcome.status, outcome.exit_code) == ("failed", 3)
    assert [(one.experiment_index, one.error) for one in outcome.failures] == [(0, error)]
    assert kept == [{"experiment_index": 0, "error": error}]


@pytest.mark.parametrize("fault", ["exit_elsewhere", "raise_elsewhere", "unknown_elsewhere"])
def test_a_lost_worker_costs_nothing_but_its_work(content: dict[str, Any], fault: str) -> None:
    whole = measured(content)
    content["experiment"][0]["fault"] = fault
    progress = SilentProgress()
    with make_executor("processes", 1) as executor:
        assert measured(content, span_rows=500, executor=executor, progress=progress) == whole
    assert any("worker" in message for message in progress.messages)


def test_learned_bytes_that_are_large_reach_the_workers_by_a_file(
    content: dict[str, Any], pool: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.harness.span_runner._INLINE_BYTES", 1)
    assert measured(content, span_rows=200, executor=pool) == measured(content)


def test_expectations_are_checked_for_every_cell_they_match(content: dict[str, Any]) -> None:
    content["experiment"][0]["expect"] = [
        {"counter": "modulo(4)", "metric": "max_over_mean", "below": 1.001},
        {"counter": "modulo( 7 )", "metric": "share.even", "equals": 1, "within": 0.1},
        {"counter": "modulo(7)", "shift": 0, "metric": "rows_max", "between": [1000, 1000]},
        {"contender": "modulo(7)", "shift": 0, "metric": "share.odd", "above": 0},
    ]
    with Store(None) as store:
        outcome = run_suite(suite_from_dict(content), store, timing=OFF)
        assert (outcome.status, outcome.exit_code) == ("done", 1)
        rows = store.query("SELECT metric, relation, bound, value, outcome FROM expectation_check ORDER BY position")
        assert [tuple(row.values()) for row in rows.to_pylist()] == [
            ("max_over_mean", "below", 1.001, 1.0, "met"),
            ("max_over_mean", "below", 1.001, 1.0, "met"),
            ("share.even", "within 0.1 of", 1.0, 1.0, "met"),  # shift 0: every key leaves remainder 0
            ("share.even", "within 0.1 of", 1.0, 0.0, "unmet"),  # shift 1: remainder 1
            ("rows_max", "between 1000 and", 1000.0, 1000.0, "met"),
            ("share.odd", "above", 0.0, None, "not measured"),
        ]
        assert len(outcome.unmet) == 2
        assert "share.even of modulo(7) within 0.1 of 1: unmet, it is 0 at shift = 1" in outcome.unmet[0]


def test_claims_get_their_verdicts_from_the_numbers(content: dict[str, Any]) -> None:
    experiment = content.pop("experiment")[0]
    even = {"counter": "modulo(4)", "metric": "max_over_mean", "below": 1.01}
    uneven = {"counter": "modulo(7)", "metric": "max_over_mean", "above": 6}
    nothing = {"counter": "modulo(7)", "metric": "share.nothing", "above": 6}

    def claim(sentence: str, evidence: Any, counterexample: Any = (), **more: Any) -> dict[str, Any]:
        return {
            "topic": "toys", "sentence": sentence, "experiment": experiment, "condition": "n and the keys are coprime",
            "evidence": [evidence], "counterexample": list(counterexample), **more,
        }  # fmt: skip

    content["claim"] = [
        claim("a", even),
        claim("b", even, [uneven], expected_verdict="holds if"),
        claim("c", {**uneven, "above": 8}, [uneven], expected_verdict="holds"),
        claim("d", even, [nothing]),
        claim("e", nothing),
    ]
    with Store(None) as store:
        outcome = run_suite(suite_from_dict(content), store, timing=OFF)
        rows = store.query("SELECT * FROM claim ORDER BY position").to_pylist()
    assert [row["verdict"] for row in rows] == ["holds", "holds if", "refuted", "unclear", "unclear"]
    assert outcome.exit_code == 1
    assert outcome.unmet == ('the claim "c": the verdict is refuted; expected holds',)
    [first, second] = json.loads(rows[1]["counterexample"])  # at both shifts
    assert first["metric"] == "max_over_mean" and first["value"] == 7.0 and first["met"] is True
    assert (first["shift"], second["shift"]) == (0, 1)
    assert rows[0]["command"].startswith("assay compare toy")


class _InterruptedExecutor(InlineExecutor):
    """Presses Ctrl-C when the given number of spans is done."""

    def __init__(self, after: int) -> None:
        self.left = after

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        return super().submit(fn, *args, **kwargs)


@pytest.mark.parametrize("after", [0, 3, 10, 14, 25])
def test_an_interrupted_run_resumes_to_the_same_results_and_measures_nothing_twice(
    content: dict[str, Any], tmp_path: Path, after: int
) -> None:
    content["experiment"].append({**content["experiment"][0], "shift": [7]})
    whole = measured(content)
    suite = suite_from_dict(content)
    path = tmp_path / "r.duckdb"
    with Store(path) as store, pytest.raises(InterruptedRunError, match="--resume"):
        run_suite(suite, store, timing=OFF, span_rows=100, executor=_InterruptedExecutor(after))
    with Store.read_only(path) as reader:
        assert reader.query("SELECT status FROM run").to_pylist() == [{"status": "interrupted"}]
        assert reader.query("SELECT count(*) AS n FROM block").to_pylist() == [{"n": after}]
    with Store(path) as store:
        # Another cut is asked for; a stage that was begun keeps its own.
        left = _InterruptedExecutor(40 - after)
        outcome = run_suite(suite, store, timing=OFF, span_rows=100, executor=left, resume=True)
        assert (outcome.status, left.left) == ("done", 0)
        assert (store.query(RESULTS).to_pylist(), store.query(SERIES).to_pylist()) == whole
        assert store.query("SELECT count(*) AS n FROM block").to_pylist() == [{"n": 40}]
        assert store.query("SELECT count(*) AS n FROM run").to_pylist() == [{"n": 1}]


def test_a_resumed_stage_keeps_the_cut_that_it_began_with(content: dict[str, Any], tmp_path: Path) -> None:
    suite = suite_from_dict(content)
    with Store(tmp_path / "kept.duckdb") as store:
        with pytest.raises(InterruptedRunError):
            run_suite(suite, store, timing=OFF, span_rows=100, executor=_InterruptedExecutor(3))
        run_suite(suite, store, timing=OFF, span_rows=500, resume=True)
        spans = store.query("SELECT stage, spans, span_rows FROM stage ORDER BY stage").to_pylist()
        assert spans == [{"stage": 0, "spans": 10, "span_rows": 100}, {"stage": 1, "spans": 2, "span_rows": 500}]


def test_only_an_unfinished_run_of_the_same_suite_and_data_is_resumed(content: dict[str, Any], tmp_path: Path) -> None:
    data = tmp_path / "keys.parquet"
    data.write_bytes(Path(content["experiment"][0]["dataset"]).read_bytes())
    content["experiment"][0]["dataset"] = str(data)
    suite = suite_from_dict(content)
    with Store(tmp_path / "kept.duckdb") as store:
        with pytest.raises(UsageError, match="nothing to resume"):
            run_suite(suite, store, timing=OFF, resume=True)
        with pytest.raises(UsageError, match="there is no run 7"):
            run_suite(suite, store, timing=OFF, resume="7")
        with pytest.raises(InterruptedRunError):
            run_suite(suite, store, timing=OFF, executor=_InterruptedExecutor(0))
        changed = suite_from_dict({**content, "seed": 5})
        with pytest.raises(UsageError, match='the suite "toy suite" has changed'):
            run_suite(changed, store, timing=OFF, resume=True)
        pq.write_table(pq.read_table(data).slice(1), data)
        with pytest.raises(UsageError, match=r"has changed since run .* \(its fingerprint was"):
            run_suite(suite_from_dict(content), store, timing=OFF, resume=True)


def test_a_full_disk_in_the_middle_keeps_what_was_committed(
    content: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import duckdb

    from assay.store import database

    suite = suite_from_dict(content)
    path = tmp_path / "r.duckdb"
    apply, batches = database._apply, []

    def full_after_three(connection: Any, changes: Any) -> None:
        batches.append(len(changes))
        if len(batches) > 3:
            raise duckdb.IOException("IO Error: Could not write to file: No space left on device")
        apply(connection, changes)

    monkeypatch.setattr(database, "_apply", full_after_three)
    monkeypatch.setattr(database, "FLUSH_INTERVAL_S", 0.0)
    with Store(path) as store, pytest.raises(StoreError, match=r"is full .* --resume"):
        run_suite(suite, store, timing=OFF, span_rows=100)
    monkeypatch.undo()
    from toy_experiment import TOY

    from assay.experiments import registry

    monkeypatch.setattr(registry, "_registered", {"toy": TOY})
    with Store(path) as store:
        assert store.query("SELECT count(*) AS n FROM block").to_pylist() == [{"n": 1}]
        assert run_suite(suite, store, timing=OFF, span_rows=100, resume=True).status == "done"
        assert store.query(RESULTS).to_pylist() == measured(content)[0]
