"""The machine and the software that a run was measured on, and an id of what of it is stable.

Nothing is changed on the machine, and nothing that names its owner is kept: no host name, no user,
no address. What cannot be found is left out rather than guessed.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from assay import plugins
from assay.harness.machine import Machine

__all__ = [
    "PACKAGES",
    "cores_usable",
    "cpu_model",
    "environment_facts",
    "environment_id",
    "load_1m",
    "memory_bytes",
    "package_version",
    "plug_in_facts",
]

PACKAGES = ("pyarrow", "polars", "duckdb", "numpy", "pydantic")
VOLATILE = ("load_1m_before",)


def environment_facts() -> dict[str, Any]:
    """What is known of processor, memory, system and packages; see `environment_id` for what identifies it."""
    machine = Machine()
    facts: dict[str, Any] = {
        "cpu_model": cpu_model(machine),
        "cpu_architecture": platform.machine(),
        "cores": os.cpu_count(),
        "cores_usable": cores_usable(),
        "smt": machine.smt,
        "cache_bytes": machine.cache_bytes,
        "cpu_limit_cores": machine.cpu_limit_cores,
        "memory_bytes": memory_bytes(),
        "memory_limit_bytes": machine.memory_limit_bytes,
        "system": platform.system(),
        "kernel": platform.release(),
        "libc": " ".join(platform.libc_ver()).strip() or None,
        "virtualised": machine.virtualised,
        "container": machine.container,
        "governor": ", ".join(machine.governors) or None,
        "turbo": machine.turbo,
        "aslr": machine.aslr,
        "clock_source": machine.clock_source,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": {name: found for name in PACKAGES if (found := package_version(name))},
        "assay": package_version("assay") or "0+checkout",
        "plug_ins": plug_in_facts() or None,
        "load_1m_before": load_1m(),
    }
    return {name: fact for name, fact in facts.items() if fact is not None}


def plug_in_facts() -> dict[str, str]:
    """What other packages add, by package and version: "contenders stripes, experiments parity"; broken ones say so."""
    found: dict[str, list[str]] = {}
    broken = plugins.failures()
    for one in plugins.plug_ins():
        told = f"{one.kind} {one.name}" + (" (left out: it cannot be loaded)" if one in broken else "")
        found.setdefault(f"{one.package} {one.version}", []).append(told)
    return {package: ", ".join(names) for package, names in found.items()}


def environment_id(facts: dict[str, Any]) -> str:
    """SHA-256 of the facts that do not change from minute to minute, as 32 hex digits."""
    stable = {name: fact for name, fact in facts.items() if name not in VOLATILE}
    return hashlib.sha256(json.dumps(stable, sort_keys=True).encode()).hexdigest()[:32]


def load_1m() -> float | None:
    """How many processes ran or waited to run, on average over the last minute; None where that cannot be told."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def cores_usable() -> int | None:
    """The logical cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def cpu_model(machine: Machine) -> str | None:
    """The processor's own name for itself."""
    for line in (machine.read("proc/cpuinfo") or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Model", "cpu model"):
            return value.strip()
    return platform.processor() or None


def memory_bytes() -> int | None:
    """The machine's memory, whatever part of it this process may have."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def package_version(package: str) -> str | None:
    """The version of an installed distribution; None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
