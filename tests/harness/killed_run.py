"""Runs a suite in a process that a test kills; arguments: store, table, spans to measure before waiting for ever.

Waiting makes the kill come before the end, however fast the machine is.
"""

from __future__ import annotations

import signal
import sys
from typing import Any

from toy_experiment import TOY

from assay.experiments import registry
from assay.harness import TimingSettings, run_suite, suite_from_dict
from assay.harness.executors import InlineExecutor
from assay.store import Store, database


class WaitingExecutor(InlineExecutor):
    def __init__(self, spans: int, store: Store) -> None:
        self.left = spans
        self.store = store

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        if self.left == 0:
            self.store.flush()  # so that what others see of the run does not depend on its speed
            print("waiting", flush=True)
            sys.stdin.read()
        self.left -= 1
        return super().submit(fn, *args, **kwargs)


def content(table: str) -> dict[str, Any]:
    experiment = {"kind": "toy", "dataset": table, "key": "id", "counters": ["modulo(3)", "modulo(8)"], "shift": [0, 5]}
    return {"name": "killed", "experiment": [experiment, {**experiment, "key": "other"}]}


def heed_ctrl_c() -> None:
    """Takes Ctrl-C also where the tests run as a shell's background job, which ignores it and hands that down."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


if __name__ == "__main__":
    heed_ctrl_c()
    database.FLUSH_INTERVAL_S, database.LONGEST_FLUSH = 0.02, 1.0
    registry.register(TOY)
    with Store(sys.argv[1]) as store:
        run_suite(
            suite_from_dict(content(sys.argv[2])),
            store,
            span_rows=10,
            timing=TimingSettings.off(),
            executor=WaitingExecutor(int(sys.argv[3]), store),
        )
