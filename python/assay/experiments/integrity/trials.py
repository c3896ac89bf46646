"""The trials of one cell: every kind of fault, many times, and what the checks and the repairs make of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from assay.experiments.base import Cell, Point, Value
from assay.experiments.integrity.checking import check, false_alarms, mended
from assay.experiments.integrity.copies import Copy, Intact
from assay.experiments.integrity.faults import PAGE_BYTES, inject, prepared
from assay.experiments.integrity.schemes import Scheme
from assay.experiments.integrity.settings import FAULTS, Fault
from assay.intervals import over_seeds, rate_interval

__all__ = ["Contest", "measure"]

_MIB = 1 << 20
_BOTH = len(FAULTS)  # numbers the draws of faults in two copies


@dataclass(frozen=True)
class Contest:
    """One way to keep checksums, with one size of blocks."""

    scheme: Scheme
    block_bytes: int
    faults: tuple[Fault, ...]
    trials: int
    seed: int
    cell: Cell


def measure(contest: Contest, data: bytes) -> tuple[list[Value], list[Point]]:
    """All values of one cell but the times."""
    cell_id, scheme, size = contest.cell.cell_id, contest.scheme, contest.block_bytes
    intact = Intact(scheme, data, size)
    kept = sum(map(len, intact.checksums)) + (len(intact.tree.root) if scheme.kept == "tree" else 0)
    values = [
        Value(cell_id, "false_alarms", false_alarms(intact)),
        Value(cell_id, "checksum_bits", scheme.kept_bits),
        Value(cell_id, "checksum_bytes_per_mib", kept * _MIB / len(data)),
        Value(cell_id, "read_amplification", read_amplification(intact)),
        _refused(contest, intact),
    ]
    points: list[Point] = []
    for fault in contest.faults:
        found = _of_fault(contest, intact, fault)
        values += found
        share = next(value.value for value in found if value.metric == f"caught_share.{fault}")
        if share is not None:
            points.append(Point(cell_id, "caught_share", FAULTS.index(fault), fault.replace("_", " "), float(share)))
    return values, points


def _random(contest: Contest, number: int, trial: int) -> np.random.Generator:
    """The draws of one trial: the same for every contender of a block size."""
    return np.random.Generator(np.random.PCG64([contest.seed, contest.block_bytes, number, trial]))


def _of_fault(contest: Contest, intact: Intact, fault: Fault) -> list[Value]:
    cell_id = contest.cell.cell_id
    caught = located = repaired = trials = 0
    fetched: list[float] = []
    for trial in range(contest.trials):
        random = _random(contest, FAULTS.index(fault), trial)
        whole = prepared(fault, intact, random)
        copy = inject(fault, whole, random)
        if copy is None:
            break
        trials += 1
        found = check(copy)
        if not found.caught:
            continue
        caught += 1
        located += found.broken == copy.damaged()
        repair = mended(copy, found, Copy(whole))
        repaired += repair.equal
        fetched.append(float(repair.fetched_bytes))
    names = ("caught_share", "missed_share", "located_share", "repaired_share", "fetched_bytes")
    if not trials:
        why = f"this data has no place for it: {len(intact.data):,} bytes in {intact.blocks:,} blocks"
        return [Value(cell_id, f"{name}.{fault}", None, note=why) for name in names]
    values = [
        _rate(cell_id, f"{name}.{fault}", hits, trials)
        for name, hits in zip(names, (caught, trials - caught, located, repaired), strict=False)
    ]
    if not fetched:
        return [*values, Value(cell_id, f"fetched_bytes.{fault}", None, note="none was caught")]
    spread = over_seeds(fetched)
    return [*values, Value(cell_id, f"fetched_bytes.{fault}", spread.mean, spread.least, spread.greatest)]


_interval = lru_cache(maxsize=4096)(rate_interval)  # most shares are none or all


def _rate(cell_id: str, name: str, hits: int, trials: int) -> Value:
    low, high = _interval(hits, trials)
    return Value(cell_id, name, hits / trials, low, high, f"{hits:,} of {trials:,} trials")


def _refused(contest: Contest, intact: Intact) -> Value:
    """One bit of the same block flips in both copies: what is fetched must not pass for a repair."""
    refused = trials = 0
    for trial in range(contest.trials):
        random = _random(contest, _BOTH, trial)
        number = int(random.integers(intact.whole_blocks))
        copies = []
        for bit in random.choice(8 * intact.block_bytes, size=2, replace=False).tolist():
            copy = Copy(intact)
            place = number * intact.block_bytes + bit // 8
            copy.write_bytes({place: intact.data[place] ^ 1 << bit % 8})
            copies.append(copy)
        found = check(copies[0])
        trials += 1
        refused += found.caught and mended(copies[0], found, copies[1]).refused
    return _rate(contest.cell.cell_id, "refused_share", refused, trials)


def read_amplification(intact: Intact) -> float:
    """Bytes that are read, with their checksums, to check 4 KiB at a multiple of 4 KiB: the mean over these 4 KiB.

    Blocks whose size does not divide 4 KiB, or is no multiple of it, are met in part at both ends.
    """
    size, whole = intact.block_bytes, len(intact.data)
    pages = range(0, whole, PAGE_BYTES)
    if not intact.scheme.names_blocks:
        return (whole + intact.scheme.width) * len(pages) / whole
    read = 0.0
    proving = proving_digests(intact) * intact.scheme.width
    for first in pages:
        low, high = first // size, -(-min(first + PAGE_BYTES, whole) // size)
        read += min(high * size, whole) - low * size + (high - low) * proving
    return read / whole


def proving_digests(intact: Intact) -> float:
    """The checksums that are read to trust one block: its own, or the mean of those beside its way to the root."""
    return _path_lengths(intact.blocks) / intact.blocks if intact.scheme.kept == "tree" else 1.0


@lru_cache(maxsize=256)
def _path_lengths(leaves: int) -> int:
    """Over all leaves of a Merkle tree, the digests beside the way to the root (RFC 6962, section 2.1.1)."""
    if leaves == 1:
        return 0
    left = 1 << (leaves - 1).bit_length() - 1  # the greatest power of two below the number of leaves
    return leaves + _path_lengths(left) + _path_lengths(leaves - left)
