"""What placements are given, checked: names, weights, racks and slots, from any sequence with an order of its own."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping
from typing import Any

from assay.checks import integer
from assay.errors import ParameterError

__all__ = ["NODES_HIGH", "SLOTS", "names_of", "racks_of", "slots_of", "weights_of"]

NODES_HIGH = 2**32 - 1
SLOTS = 16_384


def values_of(name: str, values: Any, expected: str) -> list[Any]:
    """A list of plain values from any sequence, Arrow and numpy ones included."""
    for method in ("to_pylist", "tolist", "to_list"):
        if hasattr(values, method):
            return list(getattr(values, method)())
    if isinstance(values, set | frozenset):
        raise ParameterError(
            f"{name} is a {type(values).__name__}, whose order changes from run to run, and positions with it; "
            f"expected {expected}, such as sorted({name})"
        )
    if name != "nodes" and isinstance(values, Mapping):
        raise ParameterError(f"{name} is a {type(values).__name__}; expected {expected}, in the order of the nodes")
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise ParameterError(f"{name} is {values!r}; expected {expected}")
    return list(values)


def slots_of(slots: Iterable[int]) -> list[int]:
    expected = f"{SLOTS} positions of nodes"
    values = values_of("slots", slots, expected)
    if len(values) != SLOTS:
        raise ParameterError(f"slots has {len(values)} entries; expected {expected}")
    return [integer(f"slots[{slot}]", value, 0, SLOTS - 1) for slot, value in enumerate(values)]


def names_of(nodes: Iterable[str] | int) -> tuple[str, ...]:
    expected = "a list of names, or the number of nodes"
    if isinstance(nodes, numbers.Integral):
        return tuple(f"node-{position}" for position in range(integer("nodes", nodes, 1, NODES_HIGH)))
    names = values_of("nodes", nodes, expected)
    for position, name in enumerate(names):
        if not isinstance(name, str):
            raise ParameterError(f"nodes[{position}] is {name!r}; expected a name (text)")
        if not name.isascii() and name != name.encode("utf-8", "replace").decode("utf-8"):
            raise ParameterError(
                f"nodes[{position}] is {name!r}; expected text that UTF-8 can hold, without surrogates"
            )
    return tuple(names)


def one_per_node(name: str, values: list[Any], nodes: tuple[str, ...]) -> None:
    if len(values) != len(nodes):
        raise ParameterError(f"{name} has {len(values)} entries for {len(nodes)} nodes; expected one per node")


def weights_of(weights: Iterable[float] | None, nodes: tuple[str, ...]) -> tuple[float, ...]:
    if weights is None:
        return (1.0,) * len(nodes)
    values = values_of("weights", weights, "one number above 0 per node")
    one_per_node("weights", values, nodes)
    for position, value in enumerate(values):
        number = math.nan
        if not isinstance(value, bool | str | bytes) and hasattr(value, "__float__"):
            number = float(value)
        if not (math.isfinite(number) and number > 0):
            raise ParameterError(
                f'weights[{position}], of node "{nodes[position]}", is {value!r}; expected a finite number above 0: '
                "leave out a node that is to hold nothing"
            )
        values[position] = number
    return tuple(values)


def racks_of(racks: Iterable[str | None] | None, nodes: tuple[str, ...]) -> tuple[str | None, ...]:
    if racks is None:
        return (None,) * len(nodes)
    values = values_of("racks", racks, "one name or None per node")
    one_per_node("racks", values, nodes)
    for position, value in enumerate(values):
        if value is not None and not isinstance(value, str):
            raise ParameterError(
                f"racks[{position}] is {value!r}; expected a name (text), or None for a rack of its own"
            )
    return tuple(values)
