"""pyperf's JSON (`python bench.py -o FILE`, `pyperf timeit -o FILE`), version 1.0.

`benchmarks[].runs[]` are processes; `values` are seconds (or bytes, or plain numbers) per loop,
`warmups` and calibration are not taken. Metadata stands at three places: of the suite, of a
benchmark and of a process, the inner one before the outer. Dates carry no zone and are taken as UTC.

Source: pyperf's documentation, "pyperf JSON format".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from assay.errors import ReadError
from assay.store.importing.imported import Benchmark, ImportedRun, Process, Unit, field, numbers

__all__ = ["is_pyperf", "read_pyperf"]

_UNITS: dict[str, tuple[Unit, float]] = {"second": ("ns", 1e9), "byte": ("bytes", 1.0), "integer": ("count", 1.0)}
_VERSION = "1.0"
_FACTS = {  # assay's name of a fact: pyperf's
    "cpu_model": "cpu_model_name",
    "cores": "cpu_count",
    "platform": "platform",
    "aslr": "aslr",
    "cpu_config": "cpu_config",
    "cpu_affinity": "cpu_affinity",
    "timer": "timer",
    "python_compiler": "python_compiler",
    "python_cflags": "python_cflags",
    "python_hash_seed": "python_hash_seed",
}


def is_pyperf(document: Mapping[str, Any]) -> bool:
    """Whether a JSON document looks like pyperf's."""
    benchmarks = document.get("benchmarks")
    return (
        isinstance(benchmarks, list)
        and "machine_info" not in document
        and all(isinstance(one, Mapping) and "runs" in one for one in benchmarks)
    )


def read_pyperf(document: Mapping[str, Any], source: str, stem: str) -> ImportedRun:
    """What a document of pyperf tells.

    Args:
        document: The parsed JSON.
        source: What to call the file in messages.
        stem: The file's name without its ending, which names the suite.

    Raises:
        ReadError: It is of another version, or not whole.
    """
    version = document.get("version")
    if version != _VERSION:
        raise ReadError(f"{source} is of version {version} of pyperf's format; expected {_VERSION}; measure again")
    common = document.get("metadata") or {}
    benchmarks = []
    dates: list[tuple[datetime, float]] = []
    seen: set[str] = set()
    all_facts = dict(common)
    for place, one in enumerate(field(document, "benchmarks", source=source, kind=list)):
        own = {**common, **(one.get("metadata") or {})}
        all_facts = {**own, **all_facts}
        name = str(own.get("name") or f"benchmark {place + 1}")
        if name in seen:
            raise ReadError(f'{source} has the benchmark "{name}" twice; a file of pyperf has each once')
        seen.add(name)
        runs = field(one, "runs", source=source, kind=list)
        benchmarks.append(_benchmark(name, own, runs, source))
        dates += [when for run in runs if (when := _date({**own, **(run.get("metadata") or {})})) is not None]
    if not benchmarks:
        raise ReadError(f"{source} holds no benchmark")
    started = min((date for date, _ in dates), default=datetime(1970, 1, 1, tzinfo=UTC))
    ended = max((date + timedelta(seconds=duration) for date, duration in dates), default=None)
    version = str(all_facts.get("perf_version") or "of an unknown version")
    commit = all_facts.get("commit_id")
    return ImportedRun(
        "pyperf",
        version,
        stem,
        started,
        ended,
        None if commit is None else str(commit)[:12],
        _facts(all_facts),
        benchmarks,
    )


def _benchmark(name: str, metadata: Mapping[str, Any], runs: list[Any], source: str) -> Benchmark:
    kind = str(metadata.get("unit", "second"))
    if kind not in _UNITS:
        raise ReadError(f'"{name}" of {source} is in the unit {kind}; expected one of {", ".join(_UNITS)}')
    unit, factor = _UNITS[kind]
    processes = []
    for run in runs:
        own = {**metadata, **(run.get("metadata") or {})}
        values = numbers(run.get("values") or [], factor, name=name, source=source)
        if values:
            processes.append(Process(values, max(1, int(own.get("loops") or 1))))
    missing = None if processes else "the file has no values of it: only calibration or warm-ups"
    operations = max(1, int(metadata.get("inner_loops") or 1))
    return Benchmark(name, {}, None, unit, processes, operations, missing=missing)


def _date(metadata: Mapping[str, Any]) -> tuple[datetime, float] | None:
    try:
        date = datetime.fromisoformat(str(metadata["date"]))
    except (KeyError, ValueError):
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)), float(metadata.get("duration") or 0.0)


def _facts(metadata: Mapping[str, Any]) -> dict[str, Any]:
    facts = {name: metadata[theirs] for name, theirs in _FACTS.items() if metadata.get(theirs) is not None}
    python = str(metadata.get("python_version") or "").split(" ")[0]
    if python:
        facts["python"] = f"{metadata.get('python_implementation', 'python')} {python}"
    return facts
