"""A run's progress in words: a frame for a terminal, and a line for each change where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from assay.report.run_progress import ExperimentProgress, RunProgress
from assay.units import count_of

__all__ = ["Pace", "changes", "frame", "phase_words"]

_BAR = 16  # characters
_LEAST_SHARE = 0.02  # of a run, before a forecast is worth a word


class Pace:
    """How fast a run goes, from what was seen of it: a run that was resumed did not begin when it was started.

    Args:
        progress: As it was first seen.
        now: When that was.
    """

    def __init__(self, progress: RunProgress, now: datetime) -> None:
        self._began = now, progress.share
        self._scans: dict[tuple[int, int], tuple[datetime, int]] = {}

    def left_seconds(self, progress: RunProgress, now: datetime) -> float | None:
        """About how long it goes on; None where that cannot be told yet."""
        since, share = self._began
        gained = progress.share - share
        elapsed = (now - since).total_seconds()
        if gained < _LEAST_SHARE or elapsed <= 0:
            gained, elapsed = progress.share, (now - progress.started).total_seconds()
        if gained < _LEAST_SHARE or elapsed <= 0 or progress.status != "running":
            return None
        return elapsed * (1 - progress.share) / gained

    def rows_per_second(self, experiment: ExperimentProgress, now: datetime) -> float | None:
        """The rows scanned a second, since the scan was first seen."""
        scan = experiment.scan
        if scan is None or not scan.rows or not scan.planned:
            return None
        since, done = self._scans.setdefault((experiment.index, scan.stage), (now, scan.done))
        elapsed = (now - since).total_seconds()
        if scan.done <= done or elapsed <= 0:
            return None
        return (scan.done - done) * scan.rows / scan.planned / elapsed


def frame(progress: RunProgress, pace: Pace, now: datetime, writer: str | None) -> list[str]:
    """The lines that show a run as it is.

    Args:
        progress: How far it is.
        pace: What was seen of it before.
        now: The time.
        writer: Who writes the store; None if nobody does.
    """
    done, failed, cells = progress.cells
    elapsed = ((progress.ended or now) - progress.started).total_seconds()
    killed = progress.status == "running" and writer is None
    status = "killed" if killed else f"{progress.status} {_clock(elapsed)}"
    head = [progress.label or progress.suite, f"run {progress.run_id}", status]
    if progress.status == "running" and writer is not None:
        head.append(writer)
    counts = f"{done} of {count_of(cells, 'cell')}" + (f", {failed} failed" if failed else "")
    left = None if killed else pace.left_seconds(progress, now)
    lines = [" · ".join(head), f"{_bar(progress.share)} {100 * progress.share:.0f} % · {counts}"]
    if left is not None and progress.share < 1:
        lines[1] += f" · about {_clock(left)} left"
    for one in progress.experiments:
        mark = "!" if one.cells_failed or one.errors else {"done": "✓", "waiting": " "}.get(one.phase, "▸")
        lines.append(f"{mark} {_named(one, progress)}: {phase_words(one, pace, now)}")
        lines += [f"    {sentence}" for sentence in (one.answers or (one.leading,)) if sentence]
    lines += [f"  ! {failure}" for failure in progress.failures]
    return lines


def phase_words(one: ExperimentProgress, pace: Pace, now: datetime) -> str:
    """What an experiment is at."""
    failed = f", {one.cells_failed} failed" if one.cells_failed else ""
    if one.phase == "waiting":
        return f"{count_of(one.cells, 'cell')} wait{'s' if one.cells == 1 else ''}"
    if one.phase == "done":
        return f"{one.cells_done} of {count_of(one.cells, 'cell')}{failed}, {count_of(one.values, 'value')}"
    if one.phase == "timing":
        return f"measured ({count_of(one.values, 'value')}{failed}); timing, which shows when it is done"
    assert one.scan is not None
    scan = one.scan
    words = f"scan {scan.stage + 1}, {scan.done} of {scan.planned} part{'s' if scan.planned > 1 else ''}"
    if one.phase == "learning":
        return f"{words}; learning from them"
    rate = pace.rows_per_second(one, now)
    return words + (f", {_rate(rate)} rows a second" if rate else "")


def changes(before: RunProgress | None, after: RunProgress, pace: Pace, now: datetime) -> Iterator[str]:
    """A line for everything that has changed between two looks; of the first look, for everything under way."""
    elapsed = _clock((now - after.started).total_seconds())
    known = {} if before is None else {one.index: one for one in before.experiments}
    for one in after.experiments:
        earlier = known.get(one.index)
        if earlier == one or (earlier is None and one.phase == "waiting"):
            continue
        yield f"{elapsed} {_named(one, after)}: {phase_words(one, pace, now)}"
        if earlier is None or earlier.answers != one.answers:
            yield from (f"{elapsed}   {sentence}" for sentence in one.answers)
        if one.leading and (earlier is None or earlier.leading != one.leading):
            yield f"{elapsed}   {one.leading}"
    told = () if before is None else before.failures
    yield from (f"{elapsed} ! {failure}" for failure in after.failures if failure not in told)


def _named(one: ExperimentProgress, progress: RunProgress) -> str:
    """Its question and table, numbered where there are several."""
    return f"{one.index + 1}. {one.name}" if len(progress.experiments) > 1 else one.name


def _bar(share: float) -> str:
    full = round(_BAR * share)
    return "█" * full + "░" * (_BAR - full)


def _clock(seconds: float) -> str:
    whole = max(0, round(seconds))
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


def _rate(rows: float) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if rows >= size:
            return f"{rows / size:.1f} {unit}"
    return f"{rows:.0f}"
