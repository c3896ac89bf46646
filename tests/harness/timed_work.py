"""A task for timing processes, in a module that they find by this folder, whatever else is called `tests` there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.experiments.base import Latency, Timer


@dataclass(frozen=True)
class Work:
    """A task of its own: sums, printing while it is at it, and a fault if one is asked for."""

    fault: str = ""

    def timers(self) -> Sequence[Timer]:
        print("a kernel that prints does no harm")
        if self.fault == "not built":
            raise ValueError("no such data")
        if self.fault == "dies building":
            os._exit(5)

        def small() -> object:
            if self.fault == "dies timed":
                os._exit(6)
            return sum(range(100))

        where = Path.cwd().name + os.environ.get("ASSAY_TEST_MARK", "")
        return [
            Timer("small", "sum_ns", small, 100, Latency("sum_latency", lambda i: sum(range(i)), 10)),
            Timer(where, "sum_ns", lambda: sum(range(1000)), 1000),
        ]
