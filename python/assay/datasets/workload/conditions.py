"""What a statement asks of one table, before and after its values are filled in.

A condition is usable if a router can be sure of it: a column equal to a value, in a list, or within
bounds, joined to the others by AND. `bind` fills in literals and placeholders, in microseconds.
Source: METHODOLOGY, "Workload".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import pyarrow as pa

from assay.datasets.workload.constants import Constant, Values
from assay.datasets.workload.sql_text import Literals
from assay.datasets.workload.values import UNKNOWN, Interval, Physical, holds, lower, moment, physical, shifted, upper

__all__ = ["Access", "Bound", "Condition", "Kind", "Window", "bind"]

Kind = Literal["select", "insert", "update", "delete"]


@dataclass(frozen=True)
class Condition:
    """One usable condition: a column equal to one of some values, or within bounds (a missing bound is None).

    `day` says that the column is compared by its day: cast to a date.
    """

    column: str
    values: tuple[Constant, ...] | None = None
    is_list: bool = False
    low: Constant | None = None
    low_open: bool = False
    high: Constant | None = None
    high_open: bool = False
    day: bool = False


@dataclass(frozen=True)
class Access:
    """One reading or writing of the table.

    Attributes:
        kind: What the statement does.
        conditions: Usable conditions, all of which must hold.
        joins: Names of the foreign keys that it joins by.
        undeclared_joins: Whether it joins another table otherwise.
        groups: The columns that it groups by.
        reads: The columns that it reads.
        partial: Whether other conditions restrict it too.
        sets: The columns that an UPDATE changes.
        name: Of the declared query that it is an instance of, if any.
    """

    kind: Kind
    conditions: tuple[Condition, ...]
    joins: tuple[str, ...] = ()
    undeclared_joins: bool = False
    groups: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    partial: bool = False
    sets: tuple[str, ...] = ()
    name: str = ""


@dataclass(frozen=True)
class Window:
    """Bounds of a column in its physical values, both inside unless `high_open`; None has no bound."""

    low: Physical | None
    high: Physical | None
    high_open: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing can lie within."""
        low, high = self.low, self.high
        if low is None or high is None:
            return False
        return bool(high < low or (self.high_open and low == high))  # type: ignore[operator]


@dataclass(frozen=True)
class Bound:
    """An access with its values.

    Attributes:
        points: Columns equal to one of some values, each sorted and once.
        windows: Columns within bounds.
        unknown: Columns whose values the log does not tell → "point", "in_list" or "range".
        sizes: Values in each list that is not told.
    """

    points: tuple[tuple[str, tuple[Physical, ...]], ...]
    windows: tuple[tuple[str, Window], ...]
    unknown: tuple[tuple[str, str], ...] = ()
    sizes: tuple[tuple[str, int], ...] = ()

    @property
    def is_impossible(self) -> bool:
        """Whether its conditions contradict each other, so that nothing can be found anywhere."""
        return not all(values for _, values in self.points) or any(window.is_empty for _, window in self.windows)


def bind(access: Access, types: Mapping[str, pa.DataType], literals: Literals, values: Values) -> Bound:
    """The access with the literals and placeholders of one statement.

    Raises:
        ValueError: A value that its column cannot hold; the message says which.
    """
    sets: dict[str, set[Physical]] = {}
    windows: dict[str, Window] = {}
    unknown: dict[str, str] = {}
    sizes: dict[str, int] = {}
    for condition in access.conditions:
        name, data_type = condition.column, types[condition.column]
        try:
            if condition.values is not None and not condition.day:
                given = [constant(literals, values) for constant in condition.values]
                given = [one for value in given for one in (value if isinstance(value, list) else [value])]
                if any(one is UNKNOWN for one in given):
                    unknown[name] = "in_list" if condition.is_list else "point"
                    sizes[name] = len(given)
                    continue
                exact = {_exact(one, data_type) for one in given if one is not None}
                found = {one for one in exact if one is not None}
                if not found:
                    raise ValueError("null" if not exact else f"{given[0]!r} is no {data_type}")
                sets[name] = sets[name] & found if name in sets else found
                continue
            window = _window(condition, data_type, literals, values)
        except (ValueError, OverflowError, ArithmeticError, pa.ArrowException) as error:
            raise ValueError(f"{name}: {error}") from None
        if window is None:
            unknown.setdefault(name, "range")
        else:
            windows[name] = _both(windows[name], window) if name in windows else window
    for name in sets.keys() & windows.keys():
        window = windows.pop(name)
        sets[name] = {one for one in sets[name] if _within(one, window)}
    for name in unknown.keys() & (sets.keys() | windows.keys()):
        if unknown[name] == "range" or name in sets:
            del unknown[name]  # what is known of the column stands
        else:
            windows.pop(name, None)
    return Bound(
        tuple((name, tuple(sorted(found))) for name, found in sorted(sets.items())),
        tuple(sorted(windows.items(), key=lambda item: item[0])),
        tuple(sorted(unknown.items())),
        tuple(sorted((name, size) for name, size in sizes.items() if name in unknown)),
    )


def _exact(value: Any, data_type: pa.DataType) -> Physical | None:
    """A value that can equal one of the column's, or None if it lies between its ticks or beyond its bounds."""
    found = physical(value, data_type)
    if isinstance(found, Fraction):
        if found.denominator != 1:
            return None
        found = int(found)
    return found if holds(found, data_type) else None


def _window(condition: Condition, data_type: pa.DataType, literals: Literals, values: Values) -> Window | None:
    """The bounds, or None where one of them is not told."""
    low = None if condition.low is None else condition.low(literals, values)
    high = None if condition.high is None else condition.high(literals, values)
    low_open, high_open = condition.low_open, condition.high_open
    if condition.values is not None:
        low = high = condition.values[0](literals, values)  # a day that the column is cast to
    if low is UNKNOWN or high is UNKNOWN:
        return None
    if (condition.low is not None and low is None) or (condition.high is not None and high is None):
        raise ValueError("null")
    if condition.day:
        day = Interval(0, Fraction(86_400))
        if low is not None:
            low = moment(low, as_date=True)
            low, low_open = (shifted(low, day, 1), False) if low_open else (low, False)
        if high is not None:
            high = moment(high, as_date=True)
            high, high_open = (high, True) if high_open else (shifted(high, day, 1), True)
    least = None if low is None else lower(physical(low, data_type), low_open, data_type)
    most, still_open = (None, False) if high is None else upper(physical(high, data_type), high_open, data_type)
    if (isinstance(least, int) and _beyond(least, data_type) > 0) or (
        isinstance(most, int) and _beyond(most, data_type) < 0
    ):
        return Window(1, 0)  # nothing of the type lies within
    return Window(least, most, still_open)


def _beyond(ticks: int, data_type: pa.DataType) -> int:
    """1 above every value of the type, -1 below, 0 among them."""
    return 0 if isinstance(ticks, bool) or holds(ticks, data_type) else 1 if ticks > 0 else -1


def _both(one: Window, other: Window) -> Window:
    lows = [window.low for window in (one, other) if window.low is not None]
    low = max(lows, default=None)
    highs = [(window.high, not window.high_open) for window in (one, other) if window.high is not None]
    high, closed = min(highs, default=(None, True))
    return Window(low, high, not closed)


def _within(value: Any, window: Window) -> bool:
    if window.low is not None and value < window.low:
        return False
    return window.high is None or bool(value < window.high if window.high_open else value <= window.high)
