"""Does the method keep what it promises? Trials of the same work (A/A) and of exactly 3 % more, on a busy machine.

    python bench/harness/verdicts.py                                100 trials of each, 60 s a trial at most
    python bench/harness/verdicts.py --trials 5 --budget 20s        a first look

Each trial goes the way of a run's timing: fresh processes, calibration, rounds, the interval, the noise floor and
the verdict, with a budget. Meanwhile processes that this script starts keep a core busy each; they end with it.
The goals: at most 5 % false verdicts of A/A, and at least 95 % of the 3 % found. All trials are kept beside the
report, as CSV; Ctrl-C ends the trials early, and reports those that there are. A trial takes 3 to 40 s, by how
busy the machine is.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import os
import shlex
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from workloads import BLOCKS, KINDS, METRICS, PairJob, injected

from assay.harness.environment import environment_facts, load_1m
from assay.harness.timing import time_job
from assay.harness.timing_settings import TimingSettings, budget_seconds
from assay.intervals import rate_interval

MORE = 103  # blocks of 100: 3 % more work
TRUE = MORE / BLOCKS
BUSY = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    sum(range(100_000))"


@dataclass(frozen=True)
class Trial:
    """What one trial gave."""

    kernel: str
    true_ratio: float
    ratio: float
    low: float
    high: float
    noise_floor: float
    p_value: float
    verdict: str
    processes: int
    rounds: int
    stop_rule: str
    seconds: float
    load_1m: float

    @property
    def covers(self) -> bool:
        """Whether the interval holds the true ratio."""
        return self.low <= self.true_ratio <= self.high


def main() -> None:
    """Runs the trials and writes the report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=100, help="of A/A, and as many of 3 %% more")
    parser.add_argument("--budget", default="60s", help="of one trial, its start included")
    parser.add_argument("--busy", type=int, default=1, help="processes that keep a core busy each")
    parser.add_argument("--kernels", nargs="+", default=list(KINDS), choices=KINDS)
    parser.add_argument("--output", type=Path, default=Path("reports/harness/verdicts.txt"))
    options = parser.parse_args()
    started = datetime.now(UTC)
    trials: list[Trial] = []
    with busy_processes(options.busy):
        ratios = {kind: (injected(kind, BLOCKS), injected(kind, MORE)) for kind in options.kernels}
        for kind, (same, more) in ratios.items():
            print(f"{kind}: {same:.4f} for the same work, {more:.4f} for {MORE} blocks of {BLOCKS}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C ends the trials, and what there is is reported
            for number in range(options.trials):
                kind = options.kernels[number % len(options.kernels)]
                for blocks in (BLOCKS, MORE):
                    trials.append(trial(kind, blocks, number, budget_seconds(options.budget)))
                    print(number, trials[-1], flush=True)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    with options.output.with_suffix(".csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(asdict(trials[0])))
        writer.writeheader()
        writer.writerows({k: round(v, 6) if isinstance(v, float) else v for k, v in asdict(t).items()} for t in trials)
    text = report(trials, ratios, options.budget, options.busy, started)
    options.output.write_text(text, encoding="utf-8")
    print(text)


def trial(kind: str, blocks: int, number: int, budget_s: float) -> Trial:
    """One timing of a baseline beside a candidate, as a run does it."""
    started = time.monotonic()
    timing = time_job(
        PairJob(kind, blocks, number),
        [],
        METRICS,
        TimingSettings.within(budget_s),
        seed=number,
        share=lambda round_s, kernels: budget_s - (time.monotonic() - started),
    )
    if timing.failures:
        raise SystemExit(f"the kernels failed: {timing.failures}")
    (found,) = timing.comparisons
    return Trial(
        kind,
        blocks / BLOCKS,
        found.ratio,
        found.low,
        found.high,
        found.noise_floor,
        found.p_value,
        found.verdict,
        found.processes,
        found.rounds,
        timing.calibrations[0].stop_rule,
        time.monotonic() - started,
        load_1m() or float("nan"),
    )


@contextlib.contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """So many processes that compute without end, until the block ends or this process dies."""
    processes = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def report(
    trials: Sequence[Trial], ratios: dict[str, tuple[float, float]], budget: str, busy: int, started: datetime
) -> str:
    """The figures, per kernel and in all."""
    facts = environment_facts()
    minutes = (datetime.now(UTC) - started).total_seconds() / 60
    loads = [one.load_1m for one in trials]
    settings = TimingSettings.within(budget)
    lines = [
        "The timing method judged: false verdicts, and 3 % found",
        "",
        f"command   {shlex.join(['python', 'bench/harness/verdicts.py', *sys.argv[1:]])}",
        f"date      {started:%Y-%m-%d %H:%M} UTC, {minutes:.0f} minutes",
        f"machine   {facts.get('cpu_model')}, {facts.get('cpu_architecture')}, {facts.get('cores_usable')} cores"
        f"{', virtual' if facts.get('virtualised') else ''}",
        f"versions  assay {facts['assay']}, {facts['python']}, numpy {facts['packages']['numpy']}",
        f"load      {statistics.median(loads):.1f} (median of the trials' 1-minute averages, {min(loads):.1f} to "
        f"{max(loads):.1f}), with {busy} busy process{'es' if busy != 1 else ''} of this script",
        f"settings  {settings.processes} processes, samples of {settings.target_sample_ns / 1e6:g} ms, "
        f"{settings.samples} a round; to half a width of {100 * settings.precision:g} %, or {budget}",
        "",
        "The true ratio, as measured before the trials (least of 1000 calls of each, in turn):",
    ]
    lines += [f"  {kind:12}{same:.4f} same   {more:.4f} 3 % more" for kind, (same, more) in ratios.items()]
    for true, title in ((1.0, "A/A: the same work twice"), (TRUE, "A/B: 3 % more work")):
        lines += ["", title, f"  {'':12}{_HEAD}"]
        chosen = [one for one in trials if one.true_ratio == true]
        for kind in ratios:
            lines.append(f"  {kind:12}{_row([one for one in chosen if one.kernel == kind])}")
        lines.append(f"  {'all':12}{_row(chosen)}")
    same = [one for one in trials if one.true_ratio == 1]
    more = [one for one in trials if one.true_ratio == TRUE]
    false = sum(one.verdict in ("better", "worse") for one in same)
    found = sum(one.verdict == "worse" for one in more)
    lines += [
        "",
        _goal("A/A false verdicts", false, len(same), "at most 5 %", false <= 0.05 * len(same)),
        _goal("3 % more found to be worse", found, len(more), "at least 95 %", found >= 0.95 * len(more)),
        f"trials that took longer than {budget}: {sum(one.seconds > budget_seconds(budget) for one in trials)} "
        f"of {len(trials)}",
        f"ended because: {', '.join(f'{why} {n}' for why, n in Counter(o.stop_rule for o in trials).most_common())}",
        "",
        "What this does not show: other machines, or kernels that touch much memory; differences between builds of one",
        "source; and how often 'same' is said of what differs by less than 1 %, which the method calls no difference.",
        "",
    ]
    return "\n".join(lines)


_HEAD = "trials  better  worse  same  unclear  covered  error p95  half width  seconds median   p95   max"


def _row(trials: Sequence[Trial]) -> str:
    if not trials:
        return "none"
    verdicts = Counter(one.verdict for one in trials)
    errors = [abs(one.ratio / one.true_ratio - 1) for one in trials]
    seconds = [one.seconds for one in trials]
    width = statistics.median((one.high - one.low) / 2 for one in trials)
    return (
        f"{len(trials):6}{verdicts['better']:8}{verdicts['worse']:7}{verdicts['same']:6}{verdicts['unclear']:9}"
        f"{sum(one.covers for one in trials) / len(trials):9.1%}{_p95(errors):11.2%}{width:12.2%}"
        f"{statistics.median(seconds):16.1f}{_p95(seconds):6.1f}{max(seconds):6.1f}"
    )


def _p95(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[max(0, -(-95 * len(ordered) // 100) - 1)]


def _goal(what: str, hits: int, trials: int, goal: str, is_met: bool) -> str:
    low, high = rate_interval(hits, trials)
    return (
        f"{what}: {hits} of {trials} ({hits / trials:.1%}; 95 % exact interval {low:.1%} to {high:.1%}); "
        f"goal {goal}: {'met' if is_met else 'MISSED'}"
    )


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    main()
