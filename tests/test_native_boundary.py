"""What the native module refuses: nothing that Python can hand over is a panic, a crash or a wrong number."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import assay
from assay import _core
from assay.errors import AssayError, DataError, ParameterError, UnsupportedTypeError, UsageError

FIVE = pa.array(range(5))


def numbers(*values: int) -> pa.Array:
    return pa.array(values, pa.uint32())


def weights(*values: int) -> pa.Array:
    return pa.array(values, pa.uint64())


def distinct(keys: list[Any], rows: list[int] | None = None, weight: list[int] | None = None) -> _core.Distinct:
    counts = rows or [1] * len(keys)
    return _core.Distinct([pa.array(keys)], weights(*counts), weights(*(weight or counts)))


def learned(name: str, partitions: int, **given: Any) -> _core.Strategy:
    return _core.Strategy.learn(name, distinct([1, 2, 3, 4, 5, 6]), list(range(partitions)), [], **given)


def text(offsets: list[int], *, large: bool = False) -> pa.Array:
    kind, width = (pa.large_string(), np.int64) if large else (pa.string(), np.int32)
    buffers = [None, pa.py_buffer(np.array(offsets, width).tobytes()), pa.py_buffer(b"abcdef")]
    return pa.Array.from_buffers(kind, len(offsets) - 1, buffers)


def view(length: int, buffer: int, start: int) -> pa.Array:
    word = np.array([length, 0, buffer, start], np.int32).tobytes()
    return pa.Array.from_buffers(pa.string_view(), 1, [None, pa.py_buffer(word), pa.py_buffer(b"x" * 30)])


def dictionary(*indices: int) -> pa.Array:
    own = pa.Array.from_buffers(pa.int32(), len(indices), [None, pa.py_buffer(np.array(indices, np.int32).tobytes())])
    return pa.DictionaryArray.from_arrays(own, pa.array(["a", None, "b"]), safe=False)


BROKEN_COLUMNS = {
    "offsets that descend": text([0, 5, 3]),
    "a negative offset": text([0, -1, 3]),
    "an offset beyond the last": text([0, 1000, 3]),
    "a large offset beyond the last": text([0, 2**40, 3], large=True),
    "a view into no buffer": view(20, 7, 0),
    "a view beyond its buffer": view(20, 0, 25),
    "a view of negative length": view(-5, 0, 0),
    "an index beyond the dictionary": dictionary(0, 3),
    "a negative index": dictionary(0, -1),
}


@pytest.mark.parametrize("name", BROKEN_COLUMNS)
def test_buffers_that_contradict_each_other_are_a_data_error_that_names_the_row(name: str) -> None:
    broken = BROKEN_COLUMNS[name]
    users: list[Callable[[], object]] = [
        lambda: assay.hash(broken),
        lambda: assay.digest(broken),
        lambda: assay.hash_rows(pa.table({"a": broken, "b": broken})),
        lambda: assay.BloomFilter.build(broken),
        lambda: assay.Ring(3).lookup(broken),
        lambda: _core.KeyTable().insert(broken),
    ]
    for use in users:
        with pytest.raises(DataError, match=r"row [01]: .*validate"):
            use()


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "sum of a group outside": (lambda: _core.sum_by(numbers(5), None, 2), "a group is 5; expected less than 2"),
    "sum with too few weights": (lambda: _core.sum_by(numbers(0, 0), weights(1), 2), "weights has 1 rows; expected 2"),
    "sum of 2^62 groups": (lambda: _core.sum_by(numbers(0), None, 2**62), "do not fit memory"),
    "a row outside the matrix": (lambda: _core.sum_pairs(numbers(5), numbers(0), None, 2, 2), "less than 2"),
    "a column outside the matrix": (lambda: _core.sum_pairs(numbers(0), numbers(5), None, 2, 2), "less than 2"),
    "pairs of unequal length": (lambda: _core.sum_pairs(numbers(0, 1), numbers(0), None, 2, 2), "to has 1 rows"),
    "a matrix beyond 2^64": (lambda: _core.sum_pairs(numbers(0), numbers(0), None, 2**40, 2**40), "do not fit memory"),
    "a bit outside": (lambda: _core.mark_pairs(numbers(2), numbers(0), 2, 2), "a group is 2"),
    "bits beyond 2^64": (lambda: _core.mark_pairs(numbers(0), numbers(0), 2**40, 2**40), "do not fit memory"),
    "pairs inserted unequally": (lambda: _core.KeyTable().insert_pairs(numbers(0, 1), numbers(0)), "2 and 1 rows"),
    "pairs found unequally": (lambda: _core.KeyTable().find_pairs(numbers(0, 1), numbers(0)), "2 and 1 rows"),
    "a key counted twice": (
        lambda: _core.Strategy.learn("list", distinct([7, 7]), [0, 1], []),
        "the key 7 stands in more than one row",
    ),
    "rows beyond 2^64": (lambda: distinct([1, 2], [2**64 - 1, 1]), "the rows add up to more than 2"),
    "weights beyond 2^64": (lambda: distinct([1, 2], [1, 1], [2**64 - 1, 1]), "the weights add up to more than 2"),
    "a key without rows": (lambda: distinct([1, 2], [1, 0]), "key 1 has 0 rows"),
    "lists longer than their values": (
        lambda: learned("list", 2, values=pa.array([1]), groups=[5, 1]),
        "the lists have 6 values in all, but 1 are given",
    ),
    "a composite of the wrong size": (
        lambda: _core.Strategy.composite(learned("hash", 2), learned("hash", 2), 1, [0, 1, 2]),
        "3 nodes for 2 x 2 partitions",
    ),
    "a composite without its columns": (
        lambda: _core.Strategy.composite(learned("hash", 1), learned("hash", 1), 9, [0]).assign([FIVE], 5),
        "the key has 1 columns; expected 9",
    ),
    "a ring without columns": (lambda: learned("ring", 2).assign([], 5), "no columns for 5 rows"),
    "rows beyond memory": (lambda: learned("round_robin", 2).assign([], 2**62), "do not fit memory"),
    "row numbers beyond 2^64": (
        lambda: learned("round_robin", 2).assign([FIVE], 5, first_row=2**64 - 3),
        "first_row is 18446744073709551613",
    ),
    "a chain through too few nodes": (lambda: _core.chained_replicas(numbers(0), 2, 3), "count is 3, but there are 2"),
    "a chain from beyond the nodes": (lambda: _core.chained_replicas(numbers(2), 2, 1), "a partition is 2"),
    "a chain without replicas": (lambda: _core.chained_replicas(numbers(0), 2, 0), "count is 0"),
    "capacities of another number": (lambda: learned("hash", 2, capacities=[1.0]), "capacities has 1 entries for 2"),
    "racks of another number": (lambda: learned("hash", 2, racks=["a"]), "racks has 1 entries for 2 nodes"),
    "replicas of columns of another length": (lambda: learned("hash", 2).replicas([FIVE], 4, 1), "5 rows; expected 4"),
    "slots of a ring": (lambda: _core.Placement("ring", ["a"], [1.0], [None], hash="md5", seed=0).slots, "no slots"),
    "a range of two columns for one": (lambda: learned("range", 2).assign([FIVE, FIVE], 5), "the key has 2 columns"),
    "more windows begun than ended": (
        lambda: learned("range", 2).routed_windows(pa.array([1, 2]), pa.array([1])),
        "2 windows begin, but 1 end",
    ),
    "no nodes": (lambda: _core.action_nodes("replace_one", 0), "there are 0 nodes"),
    "too many nodes": (lambda: _core.action_nodes("double", 2**31), "there are 2147483648 nodes"),
    "negative threads": (lambda: assay.hash(FIVE, threads=-1), "threads is -1; expected an integer of at least 1"),
    "no threads": (lambda: assay.hash(FIVE, threads=0), "threads is 0"),
    "threads beyond 2^64": (lambda: assay.Ring(2).lookup(FIVE, threads=2**64), "threads is 18446744073709551616"),
    "a negative seed": (lambda: assay.hash(FIVE, seed=-1), "seed is -1; expected an integer from 0"),
    "bytes beyond 2^64": (
        lambda: assay.Checksum("crc32c").combine(1, 2**64 - 1).combine(1, 1),
        "expected that all bytes are fewer than 2",
    ),
    "a weight that overflows": (lambda: assay.Rendezvous(2, weights=[1e308, 1.0]), "from 1e-100 to 1e100"),
    "a weight that vanishes": (lambda: assay.Rendezvous(2, weights=[5e-324, 1.0]), "from 1e-100 to 1e100"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_with_a_message_and_never_panics(name: str) -> None:
    call, message = REFUSED[name]
    with pytest.raises((ParameterError, UsageError, AssayError), match=message.replace("(", r"\(")):
        call()


def test_indices_and_views_of_null_rows_are_never_read() -> None:
    nulls = pa.py_buffer(b"\x01")
    indices = pa.Array.from_buffers(pa.int32(), 2, [nulls, pa.py_buffer(np.array([2, 99], np.int32).tobytes())])
    column = pa.DictionaryArray.from_arrays(indices, pa.array(["a", None, "b"]), safe=False)
    assert assay.hash(column).to_pylist() == assay.hash(pa.array(["b", None])).to_pylist()


def test_a_null_struct_has_a_null_key() -> None:
    column = pa.StructArray.from_arrays([pa.array([1, 2, None])], names=["a"], mask=pa.array([True, False, False]))
    assert assay.hash(column).to_pylist() == assay.hash(pa.array([None, 2, None])).to_pylist()


def test_a_slice_without_rows_may_point_anywhere() -> None:
    assert len(assay.hash(pa.array(["a", "b"]).slice(1, 0))) == 0


def test_two_moments_of_one_day_are_one_date_to_a_range_as_to_a_hash() -> None:
    day = 86_400_000
    column = pa.array([day, day + 1, 2 * day, -1, -day]).view(pa.date64())
    assert assay.hash(column).to_pylist()[0] == assay.hash(column).to_pylist()[1]
    keys = column.take(pa.array([0, 2, 3]))
    learned = _core.Strategy.learn("range", _core.Distinct([keys], weights(1, 1, 1), weights(1, 1, 1)), [0, 1, 2], [])
    partitions = learned.assign([column], 5).to_pylist()
    assert partitions == [1, 1, 2, 0, 0]


def test_a_refused_insertion_and_readers_of_a_filter_never_wait_for_each_other() -> None:
    # The insertion fails while it is the writer; the readers hold the interpreter when they ask for the lock.
    filter_ = assay.BloomFilter.build(pa.array([1, 2], pa.int8()))
    wide = pa.array([10_000] * 50_000)
    done = threading.Event()

    def insert() -> None:
        for _ in range(20):
            with pytest.raises(AssayError):
                filter_.insert(wide)
        done.set()

    writer = threading.Thread(target=insert, daemon=True)
    writer.start()
    while not done.is_set() and writer.is_alive():
        assert (filter_.layout, filter_.key_count) == ("split_block", 2)
    writer.join(timeout=30)
    assert done.is_set()


def printed(script: str) -> list[str]:
    """What a script prints, line by line, in a process of its own, which it may end or fill."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


_NULLS_WITHOUT_END = """
import pyarrow as pa
import assay
from assay.errors import ParameterError

nodes = ["a", "b", "c"]
held = assay.BloomFilter.build(pa.array([1]))
for rows in (10**17, 2**62):
    nulls = pa.Array.from_buffers(pa.null(), rows, [None])
    for ask in (
        lambda: assay.hash(nulls),
        lambda: assay.hash(nulls, "xxh32"),
        lambda: assay.hash(nulls, "xxh3_128"),
        lambda: assay.hash_rows(pa.table({"a": nulls, "b": nulls})),
        lambda: assay.digest(nulls, "sha512"),
        lambda: held.contains(nulls),
        lambda: assay.Ring(nodes).lookup(nulls),
        lambda: assay.Ring(nodes).replicas(nulls, 2),
        lambda: assay.BoundedLoads(nodes).lookup(nulls),
    ):
        try:
            ask()
        except ParameterError as error:
            assert f"{rows} rows" in str(error) and "do not fit memory" in str(error), error
            print("refused")
"""


def test_more_nulls_than_memory_has_room_for_are_refused_and_do_not_end_the_process() -> None:
    assert printed(_NULLS_WITHOUT_END) == ["refused"] * 18


_HASHED_AND_GIVEN_BACK = """
import numpy as np
import pyarrow as pa
import assay
from assay import _core


def resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


keys = pa.array(np.arange(8_000_000))
assay.hash(keys[:1000], threads=1)
before = resident_bytes()
hashes = assay.hash(keys, threads=1)
held = resident_bytes()
del hashes
_core.give_back_memory()
print(held - before, resident_bytes() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="resident memory is read as Linux tells it")
def test_memory_that_is_given_back_is_that_of_outputs_too() -> None:
    held, left = map(int, printed(_HASHED_AND_GIVEN_BACK))
    assert held > 60e6 and left < 20e6


def test_a_series_of_python_objects_is_refused_as_its_addresses_say_nothing():
    polars = pytest.importorskip("polars")
    series = polars.Series("o", [object(), object()], dtype=polars.Object)
    with pytest.raises(UnsupportedTypeError, match="Python objects"):
        assay.hash(series)
