"""Tries the wheel as a new user would: in an empty environment, away from the checkout.

    python scripts/try_wheel.py                   builds the wheel (minutes), installs it with what it needs, tries it
    python scripts/try_wheel.py --wheel FILE      tries a wheel that is there
    python scripts/try_wheel.py --without-index   takes what assay needs from this environment: no network

First the wheel's list of files is checked: what must be there (module, types, suites, definitions, migrations, views,
the chart library with its licences), and what must not (tests, caches, stores, files of the build). Then commands run
in a folder of their own, on a CSV that is made on the spot, and the time of each is printed. The first that fails ends
it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parents[1]
NEEDED = (
    r"assay/__init__\.py",
    r"assay/py\.typed",
    r"assay/_core\.pyi",
    r"assay/_core\.(abi3\.so|pyd)",
    r"assay/_bench/flights\.toml",
    r"assay/_datasets/flights\.toml",
    r"assay/_datasets/tpch_lineitem\.toml",
    r"assay/_datasets/cache2k_web12\.parquet",
    r"assay/_datasets/LICENCES\.md",
    r"assay/store/migrations/001_initial\.sql",
    r"assay/store/views/result\.sql",
    r"assay/report/vendor/.+\.js",
    r"assay/report/vendor/.+\.LICENSE",
    r"assay/report/assets/.+",
    r"assay-[^/]+\.dist-info/METADATA",
    r"assay-[^/]+\.dist-info/entry_points\.txt",
    r"assay-[^/]+\.dist-info/licenses/LICENSE-APACHE",
    r"assay-[^/]+\.dist-info/licenses/LICENSE-MIT",
)
UNWANTED = (
    r"(^|/)tests?/",
    r"(^|/)__pycache__/",
    r"\.(rs|pyc|orig|rej|lock|log|tmp|duckdb|so\.\d+)$",
    r"(^|/)\.",
    r"(^|/)(Cargo|pyproject)\.toml$",
    r"^(?!assay/|assay-[^/]+\.dist-info/|assay\.libs/)",
)
MOST_MIB = 20
_T = TypeVar("_T")


class FailedError(Exception):
    """A step that did not go as it must; the message says which."""


def main() -> int:
    """Builds, checks, installs, tries; 1 if a step fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheel", type=Path, help="this wheel, instead of one that is built now")
    parser.add_argument("--without-index", action="store_true", help="dependencies from this environment")
    given = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="assay-wheel-") as folder:
            wheel = given.wheel or built(Path(folder))
            check_files(wheel)
            python = step("a fresh environment", lambda: installed(wheel, Path(folder), given.without_index))
            home = Path(folder, "home")
            home.mkdir()
            try_commands(python, home)
    except FailedError as failure:
        print(f"failed: {failure}", file=sys.stderr)
        return 1
    return 0


def step(name: str, call: Callable[[], _T]) -> _T:
    """Runs one step and prints how long it took."""
    started = time.perf_counter()
    result = call()
    print(f"{name:58} {time.perf_counter() - started:7.1f} s", flush=True)
    return result


def built(folder: Path) -> Path:
    """The wheel of this checkout, built for release."""
    command = [
        sys.executable,
        "-m",
        "maturin",
        "build",
        "--release",
        "--strip",
        "--quiet",
        "-o",
        str(folder / "wheels"),
    ]
    step("maturin build --release --strip", lambda: run(command, cwd=ROOT, seconds=3600))
    (wheel,) = (folder / "wheels").glob("*.whl")
    return wheel


def check_files(wheel: Path) -> None:
    """What the wheel holds, and what it must not hold."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        unpacked = sum(entry.file_size for entry in archive.infolist())
    missing = [pattern for pattern in NEEDED if not any(re.fullmatch(pattern, name) for name in names)]
    unwanted = [name for name in names if any(re.search(pattern, name) for pattern in UNWANTED)]
    packed = wheel.stat().st_size
    print(f"{wheel.name}: {len(names)} files, {packed / 2**20:.1f} MiB, {unpacked / 2**20:.1f} MiB unpacked")
    if missing or unwanted:
        raise FailedError(f"the wheel lacks {missing}; it should not hold {unwanted}")
    if packed > MOST_MIB * 2**20:
        raise FailedError(f"the wheel has {packed / 2**20:.1f} MiB; expected at most {MOST_MIB}")


def installed(wheel: Path, folder: Path, without_index: bool) -> Path:
    """The interpreter of a fresh environment with the wheel in it."""
    place = folder / "environment"
    venv.create(place, with_pip=False, symlinks=os.name != "nt")
    python = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "install", "--quiet"]
    if without_index:
        site = Path(sysconfig.get_path("purelib", "venv", {"base": str(place)}))
        shared = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
        (site / "what_assay_needs.pth").write_text("\n".join(shared) + "\n", encoding="utf-8")
        pip += ["--no-deps", "--no-index", "--ignore-installed"]
    run([*pip, str(wheel)], cwd=folder, seconds=1800)
    return python


def try_commands(python: Path, home: Path) -> None:
    """What a new user does first, on a table of their own."""
    rows = [f"{number},customer-{number * number % 97},{number % 3},{1000 + number % 50}" for number in range(3000)]
    (home / "orders.csv").write_text("\n".join(["order,customer,shop,cents", *rows]) + "\n", encoding="utf-8")
    assay = str(python.with_name("assay"))

    def said(*arguments: str, code: int = 0) -> str:
        return step(
            "assay " + " ".join(arguments)[:50], lambda: run([assay, *arguments], cwd=home, seconds=600, code=code)
        )

    where = run([str(python), "-c", "import assay; print(assay.__file__)"], cwd=home, seconds=60)
    expect("environment" in where and str(ROOT) not in where, f"assay is imported from {where}")
    expect(said("--version").startswith("assay "), "--version")
    expect("compare" in said("--help"), "--help")
    expect("partitioning" in said("list", "experiments"), "list experiments")
    expect("flights" in said("list", "datasets"), "the definitions are not there")
    expect("there is no verb" in said("compair", code=2), "a verb that is misspelt")
    expect("customer" in said("data", "orders.csv"), "data")
    command = ("compare", "partitioning", "orders.csv", "--key", "customer", "--partitions", "4")
    found = json.loads(said(*command, "--rounds", "1", "--jobs", "2", "--format", "json", "--report", "one.html"))
    timed = [row for row in found["results"] if row["metric"] == "lookup_ns"]
    expect(bool(found["answer"]) and bool(timed), "compare has no answer, or timed nothing")
    said("init", "orders.csv", "-o", "orders.toml")
    expect("no mistake" in said("check", "orders.toml"), "check")
    said("run", "orders.toml", "--no-timing", "--store", "orders.duckdb")
    said("watch", "--once", "--store", "orders.duckdb")
    said("report", "--store", "orders.duckdb", "-o", "orders.html")
    expect("contender" in said("sql", "SELECT contender FROM result LIMIT 1", "--store", "orders.duckdb"), "sql")
    diagnosis = json.loads(said("doctor", "--quick", "--format", "json"))
    expect(bool(diagnosis["answer"]), "doctor has no answer")
    for page in ("one.html", "orders.html"):
        text = (home / page).read_text(encoding="utf-8")
        expect("vega" in text and len(text) < 3 << 20, f"{page} is no report of less than 3 MiB")
    script = "import assay, pyarrow as pa; print(assay.hash(pa.array(['a', 'b'])).type)"
    expect(run([str(python), "-c", script], cwd=home, seconds=60).strip() == "uint64", "assay.hash")


def expect(met: bool, what: str) -> None:
    """Ends the trial unless `met`."""
    if not met:
        raise FailedError(what)


def run(command: list[str], *, cwd: Path, seconds: float, code: int = 0) -> str:
    """What a command prints; it must end with `code`, and knows nothing of this checkout."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        command, cwd=cwd, env={**environment, "COLUMNS": "100"}, capture_output=True, text=True, timeout=seconds,
        check=False,
    )  # fmt: skip
    if done.returncode != code:
        raise FailedError(f"{' '.join(command)} ended with {done.returncode}, not {code}:\n{done.stdout}{done.stderr}")
    return done.stdout + (done.stderr if code else "")


if __name__ == "__main__":
    sys.exit(main())
