"""What the operating system tells of the machine: processor, limits, clocks, containers, and who used the processor.

Everything is read from files under /proc, /sys and /run, and nothing is changed. A file that is not there (another
system, a container without it) means that the fact is not known: it is None, never a guess. `root` is where the tree
begins, so that tests bring their own. Cost: some dozens of small files, about a millisecond.

Source: Linux, Documentation/admin-guide/{pm/cpufreq,cgroup-v1,cgroup-v2,sysctl/kernel}.rst and proc(5).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Machine", "ProcessorTimes"]

_CPU = "sys/devices/system/cpu"
_NO_RANDOMIZATION = 0x0040000  # ADDR_NO_RANDOMIZE of personality(2)
_UNLIMITED = 1 << 60  # bytes; version 1 of control groups writes "no limit" as a number above
_CONTAINERS = (("kubepods", "kubernetes"), ("docker", "docker"), ("containerd", "containerd"), ("lxc", "lxc"))


@dataclass(frozen=True)
class ProcessorTimes:
    """Who had the processors since the machine started, in clock ticks summed over all of them."""

    busy: int  # anybody's work, the kernel's included
    steal: int  # ready to run here, but the hypervisor ran somebody else
    total: int

    def since(self, before: ProcessorTimes) -> tuple[float, float] | None:
        """The shares busy and stolen since `before`; None where no tick has passed."""
        total = self.total - before.total
        return ((self.busy - before.busy) / total, (self.steal - before.steal) / total) if total > 0 else None


@dataclass(frozen=True)
class Machine:
    """The machine below `root`."""

    root: Path = Path("/")

    def read(self, path: str) -> str | None:
        """The text of a file, or None if there is none that can be read."""
        try:
            return (self.root / path).read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return None

    @property
    def governors(self) -> list[str]:
        """The frequency governors of the processors, each once; empty where they are not visible."""
        found = (self.read(f"{_CPU}/{name}/cpufreq/scaling_governor") for name in self._processors())
        return sorted({governor for governor in found if governor})

    @property
    def turbo(self) -> bool | None:
        """Whether a core may run faster than its base frequency while others are idle."""
        if (text := self.read(f"{_CPU}/intel_pstate/no_turbo")) in ("0", "1"):
            return text == "0"
        return text == "1" if (text := self.read(f"{_CPU}/cpufreq/boost")) in ("0", "1") else None

    @property
    def smt(self) -> bool | None:
        """Whether two logical cores share a physical one."""
        if (text := self.read(f"{_CPU}/smt/active")) in ("0", "1"):
            return text == "1"
        siblings = self.read(f"{_CPU}/cpu0/topology/thread_siblings_list")
        return None if siblings is None else bool(re.search(r"[,-]", siblings))

    @property
    def aslr(self) -> str | None:
        """Whether this process's addresses are drawn anew at each start: full, partial or off."""
        level = self.read("proc/sys/kernel/randomize_va_space")
        personality = self.read("proc/self/personality")
        if personality and re.fullmatch(r"[0-9a-f]+", personality) and int(personality, 16) & _NO_RANDOMIZATION:
            return "off"
        return {"0": "off", "1": "partial", "2": "full"}.get(level or "")

    @property
    def clock_source(self) -> str | None:
        """What the kernel reads the time from: tsc, kvm-clock, hpet ..."""
        return self.read("sys/devices/system/clocksource/clocksource0/current_clocksource")

    @property
    def virtualised(self) -> bool | None:
        """Whether a hypervisor announces itself."""
        text = self.read("proc/cpuinfo") or ""
        flags = next((line for line in text.splitlines() if line.startswith(("flags", "Features"))), None)
        return None if flags is None or flags.startswith("Features") else "hypervisor" in flags.split()

    @property
    def container(self) -> str | None:
        """The kind of container that this process is in; None where none shows."""
        if "KUBERNETES_SERVICE_HOST" in os.environ and self.root == Path("/"):
            return "kubernetes"
        if (self.root / "run/.containerenv").exists():
            return "podman"
        groups = self.read("proc/1/cgroup") or ""
        for mark, name in _CONTAINERS:
            if mark in groups:
                return name
        if (self.root / ".dockerenv").exists():
            return "docker"
        return self.read("run/systemd/container") or None

    @property
    def cpu_limit_cores(self) -> float | None:
        """How many cores' time the control groups allow; None without a limit."""
        limits = []
        for folder in self._group_folders("cpu"):
            quota, _, period = (self.read(f"{folder}/cpu.max") or "").partition(" ")
            if not quota:
                quota = self.read(f"{folder}/cpu.cfs_quota_us") or ""
                period = self.read(f"{folder}/cpu.cfs_period_us") or ""
            if quota.isdigit() and period.isdigit() and int(period):
                limits.append(int(quota) / int(period))
        return min(limits, default=None)

    @property
    def memory_limit_bytes(self) -> int | None:
        """How much memory the control groups allow; None without a limit."""
        limits = []
        for folder in self._group_folders("memory"):
            text = self.read(f"{folder}/memory.max") or self.read(f"{folder}/memory.limit_in_bytes") or ""
            if text.isdigit() and int(text) < _UNLIMITED:
                limits.append(int(text))
        return min(limits, default=None)

    @property
    def throttled_periods(self) -> int | None:
        """How often the control groups stopped this process for the rest of a period, since they exist."""
        found = []
        for folder in self._group_folders("cpu"):
            text = self.read(f"{folder}/cpu.stat") or ""
            found += [int(count) for count in re.findall(r"^nr_throttled (\d+)$", text, re.MULTILINE)]
        return max(found, default=None)

    @property
    def cache_bytes(self) -> dict[str, int] | None:
        """The bytes of the caches that hold the first processor's data, by name, the smallest first: L1, L2, L3."""
        found: dict[str, int] = {}
        for index in range(8):
            folder = f"{_CPU}/cpu0/cache/index{index}"
            size = re.fullmatch(r"(\d+)([KM])", self.read(f"{folder}/size") or "")
            level = self.read(f"{folder}/level") or ""
            if size and level.isdigit() and self.read(f"{folder}/type") != "Instruction":
                found[f"L{level}"] = int(size[1]) << {"K": 10, "M": 20}[size[2]]
        return dict(sorted(found.items(), key=lambda one: one[1])) or None

    @property
    def last_cache_bytes(self) -> int | None:
        """The size of the largest cache that the first processor uses."""
        sizes = []
        for index in range(8):
            found = re.fullmatch(r"(\d+)([KM])", self.read(f"{_CPU}/cpu0/cache/index{index}/size") or "")
            if found:
                sizes.append(int(found[1]) << {"K": 10, "M": 20}[found[2]])
        return max(sizes, default=None)

    @property
    def memory_available_bytes(self) -> int | None:
        """What can be allocated without swapping."""
        found = re.search(r"^MemAvailable:\s+(\d+) kB$", self.read("proc/meminfo") or "", re.MULTILINE)
        return None if found is None else int(found[1]) << 10

    def processor_times(self) -> ProcessorTimes | None:
        """Who had the processors so far."""
        line = (self.read("proc/stat") or "").partition("\n")[0].split()
        if not line or line[0] != "cpu" or len(line) < 6 or not all(text.isdigit() for text in line[1:]):
            return None
        ticks = [int(text) for text in line[1:9]]  # guests are counted within user and nice
        idle, steal = ticks[3] + ticks[4], ticks[7] if len(ticks) > 7 else 0
        return ProcessorTimes(sum(ticks) - idle - steal, steal, sum(ticks))

    def _processors(self) -> list[str]:
        try:
            names = os.listdir(self.root / _CPU)  # noqa: PTH208
        except OSError:
            return []
        return sorted(name for name in names if re.fullmatch(r"cpu\d+", name))

    def _group_folders(self, controller: str) -> Iterator[str]:
        """The folders of this process's control groups and of those around them, in either version."""
        for line in (self.read("proc/self/cgroup") or "").splitlines():
            number, _, rest = line.partition(":")
            controllers, _, path = rest.partition(":")
            if number == "0":
                bases = ["sys/fs/cgroup", "sys/fs/cgroup/unified"]
            elif controller in controllers.split(","):
                bases = [f"sys/fs/cgroup/{name}" for name in dict.fromkeys((controllers, controller))]
            else:
                continue
            parts = [part for part in path.split("/") if part and part != ".."]
            for base in bases:
                for length in range(len(parts), -1, -1):
                    yield "/".join([base, *parts[:length]])
