"""The metrics of placement: what each means, and its formula.

A seeded metric is the mean over the seeds; its low and high are the least and the greatest draw.
"Law" is what chance predicts: see `assay.experiments.placement.laws`.
Balance and movement of keys are computed in `assay.experiments.loads`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from assay.experiments.base import Metric
from assay.experiments.distinct import total
from assay.experiments.loads import Number, load_metrics

__all__ = ["METRICS", "balance", "fair_shares", "optimum", "share_cv"]


def _metric(
    name: str,
    unit: str,
    direction: Literal["lower", "higher", "none"],
    kind: Literal["exact", "seeded", "timed"],
    formula: str,
    meaning: str,
    origin: Literal["measured", "modelled"] = "measured",
) -> Metric:
    return Metric(name, unit, direction, kind, origin, formula, meaning, 'METHODOLOGY.md, "Placements over seeds"')


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        _metric(
            "load_max_over_mean",
            "ratio",
            "lower",
            "seeded",
            "max L_i / (W f_i), f_i the weight's share",
            "How much more than its share the fullest node holds.",
        ),
        _metric(
            "load_cv",
            "ratio",
            "lower",
            "seeded",
            "sqrt(sum f_i (L_i / (W f_i) - 1)^2)",
            "Spread of the loads: standard deviation over mean.",
        ),
        _metric(
            "sampling_floor_cv",
            "ratio",
            "none",
            "exact",
            "sqrt(n / m), m distinct keys",
            "The load_cv that an ideal hash would have with so many keys of equal weight.",
        ),
        _metric(
            "ownership_cv",
            "ratio",
            "lower",
            "seeded",
            "sqrt(sum f_i (s_i / f_i - 1)^2), s_i the share of the hash space",
            "Spread of the shares of the hash space: load_cv with endless keys.",
        ),
        _metric(
            "ownership_cv_law",
            "ratio",
            "none",
            "exact",
            "a ring: sqrt((n - 1) / (n V + 1)) for equal weights; k probes: sqrt(2k/(2k-1) (1 - 1/C(n+2k-1, n)) - 1)",
            "The spread of shares that chance predicts; 0 for placements whose shares are equal.",
            "modelled",
        ),
        _metric(
            "ownership_cv_over_law",
            "ratio",
            "none",
            "seeded",
            "sqrt(mean over seeds of ownership_cv^2) / ownership_cv_law",
            "The measured spread of shares over the predicted one; 1 is as predicted.",
        ),
        _metric(
            "load_cv_law",
            "ratio",
            "none",
            "exact",
            "sqrt(c^2 + q (n - 1 - c^2)), c = ownership_cv_law, q = sum of squared shares of the keys",
            "The load_cv that chance predicts for keys with these numbers of rows, shares and keys taken together.",
            "modelled",
        ),
        _metric(
            "load_cv_over_law",
            "ratio",
            "none",
            "seeded",
            "sqrt(mean over seeds of load_cv^2) / load_cv_law",
            "The measured spread of loads over the predicted one; 1 is as predicted.",
        ),
        _metric(
            "share_over_weight_max",
            "ratio",
            "lower",
            "seeded",
            "max s_i / f_i",
            "How much more of the hash space than its weight's share the largest node has.",
        ),
        _metric(
            "share_over_weight_min",
            "ratio",
            "higher",
            "seeded",
            "min s_i / f_i",
            "What the smallest node has of its weight's share of the hash space.",
        ),
        _metric(
            "moved_share.ACTION",
            "share",
            "lower",
            "seeded",
            "rows whose node has another name after / all rows",
            "Share of the rows that move to another node.",
        ),
        _metric(
            "moved_over_optimum.ACTION",
            "ratio",
            "lower",
            "seeded",
            "moved_share / sum max(0, f_i after - f_i before)",
            "Movement over the least that shares by weight need.",
        ),
        _metric(
            "stray_moves.ACTION",
            "rows",
            "lower",
            "seeded",
            "rows moved between nodes present before and after",
            "Rows that move although neither node came or went.",
        ),
        _metric(
            "effective_senders.ACTION",
            "nodes",
            "higher",
            "seeded",
            "rows that move / most rows that one node gives up",
            "How many nodes give up what moves, as if all gave the same: the parallelism of filling a new node.",
        ),
        _metric(
            "effective_receivers.ACTION",
            "nodes",
            "higher",
            "seeded",
            "rows that move / most rows that one node gets",
            "How many nodes take over what moves, as if all took the same: the parallelism of replacing a lost node.",
        ),
        _metric(
            "adjacent_equal_pairs",
            "count",
            "lower",
            "seeded",
            "neighbouring points on the circle with the same node",
            "Points whose successor is no other node, so that a lost node's keys fall to fewer others.",
        ),
        _metric(
            "adjacent_equal_pairs_law",
            "count",
            "none",
            "exact",
            "n V (V - 1) / (n V - 1) for equal weights",
            "Such pairs as chance predicts them: about V, however many nodes.",
            "modelled",
        ),
        _metric(
            "hash_and_list_differences",
            "values",
            "none",
            "exact",
            "distinct keys whose node is not list[place of hash(key)]: of a ring its arcs, of modulo the remainders",
            "Keys that a hash and then a list of nodes place elsewhere: 0 shows that these are all there is.",
        ),
        _metric("memory_bytes", "bytes", "lower", "exact", "bytes that lookups read", "What every router must hold."),
        _metric(
            "lookup_ns",
            "ns",
            "lower",
            "timed",
            "median over rounds of the least of several samples, per row",
            "Time to find a key's node, in bulk, on one thread, hash included.",
        ),
        _metric(
            "build_ns",
            "ns",
            "lower",
            "timed",
            "median over rounds of the least of several samples",
            "Time to build the placement from its nodes.",
        ),
    )
}


def fair_shares(weights: Sequence[float]) -> list[float]:
    """Each node's share by weight; they add up to 1."""
    whole = math.fsum(weights)
    return [weight / whole for weight in weights]


def balance(loads: np.ndarray, weights: Sequence[float] | None) -> dict[str, Number]:
    """load_max_over_mean and load_cv of loads (uint64, shape (n,)); null if nothing is loaded."""
    if weights is None:
        found = load_metrics(loads)
        return {name: found[name] for name in ("load_max_over_mean", "load_cv")}
    whole = total(loads)
    if not whole:
        return {"load_max_over_mean": None, "load_cv": None}
    shares = [int(load) / whole for load in loads]
    fair = fair_shares(weights)
    greatest = max(share / part for share, part in zip(shares, fair, strict=True))
    return {"load_max_over_mean": greatest, "load_cv": share_cv(shares, fair)}


def share_cv(shares: Sequence[float], fair: Sequence[float]) -> float:
    """sqrt(sum f (s/f - 1)^2): the spread of shares around the fair ones, weighted by these."""
    return math.sqrt(math.fsum((share - part) ** 2 / part for share, part in zip(shares, fair, strict=True)))


def optimum(before: Mapping[str, float], after: Mapping[str, float]) -> float:
    """The share that must move between two clusters, from the weight of each node by name."""
    old = dict(zip(before, fair_shares(list(before.values())), strict=True))
    new = dict(zip(after, fair_shares(list(after.values())), strict=True))
    return math.fsum(max(0.0, share - old.get(name, 0.0)) for name, share in new.items())
