"""What an answer warns of: hot keys, few keys, and growth that its figures do not show."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

import assay


def notes(table, strategies, partitions=4, **settings):
    found = assay.compare(
        "partitioning", table, strategies=strategies, partitions=[partitions], timing=False, **settings
    )
    return "\n".join(found.answers[0]["notes"])


def test_a_hot_key_is_called_hot_and_not_few_keys():
    # One of 101 keys has half of the rows: alone it loads a partition of four with twice the mean.
    table = pa.table({"k": ["hot"] * 100 + [f"key-{row}" for row in range(100)]})
    found = notes(table, ["hash(k)"])
    assert "hash(k) (2.00 × mean)" in found
    assert "Few keys" not in found


def test_few_keys_are_called_few():
    # 100 equally heavy keys: an ideal hash would be sqrt(4/100) = 20 % off.
    table = pa.table({"k": [f"key-{row % 100}" for row in range(1_000)]})
    found = notes(table, ["hash(k)", "round_robin"])
    assert "Few keys: even an ideal hash would spread hash(k) unevenly" in found
    assert "Hot keys" not in found


def test_a_range_says_that_growth_is_not_shown():
    table = pa.table({"t": list(range(1_000))})
    assert "range(t) sends every new row to the last partition" in notes(table, ["range(t)"])
    assert "Growth" not in notes(table, ["hash(t)"])


def test_a_note_proposes_the_time_that_the_table_declares(tmp_path):
    pq.write_table(pa.table({"t": range(1_000)}), tmp_path / "events.parquet")
    definition = tmp_path / "events.toml"
    definition.write_text('name = "events"\nsource = { path = "events.parquet" }\nroles = { time = "t" }\n')
    assert "--time t replays the rows in that order" in notes(str(definition), ["range(t)"])
    assert "--time COLUMN replays" in notes(pa.table({"t": range(1_000)}), ["range(t)"])


def test_growth_that_was_replayed_is_told_and_not_called_missing():
    # Learned on the first 900 keys, a range has its last bound at 675: all of the last hundred rows are above it.
    table = pa.table({"t": list(range(1_000)), "k": [row % 50 for row in range(1_000)]})
    found = notes(table, ["range(t)", "hash(k)"], time="t")
    assert "Growth is not shown" not in found
    assert "more than 1.25 times the mean of that tenth: range(t) (4.00 × mean)" in found
