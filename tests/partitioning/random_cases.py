"""Random questions for oracle and product: a small table of every kind of key, a parent, queries and strategies."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import oracle
import pyarrow as pa
from hypothesis import strategies as st
from oracle_keys import Column, Kind, Table, canonical, kinds_of
from oracle_strategies import Strategy, composite
from product import arrow_type, define, to_arrow

Draw = Callable[[st.SearchStrategy[Any]], Any]

# Few values, so that keys repeat, parents are found and ties happen; among them the edges of each kind.
VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    "int": st.integers(-6, 12) | st.sampled_from([2**63 - 1, -(2**63), 1000]),
    "text": st.sampled_from(
        ["", "a", "b", "ab", "é", "z", "日本", "𝄞", "x" * 20, '"', "a,b", "[", "'", "{a}b", "{}a", "{{a}"]
    ),
    "float": st.sampled_from([0.0, -0.0, math.nan, math.inf, -math.inf, 0.5, 1.0, -2.25, 1e6, 3.0]),
    "bool": st.booleans(),
    "date": st.integers(-3, 10) | st.sampled_from([-100_000, 20_000]),
    "timestamp": st.integers(-4, 40).map(lambda hours: hours * 3600 * 10**9)
    | st.sampled_from([-1, 1, 999, 1000, 1001]),
    "decimal": st.integers(-4, 4).map(lambda v: Decimal(v) / 2) | st.sampled_from([Decimal(10**19), Decimal("0.001")]),
}
WIDTHS: dict[Kind, list[Any]] = {
    "int": [1, 3, 10],
    "float": [0.5, 2.0],
    "date": ["1d", "7d"],
    "timestamp": ["1h", "1d"],
}
TYPES: dict[Kind, list[pa.DataType]] = {
    "text": [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())],
    "timestamp": [pa.timestamp("ns"), pa.timestamp("ns", "Asia/Tokyo")],
}
COLUMNS: dict[str, Kind] = {
    "number": "int",
    "name": "text",
    "ratio": "float",
    "flag": "bool",
    "day": "date",
    "time": "timestamp",
    "price": "decimal",
    "other": "int",
}
HASHES = [
    ("xxh3_64", 0),
    ("xxh3_64", 9),
    ("xxh64", 0),
    ("xxh64", 5),
    ("murmur3_32", 0),
    ("murmur3_32", 42),
    ("md5", 0),
    ("crc16_xmodem", 0),
]


@dataclass(frozen=True)
class Case:
    """One table with its questions; `types` are the Arrow types of its columns."""

    table: Table
    types: dict[str, pa.DataType]
    foreign_keys: tuple[oracle.ForeignKey, ...]
    queries: tuple[oracle.Query, ...]
    strategies: tuple[Strategy, ...]
    partitions: int
    weight: str | None
    bytes: bool

    def write(self, folder: Path, **writer: Any) -> Path:
        tables = {"child": to_arrow(self.table, self.types)}
        tables |= {key.name: to_arrow(key.parent) for key in self.foreign_keys}
        return define(folder, tables, self.foreign_keys, **writer)

    def question(self, strategy: Strategy) -> oracle.Question:
        return oracle.Question(
            self.table, strategy, self.partitions, self.weight, self.foreign_keys, self.queries, bytes=self.bytes
        )


_PLACEMENTS = ("ring", "jump", "rendezvous", "bounded_loads")


@st.composite
def cases(draw: Draw, *, most_rows: int = 60, placements: tuple[str, ...] = _PLACEMENTS) -> Case:
    rows = draw(st.integers(1, most_rows))
    table: dict[str, Column] = {}
    for name, kind in COLUMNS.items():
        values = VALUES[kind]
        if draw(st.integers(0, 3)):
            values = st.none() | values
        table[name] = Column(kind, draw(st.lists(values, min_size=rows, max_size=rows)))
    weights = st.sampled_from([0, 1, 2, 7, 10**6])
    table["weight"] = Column("int", draw(st.lists(weights, min_size=rows, max_size=rows)))
    types = {
        name: draw(st.sampled_from(TYPES.get(kind, [arrow_type(kind)])))
        for name, kind in [*COLUMNS.items(), ("weight", "int")]
    }
    partitions = draw(st.integers(1, 9))
    one = _strategies(table, partitions, placements)
    strategies = draw(st.lists(one, min_size=1, max_size=4, unique_by=lambda strategy: strategy.spelling))
    usable = tuple(strategy for strategy in strategies if has_keys(table, strategy))
    return Case(
        table=table,
        types=types,
        foreign_keys=(draw(_foreign_key(table)),),
        queries=tuple(draw(_queries())),
        strategies=usable or (Strategy("round_robin"),),
        partitions=partitions,
        weight=draw(st.sampled_from([None, "weight"])),
        bytes=draw(st.booleans()),
    )


def has_keys(table: Table, strategy: Strategy) -> bool:
    """Whether some row's whole key is not null; the product refuses a key that is null everywhere."""
    columns = strategy.key_columns
    return not columns or any(value is not None for name in columns for value in table[name].values)


@st.composite
def _foreign_key(draw: Draw, table: Table) -> oracle.ForeignKey:
    """A parent whose distinct keys are partly the child's; an integer's parent may be a decimal."""
    columns = tuple(draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=2, unique=True)))
    kinds = kinds_of(table, columns)
    theirs = list(zip(*(table[name].values for name in columns), strict=True))
    fresh = st.tuples(*(VALUES[kind] for kind in kinds))
    keys = draw(st.lists(st.sampled_from(theirs) | fresh, max_size=30))
    parent_kinds: list[Kind] = [
        "decimal" if kind == "int" and draw(st.booleans()) and all(_small(key[i]) for key in keys) else kind
        for i, kind in enumerate(kinds)
    ]
    unique: dict[Any, Any] = {}
    for key in keys:
        key = tuple(Column(kind, [value]).values[0] for kind, value in zip(kinds, key, strict=True))
        unique.setdefault(id(key) if None in key else canonical(kinds, key), key)
    parent = {
        f"{name}_id": Column(kind, [_as(kind, key[i]) for key in unique.values()])
        for i, (name, kind) in enumerate(zip(columns, parent_kinds, strict=True))
    }
    parent["note"] = Column("int", list(range(len(unique))))
    return oracle.ForeignKey("parent", columns, parent, tuple(f"{name}_id" for name in columns))


def _small(value: Any) -> bool:
    return value is None or abs(value) < 10**18


def _as(kind: Kind, value: Any) -> Any:
    return Decimal(value) if kind == "decimal" and value is not None else value


@st.composite
def _queries(draw: Draw) -> list[oracle.Query]:
    names = st.sampled_from(sorted(COLUMNS))
    point = tuple(draw(st.lists(names, min_size=1, max_size=2, unique=True)))
    listed = draw(names)
    ranged = draw(st.sampled_from([name for name, kind in COLUMNS.items() if kind in WIDTHS]))
    width = draw(st.sampled_from(WIDTHS[COLUMNS[ranged]]))
    return [
        oracle.Query("point", "point", point),
        oracle.Query("listed", "in_list", (listed,), size=draw(st.integers(1, 4))),
        oracle.Query("ranged", "range", (ranged,), width=width),
    ]


@st.composite
def _strategies(draw: Draw, table: Table, partitions: int, placements: tuple[str, ...], depth: int = 0) -> Strategy:
    kinds = ["modulo", "hash", "range", "list", "directory", "bucket", "round_robin", "placement", "given"]
    if depth < 2:
        kinds += ["composite"] * 2
    kind = draw(st.sampled_from(kinds))
    if kind == "composite":
        parts = [draw(_strategies(table, 0, placements, depth + 1)) for _ in range(2)]
        divisors = [d for d in range(1, partitions + 1) if partitions % d == 0]
        return composite(parts[0], parts[1], draw(st.sampled_from([None, *divisors])))
    if kind == "modulo":
        return Strategy("modulo", (draw(st.sampled_from(["number", "other"])),))
    if kind == "round_robin":
        return Strategy("round_robin")
    if kind == "given" and partitions:
        return draw(_given(table, partitions))  # type: ignore[no-any-return]
    columns = tuple(draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=2, unique=True)))
    if kind == "bucket":
        return Strategy("bucket", (draw(st.sampled_from(["number", "name", "day", "time", "price"])),))
    if kind in ("range", "list", "directory"):
        return Strategy(kind, columns)
    if kind == "placement" and draw(st.integers(0, 4)) == 0:
        return Strategy("redis_slots", columns)
    if kind == "placement" and draw(st.integers(0, 4)) == 0:
        return Strategy("multi_probe", columns)
    function, seed = draw(st.sampled_from(HASHES))
    name = draw(st.sampled_from(placements)) if kind == "placement" else "hash"
    points = draw(st.sampled_from([1, 7, 128])) if name in ("ring", "bounded_loads") else 128
    return Strategy(name, columns, function, seed, points)


@st.composite
def _given(draw: Draw, table: Table, partitions: int) -> Strategy:
    """A range with bounds, or a list with values, both of integers or of text."""
    column = draw(st.sampled_from(["number", "name"]))
    values = VALUES[COLUMNS[column]]
    if partitions > 1 and draw(st.booleans()):
        bounds = draw(st.lists(values, min_size=partitions - 1, max_size=partitions - 1))
        encoded = sorted(bounds, key=lambda value: value.encode() if isinstance(value, str) else value)
        return Strategy("range", (column,), given=tuple(encoded))
    groups: list[list[Any]] = [[] for _ in range(partitions)]
    for value in dict.fromkeys(value for value in table[column].values if value is not None):
        groups[draw(st.integers(0, partitions - 1))].append(value)
    return Strategy("list", (column,), given=tuple(map(tuple, groups)))
