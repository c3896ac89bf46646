"""Colours and type of pictures: those of the page, read from its style sheet, so that there is one list of them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, Literal

__all__ = ["Theme", "colours", "config", "stroke"]

Theme = Literal["light", "dark"]

_STYLE = Path(__file__).parents[1] / "assets" / "page.css"
# The first rule of a theme: `:root {` for light, `:root[data-theme="dark"] {` for dark.
_RULES = {"light": r":root \{([^}]*)\}", "dark": r':root\[data-theme="dark"\] \{([^}]*)\}'}
_TOKEN = re.compile(r"--([\w-]+): ([^;]+);")
_FONT = "DejaVu Sans, Segoe UI, Roboto, Helvetica, Arial, sans-serif"
_SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left")
_SERIES = 8


@cache
def colours(theme: Theme) -> dict[str, str]:
    """The page's colours by name: paper, ink, quiet, line, blue, orange, series-0 to series-7."""
    found = re.search(_RULES[theme], _STYLE.read_text(encoding="utf-8"))
    assert found is not None, f"page.css has a rule for the theme {theme}"
    return dict(_TOKEN.findall(found[1]))


def stroke(theme: Theme, place: int) -> tuple[str, str]:
    """(colour, shape) of the kind in this place: no kind is told by its colour alone."""
    return colours(theme)[f"series-{place % _SERIES}"], _SHAPES[place % len(_SHAPES)]


def config(theme: Theme) -> dict[str, Any]:
    """Vega-Lite's configuration, as `assets/draw.js` makes it for the page."""
    colour = colours(theme)
    text = {"labelColor": colour["ink"], "titleColor": colour["ink"], "labelFontSize": 12, "titleFontSize": 12}
    return {
        "background": colour["paper"],
        "font": _FONT,
        "lineBreak": "\n",
        "axis": {
            **text,
            "titleFontWeight": 500,
            "gridColor": colour["line"],
            "domainColor": colour["line"],
            "tickColor": colour["line"],
        },
        "header": text,
        "legend": {**text, "labelLimit": 400},
        "title": {"color": colour["ink"], "subtitleColor": colour["quiet"], "anchor": "start", "frame": "group"},
        "view": {"stroke": None},
        "concat": {"spacing": 18},
        "bar": {"color": colour["blue"]},
        "point": {"color": colour["blue"]},
        "text": {"color": colour["ink"], "fontSize": 12},
        "range": {"category": [colour["blue"], colour["other"]]},
        "style": {
            "reference": {"color": colour["orange"], "fill": colour["orange"], "strokeWidth": 2},
            "alone": {"color": colour["blue"], "strokeWidth": 2},
            "so_far": {"color": colour["quiet"], "strokeWidth": 1.5},
            "interval": {"color": colour["blue"], "opacity": 0.55},
            "limit": {"color": colour["quiet"], "strokeWidth": 1.5},
            "band": {"color": colour["other"], "opacity": 0.35},
            "source": {"color": colour["quiet"], "fontSize": 11},
        },
    }
