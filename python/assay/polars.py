"""Hashes, digests, placements and filters as polars expressions: `import assay.polars` adds `.assay`.

    import polars as pl
    import assay, assay.polars

    ring = assay.Ring(["ams", "fra", "lhr"])
    frame.with_columns(
        hash=pl.col("tailnum").assay.hash(),
        md5=pl.col("tailnum").assay.digest("md5"),
        row=pl.struct("origin", "dest").assay.hash_rows(),
        node=pl.col("tailnum").assay.lookup(ring),
        seen=pl.col("tailnum").assay.contains(seen),
    )

All work on expressions and on series, eager and lazy, in groups and streamed; they are elementwise, so that filters
are pushed below them. Hashes are assay's own, alike in every version and every other host; `pl.Expr.hash` is not.

Cost: that of the primitive. Buffers are borrowed both ways: text goes in as polars' own views, and numbers, answers
and digests come back in the memory that they were written to. Null in, null out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Generic, TypeVar

import pyarrow as pa

from assay import hashing
from assay.errors import UnsupportedTypeError

try:
    import polars as pl
except ModuleNotFoundError as missing:
    raise ImportError(
        "assay.polars needs the package polars, which is not installed; run: pip install polars"
    ) from missing
if not hasattr(pl, "api"):
    raise ImportError(
        f"assay.polars needs the package polars, and {getattr(pl, '__file__', None) or pl} is found in its place; "
        "rename that file or folder"
    )

__all__ = ["ExpressionVerbs", "SeriesVerbs"]

_T = TypeVar("_T", pl.Expr, pl.Series)
Kernel = Callable[[Any], pa.Array]


class _Verbs(Generic[_T]):
    """What a column of keys can be asked: mistakes of the asker are told at once, those of its type when it runs."""

    def __init__(self, keys: _T) -> None:
        self._keys: _T = keys

    def _mapped(self, kernel: Callable[[pl.Series], pl.Series], data_type: Any) -> _T:
        raise NotImplementedError

    def hash(self, algorithm: str = "xxh3_64", *, seed: int = 0) -> _T:
        """The hash of each key: UInt64; UInt32 and UInt16 of narrower functions, Binary of 128 bits.

        Args:
            algorithm: As `assay.hash` has it.
            seed: As `assay.hash` has it.

        Raises:
            UnknownNameError, ParameterError: There is no such algorithm, or it takes no seed.
            UnsupportedTypeError: The column's type cannot be a key; when the expression runs.
        """
        kernel = partial(hashing.hash, algorithm=algorithm, seed=seed)
        return self._mapped(partial(_of_keys, kernel), _type_of(kernel(_NO_KEYS)))

    def digest(self, algorithm: str = "md5") -> _T:
        """The digest of each key: Binary.

        Args:
            algorithm: As `assay.digest` has it.

        Raises:
            UnknownNameError: There is no such algorithm.
            UnsupportedTypeError: The column's type cannot be a key; when the expression runs.
        """
        kernel = partial(hashing.digest, algorithm=algorithm)
        return self._mapped(partial(_of_keys, kernel), _type_of(kernel(_NO_KEYS)))

    def hash_rows(self, algorithm: str = "xxh3_64", *, seed: int = 0) -> _T:
        """The hash of each row of a struct, its fields framed, so that ("ab", "c") differs from ("a", "bc").

        Args:
            algorithm: As `assay.hash_rows` has it.
            seed: As `assay.hash_rows` has it.

        Raises:
            UnknownNameError, ParameterError: There is no such algorithm, or it takes no seed.
            UnsupportedTypeError: A field's type cannot be a key; when the expression runs.
        """
        kernel = partial(hashing.hash_rows, algorithm=algorithm, seed=seed)
        two = pa.table({"a": _NO_KEYS, "b": _NO_KEYS})
        return self._mapped(partial(_of_rows, kernel), _type_of(kernel(two)))

    def lookup(self, placement: Any) -> _T:
        """The node of each key, as its position in `placement.nodes`: UInt32.

        Args:
            placement: `assay.Ring(...)` or any other placement.

        Raises:
            UnsupportedTypeError: It is no placement.
        """
        _check(placement, "lookup", "a placement, such as assay.Ring")
        return self._mapped(partial(_of_keys, placement.lookup), pl.UInt32)

    def replicas(self, placement: Any, count: int = 3) -> _T:
        """The nodes that hold copies of each key, the coordinator first: Array(UInt32, count).

        Args:
            placement: `assay.Ring(...)` or any other placement that can place replicas.
            count: How many copies there are.

        Raises:
            UnsupportedTypeError: It is no placement.
            ParameterError: There are fewer nodes than copies.
        """
        _check(placement, "replicas", "a placement, such as assay.Ring")
        kernel = partial(placement.replicas, count=count)
        kernel(_NO_KEYS)
        return self._mapped(partial(_of_keys, kernel), pl.Array(pl.UInt32, count))

    def contains(self, filter: Any) -> _T:
        """Whether a filter may hold each key: Boolean.

        Args:
            filter: `assay.BloomFilter.build(...)` or any other filter.

        Raises:
            UnsupportedTypeError: It is no filter.
        """
        _check(filter, "contains", "a filter, such as assay.BloomFilter.build(keys)")
        return self._mapped(partial(_of_keys, filter.contains), pl.Boolean)


@pl.api.register_expr_namespace("assay")
class ExpressionVerbs(_Verbs[pl.Expr]):
    """`pl.col(...).assay`."""

    def _mapped(self, kernel: Callable[[pl.Series], pl.Series], data_type: Any) -> pl.Expr:
        mapped: pl.Expr = self._keys.map_batches(kernel, return_dtype=data_type, is_elementwise=True)
        return mapped


@pl.api.register_series_namespace("assay")
class SeriesVerbs(_Verbs[pl.Series]):
    """`series.assay`."""

    def _mapped(self, kernel: Callable[[pl.Series], pl.Series], data_type: Any) -> pl.Series:
        return kernel(self._keys)


_NO_KEYS = pa.array([], pa.uint64())  # every function takes these


def _type_of(result: pa.Array) -> Any:
    return pl.Series("", result).dtype


def _of_keys(kernel: Kernel, keys: pl.Series) -> pl.Series:
    return pl.Series(keys.name, kernel(_key(keys)))


def _of_rows(kernel: Kernel, rows: pl.Series) -> pl.Series:
    fields = rows.struct.unnest() if isinstance(rows.dtype, pl.Struct) else rows.to_frame()
    if not fields.width:
        raise UnsupportedTypeError(f'column "{rows.name}" is a struct without fields; expected at least one to hash')
    return pl.Series(rows.name, kernel(fields.with_columns(_key(field) for field in fields)))


def _key(keys: pl.Series) -> pl.Series:
    """`keys`, if they are of a type that crosses over."""
    if keys.dtype == pl.Null:
        return keys.cast(pl.UInt64)  # nulls of any type are alike
    if keys.dtype == pl.Object:
        raise UnsupportedTypeError(
            f'column "{keys.name}" is of type Object, whose values are addresses in memory; cast it to a type of Arrow'
        )
    if keys.dtype in (pl.Int128, getattr(pl, "UInt128", pl.Int128)):
        raise UnsupportedTypeError(
            f'column "{keys.name}" is of type {keys.dtype}, which cannot be a key; cast it to Int64, UInt64 or Decimal'
        )
    return keys


def _check(given: Any, verb: str, wanted: str) -> None:
    if not callable(getattr(given, verb, None)):
        raise UnsupportedTypeError(f"expected {wanted}, got {given!r} of type {type(given).__name__}")
