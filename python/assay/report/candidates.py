"""The candidates of an advice as a table that needs no script: best first, with the limits that they miss."""

from __future__ import annotations

from collections.abc import Sequence

from assay.report.advice import AdviceColumn, Candidate, advice_columns, counted, set_of
from assay.report.markup import Html, element, join
from assay.report.run_view import ExperimentView
from assay.report.screen import unbroken

__all__ = ["candidates_table"]

_CANDIDATES_AT_MOST = 200
_TALL = 16


def candidates_table(experiment: ExperimentView, candidates: Sequence[Candidate]) -> Html:
    """All candidates, best first, with the limits that they miss."""
    shown = candidates[:_CANDIDATES_AT_MOST]
    columns = advice_columns(shown)
    numbers = ["#", experiment.noun, "partitions", *(column.heading for column in columns), "why not"]
    head = join(
        element("th", name, scope="col", class_="number" if 1 < i < len(numbers) - 1 else None)
        for i, name in enumerate(numbers)
    )
    body = join(_candidate(i, one, columns) for i, one in enumerate(shown))
    more = len(candidates) - len(shown)
    caption = f"Candidates, best first{f'; {more:,} more are in the tables below' if more else ''}"
    inner = join(
        [element("caption", element("span", caption)), element("thead", element("tr", head)), element("tbody", body)]
    )
    about = (
        "▶ recommended, ★ Pareto set: meets every limit, and none that does beats it on every criterion, "
        "✗ misses a limit."
    )
    return element(
        "section",
        element("h3", "Candidates"),
        element("p", about, class_="about"),
        element(
            "div",
            element("table", inner, class_="candidates"),
            class_="box tall" if len(shown) > _TALL else "box",
            tabindex="0",
            role="group",
            aria_label="Candidates",
        ),
        class_="frame",
    )


def _candidate(i: int, one: Candidate, columns: Sequence[AdviceColumn]) -> Html:
    sign = ("▶ " if one["best"] else "") + ("★" if one["pareto"] else "")
    cells = [
        element(
            "td",
            *((element("span", "✗ ", class_="sign", title="misses a limit"),) if column.misses[i] else ()),
            column.texts[i],
            class_="number missed" if column.misses[i] else "number",
        )
        for column in columns
    ]
    return element(
        "tr",
        element("td", str(i + 1), class_="number"),
        element("th", element("span", one["contender"], class_="name"), f" {sign}" if sign else "", scope="row"),
        element("td", counted(one), class_="number"),
        *cells,
        element("td", element("small", unbroken(one["lost"] or ""))),
        class_="recommended" if one["best"] else "dropped" if set_of(one) == "misses a limit" else None,
    )
