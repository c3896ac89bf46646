"""`assay check`: all mistakes of a suite at once, before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from assay.cli.output import say

__all__ = ["check"]


def check(suite: Annotated[Path, Parameter(help="The suite, a TOML file.", metavar="SUITE")], /) -> int:
    """Find all mistakes of a suite at once, before it runs.

    Without any, it tells the number of cells and how long they may take.

    For example:

        assay check suite.toml
    """
    from assay.errors import SuiteError
    from assay.harness import check_suite

    found = check_suite(suite)
    if found.mistakes:
        raise SuiteError(str(suite), list(found.mistakes))
    parts = [_count(found.experiments, "experiment"), _count(found.cells, "cell")]
    if found.suite is not None and found.suite.claims:
        parts.append(_count(len(found.suite.claims), "claim"))
    say(f"{suite}: no mistake; {', '.join(parts)}, {_duration(found.expected_seconds)}")
    return 0


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "of unknown duration"
    if seconds < 90:
        return f"about {max(1, round(seconds))} s at most"
    return f"about {round(seconds / 60)} min at most" if seconds < 5400 else f"about {seconds / 3600:.1f} h at most"
