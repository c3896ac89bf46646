"""The settings of the experiment `indexing`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, field_serializer, field_validator, model_validator

from assay.units import parse_bytes

__all__ = ["MOST_ROWS", "ORDERS", "IndexingSettings", "Order"]

MOST_ROWS = 1_000_000_000

Order = Literal["stored", "sorted", "shuffled"]
ORDERS: tuple[Order, ...] = get_args(Order)
Count = Annotated[int, Field(ge=1, le=MOST_ROWS, strict=True)]
Threads = Annotated[int, Field(ge=1, le=1_024, strict=True)]


class IndexingSettings(BaseModel):
    """Which indexes to compare, on which columns, under which workload.

    Attributes:
        indexes: The contenders' spellings, such as `btree` or `pgm(error=64)`; by default every index of the
            catalogue. `scan`, which is no index, is measured beside them in any case.
        columns: The columns that may be indexed, each with an index of its own; a compound key is written with a plus
            sign, `origin+dest`, or as a list of its columns. By default those of the queries, else the columns that
            look most like keys and a compound foreign key.
        queries: What is done, by name, such as `point(tailnum)`, `range(time_hour, width='1d')`, `insert`; a weight
            says how often: `point(tailnum, weight=5)`. A list names them itself. By default follows from the columns'
            types.
        workload: A query log that says what is asked and how often: a path, a dataset's name, or anything Arrow; in
            place of queries.
        read_share: The part of all operations that read; by default what the weights say, or 0.9 where they name no
            reads or no writes.
        absent_share: The share of the point queries that ask for keys that are not there.
        rows: So many of the first rows instead of all; a list is a grid, which shows what size costs.
        order: How the rows lie: stored, as they are; sorted, by the key; shuffled, by chance. A list is a grid.
        duplicates: How many rows each key has, instead of as many as the column's own; a list is a grid.
        threads: How many threads look up and build; a list is a grid.
        batch: How many operations are handed over in one call.
        memory_limit: The most bytes that a column and its index may take, such as `8GiB`; no limit by default.
        direct_rounds: How many rounds measure each break-even directly, at its own mix of reads and writes; 0 leaves
            it predicted.
        seed: What is drawn or made up follows from it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    indexes: list[str] = Field(default_factory=list)
    columns: list[str | list[str]] = Field(default_factory=list)
    queries: Annotated[dict[str, str], Field(min_length=1)] | Annotated[list[str], Field(min_length=1)] | None = None
    workload: str | Any = None
    read_share: Annotated[float, Field(ge=0, le=1)] | None = None
    absent_share: Annotated[float, Field(ge=0, le=1)] = 0.1
    rows: Count | Annotated[list[Count], Field(min_length=1)] | None = None
    order: Order | Annotated[list[Order], Field(min_length=1)] = "stored"
    duplicates: Count | Annotated[list[Count], Field(min_length=1)] | None = None
    threads: Threads | Annotated[list[Threads], Field(min_length=1)] = 1
    batch: Annotated[int, Field(ge=1, le=1_000_000, strict=True)] = 1_000
    memory_limit: int | str | None = None
    direct_rounds: Annotated[int, Field(ge=0, le=1_000, strict=True)] = 5
    seed: Annotated[int, Field(ge=0, lt=2**62, strict=True)] = 0

    @field_serializer("workload")
    def _named(self, workload: Any) -> str | None:
        """A table has no spelling."""
        return None if workload is None else workload if isinstance(workload, str) else type(workload).__name__

    @field_validator("indexes", "columns", mode="before")
    @classmethod
    def _one_is_a_list(cls, given: Any) -> Any:
        return [given] if isinstance(given, str) else given

    @field_validator("queries", mode="before")
    @classmethod
    def _one_query_is_a_list(cls, given: Any) -> Any:
        return [given] if isinstance(given, str) else given

    @field_validator("memory_limit")
    @classmethod
    def _size(cls, given: int | str | None) -> int | str | None:
        if given is not None:
            try:
                parse_bytes(given)
            except ValueError as error:
                raise ValueError(str(error)) from None
        return given

    @model_validator(mode="after")
    def _one_workload(self) -> Self:
        if self.queries is not None and self.workload is not None:
            raise ValueError("queries and workload are both given; expected one: a query log says itself what is asked")
        return self

    @property
    def memory_limit_bytes(self) -> int | None:
        """The limit in bytes."""
        return None if self.memory_limit is None else parse_bytes(self.memory_limit)

    @property
    def row_counts(self) -> list[int | None]:
        """The numbers of rows; None for all."""
        return _each(self.rows)

    @property
    def orders(self) -> list[Order]:
        """The orders of the rows."""
        return _each(self.order)

    @property
    def duplicate_counts(self) -> list[int | None]:
        """The rows of each key; None for the column's own."""
        return _each(self.duplicates)

    @property
    def thread_counts(self) -> list[int]:
        """The numbers of threads."""
        return _each(self.threads)


def _each(given: Any) -> list[Any]:
    return list(dict.fromkeys(given if isinstance(given, list) else [given]))
