"""An embedded engine with the verbs of an index: the rows in a table of its own, asked and told as any contender.

What its verbs take includes bringing Arrow into the engine's form and back: whoever asks it from here pays that.
Its files go when it is closed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from assay.engines import open_engine
from assay.engines.engine import Engine
from assay.experiments.indexing.keys import KeyRows
from assay.experiments.indexing.questions import Closed

__all__ = ["EngineIndex"]


class EngineIndex:
    """An engine that holds the rows of a key."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def build(cls, spelling: str, key: KeyRows, *, threads: int | None) -> EngineIndex:
        """The engine, opened and filled.

        Raises:
            UsageError: It cannot be opened, or cannot hold such keys.
        """
        engine = open_engine(spelling, threads=threads or 1)
        try:
            names = [f"k{place}" for place in range(len(key.columns))]
            engine.fill(pa.table(list(key.columns), names=names), names)
        except BaseException:
            engine.close()
            raise
        return cls(engine)

    def lookup(self, keys: Any, *, threads: int | None = None) -> pa.Array:
        """The rows of each key."""
        return self._engine.lookup(keys)

    def range(
        self,
        low: Any = None,
        high: Any = None,
        *,
        closed: Closed = "both",
        limit: int | None = None,
        descending: bool = False,
    ) -> pa.Array:
        """The rows of the keys within bounds, in order."""
        return self._engine.range(low, high, closed=closed, limit=limit, descending=descending)

    def ranges(self, lows: Any, highs: Any, *, closed: Closed = "both", threads: int | None = None) -> pa.Array:
        """The rows of each of many ranges; engines are asked for the first columns of a key one by one."""
        if _width(lows) == len(self._engine.parts):
            return self._engine.ranges(lows, highs, closed=closed)
        ends = zip(_tuples(lows), _tuples(highs), strict=True)
        found = [self._engine.range(low, high, closed=closed) for low, high in ends]
        offsets = np.concatenate(([0], np.cumsum([len(rows) for rows in found]))).astype(np.int64)
        rows = pa.concat_arrays(found) if found else pa.array([], pa.uint64())
        return pa.LargeListArray.from_arrays(pa.array(offsets), rows)

    def insert(self, keys: Any, rows: pa.Array) -> int:
        """Adds rows, in one transaction."""
        return self._engine.insert(keys, rows)

    def delete(self, keys: Any, rows: pa.Array | None = None) -> int:
        """Removes rows, in one transaction."""
        return self._engine.delete(keys, rows)

    def update(self, keys: Any, rows: pa.Array, new_keys: Any) -> int:
        """Gives rows other keys, in one transaction."""
        return self._engine.update_key(keys, rows, new_keys)

    def __len__(self) -> int:
        return len(self._engine)

    @property
    def memory_bytes(self) -> int:
        """The bytes of its files."""
        return self._engine.size_bytes

    @property
    def statistics(self) -> dict[str, float]:
        """What it has written so far, logs included."""
        written = self._engine.bytes_written
        return {} if written is None else {"bytes_written": float(written)}

    def settle(self) -> None:
        """Brings what is in logs to where it stays."""
        self._engine.settle()

    def close(self) -> None:
        """Ends it, and removes its files."""
        self._engine.close()


def _width(keys: Any) -> int:
    return len(keys.columns) if isinstance(keys, pa.Table) else 1


def _tuples(keys: Any) -> list[tuple[Any, ...]]:
    columns = keys.columns if isinstance(keys, pa.Table) else [keys]
    return list(zip(*(column.to_pylist() for column in columns), strict=True))
