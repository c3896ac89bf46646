"""pytest-benchmark's JSON (`pytest --benchmark-json FILE`, `--benchmark-save NAME`).

`benchmarks[].stats.data` are seconds per iteration, a value per round, all of one process. A file
that was saved without data (`--benchmark-save` without `--benchmark-save-data`) has the median alone.

Source: pytest-benchmark's documentation, "Usage" and "Comparing past runs".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from assay.errors import ReadError
from assay.store.importing.imported import Benchmark, ImportedRun, Process, field, numbers

__all__ = ["is_pytest_benchmark", "read_pytest_benchmark"]

_NS = 1e9


def is_pytest_benchmark(document: Mapping[str, Any]) -> bool:
    """Whether a JSON document looks like pytest-benchmark's."""
    return isinstance(document.get("benchmarks"), list) and "machine_info" in document


def read_pytest_benchmark(document: Mapping[str, Any], source: str, stem: str) -> ImportedRun:
    """What a document of pytest-benchmark tells.

    Args:
        document: The parsed JSON.
        source: What to call the file in messages.
        stem: The file's name without its ending, which names the suite where the file names no project.

    Raises:
        ReadError: It is not whole, or holds no benchmark.
    """
    records = field(document, "benchmarks", source=source, kind=list)
    if not records:
        raise ReadError(f"{source} holds no benchmark")
    commit = document.get("commit_info") or {}
    commit_id = str(commit.get("id") or "unversioned")
    label = None if commit_id == "unversioned" else commit_id[:12] + ("+changes" if commit.get("dirty") else "")
    return ImportedRun(
        "pytest-benchmark",
        str(document.get("version") or "of an unknown version"),
        str(commit.get("project") or stem),
        _date(document.get("datetime"), source),
        None,
        label,
        _facts(document.get("machine_info") or {}),
        [_benchmark(record, source) for record in records],
    )


def _benchmark(record: Any, source: str) -> Benchmark:
    full = str(field(record, "fullname", source=source))
    stats = field(record, "stats", source=source, kind=Mapping)
    parameters = record.get("params") or {}
    if not isinstance(parameters, Mapping):
        parameters = {"param": parameters}
    parameters = {name: _serializable(value) for name, value in parameters.items()}
    group = record.get("group")
    data = stats.get("data")
    common = (full, parameters, None if group is None else str(group), "ns")
    if not data:
        median = stats.get("median")
        return Benchmark(
            *common,  # type: ignore[arg-type]
            (),
            median=None if median is None else numbers(median, _NS, name=full, source=source)[0],
            missing="the file has no rounds, so that there is no interval; save with --benchmark-save-data",
        )
    iterations = max(1, int(stats.get("iterations") or 1))
    return Benchmark(*common, [Process(numbers(data, _NS, name=full, source=source), iterations)])  # type: ignore[arg-type]


def _serializable(value: Any) -> Any:
    """A parameter; of an object its text, without the address that differs from run to run."""
    if isinstance(value, str) and value.startswith("UNSERIALIZABLE["):
        return re.sub(r" at 0x[0-9a-fA-F]+", "", value.removeprefix("UNSERIALIZABLE[").removesuffix("]"))
    return value


def _date(text: object, source: str) -> datetime:
    try:
        date = datetime.fromisoformat(str(text))
    except ValueError:
        raise ReadError(
            f"datetime of {source} is {text!r}; expected a time such as 2026-01-31T12:00:00+00:00"
        ) from None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _facts(machine: Mapping[str, Any]) -> dict[str, Any]:
    """The machine, without its name in the network."""
    cpu = machine.get("cpu") or {}
    python = machine.get("python_implementation_version") or machine.get("python_version")
    facts = {
        "cpu_model": cpu.get("brand_raw") or cpu.get("brand"),
        "cpu_architecture": machine.get("machine"),
        "cores": cpu.get("count"),
        "system": machine.get("system"),
        "kernel": machine.get("release"),
        "python": f"{machine.get('python_implementation', 'Python')} {python}" if python else None,
        "python_compiler": machine.get("python_compiler"),
    }
    return {name: fact for name, fact in facts.items() if fact is not None}
