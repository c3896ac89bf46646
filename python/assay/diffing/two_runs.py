"""`assay.diff`: two runs in, what changed out."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from assay.diffing.changes import Change
from assay.diffing.gate import Condition, parse_conditions
from assay.diffing.judging import RatioOf, changed_answers, compared_answers, failed_on_both, judge
from assay.diffing.machines import machine_differences, software_differences
from assay.diffing.pairing import Pairing, pair_cells
from assay.diffing.reading import Side, read_side
from assay.diffing.result import Diff
from assay.diffing.sides import parse_side
from assay.diffing.timed import drift
from assay.errors import UsageError
from assay.store import Store
from assay.store.run_names import find_run

__all__ = ["compare_sides", "diff"]

_DEFAULT_STORE = "assay.duckdb"
_MOST_NAMED = 5


def diff(
    base: Any,
    candidate: Any,
    *,
    store: str | os.PathLike[str] | Store | None = None,
    fail_on: str | Iterable[str] | None = None,
    other_machine: bool = False,
    other_data: bool = False,
    timing: bool = True,
) -> Diff:
    """What changed from one run to another.

    Args:
        base: A run: its id or its beginning, its label, a suite's name, "latest", "previous", "STORE.duckdb" or
            "STORE.duckdb:RUN"; or what `assay.run` or `assay.compare` returned.
        candidate: The run that is looked at, named in the same ways.
        store: Where runs are that name no store; "assay.duckdb" by default.
        fail_on: What sets `exit_code`, such as "worse:5%"; several by commas or as a list.
        other_machine: Give ratios of timed metrics, without verdicts, though the machines differ.
        other_data: Compare runs of different rows.
        timing: Whether to look at timed metrics.

    Returns:
        A `Diff`.

    Raises:
        UsageError: No such run; a condition that is none; or the runs are of different machines or data.
        StoreError: A store cannot be read.
    """
    conditions = parse_conditions(fail_on)
    with _side(base, store, "base") as one, _side(candidate, store, "candidate") as other:
        return compare_sides(
            one,
            other,
            conditions=conditions,
            other_machine=other_machine,
            other_data=other_data,
            timing=timing,
        )


def compare_sides(
    base: Side,
    candidate: Side,
    *,
    conditions: Iterable[Condition] = (),
    other_machine: bool = False,
    other_data: bool = False,
    timing: bool = True,
    ratio_of: RatioOf | None = None,
    confirm: Callable[[list[Change]], list[Change]] = lambda rows: rows,
    notes: Iterable[str] = (),
) -> Diff:
    """The diff of two runs that were read; see `diff`.

    Args:
        ratio_of: The ratios of timed metrics, where the sides were timed together.
        confirm: Given all rows, those rows, perhaps after a second measurement.
        notes: What else to be careful about.

    Raises:
        UsageError: The runs are of different machines or data, and nobody asked for that.
    """
    pairing = pair_cells(base, candidate, any_dataset=other_data)
    if not other_data:
        _refuse_other_data(pairing)
    machines = machine_differences(base.machine, candidate.machine)
    judged = not machines
    if timing and machines and not other_machine and _timed_pairs(pairing):
        raise UsageError(
            f"{base.name} and {candidate.name} were measured on different machines ({'; '.join(machines)}), so that "
            "their times say nothing of the change; measure both on one machine (`assay diff --suite SUITE.toml "
            "BASE_REV CANDIDATE_REV` does), compare all but times with --no-timing, or see bare ratios with "
            "--other-machine"
        )
    rows = confirm(judge(pairing, timed=timing, timed_judged=judged, ratio_of=ratio_of))
    said = [
        *notes,
        *_notes(base, candidate, pairing, rows, machines if timing else [], measured_apart=ratio_of is None),
    ]
    return Diff(
        base,
        candidate,
        tuple(rows),
        tuple(changed_answers(base, candidate)),
        tuple(said),
        tuple(conditions),
        compared_answers(base, candidate),
    )


@contextlib.contextmanager
def _side(named: Any, store: str | os.PathLike[str] | Store | None, which: str) -> Iterator[Side]:
    """The run that a caller named, read; its store is open meanwhile."""
    if hasattr(named, "run_id") and hasattr(named, "store"):  # what assay.run or assay.compare returned
        yield read_side(named.store, named.run_id, name=which, path=named.store.path)
        return
    if not isinstance(named, (str, os.PathLike)):
        raise UsageError(
            f"the {which} is {named!r}; expected the name of a run, such as an id, a label, latest or "
            "STORE.duckdb:RUN, or what assay.run returned"
        )
    if isinstance(store, Store):
        default = Path(store.path or "")
        name = parse_side(os.fspath(named), default)
        if name.store == default:
            yield read_side(store, find_run(store, name.run), name=name.spelled, path=store.path)
            return
    else:
        name = parse_side(os.fspath(named), Path(_DEFAULT_STORE if store is None else store))
    with Store.read_only(name.store) as results, results.snapshot():
        yield read_side(results, find_run(results, name.run), name=name.spelled, path=str(name.store))


def _refuse_other_data(pairing: Pairing) -> None:
    others = {pair.candidate.dataset: pair for pair in pairing.pairs if pair.other_data}
    if others:
        named = [
            f"{name} ({pair.base.fingerprint[:12]} → {pair.candidate.fingerprint[:12]})"
            for name, pair in list(others.items())[:_MOST_NAMED]
        ]
        raise UsageError(
            f"the two runs measured different rows under the same name: {', '.join(named)}; measure both on the same "
            "file, or compare them nevertheless with --other-data"
        )


def _timed_pairs(pairing: Pairing) -> bool:
    return any(
        number.kind == "timed" and name in pair.base.numbers
        for pair in pairing.pairs
        for name, number in pair.candidate.numbers.items()
    )


def _notes(
    base: Side, candidate: Side, pairing: Pairing, rows: list[Change], machines: list[str], *, measured_apart: bool
) -> list[str]:
    """What a reader must know before believing the rows."""
    notes = []
    if base.run_id == candidate.run_id:
        notes.append("Both sides are the same run.")
    for side in {base.run_id: base, candidate.run_id: candidate}.values():
        if side.status in ("running", "interrupted"):
            notes.append(f"The run {side.name} is {side.status}: cells that it has not measured count as failed.")
    if failed := failed_on_both(pairing):
        notes.append(f"{failed} cell{'s' if failed > 1 else ''} failed on both sides.")
    differing = list(dict.fromkeys(note for pair in pairing.pairs for note in pair.notes))
    if differing:
        more = f", and {len(differing) - _MOST_NAMED} more" if len(differing) > _MOST_NAMED else ""
        notes.append(f"Cells were paired though they differ: {'; '.join(differing[:_MOST_NAMED])}{more}.")
    timed = [row for row in rows if row.kind == "timed" and row.ratio is not None]
    if machines and timed:
        notes.append(f"Times are of different machines ({'; '.join(machines)}): ratios alone, no verdicts.")
    if timed and not (base.machine.get("cpu_model") and candidate.machine.get("cpu_model")):
        notes.append("Which machine measured is not known of every run, so that times may be of different ones.")
    if timed and measured_apart and base.run_id != candidate.run_id:
        notes.append(
            "Times were measured in two runs, one after the other; what else the machine did then is in the ratios."
        )
        common = None if machines else drift([row.ratio for row in timed if row.ratio is not None])
        if common is not None:
            notes.append(
                f"All timed metrics together moved by {100 * (common - 1):+.1f} %: perhaps the machine, not the change."
            )
    software = software_differences(base.machine, candidate.machine)
    if software and timed:
        more = f", and {len(software) - _MOST_NAMED} more" if len(software) > _MOST_NAMED else ""
        notes.append(f"Software differs: {', '.join(software[:_MOST_NAMED])}{more}.")
    return notes
