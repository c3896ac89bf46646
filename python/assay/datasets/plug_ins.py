"""Datasets of other packages, by the entry-point group `assay.datasets`: definitions, or callables that give Arrow.

An entry whose target is a package (`shop = "shop.data"`) brings every definition (*.toml) that lies in it, each under
its file's name; the package is found without being run, as its code may need more than its data does. One whose target
is a callable (`meters = "shop.meters:meters"`) is a dataset of the entry's name, and a generator too: `meters(rows=10)`
calls it with these arguments. What it gives is anything Arrow. A stream is spooled to a file, so that it may be larger
than memory. It is called once in a run: other processes read what it gave. Its fingerprint is over its content.
"""

from __future__ import annotations

import importlib.util
import inspect
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from assay import plugins
from assay.datasets.definition import Definition, Source
from assay.datasets.formats import TRACE_FORMATS
from assay.datasets.generators import GENERATORS
from assay.datasets.ipc_files import IpcFileReader
from assay.datasets.locations import shipped_definitions
from assay.datasets.memory import TableReader, is_arrow, spool_stream, to_table_or_stream
from assay.datasets.spelling import Call, parse_call, without_blanks
from assay.errors import MeasurementError, ParameterError, PlugInError, UnsupportedTypeError
from assay.plugins import PlugIn

__all__ = ["callables", "definition_of", "definitions", "idea_of", "is_callable", "open_callable", "package_of"]

_NAME = re.compile(r"[A-Za-z_][\w.-]*")
_OTHER_FILES = ("pyproject.toml",)
_NAMES_OF_CALLS = {*GENERATORS, *TRACE_FORMATS, "tpch", "zipcodes"}


def definitions() -> dict[str, Path]:
    """The definitions of all usable plug-ins, by the name of their files."""
    return {name: path for name, (path, _) in _found()[0].items()}


def callables() -> dict[str, PlugIn]:
    """The plug-ins that give a table when they are called, by name; none is imported."""
    return dict(_found()[1])


def package_of(name: str) -> str | None:
    """The package that a dataset of this name comes from; None if no plug-in has it."""
    with_files, called = _found()
    plug_in = with_files[name][1] if name in with_files else called.get(name)
    return None if plug_in is None else plug_in.package


def is_callable(spelling: str) -> bool:
    """Whether `spelling` calls a plug-in."""
    return parse_call(spelling).name in callables()


def definition_of(spelling: str) -> Definition:
    """What is declared about the table that a call of a plug-in gives; one without arguments goes by its name alone."""
    call = parse_call(spelling)
    text = without_blanks(call.text)
    bare = not call.positional and not call.keywords
    return Definition(name=call.name if bare else text, source=Source(generator=text))


def idea_of(plug_in: PlugIn) -> str:
    """The first line of the callable's documentation.

    Raises:
        PlugInError: It cannot be imported.
    """
    return (inspect.getdoc(_function(plug_in)) or "A table of a plug-in.").splitlines()[0]


def open_callable(spelling: str) -> TableReader | IpcFileReader:
    """The table that a call of a plug-in gives.

    Raises:
        PlugInError: It cannot be imported.
        ParameterError: It does not take these arguments.
        MeasurementError: It fails.
        UnsupportedTypeError: What it gives is no table.
    """
    call = parse_call(spelling)
    plug_in = callables()[call.name]
    given = _called(plug_in, _function(plug_in), call)
    if not is_arrow(given):
        raise UnsupportedTypeError(
            f"{call.text} of {plug_in.package} gave something of type {type(given).__name__}; expected what speaks the "
            "Arrow PyCapsule interface, such as a pyarrow table"
        )
    table = to_table_or_stream(given)
    if isinstance(table, pa.Table):
        return TableReader(table, call.text)
    return IpcFileReader(spool_stream(table, call.text))


def _function(plug_in: PlugIn) -> Callable[..., Any]:
    found = plugins.load(plug_in)
    if not callable(found):
        raise plugins.refuse(plug_in, f"{plug_in.target} is of type {type(found).__name__}; expected a callable")
    function: Callable[..., Any] = found
    return function


def _called(plug_in: PlugIn, function: Callable[..., Any], call: Call) -> Any:
    try:
        inspect.signature(function).bind(*call.positional, **call.keywords)
    except TypeError as error:
        raise ParameterError(f"{call.text}: {error}; {plug_in.package} has {_signature(call.name, function)}") from None
    except ValueError:
        pass  # a callable that was compiled and tells no signature
    try:
        return function(*call.positional, **call.keywords)
    except Exception as error:
        raise MeasurementError(f"{call.text} of {plug_in.package} failed: {type(error).__name__}: {error}") from error


def _signature(name: str, function: Callable[..., Any]) -> str:
    """`tides(rows=720)`."""
    parts = [
        one.name if one.default is one.empty else f"{one.name}={one.default!r}"
        for one in inspect.signature(function).parameters.values()
    ]
    return f"{name}({', '.join(parts)})"


@lru_cache(maxsize=1)
def _found() -> tuple[dict[str, tuple[Path, PlugIn]], dict[str, PlugIn]]:
    """Definitions and callables by name; what is not usable is refused, once."""
    files: dict[str, tuple[Path, PlugIn]] = {}
    called: dict[str, PlugIn] = {}
    shipped = {*shipped_definitions(), *_NAMES_OF_CALLS}
    for plug_in in plugins.plug_ins("datasets"):
        try:
            offered = {} if plug_in.attribute else _files_of(plug_in)
            for name in [plug_in.name] if plug_in.attribute else offered:
                owner = files[name][1] if name in files else called.get(name)
                taken = "assay" if name in shipped else owner.package if owner else None
                if taken is not None:
                    raise plugins.refuse(plug_in, f'"{name}" is a dataset of {taken} already; give yours another name')
                if not _NAME.fullmatch(name):
                    raise plugins.refuse(
                        plug_in, f'"{name}" is no name of a dataset; expected letters, digits, underscores and dashes'
                    )
        except PlugInError:
            continue
        if plug_in.attribute:
            called[plug_in.name] = plug_in
        files |= {name: (path, plug_in) for name, path in offered.items()}
    return files, called


def _files_of(plug_in: PlugIn) -> dict[str, Path]:
    try:
        with plugins.importing(plug_in):
            spec = importlib.util.find_spec(plug_in.module)
    except Exception as error:  # of the package around it, which finding a subpackage runs
        raise plugins.refuse(plug_in, f"{type(error).__name__}: {error}") from error
    if spec is None:
        raise plugins.refuse(plug_in, f"there is no module {plug_in.module}")
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    if not folders:
        raise plugins.refuse(
            plug_in,
            f"{plug_in.module} is a module; expected a package with definitions (*.toml) in it, or a callable, "
            'such as "module:function"',
        )
    found = {
        path.stem: path for folder in folders for path in sorted(folder.glob("*.toml")) if path.name not in _OTHER_FILES
    }
    if not found:
        raise plugins.refuse(plug_in, f"{folders[0]} holds no definition; expected files whose names end in .toml")
    return found
