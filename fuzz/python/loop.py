"""What the Python targets share: random cases until the time is over, each from a seed of its own.

    python fuzz/python/NAME.py SECONDS [--seed FIRST] [--findings FOLDER]

The seed of the case at hand stands in `FOLDER/NAME.seed` while it runs, so that it is known after a crash of the
process too; `--seed N` with 0 seconds runs that case alone.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

__all__ = ["run"]


def run(case: Callable[[random.Random], None]) -> int:
    """Runs cases until the seconds of the command line are over; 1 if one raised."""
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", type=float)
    parser.add_argument("--seed", type=int, default=None, help="of the first case; by the clock without it")
    parser.add_argument("--findings", type=Path, default=Path())
    arguments = parser.parse_args()
    seed = time.time_ns() // 1000 if arguments.seed is None else arguments.seed
    name = Path(sys.argv[0]).stem
    note = os.open(arguments.findings / f"{name}.seed", os.O_WRONLY | os.O_CREAT, 0o644)
    end = time.monotonic() + arguments.seconds
    count = 0
    while True:
        os.pwrite(note, b"%d\n" % seed, 0)
        try:
            case(random.Random(seed))
        except Exception:
            traceback.print_exc()
            print(f"{name}: finding with --seed {seed}", file=sys.stderr)
            return 1
        count, seed = count + 1, seed + 1
        if time.monotonic() >= end:
            break
    os.close(note)
    (arguments.findings / f"{name}.seed").unlink()
    print(f"{name}: {count} cases")
    return 0
