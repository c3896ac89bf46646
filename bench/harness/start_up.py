"""How long it takes until the command line answers: `assay --help`, and bare commands that ask for nothing big.

    python bench/harness/start_up.py [--runs 20] [--python PATH]  > reports/harness/start_up.txt

Each command runs in a fresh process, in turn with all others, so that a busy moment hits all alike. What counts is the
fastest run, as whatever else the machine does only adds; the median is shown beside it, and the processor time of the
fastest, which waiting for a busy processor does not touch. Where more processes run than there are cores, hardly a run
is without such waiting, and the processor time is held against the limit instead, which is said. `python -c pass` is
what every Python program pays. Compiled modules are kept in a folder of this script's own, as an installed package has
them. Exit code 1: a limit is not kept.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time

# The command, and the most milliseconds that its fastest run may take; None where there is no limit.
COMMANDS: list[tuple[list[str], float | None]] = [
    (["-c", "pass"], None),
    (["-c", "import assay"], None),
    (["-m", "assay", "--version"], 250.0),
    (["-m", "assay", "--help"], 250.0),
    (["-m", "assay", "compare", "--help"], None),
    (["-m", "assay", "list", "experiments"], None),
    (["-m", "assay", "explain", "ring"], None),
]


def measured(python: str, arguments: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Wall and processor milliseconds of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run([python, *arguments], env=environment, capture_output=True, check=False, timeout=120)
    elapsed = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(arguments)} ended with {done.returncode}: {done.stderr.decode(errors='replace')}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return 1e3 * elapsed, 1e3 * used


def main() -> int:
    """Prints a table; 1 if a limit is not kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--python", default=sys.executable, help="another environment's interpreter")
    given = parser.parse_args()
    found: dict[int, list[tuple[float, float]]] = {index: [] for index in range(len(COMMANDS))}
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache, "COLUMNS": "100"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for arguments, _ in COMMANDS:
            measured(given.python, arguments, environment)  # compiles
        for _ in range(given.runs):
            for index, (arguments, _) in enumerate(COMMANDS):
                found[index].append(measured(given.python, arguments, environment))
    running = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    busy = running > (os.cpu_count() or 1)
    system = f"{platform.python_implementation()} {platform.python_version()} · {platform.machine()}"
    print(f"{datetime.date.today()} · {system}, {os.cpu_count()} cores · load {running:.1f} · {given.runs} runs")
    print(f"{'command':34} {'fastest ms':>10} {'median ms':>10} {'cpu ms':>8}  limit")
    missed = 0
    for index, (arguments, limit) in enumerate(COMMANDS):
        walls = [wall for wall, _ in found[index]]
        words = " ".join(arguments).replace("-m assay", "assay")
        words = words if words.startswith("assay") else f"python {words}"
        used = min(used for _, used in found[index])
        counts = used if busy else min(walls)
        by = " by processor time, as the machine is busy" if busy else ""
        kept = "" if limit is None else f"{limit:.0f} ms: {'kept' if counts <= limit else 'MISSED'}{by}"
        missed += "MISSED" in kept
        print(f"{words:34} {min(walls):10.0f} {statistics.median(walls):10.0f} {used:8.0f}  {kept}".rstrip())
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
