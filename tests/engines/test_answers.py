"""Every engine answers as the plain scan does: all types, duplicates, nulls, interleaved changes."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cmp_to_key
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import assay
from assay.engines import Engine, open_engine, why_unavailable
from assay.errors import UnsupportedTypeError

SPELLINGS = [
    "duckdb",
    "duckdb(index=art)",
    "sqlite",
    "sqlite(layout=covering)",
    "sqlite(layout=without_rowid)",
    "sqlite(layout=none)",
    "lmdb",
    "lmdb(index=none)",
    "rocksdb",
    "rocksdb(layout=lists)",
    "rocksdb(layout=none)",
]
ENGINES = [
    pytest.param(one, marks=pytest.mark.skipif(bool(why_unavailable(one)), reason=str(why_unavailable(one))))
    for one in SPELLINGS
]
FEW = settings(max_examples=3, deadline=None, report_multiple_bugs=False, suppress_health_check=list(HealthCheck))
MANY = settings(max_examples=60, deadline=None, report_multiple_bugs=False, suppress_health_check=list(HealthCheck))

VALUES: dict[str, tuple[pa.DataType, list[Any]]] = {
    "int8": (pa.int8(), [-128, -1, 0, 1, 127]),
    "int16": (pa.int16(), [-(2**15), -1, 0, 255, 2**15 - 1]),
    "int32": (pa.int32(), [-(2**31), -256, 0, 7, 2**31 - 1]),
    "int64": (pa.int64(), [-(2**63), -1, 0, 2**32, 2**63 - 1]),
    "uint8": (pa.uint8(), [0, 1, 127, 128, 255]),
    "uint16": (pa.uint16(), [0, 255, 256, 2**16 - 1]),
    "uint32": (pa.uint32(), [0, 2**31 - 1, 2**31, 2**32 - 1]),
    "uint64": (pa.uint64(), [0, 1, 2**63 - 1, 2**63, 2**64 - 1]),
    "float16": (pa.float16(), [np.float16(value) for value in (-math.inf, -1.5, 0.0, 2.25, math.nan)]),
    "float32": (pa.float32(), [-math.inf, -1.5, -0.0, 0.0, 1e-30, math.inf, math.nan]),
    "float64": (pa.float64(), [-math.inf, -5e-324, -0.0, 0.0, 0.1, 1e300, math.inf, math.nan]),
    "bool": (pa.bool_(), [False, True]),
    "date32": (pa.date32(), [date(1, 1, 1), date(1969, 12, 31), date(1970, 1, 1), date(2262, 4, 12)]),
    "date64": (pa.date64(), [date(1960, 2, 29), date(1970, 1, 1), date(2024, 2, 29)]),
    "time32": (pa.time32("s"), [time(0), time(12, 30), time(23, 59, 59)]),
    "time64": (pa.time64("ns"), [time(0), time(0, 0, 0, 1), time(23, 59, 59, 999_999)]),
    "timestamp": (pa.timestamp("ns"), [datetime(1900, 1, 1), datetime(1970, 1, 1), datetime(2024, 5, 6, 7, 8, 9, 10)]),
    "zoned": (pa.timestamp("us", "Europe/Berlin"), [datetime(1969, 1, 1), datetime(2024, 5, 6, 7)]),
    "duration": (pa.duration("ms"), [timedelta(-3), timedelta(0), timedelta(milliseconds=1), timedelta(400)]),
    "decimal": (
        pa.decimal128(38, 2),
        [Decimal("-1e30"), Decimal("-0.01"), Decimal(0), Decimal("0.01"), Decimal("1e35")],
    ),
    "text": (pa.string(), ["", "\0", "\0a", "a", "a\0", "a\0b", "ab", "b", "Z", "é", "z" * 40, "\U0001f600"]),
    "large_text": (pa.large_string(), ["", "prefix-1", "prefix-10", "prefix-2"]),
    "view": (pa.string_view(), ["", "short", "a text that is longer than a view holds"]),
    "binary": (pa.binary(), [b"", b"\0", b"\0\1", b"\1", b"a", b"a\0", b"\xff", b"\xff\xff"]),
    "fixed": (pa.binary(3), [b"\0\0\0", b"abc", b"\xff\0\xff"]),
    "dictionary": (pa.dictionary(pa.int8(), pa.string()), ["b", "a", "", "c"]),
}


def word(value: Any) -> Any:
    """What stands for a part of a key when it is compared: NaN after all numbers, a null after all values."""
    if value is None:
        return (2,)
    if isinstance(value, float | np.floating):
        return (1,) if math.isnan(value) else (0, float(value) + 0.0)
    if isinstance(value, str):
        return (0, value.encode())
    return (0, value)


def compared(one: tuple[Any, ...], other: tuple[Any, ...]) -> int:
    """Part by part, as far as both go: a shorter bound stands for all keys that begin so."""
    for left, right in zip(map(word, one), map(word, other), strict=False):
        if left != right:
            return -1 if left < right else 1
    return 0


class Scan:
    """The oracle: a dict of rows, and every question a scan of it."""

    def __init__(self) -> None:
        self.rows: dict[int, tuple[tuple[Any, ...], int]] = {}

    def put(self, key: tuple[Any, ...], row: int, payload: int) -> None:
        if any(part is not None for part in key):
            self.rows[row] = (key, payload)

    def lookup(self, key: tuple[Any, ...]) -> list[int] | None:
        if None in key:
            return None  # as null equals nothing
        return sorted(row for row, (own, _) in self.rows.items() if compared(own, key) == 0)

    def fetch(self, key: tuple[Any, ...]) -> list[int] | None:
        rows = self.lookup(key)
        return None if rows is None else [self.rows[row][1] for row in rows]

    def range(self, low: Any, high: Any, closed: str, limit: int | None = None, descending: bool = False) -> list[int]:
        def within(key: tuple[Any, ...]) -> bool:
            above = low is None or compared(key, low) > (-1 if closed in ("both", "left") else 0)
            return above and (high is None or compared(key, high) < (1 if closed in ("both", "right") else 0))

        def order(one: int, other: int) -> int:
            return compared(self.rows[one][0], self.rows[other][0]) or one - other

        rows = sorted((row for row, (key, _) in self.rows.items() if within(key)), key=cmp_to_key(order))
        return (rows[::-1] if descending else rows)[:limit]


def arrow(keys: list[tuple[Any, ...]], types: list[pa.DataType]) -> pa.Table:
    columns = [
        pa.array([key[place] for key in keys], kind.value_type).dictionary_encode()
        if pa.types.is_dictionary(kind)
        else pa.array([key[place] for key in keys], kind)
        for place, kind in enumerate(types)
    ]
    return pa.table(columns, [f"c{place}" for place in range(len(types))])


def agree(engine: Engine, scan: Scan, keys: list[tuple[Any, ...]], types: list[pa.DataType], draw: Callable) -> None:
    """Both give the same answers to every kind of question."""
    assert len(engine) == len(scan.rows)
    probes = [draw(st.sampled_from(keys)) for _ in range(9)]
    for asked in (probes, probes[:1], []):
        found = engine.lookup(arrow(asked, types))
        assert found.type == pa.large_list(pa.uint64())
        assert found.to_pylist() == [scan.lookup(key) for key in asked]
        assert engine.fetch(arrow(asked, types)).to_pylist() == [scan.fetch(key) for key in asked]
    prepared = engine.prepare(arrow(probes, types))
    assert [engine.lookup_one(key) for key in prepared] == [scan.lookup(key) or [] for key in probes]
    assert engine.range().to_pylist() == scan.range(None, None, "both")
    for closed in ("both", "left", "right", "neither"):
        low, high = draw(st.sampled_from(keys)), draw(st.sampled_from(keys))
        bounds = [None if None in key else key[: draw(st.integers(1, len(types)))] for key in (low, high)]
        given_bounds = [None if key is None else key[0] if len(types) == 1 else key for key in bounds]
        for limit, descending in ((None, False), (2, True)):
            found = engine.range(*given_bounds, closed=closed, limit=limit, descending=descending)
            assert found.type == pa.uint64()
            assert found.to_pylist() == scan.range(*bounds, closed, limit, descending), (given_bounds, closed)
        asked = [arrow([key] * 2, types) for key in (low, high)]
        answer = None if None in low or None in high else scan.range(low, high, closed)
        assert engine.ranges(*asked, closed=closed).to_pylist() == [answer] * 2


def run_model(spelling: str, types: list[pa.DataType], keys: list[tuple[Any, ...]], draw: Callable) -> None:
    """Fills an engine, changes it in random steps, and compares it with the scan after each."""
    scan = Scan()
    one_of = st.sampled_from(keys)
    first = draw(st.lists(one_of, max_size=12))
    relaxed = spelling[:-1] + ", durability=none)" if "(" in spelling else f"{spelling}(durability=none)"
    with open_engine(relaxed) as engine:  # the same code but for the waiting
        table = arrow(first, types)
        payload = draw(st.permutations(range(len(first))))
        numbers = draw(st.permutations(range(100, 100 + len(first))))
        table = table.append_column("row", pa.array(numbers, pa.uint64())).append_column(
            "payload", pa.array(payload, pa.int32())
        )
        assert engine.fill(table, [f"c{place}" for place in range(len(types))], row="row", payload="payload") > 0
        for key, row, value in zip(first, numbers, payload, strict=True):
            scan.put(key, row, value)
        agree(engine, scan, keys, types, draw)
        fresh = 1_000
        for _ in range(draw(st.integers(0, 3))):
            step = draw(st.sampled_from(["insert", "delete rows", "delete keys", "update payload", "update key"]))
            size = draw(st.integers(1, 4))
            held = [(key, row) for row, (key, _) in scan.rows.items() if None not in key]
            chosen = draw(st.lists(st.sampled_from(held), unique=True, max_size=5)) if held else []
            pieces = [key for key, _ in chosen], [row for _, row in chosen]
            if step == "insert":
                new = draw(st.lists(one_of, max_size=5))
                rows = list(range(fresh, fresh + len(new)))
                fresh += len(new)
                before = len(scan.rows)
                for key, row in zip(new, rows, strict=True):
                    scan.put(key, row, row)
                added = engine.insert(arrow(new, types), pa.array(rows, pa.uint64()), transaction_rows=size)
                assert added == len(scan.rows) - before
            elif step == "delete rows":
                gone = engine.delete(arrow(pieces[0], types), pa.array(pieces[1], pa.int64()), transaction_rows=size)
                assert gone == len(chosen)
                for row in pieces[1]:
                    del scan.rows[row]
            elif step == "delete keys":
                keys_gone = draw(st.lists(one_of, max_size=3))
                gone = engine.delete(arrow(keys_gone, types), transaction_rows=size)
                rows = {row for key in keys_gone for row in scan.lookup(key) or []}
                assert gone == len(rows)
                for row in rows:
                    del scan.rows[row]
            elif step == "update payload":
                values = [draw(st.integers(-5, 5)) for _ in chosen]
                assert engine.update_payload(
                    arrow(pieces[0], types),
                    pa.array(pieces[1], pa.int64()),
                    pa.array(values, pa.int64()),
                    transaction_rows=size,
                ) == len(chosen)
                for (key, row), value in zip(chosen, values, strict=True):
                    scan.put(key, row, value)
            else:
                after = [draw(one_of.filter(lambda key: any(part is not None for part in key))) for _ in chosen]
                changed = engine.update_key(
                    arrow(pieces[0], types), pa.array(pieces[1], pa.int64()), arrow(after, types), transaction_rows=size
                )
                assert changed == len(chosen)
                for key, row in zip(after, pieces[1], strict=True):
                    scan.put(key, row, scan.rows[row][1])
            if draw(st.booleans()):
                engine.settle()
            agree(engine, scan, keys, types, draw)


def one_column(spelling: str, data: st.DataObject) -> None:
    kind, values = VALUES[data.draw(st.sampled_from(sorted(VALUES)))]
    run_model(spelling, [kind], [(value,) for value in [*values, None]], data.draw)


def several_columns(spelling: str, data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=2, max_size=3))
    domains = [[*VALUES[name][1][:4], None] for name in chosen]
    keys = data.draw(st.lists(st.tuples(*(st.sampled_from(domain) for domain in domains)), min_size=3, max_size=9))
    run_model(spelling, [VALUES[name][0] for name in chosen], keys, data.draw)


@pytest.mark.parametrize("spelling", ENGINES)
@FEW
@given(data=st.data())
def test_an_engine_answers_as_the_scan_does_whatever_the_type(spelling: str, data: st.DataObject) -> None:
    one_column(spelling, data)


@pytest.mark.parametrize("spelling", ENGINES)
@FEW
@given(data=st.data())
def test_compound_keys_are_compared_part_by_part_nulls_last(spelling: str, data: st.DataObject) -> None:
    several_columns(spelling, data)


@pytest.mark.slow
@pytest.mark.parametrize("ask", [one_column, several_columns], ids=lambda ask: ask.__name__)
@pytest.mark.parametrize("spelling", ENGINES)
@MANY
@given(data=st.data())
def test_an_engine_answers_as_the_scan_does_many_times(spelling: str, ask: Callable, data: st.DataObject) -> None:
    ask(spelling, data)


@pytest.mark.parametrize("spelling", ["duckdb", "sqlite", "lmdb"])
def test_every_type_of_key_comes_back_in_order(spelling: str) -> None:
    if why_unavailable(spelling):
        pytest.skip(f"no {spelling}")
    for kind, values in VALUES.values():
        scan = Scan()
        keys = [*values, None, *values]
        for row, value in enumerate(keys):
            scan.put((value,), row, row)
        with open_engine(f"{spelling}(durability=none)") as engine:
            engine.fill(arrow([(value,) for value in keys], [kind]), "c0")
            assert engine.ordered().to_pylist() == scan.range(None, None, "both"), kind
            found = engine.lookup(arrow([(value,) for value in values], [kind]))
            assert found.to_pylist() == [scan.lookup((value,)) for value in values], kind


@pytest.mark.parametrize("spelling", ENGINES)
def test_sliced_and_chunked_keys_are_read_where_they_are(spelling: str) -> None:
    whole = pa.array([99, 5, None, 7, 5, 98], pa.int64())
    with open_engine(spelling) as engine:
        engine.fill(pa.table({"k": pa.chunked_array([whole.slice(1, 2), whole.slice(3, 2)])}), "k")
        assert engine.lookup(whole.slice(1, 4)).to_pylist() == [[0, 3], None, [2], [0, 3]]
        assert engine.lookup(pa.chunked_array([whole.slice(0, 1), whole.slice(3, 1)])).to_pylist() == [[], [2]]
    with open_engine(spelling) as engine:
        engine.fill(pa.table({"k": pa.array([1.5, -2.5, None, 2.5]).slice(1)}), "k")
        assert engine.ordered().to_pylist() == [0, 2]


@pytest.mark.parametrize("spelling", ENGINES)
def test_one_value_is_one_key_in_every_type_of_its_family_as_in_an_index(spelling: str) -> None:
    cases = [
        (pa.array([-5, 0, 7, 127, None], pa.int8()), pa.array([7, 300, None, -5, -129, 127], pa.int64())),
        (pa.array([0, 2**64 - 1, 5], pa.uint64()), pa.array([-1, 5, None], pa.int64())),
        (pa.array([0.5, 0.1, math.nan], pa.float32()), pa.array([0.5, 0.1, math.nan, 1e300, None], pa.float64())),
        (pa.array([1, 2, 3], pa.timestamp("us")), pa.array([1_000, 2_500, 3_000, None], pa.timestamp("ns"))),
        (pa.array(["b", "a"]), pa.array(["a", "c", None]).dictionary_encode()),
    ]
    for column, probes in cases:
        index = assay.Index.build(column, kind="sorted")
        with open_engine(spelling) as engine:
            engine.fill(pa.table({"k": column}), "k")
            assert engine.lookup(probes).to_pylist() == index.lookup(probes).to_pylist(), column.type
            if pa.types.is_integer(column.type):
                for low, high in ((-1000, 6), (5, 2**63), (2**64 - 1, None), (None, -(2**40)), (-129, 128)):
                    for closed in ("both", "neither"):
                        found = engine.range(low, high, closed=closed).to_pylist()
                        assert found == index.range(low, high, closed=closed).to_pylist(), (low, high, closed)
                assert engine.range(low=2**70).to_pylist() == engine.range(high=-(2**70)).to_pylist() == []
            with pytest.raises(UnsupportedTypeError, match="cast them"):
                engine.lookup(pa.array([True]))


@pytest.mark.parametrize("spelling", ENGINES)
def test_engines_agree_with_an_index_of_a_compound_key(spelling: str) -> None:
    random = np.random.default_rng(11)
    table = pa.table(
        {
            "a": pa.array(random.integers(-3, 3, 300), pa.int16()),
            "b": pa.array([None if value == 0 else "x" * value for value in random.integers(0, 4, 300)], pa.string()),
        }
    )
    index = assay.Index.build(table, kind="sorted")
    with open_engine(spelling) as engine:
        engine.fill(table, ["a", "b"])
        assert engine.lookup(table).to_pylist() == index.lookup(table).to_pylist()
        assert (
            engine.ranges(table.slice(0, 40), table.slice(40, 40)).to_pylist()
            == index.ranges(table.slice(0, 40), table.slice(40, 40)).to_pylist()
        )
        for low, high in (((-1,), (1,)), ((0, "x"), (2,)), (None, (0, "xx")), ((-40_000, "x"), (1, "x"))):
            assert engine.range(low, high).to_pylist() == index.range(low, high).to_pylist(), (low, high)
