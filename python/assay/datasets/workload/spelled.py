"""Templates that are spelled as queries rather than in SQL: `point(tailnum)`, or a declared query's name.

`point(a, b)` takes a value for each column, `in_list(a)` the values of the list, `range(a)` the
first value of the window and the first one after it. Without parameters the query as spelled stands
for every instance alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from assay.datasets.query import QUERY_KINDS, Query
from assay.datasets.spelling import parse_call
from assay.datasets.workload.asked_table import AskedTable
from assay.datasets.workload.conditions import Access, Condition
from assay.datasets.workload.constants import Constant, Values, fixed
from assay.datasets.workload.values import UNKNOWN
from assay.errors import ParameterError, SpellingError, UnknownNameError

__all__ = ["spelled_access"]

_SPELLED = re.compile(rf"\s*(?:{'|'.join(QUERY_KINDS)})\s*\(.*\)\s*", re.DOTALL)


def spelled_access(text: str, table: AskedTable, queries: Mapping[str, Query], values: Values) -> list[Access] | None:
    """The access of a template that is a query's name or spelling; None if it is SQL.

    Raises:
        SpellingError: It names no column, or is not well formed.
        UnknownNameError: A column that the table does not have.
        ParameterError: The parameters are not as many as the query needs.
    """
    query = queries.get(text.strip())
    name = query.name if query is not None else ""
    if query is None:
        if _SPELLED.fullmatch(text) is None:
            return None
        kind, columns = _call(text)
    else:
        kind, columns = query.kind, query.columns
    for column in columns:
        if column not in table.types:
            raise UnknownNameError.of(f"column of {table.name}", column, table.types, f"asked by the template {text!r}")
    given = [] if values is None else list(values.values())
    if values is not None and set(values) <= set(columns):
        given = [values[column] for column in columns if column in values]
    conditions = _conditions(text, kind, columns, given)
    return [Access("select", conditions, reads=tuple(table.types), name=name)]


def _call(text: str) -> tuple[str, tuple[str, ...]]:
    call = parse_call(text)
    columns = tuple(str(one) for one in call.positional)
    if not columns or (call.name != "point" and len(columns) != 1):
        raise SpellingError(f"template {text!r} names {len(columns)} columns; expected {QUERY_KINDS[call.name]}")
    return call.name, columns


def _conditions(text: str, kind: str, columns: tuple[str, ...], given: list[Any]) -> tuple[Condition, ...]:
    def constants(wanted: int) -> list[Constant]:
        if given and len(given) != wanted:
            raise ParameterError(f"template {text!r} has {len(given)} parameters; expected {wanted}, or none")
        return [fixed(value) for value in given] if given else [fixed(UNKNOWN)] * wanted

    if kind == "point":
        pairs = zip(columns, constants(len(columns)), strict=True)
        return tuple(Condition(column, (constant,)) for column, constant in pairs)
    if kind == "in_list":
        values = tuple(fixed(value) for value in given) if given else (fixed(UNKNOWN),)
        return (Condition(columns[0], values, is_list=True),)
    low, high = constants(2)
    return (Condition(columns[0], low=low, high=high, high_open=True),)
