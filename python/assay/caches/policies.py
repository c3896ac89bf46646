"""Policies as they are spelled: `lru`, `slru(segments=4)`; the catalogue's room `cache` has them all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assay.catalogue import Contender, contenders, find
from assay.datasets.spelling import parse_nested, without_blanks
from assay.errors import SpellingError

__all__ = ["PolicySpec", "parse_policy"]


@dataclass(frozen=True)
class PolicySpec:
    """A policy as it was spelled, checked against the catalogue."""

    text: str  # its spelling without blanks
    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def contender(self) -> Contender:
        """The catalogue's entry."""
        return find(self.name, contenders("cache"), "policy")

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
    node = parse_nested(text)
    contender = find(node.name, contenders("cache"), "policy")
    if node.positional:
        raise SpellingError(f"{node.text}: a policy's parameters have names; write {node.name}(parameter=value)")
    return PolicySpec(without_blanks(node.text), node.name, contender.check(node.keywords))
