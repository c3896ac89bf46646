"""`assay check`: all mistakes of a suite at once, the number of its cells, and how long it may take."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from assay.errors import AssayError, SuiteError
from assay.harness.suite import Suite, SuiteExperiment, load_suite
from assay.harness.timing import TimingSettings

__all__ = ["SuiteCheck", "check_suite", "expected_seconds"]


@dataclass(frozen=True)
class SuiteCheck:
    """What is known of a suite before it runs; `mistakes` are (place, message) pairs."""

    suite: Suite | None
    experiments: int
    cells: int
    expected_seconds: float | None  # None: a table whose rows are not known without a scan, or mistakes
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
    """A rough forecast, within a factor of a few: the first batch's cost times the rows, and the timing's cap."""
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
    metrics = sum(metric.kind == "timed" for metric in experiment.experiment.metrics.values())
    if not settings.enabled or not metrics:
        return 0.0
    kernels = metrics * (len(experiment.cells) + 1)  # each metric's baseline runs twice
    round_s = kernels * settings.samples * settings.target_sample_ns * 1e-9
    return min(settings.seconds, settings.processes * settings.rounds * round_s)


def _scan_seconds(experiment: SuiteExperiment) -> float | None:
    """Reads and folds one batch of stage 0, and takes every stage to cost as much per row."""
    dataset, job = experiment.dataset, experiment.job
    if dataset.rows is None:
        return None
    started = time.perf_counter()
    try:
        state = job.start(0, None)
        batches = list(islice(dataset.batches(list(job.columns(0))), 1))
        for batch in batches:
            job.update(state, batch)
    except AssayError:
        return None  # the run itself will say what is wrong with the data
    rows = sum(batch.data.num_rows for batch in batches)
    return (time.perf_counter() - started) * job.stages * dataset.rows / rows if rows else 0.0
