"""The charts of the page as Vega-Lite specifications, without data.

The page embeds its numbers once; its script hands each chart the rows of the chosen grid point. Here are the charts of
partitions and replicas; those that any experiment has are in `figures.py`. Every specification reads fixed field names,
so that no text from outside is ever part of an expression. Colours come from the page's theme (`config` is set by the
script).

    load        position, label, value, relative (value over the mean)
    movement    name, share, optimum, ratio
    timing      name, value, low, high
    growth      tenth, label, alone, so_far
    durability  name, number, x, y
    rebuild     position, label, donors, effective
    miss_curves name, x, y, low, high; regions (from, to, name, middle, said) and the floor have data of their own
    index_…     those of an indexing run, see index_figures
    advice      name, number, x, y, set, why, and what both axes' limits are
"""

from __future__ import annotations

import copy
from typing import Any

from assay.report.figures import FIGURES, name_axis
from assay.report.index_figures import INDEX_FIGURES

__all__ = ["SPECIFICATIONS"]

_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"  # a name, never fetched
_DATA = {"name": "rows"}


def _load() -> dict[str, Any]:
    return {
        "$schema": _SCHEMA,
        "description": "Load of each partition over the mean load; the line is the mean.",
        "data": _DATA,
        "width": "container",
        "height": 110,
        "layer": [
            {
                "mark": {"type": "bar", "tooltip": True},
                "encoding": {
                    "x": {
                        "field": "position",
                        "type": "ordinal",
                        "title": None,
                        "axis": {"labelAngle": 0, "labelOverlap": True, "ticks": False},
                        "scale": {"paddingInner": 0.15, "paddingOuter": 0.1},
                    },
                    "y": {
                        "field": "relative",
                        "type": "quantitative",
                        "title": None,
                        "axis": {"tickCount": 4},
                    },
                    "tooltip": [
                        {"field": "label", "title": "partition"},
                        {"field": "value", "type": "quantitative", "format": ",.0f", "title": "load"},
                        {"field": "relative", "type": "quantitative", "format": ".3f", "title": "load ÷ mean"},
                    ],
                },
            },
            {
                "data": {"values": [{}]},  # one line, not one for each bar
                "mark": {"type": "rule", "style": "reference"},
                "encoding": {"y": {"datum": 1, "type": "quantitative"}},
            },
        ],
    }


def _movement() -> dict[str, Any]:
    tooltip = [
        {"field": "name", "title": "contender"},
        {"field": "share", "type": "quantitative", "format": ".2%", "title": "moved"},
        {"field": "optimum", "type": "quantitative", "format": ".2%", "title": "least that must move"},
        {"field": "ratio", "type": "quantitative", "format": ".3f", "title": "moved ÷ optimum"},
    ]
    y = name_axis()
    return {
        "$schema": _SCHEMA,
        "description": "Share of the load that moves; the tick is the least that must move.",
        "data": _DATA,
        "width": "container",
        "height": 300,  # the script gives each name its room
        "layer": [
            {
                "mark": {"type": "bar", "height": {"band": 0.6}},
                "encoding": {
                    "y": y,
                    "x": {
                        "field": "share",
                        "type": "quantitative",
                        "title": None,
                        # The script leaves room for a number beyond the longest bar; no share is above 1.
                        "axis": {
                            "format": ".0%",
                            "tickCount": 5,
                            "labelOverlap": True,
                            "labelExpr": "datum.value > 1 ? '' : datum.label",
                        },
                        "scale": {"domain": [0, 1.18], "nice": False},
                    },
                    "tooltip": tooltip,
                },
            },
            {
                "mark": {"type": "tick", "style": "reference", "thickness": 3, "height": {"band": 0.9}},
                "encoding": {"y": y, "x": {"field": "optimum", "type": "quantitative"}, "tooltip": tooltip},
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 7},
                "encoding": {
                    "y": y,
                    "x": {"field": "end", "type": "quantitative"},
                    "text": {"field": "words", "type": "nominal"},
                },
            },
        ],
    }


def _advice() -> dict[str, Any]:
    """One panel: a criterion against the load; the script sets titles, scales and limits, and the sets' colours."""
    x = {
        "field": "x",
        "type": "quantitative",
        "title": "load max ÷ mean (1 is even)",
        "scale": {"zero": False, "padding": 20, "nice": False},
        "axis": {"tickCount": 5},
    }
    y = {"field": "y", "type": "quantitative", "title": None, "axis": {"tickCount": 5}}
    domain = ["recommended", "in the Pareto set", "beaten by another", "misses a limit"]
    rule = {"type": "rule", "style": "limit", "strokeDash": [5, 4]}
    return {
        "$schema": _SCHEMA,
        "description": "A criterion of each candidate against its balance; the lower left is best.",
        "data": _DATA,
        "width": "container",
        "height": 320,
        "layer": [
            {"data": {"name": "across", "values": []}, "mark": rule, "encoding": {"y": {**y, "field": "at"}}},
            {"data": {"name": "up", "values": []}, "mark": rule, "encoding": {"x": {**x, "field": "at"}}},
            {
                "mark": {"type": "point", "filled": True, "tooltip": True},
                "encoding": {
                    "x": x,
                    "y": y,
                    "order": {"field": "layer", "type": "quantitative"},
                    "color": {
                        "field": "set",
                        "type": "nominal",
                        "title": None,
                        "scale": {"domain": domain},
                        "legend": {"orient": "top", "symbolOpacity": 1, "columns": 2},
                    },
                    "shape": {
                        "field": "set",
                        "type": "nominal",
                        "scale": {"domain": domain, "range": ["triangle-up", "diamond", "circle", "cross"]},
                    },
                    "size": {"field": "size", "type": "quantitative", "scale": None, "legend": None},
                    "opacity": {"value": 0.9},
                    "tooltip": [
                        {"field": "name", "title": "candidate"},
                        {"field": "x_text", "title": "load max ÷ mean"},
                        {"field": "y_text", "title": "height"},
                        {"field": "why", "title": "why not"},
                    ],
                },
            },
            {
                "mark": {
                    "type": "text",
                    "align": "left",
                    "baseline": "bottom",
                    "dx": 8,
                    "dy": -5,
                    "fontWeight": "bold",
                },
                "encoding": {"x": x, "y": y, "text": {"field": "number", "type": "nominal"}},
            },
        ],
    }


def _timing() -> dict[str, Any]:
    y = name_axis()
    x = {"field": "value", "type": "quantitative", "title": "time", "axis": {"tickCount": 5}}
    tooltip = [
        {"field": "name", "title": "contender"},
        {"field": "text", "title": "time"},
        {"field": "interval", "title": "95 % interval"},
    ]
    return {
        "$schema": _SCHEMA,
        "description": "Time with its interval.",
        "data": _DATA,
        "width": "container",
        "height": 300,  # the script gives each name its room
        "layer": [
            {
                "mark": {"type": "rule", "style": "interval", "strokeWidth": 3},
                "encoding": {
                    "y": y,
                    "x": {"field": "low", "type": "quantitative"},
                    "x2": {"field": "high"},
                    "tooltip": tooltip,
                },
            },
            {
                "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
                "encoding": {"y": y, "x": x, "tooltip": tooltip},
            },
        ],
    }


def _growth() -> dict[str, Any]:
    x = {
        "field": "tenth",
        "type": "ordinal",
        "title": None,
        "axis": {"labelAngle": 0, "ticks": False},
    }
    tooltip = [
        {"field": "tenth", "title": "tenth"},
        {"field": "label", "title": "from"},
        {"field": "alone", "type": "quantitative", "format": ".3f", "title": "load max ÷ mean"},
        {"field": "so_far", "type": "quantitative", "format": ".3f", "title": "of all rows so far"},
    ]
    return {
        "$schema": _SCHEMA,
        "description": "Load over the mean of each tenth of the rows by time, and of all rows up to its end.",
        "data": _DATA,
        "width": "container",
        "height": 110,
        "layer": [
            {
                "mark": {"type": "line", "style": "so_far", "strokeDash": [4, 3]},
                "encoding": {"x": x, "y": {"field": "so_far", "type": "quantitative"}},
            },
            {
                "mark": {"type": "line", "style": "alone", "point": True},
                "encoding": {
                    "x": x,
                    "y": {"field": "alone", "type": "quantitative", "title": None, "axis": {"tickCount": 4}},
                    "tooltip": tooltip,
                },
            },
            {
                "data": {"values": [{}]},
                "mark": {"type": "rule", "style": "reference"},
                "encoding": {"y": {"datum": 1, "type": "quantitative"}},
            },
        ],
    }


def _durability() -> dict[str, Any]:
    x = {
        "field": "x",
        "type": "quantitative",
        "title": "effective donors of a rebuild (more is faster)",
        "scale": {"zero": True, "padding": 24, "nice": False},
        "axis": {"tickCount": 6},
    }
    y = {
        "field": "y",
        "type": "quantitative",
        "title": "chance that a failure loses data",
        "axis": {"format": ".3~p", "tickCount": 5},
    }
    tooltip = [
        {"field": "name", "title": "contender"},
        {"field": "x", "type": "quantitative", "format": ".2f", "title": "effective donors"},
        {"field": "y", "type": "quantitative", "format": ".3p", "title": "chance of data loss"},
    ]
    return {
        "$schema": _SCHEMA,
        "description": "Effective donors of a rebuild against the chance of losing data; the lower right is best.",
        "data": _DATA,
        "width": "container",
        "height": 300,
        "layer": [
            {
                "mark": {"type": "point", "filled": True, "size": 110, "opacity": 0.75},
                "encoding": {"x": x, "y": y, "tooltip": tooltip},
            },
            {
                "mark": {
                    "type": "text",
                    "align": "left",
                    "baseline": "bottom",
                    "dx": 8,
                    "dy": -5,
                    "fontWeight": "bold",
                },
                "encoding": {"x": x, "y": y, "text": {"field": "number", "type": "nominal"}},
            },
        ],
    }


def _rebuild() -> dict[str, Any]:
    x = {
        "field": "position",
        "type": "ordinal",
        "title": None,
        "axis": {"labelAngle": 0, "labelOverlap": True, "ticks": False},
        "scale": {"paddingInner": 0.15, "paddingOuter": 0.1},
    }
    tooltip = [
        {"field": "label", "title": "lost node"},
        {"field": "effective", "type": "quantitative", "format": ".2f", "title": "effective donors"},
        {"field": "donors", "type": "quantitative", "format": ",.0f", "title": "donors"},
    ]
    return {
        "$schema": _SCHEMA,
        "description": "Effective donors for each lost node; the tick is how many nodes send something.",
        "data": _DATA,
        "width": "container",
        "height": 110,
        "layer": [
            {
                "mark": {"type": "bar"},
                "encoding": {
                    "x": x,
                    "y": {"field": "effective", "type": "quantitative", "title": None, "axis": {"tickCount": 4}},
                    "tooltip": tooltip,
                },
            },
            {
                "mark": {"type": "tick", "style": "reference", "thickness": 2, "width": {"band": 0.8}},
                "encoding": {"x": x, "y": {"field": "donors", "type": "quantitative"}, "tooltip": tooltip},
            },
        ],
    }


def _miss_curves() -> dict[str, Any]:
    """The curves of figures, over regions shaded in the colour of the policy that misses least, and the floor."""
    specification = copy.deepcopy(FIGURES["curves"])
    x = {"type": "quantitative"}
    regions: list[dict[str, Any]] = [
        {
            "data": {"values": []},
            "mark": {"type": "rect", "opacity": 0.13},
            "encoding": {
                "x": {**x, "field": "from"},
                "x2": {"field": "to"},
                "fill": {"field": "name", "type": "nominal"},
            },
        },
        {
            "data": {"values": []},
            "mark": {"type": "text", "baseline": "top", "fontWeight": "bold"},
            "encoding": {
                "x": {**x, "field": "middle"},
                "y": {"value": 4},
                "text": {"field": "said", "type": "nominal"},
            },
        },
        {
            "data": {"values": []},
            "mark": {"type": "rule", "style": "limit", "strokeDash": [2, 4]},
            "encoding": {"y": {"field": "floor", "type": "quantitative"}},
        },
    ]
    specification["layer"] = [*regions, *specification["layer"]]
    specification["layer"][-1]["encoding"]["tooltip"] = [
        {"field": "name", "title": "policy"},
        {"field": "size", "title": "capacity"},
        {"field": "text", "title": "value"},
    ]
    return specification


SPECIFICATIONS: dict[str, dict[str, Any]] = {
    **FIGURES,
    **INDEX_FIGURES,
    "load": _load(),
    "movement": _movement(),
    "timing": _timing(),
    "growth": _growth(),
    "durability": _durability(),
    "rebuild": _rebuild(),
    "miss_curves": _miss_curves(),
    "advice": _advice(),
}
