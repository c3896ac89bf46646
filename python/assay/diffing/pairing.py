"""Which cell of the base is which cell of the candidate.

A cell's id is a hash of its experiment, contender, version, parameters and dataset, so that equal ids
are the same question. What is left is paired by names, most alike first: the same but for the
contender's version or the rows behind the dataset's name; then but for parameters that only one side
knows, as another version of assay may; then, where asked, but for the dataset. A pairing that is not
the only one possible is none. Each pair says in what its sides differ.

Cost: O(cells) time and space.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from assay.diffing.reading import CellOf, Side

__all__ = ["Pair", "Pairing", "pair_cells"]


@dataclass(frozen=True)
class Pair:
    """The same question asked on both sides."""

    base: CellOf
    candidate: CellOf
    notes: tuple[str, ...] = ()  # in what the sides differ
    other_data: bool = False  # whether the rows differ


@dataclass(frozen=True)
class Pairing:
    """All cells of both sides."""

    pairs: Sequence[Pair]
    removed: Sequence[CellOf]  # only the base has them
    added: Sequence[CellOf]  # only the candidate has them


def pair_cells(base: Side, candidate: Side, *, any_dataset: bool = False) -> Pairing:
    """Pairs the cells of two runs.

    Args:
        base: One run.
        candidate: The other.
        any_dataset: Pair cells of differently named datasets too, where nothing else fits.

    Returns:
        Pairs in the candidate's order.
    """
    left, right = list(base.cells), list(candidate.cells)
    known = [{name for cell in cells for name in cell.parameters} for cells in (left, right)]
    shared = known[0] & known[1]

    def named(cell: CellOf) -> Hashable:
        return (cell.experiment, cell.contender, cell.dataset, _canonical(cell.parameters))

    def alike(cell: CellOf) -> Hashable:
        return (cell.experiment, cell.contender, cell.dataset, _canonical(_only(cell.parameters, shared)))

    def anywhere(cell: CellOf) -> Hashable:
        return (cell.experiment, cell.contender, _canonical(_only(cell.parameters, shared)))

    keys: list[Callable[[CellOf], Hashable]] = [lambda cell: (cell.experiment, cell.cell_id), named, alike]
    found: list[tuple[CellOf, CellOf]] = []
    for key in [*keys, anywhere] if any_dataset else keys:
        matched = _matched(left, right, key)
        found += matched
        gone = {id(cell) for pair in matched for cell in pair}
        left = [cell for cell in left if id(cell) not in gone]
        right = [cell for cell in right if id(cell) not in gone]
    order = {id(cell): position for position, cell in enumerate(candidate.cells)}
    found.sort(key=lambda pair: order[id(pair[1])])
    return Pairing([_pair(one, other) for one, other in found], left, right)


def _matched(
    left: Sequence[CellOf], right: Sequence[CellOf], key: Callable[[CellOf], Hashable]
) -> list[tuple[CellOf, CellOf]]:
    """Cells whose key is the same; where several have it on a side, in order if there are as many on both."""
    sides: tuple[dict[Hashable, list[CellOf]], ...] = (defaultdict(list), defaultdict(list))
    for cells, by_key in zip((left, right), sides, strict=True):
        for cell in cells:
            by_key[key(cell)].append(cell)
    return [
        pair
        for name, cells in sides[1].items()
        if len(sides[0].get(name, ())) == len(cells)
        for pair in zip(sides[0][name], cells, strict=True)
    ]


def _pair(base: CellOf, candidate: CellOf) -> Pair:
    notes = []
    if base.version != candidate.version:
        notes.append(f"version {base.version} → {candidate.version} of the contender")
    if base.dataset != candidate.dataset:
        notes.append(f"dataset {base.dataset} → {candidate.dataset}")
    elif base.fingerprint != candidate.fingerprint:
        notes.append(f"other rows in {base.dataset}")
    notes += [
        f"{name} is known to the {side} alone"
        for side, one, other in (("base", base, candidate), ("candidate", candidate, base))
        for name in sorted(set(one.parameters) - set(other.parameters))
    ]
    return Pair(base, candidate, tuple(notes), base.fingerprint != candidate.fingerprint)


def _only(parameters: object, names: set[str]) -> dict[str, object]:
    assert isinstance(parameters, dict)
    return {name: value for name, value in parameters.items() if name in names}


def _canonical(parameters: object) -> str:
    return json.dumps(parameters, sort_keys=True)
