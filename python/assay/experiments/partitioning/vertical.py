"""Vertical partitioning: groups of columns on servers of their own.

    vertical([order_id, customer], [comment])         the columns that are not named are one group more
    vertical(groups=[[order_id], [comment]], key=order_id)

Every group carries the row's key, or its number where none is named, so that rows can be put
together again. Groups are placed by their bytes, largest first, each on the node with the fewest
bytes, ties on the lowest; with fewer groups than nodes the others hold nothing.
Source: Navathe, Ceri, Wiederhold, Dou 1984, "Vertical Partitioning Algorithms for Database Design";
Graham 1969, "Bounds on Multiprocessing Timing Anomalies" (largest first).
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from assay.datasets.spelling import Nested
from assay.errors import ParameterError, SpellingError, UnknownNameError, UnsupportedTypeError

__all__ = ["ROW_NUMBER_BYTES", "column_groups", "group_bytes", "place", "routing_bytes_of"]

Group = tuple[str, ...]
ROW_NUMBER_BYTES = 8  # that each group carries for a row where no key is named
_NODE_BYTES = 4  # of a column's entry in the directory, beside its name


def column_groups(node: Nested, parameters: Mapping[str, Any], schema: pa.Schema, dataset: str) -> tuple[Group, ...]:
    """The groups that a spelling names, and the columns left over as the last one.

    Raises:
        SpellingError: groups are named in two ways, or not as lists of columns.
        UnsupportedTypeError: a nested column.
        UnknownNameError: there is no such column.
        ParameterError: a column is in two groups, or a group is empty.
    """
    if node.positional and "groups" in parameters:
        raise SpellingError(f"{node.text} names groups in two ways; write vertical([a, b], [c])")
    given = list(node.positional) or list(parameters.get("groups", []))
    groups: list[Group] = []
    for one in given or (None,):
        if not isinstance(one, list):
            met = "nothing" if one is None else one.text if isinstance(one, Nested) else repr(one)
            raise SpellingError(f"{node.text}: expected lists of columns where {met} stands: vertical([a, b], [c])")
        groups.append(tuple(_column(node, name, schema, dataset) for name in one))
    if "key" in parameters:
        _column(node, parameters["key"], schema, dataset)
    named = [name for group in groups for name in group]
    if not all(groups):
        raise ParameterError(f"{node.text}: a group is empty; expected at least one column in each")
    if twice := [name for name in named if named.count(name) > 1]:
        raise ParameterError(
            f"{node.text}: column {twice[0]!r} is named twice; name each once (key= is carried by all)"
        )
    rest = tuple(name for name in schema.names if name not in named)
    return (*groups, rest) if rest else tuple(groups)


def _column(node: Nested, name: object, schema: pa.Schema, dataset: str) -> str:
    if not isinstance(name, str):
        raise SpellingError(f"{node.text}: expected a column where {name!r} stands; quote odd names")
    if name not in schema.names:
        raise UnknownNameError.of(f"column of {dataset}", name, schema.names)
    if pa.types.is_nested(schema.field(name).type):
        raise UnsupportedTypeError(
            f'{node.text}: column "{name}" is of type {schema.field(name).type}, whose bytes per row are not defined'
        )
    return name


def routing_bytes_of(groups: Sequence[Group]) -> int:
    """The directory that a router holds: each column's name and its node."""
    return sum(len(name.encode()) + _NODE_BYTES for group in groups for name in group)


def group_bytes(groups: Sequence[Group], sizes: Mapping[str, int], rows: int, key: str | None) -> list[int]:
    """The bytes of each group with the key, or the row's number, that it carries."""
    carried = rows * ROW_NUMBER_BYTES if key is None else sizes[key]
    return [sum(sizes[name] for name in group) + (0 if key in group else carried) for group in groups]


def place(sizes: Sequence[int], nodes: int) -> list[int]:
    """The node of each group: largest first (ties: the first named), each on the node with the fewest bytes."""
    heap = [(0, node) for node in range(nodes)]
    found = [0] * len(sizes)
    for group in sorted(range(len(sizes)), key=lambda one: -sizes[one]):
        load, node = heapq.heappop(heap)
        found[group] = node
        heapq.heappush(heap, (load + sizes[group], node))
    return found
