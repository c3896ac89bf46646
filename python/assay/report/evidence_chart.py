"""The chart of a claim: measured numbers beside what was expected of them, a panel a metric.

Each line is one number: a mark on an axis, the expected part of the axis shaded, its words beside it. All lines of a
panel share one axis, so that what speaks for a sentence and what speaks against it are seen side by side. It is plain
markup, placed in percent: it needs no script, prints, and reads as a list where nobody sees it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from assay.report.evidence import Number
from assay.report.markup import Html, element, escape, join
from assay.report.screen import unbroken
from assay.report.vocabulary import describe, split_name
from assay.units import format_value

__all__ = ["Axis", "Role", "evidence_chart"]

Role = Literal["for", "against"]
_ROLES: dict[Role, str] = {"for": "speaks for it", "against": "speaks against it"}

# Beyond this ratio of the greatest to the least number an axis is logarithmic, with room for zero.
_WIDE = 30
# What is smaller than the greatest number by more than this lies at zero.
_FARTHEST = 1e9
_PADDING = 0.04
_MOST_TICKS = 5
_NEAR = 12  # percent of the axis that a tick's text may need


class Axis:
    """Where a number lies on a common axis, in percent of its width.

    Shares go from 0 to 1, ratios include 1, which is their ideal, and numbers of things include 0. Numbers that span
    more than a factor of 30 are placed by their inverse hyperbolic sine: a logarithm that knows zero.
    """

    def __init__(self, numbers: Sequence[float], unit: str) -> None:
        anchors = {"share": (0.0, 1.0), "ratio": (1.0,)}.get(unit, (0.0,))
        inside = [*anchors, *(number for number in numbers if math.isfinite(number))]
        self.unit = unit
        self.low, self.high = min(inside), max(inside)
        positive = [number for number in inside if number > 0]
        self.wide = self.low >= 0 and bool(positive) and max(positive) > _WIDE * min(positive)
        self._least = max(min(positive, default=1.0), max(positive, default=1.0) / _FARTHEST)
        if self.low == self.high:
            self.high += 1

    def place(self, number: float) -> float:
        """From 0 to 100; what lies beyond an end is at that end."""
        low, high = self._scaled(self.low), self._scaled(self.high)
        share = (self._scaled(min(max(number, self.low), self.high)) - low) / (high - low)
        return 100 * (_PADDING + (1 - 2 * _PADDING) * share)

    def ticks(self) -> list[tuple[float, str]]:
        """(number, its text) for a few round numbers of the axis."""
        if not self.wide:
            span = self.high - self.low
            step = 10.0 ** math.floor(math.log10(span))
            step *= next(factor for factor in (0.25, 0.5, 1, 2, 2.5, 5) if span / (factor * step) <= _MOST_TICKS - 1)
            first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
            ticks = [(n * step, self._text(n * step, step)) for n in range(first, last + 1)]
            alone = all(abs(self.place(number) - self.place(self.low)) > _NEAR for number, _ in ticks)
            return [(self.low, self._text(self.low, step)), *ticks] if alone and self.unit == "ratio" else ticks
        base = 1024 if self.unit == "bytes" else 10
        first, last = math.ceil(math.log(self._least, base) - 1e-9), math.floor(math.log(self.high, base) + 1e-9)
        stride = max(1, math.ceil((last - first + 1) / (_MOST_TICKS - 1)))
        powers = [float(base) ** power for power in range(first, last + 1, stride)]
        return [(number, self._text(number, number or 1.0)) for number in ([0.0] if self.low == 0 else []) + powers]

    def _scaled(self, number: float) -> float:
        return math.asinh(number / self._least) if self.wide else number

    def _text(self, number: float, step: float) -> str:
        if self.unit == "share":
            return f"{100 * number:g} %" if number else "0"
        if self.unit in ("bytes", "ns", "s"):
            return format_value(number, self.unit) if number else "0"
        decimals = max(0, 1 - math.floor(math.log10(step))) if step < 1 else 0
        text = f"{number:,.{decimals}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text


@dataclass(frozen=True)
class _Line:
    role: Role
    number: Number


def evidence_chart(evidence: Sequence[Number], counterexample: Sequence[Number]) -> Html:
    """A panel for each metric, in the order in which a claim names them; nothing without numbers."""
    panels: dict[tuple[str, str], list[_Line]] = {}
    roles: tuple[tuple[Role, Sequence[Number]], ...] = (("for", evidence), ("against", counterexample))
    for role, numbers in roles:
        for number in numbers:
            family, _ = split_name(number.metric)
            panels.setdefault((family, number.unit), []).append(_Line(role, number))
    return element("div", *(_panel(lines) for lines in panels.values()), class_="evidence") if panels else Html("")


def _panel(lines: Sequence[_Line]) -> Html:
    names = list(dict.fromkeys(line.number.metric for line in lines))
    numbers = [line.number for line in lines]
    axis = Axis([n for one in numbers for n in (one.value, one.low, one.high) if n is not None], numbers[0].unit)
    label = describe(names[0]) if len(names) == 1 else describe(split_name(names[0])[0])
    items = [_item(line, axis, named=len(names) > 1) for line in lines]
    meaning = element("small", f" {label.meaning}") if label.meaning else Html("")
    return element("div", element("h5", label.label, meaning), element("ul", *items), _ticks(axis), class_="panel")


def _item(line: _Line, axis: Axis, *, named: bool) -> Html:
    number = line.number
    subject: list[str | Html] = [element("code", number.contender), *_place(number.where)]
    if named:
        subject.append(f", {describe(number.metric).label.partition(': ')[2] or split_name(number.metric)[1]}")
    sign, words = ("✓", number.wanted) if number.met else ("✗", f"not {number.wanted}")
    if number.met is None:
        sign, words = "?", f"expected {number.wanted}"
    state = "unmeasured" if number.met is None else "met" if number.met else "unmet"
    return element(
        "li",
        element("span", line.role, class_="role", title=_ROLES[line.role]),
        element("span", *subject, class_="subject"),
        _track(number, axis),
        element("span", element("b", unbroken(number.value_text)), f" {words} ", sign, class_="value"),
        class_=f"{line.role} {state}",
    )


def _place(where: str) -> list[str | Html]:
    """Where a number was measured; a generator's parameters in small: they matter to whoever measures it again."""
    found = re.match(r"( on \w+)(\([^()]*\))(.*)", where, re.DOTALL)
    return [found[1], element("small", f" {found[2]}"), found[3]] if found else [where]


def _track(number: Number, axis: Axis) -> Html:
    """The expected part of the axis, its bounds, and the mark; for the eye alone, as the words say the same."""
    left = 0.0 if math.isinf(number.low) else axis.place(number.low)
    right = 100.0 if math.isinf(number.high) else axis.place(number.high)
    parts = [_at("zone", left, right - left)]
    parts += [
        _at("bound", axis.place(bound)) for bound in dict.fromkeys((number.low, number.high)) if math.isfinite(bound)
    ]
    parts += [] if number.value is None else [_at("dot", axis.place(number.value))]
    return element("span", *parts, class_="track", aria_hidden="true")


def _ticks(axis: Axis) -> Html:
    marks = [element("i", escape(text), style=f"left:{axis.place(number):.2f}%") for number, text in axis.ticks()]
    return element("div", element("span", join(marks)), class_="ticks", aria_hidden="true")


def _at(kind: str, left: float, width: float | None = None) -> Html:
    style = f"left:{left:.2f}%" + ("" if width is None else f";width:{width:.2f}%")
    return element("i", class_=kind, style=style)
