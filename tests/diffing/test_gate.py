"""`assay diff` as people and machines meet it: how sides are named, what fails, and what is printed."""

from __future__ import annotations

import csv
import io
import json
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from runs_to_compare import Made, steady

import assay
from assay.diffing.badge import COLOURS
from assay.diffing.gate import Condition, parse_conditions
from assay.errors import SpellingError, StoreError, UnknownNameError, UsageError
from assay.store import Store

Assay = Callable[..., Any]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two stores, only read: misses rise by 10 %, hits rise, lookups take 20 % longer, and b breaks nothing."""
    folder = tmp_path_factory.mktemp("pair")
    paths = folder / "main.duckdb", folder / "branch.duckdb"
    for path, numbers in zip(
        paths,
        (
            {"misses": 10, "hits": 10, "lookup_ns": steady(10)},
            {"misses": 11, "hits": 12, "lookup_ns": steady(12)},
        ),
        strict=True,
    ):
        Made({"a": numbers, "b": {"misses": 1}}, best="a").keep(path)
    return paths


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        (None, 0),
        ("worse", 1),
        ("worse:5%", 1),
        ("worse:15%", 1),  # lookup_ns: its whole interval is beyond 15 %
        ("worse:20%", 0),  # the interval of lookup_ns reaches below 20 %
        ("worse:misses:10%", 0),  # exactly 10 % is not more than 10 %
        ("worse:misses:9.9%", 1),
        ("worse:hits", 0),
        ("changed", 1),
        ("changed:hits:19%", 1),
        ("changed:hits:20%", 0),
        ("unclear", 0),
        ("unclear:lookup_ns:20%", 4),
        ("unclear:lookup_ns:30%", 0),
        ("removed", 0),
        ("answer", 0),
        ("failed", 0),
        ("removed,worse:50%", 0),
    ],
)
def test_a_condition_sets_the_exit_code(call: Assay, pair: tuple[Path, Path], condition: str | None, code: int) -> None:
    flags = [] if condition is None else ["--fail-on", condition]
    outcome = call("diff", *pair, *flags, "--format", "json")
    assert outcome.code == code, outcome.err
    assert json.loads(outcome.out)["exit_code"] == code


def test_several_conditions_fail_if_one_does(call: Assay, pair: tuple[Path, Path]) -> None:
    outcome = call("diff", *pair, "--fail-on", "worse:hits", "--fail-on", "removed,worse:misses")
    assert outcome.code == 1
    assert "✓ passes: worse:hits holds for none of 1" in outcome.out
    assert "✗ fails: worse:misses holds for 1 of 2: a misses +10.0 %" in outcome.out


def test_a_failed_cell_fails_every_gate_with_3_but_no_bare_diff(call: Assay, tmp_path: Path) -> None:
    paths = tmp_path / "main.duckdb", tmp_path / "branch.duckdb"
    Made({"a": {"misses": 1}, "b": {"misses": 1}}).keep(paths[0])
    Made({"a": {"misses": 2}, "b": "it broke"}).keep(paths[1])
    assert call("diff", *paths).code == 0
    assert call("diff", *paths, "--fail-on", "worse").code == 3
    assert call("diff", *paths, "--fail-on", "failed").code == 3
    outcome = call("diff", *paths, "--fail-on", "removed")
    assert outcome.code == 3
    assert "✗ fails: cells of the candidate failed" in outcome.out


def test_a_candidate_of_which_nothing_is_left_fails_with_3(call: Assay, tmp_path: Path) -> None:
    paths = tmp_path / "main.duckdb", tmp_path / "branch.duckdb"
    Made({"a": {"misses": 1}}).keep(paths[0])
    Made({"a": "it broke"}).keep(paths[1])
    assert call("diff", *paths).code == 3


def test_a_gate_that_compared_nothing_fails_with_4(call: Assay, tmp_path: Path) -> None:
    paths = tmp_path / "main.duckdb", tmp_path / "branch.duckdb"
    Made({"a": {"misses": 1}}).keep(paths[0])
    Made({"b": {"misses": 1}}).keep(paths[1])
    for flags in ((), ("--fail-on", "worse")):
        outcome = call("diff", *paths, *flags)
        assert outcome.code == 4
        assert outcome.out.startswith("Nothing could be compared: the runs share no metric")


def test_a_condition_on_a_metric_that_one_side_lacks_fails_with_4(call: Assay, tmp_path: Path) -> None:
    paths = tmp_path / "main.duckdb", tmp_path / "branch.duckdb"
    Made({"a": {"misses": 1, "lookup_ns": steady(10)}}).keep(paths[0])
    Made({"a": {"misses": 1}}).keep(paths[1])
    outcome = call("diff", *paths, "--fail-on", "worse:lookup_ns:5%")
    assert outcome.code == 4
    assert "✗ fails: worse:lookup_ns:5%: there was nothing to judge" in outcome.out
    assert call("diff", *paths, "--fail-on", "worse").code == 0


def test_a_family_of_metrics_is_one_condition(tmp_path: Path) -> None:
    paths = tmp_path / "main.duckdb", tmp_path / "branch.duckdb"
    Made({"a": {"moved.add_one": 0.1, "moved.double": 0.5, "misses": 1}}).keep(paths[0])
    Made({"a": {"moved.add_one": 0.2, "moved.double": 0.6, "misses": 2}}).keep(paths[1])
    (judgement,) = assay.diff(*map(str, paths), fail_on="worse:moved:50%").judgements
    assert (len(judgement.met), judgement.judged) == (1, 2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "an empty condition"),
        ("worse,", "an empty condition"),
        ("wrose", 'did you mean "worse"?'),
        ("5%", 'no condition "5%"'),
        ("worse:5", '"5" is no size; write it in percent'),
        ("worse:-5%", '"-5%" is no size'),
        ("worse:5%:6%", "there are two sizes"),
        ("worse:5%:misses", '"misses" is out of place'),
        ("worse:a:b", '"b" is out of place'),
        ("worse::5%", '"" is out of place'),
        ("failed:5%", "failed takes no size"),
        ("removed:5%", "removed takes no size"),
        ("answer:misses", "answer takes no metric"),
    ],
)
def test_a_condition_that_is_none_is_told(call: Assay, text: str, said: str) -> None:
    outcome = call("diff", "a", "b", "--fail-on", text)
    assert outcome.code == 2
    assert said in outcome.err
    assert "--fail-on" in outcome.err


def test_conditions_are_read_with_blanks_and_once_each() -> None:
    assert parse_conditions([" worse : 5 % , removed", "removed"]) == [
        Condition("worse", None, 0.05),
        Condition("removed"),
    ]
    assert Condition("worse", "lookup_ns", 0.005).spelled == "worse:lookup_ns:0.5%"
    with pytest.raises(SpellingError):
        parse_conditions("worse:1e999x%")


def test_a_condition_on_an_unknown_metric_is_told(pair: tuple[Path, Path]) -> None:
    with pytest.raises(UnknownNameError, match='did you mean "lookup_ns"'):
        assay.diff(*map(str, pair), fail_on="worse:lookup")


# -- how sides are named ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made_history(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    path = tmp_path_factory.mktemp("history") / "assay.duckdb"
    runs = [
        Made({"a": {"misses": n}}, minutes=n, label="nightly" if n == 0 else None, suite="other" if n == 3 else "suite")
        for n in range(4)
    ]
    return path, [run.keep(path) for run in runs]


@pytest.fixture
def history(made_history: tuple[Path, list[str]], tmp_path: Path) -> tuple[Path, list[str]]:
    """A store with three runs of "suite", the first labelled nightly, then one of "other", in the test's folder."""
    path = tmp_path / "assay.duckdb"
    shutil.copy(made_history[0], path)
    return path, made_history[1]


@pytest.mark.parametrize(
    ("name", "position"),
    [
        ("latest", 3),
        ("suite", 2),
        ("nightly", 0),
        ("assay.duckdb", 3),
        ("assay.duckdb:", 3),
        ("assay.duckdb:nightly", 0),
        ("assay.duckdb:suite", 2),
    ],
)
def test_a_side_is_named_in_many_ways(call: Assay, history: tuple[Path, list[str]], name: str, position: int) -> None:
    outcome = call("diff", name, name, "--format", "json")
    assert json.loads(outcome.out)["base"]["run"] == history[1][position]


def test_an_id_may_be_cut_but_must_stay_unambiguous(call: Assay, history: tuple[Path, list[str]]) -> None:
    _, ids = history
    outcome = call("diff", ids[1], f"assay.duckdb:{ids[0][:-2]}", "--format", "json")
    assert json.loads(outcome.out)["candidate"]["run"] == ids[0]
    refused = call("diff", ids[1][:3], "latest")
    assert refused.code == 2
    assert "4 runs in assay.duckdb begin with" in refused.err


def test_previous_is_the_run_of_the_same_suite_before_the_latest(call: Assay, history: tuple[Path, list[str]]) -> None:
    path, ids = history
    refused = call("diff", "previous", "latest")
    assert refused.code == 2
    assert 'holds one run of "other"' in refused.err
    newest = Made({"a": {"misses": 5}}, minutes=9).keep(path)
    outcome = call("diff", "previous", "latest", "--format", "json")
    sides = json.loads(outcome.out)
    assert (sides["base"]["run"], sides["candidate"]["run"]) == (ids[2], newest)


def test_results_at_hand_are_sides_too(tmp_path: Path) -> None:
    options: dict[str, Any] = {"partitions": 4, "timing": False}
    data = "zipf(rows=1000, keys=50, seed=7)"
    before = assay.compare("partitioning", data, strategies=["hash(key)"], **options)
    after = assay.compare("partitioning", data, strategies=["hash(key)", "range(key)"], **options)
    found = assay.diff(before, after)
    assert {row.verdict for row in found.compared} == {"same", "added"}
    with pytest.raises(UsageError, match="the base is 7"):
        assay.diff(7, after)


@pytest.mark.parametrize(
    ("base", "said", "code"),
    [
        ("nowhere.duckdb", "there is no store nowhere.duckdb", 3),
        ("text.duckdb", "is not a DuckDB file", 3),
        ("foreign.duckdb", "of something else", 3),
        ("empty.duckdb", "holds no run yet", 2),
        ("latest:latest", 'there is no run "latest:latest"', 2),
        ("nobody", 'there is no run "nobody" in assay.duckdb', 2),
        (" ", "a side of the diff has no name", 2),
        ("../../etc", "there is no run", 2),
        ("'; DROP TABLE run; --", "there is no run", 2),
    ],
)
def test_a_side_that_is_none_is_told(
    call: Assay, history: tuple[Path, list[str]], tmp_path: Path, base: str, said: str, code: int
) -> None:
    (tmp_path / "text.duckdb").write_text("this is no database, and long enough to be looked at", encoding="utf-8")
    duckdb.connect(str(tmp_path / "foreign.duckdb")).execute("CREATE TABLE t (x INTEGER)").close()
    Store(tmp_path / "empty.duckdb").close()
    outcome = call("diff", base, "latest")
    assert outcome.code == code
    assert said in outcome.err
    assert "Traceback" not in outcome.err
    assert len(history[1]) == 4


def test_a_store_that_is_no_file_yet_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # no file there has the name of a run
    with pytest.raises(StoreError, match="there is no store"):
        assay.diff("a", "b", store="/nowhere/assay.duckdb")


# -- what is printed --------------------------------------------------------------------------------


def test_only_what_changed_is_shown_first_and_the_rest_is_counted(call: Assay, pair: tuple[Path, Path]) -> None:
    outcome = call("diff", *pair)
    assert outcome.out.startswith("2 worse, 1 better, 1 same.\n")
    assert "lookup_ns" in outcome.out and "misses" in outcome.out and "+20.0 % (" in outcome.out
    assert "b, 4 partitions" not in outcome.out
    assert "b, 4 partitions" in call("diff", *pair, "--all").out
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_json_holds_every_change_in_full(call: Assay, pair: tuple[Path, Path]) -> None:
    found = json.loads(call("diff", *pair, "--format", "json", "--fail-on", "worse:5%").out)
    assert found["verdict"] == "worse"
    assert found["counts"] == {"worse": 2, "better": 1, "same": 1}
    assert found["gate"] == [{"condition": "worse:5%", "met": 2, "judged": 4, "exit_code": 1}]
    (row,) = [row for row in found["changes"] if row["metric"] == "misses"]
    assert (row["contender"], row["base"], row["candidate"], row["ratio"]) == ("a", 10.0, 11.0, 1.1)
    assert row["parameters"] == {"partitions": 4}
    assert len(found["changes"]) == 3
    assert len(json.loads(call("diff", *pair, "--format", "json", "--all").out)["changes"]) == 4


def test_csv_holds_the_same_rows(call: Assay, pair: tuple[Path, Path]) -> None:
    rows = list(csv.DictReader(io.StringIO(call("diff", *pair, "--format", "csv").out)))
    assert [(row["verdict"], row["metric"]) for row in rows] == [
        ("worse", "lookup_ns"),
        ("worse", "misses"),
        ("better", "hits"),
    ]
    assert float(rows[1]["candidate"]) == 11.0


def test_markdown_is_a_comment_with_a_verdict_and_details(call: Assay, pair: tuple[Path, Path]) -> None:
    text = call("diff", *pair, "--format", "markdown", "--fail-on", "worse:5%").out
    assert text.startswith("### ✗ assay: 2 worse, 1 better, 1 same\n")
    assert "- **fails**: worse:5% holds for 2 of 4: a lookup\\_ns +20.0 %, a misses +10.0 %" in text
    assert "| ▼ worse | `a` 4 partitions | `misses` | 10 | 11 | +10.0 % |" in text
    assert text.count("<details>") == text.count("</details>") == 1
    assert "\n\n</details>" in text


def test_what_comes_from_outside_is_text_in_every_format(call: Assay, tmp_path: Path) -> None:
    nasty = 'x`|</details><script>alert(1)</script>\n\x1b[31m@here"'
    paths = tmp_path / "main.duckdb", tmp_path / "branch.duckdb"
    for path, misses in zip(paths, (1, 2), strict=True):
        Made({nasty: {"misses": misses}}, label=nasty, suite=nasty).keep(path)
    for format in ("table", "markdown"):
        out = call("diff", *paths, "--format", format).out
        assert "\x1b" not in out
    table = [line for line in out.splitlines() if "▼ worse" in line]
    assert len(table) == 1
    assert table[0].replace("\\|", "").count("|") == 7  # six cells, whatever the name holds
    assert "<script>" not in out.replace(table[0], "")  # within the code span it is code
    assert "@here" not in out.replace(table[0], "")
    assert json.loads(call("diff", *paths, "--format", "json").out)["changes"][0]["contender"] == nasty


def test_a_result_can_be_written_to_a_file(call: Assay, pair: tuple[Path, Path], tmp_path: Path) -> None:
    outcome = call("diff", *pair, "--format", "markdown", "-o", "comment.md")
    assert (outcome.out, outcome.code) == ("", 0)
    assert (tmp_path / "comment.md").read_text(encoding="utf-8").startswith("### ◆ assay: 2 worse")
    assert "2 worse" in outcome.err
    gate = call("diff", *pair, "--format", "markdown", "-o", "comment.md", "--fail-on", "worse,removed")
    assert (gate.out, gate.code) == ("", 1)
    assert "✗ fails: worse holds for 2 of " in gate.err
    assert "removed" not in gate.err
    refused = call("diff", *pair, "-o", "no/where.md")
    assert refused.code == 2
    assert "there is no folder" in refused.err


def badge_of(path: Path, call: Assay, pair: tuple[Path, Path], *flags: str) -> tuple[str, str]:
    """The words and the colour of the badge."""
    outcome = call("diff", *pair, *flags, "--badge", path)
    assert path.exists(), outcome.err
    root = ET.parse(path).getroot()
    rects = [element.attrib.get("fill") for element in root.iter("{http://www.w3.org/2000/svg}rect")]
    return root.attrib["aria-label"], str(rects[-1])


def test_the_badge_says_the_verdict(call: Assay, pair: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "badge.svg"
    assert badge_of(path, call, pair) == ("assay: 2 worse", COLOURS["bad"])
    assert badge_of(path, call, pair, "--fail-on", "worse:50%") == ("assay: 2 worse", COLOURS["moved"])
    assert badge_of(path, call, (pair[0], pair[0])) == ("assay: no change", COLOURS["good"])
    assert "http" not in path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")


def test_the_badge_is_readable() -> None:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for name, colour in COLOURS.items():
        assert 1.05 / (luminance(colour) + 0.05) >= 4.5, name
