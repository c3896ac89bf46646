"""A store as a run leaves it: the schema of the product, filled with a plausible partitioning run.

The numbers are made up but consistent: loads are drawn from a seeded generator and every load
metric is computed from them, so that a report's marks and charts can be checked by eye.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy
import pyarrow as pa
import pytest

import assay

# The browser stands beside this file.
sys.path.insert(0, str(Path(__file__).parent))

from browsing import CHROMIUM, FLAGS, Visit

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
            # Columns that later migrations added are left as they are.
            names = ", ".join(self.query(f"SELECT * FROM {table} LIMIT 0").column_names[: len(rows[0])])
            marks = ", ".join("?" * len(rows[0]))
            self.connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)

    def insert_columns(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        """The same through Arrow, for many rows."""
        if not rows:
            return
        names = self.query(f"SELECT * FROM {table} LIMIT 0").column_names[: len(rows[0])]
        self.insert_named(table, " ".join(names), rows)

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

    def add_rounds(self, run_id: str = RUN, *, index: int = 0, processes: int = 3, rounds: int = 12) -> None:
        """Kept rounds of every cell's lookup, and each beside the first contender of its grid point."""
        generator = random.Random(index + 7)
        cells = self.query(
            """SELECT cell_id, contender, parameters::VARCHAR AS parameters, value FROM cell
               JOIN metric USING (run_id, experiment_index, cell_id)
               WHERE run_id = ? AND experiment_index = ? AND name = 'lookup_ns' ORDER BY cell_id""",
            [run_id, index],
        ).to_pylist()
        samples, comparisons = [], []
        baseline = cells[0]
        for place, cell in enumerate(cells):
            for process in range(processes):
                for number in range(rounds):
                    ns = cell["value"] * generator.uniform(0.98, 1.04)
                    samples.append(
                        (run_id, index, cell["cell_id"], "lookup_ns", process, number, place, "a", ns, ns, ns)
                    )
            if cell is not baseline:
                ratio = cell["value"] / baseline["value"]
                verdict = "worse" if ratio > 1.05 else "better" if ratio < 0.95 else "unclear"
                found = (ratio, ratio * 0.97, ratio * 1.03, 1.02, verdict, processes, processes * rounds)
                comparisons.append((run_id, index, cell["cell_id"], "lookup_ns", baseline["cell_id"], *found))
        self._add_latencies(run_id, index, cells)
        own = "run_id experiment_index cell_id metric"
        self.insert_named("sample", f"{own} process round position label ns_min ns_median ns_max", samples)
        names = "baseline_cell_id ratio low high noise_floor verdict processes rounds"
        self.insert_named("comparison", f"{own} {names}", comparisons)

    def _add_latencies(self, run_id: str, index: int, cells: list[dict[str, Any]]) -> None:
        """Two processes' latencies of single operations: ten thousand each, one in a thousand ten times as slow."""
        rows = []
        for cell in cells:
            usual = int(100 * cell["value"])
            buckets = [usual, usual + usual // 8, usual + usual // 4, 10 * usual]
            rows += [
                (
                    run_id,
                    index,
                    cell["cell_id"],
                    "lookup_latency",
                    process,
                    3,
                    buckets,
                    buckets,
                    [7_000, 2_000, 990, 10],
                )
                for process in range(2)
            ]
        names = "run_id experiment_index cell_id name process precision_bits lower upper counts"
        self.insert_named("histogram", names, rows)

    def insert_named(self, table: str, names: str, rows: list[tuple[Any, ...]]) -> None:
        """Rows of some of a table's columns, through Arrow."""
        block = pa.table({name: [row[i] for row in rows] for i, name in enumerate(names.split())})
        self.connection.register("block", block)
        self.connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM block")
        self.connection.unregister("block")

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


@pytest.fixture(scope="session")
def store_class() -> type[MemoryStore]:
    """For fixtures of a module, which close what they open."""
    return MemoryStore


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
def timed_store() -> Iterator[MemoryStore]:
    """A run of nine strategies at three sizes with its rounds and comparisons, and no claims; read only."""
    store = MemoryStore()
    store.add_run()
    store.add_experiment(partitions=(4, 16, 64))
    store.add_rounds()
    yield store
    store.connection.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium; the test is skipped where there is none."""
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install 'assay[dev]'"
    )
    if CHROMIUM is None:
        pytest.skip("no chromium on PATH: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture()
def visit(browser: Any) -> Iterator[Callable[..., Visit]]:
    """Opens a page from its file, offline, and waits until it is drawn."""
    contexts = []

    def open_file(path: Path, *, width: int = 1280, scheme: str = "light", unfold: bool = True) -> Visit:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
        contexts.append(context)
        found = Visit(context.new_page())
        found.page.goto(path.as_uri())
        found.page.wait_for_selector("html[data-drawn]", timeout=60_000, state="attached")
        if unfold:
            found.page.evaluate("document.querySelectorAll('.fold').forEach(fold => { fold.open = true; })")
            found.page.wait_for_function("!document.querySelector('.fold') || document.querySelector('.numbers-table')")
            found.page.evaluate("assay.drawn.then(() => null)")
        return found

    yield open_file
    for context in contexts:
        context.close()


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
