"""What point queries read of the row groups of one table: its queries and groups, made once for all filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay import _core
from assay.errors import EmptyInputError, ParameterError
from assay.experiments.base import Value
from assay.experiments.distinct import KeyCounter, numpy_of
from assay.experiments.membership.absent import shuffled
from assay.experiments.membership.contests import Contest, group_values
from assay.experiments.membership.keys import ColumnKeys, row_counts
from assay.experiments.membership.row_groups import Grouping, Queries, RowGroups, ask, sorted_groups, unique_pairs
from assay.experiments.membership.table_bytes import mean_row_bytes

if TYPE_CHECKING:
    from assay.experiments.membership.job import MembershipJob

__all__ = ["GroupReads"]

_ASKING = 5  # stream of the seed


class GroupReads:
    """The queries and row groups of one job.

    Args:
        job: What is asked.
        keys: The column's keys.
        grouping: How rows are cut into groups.
        pairs: What the scan has found, by order: pairs group * 2^32 + key (uint64).
    """

    def __init__(
        self, job: MembershipJob, keys: ColumnKeys, grouping: Grouping, pairs: Mapping[str, Sequence[np.ndarray]]
    ) -> None:
        self._job, self._keys, self._grouping, self._pairs = job, keys, grouping, pairs
        self._groups: dict[str, RowGroups] = {}

    def values(self, contest: Contest) -> list[Value]:
        """What the queries read with a filter for each group.

        Raises:
            MeasurementError: A filter denies a key that its group holds.
            EmptyInputError, ParameterError: The workload asks for nothing, or for values of another type.
        """
        if contest.order not in self._groups:
            self._groups[contest.order] = self._made(contest.order)
        groups = self._groups[contest.order]
        reads = ask(groups, self._keys.values, self.queries, self._ranks, contest.built)
        return group_values(contest, reads, self.queries.note)

    def _made(self, order: str) -> RowGroups:
        keys, sizes = self._keys, self._grouping.sizes(self._keys.rows)
        if order == "sorted":
            ascending = numpy_of(pc.sort_indices(keys.values)).astype(np.int64)
            pairs = sorted_groups(ascending, row_counts(keys), sizes)
        else:
            pairs = unique_pairs(self._pairs.get(order, []))
        if order == "shuffled":
            sizes = np.full(len(sizes), keys.rows / len(sizes))  # as expected of chance
        return RowGroups.from_pairs(pairs, sizes, mean_row_bytes(self._job.dataset))

    @cached_property
    def _ranks(self) -> tuple[np.ndarray, np.ndarray]:
        return self.queries.ranks(self._keys.values)

    @cached_property
    def queries(self) -> Queries:
        """The workload's, or each key and absent ones."""
        return self._made_up() if self._job.workload is None else self._logged()

    def _made_up(self) -> Queries:
        """Each distinct key once, of many a sample, and absent values beside."""
        keys, settings, there = self._keys, self._job.settings, len(self._keys.values)
        chosen = np.sort(shuffled(there, settings.seed, _ASKING)[: settings.queries_max])
        share = settings.absent_share
        absent = self._job.key_set(keys, None).made_up[: settings.queries_max] if share else keys.values[:0]
        if share == 1 and len(absent):
            chosen = chosen[:0]
        shares = [(len(chosen), 1 - share), (len(absent), share)]
        if not len(chosen) or not len(absent):
            shares = [(len(chosen) + len(absent), 1.0)]
        of_all = "each distinct key" if len(chosen) == there else f"{len(chosen):,} of {there:,} distinct keys"
        return Queries(
            pa.concat_arrays([keys.values.take(pa.array(chosen)), absent]),
            np.concatenate([chosen, np.full(len(absent), -1)]),
            np.ones(len(chosen) + len(absent), np.int64),
            tuple(shares),
            f"{of_all}, and {100 * share if len(absent) else 0:.3g} % of the queries ask for one of "
            f"{len(absent):,} absent values",
        )

    def _logged(self) -> Queries:
        """The values of the workload, as often as it asks for each."""
        workload, key, keys = self._job.workload, self._job.key, self._keys
        assert workload is not None, "there is a workload"
        counter = KeyCounter([(key,)])
        for batch in workload.batches([key]):
            counter.add({key: batch.data.column(key)}, None)
        logged = ColumnKeys(counter.finish()[(key,)], 0)
        asked, times = logged.values, row_counts(logged)
        if not len(asked):
            raise EmptyInputError(f"the workload {workload.name} asks for no {key} that is not null")
        chosen = np.sort(shuffled(len(asked), self._job.settings.seed, _ASKING)[: self._job.settings.queries_max])
        asked, times = asked.take(pa.array(chosen)), times[chosen]
        try:
            asked = asked.cast(keys.values.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise ParameterError(
                f"{key} is {asked.type} in the workload {workload.name} and {keys.values.type} in the table: {error}; "
                "give the workload the table's type"
            ) from None
        found = _find(keys.values, asked)
        share = float(times[found < 0].sum() / times.sum())
        note = f"{len(asked):,} values of {workload.name}; {100 * share:.3g} % of the queries find none"
        return Queries(asked, found, times, ((len(asked), 1.0),), note)


def _find(keys: pa.Array, values: pa.Array) -> np.ndarray:
    """The place of each value among `keys`; -1 where it is none of them (int64)."""
    table = _core.KeyTable()
    table.insert(keys)
    return numpy_of(table.find(values).cast(pa.int64()).fill_null(-1))
