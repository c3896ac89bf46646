"""Replay: a strategy learned on the rows before the newest tenth, then fed that tenth.

Strategies that learn nothing from the data (hash, modulo, placements, bounds and lists that were given)
stay as they are; ranges and lists are learned on the keys that there were. What comes then may be new:
a range puts it at its end, a list has no place for it. Source: METHODOLOGY, "Hot keys and growth".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from assay import _core
from assay.errors import AssayError
from assay.experiments.distinct import DistinctKeys, Key, numpy_of, total
from assay.experiments.loads import Number, load_metrics
from assay.experiments.partitioning.aspects.aspect import Study
from assay.experiments.partitioning.strategies import Learned, StrategySpec, learn

__all__ = ["Earlier", "keys_learned_from", "learns", "replayed"]

_COMPUTED = frozenset({"bucket", "hash", "modulo", "redis_slots", "round_robin"})  # and all placements


@dataclass(frozen=True)
class Earlier:
    """What of each distinct key comes when.

    Attributes:
        rows: uint64, its rows before the last tenth.
        last_weights: uint64, its weight in the last tenth.
    """

    rows: np.ndarray
    last_weights: np.ndarray


def learns(spec: StrategySpec) -> bool:
    """Whether where a key lives depends on which keys there are."""
    if spec.parts:
        return "first" not in spec.parameters or any(learns(part) for part in spec.parts)
    given = "bounds" in spec.parameters or "values" in spec.parameters
    return not given and spec.contender.room != "placement" and spec.name not in _COMPUTED


def keys_learned_from(spec: StrategySpec) -> list[Key]:
    """The keys whose distinct values learning asks for, the strategy's own first."""
    found = [spec.columns] if spec.columns else []
    for part in spec.parts:
        found += keys_learned_from(part)
    return list(dict.fromkeys(found))


def replayed(study: Study, earlier: Mapping[Key, Earlier]) -> tuple[Number, str | None]:
    """The load_max_over_mean of the last tenth on the strategy as it was learned before; or None, and why."""

    def keys_before(key: Key) -> DistinctKeys:
        there = pa.array(earlier[key].rows > 0)
        columns = [column.filter(there) for column in study.keys(key).columns]
        return DistinctKeys.of(key, columns, earlier[key].rows[earlier[key].rows > 0])

    spec, weights = study.contest.spec, earlier[study.contest.spec.columns].last_weights
    come = weights > 0
    why = None
    try:
        cluster = study.contest.cluster
        before = learn(spec, cluster.nodes, keys_before, capacities=cluster.capacities, racks=cluster.racks)
        try:
            loads = _loads(study, before, come, weights)
        except AssayError:  # it does not know all keys that come
            placed = come & _known(study, earlier)
            if not placed.any():
                return None, "learned before the last tenth, it has no place for any row of it"
            loads = _loads(study, before, placed, weights)
            share = total(weights[placed]) / total(weights)
            why = f"of the {100 * share:.4g} % of the last tenth that it has a place for, learned before it"
    except AssayError as error:
        return None, f"it cannot be learned from the rows before the last tenth: {error}"
    return load_metrics(loads, cluster.unequal)["load_max_over_mean"], why


def _loads(study: Study, learned: Learned, chosen: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The weight of the chosen keys in each partition."""
    columns = [column.filter(pa.array(chosen)) for column in study.own.columns]
    partitions = pa.array(learned.assign(columns, len(columns[0])))
    return numpy_of(_core.sum_by(partitions, pa.array(weights[chosen]), study.n))


def _known(study: Study, earlier: Mapping[Key, Earlier]) -> np.ndarray:
    """Which keys have a place in every list and directory within, which know only what they saw; null needs none."""
    spec = study.contest.spec
    if not spec.parts:
        seen: np.ndarray = (earlier[spec.columns].rows > 0) | study.own.is_null
        return seen
    columns = dict(zip(spec.columns, study.own.columns, strict=True))
    known = np.ones(len(study.own), bool)
    for leaf in spec.leaves:
        if not learns(leaf) or "enumerable" not in leaf.contender.abilities:
            continue
        numbers = numpy_of(study.facts.counter.find(leaf.columns, columns))
        known &= ((earlier[leaf.columns].rows > 0) | study.keys(leaf.columns).is_null)[numbers]
    return known
