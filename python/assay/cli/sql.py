"""`assay sql`: questions to the store, read-only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from assay.cli.options import DEFAULT_STORE, FormatOption, StoreOption
from assay.cli.output import note, print_rows
from assay.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from assay.store import Store

__all__ = ["sql"]


def sql(
    query: Annotated[str, Parameter(help="One SELECT, in quotes.")],
    /,
    *,
    store: StoreOption = DEFAULT_STORE,
    format: FormatOption = "table",
) -> int:
    """Ask the store a question in SQL, read-only.

    Views: result, run_summary, failure, expectation_check, series_point,
    timed_summary, timed_comparison; "DESCRIBE result" lists a view's columns.

    For example:

        assay sql "SELECT contender, value FROM result WHERE metric = 'load_max_over_mean'"
        assay sql "SELECT * FROM run_summary" --format json
    """
    from assay.store import Store

    with Store.read_only(store) as results:
        try:
            table = results.query(query)
        except UsageError as error:
            raise _with_hint(error, results) from error
    names = _distinct(table.column_names)
    print_rows(table.rename_columns(names).to_pylist(), format, columns=names)
    if format == "table":
        note(f"{table.num_rows:,} row{'' if table.num_rows == 1 else 's'}")
    return 0


def _with_hint(error: UsageError, results: Store) -> UsageError:
    """The error, with the views and tables that there are, or with the way to see their columns."""
    if missing := re.search(r"Table with name (\S+) does not exist", str(error)):
        names = results.query(
            "SELECT view_name AS name FROM duckdb_views() WHERE NOT internal "
            "UNION ALL SELECT table_name FROM duckdb_tables()"
        )["name"].to_pylist()
        return UnknownNameError.of("table or view", missing[1], names, "docs/sql.md says what each holds")
    if "Referenced column" in str(error):
        return UsageError(f'{error}\n`assay sql "DESCRIBE result"` lists the columns of a view')
    return error


def _distinct(names: list[str]) -> list[str]:
    """The names, where a repeated one gets a number: value, value_2."""
    found: list[str] = []
    for name in names:
        number, one = 2, name
        while one in found:
            number, one = number + 1, f"{name}_{number}"
        found.append(one)
    return found
