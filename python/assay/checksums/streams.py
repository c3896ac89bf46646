"""Checksums of buffers and files: one number or digest, piece by piece, or per block.

CRCs find every short burst of errors and combine; XXH3 runs at the speed of memory; digests stand
up to an attacker. Buffers are read where they lie, files in bounded pieces, and the interpreter is
released meanwhile.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal, overload

from assay import _core
from assay.checks import UINT64_HIGH, integer, name_of
from assay.checksums.files import Told, bytes_like, is_path, pieces, sources
from assay.errors import ParameterError, UnsupportedTypeError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Checksum", "checksum", "checksum_blocks", "fed"]

_CHECKSUM = 'a checksum, such as "crc32c"'

# What uses more than one thread for one stream.
_SIDE_BY_SIDE = ("crc32", "crc32c", "crc64_nvme", "blake3")

Integral = Literal["crc32", "crc32c", "crc64_nvme", "xxh3_64", "xxh64"]
Cryptographic = Literal["md5", "sha1", "sha256", "sha512", "blake3"]


@overload
def checksum(buffer_or_path: Any, algorithm: Integral = "crc32c", *, threads: int | None = None) -> int: ...
@overload
def checksum(buffer_or_path: Any, algorithm: Cryptographic, *, threads: int | None = None) -> bytes: ...
@overload
def checksum(buffer_or_path: Any, algorithm: str, *, threads: int | None = None) -> int | bytes: ...
def checksum(
    buffer_or_path: Any,
    algorithm: str = "crc32c",
    *,
    threads: int | None = None,
) -> int | bytes:
    """The checksum of a buffer or a file.

    Args:
        buffer_or_path: A contiguous bytes-like object (bytes, bytearray, memoryview, numpy array,
            pyarrow.Buffer), read without a copy; or a str or os.PathLike, a file read in pieces of 1 or 8 MiB.
        algorithm: `crc32` (zlib's), `crc32c`, `crc64_nvme`, `xxh3_64`, `xxh64` (seed 0); `md5`, `sha1`,
            `sha256`, `sha512`, `blake3`.
        threads: At most so many threads; None means all cores. CRCs use more than one from half a MiB on,
            BLAKE3 all cores if so many are allowed; the others are serial by construction. The value does
            not depend on it.

    Returns:
        An int for CRCs and XXH, bytes in their printed order for digests.

    Raises:
        UnknownNameError: There is no such algorithm.
        ParameterError: The buffer is not contiguous.
        UnsupportedTypeError: Neither a buffer nor a path.
        ReadError: The file is missing or cannot be read.

    Source:
        CRC RevEng catalogue; xxHash specification; RFC 1321; FIPS 180-4; the BLAKE3 paper.

    >>> hex(checksum(b"123456789", "crc32c"))
    '0xe3069283'
    """
    name_of("algorithm", algorithm, _CHECKSUM)
    if not is_path(buffer_or_path):
        return _core.checksum(bytes_like(buffer_or_path), algorithm, threads=threads)
    return fed(buffer_or_path, algorithm, threads=threads).value


def fed(
    path: str | os.PathLike[str] | None,
    algorithm: str,
    *,
    threads: int | None = None,
    told: Told | None = None,
) -> _core.Checksum:
    """The checksum of a file, or of standard input for None; `told` hears of every piece.

    Raises:
        UnknownNameError: There is no such algorithm.
        ReadError: The file is missing or cannot be read.
    """
    whole = _core.Checksum(algorithm)
    for piece in pieces(path, shared=threads != 1 and algorithm in _SIDE_BY_SIDE, told=told):
        whole.update(piece, threads=threads)
    return whole


def checksum_blocks(
    buffer_or_path: Any,
    algorithm: str = "crc32c",
    *,
    block_bytes: int = 4096,
    threads: int | None = None,
) -> pa.Array:
    """The checksum of each block of a buffer or a file, in order.

    Args:
        buffer_or_path: As for `checksum`, n bytes.
        algorithm: As for `checksum`.
        block_bytes: The size of a block, 1 to 2^31; the last block may be shorter.
        threads: At most so many threads; None means all cores. Blocks are computed side by side for
            every algorithm.

    Returns:
        A pyarrow array of shape (ceil(n / block_bytes),) without nulls: UInt32 for 32-bit CRCs, UInt64
        for `crc64_nvme` and XXH, FixedSizeBinary for digests. CRCs of blocks, combined in order
        (`Checksum.combine`), are the CRC of the whole.

    Raises:
        UnknownNameError: There is no such algorithm.
        ParameterError: `block_bytes` is out of bounds, or the buffer is not contiguous.
        UnsupportedTypeError: Neither a buffer nor a path.
        ReadError: The file is missing or cannot be read.

    >>> checksum_blocks(b"123456789", "crc32", block_bytes=8).to_pylist()
    [2598427311, 2366072709]
    """
    size = integer("block_bytes", block_bytes, 1, 2**31, f"1 to {2**31}, such as 4096")
    blocks = _core.BlockChecksums(name_of("algorithm", algorithm, _CHECKSUM), size)
    for piece in sources(buffer_or_path, shared=threads != 1):
        blocks.update(piece, threads=threads)
    return blocks.finish()


class Checksum:
    """A checksum in the making, fed piece by piece: the same value however the bytes are cut.

    Args:
        algorithm: As for `checksum`.

    Raises:
        UnknownNameError: There is no such algorithm.

    >>> left, right = Checksum("crc32c").update(b"1234"), Checksum("crc32c").update(b"56789")
    >>> hex(left.combine(right.value, 5).value)
    '0xe3069283'
    """

    __slots__ = ("_algorithm", "_native")

    def __init__(self, algorithm: str = "crc32c") -> None:
        self._algorithm = name_of("algorithm", algorithm, _CHECKSUM)
        self._native = _core.Checksum(algorithm)

    def update(self, buffer: Any) -> Checksum:
        """Appends the bytes of a contiguous bytes-like object, in place.

        Returns:
            This checksum, so that calls can be chained.

        Raises:
            ParameterError: The buffer is not contiguous.
            UnsupportedTypeError: Not a buffer; a str is a path only to `checksum`.
        """
        self._native.update(buffer, threads=1)
        return self

    def combine(self, other: int | Checksum, other_bytes: int | None = None) -> Checksum:
        """Appends bytes that are not at hand, from their CRC and their number, in place.

        Args:
            other: The CRC, by the same algorithm, of the bytes that follow; or a Checksum of them.
            other_bytes: How many bytes those are; may be left out if `other` is a Checksum.

        Returns:
            This checksum, whose value is now that of all bytes; more can be appended.

        Raises:
            ParameterError: The algorithm is no CRC, the algorithms differ, or a number is missing, out
                of bounds or contradicts `other`.
        """
        if isinstance(other, Checksum):
            if other._algorithm != self._algorithm:
                raise ParameterError(
                    f"a checksum by {other._algorithm} cannot be combined with one by {self._algorithm}; "
                    "use one algorithm for both"
                )
            covered = other.covered_bytes
            if other_bytes not in (None, covered):
                raise ParameterError(f"other_bytes is {other_bytes}, but the other checksum covers {covered} bytes")
            value, other_bytes = other.value, covered
            if not isinstance(value, int):
                # The core says what can be combined.
                value = 0
        else:
            value = other
        if isinstance(value, bytes) or not isinstance(value, int):
            raise UnsupportedTypeError(
                f"other is of type {type(value).__name__}; expected the CRC as int, or a Checksum"
            )
        if other_bytes is None:
            raise ParameterError("other_bytes is missing; expected the number of bytes that the other CRC covers")
        other_bytes = integer("other_bytes", other_bytes, 0, UINT64_HIGH, "0 to 2^64 - 1")
        self._native.combine(integer("other", value, 0, UINT64_HIGH, "a CRC, 0 to 2^64 - 1"), other_bytes)
        return self

    def copy(self) -> Checksum:
        """A checksum of its own that goes on from here."""
        made = object.__new__(Checksum)
        made._algorithm = self._algorithm
        made._native = self._native.copy()
        return made

    @property
    def algorithm(self) -> str:
        """The algorithm's name."""
        return self._algorithm

    @property
    def covered_bytes(self) -> int:
        """The number of bytes covered so far, combined ones included."""
        return self._native.covered_bytes

    @property
    def value(self) -> int | bytes:
        """The checksum of the bytes so far: an int for CRCs and XXH, bytes for digests."""
        return self._native.value

    def __repr__(self) -> str:
        value = self.value
        shown = value.hex() if isinstance(value, bytes) else hex(value)
        return f"<Checksum {self._algorithm} {shown} covered_bytes={self.covered_bytes}>"
