"""How noisy is this machine now, why, and what could one do about it? Findings, each with its meaning; nothing changed.

    examine(seconds=10) → Diagnosis
        .answer      "Differences below 1.3 % cannot be told apart on this machine now."
        .findings    what was found: a value for programs, words for people, its meaning, and a way out
        .failures    what should have been measured and could not be

What a system does not show (a governor within a virtual machine, /proc on macOS) is left out and named in `hidden`.
Cost: about as long as it is told, most of it for the noise floor; half a second of doing nothing shows who else runs.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any, Literal

from assay.errors import AssayError, ParameterError
from assay.harness import probes
from assay.harness.environment import (
    cores_usable,
    cpu_model,
    load_1m,
    memory_bytes,
    package_version,
)
from assay.harness.machine import Machine
from assay.harness.plug_in_check import check_plug_ins
from assay.harness.statistics import SMALLEST_EFFECT
from assay.harness.timing_settings import TimingSettings
from assay.units import format_bytes

__all__ = ["Diagnosis", "Finding", "State", "examine"]

State = Literal["good", "note", "poor"]
TOPICS = ("noise", "processor", "system", "clock", "memory", "disk", "software")
GIB = 1 << 30
LEAST_DISK_BYTES = GIB
LEAST_SECONDS = 2.0
QUICK_SECONDS = 3.0
PROCESSES_START_S = 1.5  # until three timing processes have built and calibrated their kernels
SLOW_CLOCKS = ("hpet", "acpi_pm", "jiffies", "pit")
BUSY, VERY_BUSY = 0.1, 0.5  # shares of the processors that others use
STEAL = 0.01
SAMPLE_NS = TimingSettings.target_sample_ns


@dataclass(frozen=True)
class Finding:
    """One thing that was found out, for programs (`value`) and for people."""

    topic: str  # noise, processor, system, clock, memory, disk, software
    name: str
    value: Any  # plain JSON
    text: str
    state: State
    meaning: str
    advice: str = ""  # what one could do; empty where there is nothing to do


@dataclass(frozen=True)
class Diagnosis:
    """All findings, the worst said first in `answer`."""

    answer: str
    findings: tuple[Finding, ...]
    hidden: tuple[str, ...]  # what this system does not show
    failures: tuple[str, ...]  # what could not be measured, each with its reason


@dataclass
class _Examination:
    machine: Machine
    store_folder: Path
    findings: list[Finding] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def add(self, topic: str, name: str, value: Any, text: str, state: State, meaning: str, advice: str = "") -> None:
        self.findings.append(Finding(topic, name, value, text, state, meaning, "" if state == "good" else advice))

    def hide(self, name: str) -> None:
        self.hidden.append(name)

    def attempt(self, what: Callable[[], None], name: str) -> None:
        """A part that measures: if it cannot, that is told and the others go on."""
        try:
            what()
        except (AssayError, OSError, MemoryError) as error:
            self.failures.append(f"{name}: {error or type(error).__name__}")


def examine(
    *,
    seconds: float = 10.0,
    quick: bool = False,
    store_folder: Path | None = None,
    machine: Machine | None = None,
    on_step: Callable[[str], None] = lambda _: None,
) -> Diagnosis:
    """Looks at the machine and measures its noise.

    Args:
        seconds: About how long it may take in all, at least 2.
        quick: A few seconds, with fewer rounds and without kernels beyond the cache; `seconds` is then not looked at.
        store_folder: Where results would be stored: the current folder by default.
        machine: Where facts are read from; this machine.
        on_step: Told what is being measured.

    Raises:
        ParameterError: `seconds` is below 2.
    """
    if not seconds >= LEAST_SECONDS:
        raise ParameterError(f"seconds is {seconds:g}; expected at least {LEAST_SECONDS:g}")
    seconds = QUICK_SECONDS if quick else seconds
    started = time.monotonic()
    found = _Examination(machine or Machine(), store_folder or Path.cwd())
    on_step("looking who else uses the processors")
    found.attempt(lambda: _use(found, 0.2 if quick else 0.5), "use of the processors")
    on_step("reading what the system tells")
    _processor(found)
    _system(found)
    on_step("timing the clock and the memory")
    found.attempt(lambda: _clock(found), "clock")
    found.attempt(lambda: _memory(found, 0.1 if quick else 0.3), "memory")
    found.attempt(lambda: _disk(found), "disk")
    found.attempt(lambda: _software(found), "software")
    on_step("timing a kernel against itself")
    floors: list[probes.NoiseFloor] = []
    left = seconds - (time.monotonic() - started) - PROCESSES_START_S
    found.attempt(lambda: floors.extend(_noise(found, max(1.0, left), quick)), "noise floor")
    ordered = sorted(found.findings, key=lambda one: (TOPICS.index(one.topic), not one.name.startswith("noise_floor")))
    return Diagnosis(_answer(floors), tuple(ordered), tuple(found.hidden), tuple(found.failures))


def _answer(floors: Sequence[probes.NoiseFloor]) -> str:
    if not floors:
        return "How noisy this machine is could not be measured."
    worst = max(floors, key=lambda one: one.bound)
    best = min(floors, key=lambda one: one.bound)
    only = "" if len(floors) > 1 else ", where the work stays in the cache; other work was not timed"
    if worst.floor <= SMALLEST_EFFECT:
        return (
            f"Differences of {_percent(SMALLEST_EFFECT)} and more can be told apart on this machine now: its noise is "
            f"{_percent(worst.floor)}{only}."
        )
    sentence = f"Differences below {_percent(worst.bound)} cannot be told apart on this machine now"
    if best.bound < worst.bound:
        sentence += f"; where the work stays in the cache, those below {_percent(best.bound)}"
    return f"{sentence}{only}."


def _noise(found: _Examination, seconds: float, quick: bool) -> Iterator[probes.NoiseFloor]:
    settings = (
        TimingSettings(processes=2, rounds=10, seconds=1.0) if quick else TimingSettings(seconds=seconds, rounds=60)
    )
    for one in probes.noise_floors(settings, uncached=not quick):
        where = "stays in the cache" if one.kernel == "hash_cached_ns" else "goes to memory"
        name = one.kernel.removeprefix("hash_").removesuffix("_ns")
        state: State = "good" if one.floor <= SMALLEST_EFFECT else "note" if one.floor <= 1.05 else "poor"
        found.add(
            "noise",
            f"noise_floor_{name}",
            one.floor,
            f"{_percent(one.floor)} ({one.rounds} rounds in {one.processes} processes, {one.ns:.2f} ns a key)",
            state,
            f"a kernel that {where}, timed against itself as a run does: copies of the same code seem to differ by so "
            "much",
            "end what else runs, then ask again; or give runs more time: --budget 5m narrows intervals",
        )
        found.add(
            "noise",
            f"single_sample_{name}",
            one.single,
            f"one in twenty is off by {_percent(one.single)} or more",
            "good" if one.single <= 1.05 else "note",
            "one measurement without repetition against the median: why a run takes the minimum of several samples",
            "do not trust a single timing on this machine",
        )
        yield one


def _use(found: _Examination, seconds: float) -> None:
    use = probes.watch_use(found.machine, seconds)
    load, cores = load_1m(), cores_usable() or 1
    if load is None:
        found.hide("load")
    else:
        found.add(
            "noise",
            "load_1m",
            load,
            f"{load:.1f} processes on {cores} core{'s' if cores > 1 else ''}",
            "good" if load < 0.5 * cores else "note" if load <= cores else "poor",
            "how many ran or waited over the last minute; above the number of cores, timed code waits too",
            "wait, or end what runs: `top` shows it",
        )
    if use.busy is None or use.steal is None:
        found.hide("busy and stolen time")
        return
    found.add(
        "noise",
        "busy_share",
        use.busy,
        f"{100 * use.busy:.0f} % of the processors while nothing ran here",
        "good" if use.busy < BUSY else "note" if use.busy < VERY_BUSY else "poor",
        "other processes evict caches and take turns on the cores",
        "wait, or end what runs: `top` shows it",
    )
    found.add(
        "noise",
        "steal_share",
        use.steal,
        f"{100 * use.steal:.1f} % of the time",
        "good" if use.steal < STEAL else "poor",
        "time in which the hypervisor ran somebody else instead: other machines on this host are busy",
        "take a machine with dedicated cores, or time at a quieter hour",
    )
    if use.throttled:
        found.add(
            "noise",
            "throttled_periods",
            use.throttled,
            f"stopped {use.throttled} times in {use.seconds:g} s",
            "poor",
            "the control group's quota was used up, and everything in it stood still for the rest of a period",
            "lift the limit while timing: docker run without --cpus, a Kubernetes pod without a CPU limit",
        )


def _processor(found: _Examination) -> None:
    machine = found.machine
    logical, usable = os.cpu_count(), cores_usable()
    model = cpu_model(machine)
    found.add(
        "processor",
        "cores",
        {"logical": logical, "usable": usable},
        f"{logical} logical, {usable} usable" + (f": {model}" if model else ""),
        "note" if usable == 1 else "good",
        "one core times while another runs everything else" if usable != 1 else "timed code shares it with all else",
        "allow a second core, so that other work does not wait for the timed one",
    )
    if (limit := machine.cpu_limit_cores) is not None:
        found.add(
            "processor",
            "cpu_limit_cores",
            limit,
            f"{limit:g} cores' time, by the control group",
            "note",
            "when it is used up, everything stands still for the rest of a period, often 100 ms",
            "lift the limit while timing; with --jobs, use no more processes than cores",
        )
    smt = machine.smt
    if smt is None:
        found.hide("hyper-threading")
    else:
        found.add(
            "processor",
            "smt",
            smt,
            "two threads share a core" if smt else "no thread shares a core, as far as this system shows",
            "note" if smt else "good",
            "threads of one core slow one another, by up to a half" if smt else "no sibling slows a timed thread",
            "keep siblings idle: taskset -c with one number of each pair in .../topology/thread_siblings_list",
        )
    if not machine.governors:
        found.hide("frequency governor")
    else:
        steady = machine.governors == ["performance"]
        found.add(
            "processor",
            "governor",
            machine.governors,
            ", ".join(machine.governors),
            "good" if steady else "note",
            "the frequency stays up" if steady else "the frequency follows the load: what begins cold is timed slow",
            "while timing: sudo cpupower frequency-set -g performance",
        )
    if machine.turbo is None:
        found.hide("turbo")
    else:
        found.add(
            "processor",
            "turbo",
            machine.turbo,
            "on" if machine.turbo else "off",
            "note" if machine.turbo else "good",
            "the speed depends on temperature and on what other cores do" if machine.turbo else "the speed is steady",
            "compare within one run, where contenders alternate; or switch it off while timing "
            "(cpufreq/boost, intel_pstate/no_turbo)",
        )


def _system(found: _Examination) -> None:
    machine = found.machine
    if machine.virtualised is None:
        found.hide("virtualisation")
    else:
        found.add(
            "system",
            "virtualised",
            machine.virtualised,
            "a virtual machine" if machine.virtualised else "no hypervisor shows",
            "note" if machine.virtualised else "good",
            "neighbours on the host share caches and memory unseen" if machine.virtualised else "the hardware is yours",
            "trust ratios within one run, not absolute times; take dedicated hardware for those",
        )
    container = machine.container
    found.add(
        "system",
        "container",
        container,
        container or "none shows",
        "good",
        "a container itself costs nothing; its limits do, and files of the machine may be hidden",
    )
    aslr = machine.aslr
    if aslr is None:
        found.hide("address space randomization")
    else:
        found.add(
            "system",
            "aslr",
            aslr,
            aslr,
            "good" if aslr == "full" else "note",
            "each process has another layout, which is part of its time: a run therefore times several processes"
            if aslr == "full"
            else "all processes have the same layout: their agreement says less",
            "leave randomization on, so that several processes show what a layout costs",
        )
    found.add("system", "system", platform.platform(), platform.platform(), "good", "part of what a run stores")


def _clock(found: _Examination) -> None:
    clock = probes.probe_clock()
    source = found.machine.clock_source
    if source is None:
        found.hide("clock source")
    else:
        found.add(
            "clock",
            "clock_source",
            source,
            source,
            "poor" if source in SLOW_CLOCKS else "good",
            "reading the time is a slow system call" if source in SLOW_CLOCKS else "read without a system call",
            "look in the kernel's log why the time stamp counter was given up (dmesg | grep -i tsc)",
        )
    share = (clock.step_ns + clock.read_ns) / SAMPLE_NS
    found.add(
        "clock",
        "timer",
        {
            "resolution_ns": clock.resolution_ns,
            "step_ns": clock.step_ns,
            "read_ns": clock.read_ns,
            "thread_read_ns": clock.thread_read_ns,
        },
        f"steps of {clock.step_ns:.0f} ns; {clock.read_ns:.0f} ns to read, {clock.thread_read_ns:.0f} ns for the "
        "thread's own",
        "good" if share < 0.001 else "note" if share < 0.01 else "poor",
        f"{100 * share:.2g} % of a sample of {SAMPLE_NS / 1e6:g} ms, so that "
        + ("it does not matter" if share < 0.001 else "short kernels seem slower than they are"),
        "find out why reading the time is slow; the clock source above is the usual reason",
    )


def _memory(found: _Examination, seconds: float) -> None:
    machine = found.machine
    whole, limit, free = memory_bytes(), machine.memory_limit_bytes, machine.memory_available_bytes
    if whole is None:
        found.hide("memory")
    else:
        have = [bound for bound in (free, limit) if bound is not None]
        least = min(have, default=whole)
        found.add(
            "memory",
            "memory",
            {"bytes": whole, "available_bytes": free, "limit_bytes": limit},
            format_bytes(whole)
            + (f", {format_bytes(free)} available" if free is not None else "")
            + (f", limited to {format_bytes(limit)} by the control group" if limit is not None else ""),
            "good" if least >= GIB else "poor",
            "partitioning keeps each distinct key with its counts and what finds it; once memory is swapped, no time "
            "is worth anything",
            "free some, or set memory_limit in the suite so that counting goes to disk",
        )
    speed = probes.memory_bandwidth(machine, seconds=seconds)
    found.add(
        "memory",
        "memory_bandwidth",
        {"array_bytes": speed.array_bytes, "copy_bytes_s": speed.copy, "sum_bytes_s": speed.sum},
        f"{speed.copy / 1e9:.1f} GB/s copied (read and written), {speed.sum / 1e9:.1f} GB/s summed, one thread",
        "good",
        "the most that a scan or a hash of long columns can reach with one thread here",
    )


def _disk(found: _Examination) -> None:
    for name, folder, what in (
        ("store_disk", found.store_folder, "where a store would be written"),
        ("temporary_disk", Path(tempfile.gettempdir()), "where streams and key tables beyond the memory limit go"),
    ):
        there = next(one for one in (folder, *folder.parents) if one.is_dir())  # a folder that is yet to be made
        free = shutil.disk_usage(there).free
        found.add(
            "disk",
            name,
            {"free_bytes": free},
            f"{format_bytes(free)} free in {'this folder' if name == 'store_disk' else 'the temporary folder'}",
            "good" if free >= LEAST_DISK_BYTES else "poor",
            what,
            "free some, or name another place: --store FILE, TMPDIR",
        )


def _software(found: _Examination) -> None:
    names = sorted(_required())
    versions = {name: version for name in names if (version := package_version(name))}
    found.add(
        "software",
        "versions",
        {"assay": package_version("assay"), "python": platform.python_version(), **versions},
        f"assay {package_version('assay') or 'from a checkout'}, {platform.python_implementation()} "
        f"{platform.python_version()}; " + ", ".join(f"{name} {version}" for name, version in versions.items()),
        "good",
        "part of what a run stores: other versions, other times",
    )
    checked = check_plug_ins()
    broken = [(one, error) for one, error in checked if error is not None]
    found.add(
        "software",
        "plug_ins",
        [
            {"kind": one.kind, "name": one.name, "package": one.package, "version": one.version, "error": error}
            for one, error in checked
        ],
        f"{len(checked)} found" + (f", {len(broken)} of them cannot be used" if broken else "") if checked else "none",
        "poor" if broken else "good",
        "; ".join(f"{one}: {error}" for one, error in broken) or "what other packages bring: assay list plugins",
        "mend or uninstall the package: " + ", ".join(dict.fromkeys(one.package for one, _ in broken)),
    )


def _required() -> list[str]:
    """The packages that assay needs, and those of its extras that are there; numpy and the like."""
    try:
        lines = requires("assay") or []
    except PackageNotFoundError:
        lines = ["pyarrow", "polars", "duckdb", "numpy", "pydantic"]
    return list(dict.fromkeys(re.split(r"[^\w.-]", line)[0] for line in lines if "extra" not in line))


def _percent(ratio: float) -> str:
    """A ratio of at least 1 as the share by which it exceeds 1."""
    excess = 100 * (ratio - 1)
    if excess >= 100:
        return f"a factor of {ratio:.1f}"
    return f"{excess:.1f} %" if excess < 10 else f"{excess:.0f} %"
