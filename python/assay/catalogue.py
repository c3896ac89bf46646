"""What is known of every contender: those of the core, and those that users and plug-ins add.

Validation, `assay list`, `assay explain`, the documents, the contract tests and the report's
legends all read this; there is no second list. Rooms: hash, digest, filter, placement, checksum,
cache, admission, partition, index.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import import_module
from typing import Any, Literal

from assay import plugins
from assay.errors import ParameterError, UnknownNameError

__all__ = ["Contender", "Parameter", "contenders", "find", "register", "rooms", "strategies", "unregister"]

NOUNS = {
    "hash": "hash function",
    "digest": "digest",
    "filter": "filter",
    "placement": "placement",
    "checksum": "checksum",
    "cache": "policy",
    "admission": "admission",
    "write_scheme": "write scheme",
    "coherence": "coherence scheme",
    "partition": "strategy",
    "index": "index",
}
# Modules whose CONTENDERS are of assay's own but written in Python. They stand right of this one, and are imported by
# name when the catalogue is read, as a plug-in's are; they load nothing heavy.
_MODULES = ("assay.engines.contenders",)


@dataclass(frozen=True)
class Parameter:
    """A parameter of a contender: its default, its bounds, and what it is."""

    name: str
    default: str  # as it would be spelled; empty: learned, or required
    kind: Literal["integer", "number", "choice", "values", "groups", "text"]
    meaning: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def bounds(self) -> str:
        """The values allowed, in words."""
        if self.kind == "choice":
            return "one of " + ", ".join(self.choices)
        if self.kind in ("integer", "number"):
            return f"{'an integer' if self.kind == 'integer' else 'a number'} from {self.low:,} to {self.high:,}"
        return {"values": "a list of values in brackets", "groups": "a list of lists in brackets"}.get(
            self.kind, "text"
        )

    def check(self, owner: str, value: Any) -> Any:
        """`value` if it is allowed.

        Raises:
            ParameterError: It is of the wrong kind or out of bounds.
        """
        if self.kind == "choice" and value in self.choices:
            return value
        if self.kind == "choice" and isinstance(value, str):
            raise UnknownNameError.of(f"{self.name} of {owner}", value, self.choices)
        if self.kind in ("integer", "number") and not isinstance(value, bool):
            right = isinstance(value, int) or (self.kind == "number" and isinstance(value, float))
            if right and (self.low is None or value >= self.low) and (self.high is None or value <= self.high):
                return value
        if self.kind == "values" and isinstance(value, list) and not any(isinstance(item, list) for item in value):
            return value
        if self.kind == "groups" and isinstance(value, list) and all(isinstance(item, list) for item in value):
            return value
        if self.kind == "text" and isinstance(value, (str, int, float, bool)):
            return value
        raise ParameterError(f"{owner}: {self.name} is {value!r}; expected {self.bounds}")


@dataclass(frozen=True)
class Contender:
    """One possible answer to its room's question."""

    room: str
    name: str
    version: int
    idea: str
    cost: str
    choose_when: str
    source: str
    parameters: tuple[Parameter, ...] = ()
    abilities: frozenset[str] = frozenset()
    implementation: Any = field(default=None, compare=False)  # of a contender written in Python
    package: str | None = field(default="assay", compare=False)  # None: registered in this process alone

    @property
    def noun(self) -> str:
        """What a contender of this room is called: "strategy", "filter" ..."""
        return NOUNS.get(self.room, "contender")

    def parameter(self, name: str) -> Parameter:
        """The parameter of this name.

        Raises:
            UnknownNameError: There is none; the message offers the nearest one.
        """
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise UnknownNameError.of(f"parameter of {self.name}", name, [known.name for known in self.parameters])

    def check(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters given, each within its bounds."""
        return {name: self.parameter(name).check(self.name, value) for name, value in given.items()}


_IN_PYTHON = (
    Contender(
        room="partition",
        name="vertical",
        version=1,
        idea="Groups of columns live on servers of their own; each group carries the row's key or number.",
        cost="a directory of the columns; a query asks one server per group that it needs",
        choose_when="queries read few of many columns, or some columns are large and rarely read",
        source='Navathe, Ceri, Wiederhold, Dou 1984, "Vertical Partitioning Algorithms for Database Design"',
        parameters=(
            Parameter(
                "groups", "", "groups", "the groups, as vertical([a, b], [c]) also says; what is left is one more"
            ),
            Parameter("key", "", "text", "the column that every group carries; the row's number (8 bytes) by default"),
        ),
        abilities=frozenset({"splits_columns"}),
    ),
)

_registered: dict[tuple[str, str], Contender] = {}
_loaded: set[plugins.PlugIn] = set()


@lru_cache(maxsize=1)
def _of_the_core() -> tuple[Contender, ...]:
    from assay import _core

    return tuple(
        Contender(
            **{key: entry[key] for key in ("room", "name", "version", "idea", "cost", "choose_when", "source")},
            parameters=tuple(
                Parameter(
                    name=item["name"],
                    default=item["default"],
                    kind=item["kind"],
                    meaning=item["meaning"],
                    low=item.get("low"),
                    high=item.get("high"),
                    choices=tuple(item.get("choices", ())),
                )
                for item in entry["parameters"]
            ),
            abilities=frozenset(entry["abilities"]),
        )
        for entry in _core.catalogue()
    )


@lru_cache(maxsize=1)
def _in_python() -> tuple[Contender, ...]:
    return (*_IN_PYTHON, *(one for module in _MODULES for one in import_module(module).CONTENDERS))


def _load_plug_ins() -> None:
    """Imports what other packages name under the entry-point group `assay.contenders`; each registers itself.

    One that fails leaves nothing behind.
    """
    for plug_in in plugins.load_registering("contenders", _loaded, _registered):
        for key, contender in _registered.items():  # a module that was imported before: by a test, or a notebook
            home = getattr(contender.implementation, "__module__", "")
            if contender.package is None and (f"{home}.").startswith(f"{plug_in.module}."):
                _registered[key] = replace(contender, package=plug_in.package)


def contenders(room: str | None = None) -> list[Contender]:
    """All contenders, or those of one room, in the order of the rooms' tables.

    Raises:
        UnknownNameError: There is no such room.
    """
    _load_plug_ins()
    everything = [*_of_the_core(), *_in_python(), *_registered.values()]
    if room is None:
        first = {one: place for place, one in reversed(list(enumerate(contender.room for contender in everything)))}
        return sorted(everything, key=lambda contender: first[contender.room])  # a room's stay together
    found = [contender for contender in everything if contender.room == room]
    if not found:
        raise UnknownNameError.of("room", room, rooms())
    return found


def rooms() -> list[str]:
    """The rooms that have contenders."""
    return list(dict.fromkeys(contender.room for contender in contenders()))


def strategies() -> list[Contender]:
    """Everything that can partition a table: the partition room, and every placement but `modulo`.

    The placement `modulo` is the strategy `hash`; the strategy `modulo` takes the key unhashed.
    """
    own = contenders("partition")
    names = {contender.name for contender in own}
    placed = [contender for contender in contenders() if contender.room == "placement" and contender.name not in names]
    return own + placed


def find(name: str, among: Iterable[Contender], thing: str) -> Contender:
    """The contender of this name.

    Raises:
        UnknownNameError: There is none; the message offers the nearest one.
    """
    known = list(among)
    for contender in known:
        if contender.name == name:
            return contender
    raise UnknownNameError.of(thing, name, [contender.name for contender in known])


def register(contender: Contender) -> None:
    """Adds a contender of one's own for this process, or of the package whose plug-in is being loaded.

    One of the same name that this process registered itself is replaced.

    Raises:
        ParameterError: The name is one of assay's own, or of another package.
    """
    plug_in = plugins.loading()
    package = plug_in.package if plug_in else None
    rooms = {contender.room} | ({"placement"} if contender.room == "partition" else set())  # placements are strategies
    if any(own.room in rooms and own.name == contender.name for own in (*_of_the_core(), *_in_python())):
        raise ParameterError(f'"{contender.name}" is a {contender.noun} of assay\'s own; give yours another name')
    key = contender.room, contender.name
    there = _registered.get(key)
    if there is not None and there.package not in (None, package) and not _is_same(there, contender):
        raise ParameterError(
            f'"{contender.name}" is a {contender.noun} of the package {there.package} already; give yours another '
            f"name, or uninstall {there.package}"
        )
    _registered[key] = replace(contender, package=package)


def _is_same(there: Contender, contender: Contender) -> bool:
    """Whether both are made by the same code: a module that is imported again registers itself again."""
    one, other = there.implementation, contender.implementation
    return one is not None and (one.__module__, one.__qualname__) == (
        getattr(other, "__module__", None),
        getattr(other, "__qualname__", None),
    )


def unregister(room: str, name: str) -> None:
    """Takes back what `register` added; nothing happens if it is not there."""
    _registered.pop((room, name), None)


def parameters_of(entries: Mapping[str, Any]) -> Sequence[Parameter]:
    """Parameters from a plain mapping: a range is an integer's bounds, a tuple of texts its choices."""
    found = []
    for name, domain in entries.items():
        if isinstance(domain, range):
            found.append(Parameter(name, str(domain.start), "integer", "", low=domain.start, high=domain.stop - 1))
        elif isinstance(domain, tuple) and domain and all(isinstance(item, str) for item in domain):
            found.append(Parameter(name, domain[0], "choice", "", choices=domain))
        else:
            found.append(Parameter(name, str(domain), "text", ""))
    return found
