"""The experiment `indexing`: right answers beside a naive scan, wrong indexes found out, costs, and bad input."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_index import ToyIndex, WrongDelete, WrongInsert, WrongLookup, WrongRanges

import assay
from assay import catalogue
from assay.catalogue import Contender
from assay.datasets import open_dataset
from assay.errors import AssayError, EmptyInputError, ParameterError, SuiteError, UnknownNameError, UnsupportedTypeError
from assay.experiments.base import Findings
from assay.experiments.indexing import EXPERIMENT, drawing, kernels
from assay.experiments.indexing.changes import Applied, batches_of
from assay.experiments.indexing.contests import _changed
from assay.experiments.indexing.job import IndexingJob
from assay.experiments.indexing.keys import KeyRows
from assay.experiments.indexing.metrics import METRICS
from assay.experiments.indexing.mix import mix_of, serves
from assay.experiments.indexing.operations import KINDS, parse_operation
from assay.experiments.indexing.questions import Lists
from assay.experiments.indexing.settings import IndexingSettings
from assay.experiments.indexing.table import Columns
from assay.harness import TimingSettings

ONCE = TimingSettings(processes=1, rounds=1, samples=1, seconds=0.1, least_rounds=1, single_operations=5)
WRONG = (WrongLookup, WrongRanges, WrongInsert, WrongDelete)


@pytest.fixture(autouse=True)
def few_instances(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written in plain Python is asked less."""
    monkeypatch.setattr(drawing, "DRAWN", 300)


@pytest.fixture(autouse=True, scope="module")
def toys() -> Iterator[None]:
    """Indexes in plain Python: a right one, one without an order, and wrong ones."""
    entries = {"toy": ToyIndex, "toy_hash": ToyIndex, **{f"wrong_{one.wrong}": one for one in WRONG}}
    for name, implementation in entries.items():
        abilities = frozenset() if name == "toy_hash" else frozenset({"ordered"})
        catalogue.register(Contender("index", name, 1, "-", "-", "-", "-", (), abilities, implementation))
    yield
    for name in entries:
        catalogue.unregister("index", name)


def table(rows: int = 300, seed: int = 1) -> pa.Table:
    draw = np.random.default_rng(seed)
    texts = [f"k{value}" if value % 7 else None for value in draw.integers(0, 90, rows)]
    return pa.table(
        {
            "number": pa.array(draw.integers(-20, 60, rows), pa.int32(), mask=draw.random(rows) < 0.1),
            "text": pa.array(texts),
            "real": pa.array(draw.choice([0.0, -0.0, 1.5, -2.25, math.nan, math.inf, -math.inf], rows)),
            "flag": pa.array(draw.random(rows) < 0.3),
            "day": pa.array(draw.integers(0, 40, rows), pa.int32()).cast(pa.date32()),
            "word": pa.array(draw.choice(["a", "b", "c"], rows)).dictionary_encode(),
        }
    )


def plan(data: Any, **given: Any) -> IndexingJob:
    return EXPERIMENT.job(open_dataset(data), IndexingSettings(**{"batch": 20, **given}))


def collected(job: IndexingJob, target_rows: int = 100) -> Columns:
    """What a scan in spans learns, each span packed and unpacked."""
    state = job.start(0, None)
    for span in job.dataset.spans(target_rows=target_rows):
        part = job.start(0, None)
        for batch in job.dataset.batches(job.columns(0), span):
            job.update(part, batch)
        state = job.merge(state, job.unpack(0, job.pack(part), None))
    return job.learn(0, state)


def found(job: IndexingJob) -> Findings:
    return job.finish([collected(job).pack()], None)


# -- the oracle of all answers ----------------------------------------------------------------------

VALUES = {
    "integers": (st.integers(-5, 5), pa.int64()),
    "texts": (st.sampled_from(["", "a", "b", "aé", "ab", "\U0001f600", "ﬀ"]), pa.large_string()),
    "reals": (st.sampled_from([0.0, -0.0, 1.0, -1.0, math.nan, math.inf]), pa.float64()),
    "booleans": (st.booleans(), pa.bool_()),
}


def sortable(value: Any) -> Any:
    if value is None:
        return (2,)
    if isinstance(value, float) and math.isnan(value):
        return (1,)
    return (0, value.encode() if isinstance(value, str) else value)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_rows_by_key_are_those_of_a_naive_scan(data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=2))
    size = data.draw(st.integers(0, 25))
    columns = [data.draw(st.lists(st.none() | VALUES[kind][0], min_size=size, max_size=size)) for kind in kinds]
    arrays = [pa.array(values, VALUES[kind][1]) for values, kind in zip(columns, kinds, strict=True)]
    key = KeyRows(tuple(f"c{place}" for place in range(len(kinds))), tuple(arrays))
    rows = [tuple(map(sortable, row)) for row in zip(*columns, strict=True)]
    known = sorted({row for row in rows if row != ((2,),) * len(kinds)})
    assert key.distinct == len(known)
    for number, wanted in enumerate(known):
        assert key.rows_of(number).tolist() == [place for place, row in enumerate(rows) if row == wanted]
        assert bool(key.has_null[number]) == any(part == (2,) for part in wanted)
    for first, beyond in itertools.combinations(range(len(known) + 1), 2):
        wanted_rows = sorted((row, place) for place, row in enumerate(rows) if row in known[first:beyond])
        assert key.rows_between(first, beyond).tolist() == [place for _, place in wanted_rows]
    assert key.numbers.tolist() == [known.index(row) if row in known else -1 for row in rows]
    cut = data.draw(st.integers(0, size))
    front, others = key.divided(cut)
    plain = KeyRows(key.names, tuple(column.slice(0, cut) for column in key.columns))
    for one, other in ((front.numbers, plain.numbers), (front.distinct_rows, plain.distinct_rows)):
        assert one.tolist() == other.tolist()
    assert front.has_null.tolist() == plain.has_null.tolist()
    known = sorted({row for row in rows[:cut] if row != ((2,),) * len(kinds)})
    assert others.tolist() == [known.index(row) if row in known else -1 for row in rows[cut:]]


# -- right and wrong --------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["stored", "sorted", "shuffled"])
def test_a_right_index_is_right_on_every_type_and_every_kind_of_question(order: str) -> None:
    columns = ["number", "text", "real", "flag", "day", "word", ["number", "text"], ["word", "day", "real"]]
    queries = ["order_by(number)", "top_k(day)", "top_k(text, k=3, descending=false)", "join_probe(word, size=7)"]
    queries += ["range(day, width='7d')", "range(real, width=0.5)", "range(number, width=10)", "prefix(text, length=2)"]
    queries += ["prefix(number, text, length=1)", "point(word, day)", "point(word, day, real)", "in_list(text, size=3)"]
    queries += [f"point({name})" for name in ("number", "text", "real", "flag", "day", "word")]
    queries += ["range(text, rows=20)", "range(number, rows=50)", "point(text, number)"]
    findings = found(plan(table(), indexes=["toy", "toy_hash"], columns=columns, queries=queries, order=order))
    assert not findings.failures, findings.failures
    assert {value.metric for value in findings.values} <= set(METRICS)


@pytest.mark.parametrize("wrong", WRONG, ids=lambda one: one.wrong)
def test_a_wrong_index_fails_its_cell_and_is_not_timed(wrong: type[ToyIndex]) -> None:
    job = plan(table(), indexes=["toy", f"wrong_{wrong.wrong}"], columns=["number"])
    columns = collected(job)
    findings = job.finish([columns], None)
    by_name = {cell.contender: cell.cell_id for cell in job.cells}
    assert list(findings.failures) == [by_name[f"wrong_{wrong.wrong}"]]
    assert "a scan finds" in next(iter(findings.failures.values()))
    timed = {timer.cell_id for timer in job.timers([columns])}
    assert timed == {by_name["scan"], by_name["toy"]}


def test_a_wrong_index_has_no_times_in_the_results() -> None:
    results = assay.compare(
        "indexing",
        table(),
        indexes=["toy", "wrong_insert"],
        columns=["number"],
        batch=20,
        direct_rounds=1,
        timing=ONCE,
    )
    rows = results.store.query(
        "SELECT c.contender, m.name FROM metric m JOIN cell c USING (run_id, cell_id)"
    ).to_pylist()
    names = {row["contender"]: {one["name"] for one in rows if one["contender"] == row["contender"]} for row in rows}
    assert set(names) == {"scan", "toy"}
    assert {"workload_ns", "break_even_reads.none", "lookup_ns.miss", "insert_ns"} <= names["toy"]
    assert "insert_ns" not in names["scan"], "there is nothing to be told"
    assert results.exit_code == 3


@pytest.mark.parametrize("change", ["insert", "update", "delete"])
def test_batches_are_applied_and_taken_back(change: Any) -> None:
    source = table(200)
    key = KeyRows(
        ("number", "text"), (source["number"].combine_chunks(), source["text"].combine_chunks().cast("large_string"))
    )
    batches = batches_of(change, key, 30, seed=4)
    numbers = [row for batch in batches for row in batch.rows.to_pylist()]
    assert len(set(numbers)) == len(numbers), "a row is in one batch"
    index = ToyIndex.build(key.arrow)
    before = list(index.pairs)
    for batch in batches:
        batch.apply(index)
    assert index.pairs == ToyIndex.build(_changed(key, batches).arrow).pairs
    assert index.pairs != before
    for batch in reversed(batches):
        batch.take_back(index)
    assert index.pairs == before


@pytest.mark.parametrize("rows", [2, 3, 50, 1_000])
def test_no_row_is_both_updated_and_deleted(rows: int) -> None:
    key = KeyRows(("k",), (pa.array(range(rows)),))
    numbers = [
        {row for batch in batches_of(kind, key, 40, seed=3) for row in batch.rows.to_pylist()}
        for kind in ("insert", "update", "delete")
    ]
    assert all(numbers) and sum(map(len, numbers)) == len(set().union(*numbers))


def test_batches_go_on_where_they_were_taken_back() -> None:
    key = KeyRows(("k",), (pa.array(range(100)),))
    batches = batches_of("delete", key, 10, seed=0, pool=5)
    index = ToyIndex.build(key.arrow)
    applied, seen = Applied(index, batches), []
    for _ in range(3):
        for _ in range(2):
            there = {row for _, row in index.pairs}
            applied()
            seen.append(frozenset(there - {row for _, row in index.pairs}))
        applied.undo()
        assert len(index) == 100
    of = [frozenset(batch.rows.to_pylist()) for batch in batches]
    assert seen == [of[place] for place in (0, 1, 2, 3, 0, 1)], (
        "two are left behind the second, and one behind the fourth"
    )


def test_new_rows_have_as_many_new_keys_as_the_column() -> None:
    unique = KeyRows(("k",), (pa.array(range(1_000)),))
    [batch] = batches_of("insert", unique, 1_000, seed=1, pool=1)
    assert not set(batch.come.to_pylist()) & set(range(1_000)), "each row of the column has a key of its own"
    few = KeyRows(("k",), (pa.array([1, 2] * 500),))
    [batch] = batches_of("insert", few, 1_000, seed=1, pool=1)
    assert sum(key not in (1, 2) for key in batch.come.to_pylist()) < 20


# -- variations -------------------------------------------------------------------------------------


def test_rows_orders_and_duplicates_vary_the_key() -> None:
    columns = Columns(pa.table({"k": pa.array([5, 3, None, 3, 9, 1, 5, 5])}))
    whole = columns.key(("k",), None, "sorted", None, 0)
    assert whole.columns[0].to_pylist() == [1, 3, 3, 5, 5, 5, 9, None]
    assert columns.key(("k",), 4, "stored", None, 0).columns[0].to_pylist() == [5, 3, None, 3]
    assert columns.key(("k",), 6, "stored", 3, 0).columns[0].to_pylist() == [5, 3, 5, 3, 5, 3]
    assert columns.key(("k",), 6, "sorted", 3, 0).columns[0].to_pylist() == [3, 3, 3, 5, 5, 5]
    shuffled = columns.key(("k",), None, "shuffled", None, 0).columns[0].to_pylist()
    assert sorted(map(str, shuffled)) == sorted(map(str, [5, 3, None, 3, 9, 1, 5, 5])) and shuffled != [5, 3, None, 3]
    with pytest.raises(ParameterError, match="need 8 distinct keys, and k has 4; ask for at least 2"):
        columns.key(("k",), None, "stored", 1, 0)


def test_settings_expand_to_cells() -> None:
    job = plan(table(), indexes=["toy"], columns=["number"], rows=[50, 100], order=["stored", "sorted"], threads=[1, 2])
    assert len(job.cells) == 2 * 2 * 2 * 2
    assert {cell.parameters["rows"] for cell in job.cells} == {50, 100}


def test_a_quick_call_that_was_interrupted_is_not_taken_for_a_slow_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = drawing.hits(KeyRows(("number",), (pa.array(range(300)),)), 0)
    index: Any = assay.Index.build(asked.keys, kind="sorted")
    taken = itertools.chain([90_000_000], itertools.repeat(10_000))
    monkeypatch.setattr(kernels, "_spent", lambda call: next(taken))
    assert kernels._instances_at_once(asked, index, 1, 200) == 200
    monkeypatch.setattr(kernels, "_spent", lambda call: 5_000_000)
    assert kernels._instances_at_once(asked, index, 1, 200) == 1


class Asked(ToyIndex):
    """Notes how many keys each call has, and which come apart."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, Any]] = []

    def lookup(self, keys: Any, *, threads: Any = None, apart: Any = False) -> pa.Array:
        self.calls.append((len(keys), apart if isinstance(apart, bool) else apart.tolist()))
        return pa.array([[]] * len(keys), pa.large_list(pa.uint64()))


def test_questions_that_come_apart_share_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_spent", lambda call: 10)
    catalogue.register(Contender("index", "own", 1, "-", "-", "-", "-", (), frozenset({"shares_passes"}), ToyIndex))
    try:
        job = plan(pa.table({"k": range(300)}), indexes=["scan", "own", "btree"], columns=["k"])
        contests = {one.spec.name: one for one in job.contests}
        points = drawing.hits(KeyRows(("k",), (pa.array(range(300)),)), 0)
        grouped = replace(points, per_operation=50)
        lists = Lists(points, np.arange(0, 251, 5))
        for question, expected in (
            (points, {"scan": (200, True), "own": (1, False), "btree": (200, False)}),
            (grouped, {"scan": (50, False), "own": (50, False), "btree": (200, False)}),
            (lists, {"scan": (250, [5] * 50), "own": (5, False), "btree": (250, False)}),
        ):
            for name, call in expected.items():
                index: Any = Asked()
                kernels.Rotating(contests[name], question, index, 200)()
                assert index.calls == [call], name
    finally:
        catalogue.unregister("index", "own")


def test_a_compound_key_that_nothing_can_equal_is_built_and_left_unasked() -> None:
    data = pa.table({"a": pa.array([1, 2, None]), "b": pa.array([None, None, 5], pa.int64())})
    findings = found(plan(data, indexes=["scan", "btree", "bloom_blocks"], columns=[["a", "b"]]))
    assert not findings.failures
    results = assay.compare("indexing", data, columns=[["a", "b"]], indexes=["btree"], timing=ONCE)
    assert "no query of the workload has a key or a range to ask for" in results.answer
    job = plan(data, indexes=["btree"], columns=[["a", "b"]])
    assert all(
        timer.metric in ("ordered_scan_ns", "build_ns") or "range" in timer.metric
        for timer in job.timers([collected(job)])
    )


# -- the workload -----------------------------------------------------------------------------------


def test_shares_follow_weights_and_the_read_share() -> None:
    spelled = {"a": "point(x, weight=3)", "b": "range(x, rows=10)", "c": "insert(weight=1)", "d": "delete(weight=3)"}
    operations = [parse_operation(name, text) for name, text in spelled.items()]
    assert mix_of(operations, None).shares == pytest.approx({"a": 3 / 8, "b": 1 / 8, "c": 1 / 8, "d": 3 / 8})
    mix = mix_of(operations, 0.6)
    assert mix.shares == pytest.approx({"a": 0.45, "b": 0.15, "c": 0.1, "d": 0.3})
    assert mix.read_share == pytest.approx(0.6)
    assert mix.of(("x",)) == pytest.approx({"a": 0.75, "b": 0.25})
    assert mix_of(operations[:2], None).read_share == pytest.approx(0.9), "writes that nobody names are a tenth"


def test_an_update_concerns_the_indexes_of_the_columns_that_it_changes() -> None:
    operations = [parse_operation(text, text) for text in ("point(x)", "update(y)", "insert")]
    mix = mix_of(operations, 0.5)
    assert mix.writes_of(("x",)) == {"insert": 0.5}
    assert mix.writes_of(("x", "y")) == {"insert": 0.5, "update": 0.5}


@pytest.mark.parametrize(
    ("spelling", "key", "ordered", "unordered"),
    [
        ("point(a)", ("a",), True, True),
        ("point(a)", ("a", "b"), True, False),
        ("point(b)", ("a", "b"), False, False),
        ("point(b, a)", ("a", "b"), True, True),
        ("in_list(a)", ("a", "b"), False, False),
        ("range(a, rows=5)", ("a",), True, False),
        ("prefix(a, b, length=1)", ("a", "b"), True, False),
        ("top_k(a)", ("a", "b"), True, False),
        ("order_by(b)", ("a", "b"), False, False),
        ("join_probe(a)", ("a",), True, True),
    ],
)
def test_which_keys_answer_which_reads(spelling: str, key: tuple[str, ...], ordered: bool, unordered: bool) -> None:
    operation = parse_operation("q", spelling)
    assert serves(operation, key, is_ordered=True) == ordered
    assert serves(operation, key, is_ordered=False) == unordered


@pytest.mark.parametrize(
    "text", ["point(a)", "in_list(a, size=3)", "range(a, width='1d')", "range(a, rows=9)", "insert"]
)
def test_a_spelling_reads_back(text: str) -> None:
    assert parse_operation("q", text).spelling == text


def test_the_usual_workload_follows_from_the_types() -> None:
    job = plan(table(), columns=["number", "text", "flag", ["number", "text"]])
    assert {one.name for one in job.mix.reads} == {
        *("point_number", "in_list_number", "range_number", "point_text", "in_list_text", "prefix_text", "point_flag"),
        *("point_number_text", "prefix_number_text"),
    }
    assert [one.kind for one in job.mix.writes] == ["insert", "update", "delete"]


def test_columns_that_nobody_names_look_like_keys() -> None:
    flights = EXPERIMENT.job(open_dataset("flights"), IndexingSettings())
    assert list(dict.fromkeys(cell.parameters["column"] for cell in flights.cells)) == [
        "tailnum",
        "dest",
        "origin+time_hour",
    ]


LOG = """
SELECT * FROM flights WHERE tailnum = 'N14228';
SELECT * FROM flights WHERE tailnum = 'N14228';
SELECT * FROM flights WHERE tailnum IN ('N24211', 'nobody', 'N804JB');
SELECT * FROM flights WHERE time_hour >= '2013-01-01' AND time_hour < '2013-01-02';
SELECT count(*) FROM flights WHERE dest = 'IAH' AND distance > 1000;
UPDATE flights SET dest = 'ATL' WHERE tailnum = 'N14228';
INSERT INTO flights (tailnum) VALUES ('N1');
"""


def test_a_query_log_says_what_is_asked_and_how_often(tmp_path: Path) -> None:
    path = tmp_path / "log.sql"
    path.write_text(LOG)
    flights = open_dataset("flights")
    job = EXPERIMENT.job(flights, IndexingSettings(workload=str(path), indexes=["toy"], rows=1_000, batch=20))
    weights = dict.fromkeys((one.kind for one in job.mix.operations), 0.0)
    for one in job.mix.operations:
        weights[one.kind] += job.mix.shares[one.name] * 8
    assert weights == pytest.approx({"point": 5, "range": 1, "update": 1, "insert": 1})
    assert {cell.parameters["column"] for cell in job.cells} == {"tailnum", "time_hour", "dest", "distance"}
    assert any("7 of 7" in note for note in job.notes)
    assert job.mix.writes_of(("dest",)) == {"insert": 0.5, "update": 0.5}
    assert job.mix.writes_of(("tailnum",)) == {"insert": 0.5}, "the update finds its rows by it, and sets another"
    columns = Columns(flights.table(job.columns(0)).slice(0, 1_000).combine_chunks())
    findings = job.finish([columns], None)
    assert not findings.failures, findings.failures


# -- bad input --------------------------------------------------------------------------------------

BAD = [
    ({"columns": ["nubmer"]}, UnknownNameError, 'did you mean "number"'),
    ({"columns": ["number", "number"]}, ParameterError, "named twice"),
    ({"columns": ["number+number"]}, ParameterError, "each once"),
    ({"indexes": ["btre"], "columns": ["number"]}, UnknownNameError, "index"),
    ({"indexes": ["toy(number)"], "columns": ["number"]}, AssayError, "spelled without a column"),
    ({"queries": ["point(nubmer)"], "columns": ["number"]}, UnknownNameError, "nubmer"),
    ({"queries": ["range(text, width='1d')"], "columns": ["text"]}, UnsupportedTypeError, "needs a number or a time"),
    ({"queries": ["range(number, width=1, rows=1)"]}, ParameterError, "both width and rows"),
    ({"queries": ["prefix(text)"]}, ParameterError, r"has no length; .* prefix\(text, length=3\)"),
    ({"queries": ["range(number)"]}, ParameterError, "neither width nor rows"),
    ({"queries": ["prefix(number, length=2)"]}, UnsupportedTypeError, "a prefix needs a text"),
    ({"queries": ["prefix(number, text, length=2)"]}, ParameterError, "expected fewer"),
    ({"queries": ["fetch(number)"]}, UnknownNameError, "kind of operation"),
    ({"queries": ["point(number, weight=0)"]}, ParameterError, "above 0"),
    ({"queries": ["top_k(number, k=0)"]}, ParameterError, "k is 0"),
    ({"queries": ["insert(number)"]}, AssayError, "concerns all of them"),
    ({"queries": ["point(text)"], "columns": ["number"]}, ParameterError, "no read of the workload asks for number"),
    ({"rows": 1_000, "columns": ["number"]}, ParameterError, "rows is 1,000, and table has 300"),
    ({"memory_limit": 100, "columns": ["number"]}, ParameterError, "memory_limit is 100 bytes"),
]


@pytest.mark.parametrize(("given_settings", "kind", "words"), BAD, ids=lambda value: str(value)[:40])
def test_bad_input_is_told(given_settings: dict[str, Any], kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        plan(table(), **given_settings)


def test_columns_without_an_order_are_refused() -> None:
    lists = pa.table({"k": pa.array([[1], [2]])})
    with pytest.raises(UnsupportedTypeError, match="whose values have no order"):
        plan(lists, columns=["k"])


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(SuiteError) as caught:
        plan(table(), columns=["nubmer", "text"], queries=["point(text)", "fetch(text)"], indexes=["btre"], rows=999)
    assert [place for place, _ in caught.value.mistakes] == ["indexes[0]", "queries[1]", "columns[0]", "rows"]


def test_an_index_beyond_the_limit_fails_its_cell_alone() -> None:
    findings = found(plan(table(), indexes=["toy"], columns=["number"], memory_limit="4KiB"))
    assert [text.partition(" takes")[0] for text in findings.failures.values()] == ["toy"]
    assert "more than the memory_limit of 4,096" in next(iter(findings.failures.values()))


def test_a_table_without_keys_is_told() -> None:
    findings = found(plan(pa.table({"k": pa.array([None, None], pa.int64())}), indexes=["toy"], columns=["k"]))
    assert all("no key that is not null" in text for text in findings.failures.values()) and findings.failures


def test_a_file_that_is_only_a_header_has_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "head.csv"
    path.write_text("a,b\n")
    with pytest.raises(EmptyInputError, match="head has no rows to tell a key by"):
        plan(path)
    with pytest.raises(EmptyInputError, match="no column that looks like a key; name one: columns"):
        plan(pa.table({"real": pa.array([0.5, 1.5])}))


def test_every_kind_of_operation_is_documented_by_its_parser() -> None:
    from assay.experiments.indexing import operations

    assert all(kind in (operations.__doc__ or "") for kind in KINDS)
