"""What the catalogue knows of each engine; apart from their code, so that reading the catalogue loads none of it."""

from __future__ import annotations

from assay.catalogue import Contender, Parameter

__all__ = ["CONTENDERS", "DUCKDB", "SQLITE"]

_ABILITIES = frozenset({"engine", "ordered", "updates"})
_DURABILITY = Parameter(
    "durability",
    "commit",
    "choice",
    "commit: the log is synchronised with the disk (fsync) once for each transaction; none: never, so that a power "
    "cut may lose what was committed",
    choices=("commit", "none"),
)

DUCKDB = Contender(
    room="index",
    name="duckdb",
    version=1,
    idea="DuckDB's columns on disk, scanned and joined in vectors; an ART index beside them if wanted.",
    cost="a batch of lookups scans the column once; the ART takes some 36 bytes a row, rewritten by checkpoints",
    choose_when="questions are asked in bulk or aggregate, and single rows are rarely sought",
    source='Raasveldt, Mühleisen 2019, "DuckDB: an Embeddable Analytical Database"; duckdb.org/docs/stable/sql/indexes',
    parameters=(
        Parameter(
            "index",
            "none",
            "choice",
            "art: CREATE INDEX on the key; none: only the zone maps that every table has",
            choices=("none", "art"),
        ),
        _DURABILITY,
    ),
    abilities=_ABILITIES,
)

SQLITE = Contender(
    room="index",
    name="sqlite",
    version=1,
    idea="SQLite's B-tree on disk: beside the table, covering it, or the table itself in the order of the key.",
    cost="O(log n) pages a lookup; 13 to 30 bytes a row and the key; an insert changes a page of each tree",
    choose_when="one process needs a small, durable, ordered store with transactions",
    source="sqlite.org/fileformat2.html; Hipp 2000",
    parameters=(
        Parameter(
            "layout",
            "index",
            "choice",
            "index: a B-tree of keys and row numbers beside the table; covering: the payload in it too; "
            "without_rowid: the table in the order of the key; none: no index, every question scans",
            choices=("index", "covering", "without_rowid", "none"),
        ),
        _DURABILITY,
    ),
    abilities=_ABILITIES,
)

CONTENDERS = (DUCKDB, SQLITE)
