"""The Pareto set: contenders that no other equals or beats on every criterion and beats on one."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["pareto"]


def pareto(points: Mapping[str, tuple[float, ...]]) -> list[str]:
    """The names that nothing beats, in order; every criterion is better when lower.

    >>> pareto({"even": (1.0, 5.0), "small": (2.0, 1.0), "worse": (2.0, 6.0)})
    ['even', 'small']
    """

    def beaten(own: tuple[float, ...]) -> bool:
        return any(all(a <= b for a, b in zip(other, own, strict=True)) and other != own for other in points.values())

    return [name for name, own in points.items() if not beaten(own)]
