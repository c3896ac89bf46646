"""The wheel: what it holds, and that it works in an empty environment, away from the checkout."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "scripts" / "try_wheel.py"
WHOLE = [
    *(f"assay/{name}" for name in ("__init__.py", "py.typed", "_core.pyi", "_core.abi3.so", "_bench/flights.toml")),
    *(f"assay/_datasets/{name}.toml" for name in ("flights", "tpch_lineitem")),
    *(f"assay/_datasets/{name}" for name in ("cache2k_web12.parquet", "LICENCES.md")),
    *(f"assay/store/{name}.sql" for name in ("migrations/001_initial", "views/result")),
    *(f"assay/report/{name}" for name in ("vendor/vega.js", "vendor/vega.LICENSE", "assets/page.css")),
    *(f"assay-1.dist-info/{name}" for name in ("METADATA", "entry_points.txt")),
    *(f"assay-1.dist-info/licenses/LICENSE-{name}" for name in ("APACHE", "MIT")),
]


@pytest.fixture(scope="module")
def try_wheel() -> ModuleType:
    spec = importlib.util.spec_from_file_location("try_wheel", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wheel(folder: Path, names: list[str]) -> Path:
    path = folder / "assay-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "")
    return path


def test_a_whole_wheel_passes(try_wheel: ModuleType, tmp_path: Path) -> None:
    try_wheel.check_files(wheel(tmp_path, WHOLE))


@pytest.mark.parametrize("missing", ["assay/py.typed", "assay/_core.abi3.so", "assay-1.dist-info/licenses/LICENSE-MIT"])
def test_a_file_that_is_missing_is_noticed(try_wheel: ModuleType, tmp_path: Path, missing: str) -> None:
    with pytest.raises(try_wheel.FailedError, match="the wheel lacks"):
        try_wheel.check_files(wheel(tmp_path, [name for name in WHOLE if name != missing]))


@pytest.mark.parametrize(
    "stray",
    [
        "tests/test_x.py",
        "assay/__pycache__/a.pyc",
        "assay/assay.duckdb",
        "assay/.hidden",
        "Cargo.toml",
        "rust/lib.rs",
        "conftest.py",
    ],
)
def test_a_file_that_does_not_belong_there_is_noticed(try_wheel: ModuleType, tmp_path: Path, stray: str) -> None:
    with pytest.raises(try_wheel.FailedError, match="should not hold"):
        try_wheel.check_files(wheel(tmp_path, [*WHOLE, stray]))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(importlib.util.find_spec("maturin") is None, reason="maturin builds the wheel")
def test_the_wheel_works_in_an_empty_environment() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--without-index"], capture_output=True, text=True, timeout=3600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "assay doctor" in done.stdout
