"""What a suite expected, in words."""

from __future__ import annotations

import re

from assay.report.run_view import ExpectationView
from assay.report.vocabulary import describe, settings_words
from assay.units import format_value

__all__ = ["expectation_words"]

_NUMBER = re.compile(r"-?\d[\d.]*(?:e[+-]?\d+)?")  # the lower bound in "between 0.85 and"


def expectation_words(expected: ExpectationView, unit: str) -> str:
    """What was expected and what was found: `hash(k), 8 partitions: load CV is 0.300 (expected: below 0.100)`."""
    settings = settings_words(expected.parameters)
    where = f"{expected.contender}, {settings}" if settings else expected.contender
    found = "was not measured" if expected.met is None else f"is {format_value(expected.value, unit)}"
    bound = "" if expected.bound is None else f" {format_value(expected.bound, unit)}"
    relation = _NUMBER.sub(lambda match: format_value(float(match[0]), unit), expected.relation)
    return f"{where}: {describe(expected.metric).label} {found} (expected: {relation}{bound})"
