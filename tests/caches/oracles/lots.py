"""The numbers that a seed gives: SplitMix64."""

from __future__ import annotations

MASK = (1 << 64) - 1


class Lots:
    """Steele, Lea and Flood 2014."""

    def __init__(self, seed: int) -> None:
        self.state = seed

    def next(self) -> int:
        """The next number of 64 bits."""
        self.state = (self.state + 0x9E37_79B9_7F4A_7C15) & MASK
        mixed = ((self.state ^ self.state >> 30) * 0xBF58_476D_1CE4_E5B9) & MASK
        mixed = ((mixed ^ mixed >> 27) * 0x94D0_49BB_1331_11EB) & MASK
        return mixed ^ mixed >> 31

    def below(self, bound: int) -> int:
        """A number below a bound."""
        return self.next() * bound >> 64
