"""Merkle trees: published roots, the definition as an oracle, differences, proofs, saved forms, wrong use."""

from __future__ import annotations

import hashlib
import pickle
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import assay
from assay.checksums import MerkleProof, MerkleTree
from assay.errors import DataError, ParameterError, ReadError, UnknownNameError, UnsupportedTypeError


def blocks_of(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def naive_root(blocks: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word, by SHA-256."""
    if not blocks:
        return hashlib.sha256().digest()
    if len(blocks) == 1:
        return hashlib.sha256(b"\0" + blocks[0]).digest()
    split = 1 << (len(blocks) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + naive_root(blocks[:split]) + naive_root(blocks[split:])).digest()


def test_published_roots_match() -> None:
    # Certificate Transparency's test tree has entries of several lengths, which the core's tests check; of one
    # length are its first entry, here as no bytes and as one, and the second.
    assert MerkleTree.build(b"", algorithm="sha256").root.hex() == hashlib.sha256().hexdigest()
    one = MerkleTree.build(b"\0", algorithm="sha256").root.hex()
    assert one == "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"


@given(data=st.binary(max_size=600), size=st.integers(1, 60))
@settings(max_examples=150, deadline=None)
def test_a_root_is_that_of_the_definition(data: bytes, size: int) -> None:
    tree = MerkleTree.build(data, block_bytes=size, algorithm="sha256")
    blocks = blocks_of(data, size)
    assert tree.root == naive_root(blocks)
    assert (tree.block_count, tree.covered_bytes, tree.block_bytes) == (len(blocks), len(data), size)
    assert tree.leaves.to_pylist() == [hashlib.sha256(b"\0" + block).digest() for block in blocks]
    assert tree.memory_bytes <= 32 * (2 * len(blocks) + 10)


@given(
    data=st.binary(max_size=500),
    other=st.binary(max_size=500),
    shared=st.integers(0, 500),
    size=st.integers(1, 40),
    algorithm=st.sampled_from(["md5", "sha1", "sha256", "sha512", "blake3"]),
)
@settings(max_examples=150, deadline=None)
def test_a_difference_is_that_of_the_blocks(data: bytes, other: bytes, shared: int, size: int, algorithm: str) -> None:
    other = data[:shared] + other
    left, right = (MerkleTree.build(one, block_bytes=size, algorithm=algorithm) for one in (data, other))
    pairs = [blocks_of(data, size), blocks_of(other, size)]
    longest = max(map(len, pairs))
    first, second = (blocks + [b""] * (longest - len(blocks)) for blocks in pairs)
    expected = [number for number in range(longest) if first[number] != second[number]]
    assert left.diff(right).to_pylist() == right.diff(left).to_pylist() == expected
    assert (left == right) == (data == other)
    assert (hash(left) == hash(right)) >= (data == other)


@given(data=st.binary(min_size=1, max_size=400), size=st.integers(1, 50), seed=st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_a_proof_holds_for_its_block_and_no_other(data: bytes, size: int, seed: int) -> None:
    tree, blocks, chance = MerkleTree.build(data, block_bytes=size), blocks_of(data, size), random.Random(seed)
    index = chance.randrange(len(blocks))
    proof, block = tree.proof(index), blocks[index]

    def holds(block: bytes, proof: MerkleProof, root: bytes = tree.root, covered: int = len(data)) -> bool:
        return MerkleTree.verify(block, proof, root=root, covered_bytes=covered)

    assert holds(block, proof)
    assert len(proof.siblings) <= (len(blocks) - 1).bit_length()
    changed = bytes([block[0] ^ 1]) + block[1:]
    assert not holds(changed, proof)
    assert not holds(block + b"\0", proof)
    assert not holds(block, proof, covered=len(data) + 1)
    assert not holds(block, replace(proof, covered_bytes=len(data) + size), covered=len(data))
    assert not holds(block, proof, root=bytes(32))
    for wrong in {*range(len(blocks) + 2)} - {index}:
        elsewhere = replace(proof, index=wrong)
        # Where blocks repeat, the same digests can prove the same block elsewhere, rightly.
        assert not holds(block, elsewhere) or blocks[wrong] == block
    for siblings in (proof.siblings[:-1], (*proof.siblings, bytes(32)), tuple(s[:-1] for s in proof.siblings)):
        assert siblings == proof.siblings or not holds(block, replace(proof, siblings=siblings))


def test_the_end_of_five_blocks_does_not_pass_as_the_end_of_two() -> None:
    tree = MerkleTree.build(b"abcde", block_bytes=1)
    forged = replace(tree.proof(4), covered_bytes=2, index=1)
    assert not MerkleTree.verify(b"e", forged, root=tree.root, covered_bytes=5)


def test_leaves_and_nodes_are_told_apart() -> None:
    # Without 0x00 and 0x01 before them, the digests of two leaves would be a block with the root of both.
    tree = MerkleTree.build(b"ab", block_bytes=1, algorithm="sha256")
    inner = b"".join(tree.leaves.to_pylist())
    assert MerkleTree.build(inner, block_bytes=64, algorithm="sha256").root != tree.root


def test_files_buffers_and_threads_give_the_same_tree(tmp_path: Path) -> None:
    data = np.random.default_rng(5).bytes(2 * 8 * 2**20 + 12_345)
    path = tmp_path / "data.bin"
    path.write_bytes(data)
    for size in (4096, 65_536, 1_000_003, 9 * 2**20):
        tree = MerkleTree.build(data, block_bytes=size, threads=1)
        assert (
            tree == MerkleTree.build(path, block_bytes=size) == MerkleTree.build(str(path), block_bytes=size, threads=4)
        )
    broken = bytearray(data)
    broken[5_000_000] ^= 1
    assert MerkleTree.build(data).diff(MerkleTree.build(broken)).to_pylist() == [5_000_000 // 65_536]


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha512", "blake3"])
def test_a_saved_tree_comes_back(algorithm: str) -> None:
    for data in (b"", b"a", bytes(1000)):
        tree = MerkleTree.build(data, block_bytes=7, algorithm=algorithm)
        again = MerkleTree.from_bytes(tree.to_bytes())
        assert again == tree == pickle.loads(pickle.dumps(tree))
        assert (again.root, again.algorithm) == (tree.root, algorithm)
        assert algorithm in repr(again) and again.root.hex() in repr(again)


def test_a_saved_tree_has_the_bytes_that_are_documented() -> None:
    saved = MerkleTree.build(b"abc", block_bytes=2, algorithm="sha256").to_bytes()
    body = b"assaymt\0" + bytes([1, 0, 3, 0]) + (2).to_bytes(4, "little") + (3).to_bytes(8, "little")
    body += hashlib.sha256(b"\0ab").digest() + hashlib.sha256(b"\0c").digest()
    assert saved == body + assay.checksum(body, "xxh3_64").to_bytes(8, "little")


@given(data=st.binary(max_size=120), at=st.integers(0, 10_000), change=st.integers(1, 255))
@settings(max_examples=100, deadline=None)
def test_bytes_that_are_no_tree_are_refused(data: bytes, at: int, change: int) -> None:
    saved = MerkleTree.build(data, block_bytes=16).to_bytes()
    at %= len(saved)
    changed = saved[:at] + bytes([saved[at] ^ change]) + saved[at + 1 :]
    for hostile in (data, changed, saved[:at], saved + b"\0"):
        with pytest.raises(DataError, match="no Merkle tree"):
            MerkleTree.from_bytes(hostile)


def test_wrong_use_is_named() -> None:
    tree = MerkleTree.build(b"abc", block_bytes=1)
    for algorithm in ("crc32", "crc32c", "crc64_nvme", "xxh3_64", "xxh64"):
        with pytest.raises(ParameterError, match=f"by {algorithm} proves nothing.*checksum_blocks"):
            MerkleTree.build(b"", algorithm=algorithm)
    with pytest.raises(UnknownNameError, match="blake3"):
        MerkleTree.build(b"", algorithm="blake2")
    for size in (0, -1, 2**31 + 1, 2**64):
        with pytest.raises(ParameterError, match=f"block_bytes is {size}"):
            MerkleTree.build(b"", block_bytes=size)
    for index in (-1, 3, 2**70):
        with pytest.raises(ParameterError, match=f"block {index} is not in the tree; expected 0 to 2"):
            tree.proof(index)
    for index in ("a", 1.5):
        with pytest.raises(ParameterError, match=r"block .* is not in the tree; expected 0 to 2"):
            tree.proof(index)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="block_bytes is '4k'"):
        MerkleTree.build(b"", block_bytes="4k")  # type: ignore[arg-type]
    with pytest.raises(UnsupportedTypeError, match="proof is of type int"):
        MerkleTree.verify(b"a", 3, root=tree.root, covered_bytes=3)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="there are no blocks"):
        MerkleTree.build(b"").proof(0)
    with pytest.raises(ParameterError, match="blocks of 1 bytes cannot be compared with one by sha256"):
        tree.diff(MerkleTree.build(b"abc", algorithm="sha256"))
    with pytest.raises(UnsupportedTypeError, match="other is of type bytes"):
        tree.diff(tree.root)  # type: ignore[arg-type]
    with pytest.raises(UnsupportedTypeError, match="expected bytes"):
        MerkleTree.build(3)
    with pytest.raises(ReadError, match="no such"):
        MerkleTree.build("no such file")
    with pytest.raises(TypeError, match=r"MerkleTree\.build"):
        MerkleTree()
    assert tree != tree.root
