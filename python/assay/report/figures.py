"""The charts that any experiment has, as Vega-Lite specifications without data.

Nothing in them names an experiment or a metric: titles, scales and formats follow from a metric's declared unit, kind
and direction and from the cells' parameters, and are set by the page's script (`assets/draw.js`). Colours, dashes and
shapes of contenders come from the page's palette.

    trade_off   name, kind, number, x, y, bytes, front
    ratios      name, ratio, low, high, verdict; the noise floor's band has data of its own
    curves      name, x, y, low, high
    samples     name, x, y
    drift       name (of a process), x (round), y (over the median)
    overlay     name, run, x, low, high
"""

from __future__ import annotations

from typing import Any

__all__ = ["FIGURES", "name_axis"]

_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"  # a name, never fetched
_DATA = {"name": "rows"}


def name_axis() -> dict[str, Any]:
    """A contender per line, in the order given; long names come wrapped in `shown`."""
    return {
        "field": "shown",
        "type": "nominal",
        "sort": None,
        "title": None,
        "axis": {
            "labelLimit": 1000,
            "ticks": False,
            # A label of several lines hangs from its first: it is raised to stand at the middle of its bar.
            "labelOffset": {
                "condition": [
                    {"test": f"length(split(datum.label, '\\n')) == {lines}", "value": -6.5 * (lines - 1)}
                    for lines in (2, 3, 4, 5)
                ],
                "value": 0,
            },
        },
    }


def _quantitative(field: str, **more: Any) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", **more}


def _by_name(field: str = "name") -> dict[str, Any]:
    return {"field": field, "type": "nominal"}


def _chart(height: int, description: str, layer: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "$schema": _SCHEMA,
        "description": description,
        "data": _DATA,
        "width": "container",
        "height": height,
        "layer": layer,
    }


def _trade_off() -> dict[str, Any]:
    x, y = _quantitative("x"), _quantitative("y")
    size = _quantitative("bytes", scale={"range": [70, 500], "type": "sqrt"}, legend=None)
    tooltip = [
        {"field": "name", "title": "contender"},
        {"field": "x_text", "title": "across"},
        {"field": "y_text", "title": "up"},
        {"field": "bytes_text", "title": "memory"},
    ]
    return _chart(
        360,
        "Two metrics against each other; the dashed line joins those that no other beats on both.",
        [
            {
                "transform": [{"filter": "datum.front"}],
                "mark": {"type": "line", "style": "limit", "strokeDash": [4, 3]},
                "encoding": {"x": x, "y": y},
            },
            {
                "mark": {"type": "point", "filled": True, "cursor": "pointer"},
                "encoding": {
                    "x": x,
                    "y": y,
                    "size": size,
                    "color": _by_name("kind"),
                    "shape": _by_name("kind"),
                    "opacity": {"value": 0.8},
                    "tooltip": tooltip,
                },
            },
            {
                "mark": {
                    "type": "text",
                    "align": "left",
                    "baseline": "bottom",
                    "dx": 10,
                    "dy": -6,
                    "fontWeight": "bold",
                },
                "encoding": {"x": x, "y": y, "text": _by_name("number")},
            },
        ],
    )


def _ratios() -> dict[str, Any]:
    y, x = name_axis(), _quantitative("ratio")
    tooltip = [
        {"field": "name", "title": "contender"},
        {"field": "text", "title": "ratio"},
        {"field": "interval", "title": "95 % interval"},
        {"field": "verdict", "title": "verdict"},
        {"field": "evidence", "title": "from"},
    ]
    return _chart(
        300,  # the script gives each name its room
        "Ratio to the baseline with its interval; the band is the noise floor.",
        [
            {
                "data": {"name": "band", "values": []},
                "mark": {"type": "rect", "style": "band"},
                "encoding": {"x": _quantitative("from"), "x2": {"field": "to"}},
            },
            {
                "data": {"values": [{}]},
                "mark": {"type": "rule", "style": "reference"},
                "encoding": {"x": {"datum": 1, "type": "quantitative"}},
            },
            {
                "mark": {"type": "rule", "style": "interval", "strokeWidth": 3},
                "encoding": {"y": y, "x": _quantitative("low"), "x2": {"field": "high"}, "tooltip": tooltip},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 80, "opacity": 1},
                "encoding": {
                    "y": y,
                    "x": x,
                    "shape": {
                        "field": "verdict",
                        "type": "nominal",
                        "scale": {
                            "domain": ["better", "worse", "same", "unclear"],
                            "range": ["triangle-left", "triangle-right", "square", "circle"],
                        },
                        "legend": None,
                    },
                    "tooltip": tooltip,
                },
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 8},
                "encoding": {"y": y, "x": _quantitative("high"), "text": _by_name("said")},
            },
        ],
    )


def _curves() -> dict[str, Any]:
    x, y = _quantitative("x"), _quantitative("y")
    tooltip = [
        {"field": "name", "title": "contender"},
        {"field": "x", "title": "at"},
        {"field": "text", "title": "value"},
    ]
    return _chart(
        340,
        "A metric over a parameter, a line for each contender, with its interval as a ribbon.",
        [
            {
                # Areas stack unless they say otherwise; these are intervals, each on its own.
                "mark": {"type": "area", "opacity": 0.18},
                "encoding": {
                    "x": x,
                    "y": _quantitative("low", stack=None),
                    "y2": {"field": "high"},
                    "fill": _by_name(),
                    "detail": _by_name(),
                },
            },
            {
                "mark": {"type": "line", "strokeWidth": 2},
                "encoding": {"x": x, "y": y, "color": _by_name(), "strokeDash": _by_name()},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
                "encoding": {"x": x, "y": y, "color": _by_name(), "shape": _by_name(), "tooltip": tooltip},
            },
        ],
    )


def _samples() -> dict[str, Any]:
    tooltip = [
        {"field": "name", "title": "contender"},
        {"field": "text", "title": "time"},
        {"field": "y", "title": "share", "format": ".0%"},
    ]
    return _chart(
        300,
        "Distribution of the rounds.",
        [
            {
                "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2, "tooltip": True},
                "encoding": {
                    "x": _quantitative("x"),
                    "y": _quantitative("y", axis={"format": ".0%", "tickCount": 5}),
                    "color": _by_name(),
                    "strokeDash": _by_name(),
                    "tooltip": tooltip,
                },
            }
        ],
    )


def _drift() -> dict[str, Any]:
    x = _quantitative("x", title=None, axis={"tickCount": 5, "grid": False}, scale={"nice": False, "zero": False})
    y = _quantitative("y", title=None, axis={"format": "~r", "tickCount": 4})
    tooltip = [
        {"field": "name", "title": "process"},
        {"field": "x", "title": "round"},
        {"field": "order", "title": "place in the round"},
        {"field": "text", "title": "time"},
    ]
    return _chart(
        130,
        "Time of each round over the median, by process.",
        [
            {
                "data": {"values": [{}]},
                "mark": {"type": "rule", "style": "limit"},
                "encoding": {"y": {"datum": 1, "type": "quantitative"}},
            },
            {
                "mark": {"type": "line", "strokeWidth": 1.2, "opacity": 0.8},
                "encoding": {"x": x, "y": y, "color": _by_name(), "strokeDash": _by_name()},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 14, "opacity": 0.9},
                "encoding": {"x": x, "y": y, "color": _by_name(), "shape": _by_name(), "tooltip": tooltip},
            },
        ],
    )


def _overlay() -> dict[str, Any]:
    y, x = name_axis(), _quantitative("x")
    tooltip = [
        {"field": "name", "title": "contender"},
        {"field": "run", "title": "run"},
        {"field": "text", "title": "value"},
    ]
    return _chart(
        300,  # the script gives each name its room
        "A metric of each cell in every run.",
        [
            {
                "mark": {"type": "rule", "strokeWidth": 2, "opacity": 0.5},
                "encoding": {"y": y, "x": _quantitative("low"), "x2": {"field": "high"}, "color": _by_name("run")},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 80, "opacity": 0.85},
                "encoding": {"y": y, "x": x, "color": _by_name("run"), "shape": _by_name("run"), "tooltip": tooltip},
            },
        ],
    )


FIGURES: dict[str, dict[str, Any]] = {
    "trade_off": _trade_off(),
    "ratios": _ratios(),
    "curves": _curves(),
    "samples": _samples(),
    "drift": _drift(),
    "overlay": _overlay(),
}
