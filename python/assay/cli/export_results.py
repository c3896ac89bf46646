"""`assay export` without a target: the results of runs as files for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from assay.cli.options import chosen_run
from assay.cli.output import NothingError, note, say
from assay.errors import UsageError

if TYPE_CHECKING:
    from assay.store import Store

__all__ = ["ResultFormat", "export_results"]

ResultFormat = Literal["parquet", "csv", "json", "markdown"]
_SUFFIXES: dict[str, ResultFormat] = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".json": "json",
    ".md": "markdown",
    ".markdown": "markdown",
}


def export_results(
    run: str | None,
    *,
    all_runs: bool,
    names: tuple[str, ...],
    format: ResultFormat | None,
    output: Path | None,
    store: Path,
    force: bool,
) -> int:
    """Writes views of one run, or of all, to standard output, a file, or a folder with a file each.

    Raises:
        UsageError: What is asked does not fit together, or files are there and `force` is not set.
        NothingError: The store holds no run.
    """
    if run is not None and all_runs:
        raise UsageError(f"both the run {run} and --all are given; expected one of them")
    chosen, as_file = _format(format, output)
    if not as_file and output is None and chosen == "parquet":
        raise UsageError("Parquet is not for a terminal; name a file with -o FILE.parquet, or a folder")
    is_folder = output is not None and not as_file
    if len(names) > 1 and not is_folder:
        raise UsageError(f"{len(names)} views need a file each; name a folder with -o FOLDER")
    from assay.store import Store
    from assay.store.portable import exported_names

    with Store.read_only(store) as results, results.snapshot():
        run_id = None if all_runs else _found(results, run)
        if all_runs and not results.query("SELECT 1 FROM run LIMIT 1").num_rows:
            raise NothingError(f"{store} holds no run yet; `assay run SUITE.toml --store {store}` makes one")
        if is_folder:
            assert output is not None
            _write_folder(results, run_id, names or tuple(exported_names()), chosen, output, force)
        elif output is not None:
            _refuse_present([output], force)
            _write(results, run_id, names, chosen, output)
        else:
            say(_document(results, run_id, names, chosen))
            if not names and chosen == "csv":
                note("note: these are the rows of the view result; -o FOLDER writes all views")
    return 0


def _found(results: Store, run: str | None) -> str:
    try:
        return chosen_run(results, run)
    except UsageError as error:
        raise UsageError(f"{error}; to write the layout of a table, name its --target") from None


def _format(format: ResultFormat | None, output: Path | None) -> tuple[ResultFormat, bool]:
    """The format, and whether `output` is one file; a name without a known ending is a folder."""
    if output is None:
        return format or "csv", False
    by_name = None if output.is_dir() else _SUFFIXES.get(output.suffix.lower())
    if by_name is None:
        return format or "parquet", False
    if format is not None and format != by_name:
        raise UsageError(f"{output} is named as {by_name} and --format is {format}; change one of them")
    return by_name, True


def _document(results: Store, run_id: str | None, names: tuple[str, ...], format: ResultFormat) -> str:
    """One run for people or programs where no view is named; else the rows of the view."""
    from assay.report import format_run
    from assay.store.portable import read_rows, rendered

    if not names and run_id is not None and format in ("json", "markdown"):
        return format_run(results, run_id, format)
    return rendered(read_rows(results, names[0] if names else "result", run_id), format)


def _write(results: Store, run_id: str | None, names: tuple[str, ...], format: ResultFormat, path: Path) -> None:
    from assay.store.portable import read_rows, write_rows

    if format == "parquet" or names:
        write_rows(read_rows(results, names[0] if names else "result", run_id), path, format)
    else:
        path.write_text(_document(results, run_id, names, format), encoding="utf-8", newline="")
    say(str(path))


def _write_folder(
    results: Store, run_id: str | None, names: tuple[str, ...], format: ResultFormat, folder: Path, force: bool
) -> None:
    from assay.store.portable import SUFFIXES, read_rows, write_rows

    rows = [read_rows(results, name, run_id) for name in dict.fromkeys(names)]  # a wrong name before any file
    paths = [folder / f"{one.name}{SUFFIXES[format]}" for one in rows]
    _refuse_present(paths, force)
    folder.mkdir(parents=True, exist_ok=True)
    for one, path in zip(rows, paths, strict=True):
        write_rows(one, path, format)
        say(str(path))


def _refuse_present(paths: list[Path], force: bool) -> None:
    present = [str(path) for path in paths if path.exists()]
    if present and not force:
        raise UsageError(
            f"{present[0]} exists and was left as it is"
            + (f", as were {len(present) - 1} more" if len(present) > 1 else "")
            + "; name another place with -o, or overwrite with --force"
        )
