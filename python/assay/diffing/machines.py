"""Whether two runs were measured on the same machine, as far as their environments tell.

No host is named in an environment, so that two machines of one make look alike here; what is told
apart is processor, cores, memory and system. Other software on the same machine is a warning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.units import format_bytes

__all__ = ["machine_differences", "software_differences"]

MACHINE = {
    "cpu_model": "processor",
    "cpu_architecture": "architecture",
    "cores": "cores",
    "cores_usable": "usable cores",
    "memory_bytes": "memory",
    "system": "system",
    "virtualised": "virtual machine",
}
SOFTWARE = ("governor", "kernel", "libc", "python", "assay")
MEMORY_TOLERANCE = 0.02  # what a kernel keeps for itself differs from boot to boot


def machine_differences(base: Mapping[str, Any], candidate: Mapping[str, Any]) -> list[str]:
    """What of the machine differs, in words; empty where nothing known does.

    >>> machine_differences({"cores": 2, "system": "Linux"}, {"cores": 4, "system": "Linux"})
    ['cores 2 → 4']
    """
    return [
        f"{words} {_shown(name, base.get(name))} → {_shown(name, candidate.get(name))}"
        for name, words in MACHINE.items()
        if not _alike(name, base.get(name), candidate.get(name))
    ]


def software_differences(base: Mapping[str, Any], candidate: Mapping[str, Any]) -> list[str]:
    """What of the software differs, in words.

    >>> software_differences({"packages": {"numpy": "2.1"}}, {"packages": {"numpy": "2.3"}})
    ['numpy 2.1 → 2.3']
    """
    pairs = [(name, base.get(name), candidate.get(name)) for name in SOFTWARE]
    versions = [dict(side.get("packages") or {}) for side in (base, candidate)]
    pairs += [(name, versions[0].get(name), versions[1].get(name)) for name in sorted({*versions[0], *versions[1]})]
    return [f"{name} {one or 'none'} → {other or 'none'}" for name, one, other in pairs if one != other]


def _alike(name: str, one: Any, other: Any) -> bool:
    if name == "memory_bytes" and one and other:
        return bool(abs(one - other) <= MEMORY_TOLERANCE * max(one, other))
    return bool(one == other)


def _shown(name: str, value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return format_bytes(value) if name == "memory_bytes" else str(value)
