"""Rebuilds, and loads against unequal capacities, in what the page embeds."""

from __future__ import annotations

import pyarrow as pa
import pytest

import assay
from assay.report.payload import build_payload
from assay.report.rebuild import rebuild_by_cell
from assay.report.run_reader import read_run


@pytest.fixture(scope="module")
def results() -> assay.front.Comparison:
    return assay.compare(
        "partitioning",
        pa.table({"k": range(40)}),
        strategies=["modulo(k)", "ring(k)"],
        partitions=4,
        replicas=2,
        capacities=[1, 1, 1, 2],
        timing=False,
    )


def test_the_page_embeds_who_rebuilds_each_node(results) -> None:
    (point,) = build_payload(results.store, read_run(results.store, results.run_id))["experiments"][0]["points"]
    rebuild = point["rebuild"][[row["name"] for row in point["rows"]].index("modulo(k)")]
    assert rebuild["labels"] == ["node-0", "node-1", "node-2", "node-3"]
    # Chained copies: the keys of a node from the next one, the copies of the one before from there; 10 rows each.
    assert rebuild["donors"] == rebuild["effective"] == [2, 2, 2, 2]


def test_loads_carry_their_fair_shares_where_capacities_differ(results) -> None:
    (point,) = build_payload(results.store, read_run(results.store, results.run_id))["experiments"][0]["points"]
    load = point["load"][[row["name"] for row in point["rows"]].index("modulo(k)")]
    assert load["values"] == [10, 10, 10, 10]
    assert load["fair"] == [8, 8, 8, 16]


def test_rebuilds_without_room_are_left_out_and_counted(results) -> None:
    found, left_out = rebuild_by_cell(results.store, results.run_id, 0, 8)
    assert (len(found), left_out) == (1, 1)
