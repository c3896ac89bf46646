"""Hash functions: from their spelling to the hashes of keys.

A function is spelled by its name, and by its seed where it takes one: `xxh3_64`, `murmur3_32(seed=42)`. Digests of the
room `digest` are hash functions too. Hashes wider than 64 bits count whole where keys collide; buckets take their first
8 bytes as a little-endian number, as `hash(column, function=md5)` does. `identity` takes whole numbers of any width as
the 64 bits that they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from assay import _core
from assay.catalogue import Contender, contenders, find
from assay.datasets.spelling import parse_nested, without_blanks
from assay.errors import AssayError, ParameterError, SpellingError, UnknownNameError, UnsupportedTypeError
from assay.experiments.distinct import numpy_of

__all__ = ["HashSpec", "bytes_of", "functions", "hash_keys", "parse_function", "refusal", "width_bits", "words_of"]

_SEED_HIGH = 2**64 - 1
_UNHASHED = "identity"


@dataclass(frozen=True)
class HashSpec:
    """A hash function as it was spelled, checked against the catalogue."""

    text: str  # its spelling without blanks
    room: str
    name: str
    seed: int = 0

    @property
    def contender(self) -> Contender:
        """The catalogue's entry."""
        return find(self.name, contenders(self.room), "hash function")


def functions() -> list[Contender]:
    """All that hash: the room `hash`, and the digests whose name is not in it."""
    own = contenders("hash")
    names = {contender.name for contender in own}
    return [*own, *(contender for contender in contenders("digest") if contender.name not in names)]


def parse_function(text: str) -> HashSpec:
    """The function that `text` spells.

    Raises:
        SpellingError: It cannot be parsed, or names a column.
        UnknownNameError: There is no such function or parameter.
        ParameterError: A seed for a function that takes none, or one out of its bounds.
    """
    node = parse_nested(text)
    contender = find(node.name, functions(), "hash function")
    if node.positional:
        raise SpellingError(
            f"{node.text}: a hash function is spelled without a column; name the column of keys by the setting key, "
            f"and write {node.name} or {node.name}(seed=7)"
        )
    for name in node.keywords:
        if name != "seed":
            raise UnknownNameError.of(f"parameter of {node.name}", name, ["seed"])
    seed = node.keywords.get("seed", 0)
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed <= _SEED_HIGH:
        raise ParameterError(f"{node.name}: seed is {seed!r}; expected an integer from 0 to 2^64 - 1")
    if seed and "seed" not in contender.abilities:
        able = ", ".join(one.name for one in functions() if "seed" in one.abilities)
        raise ParameterError(f"{node.name} takes no seed; leave it out, or choose one of {able}")
    return HashSpec(without_blanks(node.text), contender.room, node.name, seed)


def hash_keys(spec: HashSpec, columns: Sequence[pa.Array], *, threads: int | None = None) -> pa.Array:
    """The hash of each key: unsigned integers of 16, 32 or 64 bits, or fixed-size binary.

    Args:
        spec: The function.
        columns: The key's columns, of one length.
        threads: At most so many; None means all cores.

    Raises:
        UnsupportedTypeError: The function does not take keys of this type.
        ParameterError: A seed that is too wide for the function.
    """
    if spec.room == "digest":
        if len(columns) > 1:
            raise UnsupportedTypeError(
                f"{spec.name} is a digest of one column, and the key has {len(columns)}; choose a hash function"
            )
        return _core.digest(columns[0], spec.name, threads=threads)
    if len(columns) > 1:
        return _core.hash_rows(list(columns), spec.name, seed=spec.seed, threads=threads)
    (column,) = columns
    if spec.name == _UNHASHED and pa.types.is_integer(column.type):
        column = column.cast(pa.int64()).view(pa.uint64()) if not pa.types.is_uint64(column.type) else column
    return _core.hash(column, spec.name, seed=spec.seed, threads=threads)


def refusal(spec: HashSpec, types: Sequence[pa.DataType], *, every_value: bool = False) -> AssayError | None:
    """Why the function does not take keys of these types; None if it does.

    Args:
        spec: The function.
        types: Those of the key's columns.
        every_value: Whether it must take the greatest number of 64 bits too, and not just the type.
    """
    greatest = [2**64 - 1] if every_value else []
    probes = [greatest if pa.types.is_uint64(kind) else [None] * len(greatest) for kind in types]
    try:
        hash_keys(spec, [pa.array(probe, kind) for probe, kind in zip(probes, types, strict=True)], threads=1)
    except AssayError as error:
        return error
    return None


def width_bits(hashes: pa.Array) -> int:
    """The width of the hashes, in bits."""
    return int(hashes.type.bit_width)


def words_of(hashes: pa.Array) -> np.ndarray:
    """The hashes (without null) as 64-bit words, uint64 of shape (n,): wider ones by their first 8 bytes."""
    if not pa.types.is_fixed_size_binary(hashes.type):
        return numpy_of(hashes).astype(np.uint64)
    return np.ascontiguousarray(bytes_of(hashes)[:, :8]).view("<u8")[:, 0]


def bytes_of(hashes: pa.Array) -> np.ndarray:
    """The hashes (without null) as bytes, uint8 of shape (n, width): integers little-endian."""
    if not pa.types.is_fixed_size_binary(hashes.type):
        numbers = np.ascontiguousarray(numpy_of(hashes))
        return numbers.view(np.uint8).reshape(len(numbers), numbers.dtype.itemsize)
    width = hashes.type.byte_width
    whole = np.frombuffer(hashes.buffers()[1], np.uint8, count=width * len(hashes), offset=width * hashes.offset)
    return whole.reshape(len(hashes), width)
