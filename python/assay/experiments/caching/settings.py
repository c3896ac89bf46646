"""The settings of the experiment `caching`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator

from assay.caches.capacities import capacities_of, check_capacity
from assay.errors import AssayError

__all__ = ["CAPACITIES", "MOST_SEEDS", "NO_ADMISSION", "ORDERS", "CachingSettings", "Measure", "Order"]

MOST_SEEDS = 1_000
CAPACITIES = ("0.1%", "1%", "10%")

Order = Literal["stored", "shuffled"]
ORDERS: tuple[Order, ...] = get_args(Order)
Measure = Literal["objects", "bytes"]
NO_ADMISSION = "none"
Duration = Annotated[int, Field(ge=1, lt=2**62, strict=True)]
Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Capacity = Annotated[int, Field(ge=1, strict=True)] | str


def _capacities() -> int | str | list[int | str]:
    return list(CAPACITIES)


class CachingSettings(BaseModel):
    """Which policies to compare, at which sizes, on which columns of a trace.

    Attributes:
        policies: The contenders' spellings, such as `lru` or `slru(segments=2)`; by default every policy of the
            catalogue.
        capacity: What the cache holds: a number (1000), or a share of all that the trace asks for ("1%"): of its
            distinct keys, or, where bytes are counted, of their bytes; then sizes such as "64MiB" mean something too.
            A list is a grid: the curve.
        counts: What a capacity counts: objects, or bytes; by default bytes where `size` is named here, else objects,
            and where sizes are known by role, misses are counted in bytes too.
        key: The column of keys; by default the trace's role `key`, or one of a usual name.
        size: The column of the objects' bytes; by default the trace's role `size`, or one of a usual name. Without
            one, objects are all alike.
        op: The column of operations, which a write scheme needs; by default the trace's role `op`, or one of a usual
            name. Without a scheme it is not read: every request is a get.
        time: The column of times, whose unit is that of intervals, durations and delays; by default the trace's role
            `time`, or one of a usual name. Without one they count requests.
        admission: What stands in front of each policy and decides which objects come in at all, such as `tiny_lfu`,
            `second_hit` or `size(at_most=4096)`; `none` for none, which is the default; a list is a grid.
        ttl: How long an object is true after it was put in, in the unit of `time`; or the column in which requests
            say so, where the last that was said counts, and 0 says nothing; a list is a grid. For ever by default.
        write: The write scheme, such as `write_through` or `write_back(dirty_limit=100)`; a list is a grid. None by
            default: every request is a get that inserts on a miss.
        coherence: How the cache learns what others write: `none`, `ttl(duration=60)`, `invalidation(delay=2)`,
            `version_check`; a list is a grid.
        foreign_writes: How many writes of others are expected for each request, past the cache; seeded.
        crashes: At how many seeded instants the cache may crash; by default after every request, which is exact.
        costs: What things cost, by name, in one unit of your own: hit, origin_read, origin_write, and where wanted
            flush and version_check; the modelled latencies are of these.
        order: How the requests come: stored, as they are; shuffled, by chance, which takes from a trace all but how
            often each key is asked for. A list is a grid.
        seeds: How many draws of a policy that draws lots.
        seed: The first of them, and what requests are shuffled by.
        price_per_miss: What a miss costs, in your money; with one of the next two the cost of each cache is told, and
            which is the cheapest.
        price_per_object: What room for one object costs over the time of the trace.
        price_per_byte: What room for one byte costs over the time of the trace; of objects that are counted, as many
            bytes as they have on average.
        windows: Into how many stretches of equally many requests the hit ratio over time is cut.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    policies: list[str] = Field(default_factory=list)
    capacity: Capacity | Annotated[list[Capacity], Field(min_length=1)] = Field(default_factory=_capacities)
    counts: Measure | None = None
    key: str | None = None
    size: str | None = None
    op: str | None = None
    time: str | None = None
    admission: str | Annotated[list[str], Field(min_length=1)] = NO_ADMISSION
    ttl: Duration | str | Annotated[list[Duration | str], Field(min_length=1)] | None = None
    write: str | Annotated[list[str], Field(min_length=1)] | None = None
    coherence: str | Annotated[list[str], Field(min_length=1)] = "none"
    foreign_writes: Annotated[float, Field(ge=0, le=1_000)] = 0.0
    crashes: Annotated[int, Field(ge=1, strict=True)] | None = None
    costs: dict[str, Price] | None = None
    order: Order | Annotated[list[Order], Field(min_length=1)] = "stored"
    seeds: Annotated[int, Field(ge=1, le=MOST_SEEDS, strict=True)] = 5
    seed: Annotated[int, Field(ge=0, lt=2**62, strict=True)] = 0
    price_per_miss: Price | None = None
    price_per_object: Price | None = None
    price_per_byte: Price | None = None
    windows: Annotated[int, Field(ge=1, le=1_000, strict=True)] = 40

    @field_validator("policies", mode="before")
    @classmethod
    def _one_is_a_list(cls, given: Any) -> Any:
        several = isinstance(given, list | tuple)
        for one in given if several else [given]:
            if not isinstance(one, str):
                raise ValueError(
                    f"policies has {one!r}; a comparison takes policies by name, such as 'slru(segments=4)', as it can "
                    "be run again from what it stores. assay.simulate_cache(trace, policy, capacity=[...]) and "
                    "assay.miss_ratio_curve run one of your own, with the same counts beside the same trace"
                )
        return given if several else [given]

    @field_validator("capacity", mode="before")
    @classmethod
    def _capacities_can_be_some(cls, given: Any) -> Any:
        try:
            for one in capacities_of(given):
                check_capacity(one)
        except AssayError as error:
            raise ValueError(str(error)) from error
        return given

    @property
    def capacities(self) -> list[int | str]:
        """The capacities, each once, as given."""
        return _each(self.capacity)

    @property
    def writes(self) -> list[str]:
        """The write schemes; none where every request is a get."""
        return [] if self.write is None else _each(self.write)

    @property
    def coherences(self) -> list[str]:
        """The kinds of coherence."""
        return _each(self.coherence)

    @property
    def admissions(self) -> list[str]:
        """What decides who comes in."""
        return _each(self.admission)

    @property
    def ttls(self) -> list[int | str | None]:
        """How long objects are true, or the column that says so; None for ever."""
        return _each(self.ttl)

    @property
    def orders(self) -> list[Order]:
        """The orders of the requests."""
        return _each(self.order)


def _each(given: Any) -> list[Any]:
    return list(dict.fromkeys(given if isinstance(given, list) else [given]))
