"""Several runs on one page: what changed first, one chooser, and none of the runs' parts in another's way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import assay
from assay.cli.app import main
from assay.report import build_page, build_page_of_runs, write_report_of_runs
from assay.report.overlay import MOST_LINES, common_lines, overlay_payload, summary_of
from assay.report.run_reader import read_run

SECOND = "01975f3a-6d2e-7c41-9b1f-2f6a0c5d8e22"


@pytest.fixture(scope="module")
def two_runs(store_class):
    """Two runs of one store: the second balances hash(tailnum) worse, and its lookups are a tenth slower."""
    store = store_class()
    for run_id in (store.run_id, SECOND):
        store.add_run(run_id, label={SECOND: "after"}.get(run_id, "before"))
        store.add_experiment(run_id, partitions=(8, 64))
        store.add_claims(run_id)
    store.connection.execute(
        """UPDATE metric SET value = value * 1.5 WHERE run_id = ? AND name = 'load_max_over_mean'
           AND cell_id = 'cell-0-8-hash(tailnum)'""",
        [SECOND],
    )
    store.connection.execute(
        """UPDATE metric SET value = value * 1.3, low = low * 1.3, high = high * 1.3
           WHERE run_id = ? AND name = 'lookup_ns'""",
        [SECOND],
    )
    store.connection.execute("UPDATE claim SET verdict = 'refuted' WHERE run_id = ? AND position = 1", [SECOND])
    yield store
    store.connection.close()


def lines_of(store) -> list:
    return common_lines([read_run(store, run_id) for run_id in (store.run_id, SECOND)])


def test_what_changed_comes_first_and_each_number_by_its_kind(two_runs) -> None:
    lines = lines_of(two_runs)
    assert [lines[0].contender, lines[0].metric.name, lines[0].change, lines[0].effect] == [
        "hash(tailnum)", "load_max_over_mean", "changed", "worse"]  # fmt: skip
    assert sum(line.change == "changed" for line in lines) == 1
    apart = [line for line in lines if line.change == "apart"]
    assert {line.metric.name for line in apart} == {"lookup_ns"} and len(apart) == 18
    assert {line.change for line in lines if line.metric.name == "build_ns"} == {"same"}
    order = [line.change for line in lines]
    assert order == sorted(order, key=["changed", "apart", "differs", "missing", "within", "same"].index)
    assert summary_of(lines).startswith(
        f"Of {len(lines):,} numbers that the runs share, 1 exact number differs, 18 lie"
    )


def test_overlapping_intervals_are_within_and_a_missing_number_is_told(two_runs) -> None:
    first, second = (read_run(two_runs, run_id) for run_id in (two_runs.run_id, SECOND))
    point = second.experiments[0].points[0]
    row = next(row for row in point.rows if row.contender == "jump(tailnum)")
    row.numbers["build_ns"] = type(row.numbers["build_ns"])(7_300.0, 6_600.0, 8_200.0)
    del row.numbers["load_cv"]
    lines = [line for line in common_lines([first, second]) if line.contender == "jump(tailnum)"]
    assert [line.change for line in lines if line.metric.name == "build_ns"] == ["within", "same"]
    assert [line.change for line in lines if line.metric.name == "load_cv"] == ["missing", "same"]


def test_runs_without_a_common_cell_say_so(make_store) -> None:
    store = make_store()
    for place, run_id in enumerate((store.run_id, SECOND)):
        store.add_run(run_id)
        store.add_experiment(run_id, partitions=(4 + place,))
    page = build_page_of_runs([(store, store.run_id), (store, SECOND)])
    assert "These runs have no cell in common" in page


def test_many_shared_numbers_are_embedded_up_to_a_bound(two_runs) -> None:
    lines = lines_of(two_runs) * 40
    assert len(lines) > MOST_LINES
    found = overlay_payload(lines, ["A", "B"])
    assert len(found["lines"]) == MOST_LINES and found["all"] == len(lines)


def test_different_machines_versions_and_data_are_told(make_store) -> None:
    store = make_store()
    store.add_run()
    store.add_experiment(partitions=(8,))
    store.add_run(SECOND, status="interrupted")
    store.add_experiment(SECOND, partitions=(8,))
    store.connection.execute("INSERT INTO environment VALUES ('env-2', ?)", [json.dumps({"cpu_model": "Other"})])
    store.connection.execute("INSERT INTO dataset SELECT 'blake3:other', * EXCLUDE (fingerprint) FROM dataset")
    store.connection.execute(
        "UPDATE run SET environment_id = 'env-2', tool_version = '0.2.0' WHERE run_id = ?", [SECOND]
    )
    store.connection.execute("UPDATE experiment SET dataset_fingerprint = 'blake3:other' WHERE run_id = ?", [SECOND])
    page = build_page_of_runs([(store, store.run_id), (store, SECOND)])
    for words in ("different machines", "different versions", "The data called flights is not the same", "interrupted"):
        assert words in page


def test_the_runs_stand_on_one_page_with_one_shown(visit, two_runs, tmp_path) -> None:
    path = write_report_of_runs([(two_runs, two_runs.run_id), (two_runs, SECOND)], tmp_path / "two.html")
    found = visit(path)
    page = found.page
    assert page.locator(".run:visible h2").first.text_content() == "Run A: before"
    rows = page.locator(".changes-table tbody tr")
    assert rows.count() == 19
    assert "≠ changed, ▼ worse" in rows.first.text_content()
    page.locator("#overlay .controls select").first.select_option("all")
    assert "rows 1 to 50 of 966" in page.locator("#overlay .pager [role=status]").text_content()
    assert page.locator('[data-frame="overlay"] .mark-symbol.role-mark path').count() == 2 * 9
    page.locator('[data-frame="overlay"] select').first.select_option("lookup_ns")
    page.evaluate("assay.drawn")
    assert page.locator('[data-frame="overlay"] .mark-symbol.role-mark path').count() == 2 * 9
    page.locator("#choose-run").select_option("run-1")
    page.evaluate("assay.drawn")
    assert page.locator(".run:visible h2").first.text_content() == "Run B: after"
    assert page.locator('#run-1 [data-frame="load"] svg.marks').count() == 9
    identifiers = page.evaluate("[...document.querySelectorAll('[id]')].map(node => node.id)")
    assert len(identifiers) == len(set(identifiers))
    claims = page.locator("#claims-of-runs")
    assert claims.locator("h2").text_content() == "1 of 4 claims have another verdict"
    assert "Consistent hashing" in claims.locator("tbody th").first.text_content()
    assert found.troubles == [] and found.requests == [path.as_uri()]


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_of_runs_breaks_no_rule(visit, two_runs, tmp_path, scheme) -> None:
    path = write_report_of_runs([(two_runs, two_runs.run_id), (two_runs, SECOND)], tmp_path / "two.html")
    for width in (360, 1280):
        found = visit(path, scheme=scheme, width=width)
        found.open_everything()
        assert found.page.evaluate("document.documentElement.scrollWidth") <= width
        assert found.violations() == []


def test_a_page_of_two_runs_is_little_larger_than_of_one(two_runs) -> None:
    one = build_page(two_runs, two_runs.run_id)
    both = build_page_of_runs([(two_runs, two_runs.run_id), (two_runs, SECOND)])
    assert len(both) < len(one) + 800_000


def store_of(tmp_path: Path, name: str, rows: int) -> Path:
    table = tmp_path / f"{name}.csv"
    table.write_text("k\n" + "".join(f"{i}\n" for i in range(rows)))
    store = tmp_path / f"{name}.duckdb"
    assay.compare("partitioning", str(table), strategies=["hash(k)"], partitions=4, timing=False, store=store)
    return store


def test_runs_are_named_by_store_and_by_name_on_the_command_line(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    stores = [store_of(tmp_path, name, rows) for name, rows in (("one", 40), ("two", 50))]
    page = tmp_path / "page.html"

    def report(*words: str) -> int:
        return main(["report", *words, "-o", str(page)])

    assert report("one.duckdb", "two.duckdb") == 0
    assert "2 runs of" in page.read_text(encoding="utf-8")
    assert report("--store", "one.duckdb", "--store", "two.duckdb") == 0
    assert "2 runs of" in page.read_text(encoding="utf-8")
    assert report("--store", "one.duckdb") == 0
    assert "2 runs of" not in page.read_text(encoding="utf-8")
    with assay.store.Store.read_only(stores[0]) as store:
        run_id = store.query("SELECT run_id FROM run", []).to_pylist()[0]["run_id"]
    assert report(f"one.duckdb:{run_id}", "two.duckdb") == 0
    capsys.readouterr()
    assert report(run_id, run_id, "--store", "one.duckdb") == 2
    assert "is named twice" in capsys.readouterr().err
    assert report("absent", "--store", "one.duckdb", "--store", "two.duckdb") == 2
    assert 'there is no run "absent" in one.duckdb, two.duckdb' in capsys.readouterr().err
    assert report("--charts", "figures", "one.duckdb", "two.duckdb") == 2
