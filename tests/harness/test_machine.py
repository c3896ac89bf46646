"""What files of the system say of the machine, from trees that tests make; a file that is not there is no fact."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.harness.environment import environment_facts, environment_id
from assay.harness.machine import Machine, ProcessorTimes

CPU = "sys/devices/system/cpu"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def write(machine: Machine, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = machine.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")


def test_an_empty_tree_tells_nothing_and_nothing_is_guessed(machine: Machine) -> None:
    assert machine.governors == []
    for name in (
        "turbo", "smt", "aslr", "clock_source", "virtualised", "container", "cpu_limit_cores", "memory_limit_bytes",
        "throttled_periods", "cache_bytes", "last_cache_bytes", "memory_available_bytes",
    ):  # fmt: skip
        assert getattr(machine, name) is None, name
    assert machine.processor_times() is None


def test_each_governor_is_named_once(machine: Machine) -> None:
    write(machine, {f"{CPU}/cpu{n}/cpufreq/scaling_governor": "powersave" if n else "performance" for n in range(3)})
    assert machine.governors == ["performance", "powersave"]


@pytest.mark.parametrize(
    ("path", "text", "turbo"),
    [
        ("intel_pstate/no_turbo", "0", True),
        ("intel_pstate/no_turbo", "1", False),
        ("cpufreq/boost", "1", True),
        ("cpufreq/boost", "0", False),
        ("cpufreq/boost", "?", None),
    ],
)
def test_turbo_is_known_of_intel_and_of_others(machine: Machine, path: str, text: str, turbo: bool | None) -> None:
    write(machine, {f"{CPU}/{path}": text})
    assert machine.turbo is turbo


def test_siblings_show_hyper_threading_where_nothing_else_does(machine: Machine) -> None:
    write(machine, {f"{CPU}/cpu0/topology/thread_siblings_list": "0,4"})
    assert machine.smt is True
    write(machine, {f"{CPU}/cpu0/topology/thread_siblings_list": "0"})
    assert machine.smt is False
    write(machine, {f"{CPU}/smt/active": "1"})
    assert machine.smt is True


def test_randomization_may_be_off_for_the_machine_or_for_this_process(machine: Machine) -> None:
    write(machine, {"proc/sys/kernel/randomize_va_space": "2", "proc/self/personality": "00000000"})
    assert machine.aslr == "full"
    write(machine, {"proc/self/personality": "00040000"})
    assert machine.aslr == "off"
    write(machine, {"proc/self/personality": "00000000", "proc/sys/kernel/randomize_va_space": "1"})
    assert machine.aslr == "partial"


def test_the_tightest_limit_of_nested_control_groups_counts(machine: Machine) -> None:
    write(
        machine,
        {
            "proc/self/cgroup": "0::/pods/mine",
            "sys/fs/cgroup/pods/mine/cpu.max": "max 100000",
            "sys/fs/cgroup/pods/cpu.max": "150000 100000",
            "sys/fs/cgroup/pods/mine/memory.max": "2147483648",
            "sys/fs/cgroup/pods/memory.max": "max",
            "sys/fs/cgroup/pods/cpu.stat": "usage_usec 5\nnr_periods 9\nnr_throttled 4",
        },
    )
    assert machine.cpu_limit_cores == 1.5
    assert machine.memory_limit_bytes == 2 << 30
    assert machine.throttled_periods == 4


def test_version_1_of_control_groups_is_read_too(machine: Machine) -> None:
    write(
        machine,
        {
            "proc/self/cgroup": "5:cpu,cpuacct:/docker/a\n4:memory:/docker/a\n0::/",
            "sys/fs/cgroup/cpu,cpuacct/docker/a/cpu.cfs_quota_us": "50000",
            "sys/fs/cgroup/cpu,cpuacct/docker/a/cpu.cfs_period_us": "100000",
            "sys/fs/cgroup/memory/docker/a/memory.limit_in_bytes": "9223372036854771712",
        },
    )
    assert machine.cpu_limit_cores == 0.5
    assert machine.memory_limit_bytes is None, "a limit beyond all memory is none"
    write(machine, {"sys/fs/cgroup/cpu,cpuacct/docker/a/cpu.cfs_quota_us": "-1"})
    assert machine.cpu_limit_cores is None


def test_the_kind_of_container_is_told(machine: Machine) -> None:
    write(machine, {".dockerenv": ""})
    assert machine.container == "docker"
    write(machine, {"proc/1/cgroup": "0::/kubepods.slice/pod7"})
    assert machine.container == "kubernetes"
    write(machine, {"run/.containerenv": ""})
    assert machine.container == "podman"


def test_caches_memory_and_hypervisor_are_read(machine: Machine) -> None:
    write(
        machine,
        {
            f"{CPU}/cpu0/cache/index0/size": "32K",
            f"{CPU}/cpu0/cache/index0/level": "1",
            f"{CPU}/cpu0/cache/index0/type": "Data",
            f"{CPU}/cpu0/cache/index1/size": "64K",
            f"{CPU}/cpu0/cache/index1/level": "1",
            f"{CPU}/cpu0/cache/index1/type": "Instruction",
            f"{CPU}/cpu0/cache/index3/size": "16M",
            f"{CPU}/cpu0/cache/index3/level": "3",
            f"{CPU}/cpu0/cache/index3/type": "Unified",
            "proc/meminfo": "MemTotal:  100 kB\nMemAvailable:     2048 kB",
            "proc/cpuinfo": "processor : 0\nflags\t: fpu hypervisor sse",
        },
    )
    assert machine.last_cache_bytes == 16 << 20
    assert machine.cache_bytes == {"L1": 32 << 10, "L3": 16 << 20}, "instructions are no data"
    assert machine.memory_available_bytes == 2 << 20
    assert machine.virtualised is True


def test_busy_and_stolen_time_are_shares_of_what_has_passed(machine: Machine) -> None:
    write(machine, {"proc/stat": "cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 2 3"})
    before = machine.processor_times()
    assert before == ProcessorTimes(150, 0, 1000)
    write(machine, {"proc/stat": "cpu  130 0 60 840 50 0 0 20 7 0"})
    after = machine.processor_times()
    assert after is not None
    # 100 ticks more: 40 busy, 20 stolen, 40 idle; the guest's 7 are within the 130.
    assert after.since(before) == (0.4, 0.2)
    assert before.since(before) is None
    write(machine, {"proc/stat": "intr 5"})
    assert machine.processor_times() is None


def test_a_run_keeps_what_is_stable_of_the_machine_and_names_no_host() -> None:
    import os

    facts = environment_facts()
    assert facts["cores_usable"] >= 1
    assert os.uname().nodename not in str(facts) if hasattr(os, "uname") and len(os.uname().nodename) > 3 else True
    assert environment_id(facts) == environment_id({**facts, "load_1m_before": 99.0})
    assert environment_id(facts) != environment_id({**facts, "aslr": "another"})
