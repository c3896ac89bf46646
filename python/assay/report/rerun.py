"""How to measure one cell again: the suite of that cell alone, and the command for it.

Both are made from the experiment's own command, which names every setting that differs from its default; the
values come from the stored settings, so that they keep their types. The page's script adds the grid point's
values and the contender, each already written here for its place or quoted there.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

from assay.report.run_view import ExperimentView, GridPoint
from assay.units import plural

__all__ = ["point_again", "rerun_of", "toml_value"]

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def rerun_of(experiment: ExperimentView) -> dict[str, str] | None:
    """What is the same for all cells of an experiment; None where its command is none that a shell could run again.

    Returns:
        {"command": `assay compare KIND DATA --flags`, "flag": `--strategy`, "toml": a suite up to the grid's
        settings, "contenders": the name of the list of contenders}.
    """
    try:
        words = shlex.split(experiment.command)
    except ValueError:
        return None
    if words[:2] != ["assay", "compare"] or len(words) < 4:
        return None
    kind, dataset, *flags = words[2:]
    noun_flag = f"--{experiment.noun.replace('_', '-')}"
    grid = {name for point in experiment.points for name in point.parameters}
    kept: list[str] = []
    named: dict[str, None] = {}
    for flag in _flags(flags):
        name = flag[0].removeprefix("--").partition(".")[0].replace("-", "_")
        name = name if name in experiment.settings else name.removeprefix("no_")
        if flag[0] == noun_flag or name in grid:
            continue
        kept += flag
        named[name] = None
    lines = [f"kind = {toml_value(kind)}", f"dataset = {toml_value(dataset)}"]
    lines += [
        f"{name} = {toml_value(experiment.settings[name])}"
        for name in named
        if experiment.settings.get(name) is not None
    ]
    return {
        "command": shlex.join([*words[:4], *kept]),
        "flag": noun_flag,
        "toml": 'name = "one cell"\n\n[[experiment]]\n' + "".join(f"{line}\n" for line in lines),
        "contenders": plural(experiment.noun),
    }


def point_again(point: GridPoint) -> dict[str, str]:
    """A grid point's settings as lines of a suite and as flags."""
    given = {name: value for name, value in point.parameters.items() if value is not None}
    words: list[str] = []
    for name, value in given.items():
        flag = f"--{name.replace('_', '-')}"
        words += [flag, value if isinstance(value, str) else json.dumps(value)]
    return {
        "toml": "".join(f"{name} = {toml_value(value)}\n" for name, value in given.items()),
        "flags": shlex.join(words),
    }


def toml_value(value: Any) -> str:
    """A plain value as TOML writes it.

    >>> toml_value(["a", 1.5, True]), toml_value({"node-1": 2, "a b": "c"})
    ('["a", 1.5, true]', '{ node-1 = 2, "a b" = "c" }')
    """
    if isinstance(value, Mapping):
        pairs = (
            f"{name if _BARE.fullmatch(name) else json.dumps(name)} = {toml_value(inner)}"
            for name, inner in value.items()
        )
        inner = ", ".join(pairs)
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(toml_value, value))}]"
    # A string of JSON is a basic string of TOML; numbers and booleans are written alike.
    return json.dumps(value, ensure_ascii=False)


def _flags(words: list[str]) -> list[list[str]]:
    """Each flag with the words that belong to it."""
    found: list[list[str]] = []
    for word in words:
        if word.startswith("--") or not found:
            found.append([word])
        else:
            found[-1].append(word)
    return found
