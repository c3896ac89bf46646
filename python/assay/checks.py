"""What the primitives are given, checked: numbers within bounds and names, whatever library they come from.

A value of the wrong kind gets the same answer as one out of bounds: the thing, the value, what was wanted.
"""

from __future__ import annotations

import math
import operator
from typing import Any

from assay.errors import ParameterError

__all__ = ["UINT64_HIGH", "integer", "name_of", "number"]

UINT64_HIGH = 2**64 - 1


def integer(name: str, value: Any, low: int, high: int, wanted: str = "") -> int:
    """The integer within its bounds; `wanted` says these in other words.

    Raises:
        ParameterError: It is none, or out of bounds. A float is none, a bool neither.

    >>> integer("count", 3, 1, 10)
    3
    """
    try:
        found = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        found = None
    if found is None or not low <= found <= high:
        raise ParameterError(f"{name} is {value!r}; expected {wanted or f'an integer from {low} to {high}'}")
    return found


def number(name: str, value: Any, low: float, high: float, wanted: str = "") -> float:
    """The number within its bounds; `wanted` says these in other words.

    Raises:
        ParameterError: It is none, or out of bounds.
    """
    found = math.nan
    if not isinstance(value, bool | str | bytes) and hasattr(value, "__float__"):
        found = float(value)
    if not low <= found <= high:
        raise ParameterError(f"{name} is {value!r}; expected {wanted or f'a number from {low:g} to {high:g}'}")
    return found


def name_of(name: str, value: Any, wanted: str) -> str:
    """The name, if it is text; whether there is such a thing, the core says.

    Raises:
        ParameterError: It is no text.
    """
    if not isinstance(value, str):
        raise ParameterError(f"{name} is {value!r}; expected the name of {wanted}")
    return value
