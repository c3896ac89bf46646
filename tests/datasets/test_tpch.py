"""TPC-H: published row counts and keys, the same bits everywhere, made once, and clear refusals."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pyarrow.compute as pc
import pytest

from assay.datasets import describe, guess_roles, known_datasets, open_dataset, tpch
from assay.datasets.cache_folder import cache_folder, make_once
from assay.errors import ChecksumMismatchError, ParameterError, ReadError, SpellingError, UnknownNameError

SCALE = 0.01
SPELLING = f"tpch(lineitem, scale={SCALE})"


def fake_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """Puts a tool in place of the real one that says its version and else runs `body` (sh)."""
    tool = tmp_path / "tpchgen-cli"
    tool.write_text(
        f'#!/bin/sh\nif [ "$1" = --version ]; then echo tpchgen-cli 9.9; exit 0; fi\n{textwrap.dedent(body)}'
    )
    tool.chmod(0o755)
    monkeypatch.setattr(tpch, "_tool", lambda: str(tool))
    monkeypatch.setenv("ASSAY_CACHE", str(tmp_path / "cache"))


def test_rows_follow_the_scale_as_the_specification_says() -> None:
    # Section 4.2.5: SF x 1,500,000 orders, SF x 200,000 parts, SF x 800,000 offers, SF x 10,000 suppliers; 25, 5.
    rows = {table: open_dataset(f"tpch({table}, scale={SCALE})").rows for table in tpch.TABLES}
    assert rows.pop("lineitem") == 60_175
    assert rows == {
        "orders": 15_000,
        "partsupp": 8_000,
        "part": 2_000,
        "customer": 1_500,
        "supplier": 100,
        "nation": 25,
        "region": 5,
    }


def test_orders_use_8_keys_of_every_32_as_the_specification_says() -> None:
    keys = open_dataset(f"tpch(orders, scale={SCALE})").table(["o_orderkey"])["o_orderkey"].to_pylist()
    assert {key % 32 for key in keys} == set(range(8)) and len(set(keys)) == 15_000


def test_every_reference_of_every_table_is_matched_at_the_same_scale() -> None:
    found = {}
    for table in tpch.TABLES:
        for key in describe(open_dataset(f"tpch({table}, scale={SCALE})"), fingerprint=False).foreign_keys:
            assert (key.null_rows, key.orphan_rows, key.problem) == (0, 0, None), key
            assert key.parent.endswith(f", scale={SCALE})")
            found[table, key.name] = key.parent.partition(",")[0]
    assert found == {
        ("lineitem", "orders"): "tpch(orders",
        ("lineitem", "part"): "tpch(part",
        ("lineitem", "supplier"): "tpch(supplier",
        ("lineitem", "partsupp"): "tpch(partsupp",
        ("orders", "customer"): "tpch(customer",
        ("customer", "nation"): "tpch(nation",
        ("supplier", "nation"): "tpch(nation",
        ("partsupp", "part"): "tpch(part",
        ("partsupp", "supplier"): "tpch(supplier",
        ("nation", "region"): "tpch(region",
    }


def test_the_shipped_names_are_the_tables_at_scale_1() -> None:
    shipped = {entry.name: entry.source for entry in known_datasets() if entry.name.startswith("tpch_")}
    assert shipped == {f"tpch_{table}": f"tpch({table}, scale=1)" for table in tpch.TABLES}
    assert {entry.licence for entry in known_datasets() if entry.name in shipped} == {"Apache-2.0"}


def test_the_roles_are_what_a_person_would_try() -> None:
    roles = guess_roles(open_dataset(SPELLING))
    assert roles.time == "l_shipdate" and roles.keys[0] == "l_orderkey" and "l_shipmode" in roles.lists


def test_the_fingerprint_is_over_the_table_the_scale_and_the_version_alone() -> None:
    dataset = open_dataset(SPELLING)
    version = tpch._version(str(tpch._tool()))
    expected = hashlib.sha256(f'{SPELLING} tpchgen-cli {version}\n{{"generator": true}}'.encode()).hexdigest()
    assert dataset.fingerprint_kind == "generator" and dataset.fingerprint() == expected
    for spelling in (
        "tpch( lineitem , scale=1e-2)",
        "tpch('lineitem', scale=0.010)",
        "tpch(table=lineitem, scale=0.01)",
    ):
        again = open_dataset(spelling)
        assert (again.name, again.fingerprint()) == (SPELLING, expected)
    assert open_dataset("tpch(lineitem, scale=0.02)").fingerprint() != expected
    assert tpch.parse_tpch("tpch(orders)").spelling == tpch.parse_tpch("tpch(orders, scale=1.0)").spelling


def test_the_tool_writes_the_same_bytes_with_any_number_of_threads(tmp_path: Path) -> None:
    digests = set()
    for threads in ("1", "3"):
        folder = tmp_path / threads
        command = [str(tpch._tool()), "parquet", "-s", str(SCALE), "-T", "lineitem", "-o", folder, "-n", threads, "-q"]
        subprocess.run(command, check=True, capture_output=True)
        digests.add(hashlib.sha256((folder / "lineitem.parquet").read_bytes()).hexdigest())
    digests.add(hashlib.sha256(open_dataset(SPELLING).files[0].read_bytes()).hexdigest())
    assert len(digests) == 1


def test_spans_are_shared_out_by_row_group() -> None:
    dataset = open_dataset("tpch(lineitem, scale=0.05)")
    spans = dataset.spans(target_rows=100_000)
    assert len(spans) >= 2 and max(span.rows or 0 for span in spans) < 130_000
    sums = [sum(pc.sum(b.data["l_orderkey"]).as_py() for b in dataset.batches(["l_orderkey"], span)) for span in spans]
    assert sum(sums) == pc.sum(dataset.table(["l_orderkey"])["l_orderkey"]).as_py()


def test_a_table_is_made_once_and_told_of_on_standard_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ASSAY_CACHE", str(tmp_path))
    path = open_dataset(SPELLING).files[0]
    output = capsys.readouterr()
    assert path.is_relative_to(tmp_path) and f"making {SPELLING}" in output.err and not output.out
    made = path.stat().st_mtime_ns
    assert open_dataset(SPELLING).files[0].stat().st_mtime_ns == made
    assert not capsys.readouterr().err
    assert sorted(file.name for file in path.parent.iterdir()) == ["lineitem.parquet", "lineitem.parquet.lock"]


def test_processes_that_need_one_table_at_once_make_it_once(tmp_path: Path) -> None:
    code = f"from assay.datasets import open_dataset; print(open_dataset('{SPELLING}').fingerprint())"
    environment = {**os.environ, "ASSAY_CACHE": str(tmp_path)}
    started = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    outputs = [process.communicate(timeout=120) for process in started]
    assert {process.returncode for process in started} == {0}
    assert len({out for out, _ in outputs}) == 1
    assert sum(err.count(b"making ") for _, err in outputs) == 1


def test_what_a_killed_process_left_is_cleared_away(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "t.bin"
    partial = path.with_name("t.bin.partial")
    partial.mkdir(parents=True)
    (partial / "rest").write_text("half")

    def make(folder: Path) -> Path:
        assert not list(folder.iterdir())
        (folder / "new").write_text("whole")
        return folder / "new"

    assert make_once(path, make, "t").read_text() == "whole" and not partial.exists()


def test_a_failure_leaves_nothing_behind_and_says_what_the_tool_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_tool(tmp_path, monkeypatch, 'echo "no space left on device" >&2; exit 3')
    with pytest.raises(ReadError, match=r"could not be made: .*no space left on device; .*ASSAY_CACHE"):
        open_dataset(SPELLING)
    left = [path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert left == ["lineitem.parquet.lock"]
    fake_tool(tmp_path, monkeypatch, "exit 0")
    with pytest.raises(ReadError, match="exit code 0"):
        open_dataset(SPELLING)


def test_a_missing_tool_is_told_with_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tpch, "_tool", lambda: None)
    with pytest.raises(ReadError, match=r'not installed; run: pip install "assay\[data\]"'):
        open_dataset(SPELLING)
    assert {entry.installed for entry in known_datasets() if entry.name.startswith("tpch_")} == {False}


def test_no_room_is_told_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_tool(tmp_path, monkeypatch, "exit 1")
    with pytest.raises(ReadError, match=r"needs about .* TiB and .* free; set ASSAY_CACHE"):
        open_dataset("tpch(lineitem, scale=100000)")


def test_a_cache_folder_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ASSAY_CACHE", str(tmp_path / "file"))
    with pytest.raises(ReadError, match=r"cannot be kept in .*set ASSAY_CACHE to a folder"):
        open_dataset(SPELLING)


def test_the_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ASSAY_CACHE", str(tmp_path / "a"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "b"))
    assert cache_folder() == tmp_path / "a"
    monkeypatch.delenv("ASSAY_CACHE")
    assert cache_folder() == tmp_path / "b" / "assay"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "assay"


@pytest.mark.parametrize(
    ("spelling", "error", "message"),
    [
        ("tpch(lineitm)", UnknownNameError, 'did you mean "lineitem"'),
        ("tpch()", SpellingError, "names no table; expected one of lineitem"),
        ("tpch(orders, part)", SpellingError, "names 'orders', 'part'"),
        ("tpch(7)", SpellingError, "names 7"),
        ("tpch(orders, table=part)", SpellingError, "names 'orders', 'part'"),
        ("tpch(orders, sacle=2)", UnknownNameError, 'did you mean "scale"'),
        ("tpch(orders, scale=0)", ParameterError, "scale is 0; expected a number from 0.01"),
        ("tpch(orders, scale=-1)", ParameterError, "scale is -1"),
        ("tpch(orders, scale=1e9)", ParameterError, "to 100000"),
        ("tpch(orders, scale='2; rm')", ParameterError, "scale is '2; rm'"),
        ("tpch(orders, scale=true)", ParameterError, "scale is True"),
        ("tcph(orders)", UnknownNameError, 'did you mean "tpch"'),
        ("zipcodes(1)", SpellingError, r"expected zipcodes\(\)"),
    ],
)
def test_a_mistake_is_refused_with_the_way_out(spelling: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        open_dataset(spelling)


def test_a_definition_of_ones_own_may_name_another_scale(tmp_path: Path) -> None:
    path = tmp_path / "items.toml"
    path.write_text(f'source = {{ generator = "{SPELLING}" }}\nchecksum = "sha256:{"0" * 64}"\n')
    with pytest.raises(Exception, match="a generator's rows follow from its spelling"):
        open_dataset(path)
    path.write_text(f'source = {{ generator = "{SPELLING}" }}\nroles = {{ key = "l_partkey" }}\n')
    dataset = open_dataset(path)
    assert (dataset.name, dataset.rows, dataset.roles["key"]) == ("items", 60_175, "l_partkey")


def test_another_machine_makes_the_table_anew_and_refuses_another_generators() -> None:
    dataset = open_dataset(f"tpch(nation, scale={SCALE})")
    dataset.fingerprint()
    description = dataset.description()
    elsewhere = dataclasses.replace(
        description, stamps=tuple(dataclasses.replace(stamp, modified_ns=1) for stamp in description.stamps)
    )
    assert elsewhere.open().table().equals(dataset.table())  # a copy of another age is the same table
    with pytest.raises(ChecksumMismatchError, match="another version of its generator here; install the same"):
        dataclasses.replace(description, fingerprint="0" * 64).open()
