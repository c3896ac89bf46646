"""Indexes: from their spelling to one that is built on a key.

An index is spelled by its name and parameters, without a column: `btree`, `pgm(error=64)`, `sqlite(layout=covering)`.
There are three kinds: structures of the core, embedded engines (with the ability "engine"), and contenders that a
plug-in or a notebook registers in the room "index", which bring a class with `build(column, *, rows, threads,
memory_limit)`, that also takes its parameters, and the verbs of `assay.Index`.

What each is compared with, to see whether it pays, is the same without an index: the scan, and of an engine the engine
that has none. A store that is an index itself, such as LMDB, has no such.
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

__all__ = [
    "NO_INDEX",
    "IndexSpec",
    "baseline_of",
    "build",
    "close",
    "is_same",
    "parse_index",
    "propose",
    "why_not_here",
]

NO_INDEX = "scan"
ROOM = "index"
_ENGINE = "engine"
_NONE = "none"


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

    @property
    def shares_passes(self) -> bool:
        """Whether a batch of questions shares a pass over rows, as questions that come apart do not."""
        return "shares_passes" in self.contender.abilities

    @property
    def is_of_core(self) -> bool:
        """Whether it is a structure of `assay.Index`."""
        return not self.is_engine and self.contender.implementation is None

    @property
    def is_engine(self) -> bool:
        """Whether it is an embedded engine, which holds the table too."""
        return _ENGINE in self.contender.abilities

    @property
    def is_bare(self) -> bool:
        """Whether it is no index: the scan, or an engine without one."""
        if not self.is_engine:
            return self.name == NO_INDEX
        switch = _switch(self.contender)
        return switch is not None and self.parameters.get(switch, self.contender.parameter(switch).default) == _NONE


def _switch(engine: Contender) -> str | None:
    """The parameter of an engine that says which index it has; None if it always has one."""
    found = (one.name for one in engine.parameters if _NONE in one.choices and one.name != "durability")
    return next(found, None)


def baseline_of(spec: IndexSpec) -> IndexSpec | None:
    """What an index is compared with to see whether it pays: the same without one; None of an engine that is one."""
    if spec.is_bare:
        return spec
    if not spec.is_engine:
        return IndexSpec(NO_INDEX, NO_INDEX)
    switch = _switch(spec.contender)
    if switch is None:
        return None
    given = {switch: _NONE, **{name: value for name, value in spec.parameters.items() if name != switch}}
    return parse_index(f"{spec.name}({', '.join(f'{name}={value}' for name, value in given.items())})")


def is_same(one: IndexSpec, other: IndexSpec) -> bool:
    """Whether both are one index: of the same parameters, also where one spells a default."""
    if one.name != other.name or one.text == other.text:
        return one.name == other.name
    default = {parameter.name: parameter.default for parameter in one.contender.parameters}
    return {**default, **one.parameters} == {**default, **other.parameters}


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
    """Every structure of the catalogue; engines are compared where they are named."""
    return [contender.name for contender in _indexes() if _ENGINE not in contender.abilities]


def why_not_here(spec: IndexSpec) -> str | None:
    """Why an engine cannot be opened here, with the way out; None if it can, and of whatever is none."""
    if not spec.is_engine or spec.contender.implementation is not None:
        return None
    from assay.engines import why_unavailable

    return why_unavailable(spec.text)


def build(spec: IndexSpec, key: KeyRows, *, threads: int | None = None, memory_limit: int | None = None) -> Index:
    """The index of this key.

    Raises:
        ParameterError: It cannot be of such keys, or takes more than it may.
    """
    implementation = spec.contender.implementation
    built: Index
    if implementation is not None:
        built = implementation.build(
            key.arrow, rows=None, threads=threads, memory_limit=memory_limit, **spec.parameters
        )
    elif spec.is_engine:
        from assay.experiments.indexing.engine_index import EngineIndex

        built = EngineIndex.build(spec.text, key, threads=threads)
    else:
        import assay

        built = assay.Index.build(key.arrow, kind=spec.text, threads=threads, memory_limit=memory_limit)
    if memory_limit is not None and built.memory_bytes + key.bytes > memory_limit:
        size = built.memory_bytes
        close(built)
        raise ParameterError(
            f"{spec.text} takes {size:,} bytes beside {key.bytes:,} of the column, more than the memory_limit of "
            f"{memory_limit:,}; raise it, or ask for fewer rows"
        )
    return built


def close(index: Index) -> None:
    """Ends an engine; of anything else there is nothing to end."""
    end = getattr(index, "close", None)
    if end is not None:
        end()


def _indexes() -> list[Contender]:
    return contenders(ROOM) if ROOM in rooms() else []
