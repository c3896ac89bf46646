"""What only a process of its own can show: what is loaded, closed pipes, full disks, `python -m assay`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import assay

HEAVY = ("pyarrow", "polars", "duckdb", "altair", "pydantic", "numpy", "pandas")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(next(iter(assay.__path__))).parent)}


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT, check=True)
    return done.stdout


@pytest.mark.parametrize(
    "code",
    [
        "import assay",
        "import assay; dir(assay)",
        "from assay.cli import main; main(['--help'])",
        "from assay.cli import main; main(['compare', '--help'])",
    ],
)
def test_nothing_heavy_is_loaded_for_an_import_or_for_help(code: str) -> None:
    report = f"import time; t = time.perf_counter()\n{code}\nimport sys, json\n" + (
        f"print(json.dumps([[m for m in {HEAVY!r} if m in sys.modules], time.perf_counter() - t]))"
    )
    loaded, seconds = json.loads(python(report).splitlines()[-1])
    print(f"{code}: {1000 * seconds:.0f} ms")
    assert loaded == []


def test_every_public_name_resolves() -> None:
    code = "import assay; print(len([getattr(assay, name) for name in assay.__all__]) == len(assay.__all__))"
    assert python(code) == "True\n"


def test_a_closed_pipe_is_silent() -> None:
    code = (
        "import os, sys; r, w = os.pipe(); os.close(r); os.dup2(w, 1)\n"
        "from assay.cli import main; sys.exit(main(['--help']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_behind_standard_output_is_3() -> None:
    with Path("/dev/full").open("w") as full:
        words = [sys.executable, "-m", "assay", "--help"]
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, check=False)
    assert done.returncode == 3
    assert done.stderr.startswith("assay: ") and "Traceback" not in done.stderr and "Exception" not in done.stderr


def test_a_terminal_without_unicode_gets_its_results() -> None:
    words = [sys.executable, "-m", "assay", "data", "zipf(rows=10)"]
    environment = {**ENVIRONMENT, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(words, capture_output=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert b"10 rows" in done.stdout and done.stdout.isascii()
