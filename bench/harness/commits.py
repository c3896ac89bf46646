"""Are two commits told apart rightly? Trials as `assay diff --suite`: equal sides (A/A), and exactly 3 % more work.

    python bench/harness/commits.py                      20 trials of each
    python bench/harness/commits.py --trials 3           a first look

Each trial goes the way of the verb: pairs of fresh processes whose samples alternate, Student's interval over the
pairs, and for what seems to differ a second measurement by fresh processes, which alone decides. Nothing else is
started; run it while the machine is busy to see what noise does. A measurement takes up to 60 s, most of it for
starting processes. All trials are printed as CSV, the shares come last.
"""

from __future__ import annotations

import argparse
import os
import pickle
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from workloads import BLOCKS, CANDIDATE, KINDS, PairJob

from assay.diffing.interpreters import Interpreter
from assay.diffing.paired_timing import PairedSettings, time_pairs
from assay.diffing.timed import SMALLEST_EFFECT, Ratio, discoveries, timed_verdict
from assay.harness.environment import load_1m
from assay.intervals import rate_interval

MORE = 103  # blocks of 100
KEY = (CANDIDATE.cell_id, "work_ns")


def measured(kind: str, blocks: int, pairs: int, seconds: float, seed: int) -> Ratio:
    """The ratio of one measurement: base and candidate each do the candidate's work of a job."""
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    with tempfile.TemporaryDirectory(prefix="assay-commits-") as home:
        sides = []
        for side, work in (("base", BLOCKS), ("cand", blocks)):
            file = Path(home) / f"{side}.pickle"
            file.write_bytes(pickle.dumps((PairJob(kind, work, seed), ())))
            sides.append((Interpreter(sys.executable, {"PYTHONPATH": path}, Path(home)), file))
        times = time_pairs(
            *sides,
            {CANDIDATE.cell_id: CANDIDATE.cell_id},
            PairedSettings(pairs=pairs, seconds=seconds),
            seed=seed,
            only={KEY},
        )
    return times.ratio(KEY)


def verdict(ratio: Ratio) -> str:
    """What one measurement alone says."""
    (found,) = discoveries([ratio.chance_beyond(SMALLEST_EFFECT)])
    return timed_verdict(ratio, SMALLEST_EFFECT, found=found)


def trial(kind: str, blocks: int, pairs: int, seconds: float, seed: int) -> tuple[str, Ratio]:
    """The verdict after the second measurement, where there was one, and the ratio that it rests on."""
    first = measured(kind, blocks, pairs, seconds, 2 * seed)
    if verdict(first) not in ("better", "worse"):
        return verdict(first), first
    second = measured(kind, blocks, pairs, seconds, 2 * seed + 1)
    return (verdict(second) if verdict(second) == verdict(first) else "unclear"), second


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the trials; 0 if the goals are met: at most 5 % false, at least 95 % found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args(arguments)
    if min(options.trials, options.pairs) < 1:
        parser.error("--trials and --pairs are at least 1")
    verdicts: dict[int, list[str]] = {BLOCKS: [], MORE: []}
    print("kernel,true_ratio,ratio,low,high,verdict,seconds,load_1m", flush=True)
    for number in range(options.trials):
        kind = KINDS[number % len(KINDS)]
        for blocks, said in verdicts.items():
            started = time.monotonic()
            word, ratio = trial(kind, blocks, options.pairs, options.seconds, number)
            said.append(word)
            ends = ",".join("" if end is None else f"{end:.5f}" for end in (ratio.value, ratio.low, ratio.high))
            seconds = time.monotonic() - started
            print(f"{kind},{blocks / BLOCKS},{ends},{word},{seconds:.1f},{load_1m():.1f}", flush=True)
    false = sum(word in ("better", "worse") for word in verdicts[BLOCKS])
    found = verdicts[MORE].count("worse")
    for what, count in (("false verdicts of A/A", false), ("3 % found", found)):
        low, high = rate_interval(count, options.trials)
        print(f"{what}: {count} of {options.trials} (95 % interval {100 * low:.0f} to {100 * high:.0f} %)")
    return int(false > 0.05 * options.trials or found < 0.95 * options.trials)


if __name__ == "__main__":
    sys.exit(main())
