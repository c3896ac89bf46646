"""The experiment `indexing`: settings checked against a table, cells planned, answers given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from assay import _core
from assay.datasets import Dataset, guess_roles
from assay.datasets.arrow_types import plain_type
from assay.datasets.workload import Workload, workload_of
from assay.errors import AssayError, EmptyInputError, ParameterError, UnsupportedTypeError, UsageError
from assay.experiments.base import Answer, Cell, Job, Metric, Value
from assay.experiments.indexing.answer import answers
from assay.experiments.indexing.contenders import (
    NO_INDEX,
    IndexSpec,
    baseline_of,
    is_same,
    parse_index,
    propose,
    why_not_here,
)
from assay.experiments.indexing.contests import Contest, Key
from assay.experiments.indexing.job import IndexingJob
from assay.experiments.indexing.keys import key_label
from assay.experiments.indexing.log import operations_of
from assay.experiments.indexing.metrics import METRICS
from assay.experiments.indexing.mix import Mix, default_reads, mix_of, parsed_operations, unasked
from assay.experiments.indexing.operations import Operation
from assay.experiments.indexing.settings import IndexingSettings
from assay.experiments.planning import Mistakes, no_key, parsed_once, raise_any

__all__ = ["EXPERIMENT", "IndexingExperiment"]

_KEYS_BY_DEFAULT = 2  # single ones; a compound foreign key beside
_KEYS_OF_A_LOG = 4  # those that are asked for most


@dataclass(frozen=True)
class IndexingExperiment:
    """Does a column deserve an index, of which kind, and from which mix on?"""

    kind: str = "indexing"
    question: str = "Does a column deserve an index, and which?"
    noun: str = "index"
    settings: type[IndexingSettings] = IndexingSettings

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Every metric, by its name with the variable part in capitals."""
        return METRICS

    def job(self, dataset: Dataset, settings: IndexingSettings, *, base: str | None = None) -> IndexingJob:
        """Plans the cells.

        Raises:
            SuiteError: Several mistakes; a single one is raised as the error that it is.
        """
        mistakes: Mistakes = []
        specs = parsed_once(
            settings.indexes or propose(), parse_index, setting="indexes", noun="index", mistakes=mistakes
        )
        if dataset.rows == 0:
            mistakes.append(("dataset", EmptyInputError(f"{dataset.name} has no rows; there is nothing to index")))
        log = _log(dataset, settings, base, mistakes)
        operations = None if log is None else operations_of(log)
        if settings.queries is not None:
            operations = parsed_operations(settings.queries, dataset, mistakes)
        keys = _keys(dataset, settings, operations, mistakes)
        if operations is None or not any(one.is_read for one in operations):
            reads = [one for key in keys for one in default_reads(key, dataset.schema)]
            operations = [*reads, *(operations or [])]
        mix = mix_of(operations, settings.read_share)
        for place, key in keys.items():
            if not mix.of(place):
                mistakes.append((key, unasked(place, mix)))
        _check_rows(dataset, settings, list(keys), mistakes)
        raise_any(self.kind, mistakes)
        specs, skipped = _with_baselines(specs)
        contests = tuple(
            self._contest(dataset, spec, Key(names, rows, order, duplicates), threads, settings, mix, log)
            for names in keys
            for rows in settings.row_counts
            for order in settings.orders
            for duplicates in settings.duplicate_counts
            for threads in settings.thread_counts
            for spec in specs
        )
        notes = () if log is None else (log.summary(dataset.name), *log.assumptions)
        return IndexingJob(dataset, contests, mix, settings, notes, skipped)

    def _contest(
        self,
        dataset: Dataset,
        spec: IndexSpec,
        key: Key,
        threads: int,
        settings: IndexingSettings,
        mix: Mix,
        log: Workload | None,
    ) -> Contest:
        parameters: dict[str, Any] = {"column": key_label(key.names), "order": key.order, "threads": threads}
        for name in ("rows", "duplicates"):
            if getattr(key, name) is not None:
                parameters[name] = getattr(key, name)
        for name in ("batch", "absent_share", "seed"):
            parameters[name] = getattr(settings, name)
        parameters["read_share"] = round(mix.read_share, 9)
        parameters["queries"] = mix.label
        if log is not None:
            parameters["workload"] = log.label
        cell = Cell(self.kind, spec.text, spec.contender.version, parameters, dataset.name, dataset.fingerprint())
        return Contest(spec, key, threads, cell)

    def answer(
        self, cells: Sequence[Cell], values: Sequence[Value], settings: IndexingSettings, job: Job | None = None
    ) -> Sequence[Answer]:
        """The answer for each key as it is varied."""
        return answers(cells, values, job if isinstance(job, IndexingJob) else None)


def _with_baselines(specs: Sequence[IndexSpec]) -> tuple[list[IndexSpec], dict[str, str]]:
    """The contenders that can be here, each kind with what it is without an index, those first; and why others cannot.

    The first of each metric is what the others are compared with.
    """
    skipped = {spec.text: why for spec in specs if (why := why_not_here(spec)) is not None}
    found = [spec for spec in specs if spec.text not in skipped]
    for wanted in (parse_index(NO_INDEX), *map(baseline_of, list(found))):
        if wanted is not None and all(not is_same(wanted, spec) for spec in found):
            found.append(wanted)
    return sorted(found, key=lambda spec: (spec.name != NO_INDEX, not spec.is_bare)), skipped


def _keys(
    dataset: Dataset, settings: IndexingSettings, operations: Sequence[Operation] | None, mistakes: Mistakes
) -> dict[tuple[str, ...], str]:
    """The keys that may be indexed, each with the place of the setting that names it."""
    found: dict[tuple[str, ...], str] = {}
    asked = _asked(operations or ())
    for number, given in enumerate(settings.columns):
        place = f"columns[{number}]"
        try:
            names = _names(dataset, given)
            if names in found:
                raise ParameterError(f"{key_label(names)} is named twice; name each column once")
            found[names] = place
        except AssayError as error:
            mistakes.append((place, error))
    if not settings.columns:
        asked = asked if settings.workload is None else asked[:_KEYS_OF_A_LOG]
        is_wrong = any(place.startswith(("queries", "workload")) for place, _ in mistakes)
        chosen = asked or ([] if is_wrong else _proposed(dataset, mistakes))
        found = {names: "columns" for names in dict.fromkeys(chosen) if all(n in dataset.schema.names for n in names)}
    for names, place in list(found.items()):
        try:
            for name in names:
                _check_type(name, dataset.schema.field(name).type)
        except AssayError as error:
            mistakes.append((place, error))
            del found[names]
    return found


def _asked(operations: Sequence[Operation]) -> list[tuple[str, ...]]:
    """The keys of the reads, those that are asked for most first."""
    often: dict[tuple[str, ...], float] = {}
    for one in operations:
        for key in _of_one(one) if one.is_read else ():
            often[key] = often.get(key, 0.0) + one.weight
    return sorted(often, key=lambda key: -often[key])


def _of_one(operation: Operation) -> list[tuple[str, ...]]:
    """The keys that an operation proposes: that of its columns, and of a log's window its column."""
    if operation.template is None:
        return [operation.columns]
    return [key for key in (operation.template.points, *((name,) for name in operation.template.windows)) if key]


def _log(dataset: Dataset, settings: IndexingSettings, base: str | None, mistakes: Mistakes) -> Workload | None:
    """The query log, read, if one is named.

    Raises:
        DataError: The log cannot be read.
    """
    if settings.workload is None:
        return None
    try:
        return workload_of(settings.workload, dataset, base=None if base is None else Path(base))
    except UsageError as error:
        mistakes.append(("workload", error))
        return None


def _names(dataset: Dataset, given: str | list[str]) -> tuple[str, ...]:
    """The columns of a key as it was written.

    Raises:
        UnknownNameError: There is no such column.
        ParameterError: None is named, or one twice.
    """
    parts = given if isinstance(given, list) else [given] if given in dataset.schema.names else given.split("+")
    names = tuple(str(dataset.column(part.strip()).name) for part in parts)
    if not names or len(set(names)) != len(names):
        raise ParameterError(f"a key of the columns {list(names)}; expected at least one, and each once")
    return names


def _proposed(dataset: Dataset, mistakes: Mistakes) -> list[tuple[str, ...]]:
    """The columns that look most like keys, and the first compound foreign key."""
    if dataset.rows == 0:
        return []
    keys = [(name,) for name in guess_roles(dataset).keys[:_KEYS_BY_DEFAULT]]
    compound = [tuple(key.columns) for key in dataset.foreign_keys if len(key.columns) > 1]
    found = [*keys, *compound[:1]]
    if not found:
        mistakes.append(("columns", no_key(dataset, 'columns = ["..."]')))
    return found


def _check_type(name: str, data_type: pa.DataType) -> None:
    """Refuses a column that cannot be a key.

    Raises:
        UnsupportedTypeError: Its values have no order, as those of lists and structures.
    """
    plain = plain_type(data_type)
    try:
        _core.KeyTable().insert(pa.array([], plain))
    except (TypeError, ValueError):
        raise UnsupportedTypeError(
            f'column "{name}" is of type {data_type}, whose values have no order and cannot be a key; expected '
            "numbers, texts, binary values, times, decimals or booleans"
        ) from None


def _check_rows(
    dataset: Dataset, settings: IndexingSettings, keys: Sequence[tuple[str, ...]], mistakes: Mistakes
) -> None:
    """What can be said of sizes before anything is read."""
    rows = dataset.rows
    if rows is not None and settings.duplicates is None:
        for count in settings.row_counts:
            if count is not None and count > rows:
                message = f"rows is {count:,}, and {dataset.name} has {rows:,}; ask for fewer, or leave it out"
                mistakes.append(("rows", ParameterError(message)))
    limit = settings.memory_limit_bytes
    most = max((count or rows or 0 for count in settings.row_counts), default=0)
    if limit is None or not most:
        return
    for names in keys:
        width = sum(_width(dataset.schema.field(name).type) for name in names)
        if width * most > limit:
            mistakes.append(
                (
                    "memory_limit",
                    ParameterError(
                        f"memory_limit is {limit:,} bytes, and {key_label(names)} alone has at least {width * most:,} "
                        f"in {most:,} rows; raise it, or ask for fewer rows"
                    ),
                )
            )


def _width(data_type: pa.DataType) -> int:
    """The bytes of a value, at least."""
    try:
        return max(1, int(plain_type(data_type).bit_width) // 8)
    except ValueError:
        return 8  # an offset


EXPERIMENT = IndexingExperiment()
