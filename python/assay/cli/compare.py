"""`assay compare`: one comparison now."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from assay.cli.options import (
    BudgetOption,
    ExecutorKind,
    FormatOption,
    JobsOption,
    ResumeOption,
    RoundsOption,
    TimingOption,
    executor_of,
    tell_store,
    timing_of,
)
from assay.cli.output import console, note, say

__all__ = ["compare", "with_plain_settings"]

_Texts = list[str] | None


def compare(
    kind: Annotated[str, Parameter(help="The experiment: see `assay list experiments`.")],
    data: Annotated[str, Parameter(help="A dataset's name, a path, a glob, a definition or a generator.")],
    /,
    *,
    partitions: Annotated[
        _Texts,
        Parameter(help="How many partitions (8 by default); several are a grid: 8,64.", metavar="N", negative=()),
    ] = None,
    strategy: Annotated[
        _Texts,
        Parameter(
            help='A strategy, such as "hash(column)"; repeat the flag. Sensible ones are proposed if none is named.',
            metavar="SPELLING",
            negative=(),
        ),
    ] = None,
    strategies: Annotated[
        _Texts, Parameter(help="Several strategies at once.", metavar="SPELLING", consume_multiple=True, negative=())
    ] = None,
    key: Annotated[
        _Texts, Parameter(help="The column to propose strategies for.", metavar="COLUMN", negative=())
    ] = None,
    foreign_keys: Annotated[
        _Texts,
        Parameter(
            help="Foreign keys of the dataset to look at; all of them by default.",
            metavar="NAME",
            negative="--no-foreign-keys",
        ),
    ] = None,
    queries: Annotated[
        _Texts,
        Parameter(
            help="Queries whose fan-out to measure, such as \"day=range(time, width='1d')\"; the dataset's by default.",
            metavar="NAME=QUERY",
            negative="--no-queries",
        ),
    ] = None,
    weight: Annotated[
        _Texts, Parameter(help="A column of whole numbers that weighs the rows.", metavar="COLUMN", negative=())
    ] = None,
    time: Annotated[
        _Texts,
        Parameter(
            help="The column that tells new rows from old: replays the newest tenth.", metavar="COLUMN", negative=()
        ),
    ] = None,
    growth_skew_max: Annotated[
        _Texts,
        Parameter(help="How unevenly the newest tenth of the rows may lie, over its mean.", metavar="X", negative=()),
    ] = None,
    bytes: Annotated[bool | None, Parameter(help="Measure the bytes of rows too, which reads every column.")] = None,
    advise: Annotated[
        bool | None,
        Parameter(
            help="Find key, strategy and number of partitions: candidates are made, and one answer is given over all.",
            negative=(),
        ),
    ] = None,
    skew_max: Annotated[
        _Texts,
        Parameter(help="The fullest partition over the mean, at most (1.25 by default).", metavar="X", negative=()),
    ] = None,
    moved_max: Annotated[
        _Texts,
        Parameter(help="The share of the data that a node more may move, such as 0.1.", metavar="X", negative=()),
    ] = None,
    partition_bytes_max: Annotated[
        _Texts, Parameter(help="The most bytes in a partition, such as 1GiB.", metavar="SIZE", negative=())
    ] = None,
    fan_out_max: Annotated[
        _Texts,
        Parameter(help="The most partitions that a query may ask on average.", metavar="X", negative=()),
    ] = None,
    seed: Annotated[int, Parameter(help="Of seeded metrics and of timing orders.")] = 0,
    format: FormatOption = "table",
    report: Annotated[Path | None, Parameter(help="Write the HTML page too.", metavar="FILE")] = None,
    store: Annotated[Path | None, Parameter(help="Keep the results in this file.", metavar="FILE")] = None,
    timing: TimingOption = None,
    rounds: RoundsOption = None,
    budget: BudgetOption = None,
    jobs: JobsOption = None,
    executor: ExecutorKind = None,
    resume: ResumeOption = None,
    **settings: Annotated[list[str], Parameter(show=False, negative=())],
) -> int:
    """Compare contenders on a table, now.

    Without strategies it proposes sensible ones for the table and says which
    it tried. Every setting of an experiment is a flag, also those not shown
    here: `assay explain KIND` lists them.

    With --advise it looks for the key and the number of partitions as well,
    under the limits given.

    For example:

        assay compare partitioning flights --partitions 8
        assay compare partitioning flights --advise --moved-max 0.1
        assay compare partitioning flights --strategy "hash(dest)" --report p.html
    """
    from assay.cli.progress import HeldProgress
    from assay.cli.settings import settings_of
    from assay.experiments import registry
    from assay.front import compare as measure

    experiment = registry.get(kind)
    flags = {
        "partitions": partitions,
        "strategy": strategy,
        "strategies": strategies,
        "key": key,
        "foreign-keys": foreign_keys,
        "queries": queries,
        "weight": weight,
        "bytes": None if bytes is None else [str(bytes).lower()],
        "advise": None if advise is None else [str(advise).lower()],
        "skew-max": skew_max,
        "moved-max": moved_max,
        "partition-bytes-max": partition_bytes_max,
        "fan-out-max": fan_out_max,
        "time": time,
        "growth-skew-max": growth_skew_max,
        **settings,
    }
    texts_given = {name: texts for name, texts in flags.items() if texts is not None}
    of_some = set(flags) - set(settings)  # settings of one experiment or another, not of the verb
    known = [flag for flag in sorted(_OWN_FLAGS) if flag.removeprefix("no-") not in of_some]
    given = settings_of(experiment, texts_given, known=known)
    from assay.harness.commands import compare_command

    extras = ["--no-timing"] if timing is False else ["--timing"] if timing else []
    extras += [] if rounds is None else ["--rounds", str(rounds)]
    extras += [] if budget is None else ["--budget", budget]
    extras += ["--seed", str(seed)] if seed else []
    extras += [] if store is None else ["--store", str(store)]
    command = " ".join([compare_command(kind, data, given, experiment.noun), *([shlex.join(extras)] if extras else [])])
    progress = HeldProgress()
    with executor_of(executor, jobs) as pool:
        results = measure(
            kind,
            data,
            store=store,
            executor=pool,
            jobs=jobs,
            timing=timing_of(timing, rounds, budget),
            seed=seed,
            resume=True if resume == "latest" else resume,
            progress=progress,
            command=command,
            **given,
        )
    if format == "table":
        results.show(console=console())
    else:
        from assay.report import format_run

        say(format_run(results.store, results.run_id, format))
        for message in progress.messages:
            note(message)
    if report is not None:
        note(f"report: {results.report(report)}")
    if store is not None:
        tell_store(store, results.run_id)
    return results.exit_code


_OWN_FLAGS = frozenset(
    {
        *(
            "partitions",
            "strategy",
            "strategies",
            "key",
            "foreign-keys",
            "queries",
            "weight",
            "bytes",
            "advise",
            "skew-max",
            "moved-max",
            "partition-bytes-max",
            "fan-out-max",
            "growth-skew-max",
            "time",
            "seed",
            "format",
        ),
        *("report", "store", "timing", "rounds", "budget", "jobs", "executor", "resume", "help", "version"),
        *("no-foreign-keys", "no-queries", "no-bytes", "no-timing"),
    }
)
_TABLE_ENTRY = re.compile(r"--([a-z][a-z0-9-]*)\.([^=]+)(?:=(.*))?", re.DOTALL)


def with_plain_settings(words: Sequence[str]) -> list[str]:
    """The words after `compare`, where `--queries.day X` has become `--queries day=X`, and a flag of another
    experiment without a value a boolean."""
    found: list[str] = []
    position = 0
    while position < len(words):
        word = words[position]
        following = words[position + 1] if position + 1 < len(words) else None
        position += 1
        entry = _TABLE_ENTRY.fullmatch(word)
        name = word.removeprefix("--")
        if entry is not None:
            value = entry[3]
            if value is None and following is not None:
                value = following
                position += 1
            found += [f"--{entry[1]}", f"{entry[2]}={value or ''}"]
        elif (
            word.startswith("--")
            and name
            and "=" not in name
            and name not in _OWN_FLAGS
            and (following is None or following.startswith("--"))
        ):
            found.append(f"--{name.removeprefix('no-')}={'false' if name.startswith('no-') else 'true'}")
        else:
            found.append(word)
    return found
