"""Transcripts in the documents: run again, so that what a document shows is what a reader sees.

A block that follows the line `<!-- checked -->` is a transcript. Each of its commands begins with `$ `
(a backslash at the end of a line goes on in the next), and all commands of one document run in one
fresh folder, in order, at a width of 100. Run ids, dates and forecasts differ from run to run and are not compared.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import tempfile
from pathlib import Path
from unittest.mock import patch

WIDTH = 100

_BLOCK = re.compile(r"(?<=<!-- checked -->\n```console\n)(.*?)(?=^```$)", re.MULTILINE | re.DOTALL)
_CHANGING = (
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "RUN"),
    (re.compile(r"\b\d{4}-\d{2}-\d{2} \d{2}:\d{2}(?::\d{2})?\b"), "TIME"),
    (re.compile(r"\babout [\d.,]+ (?:s|min|h)\b"), "about DURATION"),
)


def commands(block: str) -> list[str]:
    """The commands of a transcript, each as it was typed, with its line breaks."""
    found: list[str] = []
    goes_on = False
    for line in block.splitlines():
        if goes_on:
            found[-1] += f"\n{line}"
        elif line.startswith("$ "):
            found.append(line.removeprefix("$ "))
        else:
            continue
        goes_on = line.endswith("\\")
    return found


def rerun(text: str) -> str:
    """The document with every transcript as it is now."""
    with tempfile.TemporaryDirectory(prefix="assay-transcripts-") as folder:
        return _BLOCK.sub(lambda found: _transcript(found[0], Path(folder)), text)


def comparable(text: str) -> str:
    """The document without what differs from run to run."""
    for pattern, word in _CHANGING:
        text = pattern.sub(word, text)
    return text


def _transcript(block: str, folder: Path) -> str:
    """The block with the output of its commands; as it was, if only run ids and dates differ."""
    now = "".join(f"$ {typed}\n{_output(typed, folder)}" for typed in commands(block))
    return block if comparable(now) == comparable(block) else now


def _output(typed: str, folder: Path) -> str:
    """What a command prints, results and messages in the order in which they came; run in this process."""
    from assay.cli import main

    words = shlex.split(typed.replace("\\\n", " "))
    assert words[0] == "assay", f"a transcript shows assay alone, not {words[0]}"
    said = io.StringIO()
    with patch.dict(os.environ, {"COLUMNS": str(WIDTH), "NO_COLOR": "1"}):
        for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
            os.environ.pop(name, None)
        with contextlib.chdir(folder), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            main(words[1:])
    lines = [line.rstrip().replace(f"{folder}/", "") for line in said.getvalue().splitlines()]
    return "".join(f"{line}\n" for line in lines)
