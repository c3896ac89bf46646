"""Builds the fuzz targets and runs each for some seconds; exit code 1 at the first finding.

    python fuzz/run.py --seconds 600 [--only NAME ...] [--jobs N] [--address]

Targets in `targets/` are run by libFuzzer, coverage-guided, on the stable toolchain: what it needs of the compiler are
flags. Those in `python/` make random cases and compare with an oracle. Corpora, findings and what is built lie in
`target/fuzz`; a finding is a file `crash-...` there, or a seed, and is run alone by the command that is printed.
`--address` builds with the address sanitizer too, which takes a nightly toolchain.

To add a target: a file in `targets/`, its `[[bin]]` in Cargo.toml, its seeds in seeds.py; or a file in `python/`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FUZZ = Path(__file__).resolve().parent
COVERAGE = (
    "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 "
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table "
    "-Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing"
)
# What one input may take: a refusal that allocates what a header says is a finding.
LIMITS = ("-max_len=4096", "-timeout=10", "-rss_limit_mb=1024")


def rust_targets() -> list[str]:
    """The names of the targets that libFuzzer runs."""
    manifest = tomllib.loads((FUZZ / "Cargo.toml").read_text(encoding="utf-8"))
    return [target["name"] for target in manifest["bin"]]


def python_targets() -> list[str]:
    """The names of the targets that are scripts."""
    return sorted(path.stem for path in (FUZZ / "python").glob("*.py") if path.stem != "loop")


def why_not() -> str | None:
    """Why the Rust targets cannot be built here; None if they can."""
    if not shutil.which("cargo"):
        return "there is no cargo"
    if not any(map(shutil.which, ("c++", "g++", "clang++"))):
        return "there is no C++ compiler, which libFuzzer is built with"
    return None


def build(work: Path, address: bool) -> Path:
    """The folder with the built targets."""
    version = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    host = next(line.removeprefix("host: ") for line in version.splitlines() if line.startswith("host: "))
    environment = os.environ | {"RUSTFLAGS": COVERAGE + (" -Zsanitizer=address" if address else "")}
    # Flags hold for a named target only, so that build scripts are built without them.
    command = ["cargo", *(["+nightly"] if address else []), "build", "--quiet", "--release", "--bins"]
    command += ["--target", host, "--target-dir", str(work), "--manifest-path", str(FUZZ / "Cargo.toml")]
    subprocess.run(command, env=environment, check=True)
    return work / host / "release"


def command_of(target: str, built: Path | None, work: Path, seconds: float) -> list[str]:
    """What runs a target."""
    if built is None:
        script = str(FUZZ / "python" / f"{target}.py")
        return [sys.executable, script, str(seconds), "--findings", str(work)]
    corpus = work / "corpus" / target
    prefix = f"-artifact_prefix={work}/{target}-"
    whole_seconds = max(1, round(seconds))
    return [
        str(built / target),
        str(corpus),
        f"-max_total_time={whole_seconds}",
        prefix,
        "-print_final_stats=1",
        *LIMITS,
    ]


def run(target: str, command: list[str], seconds: float) -> bool:
    """Whether the target ran without a finding."""
    limit = seconds * 2 + 120
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=limit, check=False)
        said, code = done.stdout.decode(errors="replace").splitlines(), done.returncode
    except subprocess.TimeoutExpired:
        said, code = [f"still running after {limit:.0f} s"], 1
    if code:
        print(
            f"{target}: FINDING (exit code {code})\n" + "\n".join(said[-40:]) + f"\n  {' '.join(command)}", flush=True
        )
        return False
    runs = [line for line in said if line.startswith("stat::number_of_executed_units")]
    coverage = [line for line in said if "DONE" in line]
    what = (
        f"{runs[0].split()[-1]} inputs, {coverage[0].split('cov: ')[1].split()[0]} edges" if runs and coverage else ""
    )
    print(f"{target}: {what or said[-1].split(': ')[-1]}, no finding", flush=True)
    return True


def main() -> int:
    """Builds and runs what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30, help="how long each target runs")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many targets run at once")
    parser.add_argument("--address", action="store_true", help="with the address sanitizer (nightly)")
    arguments = parser.parse_args()
    known = [*rust_targets(), *python_targets()]
    unknown = set(arguments.only) - set(known)
    if unknown:
        parser.error(f"there is no target {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    chosen = arguments.only or known
    work = (
        FUZZ.parent / "target" / "fuzz" if "FUZZ_TARGET_DIR" not in os.environ else Path(os.environ["FUZZ_TARGET_DIR"])
    )
    work.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, str(FUZZ / "seeds.py"), str(work / "corpus")], check=True)
    built = None
    if set(chosen) & set(rust_targets()):
        if reason := why_not():
            print(f"skipped: {', '.join(target for target in rust_targets() if target in chosen)}: {reason}")
            chosen = [target for target in chosen if target in python_targets()]
        else:
            built = build(work, arguments.address)

    def one(target: str) -> bool:
        command = command_of(target, built if target in rust_targets() else None, work, arguments.seconds)
        return run(target, command, arguments.seconds)

    with ThreadPoolExecutor(max(1, arguments.jobs)) as pool:
        return 0 if all(list(pool.map(one, chosen))) else 1


if __name__ == "__main__":
    raise SystemExit(main())
