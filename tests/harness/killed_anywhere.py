"""Runs or resumes a suite in a process that a test kills, with a line to standard output for each step.

Arguments: store, table, "timed" or "untimed", and "rows" or "files": where packed states are kept. A store without an
unfinished run begins one.
"""

from __future__ import annotations

import sys
from pathlib import Path

from killed_run import content, heed_ctrl_c
from toy_experiment import TOY

from assay.errors import InterruptedRunError
from assay.experiments import registry
from assay.harness import TimingSettings, run_suite, suite_from_dict
from assay.harness.progress import SilentProgress
from assay.store import Store, block_files, database

TIMING = TimingSettings(processes=2, rounds=3, samples=2, target_sample_ns=2000, seconds=2, least_rounds=1)


class Telling(SilentProgress):
    """Says that a step is done before the next one begins; the test kills within the steps that it draws."""

    def advance(self, steps: int = 1, *, description: str | None = None) -> None:
        print("step", flush=True)


def main(store_path: str, table: str, timed: bool, in_files: bool) -> None:
    heed_ctrl_c()
    database.FLUSH_INTERVAL_S, database.LONGEST_FLUSH = 0.01, 1.0
    if in_files:
        block_files.SMALL_BYTES = 0
    registry.register(TOY)
    suite = suite_from_dict(content(table))
    print("loaded", flush=True)
    with Store(Path(store_path)) as store:
        run_suite(
            suite,
            store,
            span_rows=50,
            timing=TIMING if timed else TimingSettings.off(),
            progress=Telling(),
            resume=store.unfinished_run("killed") is not None,
        )


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2], sys.argv[3] == "timed", sys.argv[4] == "files")
    except InterruptedRunError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
