"""Strategies that users write in Python.

    import assay

    @assay.register_strategy
    class FirstLetter(assay.Strategy):
        "The first letter of the key, a to z."
        name = "first_letter"

        def assign(self, keys):
            letters = pc.utf8_upper(pc.utf8_slice_codeunits(keys.column(0), 0, 1))
            return pc.modulo(...)                      # one partition per row, 0 to self.partitions - 1

A strategy sees each distinct key once, as a pyarrow table with the columns that its spelling
names; null keys (all parts null) never reach it, they live in partition 0.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import numpy as np
import pyarrow as pa

from assay.catalogue import Contender, parameters_of, register
from assay.errors import MeasurementError, ParameterError

__all__ = ["Strategy", "assign_by_user", "learn_by_user", "register_strategy"]


class Strategy:
    """The base of strategies written in Python; one instance is made per table and number of partitions.

    Attributes:
        name: How it is spelled.
        version: An integer; change the numbers, change the version.
        source: The paper or text it follows.
        parameters: By name: a `range` of integers (its start is the default), a tuple of choices
            (its first is the default), or a default text.
        partitions: The number of partitions n.
        settings: The parameters given.
    """

    name: ClassVar[str] = ""
    version: ClassVar[int] = 1
    source: ClassVar[str] = "a user's own"
    parameters: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, partitions: int, settings: Mapping[str, Any]) -> None:
        self.partitions = partitions
        self.settings = settings

    def learn(self, keys: pa.Table, rows: np.ndarray) -> None:
        """Called once before `assign` with all distinct keys and the number of rows of each (uint64)."""

    def assign(self, keys: pa.Table) -> Any:
        """The partition of each row of `keys`, as integers from 0 to `partitions` - 1; depends on the key alone."""
        raise NotImplementedError(f"{type(self).__name__} does not say where keys live; define assign(self, keys)")

    @property
    def routing_bytes(self) -> int:
        """The bytes of state that a router must hold."""
        return 0


_StrategyClass = TypeVar("_StrategyClass", bound=type[Strategy])


def register_strategy(strategy: _StrategyClass) -> _StrategyClass:
    """Makes a strategy known by its name, in this process; returns it, so that it can decorate the class.

    Raises:
        ParameterError: It is not derived from `Strategy`, has no name or no `assign`, or the name of one of assay's.
    """
    if not (isinstance(strategy, type) and issubclass(strategy, Strategy)):
        raise ParameterError(
            f"{getattr(strategy, '__name__', repr(strategy))} is no strategy; expected a class derived from "
            "assay.Strategy, as in class Mine(assay.Strategy)"
        )
    if not strategy.name.isidentifier():
        raise ParameterError(
            f"{strategy.__name__}.name is {strategy.name!r}; expected a name of letters, digits and underscores"
        )
    if strategy.assign is Strategy.assign:
        raise ParameterError(f"{strategy.__name__} has no assign; define assign(self, keys) -> integers")
    register(
        Contender(
            room="partition",
            name=strategy.name,
            version=strategy.version,
            idea=(inspect.getdoc(strategy) or "A user's own strategy.").splitlines()[0],
            cost="that of its Python code",
            choose_when="its author says so",
            source=strategy.source,
            parameters=tuple(parameters_of(strategy.parameters)),
            abilities=frozenset({"keyed", "compound"}),
            implementation=strategy,
        )
    )
    return strategy


def learn_by_user(strategy: Strategy, keys: pa.Table, rows: np.ndarray) -> None:
    """Lets `strategy` learn.

    Raises:
        MeasurementError: Its code failed.
    """
    try:
        strategy.learn(keys, rows)
    except Exception as error:
        raise _failed(strategy, "learn", error) from error


def _failed(strategy: Strategy, method: str, error: Exception) -> MeasurementError:
    return MeasurementError(f"{strategy.name}.{method} failed: {type(error).__name__}: {error}")


def assign_by_user(strategy: Strategy, keys: pa.Table) -> np.ndarray:
    """The partitions that `strategy` gives, checked.

    Raises:
        MeasurementError: Its code failed, or gave not one integer from 0 to n - 1 per row.
    """
    try:
        given = strategy.assign(keys)
    except Exception as error:
        raise _failed(strategy, "assign", error) from error
    if isinstance(given, pa.ChunkedArray | pa.Array):
        if given.null_count:
            raise MeasurementError(f"{strategy.name} gave {given.null_count} nulls; expected a partition for each key")
        given = given.to_numpy(zero_copy_only=False) if isinstance(given, pa.Array) else given.to_numpy()
    found = np.asarray(given)
    if found.shape != (keys.num_rows,):
        raise MeasurementError(
            f"{strategy.name} gave an array of shape {found.shape}; expected ({keys.num_rows},), one for each key"
        )
    if found.dtype.kind not in "iu":
        raise MeasurementError(f"{strategy.name} gave values of type {found.dtype}; expected integers")
    if len(found) and not (found.min() >= 0 and found.max() < strategy.partitions):
        raise MeasurementError(
            f"{strategy.name} gave partitions from {found.min()} to {found.max()}; "
            f"expected 0 to {strategy.partitions - 1}"
        )
    return found.astype(np.uint32)
