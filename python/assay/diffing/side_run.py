"""What runs within one side of a diff of two commits: the suite without timing, and the kernels to be timed.

`python -m assay.diffing.side_run` reads one line of JSON from its standard input and answers with one line:
it measures the suite into a store, and keeps each experiment's job with what it has learned, so that
`SideTask` can build the kernels in timing processes of the same side. It ends when its input does: the
parent is gone then. What plug-ins print goes to standard error.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.experiments.base import Job, Lesson, Timer

__all__ = ["SideTask", "main", "measure"]


@dataclass(frozen=True)
class SideTask:
    """The kernels of one experiment of one side, from what its measuring process has left in `path`."""

    path: str

    def timers(self) -> Sequence[Timer]:
        """The kernels, built in the process that asks."""
        job, learned = pickle.loads(Path(self.path).read_bytes())
        found: Sequence[Timer] = job.timers(learned)
        return found


def measure(order: dict[str, Any]) -> dict[str, Any]:
    """Measures a suite without timing.

    Args:
        order: `text`, `source` and `base` of the suite, `store`, and `folder` for what was learned.

    Returns:
        The run's id, and for each experiment where its kernels are and its timed metrics' (unit, direction).
    """
    from assay.harness import TimingSettings, run_suite
    from assay.harness.spans import packed_lesson
    from assay.harness.suite_loader import load
    from assay.store import Store

    suite = load(
        text=order["text"], source=order["source"], base=Path(order["base"]), default_name=Path(order["source"]).stem
    )
    kernels: dict[int, str] = {}

    def keep(index: int, job: Job, learned: Sequence[Lesson]) -> None:
        path = Path(order["folder"]) / f"kernels-{index}.pickle"
        path.write_bytes(pickle.dumps((job, tuple(packed_lesson(lesson) for lesson in learned))))
        kernels[index] = str(path)

    with Store(order["store"]) as store:
        outcome = run_suite(
            suite, store, timing=TimingSettings.off(), label=order["label"], command=order["command"], on_learned=keep
        )
    experiments = [
        {
            "kernels": kernels.get(index) if experiment.job.timed else None,
            "metrics": {
                metric.name: [metric.unit, metric.direction]
                for metric in experiment.experiment.metrics.values()
                if metric.kind == "timed"
            },
        }
        for index, experiment in enumerate(suite.experiments)
    ]
    return {"run": outcome.run_id, "experiments": experiments}


def main() -> None:
    """The entry point of the process."""
    import signal

    from assay.errors import AssayError
    from assay.plugins import tell_failures_to

    told: list[str] = []
    tell_failures_to(told.append)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    output = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    order = json.loads(_line())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        answer = measure(order)
    except AssayError as error:
        answer = {"error": str(error), "exit_code": error.exit_code}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}", "exit_code": 3}
    answer["told"] = told
    output.write(json.dumps(answer) + "\n")
    output.flush()
    os._exit(0)  # the thread that waits for the parent holds the input


def _line() -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(0, 65_536)
        if not piece:
            os._exit(1)
        line += piece
    return line


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    # Through the module's own name, so that what is pickled here is found there.
    from assay.diffing import side_run

    side_run.main()
