"""A target's own hash: the same strategy by the function that the target will use, where assay implements it.

The rows that it predicts are then those of the target, beside the measured ones, and a note gives both. Where
assay does not implement the function, or not for these types, the note says that placement will differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from assay.catalogue import find, strategies
from assay.datasets.spelling import quote_name
from assay.errors import UsageError
from assay.experiments.partitioning.strategies import StrategySpec
from assay.targets import TARGETS
from assay.targets.layout import Layout

__all__ = ["NATIVE", "Native", "native_layout", "native_note", "native_spec"]


@dataclass(frozen=True)
class Native:
    """The strategy that places as a target's own hash does: `hash` with a function, or a strategy of its own."""

    strategy: str
    function: str | None
    described: str  # the target's hash, in words


NATIVE: Mapping[str, Native] = {
    "postgres": Native(
        "hash", "postgres", "its own 64-bit hash of the key's type (hashint8extended, hashtextextended ...)"
    ),
}


def native_spec(spec: StrategySpec, target: str) -> StrategySpec | None:
    """The strategy with the target's own hash in place of each `hash`; None if assay has not that function."""
    native = NATIVE[target]
    known = {contender.name: contender for contender in strategies()}
    if native.strategy not in known:
        return None
    if native.function is not None:
        choices = find(native.strategy, strategies(), "strategy").parameter("function").choices
        if native.function not in choices:
            return None
    return _replaced(spec, native)


def _replaced(spec: StrategySpec, native: Native) -> StrategySpec:
    if spec.parts:
        first, second = (_replaced(part, native) for part in spec.parts)
        given = "".join(f",{name}={value}" for name, value in spec.parameters.items())
        return replace(spec, text=f"{spec.name}({first.text},{second.text}{given})", parts=(first, second))
    if spec.name != "hash":
        return spec
    function = "" if native.function is None else f",function={native.function}"
    text = f"{native.strategy}({','.join(map(quote_name, spec.columns))}{function})"
    parameters = {} if native.function is None else {"function": native.function}
    return StrategySpec(text, native.strategy, spec.columns, parameters)


def native_layout(layout: Layout, target: str) -> Layout | None:
    """The layout by the target's own hash; None if assay cannot tell it."""
    spec = native_spec(layout.spec, target)
    if spec is None:
        return None
    try:
        return layout.like(spec)
    except UsageError:
        return None


def native_note(target: str, layout: Layout, native: Layout | None) -> str:
    """Where the target's hash differs from the measured one, and what to do."""
    title, own = TARGETS[target].title, NATIVE[target]
    if native is not None and native.spec.text == layout.spec.text:
        return f"{title} hashes as {layout.spec.text} does, so rows land as measured."
    opening = (
        f"{title} hashes by {own.described}, not as {layout.spec.text} does, which was measured: rows land elsewhere."
    )
    if native is None:
        return (
            f"{opening} The rows predicted are those of the measured function; counts will be about alike, places not. "
            "--exact keeps the measured placement, where the target can."
        )
    return (
        f"{opening} The rows predicted are those of {native.spec.text}, which places as {title} does: the fullest "
        f"partition holds {native.max_over_mean:.3f} x the mean, as measured {layout.max_over_mean:.3f} x. "
        f'`assay compare partitioning ... --strategy "{native.spec.text}"` measures it.'
    )
