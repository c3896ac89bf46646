"""Two commits of a repository, measured again on this machine by one suite, and compared.

    files        each commit in a git worktree of its own (trees.py)
    code         each side runs the modules of its own commit (interpreters.py)
    suite, data  those of the working tree, for both sides: the same questions about the same rows
    exact        each side measures the suite without timing, one after the other (side_run.py)
    timed        processes of both sides, alternating sample by sample (paired_timing.py)
    confirmed    what the times call better or worse is measured once more, in fresh processes; the second set
                 alone decides

Nothing of it is kept but the diff.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from assay.diffing.changes import Change
from assay.diffing.gate import parse_conditions
from assay.diffing.interpreters import Interpreter, prepared
from assay.diffing.judging import confirm
from assay.diffing.paired_timing import KernelKey, PairedSettings, PairedTimes, time_pairs
from assay.diffing.pairing import Pair, pair_cells
from assay.diffing.reading import CellOf, Number, Side, read_side
from assay.diffing.result import Diff
from assay.diffing.timed import Ratio
from assay.diffing.trees import Tree, repository_of, worktrees
from assay.diffing.two_runs import compare_sides
from assay.errors import MeasurementError, ParameterError, UsageError
from assay.harness.progress import ProgressSink, SilentProgress
from assay.store import Store

__all__ = ["diff_commits"]

_ORDERS_SEED, _SECOND_SEED = 0, 1
_SHOWN_LINES = 12


@dataclass
class _Measured:
    """One side after its exact part."""

    tree: Tree
    interpreter: Interpreter
    side: Side
    experiments: Sequence[Mapping[str, Any]]
    failures: dict[tuple[int, str], str] = field(default_factory=dict)  # of timing: (experiment, cell) → error


def diff_commits(
    suite: str | Path,
    base: str,
    candidate: str,
    *,
    fail_on: str | Iterable[str] | None = None,
    setup: str | None = None,
    python: str | Sequence[str] | None = None,
    modules: Sequence[str] = (),
    timing: bool = True,
    settings: PairedSettings | None = None,
    progress: ProgressSink | None = None,
) -> Diff:
    """Measures a suite at two commits of the repository around the current folder, and compares them.

    Args:
        suite: The suite, as it is in the working tree; its data are found from there, for both sides.
        base: A branch, a tag, a commit, or "." for the working tree.
        candidate: The commit that is looked at.
        fail_on: What sets `exit_code`, such as "worse:5%".
        setup: A shell command that installs a commit, run in its folder in a virtual environment of its own.
        python: The interpreter of both sides, or one for each; this one by default.
        modules: Modules of the repository that register contenders when they are imported.
        timing: Whether to time.
        settings: How much.
        progress: Told of each step; silent by default.

    Raises:
        UsageError: No such commit, suite or interpreter; or a commit cannot plan the suite.
        MeasurementError: A commit cannot be set up, or a side's process died.
    """
    conditions = parse_conditions(fail_on)
    pythons = [python, python] if python is None or isinstance(python, str) else list(python)
    if len(pythons) == 1:
        pythons *= 2
    if len(pythons) != 2:
        raise ParameterError(f"{len(pythons)} interpreters are given; expected one, or one for each side")
    file = Path(suite)
    text = _text(file)
    repository = repository_of(Path.cwd())
    progress = progress or SilentProgress()
    settings = settings or PairedSettings()
    home = Path(tempfile.mkdtemp(prefix="assay-diff-sides-"))
    try:
        with worktrees(repository, base, candidate) as trees:
            progress.start(_steps(settings, timing), "diff")
            sides = []
            for tree, executable in zip(trees, pythons, strict=True):
                progress.advance(0, description=f"{tree.name}: set up")
                interpreter = prepared(
                    tree,
                    home,
                    suite_folder=_within(file, repository),
                    setup=setup,
                    python=executable,
                    modules=modules,
                )
                progress.advance(1, description=f"{tree.name}: measure")
                sides.append(_measured(tree, interpreter, home, file, text))
                progress.advance(1)
            one, other = sides
            if timing:
                return _timed_diff(one, other, conditions, settings, progress)
            return compare_sides(
                one.side, other.side, conditions=conditions, timing=False, notes=_notes(one, other, {})
            )
    finally:
        progress.finish()
        shutil.rmtree(home, ignore_errors=True)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UsageError(f"there is no suite {file}; `assay init DATA` writes one to start from") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the suite {file} cannot be read: {error}; expected TOML in UTF-8") from error


def _within(file: Path, repository: Path) -> Path | None:
    try:
        return file.resolve().parent.relative_to(repository.resolve())
    except ValueError:
        return None


def _steps(settings: PairedSettings, timing: bool) -> int:
    return 4 + (settings.pairs if timing else 0)


def _measured(tree: Tree, interpreter: Interpreter, home: Path, file: Path, text: str) -> _Measured:
    """The exact part of one side, in a process of its own interpreter."""
    folder = home / tree.side
    folder.mkdir()
    store = folder / "results.duckdb"
    order = {
        "text": text,
        "source": str(file),
        "base": str(file.resolve().parent),
        "store": str(store),
        "folder": str(folder),
        "label": tree.revision,
        "command": shlex.join(["assay", "run", str(file)]),
    }
    answer = _answer(interpreter, order, tree)
    if "error" in answer:
        kind = UsageError if answer["exit_code"] == UsageError.exit_code else MeasurementError
        why = "\n".join([*answer.get("told", ()), answer["error"]])
        raise kind(f"{tree.name} cannot measure {file}: {why}; name a suite that both commits know")
    with Store.read_only(store) as results, results.snapshot():
        side = read_side(results, answer["run"], name=tree.name, path=None)
    return _Measured(tree, interpreter, replace(side, commit=tree.commit), answer["experiments"])


def _answer(interpreter: Interpreter, order: Mapping[str, Any], tree: Tree) -> dict[str, Any]:
    """What a side's measuring process says; it ends with this process, or when this is interrupted."""
    child = subprocess.Popen(
        [interpreter.executable, "-m", "assay.diffing.side_run"],
        cwd=interpreter.folder, env={**os.environ, **interpreter.environment},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert child.stdin is not None and child.stdout is not None and child.stderr is not None
    errors: list[bytes] = []
    reader = threading.Thread(target=_drain, args=(child.stderr, errors), daemon=True)
    reader.start()
    try:
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write(json.dumps(order).encode() + b"\n")
            child.stdin.flush()
        line = child.stdout.readline()
        if line:
            child.stdin.close()
        status = child.wait()
    finally:
        child.kill()
        child.wait()
        with contextlib.suppress(OSError):
            child.stdin.close()
        child.stdout.close()
        reader.join(timeout=5)
    if not line.endswith(b"\n"):
        last = "\n".join(b"".join(errors).decode("utf-8", "replace").strip().splitlines()[-_SHOWN_LINES:])
        how = f"signal {-status}" if status < 0 else f"status {status}"
        raise MeasurementError(
            f"{tree.name} could not be measured: its process ended with {how}; what must be built or installed first, "
            'a set-up command does, such as --setup "pip install ."' + (f":\n{last}" if last else "")
        )
    answer: dict[str, Any] = json.loads(line)
    return answer


def _drain(stream: IO[bytes], into: list[bytes]) -> None:
    with contextlib.suppress(ValueError, OSError), stream:
        into.append(stream.read())


def _timed_diff(
    base: _Measured, candidate: _Measured, conditions: Iterable[Any], settings: PairedSettings, progress: ProgressSink
) -> Diff:
    """Times both sides, compares, and measures once more what the times call better or worse."""
    pairs = [pair for pair in pair_cells(base.side, candidate.side).pairs if not pair.other_data]
    with progress.quiet():
        times = dict(_times(base, candidate, pairs, settings, seed=_ORDERS_SEED, only=None, progress=progress))
    sides = [_with_times(measured, times, pairs) for measured in (base, candidate)]
    second_notes: list[str] = []

    def ratio_of(pair: Pair, one: Number, other: Number) -> Ratio | None:
        found = times.get(pair.base.experiment_index)
        key = (pair.base.cell_id, one.metric)
        return found.ratio(key) if found is not None and key in found.ratios else None

    def confirmed(rows: list[Change]) -> list[Change]:
        flagged = [row for row in rows if row.kind == "timed" and row.verdict in ("better", "worse", "changed")]
        if not flagged:
            return rows
        by_cell = {(pair.candidate.experiment_index, pair.candidate.cell_id): pair for pair in pairs}
        keys: dict[int, set[KernelKey]] = {}
        for row in flagged:
            pair = by_cell[row.experiment_index, row.cell_id]
            keys.setdefault(pair.base.experiment_index, set()).add((pair.base.cell_id, row.metric or ""))
        progress.message(
            f"{len(flagged)} timed metric{'s seem' if len(flagged) > 1 else ' seems'} to differ; measuring once more"
        )
        with progress.quiet():
            second = dict(_times(base, candidate, pairs, settings, seed=_SECOND_SEED, only=keys, progress=progress))
        ratios: dict[tuple[int, str, str], Ratio] = {}
        for row in flagged:
            pair = by_cell[row.experiment_index, row.cell_id]
            key = (pair.base.cell_id, row.metric or "")
            found = second.get(pair.base.experiment_index)
            ratios[row.experiment_index, row.cell_id, row.metric or ""] = (
                found.ratio(key)
                if found is not None and key in found.ratios
                else Ratio(row.ratio or 1.0, None, None)  # not measured again, and so not confirmed
            )
        result = confirm(rows, ratios)
        kept = sum(row.kind == "timed" and row.verdict in ("better", "worse", "changed") for row in result)
        second_notes.append(
            f"{len(flagged)} timed metric{'s' if len(flagged) > 1 else ''} seemed to differ at first; measured again "
            f"by fresh processes, which alone decide, {kept} {'do' if kept != 1 else 'does'}."
        )
        return result

    found = compare_sides(
        *sides, conditions=conditions, ratio_of=ratio_of, confirm=confirmed, notes=_notes(base, candidate, times)
    )
    return replace(found, notes=(*found.notes, *second_notes))


def _times(
    base: _Measured,
    candidate: _Measured,
    pairs: Sequence[Pair],
    settings: PairedSettings,
    *,
    seed: int,
    only: Mapping[int, set[KernelKey]] | None,
    progress: ProgressSink,
) -> Iterator[tuple[int, PairedTimes]]:
    """The times of each experiment of the base that both sides can time."""
    for index, experiment in enumerate(base.experiments):
        if only is not None and index not in only:
            continue
        own = [pair for pair in pairs if pair.base.experiment_index == index and not _failed(pair)]
        others = {pair.candidate.experiment_index for pair in own}
        if experiment["kernels"] is None or len(others) != 1:
            continue
        kernels = candidate.experiments[others.pop()]["kernels"]
        if kernels is None:
            continue
        found = time_pairs(
            (base.interpreter, Path(experiment["kernels"])),
            (candidate.interpreter, Path(kernels)),
            {pair.base.cell_id: pair.candidate.cell_id for pair in own},
            settings,
            seed=seed,
            only=None if only is None else only[index],
            on_pair=progress.advance,
        )
        for side, failures in ((base, found.base_failures), (candidate, found.candidate_failures)):
            place = index if side is base else own[0].candidate.experiment_index
            side.failures.update({(place, cell): error for cell, error in failures.items()})
        yield index, found


def _failed(pair: Pair) -> bool:
    return pair.base.status != "done" or pair.candidate.status != "done"


def _with_times(measured: _Measured, times: Mapping[int, PairedTimes], pairs: Sequence[Pair]) -> Side:
    """The side with its timed metrics among its numbers, and the cells whose kernels raised as failed."""
    is_base = measured.tree.side == "base"
    numbers: dict[tuple[int, str], dict[str, Number]] = {}
    for pair in pairs:
        found = times.get(pair.base.experiment_index)
        cell = pair.base if is_base else pair.candidate
        if found is None:
            continue
        declared = measured.experiments[cell.experiment_index]["metrics"]
        for (cell_id, metric), medians in (found.base_ns if is_base else found.candidate_ns).items():
            if cell_id == pair.base.cell_id and metric in declared:
                unit, direction = declared[metric]
                ordered = sorted(medians)
                middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
                numbers.setdefault((cell.experiment_index, cell.cell_id), {})[metric] = Number(
                    metric, unit, "timed", direction, middle, ordered[0], ordered[-1], None, tuple(medians)
                )

    def timed(cell: CellOf) -> CellOf:
        key = (cell.experiment_index, cell.cell_id)
        if key in measured.failures:
            return replace(cell, status="failed", error=measured.failures[key], numbers={})
        return replace(cell, numbers={**cell.numbers, **numbers.get(key, {})})

    return replace(measured.side, cells=[timed(cell) for cell in measured.side.cells])


def _notes(base: _Measured, candidate: _Measured, times: Mapping[int, PairedTimes]) -> list[str]:
    """How it was measured."""
    notes = []
    if base.tree.commit and base.tree.commit == candidate.tree.commit:
        notes.append("Both sides are the same commit.")
    counts = sorted({len(ratios) for found in times.values() for ratios in found.ratios.values()})
    if counts:
        pairs = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        notes.append(f"Times are of {pairs} pairs of fresh processes on this machine, whose samples alternated.")
    return notes
