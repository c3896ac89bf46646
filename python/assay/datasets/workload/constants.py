"""Constants of a statement, as functions of its literals and placeholders.

A template holds marks where literals stood; the same expression is therefore evaluated for each
statement: literals, casts to dates and times, a date and an interval added, arrays. What needs a
clock, a subquery or a function is `UNKNOWN`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from assay.datasets.workload.sql_text import Literals, number_slot, text_slot
from assay.datasets.workload.values import UNKNOWN, Interval, Moment, moment, shifted

__all__ = ["Constant", "Values", "array", "constant", "constant_of", "fixed"]

_ARRAY_ITEM = re.compile(r'\s*("(?:[^"\\]|\\.)*+")\s*(?:,|$)|([^,]*+)(?:,|$)')
_ARRAY_ESCAPE = re.compile(r"\\(.)")


Values = Mapping[str, Any] | None  # of placeholders
Constant = Callable[[Literals, Values], Any]


def constant_of(node: Any, exp: Any) -> Constant | None:
    """What gives the node's value from literals and placeholders, or None if it depends on a column."""
    if node.find(exp.Column) is not None:
        return None
    return constant(node, exp)


def constant(node: Any, exp: Any) -> Constant:
    if isinstance(node, exp.Paren):
        return constant(node.this, exp)
    if isinstance(node, exp.Literal):
        return _literal(node.this, is_text=node.is_string)
    if isinstance(node, exp.Boolean):
        return fixed(bool(node.this))
    if isinstance(node, exp.Null):
        return fixed(None)
    if isinstance(node, exp.Neg):
        return _applied(lambda value: -value, constant(node.this, exp))
    if isinstance(node, exp.Parameter | exp.Placeholder):
        name = node.this.name if hasattr(node.this, "name") else str(node.this or "")
        return _placeholder(name)
    if isinstance(node, exp.Cast):
        return _cast(node, exp)
    if isinstance(node, exp.Interval):
        return _interval(constant(node.this, exp), None if node.unit is None else node.unit.name)
    if isinstance(node, exp.Date | exp.Timestamp | exp.TsOrDsToDate) and node.this is not None:
        as_date = not isinstance(node, exp.Timestamp)
        return _applied(lambda value: moment(value, as_date=as_date), constant(node.this, exp))
    if isinstance(node, exp.DateAdd | exp.DateSub | exp.TimestampAdd | exp.TimestampSub) and node.args.get("unit"):
        by = node.expression.this if isinstance(node.expression, exp.Interval) else node.expression
        sign = -1 if isinstance(node, exp.DateSub | exp.TimestampSub) else 1
        interval = _interval(constant(by, exp), node.args["unit"].name)
        return _applied(lambda left, right: _sum(left, right, sign), constant(node.this, exp), interval)
    if isinstance(node, exp.Add | exp.Sub):
        sign = -1 if isinstance(node, exp.Sub) else 1
        left, right = constant(node.this, exp), constant(node.expression, exp)
        return _applied(lambda one, other: _sum(one, other, sign), left, right)
    if isinstance(node, exp.Mul):
        left, right = constant(node.this, exp), constant(node.expression, exp)
        return _applied(_product, left, right)
    return fixed(UNKNOWN)


def _cast(node: Any, exp: Any) -> Constant:
    inner = constant(node.this, exp)
    kind = node.to.this.name if hasattr(node.to.this, "name") else str(node.to.this)
    if kind.startswith("DATE") and "TIME" not in kind:
        return _applied(lambda value: moment(value, as_date=True), inner)
    if kind.startswith(("TIMESTAMP", "DATETIME")):
        return _applied(lambda value: moment(value, as_date=False), inner)
    if kind == "INTERVAL":
        return _interval(inner, None)
    return inner


def fixed(value: Any) -> Constant:
    return lambda literals, values: value


def _literal(text: str, *, is_text: bool) -> Constant:
    slot = text_slot(text) if is_text else None
    if slot is None:
        slot = number_slot(text)  # the parser makes a text of INTERVAL 1 DAY's number
    if slot is not None:
        return lambda literals, values: literals[slot]
    if is_text:
        return fixed(text)
    return fixed(int(text) if text.isdigit() else Decimal(text))


def _placeholder(name: str) -> Constant:
    def value(literals: Literals, values: Values) -> Any:
        if values is None or name not in values:
            return UNKNOWN
        found = values[name]
        return list(found) if isinstance(found, tuple | list) else found

    return value


def _applied(function: Callable[..., Any], *arguments: Constant) -> Constant:
    def value(literals: Literals, values: Values) -> Any:
        given = [argument(literals, values) for argument in arguments]
        if any(one is UNKNOWN for one in given):
            return UNKNOWN
        if any(one is None for one in given):
            return None
        try:
            return function(*given)
        except TypeError:
            raise ValueError(f"{given[0]!r} cannot be used so") from None

    return value


def _interval(inner: Constant, unit: str | None) -> Constant:
    def parsed(value: Any) -> Any:
        if isinstance(value, Interval):
            return value
        is_number = unit is not None and (
            not isinstance(value, str) or value.strip().lstrip("+-").replace(".", "").isdigit()
        )
        return Interval.parse(str(value), unit if is_number else None)

    return _applied(parsed, inner)


def _sum(left: Any, right: Any, sign: int) -> Any:
    if isinstance(left, Interval) and not isinstance(right, Interval) and sign == 1:
        left, right = right, left
    if isinstance(right, Interval):
        return shifted(left if isinstance(left, Moment) else moment(left), right, sign)
    if isinstance(left, Moment):
        if isinstance(right, int) and left.is_date:
            return shifted(left, Interval(0, Fraction(86_400 * right)), sign)
        raise ValueError("a time and a number cannot be added")
    return left + right if sign == 1 else left - right


def _product(left: Any, right: Any) -> Any:
    if isinstance(left, Interval) or isinstance(right, Interval):
        interval, times = (left, right) if isinstance(left, Interval) else (right, left)
        months = interval.months * Fraction(times)
        if months.denominator != 1:
            raise ValueError("a part of a month")
        return Interval(int(months), interval.seconds * Fraction(times))
    if isinstance(left, str) or isinstance(right, str):
        raise ValueError("a text cannot be multiplied")
    return left * right


def array(inner: Constant) -> Constant:
    """PostgreSQL's text of an array, '{a,b}', as its values."""

    def value(literals: Literals, values: Values) -> Any:
        found = inner(literals, values)
        if isinstance(found, str):
            return _array_values(found)
        return found

    return value


def _array_values(text: str) -> list[Any]:
    text = text.strip()
    if not (text.startswith("{") and text.endswith("}")) or "{" in text[1:]:
        raise ValueError(f"{text!r} is no array")
    found: list[Any] = []
    for quoted, bare in _ARRAY_ITEM.findall(text[1:-1]):
        if quoted:
            found.append(_ARRAY_ESCAPE.sub(r"\1", quoted[1:-1]))
        elif bare.strip():
            found.append(None if bare.strip().upper() == "NULL" else bare.strip())
    return found
