"""From the template of a statement to what it asks of one table, by a SQL parser.

Cost: a parse per template, some 0.4 ms. The parser (sqlglot) reads the dialects of PostgreSQL,
MySQL and DuckDB; it is loaded when the first log is read.
Source: METHODOLOGY, "Workload".
"""

from __future__ import annotations

import logging
from typing import Any

from assay.datasets.workload.asked_table import (
    NO_COLUMN,
    NO_QUERY,
    NOT_PARSED,
    OTHER_TABLE,
    AskedTable,
    Ignored,
    IgnoredError,
)
from assay.datasets.workload.conditions import Access, Condition
from assay.datasets.workload.constants import constant_of
from assay.datasets.workload.scope import Scope, sources_of, table_name
from assay.errors import UsageError

__all__ = ["AccessReader"]


class AccessReader:
    """Reads templates for one table.

    Args:
        table: The table.
        mysql: Whether statements are in MySQL's dialect first.

    Raises:
        UsageError: The SQL parser is not installed.
    """

    def __init__(self, table: AskedTable, *, mysql: bool = False) -> None:
        try:
            import sqlglot
        except ImportError:
            raise UsageError(
                "a query log is read with the SQL parser sqlglot, which is not installed; run: pip install sqlglot"
            ) from None
        self.table = table
        self.tables: dict[str, int] = {}  # other tables met, and how many templates are about them
        self._sqlglot: Any = sqlglot
        self._dialects = ("mysql", "postgres") if mysql else ("postgres", "mysql", "duckdb")

    def read(self, template: str) -> list[Access] | Ignored:
        """The accesses of a template, or why it has none."""
        tree = self._parse(template)
        if isinstance(tree, Ignored):
            return tree
        exp = self._sqlglot.exp
        unnamed = [node for node in tree.find_all(exp.Placeholder, bfs=False) if not node.this]
        for position, node in enumerate(unnamed, start=1):  # ? and %s stand for the values in order
            node.set("this", str(position))
        try:
            found: list[Access] = []
            for node in tree.find_all(exp.Select, exp.Insert, exp.Update, exp.Delete):
                access = self._access(tree, node)
                found += access
            if found:
                return found
        except IgnoredError as error:
            return error.ignored
        except RecursionError:
            return Ignored(NOT_PARSED, "nested too deeply")
        names = {table_name(table) for table in tree.find_all(exp.Table)}
        for name in sorted(names):
            self.tables[name] = self.tables.get(name, 0) + 1
        queries = (exp.Query, exp.Insert, exp.Update, exp.Delete, exp.Merge)
        return Ignored(OTHER_TABLE if isinstance(tree, queries) else NO_QUERY)

    def _parse(self, template: str) -> Any:
        logger = logging.getLogger("sqlglot")
        level = logger.level
        logger.setLevel(logging.CRITICAL)  # what cannot be parsed is counted, not printed
        detail = ""
        try:
            for dialect in self._dialects:
                try:
                    trees = [tree for tree in self._sqlglot.parse(template, read=dialect) if tree is not None]
                except (self._sqlglot.errors.SqlglotError, RecursionError, ValueError, AttributeError) as error:
                    detail = detail or str(error).split("\n")[0]
                    continue
                if len(trees) == 1:
                    if isinstance(trees[0], self._sqlglot.exp.Command):
                        return Ignored(NO_QUERY)
                    if _is_fragment(self._sqlglot.exp, trees[0]):
                        detail = detail or "no statement"
                        continue
                    return trees[0]
        finally:
            logger.setLevel(level)
        return Ignored(NOT_PARSED, detail)

    # One SELECT, INSERT, UPDATE or DELETE

    def _access(self, tree: Any, node: Any) -> list[Access]:
        exp = self._sqlglot.exp
        ctes = {cte.alias_or_name.casefold() for cte in tree.find_all(exp.CTE)}
        if isinstance(node, exp.Insert):
            return self._insert(node)
        sources = list(sources_of(node, exp))
        ours = [
            source
            for source in sources
            if isinstance(source, exp.Table) and _is_named(source, self.table.name) and not _is_cte(source, ctes)
        ]
        found = []
        for source in ours:
            scope = Scope(self.table, exp, node, source, sources)
            found.append(scope.access())
        return found

    def _insert(self, node: Any) -> list[Access]:
        exp = self._sqlglot.exp
        target = node.this
        names: list[str] | None = None
        if isinstance(target, exp.Schema):
            names = [one.name for one in target.expressions]
            target = target.this
        if not isinstance(target, exp.Table) or not _is_named(target, self.table.name):
            return []
        columns = list(self.table.types) if names is None else [self.table.column(name) for name in names]
        rows = node.expression
        if not isinstance(rows, exp.Values):
            return [Access("insert", ())]
        found = []
        for row in rows.expressions:
            values = row.expressions if isinstance(row, exp.Tuple) else [row]
            if len(values) > len(columns):
                raise IgnoredError(NO_COLUMN, f"{len(values)} values for {len(columns)} columns")
            pairs = [
                (name, constant)
                for name, value in zip(columns, values, strict=False)
                if (constant := constant_of(value, exp)) is not None and not isinstance(value, exp.Null)
            ]
            found.append(Access("insert", tuple(Condition(name, (constant,)) for name, constant in pairs)))
        return found


def _is_fragment(exp: Any, tree: Any) -> bool:
    """Whether the parser made an expression, such as a lone word, of what is no statement."""
    expressions = (exp.Condition, exp.Alias, exp.Paren, exp.Tuple, exp.Var, exp.Identifier)
    return isinstance(tree, expressions) and not isinstance(tree, (exp.Query, exp.Insert, exp.Update, exp.Delete))


def _is_named(table: Any, name: str) -> bool:
    return table_name(table).casefold() == name.casefold()


def _is_cte(table: Any, ctes: set[str]) -> bool:
    return not table.db and table_name(table).casefold() in ctes
