"""Kafka: a topic, and a producer that sends each record to its partition.

Idea: `kafka-topics.sh --create`, the producer's settings, and for what Kafka's own partitioners do not do, a Python
module whose `partition_of(row)` gives the partition that the producer sends the record to.

What it can express: all. hash of one text or binary column is left to Kafka's own partitioner, which takes murmur2
of the key's bytes; range, list, modulo, round_robin, any mapping of keys, and composites are computed by the module.

Source: Apache Kafka documentation, "Producer Configs" (partitioner.class, partitioner.ignore.keys);
`Utils.murmur2` and `BuiltInPartitioner.partitionForKey`: (murmur2(key) & 0x7fffffff) % n.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from assay.errors import UnsupportedTypeError
from assay.targets.export import Export, ExportFile, Options, header
from assay.targets.forms import Composite, Form, Hashed, Keyed, Listed, Modulo, Numbered, Ranged, as_mapping
from assay.targets.layout import Layout
from assay.targets.native import Placement, native_note
from assay.targets.rows import write_parquet
from assay.targets.types import kind_of_type

__all__ = ["murmur2", "write"]

_SEED = 0x9747B28C
_M = np.uint32(0x5BD1E995)
_LONGEST_TOPIC = 249
_PLAIN = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "text", "bool")


def write(layout: Layout, options: Options) -> Export:
    """The layout as a topic and a producer.

    Raises:
        UnsupportedTypeError: The table's name is no topic, or a key is of a type that JSON cannot hold.
    """
    topic = ".".join(options.table.parts)
    if len(topic) > _LONGEST_TOPIC or not all(c.isascii() and (c.isalnum() or c in "._-") for c in topic):
        raise UnsupportedTypeError(
            f"{topic!r} is no topic: Kafka takes up to {_LONGEST_TOPIC} letters, digits, dots, underscores and "
            "hyphens; name one with --table"
        )
    form = layout.form
    stem = options.table.stem
    own = isinstance(form, Hashed) and not options.exact and _is_bytes(layout, form.columns)
    native = _placement(layout, form) if own else None
    notes, files = [], []
    if own:
        hashes = "murmur2 of the key's bytes, without its sign"
        notes.append(native_note("kafka", layout, native, hashes=hashes) + " --exact keeps the measured placement.")
        nulls = layout.nulls(form.columns[0])
        if nulls:
            notes.append(
                f"Records without a key ({nulls:,} here) go to any partition; they are predicted in partition 0."
            )
    else:
        code = _Code(layout)
        text = code.module(form)
        notes += code.notes
        opening = header("kafka", layout, notes, predicted=layout, mark="# ")
        files = [ExportFile(f"{stem}_partitioner.py", f"{opening}\n\n{text}\n")]
        files += [ExportFile(name, json.dumps(table, ensure_ascii=False) + "\n") for name, table in code.tables(stem)]
    n = layout.partitions
    create = f"kafka-topics.sh --bootstrap-server localhost:9092 --create --topic {topic} --partitions {n}"
    shell = f"{header('kafka', layout, notes, predicted=native or layout, mark='# ')}\n\n{create}\n"
    key = f"# The key of each record is {', '.join(form.columns)}.\n" if form.columns else ""
    settings = "# With the partition given by the producer, no partitioner is asked.\n"
    if own:
        settings = "# Kafka's own partitioner, murmur2 of the key; it is the default.\npartitioner.ignore.keys=false\n"
    more = [ExportFile(f"{stem}.parquet", writer=lambda path: write_parquet(path, layout, {}))] if options.rows else []
    main = [ExportFile(f"{stem}.sh", shell), ExportFile("producer.properties", f"{key}{settings}")]
    return Export("kafka", layout, (*main, *files, *more), tuple(notes), native, not own or not _has_null(layout, form))


def _has_null(layout: Layout, form: Form) -> bool:
    return any(layout.nulls(name) for name in form.columns)


def _is_bytes(layout: Layout, columns: Sequence[str]) -> bool:
    return len(columns) == 1 and kind_of_type(layout.schema.field(columns[0]).type) in ("text", "binary")


def _placement(layout: Layout, form: Form) -> Placement:
    """Where Kafka's own partitioner puts the keys; null, which it puts anywhere, in 0."""
    (keys,) = layout.distinct[form.columns].columns
    values = [value.encode() if isinstance(value, str) else value for value in keys.to_pylist()]
    assigned = np.zeros(len(values), np.int64)
    known = [index for index, value in enumerate(values) if value is not None]
    hashes = murmur2([values[index] for index in known]) & np.uint32(0x7FFFFFFF)
    assigned[known] = hashes.astype(np.int64) % layout.partitions
    return Placement(layout, form, assigned, layout.partitions)


def murmur2(keys: Sequence[bytes]) -> np.ndarray:
    """Kafka's hash of each key, uint32: Murmur2 with 32 bits, over keys of one length at a time.

    Source:
        org.apache.kafka.common.utils.Utils.murmur2.

    >>> int(murmur2([b"foobar"]).view(np.int32)[0])
    -790332482
    """
    found = np.zeros(len(keys), np.uint32)
    lengths = np.array([len(key) for key in keys], np.int64)
    with np.errstate(over="ignore"):
        for length in np.unique(lengths):
            rows = np.flatnonzero(lengths == length)
            block = np.frombuffer(b"".join(keys[int(row)] for row in rows), np.uint8).reshape(len(rows), int(length))
            found[rows] = _murmur2(block)
    return found


def _murmur2(keys: np.ndarray) -> np.ndarray:
    """The hash of keys of one length, uint8 of shape (m, length)."""
    m, length = keys.shape
    h = np.full(m, _SEED ^ length, np.uint32)
    whole = length // 4
    words = np.ascontiguousarray(keys[:, : whole * 4]).view("<u4").reshape(m, whole)
    for column in range(whole):
        k = words[:, column] * _M
        k ^= k >> np.uint32(24)
        h = h * _M ^ k * _M
    tail = keys[:, whole * 4 :]
    if tail.shape[1]:
        for place in range(tail.shape[1]):
            h ^= tail[:, place].astype(np.uint32) << np.uint32(8 * place)
        h = h * _M
    h ^= h >> np.uint32(13)
    h = h * _M
    return h ^ h >> np.uint32(15)


class _Code:
    """A Python module that computes a layout's partition from a row."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.notes: list[str] = []
        self.levels: list[str] = []
        self.mappings: list[list[list[Any]]] = []

    def module(self, form: Form) -> str:
        """Its text after the header."""
        expression = self.of(form)
        lines = [
            '"""The partition of each record."""',
            "",
            "import bisect",
            "import itertools",
            "import json",
            "from pathlib import Path",
            "",
        ]
        lines += ["", *self.levels, "", "def partition_of(row):"]
        lines += [
            '    """The partition of a row, given as a mapping of columns to values."""',
            f"    return {expression}",
            "",
            "",
            "# With confluent_kafka.Producer:",
            "#     producer.produce(topic, key=..., value=..., partition=partition_of(row))",
        ]
        return "\n".join(lines)

    def tables(self, stem: str) -> list[tuple[str, list[list[Any]]]]:
        """The mappings, by the names of their files."""
        return [(self._file(index), rows) for index, rows in enumerate(self.mappings)]

    def _file(self, index: int) -> str:
        return f"partition_of{index + 1 if index else ''}.json"

    def of(self, form: Form) -> str:
        """The expression of a form's partition; what it needs goes before."""
        if isinstance(form, Composite):
            return f"({self.of(form.outer)}) * {form.inner.partitions} + ({self.of(form.inner)})"
        n, index = form.partitions, len(self.levels)
        values = [f"row[{name!r}]" for name in form.columns]
        if isinstance(form, Numbered):
            self.levels.append(f"_numbers_{index} = itertools.count()\n")
            self.notes.append("Records are numbered by one producer from 0; several producers deal each by itself.")
            return f"next(_numbers_{index}) % {n}"
        if isinstance(form, Modulo):
            return f"0 if {values[0]} is None else {values[0]} % {n}"
        kind = kind_of_type(self.layout.schema.field(form.columns[0]).type)
        if isinstance(form, Ranged) and len(values) == 1 and (kind == "text" or "int" in kind):
            bounds = form.bounds[0].to_pylist()
            listed = [bound.encode() if kind == "text" else bound for bound in bounds]
            self.levels.append(f"_BOUNDS_{index} = {listed!r}\n")
            key = f"{values[0]}.encode()" if kind == "text" else values[0]
            return f"0 if {values[0]} is None else bisect.bisect_right(_BOUNDS_{index}, {key})"
        return self._mapped(form, values, index)

    def _mapped(self, form: Form, values: list[str], index: int) -> str:
        for name in form.columns:
            kind = self.layout.schema.field(name).type
            if kind_of_type(kind) not in _PLAIN:
                raise UnsupportedTypeError(
                    f'{form.text}: column "{name}" is of type {kind}; a mapping in JSON holds text, integers and '
                    "booleans; cast the column, or choose another key"
                )
        level = form if isinstance(form, Listed) else as_mapping(form, self.layout.distinct.__getitem__)
        assert isinstance(level, Keyed), "rows by number were dealt with"
        columns = [column.to_pylist() for column in level.keys.columns]
        rows = [[*key, int(number)] for *key, number in zip(*columns, level.assigned, strict=True)]
        file = self._file(len(self.mappings))
        self.mappings.append(rows)
        self.levels.append(
            f"_TABLE_{index} = {{\n    tuple(key): number\n"
            f'    for *key, number in json.loads((Path(__file__).parent / "{file}").read_text("utf-8"))\n}}\n'
        )
        self.notes.append(f"{form.text}: {file} maps each key of the data to its partition; a new key is a KeyError.")
        null = ", ".join(["None"] * len(values))
        key = ", ".join(values)
        return f"0 if ({key},) == ({null},) else _TABLE_{index}[{key},]"
