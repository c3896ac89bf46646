"""Seeds of the targets' corpora: small true inputs, written anew where they are not there.

python fuzz/seeds.py CORPUS_FOLDER
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

import assay

__all__ = ["SEEDS"]


def blooms() -> Iterator[bytes]:
    """Bloom filters of each layout and of several types of keys."""
    for keys in (pa.array([1, 2, 3]), pa.array(["a", "b"]), pa.array([1.5])):
        for layout in ("split_block", "standard", "blocked_512"):
            yield assay.BloomFilter.build(keys, layout=layout).to_bytes()


def countings() -> Iterator[bytes]:
    """Counting filters, one of them with counters that have overflowed."""
    for keys in (pa.array([1, 2, 3]), pa.array(["a", "b"]), pa.array([7] * 20)):
        yield assay.CountingBloomFilter.build(keys).to_bytes()


def parquet_filters() -> Iterator[bytes]:
    """A type, the header that pyarrow writes, and a bitset."""
    header = bytes.fromhex("15401c1c00001c1c00001c1c000000")
    later = bytes.fromhex("15401c1c00001c1c00001c1c0000192101021702030405060708091802616200")
    for number in range(8):
        for one in (header, later):
            yield bytes([number]) + one + bytes(range(32))


def fingerprints() -> Iterator[bytes]:
    """Filters of fingerprints: each kind, width and arity; ribbons with and without a second layer."""
    for keys in (pa.array([], pa.int64()), pa.array([1, 2, 3]), pa.array(["a", "b"])):
        for bits in (8, 16):
            yield assay.XorFilter.build(keys, fingerprint_bits=bits).to_bytes()
            for arity in (3, 4):
                yield assay.BinaryFuseFilter.build(keys, fingerprint_bits=bits, arity=arity).to_bytes()
        for bits in (1, 7, 32):
            yield assay.RibbonFilter.build(keys, fingerprint_bits=bits).to_bytes()
        for rate in (0.03, 0.01, 0.0002):
            yield assay.CuckooFilter.build(keys, false_positive_rate=rate, capacity=9).to_bytes()
    for bits in (1, 7):  # 1,025 keys or more have a layer that some of them leave
        yield assay.RibbonFilter.build(pa.array(range(1_100)), fingerprint_bits=bits).to_bytes()


def trees() -> Iterator[bytes]:
    """Merkle trees by each digest, and of nothing."""
    for algorithm in ("md5", "sha1", "sha256", "sha512", "blake3"):
        yield assay.MerkleTree.build(bytes(20), block_bytes=4, algorithm=algorithm).to_bytes()
    yield assay.MerkleTree.build(b"").to_bytes()


# Each Rust target of Cargo.toml by its name.
SEEDS = {
    "bloom_from_bytes": blooms,
    "counting_from_bytes": countings,
    "parquet_filter": parquet_filters,
    "fingerprint_from_bytes": fingerprints,
    "merkle_from_bytes": trees,
}


def main(folder: Path) -> None:
    """Writes every seed."""
    for target, seeds in SEEDS.items():
        (folder / target).mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(seeds()):
            (folder / target / f"seed-{number}").write_bytes(seed)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
