"""Every primitive gives the same bits on every set of instructions, and on processors that lack them."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

EVERYTHING = Path(__file__).with_name("everything.py")
EMULATOR = shutil.which("qemu-x86_64") or shutil.which("qemu-x86_64-static")
# The oldest has neither AVX nor SHA instructions, the newer one AVX2 without SHA; neither has AVX-512.
PROCESSORS = {"Westmere": "portable", "Haswell": "avx2"}


@cache
def answers(instructions: str = "", processor: str = "") -> dict[str, dict[str, str]]:
    command = [sys.executable, str(EVERYTHING)]
    if processor:
        assert EMULATOR is not None
        command = [EMULATOR, "-cpu", processor, *command]
    environment = os.environ | {"ASSAY_INSTRUCTIONS": instructions}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert run.returncode == 0, run.stderr
    found: dict[str, dict[str, str]] = json.loads(run.stdout)
    return found


def differing(found: dict[str, str]) -> list[str]:
    expected = answers("portable")["answers"]
    assert found.keys() == expected.keys()
    return [name for name, answer in expected.items() if found[name] != answer]


def test_much_is_asked():
    assert len(answers("portable")["answers"]) > 150


@pytest.mark.parametrize("instructions", ["avx2", ""])
def test_every_path_gives_what_the_portable_one_gives(instructions: str):
    found = answers(instructions)
    if found["instructions"] == "portable":
        pytest.skip("this processor has no wider path")
    assert differing(found["answers"]) == []


@pytest.mark.skipif(
    EMULATOR is None or platform.machine() != "x86_64" or sys.platform != "linux",
    reason="qemu-user for x86-64, which plays processors without wide instructions, is not here",
)
@pytest.mark.parametrize("processor", PROCESSORS)
def test_a_processor_without_wide_instructions_gives_the_same(processor: str):
    found = answers(processor=processor)
    assert found["instructions"] == PROCESSORS[processor]
    assert differing(found["answers"]) == []
