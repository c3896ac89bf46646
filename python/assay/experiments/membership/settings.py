"""The settings of the experiment `membership`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_serializer, field_validator

__all__ = ["MOST_KEYS", "ORDERS", "MembershipSettings", "Order"]

MOST_KEYS = 100_000_000

Order = Literal["stored", "shuffled", "sorted"]
ORDERS: tuple[Order, ...] = get_args(Order)
Rate = Annotated[float, Field(ge=1e-9, le=0.5)]
Keys = Annotated[int, Field(ge=1, le=MOST_KEYS, strict=True)]


class MembershipSettings(BaseModel):
    """Which filters to compare, at which rates, and what is asked of them.

    Attributes:
        filters: The contenders' spellings, such as `split_block` or `binary_fuse(fingerprint_bits=8)`; by default
            every filter of the catalogue.
        false_positive_rate: The share of absent keys that may be answered yes; a list is a grid. Filters of a
            fixed size of fingerprints take what is spelled with them.
        key: The column of keys; by default the column that looks most like a key.
        key_count: So many keys instead of the column's: fewer are drawn, more are made up in the column's type.
            A list is a grid; it shows what size costs. Row groups are not asked about then.
        absent_keys: How many keys that the filter does not hold the rate is measured with.
        held_out_share: The share of the distinct keys that is kept out of the filter to be asked for as absent.
        row_group_rows: Rows of each group that would have a filter of its own; by default the table's own row
            groups, or 122,880 rows where it has none.
        order: How the rows lie in the groups: stored, as they are; shuffled, each row in a group by chance; sorted,
            by the key. A list is a grid.
        workload: The values asked for: a path, a dataset's name or anything Arrow with the key's column, a row for
            each query; by default each distinct key is asked for once, and absent ones beside.
        queries_max: How many different values are asked for at most; of more a sample is drawn.
        absent_share: The share of the queries that ask for absent values, where no workload is given.
        seed: What is drawn or made up follows from it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    filters: list[str] = Field(default_factory=list)
    false_positive_rate: Rate | Annotated[list[Rate], Field(min_length=1)] = 0.01
    key: str | None = None
    key_count: Keys | Annotated[list[Keys], Field(min_length=1)] | None = None
    absent_keys: Annotated[int, Field(ge=1, le=MOST_KEYS, strict=True)] = 200_000
    held_out_share: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    row_group_rows: Annotated[int, Field(ge=1, strict=True)] | None = None
    order: Order | Annotated[list[Order], Field(min_length=1)] = "stored"
    workload: str | Any = None
    queries_max: Annotated[int, Field(ge=1, le=1_000_000, strict=True)] = 10_000
    absent_share: Annotated[float, Field(ge=0, le=1)] = 0.1
    seed: Annotated[int, Field(ge=0, lt=2**62, strict=True)] = 0

    @field_serializer("workload")
    def _named(self, workload: Any) -> str | None:
        """A table has no spelling."""
        return None if workload is None else workload if isinstance(workload, str) else type(workload).__name__

    @field_validator("filters", mode="before")
    @classmethod
    def _one_is_a_list(cls, given: Any) -> Any:
        return [given] if isinstance(given, str) else given

    @property
    def rates(self) -> list[float]:
        """The target rates, each once, as given."""
        return _each(self.false_positive_rate)

    @property
    def key_counts(self) -> list[int | None]:
        """The numbers of keys; None for the column's own."""
        return _each(self.key_count)

    @property
    def orders(self) -> list[Order]:
        """The orders of the rows."""
        return _each(self.order)


def _each(given: Any) -> list[Any]:
    return list(dict.fromkeys(given if isinstance(given, list) else [given]))
