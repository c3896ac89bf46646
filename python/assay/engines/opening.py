"""Engines as they are spelled, `sqlite(layout=covering)`: read, opened, or told why they cannot be."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from assay.checks import integer
from assay.datasets.spelled import Spelled
from assay.engines.duckdb import DuckDb
from assay.engines.engine import Engine
from assay.engines.lmdb import Lmdb
from assay.engines.rocksdb import RocksDb
from assay.engines.sqlite import Sqlite
from assay.errors import UnknownNameError, UsageError

__all__ = ["ENGINES", "open_engine", "parse_engine", "why_unavailable"]

ENGINES: dict[str, type[Engine]] = {engine.contender.name: engine for engine in (DuckDb, Sqlite, Lmdb, RocksDb)}
# The package that an engine is imported from, where it is no part of Python or assay's own needs.
_PACKAGES = {"lmdb": "lmdb", "rocksdb": "rocksdict"}
_INSTALL = 'pip install "assay[stores]"'


def parse_engine(text: str) -> Spelled:
    """The engine that `text` spells.

    Raises:
        SpellingError: It cannot be parsed, or has arguments without names.
        UnknownNameError: There is no such engine or parameter; the nearest is offered.
        ParameterError: A parameter is out of its bounds.

    >>> parse_engine("sqlite( layout = covering )").text
    'sqlite(layout=covering)'
    """
    spec = Spelled.parse(text, "index")
    if spec.name not in ENGINES:
        raise UnknownNameError.of("engine", spec.name, list(ENGINES))
    return spec


def why_unavailable(engine: Spelled | str) -> str | None:
    """Why this engine cannot be opened here, with the way out; None if it can.

    Nothing is imported.
    """
    spec = parse_engine(engine) if isinstance(engine, str) else engine
    package = _PACKAGES.get(spec.name)
    if package is not None and find_spec(package) is None:
        return f"the engine {spec.name} needs the package {package}, which is not installed; run: {_INSTALL}"
    return None


def open_engine(engine: Spelled | str, *, threads: int = 1, folder: Path | None = None) -> Engine:
    """Opens an engine with an empty table of its own.

    Args:
        engine: As it is spelled, or parsed.
        threads: How many threads it may use.
        folder: Where its temporary folder is made; default: where the system keeps those. The disk counts: a folder in
            memory makes commits cheap.

    Raises:
        UsageError: Its package is not installed, or the folder cannot be made.
        As `parse_engine`; ParameterError: `threads` is no integer of at least 1.
    """
    spec = parse_engine(engine) if isinstance(engine, str) else engine
    integer("threads", threads, 1, 1024)
    missing = why_unavailable(spec)
    if missing is not None:
        raise UsageError(missing)
    return ENGINES[spec.name](spec.parameters, threads=threads, folder=folder)
