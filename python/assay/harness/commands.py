"""The command lines that repeat a measurement, ready to paste into a shell."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from assay.units import plural

__all__ = ["compare_command", "run_command"]


def compare_command(kind: str, dataset: str, settings: Mapping[str, Any], noun: str) -> str:
    """`assay compare` with these settings; a list is a repeated flag, a table has dotted flags.

    An empty list or table is said aloud, for leaving it out would mean the default.

    >>> compare_command("partitioning", "flights", {"strategies": ["hash(dest)"], "partitions": [8, 64]}, "strategy")
    "assay compare partitioning flights --strategy 'hash(dest)' --partitions 8 --partitions 64"
    >>> compare_command("partitioning", "flights", {"foreign_keys": [], "queries": {}}, "strategy")
    'assay compare partitioning flights --no-foreign-keys --no-queries'
    """
    words = ["assay", "compare", kind, dataset]
    for name, value in settings.items():
        flag = "--" + (noun if name == plural(noun) else name).replace("_", "-")
        if isinstance(value, (Mapping, list, tuple)) and not value:
            # Contenders have no such flag: none named and none given are one.
            words += [] if name == plural(noun) else [_negative(flag)]
        elif isinstance(value, Mapping):
            for key, inner in value.items():
                words += [f"{flag}.{key}", _word(inner)]
        elif isinstance(value, (list, tuple)):
            for inner in value:
                words += [flag, _word(inner)]
        elif isinstance(value, bool):
            words.append(flag if value else _negative(flag))
        elif value is not None:
            words += [flag, _word(value)]
    return shlex.join(words)


def run_command(suite: str, store: str | None) -> str:
    """`assay run` of a suite file into a store."""
    words = ["assay", "run", suite]
    return shlex.join(words + (["--store", store] if store and store != "assay.duckdb" else []))


def _negative(flag: str) -> str:
    return "--no-" + flag.removeprefix("--")


def _word(value: object) -> str:
    return json.dumps(value, default=str) if isinstance(value, (Mapping, list, tuple, bool)) else str(value)
