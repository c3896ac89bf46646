"""Keys that all peers get: one million, seeded, as Arrow columns and as Python objects."""

from __future__ import annotations

import pyarrow as pa
import pytest

KEYS = 1_000_000


@pytest.fixture(scope="session")
def words() -> pa.Array:
    """Integers that are not dense: a Weyl sequence, exact in 63 bits."""
    return pa.array([(index * 0x9E3779B97F4A7C15) & (2**63 - 1) for index in range(KEYS)], pa.int64())


@pytest.fixture(scope="session")
def text() -> pa.Array:
    """Text keys of 13 bytes, as a user id might be spelled."""
    return pa.array([f"user-{index:08d}" for index in range(KEYS)])
