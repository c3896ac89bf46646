"""Reads one run from the store's tables and views.

Grid points are made here: cells are gathered by the settings in which they differ, so that people
see `8 partitions` and not the dozen settings that all cells share.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from assay.errors import UnknownNameError
from assay.report.run_view import (
    AnswerView,
    ClaimView,
    ExpectationView,
    ExperimentView,
    GridPoint,
    MetricFacts,
    Number,
    Row,
    RunView,
    Source,
    family_mean,
)
from assay.report.vocabulary import COUNTED, RANKING, is_known, order_of, settings_words

__all__ = ["read_run"]


def read_run(store: Source, run_id: str) -> RunView:
    """The run with all its experiments, answers, numbers and claims; series are read apart.

    Raises:
        UnknownNameError: the store holds no such run.
    """
    runs = _rows(
        store,
        """SELECT r.suite_name, r.question, r.suite_toml, r.seed, epoch_us(r.started) AS started,
                  epoch_us(r.ended) AS ended, r.status, r.command, r.tool_version, r.label, e.facts::VARCHAR AS facts
           FROM run r LEFT JOIN environment e USING (environment_id) WHERE r.run_id = ?""",
        [run_id],
    )
    if not runs:
        known = [row["run_id"] for row in _rows(store, "SELECT run_id FROM run ORDER BY started DESC LIMIT 20", [])]
        raise UnknownNameError.of("run", run_id, known, "assay list runs shows them all")
    run = runs[0]
    return RunView(
        run_id=run_id,
        suite_name=run["suite_name"],
        question=run["question"],
        suite_toml=run["suite_toml"],
        seed=run["seed"],
        started=_time(run["started"]),
        ended=None if run["ended"] is None else _time(run["ended"]),
        status=run["status"],
        command=run["command"],
        tool_version=run["tool_version"],
        label=run["label"],
        environment=_json(run["facts"], {}) | _load_of_the_run(store, run_id),
        experiments=_experiments(store, run_id),
        claims=_claims(store, run_id),
    )


def _load_of_the_run(store: Source, run_id: str) -> dict[str, float]:
    """The machine's load before and after this run, as far as its store knows them.

    The environment is stored once for all runs of a machine; its load is that of the first of them.
    """
    row = _rows(store, "SELECT * FROM run WHERE run_id = ?", [run_id])[0]
    names = ("load_1m_before", "load_1m_after")
    return {name: row[name] for name in names if row.get(name) is not None}


def _experiments(store: Source, run_id: str) -> list[ExperimentView]:
    experiments = _rows(
        store,
        """SELECT e.experiment_index, e.kind, e.question, e.noun, e.settings::VARCHAR AS settings, e.reading, e.command,
                  e.answers::VARCHAR AS answers, e.errors::VARCHAR AS errors, e.dataset_fingerprint AS fingerprint,
                  d.fingerprint_kind, d.name, d.source, d.licence, d.rows, d.bytes
           FROM experiment e LEFT JOIN dataset d ON d.fingerprint = e.dataset_fingerprint
           WHERE e.run_id = ? ORDER BY e.experiment_index""",
        [run_id],
    )
    cells = _rows(
        store,
        """SELECT experiment_index, cell_id, contender, parameters::VARCHAR AS parameters, status, error
           FROM cell WHERE run_id = ? ORDER BY experiment_index, contender, cell_id""",
        [run_id],
    )
    metrics = _rows(
        store,
        """SELECT experiment_index, cell_id, name, unit, kind, direction, origin, value, low, high, note
           FROM metric WHERE run_id = ?""",
        [run_id],
    )
    expectations = _rows(
        store,
        """SELECT experiment_index, contender, parameters::VARCHAR AS parameters, metric, relation, bound, value, met
           FROM expectation WHERE run_id = ? ORDER BY experiment_index, position""",
        [run_id],
    )
    timings = _timings(store, run_id)
    views = []
    for experiment in experiments:
        index = experiment["experiment_index"]
        own_metrics = [row for row in metrics if row["experiment_index"] == index]
        numbers: dict[str, dict[str, Number]] = {}
        for row in own_metrics:
            number = Number(row["value"], row["low"], row["high"], row["note"])
            numbers.setdefault(row["cell_id"], {})[row["name"]] = number
        all_answers = [_answer(answer) for answer in _json(experiment["answers"], []) or []]
        answers = [answer for answer in all_answers if answer.advice is None]
        own_cells = [row for row in cells if row["experiment_index"] == index]
        facts = {
            row["name"]: MetricFacts(row["name"], row["unit"], row["direction"], row["kind"], row["origin"])
            for row in own_metrics
        }
        views.append(
            ExperimentView(
                index=index,
                kind=experiment["kind"],
                question=experiment["question"],
                noun=experiment["noun"],
                dataset={
                    key: experiment[key]
                    for key in ("name", "fingerprint", "fingerprint_kind", "source", "licence", "rows", "bytes")
                },
                settings=_json(experiment["settings"], {}),
                reading=experiment["reading"],
                command=experiment["command"],
                metrics=_ordered(facts.values()),
                points=_grid(experiment["kind"], own_cells, numbers, answers),
                expectations=[
                    ExpectationView(
                        row["contender"],
                        _json(row["parameters"], {}),
                        row["metric"],
                        row["relation"],
                        row["bound"],
                        row["value"],
                        row["met"],
                    )
                    for row in expectations
                    if row["experiment_index"] == index
                ],
                advice=next((answer for answer in all_answers if answer.advice is not None), None),
                timing=timings.get(index, {}),
                errors=_json(experiment["errors"], []),
            )
        )
    return views


def _ordered(facts: Iterable[MetricFacts]) -> list[MetricFacts]:
    """Metrics in display order; those that the vocabulary does not know stand as their experiment wrote them."""
    return sorted(facts, key=lambda fact: order_of(fact.name)[: 4 if is_known(fact.name) else 3])


def _timings(store: Source, run_id: str) -> dict[int, dict[str, dict[str, Any]]]:
    """By experiment and timed metric: the fewest processes, the highest noise floor, unclear comparisons."""
    rows = _rows(
        store,
        """SELECT s.experiment_index, s.metric, s.processes, c.noise_floor, coalesce(c.compared, 0) AS compared,
                  coalesce(c.unclear, 0) AS unclear
           FROM (SELECT experiment_index, metric, count(DISTINCT process) AS processes FROM sample
                 WHERE run_id = ? GROUP BY ALL) s
           LEFT JOIN (SELECT experiment_index, metric, max(noise_floor) AS noise_floor, count(*) AS compared,
                             count(*) FILTER (verdict = 'unclear') AS unclear
                      FROM timed_comparison WHERE run_id = ? GROUP BY ALL) c USING (experiment_index, metric)
           ORDER BY s.experiment_index, s.metric""",
        [run_id, run_id],
    )
    found: dict[int, dict[str, dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row.pop("experiment_index"), {})[row.pop("metric")] = row
    return found


def _grid(
    kind: str,
    cells: list[dict[str, Any]],
    numbers: dict[str, dict[str, Number]],
    answers: list[AnswerView],
) -> list[GridPoint]:
    """The cells gathered by the settings in which they differ."""
    parameters = {cell["cell_id"]: _json(cell["parameters"], {}) for cell in cells}
    names = sorted({name for settings in parameters.values() for name in settings})
    varying = [
        name
        for name in names
        if name in COUNTED or len({_canonical(settings.get(name)) for settings in parameters.values()}) > 1
    ]
    gathered: dict[str, tuple[dict[str, Any], list[Row]]] = {}
    for cell in cells:
        settings = {name: parameters[cell["cell_id"]].get(name) for name in varying}
        row = Row(
            cell["cell_id"],
            cell["contender"],
            parameters[cell["cell_id"]],
            cell["status"],
            cell["error"],
            numbers.get(cell["cell_id"], {}),
        )
        gathered.setdefault(_canonical(settings), (settings, []))[1].append(row)
    points = []
    for settings, rows in gathered.values():
        answer = next((a for a in answers if _answers(a, settings)), AnswerView())
        rows.sort(key=lambda row: _rank(kind, row, answer))
        points.append(GridPoint(settings_words(settings) or "all", settings, answer, rows))
    points.sort(key=lambda point: [_sortable(value) for value in point.parameters.values()])
    return points


def _answers(answer: AnswerView, settings: Mapping[str, Any]) -> bool:
    """Whether the answer speaks of this grid point: they agree on every setting both name."""
    return all(answer.parameters[name] == value for name, value in settings.items() if name in answer.parameters)


def _rank(kind: str, row: Row, answer: AnswerView) -> tuple[Any, ...]:
    criteria = [family_mean(row.numbers, metric) for metric in RANKING.get(kind, ())]
    return (
        row.status == "failed",
        row.contender in answer.dropped,
        row.contender != answer.best,
        not criteria and row.contender not in answer.pareto,
        [(value is None, value or 0.0) for value in criteria],
        row.contender,
    )


def _answer(stored: Mapping[str, Any]) -> AnswerView:
    return AnswerView(
        sentence=stored.get("sentence") or "",
        best=stored.get("best"),
        rule=stored.get("rule") or "",
        pareto=tuple(stored.get("pareto") or ()),
        dropped=dict(stored.get("dropped") or {}),
        notes=tuple(stored.get("notes") or ()),
        parameters=dict(stored.get("parameters") or {}),
        findings=tuple(stored.get("findings") or ()),
        advice=stored.get("advice"),
    )


def _claims(store: Source, run_id: str) -> list[ClaimView]:
    rows = _rows(
        store,
        """SELECT topic, sentence, verdict, condition, evidence::VARCHAR AS evidence,
                  counterexample::VARCHAR AS counterexample, origin, command, reading
           FROM claim WHERE run_id = ? ORDER BY position""",
        [run_id],
    )
    return [
        ClaimView(
            topic=row["topic"],
            sentence=row["sentence"],
            verdict=row["verdict"],
            condition=row["condition"],
            evidence=_json(row["evidence"], None),
            counterexample=_json(row["counterexample"], None),
            origin=row["origin"],
            command=row["command"],
            reading=row["reading"],
        )
        for row in rows
    ]


def _rows(store: Source, sql: str, parameters: Sequence[Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = store.query(sql, parameters).to_pylist()
    return rows


def _json(text: str | None, otherwise: Any) -> Any:
    return otherwise if text is None else json.loads(text)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _sortable(value: Any) -> tuple[bool, float, str]:
    """Numbers first; then texts by the number that they begin with, such as 3% before 10%, and as texts."""
    if isinstance(value, int | float):
        return False, float(value), ""
    leading = re.match(r"\d+(?:\.\d+)?", str(value))
    return True, float(leading[0]) if leading else 0.0, str(value)


def _time(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1e6, tz=UTC)
