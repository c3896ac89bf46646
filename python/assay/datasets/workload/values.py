"""Values of statements, as values of a column.

SQL compares across types: '5' with a number, a date with a timestamp. Here each value becomes the
column's own *physical* value: whole ticks for integers, dates, times, timestamps and decimals, a
float, a text, bytes or a boolean; and a bound that lies between two ticks moves to the one inside
the window. A naive time is taken as the column's own; one with an offset as the instant that it is.
Source: METHODOLOGY, "Workload"; ISO 8601 for texts of dates and times.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa

from assay.datasets.arrow_types import plain_type

__all__ = [
    "UNKNOWN",
    "Interval",
    "Moment",
    "Physical",
    "array_of",
    "holds",
    "lower",
    "moment",
    "physical",
    "shifted",
    "upper",
]

Physical = int | float | str | bytes | bool

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY_S = 86_400
_MOST_DIGITS = 400  # of a number: more than any float or decimal has
_EPOCH = dt.date(1970, 1, 1).toordinal()
_MOMENT = re.compile(
    r"\s*(\d{4})-(\d\d?)-(\d\d?)(?:[T ]\s*(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?)?)?\s*"
    r"(Z|z|UTC|[+-]\d\d?(?::?\d\d)?)?\s*"
)
_CLOCK = re.compile(r"\s*(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?)?\s*")
_SPAN = re.compile(r"\s*([+-]?\d+(?:\.\d+)?)\s*([A-Za-z]+)")
_UNITS_S = {"microsecond": Fraction(1, 10**6), "millisecond": Fraction(1, 10**3), "second": Fraction(1)}
_UNITS_S |= {"minute": Fraction(60), "hour": Fraction(3600), "day": Fraction(_DAY_S), "week": Fraction(7 * _DAY_S)}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_SHORT = {"s": "second", "sec": "second", "m": "minute", "min": "minute", "h": "hour", "d": "day", "w": "week"}
_SHORT |= {"mon": "month", "y": "year", "ms": "millisecond", "us": "microsecond"}


class _Unknown:
    """A value that the log does not tell: a placeholder, a function of the clock."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = _Unknown()


@dataclass(frozen=True)
class Moment:
    """A date or time: seconds since the epoch, and whether it is a whole day (a date) by its type."""

    seconds: Fraction
    is_date: bool = False


@dataclass(frozen=True)
class Interval:
    """A span of time: calendar months, and seconds."""

    months: int = 0
    seconds: Fraction = Fraction(0)

    @classmethod
    def parse(cls, text: str, unit: str | None = None) -> Interval:
        """The interval of `1 day`, `2 hours 30 minutes`, `01:30:00`, or of a number and its unit.

        Raises:
            ValueError: It is none.
        """
        if unit is not None:
            return cls._of(Fraction(text.strip()), unit)
        months, seconds, position = 0, Fraction(0), 0
        while match := _SPAN.match(text, position):
            part = cls._of(Fraction(match[1]), match[2])
            months, seconds, position = months + part.months, seconds + part.seconds, match.end()
        rest = text[position:].strip()
        if clock := _CLOCK.fullmatch(rest):
            seconds += _seconds_of_day(clock.groups())
        elif rest or not position:
            raise ValueError(f"{text!r} is no interval")
        return cls(months, seconds)

    @classmethod
    def _of(cls, number: Fraction, unit: str) -> Interval:
        name = unit.lower()
        name = _SHORT.get(name, name)
        name = name.removesuffix("s") if name not in ("s",) else name
        if name in _UNITS_S:
            return cls(0, number * _UNITS_S[name])
        if name in _MONTHS and number.denominator == 1:
            return cls(int(number) * _MONTHS[name])
        raise ValueError(f"{number} {unit} is no interval")


def moment(value: Any, *, as_date: bool | None = None) -> Moment:
    """A date or time from its text or Python's own; `as_date` cuts it to a day, or makes it a timestamp.

    Raises:
        ValueError: It is none.
    """
    if isinstance(value, str):
        value = _moment_of_text(value)
    elif isinstance(value, dt.datetime):
        offset = value.utcoffset() or dt.timedelta()
        days = value.date().toordinal() - _EPOCH
        clock = value.hour * 3600 + value.minute * 60 + value.second
        value = Moment(
            days * _DAY_S + clock + Fraction(value.microsecond, 10**6) - Fraction(offset // dt.timedelta(0, 1))
        )
    elif isinstance(value, dt.date):
        value = Moment(Fraction((value.toordinal() - _EPOCH) * _DAY_S), True)
    if not isinstance(value, Moment):
        raise ValueError(f"{value!r} is no date or time")
    if as_date:
        return Moment(Fraction(math.floor(value.seconds / _DAY_S) * _DAY_S), True)
    return value if as_date is None else Moment(value.seconds)


def shifted(start: Moment, by: Interval, sign: int) -> Moment:
    """A moment, later or earlier by an interval; a month ends no later than its last day.

    Raises:
        ValueError: The result is beyond the calendar.
    """
    whole, clock = divmod(start.seconds, _DAY_S)
    days = int(whole)
    if by.months:
        try:
            date = dt.date.fromordinal(days + _EPOCH)
            count = date.year * 12 + date.month - 1 + sign * by.months
            year, month = divmod(count, 12)
            following = dt.date(year + (month == 11), (month + 1) % 12 + 1, 1)
            last = (following - dt.timedelta(1)).day
            days = dt.date(year, month + 1, min(date.day, last)).toordinal() - _EPOCH
        except OverflowError:
            raise ValueError("beyond the calendar") from None
    seconds = days * _DAY_S + clock + sign * by.seconds
    return Moment(seconds, start.is_date and seconds % _DAY_S == 0)


def _moment_of_text(text: str) -> Moment:
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no date or time")
    year, month, day, *clock, zone = match.groups()
    days = dt.date(int(year), int(month), int(day)).toordinal() - _EPOCH
    if clock[0] is None:
        return Moment(Fraction(days * _DAY_S), True)
    return Moment(days * _DAY_S + _seconds_of_day(clock) - _offset_s(zone))


def _seconds_of_day(clock: Any) -> Fraction:
    hour, minute, second, fraction = clock
    if int(hour) > 24 or int(minute) > 59 or int(second or 0) > 60:
        raise ValueError("no time of day")
    whole = int(hour) * 3600 + int(minute) * 60 + int(second or 0)
    return whole + (Fraction(int(fraction), 10 ** len(fraction)) if fraction else Fraction(0))


def _offset_s(zone: str | None) -> int:
    if not zone or zone in ("Z", "z", "UTC"):
        return 0
    digits = zone[1:].replace(":", "")
    hours, minutes = int(digits[:2]), int(digits[2:] or 0)
    return (1 if zone[0] == "+" else -1) * (hours * 3600 + minutes * 60)


# A column's physical values


def physical(value: Any, data_type: pa.DataType) -> Fraction | Physical:
    """A value in the column's physical form; a fraction where it may lie between two of the column's ticks.

    Raises:
        ValueError: No value of this type can be equal to it, or be compared with it.
    """
    types: Any = pa.types
    plain = plain_type(data_type)
    if types.is_boolean(plain):
        return _boolean(value)
    if types.is_integer(plain):
        return _number(value)
    if types.is_floating(plain):
        return value if isinstance(value, float) else float(_number(value))
    if types.is_large_string(plain):
        if isinstance(value, str):
            return value
    elif types.is_large_binary(plain) or types.is_fixed_size_binary(plain):
        if isinstance(value, bytes):
            return value
        if isinstance(value, str):
            return value.encode()
    elif types.is_timestamp(plain):
        return moment(value).seconds * _PER_SECOND[plain.unit]
    elif types.is_date(plain):
        return moment(value).seconds / _DAY_S
    elif types.is_time(plain):
        return _clock(value) * _PER_SECOND[plain.unit]
    elif types.is_decimal(plain):
        scale: int = plain.scale
        return _number(value) * Fraction(10) ** scale
    raise ValueError(f"{value!r} is no {data_type}")


def lower(value: Fraction | Physical, is_open: bool, data_type: pa.DataType) -> Physical:
    """The least value of the type that is at least `value`, or above it where the bound is open."""
    if isinstance(value, Fraction):
        return math.floor(value) + 1 if is_open else math.ceil(value)
    if isinstance(value, float):
        kind = _float_kind(data_type)
        found = kind(value)
        below = float(found) < value or (is_open and float(found) == value)
        return float(np.nextafter(found, kind(math.inf)) if below else found)
    if isinstance(value, str):
        return value + "\0" if is_open else value
    if isinstance(value, bytes):
        return value + b"\0" if is_open else value
    return value


def upper(value: Fraction | Physical, is_open: bool, data_type: pa.DataType) -> tuple[Physical, bool]:
    """The greatest value of the type that is at most `value`, or below it; and whether it is still open.

    A text has no greatest one below it, so that its bound stays open.
    """
    if isinstance(value, Fraction):
        return (math.ceil(value) - 1 if is_open else math.floor(value)), False
    if isinstance(value, float):
        kind = _float_kind(data_type)
        found = kind(value)
        above = float(found) > value or (is_open and float(found) == value)
        return float(np.nextafter(found, kind(-math.inf)) if above else found), False
    return value, is_open


def array_of(values: list[Any], data_type: pa.DataType) -> pa.Array:
    """Physical values as an array of the column's plain type; what is beyond the type's bounds becomes its bound.

    Args:
        values: Physical values; None is null.
        data_type: The column's type.
    """
    types: Any = pa.types
    plain = plain_type(data_type)
    if types.is_decimal(plain):
        most = 10**plain.precision - 1
        return pa.array(
            [None if one is None else _scaled(max(-most, min(most, one)), plain.scale) for one in values], plain
        )
    if types.is_integer(plain) or types.is_temporal(plain):
        scale = 1000 * _DAY_S if types.is_date64(plain) else 1
        small = types.is_date32(plain) or types.is_time32(plain)
        storage = plain if types.is_integer(plain) else pa.int32() if small else pa.int64()
        bits = storage.bit_width
        least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        if not types.is_signed_integer(storage):
            least, most = 0, 2**bits - 1
        clipped = [None if one is None else max(least, min(most, one * scale)) for one in values]
        array = pa.array(clipped, storage)
        return array if storage == plain else array.view(plain)
    if types.is_floating(plain):
        return pa.array([None if one is None else float(one) for one in values], pa.float64()).cast(plain)
    return pa.array(values, plain)


def holds(value: Physical, data_type: pa.DataType) -> bool:
    """Whether a physical value is within the type's bounds."""
    back = array_of([value], data_type)
    types: Any = pa.types
    plain = plain_type(data_type)
    if types.is_decimal(plain):
        return bool(abs(int(value)) < 10 ** int(plain.precision))
    if types.is_floating(plain):
        return bool(back[0].as_py() == value)
    if types.is_fixed_size_binary(plain):
        return isinstance(value, bytes) and bool(len(value) == plain.byte_width)
    if types.is_integer(plain):
        return bool(back[0].as_py() == value)
    if types.is_temporal(plain):
        bits = 32 if types.is_date32(plain) or types.is_time32(plain) else 64
        scale = 1000 * _DAY_S if types.is_date64(plain) else 1
        return bool(-(2 ** (bits - 1)) <= int(value) * scale < 2 ** (bits - 1))
    return True


def _number(value: Any) -> Fraction:
    if isinstance(value, bool):
        raise ValueError(f"{value!r} is no number")
    if isinstance(value, Decimal) and not (value.is_finite() and abs(value.adjusted()) < _MOST_DIGITS):
        raise ValueError(f"{value} is beyond any column")
    if isinstance(value, int | Decimal | Fraction):
        return Fraction(value)
    if isinstance(value, float) and math.isfinite(value):
        return Fraction(value)
    if isinstance(value, str):
        try:
            return _number(Decimal(value.strip()))
        except InvalidOperation:
            pass
    raise ValueError(f"{value!r} is no number")


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    words = {"t": True, "true": True, "1": True, "yes": True, "on": True}
    words |= {"f": False, "false": False, "0": False, "no": False, "off": False}
    found = words.get(str(value).strip().lower())
    if found is None:
        raise ValueError(f"{value!r} is neither true nor false")
    return found


def _clock(value: Any) -> Fraction:
    if isinstance(value, dt.time):
        value = value.isoformat()
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{value!r} is no time of day")
    return _seconds_of_day(match.groups())


def _float_kind(data_type: pa.DataType) -> Any:
    return {16: np.float16, 32: np.float32}.get(plain_type(data_type).bit_width, np.float64)


def _scaled(ticks: int, scale: int) -> Decimal:
    sign, digits = (1, -ticks) if ticks < 0 else (0, ticks)
    return Decimal((sign, tuple(int(digit) for digit in str(digits)), -scale))
