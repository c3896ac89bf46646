"""The settings of the experiment `hashing`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator

__all__ = ["BITS", "MOST_PARTITIONS", "Bits", "HashingSettings"]

MOST_PARTITIONS = 65_536
MOST_FLIPPED_KEYS = 10_000

Bits = Literal["modulo", "high", "low"]
BITS: tuple[Bits, ...] = get_args(Bits)
Partitions = Annotated[int, Field(ge=2, le=MOST_PARTITIONS, strict=True)]


class HashingSettings(BaseModel):
    """What to compare, and on which keys.

    Attributes:
        partitions: The number of buckets, 2 to 65,536; a list is a grid.
        functions: The contenders' spellings, such as `xxh3_64` or `murmur3_32(seed=42)`; by default every hash
            function and digest of the catalogue that takes keys of this type.
        key: The column of keys, or the columns of a compound key; by default the column that looks most like a key.
        bits: Which bits of a hash shall make even buckets: its remainder by the number of buckets (`modulo`), its
            highest (`high`), the highest of its lower half (`low`); all of them by default.
        flipped_keys: How many keys, drawn by the seed, have each of their bits flipped, to see what that changes.
        seed: Which keys these are.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    partitions: Partitions | Annotated[list[Partitions], Field(min_length=1)] = 64
    functions: list[str] = Field(default_factory=list)
    key: str | Annotated[list[str], Field(min_length=1)] | None = None
    bits: Annotated[list[Bits], Field(min_length=1)] = Field(default_factory=lambda: list(BITS))
    flipped_keys: Annotated[int, Field(ge=1, le=MOST_FLIPPED_KEYS, strict=True)] = 500
    seed: Annotated[int, Field(ge=0, lt=2**62, strict=True)] = 0

    @field_validator("functions", "bits", mode="before")
    @classmethod
    def _one_is_a_list(cls, given: Any) -> Any:
        return [given] if isinstance(given, str) else given

    @property
    def grid(self) -> list[int]:
        """The numbers of buckets, each once, as given."""
        return list(dict.fromkeys(self.partitions if isinstance(self.partitions, list) else [self.partitions]))

    @property
    def columns(self) -> list[str] | None:
        """The columns of the key, if they are named."""
        return [self.key] if isinstance(self.key, str) else self.key
