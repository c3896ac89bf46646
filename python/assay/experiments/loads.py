"""Balance and movement from exact sums: what every experiment about where keys live measures.

Loads are unsigned integers, so that the order of rows and threads does not matter; capacities are
taken as the exact fractions that they are. A quotient is taken once, at the end. x/0 is null, never
NaN. Source: METHODOLOGY, "Load", "Replicas and capacities" and "Actions and movement".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

__all__ = ["JOURNEYS", "Number", "are_equal", "least_share", "load_metrics", "movement", "whole_units"]

Number = float | int | None
JOURNEYS = 3  # weight that stays on its node; moves from a leaving or to a joining one; strays between two that remain


def load_metrics(loads: np.ndarray, capacities: Sequence[float] | None = None) -> dict[str, Number]:
    """The balance of loads.

    Args:
        loads: The load of each node, uint64 of shape (n,).
        capacities: The capacity of each node, positive; None where all are equal. Loads then count relative to
            the fair shares W c_i / C; `load_gini` has no value.
    """
    if capacities is not None and not are_equal(capacities):
        return _relative_metrics([int(load) for load in loads], whole_units(capacities))
    values = sorted(int(load) for load in loads)
    n, whole = len(values), sum(values)
    squares = sum(load * load for load in values)
    p99, p50 = (float(np.percentile(np.array(values, np.float64), at)) for at in (99, 50))
    return {
        "load_max_over_mean": _over(values[-1] * n, whole),
        "load_min_over_mean": _over(values[0] * n, whole),
        "load_cv": _over(math.sqrt(n * squares - whole * whole), whole),
        "load_gini": _over(sum((2 * rank - n - 1) * load for rank, load in enumerate(values, 1)), n * whole),
        "load_p99_over_p50": _over(p99, p50),
        "empty_partitions": sum(load == 0 for load in values),
        "effective_parallelism": _over(whole * whole, n * squares),
    }


def _relative_metrics(loads: Sequence[int], units: Sequence[int]) -> dict[str, Number]:
    """As `load_metrics`, of x_i = L_i U / (W u_i) for capacities u_i in whole units, U their sum."""
    whole, capacity = sum(loads), sum(units)
    found: dict[str, Number] = dict.fromkeys(
        ("load_max_over_mean", "load_min_over_mean", "load_cv", "load_gini", "load_p99_over_p50")
    )
    found["empty_partitions"] = sum(load == 0 for load in loads)
    found["effective_parallelism"] = None
    if not whole:
        return found
    pairs = list(zip(loads, units, strict=True))
    relative = [load * capacity / (whole * unit) for load, unit in pairs]
    # (u_i / U) (x_i - 1)^2, the difference taken among integers: near 1 a float would lose it.
    apart = [(load * capacity - whole * unit) ** 2 / (capacity * whole * whole * unit) for load, unit in pairs]
    p99, p50 = (float(np.percentile(np.array(relative), at)) for at in (99, 50))
    found |= {
        "load_max_over_mean": max(relative),
        "load_min_over_mean": min(relative),
        "load_cv": math.sqrt(math.fsum(apart)),
        "load_p99_over_p50": _over(p99, p50),
        "effective_parallelism": 1 / (1 + math.fsum(apart)),
    }
    return found


def movement(
    action: str,
    carried: Sequence[int],
    loads: np.ndarray,
    before: Sequence[int],
    now: Sequence[int],
    *,
    optimum: float | None = None,
    capacities: tuple[Sequence[float], Sequence[float]] | None = None,
) -> dict[str, Number]:
    """What an action moves.

    Args:
        action: Its name.
        carried: The weight that stays, moves, and strays: `_core.journeys`.
        loads: uint64 of shape (n before,): the weight in each partition before.
        before: The node of each partition before.
        now: The node of each partition after.
        optimum: The share that must move; by default that of the capacities.
        capacities: Those of the nodes before and after, in the order of `before` and `now`; None where all are equal.
    """
    whole, moved, stray = sum(carried), carried[1] + carried[2], carried[2]
    load_of = dict(zip(before, loads.tolist(), strict=True))
    old, new = ([1] * len(before), [1] * len(now)) if capacities is None else map(whole_units, capacities)
    fair = sum(new)
    need = sum(max(0, whole * unit - fair * load_of.get(node, 0)) for node, unit in zip(now, new, strict=True))
    share = _over(moved, whole)
    least, of = _least_apart(dict(zip(before, old, strict=True)), dict(zip(now, new, strict=True)))
    over = _over(moved * of, whole * least)  # integers, so that nothing is rounded twice
    if optimum is not None:
        over = None if share is None else share / optimum
    return {
        f"moved_share.{action}": share,
        f"moved_over_optimum.{action}": over,
        f"stray_moves.{action}": stray,
        f"rebalance_minimum_share.{action}": _over(need, fair * whole),
    }


def _least_apart(old: dict[int, int], new: dict[int, int]) -> tuple[int, int]:
    """sum max(0, share after - share before) over the nodes after, as a fraction of integers."""
    before, after = sum(old.values()), sum(new.values())
    return sum(max(0, unit * before - old.get(node, 0) * after) for node, unit in new.items()), before * after


def least_share(old: Mapping[int, float], new: Mapping[int, float]) -> float:
    """The share that must move from nodes of some capacities to others, by the nodes' numbers."""
    least, of = _least_apart(
        dict(zip(old, whole_units(list(old.values())), strict=True)),
        dict(zip(new, whole_units(list(new.values())), strict=True)),
    )
    return least / of


def are_equal(capacities: Sequence[float]) -> bool:
    """Whether all capacities are the same."""
    return len(set(capacities)) <= 1


def whole_units(capacities: Sequence[float]) -> list[int]:
    """Whole numbers in exactly the proportions of the capacities, which are positive floats.

    >>> whole_units([1.0, 2.5, 0.5])
    [2, 5, 1]
    """
    ratios = [float(capacity).as_integer_ratio() for capacity in capacities]
    scale = max(denominator for _, denominator in ratios)  # all are powers of two
    units = [numerator * (scale // denominator) for numerator, denominator in ratios]
    common = math.gcd(*units)
    return [unit // common for unit in units]


def _over(numerator: float, denominator: float) -> float | None:
    return numerator / denominator if denominator else None
