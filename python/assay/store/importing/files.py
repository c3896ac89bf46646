"""Files of other harnesses brought into a store, each whole or not at all, and once."""

from __future__ import annotations

import gzip
import json
import shlex
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.errors import AssayError, ReadError
from assay.store.importing.build import build_run, content_run_id
from assay.store.importing.imported import ImportedRun
from assay.store.importing.pyperf import is_pyperf, read_pyperf
from assay.store.importing.pytest_benchmark import is_pytest_benchmark, read_pytest_benchmark
from assay.store.merging import add_runs, run_tables
from assay.store.store import Store

__all__ = ["Imported", "import_files"]


@dataclass(frozen=True)
class Imported:
    """What became of one file: the run it is, or why it was refused."""

    source: str
    run_id: str | None = None
    tool: str = ""
    benchmarks: int = 0
    is_new: bool = False
    error: AssayError | None = None


def import_files(target: Store, files: Sequence[Path | str], *, label: str | None = None) -> list[Imported]:
    """Brings files of pyperf and pytest-benchmark into `target`, one run each.

    Args:
        target: An open store to write to.
        files: JSON, also compressed by gzip.
        label: A name for the runs; by default the commit, where the file names one.

    Returns:
        One outcome per file; a file that cannot be read is refused and the next one is tried.

    Raises:
        StoreError: The target cannot be written.
    """
    return [_import(target, Path(file), label) for file in files]


def _import(target: Store, file: Path, label: str | None) -> Imported:
    try:
        content = _content(file)
        run = _parsed(content, file)
    except AssayError as error:
        return Imported(str(file), error=error)
    run_id = content_run_id(content, run.started)
    tool, count = f"{run.tool} {run.tool_version}", len(run.benchmarks)
    if target.run_record(run_id) is not None:
        return Imported(str(file), run_id, tool, count)
    with build_run(run, run_id, shlex.join(["assay", "import", str(file)]), label) as built:
        tables = {name: built.query(f"SELECT * FROM {name}") for name in [*run_tables(built), "environment", "dataset"]}
    add_runs(target, tables, str(file))
    return Imported(str(file), run_id, tool, count, is_new=True)


def _content(file: Path) -> bytes:
    try:
        content = file.read_bytes()
        return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except FileNotFoundError:
        raise ReadError(f"there is no file {file}") from None
    except (OSError, EOFError, zlib.error) as error:
        raise ReadError(f"{file} cannot be read: {error}") from error


def _parsed(content: bytes, file: Path) -> ImportedRun:
    try:
        document: Any = json.loads(content)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ReadError(f"{file} is no JSON ({error}); expected a file of pyperf or pytest-benchmark") from None
    stem = file.name.removesuffix(".gz").removesuffix(".json")
    readers = ((is_pyperf, read_pyperf), (is_pytest_benchmark, read_pytest_benchmark))
    for recognises, read in readers if isinstance(document, Mapping) else ():
        if recognises(document):
            try:
                return read(document, str(file), stem)
            except (AttributeError, TypeError, ValueError, OverflowError) as error:
                raise ReadError(f"{file} is not as its tool writes it: {error}") from error
    raise ReadError(
        f"{file} is neither of pyperf (benchmarks with runs) nor of pytest-benchmark (benchmarks and machine_info); "
        "expected what `python bench.py -o FILE` or `pytest --benchmark-json FILE` writes"
    )
