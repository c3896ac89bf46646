"""One reading of the table within a SELECT, UPDATE or DELETE: its conditions, joins, groups and columns.

A condition on the key of a joined parent is one on the table's own columns, since the join makes
them equal. What restricts the table otherwise (LIKE, <>, functions of a column, OR over several
columns) makes an access `partial`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from assay.datasets.arrow_types import plain_type
from assay.datasets.workload.asked_table import NO_COLUMN, AskedTable, IgnoredError
from assay.datasets.workload.conditions import Access, Condition, Kind
from assay.datasets.workload.constants import array, constant, constant_of, fixed

__all__ = ["Scope", "sources_of", "table_name"]


class Scope:
    """One reading of the table within a SELECT, UPDATE or DELETE."""

    def __init__(self, table: AskedTable, exp: Any, node: Any, own: Any, sources: list[Any]) -> None:
        self.table, self.exp, self.node, self.own, self.sources = table, exp, node, own, sources
        self.alias = own.alias_or_name.casefold()
        self.others = {
            source.alias_or_name.casefold(): table_name(source)
            for source in node.find_all(self.exp.Table)
            if source is not own
        }
        self.aliases = {one.alias.casefold() for one in getattr(node, "expressions", ()) if one.alias}
        self.joins: dict[str, str] = {}  # alias of a joined parent → foreign key
        self.partial = False

    def access(self) -> Access:
        exp, node = self.exp, self.node
        self._find_joins()
        conditions: list[Condition] = []
        where = node.args.get("where")
        conjuncts = [] if where is None else list(_conjuncts(where.this, exp))
        for join in node.args.get("joins") or ():
            on = join.args.get("on")
            if on is not None and not join.side:  # an outer join's condition does not restrict the table
                conjuncts += _conjuncts(on, exp)
        for conjunct in conjuncts:
            self._add(conjunct, conditions)
        kind: Kind = (
            "update" if isinstance(node, exp.Update) else "delete" if isinstance(node, exp.Delete) else "select"
        )
        order = list(self.table.types)
        conditions.sort(key=lambda condition: order.index(condition.column))
        others = {name for alias, name in self.others.items() if alias not in self.joins and alias in self._direct()}
        return Access(
            kind,
            tuple(conditions),
            tuple(sorted(set(self.joins.values()))),
            bool(others),
            self._groups(),
            self._reads(kind),
            self.partial,
            self._sets() if kind == "update" else (),
        )

    def _direct(self) -> set[str]:
        return {one.alias_or_name.casefold() for one in self.sources if one is not self.own}

    # Columns

    def own_column(self, column: Any) -> str | None:
        """The table's column that this one is, or None if it is another's.

        Raises:
            IgnoredError: It can only be the table's, which has no such column.
        """
        exp, ours = self.exp, self.table
        if not isinstance(column, exp.Column) or isinstance(column.this, exp.Star):
            return None
        name, table = column.name, column.table.casefold()
        if table:
            if table == self.alias:
                return ours.column(name)
            fk = self.joins.get(table)
            return None if fk is None else self._through(fk, name)
        if not self._is_here(column):
            return None
        if ours.has(name):
            return ours.column(name)
        if len(self.sources) > 1 or name.casefold() in self.aliases:
            return None
        raise IgnoredError(NO_COLUMN, name)

    def _is_here(self, column: Any) -> bool:
        """Whether a column stands in this statement itself, not in a subquery."""
        return column.find_ancestor(self.exp.Select, self.exp.Update, self.exp.Delete) is self.node

    def _through(self, fk: str, name: str) -> str | None:
        """The table's own column that equals a joined parent's key."""
        key = next(one for one in self.table.foreign_keys if one.name == fk)
        for own, theirs in zip(key.columns, key.parent_columns, strict=True):
            if theirs.casefold() == name.casefold():
                return own
        return None

    def _sets(self) -> tuple[str, ...]:
        """The table's columns that an UPDATE changes, in its order; none where it changes another table."""
        exp, found = self.exp, set()
        for one in self.node.expressions:
            left = one.this if isinstance(one, exp.EQ) else one
            for column in left.expressions if isinstance(left, exp.Tuple) else [left]:
                owner = column.table.casefold() if isinstance(column, exp.Column) else None
                is_own = owner == self.alias or (owner == "" and self.own is self.node.this)
                if is_own and self.table.has(column.name):
                    found.add(self.table.column(column.name))
        return tuple(name for name in self.table.types if name in found)

    def _groups(self) -> tuple[str, ...]:
        group = self.node.args.get("group")
        if group is None:
            return ()
        found = []
        for one in group.expressions:
            node = one
            if isinstance(one, self.exp.Literal) and not one.is_string and one.this.isdigit():
                position = int(one.this) - 1
                selected = self.node.expressions
                node = selected[position].unalias() if 0 <= position < len(selected) else one
            name = self.own_column(node) if isinstance(node, self.exp.Column) else None
            if name is not None:
                found.append(name)
        return tuple(dict.fromkeys(found))

    def _reads(self, kind: Kind) -> tuple[str, ...]:
        exp = self.exp
        order = list(self.table.types)
        if kind == "delete":
            return tuple(order)
        found = set()
        if kind == "select":
            for one in self.node.expressions:
                star = one if isinstance(one, exp.Star) else one.this if isinstance(one, exp.Column) else None
                own = isinstance(one, exp.Star) or (isinstance(one, exp.Column) and one.table.casefold() == self.alias)
                if isinstance(star, exp.Star) and own:
                    return tuple(order)
        targets = {id(one.this) for one in self.node.expressions if isinstance(one, exp.EQ)} if kind == "update" else ()
        for column in self.node.find_all(exp.Column):
            name = None if id(column) in targets else self.own_column(column)
            if name is not None:
                found.add(name)
        for join in self.node.args.get("joins") or ():
            found |= {self.table.column(one.name) for one in join.args.get("using") or () if self.table.has(one.name)}
        return tuple(name for name in order if name in found)

    # Joins

    def _find_joins(self) -> None:
        exp = self.exp
        pairs: dict[str, set[tuple[str, str]]] = {}
        for equal in self.node.find_all(exp.EQ):
            for one, other in ((equal.this, equal.expression), (equal.expression, equal.this)):
                alias = self._other_alias(other)
                if isinstance(one, exp.Column) and alias is not None:
                    own = self.own_column(one)
                    if own is not None:
                        pairs.setdefault(alias, set()).add((own.casefold(), other.name.casefold()))
        for join in self.node.args.get("joins") or ():
            names = {one.name.casefold() for one in join.args.get("using") or ()}
            if names and isinstance(join.this, exp.Table):
                pairs.setdefault(join.this.alias_or_name.casefold(), set()).update((name, name) for name in names)
        for within in self.node.find_all(exp.In):  # column IN (SELECT key FROM parent ...)
            query = within.args.get("query")
            select = query.this if isinstance(query, exp.Subquery) else query
            if not isinstance(select, exp.Select) or len(select.expressions) != 1:
                continue
            own, theirs = self.own_column(within.this), select.expressions[0].unalias()
            tables = list(sources_of(select, exp))
            if own is not None and isinstance(theirs, exp.Column) and len(tables) == 1:
                pairs.setdefault(tables[0].alias_or_name.casefold(), set()).add(
                    (own.casefold(), theirs.name.casefold())
                )
        for alias, found in pairs.items():
            fk = self.table.joined(self.others.get(alias, ""), found)
            if fk is not None:
                self.joins[alias] = fk

    def _other_alias(self, node: Any) -> str | None:
        """The alias of the other table whose column this is."""
        if not isinstance(node, self.exp.Column):
            return None
        table = node.table.casefold()
        if table:
            return table if table in self.others else None
        if (
            self.table.has(node.name)
            and node.find_ancestor(self.exp.Select, self.exp.Update, self.exp.Delete) is self.node
        ):
            return None
        return next(iter(self.others)) if len(self.others) == 1 else None

    # Conditions

    def _add(self, conjunct: Any, found: list[Condition]) -> None:
        condition = self._condition(conjunct)
        if condition is not None:
            found.append(condition)
        elif self._restricts(conjunct):
            self.partial = True

    def _restricts(self, conjunct: Any) -> bool:
        """Whether a condition that is not usable is about the table, and no join."""
        exp = self.exp
        if isinstance(conjunct, exp.EQ) and self._is_join(conjunct.this, conjunct.expression):
            return False
        is_subquery = isinstance(conjunct, exp.Exists) or conjunct.args.get("query") is not None
        if is_subquery and self.joins:
            return False
        return any(self.own_column(column) is not None for column in conjunct.find_all(exp.Column))

    def _is_join(self, one: Any, other: Any) -> bool:
        """Whether an equality is between the table's column and another table's."""
        if not (isinstance(one, self.exp.Column) and isinstance(other, self.exp.Column)):
            return False
        return (self._other_alias(one) is None) != (self._other_alias(other) is None)

    def _condition(self, node: Any) -> Condition | None:
        exp = self.exp
        if isinstance(node, exp.Or):
            return self._alternatives(node)
        if isinstance(node, exp.EQ):
            return self._equal(node.this, node.expression) or self._equal(node.expression, node.this)
        if isinstance(node, exp.In):
            return self._in(node)
        if isinstance(node, exp.Between):
            return self._between(node)
        for kind, flipped in ((exp.GT, exp.LT), (exp.GTE, exp.LTE), (exp.LT, exp.GT), (exp.LTE, exp.GTE)):
            if isinstance(node, kind):
                return self._compared(node.this, node.expression, kind) or self._compared(
                    node.expression, node.this, flipped
                )
        if isinstance(node, exp.Column):
            return self._flag(node, True)
        if isinstance(node, exp.Not):
            inner = node.this.unnest()
            return self._flag(inner, False) if isinstance(inner, exp.Column) else None
        return None

    def _flag(self, node: Any, value: bool) -> Condition | None:
        name = self.own_column(node)
        if name is None or not pa.types.is_boolean(plain_type(self.table.types[name])):
            return None
        return Condition(name, (fixed(value),))

    def _side(self, node: Any) -> tuple[str, bool] | None:
        """The table's column on one side of a comparison, and whether it is cast to a day."""
        exp = self.exp
        node = node.unnest()
        if isinstance(node, exp.Cast | exp.Date | exp.TsOrDsToDate) and isinstance(node.this, exp.Column):
            kind = "DATE" if not isinstance(node, exp.Cast) else str(getattr(node.to.this, "name", node.to.this))
            name = self.own_column(node.this)
            if name is None:
                return None
            types: Any = pa.types
            plain = plain_type(self.table.types[name])
            if kind == "DATE" and types.is_timestamp(plain):
                return name, True
            is_text = ("CHAR" in kind or kind == "TEXT") and types.is_large_string(plain)
            is_same = is_text or (kind == "DATE" and types.is_date(plain))
            return (name, False) if is_same else None
        name = self.own_column(node) if isinstance(node, exp.Column) else None
        return None if name is None else (name, False)

    def _equal(self, side: Any, value: Any) -> Condition | None:
        exp, column = self.exp, self._side(side)
        if column is None:
            return None
        if isinstance(value, exp.Any):
            return self._any(column, value.this.unnest())
        constant = constant_of(value, self.exp)
        return None if constant is None else Condition(column[0], (constant,), day=column[1])

    def _any(self, column: tuple[str, bool], values: Any) -> Condition | None:
        """column = ANY(array)."""
        exp, (name, day) = self.exp, column
        values = values.this if isinstance(values, exp.Cast) else values
        if day or values.find(exp.Column) is not None or isinstance(values, exp.Query):
            return None
        if isinstance(values, exp.Array):
            return Condition(name, tuple(constant(one, self.exp) for one in values.expressions), is_list=True)
        return Condition(name, (array(constant(values, self.exp)),), is_list=True)

    def _in(self, node: Any) -> Condition | None:
        column = self._side(node.this)
        if column is None or node.args.get("query") is not None or not node.expressions:
            return None
        constants = [constant_of(one, self.exp) for one in node.expressions]
        known = tuple(one for one in constants if one is not None)
        if len(known) < len(constants) or (column[1] and len(known) > 1):
            return None
        return Condition(column[0], known, is_list=not column[1], day=column[1])

    def _alternatives(self, node: Any) -> Condition | None:
        """a = 1 OR a = 2 OR a IN (3, 4): a list of one column."""
        parts = [self._condition(part) for part in _disjuncts(node, self.exp)]
        known = [part for part in parts if part is not None and part.values is not None and not part.day]
        if len(known) < len(parts) or len({part.column for part in known}) != 1:
            return None
        values = tuple(value for part in known for value in part.values or ())
        return Condition(known[0].column, values, is_list=True)

    def _between(self, node: Any) -> Condition | None:
        column = self._side(node.this)
        low, high = constant_of(node.args["low"], self.exp), constant_of(node.args["high"], self.exp)
        if column is None or low is None or high is None or node.args.get("symmetric"):
            return None
        return Condition(column[0], low=low, high=high, day=column[1])

    def _compared(self, side: Any, value: Any, kind: Any) -> Condition | None:
        exp, column = self.exp, self._side(side)
        constant = constant_of(value, self.exp)
        if column is None or constant is None:
            return None
        is_open = kind in (exp.GT, exp.LT)
        if kind in (exp.GT, exp.GTE):
            return Condition(column[0], low=constant, low_open=is_open, day=column[1])
        return Condition(column[0], high=constant, high_open=is_open, day=column[1])


def sources_of(node: Any, exp: Any) -> Iterator[Any]:
    """The tables and subqueries that a statement reads directly."""
    if isinstance(node, exp.Update | exp.Delete) and node.this is not None:
        yield node.this
    source = node.args.get("from_") or node.args.get("from")
    if source is not None:
        yield source.this
        for join in source.this.args.get("joins") or ():
            yield join.this
    yield from node.args.get("using") or ()
    for join in node.args.get("joins") or ():
        yield join.this


def _conjuncts(node: Any, exp: Any) -> Iterator[Any]:
    stack = [node]
    while stack:
        one = stack.pop().unnest()
        if isinstance(one, exp.And):
            stack += [one.expression, one.this]
        else:
            yield one


def _disjuncts(node: Any, exp: Any) -> Iterator[Any]:
    stack = [node]
    while stack:
        one = stack.pop().unnest()
        if isinstance(one, exp.Or):
            stack += [one.expression, one.this]
        else:
            yield one


def table_name(table: Any) -> str:
    return str(table.name)
