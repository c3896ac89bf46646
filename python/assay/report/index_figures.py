"""The charts of an indexing run as Vega-Lite specifications, without data.

    index_costs   lines (name, x, y), regions of the cheapest (from, to, name, middle, said), the workload's own mix
                  (at, said) and crossings (name, x, y, low, high, kind); x are reads for each write, y nanoseconds
    index_sizes   the curves of figures over bands of the processor's caches (from, to, middle, said)

Both axes are logarithmic. Reads for each write are labelled with the share of reads that they are, r / (1 + r); times
and bytes with their units, so that one axis can go from nanoseconds to seconds.
"""

from __future__ import annotations

import copy
from typing import Any

from assay.report.figures import FIGURES

__all__ = ["INDEX_FIGURES"]

_DURATION = (
    "datum.value >= 1e9 ? format(datum.value / 1e9, '~r') + ' s' : datum.value >= 1e6 ? format(datum.value / 1e6, '~r')"
    " + ' ms' : datum.value >= 1e3 ? format(datum.value / 1e3, '~r') + ' µs' : format(datum.value, '~r') + ' ns'"
)
_BYTES = (
    "datum.value >= 1073741824 ? format(datum.value / 1073741824, '~r') + ' GiB' : datum.value >= 1048576 ? "
    "format(datum.value / 1048576, '~r') + ' MiB' : datum.value >= 1024 ? format(datum.value / 1024, '~r') + ' KiB' : "
    "format(datum.value, '~r') + ' B'"
)
_READ_SHARE = "format(datum.value / (1 + datum.value), '.4~p')"


def _log(field: str, **axis: Any) -> dict[str, Any]:
    scale = {"type": "log", "nice": False}
    return {"field": field, "type": "quantitative", "scale": scale, "axis": axis} if axis else {
        "field": field,
        "type": "quantitative",
        "scale": scale,
    }  # fmt: skip


def _shaded(x: dict[str, Any], fill: dict[str, Any], opacity: float, layer: int) -> list[dict[str, Any]]:
    """Regions over the whole height, and a word at the top of each."""
    return [
        {
            "data": {"values": []},
            "mark": {"type": "rect", "opacity": opacity},
            "encoding": {"x": {**x, "field": "from"}, "x2": {"field": "to"}, **fill},
        },
        {
            "data": {"values": []},
            "mark": {"type": "text", "baseline": "top", "fontWeight": "bold"},
            "encoding": {
                "x": {**x, "field": "middle"},
                "y": {"value": layer},
                "text": {"field": "said", "type": "nominal"},
            },
        },
    ]


def _costs() -> dict[str, Any]:
    x = _log("x", labelExpr=_READ_SHARE, grid=False, labelOverlap=True)
    y = _log("y", labelExpr=_DURATION)
    by_name = {"field": "name", "type": "nominal"}
    tooltip = [
        {"field": "name", "title": "index"},
        {"field": "kind", "title": "as cheap as"},
        {"field": "text", "title": "at"},
    ]
    layer = [
        *_shaded(_log("x"), {"fill": by_name}, 0.13, 4),
        {
            "data": {"values": []},
            "mark": {"type": "rule", "style": "limit", "strokeDash": [2, 4]},
            "encoding": {"x": _log("at")},
        },
        {
            "data": {"values": []},
            "mark": {"type": "text", "style": "aside", "align": "left", "baseline": "bottom", "dx": 5},
            "encoding": {"x": _log("at"), "y": {"value": 336}, "text": {"field": "said", "type": "nominal"}},
        },
        {
            "mark": {"type": "line", "strokeWidth": 2},
            "encoding": {"x": x, "y": y, "color": by_name, "strokeDash": by_name},
        },
        {
            "data": {"values": []},
            "mark": {"type": "rule", "strokeWidth": 5, "opacity": 0.35},
            "encoding": {"x": _log("low"), "x2": {"field": "high"}, "y": _log("y"), "color": by_name},
        },
        {
            "data": {"values": []},
            "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
            "encoding": {"x": _log("x"), "y": _log("y"), "color": by_name, "shape": by_name, "tooltip": tooltip},
        },
    ]
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",  # a name, never fetched
        "description": "Time of an operation over the share of reads, a line for each index.",
        "data": {"name": "rows"},
        "width": "container",
        "height": 340,
        "layer": layer,
    }


def _sizes() -> dict[str, Any]:
    specification = copy.deepcopy(FIGURES["curves"])
    x = {"type": "quantitative"}
    bands = _shaded(x, {"opacity": {"field": "shade", "type": "quantitative", "scale": None, "legend": None}}, 1, 4)
    bands[0]["mark"] = {"type": "rect", "style": "band"}
    specification["layer"] = [*bands, *specification["layer"]]
    specification["layer"][-1]["encoding"]["tooltip"] = [
        {"field": "name", "title": "index"},
        {"field": "size", "title": "at"},
        {"field": "text", "title": "time"},
    ]
    for layer in specification["layer"][2:]:
        layer["encoding"]["y"]["axis"] = {"labelExpr": _DURATION}
        layer["encoding"]["x"]["axis"] = {"labelExpr": _BYTES, "labelOverlap": True, "grid": False}
    return specification


INDEX_FIGURES: dict[str, dict[str, Any]] = {"index_costs": _costs(), "index_sizes": _sizes()}
