"""Transcripts in the documents: run again, so that what a document shows is what a reader sees.

A fenced block of commands stands behind a line that says what becomes of it:

    <!-- checked -->            its commands are run, and what they print is what the block shows
    <!-- run: REASON -->        its commands are run and must succeed; what they print is not compared, for the reason
    <!-- not run: REASON -->    nothing is run, for the reason
    <!-- file: NAME -->         no commands: the block is written to that file, for the commands after it

A command begins with `$ ` (a backslash at the end of a line goes on in the next; two blanks and `# ` begin a remark).
All blocks of one document share one fresh folder, in which `bench` is the repository's, and run in order at a width
of 100. A command is `assay`, `python FILE`, `cat FILE`, `cd FOLDER`, or `echo $?`, which shows the exit code before
it; a command that fails must be followed by that, or the transcript is wrong. A line `...` in what a block shows
stands for any lines. Run ids, dates and forecasts differ from run to run and are not compared.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

ROOT = Path(__file__).resolve().parents[1]
WIDTH = 100
MARK = re.compile(r"<!-- (?P<kind>checked|run|not run|file)(?:: (?P<what>.+))? -->")
TERMINAL = {"COLUMNS": str(WIDTH), "NO_COLOR": "1"}
# What makes a program print for a terminal that is not there.
FORCING = ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")

_BLOCK = re.compile(
    r"^(?P<mark>[^\n]*)\n(?P<indent> *)```(?P<language>\w*)\n(?P<body>.*?)^ *```$", re.MULTILINE | re.DOTALL
)
_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_CHANGING = (
    (re.compile(rf"\b{_ID}\b"), "RUN"),
    (re.compile(r"\b\d{4}-\d{2}-\d{2} \d{2}:\d{2}(?::\d{2})?\b"), "TIME"),
    (re.compile(r"\babout [\d.,]+ (?:s|min|h)\b"), "about DURATION"),
)
_ANY_LINES = "..."


class WrongTranscriptError(AssertionError):
    """A command of a document that does not end as the document says."""


@dataclass(frozen=True)
class Block:
    """A fenced block with its mark, `checked`, `run`, `not run` or `file`; None if it has none."""

    kind: str | None
    what: str | None
    language: str
    body: str
    span: tuple[int, int]

    @property
    def has_commands(self) -> bool:
        """Whether somebody would type it: it has a prompt, or is of a shell's language."""
        shell = self.language in ("console", "sh", "bash", "shell")
        return shell or any(line.lstrip().startswith(("$ ", "assay ")) for line in self.body.splitlines())


@dataclass
class Session:
    """A folder in which the commands of one document run, one after the other."""

    home: Path
    folder: Path = field(init=False)
    code: int = 0
    typed: str = ""

    def __post_init__(self) -> None:
        self.folder = self.home
        (self.home / "bench").symlink_to(ROOT / "bench")

    def transcript(self, block: Block) -> str:
        """The block with what its commands print now; what is shown stays where only run ids and dates differ."""
        now = ""
        for typed, shown in exchanges(block.body):
            words = self._words(typed)
            if words != ["echo", "$?"]:
                self.succeeded()
            self.typed = typed
            printed = self._output(words)
            now += f"$ {typed}\n{shown if alike(shown, printed) else printed}"
        return now

    def succeeded(self) -> None:
        """Nothing, if the command before went well or its exit code was shown.

        Raises:
            WrongTranscriptError: it ended with another exit code than 0, which the document does not show.
        """
        if self.code:
            raise WrongTranscriptError(
                f"`{self.typed}` ended with exit code {self.code}; show it by `echo $?` or mend it"
            )

    def run(self, block: Block) -> None:
        """Runs the commands, whatever they print."""
        for typed, _ in exchanges(block.body):
            words = self._words(typed)
            said = self._output(words)
            if self.code:
                raise WrongTranscriptError(f"`{typed}` ended with exit code {self.code}: {said}")

    def _words(self, typed: str) -> list[str]:
        return shlex.split(re.sub(r"\s{2,}# .*", "", typed.replace("\\\n", " ")))

    def _output(self, words: list[str]) -> str:
        """What a command prints, results and messages in the order in which they came."""
        match words:
            case ["echo", "$?"]:
                said, self.code = f"{self.code}\n", 0
            case ["assay", *rest]:
                said = self._assay(rest)
            case ["python", file]:
                said = self._python(file)
            case ["cat", file]:
                said = (self.folder / file).read_text(encoding="utf-8")
            case ["cd", folder]:
                self.folder, said = self.folder / folder, ""
            case _:
                raise WrongTranscriptError(
                    f"a transcript has assay, python, cat, cd and echo $?, not {' '.join(words)}"
                )
        lines = [line.rstrip().replace(f"{self.home}/", "") for line in said.splitlines()]
        return "".join(f"{line}\n" for line in lines)

    def _assay(self, words: list[str]) -> str:
        """Run in this process, which has everything imported."""
        from assay.cli import main

        said = io.StringIO()
        with patch.dict(os.environ, TERMINAL):
            for name in FORCING:
                os.environ.pop(name, None)
            with contextlib.chdir(self.folder), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                self.code = main(words)
        return said.getvalue()

    def _python(self, file: str) -> str:
        kept = {name: value for name, value in os.environ.items() if name not in FORCING}
        ended = subprocess.run(
            [sys.executable, file], cwd=self.folder, env=kept | TERMINAL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=120,
        )  # fmt: skip
        self.code = ended.returncode
        return ended.stdout


def blocks(text: str) -> Iterator[Block]:
    """Every fenced block of a document, in order."""
    for found in _BLOCK.finditer(f"\n{text}"):
        mark = MARK.fullmatch(found["mark"].strip())
        start, end = (place - 1 for place in found.span("body"))
        kind, what = (mark["kind"], mark["what"]) if mark else (None, None)
        yield Block(kind, what, found["language"], found["body"], (start, end))


def runs_something(text: str) -> bool:
    """Whether a document has blocks that are run."""
    return any(block.kind in ("checked", "run") for block in blocks(text))


def exchanges(body: str) -> list[tuple[str, str]]:
    """(command as it was typed, with its line breaks; what it shows) for each command of a transcript."""
    found: list[tuple[str, str]] = []
    goes_on = False
    for line in body.splitlines():
        if goes_on:
            typed, shown = found[-1]
            found[-1] = (f"{typed}\n{line}", shown)
        elif line.startswith("$ "):
            found.append((line.removeprefix("$ "), ""))
        elif found:
            typed, shown = found[-1]
            found[-1] = (typed, f"{shown}{line}\n")
            continue
        else:
            raise WrongTranscriptError(f"a transcript begins with a command, not with {line!r}")
        goes_on = line.endswith("\\")
    return found


def rerun(text: str) -> str:
    """The document with every checked transcript as it is now.

    Raises:
        WrongTranscriptError: a command fails, and the document does not show that it does.
    """
    with tempfile.TemporaryDirectory(prefix="assay-transcripts-") as folder:
        session = Session(Path(folder))
        pieces, at = [], 0
        for block in blocks(text):
            if block.kind == "file":
                assert block.what is not None, "the pattern of a mark asks for a name"
                (session.folder / block.what).write_text(block.body, encoding="utf-8")
            elif block.kind == "run":
                session.succeeded()
                session.run(block)
            elif block.kind == "checked":
                pieces += [text[at : block.span[0]], session.transcript(block)]
                at = block.span[1]
        session.succeeded()
        return "".join([*pieces, text[at:]])


def alike(shown: str, now: str) -> bool:
    """Whether a block shows what is printed now, but for what differs from run to run and lines left out by `...`."""
    parts = [
        re.escape(part) for part in re.split(rf"^{re.escape(_ANY_LINES)}\n", comparable(shown), flags=re.MULTILINE)
    ]
    return re.fullmatch("(?:.*\n)*?".join(parts), comparable(now)) is not None


def comparable(text: str) -> str:
    """The text without what differs from run to run."""
    for pattern, word in _CHANGING:
        text = pattern.sub(word, text)
    return text
