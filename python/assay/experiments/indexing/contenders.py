"""Indexes: from their spelling to one that is built on a key.

An index is spelled by its name and parameters, without a column: `btree`, `pgm(error=64)`. A contender that a plug-in
or a notebook registers in the room "index" brings a class with `build(column, *, rows, threads, memory_limit)`, which
also takes its parameters, and the verbs of `assay.Index`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assay.catalogue import Contender, contenders, find, rooms
from assay.datasets.spelling import parse_nested, without_blanks
from assay.errors import ParameterError, SpellingError
from assay.experiments.indexing.keys import KeyRows
from assay.experiments.indexing.questions import Index

__all__ = ["NO_INDEX", "IndexSpec", "build", "parse_index", "propose"]

NO_INDEX = "scan"
ROOM = "index"


@dataclass(frozen=True)
class IndexSpec:
    """An index as it was spelled, checked against the catalogue."""

    text: str  # its spelling without blanks
    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def contender(self) -> Contender:
        """The catalogue's entry."""
        return find(self.name, _indexes(), "index")

    @property
    def is_ordered(self) -> bool:
        """Whether it answers ranges, and in order."""
        return "ordered" in self.contender.abilities


def parse_index(text: str) -> IndexSpec:
    """The index that `text` spells.

    Raises:
        SpellingError: It cannot be parsed, or names a column.
        UnknownNameError: There is no such index or parameter.
        ParameterError: A parameter out of its bounds.
    """
    node = parse_nested(text)
    contender = find(node.name, _indexes(), "index")
    if node.positional:
        raise SpellingError(
            f"{node.text}: an index is spelled without a column; name the columns by the setting columns, and write "
            f"{node.name} or {node.name}(parameter=value)"
        )
    return IndexSpec(without_blanks(node.text), node.name, contender.check(node.keywords))


def propose() -> list[str]:
    """Every index of the catalogue."""
    return [contender.name for contender in _indexes()]


def build(spec: IndexSpec, key: KeyRows, *, threads: int | None = None, memory_limit: int | None = None) -> Index:
    """The index of this key.

    Raises:
        ParameterError: It cannot be of such keys, or takes more than it may.
    """
    implementation = spec.contender.implementation
    if implementation is not None:
        built: Index = implementation.build(
            key.arrow, rows=None, threads=threads, memory_limit=memory_limit, **spec.parameters
        )
    else:
        import assay

        built = assay.Index.build(key.arrow, kind=spec.text, threads=threads, memory_limit=memory_limit)
    if memory_limit is not None and built.memory_bytes + key.bytes > memory_limit:
        raise ParameterError(
            f"{spec.text} takes {built.memory_bytes:,} bytes beside {key.bytes:,} of the column, more than the "
            f"memory_limit of {memory_limit:,}; raise it, or ask for fewer rows"
        )
    return built


def _indexes() -> list[Contender]:
    return contenders(ROOM) if ROOM in rooms() else []
