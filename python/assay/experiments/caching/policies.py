"""Policies of the catalogue: all of them, which draw lots, and which others are measured by."""

from __future__ import annotations

from assay.caches.policies import PolicySpec, parse_policy
from assay.catalogue import contenders

__all__ = ["BASELINE", "BOUND", "USUAL", "draws_lots", "knows_the_future", "propose", "reference"]

BASELINE, USUAL, BOUND = "fifo", "lru", "opt"  # what others are measured by: the least, the usual, and the best


def propose() -> list[str]:
    """Every policy of the catalogue that the core simulates."""
    return [contender.name for contender in contenders("cache") if contender.implementation is None]


def reference(name: str) -> PolicySpec | None:
    """A policy that others are measured by, with its defaults; None where the catalogue has it not."""
    return parse_policy(name) if name in propose() else None


def draws_lots(spec: PolicySpec) -> bool:
    """Whether another seed gives other numbers."""
    return "seed" in spec.contender.abilities


def knows_the_future(spec: PolicySpec) -> bool:
    """Whether it is a bound for others, and nothing that can be built."""
    return "offline" in spec.contender.abilities
