"""The fuzz targets: each is built, seeded and runs; the Python ones on a few cases here, all of them in `make fuzz`."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

FUZZ = Path(__file__).resolve().parents[1] / "fuzz"


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"fuzz_{name}", FUZZ / f"{name}.py")
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_every_target_is_built_and_has_seeds() -> None:
    files = {path.stem for path in (FUZZ / "targets").glob("*.rs")}
    assert files == set(module("run").rust_targets()) == set(module("seeds").SEEDS)
    assert all(list(seeds()) for seeds in module("seeds").SEEDS.values())


@pytest.mark.parametrize("target", sorted(path.stem for path in (FUZZ / "python").glob("*.py") if path.stem != "loop"))
def test_a_target_in_python_runs_the_case_of_a_seed(target: str, tmp_path: Path) -> None:
    script = FUZZ / "python" / f"{target}.py"
    command = [sys.executable, str(script), "1", "--seed", "1", "--findings", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0 and "cases" in done.stdout, done.stderr
    assert not list(tmp_path.iterdir())


def test_a_finding_names_its_seed(tmp_path: Path) -> None:
    script = tmp_path / "wrong.py"
    script.write_text(
        f"import sys\nsys.path.insert(0, {str(FUZZ / 'python')!r})\nfrom loop import run\n"
        "def case(chance):\n    assert chance.random() < 2 and False\nraise SystemExit(run(case))\n"
    )
    command = [sys.executable, str(script), "1", "--seed", "7", "--findings", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "finding with --seed 7" in done.stderr
    assert (tmp_path / "wrong.seed").read_text() == "7\n"
