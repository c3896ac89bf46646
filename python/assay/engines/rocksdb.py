"""RocksDB: a log-structured merge tree in many files; writes are appended, and merged later in the background.

The table is one column family by row number, the index another, in one of two layouts. `entries`: a key for each row,
the column's value and the row's number, as MyRocks has it; a lookup is a seek and a few steps. `lists`: the rows of a
value in one list; a batch of lookups is one multi-get, which Bloom filters serve, but a change reads and writes the
list again, whatever its length.

Durability: the log is always written; `commit` is `WriteOptions.sync`, one fsync of it for each transaction; `none` is
RocksDB's default, no fsync. A flush and a compaction synchronise the files that they make.
Source: github.com/facebook/rocksdb/wiki; Dong et al. 2017, "Optimizing Space Amplification in RocksDB".
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from assay.engines.contenders import ROCKSDB
from assay.engines.key_value import KeyValueEngine, taken
from assay.errors import ParameterError

__all__ = ["RocksDb"]

_CACHE_BYTES = 256 << 20
_BLOOM_BITS = 10
_BATCH_ROWS = 65_536
_LOOK_S = 0.001


class RocksDb(KeyValueEngine):
    """RocksDB through the package `rocksdict`."""

    contender = ROCKSDB

    @property
    def version(self) -> str:
        """RocksDB has no number here but that of the package."""
        from importlib.metadata import version

        return f"RocksDB (rocksdict {version('rocksdict')})"

    @property
    def settings(self) -> Mapping[str, str]:
        """What is set when it is opened."""
        return {
            "WriteOptions.sync": str(self.parameters["durability"] == "commit"),
            "block_cache": str(_CACHE_BYTES),
            "bloom_filter_bits": str(_BLOOM_BITS),
            "increase_parallelism": str(self.threads),
        }

    def _open(self, folder: Path) -> None:
        import rocksdict

        self._lists = self.parameters["layout"] == "lists"
        self.is_indexed = self.parameters["layout"] != "none"
        blocks = rocksdict.BlockBasedOptions()
        blocks.set_block_cache(rocksdict.Cache(_CACHE_BYTES))
        blocks.set_bloom_filter(_BLOOM_BITS, False)
        options = rocksdict.Options(raw_mode=True)
        options.create_if_missing(True)
        options.increase_parallelism(self.threads)
        options.set_block_based_table_factory(blocks)
        self._database = rocksdict.Rdict(str(folder / "rocks"), options)
        self._index = self._database.create_column_family("keys", options)
        self._table = self._database.create_column_family("rows", options)
        self._families = {name: self._database.get_column_family_handle(name) for name in ("keys", "rows")}
        self._write_options = rocksdict.WriteOptions()
        self._write_options.sync = self.parameters["durability"] == "commit"

    def _close(self) -> None:
        self._index.close()
        self._table.close()
        self._database.close()

    def _load(self, rows: np.ndarray, values: list[bytes], keys: list[bytes], key_rows: np.ndarray) -> None:
        import rocksdict

        bulk = rocksdict.WriteOptions()
        bulk.disable_wal = True  # what fills it is flushed at once
        numbers, key_numbers = _numbers(rows), _numbers(key_rows)
        entries: Iterator[tuple[bytes, bytes]]
        if not self.is_indexed:
            entries = iter(())
        elif self._lists:
            entries = _grouped(keys, key_numbers)
        else:
            entries = ((key + row, b"") for key, row in zip(keys, key_numbers, strict=True))
        for name, pairs in (("rows", zip(numbers, values, strict=True)), ("keys", entries)):
            pairs = iter(pairs)
            while some := list(islice(pairs, _BATCH_ROWS)):
                batch = rocksdict.WriteBatch(raw_mode=True)
                for key, value in some:
                    batch.put(key, value, self._families[name])
                self._database.write(batch, bulk)
        self._settle()

    def _rows_of(self, keys: list[bytes]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if self._lists:
            found = [value or b"" for value in self._index.get(keys)]
            counts = np.fromiter(map(len, found), np.int64, len(found)) // 8
            rows = np.frombuffer(b"".join(found), ">i8").astype(np.int64)
        else:
            numbers: list[bytes] = []
            counts = np.zeros(len(keys), np.int64)
            walk = self._index.iter()
            for place, key in enumerate(keys):
                before = len(numbers)
                walk.seek(key)
                while walk.valid() and (entry := walk.key()).startswith(key):
                    numbers.append(entry[-8:])
                    walk.next()
                counts[place] = len(numbers) - before
            rows = np.frombuffer(b"".join(numbers), ">i8").astype(np.int64)
        return np.cumsum(counts) - counts, counts, rows

    def _rows_under(self, key: bytes) -> list[int]:
        if self._lists:
            return [int.from_bytes(row) for row in _pieces(self._index.get(key) or b"")]
        walk, rows = self._index.iter(), []
        walk.seek(key)
        while walk.valid() and (entry := walk.key()).startswith(key):
            rows.append(int.from_bytes(entry[-8:]))
            walk.next()
        return rows

    def _scan(self) -> Iterator[tuple[int, bytes]]:
        return ((int.from_bytes(row), value) for row, value in self._table.items())

    def _row_values_of(self, rows: np.ndarray) -> list[bytes]:
        return list(self._table.get(_numbers(rows))) if len(rows) else []

    def _between(self, low: bytes, high: bytes | None, limit: int | None, descending: bool) -> np.ndarray:
        found = self._entries(low, high, descending)
        if self._lists:
            step = -8 if descending else 8
            pieces = (_pieces(rows)[:: step // 8] for _, rows in found)
            numbers = (row for piece in pieces for row in piece)
        else:
            numbers = (key[-8:] for key, _ in found)
        taken_rows = list(numbers if limit is None else islice(numbers, limit))
        return np.frombuffer(b"".join(taken_rows), ">i8").astype(np.int64)

    def _entries(self, low: bytes, high: bytes | None, descending: bool) -> Iterator[tuple[bytes, bytes]]:
        if not descending:
            entries = self._index.items(from_key=low)
            return entries if high is None else takewhile(lambda entry: entry[0] < high, entries)
        entries = self._index.items(backwards=True, from_key=high) if high is not None else self._index.items(True)
        if high is not None:  # the first one may be the bound itself, which is outside
            entries = (entry for entry in entries if entry[0] < high)
        return takewhile(lambda entry: entry[0] >= low, entries)

    def _insert(self, columns: list[pa.Array], rows: np.ndarray, payload: pa.Array) -> None:
        with self._converting():
            keys, numbers = self._encoded(columns).to_pylist(), _numbers(rows)
            values = self._row_values(payload, keys)
        there = sum(value is not None for value in self._table.get(numbers)) if numbers else 0
        if there:
            raise ParameterError(taken(there))
        batch = self._batch()
        for row, value in zip(numbers, values, strict=True):
            batch.put(row, value, self._families["rows"])
        self._change_index(batch, [], list(zip(keys, numbers, strict=True)))
        self._database.write(batch, self._write_options)

    def _update_payload(self, columns: list[pa.Array], rows: np.ndarray, payload: pa.Array) -> int:
        with self._converting():
            keys, numbers = self._encoded(columns).to_pylist(), _numbers(rows)
            values = self._row_values(payload, keys)
        batch, changed = self._batch(), 0
        for key, row, stored, value in zip(keys, numbers, self._stored(numbers), values, strict=True):
            if self._is_of(stored, key):
                batch.put(row, value, self._families["rows"])
                changed += 1
        self._database.write(batch, self._write_options)
        return changed

    def _update_key(self, columns: list[pa.Array], rows: np.ndarray, new: list[pa.Array]) -> int:
        with self._converting():
            keys, numbers = self._encoded(columns).to_pylist(), _numbers(rows)
            after = self._encoded(new).to_pylist()
        batch, gone, come = self._batch(), [], []
        for key, row, stored, new_key in zip(keys, numbers, self._stored(numbers), after, strict=True):
            if stored is not None and self._is_of(stored, key):
                batch.put(row, self._payload_bytes(stored) + new_key, self._families["rows"])
                gone.append((key, row))
                come.append((new_key, row))
        self._change_index(batch, gone, come)
        self._database.write(batch, self._write_options)
        return len(gone)

    def _delete_rows(self, columns: list[pa.Array], rows: np.ndarray) -> int:
        with self._converting():
            pairs = list(dict.fromkeys(zip(self._encoded(columns).to_pylist(), _numbers(rows), strict=True)))
        stored = self._stored([row for _, row in pairs])
        return self._remove([pair for pair, value in zip(pairs, stored, strict=True) if self._is_of(value, pair[0])])

    def _delete_keys(self, columns: list[pa.Array]) -> int:
        with self._converting():
            keys = list(dict.fromkeys(self._encoded(columns).to_pylist()))
        starts, counts, rows = self._rows_of(keys) if self.is_indexed else self._scanned_for(keys)
        numbers = _numbers(rows)
        return self._remove(
            [
                (key, row)
                for key, start, count in zip(keys, starts.tolist(), counts.tolist(), strict=True)
                for row in numbers[start : start + count]
            ]
        )

    def _remove(self, pairs: list[tuple[bytes, bytes]]) -> int:
        batch = self._batch()
        for _, row in pairs:
            batch.delete(row, self._families["rows"])
        self._change_index(batch, pairs, [])
        self._database.write(batch, self._write_options)
        return len(pairs)

    def _change_index(self, batch: Any, gone: list[tuple[bytes, bytes]], come: list[tuple[bytes, bytes]]) -> None:
        """Puts into the batch what takes these pairs of key and row number out of the index, then adds those."""
        family = self._families["keys"]
        if not self.is_indexed:
            return
        if not self._lists:
            for key, row in gone:
                batch.delete(key + row, family)
            for key, row in come:
                batch.put(key + row, b"", family)
            return
        keys = list(dict.fromkeys(key for pairs in (gone, come) for key, _ in pairs))
        lists = {
            key: set(_pieces(value or b""))
            for key, value in zip(keys, self._index.get(keys) if keys else [], strict=True)
        }
        for key, row in gone:
            lists[key].discard(row)
        for key, row in come:
            lists[key].add(row)
        for key, rows in lists.items():
            if rows:
                batch.put(key, b"".join(sorted(rows)), family)
            else:
                batch.delete(key, family)

    def _settle(self) -> None:
        for family in (self._index, self._table):
            family.flush(True)
            while any(family.property_int_value(f"rocksdb.{name}") for name in _BUSY):
                time.sleep(_LOOK_S)

    def _batch(self) -> Any:
        import rocksdict

        return rocksdict.WriteBatch(raw_mode=True)

    def _stored(self, numbers: list[bytes]) -> list[bytes | None]:
        return list(self._table.get(numbers)) if numbers else []


_BUSY = ("num-running-flushes", "mem-table-flush-pending", "num-running-compactions", "compaction-pending")


def _numbers(rows: np.ndarray) -> list[bytes]:
    """Row numbers as 8 bytes each, most significant first, which bytes compare as."""
    return np.ascontiguousarray(rows.astype(">i8")).view("V8").tolist()  # type: ignore[no-any-return]


def _pieces(rows: bytes) -> list[bytes]:
    return [rows[start : start + 8] for start in range(0, len(rows), 8)]


def _grouped(keys: list[bytes], rows: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """(key, its rows) of pairs in the order of both."""
    start = 0
    for place in range(1, len(keys) + 1):
        if place == len(keys) or keys[place] != keys[start]:
            yield keys[start], b"".join(rows[start:place])
            start = place
