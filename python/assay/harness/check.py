"""`assay check`: all mistakes of a suite at once, the number of its cells, and how long it may take."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from assay.errors import AssayError, SuiteError
from assay.harness.suite import Suite, SuiteExperiment, load_suite
from assay.harness.timing_settings import TimingSettings

__all__ = ["SuiteCheck", "check_suite", "expected_seconds"]

_PROBE_SECONDS = 1.0


@dataclass(frozen=True)
class SuiteCheck:
    """What is known of a suite before it runs; `mistakes` are (place, message) pairs."""

    suite: Suite | None
    experiments: int
    cells: int
    expected_seconds: float | None  # None: a long table whose rows are not known without a scan, or mistakes
    mistakes: tuple[tuple[str, str], ...]


def check_suite(suite: Suite | str | Path, *, timing: TimingSettings | None = None) -> SuiteCheck:
    """Checks a suite without running it; mistakes are returned, not raised.

    Raises:
        ReadError: There is no such file.
    """
    if not isinstance(suite, Suite):
        try:
            suite = load_suite(suite)
        except SuiteError as error:
            return SuiteCheck(None, 0, 0, None, tuple(error.mistakes))
    return SuiteCheck(suite, len(suite.experiments), suite.cell_count, expected_seconds(suite, timing=timing), ())


def expected_seconds(suite: Suite, *, timing: TimingSettings | None = None) -> float | None:
    """A rough forecast, within a factor of a few: the cost of the first rows times the rows, and the timing."""
    total = 0.0
    for experiment in suite.experiments:
        seconds = _scan_seconds(experiment)
        if seconds is None:
            return None
        total += seconds
        total += _timing_seconds(experiment, timing or TimingSettings())
    return total


def _timing_seconds(experiment: SuiteExperiment, settings: TimingSettings) -> float:
    """All rounds of one kernel a cell and timed metric, up to the cap."""
    metrics = sum(metric.kind == "timed" and "." not in name for name, metric in experiment.experiment.metrics.items())
    if not settings.enabled or not metrics:
        return 0.0
    kernels = metrics * (len(experiment.cells) + 1)  # each metric's baseline runs twice
    round_s = kernels * settings.samples * settings.target_sample_ns * 1e-9
    return min(settings.seconds, settings.processes * settings.rounds * round_s)


def _scan_seconds(experiment: SuiteExperiment) -> float | None:
    """Folds stage 0 for at most a second, and takes the rest of it and every other stage to cost as much per row."""
    dataset, job = experiment.dataset, experiment.job
    rows = 0
    started = time.perf_counter()
    try:
        state = job.start(0, None)
        for batch in dataset.batches(list(job.columns(0))):
            job.update(state, batch)
            rows += batch.data.num_rows
            elapsed = time.perf_counter() - started
            if elapsed > _PROBE_SECONDS:
                return None if dataset.rows is None else elapsed * job.stages * dataset.rows / rows
    except AssayError:
        return None  # the run itself will say what is wrong with the data
    return (time.perf_counter() - started) * job.stages
