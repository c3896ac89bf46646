"""The results file as one writer and many readers see it: batches in, Arrow tables out.

The writer keeps changes in memory and writes them as one transaction, at most once a second, and
where a write costs more than a hundredth of that, less often, but every five seconds at least: it
opens the file, commits, and closes it again, so that a reader finds it free most of the time. It
holds the lock file (`lock.py`) all along, so that a second writer is refused. A transaction is
whole or absent: after a kill or on a full disk the file holds what was committed before.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa

from assay.errors import StoreError, UsageError
from assay.store.connection import is_busy, open_database, store_error
from assay.store.damage import is_damaged
from assay.store.lock import WriterLock
from assay.store.schema import apply_schema, back_up, migrations, read_schema_version

__all__ = ["Change", "Database", "tool_version"]

FLUSH_INTERVAL_S = 1.0
FLUSH_SHARE = 0.01  # of the processor's time that writing may take: a write that costs more lengthens the interval,
LONGEST_FLUSH = 5  # up to so many times
READER_PATIENCE_S = 5.0
WRITER_PATIENCE_S = 30.0
_ROWS_NAME = "assay_rows"


def tool_version() -> str:
    """The installed version of assay; "0+checkout" where it runs from its source tree."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("assay")
    except PackageNotFoundError:
        return "0+checkout"


@dataclass(frozen=True)
class Change:
    """One statement of a batch: rows to insert, or a statement with bound parameters."""

    sql: str
    parameters: tuple[Any, ...] = ()
    rows: pa.Table | None = None

    @classmethod
    def insert(cls, table: str, rows: Sequence[dict[str, Any]], *, or_replace: bool = False) -> Change:
        """Inserts `rows` (column → value) into `table`; a key twice is a broken invariant unless `or_replace`."""
        verb = "INSERT OR REPLACE" if or_replace else "INSERT"
        return cls(f"{verb} INTO {table} BY NAME SELECT * FROM {_ROWS_NAME}", (), pa.Table.from_pylist(list(rows)))

    @classmethod
    def insert_columns(cls, table: str, key: Mapping[str, Any], columns: Mapping[str, Sequence[Any]]) -> Change:
        """Inserts many rows given as columns of equal length; every row has the values of `key` too."""
        count = len(next(iter(columns.values())))
        fixed = {name: pa.repeat(value, count) for name, value in key.items()}
        rows = pa.table(fixed | {name: pa.array(values) for name, values in columns.items()})
        return cls(f"INSERT INTO {table} BY NAME SELECT * FROM {_ROWS_NAME}", (), rows)

    def apply(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Executes the change within the caller's transaction."""
        if self.rows is None:
            connection.execute(self.sql, list(self.parameters))
            return
        connection.register(_ROWS_NAME, self.rows)
        try:
            connection.execute(self.sql)
        finally:
            with contextlib.suppress(duckdb.Error):  # a transaction that failed has forgotten the name itself
                connection.unregister(_ROWS_NAME)


class Database:
    """One DuckDB file, or one in memory, with assay's schema.

    Args:
        path: The file; it is made if it does not exist. None keeps everything in memory.

    Raises:
        StoreError: Another process writes the file; it is not a DuckDB file, is of another tool or
            of a newer assay; or its disk is full.
    """

    def __init__(self, path: Path | str | None) -> None:
        self._open_as(None if path is None else Path(path), read_only=False)

    @classmethod
    def read_only(cls, path: Path | str) -> Self:
        """A store that only reads: it takes no lock, and holds the file only while a query runs."""
        database = cls.__new__(cls)
        database._open_as(Path(path), read_only=True)
        return database

    def _open_as(self, path: Path | None, *, read_only: bool) -> None:
        self._path = path
        self._read_only = read_only
        self._pending: list[Change] = []
        self._flushed_at = 0.0
        self._flush_cost = 1.0  # intervals to wait, by what the last write cost
        self._failed = False
        self._closed = False
        self._kept: duckdb.DuckDBPyConnection | None = None  # in memory, or of a snapshot
        self._lock: WriterLock | None = None
        if path is None:
            self._kept = duckdb.connect(":memory:")
            apply_schema(self._kept, None, tool_version())
        elif read_only:
            self._check_readable(path)
        else:
            if path.is_dir():
                raise StoreError(f"{path} is a folder; expected a file; name one with --store FILE")
            self._lock = WriterLock(path)
            self._lock.acquire()
            try:
                self._prepare(path)
            except BaseException:
                self._lock.release()
                raise

    @property
    def path(self) -> str | None:
        """The file as it was named, or None in memory."""
        return None if self._path is None else str(self._path)

    def query(self, sql: str, parameters: Sequence[object] = ()) -> pa.Table:
        """The result of one read-only statement, with `?` bound to `parameters`.

        Raises:
            UsageError: The statement is not valid SQL, names what does not exist, or would write.
            StoreError: The file cannot be opened, is damaged, or a writer held it for longer than 5 s.
        """
        self._check_open()
        if self._pending:
            self.flush()
        with self._reading() as connection:
            try:
                connection.execute("BEGIN TRANSACTION READ ONLY")
                try:
                    result = connection.sql(sql, params=list(parameters)) if parameters else connection.sql(sql)
                    return pa.table({}) if result is None else result.to_arrow_table()
                finally:
                    with contextlib.suppress(duckdb.Error):
                        connection.execute("ROLLBACK")
            except duckdb.Error as error:
                if is_damaged(error):
                    raise store_error(error, self._path or Path("in memory")) from error
                text = str(error).strip()
                if "read-only" in text:
                    text = "it would change the store, which only `assay run` does; expected a SELECT"
                raise UsageError(f"the query cannot be run: {text}") from error

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Self]:
        """Keeps the file open over several queries, so that all see one state; keep it short.

        A writer meanwhile collects its changes and writes them afterwards.
        """
        if self._kept is not None:
            yield self
            return
        assert self._path is not None
        self.flush()
        self._kept = open_database(self._path, read_only=True, patience_s=READER_PATIENCE_S)
        try:
            yield self
        finally:
            kept, self._kept = self._kept, None
            kept.close()

    def commit(self, changes: Sequence[Change], *, now: bool = False) -> None:
        """Adds `changes` to the batch; writes it if the last write was a second or more ago, or if `now`."""
        self._check_open()
        if self._read_only:
            raise StoreError(f"the store {self._path} was opened to read only; open it with Store(path) to write")
        self._pending.extend(changes)
        if now:
            self.flush()
        elif time.monotonic() - self._flushed_at >= FLUSH_INTERVAL_S * self._flush_cost:
            self._flush(patience_s=0.0)

    def flush(self) -> None:
        """Writes all pending changes in one transaction, waiting up to 30 s for readers to let go.

        Raises:
            StoreError: The disk is full or the file is held; nothing of the batch was written.
        """
        self._flush(patience_s=WRITER_PATIENCE_S)

    def close(self) -> None:
        """Writes what is pending and lets go of the file and its lock."""
        if self._closed:
            return
        try:
            if not self._failed:
                self.flush()
        finally:
            self._closed = True
            if self._kept is not None:
                self._kept.close()
            if self._lock is not None:
                self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _flush(self, *, patience_s: float) -> None:
        if not self._pending:
            return
        started = time.thread_time()
        with _interrupt_deferred():
            try:
                if self._path is None:
                    assert self._kept is not None
                    _apply(self._kept, self._pending)
                else:
                    try:
                        connection = open_database(self._path, read_only=False, patience_s=patience_s)
                    except StoreError as error:
                        cause = error.__cause__
                        if patience_s == 0 and isinstance(cause, Exception) and is_busy(cause):
                            return  # a reader has it; the batch is written next time
                        raise
                    try:
                        _apply(connection, self._pending)
                    finally:
                        connection.close()
            except duckdb.ConstraintException:
                self._failed = True
                raise  # a row twice: a broken invariant of ours
            except (duckdb.Error, OSError, StoreError) as error:
                self._failed = True
                if isinstance(error, StoreError):
                    raise
                raise store_error(error, self._path or Path("in memory")) from error
            self._pending = []
            self._flushed_at = time.monotonic()
            self._flush_cost = min(max(1.0, (time.thread_time() - started) / FLUSH_SHARE), LONGEST_FLUSH)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        if self._kept is not None:
            yield self._kept
            return
        assert self._path is not None
        connection = open_database(self._path, read_only=True, patience_s=READER_PATIENCE_S)
        try:
            yield connection
        finally:
            connection.close()

    def _prepare(self, path: Path) -> None:
        """Makes the file, whole or not at all, or upgrades one of an older schema after a backup."""
        if not path.exists():
            self._make(path)
            return
        if path.stat().st_size == 0:
            raise StoreError(f"{path} is an empty file, not a store; remove it, or name another with --store FILE")
        try:  # a file of another tool is refused before anything could change in it
            connection = open_database(path, read_only=True, patience_s=WRITER_PATIENCE_S)
            try:
                version = read_schema_version(connection, str(path))
            finally:
                connection.close()
            if 0 < version < len(migrations()):
                # What a log beside the file may hold goes into the file before it is copied.
                open_database(path, read_only=False, patience_s=WRITER_PATIENCE_S).close()
                back_up(path, version)
            connection = open_database(path, read_only=False, patience_s=WRITER_PATIENCE_S)
            try:
                apply_schema(connection, path, tool_version())
            finally:
                connection.close()
        except (duckdb.Error, OSError) as error:
            raise store_error(error, path) from error

    def _make(self, path: Path) -> None:
        """A new file under another name, then renamed: a kill leaves no half store under its own."""
        new = path.with_name(path.name + ".new")
        leftovers = (new, new.with_name(new.name + ".wal"))
        try:
            for leftover in leftovers:  # of a killed process; ours is the lock
                leftover.unlink(missing_ok=True)
            connection = duckdb.connect(str(new))
            try:
                apply_schema(connection, path, tool_version())
                connection.execute("CHECKPOINT")  # closing would keep a full disk to itself, and leave all in a log
            finally:
                connection.close()
            path.with_name(path.name + ".wal").unlink(missing_ok=True)  # of a store that was removed
            new.replace(path)
        except BaseException as error:
            for leftover in leftovers:
                with contextlib.suppress(OSError):
                    leftover.unlink()
            if isinstance(error, (duckdb.Error, OSError)):
                raise store_error(error, path) from error
            raise

    def _check_readable(self, path: Path) -> None:
        connection = open_database(path, read_only=True, patience_s=READER_PATIENCE_S)
        try:
            version = read_schema_version(connection, str(path))
        except duckdb.Error as error:
            raise store_error(error, path) from error
        finally:
            connection.close()
        if version == 0:
            raise StoreError(
                f"{path} is a DuckDB file without results; `assay run SUITE.toml --store {path}` fills one"
            )
        if version < len(migrations()):
            type(self)(path).close()  # the writer's way in upgrades it, after a backup

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError(f"the store {self._path or 'in memory'} is closed; open it again")


def _apply(connection: duckdb.DuckDBPyConnection, changes: Sequence[Change]) -> None:
    """All changes in one transaction, or none."""
    connection.begin()
    try:
        for change in _joined(changes):
            change.apply(connection)
        connection.commit()
    except BaseException:
        with contextlib.suppress(duckdb.Error):  # a failed commit has already rolled back
            connection.rollback()
        raise


def _joined(changes: Sequence[Change]) -> Iterator[Change]:
    """The same changes, where neighbours that insert like rows into one table are one statement.

    A statement costs some 3 ms whatever it inserts, and the spans of a scan come one by one.
    """
    waiting: list[Change] = []
    for change in changes:
        if waiting and not (
            change.sql.startswith("INSERT INTO")
            and waiting[0].sql == change.sql
            and _alike(waiting[0].rows, change.rows)
        ):
            yield _one(waiting)
            waiting = []
        waiting.append(change)
    if waiting:
        yield _one(waiting)


def _alike(rows: pa.Table | None, others: pa.Table | None) -> bool:
    return rows is not None and others is not None and rows.schema.equals(others.schema)


def _one(changes: Sequence[Change]) -> Change:
    if len(changes) == 1:
        return changes[0]
    return Change(changes[0].sql, (), pa.concat_tables([change.rows for change in changes]))


@contextlib.contextmanager
def _interrupt_deferred() -> Iterator[None]:
    """Holds Ctrl-C back until the block is done: a batch is written and forgotten as one step."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is None:
        yield
        return
    received: list[tuple[int, FrameType | None]] = []
    previous = signal.signal(signal.SIGINT, lambda number, frame: received.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
        if received and callable(previous):
            previous(*received[0])
