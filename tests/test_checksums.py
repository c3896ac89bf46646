"""Checksums: published vectors, laws, buffers, files, blocks, wrong use."""

from __future__ import annotations

import array
import hashlib
import zlib
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

import assay
from assay.checksums.streams import fed
from assay.errors import ParameterError, ReadError, UnknownNameError, UnsupportedTypeError

CRCS: list[Any] = ["crc32", "crc32c", "crc64_nvme"]
HASHES = ["xxh3_64", "xxh64"]
DIGESTS = ["md5", "sha1", "sha256", "sha512", "blake3"]
ALL = [*CRCS, *HASHES, *DIGESTS]


def naive_crc(data: bytes, polynomial: int, width: int) -> int:
    """The definition, bit by bit: reflected, all ones in, all ones out."""
    ones = (1 << width) - 1

    def step(state: int, byte: int) -> int:
        state ^= byte
        for _ in range(8):
            state = state >> 1 ^ (polynomial if state & 1 else 0)
        return state

    return reduce(step, data, ones) ^ ones


ORACLES: dict[str, Any] = {
    "crc32": zlib.crc32,
    "crc32c": lambda data: naive_crc(data, 0x82F63B78, 32),
    "crc64_nvme": lambda data: naive_crc(data, 0x9A6C9329AC4BC9B5, 64),
    "xxh3_64": xxhash.xxh3_64_intdigest,
    "xxh64": xxhash.xxh64_intdigest,
    "md5": lambda data: hashlib.md5(data).digest(),
    "sha1": lambda data: hashlib.sha1(data).digest(),
    "sha256": lambda data: hashlib.sha256(data).digest(),
    "sha512": lambda data: hashlib.sha512(data).digest(),
}

# Check values of the CRC RevEng catalogue; RFC 3720 B.4 (32 zeros); RFC 1321 A.5; FIPS 180-4 examples;
# BLAKE3 test_vectors.json (length 0).
TWO_BLOCKS = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
VECTORS: list[tuple[str, bytes, int | str]] = [
    ("crc32", b"123456789", 0xCBF43926),
    ("crc32c", b"123456789", 0xE3069283),
    ("crc64_nvme", b"123456789", 0xAE8B14860A799888),
    ("crc32c", bytes(32), 0x8A9136AA),
    ("crc32", b"", 0),
    ("md5", b"", "d41d8cd98f00b204e9800998ecf8427e"),
    ("md5", b"message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
    ("md5", b"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
    ("sha1", b"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
    ("sha1", TWO_BLOCKS, "84983e441c3bd26ebaae4aa1f95129e5e54670f1"),
    ("sha256", b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ("sha256", TWO_BLOCKS, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
    (
        "sha512",
        b"abc",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    ),
    ("blake3", b"", "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
]


@pytest.mark.parametrize(("algorithm", "data", "expected"), VECTORS)
def test_published_vectors_match(algorithm: str, data: bytes, expected: int | str) -> None:
    assert assay.checksum(data, algorithm) == (bytes.fromhex(expected) if isinstance(expected, str) else expected)


# --- laws ------------------------------------------------------------------------------------


@given(parts=st.lists(st.binary(max_size=300), max_size=6), algorithm=st.sampled_from(ALL))
@settings(max_examples=150, deadline=None)
def test_cuts_do_not_change_the_value_and_the_oracle_agrees(parts: list[bytes], algorithm: str) -> None:
    whole = b"".join(parts)
    state = assay.Checksum(algorithm)
    for part in parts:
        assert state.update(part) is state
    value = assay.checksum(whole, algorithm)
    assert state.value == value and state.covered_bytes == len(whole)
    if algorithm in ORACLES:
        assert value == ORACLES[algorithm](whole)


@given(left=st.binary(max_size=200), middle=st.binary(max_size=200), right=st.binary(max_size=200))
@settings(max_examples=60, deadline=None)
def test_crcs_of_parts_combine_to_the_crc_of_the_whole(left: bytes, middle: bytes, right: bytes) -> None:
    for algorithm in CRCS:
        joined = assay.Checksum(algorithm).update(left)
        assert joined.combine(assay.checksum(middle, algorithm), len(middle)) is joined
        joined.combine(assay.Checksum(algorithm).update(right))
        assert joined.value == assay.checksum(left + middle + right, algorithm)
        assert joined.update(left).value == assay.checksum(left + middle + right + left, algorithm)
        assert joined.covered_bytes == 2 * len(left) + len(middle) + len(right)


@given(data=st.binary(max_size=1000), block=st.integers(1, 300), algorithm=st.sampled_from(ALL))
@settings(max_examples=100, deadline=None)
def test_blocks_are_the_checksums_of_the_blocks(data: bytes, block: int, algorithm: str) -> None:
    found = assay.checksum_blocks(data, algorithm, block_bytes=block)
    parts = [data[start : start + block] for start in range(0, len(data), block)]
    assert found.to_pylist() == [assay.checksum(part, algorithm) for part in parts]
    if algorithm in CRCS:
        joined = assay.Checksum(algorithm)
        for part, value in zip(parts, found.to_pylist(), strict=True):
            joined.combine(value, len(part))
        assert joined.value == assay.checksum(data, algorithm)


@pytest.mark.parametrize("algorithm", ALL)
def test_threads_do_not_change_a_value(algorithm: str) -> None:
    data = np.random.default_rng(3).bytes(3_000_001)
    assert assay.checksum(data, algorithm, threads=1) == assay.checksum(data, algorithm, threads=4)
    blocks = assay.checksum_blocks(data, algorithm, block_bytes=65_536, threads=4)
    assert blocks.equals(assay.checksum_blocks(data, algorithm, block_bytes=65_536, threads=1))


def test_a_copy_goes_its_own_way() -> None:
    for algorithm in ALL:
        first = assay.Checksum(algorithm).update(b"ab")
        second = first.copy().update(b"c")
        assert first.value == assay.checksum(b"ab", algorithm)
        assert second.value == assay.checksum(b"abc", algorithm)
        assert second.algorithm == algorithm and algorithm in repr(second)


# --- buffers and files -----------------------------------------------------------------------


def test_every_contiguous_buffer_is_its_bytes() -> None:
    numbers = np.arange(1000, dtype=np.float64).reshape(10, 100)
    raw = numbers.tobytes()
    expected = assay.checksum(raw)
    buffers: list[Any] = [
        bytearray(raw),
        memoryview(raw),
        memoryview(b"x" + raw)[1:],
        numbers,
        numbers.view(np.complex128),
        np.frombuffer(raw, [("a", "<i4"), ("b", "<f4")]),
        array.array("d", numbers.ravel()),
        pa.py_buffer(raw),
        pa.array(numbers.ravel()).buffers()[1].slice(0, len(raw)),
    ]
    assert [assay.checksum(buffer) for buffer in buffers] == [expected] * len(buffers)
    assert assay.checksum(np.zeros((0, 3))) == assay.checksum(b"") == 0


@pytest.mark.parametrize("view", [memoryview(b"abcdef")[::2], np.zeros((4, 4))[:, 1], np.asfortranarray(np.eye(3))])
def test_a_buffer_that_is_not_contiguous_is_refused(view: Any) -> None:
    for use in (assay.checksum, assay.checksum_blocks, assay.Checksum("crc32").update):
        with pytest.raises(ParameterError, match="not contiguous"):
            use(view)


def test_a_file_is_its_bytes_however_long(tmp_path: Path) -> None:
    # Two pieces of 8 MiB and a rest, so that blocks and streams cross pieces.
    data = np.random.default_rng(5).bytes(2 * 8 * 2**20 + 12_345)
    path = tmp_path / "data.bin"
    path.write_bytes(data)
    for algorithm in ("crc32c", "xxh3_64", "sha256"):
        expected = assay.checksum(data, algorithm)
        assert assay.checksum(path, algorithm) == assay.checksum(str(path), algorithm) == expected
    for block in (4096, 1_000_003, 9 * 2**20):
        found = assay.checksum_blocks(path, "crc32c", block_bytes=block)
        assert found.equals(assay.checksum_blocks(data, "crc32c", block_bytes=block))
    empty = tmp_path / "empty"
    empty.touch()
    assert assay.checksum(empty, "sha256") == hashlib.sha256().digest()
    assert len(assay.checksum_blocks(empty)) == 0


def test_a_file_that_shrinks_or_grows_while_it_is_read_is_what_was_read(tmp_path: Path) -> None:
    """A mapped file would kill the process here (SIGBUS)."""
    path = tmp_path / "data"
    for after, expected in ((b"", b"a" * 2**20), (b"a" * 2**22, b"a" * 2**22)):
        path.write_bytes(b"a" * 3 * 2**20)
        seen = []

        def told(count: int, after: bytes = after, seen: list[int] = seen) -> None:
            if not seen:
                with path.open("r+b") as file:
                    file.truncate()
                    file.write(after)
            seen.append(count)

        state = fed(path, "crc32c", threads=1, told=told)
        assert state.value == assay.checksum(expected) and sum(seen) == len(expected)


def test_a_file_of_the_system_that_has_no_size_is_read_to_its_end(tmp_path: Path) -> None:
    version = Path("/proc/version")
    if not version.exists():
        pytest.skip("there is no /proc here")
    assert assay.checksum(version, "sha256") == hashlib.sha256(version.read_bytes()).digest()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "no such file"
    for source in (missing, str(missing), tmp_path):
        for use in (assay.checksum, assay.checksum_blocks):
            with pytest.raises(ReadError, match=str(source)):
                use(source)


def test_blocks_are_typed_by_their_width() -> None:
    kinds = {name: assay.checksum_blocks(b"abc", name).type for name in ALL}
    assert kinds["crc32"] == kinds["crc32c"] == pa.uint32()
    assert kinds["crc64_nvme"] == kinds["xxh64"] == kinds["xxh3_64"] == pa.uint64()
    widths = {"md5": 16, "sha1": 20, "sha256": 32, "sha512": 64, "blake3": 32}
    assert {name: kinds[name] for name in DIGESTS} == {name: pa.binary(width) for name, width in widths.items()}
    assert assay.checksum_blocks(b"", "sha1").type == pa.binary(20)


# --- wrong use -------------------------------------------------------------------------------


def test_unknown_algorithms_offer_the_nearest_name() -> None:
    for use in (assay.checksum, assay.checksum_blocks):
        with pytest.raises(UnknownNameError, match='"crc32d"; did you mean "crc32'):
            use(b"", "crc32d")
    with pytest.raises(UnknownNameError, match="blake3"):
        assay.Checksum("blake2")


def test_what_is_neither_buffer_nor_path_is_refused() -> None:
    for source in (3, None, ["a"], object()):
        with pytest.raises(UnsupportedTypeError, match="expected bytes"):
            assay.checksum(source)
    with pytest.raises(UnsupportedTypeError, match="got str"):
        assay.Checksum("crc32").update("text")


@pytest.mark.parametrize("size", [0, -1, 2**31 + 1, 2**64])
def test_block_sizes_out_of_bounds_are_refused(size: int) -> None:
    with pytest.raises(ParameterError, match=f"block_bytes is {size}"):
        assay.checksum_blocks(b"abc", block_bytes=size)


def test_what_is_of_the_wrong_kind_is_named_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    with path.open("rb") as file, pytest.raises(UnsupportedTypeError, match="got BufferedReader; read what is open"):
        assay.checksum(file)
    for verb in (assay.checksum, assay.checksum_blocks):
        with pytest.raises(UnsupportedTypeError, match="or the path of a file, got int"):
            verb(3)
        with pytest.raises(UnsupportedTypeError, match="got Int64Array; a column is several buffers"):
            verb(pa.array([1]))
        with pytest.raises(ParameterError, match="algorithm is 3; expected the name of a checksum"):
            verb(b"", 3)  # type: ignore[arg-type]
    for size in ("4k", 1.5, None):
        with pytest.raises(ParameterError, match=r"block_bytes is .*; expected 1 to 2147483648, such as 4096"):
            assay.checksum_blocks(b"", block_bytes=size)  # type: ignore[arg-type]


def test_only_crcs_combine_and_only_with_sound_numbers() -> None:
    for algorithm in [*HASHES, *DIGESTS]:
        with pytest.raises(ParameterError, match="only CRCs"):
            assay.Checksum(algorithm).combine(0, 0)
        with pytest.raises(ParameterError, match="only CRCs"):
            assay.Checksum(algorithm).combine(assay.Checksum(algorithm).update(b"a"))
    state = assay.Checksum("crc32").update(b"ab")
    other = assay.Checksum("crc32").update(b"cde")
    mistakes: list[tuple[Callable[[], object], str]] = [
        (lambda: state.combine(1 << 32, 4), "32 bits"),
        (lambda: state.combine(-1, 4), "other is -1"),
        (lambda: state.combine(5, -1), "other_bytes is -1"),
        (lambda: state.combine(5), "other_bytes is missing"),
        (lambda: state.combine(5, 0), "no bytes is 0"),
        (lambda: state.combine(other, 4), "covers 3 bytes"),
        (lambda: state.combine(assay.Checksum("crc32c").update(b"cde")), "crc32c cannot be combined"),
    ]
    for wrong, named in mistakes:
        with pytest.raises(ParameterError, match=named):
            wrong()
    assert state.value == zlib.crc32(b"ab") and state.covered_bytes == 2
    assert state.combine(other, 3).value == zlib.crc32(b"abcde")
