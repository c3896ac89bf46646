"""Charts as files: each says what it shows and where it comes from, in both themes, and needs no network."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

import assay
from assay.errors import EmptyInputError, ParameterError, StoreError, UnknownNameError, UsageError
from assay.report.pictures import pictures_of, save_pictures
from assay.report.pictures.palette import colours

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def grown() -> assay.front.Comparison:
    return assay.compare(
        "partitioning",
        "uniform(rows=5000, keys=200, seed=1)",
        strategies=["hash(key)", "range(key)", "ring(key, virtual_nodes=8)"],
        partitions=[4, 8],
        time="time",
        timing=False,
    )


def texts(svg: str) -> str:
    return " ".join(
        "".join(node.itertext()) for node in ElementTree.fromstring(svg).iter() if node.tag.endswith("text")
    )


def test_a_full_run_has_every_chart_that_its_page_has(flights_store) -> None:
    names = {picture.name for picture in pictures_of(flights_store, flights_store.run_id)}
    assert {
        f"{chart}-{n}-partitions" for chart in ("trade-off", "load", "movement", "timing") for n in (8, 64)
    } <= names


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_picture_names_its_contenders_its_title_and_its_source(grown, theme) -> None:
    pytest.importorskip("vl_convert")
    for name in grown.charts:
        picture = grown.chart(name)
        svg = picture.svg(theme)
        said = texts(svg)
        for contender in ("hash(key)", "range(key)", "ring(key,"):
            assert contender in said, (name, contender)
        assert picture.title in said and picture.source in said
        assert "5,000 rows" in picture.source and grown.run_id[:13] in picture.source
        assert colours(theme)["paper"] in svg and colours(theme)["ink"] in svg
        assert re.findall(r'(?:href|src)="(?!#)', svg) == [], "nothing is fetched"


def test_bars_have_the_heights_of_the_loads(grown) -> None:
    view = grown.chart("load-4-partitions").specification()["vconcat"][0]
    found = {row["metric"]: row["value"] for row in grown.to_arrow().to_pylist()
             if row["contender"] == "hash(key)" and '"partitions":4' in row["parameters"].replace(" ", "")}  # fmt: skip
    (chart,) = [chart for chart in view["concat"] if chart["title"]["text"] == ["hash(key)"]]
    loads = [row["relative"] for row in chart["data"]["values"]]
    assert len(loads) == 4 and max(loads) == pytest.approx(found["load_max_over_mean"])


def test_all_pictures_of_a_run_are_written_in_both_themes_as_svg_and_png(grown, tmp_path) -> None:
    pytest.importorskip("vl_convert")
    chosen = [picture for picture in pictures_of(grown.store, grown.run_id) if picture.name == "load-4-partitions"]
    paths = save_pictures(chosen, tmp_path / "new" / "figures")
    assert sorted(path.name for path in paths) == [
        "load-4-partitions-dark.png", "load-4-partitions-dark.svg", "load-4-partitions.png", "load-4-partitions.svg",
    ]  # fmt: skip
    assert all(path.read_bytes().startswith(PNG) for path in paths if path.suffix == ".png")
    assert len({path.read_bytes() for path in paths}) == 4


def test_what_cannot_be_drawn_is_told_with_the_way_out(grown, tmp_path, monkeypatch, make_store) -> None:
    with pytest.raises(UnknownNameError, match="load-4-partitions"):
        grown.chart("lod-4-partitions")
    picture = grown.chart("load-4-partitions")
    with pytest.raises(UsageError, match=r"ends in \.svg or \.png"):
        picture.save(tmp_path / "load.gif")
    with pytest.raises(ParameterError, match="light or dark"):
        picture.specification("sepia")  # type: ignore[arg-type]
    store = make_store()
    store.add_run(status="failed")
    with pytest.raises(EmptyInputError, match="nothing to draw"):
        save_pictures(pictures_of(store, store.run_id), tmp_path)
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(UsageError, match=r'pip install "assay\[report\]"'):
        picture.save(tmp_path / "load.svg")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_told(grown, tmp_path: Path) -> None:
    pytest.importorskip("vl_convert")
    with pytest.raises(StoreError, match="choose another place"):
        grown.chart("load-4-partitions").save(tmp_path / "none" / "load.svg")
