"""A target's own hash: where its own function puts each key, where assay implements that function.

The rows that it predicts are then those of the target, beside the measured ones, and a note gives both. Where
assay does not implement the function, or not for these types, the note says that places will differ.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
import pyarrow as pa

from assay.datasets.spelling import quote_name
from assay.experiments.partitioning.strategies import StrategySpec
from assay.targets import TARGETS
from assay.targets.forms import Form
from assay.targets.layout import Layout, rows_of_partitions

__all__ = ["Placed", "Placement", "native_note", "with_function"]


class Placed(Protocol):
    """What says where keys are: a layout, or a target's own placement."""

    @property
    def predicted(self) -> np.ndarray:
        """The rows of each partition."""

    @property
    def keys(self) -> pa.Table:
        """Every distinct key, its rows and its partition."""

    @property
    def max_over_mean(self) -> float:
        """The fullest partition's rows over the mean."""


@dataclass(frozen=True)
class Placement:
    """Where a target puts the keys of one form.

    Attributes:
        layout: The layout that was measured.
        form: The level whose keys are placed.
        assigned: The partition of each distinct key of the form, in their order.
        partitions: How many partitions there are.
    """

    layout: Layout
    form: Form
    assigned: np.ndarray
    partitions: int

    @cached_property
    def predicted(self) -> np.ndarray:
        """The rows of each partition, int64."""
        return rows_of_partitions(self.assigned, self.layout.distinct[self.form.columns].rows, self.partitions)

    @property
    def keys(self) -> pa.Table:
        """Every distinct key, its rows and its partition."""
        distinct = self.layout.distinct[self.form.columns]
        columns = [*distinct.columns, pa.array(distinct.rows), pa.array(self.assigned.astype(np.uint32))]
        return pa.table(columns, names=[*self.form.columns, "rows", "partition"])

    @property
    def max_over_mean(self) -> float:
        """The fullest partition's rows over the mean."""
        return float(self.predicted.max() * self.partitions / self.layout.rows)


def with_function(spec: StrategySpec, function: str) -> StrategySpec:
    """The strategy with a function in place of that of each `hash`."""
    if spec.parts:
        first, second = (with_function(part, function) for part in spec.parts)
        given = "".join(f",{name}={value}" for name, value in spec.parameters.items())
        return replace(spec, text=f"{spec.name}({first.text},{second.text}{given})", parts=(first, second))
    if spec.name != "hash":
        return spec
    text = f"hash({','.join(map(quote_name, spec.columns))},function={function})"
    return replace(spec, text=text, parameters={"function": function})


def native_note(target: str, layout: Layout, native: Placed | None, *, hashes: str, measure: str = "") -> str:
    """Where the target's hash differs from the measured one, and what to do.

    Args:
        target: Its name.
        layout: What was measured.
        native: Where the target puts the keys, if assay can tell.
        hashes: What the target hashes by, in words.
        measure: A strategy that places as the target does, if there is one.
    """
    title = TARGETS[target].title
    if measure == layout.spec.text:
        return f"{title} hashes as {measure} does, so rows land as measured."
    opening = f"{title} hashes by {hashes}, not as {layout.spec.text} does, which was measured: rows land elsewhere."
    if native is None:
        return (
            f"{opening} The rows predicted are those of the measured function; counts will be about alike, places not."
        )
    told = (
        f"{opening} The rows predicted are those of {title}'s function: the fullest partition holds "
        f"{native.max_over_mean:.3f} x the mean, as measured {layout.max_over_mean:.3f} x."
    )
    return (
        f"{told} `assay compare partitioning ... --strategy {shlex.quote(measure)}` measures it." if measure else told
    )
