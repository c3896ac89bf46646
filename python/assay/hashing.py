"""Stable hashes and digests of Arrow columns.

Every function sees the canonical bytes of a key, so that one value hashes alike in int32 and
int64, in string and string view, plain and dictionary: joins depend on it. Results never change
between releases; the name carries the algorithm, the seed and the width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from assay import _core
from assay.checks import name_of
from assay.errors import ParameterError, UnknownNameError, UnsupportedTypeError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["digest", "hash", "hash_rows"]

_FUNCTION = 'a hash function, such as "xxh3_64"'


def hash(keys: Any, algorithm: str = "xxh3_64", *, seed: int = 0, threads: int | None = None) -> pa.Array:
    """The hash of each key, as an unsigned integer or as 16 bytes.

    Args:
        keys: Any Arrow column of shape (n,), chunked or not: pyarrow, polars, pandas, DuckDB, or
            whatever else speaks the Arrow PyCapsule interface. A one-column table is a column.
        algorithm: `xxh3_64`, `xxh64`, `rapidhash` (V3), `siphash_2_4` (its key is k0 = seed, k1 = 0),
            `fnv1a_64`, `xxh32`, `crc32c`, `murmur3_32` (Iceberg's), `murmur3_spark`, `murmur3_cassandra`
            (the token's bits), `crc16_xmodem` (Redis), `postgres` (PARTITION BY HASH), `md5` (the
            first 8 bytes of the digest, little-endian) or `identity` (uint64 only); and with 16
            bytes a key `xxh3_128` (the canonical form: both halves big-endian, the upper one first,
            as `xxhash.xxh3_128_digest` gives it) and `murmur3_128` (x64; both halves little-endian,
            the first one first, as `mmh3.hash_bytes` gives it). See `assay list contenders`.
        seed: 64 bits, or 32 for `xxh32`, `murmur3_32` and `murmur3_128`; must be 0 for `fnv1a_64`,
            `crc32c`, the functions of other engines, `md5` and `identity`.
        threads: At most so many threads; None means all cores.

    Returns:
        A pyarrow UInt64Array of shape (n,), a UInt32Array for the 32-bit functions, a UInt16Array
        for `crc16_xmodem`, a FixedSizeBinaryArray of width 16 for the 128-bit ones. Null in, null out.

    Raises:
        UnsupportedTypeError: The column's type cannot be a key, or `postgres` met one that PostgreSQL
            hashes from another form (dates, timestamps, decimals); the message names both.
        UnknownNameError: There is no such algorithm.
        ParameterError: A seed on a function that takes none, or too wide a seed; an algorithm that is no text.

    Source:
        Canonical bytes: METHODOLOGY.md, "Keys". Each algorithm: `assay explain NAME`.

    >>> import pyarrow as pa
    >>> hash(pa.array(["a", None])).to_pylist()
    [16629034431890738719, None]
    >>> hash(pa.array(["a"]), "xxh3_128")[0].as_py().hex()
    'a96faf705af16834e6c632b61e964e1f'
    """
    return _core.hash(keys, name_of("algorithm", algorithm, _FUNCTION), seed=seed, threads=threads)


def digest(keys: Any, algorithm: str = "md5", *, threads: int | None = None) -> pa.Array:
    """The cryptographic digest of each key, as fixed-size binary.

    Args:
        keys: Any Arrow column of shape (n,); see `hash`.
        algorithm: `md5`, `sha1`, `sha256`, `sha512` or `blake3`.
        threads: At most so many threads; None means all cores.

    Returns:
        A pyarrow FixedSizeBinaryArray of shape (n,), 16 to 64 bytes wide. Null in, null out.

    Raises:
        UnsupportedTypeError: The column's type cannot be a key.
        UnknownNameError: There is no such algorithm.

    Source:
        RFC 1321 (MD5), FIPS 180-4 (SHA), the BLAKE3 paper.

    >>> import pyarrow as pa
    >>> digest(pa.array(["abc"]))[0].as_py().hex()
    '900150983cd24fb0d6963f7d28e17f72'
    """
    return _core.digest(keys, name_of("algorithm", algorithm, 'a digest, such as "sha256"'), threads=threads)


def hash_rows(
    table: Any,
    algorithm: str = "xxh3_64",
    *,
    columns: Sequence[str] | None = None,
    seed: int = 0,
    threads: int | None = None,
) -> pa.Array:
    """The hash of each row, its fields framed: ("ab", "c") differs from ("a", "bc").

    Each field enters as `00` if it is null, else as `01`, its length (u32, little-endian) and its
    canonical bytes. A single column is not framed: its hash is that of `hash`. `postgres` frames
    nothing: it combines the columns' hashes as PostgreSQL does, nulls adding nothing.

    Args:
        table: Anything tabular that speaks the Arrow PyCapsule stream interface, n rows.
        algorithm: As for `hash`.
        columns: The columns to hash, in this order; None means all, in the table's order.
        seed: As for `hash`.
        threads: At most so many threads; None means all cores.

    Returns:
        A pyarrow UInt64Array (UInt32Array, UInt16Array, FixedSizeBinaryArray; as for `hash`) of shape (n,),
        without nulls unless there is only one column.

    Raises:
        UnknownNameError: The table has no such column, or there is no such algorithm.
        ParameterError: There are no columns, or `columns` is no list of names, or a seed as for `hash`.
        UnsupportedTypeError: It is no table, or a column's type cannot be a key.

    Source:
        METHODOLOGY.md, "Keys".

    >>> import pyarrow as pa
    >>> left, right = hash_rows(pa.table({"a": ["ab", "a"], "b": ["c", "bc"]})).to_pylist()
    >>> left == right
    False
    """
    name_of("algorithm", algorithm, _FUNCTION)
    if isinstance(columns, str):
        raise ParameterError(f"columns is {columns!r}; expected a list of names, such as [{columns!r}]")
    whole = _table_of(table)
    names = list(whole.column_names if columns is None else columns)
    for name in names:
        if name not in whole.column_names:
            raise UnknownNameError.of("column", str(name), whole.column_names)
    fields = [whole.column(name) for name in names]
    try:
        return _core.hash_rows(fields, algorithm, seed=seed, threads=threads)
    except UnsupportedTypeError:
        for name in names:  # the core was given columns without names
            _core.hash(whole.select([name]).slice(0, 1), algorithm, seed=seed, threads=threads)
        raise


def _table_of(table: Any) -> pa.Table:
    """Whatever is tabular as a table of Arrow, without a copy where it is one."""
    import pyarrow as pa

    if isinstance(table, pa.Table):
        return table
    if hasattr(table, "__arrow_c_stream__") or hasattr(table, "__arrow_c_array__") or isinstance(table, dict):
        try:
            return pa.table(table)
        except (pa.ArrowException, TypeError, ValueError) as error:
            reason = f" ({error})"
    else:
        reason = ""
    raise UnsupportedTypeError(
        f"expected a table (pyarrow, polars, pandas, DuckDB: anything with __arrow_c_stream__), got "
        f"{type(table).__name__}{reason}; for one column call assay.hash, for several pyarrow.table({{name: column}})"
    )
