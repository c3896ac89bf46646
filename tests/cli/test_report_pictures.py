"""`assay report --chart` and `--charts`: pictures of a run, and what is said where there can be none."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.cli import main


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "results.duckdb"
    command = ["compare", "partitioning", "uniform(rows=500, keys=50)", "--partitions", "4", "--strategy", "hash(key)"]
    assert main([*command, "--no-timing", "--store", str(path)]) == 0
    return path


def test_a_chart_is_written_as_what_its_name_ends_in(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("vl_convert")
    for name, begins in (("load.png", b"\x89PNG"), ("load.svg", b"<svg")):
        assert main(["report", "--store", str(store), "--chart", "load", "-o", str(tmp_path / name)]) == 0
        assert (tmp_path / name).read_bytes().startswith(begins)
        assert capsys.readouterr().out.strip() == str(tmp_path / name)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["-o", "x.png"], "name it with --chart; this run has: trade-off, load, movement"),
        (["--chart", "lod", "-o", "x.png"], 'there is no chart "lod"; did you mean "load"?'),
        (["--chart", "load", "-o", "x.gif"], "expected one that ends in .svg or .png"),
        (["--charts", "figures", "--chart", "load"], "leave --chart and -o out"),
    ],
)
def test_what_cannot_be_drawn_is_told(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, flags: list[str],
    said: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["report", "--store", str(store), *flags]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
