"""The settings of the experiment `placement`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

__all__ = ["MOST_NODES", "MOST_SEEDS", "REMOVALS", "PlacementSettings"]

MOST_NODES = 10_000
MOST_SEEDS = 1_000
REMOVALS = (10, 25, 50)

_NOT_YET = {
    "racks": "racks are not measured yet; use assay.Ring(..., racks=...) from Python",
    "replicas": "replicas are not measured yet; use assay.Ring(...).replicas(...) from Python",
}

Nodes = Annotated[int, Field(ge=1, le=MOST_NODES, strict=True)]
Percent = Annotated[int, Field(ge=1, le=99, strict=True)]
Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class PlacementSettings(BaseModel):
    """What to compare, on how many nodes, over how many seeds.

    Attributes:
        nodes: The number of nodes; a list is a grid.
        placements: The contenders' spellings, such as `ring(virtual_nodes=64)`; by default every placement of
            the catalogue that can do what is asked.
        key: The column of keys; by default the column that looks most like a key.
        seeds: How many draws of each placement: seeds `seed` to `seed + seeds - 1`.
        seed: The first seed. Seed 0 is the placement as users have it: nodes `node-0`, `node-1` ..., and the
            hash function as it is spelled. Any other seed renames the nodes, and seeds the hash function
            where it takes a seed.
        weights: The capacity of each node, above 0; 1 each by default.
        removals: Shares of the nodes that go at once, in percent from 1 to 99; which nodes, the seed decides.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    nodes: Nodes | Annotated[list[Nodes], Field(min_length=1)] = 10
    placements: list[str] = Field(default_factory=list)
    key: str | None = None
    seeds: Annotated[int, Field(ge=1, le=MOST_SEEDS, strict=True)] = 10
    seed: Annotated[int, Field(ge=0, lt=2**62, strict=True)] = 0
    weights: Annotated[list[Weight], Field(min_length=1)] | None = None
    removals: list[Percent] = Field(default_factory=lambda: list(REMOVALS))

    @model_validator(mode="before")
    @classmethod
    def _not_yet(cls, given: Any) -> Any:
        if isinstance(given, dict):
            for name in given:
                if name in _NOT_YET:
                    raise ValueError(f"{name}: {_NOT_YET[name]}")
        return given

    @field_validator("placements", mode="before")
    @classmethod
    def _one_is_a_list(cls, given: Any) -> Any:
        return [given] if isinstance(given, str) else given

    @property
    def grid(self) -> list[int]:
        """The numbers of nodes, each once, as given."""
        return list(dict.fromkeys(self.nodes if isinstance(self.nodes, list) else [self.nodes]))
