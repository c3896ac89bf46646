"""Where spans are measured: in this process, in threads, in a spawned pool, on a Dask cluster, or on any executor.

A pool is spawned, as forking a process with Rust and Arrow threads is unsafe. Each worker caps its
libraries at its share of the cores, and ends itself when its parent has died.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from assay.errors import ParameterError

__all__ = [
    "InlineExecutor",
    "cap_threads",
    "is_local",
    "make_executor",
    "opened_executor",
    "thread_environment",
    "threads_of",
]

KINDS = "inline, threads, processes or dask:ADDRESS"

_P = ParamSpec("_P")
_T = TypeVar("_T")


class InlineExecutor(Executor):
    """Runs each call at once in the calling thread."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """A future that is done already; Ctrl-C passes through to the caller."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def make_executor(kind: str, jobs: int = 1) -> Executor:
    """An executor for `run_suite`; close it with `shutdown`.

    Args:
        kind: "inline", "threads", "processes", or "dask:" and the address of a scheduler.
        jobs: How many threads or processes; a cluster has as many as it has.

    Raises:
        ParameterError: `jobs` is below 1, or the kind is unknown.
        UsageError: The cluster cannot be reached, or its workers cannot be used.
    """
    if jobs < 1:
        raise ParameterError(f"jobs is {jobs}; expected at least 1")
    if kind == "inline":
        return InlineExecutor()
    if kind == "threads":
        return ThreadPoolExecutor(jobs, thread_name_prefix="assay-span")
    if kind == "processes":
        threads = max(1, _cores() // jobs)
        # A library that reads its cap when it is loaded must find it in the environment: the
        # initializer runs before the worker loads any.
        return ProcessPoolExecutor(
            jobs, mp_context=multiprocessing.get_context("spawn"), initializer=_begin_worker, initargs=(threads,)
        )
    if kind.startswith("dask:"):
        from assay.harness.dask_cluster import connect

        return connect(kind.removeprefix("dask:"))
    raise ParameterError(f'the executor is "{kind}"; expected {KINDS}')


@contextlib.contextmanager
def opened_executor(given: object, jobs: int | None = None) -> Iterator[Executor | None]:
    """What `given` stands for: an executor or a Dask client of the caller's, or one that is closed afterwards.

    Args:
        given: None, the name of a kind (see `make_executor`), a `concurrent.futures.Executor`, or a
            `distributed.Client`.
        jobs: How many threads or processes to make; as many as there are cores by default.

    Raises:
        ParameterError: It is nothing of these, or `jobs` is below 1.
        UsageError: The cluster cannot be reached, or its workers cannot be used.
    """
    if given is None or (isinstance(given, Executor) and not _is_dask(given)):
        yield given
        return
    if _is_dask(given):
        from assay.harness.dask_cluster import DaskExecutor

        executor: Executor = DaskExecutor(getattr(given, "_client", given))
    elif isinstance(given, str):
        executor = make_executor(given, _cores() if jobs is None else jobs)
    elif callable(getattr(given, "submit", None)):
        yield given  # type: ignore[misc]
        return
    else:
        raise ParameterError(
            f"executor is {given!r}; expected a concurrent.futures.Executor, such as ProcessPoolExecutor(2), a Dask "
            f"client, None, or one of {KINDS}"
        )
    try:
        yield executor
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        raise
    executor.shutdown()


def _is_dask(given: object) -> bool:
    """Whether it is a client of distributed, or the executor of one; distributed is not imported for it."""
    return type(given).__module__.partition(".")[0] == "distributed"


def is_local(executor: Executor) -> bool:
    """Whether the executor shares this process's memory, so that nothing needs to be packed for it."""
    return isinstance(executor, (InlineExecutor, ThreadPoolExecutor))


def threads_of(executor: Executor) -> int:
    """How many threads of this process may fold spans: a thread pool's own number, else as many as there are cores."""
    cap = os.environ.get("ASSAY_THREADS", "")
    cores = min(_cores(), int(cap)) if cap.isdigit() and int(cap) else _cores()
    return int(getattr(executor, "_max_workers", cores))


def thread_environment(threads: int) -> dict[str, str]:
    """The variables by which the libraries learn how many threads they may use."""
    names = ("ASSAY_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "OMP_NUM_THREADS")
    return {name: str(threads) for name in names}


def cap_threads(threads: int) -> None:
    """Caps this process's libraries at `threads` each; call it before they are used."""
    os.environ.update(thread_environment(threads))
    import pyarrow as pa

    pa.set_cpu_count(threads)
    pa.set_io_thread_count(max(2, threads))


def _begin_worker(threads: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    cap_threads(threads)
    parent = multiprocessing.parent_process()
    if parent is not None:

        def end_with_parent() -> None:
            parent.join()
            os._exit(1)  # a killed parent leaves its workers waiting for ever otherwise

        threading.Thread(target=end_with_parent, name="assay-parent-watch", daemon=True).start()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
