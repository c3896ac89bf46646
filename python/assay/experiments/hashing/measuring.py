"""One hash function on one number of buckets: every number but the times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from assay import _core
from assay.errors import AssayError, MeasurementError
from assay.experiments.base import Cell, Point, Value
from assay.experiments.distinct import DistinctKeys, numpy_of
from assay.experiments.hashing.avalanche import Avalanche, avalanche
from assay.experiments.hashing.buckets import (
    bucket_of,
    collisions,
    evenness,
    evenness_bounds,
    expected_collisions,
    max_over_mean,
)
from assay.experiments.hashing.settings import Bits
from assay.experiments.hashing.spelling import HashSpec, bytes_of, hash_keys, width_bits, words_of

__all__ = ["MOST_BARS", "Contest", "Hashed", "hashed", "measure"]

MOST_BARS = 4_096  # buckets whose loads are kept one by one


@dataclass(frozen=True)
class Contest:
    """One function on one number of buckets."""

    spec: HashSpec
    partitions: int
    bits: tuple[Bits, ...]
    cell: Cell


@dataclass(frozen=True)
class Hashed:
    """The hashes of the distinct keys, and what they say whatever the number of buckets."""

    words: np.ndarray  # uint64 of shape (keys,), as buckets see the hashes
    width: int  # bits of the whole hash
    collisions: int
    avalanche: Avalanche | None
    no_avalanche: str | None  # why there is none


def hashed(spec: HashSpec, keys: DistinctKeys, flipped: np.ndarray) -> Hashed:
    """The hashes of all keys that are not null, and what flips of some of them change.

    Args:
        spec: The function.
        keys: The distinct keys; at least one is not null.
        flipped: Which keys, not null, have their bits flipped.

    Raises:
        MeasurementError: The function answers differently when asked again.
        AssayError: It does not take these keys.
    """
    there = pa.array(np.flatnonzero(~keys.is_null))
    columns = [column.take(there) for column in keys.columns]
    found = hash_keys(spec, columns)
    backwards = pa.array(np.arange(len(there), dtype=np.int64)[::-1])
    again = hash_keys(spec, [column.take(backwards) for column in columns], threads=1)
    if not again.equals(found.take(backwards)):
        raise MeasurementError(f"{spec.text} gives a key another hash when asked again")
    width = width_bits(found)
    whole = words_of(found) if width <= 64 else bytes_of(found)
    result, why = None, None
    try:
        sampled = [column.take(pa.array(flipped)) for column in keys.columns]
        result = avalanche(sampled, lambda columns: hash_keys(spec, columns, threads=1))
        if result is None:
            why = f"no bits of {', '.join(str(column.type) for column in keys.columns)} are flipped"
    except AssayError as error:
        why = f"a flipped key is no key of this type: {error}"
    return Hashed(words_of(found), width, collisions(whole), result, why)


def measure(contest: Contest, keys: DistinctKeys, of: Hashed) -> tuple[list[Value], list[Point]]:
    """All exact and seeded values of one cell, and its series."""
    cell_id, n = contest.cell.cell_id, contest.partitions
    mean, least, most = expected_collisions(len(of.words), of.width)
    low, high = evenness_bounds(n)
    values = [
        Value(cell_id, "hash_bits", of.width),
        Value(cell_id, "collisions", of.collisions),
        Value(cell_id, "collisions_expected", mean, least, most),
        Value(cell_id, "balance_ideal", 1.0, low, high),
        *_avalanche_values(cell_id, of),
    ]
    points = _avalanche_points(cell_id, of)
    rows = keys.rows
    null_rows = int(rows[keys.is_null].sum())
    own_rows = pa.array(np.ascontiguousarray(rows[~keys.is_null]))
    for bits in contest.bits:
        buckets = bucket_of(of.words, bits, min(64, of.width), n)
        counts = np.bincount(buckets, minlength=n).astype(np.uint64)
        loads = numpy_of(_core.sum_by(pa.array(buckets.astype(np.uint32)), own_rows, n)).copy()
        loads[0] += null_rows
        values += [
            Value(cell_id, f"balance_over_ideal.{bits}", evenness(counts)),
            Value(cell_id, f"keys_max_over_mean.{bits}", max_over_mean(counts)),
            Value(cell_id, f"load_max_over_mean.{bits}", max_over_mean(loads)),
        ]
        if bits == contest.bits[0] and n <= MOST_BARS:
            points += [Point(cell_id, "load", i, f"bucket {i}", float(load)) for i, load in enumerate(loads)]
    return values, points


def _avalanche_values(cell_id: str, of: Hashed) -> list[Value]:
    found = of.avalanche
    if found is None:
        names = ("avalanche_share", "avalanche_bias_output", "avalanche_bias_input")
        return [Value(cell_id, name, None, note=of.no_avalanche) for name in names]
    values = [Value(cell_id, "avalanche_share", found.share, found.low, found.high, f"{found.flips:,} flips")]
    for name, bias, bound in (
        ("avalanche_bias_output", found.output_bias, found.output_bound),
        ("avalanche_bias_input", found.input_bias, found.input_bound),
    ):
        note = f"by chance below {bound:.3f}"
        values.append(Value(cell_id, name, bias, max(0.0, bias - bound), min(1.0, bias + bound), note))
    return values


def _avalanche_points(cell_id: str, of: Hashed) -> list[Point]:
    if of.avalanche is None:
        return []
    outputs = enumerate(of.avalanche.by_output.tolist())
    inputs = enumerate(of.avalanche.by_input.items())
    return [
        *(Point(cell_id, "changed_by_output_bit", i, str(i), share) for i, share in outputs),
        *(Point(cell_id, "changed_by_input_bit", i, label, share) for i, (label, share) in inputs),
    ]
