"""Pairs of timing processes that alternate, with processes made up by the test: no clock is read for what they give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest

from assay.diffing import paired_timing
from assay.diffing.interpreters import Interpreter
from assay.diffing.paired_timing import PairedSettings, time_pairs
from assay.errors import MeasurementError, ParameterError
from assay.harness.kernels import Calibration, KernelFacts, RoundResult
from assay.harness.timing_process import DeadProcessError, NotBuiltError

Ns = Callable[[int, int], float]  # pair, kernel → ns


@dataclass
class Fake:
    """One process: the same ns in every round, or a fault."""

    facts: tuple[KernelFacts, ...]
    ns: Callable[[int], float]
    log: list[str]
    side: str
    fault: Exception | None = None
    breaks: str | None = None  # a cell whose kernel raises
    given: list[int | None] = field(default_factory=list)

    @property
    def kernels(self) -> tuple[KernelFacts, ...]:
        if isinstance(self.fault, NotBuiltError):
            raise self.fault
        return self.facts

    def calibrate(self, target_ns: int, iterations: Sequence[int | None]) -> Calibration:
        self.given[:] = iterations
        return Calibration([64 if calls is None else calls for calls in iterations], [None] * len(iterations))

    def round(self, order: Sequence[int], samples: int) -> RoundResult:
        if self.fault is not None:
            raise self.fault
        (kernel,) = order
        fact = self.facts[kernel]
        self.log.append(f"{self.side} {fact.cell_id}")
        if fact.cell_id == self.breaks:
            return RoundResult([[]], [[]], {}, {fact.cell_id: "it broke"})
        ns = self.ns(kernel)
        return RoundResult([[ns * 3, ns, ns * 2]], [[ns] * 3])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.log.append(f"end {self.side}")


class World:
    """Stands in for starting processes: sides in turn, the base first."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, base: Ns, candidate: Ns, **trouble: Any) -> None:
        self.log: list[str] = []
        self.made: list[Fake] = []
        names = {
            "base": (KernelFacts("one", "lookup_ns", 1), KernelFacts("two", "lookup_ns", 1)),
            # Another order, another identity of the first cell, and one that the base does not have.
            "candidate": (
                KernelFacts("new", "lookup_ns", 1),
                KernelFacts("two", "lookup_ns", 1),
                KernelFacts("one-v2", "lookup_ns", 1),
            ),
        }

        def process(interpreter: Interpreter, kernels: Path) -> Fake:
            side = ("base", "candidate")[len(self.made) % 2]
            pair, ns = len(self.made) // 2, base if side == "base" else candidate
            fake = Fake(
                names[side], lambda kernel: ns(pair, kernel), self.log, side, **(trouble if side == "candidate" else {})
            )
            self.made.append(fake)
            return fake

        monkeypatch.setattr(paired_timing, "_process", process)

    def time(self, **settings: Any) -> paired_timing.PairedTimes:
        interpreter = Interpreter("python", {}, Path())
        return time_pairs(
            (interpreter, Path()),
            (interpreter, Path()),
            {"one": "one-v2", "two": "two"},
            PairedSettings(**{"pairs": 3, "rounds": 6, **settings}),
            seed=4,
        )


def test_a_ratio_is_of_the_fastest_samples_of_counterparts(monkeypatch: pytest.MonkeyPatch) -> None:
    # The base's kernels take 10 and 20 ns; the candidate's "two" (number 1) 20 and "one-v2" (number 2) 11.
    world = World(monkeypatch, lambda pair, k: (10.0, 20.0)[k], lambda pair, k: (99.0, 20.0, 11.0)[k])
    times = world.time()
    assert times.ratio(("one", "lookup_ns")).value == pytest.approx(1.1)
    assert times.ratio(("two", "lookup_ns")).value == 1.0
    assert times.base_ns["one", "lookup_ns"] == [10.0] * 3
    assert not any("new" in line for line in world.log), "what only one side has is not timed"


def test_samples_of_both_sides_alternate_and_either_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, lambda pair, k: 10.0, lambda pair, k: 10.0)
    world.time(pairs=1, pairs_most=1, rounds=40)
    rounds = [line.split() for line in world.log if not line.startswith("end")]
    neighbours = [(a, b) for a, b in zip(rounds[::2], rounds[1::2], strict=True)]
    assert all({a[0], b[0]} == {"base", "candidate"} for a, b in neighbours)
    assert all(a[1].startswith(b[1][:3]) for a, b in neighbours), "one kernel after its counterpart"
    first = sum(a[0] == "base" for a, _ in neighbours)
    assert 0.25 < first / len(neighbours) < 0.75


def test_both_sides_share_what_the_base_was_calibrated_to(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, lambda pair, k: 10.0, lambda pair, k: 10.0)
    world.time(pairs=2, pairs_most=2)
    assert world.made[0].given == [None, None]
    assert [fake.given for fake in world.made[1:]] == [[0, 64, 64], [64, 64], [0, 64, 64]]


def test_pairs_are_added_until_the_intervals_are_narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    # Ratios of 1.04 and 1/1.04 in turn: an interval of three pairs is wide, and narrows with more of them.
    world = World(monkeypatch, lambda pair, k: 10.0, lambda pair, k: 10.0 * 1.04 ** (1 if pair % 2 else -1))
    times = world.time(precision=0.02, pairs_most=100)
    count = len(times.ratios["one", "lookup_ns"])
    assert 3 < count < 100
    assert times.width <= 0.02
    world = World(monkeypatch, lambda pair, k: 10.0, lambda pair, k: 10.0 * 1.04 ** (1 if pair % 2 else -1))
    assert len(world.time(precision=0.02, pairs_most=count - 1).ratios["one", "lookup_ns"]) == count - 1
    world = World(monkeypatch, lambda pair, k: 10.0, lambda pair, k: 10.0 * 1.04 ** (1 if pair % 2 else -1))
    assert len(world.time(precision=0.02, seconds=1e-9).ratios["one", "lookup_ns"]) == 3, "time is up: the least number"


def test_a_kernel_that_raises_fails_its_cell_on_its_side(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, lambda pair, k: 10.0, lambda pair, k: 10.0, breaks="one-v2")
    times = world.time()
    assert (times.base_failures, times.candidate_failures) == ({}, {"one-v2": "it broke"})
    assert list(times.ratios) == [("two", "lookup_ns")]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (NotBuiltError("no module shop"), "the kernels of the candidate cannot be timed.*no module shop.*--no-timing"),
        (
            DeadProcessError("it ended with signal 11"),
            "a timing process of the candidate died: it ended with signal 11",
        ),
    ],
)
def test_a_process_that_cannot_go_on_ends_the_diff(
    monkeypatch: pytest.MonkeyPatch, fault: Exception, said: str
) -> None:
    world = World(monkeypatch, lambda pair, k: 10.0, lambda pair, k: 10.0, fault=fault)
    with pytest.raises(MeasurementError, match=said):
        world.time()
    assert world.log[-2:] == ["end candidate", "end base"], "both processes are ended"


def test_settings_out_of_bounds_are_told() -> None:
    with pytest.raises(ParameterError, match=r"timing\.rounds is 0; expected at least 1"):
        PairedSettings(rounds=0)
