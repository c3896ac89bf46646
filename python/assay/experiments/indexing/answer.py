"""The answer: does the column deserve an index, which, and from which mix on; and which suit the whole workload.

The rule is that of METHODOLOGY, "Answers": the least time of an operation of the workload at its mix of reads and
writes, then the fewest bytes a row, and the name. Engines without an index are there to be compared with, and are
never recommended; where all indexes are those of engines, which hold the table too, the scan, which does not, is no
rival of theirs. Without times nothing is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from assay.experiments.base import Answer, Cell, Value
from assay.experiments.indexing.contenders import NO_INDEX, baseline_of, is_same
from assay.experiments.indexing.decisions import decisions, times, whole_workload
from assay.experiments.pareto import pareto
from assay.experiments.planning import values_by_cell
from assay.units import format_duration_ns

if TYPE_CHECKING:
    from assay.experiments.indexing.contests import Contest
    from assay.experiments.indexing.job import IndexingJob

__all__ = ["answers"]

RULE = "the least time of an operation at the mix of reads and writes; then the fewest bytes a row, and the name"
_POINT = ("column", "order", "threads", "rows", "duplicates")
_CRITERIA = ("read_ns", "write_ns", "bytes_per_row")

Row = Mapping[str, Value]


def answers(cells: Sequence[Cell], values: Sequence[Value], job: IndexingJob | None) -> list[Answer]:
    """The answer for each key as it is varied; what suits the whole workload stands in the first."""
    by_cell = values_by_cell(values)
    points: dict[tuple[object, ...], list[Cell]] = {}
    for cell in cells:
        points.setdefault(tuple(cell.parameters.get(name) for name in _POINT), []).append(cell)
    bare = bare_engines(job.contests) if job is not None else frozenset()
    found = [_answer(here, by_cell, job, bare) for here in points.values()]
    if found and job is not None:
        indexes = [cell for cell in cells if cell.contender not in bare]
        found[0] = replace(found[0], findings=(*found[0].findings, *whole_workload(indexes, by_cell, job.mix)))
    return found


def bare_engines(contests: Sequence[Contest]) -> frozenset[str]:
    """The engines without an index, which hold the table: what the same engines with one are compared with."""
    return frozenset(one.spec.text for one in contests if one.spec.is_bare and one.spec.is_engine)


def _engine_names(job: IndexingJob) -> frozenset[str]:
    return frozenset(one.spec.text for one in job.contests if one.spec.is_engine)


def _answer(cells: Sequence[Cell], by_cell: Mapping[str, Row], job: IndexingJob | None, bare: frozenset[str]) -> Answer:
    parameters = dict(cells[0].parameters)
    rows = {cell.contender: by_cell[cell.cell_id] for cell in cells if cell.cell_id in by_cell}
    timed = {name: row for name, row in rows.items() if "workload_ns" in row}
    notes = () if job is None else (*job.notes, *(f"{name} was left out: {why}" for name, why in job.skipped.items()))
    label = parameters["column"]
    if not timed:
        named = [name for name in rows if name != NO_INDEX]
        gives = f"{', '.join(named)} on {label} give{'s' if len(named) == 1 else ''}"
        why = "which were not taken: leave out --no-timing"
        if any("build_ns" in row for row in rows.values()):
            why = "and no query of the workload has a key or a range to ask for: a key with a null part equals nothing"
        sentence = (
            f"{gives} a scan's answers; which pays is a matter of times, {why}."
            if named
            else f"No index of {label} could be measured."
        )
        return Answer(sentence, None, RULE, (), {}, notes, parameters)
    chosen = {name: row for name, row in timed.items() if name not in bare}
    if job is not None and not chosen.keys() - _engine_names(job) - {NO_INDEX}:
        chosen = {name: row for name, row in chosen.items() if name != NO_INDEX} or chosen
    if not chosen:
        return Answer(f"No index of {label} could be timed.", None, RULE, (), {}, notes, parameters)
    best = min(chosen, key=lambda name: (_of(chosen[name], "workload_ns"), _of(chosen[name], "bytes_per_row"), name))
    criteria = {name: tuple(_of(row, metric) for metric in _CRITERIA) for name, row in timed.items()}
    findings = dict.fromkeys([*_break_even(best, timed), *_engines(best, timed), *decisions(cells, by_cell)])
    return Answer(
        _sentence(label, best, chosen, timed, _without(best, timed, job), float(parameters["read_share"])),
        best,
        RULE,
        tuple(pareto(criteria)),
        {},
        tuple(notes),
        parameters,
        tuple(findings),
    )


def _of(row: Row, metric: str) -> float:
    value = row[metric].value if metric in row else None
    return float("inf") if value is None else float(value)


def _without(best: str, timed: Mapping[str, Row], job: IndexingJob | None) -> str | None:
    """The same without an index, as it was spelled; None of an engine that always has one."""
    specs = {} if job is None else {one.spec.text: one.spec for one in job.contests}
    if best not in specs:
        return NO_INDEX
    wanted = baseline_of(specs[best])
    if wanted is None:
        return None
    return next((name for name in timed if name in specs and is_same(specs[name], wanted)), wanted.text)


def _sentence(
    label: str,
    best: str,
    chosen: Mapping[str, Row],
    timed: Mapping[str, Row],
    without: str | None,
    read_share: float,
) -> str:
    mix = f"at {100 * read_share:.3g} % reads"
    if best == NO_INDEX:
        others = [name for name in chosen if name != NO_INDEX]
        if not others:
            return f"No index of {label} could be timed, only the scan."
        none = f"none of {len(others)} is" if len(others) > 1 else f"{others[0]} is not"
        return f"{label} deserves no index {mix}: {none} cheaper than the scan."
    row = chosen[best]
    read, size = format_duration_ns(_of(row, "read_ns")), f"{_of(row, 'bytes_per_row'):.3g} bytes a row"
    if without is None or without not in timed:
        why = f"{without or 'the same without an index'} could not be timed".replace(NO_INDEX, "the scan")
        words = f"{best} is the cheapest index of {label} {mix}, {read} a read in {size}"
        return f"{words}; whether it pays is not known, as {why}."
    base, name = timed[without], "a scan" if without == NO_INDEX else without
    if _of(base, "workload_ns") <= _of(row, "workload_ns"):
        return f"{label} deserves no index {mix}: {best}, the cheapest one, is no cheaper than {name}."
    words = (
        f"{label} deserves an index {mix}: {best} answers its reads {times(_of(row, 'read_speedup'))} times faster "
        f"than {name} ({read} instead of {format_duration_ns(_of(base, 'read_ns'))}), in {size}"
    )
    added = _of(row, "write_ns") - _of(base, "write_ns")
    return f"{words}, and makes a write {format_duration_ns(abs(added))} {'dearer' if added > 0 else 'cheaper'}."


def _break_even(best: str, rows: Mapping[str, Row]) -> list[str]:
    """From which mix on the best pays, as predicted and as measured."""
    indexes = [name for name in rows if any(metric.startswith("break_even_reads.") for metric in rows[name])]
    if not indexes:
        return []
    named = best if best in indexes else min(indexes, key=lambda name: (_of(rows[name], "workload_ns"), name))
    return _pays(named, rows[named], ("none", "next_best"))


def _engines(best: str, rows: Mapping[str, Row]) -> list[str]:
    """From which mix on the index of each engine pays in it."""
    found = []
    for name, row in rows.items():
        value = row.get("break_even_reads.none")
        if name != best and value is not None and f"against {NO_INDEX}:" not in (value.note or ""):
            found += _pays(name, row, ("none",))
    return found


def _pays(named: str, row: Row, sides: Sequence[str]) -> list[str]:
    found = []
    for against in sides:
        other = "no index"
        value = row.get(f"break_even_reads.{against}")
        if value is None:
            continue
        direct = row.get(f"break_even_reads_direct.{against}")
        if value.note and (against == "next_best" or f"against {NO_INDEX}:" not in value.note):
            other = value.note.partition(":")[0].removeprefix("against ")
        if value.value is None or value.value == 0:
            found.append(f"Against {other} {named} {_plain(value.note or '')}.")
            continue
        sentence = f"Against {other} {named} {_side(value.note or '')} {_mix(value.value)}"
        if direct is not None and direct.value is not None:
            sentence += f" (measured directly: {_mix(direct.value)})"
        found.append(sentence + ".")
    return found


def _plain(note: str) -> str:
    """What a note says behind whom it is against."""
    return note.partition(": ")[2]


def _side(note: str) -> str:
    return "pays up to" if "pays up to" in note else "pays from"


def _mix(reads: float) -> str:
    """A mix as people say it: reads for a write, or writes for a read; a round may find 0.

    >>> _mix(2.0), _mix(0.25), _mix(0.9999), _mix(0.0)
    ('2 reads for each write', 'one read for 4 writes', 'one read for each write', 'no read at all')
    """
    if reads <= 0:
        return "no read at all"
    if "1" in (times(reads), times(1 / reads)):
        return "one read for each write"
    if reads > 1:
        return f"{times(reads)} reads for each write"
    return f"one read for {times(1 / reads)} writes"
