"""Balance and movement from exact sums: what every experiment about where keys live measures.

Loads are unsigned integers, so that the order of rows and threads does not matter; a quotient is
taken once, at the end. x/0 is null, never NaN. Source: METHODOLOGY, "Load" and "Actions and
movement".
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

__all__ = ["JOURNEYS", "Number", "load_metrics", "movement"]

Number = float | int | None
JOURNEYS = 3  # weight that stays on its node; moves from a leaving or to a joining one; strays between two that remain


def load_metrics(loads: np.ndarray) -> dict[str, Number]:
    """The balance of loads (uint64, shape (n,)), for equal capacities."""
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


def movement(
    action: str,
    carried: Sequence[int],
    loads: np.ndarray,
    before: Sequence[int],
    now: Sequence[int],
    *,
    optimum: float | None = None,
) -> dict[str, Number]:
    """What an action moves.

    Args:
        action: Its name.
        carried: The weight that stays, moves, and strays: `_core.journeys`.
        loads: uint64 of shape (n before,): the weight in each partition before.
        before: The node of each partition before.
        now: The node of each partition after.
        optimum: The share that must move; by default that of equal capacities.
    """
    whole, moved, stray = sum(carried), carried[1] + carried[2], carried[2]
    load_of = dict(zip(before, loads.tolist(), strict=True))
    fair = len(now)
    need = sum(max(0, whole - fair * load_of.get(node, 0)) for node in now)
    share = _over(moved, whole)
    over = _over(moved * _least_is_one_in(action, len(before)), whole)
    if optimum is not None:
        over = None if share is None else share / optimum
    return {
        f"moved_share.{action}": share,
        f"moved_over_optimum.{action}": over,
        f"stray_moves.{action}": stray,
        f"rebalance_minimum_share.{action}": _over(need, fair * whole),
    }


def _least_is_one_in(action: str, n: int) -> int:
    """One in so many must move with equal capacities; an integer, so that nothing is rounded twice."""
    shares = {"add_one": n + 1, "remove_one": n, "replace_one": n, "double": 2, "split_hot": n + 1, "merge_cold": n}
    return shares[action]


def _over(numerator: float, denominator: float) -> float | None:
    return numerator / denominator if denominator else None
