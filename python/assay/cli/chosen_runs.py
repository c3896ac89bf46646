"""Which runs a command names, in one store or several: ids, suites' names, `STORE.duckdb:RUN`, a store's newest."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from assay.cli.options import chosen_run
from assay.errors import UsageError

if TYPE_CHECKING:
    from assay.store import Store

__all__ = ["opened_runs"]


@contextlib.contextmanager
def opened_runs(names: Sequence[str], stores: Sequence[Path]) -> Iterator[list[tuple[Store, str]]]:
    """Each named run with its store, open for reading, every file once; without names, each store's newest run.

    Args:
        names: Ids, beginnings of ids, suites' names or labels, `STORE.duckdb:RUN`, or the path of a store.
        stores: The files in which names without a store are looked for.

    Raises:
        NothingError: A store holds no run.
        UsageError: No run is named so, more than one store has one, or a run is named twice.
    """
    from assay.store import Store

    with contextlib.ExitStack() as stack:
        opened: dict[Path, Store] = {}

        def store_at(path: Path) -> Store:
            if path.absolute() not in opened:
                store = stack.enter_context(Store.read_only(path))
                stack.enter_context(store.snapshot())
                opened[path.absolute()] = store
            return opened[path.absolute()]

        found = []
        for place, run in [_parted(name) for name in names] or [(path, None) for path in stores]:
            store = store_at(place) if place is not None else _holder([store_at(path) for path in stores], run)
            found.append((store, chosen_run(store, run)))
        twice = {run_id for _, run_id in found if sum(other == run_id for _, other in found) > 1}
        if twice:
            raise UsageError(f"run {min(twice)} is named twice; name different runs")
        yield found


def _parted(name: str) -> tuple[Path | None, str | None]:
    """The store and the run in a name; a store that does not exist is part of the run's name."""
    if Path(name).is_file():
        return Path(name), None
    place, colon, run = name.rpartition(":")
    return (Path(place), run) if colon and run and Path(place).is_file() else (None, name)


def _holder(stores: Sequence[Store], run: str | None) -> Store:
    """The one store that holds a run of this name; where there is only one, whatever it holds."""
    if len(stores) == 1:
        return stores[0]
    having = []
    for store in stores:
        with contextlib.suppress(UsageError):
            chosen_run(store, run)
            having.append(store)
    paths = ", ".join(str(store.path) for store in (having or stores))
    if not having:
        raise UsageError(f'there is no run "{run}" in {paths}; `assay list runs --store FILE` shows what there is')
    if len(having) > 1:
        raise UsageError(f'"{run}" names a run in each of {paths}; write FILE:{run} for the one that is meant')
    return having[0]
