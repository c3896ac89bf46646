"""Cassandra: a table's partition key, and the ring that places it.

Idea: `CREATE TABLE` with the strategy's columns as the partition key, and the lines of cassandra.yaml that set each
node's tokens. A partition of assay is a node there; what Cassandra calls a partition is the rows of one key.

What it can express: hash, with an evenly spaced token for each node, and ring, whose points are Cassandra's virtual
nodes (num_tokens). Both go by Murmur3Partitioner's token of the key's serialised bytes. Nothing else can be
expressed: the partitioner is the only way to a node.

Source: Apache Cassandra documentation, "CREATE TABLE", "cassandra.yaml" (num_tokens, initial_token,
allocate_tokens_for_local_replication_factor), "Dynamo" (token ring); Murmur3Partitioner's tokens go from -2^63.
"""

from __future__ import annotations

import re

import numpy as np

from assay.errors import UnsupportedTypeError, UsageError
from assay.experiments.distinct import numpy_of
from assay.hashing import hash as hash_keys
from assay.targets.export import Export, ExportFile, Options, header
from assay.targets.forms import Form, Hashed
from assay.targets.layout import Layout
from assay.targets.native import Placement, native_note
from assay.targets.rows import write_csv
from assay.targets.sql import Dialect, free_name
from assay.targets.types import kind_of_type, names, type_name

__all__ = ["DIALECT", "TYPES", "owners", "tokens", "write"]

DIALECT = Dialect("Cassandra", '"', binary=lambda value: f"0x{value.hex()}", fraction=3)
TYPES = names(
    """
    bool: boolean
    int8: tinyint
    int16, uint8: smallint
    int32, uint16: int
    int64, uint32, duration: bigint
    uint64: varint
    float16, float32: float
    float64: double
    decimal: decimal
    text, null: text
    binary: blob
    date: date
    time: time
    timestamp, timestamp_tz: timestamp
    """
)
_TABLE = re.compile(r"\w{1,48}", re.ASCII)
_SPACE = 2**64


def write(layout: Layout, options: Options) -> Export:
    """The layout as CQL and lines of cassandra.yaml.

    Raises:
        UsageError: The strategy is neither hash nor ring.
        UnsupportedTypeError: A column's type or the table's name has no place in Cassandra.
    """
    form = layout.form
    ring = form.learned.spec.name == "ring"
    if not (isinstance(form, Hashed) or ring):
        raise UsageError(
            f"{layout.spec.text}: Cassandra places rows by the token of their partition key alone; export hash(column) "
            "or ring(column, virtual_nodes=16), over the columns that every query gives"
        )
    if options.exact:
        raise UsageError("--exact cannot be for Cassandra: a row's node follows from its token; leave it out")
    for part in options.table.parts:
        if not _TABLE.fullmatch(part):
            raise UnsupportedTypeError(
                f"{part!r} is no name of a table or keyspace: Cassandra takes 1 to 48 letters, digits and underscores; "
                "name one with --table"
            )
    native = None if ring else _placement(layout, form)
    notes = [*_notes(layout, form, native), *_type_notes(layout)]
    rows = free_name("row_id", layout.schema.names)
    lines = [f"    {DIALECT.name(c.name)} {type_name(c, TYPES, DIALECT.title)}" for c in layout.schema]
    lines += [f"    {DIALECT.name(rows)} timeuuid"]
    key = f"    PRIMARY KEY (({DIALECT.names(form.columns)}), {DIALECT.name(rows)})"
    table = f"CREATE TABLE {options.table.quoted(DIALECT)} (\n" + ",\n".join([*lines, key]) + "\n);"
    predicted = native or layout
    stem = options.table.stem
    files = [
        ExportFile(f"{stem}.cql", f"{header('cassandra', layout, notes, predicted=predicted)}\n\n{table}\n"),
        ExportFile("cassandra.yaml", _yaml(layout, form, ring)),
    ]
    if options.rows:
        files.append(ExportFile(f"{stem}.csv", writer=lambda path: write_csv(path, layout, {})))
    exact = native is not None and not any(layout.nulls(name) for name in form.columns)
    return Export("cassandra", layout, tuple(files), tuple(notes), native, exact)


def tokens(nodes: int) -> list[int]:
    """An evenly spaced token for each of `nodes` nodes; node i owns what lies above node i - 1's and up to its own."""
    return [_SPACE * node // nodes - _SPACE // 2 for node in range(nodes)]


def owners(found: np.ndarray, nodes: int) -> np.ndarray:
    """The node of each token, int64: the first whose own token is at or after it; after the last comes the first."""
    return np.searchsorted(np.array(tokens(nodes), np.int64), found, side="left") % nodes


def _placement(layout: Layout, form: Form) -> Placement | None:
    """The node of each key, by its token; for text and blobs, whose bytes Cassandra hashes as assay does."""
    if len(form.columns) != 1 or kind_of_type(layout.schema.field(form.columns[0]).type) not in ("text", "binary"):
        return None
    (keys,) = layout.distinct[form.columns].columns
    found = numpy_of(hash_keys(keys, "murmur3_cassandra").fill_null(0)).view(np.int64)
    owner = owners(found, layout.partitions)
    owner[numpy_of(keys.is_null())] = 0
    return Placement(layout, form, owner, layout.partitions)


def _notes(layout: Layout, form: Form, native: Placement | None) -> list[str]:
    hashes = "the Murmur3 token of the partition key's bytes, in ranges between the nodes' tokens"
    notes = [native_note("cassandra", layout, native, hashes=hashes)]
    if not isinstance(form, Hashed):
        notes.append(
            "The tokens of a node are drawn when it joins, so its share differs from cluster to cluster as it does in "
            "rings of other seeds; allocate_tokens_for_local_replication_factor evens them out. METHODOLOGY gives the "
            "law of a share's spread."
        )
    nulls = {name: layout.nulls(name) for name in form.columns if layout.nulls(name)}
    if nulls:
        told = ", ".join(f"{name} in {count:,} rows" for name, count in nulls.items())
        notes.append(
            f"Null is no part of a partition key there: {told}; give these rows a value of their own, or they are "
            "refused. They are predicted in partition 0."
        )
    notes.append(
        "Rows of one key differ by a timeuuid, as the table's own key is not known to assay: replace it by the columns "
        "that tell rows of one key apart, in the order in which they are read."
    )
    return notes


def _type_notes(layout: Layout) -> list[str]:
    fine = [c.name for c in layout.schema if str(c.type).startswith(("timestamp[us", "timestamp[ns"))]
    return [f"Timestamps keep milliseconds there: {', '.join(fine)} lose what is finer."] if fine else []


def _yaml(layout: Layout, form: Form, ring: bool) -> str:
    n = layout.partitions
    lines = ["partitioner: org.apache.cassandra.dht.Murmur3Partitioner"]
    if ring:
        spec = form.learned.spec
        given = spec.parameters.get("virtual_nodes", spec.contender.parameter("virtual_nodes").default)
        return "\n".join(
            [
                f"# On each of the {n} nodes. num_tokens is {spec.text}'s virtual_nodes.",
                *lines,
                f"num_tokens: {given}",
                "allocate_tokens_for_local_replication_factor: 3",
                "",
            ]
        )
    each = [f"# node {node}: initial_token: {token}" for node, token in enumerate(tokens(n))]
    return "\n".join(
        [f"# On each of the {n} nodes, with its own token from the list below.", *lines, "num_tokens: 1", *each, ""]
    )
