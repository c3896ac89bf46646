"""Limits that a user sets, and what a measured strategy breaks of them.

    skew_max             load_max_over_mean, 1.25 by default
    moved_max            moved_share.add_one
    partition_bytes_max  bytes_max, or bytes_max_estimated where bytes are not measured
    growth_skew_max      growth_load_max_over_mean
    fan_out_max          workload_fan_out_mean; without a query log the largest fan_out_mean of a query

A strategy that leaves partitions empty is never usable. A limit whose number is not known is not met.
Source: METHODOLOGY, "The answer".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from assay.experiments.partitioning.settings import PartitioningSettings
from assay.units import format_bytes, parse_bytes

__all__ = ["EMPTY", "Broken", "Limits", "fan_out_of"]

Row = Mapping[str, float | None]

EMPTY = "empty_partitions"


@dataclass(frozen=True)
class Broken:
    """A limit that a strategy does not meet."""

    limit: str  # the setting's name, or EMPTY
    words: str
    excess: float  # by how much of the limit it is missed; infinite where the number is not known


@dataclass(frozen=True)
class Limits:
    """What a usable strategy must keep to; None is no limit."""

    skew_max: float = 1.25
    moved_max: float | None = None
    partition_bytes_max: int | None = None
    fan_out_max: float | None = None
    growth_skew_max: float | None = None

    @classmethod
    def of(cls, settings: PartitioningSettings) -> Limits:
        """The limits among the settings."""
        size = settings.partition_bytes_max
        return cls(
            settings.skew_max,
            settings.moved_max,
            None if size is None else parse_bytes(size),
            settings.fan_out_max,
            settings.growth_skew_max,
        )

    def broken(self, row: Row) -> tuple[Broken, ...]:
        """The limits that a strategy with these metrics does not meet, empty partitions first."""
        return tuple(self._broken(row))

    def _broken(self, row: Row) -> Iterator[Broken]:
        empty = row.get("empty_partitions") or 0
        if empty:
            yield Broken(EMPTY, f"{empty:.0f} empty partition{'s' if empty != 1 else ''}", float(empty))
        load = row.get("load_max_over_mean")
        yield from _above(
            "skew_max", load, self.skew_max, lambda value: f"the fullest partition holds {value:.2f} × the mean"
        )
        if self.partition_bytes_max is not None:
            size = row.get("bytes_max", row.get("bytes_max_estimated"))
            about = "" if "bytes_max" in row else "about "
            yield from _above(
                "partition_bytes_max",
                size,
                self.partition_bytes_max,
                lambda value: f"the fullest partition holds {about}{self._size(value)}",
            )
        if self.moved_max is not None:
            yield from _above(
                "moved_max",
                row.get("moved_share.add_one"),
                self.moved_max,
                lambda value: f"a node more moves {100 * value:.1f} % of the data",
            )
        if self.growth_skew_max is not None:
            yield from _above(
                "growth_skew_max",
                row.get("growth_load_max_over_mean"),
                self.growth_skew_max,
                lambda value: f"the newest tenth of the rows loads one partition with {value:.2f} × its mean",
            )
        if self.fan_out_max is not None:
            yield from _above(
                "fan_out_max", fan_out_of(row), self.fan_out_max, lambda value: f"a query asks {value:.2f} partitions"
            )

    def _size(self, value: float) -> str:
        """Bytes as people read them, but never as the limit's own words."""
        assert self.partition_bytes_max is not None
        text = format_bytes(value)
        return (
            text if text != format_bytes(self.partition_bytes_max) else f"{value:,.0f} bytes, a little more than {text}"
        )

    @property
    def words(self) -> dict[str, str]:
        """Each limit in words, by its name."""
        found = {
            EMPTY: "no partition is empty",
            "skew_max": f"the fullest partition holds at most {self.skew_max:g} × the mean",
        }
        if self.partition_bytes_max is not None:
            found["partition_bytes_max"] = f"a partition holds at most {format_bytes(self.partition_bytes_max)}"
        if self.moved_max is not None:
            found["moved_max"] = f"a node more moves at most {100 * self.moved_max:g} % of the data"
        if self.growth_skew_max is not None:
            most = f"{self.growth_skew_max:g} × its mean"
            found["growth_skew_max"] = f"the newest tenth of the rows loads no partition with more than {most}"
        if self.fan_out_max is not None:
            found["fan_out_max"] = f"a query asks at most {self.fan_out_max:g} partitions on average"
        return found

    def bound(self, name: str) -> tuple[float, str] | None:
        """A limit as a number, and the metric that it bounds; None for what is no number that was set."""
        bounds = {
            "skew_max": (self.skew_max, "load_max_over_mean"),
            "moved_max": (self.moved_max, "moved_share.add_one"),
            "partition_bytes_max": (self.partition_bytes_max, "bytes_max"),
            "fan_out_max": (self.fan_out_max, "fan_out_mean"),
            "growth_skew_max": (self.growth_skew_max, "growth_load_max_over_mean"),
        }
        value, metric = bounds.get(name, (None, ""))
        return None if value is None else (float(value), metric)

    @property
    def rule(self) -> str:
        """What is dropped before anything is ordered, as the beginning of the rule."""
        text = f"without strategies that leave partitions empty or hold more than {self.skew_max} x the mean in one"
        if self.partition_bytes_max is not None:
            text += f", hold more than {format_bytes(self.partition_bytes_max)} in one"
        if self.moved_max is not None:
            text += f", move more than {100 * self.moved_max:g} % when a node is added"
        if self.growth_skew_max is not None:
            text += f", put more than {self.growth_skew_max:g} x the mean of the newest tenth into one"
        if self.fan_out_max is not None:
            text += f", let a query ask more than {self.fan_out_max:g} partitions"
        return text


def fan_out_of(row: Row) -> float | None:
    """The fan-out that a limit looks at: that of the workload, else the largest mean of a declared query."""
    if row.get("workload_fan_out_mean") is not None:
        return row["workload_fan_out_mean"]
    known = [value for name, value in row.items() if name.startswith("fan_out_mean.") and value is not None]
    return max(known, default=None)


def _above(name: str, value: float | None, bound: float, words: Callable[[float], str]) -> Iterator[Broken]:
    if value is None:
        yield Broken(name, f"{name} cannot be judged: its number is not known", float("inf"))
    elif value > bound:
        yield Broken(name, words(value), value / bound - 1)
