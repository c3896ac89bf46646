"""Hot keys: how much hotter one may become, and what splitting the hottest over several partitions mends and costs.

Salting appends one of a few suffixes to a hot key, so that its rows lie on several partitions; a read of
that key then asks all of them. Cost: a partial sort of the keys' weights, once a key; no scan of the rows.
Source: METHODOLOGY, "Hot keys and growth".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pyarrow as pa

from assay.datasets import Dataset
from assay.experiments.distinct import DistinctKeys, total
from assay.experiments.loads import are_equal, load_metrics, whole_units
from assay.experiments.partitioning.aspects.aspect import Aspect, Found, Mistakes, Study
from assay.experiments.partitioning.settings import PartitioningSettings

__all__ = ["HotKeys", "heaviest_keys", "hot_key_factor", "key_in_words", "plan"]

UNBALANCED = Fraction(5, 4)  # load_max_over_mean above this is out of balance, as in the answer's rule
_LOOKED_AT_ONCE = 1 << 18
MOST_LETTERS = 60  # of a key in a note
METRICS = ("hot_key_factor", "salted_load_max_over_mean", "salted_reads_factor")


def plan(dataset: Dataset, settings: PartitioningSettings, mistakes: Mistakes) -> HotKeys:
    """Always measured: the distinct keys tell it all."""
    return HotKeys(settings.salt_keys, settings.salt_ways)


@dataclass(frozen=True)
class HotKeys(Aspect):
    """The heaviest keys of each strategy's key.

    Attributes:
        salt_keys: How many of them are split.
        salt_ways: Over how many partitions each.
    """

    salt_keys: int
    salt_ways: int

    def measure(self, study: Study, found: Found) -> None:
        """The factor, and the load and the reads once the heaviest keys are split."""
        if not study.keyed:
            for name in METRICS:
                found.set(name, None, "rows are placed by their number; there is no key")
            return
        self._factor(study, found)
        self._salted(study, found)

    def _factor(self, study: Study, found: Found) -> None:
        own, loads = study.own, study.loads
        partitions = study.partitions.to_numpy()
        units = whole_units(study.contest.cluster.all_capacities)
        heaviest = own.weights == own.weights.max()
        hottest = first_in_fullest(heaviest, partitions, fullness_ranks(loads, units))
        weight, home = int(own.weights[hottest]), int(partitions[hottest])
        factor = hot_key_factor(loads, home, weight, units)
        if factor is None:
            why = "nothing weighs" if not weight else "its node has so much of the capacity that no load is too much"
            found.set("hot_key_factor", None, why if study.n > 1 else "there is only one partition")
            return
        share = weight / total(own.weights)
        found.set("hot_key_factor", factor, f"{key_in_words(own, hottest)}: {100 * share:.3g} % of the load")

    def _salted(self, study: Study, found: Found) -> None:
        own, loads = study.own, [int(load) for load in study.loads]
        ways = min(self.salt_ways, study.n)
        split = study.facts.once(
            f"heaviest:{self.salt_keys}:{','.join(own.key)}", lambda: heaviest_keys(own.weights, self.salt_keys)
        )
        partitions = study.partitions.to_numpy()
        for key in split.tolist():
            weight, home = int(own.weights[key]), int(partitions[key])
            part, rest = divmod(weight, ways)
            loads[home] -= weight
            for i in range(ways):
                loads[(home + i) % study.n] += part + (i < rest)
        capacities = study.contest.cluster.unequal
        salted = load_metrics(np.array(loads, np.uint64), capacities)["load_max_over_mean"]
        found.set("salted_load_max_over_mean", salted)
        whole = total(own.weights)
        read = whole + (ways - 1) * total(own.weights[split])
        found.set("salted_reads_factor", read / whole if whole else None)


def first_in_fullest(chosen: np.ndarray, partitions: np.ndarray, fullness: np.ndarray) -> int:
    """The first of the chosen keys that lie in the fullest partition which holds one.

    Args:
        chosen: bool, which keys; at least one.
        partitions: Unsigned, the partition of each key.
        fullness: How full each partition is, shape (n,).
    """
    holds = np.zeros(len(fullness), bool)
    holds[partitions[chosen]] = True
    wanted = holds & (fullness == fullness[holds].max())
    return int(np.argmax(chosen & wanted[partitions]))


def fullness_ranks(loads: np.ndarray, units: Sequence[int]) -> np.ndarray:
    """For each partition a number that is greater where load over capacity is, and equal where it is equal."""
    if are_equal(units):
        return loads
    full = [Fraction(int(load), unit) for load, unit in zip(loads, units, strict=True)]
    rank = {value: place for place, value in enumerate(sorted(set(full)))}
    return np.array([rank[value] for value in full])


def hot_key_factor(loads: np.ndarray, home: int, weight: int, units: Sequence[int]) -> float | None:
    """The least h >= 1 beyond which a key that weighs h times as much takes load_max_over_mean above 1.25.

    With U (L + (h - 1) w) = 1.25 u (W + (h - 1) w), L the load of the key's partition, w its weight, u the capacity
    of its node and U that of all; of n equal nodes U / u = n.

    Args:
        loads: uint64 of shape (n,).
        home: The key's partition.
        weight: The key's weight.
        units: The capacities as whole numbers, of shape (n,).

    Returns:
        1 where the load is out of balance already; None for one partition, a key without weight, or a node that has
        so much of the capacity that it could hold everything.
    """
    n, whole, capacity = len(loads), total(loads), sum(units)
    if n == 1 or not weight:
        return None
    up, down = UNBALANCED.numerator, UNBALANCED.denominator
    room = [up * whole * unit - down * capacity * int(load) for load, unit in zip(loads, units, strict=True)]
    if min(room) < 0:
        return 1.0
    divisor = (down * capacity - up * units[home]) * weight
    return (divisor + room[home]) / divisor if divisor > 0 else None


def heaviest_keys(weights: np.ndarray, count: int) -> np.ndarray:
    """The positions of the `count` greatest weights, greatest first; of equal ones the first."""
    if count >= len(weights):
        chosen = np.arange(len(weights))
    else:
        least = np.partition(weights, len(weights) - count)[len(weights) - count]
        above = np.flatnonzero(weights > least)
        chosen = np.sort(np.concatenate([above, _first_equal(weights, least, count - len(above))]))
    order: np.ndarray = chosen[np.argsort(weights.max() - weights[chosen], kind="stable")]
    return order


def _first_equal(weights: np.ndarray, wanted: np.integer, count: int) -> np.ndarray:
    """The first `count` positions of a weight, of which there are as many; most keys may weigh so."""
    found: list[np.ndarray] = []
    for first in range(0, len(weights), _LOOKED_AT_ONCE):
        if count <= 0:
            break
        found.append(first + np.flatnonzero(weights[first : first + _LOOKED_AT_ONCE] == wanted)[:count])
        count -= len(found[-1])
    return np.concatenate([np.empty(0, np.int64), *found])


def key_in_words(keys: DistinctKeys, position: int) -> str:
    """A key as people read it: its parts, null for null."""
    words = ", ".join(_in_words(column[position]) for column in keys.columns)
    return words if len(words) <= MOST_LETTERS else f"{words[: MOST_LETTERS - 1]}…"


def _in_words(value: pa.Scalar) -> str:
    if not value.is_valid:
        return "null"
    if pa.types.is_large_binary(value.type) or pa.types.is_fixed_size_binary(value.type):
        return f"0x{value.as_py().hex()}"
    return str(value.cast(pa.string()).as_py())
