"""Policies as they are spelled: `lru`, `slru(segments=4)`; the catalogue's room `cache` has them all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.checks import UINT64_HIGH, integer
from assay.datasets.spelled import Spelled
from assay.errors import ParameterError

__all__ = ["PolicySpec", "check_in_front", "guarded", "parse_admission", "parse_policy"]


class PolicySpec(Spelled):
    """A policy or an admission as it was spelled, checked against the catalogue."""

    @property
    def is_stack(self) -> bool:
        """Whether reuse distances alone tell what it misses, at every size."""
        return self.name in ("lru", "opt") and not self.parameters


def parse_policy(text: str) -> PolicySpec:
    """The policy that `text` spells.

    Raises:
        SpellingError: It cannot be parsed, or has arguments without names.
        UnknownNameError: There is no such policy or parameter; the nearest is offered.
        ParameterError: A parameter is out of its bounds.

    >>> parse_policy(" lru ").text
    'lru'
    """
    return PolicySpec.parse(text, "cache")


def parse_admission(text: str) -> PolicySpec:
    """The admission that `text` spells: `tiny_lfu`, `size(at_most=4096)`.

    Raises:
        SpellingError: It cannot be parsed, or has arguments without names.
        UnknownNameError: There is no such admission or parameter; the nearest is offered.
        ParameterError: A parameter is out of its bounds.

    >>> parse_admission("size(at_most=4096)").parameters
    {'at_most': 4096}
    """
    return PolicySpec.parse(text, "admission")


def check_in_front(spec: PolicySpec, *, write: str | None, admission: str | None, ttl: int | str | None) -> None:
    """Whether a write scheme, an admission or a time to live can stand in front of the policy.

    Each is None where there is none.

    Raises:
        ParameterError: It cannot.
    """
    if "bound" in spec.contender.abilities and (write, admission, ttl) != (None, None, None):
        raise ParameterError(
            f"{spec.name} is a bound and holds nothing; write schemes, admission and ttl need a policy"
        )


def guarded(parameters: Mapping[str, Any], admission: str | None, ttl: int | str | None) -> dict[str, Any]:
    """A policy's parameters as the core takes them, with what stands in front of it.

    Args:
        parameters: Those of the policy.
        admission: An admission as it is spelled, or None.
        ttl: How long an object is true after it was put in, at least 1; the column that says so; or None.

    Raises:
        As `parse_admission`; ParameterError: `ttl` is no whole number of at least 1.

    >>> guarded({"k": 3}, "second_hit", 60)
    {'k': 3, 'admission': ('second_hit', {}), 'ttl': 60}
    """
    found = dict(parameters)
    if admission is not None:
        spec = parse_admission(admission)
        found["admission"] = (spec.name, dict(spec.parameters))
    if isinstance(ttl, str):
        found["ttl"] = "requests"
    elif ttl is not None:
        wanted = (
            "a whole number of at least 1, in the unit of the column of times, or in requests without one; or the name "
            "of a column of such numbers"
        )
        found["ttl"] = integer("ttl", ttl, 1, UINT64_HIGH, wanted)
    return found
