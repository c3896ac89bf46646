"""The page as a file: whole, small, self-contained, and safe before any browser sees it."""

import hashlib
import json
import re
from pathlib import Path

import pytest

import assay.report.page as page_module
import assay.report.payload as payload_module
from assay.errors import StoreError, UnknownNameError
from assay.report import build_page, write_report
from assay.report.markup import data_block
from assay.report.payload import build_payload
from assay.report.run_reader import read_run

MOST_BYTES = 3_000_000


def payload_of(page: str) -> dict:
    found = re.search(r'<script type="application/json" id="payload">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_the_answer_stands_in_the_page_before_anything_that_needs_a_script(flights_store) -> None:
    page = build_page(flights_store, flights_store.run_id)
    assert page.index("spreads evenly (1.18") < page.index("<script")
    assert "same input, same number, always" in page


def test_the_page_is_written_whole_and_is_small(flights_store, tmp_path) -> None:
    path = write_report(flights_store, flights_store.run_id, tmp_path / "out.html", title="My table")
    assert path == tmp_path / "out.html"
    assert path.stat().st_size < MOST_BYTES
    text = path.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert text.endswith("</html>\n")
    assert "<title>My table · assay</title>" in text
    assert [child.name for child in tmp_path.iterdir()] == ["out.html"]


def test_a_failed_write_leaves_the_old_page_and_no_other_file(flights_store, tmp_path, monkeypatch) -> None:
    target = tmp_path / "out.html"
    target.write_text("old")

    def refuse(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(StoreError, match=r"cannot write the report to .*out\.html: No space left on device"):
        write_report(flights_store, flights_store.run_id, target)
    assert target.read_text() == "old"
    assert [child.name for child in tmp_path.iterdir()] == ["out.html"]


def test_a_folder_that_does_not_exist_is_named(flights_store, tmp_path) -> None:
    with pytest.raises(StoreError, match=r"there is no folder .*absent; make it"):
        write_report(flights_store, flights_store.run_id, tmp_path / "absent" / "out.html")


def test_an_unknown_run_writes_nothing(flights_store, tmp_path) -> None:
    with pytest.raises(UnknownNameError):
        write_report(flights_store, "nothing", tmp_path / "out.html")
    assert list(tmp_path.iterdir()) == []


def test_the_same_run_gives_the_same_page(flights_store) -> None:
    assert build_page(flights_store, flights_store.run_id) == build_page(flights_store, flights_store.run_id)


def test_nothing_in_the_page_asks_for_another_file(flights_store) -> None:
    page = build_page(flights_store, flights_store.run_id)
    assert not re.search(r"<(?:link|iframe|object|embed|img|base|form)\b", page.split("<script", 1)[0])
    assert not re.search(r"<script[^>]*\bsrc=", page)
    assert "default-src &#x27;none&#x27;" in page
    assert "unsafe-eval" not in page


def test_the_policy_names_the_hash_of_every_script_that_runs(flights_store) -> None:
    page = build_page(flights_store, flights_store.run_id)
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert len(scripts) == 4 + len(page_module._SCRIPTS)
    assert re.findall(r"sha256-([^&]+)", page.split("</head>")[0]) == [page_module._hash(script) for script in scripts]


def test_text_in_a_data_block_cannot_end_it() -> None:
    hostile = "</script><!--<script>&amp;\u2028"
    block = data_block("id", {"name": hostile})
    inner = block.removeprefix('<script type="application/json" id="id">').removesuffix("</script>")
    assert "<" not in inner
    assert json.loads(inner) == {"name": hostile}


def test_hostile_names_never_reach_the_markup_as_they_are(make_store) -> None:
    store = make_store()
    store.add_run()
    hostile = "hash(</script><script>alert(1)</script>)"
    store.add_experiment(
        strategies=["hash(tailnum)", hostile], partitions=(8,), failed=[hostile], reading="<b>bold</b>"
    )
    page = build_page(store, store.run_id, title="<script>alert(2)</script>")
    assert "<script>alert" not in page
    assert "<b>bold" not in page
    assert "&lt;b&gt;bold&lt;/b&gt;" in page


def test_an_empty_run_is_still_a_page(make_store) -> None:
    store = make_store()
    store.add_run(status="running")
    page = build_page(store, store.run_id)
    assert "This run is running" in page
    assert "This run holds no results." in page
    assert len(page) < 100_000


def test_a_run_without_timing_has_no_timing_section(make_store) -> None:
    store = make_store()
    store.add_run()
    store.add_experiment(partitions=(8,), timed=False)
    page = build_page(store, store.run_id)
    assert 'data-frame="load"' in page
    assert 'data-frame="timing"' not in page


def test_an_answer_that_only_its_name_decided_is_too_close_to_call(make_store) -> None:
    store = make_store()
    store.add_run()
    store.add_experiment(
        partitions=(8,), strategies=["ring(tailnum,virtual_nodes=128)", "ring(tailnum,virtual_nodes=64)"]
    )
    store.connection.execute(
        "UPDATE metric SET value = 1 "
        "WHERE split_part(name, '.', 1) IN ('load_max_over_mean', 'cross_join_share', 'moved_over_optimum')"
    )
    assert "Too close to call: ring(tailnum,virtual_nodes=64) did exactly as well" in build_page(store, store.run_id)


def test_many_strategies_are_embedded_within_the_cap_and_the_page_says_what_is_not(make_store) -> None:
    store = make_store()
    store.add_run()
    names = [f"ring(tailnum,virtual_nodes={i})" for i in range(1, 401)]
    store.add_experiment(strategies=names, partitions=(8, 64))
    payload = build_payload(store, read_run(store, store.run_id))
    (experiment,) = payload["experiments"]
    points = experiment["points"]
    embedded = sum(len(row) for point in points for row in point["values"])
    embedded += sum(len(load["values"]) for point in points for load in point["load"])
    assert embedded <= payload_module.MOST_NUMBERS
    assert [len(point["rows"]) for point in points] == [400, 400]
    notices = " ".join(experiment["notices"])
    assert "metrics are not embedded" in notices
    assert "groups of up to 7 adjacent partitions" in notices
    assert len(build_page(store, store.run_id).encode()) < MOST_BYTES


def test_a_group_of_partitions_shows_its_fullest(make_store, monkeypatch) -> None:
    store = make_store()
    store.add_run()
    store.add_experiment(strategies=["hash(tailnum)"], partitions=(64,))
    # 4 strategies' worth of room: 64 partitions in 8 bars of 8.
    monkeypatch.setattr(payload_module, "MOST_NUMBERS", 32)
    payload = build_payload(store, read_run(store, store.run_id))
    (load,) = payload["experiments"][0]["points"][0]["load"]
    values = [row["value"] for row in store.query("SELECT value FROM series ORDER BY position").to_pylist()]
    assert load["values"] == [max(values[i : i + 8]) for i in range(0, 64, 8)]
    assert load["labels"][1] == "node-8 … node-15"
    assert load["mean"] == pytest.approx(sum(values) / 64)


def test_small_runs_keep_every_metric_and_partition(flights_store) -> None:
    (experiment,) = payload_of(build_page(flights_store, flights_store.run_id))["experiments"]
    assert experiment["notices"] == []
    stored = {row["name"] for row in flights_store.query("SELECT DISTINCT name FROM metric").to_pylist()}
    assert stored <= {column["name"] for column in experiment["columns"]}
    assert [len(load["values"]) for load in experiment["points"][1]["load"]] == [64] * 9


def test_the_vendored_chart_library_is_what_was_recorded() -> None:
    vendor = Path(page_module.__file__).parent / "vendor"
    recorded = dict(reversed(line.split()) for line in (vendor / "SHA256SUMS").read_text().splitlines())
    for name in page_module._VENDORED:
        for suffix in ("js", "LICENSE"):
            content = (vendor / f"{name}.{suffix}").read_bytes()
            assert hashlib.sha256(content).hexdigest() == recorded.pop(f"{name}.{suffix}")
    assert recorded == {}


def test_the_licences_of_the_chart_library_travel_with_the_page(flights_store) -> None:
    page = build_page(flights_store, flights_store.run_id)
    assert page.count("Redistributions in binary form must reproduce the above copyright notice") == 4
