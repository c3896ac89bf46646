"""The metrics of hashing: what each means, and its formula."""

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
    return Metric(
        name, unit, direction, kind, origin, formula, meaning, 'METHODOLOGY.md, "Hash functions on your own keys"'
    )


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        _metric(
            "hash_ns",
            "ns",
            "lower",
            "timed",
            "median over rounds of the least of several samples, per key",
            "Time to hash a key of the table, in bulk, on one thread.",
        ),
        _metric(
            "throughput",
            "GB/s",
            "higher",
            "timed",
            "bytes of the keys / time; fixed widths and value lengths, null 0",
            "How fast the keys' bytes are hashed: the same measurement as the time per key.",
        ),
        _metric(
            "balance_over_ideal.BITS",
            "ratio",
            "lower",
            "exact",
            "sqrt(sum (c_i - m/n)^2 / (m/n) / (n - 1)), c_i the distinct keys in bucket i",
            "How uneven the buckets are beside those of an ideal function; below 1 is more even than chance.",
        ),
        _metric(
            "balance_ideal",
            "ratio",
            "none",
            "exact",
            "1; sqrt(q / (n - 1)) with q the quantiles of chi-squared at 0.05 % and 99.95 %",
            "Between which numbers an ideal function's unevenness lies, 999 times in 1,000.",
            "modelled",
        ),
        _metric(
            "keys_max_over_mean.BITS",
            "ratio",
            "lower",
            "exact",
            "n max c_i / m",
            "How much more than its share of the distinct keys the fullest bucket holds.",
        ),
        _metric(
            "load_max_over_mean.BITS",
            "ratio",
            "lower",
            "exact",
            "n max L_i / W, L_i the rows in bucket i; null keys are in bucket 0",
            "How much more than its share of the rows the fullest bucket holds: repeated keys count.",
        ),
        _metric(
            "collisions",
            "count",
            "lower",
            "exact",
            "pairs of distinct keys with equal hashes",
            "Different keys that the hash cannot tell apart.",
        ),
        _metric(
            "collisions_expected",
            "count",
            "none",
            "exact",
            "m (m - 1) / 2^(b + 1); bounds are Poisson quantiles at 0.05 % and 99.95 %",
            "Pairs of so many keys that collide under an ideal function of this width.",
            "modelled",
        ),
        _metric(
            "avalanche_share",
            "share",
            "none",
            "seeded",
            "mean over flips of (bits of the hash that change / b)",
            "How much of the hash a flipped bit of the key changes; 50 % is ideal.",
        ),
        _metric(
            "avalanche_bias_output",
            "ratio",
            "lower",
            "seeded",
            "max over the hash's bits of |2 p - 1|, p the share of flips that change it",
            "The bit of the hash that follows the key most predictably; 0 is ideal, 1 never or always changes.",
        ),
        _metric(
            "avalanche_bias_input",
            "ratio",
            "lower",
            "seeded",
            "max over the key's bits of |2 p - 1|, p the share of the hash that it changes",
            "The bit of the key that moves the hash most predictably; 0 is ideal.",
        ),
        _metric("hash_bits", "count", "none", "exact", "b", "The width of the hash in bits."),
    )
}
