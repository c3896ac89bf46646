"""A Dask cluster as an executor of spans: `dask:ADDRESS`, or a `distributed.Client` that the caller has.

Dask runs again what a lost worker had not delivered; what was delivered is the parent's and is not run again.
What many spans need is scattered to all workers once, under a key, and again if every holder is lost. Before
the first span every worker says which Python, pyarrow and assay it has, and opens the dataset.
Cost: about 3 ms a span, and the bytes of the learned state once per worker. Choose it where tables outgrow one
machine. Source: Dask, "Futures" and "Resilience".
"""

from __future__ import annotations

import logging
import os
import platform
import socket
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Executor, Future
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from assay.errors import MeasurementError, UsageError
from assay.harness.spans import Parcel

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["DaskExecutor", "LostTaskError", "WorkerVersionError", "connect"]

CONNECT_S = 10.0  # how long a scheduler, and its first worker, may take to answer
ANSWER_S = 60.0  # how long workers may take to open the dataset
GRACE_S = 10.0  # how long a cluster may be without workers before it is given up
_REACH_S = 1.0  # for one connection to a worker
_ADDRESSES = "a scheduler's address, such as dask:tcp://10.0.0.1:8786, or its file, such as dask:scheduler.json"


class LostTaskError(MeasurementError):
    """A task ended without result or error: its worker, or what it needed, is gone."""


class WorkerVersionError(UsageError):
    """Workers cannot be used: they lack assay, or have another version of what results depend on."""


def connect(address: str) -> DaskExecutor:
    """The cluster of the scheduler at `address`, or of a scheduler file; `shutdown` closes the connection.

    Raises:
        UsageError: distributed is not installed, nobody answers there within 10 s, there are no workers, or theirs
            are other versions.
    """
    if not address or address.partition(":")[0] == "local":
        raise UsageError(
            f'the executor is "dask:{address}"; expected {_ADDRESSES}; '
            "for processes on this machine: --executor processes"
        )
    try:
        from distributed import Client
    except ImportError:
        raise UsageError('a Dask cluster needs the package distributed; run: pip install "assay[dask]"') from None
    is_file = address.endswith(".json")
    if is_file and not os.path.exists(address):  # noqa: PTH110 - a client would wait for it to appear
        raise UsageError(f"there is no scheduler file {address}; expected {_ADDRESSES}")
    options = {"scheduler_file": address} if is_file else {"address": address}
    with _quiet():
        try:
            client = Client(**options, timeout=CONNECT_S, set_as_default=False, name="assay")
        except (OSError, ValueError, TypeError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise UsageError(
                f"no Dask scheduler can be reached at {address} within {CONNECT_S:g} s ({reason}); start one with "
                f"`dask scheduler`, and give {_ADDRESSES}"
            ) from None
    try:
        executor = DaskExecutor(client, owned=True)
        client.direct_to_workers = all(map(_is_reachable, executor.workers()))
    except BaseException:
        _close(client)
        raise
    return executor


class DaskExecutor(Executor):
    """The workers of `client`.

    Args:
        client: Connected, and not an asynchronous one.
        owned: Whether `shutdown` closes it.

    Raises:
        UsageError: There are no workers, or they lack assay, or have other versions.
    """

    def __init__(self, client: Client, *, owned: bool = False) -> None:
        if client.asynchronous:
            raise UsageError("the Dask client is asynchronous; expected Client(..., asynchronous=False)")
        self._client = client
        self._owned = owned
        self._shared: dict[str, Any] = {}  # what was scattered, by its key
        self._lock = threading.Lock()
        self._without_since: float | None = None
        self.where = str(getattr(client.scheduler, "address", "") or "the Dask cluster")
        self._wait_for_workers()
        self._check_versions()
        self._max_workers = max(1, sum(self.workers().values()))

    def workers(self) -> dict[str, int]:
        """The workers that are there now, each with its number of threads."""
        found: dict[str, int] = self._client.nthreads()
        return dict(found)

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """A future of `fn(*args)` on some worker; parcels that were shared are there already.

        It fails with `LostTaskError` where the task, or what it needs, was lost with its workers.
        """
        given = [self._shared.get(arg.key, arg) if isinstance(arg, Parcel) else arg for arg in args]
        theirs = self._client.submit(_on_worker, fn, *given, pure=False, **kwargs)
        ours: Future[Any] = Future()

        def settle(theirs: Any) -> None:
            """Fetches the result, in a thread of Dask's."""
            result: Any = None
            error: Exception | None = None
            try:
                result = theirs.result()
            except CancelledError:
                self.forget_shared()
                error = LostTaskError("a task, or what it needed, is lost with its workers")
            except Exception as raised:
                error = raised
            theirs.release()  # before anybody knows of it: what has arrived is not computed again
            if not ours.set_running_or_notify_cancel():
                return
            if error is None:
                ours.set_result(result)
            else:
                ours.set_exception(error)

        theirs.add_done_callback(settle)
        ours.add_done_callback(lambda ours: theirs.cancel() if ours.cancelled() else None)
        return ours

    def share(self, parcel: Parcel) -> None:
        """Brings the parcel to every worker, once.

        Raises:
            LostTaskError: There is no worker to bring it to.
        """
        if parcel.key in self._shared:
            return
        try:
            future = self._client.scatter(parcel, broadcast=True, hash=False, timeout=GRACE_S)
        except Exception as error:
            raise LostTaskError(f"nothing can be sent to the workers: {type(error).__name__}: {error}") from error
        self._shared[parcel.key] = future

    def forget_shared(self, key: str | None = None) -> None:
        """Lets workers drop what was shared, all or one; `share` brings it anew."""
        with self._lock:
            if key is None:
                self._shared.clear()
            else:
                self._shared.pop(key, None)

    def ask_all(self, fn: Callable[..., Any], *args: Any) -> Mapping[str, Any]:
        """What `fn(*args)` gives on each worker; a worker that fails, or is silent for a minute, is left out."""
        asked = {
            address: self._client.submit(_on_worker, fn, *args, workers=[address], pure=False)
            for address in self.workers()
        }
        deadline = time.monotonic() + ANSWER_S
        answers = {}
        for address, future in asked.items():
            try:
                answers[address] = future.result(timeout=max(0.1, deadline - time.monotonic()))
            except Exception:
                future.cancel()
        return answers

    def lost(self) -> str | None:
        """Why nothing will come of this cluster any more; None while there is hope. Ask about once a second."""
        try:
            there = self._client.status == "running" and bool(_within(_REACH_S * 5, self.workers))
        except Exception:
            there = False
        if there:
            self._without_since = None
            return None
        now = time.monotonic()
        if self._without_since is None:
            self._without_since = now
        if now - self._without_since < GRACE_S:
            return None
        what = "has no workers left" if self._client.status == "running" else "does not answer any more"
        return f"{self.where} {what}"

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Lets go of what was shared, and closes a connection of its own."""
        self.forget_shared()
        if self._owned:
            _close(self._client)

    def _wait_for_workers(self) -> None:
        try:
            self._client.wait_for_workers(1, timeout=CONNECT_S)
        except Exception:
            address = self.where
            raise UsageError(
                f"the Dask scheduler at {address} has no workers; start some with `dask worker {address} --nthreads 1`"
            ) from None

    def _check_versions(self) -> None:
        """Refuses workers whose numbers, or messages, could differ from ours.

        Raises:
            WorkerVersionError: A worker lacks a package, or has another version of it.
        """
        mine = own_versions()
        answers = _within(ANSWER_S, lambda: self._client.run(_version_probe(), on_error="return"))
        complaints = []
        for address, theirs in sorted(answers.items()):
            if isinstance(theirs, BaseException):
                complaints.append((address, f"cannot say what it has ({type(theirs).__name__}: {theirs})"))
                continue
            for package, version in mine.items():
                if theirs[package] is None:
                    complaints.append((address, f"has no {package}, or one that cannot be imported"))
                elif theirs[package] != version:
                    complaints.append((address, f"has {package} {theirs[package]}, and this process {version}"))
        if complaints:
            address, what = complaints[0]
            count = len({address for address, _ in complaints})
            others = f", and {count - 1} more disagree" if count > 1 else ""
            raise WorkerVersionError(
                f"the Dask worker {address} {what}{others}; install the same on all machines (assay "
                f"{mine['assay']}, pyarrow {mine['pyarrow']}, Python {mine['Python']}) and start the workers anew"
            )


def own_versions() -> dict[str, str | None]:
    """The versions here of what results, or messages, depend on."""
    return _version_probe()()


def _version_probe() -> Callable[[], dict[str, str | None]]:
    """A function that travels by value, since a worker may have no assay."""

    def probe() -> dict[str, str | None]:
        import importlib
        import sys

        found: dict[str, str | None] = {"Python": f"{sys.version_info[0]}.{sys.version_info[1]}"}
        for name in ("pyarrow", "assay"):
            try:
                found[name] = importlib.import_module(name).__version__
            except Exception:
                found[name] = None
        return found

    return probe


def _on_worker(fn: Any, *args: Any, **kwargs: Any) -> Any:
    """Calls `fn` with this worker's libraries capped at its share of threads."""
    _cap_once()
    return fn(*args, **kwargs)


_capped: set[int] = set()
_capping = threading.Lock()


def _cap_once() -> None:
    with _capping:
        if os.getpid() in _capped:
            return
        from distributed import get_worker

        from assay.harness.executors import cap_threads

        cap_threads(max(1, int(get_worker().state.nthreads)))
        _capped.add(os.getpid())


def _within(seconds: float, call: Callable[[], Any]) -> Any:
    """What `call` gives; TimeoutError if it takes longer, whatever it waits for."""
    outcome: Future[Any] = Future()

    def run() -> None:
        try:
            outcome.set_result(call())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=run, name="assay-dask", daemon=True).start()
    return outcome.result(timeout=seconds)


def _is_reachable(address: str) -> bool:
    """Whether this process can open connections to a worker; else its results come by the scheduler."""
    place = urlsplit(address)
    if place.hostname is None or place.port is None:
        return False
    if place.hostname in ("127.0.0.1", "localhost", platform.node()):
        return True
    try:
        socket.create_connection((place.hostname, place.port), timeout=_REACH_S).close()
    except OSError:
        return False
    return True


def _close(client: Client) -> None:
    with _quiet():
        try:
            client.close(timeout=2)
        except Exception:  # it is of no use any more, however it ends
            return


class _quiet:  # noqa: N801 - used as a function
    """Within, distributed logs nothing but what is critical: what it would say is said in an error."""

    def __enter__(self) -> None:
        self._logger = logging.getLogger("distributed")
        self._level = self._logger.level
        self._logger.setLevel(logging.CRITICAL)

    def __exit__(self, *_: object) -> None:
        self._logger.setLevel(self._level)
