"""Simulations that an interrupt calls off, and that tell how far they are.

The core works without the interpreter, which hears of an interrupt only when it is back; so it works in a thread of its
own, and whoever waits for it tells it to stop. Cost: a thread for each call, about a tenth of a millisecond.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from assay import _core

__all__ = ["called_off_by_interrupts"]

_Found = TypeVar("_Found")
_TOLD_EVERY_S = 0.1


def called_off_by_interrupts(
    simulate: Callable[[_core.SimulationProgress], _Found], on_progress: Callable[[int], None] = lambda _: None
) -> _Found:
    """What the core finds; an interrupt ends it at once, wherever it is.

    Args:
        simulate: Calls the core with this progress.
        on_progress: Told now and then of requests that were simulated since it was told last, over all simulations.

    Raises:
        Whatever `simulate` or `on_progress` raises, and KeyboardInterrupt.
    """
    from concurrent.futures import ThreadPoolExecutor
    from concurrent.futures import TimeoutError as NotYet

    progress = _core.SimulationProgress()
    told = 0
    with ThreadPoolExecutor(1, thread_name_prefix="assay-caches") as pool:
        future = pool.submit(simulate, progress)
        try:
            while True:
                try:
                    found = future.result(timeout=_TOLD_EVERY_S)
                except NotYet:
                    pass
                else:
                    on_progress(progress.done - told)
                    return found
                done = progress.done
                on_progress(done - told)
                told = done
        except BaseException:
            progress.stop()
            raise
