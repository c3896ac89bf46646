"""Mistakes in settings: all at once, each with its place, whatever the experiment."""

from __future__ import annotations

import pytest

from assay.cli import main

WRONG = [  # kind, the line that is wrong, the place, a word of the message
    ("partitioning", 'strategies = ["hash(tailnm)"]', "strategies[0]", "tailnm"),
    ("placement", 'placements = ["rng", "jump"]', "placements[0]", "rng"),
    ("hashing", 'functions = ["xxh3_64", "xxh3_46"]', "functions[1]", "xxh3_46"),
    ("membership", 'filters = ["xor", "xor"]', "filters[1]", "named twice"),
    ("integrity", 'checksums = ["crc23"]', "checksums[0]", "crc23"),
    ("membership", 'key = "tailnm"', "key", "tailnm"),
    ("hashing", 'key = "tailnm"', "key", "tailnm"),
    ("placement", 'key = "tailnm"', "key", "tailnm"),
]


@pytest.mark.parametrize(("kind", "line", "place", "word"), WRONG)
def test_a_single_mistake_of_a_suite_is_told_with_its_line(kind, line, place, word, tmp_path, capsys):
    suite = tmp_path / "suite.toml"
    suite.write_text(f'name = "x"\nquestion = "?"\n[[experiment]]\nkind = "{kind}"\ndataset = "flights"\n{line}\n')
    assert main(["check", str(suite)]) == 2
    told = capsys.readouterr().err
    assert f"line 6, experiment[0].{place}: " in told, told
    assert word in told


@pytest.mark.parametrize("kind", ["hashing", "membership", "placement"])
def test_a_file_with_a_header_alone_is_said_to_have_no_rows(kind, tmp_path, capsys):
    path = tmp_path / "empty.csv"
    path.write_text("a,b\n")
    assert main(["compare", kind, str(path)]) == 2
    assert "empty has no rows" in capsys.readouterr().err
