"""Checksums of buffers and files: one number or digest, piece by piece, per block, or as a Merkle tree.

CRCs find every short burst of errors and combine; XXH3 runs at the speed of memory; digests stand
up to an attacker; a Merkle tree of digests says which block is broken and proves one block without the
others. Buffers are read where they lie, files in bounded pieces, and the interpreter is released meanwhile.
"""

from __future__ import annotations

from assay.checksums.merkle import MerkleProof, MerkleTree
from assay.checksums.streams import Checksum, checksum, checksum_blocks

__all__ = ["Checksum", "MerkleProof", "MerkleTree", "checksum", "checksum_blocks"]
