"""The switch that takes wide instructions away; that every path gives the same bits, the tests of each kernel hold."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SAYS = "from assay import _core; print(_core.instructions())"


def _started(instructions: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"ASSAY_INSTRUCTIONS": instructions}
    return subprocess.run([sys.executable, "-c", SAYS], env=environment, capture_output=True, text=True, timeout=60)


def test_portable_loops_are_there_on_every_machine():
    assert _started("portable").stdout.strip() == "portable"


def test_nothing_is_wider_than_asked_for():
    assert _started("avx2").stdout.strip() in {"avx2", "portable"}


def test_instructions_that_nobody_knows_are_refused_with_those_that_there_are():
    run = _started("mmx")
    if "avx2" not in run.stderr and "portable" not in run.stderr:
        pytest.fail(run.stderr)
    assert run.returncode != 0
    assert "mmx" in run.stderr
