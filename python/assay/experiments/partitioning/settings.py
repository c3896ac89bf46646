"""The settings of the experiment `partitioning`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

__all__ = ["ACTIONS", "MOST_PARTITIONS", "PartitioningSettings"]

MOST_PARTITIONS = 65_536

_NOT_YET = {
    "workload": "a query log as weights is not supported yet; declare queries instead",
    "capacities": "unequal capacities are not supported yet; weigh the nodes of a ring from Python",
    "racks": "racks are not supported here yet; use assay.Ring(..., racks=...) from Python",
    "replicas": "replicas are not supported here yet; use assay.Ring(...).replicas(...) from Python",
    "time": "replay over a time column is not supported yet",
    "transaction": "distributed transactions are not measured yet",
}

Action = Literal["add_one", "remove_one", "replace_one", "double"]
ACTIONS: tuple[Action, ...] = get_args(Action)
Partitions = Annotated[int, Field(ge=1, le=MOST_PARTITIONS, strict=True)]


class PartitioningSettings(BaseModel):
    """What to compare, on how many partitions.

    Attributes:
        partitions: The number of partitions; a list is a grid.
        strategies: The contenders' spellings; without any, sensible ones are proposed for the table.
        key: The column (or columns) to propose strategies for.
        foreign_keys: Names of the dataset's foreign keys; all of them by default.
        queries: Queries by name, such as {day = "range(time_hour, width='1d')"}; the dataset's own by default.
        weight: A column of non-negative integers that weighs the rows; 1 each by default.
        actions: What happens to the cluster: all of add_one, remove_one, replace_one and double by default.
        bytes: Whether to measure the bytes of rows too, which reads every column.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    partitions: Partitions | Annotated[list[Partitions], Field(min_length=1)] = 8
    strategies: list[str] = Field(default_factory=list)
    key: str | list[str] | None = None
    foreign_keys: list[str] | None = None
    queries: dict[str, str] | None = None
    weight: str | None = None
    actions: list[Action] = Field(default_factory=lambda: list(ACTIONS))
    bytes: bool = False

    @model_validator(mode="before")
    @classmethod
    def _not_yet(cls, given: Any) -> Any:
        if isinstance(given, dict):
            for name in given:
                if name in _NOT_YET and name not in cls.model_fields:
                    raise ValueError(f"{name}: {_NOT_YET[name]}")
        return given

    @field_validator("strategies", "foreign_keys", "actions", mode="before")
    @classmethod
    def _one_is_a_list(cls, given: Any) -> Any:
        return [given] if isinstance(given, str) else given

    @property
    def grid(self) -> list[int]:
        """The numbers of partitions, each once, as given."""
        return list(dict.fromkeys(self.partitions if isinstance(self.partitions, list) else [self.partitions]))

    @property
    def keys(self) -> list[str]:
        """The columns to propose strategies for."""
        return [] if self.key is None else [self.key] if isinstance(self.key, str) else list(self.key)
