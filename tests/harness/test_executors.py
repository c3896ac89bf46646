"""Executors of the caller's own: the standard library's, and one that knows nothing but `submit`."""

from __future__ import annotations

import pickle
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest
from test_runner import measured

from assay.errors import ParameterError
from assay.harness.executors import make_executor, opened_executor
from assay.harness.progress import SilentProgress


class PostalExecutor(Executor):
    """As an executor on other machines: what it is given, and what it gives, has been pickled in between."""

    def __init__(self, *, loses: int = 0) -> None:
        self.bytes_sent: list[int] = []
        self.loses = loses

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        sent = pickle.dumps((fn, args, kwargs))
        self.bytes_sent.append(len(sent))
        future: Future[Any] = Future()
        if self.loses:
            self.loses -= 1
            future.cancel()
            future.set_running_or_notify_cancel()
            return future
        fn, args, kwargs = pickle.loads(sent)
        future.set_result(pickle.loads(pickle.dumps(fn(*args, **kwargs))))
        return future


def test_the_standard_librarys_pools_are_executors(content: dict[str, Any]) -> None:
    whole = measured(content)
    with ThreadPoolExecutor(2) as threads:
        assert measured(content, span_rows=100, executor=threads) == whole
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        assert measured(content, span_rows=500, executor=processes) == whole


def test_an_executor_that_only_submits_gets_all_that_a_span_needs(
    content: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.harness.span_runner._INLINE_BYTES", 1)
    monkeypatch.setattr("tempfile.TemporaryDirectory", None)  # its workers may be on other machines: no file is made
    executor = PostalExecutor()
    assert measured(content, span_rows=100, executor=executor) == measured(content)
    assert len(executor.bytes_sent) == 20


@pytest.mark.parametrize("losses", [1, 3, 50])
def test_lost_spans_are_sent_again_and_at_last_measured_here(content: dict[str, Any], losses: int) -> None:
    whole, executor, progress = measured(content), PostalExecutor(loses=losses), SilentProgress()
    assert measured(content, span_rows=500, executor=executor, progress=progress) == whole
    assert progress.messages == ["a worker was lost; what it had not delivered is measured again"]
    # Two stages of two spans, each sent four times at most.
    assert len(executor.bytes_sent) == (4 + losses if losses < 4 else 16)


def test_a_name_opens_an_executor_and_closes_it() -> None:
    with opened_executor("threads", 2) as executor:
        assert isinstance(executor, ThreadPoolExecutor) and executor.submit(len, "abc").result() == 3
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(len, "abc")
    with opened_executor(None) as nothing:
        assert nothing is None


def test_an_unknown_kind_is_told() -> None:
    with pytest.raises(
        ParameterError, match='the executor is "ray"; expected inline, threads, processes or dask:ADDRESS'
    ):
        make_executor("ray")
    with pytest.raises(ParameterError, match="jobs is 0"):
        make_executor("threads", 0)
