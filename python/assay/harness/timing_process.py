"""A timing process: a fresh interpreter that holds timed kernels and obeys its parent, round by round.

The parent decides on the order of each round, on how the rounds of several live processes alternate, and on
when to stop; `timing_child.py` is the other side and shows the messages. Two versions of the same work, each
in its own folder or with its own interpreter, are compared by two such processes whose rounds alternate:

    with TimingProcess(task, cwd=old) as a, TimingProcess(task, cwd=new) as b:
        calibration = a.calibrate(500_000)
        b.calibrate(500_000, calibration.iterations)   # old and new share the number of calls
        for number in range(rounds):
            for process in (a, b) if number % 2 else (b, a):
                process.round(order, samples=5)

Cost: about half a second and 100 MB for an interpreter with its libraries, and 0.2 ms a round for the messages.
Choose it over a process pool: a script without a main guard is not run again, and a child ends with its parent.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, Self

from assay.experiments.base import Job, Timer
from assay.harness.executors import thread_environment
from assay.harness.kernels import Calibration, KernelFacts, RoundResult

__all__ = ["PROTOCOL", "DeadProcessError", "JobTask", "NotBuiltError", "TimingProcess", "TimingTask"]

PROTOCOL = 1

_BEGIN = (
    "import sys, pickle; path = pickle.load(sys.stdin.buffer); sys.path[:] = path or sys.path; "
    "from assay.harness.timing_child import main; main()"
)


class TimingTask(Protocol):
    """What a timing process is given, pickled: something that builds the kernels there."""

    def timers(self) -> Sequence[Timer]:
        """The kernels, built afresh in the process that times them."""


@dataclass(frozen=True)
class JobTask:
    """The kernels of an experiment's job, from what its stages have learned."""

    job: Job
    learned: tuple[bytes, ...]

    def timers(self) -> Sequence[Timer]:
        """The job's own."""
        return self.job.timers(self.learned)


class DeadProcessError(Exception):
    """A timing process ended before it was told to; the message says how."""


class NotBuiltError(Exception):
    """A timing process could not build its kernels, or speaks another protocol; the message says why."""


class TimingProcess:
    """One live timing process. It is launched at once and builds its kernels while others do the same.

    Args:
        task: What to time; anything picklable whose `timers()` the child can call.
        executable: The interpreter; this one by default.
        path: The child's module path; by default this process's, or for another interpreter its own.
        environment: Variables added to this process's environment. Libraries get one thread each in any case.
        cwd: Its working folder; this one by default.
    """

    def __init__(
        self,
        task: TimingTask,
        *,
        executable: str | os.PathLike[str] | None = None,
        path: Sequence[str] | None = None,
        environment: Mapping[str, str] | None = None,
        cwd: str | Path | None = None,
    ) -> None:
        if path is None and executable is None:
            path = sys.path
        self._kernels: tuple[KernelFacts, ...] | None = None
        self._errors: list[bytes] = []
        self._child = subprocess.Popen(
            [os.fspath(executable or sys.executable), "-c", _BEGIN],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd,
            env={**os.environ, **(environment or {}), **thread_environment(1)},
        )  # fmt: skip
        assert self._child.stdin is not None and self._child.stdout is not None and self._child.stderr is not None
        self._input: IO[bytes] = self._child.stdin
        self._output: IO[bytes] = self._child.stdout
        self._reader = threading.Thread(target=_drain, args=(self._child.stderr, self._errors), daemon=True)
        self._reader.start()
        try:
            with contextlib.suppress(BrokenPipeError):  # it died at once; its exit status says more
                pickle.dump(None if path is None else list(path), self._input)
                pickle.dump(task, self._input)
                self._input.flush()
        except BaseException:
            self.kill()
            raise

    @property
    def kernels(self) -> tuple[KernelFacts, ...]:
        """The kernels, in the order in which they are numbered; waits until they are built.

        Raises:
            NotBuiltError: The child could not build them.
            DeadProcessError: The child is dead.
        """
        if self._kernels is None:
            answer = self._answer()
            if "not_built" in answer:
                raise NotBuiltError(answer["not_built"])
            if answer.get("protocol") != PROTOCOL:
                raise NotBuiltError(
                    f"the timing process speaks protocol {answer.get('protocol')}; expected {PROTOCOL}: "
                    "its assay is of another version"
                )
            self._kernels = tuple(KernelFacts(*fact) for fact in answer["kernels"])
        return self._kernels

    def calibrate(self, target_ns: int, iterations: Sequence[int | None] | None = None) -> Calibration:
        """Fixes how many calls of each kernel make a sample, or takes the numbers that are given.

        Args:
            target_ns: How long a sample lasts at least.
            iterations: By kernel, as another process found them; None finds them here.

        Raises:
            DeadProcessError: The child is dead.
        """
        assert self.kernels is not None
        given = None if iterations is None else list(iterations)
        return Calibration(**self._ask({"calibrate": target_ns, "iterations": given}))

    def round(self, order: Sequence[int], samples: int, singles: int = 0) -> RoundResult:
        """Runs one round: the kernels of `order`, by number, each `samples` times; see `Kernels.round`.

        Raises:
            DeadProcessError: The child is dead.
        """
        answer = self._ask({"round": list(order), "samples": samples, "singles": singles})
        latencies = {
            int(kernel): {int(bucket): count for bucket, count in counts.items()}
            for kernel, counts in answer.pop("latencies").items()
        }
        return RoundResult(**answer, latencies=latencies)

    def close(self) -> None:
        """Lets the child end and waits for it; a dead one is only tidied up."""
        with contextlib.suppress(BrokenPipeError, ValueError):
            self._input.write(b'{"end": true}\n')
            self._input.flush()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(timeout=10)
        self.kill()

    def kill(self) -> None:
        """Ends the child at once."""
        self._child.kill()
        self._child.wait()
        with contextlib.suppress(BrokenPipeError):
            self._input.close()
        self._output.close()
        self._reader.join(timeout=5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.kill()

    def _ask(self, command: dict[str, Any]) -> dict[str, Any]:
        with contextlib.suppress(BrokenPipeError):
            self._input.write(json.dumps(command).encode() + b"\n")
            self._input.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        line = self._output.readline()
        if not line.endswith(b"\n"):
            status = self._child.wait()
            self._reader.join(timeout=5)
            lines = b"".join(self._errors).decode("utf-8", "replace").strip().splitlines()
            why = f": {lines[-1]}" if lines else ""
            how = f"signal {-status}" if status < 0 else f"status {status}"
            raise DeadProcessError(f"the timing process ended with {how}{why}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _drain(stream: IO[bytes], into: list[bytes]) -> None:
    with contextlib.suppress(ValueError, OSError), stream:
        into.append(stream.read())
