"""The settings of the experiment `integrity`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator

from assay.units import parse_bytes

__all__ = ["ACCIDENTS", "ATTACKS", "FAULTS", "Fault", "IntegritySettings"]

LEAST_BLOCK_BYTES, MOST_BLOCK_BYTES = 256, 1 << 24
MOST_SAMPLE_BYTES = 1 << 30
MOST_TRIALS = 100_000

Fault = Literal[
    "bit_flip",
    "burst",
    "zeroed_page",
    "torn_write",
    "swapped_blocks",
    "duplicated_block",
    "stale_block",
    "lost_tail",
    "truncation",
    "forged_crc",
    "md5_collision",
    "rewritten_block",
]
FAULTS: tuple[Fault, ...] = get_args(Fault)
ATTACKS: tuple[Fault, ...] = ("forged_crc", "md5_collision", "rewritten_block")
ACCIDENTS: tuple[Fault, ...] = tuple(fault for fault in FAULTS if fault not in ATTACKS)

BlockBytes = Annotated[int, Field(ge=LEAST_BLOCK_BYTES, le=MOST_BLOCK_BYTES, strict=True)]


class IntegritySettings(BaseModel):
    """What to compare, on how many bytes, against which faults.

    Attributes:
        block_bytes: The size of a block, 256 to 16,777,216; a list is a grid.
        checksums: The contenders' spellings, such as `crc32c` or `crc32c(kept=block)`; by default every checksum of the
            catalogue in a list beside the data, and one of each other way to keep them.
        sample_bytes: How many of the dataset's bytes are taken, from the first on, such as "1MiB"; at most 1 GiB.
        faults: Which kinds of faults are injected; all by default.
        trials: How many faults of each kind.
        adversary: Whether the answer must stand up to the kinds that somebody makes on purpose, too.
        seed: Where faults strike.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    block_bytes: BlockBytes | Annotated[list[BlockBytes], Field(min_length=1)] = 4096
    checksums: list[str] = Field(default_factory=list)
    sample_bytes: int | str = "1MiB"
    faults: Annotated[list[Fault], Field(min_length=1)] = Field(default_factory=lambda: list(FAULTS))
    trials: Annotated[int, Field(ge=1, le=MOST_TRIALS, strict=True)] = 100
    adversary: bool = False
    seed: Annotated[int, Field(ge=0, lt=2**62, strict=True)] = 0

    @field_validator("checksums", "faults", mode="before")
    @classmethod
    def _one_is_a_list(cls, given: Any) -> Any:
        return [given] if isinstance(given, str) else given

    @field_validator("sample_bytes", mode="after")
    @classmethod
    def _size(cls, given: int | str) -> int | str:
        try:
            size = parse_bytes(given)
        except ValueError as error:
            raise ValueError(f"sample_bytes: {error}") from None
        if size > MOST_SAMPLE_BYTES:
            raise ValueError(f"sample_bytes is {given}; expected at most 1GiB: what happens to a block does not change")
        return given

    @property
    def size(self) -> int:
        """How many bytes are taken at most."""
        return parse_bytes(self.sample_bytes)

    @property
    def grid(self) -> list[int]:
        """The sizes of a block, each once, as given."""
        return list(dict.fromkeys(self.block_bytes if isinstance(self.block_bytes, list) else [self.block_bytes]))
