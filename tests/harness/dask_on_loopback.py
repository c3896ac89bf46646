"""A real Dask scheduler and worker processes on the loopback interface, for tests; ended with the block."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from assay.errors import ReadError
from assay.harness import spans
from assay.harness.spans import Parcel

_START_S = 60.0


@dataclass
class LoopbackCluster:
    """Its address, and the worker processes, without nannies that would start them anew."""

    address: str
    workers: list[subprocess.Popen[bytes]]
    log: Path  # what all of its processes say

    @property
    def pids(self) -> list[int]:
        return [worker.pid for worker in self.workers]


@contextlib.contextmanager
def dask_cluster(folder: Path, *, workers: int, environment: Mapping[str, str] = {}) -> Iterator[LoopbackCluster]:
    """A scheduler with so many single-threaded workers, which find what this process can import."""
    file, log = folder / "scheduler.json", folder / "dask.log"
    surroundings = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    surroundings.pop("PYTHONDONTWRITEBYTECODE", None)
    processes: list[subprocess.Popen[bytes]] = []
    with log.open("wb") as sink:

        def start(program: str, *options: str) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-m", f"distributed.cli.dask_{program}", "--scheduler-file", str(file), *options]
            process = subprocess.Popen(command, env=surroundings, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink)
            processes.append(process)
            return process

        try:
            start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-jupyter")
            options = ("--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard")
            made = [
                start("worker", *options, "--local-directory", str(folder / f"worker-{number}"))
                for number in range(workers)
            ]
            deadline = time.monotonic() + _START_S
            while not file.exists() or log.read_bytes().count(b"Registered to") < workers:
                if time.monotonic() > deadline or any(process.poll() is not None for process in processes):
                    raise RuntimeError(f"Dask did not start:\n{log.read_text()}")
                time.sleep(0.05)
            yield LoopbackCluster(json.loads(file.read_text())["address"], made, log)
        finally:
            for process in processes:  # a worker that is asked to end waits for its scheduler
                process.kill()
            for process in processes:
                process.wait()


def sees_no_files(work: Parcel) -> Any:
    """As `open_work` on another machine, where there are no such files; workers find it by this folder."""
    spans._WORK._key = None
    missing = ReadError("table.arrow: there is no such file")
    with (
        mock.patch.object(Path, "is_file", lambda self: False),
        mock.patch("assay.datasets.dataset.IpcFileReader", mock.Mock(side_effect=missing)),
    ):
        outcome = spans.open_work(work)
    spans._WORK._key = None
    return outcome
