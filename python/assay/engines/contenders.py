"""What the catalogue knows of each engine; apart from their code, so that reading the catalogue loads none of it."""

from __future__ import annotations

from assay.catalogue import Contender, Parameter

__all__ = ["CONTENDERS", "DUCKDB", "LMDB", "ROCKSDB", "SQLITE"]

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

LMDB = Contender(
    room="index",
    name="lmdb",
    version=1,
    idea="LMDB's B+-trees in a mapped file: rows by number, and keys with sorted duplicates.",
    cost="O(log n) a lookup without copying; about 22 bytes a row of the index; a change copies a path of pages",
    choose_when="many reads, few and small transactions, one writer at a time, keys of at most 511 bytes",
    source='lmdb.readthedocs.io; Chu 2011, "MDB: A Memory-Mapped Database and Backend for OpenLDAP"',
    parameters=(
        Parameter(
            "index",
            "dupsort",
            "choice",
            "dupsort: a tree of keys whose sorted duplicates are row numbers; none: no index, every question scans",
            choices=("dupsort", "none"),
        ),
        _DURABILITY,
    ),
    abilities=_ABILITIES,
)

ROCKSDB = Contender(
    room="index",
    name="rocksdb",
    version=1,
    idea="RocksDB's log-structured merge tree: rows by number, and an entry, or a list of rows, for each key.",
    cost="a lookup asks each level; writes are appended, then rewritten by compactions",
    choose_when="there are many writes, more than a B-tree's pages take, and few reads for each",
    source='Dong et al. 2017, "Optimizing Space Amplification in RocksDB"; github.com/facebook/rocksdb/wiki',
    parameters=(
        Parameter(
            "layout",
            "entries",
            "choice",
            "entries: a key for each row, found by seeking; lists: the rows of a value together, found by multi-get, "
            "rewritten by each change; none: no index, every question scans",
            choices=("entries", "lists", "none"),
        ),
        _DURABILITY,
    ),
    abilities=_ABILITIES,
)

CONTENDERS = (DUCKDB, SQLITE, LMDB, ROCKSDB)
