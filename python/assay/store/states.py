"""The part of a store that a run needs until it ends: blocks, what stages have learned, and their files.

A row is committed once the file that it refers to is there; what is needed no more is removed once that is
committed. So a run that is killed anywhere finds, for each span, its whole state or none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from assay.errors import StoreError
from assay.harness.records import BlockRecord, StageRecord
from assay.store import block_files
from assay.store.block_files import BlockFiles, refers_to_file
from assay.store.connection import store_error
from assay.store.database import Change, Database

__all__ = ["StateStore"]

_LEARNED = "learned"
_WRITES_AT_ONCE = 4  # states that may wait to be written
_OF_STAGE = "WHERE run_id = ? AND experiment_index = ? AND stage = ?"


class StateStore(Database):
    """A database whose large states lie in files beside it."""

    def _open_as(self, path: Path | None, *, read_only: bool) -> None:
        self._files: BlockFiles | None = None
        self._writes: deque[tuple[dict[str, Any], Future[bytes]]] = deque()  # rows that wait for their files
        self._thread: ThreadPoolExecutor | None = None
        super()._open_as(path, read_only=read_only)
        if path is not None:
            self._files = BlockFiles(path)
            if not read_only and self._files.folder.is_dir():
                try:
                    rows = self.query("SELECT run_id FROM run WHERE status IN ('running', 'interrupted')")
                    self._files.keep_only(rows["run_id"].to_pylist())
                except BaseException:
                    self.close()  # lets go of the lock
                    raise

    # What the base class promises holds for rows whose files are still being written, too.

    def commit(self, changes: Sequence[Change], *, now: bool = False) -> None:
        """As of the base class; rows whose files are being written come first."""
        self._collect(wait=True)
        super().commit(changes, now=now)

    def flush(self) -> None:
        """As of the base class, with the rows whose files are being written."""
        self._collect(wait=True)
        super().flush()

    def query(self, sql: str, parameters: Sequence[object] = ()) -> pa.Table:
        """As of the base class, with the rows whose files are being written."""
        self._collect(wait=True)
        return super().query(sql, parameters)

    def close(self) -> None:
        """As of the base class."""
        try:
            super().close()
        finally:
            if self._thread is not None:
                self._thread.shutdown(cancel_futures=True)
                self._thread = None

    # -- what the runner writes -------------------------------------------------------------------

    def commit_blocks(self, run_id: str, blocks: Sequence[BlockRecord]) -> None:
        """Keeps the packed states of measured spans; a resumed run skips these spans.

        A large state goes to a file first, in a thread of its own; its row is committed once the file is there.
        """
        small = []
        for block in blocks:
            row = {"run_id": run_id, **asdict(block)}
            if self._files is None or block.state is None or len(block.state) <= block_files.SMALL_BYTES:
                small.append(row)
                continue
            self._check_open()
            self._thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix="assay-blocks")
            name = _file(block.experiment_index, block.stage, block.span)
            self._writes.append((row, self._thread.submit(self._files.write, run_id, name, block.state)))
            row["state"] = None
        self._collect(wait=False)
        if small:
            super().commit([Change.insert("block", small)])

    def end_stage(self, run_id: str, experiment_index: int, stage: int, learned: bytes) -> None:
        """Keeps what a merged stage has taught and drops the states that it was merged from."""
        key = (run_id, experiment_index, stage)
        kept = learned
        if self._files is not None and len(learned) > block_files.SMALL_BYTES:
            try:
                kept = self._files.write(run_id, _file(experiment_index, stage, _LEARNED), learned)
            except OSError as error:
                self._failed = True
                raise store_error(error, self._files.folder) from error
        self.commit_and_remove(
            [
                Change(f"UPDATE stage SET learned = ? {_OF_STAGE}", (kept, *key)),
                Change(f"UPDATE block SET state = NULL {_OF_STAGE}", key),
            ],
            run_id,
            _file(experiment_index, stage, ""),
            spare=_LEARNED,
        )

    def commit_and_remove(
        self, changes: Sequence[Change], run_id: str, beginning: str = "", *, spare: str | None = None
    ) -> None:
        """Commits changes that make files needless, and removes these once that is written.

        Args:
            changes: What to commit.
            run_id: The run.
            beginning: Of the names of the files; all of the run's by default.
            spare: The end of the names of those that stay.
        """
        has_files = self._files is not None and self._files.holds(run_id)
        self.commit(changes, now=has_files)
        if has_files:
            assert self._files is not None
            self._files.remove(run_id, beginning, spare=spare)

    # -- what a resumed run reads -----------------------------------------------------------------

    def stage_record(self, run_id: str, experiment_index: int, stage: int) -> StageRecord | None:
        """How a stage was cut and what it has taught, or None if it was never begun.

        What it has taught is None, too, where its file is missing or damaged: the stage is then measured again.
        """
        rows = self.query(
            f"SELECT experiment_index, stage, spans, span_rows, learned FROM stage {_OF_STAGE}",
            [run_id, experiment_index, stage],
        ).to_pylist()
        if not rows:
            return None
        learned = self._content(run_id, _file(experiment_index, stage, _LEARNED), rows[0].pop("learned"))
        return StageRecord(**rows[0], learned=learned)

    def committed_spans(self, run_id: str, experiment_index: int, stage: int) -> set[int]:
        """The spans of a stage whose states are kept and whole; what is known of the others is forgotten."""
        key = (run_id, experiment_index, stage)
        rows = self.query(f"SELECT span, state FROM block {_OF_STAGE}", key).to_pylist()
        whole, broken = set(), []
        for row in rows:
            kept = self._content(run_id, _file(experiment_index, stage, row["span"]), row["state"]) is not None
            whole.add(row["span"]) if kept else broken.append(row["span"])
        if broken:
            self.commit(
                [Change(f"DELETE FROM block {_OF_STAGE} AND list_contains(?::UINTEGER[], span)", (*key, broken))],
                now=True,
            )
        return whole

    def block_states(self, run_id: str, experiment_index: int, stage: int, spans: Iterable[int]) -> dict[int, bytes]:
        """The packed states of these spans, which must be whole."""
        rows = self.query(
            f"SELECT span, state FROM block {_OF_STAGE} AND list_contains(?::UINTEGER[], span)",
            [run_id, experiment_index, stage, list(spans)],
        ).to_pylist()
        found = {}
        for row in rows:
            name = _file(experiment_index, stage, row["span"])
            content = self._content(run_id, name, row["state"])
            if content is None:
                assert self._files is not None
                raise StoreError(
                    f"{self._files.folder / run_id / name} has changed while the run was resumed; "
                    "leave the folder alone during a run, and resume again"
                )
            found[row["span"]] = content
        return found

    # -- helpers ----------------------------------------------------------------------------------

    def _content(self, run_id: str, name: str, state: bytes | None) -> bytes | None:
        """What a row holds or refers to; None where there is nothing, or not what was written."""
        if state is None or not refers_to_file(state):
            return state
        return None if self._files is None else self._files.read(run_id, name, state)

    def _collect(self, *, wait: bool) -> None:
        """Adds the rows to the batch whose files are there; all of them with `wait`, else all but a few.

        Raises:
            StoreError: A file cannot be written, as the disk is full, say.
        """
        rows = []
        while self._writes and (wait or len(self._writes) > _WRITES_AT_ONCE or self._writes[0][1].done()):
            row, future = self._writes[0]
            try:
                row["state"] = future.result()
            except OSError as error:
                self._failed = True
                self._writes.clear()
                assert self._files is not None
                raise store_error(error, self._files.folder) from error
            rows.append(row)
            self._writes.popleft()
        if rows:
            super().commit([Change.insert("block", rows)])


def _file(experiment_index: int, stage: int, rest: int | str) -> str:
    return f"{experiment_index}-{stage}-{rest}"
