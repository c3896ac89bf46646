"""The answer: which checksum, by which rule, and how it reads aloud.

The rule is that of METHODOLOGY, "Faults and checksums": drop those that missed a fault that happens by accident, did
not name its blocks, raised a false alarm, or mended a block from a broken copy, and those of fewer than 32 bits, whose
misses few trials meet; with an adversary those, too, that
missed an attack, or were not made to withstand any. Of the others the fastest, as far as timing can tell; then the
fewest bytes of checksums, and the first of the catalogue. Where nothing was timed, the fewest bytes and the first of
the catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.experiments.base import Answer, Cell, Value
from assay.experiments.integrity.schemes import parse_checksum
from assay.experiments.integrity.settings import ACCIDENTS, ATTACKS, Fault
from assay.experiments.pareto import pareto
from assay.units import format_bytes, format_value

__all__ = ["answer"]

_WORDS: Mapping[Fault, str] = {
    "bit_flip": "single flipped bits",
    "burst": "bursts of up to 32 bits",
    "zeroed_page": "zeroed pages",
    "torn_write": "torn writes",
    "swapped_blocks": "swapped blocks",
    "duplicated_block": "blocks written over others",
    "stale_block": "old versions of blocks",
    "lost_tail": "ends lost at a block",
    "truncation": "ends lost within a block",
    "forged_crc": "changes with a mended CRC",
    "md5_collision": "collisions of MD5",
    "rewritten_block": "blocks rewritten with their checksum",
}

_FEWEST_BITS = 32  # of damage without pattern one in 2^32 passes, which no number of trials tells
_SAFE_BITS = 160  # 2^80 trials for a collision
_BROKEN = {"sha1": "has published collisions (Stevens et al. 2017), although these attacks failed"}

Row = Mapping[str, Value]


def answer(cells: Sequence[Cell], by_cell: Mapping[str, Row], *, adversary: bool) -> Answer:
    """The answer for one size of blocks; all cells have it."""
    parameters = dict(cells[0].parameters)
    rows = {cell.contender: by_cell[cell.cell_id] for cell in cells if cell.cell_id in by_cell}
    rows = {name: row for name, row in rows.items() if "false_alarms" in row}
    judged = (*ACCIDENTS, *ATTACKS) if adversary else ACCIDENTS
    dropped = {name: fault for name, row in rows.items() if (fault := _fault(row, judged) or _too_few_bits(row))}
    if adversary:
        dropped = {name: why for name in rows if (why := dropped.get(name) or _no_defence(name))}
    usable = {name: row for name, row in rows.items() if name not in dropped}
    timed = {name: row for name, row in usable.items() if _number(row, "check_ns") is not None}
    best = _best(timed or usable)
    kinds = "missed a kind of fault that happens by accident"
    if adversary:
        kinds = "missed a kind of fault or attack, are not made to withstand any"
    rule = (
        f"without checksums that {kinds}, did not name the broken blocks, raised a false alarm, took a broken block "
        f"for a repair, or have fewer than {_FEWEST_BITS} bits; then the fastest, as far as timing can tell; then the "
        "fewest bytes of checksums, and the first of the catalogue" + ("" if timed else " (nothing was timed)")
    )
    unbeaten = pareto(
        {
            name: (_of(row, "check_ns"), _of(row, "checksum_bytes_per_mib"), _attacks_missed(row))
            for name, row in timed.items()
        }
    )
    sentence = _sentence(rows, usable, best, dropped, parameters, adversary=adversary)
    return Answer(sentence, best, rule, tuple(unbeaten), dropped, tuple(_notes(rows, best)), parameters)


def _number(row: Row, metric: str) -> float | None:
    return row[metric].value if metric in row else None


def _of(row: Row, metric: str) -> float:
    value = _number(row, metric)
    assert value is not None, f"only rows with {metric} come here"
    return value


def _too_few_bits(row: Row) -> str | None:
    """Why a checksum cannot be the best one, although it missed nothing."""
    bits = int(_of(row, "checksum_bits"))
    if bits >= _FEWEST_BITS:
        return None
    return f"has {bits} bits: of damage without any pattern one in {2**bits:,} passes, met by these trials or not"


def _no_defence(name: str) -> str | None:
    """Why a checksum is no defence, although the attacks that were tried failed."""
    scheme = parse_checksum(name)
    if "cryptographic" not in scheme.contender.abilities:
        return "was not made to withstand an adversary, although these attacks failed"
    if scheme.kept_bits < _SAFE_BITS:
        return f"has {scheme.kept_bits} bits; collisions of fewer than {_SAFE_BITS} are found by trying"
    return _BROKEN.get(scheme.name)


def _missed(row: Row, faults: Sequence[Fault]) -> list[Fault]:
    return [fault for fault in faults if (_number(row, f"missed_share.{fault}") or 0) > 0]


def _attacks_missed(row: Row) -> float:
    return float(sum(_number(row, f"missed_share.{fault}") or 0 for fault in ATTACKS))


def _fault(row: Row, faults: Sequence[Fault]) -> str | None:
    """Why a checksum cannot be the best one."""
    found = []
    if missed := _missed(row, faults):
        found.append("missed " + _listed([_missed_words(row, fault) for fault in missed]))
    unnamed = [
        fault for fault in faults if fault not in missed and _number(row, f"located_share.{fault}") not in (None, 1)
    ]
    if unnamed:
        everything = len(unnamed) == len(set(faults) - set(missed))
        found.append(
            "cannot say which blocks are broken"
            if everything
            else f"did not always name the blocks of {_words(unnamed)}"
        )
    if alarms := int(_of(row, "false_alarms")):
        found.append(f"called intact data broken {alarms} times")
    if _of(row, "refused_share") < 1 and not missed:
        found.append("took a broken block for a repair")
    return "; ".join(found) or None


def _missed_words(row: Row, fault: Fault) -> str:
    share = _of(row, f"missed_share.{fault}")
    return ("all " if share == 1 else f"{format_value(share, 'share')} of the ") + _WORDS[fault]


def _words(faults: Sequence[Fault]) -> str:
    return _listed([_WORDS[fault] for fault in faults])


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def _best(rows: Mapping[str, Row]) -> str | None:
    """The fewest bytes of those that timing cannot tell from the fastest; ties to the first."""
    if not rows:
        return None
    times = {name: row["check_ns"] for name, row in rows.items() if _number(row, "check_ns") is not None}
    alike = list(rows)
    if times:
        lead = min(times.values(), key=lambda value: value.value or 0)
        limit = lead.high if lead.high is not None else lead.value or 0
        alike = [
            name for name, value in times.items() if (value.low if value.low is not None else value.value or 0) <= limit
        ]
    return min(alike, key=lambda name: _of(rows[name], "checksum_bytes_per_mib"))


def _sentence(
    rows: Mapping[str, Row],
    usable: Mapping[str, Row],
    best: str | None,
    dropped: Mapping[str, str],
    parameters: Mapping[str, object],
    *,
    adversary: bool,
) -> str:
    size, trials = parameters["block_bytes"], parameters["trials"]
    assert isinstance(size, int)
    blocks = f"blocks of {format_bytes(size).replace('.0 ', ' ')}"
    if not rows:
        return f"No checksum could be measured on {blocks}."
    if best is None:
        first = next(iter(dropped))
        return f"None of the {len(rows)} checksums is enough on {blocks}: {first} {dropped[first]}."
    row = rows[best]
    judged = (*ACCIDENTS, *ATTACKS) if adversary else ACCIDENTS
    kinds = sum(_number(row, f"caught_share.{fault}") is not None for fault in judged)
    those = "kinds of faults and attacks" if adversary else "kinds of accidents"
    rate = _number(row, "throughput")
    speed = (
        f"the fastest of {len(usable)} that did, {format_value(rate, 'GB/s')}"
        if rate is not None
        else (f"the smallest of {len(usable)} that did, as nothing was timed")
    )
    kept = format_bytes(_of(row, "checksum_bytes_per_mib"))
    return (
        f"On {blocks} {best} caught, located and repaired all of {trials:,} faults of each of {kinds} {those}; "
        f"it is {speed}, and keeps {kept} a MiB."
    )


def _notes(rows: Mapping[str, Row], best: str | None) -> list[str]:
    notes = []
    if best is not None:
        bits = int(_of(rows[best], "checksum_bits"))
        notes.append(f"{best} has {bits} bits: of damage without any pattern, one in 2^{bits} passes.")
        missed = _missed(rows[best], ATTACKS)
        stood = [name for name, row in rows.items() if not _missed(row, ATTACKS)]
        if missed:
            others = f"; these withstood every attack that was tried: {', '.join(stood)}" if stood else ""
            notes.append(f"{best} is no defence: it missed {_words(missed)}{others}.")
    if any(_missed(row, ATTACKS) == [] and int(_of(row, "checksum_bits")) < 128 for row in rows.values()):
        notes.append(
            "That these attacks fail is no proof of security: only cryptographic checksums are made to resist."
        )
    return notes
