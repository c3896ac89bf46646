"""What travels to and from workers: parcels, results, failures, and states that are compressed."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from assay.errors import UnknownNameError
from assay.harness.spans import Parcel, SpanFailure, SpanResult, compressed, decompressed


@pytest.mark.parametrize("state", [b"", b"x", bytes(10**6), os.urandom(10**5), b"assay" * 10**5, b"\0" * 64 * 1024])
def test_a_state_is_the_same_after_compression_and_never_grows(state: bytes) -> None:
    kept = compressed(state)
    assert decompressed(kept) == state and len(kept) <= len(state)


def test_a_state_full_of_zeros_becomes_small() -> None:
    assert len(compressed(bytes(10**7) + os.urandom(1000))) < 10**5


@pytest.mark.parametrize("protocol", [4, 5])
@pytest.mark.parametrize("thing", [Parcel.of(b"abc"), Parcel("k", None, "path"), SpanResult(3, b"state", "h", 7, 0.5)])
def test_parcels_and_results_survive_the_journey(thing: Any, protocol: int) -> None:
    assert pickle.loads(pickle.dumps(thing, protocol)) == thing


def test_large_bytes_travel_beside_the_pickle_and_arrive_as_bytes() -> None:
    parcel = Parcel.of(os.urandom(10**6))
    beside: list[pickle.PickleBuffer] = []
    packed = pickle.dumps(parcel, 5, buffer_callback=beside.append)
    assert len(packed) < 500 and len(beside) == 1
    arrived = pickle.loads(packed, buffers=[bytearray(beside[0])])
    assert arrived == parcel and type(arrived.data) is bytes


def test_a_parcel_is_read_from_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(b"there")
    assert Parcel("k", b"here").read() == b"here"
    assert Parcel("k", None, str(tmp_path / "p")).read() == b"there"


def test_an_error_that_cannot_travel_keeps_its_words() -> None:
    class LocalError(Exception):
        """Unknown to any other process."""

    assert str(SpanFailure.of(LocalError("no disk")).error) == "LocalError: no disk"
    error = SpanFailure.of(UnknownNameError.of("column", "x", ["y"])).error
    assert isinstance(error, UnknownNameError)
