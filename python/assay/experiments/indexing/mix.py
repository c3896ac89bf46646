"""The mix of a workload: its operations with the share that each has, and what is usual where none is named.

A read concerns the keys that can answer it: the key of its columns, and an ordered compound key that begins with them.
A row that comes or goes concerns every index; an update those of the columns that it changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from assay.datasets import Dataset
from assay.datasets.arrow_types import is_text, plain_type
from assay.errors import AssayError, ParameterError
from assay.experiments.indexing.keys import key_label
from assay.experiments.indexing.operations import WRITES, Operation, check_operation, parse_operation
from assay.experiments.planning import Mistakes

__all__ = ["READ_SHARE", "Mix", "default_reads", "mix_of", "parsed_operations", "serves", "unasked"]

READ_SHARE = 0.9

Names = tuple[str, ...]


@dataclass(frozen=True)
class Mix:
    """Operations, each with its share of all; the shares sum to 1."""

    operations: tuple[Operation, ...]
    shares: Mapping[str, float]

    @property
    def reads(self) -> tuple[Operation, ...]:
        """Those that ask."""
        return tuple(one for one in self.operations if one.is_read)

    @property
    def writes(self) -> tuple[Operation, ...]:
        """Those that change."""
        return tuple(one for one in self.operations if not one.is_read)

    @property
    def read_share(self) -> float:
        """The part of all operations that read."""
        return sum(self.shares[one.name] for one in self.reads)

    def of(self, key: Names) -> Mapping[str, float]:
        """The reads that a key answers, with their shares among them, which sum to 1; none if it answers none."""
        own = [one for one in self.reads if serves(one, key, is_ordered=True)]
        return _normal({one.name: self.shares[one.name] or one.weight for one in own})

    def writes_of(self, key: Names) -> Mapping[str, float]:
        """How often a write of each kind concerns an index of a key, of all writes."""
        writes = _normal({one.name: self.shares[one.name] or one.weight for one in self.writes})
        found = dict.fromkeys(WRITES, 0.0)
        for one in self.writes:
            if one.kind != "update" or not one.columns or set(one.columns) & set(key):
                found[one.kind] += writes[one.name]
        return {kind: share for kind, share in found.items() if share}

    @property
    def label(self) -> list[str]:
        """Each operation with its share: part of what a cell is."""
        return [f"{one.name}={one.spelling}:{self.shares[one.name]:.6g}" for one in self.operations]


def _normal(weights: Mapping[str, float]) -> dict[str, float]:
    whole = sum(weights.values())
    return {name: weight / whole for name, weight in weights.items()} if whole else {}


def serves(operation: Operation, key: Names, *, is_ordered: bool) -> bool:
    """Whether an index of a key answers a read by itself."""
    columns = operation.columns
    if operation.template is not None:
        points, windows = operation.template.points, operation.template.windows
        return set(key) <= set(points) or (is_ordered and len(key) == 1 and key[0] in windows)
    if operation.kind in ("in_list", "range", "join_probe"):
        return columns == key and (is_ordered or not operation.in_order)
    if operation.kind == "prefix":
        return is_ordered and columns == key
    if operation.kind == "point" and set(columns) == set(key):
        return True
    return is_ordered and columns == key[: len(columns)]


def default_reads(key: Names, schema: pa.Schema) -> list[Operation]:
    """What is usually asked of columns of these types: mostly points, some lists, and a few ranges or prefixes."""
    texts = [f"point({_quoted(key)}, weight=8)"]
    data_type = plain_type(schema.field(key[0]).type)
    if len(key) > 1:
        texts.append(f"prefix({_quoted(key)}, length=1)")
    elif not pa.types.is_boolean(data_type):
        texts.append(f"in_list({_quoted(key)}, size=10)")
        texts.append(f"prefix({_quoted(key)}, length=3)" if is_text(data_type) else f"range({_quoted(key)}, rows=100)")
    return [_named(parse_operation(text.partition("(")[0], text)) for text in texts]


def _quoted(key: Names) -> str:
    from assay.datasets.spelling import quote_name

    return ", ".join(map(quote_name, key))


def _named(operation: Operation) -> Operation:
    """One without a name of its own: by kind and columns."""
    words = [operation.kind, *operation.columns]
    return replace(operation, name="_".join(words).replace(".", "_"))


def parsed_operations(
    queries: Mapping[str, str] | Sequence[str], dataset: Dataset, mistakes: Mistakes
) -> list[Operation]:
    """The operations that were spelled, each checked against the table."""
    named: dict[str, Operation] = {}
    entries = queries.items() if isinstance(queries, Mapping) else [(None, text) for text in queries]
    for number, (name, text) in enumerate(entries):
        place = f"queries.{name}" if name is not None else f"queries[{number}]"
        try:
            found = parse_operation(name or text, text)
            found = found if name is not None else _named(found)
            if "." in found.name:
                raise ParameterError(f'query "{found.name}" has a dot in its name; choose one without')
            for column in found.columns:
                dataset.column(column)
            check_operation(found, dataset.schema)
            if name is None and found.name in named and named[found.name].spelling != found.spelling:
                found = replace(found, name=_another(found.name, named))
            if found.name in named:
                raise ParameterError(f"{found.name} is named twice; name each query once")
            named[found.name] = found
        except AssayError as error:
            mistakes.append((place, error))
    return list(named.values())


def _another(name: str, taken: Mapping[str, Operation]) -> str:
    """The name with the first number that makes it another one."""
    return next(new for number in range(2, len(taken) + 3) if (new := f"{name}_{number}") not in taken)


def mix_of(operations: Sequence[Operation], read_share: float | None) -> Mix:
    """The operations with their shares; where no write is named, rows come, change and go alike often."""
    reads = [one for one in operations if one.is_read]
    writes = [one for one in operations if not one.is_read]
    if read_share is None:
        whole = sum(one.weight for one in operations)
        read_share = sum(one.weight for one in reads) / whole if reads and writes else READ_SHARE
    writes = writes or [Operation(kind, kind) for kind in WRITES]
    shares = {name: read_share * part for name, part in _normal({one.name: one.weight for one in reads}).items()}
    shares |= {
        name: (1 - read_share) * part for name, part in _normal({one.name: one.weight for one in writes}).items()
    }
    return Mix((*reads, *writes), shares)


def unasked(key: Names, mix: Mix) -> ParameterError:
    """The error for a key that no read asks for."""
    asked = ", ".join(dict.fromkeys(key_label(one.columns) for one in mix.reads)) or "nothing"
    return ParameterError(
        f"no read of the workload asks for {key_label(key)}; it asks for {asked}: name a query of {key_label(key)}, "
        f"such as point({_quoted(key)}), or leave the column out"
    )
