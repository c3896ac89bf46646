"""As many partitions as are allowed: nothing grows with the pairs of partitions."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import assay
from assay import _core
from assay.datasets import Query
from assay.errors import ParameterError
from assay.experiments.partitioning.queries import check_marks


def test_the_greatest_number_of_partitions_is_measured() -> None:
    # Rows 0 to 9 are below both 65,536 and 65,537, so that a node more moves none of them.
    results = assay.compare(
        "partitioning", pa.table({"id": range(10)}), strategies=["round_robin"], partitions=65_536, timing=False
    )
    found = {row["metric"]: row["value"] for row in results.to_arrow().to_pylist()}
    assert found["empty_partitions"] == 65_526
    assert found["moved_share.add_one"] == 0
    assert found["moved_share.remove_one"] == 0


def test_a_row_stays_moves_or_strays() -> None:
    # Nodes 0 1 2 become 0 1 3. Rows: 0 stays on 0; 0 goes to 1, which both remain: it strays; 2 leaves for 3 and
    # 1 goes to the new 3: they move.
    here, there = pa.array([0, 0, 2, 1], pa.uint32()), pa.array([0, 1, 2, 2], pa.uint32())
    assert _core.journeys(here, there, [0, 1, 2], [0, 1, 3]) == [1, 2, 1]
    weights = pa.array([10, 20, 30, 40], pa.uint64())
    assert _core.journeys(here, there, [0, 1, 2], [0, 1, 3], weights) == [10, 70, 20]


@pytest.mark.parametrize("width", [1, 3, 8, 65])
def test_marks_are_counted_by_row_of_the_matrix(width: int) -> None:
    matrix = np.random.default_rng(7).random((37, width)) < 0.3
    groups, partitions = (pa.array(part.astype(np.uint32)) for part in np.nonzero(matrix))
    marks = _core.Marks(37, width)
    marks.mark(groups, partitions)
    marks.mark(pa.array([0xFFFFFFFF], pa.uint32()), pa.array([0], pa.uint32()))  # no group: passed over
    assert marks.counts().to_pylist() == matrix.sum(axis=1).tolist()
    assert marks.values().to_pylist() == np.packbits(matrix.ravel(), bitorder="little").tolist()


def test_a_query_with_too_many_instances_is_refused_by_name() -> None:
    query = Query.parse("by_id", "point(id)")
    check_marks(query.name, 65_536, 65_536)
    with pytest.raises(ParameterError, match=r"query by_id: 65,537 instances on 65,536 partitions .* fewer partitions"):
        check_marks(query.name, 65_537, 65_536)
