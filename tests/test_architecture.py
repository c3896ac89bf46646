"""Data flows one way, and imports follow it; starting up loads nothing heavy.

Every import counts: at module level, within functions, and under TYPE_CHECKING, as a type that
flows against the stream is a dependency too. The package's own `__init__` is the one exception: it
names everything and loads nothing.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "python" / "assay"

# A module imports only from layers to its left, from its own, and from what is free.
HOSTS = ["polars", "duckdb"]  # what assay is used within; nothing of assay needs them
LAYERS = [
    "datasets",
    "caches",
    "indexes",
    "engines",
    "experiments",
    "harness",
    "store",
    "report",
    "targets",
    "diffing",
    "front",
    "cli",
    "__main__",
    *HOSTS,
]
PRIMITIVES = {"hashing", "filters", "placement", "checksums"}
FREE = {"errors", "units", "catalogue", "checks", "plugins", "intervals"} | PRIMITIVES
MAY_TOUCH_THE_CORE = PRIMITIVES | {"catalogue", "caches", "indexes", "experiments"}
HEAVY = ["altair", "duckdb", "pandas", "polars", "pyarrow", "pydantic"]


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def area_of(path: Path) -> str:
    """The part of the package that a file belongs to: "datasets" for datasets/batch.py."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_areas(source: str, path: Path) -> Iterator[tuple[int, str]]:
    """(line, part of the package) for every import of assay's own modules, wherever it stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level:
            package = ["assay", *path.relative_to(PACKAGE).parts[:-1]]
            stem = package[: len(package) - node.level + 1] + (node.module.split(".") if node.module else [])
            names = [".".join([*stem, alias.name]) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            root, _, rest = name.partition(".")
            if root == "assay" and rest:
                yield node.lineno, rest.split(".")[0]


def may_import(importer: str, imported: str) -> bool:
    if imported == "_core":
        return importer in MAY_TOUCH_THE_CORE
    if imported in FREE or imported == importer:
        return True
    if importer in FREE:
        return False
    if imported not in LAYERS:
        return imported == "__version__"
    return LAYERS.index(imported) < LAYERS.index(importer)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_from_its_left(path: Path) -> None:
    importer = area_of(path)
    assert importer in FREE or importer in LAYERS, f"{path.name} belongs to no layer; add it to LAYERS or PRIMITIVES"
    wrong = [
        f"{path}:{line} imports assay.{imported}"
        for line, imported in imported_areas(path.read_text(encoding="utf-8"), path)
        if not may_import(importer, imported)
    ]
    assert not wrong, f"{' -> '.join(LAYERS)} is the only way; {wrong}"


def test_the_targets_write_layouts_and_know_nothing_of_runs() -> None:
    found = {
        imported
        for path in (PACKAGE / "targets").rglob("*.py")
        for _, imported in imported_areas(path.read_text(encoding="utf-8"), path)
    }
    assert not found & {"_core", "harness", "store", "report"}, found


def test_the_report_reads_the_store_and_neither_experiments_nor_the_harness() -> None:
    found = {
        imported
        for path in (PACKAGE / "report").rglob("*.py")
        for _, imported in imported_areas(path.read_text(encoding="utf-8"), path)
    }
    assert not found & {"_core", "experiments", "harness", "datasets"}, found


@pytest.mark.parametrize(
    ("path", "source", "imported"),
    [
        ("datasets/a.py", "from assay.harness.suite import Suite", "harness"),
        ("store/a.py", "def late():\n    import assay.report.page", "report"),
        ("report/a.py", "from assay import _core", "_core"),
        ("harness/a.py", "from ..store import Store", "store"),
        ("units.py", "from assay.datasets import Batch", "datasets"),
        ("experiments/a.py", "if TYPE_CHECKING:\n    from assay.cli import app", "cli"),
    ],
)
def test_an_import_against_the_stream_is_noticed(path: str, source: str, imported: str) -> None:
    file = PACKAGE / path
    found = [area for _, area in imported_areas(source, file)]
    assert found == [imported]
    assert not may_import(area_of(file), imported)


def loaded_by(*arguments: str) -> set[str]:
    """The heavy modules in `sys.modules` once a fresh interpreter has run this."""
    script = (
        "import contextlib, io, json, sys\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        f"    {arguments[0]}\n"
        f"print(json.dumps([name for name in {HEAVY} if name in sys.modules]))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
    )
    return set(json.loads(answer.stdout))


def test_importing_assay_loads_nothing_heavy() -> None:
    assert loaded_by("import assay; assay.errors if False else dir(assay)") == set()


def test_the_help_of_the_command_line_loads_nothing_heavy() -> None:
    assert loaded_by("import assay.cli, sys; sys.argv = ['assay', '--help']; assay.cli.main()") == set()


@pytest.mark.parametrize("crate", ["assay-core", "assay-cache", "assay-index"])
def test_the_algorithms_know_neither_python_nor_arrow_nor_clocks_nor_files(crate: str) -> None:
    core = PACKAGE.parents[1] / "rust" / crate
    manifest = (core / "Cargo.toml").read_text(encoding="utf-8")
    assert "pyo3" not in manifest and "arrow" not in manifest
    for path in (core / "src").rglob("*.rs"):
        text = path.read_text(encoding="utf-8")
        for word in ("std::fs", "std::net", "std::time", "pyo3::", "arrow_array::"):
            assert word not in text, f"{path} uses {word}"
