"""How much memory a comparison of a large table takes: TPC-H at scale 10, 60 million rows, within 1 GiB.

    python bench/harness/big_table.py [--scale 10] [--small-scale 2] [--only NAME ...] [--timeline] [-o FILE]

Each case is a command of `assay compare` in a process of its own, whose greatest resident set the kernel
reports when it ends (`wait4`, `ru_maxrss`); beside it stands the greatest sum over the process and its
children, looked at every 20 ms. Tables come from tpchgen-cli and are kept in the cache folder (2.4 GB of
Parquet at scale 10). Goals are printed beside the figures; a miss is printed as a miss.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

PARTITIONS = 64
SIX = ("hash({})", "ring({}, virtual_nodes=128)", "jump({})", "maglev({})", "range({})", "list({})")
FIVE_KEYS = ("l_orderkey", "l_partkey", "l_suppkey", "l_shipdate", "l_shipmode")
LOOK_EVERY_S = 0.02
ASSAY = [sys.executable, "-m", "assay"]


@dataclass(frozen=True)
class Case:
    """One comparison: what it shows, its command after `assay compare partitioning`, and its goal."""

    name: str
    what: str
    arguments: list[str]
    goal_mib: int | None = None


@dataclass
class Measured:
    """What a process took."""

    wall_s: float
    processor_s: float
    peak_mib: float  # of the process, or of a child of it if that is greater
    tree_mib: float  # of all of them together, at the worst moment that was looked at
    answer: str
    timeline: list[tuple[float, float]] = field(default_factory=list)  # seconds, MiB of all processes


def folder_of(scale: float) -> Path:
    """The folder with lineitem and orders at this scale, made by a process that ends before anything is measured."""
    code = (
        "import sys\nfrom assay import open_dataset\n"
        "for table in ('lineitem', 'orders'):\n"
        "    [file] = open_dataset(f'tpch({table}, scale={sys.argv[1]})').files\nprint(file.parent)"
    )
    done = subprocess.run([sys.executable, "-c", code, f"{scale:g}"], stdout=subprocess.PIPE, text=True, check=True)
    return Path(done.stdout.strip())


def definition(folder: Path) -> Path:
    """lineitem with its foreign key to orders, and nothing else declared."""
    path = folder / "lineitem-orders.toml"
    path.write_text(
        'name = "lineitem"\nsource = { path = "lineitem.parquet" }\n'
        '[foreign_keys.orders]\ncolumns = ["l_orderkey"]\nparent = "orders.parquet"\nparent_columns = ["o_orderkey"]\n',
        encoding="utf-8",
    )
    return path


def cases(big: float, small: float, wanted: list[str], scratch: Path) -> Iterator[Case]:
    """Those that are wanted; the tables of others are not made."""

    def flags(keys: tuple[str, ...], *more: str) -> list[str]:
        strategies = [spelling.format(key) for key in keys for spelling in SIX]
        named = [word for text in strategies for word in ("--strategy", text)]
        return ["--partitions", str(PARTITIONS), *named, *more]

    def lineitem(scale: float) -> str:
        return str(folder_of(scale) / "lineitem.parquet")

    keep = ["--store", str(scratch / "kept.duckdb")]
    if "six" in wanted:
        yield Case(
            "six",
            "6 strategies of l_orderkey, balance + 4 actions, results in memory",
            [lineitem(big), *flags(FIVE_KEYS[:1], "--no-timing")],
            1024,
        )
    if "kept" in wanted:
        yield Case(
            "kept",
            "the same, results in a file, from which it could be resumed",
            [lineitem(big), *flags(FIVE_KEYS[:1], "--no-timing", *keep)],
            1024,
        )
    if "timed" in wanted:
        yield Case(
            "timed",
            "the same in memory, lookups and builds timed too",
            [lineitem(big), *flags(FIVE_KEYS[:1])],
            1024,
        )
    if "parent" in wanted:
        yield Case(
            "parent",
            "the same, and the foreign key to the 15 million orders",
            [str(definition(folder_of(big))), *flags(FIVE_KEYS[:1], "--no-timing")],
            1024,
        )
    if "five" in wanted:
        yield Case(
            "five",
            "5 keys x 6 strategies, balance + 4 actions + one foreign key",
            [str(definition(folder_of(small))), *flags(FIVE_KEYS, "--no-timing")],
            700,
        )


def measured(arguments: list[str]) -> Measured:
    """Runs the command to its end."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [*ASSAY, "compare", "partitioning", *arguments, "--format", "json"],
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        assert process.stdout is not None
        timeline: list[tuple[float, float]] = []
        over = threading.Event()

        def look() -> None:
            while not over.wait(LOOK_EVERY_S):
                timeline.append((time.monotonic() - started, sum(map(resident_mib, tree(process.pid)))))

        looker = threading.Thread(target=look)
        looker.start()
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        over.set()
        looker.join()
        if process.returncode:
            errors.seek(0)
            raise SystemExit(f"assay failed: {errors.read().decode()[-2000:]}")
    return Measured(
        time.monotonic() - started,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss / 1024,
        max(mib for _, mib in timeline),
        answer_of(json.loads(output)),
        timeline,
    )


def answer_of(found: dict[str, object]) -> str:
    """The answer's sentence."""
    answers = found["answers"]
    assert isinstance(answers, list)
    return str(answers[0]["sentence"])


def tree(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found = [pid]
    for one in found:
        try:
            found += [
                int(child)
                for task in Path(f"/proc/{one}/task").iterdir()
                for child in (task / "children").read_text().split()
            ]
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
    return found


def resident_mib(pid: int) -> float:
    """The resident set of a process; 0 if it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return 0.0


def main() -> None:
    """Runs what is asked for and writes the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--scale", type=float, default=10, help="of TPC-H, for the large table (10 has 60 million rows)"
    )
    parser.add_argument("--small-scale", type=float, default=2, help="for 5 keys (2 has 12 million rows)")
    names = ["six", "kept", "timed", "parent", "five"]
    parser.add_argument("--only", nargs="*", default=names, choices=names, help="which of the cases")
    parser.add_argument("--timeline", action="store_true", help="memory over time too, at most 40 lines a case")
    parser.add_argument("-o", "--output", type=Path, help="a file for the report")
    options = parser.parse_args()
    lines: list[str] = []

    def say(text: str) -> None:
        print(text, flush=True)
        lines.append(text)

    packages = ("assay", "pyarrow", "numpy", "duckdb")
    say(
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {platform.machine()}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f}"
    )
    say(", ".join(f"{name} {version(name)}" for name in packages) + f", Python {platform.python_version()}")
    say("command: python " + " ".join(["bench/harness/big_table.py", *sys.argv[1:]]))
    with tempfile.TemporaryDirectory(prefix="assay-big-") as scratch:
        for case in cases(options.scale, options.small_scale, options.only, Path(scratch)):
            run = measured(case.arguments)
            say(f"\n{case.name}: {case.what}")
            say(
                f"  {run.wall_s:7.2f} s  {run.processor_s:7.2f} processor-s  {run.peak_mib:7.0f} MiB"
                f"  ({run.tree_mib:.0f} MiB with all processes)"
            )
            say(f"  {run.answer}")
            if case.goal_mib is not None:
                met = "met" if run.peak_mib <= case.goal_mib else "MISSED"
                say(f"  greatest resident set: {run.peak_mib:.0f} MiB (goal <= {case.goal_mib} MiB: {met})")
            if options.timeline:
                step = max(1, len(run.timeline) // 40)
                for at in range(0, len(run.timeline), step):
                    moment = run.timeline[at : at + step]
                    say(f"  {moment[0][0]:7.2f} s  {max(mib for _, mib in moment):7.0f} MiB")
    if options.output is not None:
        options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
