"""What an index answers, by a list of entries: the oracle of every structure."""

from __future__ import annotations

import math
from typing import Any

from assay import _core

# The structures of the core; engines are tested where they are.
KINDS = [entry["name"] for entry in _core.catalogue() if entry["room"] == "index"]
ORDERED = [entry["name"] for entry in _core.catalogue() if entry["room"] == "index" and "ordered" in entry["abilities"]]


def sort_key(value: Any) -> Any:
    """A value as it is ordered: text by its bytes, NaN last, -0.0 as 0.0; a null part of a compound key last."""
    if isinstance(value, tuple):
        return tuple((part is None, 0 if part is None else sort_key(part)) for part in value)
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, float):
        return (math.isnan(value), 0.0 if math.isnan(value) else value + 0.0)
    return value


class Entries:
    """Keys with their rows, in a list."""

    def __init__(self, keys: list[Any], rows: list[int]) -> None:
        self.entries: list[tuple[Any, int]] = []
        self.insert(keys, rows)

    def insert(self, keys: list[Any], rows: list[int]) -> int:
        new = [(sort_key(key), row) for key, row in zip(keys, rows, strict=True) if not _is_null(key)]
        self.entries += new
        return len(new)

    def delete(self, keys: list[Any], rows: list[int] | None = None) -> int:
        gone = {sort_key(key) for key in keys} if rows is None else None
        pairs = set() if rows is None else {(sort_key(key), row) for key, row in zip(keys, rows, strict=True)}
        kept = [one for one in self.entries if (one[0] not in gone if gone is not None else one not in pairs)]
        before, self.entries = len(self.entries), kept
        return before - len(kept)

    def lookup(self, key: Any) -> list[int] | None:
        if key is None or (isinstance(key, tuple) and None in key):
            return None
        return sorted(row for one, row in self.entries if one == sort_key(key))

    def range(self, low: Any, high: Any, closed: str = "both") -> list[int]:
        low_in, high_in = closed in ("both", "left"), closed in ("both", "right")
        least, most = sort_key(low) if low is not None else None, sort_key(high) if high is not None else None
        inside = [
            one
            for one in self.entries
            if (least is None or one[0] > least or (low_in and one[0] == least))
            and (most is None or one[0] < most or (high_in and one[0] == most))
        ]
        return [row for _, row in sorted(inside)]


def _is_null(key: Any) -> bool:
    return key is None or (isinstance(key, tuple) and all(part is None for part in key))
