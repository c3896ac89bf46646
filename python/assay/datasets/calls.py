"""Tables that are spelled as calls: generators of made-up rows, tpch(...), zipcodes()."""

from __future__ import annotations

from typing import Protocol

from assay.datasets import plug_ins, tpch, zip_codes
from assay.datasets.batch import Reader
from assay.datasets.definition import Definition, Source, load_definition
from assay.datasets.formats import TRACE_FORMATS
from assay.datasets.generators import GENERATORS, GeneratorReader, Parameter
from assay.datasets.locations import shipped_definitions
from assay.datasets.spelling import parse_call
from assay.errors import UnknownNameError

__all__ = ["CALLS", "Form", "call_definition", "is_call_installed", "open_call"]


class Form(Protocol):
    """How one kind of call is written."""

    @property
    def name(self) -> str: ...

    @property
    def idea(self) -> str: ...

    @property
    def parameters(self) -> tuple[Parameter, ...]: ...

    @property
    def example(self) -> str: ...

    def signature(self) -> str:
        """`zipf(rows, keys=10000, exponent=1.1, seed=0)`."""


CALLS: dict[str, Form] = {**GENERATORS, tpch.TPCH.name: tpch.TPCH}  # zipcodes() has no parameter, only a shipped name


def open_call(spelling: str) -> Reader:
    """The rows that `spelling` names.

    Raises:
        SpellingError, UnknownNameError, ParameterError: it names none.
        ReadError: what makes or holds them is not installed.
    """
    name = parse_call(spelling).name
    if name == tpch.TPCH.name:
        return tpch.open_tpch(spelling)
    if name == "zipcodes":
        return zip_codes.open_zipcodes(spelling)
    if name in plug_ins.callables():
        return plug_ins.open_callable(spelling)
    if name not in CALLS:
        raise UnknownNameError.of("generator or format", name, [*CALLS, *TRACE_FORMATS, *plug_ins.callables()])
    return GeneratorReader(spelling)


def call_definition(spelling: str) -> Definition:
    """What is declared about the rows that `spelling` names; a table of TPC-H has parents of its own scale."""
    name = parse_call(spelling).name
    if name == tpch.TPCH.name:
        return _tpch_definition(tpch.parse_tpch(spelling))
    if name == "zipcodes":
        zip_codes.check_zipcodes(spelling)
        return load_definition(shipped_definitions()["zipcodes"])
    if name in plug_ins.callables():
        return plug_ins.definition_of(spelling)
    if name not in CALLS:
        raise UnknownNameError.of("generator or format", name, [*CALLS, *TRACE_FORMATS, *plug_ins.callables()])
    canonical = GeneratorReader(spelling).spelling
    return Definition(name=canonical, source=Source(generator=canonical))


def is_call_installed(spelling: str) -> bool:
    """Whether what the call needs is on this machine; the rows themselves may not be made yet."""
    needed = {tpch.TPCH.name: tpch.is_installed, "zipcodes": zip_codes.is_installed}
    return needed.get(parse_call(spelling).name, lambda: True)()


def _tpch_definition(wanted: tpch.TpchTable) -> Definition:
    shipped = load_definition(shipped_definitions()[wanted.definition_name])
    parents = {tpch.TpchTable(table, 1.0).definition_name: wanted.parent(table).spelling for table in tpch.TABLES}
    return shipped.model_copy(
        update={
            "name": wanted.spelling,
            "source": Source(generator=wanted.spelling),
            "foreign_keys": {
                name: entry.model_copy(update={"parent": parents.get(entry.parent or name, entry.parent)})
                for name, entry in shipped.foreign_keys.items()
            },
        }
    )
