"""Keys of the oracle: plain Python values, their canonical bytes, their hashes and their order.

The oracle recomputes the partitioning metrics apart from the product. It imports nothing of assay
and no data frame: a table is a dict of columns, a column a kind and a list of Python values, where
None is null. Written from METHODOLOGY.md, section "Keys".
"""

from __future__ import annotations

import binascii
import hashlib
import math
import struct
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

import mmh3
import xxhash

Kind = Literal["int", "text", "float", "bool", "date", "timestamp", "decimal"]
Key = tuple[Any, ...]  # one value per column of the key; None where the part is null
HashBytes = Callable[[bytes], int]

# Every NaN is one key; one object makes it equal to itself inside tuples and dicts.
NAN = math.nan


@dataclass(frozen=True)
class Column:
    """A kind and its values: dates are days, timestamps nanoseconds, both since the epoch."""

    kind: Kind
    values: list[Any] = field(repr=False)

    def __post_init__(self) -> None:
        if self.kind == "float":
            object.__setattr__(self, "values", [_one_float(value) for value in self.values])


Table = Mapping[str, Column]


def rows_of(table: Table) -> int:
    return len(next(iter(table.values())).values)


# The last tables' numbered keys; each entry holds its columns, so that no other list can take their identity.
_numbered: dict[tuple[int, ...], tuple[list[list[Any]], list[int], list[Key]]] = {}


def numbered(table: Table, columns: Sequence[str]) -> tuple[list[int], list[Key]]:
    """The number of each row's key, and the distinct keys by number; a row of nulls has a key of nulls."""
    parts = [table[name].values for name in columns]
    identity = tuple(map(id, parts))
    if identity not in _numbered:
        numbers: dict[Key, int] = {}
        of_row = [numbers.setdefault(key, len(numbers)) for key in zip(*parts, strict=True)]
        if len(_numbered) >= 32:
            _numbered.clear()
        _numbered[identity] = parts, of_row, list(numbers)
    _, of_row, distinct = _numbered[identity]
    return of_row, distinct


def is_null(key: Key) -> bool:
    """A key is null only if all its parts are."""
    return key == (None,) * len(key)


def kinds_of(table: Table, columns: Sequence[str]) -> tuple[Kind, ...]:
    return tuple(table[name].kind for name in columns)


def canonical_value(kind: Kind, value: Any) -> bytes:
    """The bytes that every hash sees of one value that is not null."""
    if kind == "text":
        return bytes(value.encode("utf-8"))
    if kind == "float":
        return struct.pack("<Q", 0x7FF8000000000000) if value != value else struct.pack("<d", value)
    if kind == "bool":
        return b"\x01" if value else b"\x00"
    if kind == "timestamp":
        microseconds, nanoseconds = divmod(value, 1000)
        return _eight_bytes(microseconds) + (struct.pack("<H", nanoseconds) if nanoseconds else b"")
    if kind == "decimal":
        return _canonical_decimal(value)
    return _eight_bytes(value)


def canonical(kinds: Sequence[Kind], key: Key) -> bytes:
    """The bytes of a key: one column as it is, several each behind a null mark and a length."""
    if len(key) == 1:
        return canonical_value(kinds[0], key[0])
    stream = b""
    for kind, value in zip(kinds, key, strict=True):
        if value is None:
            stream += b"\x00"
        else:
            part = canonical_value(kind, value)
            stream += b"\x01" + struct.pack("<I", len(part)) + part
    return stream


def order(kinds: Sequence[Kind], key: Key) -> Hashable:
    """What sorts keys: text by its bytes, NaN last, and (by METHODOLOGY.md) a null part after every value."""
    return tuple(
        (True, None) if value is None else (False, _order_value(kind, value))
        for kind, value in zip(kinds, key, strict=True)
    )


def sorted_keys(kinds: Sequence[Kind], keys: Iterable[Key]) -> list[Key]:
    return sorted(keys, key=lambda key: order(kinds, key))  # type: ignore[arg-type, return-value]


def hash_bytes(function: str, seed: int = 0) -> HashBytes:
    """The hash of canonical bytes as a whole number: 64 bits, 32 for murmur3_32, 16 for crc16_xmodem."""
    if function == "xxh3_64":
        return lambda data: xxhash.xxh3_64_intdigest(data, seed=seed)
    if function == "xxh64":
        return lambda data: xxhash.xxh64_intdigest(data, seed=seed)
    if function == "murmur3_32":
        return lambda data: mmh3.hash(data, seed, signed=False)
    if function == "crc16_xmodem" and seed == 0:
        return lambda data: binascii.crc_hqx(data, 0)
    if function == "md5" and seed == 0:
        return lambda data: int.from_bytes(hashlib.md5(data).digest()[:8], "little")
    raise ValueError(f"the oracle knows no hash {function} with seed {seed}")


def as_fraction(kind: Kind, value: Any) -> Fraction | None:
    """A number, date or time on its axis, exactly; None where it has no place on one (NaN, infinity)."""
    if kind in ("text", "bool"):
        raise ValueError(f"{kind} has no axis")
    if kind == "float" and not math.isfinite(value):
        return None
    return Fraction(value)


def _one_float(value: float | None) -> float | None:
    if value is None:
        return None
    return NAN if value != value else value + 0.0  # -0.0 + 0.0 is 0.0


def _eight_bytes(value: int) -> bytes:
    return (value & 0xFFFFFFFFFFFFFFFF).to_bytes(8, "little")


def _canonical_decimal(value: Decimal) -> bytes:
    """The integer that it is, where that fits 64 bits; otherwise its digits without trailing zeros, and their scale."""
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    unscaled = int("".join(map(str, digits)))
    scale = -exponent
    while scale > 0 and unscaled % 10 == 0:
        unscaled, scale = unscaled // 10, scale - 1
    if scale < 0:
        unscaled, scale = unscaled * 10**-scale, 0
    unscaled = -unscaled if sign else unscaled
    if scale == 0 and -(2**63) <= unscaled < 2**64:
        return _eight_bytes(unscaled)
    return unscaled.to_bytes(16, "little", signed=True) + bytes([scale])


def _order_value(kind: Kind, value: Any) -> Hashable:
    if kind == "text":
        return bytes(value.encode("utf-8"))
    if kind == "float":
        return (True, 0.0) if value != value else (False, value)
    return value  # type: ignore[no-any-return]
