"""Loading suites: what a good one becomes, and every mistake of a bad one at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assay.errors import ReadError, SuiteError, UnknownNameError
from assay.harness import TimingSettings, check_suite, load_suite, suite_from_dict
from assay.harness.commands import compare_command
from assay.harness.toml_places import describe_path, line_of, toml_places


def write(folder: Path, text: str) -> Path:
    path = folder / "suite.toml"
    path.write_text(text, encoding="utf-8")
    return path


def mistakes_of(path: Path) -> dict[str, str]:
    with pytest.raises(SuiteError) as caught:
        load_suite(path)
    assert len({place for place, _ in caught.value.mistakes}) == len(caught.value.mistakes)
    return dict(caught.value.mistakes)


def test_a_list_of_scalars_is_a_grid(content: dict[str, Any]) -> None:
    suite = suite_from_dict(content)
    assert suite.name == "toy suite"
    assert suite.cell_count == 6  # three counters at two shifts
    assert check_suite(suite).cells == 6


def test_a_check_forecasts_scans_and_timing(content: dict[str, Any]) -> None:
    suite = suite_from_dict(content)
    scans = check_suite(suite, timing=TimingSettings.off()).expected_seconds
    assert scans is not None and 0 < scans < 60
    timing = TimingSettings(processes=2, rounds=10, samples=5, target_sample_ns=1_000_000)
    timed = check_suite(suite, timing=timing).expected_seconds
    assert timed is not None and timed > 2 * 10 * 5 * 0.001 * 7  # six cells and the baseline's copy


def test_a_suite_is_named_after_its_file_and_finds_data_beside_it(tmp_path: Path, table: Path) -> None:
    (tmp_path / "keys.parquet").write_bytes(table.read_bytes())
    path = write(tmp_path, '[[experiment]]\nkind="toy"\ndataset="keys.parquet"\nkey="id"\ncounters=["modulo(4)"]\n')
    suite = load_suite(path)
    assert suite.name == "suite"
    assert suite.experiments[0].dataset.rows == 1000


def test_every_mistake_is_reported_at_once_with_its_line_and_key(tmp_path: Path, table: Path) -> None:
    path = write(
        tmp_path,
        f"""name = "bad"
sed = 3

[[experiment]]
kind = "toi"
dataset = "{table}"

[[experiment]]
kind = "toy"
dataset = "{table}"
key = "idd"
counters = [
    "modulo(4)",
    "modulus(5)",
]

[[experiment]]
kind = "toy"
dataset = "nowhere.parquet"
key = "id"
counterz = ["modulo(4)"]
shift = "far"

[[experiment]]
kind = "toy"
dataset = "{table}"
key = "id"
counters = ["modulo(4)"]
expect = [
    {{ counter = "modulo(4)", metric = "max_over_meen", below = 1 }},
    {{ counter = "modulo(5)", metric = "rows_max", above = 1 }},
    {{ counter = "modulo(4)", metric = "rows_max", above = 1, below = 2 }},
    {{ counter = "modulo(4)", metric = "rows_max", equals = 1, shyft = 0 }},
    {{ counter = "modulo(4)", metric = "share.even", between = [2, 1], shift = 3 }},
]
""",
    )
    found = mistakes_of(path)
    expected = {
        "line 2, sed": 'did you mean "seed"',
        "line 5, experiment[0].kind": 'did you mean "toy"',
        "line 11, experiment[1].key": 'no column "idd"; did you mean "id"',
        "line 14, experiment[1].counters[1]": "expected modulo(N)",
        "line 19, experiment[2].dataset": "nowhere.parquet",
        "line 21, experiment[2].counterz": 'did you mean "counters"',
        "line 22, experiment[2].shift": "shift is 'far'",
        "line 17, experiment[2]": 'the key "counters" is missing',
        "line 30, experiment[3].expect[0].metric": 'did you mean "max_over_mean"',
        "line 31, experiment[3].expect[1].counter": 'did you mean "modulo(4)"',
        "line 32, experiment[3].expect[2]": "found below, above",
        "line 33, experiment[3].expect[3].shyft": 'did you mean "shift"',
        "line 34, experiment[3].expect[4].between": "the lower one first",
        "line 34, experiment[3].expect[4].shift": "shift is 3; expected one of the grid's values: 0",
    }
    for place, text in expected.items():
        assert any(at.startswith(place) and text in message for at, message in found.items()), (place, found)
    assert len(found) == len(expected)
    assert check_suite(path).mistakes == tuple(found.items())


def test_broken_toml_names_line_and_column(tmp_path: Path) -> None:
    found = mistakes_of(write(tmp_path, 'name = "x"\nseed = = 3\n'))
    assert list(found) == ["line 2, column 8"]
    assert "not valid TOML" in found["line 2, column 8"]


def test_an_empty_suite_and_a_missing_one_say_what_to_do(tmp_path: Path) -> None:
    assert "nothing to run" in str(mistakes_of(write(tmp_path, 'name = "x"\n')))
    with pytest.raises(ReadError, match="assay init"):
        load_suite(tmp_path / "no.toml")


def test_a_single_mistake_of_a_comparison_is_raised_as_it_is(content: dict[str, Any]) -> None:
    content["experiment"][0]["kind"] = "toyy"
    with pytest.raises(UnknownNameError, match='did you mean "toy"'):
        suite_from_dict(content)


def test_claims_share_the_experiments_they_name_and_report_their_mistakes(content: dict[str, Any]) -> None:
    experiment = content["experiment"][0]
    claim = {
        "topic": "t",
        "sentence": "s",
        "experiment": experiment,
        "evidence": [{"counter": "modulo(4)", "metric": "max_over_mean", "below": 1.01}],
    }
    content["claim"] = [claim, {**claim, "sentence": "another"}]
    suite = suite_from_dict(content)
    assert len(suite.experiments) == 1
    assert [entry.experiments for entry in suite.claims] == [(0,), (0,)]
    content["claim"] = [
        {**claim, "evidence": [{**claim["evidence"][0], "experiment": 1}], "counterexample": claim["evidence"]},
        {**claim, "origin": "guessed"},
    ]
    with pytest.raises(SuiteError) as caught:
        suite_from_dict(content)
    text = str(caught.value)
    assert "claim[0].evidence[0].experiment: experiment is 1; expected a number from 0 to 0" in text
    assert 'claim[0]: a claim with a counterexample needs condition = "..."' in text
    assert "claim[1].origin: origin is 'guessed'" in text


def test_the_hash_of_a_suite_ignores_prose_but_not_settings(content: dict[str, Any]) -> None:
    before = suite_from_dict(content).suite_hash
    content["experiment"][0]["reading"] = "even"
    assert suite_from_dict(content).suite_hash == before
    content["experiment"][0]["shift"] = [0, 2]
    assert suite_from_dict(content).suite_hash != before


def test_places_survive_every_form_of_toml() -> None:
    text = '''# comment = 1
a.b = "x # no comment ] }"
"quoted key" = """multi
line \\""" still
"""
c = [ # comment ]
  1, [2,
  3], { d = 'lit]eral', "e" = [4] },
]
[t.u]
v = 1979-05-27 07:32:00
[[arr]]
x = 1
[[arr]]
y = 2
[arr.sub]
z = 3
[[arr.deep]]
w = 4
'''
    places = toml_places(text)
    assert places["a", "b"] == 2
    assert places[("quoted key",)] == 3
    assert places["c", 1, 1] == 8
    assert places["c", 2, "e", 0] == 8
    assert places["t", "u", "v"] == 11
    assert places["arr", 0, "x"] == 13
    assert places["arr", 1, "y"] == 15
    assert places["arr", 1, "sub", "z"] == 17
    assert places["arr", 1, "deep", 0, "w"] == 19
    assert line_of(places, ("arr", 1, "nothing")) == 14
    assert describe_path(("arr", 1, "deep", 0, "w")) == "arr[1].deep[0].w"


def test_a_command_survives_quotes_and_markup() -> None:
    command = compare_command(
        "toy", "it's.parquet", {"counters": ['f("a b")'], "on": True, "q": {"d": "p(<x>)"}}, "counter"
    )
    assert command == """assay compare toy 'it'"'"'s.parquet' --counter 'f("a b")' --on --q.d 'p(<x>)'"""


def test_a_command_says_aloud_that_a_list_or_a_table_is_empty() -> None:
    settings = {"counters": [], "foreign_keys": [], "queries": {}, "bytes": False, "weight": None}
    command = compare_command("toy", "table.parquet", settings, "counter")
    assert command == "assay compare toy table.parquet --no-foreign-keys --no-queries --no-bytes"


def test_the_flags_for_empty_settings_are_read_back_as_empty() -> None:
    from assay.cli.settings import settings_of
    from assay.experiments import registry

    experiment = registry.get("partitioning")
    assert settings_of(experiment, {"foreign-keys": [], "queries": []}) == {"foreign_keys": [], "queries": {}}
