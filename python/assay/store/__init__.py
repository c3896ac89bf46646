"""The results of runs: one DuckDB file with one writer, many readers, and views to ask.

`Store(path)` writes (and upgrades), `Store.read_only(path)` reads, also while a run writes.
"""

from assay.store.store import Store

__all__ = ["Store"]
