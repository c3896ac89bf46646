"""Which size of a cache to choose, read off its miss-ratio curve: the knee, and what costs least."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from assay.checks import number
from assay.errors import EmptyInputError, ParameterError, UnknownNameError

__all__ = ["Cheapest", "Knee", "cheapest", "knee"]


@dataclass(frozen=True)
class Knee:
    """The size after which more room brings less than it did before."""

    capacity: int
    miss_ratio: float
    distance: float  # how far the curve lies below the line between its ends, as a share of its fall; 0 to 1


@dataclass(frozen=True)
class Cheapest:
    """The size whose room and misses together cost least."""

    capacity: int  # 0: no cache at all costs least
    misses: int
    miss_ratio: float
    cost: float
    cost_of_room: float
    cost_of_misses: float


def knee(curve: pa.Table) -> Knee | None:
    """The knee of a curve: where it lies farthest below the line between its ends, on a logarithmic axis.

    Both axes are scaled to 0 to 1: the logarithm of the capacity, and the miss ratio. This is Kneedle's difference
    curve for a falling, convex curve, without its smoothing and its sensitivity, as a curve from a trace is whole.

    Args:
        curve: As `assay.miss_ratio_curve` gives it: columns capacity and miss_ratio, n rows.

    Returns:
        The knee; None where there is none: with fewer than three points, where no size misses less than another, or
        where nothing lies below the line, as of a loop that hits nothing until all of it fits.

    Raises:
        UnknownNameError: A column is missing.
        EmptyInputError: The curve has no rows.

    Source:
        Satopää, Albrecht, Irwin, Raghavan 2011, "Finding a 'Kneedle' in a Haystack: Detecting Knee Points in System
        Behavior".

    >>> found = knee(pa.table({"capacity": [1, 10, 100, 1000], "miss_ratio": [1.0, 0.3, 0.2, 0.1]}))
    >>> found.capacity, round(found.distance, 3)
    (10, 0.444)
    """
    capacities, ratios = (_column(curve, name) for name in ("capacity", "miss_ratio"))
    fall = ratios[0] - ratios[-1]
    if len(capacities) < 3 or fall <= 0:
        return None
    along = np.log(capacities)
    along = (along - along[0]) / (along[-1] - along[0])
    below = (ratios[0] - ratios) / fall - along
    place = int(np.argmax(below))
    if below[place] <= 1e-12:
        return None
    return Knee(int(capacities[place]), float(ratios[place]), float(below[place]))


def cheapest(
    curve: pa.Table,
    *,
    price_per_miss: float,
    price_per_object: float | None = None,
    price_per_byte: float | None = None,
) -> Cheapest:
    """The size that costs least: its room, and the misses of the whole trace.

    The price of room is for as long as the trace lasts. No cache at all, in which every request is a miss, is one of
    the choices. Of sizes that cost the same, the smallest.

    Args:
        curve: As `assay.miss_ratio_curve` gives it: columns capacity, misses and miss_ratio, n rows.
        price_per_miss: What a miss costs, at least 0.
        price_per_object: What room for one object costs while the trace lasts, for a curve in objects.
        price_per_byte: What room for one byte costs while the trace lasts, for a curve in bytes.

    Raises:
        ParameterError: A price is negative or no number, or not one of the two prices of room was given.
        UnknownNameError: A column is missing.
        EmptyInputError: The curve has no rows.

    >>> curve = pa.table({"capacity": [1, 10, 100], "misses": [90, 20, 10], "miss_ratio": [0.9, 0.2, 0.1]})
    >>> cheapest(curve, price_per_object=1.0, price_per_miss=1.0).capacity
    10
    """
    prices = {"price_per_object": price_per_object, "price_per_byte": price_per_byte}
    given = {name: price for name, price in prices.items() if price is not None}
    if len(given) != 1:
        raise ParameterError(
            f"{' and '.join(given) or 'no price of room'} given; expected one: price_per_object for a curve in "
            "objects, price_per_byte for one in bytes"
        )
    high = float(np.finfo(np.float64).max)
    (room,) = (number(name, price, 0, high, "a price of at least 0") for name, price in given.items())
    miss = number("price_per_miss", price_per_miss, 0, high, "a price of at least 0")
    capacities, misses, ratios = (_column(curve, name) for name in ("capacity", "misses", "miss_ratio"))
    missed = ratios > 0
    requests = round(float(misses[missed][0] / ratios[missed][0])) if missed.any() else 0
    capacities, misses, ratios = (
        np.concatenate(([first], rest)) for first, rest in ((0.0, capacities), (float(requests), misses), (1.0, ratios))
    )
    costs = room * capacities + miss * misses
    place = int(np.argmin(costs))
    return Cheapest(
        capacity=int(capacities[place]),
        misses=int(misses[place]),
        miss_ratio=float(ratios[place]),
        cost=float(costs[place]),
        cost_of_room=float(room * capacities[place]),
        cost_of_misses=float(miss * misses[place]),
    )


def _column(curve: pa.Table, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    if name not in curve.column_names:
        raise UnknownNameError.of("column of the curve", name, curve.column_names)
    if not curve.num_rows:
        raise EmptyInputError("the curve has no rows; expected at least one capacity")
    values: np.ndarray[Any, np.dtype[np.float64]] = curve.column(name).to_numpy().astype(np.float64)
    return values
