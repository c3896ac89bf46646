"""The oracle of workloads: statements over a table, each asked of every row, apart from the product.

Written from METHODOLOGY.md, "Workload" and "Transactions"; imports nothing of assay. A statement is
its conditions, not SQL; `sql` writes it so that the product may read it.
"""

from __future__ import annotations

import datetime
import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from oracle import Value, over
from oracle_keys import Kind, Table, as_fraction, canonical_value, rows_of
from oracle_strategies import Placed

BYTES: dict[Kind, int] = {"int": 8, "float": 8, "bool": 1, "date": 4, "timestamp": 8, "decimal": 16}
TICK: dict[Kind, Fraction] = {"int": Fraction(1), "date": Fraction(1), "timestamp": Fraction(1)}


@dataclass(frozen=True)
class Condition:
    """A column equal to one of `values`, or within [low, high) where `values` is None; None is no bound."""

    column: str
    values: tuple[Any, ...] | None = None
    is_list: bool = False
    low: Any = None
    high: Any = None


@dataclass(frozen=True)
class Statement:
    kind: str  # select, update, delete, insert
    conditions: tuple[Condition, ...]
    reads: tuple[str, ...] = ()  # what it selects, or sets an unrelated column to, beside its conditions
    joins: tuple[str, ...] = ()  # the foreign key's columns, where it joins the parent

    def name(self, table: Table) -> str:
        """point_a_b_in_list_c_range_d, columns in the table's order."""
        if self.kind == "insert":
            return "insert"
        parts = [] if self.kind == "select" else [self.kind]
        order = {column: place for place, column in enumerate(table)}
        for word in ("point", "in_list", "range"):
            columns = [one.column for one in self.conditions if _word(one) == word]
            parts += [word, *sorted(columns, key=order.__getitem__)] if columns else []
        return "_".join(([*parts, "scan"] if not self.conditions else parts) + (["join_parent"] if self.joins else []))

    def shape(self, table: Table) -> tuple[str, tuple[str, ...]]:
        """What tells templates apart: inserts of other columns are other templates."""
        columns = tuple(sorted(one.column for one in self.conditions)) if self.kind == "insert" else ()
        return self.name(table), columns

    def columns_read(self, table: Table) -> frozenset[str]:
        if self.kind == "delete":
            return frozenset(table)
        return frozenset(self.reads) | frozenset(self.joins) | {one.column for one in self.conditions}


def _word(condition: Condition) -> str:
    return "range" if condition.values is None else "in_list" if condition.is_list else "point"


@dataclass(frozen=True)
class Log:
    """Statements in order; a list is a transaction of several."""

    entries: tuple[Statement | tuple[Statement, ...], ...]

    @property
    def statements(self) -> list[Statement]:
        return [one for entry in self.entries for one in (entry if isinstance(entry, tuple) else (entry,))]


def matching(table: Table, statement: Statement) -> list[int]:
    """The rows that meet every condition."""
    return [row for row in range(rows_of(table)) if all(_holds(table, one, row) for one in statement.conditions)]


def _holds(table: Table, condition: Condition, row: int) -> bool:
    column = table[condition.column]
    value = column.values[row]
    if value is None:
        return False
    if condition.values is not None:
        return canonical_value(column.kind, value) in {canonical_value(column.kind, one) for one in condition.values}
    found = as_fraction(column.kind, value)
    if found is None:
        return False
    return (condition.low is None or found >= condition.low) and (condition.high is None or found < condition.high)


def asked(placed: Placed, statement: Statement) -> set[int]:
    """The partitions that a router must ask: what each condition leaves, none between bounds that hold nothing."""
    lists = [one for one in statement.conditions if one.values is not None]
    found: set[int] = set()
    for combination in itertools.product(*(one.values or () for one in lists)):
        found |= placed.ask_key(dict(zip((one.column for one in lists), combination, strict=True)))
    for one in statement.conditions:
        if one.values is None:
            low = Fraction(-(10**40)) if one.low is None else Fraction(one.low)
            high = Fraction(10**40) if one.high is None else Fraction(one.high)
            if low >= high or high <= -(2**63):  # nor is there an integer below the least
                return set()
            found &= placed.ask_window(one.column, low, high)
    return found


def row_bytes(table: Table, row: int, columns: Iterable[str]) -> int:
    sizes = 0
    for name in columns:
        value, kind = table[name].values[row], table[name].kind
        if value is not None:
            sizes += len(value.encode()) if kind == "text" else BYTES[kind]
    return sizes


def partition_bytes(table: Table, placed: Placed, columns: Iterable[str]) -> list[int]:
    wanted = list(columns)
    sizes = [0] * placed.partitions
    for row, position in enumerate(placed.rows):
        sizes[position] += row_bytes(table, row, wanted)
    return sizes


def workload_metrics(table: Table, placed: Placed, log: Log) -> dict[str, Value]:
    """All metrics of a log, by the names of its templates, save those of inserts: several share a name."""
    templates: dict[tuple[str, tuple[str, ...]], list[Statement]] = {}
    for statement in log.statements:
        templates.setdefault(statement.shape(table), []).append(statement)
    result: dict[str, Value] = {}
    totals = Counter[str]()
    for (name, _), statements in templates.items():
        held = [1 if s.kind == "insert" else _holding(table, placed, s) for s in statements]
        routed = [1 if s.kind == "insert" else len(asked(placed, s)) for s in statements]
        read = whole = 0
        for statement in statements:
            if statement.kind != "insert":
                sizes = partition_bytes(table, placed, statement.columns_read(table))
                read += sum(sizes[position] for position in asked(placed, statement))
                whole += sum(sizes)
        totals.update(held=sum(held), routed=sum(routed), read=read)
        if name != "insert":
            count = len(statements)
            share = over(read, whole)
            result |= {
                f"query_statements.{name}": count,
                f"fan_out_mean.{name}": over(sum(held), count),
                f"fan_out_max.{name}": max(held),
                f"routed_fan_out_mean.{name}": over(sum(routed), count),
                f"bytes_read.{name}": over(read, count),
                f"pruned_bytes_share.{name}": None if share is None else 1 - Fraction(share),
                f"rows_reassembled_share.{name}": 0,
            }
    count = len(log.statements)
    result["workload_fan_out_mean"] = over(totals["held"], count)
    result["workload_routed_fan_out_mean"] = over(totals["routed"], count)
    result["workload_bytes_read"] = over(totals["read"], count)
    result["workload_statements"] = count
    result["join_statements.parent"] = sum(bool(statement.joins) for statement in log.statements)
    return result | _transactions(table, placed, log)


def _holding(table: Table, placed: Placed, statement: Statement) -> int:
    return len({placed.rows[row] for row in matching(table, statement)})


def _transactions(table: Table, placed: Placed, log: Log) -> dict[str, Value]:
    participants = []
    for entry in log.entries:
        points = [one for one in entry if _is_point(one)] if isinstance(entry, tuple) else []
        if points:
            touched: set[int] = set()
            unknown = set()
            for one in points:
                where = asked(placed, one)
                if one.kind != "insert":
                    touched |= {placed.rows[row] for row in matching(table, one)}
                elif len(where) == 1:
                    touched |= where
                else:
                    unknown.add(one)
            participants.append(min(placed.partitions, len(touched) + len(unknown)))
    return transaction_metrics(participants)


def _is_point(statement: Statement) -> bool:
    words = {_word(one) for one in statement.conditions}
    return statement.kind == "insert" or (bool(words) and "range" not in words)


def column_transactions(table: Table, placed: Placed, column: str) -> dict[str, Value]:
    """Transactions of the rows that share a value; rows with null belong to none."""
    touched: dict[bytes, set[int]] = {}
    for value, position in zip(table[column].values, placed.rows, strict=True):
        if value is not None:
            touched.setdefault(canonical_value(table[column].kind, value), set()).add(position)
    return transaction_metrics([len(positions) for positions in touched.values()])


def transaction_metrics(participants: Sequence[int]) -> dict[str, Value]:
    return {
        "distributed_transaction_share": over(sum(one > 1 for one in participants), len(participants)),
        "transaction_participants_mean": over(sum(participants), len(participants)),
    }


# As SQL


def script(table: Table, log: Log, parent_columns: Sequence[tuple[str, str]]) -> str:
    """The log as SQL; `parent_columns` are the pairs of the foreign key to the table `parent`."""
    lines = []
    for entry in log.entries:
        statements = entry if isinstance(entry, tuple) else (entry,)
        texts = [sql(table, one, parent_columns) + ";" for one in statements]
        lines += ["BEGIN;", *texts, "COMMIT;"] if isinstance(entry, tuple) else texts
    return "\n".join(lines) + "\n"


def sql(table: Table, statement: Statement, parent_columns: Sequence[tuple[str, str]]) -> str:
    conditions = statement.conditions
    if statement.kind == "insert":
        names = ", ".join(one.column for one in conditions)
        values = ", ".join(literal(table[one.column].kind, (one.values or ())[0]) for one in conditions)
        return f"INSERT INTO child ({names}) VALUES ({values})"
    where = " AND ".join(_condition(table[one.column].kind, one) for one in conditions)
    where = f" WHERE {where}" if where else ""
    if statement.kind == "update":
        return f"UPDATE child SET weight = {' || '.join((*statement.reads, '1'))}{where}"
    if statement.kind == "delete":
        return f"DELETE FROM child{where}"
    join = ""
    if statement.joins:
        join = " JOIN parent ON " + " AND ".join(f"child.{own} = parent.{theirs}" for own, theirs in parent_columns)
    return f"SELECT {', '.join(f'child.{name}' for name in statement.reads) or 'count(*)'} FROM child{join}{where}"


def _condition(kind: Kind, condition: Condition) -> str:
    name = f"child.{condition.column}"
    if condition.values is None:
        parts = [] if condition.low is None else [f"{name} >= {literal(kind, condition.low)}"]
        parts += [] if condition.high is None else [f"{literal(kind, condition.high)} > {name}"]
        return " AND ".join(parts)
    texts = [literal(kind, value) for value in condition.values]
    return f"{name} IN ({', '.join(texts)})" if condition.is_list else f"{texts[0]} = {name}"


def literal(kind: Kind, value: Any) -> str:
    if kind == "text":
        return "'" + value.replace("'", "''") + "'"
    if kind == "bool":
        return "true" if value else "false"
    if kind == "date":
        return f"DATE '{datetime.date(1970, 1, 1) + datetime.timedelta(value)}'"
    if kind == "timestamp":
        seconds, nanoseconds = divmod(int(value), 10**9)
        moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
        return f"TIMESTAMP '{moment}.{nanoseconds:09}'"
    return f"{value:f}" if kind in ("float", "decimal") else str(value)
