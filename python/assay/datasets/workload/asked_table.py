"""The table that a log is read for, and why a statement says nothing about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from assay.datasets.definition import ForeignKey

__all__ = ["NOT_PARSED", "NO_COLUMN", "NO_QUERY", "NO_VALUE", "OTHER_TABLE", "AskedTable", "Ignored", "IgnoredError"]

OTHER_TABLE = "about other tables"
NOT_PARSED = "that cannot be parsed"
NO_QUERY = "no query (SET, SHOW, DDL and the like)"
NO_COLUMN = "with a column that the table does not have"
NOT_TEXT = "not in UTF-8"
NO_VALUE = "with a value that its column cannot hold"


@dataclass(frozen=True)
class Ignored:
    """A statement that says nothing about the table, and why."""

    reason: str
    detail: str = ""


class IgnoredError(Exception):
    """Carries `Ignored` out of the reading of a statement; never leaves this package."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.ignored = Ignored(reason, detail)


class AskedTable:
    """A table as statements name it and its columns, whatever their case.

    Args:
        name: Its name in statements.
        schema: Its columns.
        foreign_keys: Its references.
        parents: The names of each foreign key's parent in statements, by the foreign key's name.
    """

    def __init__(
        self,
        name: str,
        schema: pa.Schema,
        foreign_keys: Sequence[ForeignKey] = (),
        parents: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.name = name
        self.types: dict[str, pa.DataType] = {field.name: field.type for field in schema}
        self.foreign_keys = tuple(foreign_keys)
        self._parents = {
            key.name: {name.casefold() for name in (parents or {}).get(key.name, (key.name,))} for key in foreign_keys
        }
        self._names = {name.casefold(): name for name in reversed(schema.names)}

    def column(self, name: str) -> str:
        """The table's column of this name, whatever its case.

        Raises:
            IgnoredError: There is none.
        """
        if name in self.types:
            return name
        found: str | None = self._names.get(name.casefold())
        if found is None:
            raise IgnoredError(NO_COLUMN, name)
        return found

    def has(self, name: str) -> bool:
        """Whether the table has a column of this name, whatever its case."""
        return name in self.types or name.casefold() in self._names

    def joined(self, other: str, pairs: set[tuple[str, str]]) -> str | None:
        """The foreign key by which the table is joined with `other` on pairs of (own column, other's column)."""
        for key in self.foreign_keys:
            wanted = {
                (own.casefold(), theirs.casefold()) for own, theirs in zip(key.columns, key.parent_columns, strict=True)
            }
            if other.casefold() in self._parents[key.name] and wanted <= pairs:
                return key.name
        return None
