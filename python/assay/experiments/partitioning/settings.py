"""The settings of the experiment `partitioning`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationInfo,
    field_serializer,
    field_validator,
    model_validator,
)

from assay.datasets.workload import Workload
from assay.experiments.partitioning.cluster import Cluster, node_name
from assay.units import parse_bytes

__all__ = ["ACTIONS", "ACTIONS_BY_DEFAULT", "MOST_PARTITIONS", "PartitioningSettings"]

MOST_PARTITIONS = 65_536
MOST_SALTED = 10_000
MOST_EVENTS = 1_000

Action = Literal["add_one", "remove_one", "replace_one", "double", "split_hot", "merge_cold"]
ACTIONS: tuple[Action, ...] = get_args(Action)
ACTIONS_BY_DEFAULT: tuple[Action, ...] = ("add_one", "remove_one", "replace_one", "double")
Partitions = Annotated[int, Field(ge=1, le=MOST_PARTITIONS, strict=True)]
CAPACITY_LOW, CAPACITY_HIGH = 1e-100, 1e100  # as the core has it: quotients must be numbers


class PartitioningSettings(BaseModel):
    """What to compare, on how many partitions.

    Attributes:
        partitions: The number of partitions; a list is a grid.
        strategies: The contenders' spellings; without any, sensible ones are proposed for the table.
        key: The column (or columns) to propose strategies for.
        foreign_keys: Names of the dataset's foreign keys; all of them by default.
        queries: Queries by name, such as {day = "range(time_hour, width='1d')"}; the dataset's own by default.
        workload: A query log that says what is asked and how often: a path, a dataset's name, or anything Arrow.
        transaction: A column whose equal values are the rows of one transaction; null is none.
        weight: A column of non-negative integers that weighs the rows; 1 each by default.
        actions: What happens to the cluster: add_one, remove_one, replace_one and double by default; also split_hot
            and merge_cold.
        bytes: Whether to measure the bytes of rows too, which reads every column.
        bandwidth: Bytes a second that a node sends, and receives, when data moves; 1 Gbit/s by default.
        churn: How many nodes come, go or are replaced, one after the other; none by default.
        time: The column that rows arrive by; none by default, and growth is not replayed.
        salt_keys: How many of the heaviest keys are split over several partitions, to see what that mends.
        salt_ways: Over how many partitions each of them is split.
        advise: Whether to find key, strategy and number of partitions: candidates are made for the table, and one
            answer is given over all of them.
        skew_max: The greatest load_max_over_mean of a usable strategy.
        moved_max: The greatest share of the data that a node more may move; no limit by default.
        partition_bytes_max: The most bytes in a partition, such as "1GiB"; no limit by default.
        memory_limit: The memory of the process, such as "1GiB": distinct keys go to disk while they are counted, and
            what would not fit is refused. No limit by default.
        fan_out_max: The most partitions that a query may ask on average; no limit by default.
        growth_skew_max: The greatest growth_load_max_over_mean; no limit by default. It needs a time.
        capacities: The capacity of each node, in order, or by name where it is not 1: {node-3 = 2}; all 1 by default.
        racks: The rack of each node, in order, or how many racks nodes are dealt to in turn; each node fails alone by
            default.
        replicas: How many copies there are of each key, on as many nodes; 1 by default.
        failed_nodes: How many nodes fail at once where the chance of losing data is asked for; as many as there are
            replicas by default.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    partitions: Partitions | Annotated[list[Partitions], Field(min_length=1)] = 8
    strategies: list[str] = Field(default_factory=list)
    key: str | list[str] | None = None
    foreign_keys: list[str] | None = None
    queries: dict[str, str] | None = None
    workload: str | Any = None
    transaction: str | None = None
    weight: str | None = None
    actions: list[Action] = Field(default_factory=lambda: list(ACTIONS_BY_DEFAULT))
    bytes: bool = False
    bandwidth: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 125e6
    churn: Annotated[int, Field(ge=1, le=MOST_EVENTS, strict=True)] | None = None
    time: str | None = None
    salt_keys: Annotated[int, Field(ge=1, le=MOST_SALTED, strict=True)] = 10
    salt_ways: Annotated[int, Field(ge=1, le=MOST_PARTITIONS, strict=True)] = 8
    advise: bool = False
    skew_max: float = Field(default=1.25, ge=1, allow_inf_nan=False)
    moved_max: float | None = Field(default=None, gt=0, le=1)
    partition_bytes_max: int | str | None = None
    memory_limit: int | str | None = None
    fan_out_max: float | None = Field(default=None, ge=1, allow_inf_nan=False)
    growth_skew_max: float | None = Field(default=None, ge=1, allow_inf_nan=False)
    capacities: Annotated[list[float], Field(min_length=1)] | dict[str, float] | None = None
    racks: Partitions | Annotated[list[str], Field(min_length=1)] | None = None
    replicas: Partitions = 1
    failed_nodes: Partitions | None = None
    _log: Workload | None = PrivateAttr(None)

    @property
    def log(self) -> Workload | None:
        """The workload as it was read for the table."""
        return self._log

    def with_log(self, log: Workload) -> PartitioningSettings:
        """The same settings with the workload read."""
        copy = self.model_copy()
        copy._log = log
        return copy

    @field_serializer("workload")
    def _named(self, workload: Any) -> str | None:
        """A table has no spelling."""
        return None if workload is None else workload if isinstance(workload, str) else type(workload).__name__

    @field_validator("strategies", "foreign_keys", "actions", mode="before")
    @classmethod
    def _one_is_a_list(cls, given: Any) -> Any:
        return [given] if isinstance(given, str) else given

    @field_validator("partition_bytes_max", "memory_limit", mode="after")
    @classmethod
    def _size(cls, given: int | str | None, info: ValidationInfo) -> int | str | None:
        if given is not None:
            try:
                parse_bytes(given)
            except ValueError as error:
                raise ValueError(f"{info.field_name}: {error}") from None
        return given

    @model_validator(mode="after")
    def _judged(self) -> PartitioningSettings:
        if self.moved_max is not None and "add_one" not in self.actions:
            raise ValueError(
                f"moved_max is {self.moved_max:g}, but the action add_one, which it limits, is not among the actions "
                f"({', '.join(self.actions) or 'none'}); add it, or leave moved_max out"
            )
        if self.growth_skew_max is not None and self.time is None and not self.advise:
            raise ValueError(
                f"growth_skew_max is {self.growth_skew_max:g}, but no time is named by which growth could be replayed; "
                "name the column: --time COLUMN, or time = COLUMN in a suite"
            )
        return self

    @field_validator("capacities")
    @classmethod
    def _capacities_are_positive(
        cls, given: list[float] | dict[str, float] | None
    ) -> list[float] | dict[str, float] | None:
        named = given.items() if isinstance(given, dict) else enumerate(given or ())
        for name, capacity in named:
            if not CAPACITY_LOW <= capacity <= CAPACITY_HIGH:
                node = name if isinstance(name, str) else node_name(name)
                raise ValueError(
                    f"{node} has capacity {capacity:g}; expected a number above 0, from {CAPACITY_LOW:g} to "
                    f"{CAPACITY_HIGH:g}: leave out a node that is to hold nothing"
                )
        return given

    @field_validator("racks", mode="before")
    @classmethod
    def _racks_have_names(cls, given: Any) -> Any:
        if isinstance(given, str):
            raise ValueError(f"{given!r} is one name; expected one for each node, or the number of racks")
        return [str(rack) if isinstance(rack, int) else rack for rack in given] if isinstance(given, list) else given

    @model_validator(mode="after")
    def _suits_every_number_of_partitions(self) -> Self:
        for n in () if self.advise else self.grid:  # advice has numbers of its own
            self.check_cluster(n)
        return self

    def check_cluster(self, n: int) -> None:
        """Whether capacities, racks and copies can be on n partitions.

        Raises:
            ValueError: They cannot.
        """
        for name, given in (("capacities", self.capacities), ("racks", self.racks)):
            if isinstance(given, list) and len(given) != n:
                raise ValueError(f"{name} has {len(given)} entries for {n} partitions; expected one for each")
        if isinstance(self.capacities, dict):
            for node in self.capacities.keys() - {node_name(number) for number in range(n)}:
                raise ValueError(
                    f"capacities names {node!r}; expected nodes of {n} partitions: node-0 to {node_name(n - 1)}"
                )
        for name, count in (("replicas", self.replicas), ("failed_nodes", self.failed_nodes)):
            if count is not None and count > n:
                raise ValueError(f"{name} is {count} for {n} partitions; expected at most one for each")

    def cluster(self, n: int) -> Cluster:
        """The nodes of n partitions."""
        return Cluster.of(n, capacities=self.capacities, racks=self.racks, replicas=self.replicas)

    @property
    def grid(self) -> list[int]:
        """The numbers of partitions, each once, as given."""
        return list(dict.fromkeys(self.partitions if isinstance(self.partitions, list) else [self.partitions]))

    @property
    def of_cells(self) -> dict[str, Any]:
        """The settings that change a cell's numbers, where they are not the default: part of what the cell is."""
        own = type(self).model_fields
        found = {
            name: value
            for name in (
                "weight",
                "transaction",
                "bandwidth",
                "churn",
                "time",
                "salt_keys",
                "salt_ways",
                "failed_nodes",
            )
            if (value := getattr(self, name)) != own[name].default
        }
        return found if self.log is None else found | {"workload": self.log.label}

    @property
    def keys(self) -> list[str]:
        """The columns to propose strategies for."""
        return [] if self.key is None else [self.key] if isinstance(self.key, str) else list(self.key)
