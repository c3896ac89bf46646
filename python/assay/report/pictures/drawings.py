"""What each chart of a picture draws: the page's specifications with the rows of one grid point in them.

A drawing is a Vega-Lite view without title, theme and source, which `picture.py` puts around it. The rows are made from
the payload of the page, in the way of its scripts (`assets/charts.js`, `trade_off.js`, `ratios.js`, `growth.js`), for a
fixed width and without anything to point at: names stand in the picture.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from assay.report.charts import SPECIFICATIONS
from assay.report.pictures.palette import Theme, stroke

__all__ = ["DRAWINGS", "Drawing"]

# Makes the view of a chart from an experiment's payload and the place of a grid point; None if nothing is to be drawn.
Drawing = Callable[[Mapping[str, Any], int, Theme], dict[str, Any] | None]

_WIDTH = 760
_MOST_BARS = 24
_MOST_MULTIPLES = 12
_MOST_POINTS = 40
_COLUMNS = 3
_SHARED_SCALE = 4  # a contender beyond this multiple has a scale of its own, or it would flatten the others
_NAME_WIDTH = 38  # characters of a name on a line
_STEP = 26
_ACTIONS: dict[str, tuple[str, int, int]] = {  # in words; nodes afterwards are factor * n + more
    "add_one": ("a node more", 1, 1),
    "remove_one": ("a node less", 1, -1),
    "replace_one": ("a node replaced", 1, 0),
    "double": ("twice the nodes", 2, 0),
}


def _load(data: Mapping[str, Any], place: int, theme: Theme) -> dict[str, Any] | None:
    point = data["points"][place]
    views = []
    for i, load in enumerate(point.get("load") or []):
        if load:
            fair = load.get("fair") or [load["mean"]] * len(load["values"])
            relative = [value / (share or 1) for value, share in zip(load["values"], fair, strict=True)]
            rows = [
                {"position": n * load["size"], "label": label, "value": value, "relative": over}
                for n, (label, value, over) in enumerate(zip(load["labels"], load["values"], relative, strict=True))
            ]
            views.append((point["rows"][i]["name"], max(relative), _filled("load", rows, height=110)))
    return _multiples(views)


def _growth(data: Mapping[str, Any], place: int, theme: Theme) -> dict[str, Any] | None:
    point = data["points"][place]
    views = []
    for i, growth in enumerate(point.get("growth") or []):
        if growth:
            rows = [
                {"tenth": tenth, "label": label, "alone": alone, "so_far": so_far}
                for tenth, label, alone, so_far in zip(
                    growth["tenths"], growth["labels"], growth["alone"], growth["so_far"], strict=True
                )
            ]
            peak = max(*growth["alone"], *growth["so_far"])
            views.append((point["rows"][i]["name"], peak, _filled("growth", rows, height=110)))
    return _multiples(views)


def _multiples(views: Sequence[tuple[str, float, dict[str, Any]]]) -> dict[str, Any] | None:
    """Small charts of one scale, each below its contender's name; what lies far beyond it has its own."""
    if not views:
        return None
    shared = max([1.2, *(peak for _, peak, _ in views if peak <= _SHARED_SCALE)])
    charts = []
    for name, peak, view in views[:_MOST_MULTIPLES]:
        for layer in view["layer"]:
            if "field" in layer["encoding"].get("y", {}):
                layer["encoding"]["y"]["scale"] = {"domain": [0, max(shared, peak)], "nice": True}
        title = {"text": _wrapped(name, 30).split("\n"), "fontSize": 12, "fontWeight": 600}
        if peak > shared:
            title["subtitle"] = f"own scale, up to {peak:.1f}"
        columns = min(_COLUMNS, len(views))
        charts.append({**view, "width": (_WIDTH - 60 * columns) // columns, "title": title})
    return {"concat": charts, "columns": _COLUMNS}


def _movement(data: Mapping[str, Any], place: int, theme: Theme) -> dict[str, Any] | None:
    point = data["points"][place]
    charts = []
    for j, column in enumerate(data["columns"]):
        if not column["name"].startswith("moved_share."):
            continue
        ratio = _column(data, column["name"].replace("moved_share", "moved_over_optimum"))
        rows = []
        for i, row in enumerate(point["rows"][:_MOST_BARS]):
            moved, over = point["values"][i][j], _at(point, i, ratio)
            if moved is not None:
                words = point["texts"][i][j] if over is None else f"{over:.2f} × the least"
                optimum = moved / over if over else None
                rows.append({"name": row["name"], "shown": _wrapped(row["name"]), "share": moved, "optimum": optimum,
                             "ratio": over, "end": max(moved, optimum or 0), "words": words})  # fmt: skip
        if rows:
            least = next((row["optimum"] for row in rows if row["optimum"]), None)
            for row in rows:  # where nothing moves, what equal shares need is known from another
                row["optimum"] = least if row["ratio"] == 0 else row["optimum"]
                row["end"] = max(row["end"], row["optimum"] or 0)
            view = _filled("movement", rows, height=_height(rows))
            room = max(0.05, *(row["end"] for row in rows)) / (1 - 0.28)
            view["layer"][0]["encoding"]["x"]["scale"] = {"domain": [0, room], "nice": False}
            title = {"text": _change(column, point["partitions"]), "fontSize": 12, "fontWeight": 600}
            charts.append({**view, "width": _WIDTH // 2 - 200, "title": title})
    return {"concat": charts, "columns": 2} if charts else None


def _timing(data: Mapping[str, Any], place: int, theme: Theme) -> dict[str, Any] | None:
    point = data["points"][place]
    charts = []
    for j, column in enumerate(data["columns"]):
        if column["kind"] != "timed":
            continue
        rows = []
        for i, row in enumerate(point["rows"][:_MOST_BARS]):
            value = point["values"][i][j]
            if value is not None:
                low, high = (n or value for n in point["intervals"].get(f"{i}:{j}", (value, value)))
                rows.append(
                    {"name": row["name"], "shown": _wrapped(row["name"]), "value": value, "low": low, "high": high}
                )
        if rows:
            divisor, unit, _ = _scaled(column["unit"], [row["value"] for row in rows])
            rows = [row | {name: row[name] / divisor for name in ("value", "low", "high")} for row in rows]
            view = _filled("timing", rows, height=_height(rows))
            wide = _wide([row["low"] for row in rows] + [row["high"] for row in rows], 20)
            for layer in view["layer"]:
                layer["encoding"]["x"]["title"] = unit
                layer["encoding"]["x"]["scale"] = {"type": "log"} if wide else {"zero": True}
            title = {"text": column["label"], "fontSize": 12, "fontWeight": 600}
            charts.append({**view, "width": _WIDTH // 2 - 200, "title": title})
    return {"concat": charts, "columns": 2} if charts else None


def _ratios(data: Mapping[str, Any], place: int, theme: Theme) -> dict[str, Any] | None:
    point = data["points"][place]
    charts = []
    for metric, found in (data.get("ratios") or {}).items():
        cells = [
            (i, found["cells"][f"{place}:{i}"]) for i in range(len(point["rows"])) if f"{place}:{i}" in found["cells"]
        ]
        rows = [
            {
                "name": point["rows"][i]["name"],
                "shown": _wrapped(point["rows"][i]["name"]),
                "ratio": cell["ratio"],
                "low": cell.get("low", cell["ratio"]),
                "high": cell.get("high", cell["ratio"]),
                "verdict": cell["verdict"],
                "said": f"{cell['verdict']} · {cell['ratio']:.2f} ×",
            }
            for i, cell in sorted(cells, key=lambda pair: pair[1]["ratio"])[:_MOST_BARS]
        ]
        if not rows:
            continue
        floor = max(1.0, found["floor"] or 1.0)
        view = _filled("ratios", rows, height=_height(rows))
        view["layer"][0]["data"] = {"values": [{"from": 1 / floor, "to": floor}]}
        least = min(1 / floor, *(row["low"] for row in rows))
        most = max(floor, *(row["high"] for row in rows))
        reach = max(math.log(most / least), 0.05)
        domain = [least * math.exp(-0.06 * reach), most * math.exp(0.6 * reach)]
        for layer in view["layer"]:
            if "x" in layer["encoding"]:
                layer["encoding"]["x"] |= {"scale": {"type": "log", "domain": domain, "nice": False},
                                           "axis": {"format": "~g", "tickCount": 6, "labelOverlap": True},
                                           "title": "times the baseline"}  # fmt: skip
        label = next((column["label"] for column in data["columns"] if column["name"] == metric), metric)
        words = f"against {found['baseline']}; the band is the noise floor, {100 * (floor - 1):.2g} %"
        title = {"text": label, "subtitle": words, "fontSize": 12, "fontWeight": 600}
        charts.append({**view, "width": _WIDTH - 240, "title": title})
    return {"vconcat": charts} if charts else None


def _trade_off(data: Mapping[str, Any], place: int, theme: Theme) -> dict[str, Any] | None:
    if len(data.get("axes") or ()) != 2:
        return None
    point = data["points"][place]
    jx, jy = (_column(data, name) for name in data["axes"])
    across, up = data["columns"][jx], data["columns"][jy]
    memory = next((j for name in ("routing_bytes", "memory_bytes") if (j := _column(data, name)) >= 0), -1)
    known = [
        i
        for i, row in enumerate(point["rows"])
        if point["values"][i][jx] is not None
        and point["values"][i][jy] is not None
        and row.get("status") != "aggregated"
    ][:_MOST_POINTS]
    if not known:
        return None
    kinds = list(dict.fromkeys(_kind(point["rows"][i]["name"]) for i in known))
    scales = [_scaled(column["unit"], [point["values"][i][j] for i in known]) for column, j in ((across, jx), (up, jy))]
    rows = [
        {
            "name": point["rows"][i]["name"],
            "kind": _kind(point["rows"][i]["name"]),
            "number": str(n),
            "x": point["values"][i][jx] / scales[0][0],
            "y": point["values"][i][jy] / scales[1][0],
            "bytes": _at(point, i, memory) or 0,
        }
        for n, i in enumerate(known, 1)
    ]
    usable = [row for i, row in zip(known, rows, strict=True) if not point["rows"][i].get("bound")]
    best = _front(usable, across["direction"], up["direction"])
    for row in rows:
        row["front"] = row in best
    view = _filled("trade_off", rows, height=max(320, 20 * len(rows)))
    for layer in view["layer"]:
        encoding = layer["encoding"]
        for channel, column, scale in (("x", across, scales[0]), ("y", up, scales[1])):
            encoding[channel] |= {
                "title": column["label"] + (f", {scale[1]}" if scale[1] else ""),
                "scale": _trade_scale([row[channel] for row in rows], 8 if channel == "x" else 50),
                "axis": {"format": scale[2], "tickCount": 5, "labelOverlap": True},
            }
        for channel, part in (("color", 0), ("shape", 1)):
            if channel in encoding:
                encoding[channel] |= {
                    "scale": {"domain": kinds, "range": [stroke(theme, n)[part] for n in range(len(kinds))]},
                    "legend": None,
                }
        if layer["mark"]["type"] == "line":
            layer["mark"]["interpolate"] = "step-before" if across["direction"] == "higher" else "step-after"
    if len(best) < 2:
        view["layer"] = [layer for layer in view["layer"] if layer["mark"]["type"] != "line"]
    return {"hconcat": [{**view, "width": _WIDTH - 330}, _key(rows, kinds, theme)]}


def _key(rows: Sequence[Mapping[str, Any]], kinds: Sequence[str], theme: Theme) -> dict[str, Any]:
    """Which number is which contender, in the colour of its kind; a diamond where none is better on both."""
    lines = [
        {
            "place": n,
            "text": f"{row['number']}  {_short(row['name'], 40)}{'  ◈' if row['front'] else ''}",
            "kind": row["kind"],
        }
        for n, row in enumerate(rows)
    ]
    signs = {
        channel: {"domain": list(kinds), "range": [stroke(theme, n)[part] for n in range(len(kinds))]}
        for part, channel in enumerate(("color", "shape"))
    }
    y = {"field": "place", "type": "ordinal", "axis": None}
    sign = {channel: {"field": "kind", "type": "nominal", "scale": signs[channel], "legend": None} for channel in signs}
    return {
        "data": {"values": lines},
        "width": 10,
        "height": 20 * len(lines),
        "layer": [
            {
                "mark": {"type": "point", "filled": True, "size": 70, "opacity": 0.9},
                "encoding": {"y": y, "x": {"value": 0}, **sign},
            },
            {
                "mark": {"type": "text", "align": "left", "fontSize": 11.5},
                "encoding": {"y": y, "x": {"value": 12}, "text": {"field": "text", "type": "nominal"}},
            },
        ],
    }


def _durability(data: Mapping[str, Any], place: int, theme: Theme) -> dict[str, Any] | None:
    point = data["points"][place]
    x, exact, estimate = (
        _column(data, n) for n in ("effective_donors", "data_loss_chance", "data_loss_chance_estimate")
    )
    rows = []
    for i, row in enumerate(point["rows"][:_MOST_POINTS]):
        donors, chance = _at(point, i, x), _at(point, i, exact)
        chance = _at(point, i, estimate) if chance is None else chance
        if donors is not None and chance is not None:
            rows.append({"name": row["name"], "number": _short(row["name"], 34), "x": donors, "y": chance})
    if not rows:
        return None
    view = _filled("durability", rows, height=320)
    highest = min(1.0, 1.15 * max(0.01, *(row["y"] for row in rows)))
    for layer in view["layer"]:
        layer["encoding"]["y"]["scale"] = {"domain": [0, highest], "nice": False, "padding": 12}
    return {**view, "width": _WIDTH - 160}


DRAWINGS: dict[str, Drawing] = {
    "trade_off": _trade_off,
    "ratios": _ratios,
    "timing": _timing,
    "load": _load,
    "movement": _movement,
    "durability": _durability,
    "growth": _growth,
}


# -- helpers ----------------------------------------------------------------------------------------


def _filled(name: str, rows: list[dict[str, Any]], *, height: int) -> dict[str, Any]:
    view: dict[str, Any] = copy.deepcopy(SPECIFICATIONS[name])
    del view["$schema"]
    return view | {"data": {"values": rows}, "height": height}


def _column(data: Mapping[str, Any], name: str) -> int:
    return next((j for j, column in enumerate(data["columns"]) if column["name"] == name), -1)


def _at(point: Mapping[str, Any], i: int, j: int) -> float | None:
    return None if j < 0 else point["values"][i][j]


def _kind(name: str) -> str:
    return name.partition("(")[0].strip() or name


def _front(rows: Sequence[dict[str, Any]], x: str, y: str) -> list[dict[str, Any]]:
    """The rows that no other beats on both axes."""
    signs = [-1 if direction == "higher" else 1 for direction in (x, y)]
    places = [(signs[0] * row["x"], signs[1] * row["y"]) for row in rows]
    return [
        row
        for row, (a, b) in zip(rows, places, strict=True)
        if not any(c <= a and d <= b and (c, d) != (a, b) for c, d in places)
    ]


def _trade_scale(values: Sequence[float], factor: float) -> dict[str, Any]:
    wide = _wide(values, factor)
    return {"type": "log", "padding": 22, "nice": False} if wide else {"zero": False, "padding": 24, "nice": False}


def _wide(values: Sequence[float], factor: float) -> bool:
    return min(values) > 0 and max(values) / min(values) > factor


def _scaled(unit: str, values: Sequence[float]) -> tuple[float, str, str]:
    """(divisor, unit to show, format) that suit the greatest value."""
    most = max((abs(value) for value in values), default=0)
    steps: dict[str, list[tuple[float, str]]] = {
        "ns": [(1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1, "ns")],
        "s": [(1, "s"), (1e-3, "ms"), (1e-6, "µs")],
        "bytes": [(2.0**40, "TiB"), (2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (1, "bytes")],
    }
    if unit == "share":
        span = max(values, default=0) - min(values, default=0)
        return 1, "", ".1~%" if most < 0.05 or 0 < span < 0.05 else ".0%"
    if unit in steps:
        size, name = next((step for step in steps[unit] if most >= step[0]), steps[unit][-1])
        return size, name, "~g"
    return 1, "" if unit in ("ratio", "count") else unit, "~s" if most >= 10_000 else "~g"


def _change(column: Mapping[str, Any], n: int | None) -> str:
    """What happens to the nodes, and how many there are before and after."""
    action = column["name"].removeprefix("moved_share.")
    if action not in _ACTIONS:
        return str(column["label"]).removeprefix("moved: ")
    words, factor, more = _ACTIONS[action]
    return f"{words}: {n} → {factor * n + more}" if n and factor * n + more != n else words


def _height(rows: Sequence[Mapping[str, Any]]) -> int:
    lines: int = max(row["shown"].count("\n") + 1 for row in rows)
    return len(rows) * max(_STEP, 15 * lines + 8)


def _wrapped(name: str, most: int = _NAME_WIDTH) -> str:
    """A spelling in lines, broken after commas and brackets."""
    lines = [""]
    for part in re.findall(r"[^,(]*[,(]?", name):
        if lines[-1] and len(lines[-1]) + len(part) > most:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def _short(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
