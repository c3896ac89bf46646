"""`assay doctor`: how noisy is this machine now, and what could one do about it?"""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from assay.cli.options import DEFAULT_STORE
from assay.cli.output import note, print_lines, print_rows, say, warn
from assay.errors import MeasurementError

if TYPE_CHECKING:
    from assay.harness.doctor import Diagnosis, Finding

__all__ = ["doctor"]

MARKS = {"good": " ", "note": "·", "poor": "!"}


def doctor(
    *,
    seconds: Annotated[float, Parameter(help="About how long it may take in all.", metavar="S")] = 10.0,
    quick: Annotated[bool, Parameter(help="A first look in about three seconds.", negative="")] = False,
    store: Annotated[
        Path, Parameter(help="Where results would go: is there room on its disk?", metavar="FILE")
    ] = DEFAULT_STORE,
    format: Annotated[Literal["table", "json", "markdown"], Parameter(help="What standard output holds.")] = "table",
) -> int:
    """Find out how noisy this machine is, and what to do about it.

    Looks at processor, limits, clock, memory, disk and plug-ins, and times a kernel against itself: the first line
    says which differences can be trusted here and now. It changes nothing.

    For example:

        assay doctor
        assay doctor --quick --format json
    """
    from assay.harness.doctor import examine

    folder = store.absolute().parent
    diagnosis = examine(seconds=seconds, quick=quick, store_folder=folder, on_step=_step)
    if format == "json":
        say(json.dumps(asdict(diagnosis), indent=1, ensure_ascii=False))
    elif format == "markdown":
        say(f"**{diagnosis.answer}**\n")
        rows = [
            {"": MARKS[one.state].strip(), "finding": one.name, "found": one.text, "meaning": one.meaning,
             "what to do": one.advice} for one in diagnosis.findings
        ]  # fmt: skip
        print_rows(rows, "markdown")
        if diagnosis.hidden:
            say(f"\nNot shown by this system: {', '.join(diagnosis.hidden)}.")
    else:
        _print(diagnosis)
    for failure in diagnosis.failures:
        warn(f"could not be measured: {failure}")
    return MeasurementError.exit_code if diagnosis.failures else 0


def _step(text: str) -> None:
    if sys.stderr.isatty():
        note(f"{text} ...")


def _print(diagnosis: Diagnosis) -> None:
    say("\n".join(textwrap.wrap(diagnosis.answer, shutil.get_terminal_size().columns)))
    for topic in dict.fromkeys(one.topic for one in diagnosis.findings):
        say(f"\n{topic}")
        print_lines([_lines(one) for one in diagnosis.findings if one.topic == topic])
    if diagnosis.hidden:
        say("")
        print_lines([("not shown here", ", ".join(diagnosis.hidden))])
    say("\n! makes timings worse   · may do so")


def _lines(finding: Finding) -> tuple[str, str]:
    text = f"{finding.text}\n{finding.meaning}" + (f"\n→ {finding.advice}" if finding.advice else "")
    return f"{MARKS[finding.state]} {finding.name.replace('_', ' ')}", text
