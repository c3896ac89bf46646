"""Growth: the rows replayed in the order of a time column, tenth by tenth.

Two questions. How much of the newest tenth hits one partition, with the strategy as compared? And what
happens to it if the strategy was learned before it came (`replay.py`)? Cost: the distinct times are a key
like any other; the scan sums 10 n weights a strategy and, for strategies that learn from the data, a
count of earlier rows for each of their distinct keys. Source: METHODOLOGY, "Hot keys and growth".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay import _core
from assay.datasets import Dataset
from assay.datasets.arrow_types import plain_type
from assay.errors import EmptyInputError, UnsupportedTypeError, UsageError
from assay.experiments.distinct import DistinctKeys, Key, numpy_of, total
from assay.experiments.loads import load_metrics
from assay.experiments.partitioning.aspects.aspect import Aspect, Found, Mistakes, Study
from assay.experiments.partitioning.aspects.replay import Earlier, keys_learned_from, learns, replayed
from assay.experiments.partitioning.contest import Contest
from assay.experiments.partitioning.facts import NONE, Facts
from assay.experiments.partitioning.rows import Rows, RowState
from assay.experiments.partitioning.settings import PartitioningSettings

__all__ = ["TENTHS", "Growth", "plan"]

TENTHS = 10
LAST = TENTHS - 1


def plan(dataset: Dataset, settings: PartitioningSettings, mistakes: Mistakes) -> Growth | None:
    """Measured where a time is named."""
    if settings.time is None:
        return None
    try:
        kind = plain_type(dataset.column(settings.time).type)
        if not (
            pa.types.is_temporal(kind)
            or pa.types.is_integer(kind)
            or pa.types.is_floating(kind)
            or pa.types.is_decimal(kind)
        ):
            raise UnsupportedTypeError(
                f'time "{settings.time}" is of type {kind}; expected dates, timestamps, times or numbers that ascend '
                "as rows arrive; declare the column's type in a definition, or cast it"
            )
    except UsageError as error:
        mistakes.append(("time", error))
        return None
    return Growth(settings.time, settings.weight is not None)


@dataclass(frozen=True)
class Growth(Aspect):
    """The rows by tenths of their times.

    Attributes:
        time: The column.
        weighed: Whether a column weighs the rows.
    """

    time: str
    weighed: bool

    def keys(self) -> Iterable[Key]:
        """The times."""
        return [(self.time,)]

    def prepare(self, facts: Facts) -> None:
        """The tenth of each distinct time: ranges of as many rows each, equal times in one of them."""
        times = self._times(facts)
        if times.is_null.all():
            raise EmptyInputError(f'time "{self.time}" is null in every row; name a column that has values')
        ranges = _core.Strategy.learn("range", times.core, list(range(TENTHS)), [])
        tenths = numpy_of(ranges.assign(times.columns, len(times))).copy()
        tenths[times.is_null] = NONE
        facts.keep((self.time,), "tenth", tenths, TENTHS)

    def scans(self, facts: Facts, contest: Contest) -> bool:
        """All but strategies by the time alone, whose distinct keys tell it."""
        return not self._by_time(contest)

    def add(self, rows: Rows, contest: Contest, state: RowState) -> None:
        """The weight of each tenth in each partition; for keys that are learned from, the rows before the last."""
        tenths = numpy_of(rows.named((self.time,), "tenth"))
        groups = np.where(
            tenths == NONE, NONE, tenths * np.uint32(contest.partitions) + numpy_of(rows.partitions(contest))
        )
        state.sums(f"tenth:{contest.index}", TENTHS * contest.partitions).add(pa.array(groups), rows.weights)
        if not contest.spec.keyed or not learns(contest.spec):
            return
        for key in keys_learned_from(contest.spec):
            if key == (self.time,) or not rows.first(f"before:{key}"):
                continue  # strategies that share a key share its counts
            size, numbers = len(rows.facts.distinct[key]), numpy_of(rows.numbers(key))
            before = pa.array(np.where(tenths < LAST, numbers, NONE))
            state.sums(f"before:{key}", size).add(before)
            if self._sums_last(rows.facts):
                last = pa.array(np.where(tenths == LAST, numbers, NONE))
                state.sums(f"last:{key}", size).add(last, rows.weights)

    def measure(self, study: Study, found: Found) -> None:
        """The last tenth as compared, the last tenth after learning without it, and all tenths as series."""
        loads = self._loads(study)
        whole = total(loads[LAST])
        if not whole:
            for name in ("last_decile_share", "growth_load_max_over_mean", "unseen_key_share"):
                found.set(name, None, "the rows of the last tenth weigh nothing")
        else:
            found.set("last_decile_share", int(loads[LAST].max()) / whole)
            self._replay(study, loads[LAST], found)
        self._series(study, loads, found)

    def _replay(self, study: Study, last: np.ndarray, found: Found) -> None:
        spec = study.contest.spec
        if not learns(spec):
            capacities = study.contest.cluster.unequal
            found.set("growth_load_max_over_mean", load_metrics(last, capacities)["load_max_over_mean"])
            found.set("unseen_key_share", None, "the strategy learns nothing from the keys")
            return
        if not study.keyed:
            for name in ("growth_load_max_over_mean", "unseen_key_share"):
                found.set(name, None, "not replayed: it learns from keys, but places rows by their number")
            return
        earlier = {key: self._earlier(study, key) for key in keys_learned_from(spec)}
        if not any(numbers.rows.any() for numbers in earlier.values()):
            for name in ("growth_load_max_over_mean", "unseen_key_share"):
                found.set(name, None, "no row comes before the last tenth")
            return
        own = earlier[spec.columns]
        unseen = (own.rows == 0) & (own.last_weights > 0)
        found.set("unseen_key_share", total(own.last_weights[unseen]) / total(own.last_weights))
        load, why = replayed(study, earlier)
        found.set("growth_load_max_over_mean", load, why)

    def _series(self, study: Study, loads: np.ndarray, found: Found) -> None:
        """Each tenth alone, and all rows up to its end; tenths without weight are left out."""
        labels = study.facts.once("tenths", lambda: self._labels(study.facts))
        for name, each in (("growth", loads), ("growth_so_far", loads.cumsum(axis=0, dtype=np.uint64))):
            for tenth in range(TENTHS):
                load = load_metrics(each[tenth], study.contest.cluster.unequal)["load_max_over_mean"]
                if load is not None and loads[tenth].any():
                    found.point(name, tenth, labels[tenth], load)

    def _labels(self, facts: Facts) -> list[str]:
        """The first time of each tenth; empty for a tenth without rows."""
        times, tenths = self._times(facts), self._tenths(facts)
        column = times.columns[0]
        found = []
        for tenth in range(TENTHS):
            within = np.flatnonzero(tenths == tenth)
            first = pc.min(column.take(pa.array(within)))
            found.append(str(first.cast(pa.string()).as_py()) if len(within) else "")
        return found

    def _loads(self, study: Study) -> np.ndarray:
        """uint64 of shape (10, n)."""
        if self._by_time(study.contest):
            times, tenths = self._times(study.facts), self._tenths(study.facts)
            known = tenths != NONE
            groups = tenths[known] * np.uint32(study.n) + numpy_of(study.partitions)[known]
            weights = pa.array(times.weights[known])
            found = numpy_of(_core.sum_by(pa.array(groups), weights, TENTHS * study.n))
        else:
            found = study.sums(f"tenth:{study.index}", TENTHS * study.n)
        return found.reshape(TENTHS, study.n)

    def _earlier(self, study: Study, key: Key) -> Earlier:
        """The rows of each distinct key before the last tenth, and its weight in it."""
        keys = study.keys(key)
        if key == (self.time,):
            tenths = self._tenths(study.facts)
            zero = np.uint64(0)
            return Earlier(np.where(tenths < LAST, keys.rows, zero), np.where(tenths == LAST, keys.weights, zero))
        before = study.sums(f"before:{key}", len(keys))
        if self._sums_last(study.facts):
            return Earlier(before, study.sums(f"last:{key}", len(keys)))
        return Earlier(before, keys.rows - before)

    def _times(self, facts: Facts) -> DistinctKeys:
        return facts.distinct[self.time,]

    def _tenths(self, facts: Facts) -> np.ndarray:
        """The tenth of each distinct time, uint32, or `NONE`."""
        return numpy_of(facts.numbers((self.time,), "tenth"))

    def _by_time(self, contest: Contest) -> bool:
        return contest.spec.keyed and contest.spec.columns == (self.time,)

    def _sums_last(self, facts: Facts) -> bool:
        """Whether the weight in the last tenth is summed too, as it is not all that is left of a key's rows."""
        return self.weighed or bool(self._times(facts).is_null.any())
