"""Tables fit the terminal: texts wrap, numbers never do, and what cannot fit is printed record by record."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from assay.cli.output import print_lines, print_rows

ROWS = [
    {"name": "a first name", "rows": 336_776, "meaning": "what it means in a sentence of several words"},
    {"name": "b", "rows": 7, "meaning": "short"},
]


def printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    print_rows(ROWS, "table")
    return capsys.readouterr().out.splitlines()


def test_a_table_that_fits_is_one_line_a_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = printed(capsys, monkeypatch, 80)
    assert lines == [
        "name            rows  meaning",
        "a first name  336776  what it means in a sentence of several words",
        "b                  7  short",
    ]


def test_texts_wrap_between_words_and_numbers_stay_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = printed(capsys, monkeypatch, 40)
    assert max(map(len, lines)) <= 40
    assert len(lines) > 3 and any("336776" in line for line in lines)
    assert [word for line in lines for word in line.split() if word in ("sentence", "several")] == [
        "sentence",
        "several",
    ]


def test_what_cannot_fit_is_printed_record_by_record(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = printed(capsys, monkeypatch, 24)
    assert lines[0] == "name     a first name"
    assert "rows     336776" in lines and "" in lines


def test_output_that_is_piped_is_never_wrapped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "24")
    print_rows(ROWS, "table")
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_control_characters_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([{"a\x1b": "\x1b[31mred\x07"}], "table")
    print_lines([("label", "\x1b]0;title\x07")])
    assert "\x1b" not in (out := capsys.readouterr().out) and "\x07" not in out


def test_a_note_comes_after_the_results_before_it_where_both_go_to_one_file(tmp_path: Path) -> None:
    code = "from assay.cli.output import note, say; say('result'); note('next: this'); say('more')"
    with (tmp_path / "both.txt").open("wb") as both:
        subprocess.run([sys.executable, "-c", code], stdout=both, stderr=subprocess.STDOUT, check=True)
    assert (tmp_path / "both.txt").read_text().split("\n") == ["result", "next: this", "more", ""]


def test_json_has_null_where_a_number_is_not_finite(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([{"a": float("nan"), "b": [float("inf")], "c": b"\x01"}], "json")
    assert capsys.readouterr().out.split() == [
        "[",
        "{",
        '"a":',
        "null,",
        '"b":',
        "[",
        "null",
        "],",
        '"c":',
        '"01"',
        "}",
        "]",
    ]
