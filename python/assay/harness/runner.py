"""Runs a suite: every stage of every experiment, then its timing, its answers, and what it proves.

    for each experiment
        for each stage: measure the spans, commit each, merge in order, learn   (folds.py)
        finish → exact metrics; time the kernels alone (timing.py); answer
    expectations and claims over all that was measured

All that is measured is committed as it comes. A run that was killed or interrupted goes on with
`resume`: finished experiments, stages and spans are taken from the store. The result does not
depend on the executor, on the spans, or on where the run was cut.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from assay.errors import AssayError, InterruptedRunError, ParameterError, StoreError, UsageError
from assay.experiments.base import Cell, ConcludesFromTimes, Findings, FinishesInSteps, Job, Lesson, Value
from assay.harness.budget import BudgetClock, ExperimentSize
from assay.harness.claims import claim_record
from assay.harness.commands import run_command
from assay.harness.environment import environment_facts, environment_id, load_1m
from assay.harness.executors import InlineExecutor, make_executor, threads_of
from assay.harness.expectation import Outcome, evaluate, expectation_records
from assay.harness.folds import StageFolder
from assay.harness.progress import ProgressSink, SilentProgress
from assay.harness.records import (
    ClaimRecord,
    DatasetRecord,
    ExpectationRecord,
    ExperimentRecord,
    ExperimentState,
    ResultStore,
    RunRecord,
    RunStatus,
    new_run_id,
)
from assay.harness.suite import Suite, SuiteExperiment
from assay.harness.timing import Timing, TimingSettings, time_job
from assay.harness.timing_summary import times_of

__all__ = ["Failure", "RunOutcome", "run_suite"]

SPAN_ROWS = 1_000_000  # at least, where nobody says otherwise
SPAN_ROWS_MOST = 8_000_000
SPANS_EACH = 2  # for each worker; a state costs as much as a span of 1 M rows where there are many distinct keys

OnLearned = Callable[[int, Job, Sequence[Lesson]], None]


@dataclass(frozen=True)
class Failure:
    """A cell without its results, or (with no cell) a step of a whole experiment that failed."""

    experiment_index: int
    contender: str | None
    cell_id: str | None
    error: str
    exit_code: int = 3  # 2 where the cause was a wrong use that only the data could show


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended; all its results are in the store."""

    run_id: str
    status: RunStatus
    failures: tuple[Failure, ...]
    unmet: tuple[str, ...]  # expectations and expected verdicts that did not come out, in words

    @property
    def exit_code(self) -> int:
        """0 fine; 1 an unmet expectation; 2 only wrong uses failed; 3 something failed."""
        if self.failures:
            return max(failure.exit_code for failure in self.failures)
        return 1 if self.unmet else 0


def run_suite(
    suite: Suite,
    store: ResultStore,
    *,
    executor: Executor | None = None,
    jobs: int | None = None,
    resume: str | bool | None = None,
    progress: ProgressSink | None = None,
    timing: TimingSettings | None = None,
    seed: int | None = None,
    span_rows: int | None = None,
    command: str | None = None,
    label: str | None = None,
    on_learned: OnLearned | None = None,
) -> RunOutcome:
    """Measures everything in `suite` into `store`.

    Args:
        suite: What to measure.
        store: Where results go; `assay.store.Store`.
        executor: Where spans are measured: None in this process, a pool (`make_executor`), or any
            `concurrent.futures.Executor`. The caller closes it.
        jobs: How many spans the executor works on at once; by default as many as it has workers.
        resume: A run id, or True for the latest run of this suite that did not end.
        progress: Told of each step; silent by default.
        timing: How much to time; `TimingSettings.off()` leaves timed metrics out. None times as usual what is
            timed without being asked for.
        seed: Of timing orders and resamples; the suite's by default.
        span_rows: About how many rows of a table are measured as one span; by default what gives each worker
            two, between 1 and 8 million.
        command: What to type to repeat the run; by default made from the suite's file.
        label: A name for the run.
        on_learned: Told of each experiment that was measured: its place, its job, and what its stages have learned,
            from which its timers can be built; so that somebody else times it.

    Returns:
        The run's id, status, failures and unmet expectations. Failed cells do not stop the run.

    Raises:
        InterruptedRunError: Ctrl-C; what was committed is kept, the message says how to go on.
        StoreError: The store cannot be written.
        UsageError: There is nothing to resume, or the suite or its data have changed since.
    """
    if span_rows is not None and span_rows < 1:
        raise ParameterError(f"span_rows is {span_rows}; expected at least 1")
    if jobs is not None and jobs < 1:
        raise ParameterError(f"jobs is {jobs}; expected at least 1")
    with ExitStack() as opened:
        if executor is None:
            # In memory nothing is packed, and the threads are made where the spans are folded.
            executor = InlineExecutor()
            if store.path is not None and (threads := threads_of(executor)) > 1:
                executor = opened.enter_context(make_executor("threads", threads))
        workers = jobs or getattr(executor, "_max_workers", None) or os.cpu_count() or 1
        run = _Run(
            suite,
            store,
            executor=executor,
            workers=workers,
            progress=progress or SilentProgress(),
            timing=timing or TimingSettings(),
            timing_asked=timing is not None,
            span_rows=span_rows,
        )
        run.on_learned = on_learned
        run.begin(resume, suite.seed if seed is None else seed, command, label)
        return run.measure()


class _Run:
    def __init__(
        self,
        suite: Suite,
        store: ResultStore,
        *,
        executor: Executor,
        workers: int,
        progress: ProgressSink,
        timing: TimingSettings,
        timing_asked: bool,
        span_rows: int | None,
    ) -> None:
        self.suite = suite
        self.store = store
        self.executor = executor
        self.workers = workers
        self.progress = progress
        self.timing = timing
        self.timing_asked = timing_asked
        self.span_rows = span_rows
        self.run_id = ""
        self.seed = 0
        self.command = ""
        self.states: dict[int, ExperimentState] = {}
        self.failures: list[Failure] = []
        self.values: dict[int, list[Value]] = {}
        self.on_learned: OnLearned | None = None

    # -- begin ------------------------------------------------------------------------------------

    def begin(self, resume: str | bool | None, seed: int, command: str | None, label: str | None) -> None:
        """Starts a new run, or takes up the one to resume."""
        if resume:
            self._resume(resume)
            return
        suite = self.suite
        self.run_id, self.seed = new_run_id(), seed
        self.command = command or self._default_command()
        facts = environment_facts()
        record = RunRecord(
            self.run_id,
            suite.name,
            suite.question,
            suite.text,
            suite.suite_hash,
            seed,
            datetime.now(UTC),
            "running",
            self.command,
            str(facts["assay"]),
            environment_id(facts),
            label,
            self.timing.budget_s,
            load_1m(),
        )
        plan = [
            (_experiment_record(index, experiment), _dataset_record(experiment), experiment.cells)
            for index, experiment in enumerate(suite.experiments)
        ]
        self.store.begin_run(record, facts, plan)

    def _default_command(self) -> str:
        if self.suite.source is not None:
            return run_command(self.suite.source, self.store.path)
        return self.suite.experiments[0].command

    def _resume(self, resume: str | bool) -> None:
        where = self.store.path or "the store in memory"
        if isinstance(resume, str):
            run = self.store.run_record(resume)
            if run is None:
                raise UsageError(f"there is no run {resume} in {where}; `assay list runs` shows them")
            if run.status not in ("running", "interrupted"):
                raise UsageError(f"the run {resume} is {run.status}; expected one that was killed or interrupted")
        else:
            run = self.store.unfinished_run(self.suite.name)
            if run is None:
                raise UsageError(
                    f'the latest run of "{self.suite.name}" in {where} has ended, or there is none; '
                    "there is nothing to resume; run without --resume"
                )
        if run.suite_hash != self.suite.suite_hash:
            raise UsageError(
                f'the suite "{self.suite.name}" has changed since run {run.run_id} began (its hash was '
                f"{run.suite_hash[:12]} and is {self.suite.suite_hash[:12]}); undo the change to resume, "
                "or run without --resume"
            )
        states = self.store.experiment_states(run.run_id)
        for state, experiment in zip(states, self.suite.experiments, strict=True):
            fingerprint = experiment.dataset.fingerprint()
            if state.dataset_fingerprint != fingerprint:
                raise UsageError(
                    f"the dataset {experiment.dataset_name} has changed since run {run.run_id} began (its fingerprint "
                    f"was {state.dataset_fingerprint[:12]} and is {fingerprint[:12]}); run without --resume"
                )
            if state.cell_ids != {cell.cell_id for cell in experiment.cells}:
                raise UsageError(
                    f"the cells of {experiment.kind} on {experiment.dataset_name} are not those of run {run.run_id}: "
                    "assay or a plug-in has changed; run without --resume"
                )
        self.run_id, self.seed, self.command = run.run_id, run.seed, run.command
        self.states = {state.experiment_index: state for state in states}
        self.store.resume_run(run.run_id)

    # -- measure ----------------------------------------------------------------------------------

    def measure(self) -> RunOutcome:
        """Runs what is not there yet and ends the run."""
        self.progress.start(sum(map(self._steps, self.suite.experiments)), self.suite.name)
        self.clock = BudgetClock(self.timing.budget_s, [self._size(one) for one in self.suite.experiments])
        try:
            for index, experiment in enumerate(self.suite.experiments):
                self._experiment(index, experiment)
            unmet = self._judge()
            status: RunStatus = "failed" if self.failures else "done"
            self.store.end_run(self.run_id, status, load_1m_after=load_1m())
        except KeyboardInterrupt:
            self.store.end_run(self.run_id, "interrupted", load_1m_after=load_1m())
            raise InterruptedRunError(f"the run {self.run_id} was interrupted; {self._way_on()}") from None
        except StoreError:
            raise  # the store is what failed; nothing more can be written to it
        except BaseException:
            with suppress(StoreError):  # the error under way matters more
                self.store.end_run(self.run_id, "interrupted", load_1m_after=load_1m())
            raise
        finally:
            self.progress.finish()
        return RunOutcome(self.run_id, status, tuple(self.failures), tuple(unmet))

    def _way_on(self) -> str:
        """How to go on after an interrupt."""
        if self.store.path is None:
            return (
                "its store was in memory, so that nothing is kept; name a file with --store FILE to be able to resume"
            )
        resume = self.command if "--resume" in self.command.split() else f"{self.command} --resume"
        return f"what was measured is kept in {self.store.path}; go on with: {resume}"

    def _span_rows(self, experiment: SuiteExperiment) -> int:
        """Enough spans for all workers, and each large enough that its state is small beside what it has read."""
        if self.span_rows is not None:
            return self.span_rows
        rows = experiment.dataset.rows or 0
        return min(SPAN_ROWS_MOST, max(SPAN_ROWS, -(-rows // (SPANS_EACH * self.workers))))

    def _steps(self, experiment: SuiteExperiment) -> int:
        spans = len(experiment.dataset.spans(target_rows=self._span_rows(experiment)))
        finishing = experiment.job.finish_steps if isinstance(experiment.job, FinishesInSteps) else 0
        timing = self.timing.processes if self._is_timed(experiment) else 0
        return experiment.job.stages * spans + finishing + timing

    def _is_timed(self, experiment: SuiteExperiment) -> bool:
        if not self.timing_asked and not experiment.job.timed:
            return False
        return self.timing.enabled and any(metric.kind == "timed" for metric in experiment.experiment.metrics.values())

    def _experiment(self, index: int, experiment: SuiteExperiment) -> None:
        state = self.states.get(index)
        name = f"{experiment.kind} of {experiment.dataset_name}"
        self.progress.advance(0, description=name)
        if state is not None and state.measured:
            self.values[index] = self.store.values(self.run_id, index)
            self._note_failures(index, experiment, state.failures)
            for error in state.errors:
                self._note_step(index, experiment, error)
            if state.answered:
                self.progress.advance(self._steps(experiment))
                return
        folder = StageFolder(
            experiment.job,
            experiment.dataset,
            self.store,
            self.run_id,
            index,
            executor=self.executor,
            window=2 * self.workers,
            span_rows=self._span_rows(experiment),
            progress=self.progress,
            resumed=state is not None,
        )
        measured = state is not None and state.measured
        if not measured:
            self.clock.scan_begins(index)
        try:
            learned = self._measure(index, experiment, folder, measured=measured)
        finally:
            if not measured:
                self.clock.scan_ends()
            folder.close()
            if folder.spans.is_lost:
                self.executor = InlineExecutor()  # a lost pool stays lost
        if learned is not None and self.on_learned is not None:
            self.on_learned(index, experiment.job, learned)
        timing = Timing() if learned is None else self._time(index, experiment, learned)
        self._note_failures(index, experiment, timing.failures)
        self.values[index] = [*self.values[index], *timing.values]
        concluded = self._concluded(index, experiment, learned, timing)
        self.values[index] = [*self.values[index], *concluded.values]
        answers = self._answers(index, experiment)
        self.store.finish_experiment(
            self.run_id,
            index,
            answers=answers,
            samples=timing.samples,
            values=[*timing.values, *concluded.values],
            points=concluded.points,
            comparisons=timing.comparisons,
            failures=timing.failures,
            metrics=experiment.experiment.metrics,
            calibrations=timing.calibrations,
            histograms=timing.histograms,
            errors=self._step_errors(index),
        )

    def _measure(
        self, index: int, experiment: SuiteExperiment, folder: StageFolder, *, measured: bool
    ) -> list[Lesson] | None:
        """All stages; what was learned, or None if the experiment failed as a whole."""
        job = experiment.job
        learned: list[Lesson] = []
        try:
            before: Lesson | None = None
            for stage in range(job.stages - 1):
                before = folder.learned(stage, before)
                learned.append(before)
            if measured:
                return learned
            findings = self._finished(job, learned, folder.merged(job.stages - 1, before))
        except StoreError:
            raise
        except Exception as error:
            if measured:
                self._note_step(index, experiment, f"what was learned is lost: {_described(error)}")
                return None
            described, code = _described(error), error.exit_code if isinstance(error, AssayError) else 3
            findings = Findings((), (), {cell.cell_id: described for cell in experiment.cells})
            self.store.commit_findings(self.run_id, index, findings, experiment.experiment.metrics)
            self._note_failures(index, experiment, findings.failures, code)
            self.values[index] = []
            return None
        self.store.commit_findings(self.run_id, index, findings, experiment.experiment.metrics)
        self._note_failures(index, experiment, findings.failures)
        self.values[index] = list(findings.values)
        return learned

    def _finished(self, job: Job, learned: Sequence[Lesson], state: Any) -> Findings:
        """What a job finds in the end, step by step where it says how far it is."""
        if not isinstance(job, FinishesInSteps):
            return job.finish(learned, state)
        done = 0

        def told(share: float) -> None:
            nonlocal done
            steps = int(share * job.finish_steps)
            self.progress.advance(steps - done)
            done = steps

        findings = job.finish_in_steps(learned, state, told)
        told(1)
        return findings

    def _time(self, index: int, experiment: SuiteExperiment, learned: Sequence[Lesson]) -> Timing:
        if not self._is_timed(experiment):
            return Timing()
        self.store.flush()  # nothing is written while a kernel is timed
        with self.progress.quiet():
            timing = time_job(
                experiment.job,
                learned,
                experiment.experiment.metrics,
                self.timing,
                seed=self.seed,
                share=None if self.timing.budget_s is None else partial(self.clock.share, index),
                on_progress=self.progress.between_rounds,
            )
        self.progress.advance(self.timing.processes)
        return timing

    def _concluded(
        self, index: int, experiment: SuiteExperiment, learned: Sequence[Lesson] | None, timing: Timing
    ) -> Findings:
        """What the job makes of its times."""
        job = experiment.job
        if learned is None or not timing.samples or not isinstance(job, ConcludesFromTimes):
            return Findings(())
        try:
            with self.progress.quiet():
                return job.conclude(learned, self.values[index], times_of(timing), self.progress.between_rounds)
        except Exception as error:
            self._note_step(index, experiment, f"nothing is concluded from the times: {_described(error)}")
            return Findings(())

    def _size(self, experiment: SuiteExperiment) -> ExperimentSize:
        cells = len(experiment.cells)
        return ExperimentSize(cells * (experiment.dataset.rows or 0), cells if self._is_timed(experiment) else 0)

    def _answers(self, index: int, experiment: SuiteExperiment) -> list[Mapping[str, Any]]:
        failed = {failure.cell_id for failure in self.failures if failure.experiment_index == index}
        if failed.issuperset(cell.cell_id for cell in experiment.cells) and not self.values[index]:
            return []
        try:
            answers = experiment.experiment.answer(
                experiment.cells, self.values[index], experiment.settings, experiment.job
            )
            return [dataclasses.asdict(answer) for answer in answers]
        except Exception as error:
            self._note_step(index, experiment, f"there is no answer: {_described(error)}")
            return []

    # -- judge ------------------------------------------------------------------------------------

    def _judge(self) -> list[str]:
        """Expectations and claims over all values; what did not come out, in words."""
        unmet: list[str] = []
        expectations: list[ExpectationRecord] = []
        for index, experiment in enumerate(self.suite.experiments):
            outcomes = [outcome for expected in experiment.expect for outcome in self._outcomes(index, expected)]
            expectations += expectation_records(index, outcomes)
            unmet += [f"{experiment.kind} of {experiment.dataset_name}: {out}" for out in outcomes if not out.met]
        claims: list[ClaimRecord] = []
        for position, claim in enumerate(self.suite.claims):
            evidence, counterexample = (
                [
                    outcome
                    for expected in side
                    for outcome in self._outcomes(claim.experiments[expected.experiment], expected)
                ]
                for side in (claim.evidence, claim.counterexample)
            )
            command = " && ".join(dict.fromkeys(self.suite.experiments[index].command for index in claim.experiments))
            record = claim_record(position, claim, evidence, counterexample, command)
            claims.append(record)
            if claim.expected_verdict is not None and record.verdict != claim.expected_verdict:
                unmet.append(
                    f'the claim "{claim.sentence}": the verdict is {record.verdict}; expected {claim.expected_verdict}'
                )
        self.store.commit_expectations(self.run_id, expectations)
        self.store.commit_claims(self.run_id, claims)
        return unmet

    def _outcomes(self, index: int, expected: Any) -> list[Outcome]:
        values = {(value.cell_id, value.metric): value for value in self.values[index]}
        return evaluate(expected, self.suite.experiments[index].cells, values)

    # -- failures ---------------------------------------------------------------------------------

    def _note_failures(
        self, index: int, experiment: SuiteExperiment, failures: Mapping[str, str], exit_code: int = 3
    ) -> None:
        by_id: Mapping[str, Cell] = {cell.cell_id: cell for cell in experiment.cells}
        for cell_id, error in failures.items():
            contender = by_id[cell_id].contender if cell_id in by_id else None
            self.failures.append(Failure(index, contender, cell_id, error, exit_code))
        for error in dict.fromkeys(failures.values()):
            self.progress.message(f"{experiment.kind} of {experiment.dataset_name}: {error}")

    def _note_step(self, index: int, experiment: SuiteExperiment, error: str) -> None:
        self.failures.append(Failure(index, None, None, error))
        self.progress.message(f"{experiment.kind} of {experiment.dataset_name}: {error}")

    def _step_errors(self, index: int) -> list[str]:
        """What went wrong with the experiment as a whole; the store keeps it beside the answers."""
        return [one.error for one in self.failures if one.experiment_index == index and one.cell_id is None]


def _described(error: Exception) -> str:
    text = str(error).strip()
    if isinstance(error, AssayError) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _experiment_record(index: int, experiment: SuiteExperiment) -> ExperimentRecord:
    dump: Callable[..., Any] = experiment.settings.model_dump
    return ExperimentRecord(
        index,
        experiment.kind,
        experiment.experiment.question,
        experiment.experiment.noun,
        experiment.dataset.fingerprint(),
        json.dumps(dump(mode="json"), sort_keys=True, default=str),
        experiment.reading,
        experiment.command,
    )


def _dataset_record(experiment: SuiteExperiment) -> DatasetRecord:
    dataset = experiment.dataset
    definition = dataset.definition
    source = getattr(definition, "source", None)
    size = getattr(dataset, "storage_bytes", None)
    facts = {
        "description": getattr(definition, "description", None),
        "url": getattr(definition, "url", None),
        "roles": dict(getattr(dataset, "roles", None) or {}),
        "foreign_keys": [dataclasses.asdict(key) for key in getattr(dataset, "foreign_keys", ())],
    }
    return DatasetRecord(
        dataset.fingerprint(),
        dataset.fingerprint_kind,
        dataset.name,
        None if source is None else str(source),
        getattr(definition, "licence", None),
        dataset.rows,
        size if isinstance(size, int) else None,
        json.dumps([{"name": field.name, "type": str(field.type)} for field in dataset.schema]),
        json.dumps(facts, default=str),
    )
