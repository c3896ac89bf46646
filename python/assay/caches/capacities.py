"""Capacities as people say them: a number, "1%" of the distinct keys or of their bytes, "64MiB".

Of a share, ⌊share × whole⌋ counts, at least 1, computed exactly: 1% of 76,349 keys are 763 (DEFINITIONS of the
field differ; METHODOLOGY, "Caches").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from assay.checks import UINT64_HIGH, integer
from assay.errors import ParameterError
from assay.units import parse_bytes

__all__ = ["WANTED", "Capacity", "capacities_of", "check_capacity", "objects_or_bytes"]

Capacity = int | str

WANTED = 'a whole number of at least 1, a share such as "1%", or, of bytes, a size such as "64MiB"'


def capacities_of(capacity: Capacity | Sequence[Capacity]) -> list[Capacity]:
    """One capacity or several, as a list.

    Raises:
        ParameterError: There is none, or what was given is no list.
    """
    if isinstance(capacity, str) or not hasattr(capacity, "__iter__"):
        return [capacity]
    if isinstance(capacity, bytes | bytearray | Mapping):
        raise ParameterError(f"capacity is {capacity!r}; expected {WANTED}, or a list of these")
    found = list(capacity)
    if not found:
        raise ParameterError(f"capacity is an empty list; expected {WANTED}")
    return found


def check_capacity(capacity: Any) -> None:
    """Whether it is a number or a text at all; what the text says is known when it is known what is counted.

    Raises:
        ParameterError: It is neither, below 1, or beyond 64 bits.
    """
    if isinstance(capacity, str):
        return
    if isinstance(capacity, int) and not isinstance(capacity, bool) and capacity > UINT64_HIGH:
        raise ParameterError(f"capacity is {capacity}; expected at most {UINT64_HIGH:,}")
    integer("capacity", capacity, 1, UINT64_HIGH, WANTED)


def objects_or_bytes(capacity: Any, whole: int, *, bytes_: bool) -> int:
    """What the capacity comes to.

    Args:
        capacity: As it was given.
        whole: What a share is of: the distinct keys, or the bytes of all objects.
        bytes_: Whether bytes are counted, so that sizes such as "64MiB" mean something.

    Raises:
        ParameterError: It is none of these, below 1, or more than all.

    >>> objects_or_bytes("1%", 76349, bytes_=False)
    763
    """
    if not isinstance(capacity, str):
        check_capacity(capacity)
        return int(capacity)
    text = capacity.strip()
    if text.endswith("%"):
        try:
            share = Fraction(text[:-1].strip()) / 100
        except (ValueError, ZeroDivisionError):
            share = Fraction(-1)
        if not 0 < share <= 1:
            raise ParameterError(
                f"capacity is {capacity!r}; expected a share above 0%, such as 0.1% or 10%, and at most 100%, in which "
                "all that the trace asks for has room"
            )
        return max(1, int(share * whole))
    if text.isdecimal():
        check_capacity(int(text))
        return int(text)
    if not bytes_:
        raise ParameterError(f"capacity is {capacity!r}; expected {WANTED}; name the column of sizes to count bytes")
    try:
        return integer("capacity", parse_bytes(text), 1, UINT64_HIGH, WANTED)
    except ValueError as error:
        raise ParameterError(f"capacity is {capacity!r}; expected {WANTED}") from error
