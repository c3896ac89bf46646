"""The front door from Python: `compare` one thing now, `run` a suite; both give results that show themselves.

    c = assay.compare("partitioning", "flights", strategies=["hash(tailnum)", "range(time_hour)"], partitions=8)
    c.answer                 the answer in a sentence
    c.show()                 the terminal's table
    c.best()                 "hash(tailnum)"
    c.to_arrow()             every number, a row each
    c.report("flights.html") one page that opens offline
    c.chart("load").save("load.png")   one of its charts, with `pip install "assay[report]"`

`export` writes the layout that was chosen for a target, such as PostgreSQL. The command line calls the same
functions, so that both say the same.
"""

from __future__ import annotations

import dataclasses
import html
import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.datasets import Dataset, open_dataset
from assay.errors import (
    AssayError,
    EmptyInputError,
    InterruptedRunError,
    MeasurementError,
    ParameterError,
    SuiteError,
    UnsupportedTypeError,
    UsageError,
)
from assay.experiments.partitioning.cluster import heeding_capacities
from assay.experiments.partitioning.strategies import parse_strategy
from assay.harness import (
    Failure,
    ProgressSink,
    RunOutcome,
    SilentProgress,
    Suite,
    TimingSettings,
    load_suite,
    run_suite,
    suite_from_dict,
)
from assay.harness.executors import opened_executor
from assay.harness.timing_settings import budget_seconds
from assay.report import build_page, render, to_json, to_rows, write_report
from assay.report.pictures import Picture, chosen_picture, pictures_of
from assay.store import Store
from assay.targets.export import Export, Options, export_layout, target_of
from assay.targets.layout import lay_out
from assay.targets.sql import TableName

if TYPE_CHECKING:
    import pyarrow as pa
    from distributed import Client
    from rich.console import Console

__all__ = ["Comparison", "Results", "Run", "compare", "export", "run"]

_PARTITIONS = 8  # as a comparison has by default

Timing = bool | TimingSettings | None


class Results:
    """What a run has measured, read from its store. Made by `compare` and `run`.

    Attributes:
        run_id: The run in the store.
        store: Where the results are; a store in memory lasts as long as this object.
        outcome: How the run ended: its status, failures and unmet expectations.
    """

    def __init__(self, store: Store, outcome: RunOutcome) -> None:
        self.store = store
        self.outcome = outcome
        self.run_id = outcome.run_id
        self._rows: dict[str, Any] | None = None

    @property
    def answer(self) -> str:
        """The answer as one line of text; several grid points follow one another, each with its name."""
        return str(self._read()["answer"])

    @property
    def answers(self) -> list[dict[str, Any]]:
        """An answer for each grid point.

        Returns:
            Dictionaries of experiment, dataset, parameters, sentence, best, rule, pareto, dropped and notes.
        """
        answers: list[dict[str, Any]] = self._read()["answers"]
        return answers

    @property
    def advice(self) -> dict[str, Any] | None:
        """The advice over the whole grid, where one was asked for; the first of several.

        Returns:
            A dictionary of experiment, dataset, parameters and best (the number of partitions and the contender that
            are recommended), sentence, rule, findings, notes, candidates, limits and keys.
        """
        found: list[dict[str, Any]] = self._read()["advice"]
        return found[0] if found else None

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Cells without results and failed steps of whole experiments, with their errors; empty where all went well."""
        return self.outcome.failures

    @property
    def unmet(self) -> tuple[str, ...]:
        """Expectations that the numbers do not meet, in words."""
        return self.outcome.unmet

    @property
    def exit_code(self) -> int:
        """0 fine; 1 an unmet expectation; 2 only wrong uses failed; 3 something failed."""
        return self.outcome.exit_code

    def best(self, **parameters: object) -> str | None:
        """The recommended contender; None if none can be recommended.

        Args:
            parameters: Which grid points to ask, such as `partitions=8`; all by default.

        Raises:
            UsageError: No grid point has these parameters, or they recommend different contenders.

        An advice is what is recommended of all grid points.
        """
        if not parameters and self.advice is not None and len(self._read()["advice"]) == 1:
            best: str | None = self.advice["best"]
            return best
        chosen = [
            answer
            for answer in self.answers
            if all(answer["parameters"].get(name) == value for name, value in parameters.items())
        ]
        if not chosen:
            known = "; ".join(_words(answer["parameters"]) for answer in self.answers) or "there is no answer"
            raise UsageError(f"no answer is for {_words(parameters)}; known: {known}")
        bests: list[str | None] = list(dict.fromkeys(answer["best"] for answer in chosen))
        if len(bests) > 1:
            told = "; ".join(f"{answer['best'] or 'none'} at {_words(answer['parameters'])}" for answer in chosen)
            example = next(iter(chosen[0]["parameters"].items()), ("partitions", 8))
            raise UsageError(f"the best differs: {told}; ask for one, such as best({example[0]}={example[1]!r})")
        return bests[0]

    def show(self, *, console: Console | None = None) -> None:
        """Prints the answer, the tables and what to be careful about; to standard output by default."""
        render(self.store, self.run_id, console=console)

    def to_arrow(self) -> pa.Table:
        """Every number, a row each.

        Returns:
            Columns experiment, contender, parameters (JSON), dataset, metric, unit, kind, value, low, high and note.
        """
        return self.store.query(
            "SELECT experiment, contender, parameters::VARCHAR AS parameters, dataset, metric, unit, kind, value, low, "
            "high, note FROM result WHERE run_id = ? ORDER BY experiment_index, contender, parameters::VARCHAR, metric",
            [self.run_id],
        )

    def to_json(self) -> str:
        """The same as `assay compare --format json`."""
        return to_json(self._read())

    def report(self, path: str | os.PathLike[str], *, title: str | None = None) -> Path:
        """Writes one HTML page that opens offline, whole or not at all, and returns where it is.

        Raises:
            StoreError: The file cannot be written.
        """
        return write_report(self.store, self.run_id, path, title=title)

    @property
    def charts(self) -> list[str]:
        """The names of what `chart` draws: "load", "trade-off", or with several grid points "load-64-partitions"."""
        return [picture.name for picture in pictures_of(self.store, self.run_id)]

    def chart(self, name: str) -> Picture:
        """One of the page's charts as a picture: `.save("load.png", theme="dark")`, `.svg()`, `.specification()`.

        Args:
            name: One of `charts`.

        Raises:
            UnknownNameError: There is no such chart; the message names those that there are.
            EmptyInputError: Nothing was measured.
        """
        return chosen_picture(pictures_of(self.store, self.run_id), name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.run_id}: {self.answer or self.outcome.status}>"

    def __reduce__(self) -> tuple[object, ...]:
        """Refuses to be pickled: the numbers are in the store, not in this object.

        Raises:
            UnsupportedTypeError: Always; the message says what to send instead.
        """
        where = f"the file {self.store.path}, which store= names" if self.store.path else "a file that store= names"
        raise UnsupportedTypeError(
            f"a {type(self).__name__} cannot be pickled or copied, as it reads its numbers from a store; send "
            f".to_arrow() or .to_json(), or keep the run in {where}, and read it there"
        )

    def _repr_html_(self) -> str:
        """The page in a frame of its own, for notebooks: table and charts, without a network."""
        page = html.escape(build_page(self.store, self.run_id), quote=True)
        return (
            f'<iframe srcdoc="{page}" sandbox="allow-scripts" title="assay" '
            'style="width: 100%; height: 46em; border: 1px solid #8888"></iframe>'
        )

    def _read(self) -> dict[str, Any]:
        if self._rows is None:
            self._rows = to_rows(self.store, self.run_id)
        return self._rows


class Comparison(Results):
    """One experiment's results."""


class Run(Results):
    """A suite's results; `suite` is what was run."""

    def __init__(self, store: Store, outcome: RunOutcome, suite: Suite) -> None:
        super().__init__(store, outcome)
        self.suite = suite


def compare(
    kind: str,
    data: object,
    *,
    store: str | os.PathLike[str] | Store | None = None,
    executor: Executor | Client | str | None = None,
    jobs: int | None = None,
    timing: Timing = None,
    budget: str | float | None = None,
    seed: int = 0,
    resume: str | bool | None = None,
    progress: ProgressSink | None = None,
    command: str | None = None,
    **settings: Any,
) -> Comparison:
    """Measures the contenders of one experiment on one table, now.

    Args:
        kind: The experiment, such as "partitioning".
        data: A dataset's name, a definition, a path, a glob, a generator, or anything Arrow.
        store: A file that keeps the results; in memory by default.
        executor: Where the table is scanned: in this process by default; "threads", "processes", "dask:ADDRESS", a
            `distributed.Client`, or any `concurrent.futures.Executor`.
        jobs: How many spans the executor works on at once; as many as it has workers by default.
        timing: Whether to time, or how much; False leaves timed metrics out, as does an advice unless timing is given.
        budget: How long the run may take, such as "5m" or a number of seconds; timing goes on until it is precise.
        seed: Of seeded metrics, and of timing orders and resamples.
        resume: A run of this comparison in `store` that did not end, or True for the latest.
        progress: Told of each step; silent by default.
        command: What to type to repeat it; by default the `assay compare` that does.
        settings: The experiment's own, such as `strategies` and `partitions`; a list where a number stands is a grid.

    Returns:
        The results; cells that failed are among them with their errors.

    Raises:
        UsageError: A name, spelling or setting is wrong; several mistakes come as one SuiteError.
        DataError: The data cannot be read.
        MeasurementError: Nothing could be measured.
        InterruptedRunError: Ctrl-C.

    >>> compare("partitioning", "zipf(rows=1000, seed=7)", strategies=["round_robin"], timing=False).best()
    'round_robin'
    """
    name = f"{kind} of {Path(data).name if isinstance(data, (str, os.PathLike)) else 'a table'}"
    source = os.fspath(data) if isinstance(data, os.PathLike) else data
    entry = {"kind": kind, "dataset": source} | {key: value for key, value in settings.items() if value is not None}
    try:
        suite = suite_from_dict({"name": name, "seed": seed, "experiment": [entry]}, name=name)
    except SuiteError as error:
        mistakes = [(_setting(place) or kind, message) for place, message in error.mistakes]
        raise SuiteError(f"compare {kind}", mistakes) from None
    if command is None:
        command = suite.experiments[0].command if isinstance(source, str) else _call(kind, settings)
    kept, outcome = _run(suite, store, executor, jobs, _timing(timing, budget), resume, progress, command, seed)
    results = Comparison(kept, outcome)
    if not results.to_arrow().num_rows:
        raise _nothing(outcome)
    return results


def run(
    suite: str | os.PathLike[str] | Suite,
    *,
    store: str | os.PathLike[str] | Store | None = "assay.duckdb",
    executor: Executor | Client | str | None = None,
    jobs: int | None = None,
    timing: Timing = None,
    budget: str | float | None = None,
    resume: str | bool | None = None,
    progress: ProgressSink | None = None,
    command: str | None = None,
    label: str | None = None,
) -> Run:
    """Runs a suite and keeps what it measures.

    Args:
        suite: A TOML file, or what `load_suite` made of one.
        store: The file that keeps the results, an open store, or None for memory.
        executor: Where tables are scanned: in this process by default; "threads", "processes", "dask:ADDRESS", a
            `distributed.Client`, or any `concurrent.futures.Executor`.
        jobs: How many spans the executor works on at once.
        timing: Whether to time, or how much; experiments with advice are timed only if it is given.
        budget: How long the run may take, such as "5m" or a number of seconds; timing goes on until it is precise.
        resume: A run id, or True for the latest run of this suite that did not end.
        progress: Told of each step; silent by default.
        command: What to type to repeat it.
        label: A name for the run.

    Raises:
        SuiteError: Every mistake of the suite at once, each with its place.
        ReadError: There is no such suite.
        StoreError: The store cannot be written.
        InterruptedRunError: Ctrl-C; what was committed is kept, and the message says how to go on.
    """
    loaded = suite if isinstance(suite, Suite) else load_suite(Path(suite))
    kept, outcome = _run(loaded, store, executor, jobs, _timing(timing, budget), resume, progress, command, None, label)
    return Run(kept, outcome, loaded)


def export(
    data: object,
    *,
    target: str,
    strategy: str | None = None,
    partitions: int | None = None,
    table: str | None = None,
    exact: bool = False,
    rows: bool = False,
    store: str | os.PathLike[str] | Store | None = None,
    run: str | None = None,
) -> Export:
    """A partitioned layout as the DDL or configuration of a target, with the rows that each partition will hold.

    Args:
        data: A dataset's name, a definition, a path, a glob, a generator, or anything Arrow.
        target: Where to: "postgres", "duckdb" and others; see `assay.targets.TARGETS`.
        strategy: Its spelling; by default the one that the newest run in `store` recommends for this table.
        partitions: Their number; by default 8, or what the run was about.
        table: What to call the table there, such as "shop.orders"; by default as the dataset.
        exact: Keep the measured placement even where the target would use a hash of its own.
        rows: Export the rows too.
        store: The results to take the recommendation from.
        run: Which run of them: its id; the newest one by default.

    Returns:
        An `Export`: `.text` is the main file, `.write(path)` writes all, `.predicted` has the rows of each
        partition, `.keys` every key's partition, and `.notes` says where the target differs.

    Raises:
        UnknownNameError: There is no such target, strategy, column or parameter.
        UsageError: The target cannot express the strategy, or no run recommends one.
        UnsupportedTypeError: A column's type has no place in the target.
        EmptyInputError: No rows, or no key that is not null.

    >>> export("zipf(rows=1000, seed=7)", target="postgres", strategy="range(key)", partitions=2).predicted
    [499, 501]
    """
    target_of(target)
    dataset = open_dataset(os.fspath(data) if isinstance(data, os.PathLike) else data)
    if strategy is None:
        strategy, partitions = _recommended(dataset, store, run, partitions)
    spec = parse_strategy(strategy, dataset.schema, dataset.name)
    name = TableName.of_dataset(dataset.name) if table is None else TableName.parse(table)
    layout = lay_out(dataset, spec, _PARTITIONS if partitions is None else partitions)
    return export_layout(layout, target, Options(name, exact=exact, rows=rows))


def _recommended(
    dataset: Dataset, store: str | os.PathLike[str] | Store | None, run: str | None, partitions: int | None
) -> tuple[str, int]:
    """The strategy that a run recommends for a table, and its number of partitions."""
    if store is None:
        raise UsageError('no strategy is given; name one, such as "hash(column)", or a store that holds a comparison')
    if not isinstance(store, Store):
        with Store.read_only(Path(store)) as results:
            return _recommended(dataset, results, run, partitions)
    found = store.query(
        "SELECT r.run_id, e.answers FROM experiment e JOIN run r USING (run_id) WHERE e.kind = 'partitioning' "
        "AND e.dataset_fingerprint = ? AND e.answers IS NOT NULL AND starts_with(r.run_id, coalesce(?, '')) "
        "ORDER BY r.started DESC, r.run_id DESC, e.experiment_index",
        [dataset.fingerprint(), run],
    ).to_pylist()
    if not found:
        which = f"the run {run}" if run else "a run"
        raise UsageError(
            f"{store.path or 'the store'} holds no comparison of {dataset.name} by {which}; name a strategy, or "
            "compare some first"
        )
    newest = [row for row in found if row["run_id"] == found[0]["run_id"]]
    answers = [answer for row in newest for answer in json.loads(row["answers"]) if answer["best"]]
    # An advice stands for the grid points that it weighed.
    if partitions is None and any(answer.get("advice") for answer in answers):
        answers = [answer for answer in answers if answer.get("advice")]
    else:
        answers = [answer for answer in answers if not answer.get("advice")]
    chosen = {
        (answer["best"], answer["parameters"]["partitions"])
        for answer in answers
        if partitions in (None, answer["parameters"]["partitions"])
    }
    if len(chosen) != 1:
        known = ", ".join(f"{a['best']} at {a['parameters']['partitions']} partitions" for a in answers) or "nothing"
        wanted = "" if partitions is None else f" at {partitions} partitions"
        raise UsageError(
            f"run {newest[0]['run_id']} recommends {'nothing' if not chosen else 'several strategies'}{wanted}; "
            f"name the strategy or the partitions; it recommends {known}"
        )
    best, n = chosen.pop()
    weighed = any("capacities" in answer["parameters"] for answer in answers if answer["parameters"]["partitions"] == n)
    if weighed and best.partition("(")[0] in heeding_capacities():
        raise UsageError(
            f"run {newest[0]['run_id']} measured {best} on nodes of unequal capacities, which an export does not have "
            f"yet; name the strategy to export it for {n} equal nodes"
        )
    return best, n


def _run(
    suite: Suite,
    store: str | os.PathLike[str] | Store | None,
    executor: Executor | Client | str | None,
    jobs: int | None,
    timing: TimingSettings | None,
    resume: str | bool | None,
    progress: ProgressSink | None,
    command: str | None,
    seed: int | None,
    label: str | None = None,
) -> tuple[Store, RunOutcome]:
    """Runs `suite`; a store that this opens as a file is closed again and reopened to read."""
    path = None if store is None or isinstance(store, Store) else Path(store)
    if resume and store is None:
        raise UsageError("there is nothing to resume in memory; name the store with store= (--store FILE)")
    if resume and path is not None and not path.exists():
        raise UsageError(f"there is no store {path}, so there is nothing to resume; run without --resume")
    with opened_executor(executor, jobs) as pool:
        return _run_on(suite, store, pool, jobs, timing, resume, progress, command, seed, label)


def _run_on(
    suite: Suite,
    store: str | os.PathLike[str] | Store | None,
    executor: Executor | None,
    jobs: int | None,
    timing: TimingSettings | None,
    resume: str | bool | None,
    progress: ProgressSink | None,
    command: str | None,
    seed: int | None,
    label: str | None,
) -> tuple[Store, RunOutcome]:
    path = None if store is None or isinstance(store, Store) else Path(store)
    writer = store if isinstance(store, Store) else Store(path)
    try:
        outcome = run_suite(
            suite,
            writer,
            executor=executor,
            jobs=jobs,
            resume=resume,
            progress=progress or SilentProgress(),
            timing=timing,
            seed=seed,
            command=command,
            label=label,
        )
    except BaseException as error:
        if writer is not store:
            writer.close()
        if isinstance(error, InterruptedRunError) and store is None:
            message = "interrupted; nothing is kept, as the results were in memory; --store FILE keeps them"
            raise InterruptedRunError(message) from None
        raise
    if path is None:
        return writer, outcome
    writer.close()
    return Store.read_only(path), outcome


def _timing(timing: Timing, budget: str | float | None) -> TimingSettings | None:
    """How much to time; None where nothing was said."""
    if budget is None:
        return timing if timing is None or isinstance(timing, TimingSettings) else _switched(timing)
    if isinstance(timing, TimingSettings) and timing.enabled:
        return dataclasses.replace(timing, budget_s=budget_seconds(budget))
    if timing is False or isinstance(timing, TimingSettings):
        raise ParameterError(f'the budget is "{budget}", and timing is off; expected one of the two')
    return TimingSettings.within(budget)


def _switched(wanted: bool) -> TimingSettings:
    return TimingSettings() if wanted else TimingSettings.off()


def _nothing(outcome: RunOutcome) -> AssayError:
    """Why there is not one number, as the error that the first cause would have been."""
    causes = list(dict.fromkeys(failure.error for failure in outcome.failures))
    if not causes:
        return EmptyInputError("nothing was measured: the experiment has no number for this table")
    kind = UsageError if outcome.exit_code == 2 else MeasurementError
    return kind("; ".join(causes))


def _call(kind: str, settings: Mapping[str, Any]) -> str:
    """The Python call that repeats a comparison of data that only the caller has."""
    given = "".join(f", {name}={value!r}" for name, value in settings.items() if value is not None)
    return f"assay.compare({kind!r}, data{given})"


def _setting(place: str) -> str:
    """A place in the suite as a place in the call: `strategies[1]` for `experiment[0].strategies[1]`."""
    return place.removeprefix("experiment[0]").removeprefix(".")


def _words(parameters: Mapping[str, object] | Sequence[tuple[str, object]]) -> str:
    pairs = parameters.items() if isinstance(parameters, Mapping) else parameters
    return ", ".join(f"{name} = {value}" for name, value in pairs) or "all"
