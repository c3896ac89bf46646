"""The rows of each partition in one pass, without counting keys: a first look, and a kernel of its own.

A comparison counts every distinct key, since skew that keys force, movement and joins need them. Where
only the loads are asked for, a strategy that learns nothing from the data needs one hash a row and a
counter: memory does not grow with the keys. Strategies that learn (range and list without given values)
have their keys counted first.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa

from assay import _core
from assay.datasets import Dataset, Span, open_dataset
from assay.errors import EmptyInputError, ParameterError
from assay.experiments.distinct import DistinctKeys, Key, KeyCounter
from assay.experiments.partitioning.strategies import Learned, StrategySpec, learn, parse_strategy

__all__ = ["count_partitions", "learn_on"]

SPAN_ROWS = 1_000_000


def count_partitions(data: Any, strategy: str, *, partitions: int, threads: int | None = None) -> pa.UInt64Array:
    """The number of rows that a strategy puts into each partition.

    Args:
        data: A dataset's name, a definition, a path, a glob, a URL, or anything Arrow.
        strategy: Its spelling, such as "hash(l_orderkey)".
        partitions: Their number n.
        threads: How many spans of the table are counted side by side; as many as there are cores by default.

    Returns:
        uint64 of shape (n,), exact; null keys count in partition 0.

    Raises:
        UsageError: The strategy is misspelled, or cannot take the column or so many partitions.
        EmptyInputError: The table has no rows.

    Source:
        METHODOLOGY, "Strategies".
    """
    if partitions < 1:
        raise ParameterError(f"partitions is {partitions}; expected at least 1")
    if threads is not None and threads < 1:
        raise ParameterError(f"threads is {threads}; expected at least 1, or None for all cores")
    dataset = data if isinstance(data, Dataset) else open_dataset(data)
    spec = parse_strategy(strategy, dataset.schema, dataset.name)
    if spec.groups:
        raise ParameterError(f"{spec.text} places columns, not rows; compare it with assay.compare instead")
    learned = learn_on(dataset, spec, partitions)
    workers = threads or pa.cpu_count()
    spans = dataset.spans(target_rows=max(SPAN_ROWS, -(-(dataset.rows or 0) // workers)))  # opening a file costs too
    sums = _core.Sums(partitions)
    if len(spans) == 1 or workers == 1:
        _count(dataset, learned, spans, sums)
    else:
        with ThreadPoolExecutor(workers, thread_name_prefix="assay-count") as pool:
            for part in pool.map(lambda span: _count(dataset, learned, [span], _core.Sums(partitions)), spans):
                sums.merge(part.values())
    counts = sums.values()
    if not any(counts.to_numpy()):
        raise EmptyInputError(f"{dataset.name} has no rows; there is nothing to count")
    return counts


def learn_on(dataset: Dataset, spec: StrategySpec, partitions: int) -> Learned:
    """The strategy, learned on a table; its keys are counted only if it learns from them."""
    if not _learns(spec):
        return learn(spec, range(partitions), lambda key: _no_keys(dataset, key))
    counter = KeyCounter(spec.keys)
    columns = list(dict.fromkeys(name for key in counter.keys for name in key))
    for batch in dataset.batches(columns):
        counter.add({name: batch.data.column(name) for name in columns}, None)
    distinct = counter.finish()
    return learn(spec, range(partitions), lambda key: distinct[key])


def _count(dataset: Dataset, learned: Learned, spans: Sequence[Span], sums: _core.Sums) -> _core.Sums:
    columns = list(learned.spec.columns)
    for span in spans:
        for batch in dataset.batches(columns, span):
            key = [batch.data.column(name) for name in columns]
            learned.count(key, batch.data.num_rows, sums, first_row=batch.first_row)
    return sums


def _learns(spec: StrategySpec) -> bool:
    """Whether any part of the strategy is made from the keys of the data."""
    if spec.parts:
        return spec.parameters.get("first") is None or any(_learns(part) for part in spec.parts)
    made_of_keys = {"bounds", "values"} & {parameter.name for parameter in spec.contender.parameters}
    given = made_of_keys & set(spec.parameters)
    return spec.contender.implementation is not None or spec.name == "directory" or bool(made_of_keys - given)


def _no_keys(dataset: Dataset, key: Key) -> DistinctKeys:
    """Distinct keys of which none is known yet."""
    columns = [pa.array([], dataset.column(name).type) for name in key]
    return DistinctKeys.of(key, columns, pa.array([], pa.uint64()))
