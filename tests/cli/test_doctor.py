"""`assay doctor` in each format; the measurements are the harness's own tests' concern."""

from __future__ import annotations

import json

import pytest

from assay.cli import main
from assay.harness import doctor
from assay.harness.doctor import Diagnosis, Finding


@pytest.fixture
def diagnosed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A diagnosis of two findings; what is put into the list are its failures."""
    failures: list[str] = []
    findings = (
        Finding("noise", "noise_floor_cached", 1.02, "2.0 %", "note", "copies | differ", "end what runs"),
        Finding("disk", "store_disk", {"free_bytes": 5}, "5 B free", "good", "where stores go"),
    )
    monkeypatch.setattr(doctor, "examine", lambda **_: Diagnosis("An answer.", findings, ("turbo",), tuple(failures)))
    return failures


def test_a_person_reads_the_answer_first_and_then_findings_by_topic(
    diagnosed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("An answer.\n\nnoise\n· noise floor cached  2.0 %\n")
    assert "→ end what runs" in out and "\ndisk\n  store disk  5 B free\n" in out
    assert "not shown here  turbo" in out


def test_programs_get_values(diagnosed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--quick", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["answer", "findings", "hidden", "failures"]
    assert found["findings"][1]["value"] == {"free_bytes": 5}


def test_markdown_is_a_table_whose_cells_hold(diagnosed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--format", "markdown"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "**An answer.**"
    assert r"| · | noise_floor_cached | 2.0 % | copies \| differ | end what runs |" in lines


def test_what_could_not_be_measured_ends_with_3(diagnosed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    diagnosed.append("noise floor: all processes died")
    assert main(["doctor"]) == 3
    assert "assay: could not be measured: noise floor: all processes died" in capsys.readouterr().err
