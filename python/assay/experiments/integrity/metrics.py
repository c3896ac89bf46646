"""The metrics of integrity: what each means, and its formula."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from assay.experiments.base import Metric

__all__ = ["METRICS"]


def _metric(
    name: str,
    unit: str,
    direction: Literal["lower", "higher", "none"],
    kind: Literal["exact", "seeded", "timed", "estimated"],
    formula: str,
    meaning: str,
    origin: Literal["measured", "modelled"] = "measured",
) -> Metric:
    return Metric(name, unit, direction, kind, origin, formula, meaning, 'METHODOLOGY.md, "Faults and checksums"')


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        _metric(
            "caught_share.FAULT",
            "share",
            "higher",
            "seeded",
            "faults after which a check says that something is wrong / faults injected",
            "Share of the faults of this kind that are noticed.",
        ),
        _metric(
            "missed_share.FAULT",
            "share",
            "lower",
            "seeded",
            "1 - caught_share; the exact binomial interval of 95 %",
            "Share of the faults of this kind that pass as intact data.",
        ),
        _metric(
            "located_share.FAULT",
            "share",
            "higher",
            "seeded",
            "faults whose blocks are named, all of them and no others / faults injected",
            "Share of the faults of which it is known which blocks are broken.",
        ),
        _metric(
            "repaired_share.FAULT",
            "share",
            "higher",
            "seeded",
            "faults after which the data, mended from another copy, is what it was / faults injected",
            "Share of the faults that end with the right data.",
        ),
        _metric(
            "fetched_bytes.FAULT",
            "bytes",
            "lower",
            "seeded",
            "mean of the bytes fetched from the other copy, over the faults that were caught",
            "What a repair fetches.",
        ),
        _metric(
            "refused_share",
            "share",
            "higher",
            "seeded",
            "repairs that were refused / blocks of which one bit flipped in both copies",
            "Share of the repairs that are refused where the other copy is broken too.",
        ),
        _metric(
            "false_alarms",
            "count",
            "lower",
            "exact",
            "checks of intact data, of 8, that say it is broken",
            "How often intact data is called broken.",
        ),
        _metric("checksum_bits", "count", "none", "exact", "bits kept of each checksum", "The width of a checksum."),
        _metric(
            "checksum_bytes_per_mib",
            "bytes",
            "lower",
            "exact",
            "bytes of all checksums kept / MiB of data",
            "What the checksums of a MiB of data take.",
        ),
        _metric(
            "read_amplification",
            "ratio",
            "lower",
            "exact",
            "bytes read to check 4 KiB at a multiple of 4 KiB, checksums included / these 4 KiB, mean over the data",
            "How much must be read to trust a page of it.",
        ),
        _metric(
            "check_ns",
            "ns",
            "lower",
            "timed",
            "median over rounds of the least of several samples, per KiB",
            "Time to check a KiB of data, on one thread.",
        ),
        _metric(
            "throughput",
            "GB/s",
            "higher",
            "timed",
            "bytes of the data / time",
            "How fast data is checked: the same measurement as the time of a KiB.",
        ),
    )
}
