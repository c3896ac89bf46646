"""What memory a comparison takes: foreseen, refused where a limit is below it, and measured in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import assay
from assay.errors import MeasurementError, ParameterError
from assay.experiments.distinct import KeyCounter
from assay.experiments.partitioning import memory

ROWS = 3_000_000
measured = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the greatest resident set is not told")

CHILD = """
import json, pathlib, sys
import assay
from assay.experiments.partitioning import memory
foreseen, real = {}, memory.check_fits
def check_fits(limit, *rest):
    foreseen.update(memory.wanted_bytes(*rest))
    real(limit, *rest)
memory.check_fits = check_fits
assay.compare("partitioning", sys.argv[1], timing=False, **json.loads(sys.argv[2]))
# Of this program alone: the figure that getrusage gives begins with that of the process which started it.
[line] = [line for line in pathlib.Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(json.dumps({"peak": 1024 * int(line.split()[1]), "foreseen": foreseen}))
"""


@pytest.fixture
def no_own_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the process itself took nothing, so that small tables can meet small limits."""
    monkeypatch.setattr(memory, "PROCESS_BYTES", 0)
    monkeypatch.setattr(memory, "THREAD_BYTES", 0)


def test_a_limit_below_what_the_process_itself_takes_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"memory_limit is 64.0 MiB; expected more than the .* MiB"):
        assay.compare("partitioning", pa.table({"id": [1, 2]}), strategies=["hash(id)"], memory_limit="64MiB")


@pytest.mark.usefixtures("no_own_bytes")
def test_a_comparison_that_would_not_fit_is_refused_with_what_it_needs() -> None:
    table = pa.table({"id": np.arange(20_000) * 7919 % 20_011})
    with pytest.raises(MeasurementError, match=r"memory_limit is 200.0 KiB, .* needs about .* 20,000 distinct values"):
        assay.compare("partitioning", table, strategies=["list(id)"], memory_limit="200KiB", timing=False)


@pytest.mark.usefixtures("no_own_bytes")
def test_keys_that_were_counted_on_disk_give_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = 60_000
    words = np.random.default_rng(5).integers(-(1 << 62), 1 << 62, 20_000)
    table = pa.table({"id": words[np.arange(rows) * 7919 % len(words)], "g": np.arange(rows) % 17})
    settings: dict[str, Any] = {
        "strategies": ["hash(id)", "range(id)", "list(g)", "hash(id, g)", "round_robin"],
        "queries": {"by_g": "point(g)"},
        "timing": False,
    }
    spilt: list[int] = []
    spill = KeyCounter._spill

    def told(self: KeyCounter) -> None:
        spilt.append(1)
        spill(self)

    monkeypatch.setattr(KeyCounter, "_spill", told)
    free = assay.compare("partitioning", table, **settings).to_arrow().to_pylist()
    assert not spilt
    tight = assay.compare("partitioning", table, memory_limit="4MiB", **settings).to_arrow().to_pylist()
    assert spilt
    strip = [{name: value for name, value in row.items() if name != "run"} for row in free]
    assert strip == [{name: value for name, value in row.items() if name != "run"} for row in tight]


def keys_of(kind: str) -> pa.Array:
    """Half as many distinct values as rows, or as many."""
    place = np.arange(ROWS)
    if kind == "ascending":
        return pa.array(place // 2 * 3)
    random = np.random.default_rng(11).integers(0, 1 << 62, ROWS // 2)[place * 7919 % (ROWS // 2)]
    return pa.array(random) if kind == "random" else pa.array(np.char.mod("customer %016x", random))


@measured
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ascending", "random", "text"])
def test_a_comparison_takes_no_more_memory_than_foreseen(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"id": keys_of(kind)}), path, row_group_size=200_000)
    strategies = ["hash(id)", "ring(id)", "range(id)", "list(id)", "directory(id)"]
    found = _alone(path, strategies=strategies, partitions=64, memory_limit="8GiB")
    assert found["peak"] <= sum(found["foreseen"].values()), found


@measured
@pytest.mark.slow
def test_a_limit_is_kept_by_counting_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"id": keys_of("random")}), path, row_group_size=200_000)
    limit = memory.own_bytes() + (128 << 20)
    found = _alone(path, strategies=["hash(id)", "range(id)"], partitions=64, memory_limit=limit)
    assert found["peak"] <= limit, found


def _alone(path: Path, **settings: Any) -> dict[str, Any]:
    """What a process of its own took, and what was foreseen."""
    command = [sys.executable, "-c", CHILD, str(path), json.dumps(settings)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
