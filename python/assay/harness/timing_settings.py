"""How much is timed, and how long a run may take in all."""

from __future__ import annotations

import re
from dataclasses import dataclass

from assay.errors import ParameterError

__all__ = ["TimingSettings", "budget_seconds"]

MOST_ROUNDS = 10_000  # in each process, where a budget says how much is enough

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}
_BUDGET = re.compile(r"(?=.)(?:(?P<h>\d+(?:\.\d+)?)h)?(?:(?P<m>\d+(?:\.\d+)?)m)?(?:(?P<s>\d+(?:\.\d+)?)s)?")


@dataclass(frozen=True)
class TimingSettings:
    """How much timing: more processes and rounds narrow the intervals, `seconds` or a budget caps the time.

    The rounds of a metric end when all its intervals are as narrow as `precision`, when there are `rounds` of them,
    or when the time is up; never because of what they show.
    """

    processes: int = 3  # more are begun only within a budget, and only where processes differ too much to tell
    rounds: int = 30  # at most, in each process
    samples: int = 10  # short samples per round and kernel
    target_sample_ns: int = 500_000
    seconds: float = 30.0  # for an experiment's rounds; at least `least_rounds` are run
    least_rounds: int = 5  # in each process, whatever the time
    precision: float = 0.005  # half the width of a ratio's 95 % interval that is narrow enough; 0 never stops early
    single_operations: int = 500  # timed one by one in a round, of kernels that allow it
    budget_s: float | None = None  # for the whole run, scans included; instead of `seconds`
    enabled: bool = True

    def __post_init__(self) -> None:
        for name in ("processes", "rounds", "samples", "target_sample_ns", "least_rounds"):
            if getattr(self, name) < 1:
                raise ParameterError(f"timing.{name} is {getattr(self, name)}; expected at least 1")
        for name in ("seconds", "budget_s"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ParameterError(f"timing.{name} is {value}; expected more than 0")
        for name in ("precision", "single_operations"):
            if not getattr(self, name) >= 0:
                raise ParameterError(f"timing.{name} is {getattr(self, name)}; expected at least 0")

    @classmethod
    def quick(cls) -> TimingSettings:
        """One process and few rounds: a first look, whose intervals speak of that process alone."""
        return cls(processes=1, rounds=10, seconds=5.0)

    @classmethod
    def off(cls) -> TimingSettings:
        """No timing at all; timed metrics are left out."""
        return cls(enabled=False)

    @classmethod
    def within(cls, budget: str | float, *, rounds: int | None = None) -> TimingSettings:
        """As many rounds as it takes to be precise within a budget for the whole run: "5m", or seconds."""
        return cls(
            rounds=MOST_ROUNDS if rounds is None else rounds,
            least_rounds=min(cls.least_rounds, rounds or cls.least_rounds),
            budget_s=budget_seconds(budget),
        )


def budget_seconds(budget: str | float) -> float:
    """A budget in seconds: "90s", "5m", "1h30m", or a number of seconds.

    Raises:
        ParameterError: It is written otherwise, or is nothing.

    >>> budget_seconds("1h30m"), budget_seconds("45s"), budget_seconds(60)
    (5400.0, 45.0, 60.0)
    """
    seconds: float | None = None
    if isinstance(budget, (int, float)):
        seconds = float(budget)
    elif found := _BUDGET.fullmatch(budget.replace(" ", "").lower()):
        seconds = sum(float(number) * _UNITS[unit] for unit, number in found.groupdict().items() if number)
    if seconds is None or not 0 < seconds < float("inf"):
        raise ParameterError(f'the budget is "{budget}"; expected a time above 0, such as 90s, 5m or 1h30m')
    return seconds
