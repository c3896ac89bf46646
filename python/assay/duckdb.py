"""Hashes, digests, placements and filters as SQL functions of DuckDB: `assay.duckdb.register(connection)`.

    import duckdb
    import assay, assay.duckdb

    connection = duckdb.connect()
    assay.duckdb.register(connection, placements={"shards": ring}, filters={"seen": seen})
    connection.sql("SELECT assay_hash(tailnum), assay_md5(tailnum), assay_lookup(tailnum, 'shards') FROM flights")

    assay_hash(key)                              UBIGINT: xxh3_64
    assay_hash(key, algorithm, seed := 0)        UBIGINT, narrower functions widened
    assay_digest(key, algorithm)                 BLOB; md5 without an algorithm
    assay_md5(key), assay_murmur3_32(key), ...   one for each hash function and digest, by its name
    assay_lookup(key, placement)                 UINTEGER: the position of the key's node in the placement
    assay_contains(key, filter)                  BOOLEAN: whether the filter may hold the key

A key is text, a blob, a whole number, a float, a boolean, a date, a time or a timestamp. Others are refused when the
query is bound, DECIMAL with a word on what to cast it to: DuckDB would make a DOUBLE of it, whose hash is another.
Null in, null out. Functions are pure, so that DuckDB may fold and share them.

Cost: DuckDB hands 2,048 rows at a time over as Arrow, which copies them once, and copies the answers back; between the
two nothing is copied, and the interpreter is released. An argument beside the key is a column to DuckDB: a function
that is named as its algorithm takes half the time. Source: DuckDB, "Python Function API", type "arrow".
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from assay import hashing
from assay.catalogue import contenders
from assay.errors import ParameterError, UnknownNameError, UnsupportedTypeError, UsageError

try:
    import duckdb as engine
except ModuleNotFoundError as missing:
    raise ImportError(
        "assay.duckdb needs the package duckdb, which is not installed; run: pip install duckdb"
    ) from missing
if not hasattr(engine, "DuckDBPyConnection"):
    raise ImportError(
        f"assay.duckdb needs the package duckdb, and {getattr(engine, '__file__', None) or engine} is found in its "
        "place; rename that file or folder"
    )

__all__ = ["functions", "register"]

# What a key may be. A macro has an overload for each, and DuckDB widens other types to the nearest without loss.
_KEY_TYPES = (
    "BIGINT",
    "UBIGINT",
    "VARCHAR",
    "BLOB",
    "DOUBLE",
    "BOOLEAN",
    "DATE",
    "TIME",
    "TIMESTAMP",
    "TIMESTAMP_NS",
    "TIMESTAMPTZ",
)
# What DuckDB would otherwise turn into a DOUBLE or a text, whose hash is another.
_REFUSED = {
    "DECIMAL(38, 10)": "would lose digits on its way; cast it to BIGINT, DOUBLE or VARCHAR",
    "HUGEINT": "would lose digits on its way; cast it to BIGINT or VARCHAR",
    "UHUGEINT": "would lose digits on its way; cast it to BIGINT or VARCHAR",
    "UUID": "could be its text or its bytes; cast it to VARCHAR or BLOB",
}
_LEAST_VERSION = [1, 4]
_WIDE = pa.uint64()
_numbers = itertools.count()  # no two functions of a process share a name: connections to one file share functions
_registered: weakref.WeakKeyDictionary[Any, _Registered] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


@dataclass
class _Registered:
    """What one connection knows."""

    placements: dict[str, Any] = field(default_factory=dict)
    filters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Function:
    """A SQL function of a key: its other arguments, what it gives, and what answers.

    An argument stands for a column, which costs some 50 ns a row to make and to check: what is called most has none.
    """

    name: str
    returns: str
    kernel: Callable[..., pa.Array]
    arguments: tuple[tuple[str, str, str | None], ...] = ()  # name, type, default as SQL


def functions() -> list[str]:
    """The names of the SQL functions, as they are registered."""
    return list(dict.fromkeys(one.name for one in _functions(_Registered())))


def register(
    connection: Any, *, placements: Mapping[str, Any] | None = None, filters: Mapping[str, Any] | None = None
) -> None:
    """Adds the functions to a connection, and names placements and filters for them.

    It may be called again, to name more of them, or others in their place. A cursor is a connection of its own.

    Args:
        connection: Of `duckdb.connect`; `duckdb.default_connection()` is the one of `duckdb.sql`.
        placements: What `assay_lookup` finds under each name.
        filters: What `assay_contains` finds under each name.

    Raises:
        UnsupportedTypeError: It is no connection, no placement or no filter, or they are not named by a dict.
        UsageError: This DuckDB is too old.
    """
    if [int(part) for part in engine.__version__.split(".")[:2]] < _LEAST_VERSION:
        raise UsageError(
            f"assay's functions need macros with types, which duckdb {engine.__version__} does not have; expected "
            f"{'.'.join(map(str, _LEAST_VERSION))} or newer: pip install --upgrade duckdb"
        )
    if not isinstance(connection, engine.DuckDBPyConnection):
        raise UnsupportedTypeError(
            f"expected a connection of duckdb, such as duckdb.connect(), got {connection!r} of type "
            f"{type(connection).__name__}"
        )
    _check("placements", placements or {}, "lookup", "a placement, such as assay.Ring")
    _check("filters", filters or {}, "contains", "a filter, such as assay.BloomFilter.build(keys)")
    with _lock:
        known = _registered.get(connection)
        if known is None:
            known = _Registered()
            _create(connection, known)
            _registered[connection] = known
        known.placements.update(placements or {})
        known.filters.update(filters or {})


def _create(connection: Any, known: _Registered) -> None:
    """The functions by type of key, and the macros that choose among them."""
    overloads: dict[str, list[str]] = {}
    for function in _functions(known):
        prefix = f"__{function.name}_{next(_numbers)}"
        declared = "".join(
            f", {name}" + (f" := {default}" if default is not None else "") for name, _, default in function.arguments
        )
        passed = "".join(f", {name}" for name, _, _ in function.arguments)
        own = overloads.setdefault(function.name, [])
        for kind in _KEY_TYPES:
            native, types = f"{prefix}_{kind.lower()}", [kind, *(kind for _, kind, _ in function.arguments)]
            connection.create_function(
                native, function.kernel, types, function.returns, type="arrow", null_handling="special"
            )
            own.append(f"(key {kind}{declared}) AS {native}(key{passed})")
        for kind, why in _REFUSED.items():
            words = f"{function.name}: a key of type {kind.partition('(')[0]} {why}"
            own.append(f"(key {kind}{declared}) AS error('{words}')::{function.returns}")
    for name, own in overloads.items():
        connection.execute(f"CREATE OR REPLACE TEMP MACRO {name}{', '.join(own)}")


def _functions(known: _Registered) -> list[_Function]:
    digests = [one.name for one in contenders("digest")]
    hashes = [one.name for one in contenders("hash") if one.name not in (*digests, "identity")]  # md5 is a digest
    wide = [name for name in hashes if _is_wide(name)]
    named = ("algorithm", "VARCHAR", None)
    return [
        _Function("assay_hash", "UBIGINT", _of_key(_hash)),
        _Function("assay_hash", "UBIGINT", _hash_by, (named, ("seed", "BIGINT", "0"))),
        _Function("assay_digest", "BLOB", _of_key(hashing.digest)),
        _Function("assay_digest", "BLOB", _digest_by, (named,)),
        _Function("assay_lookup", "UINTEGER", partial(_lookup, known), (("placement", "VARCHAR", None),)),
        _Function("assay_contains", "BOOLEAN", partial(_contains, known), (("filter", "VARCHAR", None),)),
        *(_Function(f"assay_{one}", "UBIGINT", _of_key(_hash, algorithm=one)) for one in hashes if one not in wide),
        *(_Function(f"assay_{one}", "BLOB", _of_key(hashing.hash, algorithm=one)) for one in wide),
        *(_Function(f"assay_{one}", "BLOB", _of_key(hashing.digest, algorithm=one)) for one in digests),
    ]


def _of_key(kernel: Callable[..., pa.Array], **settings: Any) -> Callable[[pa.ChunkedArray], pa.Array]:
    """A function of one argument, as DuckDB counts them."""
    return lambda keys: kernel(keys, **settings)


def _is_wide(algorithm: str) -> bool:
    """Whether a hash function gives more than 64 bits."""
    return bool(pa.types.is_fixed_size_binary(hashing.hash(pa.array([], pa.uint64()), algorithm).type))


def _hash(keys: pa.ChunkedArray, algorithm: str = "xxh3_64", seed: int = 0) -> pa.Array:
    """As uint64, whatever the function's width: one name has one type in SQL."""
    found = hashing.hash(keys, algorithm, seed=seed)
    if pa.types.is_fixed_size_binary(found.type):
        bits = 8 * found.type.byte_width
        raise ParameterError(f"{algorithm} gives {bits} bits; call assay_digest(key, '{algorithm}')")
    return found if found.type == _WIDE else found.cast(_WIDE)


def _hash_by(keys: pa.ChunkedArray, algorithms: pa.ChunkedArray, seeds: pa.ChunkedArray) -> pa.Array:
    algorithm, seed = _one("algorithm", algorithms), _one("seed", seeds)
    return pa.nulls(len(keys), _WIDE) if algorithm is None or seed is None else _hash(keys, algorithm, seed)


def _digest_by(keys: pa.ChunkedArray, algorithms: pa.ChunkedArray) -> pa.Array:
    algorithm = _one("algorithm", algorithms)
    digests = [one.name for one in contenders("digest")]
    if algorithm is None:
        return pa.nulls(len(keys), pa.binary())
    if algorithm in digests:
        return hashing.digest(keys, algorithm)
    wide = [one.name for one in contenders("hash") if one.name not in digests and _is_wide(one.name)]
    if algorithm in wide:
        return hashing.hash(keys, algorithm)
    raise UnknownNameError.of("digest", algorithm, [*digests, *wide])


def _lookup(known: _Registered, keys: pa.ChunkedArray, names: pa.ChunkedArray) -> pa.Array:
    name = _one("placement", names)
    if name is None:
        return pa.nulls(len(keys), pa.uint32())
    return _named("placement", name, known.placements).lookup(keys)


def _contains(known: _Registered, keys: pa.ChunkedArray, names: pa.ChunkedArray) -> pa.Array:
    name = _one("filter", names)
    if name is None:
        return pa.nulls(len(keys), pa.bool_())
    return _named("filter", name, known.filters).contains(keys)


def _one(argument: str, values: pa.ChunkedArray) -> Any:
    """The value of an argument that is the same in all rows."""
    distinct = pc.unique(values)
    if len(distinct) > 1:
        shown = ", ".join(repr(value) for value in distinct[:3].to_pylist())
        raise ParameterError(f"{argument} differs from row to row ({shown}); expected one for all, as a constant")
    return distinct[0].as_py() if len(distinct) else None


def _named(thing: str, name: str, known: Mapping[str, Any]) -> Any:
    if name not in known:
        if not known:
            raise ParameterError(
                f"no {thing} is registered under any name; "
                f"call assay.duckdb.register(connection, {thing}s={{{name!r}: ...}})"
            )
        raise UnknownNameError.of(thing, name, list(known))
    return known[name]


def _check(argument: str, given: Mapping[str, Any], verb: str, wanted: str) -> None:
    if not isinstance(given, Mapping):
        raise UnsupportedTypeError(
            f"{argument} is of type {type(given).__name__}; expected a dict: its name in SQL, and {wanted}"
        )
    for name, value in given.items():
        if not isinstance(name, str):
            raise UnsupportedTypeError(f"{argument} has the name {name!r}; expected text, as SQL will say it")
        if not callable(getattr(value, verb, None)):
            raise UnsupportedTypeError(f"{name}: expected {wanted}, got {value!r} of type {type(value).__name__}")
