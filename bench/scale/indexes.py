"""Building indexes of 100 million rows: seconds, the most memory, and what the progress bar is told.

    python bench/scale/indexes.py [--rows 100000000] [--threads N] [--kinds NAME ...] [-o FILE]

Keys are distinct random uint64. Every structure of the room `index` is built in a process of its own, one after the
other, whose greatest resident set the kernel reports when it ends (`wait4`, `ru_maxrss`): the column itself, 0.75 GiB
of it, is counted. Then a few present keys are looked up, and their rows checked. What is told is checked too: it never
runs backwards, its total never changes, and it ends with it; beside it stands the longest time that it stood still.
Goals are printed beside the figures; a miss is printed as a miss.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

GOAL_GIB = 8.0
PROBES = 64


@dataclass(frozen=True)
class Built:
    """What a process found, and what the kernel says of it."""

    wall_s: float
    processor_s: float
    peak_gib: float
    key_bytes: float
    still_s: float
    told: int


def keys_of(rows: int) -> object:
    """SplitMix64's first numbers, shape (rows,): a bijection, so that they are distinct. Drawn piece by piece."""
    import numpy as np

    keys = np.empty(rows, dtype=np.uint64)
    piece = 1 << 20
    for first in range(0, rows, piece):
        part = keys[first : first + piece]
        word = (np.arange(first, first + len(part), dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        part[:] = word ^ (word >> np.uint64(31))
    return keys


def child(kind: str, rows: int, threads: int) -> None:
    """Builds one, checks it, and prints what it took as JSON."""
    import numpy as np
    import pyarrow as pa

    import assay

    keys = np.asarray(keys_of(rows))
    column = pa.array(keys)
    told: list[tuple[float, int, int]] = []
    wall, processor = time.monotonic(), time.process_time()
    index = assay.Index.build(
        column, kind=kind, threads=threads, progress=lambda *counts: told.append((time.monotonic(), *counts))
    )
    wall, processor = time.monotonic() - wall, time.process_time() - processor
    done = [one[1] for one in told]
    assert done == sorted(done) and {one[2] for one in told} == {done[-1]}, "the bar ran backwards, or its end moved"
    moved = [told[0][0], *(now[0] for before, now in itertools.pairwise(told) if now[1] > before[1])]
    still = max((after - before for before, after in itertools.pairwise(moved)), default=0.0)
    asked = np.linspace(0, rows - 1, PROBES).astype(np.uint64)
    found = index.lookup_first(pa.array(keys[asked.astype(np.int64)]), threads=threads)
    assert found.equals(pa.array(asked)), "an index found other rows than those that hold the keys"
    size = index.memory_bytes / rows
    print(
        json.dumps({"wall_s": wall, "processor_s": processor, "key_bytes": size, "still_s": still, "told": len(told)})
    )


def measured(kind: str, rows: int, threads: int) -> Built | str:
    """Runs a child to its end; the end of what it said if it failed."""
    command = [sys.executable, __file__, "--child", kind, "--rows", str(rows), "--threads", str(threads)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    output, errors = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        return errors.decode().strip().splitlines()[-1] if errors.strip() else f"ended with {process.returncode}"
    return Built(peak_gib=usage.ru_maxrss / 2**20, **json.loads(output))


def main() -> None:
    """Prints, and writes where it is told to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000_000)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--kinds", nargs="+", help="structures of the room; by default all")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("-o", "--output", type=Path, help="a file for the report")
    given = parser.parse_args()
    if given.child:
        child(given.child, given.rows, given.threads)
        return
    lines: list[str] = []

    def say(text: str) -> None:
        print(text, flush=True)
        lines.append(text)
        if given.output is not None:
            given.output.write_text("\n".join(lines) + "\n", encoding="utf-8")

    say(
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {platform.machine()}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f}"
    )
    packages = ("assay", "pyarrow", "numpy")
    say(", ".join(f"{name} {version(name)}" for name in packages) + f", Python {platform.python_version()}")
    say("command: python " + " ".join(["bench/scale/indexes.py", *sys.argv[1:]]))
    say(f"build of {given.rows:,} distinct random uint64 on {given.threads} threads; the column is counted in the peak")
    say("kind          seconds  processor-s   peak GiB  bytes a key  told  stands still at most")
    missed = 0
    for kind in given.kinds or kinds():
        found = measured(kind, given.rows, given.threads)
        if isinstance(found, str):
            missed += 1
            say(f"{kind:12}  FAILED: {found}")
            continue
        met = found.peak_gib <= GOAL_GIB
        missed += not met
        say(
            f"{kind:12} {found.wall_s:8.1f} {found.processor_s:12.1f} {found.peak_gib:10.2f} {found.key_bytes:12.2f} "
            f"{found.told:5} {found.still_s:6.1f} s   (goal <= {GOAL_GIB:g} GiB: {'met' if met else 'MISSED'})"
        )
    say(f"{missed} goals missed")


def kinds() -> list[str]:
    """Every structure of the room."""
    from assay import _core

    return [str(one["name"]) for one in _core.catalogue() if one["room"] == "index"]


if __name__ == "__main__":
    main()
