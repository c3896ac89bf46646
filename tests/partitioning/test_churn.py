"""Churn against a history lived through row by row."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import pyarrow as pa
import pytest
from oracle_keys import Column, Table, rows_of
from oracle_strategies import Strategy, node_names, place
from product import to_arrow, without_blanks

import assay
from assay.errors import UsageError
from assay.experiments.partitioning.aspects.churn import histories

MASK = 2**64 - 1
STRATEGIES = [
    Strategy("modulo", ("k",)),
    Strategy("hash", ("name",)),
    Strategy("list", ("name",)),
    Strategy("ring", ("k",), virtual_nodes=16),
    Strategy("rendezvous", ("name",)),
    Strategy("jump", ("k",)),
    Strategy("maglev", ("k",)),
]


def make_table() -> Table:
    return {
        "k": Column("int", [row * 13 % 101 if row % 9 else None for row in range(300)]),
        "name": Column("text", [f"n{min(row * 7 % 53, row * 3 % 19)}" for row in range(300)]),
        "w": Column("int", [row % 4 for row in range(300)]),
    }


def splitmix(seed: int) -> Iterator[int]:
    while True:
        seed = (seed + 0x9E3779B97F4A7C15) & MASK
        z = ((seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield z ^ (z >> 31)


def live(strategy: Strategy, table: Table, n: int, events: int, seed: int, weights: list[int]) -> tuple[Fraction, ...]:
    """Moved share, over the optima, and over going there at once."""
    draws, names, born = splitmix(seed), node_names(n), n
    homes = first = [names[p] for p in place(strategy, table, names).rows]
    moved, least = 0, Fraction(0)
    for _ in range(events):
        event = next(draws) % (3 if len(names) > 1 else 2)
        if event == 0:
            names = [*names, f"node-{born}"]
            least += Fraction(1, len(names))
        else:
            at = next(draws) % len(names)
            least += Fraction(1, len(names))
            names = [*names[:at], *([f"node-{born}"] if event == 1 else []), *names[at + 1 :]]
        born += event != 2
        after = [names[p] for p in place(strategy, table, names).rows]
        moved += sum(w for w, old, new in zip(weights, homes, after, strict=True) if old != new)
        homes = after
    direct = sum(w for w, old, new in zip(weights, first, homes, strict=True) if old != new)
    share = Fraction(moved, sum(weights))
    return share, share / least, Fraction(moved, direct)


@pytest.mark.parametrize("weight", [None, "w"])
def test_churn_adds_up_what_each_event_moves(weight: str | None) -> None:
    table = make_table()
    weights = [1] * rows_of(table) if weight is None else table["w"].values
    results = assay.compare(
        "partitioning",
        to_arrow(table),
        strategies=[strategy.spelling for strategy in STRATEGIES],
        partitions=4,
        churn=6,
        timing=False,
        actions=[],
        **({"weight": weight} if weight else {}),
    )
    assert not results.failures
    rows = {(row["contender"], row["metric"]): row for row in results.to_arrow().to_pylist()}
    for strategy in STRATEGIES:
        draws = [live(strategy, table, 4, 6, seed, weights) for seed in range(5)]
        names = ("churn_moved_share", "churn_moved_over_optimum", "churn_moved_over_direct")
        for name, values in zip(names, zip(*draws, strict=True), strict=True):
            row = rows[without_blanks(strategy.spelling), name]
            assert row["kind"] == "seeded"
            expected = (float(sum(values) / 5), float(min(values)), float(max(values)))
            assert (row["value"], row["low"], row["high"]) == pytest.approx(expected, rel=1e-12), (strategy, name)


def test_a_history_begins_with_the_published_draws_of_splitmix64() -> None:
    # Vigna's splitmix64 from 0 begins with 0xE220A8397B1DCDAF, mod 3 = 1: a node is replaced; then 0x6E789E6AA1B965F4,
    # mod 4 = 0: it is node 0, whose place the new node 4 takes.
    assert (0xE220A8397B1DCDAF % 3, 0x6E789E6AA1B965F4 % 4) == (1, 0)
    assert next(histories(4, 1, 0)) == ([4, 1, 2, 3], 1 / 4)


def test_a_last_node_never_leaves_and_names_are_never_used_again() -> None:
    for seed in range(20):
        seen = {0}
        nodes = [0]
        for after, least in histories(1, 40, seed):
            assert after
            assert 0 < least <= 1
            assert not (set(after) - set(nodes)) & seen
            seen |= set(after)
            nodes = after


def test_strategies_that_cannot_be_followed_say_why() -> None:
    results = assay.compare(
        "partitioning",
        pa.table({"k": range(50)}),
        strategies=["range(k)", "round_robin"],
        partitions=3,
        churn=2,
        timing=False,
    )
    notes = results.store.query(
        "SELECT value, note FROM metric WHERE name = 'churn_moved_share' ORDER BY note"
    ).to_pylist()
    assert [row["value"] for row in notes] == [None, None]
    assert "in a way of its own" in notes[0]["note"]
    assert "placed by their number" in notes[1]["note"]


def test_churn_is_off_unless_asked_for_and_bounded() -> None:
    results = assay.compare("partitioning", pa.table({"k": range(5)}), strategies=["hash(k)"], timing=False)
    assert not [row for row in results.to_arrow().to_pylist() if row["metric"].startswith("churn")]
    with pytest.raises(UsageError, match="churn"):
        assay.compare("partitioning", pa.table({"k": range(5)}), strategies=["hash(k)"], churn=0, timing=False)
