"""Merkle trees of buffers and files: one root for all bytes, which blocks differ, and proofs of single blocks.

Cost: one pass over the bytes by the chosen digest, two digests of memory per block; a difference is found by
following it down from the root. The tree is RFC 6962's, as in Certificate Transparency.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, SupportsIndex

from assay import _core
from assay.checks import UINT64_HIGH, integer, name_of
from assay.checksums.files import sources
from assay.errors import ParameterError, UnsupportedTypeError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["MerkleProof", "MerkleTree", "grown"]


@dataclass(frozen=True)
class MerkleProof:
    """That a block lies at its place among bytes of which only the root and the number are known.

    Attributes:
        algorithm: The digest.
        block_bytes: The size of a block; the last one may be shorter.
        covered_bytes: The number of bytes of all blocks.
        index: The number of the block, from 0.
        siblings: The digests beside the way from the block to the root, from below: at most ceil(log2(n)) of n blocks.
    """

    algorithm: str
    block_bytes: int
    covered_bytes: int
    index: int
    siblings: tuple[bytes, ...]


class MerkleTree:
    """The digests of the blocks of some bytes, and of everything above them up to one root.

    Build one with `MerkleTree.build`, or read a saved one with `MerkleTree.from_bytes`. Trees are equal where their
    digest, size of blocks, number of bytes and root are; they can be pickled.

    Source:
        RFC 6962, section 2.1: leaves are digests of 0x00 and the block, nodes of 0x01 and two digests, an odd node at
        the end goes up as it is. The root over n blocks is therefore what Certificate Transparency calls MTH.
    """

    __slots__ = ("_native",)

    _native: _core.MerkleTree

    def __init__(self) -> None:
        raise TypeError("a tree is made by MerkleTree.build(buffer_or_path) or MerkleTree.from_bytes(data)")

    @classmethod
    def _of(cls, native: _core.MerkleTree) -> MerkleTree:
        made = object.__new__(cls)
        made._native = native
        return made

    @classmethod
    def build(
        cls,
        buffer_or_path: Any,
        *,
        block_bytes: int = 65_536,
        algorithm: str = "blake3",
        threads: int | None = None,
    ) -> MerkleTree:
        """The tree over the blocks of a buffer or a file.

        Args:
            buffer_or_path: As for `assay.checksum`, n bytes; only digests are kept of them.
            block_bytes: The size of a block, 1 to 2^31; the last block may be shorter.
            algorithm: `blake3`, `sha256`, `sha512`; `sha1` and `md5` where nobody may want two blocks to agree.
                CRCs and XXH are refused, as a block with a wanted value is easily made and a proof by them is none;
                to find broken blocks by them, compare two arrays of `assay.checksum_blocks`.
            threads: At most so many threads; None means all cores. The tree does not depend on it.

        Raises:
            UnknownNameError: There is no such algorithm.
            ParameterError: The algorithm is no digest, `block_bytes` is out of bounds, or the buffer is not contiguous.
            UnsupportedTypeError: Neither a buffer nor a path.
            ReadError: The file is missing or cannot be read.

        >>> before, after = MerkleTree.build(b"abcdefgh", block_bytes=2), MerkleTree.build(b"abcdEfgh", block_bytes=2)
        >>> before.diff(after).to_pylist()
        [2]
        """
        source = sources(buffer_or_path, shared=threads != 1)
        return grown(source, block_bytes=block_bytes, algorithm=algorithm, threads=threads)

    @classmethod
    def from_bytes(cls, data: Any) -> MerkleTree:
        """The tree that `to_bytes` gave these bytes.

        Raises:
            DataError: The bytes are no tree, are of a newer version, are truncated, or have changed.
        """
        return cls._of(_core.MerkleTree.from_bytes(data))

    def to_bytes(self) -> bytes:
        """The tree as bytes, versioned and checksummed: 32 bytes and a digest for each block."""
        return self._native.to_bytes()

    @property
    def root(self) -> bytes:
        """The digest over all blocks; the one leaf where there is one, the digest of no bytes where there is none."""
        return self._native.root

    def diff(self, other: MerkleTree) -> pa.UInt64Array:
        """The numbers of the blocks that differ, ascending.

        Where the numbers of bytes differ, so do the blocks that only one of the trees has; a block that is short in
        one and longer in the other is a difference too.

        Raises:
            ParameterError: The trees have other digests or sizes of blocks.
            UnsupportedTypeError: `other` is no tree.
        """
        if not isinstance(other, MerkleTree):
            raise UnsupportedTypeError(f"other is of type {type(other).__name__}; expected a MerkleTree")
        return self._native.diff(other._native)

    def proof(self, index: int) -> MerkleProof:
        """What proves one block to whoever knows the root and the number of bytes.

        Raises:
            ParameterError: There is no such block.
        """
        if not isinstance(index, SupportsIndex) or not 0 <= operator.index(index) < self.block_count:
            bounds = f"expected 0 to {self.block_count - 1}" if self.block_count else "there are no blocks"
            raise ParameterError(f"block {index!r} is not in the tree; {bounds}")
        index = operator.index(index)
        return MerkleProof(
            self.algorithm, self.block_bytes, self.covered_bytes, index, tuple(self._native.proof(index))
        )

    @staticmethod
    def verify(block: Any, proof: MerkleProof, *, root: bytes, covered_bytes: int) -> bool:
        """Whether a block lies where its proof says, among bytes whose root and number are known from a trusted place.

        Everything in the proof may be forged. The number of bytes is asked for because a root alone does not say how
        many blocks there are: the end of five blocks could pass as the end of two.

        Args:
            block: The bytes of the block, a contiguous bytes-like object.
            proof: What `proof` gave.
            root: The root of the tree.
            covered_bytes: The number of bytes under it.

        Raises:
            UnknownNameError: The proof names no algorithm.
            ParameterError: The proof's algorithm is no digest.
            UnsupportedTypeError: The block is not bytes-like, or the proof no proof.

        Source:
            RFC 9162, section 2.1.3.2.
        """
        if not isinstance(proof, MerkleProof):
            raise UnsupportedTypeError(f"proof is of type {type(proof).__name__}; expected what tree.proof(index) gave")
        sizes = (proof.block_bytes, proof.covered_bytes, proof.index)
        if covered_bytes != proof.covered_bytes or not all(0 <= size <= UINT64_HIGH for size in sizes):
            return False
        return _core.verify_block(
            proof.algorithm,
            block,
            proof.siblings,
            root,
            block_bytes=proof.block_bytes,
            covered_bytes=proof.covered_bytes,
            index=proof.index,
        )

    @property
    def leaves(self) -> pa.FixedSizeBinaryArray:
        """The digests of the blocks, shape (block_count,): each of 0x00 and the block."""
        return self._native.leaves()

    @property
    def algorithm(self) -> str:
        """The digest's name."""
        return self._native.algorithm

    @property
    def block_bytes(self) -> int:
        """The size of a block; the last one may be shorter."""
        return self._native.block_bytes

    @property
    def block_count(self) -> int:
        """The number of blocks."""
        return self._native.block_count

    @property
    def covered_bytes(self) -> int:
        """The number of bytes that the blocks hold."""
        return self._native.covered_bytes

    @property
    def memory_bytes(self) -> int:
        """What the digests take."""
        return self._native.memory_bytes

    def __eq__(self, other: object) -> bool:
        return self._native.equals(other._native) if isinstance(other, MerkleTree) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.algorithm, self.block_bytes, self.covered_bytes, self.root))

    def __reduce__(self) -> tuple[Any, ...]:
        return (MerkleTree.from_bytes, (self.to_bytes(),))

    def __repr__(self) -> str:
        return (
            f"<MerkleTree {self.algorithm} {self.root.hex()} block_bytes={self.block_bytes} "
            f"block_count={self.block_count} covered_bytes={self.covered_bytes}>"
        )


def grown(pieces: Iterable[Any], *, block_bytes: int, algorithm: str, threads: int | None = None) -> MerkleTree:
    """The tree over the blocks of bytes that come in pieces; see `MerkleTree.build`."""
    size = integer("block_bytes", block_bytes, 1, 2**31, f"1 to {2**31}, such as 65536")
    leaves = _core.MerkleLeaves(name_of("algorithm", algorithm, 'a digest, such as "blake3"'), size)
    for piece in pieces:
        leaves.update(piece, threads=threads)
    return MerkleTree._of(leaves.finish())
