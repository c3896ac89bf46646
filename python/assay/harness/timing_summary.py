"""From rounds to what is said of them: values with intervals, latency percentiles, ratios and verdicts.

Pure functions of the kept samples, so that a store's samples give the same numbers again. Cost: about 5 ms a
timed cell for each of its value and its ratio.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from assay.experiments.base import Metric, Times, Value
from assay.harness.histogram import Histogram
from assay.harness.records import CalibrationRecord, ComparisonRecord, HistogramRecord, SampleRecord, StopRule
from assay.harness.statistics import (
    METHOD,
    SMALLEST_EFFECT,
    Estimate,
    benjamini_hochberg,
    limit,
    log_ratios,
    median_estimate,
    noise_floor,
    outliers,
    p_value,
    paired_ratio,
    ratio_verdict,
    rounds_needed,
)
from assay.harness.timing_settings import TimingSettings
from assay.units import count_of

__all__ = ["BASELINE_COPY", "PERCENTILES", "Timing", "percentile_metric", "summarise", "times_of"]

BASELINE_COPY = "a/a"
PERCENTILES = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99_9": 99.9}
LEAST_BEYOND = 10  # operations behind a percentile, or it says nothing of the tail
UNSTEADY_SHARE = 0.1  # of the rounds, at least so many, that lie far outside
UNSTEADY_ROUNDS = 20

_Series = Mapping[int, Sequence[float]]  # rounds by process


@dataclass(frozen=True)
class Timing:
    """What was timed: samples, the values made of them, ratios to the baseline, and errors by cell."""

    samples: tuple[SampleRecord, ...] = ()
    values: tuple[Value, ...] = ()
    comparisons: tuple[ComparisonRecord, ...] = ()
    failures: Mapping[str, str] = field(default_factory=dict)
    calibrations: tuple[CalibrationRecord, ...] = ()
    histograms: tuple[HistogramRecord, ...] = ()


def times_of(timing: Timing) -> Times:
    """The medians of all rounds in order, in wall time and in processor time, without those of baselines' copies.

    A metric is the least of the samples, what a kernel costs at its best; what kernels cost together is told by their
    medians.
    """
    wall: dict[tuple[str, str], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    processor: dict[tuple[str, str], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for sample in sorted(timing.samples, key=lambda sample: (sample.process, sample.round)):
        if sample.label != BASELINE_COPY:
            key = sample.cell_id, sample.metric
            wall[key][sample.process].append(sample.ns_median)
            processor[key][sample.process].append(statistics.median(sample.cpu_ns))
    return Times(*({key: list(rounds.values()) for key, rounds in found.items()} for found in (wall, processor)))


@dataclass(frozen=True)
class _Compared:
    """A timed cell beside its baseline, before the number of comparisons is known."""

    cell: str
    metric: str
    baseline: str
    ratio: Estimate
    floor: float
    logs: Sequence[Sequence[float]]


def summarise(
    samples: Sequence[SampleRecord],
    failures: Mapping[str, str],
    metrics: Mapping[str, Metric],
    settings: TimingSettings,
    *,
    seed: int,
    stops: Mapping[str, StopRule] | None = None,
    calibrations: Sequence[CalibrationRecord] = (),
    histograms: Sequence[HistogramRecord] = (),
    throughputs: Mapping[tuple[str, str], tuple[str, float]] | None = None,
) -> Timing:
    """Values, intervals and ratios from samples; cells in `failures` have no value.

    Args:
        samples: Rounds of kernels.
        failures: Errors by cell.
        metrics: Declarations: the direction of each timed metric.
        settings: How much was to be timed.
        seed: Of the resamples.
        stops: Why the rounds of each metric ended.
        calibrations: Kept with the result.
        histograms: Latencies, of which the percentiles are values.
        throughputs: By cell and timed metric: what the same time is called in GB/s, and the bytes of an operation.
    """
    rounds: dict[tuple[str, str, str], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for sample in sorted(samples, key=lambda sample: (sample.process, sample.round)):
        if sample.cell_id not in failures:
            rounds[sample.cell_id, sample.metric, sample.label][sample.process].append(sample.ns_min)
    values: list[Value] = []
    compared: list[_Compared] = []
    for metric in dict.fromkeys(name for _, name, _ in rounds):
        copies = [cell for cell, name, label in rounds if name == metric and label == BASELINE_COPY]
        baseline = rounds.get((copies[0], metric, "a")) if copies else None
        floor = 1.0
        if baseline is not None:
            first, second = _paired(baseline, rounds[copies[0], metric, BASELINE_COPY])
            floor = noise_floor(first, second, seed=seed) if first else 1.0
        for (cell, name, label), series in rounds.items():
            if name != metric or label == BASELINE_COPY:
                continue
            estimate = median_estimate(list(series.values()), seed=seed)
            note = _note(series, settings, (stops or {}).get(metric, "rounds"))
            values.append(Value(cell, metric, estimate.value, estimate.low, estimate.high, note))
            if throughputs and (cell, metric) in throughputs:
                values.append(_throughput(cell, *throughputs[cell, metric], estimate, note))
            if baseline is None or cell == copies[0]:
                continue
            pair = _paired(baseline, series)
            if pair[0]:
                ratio = paired_ratio(*pair, seed=seed)
                compared.append(_Compared(cell, metric, copies[0], ratio, floor, log_ratios(*pair)))
    kept_histograms = tuple(record for record in histograms if record.cell_id not in failures)
    return Timing(
        tuple(sample for sample in samples if sample.cell_id not in failures),
        (*values, *_percentiles(kept_histograms)),
        _judged(compared, metrics),
        dict(failures),
        tuple(record for record in calibrations if record.cell_id not in failures),
        kept_histograms,
    )


def _throughput(cell: str, name: str, bytes_each: float, estimate: Estimate, note: str | None) -> Value:
    """Bytes an operation over ns an operation, which are GB/s; the ends of the interval change places."""
    value, low, high = (bytes_each / ns if ns else None for ns in (estimate.value, estimate.high, estimate.low))
    return Value(cell, name, value, low, high, note)


def _judged(compared: Sequence[_Compared], metrics: Mapping[str, Metric]) -> tuple[ComparisonRecord, ...]:
    """The verdicts on all cells that were compared, in the knowledge of how many they are."""
    p_values = [p_value(one.ratio, limit(one.floor)) for one in compared]
    rows = []
    for one, p, adjusted in zip(compared, p_values, benjamini_hochberg(p_values), strict=True):
        direction = metrics[one.metric].direction if one.metric in metrics else "lower"
        verdict = ratio_verdict(one.ratio, one.floor, direction=direction, p_adjusted=adjusted)
        rows.append(
            ComparisonRecord(
                one.cell,
                one.metric,
                one.baseline,
                one.ratio.value,
                one.ratio.low,
                one.ratio.high,
                one.floor,
                verdict,
                len(one.logs),
                sum(map(len, one.logs)),
                SMALLEST_EFFECT,
                p,
                adjusted,
                len(compared),
                rounds_needed(one.logs, limit(one.floor)) if verdict == "unclear" else None,
                METHOD,
            )
        )
    return tuple(rows)


def _percentiles(histograms: Sequence[HistogramRecord]) -> list[Value]:
    """The percentiles of each cell's latencies over all processes, with the range of the processes' own.

    The interval of a percentile runs from its least to its greatest among the processes: percentiles of few
    processes have no better one.
    """
    by_name: dict[tuple[str, str], list[Histogram]] = defaultdict(list)
    for record in histograms:
        counts = zip(record.lower, record.counts, strict=True)
        histogram = Histogram(record.precision_bits)
        for low, count in counts:
            histogram.add(int(low), count)
        by_name[record.cell_id, record.name].append(histogram)
    values = []
    for (cell, name), parts in by_name.items():
        whole = parts[0]
        for part in parts[1:]:
            whole = whole.merge(part)
        for suffix, percent in PERCENTILES.items():
            metric = percentile_metric(name, suffix)
            beyond = whole.beyond(percent)
            if beyond < LEAST_BEYOND:
                note = f"only {beyond} of {whole.count:,} operations lie beyond it; more rounds are needed"
                values.append(Value(cell, metric, None, note=note))
                continue
            ends = [part.percentile(percent) for part in parts]
            note = f"{whole.count:,} operations, {beyond:,} beyond"
            found = whole.percentile(percent)
            values.append(Value(cell, metric, found, min(*ends, found), max(*ends, found), note))
    return values


def percentile_metric(latency: str, percentile: str) -> str:
    """The name of a percentile of the latencies `latency`: "lookup_latency_ns.p99"."""
    return f"{latency}.{percentile}"


def _paired(first: _Series, second: _Series) -> tuple[list[Sequence[float]], list[Sequence[float]]]:
    """The rounds that both ran, process by process; rounds of one process stand in the same order."""
    common = [process for process in first if process in second]
    lengths = [min(len(first[process]), len(second[process])) for process in common]
    return (
        [first[process][:length] for process, length in zip(common, lengths, strict=True)],
        [second[process][:length] for process, length in zip(common, lengths, strict=True)],
    )


def _note(series: _Series, settings: TimingSettings, stop: StopRule) -> str | None:
    """What a reader must know before trusting the interval, or None."""
    notes = []
    if len(series) < 3:
        notes.append(f"within {len(series)} process{'es' if len(series) > 1 else ''} only")
    shortest = min(map(len, series.values()))
    if stop == "time":
        notes.append(f"stopped by time after {shortest} of {settings.rounds} rounds")
    if stop == "budget":
        notes.append(f"stopped by the budget after {count_of(shortest, 'round')}")
    if stop == "processes":
        notes.append(f"its {len(series)} processes differ: more of them would narrow it, more rounds would not")
    if stop == "died":
        notes.append("the timing processes died before they had all rounds")
    rounds = [value for one in series.values() for value in one]
    far = outliers(rounds)
    if len(rounds) >= UNSTEADY_ROUNDS and far.low_severe + far.high_severe > UNSTEADY_SHARE * len(rounds):
        notes.append(f"unsteady: {far.low_severe + far.high_severe} of {len(rounds)} rounds lie far outside")
    return "; ".join(notes) or None
