"""The base of jobs that need one scan of the table and time nothing: what is left to say is what they count.

    @dataclass(frozen=True)
    class NullsJob(SingleScan):
        cells: Sequence[Cell]

        def columns(self, stage): ...            which columns to read
        def start(self, stage, learned): ...     an empty state; anything that pickles
        def update(self, state, batch): ...      feeds a batch into it
        def merge(self, state, other): ...       the state of both, in the order of the rows
        def finish(self, learned, state): ...    Findings

States travel between processes, and are kept for a resumed run, as pickles of the package that made them.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from assay.experiments.base import Lesson, Timer

__all__ = ["SingleScan"]


class SingleScan:
    """A job of one stage; see `assay.experiments.base.Job` for what each method is asked."""

    stages: ClassVar[int] = 1
    timed: ClassVar[bool] = False

    @property
    def variables(self) -> Mapping[str, Sequence[str]]:
        """No metric's name has a variable part."""
        return {}

    def scans(self, stage: int, learned: Lesson | None) -> bool:
        """The table is read."""
        return True

    def pack(self, state: Any) -> bytes:
        """The state as a pickle."""
        return pickle.dumps(state)

    def unpack(self, stage: int, packed: bytes, learned: Lesson | None) -> Any:
        """The state that was packed."""
        return pickle.loads(packed)

    def learn(self, stage: int, state: Any) -> Lesson:
        """Never asked, as no stage follows."""
        raise AssertionError("there is one stage, and nothing follows it")

    def timers(self, learned: Sequence[Lesson]) -> Sequence[Timer]:
        """Nothing is timed."""
        return ()
