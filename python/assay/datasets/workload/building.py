"""From the statements of a query log to a workload.

Every statement is either used or counted under the reason why it is not; what had to be assumed is
said. Cost: some 20 µs a statement and 0.4 ms for each that differs in more than literals; memory for
the distinct instances.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.datasets.dataset import Dataset
from assay.datasets.definition import ForeignKey
from assay.datasets.query import Query
from assay.datasets.workload.asked_table import NO_VALUE, NOT_PARSED, NOT_TEXT, AskedTable, Ignored
from assay.datasets.workload.assumptions import sentences_of
from assay.datasets.workload.conditions import Access, Bound, Kind, bind
from assay.datasets.workload.reader import AccessReader
from assay.datasets.workload.spelled import spelled_access
from assay.datasets.workload.sql_text import template_of
from assay.datasets.workload.statements import Log, Statement, log_of
from assay.datasets.workload.workload import Template, Transactions, Workload, counted
from assay.errors import EmptyInputError, ParameterError

__all__ = ["MOST_INSTANCES", "workload_of"]

MOST_INSTANCES = 2**20  # distinct ones, each some hundred bytes
UNNAMED = "table"  # what a table in memory is called
OTHER = "other"

_BEGIN = re.compile(r"(?:begin|start\s+transaction)\b", re.IGNORECASE)
_COMMIT = re.compile(r"(?:commit|end)\b", re.IGNORECASE)
_ROLLBACK = re.compile(r"(?:rollback|abort)\b(?!\s+(?:work\s+|transaction\s+)?to\b)", re.IGNORECASE)
_ODD = re.compile(r"\W+")


@dataclass(frozen=True)
class _Shape:
    kind: Kind
    words: tuple[tuple[str, str], ...]  # column, "point" or "in_list" or "range"
    joins: tuple[str, ...]
    groups: tuple[str, ...]
    assumed: Query | None = None
    name: str = ""  # of a declared query


def workload_of(
    source: object, dataset: Dataset, foreign_keys: Sequence[ForeignKey] | None = None, *, base: Path | None = None
) -> Workload:
    """What a query log asks of `dataset`.

    Args:
        source: The log, see `log_of`.
        dataset: The table; statements name it by its name.
        foreign_keys: Its references that count; all of them by default.
        base: Where relative paths start.

    Raises:
        ReadError: The log cannot be read.
        UsageError: It is a table of another form, or the SQL parser is not installed.
        EmptyInputError: No statement asks the table.
        ParameterError: It holds too many distinct statements.
    """
    keys = dataset.foreign_keys if foreign_keys is None else tuple(foreign_keys)
    builder = _Builder(log_of(source, base=base), dataset, keys, dataset.name)
    builder.read()
    if not builder.used and dataset.name == UNNAMED and (named := builder.nearest_table()) is not None:
        builder = _Builder(log_of(source, base=base), dataset, keys, named)
        builder.assume(f'The table has no name of its own; statements about "{named}" were taken as its own.')
        builder.read()
    return builder.finish()


class _Builder:
    """Reads a log statement by statement."""

    def __init__(self, log: Log, dataset: Dataset, foreign_keys: Sequence[ForeignKey], name: str) -> None:
        self.log, self.dataset = log, dataset
        parents = {key.name: (key.name, Path(key.parent).name.split(".")[0]) for key in foreign_keys}
        self.table = AskedTable(name, dataset.schema, foreign_keys, parents)
        self.reader = AccessReader(self.table, mysql=log.mysql)
        self.queries = {query.name: query for query in dataset.queries}
        self.statements = self.used = 0
        self.ignored: Counter[str] = Counter()
        self.joins: Counter[str] = Counter({key.name: 0 for key in foreign_keys})
        self._plans: dict[str, list[Access] | Ignored] = {}
        self._words: dict[int, tuple[tuple[str, str], ...]] = {}
        self._instances: dict[_Shape, dict[tuple[Bound, tuple[str, ...]], list[int]]] = {}  # → [number, frequency]
        self._updates: Counter[tuple[str, ...]] = Counter()
        self._count = 0
        self._said: Counter[str] = Counter()
        self._sentences: list[str] = []
        self._open: dict[str, list[tuple[_Shape, int] | None]] = {}
        self._blocks: Counter[tuple[tuple[_Shape, int], ...]] = Counter()
        self._left_out: Counter[str] = Counter()

    def assume(self, sentence: str) -> None:
        """Says something that the reader must know."""
        self._sentences.append(sentence)

    def read(self) -> None:
        """Reads the whole log."""
        for statement in self.log.statements:
            if not self._control(statement):
                self.statements += statement.frequency
                reason = self._use(statement)
                if reason is None:
                    self.used += statement.frequency
                else:
                    self.ignored[reason] += statement.frequency
        self._left_out["not finished"] += len(self._open)

    def nearest_table(self) -> str | None:
        """The table that most templates are about, of those that were left out."""
        tables = sorted(self.reader.tables.items(), key=lambda item: (-item[1], item[0]))
        return tables[0][0] if tables else None

    # One statement

    def _control(self, statement: Statement) -> bool:
        """Follows BEGIN, COMMIT and ROLLBACK; whether the statement is one of them."""
        text, session = statement.text, statement.session
        if statement.problem is not None or len(text) > 200:
            return False
        if _BEGIN.match(text):
            if self.log.ordered:
                self._close(session)
                self._open[session] = []
            return True
        if _COMMIT.match(text):
            self._close(session)
            return True
        if _ROLLBACK.match(text):
            if self._open.pop(session, None) is not None:
                self._left_out["rolled back"] += 1
            return True
        return False

    def _close(self, session: str) -> None:
        block = self._open.pop(session, None)
        if block is None:
            return
        known = [one for one in block if one is not None]
        if len(known) < len(block):
            self._left_out["with values that the log does not tell"] += 1
        elif not known:
            self._left_out["without a point access"] += 1
        else:
            order = {shape: position for position, shape in enumerate(self._instances)}
            self._blocks[tuple(sorted(set(known), key=lambda one: (order[one[0]], one[1])))] += 1

    def _use(self, statement: Statement) -> str | None:
        """Counts a statement's accesses; the reason if it has none."""
        if statement.problem is not None:
            return statement.problem
        if "\ufffd" in statement.text:
            return NOT_TEXT
        plan, literals = self._plan(statement)
        if isinstance(plan, Ignored):
            return plan.reason
        try:
            bounds = [bind(access, self.table.types, literals, statement.parameters) for access in plan]
        except ValueError:
            return NO_VALUE
        except (RecursionError, IndexError):
            return NOT_PARSED
        block = self._open.get(statement.session)
        for access, bound in zip(plan, bounds, strict=True):
            place = self._add(access, bound, statement.frequency)
            if access.kind == "update":
                self._updates[access.sets] += statement.frequency
            if block is not None and place is not False:
                block.append(place)
        self.joins.update(dict.fromkeys({name for access in plan for name in access.joins}, statement.frequency))
        self._say(plan, statement.frequency)
        return None

    def _plan(self, statement: Statement) -> tuple[list[Access] | Ignored, Any]:
        text = statement.text
        spelled = spelled_access(text, self.table, self.queries, statement.parameters)
        if spelled is not None:
            return spelled, ()
        template, literals = template_of(text, mysql=self.log.mysql)
        plan = self._plans.get(template)
        if plan is None:
            plan = self._plans[template] = self.reader.read(template)
        return plan, literals

    def _say(self, plan: Sequence[Access], frequency: int) -> None:
        if any(access.partial for access in plan):
            self._said["partial"] += frequency
        if any(access.undeclared_joins for access in plan):
            self._said["undeclared"] += frequency
        if len(plan) > 1:
            self._said["inserts" if all(access.kind == "insert" for access in plan) else "several"] += frequency

    def _add(self, access: Access, bound: Bound, frequency: int) -> Any:
        """Counts one access: its place, None where the log does not tell its values, False where it is no point."""
        words = dict(_words_of(access))
        assumed = None
        if access.kind == "insert":
            words = {name: word for name, word in words.items() if name not in dict(bound.unknown)}
        elif bound.unknown:
            assumed, bound, words = self._assumed(bound, words, frequency)
        name = access.name
        shape = _Shape(access.kind, tuple(words.items()), access.joins, access.groups, assumed, name)
        reads = () if access.kind == "insert" else access.reads
        instances = self._instances.setdefault(shape, {})
        entry = instances.get((bound, reads))
        if entry is None:
            self._count += 1
            if self._count > MOST_INSTANCES:
                raise ParameterError(
                    f"{self.log.name} holds more than {MOST_INSTANCES:,} distinct statements about {self.table.name}; "
                    "take a part of the log, such as an hour"
                )
            entry = instances[bound, reads] = [len(instances), 0]
        entry[1] += frequency
        if assumed is not None:
            return None
        is_point = access.kind == "insert" or (bool(bound.points) and not bound.windows)
        return (shape, entry[0]) if is_point else False

    def _assumed(
        self, bound: Bound, words: dict[str, str], frequency: int
    ) -> tuple[Query | None, Bound, dict[str, str]]:
        """The query that stands for an access whose values are not told."""
        unknown = dict(bound.unknown)
        equal = [name for name, word in words.items() if word == "point"]
        listed = [name for name, word in unknown.items() if word == "in_list"]
        if any(unknown.get(name) == "point" for name in equal):
            self._said["point"] += frequency
            return Query("", "point", tuple(equal)), Bound((), ()), dict.fromkeys(equal, "point")
        if listed:
            name, size = listed[0], dict(bound.sizes)[listed[0]]
            self._said["in_list"] += frequency
            return Query("", "in_list", (name,), size=size), Bound((), ()), {name: "in_list"}
        if not bound.points and not bound.windows:
            for query in self.queries.values():
                if query.kind == "range" and query.columns[0] in unknown:
                    self._said[f"range:{query.columns[0]}:{query.width}"] += frequency
                    same = Query("", "range", query.columns, width=query.width)
                    return same, Bound((), ()), {query.columns[0]: "range"}
        for name in unknown:
            self._said[f"width:{name}"] += frequency
        kept = {name: word for name, word in words.items() if name not in unknown}
        return None, Bound(bound.points, bound.windows), kept

    # The whole

    def finish(self) -> Workload:
        """What was read.

        Raises:
            EmptyInputError: No statement asks the table.
        """
        if not self.used:
            raise EmptyInputError(self._nothing())
        counted = {shape: sum(entry[1] for entry in found.values()) for shape, found in self._instances.items()}
        order = sorted(self._instances, key=lambda shape: (-counted[shape], _name(shape), str(shape.assumed)))
        names = _unique([_name(shape) for shape in order])
        templates = []
        for shape, name in zip(order, names, strict=True):
            found = self._instances[shape]
            assumed = None
            if shape.assumed is not None:
                assumed = Query(
                    name, shape.assumed.kind, shape.assumed.columns, shape.assumed.size, shape.assumed.width
                )
            templates.append(
                Template(
                    name,
                    shape.kind,
                    tuple(column for column, word in shape.words if word != "range"),
                    tuple(column for column, word in shape.words if word == "range"),
                    shape.joins,
                    shape.groups,
                    tuple(bound for bound, _ in found),
                    tuple(entry[1] for entry in found.values()),
                    tuple(reads for _, reads in found),
                    assumed,
                )
            )
        position = {shape: index for index, shape in enumerate(order)}
        blocks = [tuple(sorted((position[shape], number) for shape, number in block)) for block in self._blocks]
        left_out = {reason: count for reason, count in self._left_out.items() if count}
        return Workload(
            self.log.name,
            self.log.kind,
            tuple(templates),
            dict(self.joins),
            Transactions(tuple(blocks), tuple(self._blocks.values()), left_out),
            self.statements,
            self.used,
            dict(self.ignored.most_common()),
            (*self._sentences, *sentences_of(self._said, self.table.name)),
            dict(self._updates.most_common()),
        )

    def _nothing(self) -> str:
        name, table = self.log.name, self.table.name
        if not self.statements:
            return f"{name} ({self.log.kind}) holds no statement; expected SQL, or a server's log of statements"
        text = f"no statement of {name} ({self.log.kind}, {counted(self.statements, 'statement')}) asks {table}"
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in self.ignored.most_common())
        tables = sorted(self.reader.tables, key=lambda one: (-self.reader.tables[one], one))[:6]
        met = f"; tables met: {', '.join(tables)}" if tables else ""
        return f"{text}: {reasons}{met}; name the dataset as the log does (name = in its definition)"


def _words_of(access: Access) -> list[tuple[str, str]]:
    """For each column of the conditions, whether it is a point, a list or a range."""
    found: dict[str, str] = {}
    rank = {"range": 0, "in_list": 1, "point": 2}
    for condition in access.conditions:
        word = "range" if condition.values is None or condition.day else "in_list" if condition.is_list else "point"
        if rank[word] >= rank.get(found.get(condition.column, ""), -1):
            found[condition.column] = word
    return list(found.items())


def _name(shape: _Shape) -> str:
    if shape.name:
        return shape.name
    parts: list[str] = [] if shape.kind == "select" else [shape.kind]
    if shape.kind != "insert":
        for word in ("point", "in_list", "range"):
            columns = [_ODD.sub("_", column) for column, one in shape.words if one == word]
            parts += [word, *columns] if columns else []
        if not shape.words:
            parts.append("scan")
    parts += ["join", *(_ODD.sub("_", name) for name in shape.joins)] if shape.joins else []
    parts += ["group", *(_ODD.sub("_", name) for name in shape.groups)] if shape.groups else []
    return "_".join(parts)


def _unique(names: Sequence[str]) -> list[str]:
    taken: set[str] = set()
    found = []
    for name in names:
        one, number = name, 1
        while one in taken or one == OTHER:
            number += 1
            one = f"{name}_{number}"
        taken.add(one)
        found.append(one)
    return found
