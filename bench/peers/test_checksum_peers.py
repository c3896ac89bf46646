"""Checksums of one buffer of 64 MiB: assay on one thread beside zlib, hashlib and xxhash."""

from __future__ import annotations

import hashlib
import zlib

import pytest
import xxhash

import assay

SIZE = 64 << 20


@pytest.fixture(scope="module")
def buffer() -> bytes:
    return bytes(range(256)) * (SIZE // 256)


@pytest.mark.benchmark(group="checksum of 64 MiB")
@pytest.mark.parametrize("algorithm", ["crc32c", "crc32", "xxh3_64", "sha256"])
def test_assay_checksum(benchmark, buffer, algorithm):
    benchmark(assay.checksum, buffer, algorithm, threads=1)


@pytest.mark.benchmark(group="checksum of 64 MiB")
def test_zlib_crc32(benchmark, buffer):
    benchmark(zlib.crc32, buffer)


@pytest.mark.benchmark(group="checksum of 64 MiB")
def test_xxhash_xxh3_64(benchmark, buffer):
    benchmark(xxhash.xxh3_64_intdigest, buffer)


@pytest.mark.benchmark(group="checksum of 64 MiB")
def test_hashlib_sha256(benchmark, buffer):
    benchmark(lambda: hashlib.sha256(buffer).digest())
