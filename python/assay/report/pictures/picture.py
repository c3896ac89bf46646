"""A picture: a chart with a title, a theme, and a line that says where its numbers come from; and its files."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.errors import EmptyInputError, ParameterError, StoreError, UnknownNameError, UsageError
from assay.report.payload import embed_run
from assay.report.pictures.drawings import DRAWINGS
from assay.report.pictures.palette import Theme, config
from assay.report.run_reader import read_run
from assay.report.run_view import ExperimentView, RunView, Source
from assay.units import count_of

__all__ = ["Picture", "Theme", "chosen_picture", "pictures_of", "save_pictures"]

_TITLES = {  # a chart's title, and how it is read
    "trade_off": (
        "Trade-off",
        "The dashed line joins those that no other beats on both (◈). A larger mark needs more memory.",
    ),
    "ratios": ("Against the baseline", "The ratio of the times with its interval; a verdict needs the whole interval."),
    "timing": ("Timing", "The point is the estimate, the line its interval."),
    "load": ("Load over the mean", "The line at 1 is even."),
    "movement": ("What moves when nodes change", "The share that moves; the mark is the least that must."),
    "durability": (
        "Rebuild against durability",
        "Right: more nodes share a rebuild. Low: failures lose data more seldom.",
    ),
    "growth": ("Growth", "Load over the mean, tenth by tenth of the rows by time; dashed: all rows so far."),
}
_THEMES: tuple[Theme, ...] = ("light", "dark")
_SUFFIXES = (".svg", ".png")
_SCALE = 2.0  # pixels of a PNG for each of the drawing's
_MOST_NAME = 60


@dataclass(frozen=True)
class Picture:
    """One chart of one grid point.

    Attributes:
        name: What the files are called, such as "load" or "load-64-partitions".
        title: What it shows, and of what.
        source: Where the numbers come from.
    """

    name: str
    title: str
    source: str
    _chart: str
    _data: dict[str, Any]
    _place: int

    def specification(self, theme: Theme = "light") -> dict[str, Any]:
        """The picture as Vega-Lite, with its data.

        Raises:
            ParameterError: There is no such theme.
        """
        if theme not in _THEMES:
            raise ParameterError(f'theme is "{theme}"; expected light or dark')
        body = DRAWINGS[self._chart](self._data, self._place, theme)
        assert body is not None, "pictures are of what can be drawn"
        source = {
            "data": {"values": [{"text": self.source}]},
            "mark": {"type": "text", "align": "left", "style": "source"},
            "encoding": {"text": {"field": "text", "type": "nominal"}, "x": {"value": 0}, "y": {"value": 6}},
            "width": 10,
            "height": 12,
        }
        said = _TITLES[self._chart][1]
        title = {"text": _lines(self.title, 84), "subtitle": said, "fontSize": 16, "subtitleFontSize": 12, "offset": 14}
        return {
            "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
            "title": title,
            "vconcat": [body, source],
            "padding": 18,
            "config": config(theme),
        }

    def svg(self, theme: Theme = "light") -> str:
        """The picture as the text of an SVG file.

        Raises:
            UsageError: The extra `[report]` is not installed.
        """
        text: str = _converter().vegalite_to_svg(self.specification(theme), allowed_base_urls=[])
        return text

    def png(self, theme: Theme = "light") -> bytes:
        """The picture as the bytes of a PNG file, at twice the drawing's size.

        Raises:
            UsageError: The extra `[report]` is not installed.
        """
        data: bytes = _converter().svg_to_png(self.svg(theme), scale=_SCALE)
        return data

    def save(self, path: str | os.PathLike[str], *, theme: Theme = "light") -> Path:
        """Writes the picture; the ending of the name, .svg or .png, says as what.

        Returns:
            The absolute path of the file.

        Raises:
            UsageError: The name ends otherwise, or the extra `[report]` is not installed.
            StoreError: The file cannot be written.
        """
        target = Path(path).absolute()
        if target.suffix.lower() not in _SUFFIXES:
            raise UsageError(f'the picture\'s name is "{target.name}"; expected one that ends in .svg or .png')
        content = self.svg(theme).encode() if target.suffix.lower() == ".svg" else self.png(theme)
        try:
            target.write_bytes(content)
        except OSError as error:
            raise StoreError(f"cannot write {target}: {error.strerror}; choose another place") from error
        return target

    def _repr_svg_(self) -> str:
        """The picture in a notebook."""
        return self.svg()


def pictures_of(store: Source, run_id: str) -> list[Picture]:
    """Every picture of a run, by experiment, grid point and chart; none if nothing was measured.

    Raises:
        UnknownNameError: the store holds no such run.
    """
    run = read_run(store, run_id)
    found = []
    for experiment, data in embed_run(store, run):
        for place, point in enumerate(experiment.points):
            parts = [experiment.kind, str(experiment.index)] if len(run.experiments) > 1 else []
            label = [_slug(point.label)] if len(experiment.points) > 1 else []
            for chart, draw in DRAWINGS.items():
                if draw(data, place, "light") is not None:
                    found.append(
                        Picture(
                            name="-".join([*parts, chart.replace("_", "-"), *label]),
                            title=f"{_TITLES[chart][0]} · {experiment.dataset['name']}, {point.label}",
                            source=_source(run, experiment),
                            _chart=chart,
                            _data=data,
                            _place=place,
                        )
                    )
    return found


def chosen_picture(pictures: Sequence[Picture], name: str) -> Picture:
    """The picture of this name.

    Raises:
        UnknownNameError: There is none; the message names those that there are.
        EmptyInputError: The run has no pictures at all.
    """
    if not pictures:
        raise EmptyInputError("the run has nothing to draw: no cell was measured")
    found = next((picture for picture in pictures if picture.name == name), None)
    if found is None:
        raise UnknownNameError.of("chart", name, [picture.name for picture in pictures])
    return found


def save_pictures(pictures: Sequence[Picture], folder: str | os.PathLike[str]) -> list[Path]:
    """Writes each picture as SVG and PNG, in light and dark: NAME.svg, NAME-dark.svg, NAME.png, NAME-dark.png.

    Returns:
        The absolute paths of the files.

    Raises:
        EmptyInputError: The run has no pictures.
        UsageError: The extra `[report]` is not installed.
        StoreError: The folder cannot be made or written to.
    """
    if not pictures:
        raise EmptyInputError("the run has nothing to draw: no cell was measured")
    _converter()
    target = Path(folder).absolute()
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot make the folder {target}: {error.strerror}; choose another place") from error
    return [
        picture.save(target / f"{picture.name}{'-dark' if theme == 'dark' else ''}{suffix}", theme=theme)
        for picture in pictures
        for theme in _THEMES
        for suffix in _SUFFIXES
    ]


def _converter() -> Any:
    try:
        import vl_convert
    except ModuleNotFoundError:
        raise UsageError(
            'pictures are drawn by vl-convert, which is not installed; run: pip install "assay[report]" '
            "(the HTML page needs nothing, and saves its charts as SVG)"
        ) from None
    return vl_convert


def _source(run: RunView, experiment: ExperimentView) -> str:
    rows = experiment.dataset.get("rows")
    data = experiment.dataset["name"] + (f", {count_of(rows, 'row')}" if isinstance(rows, int) else "")
    return f"assay {run.tool_version} · {run.started:%Y-%m-%d} · {data} · run {run.run_id[:13]}"


def _slug(label: str) -> str:
    text = re.sub(r"[^A-Za-z0-9.]+", "-", label).strip("-").lower()
    return text[:_MOST_NAME].strip("-") or "point"


def _lines(text: str, most: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) >= most:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return lines
