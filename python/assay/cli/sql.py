"""`assay sql`: questions to the store, read-only."""

from __future__ import annotations

import re
from typing import Annotated

from cyclopts import Parameter

from assay.cli.options import DEFAULT_STORE, FormatOption, StoreOption
from assay.cli.output import note, print_rows
from assay.errors import UnknownNameError, UsageError

__all__ = ["sql"]

_VIEWS = (
    *("result", "run_summary", "failure", "expectation_check", "series_point", "timed_summary", "timed_comparison"),
    *("run", "experiment", "cell", "metric", "series", "sample", "comparison", "expectation", "claim", "dataset"),
)


def sql(
    query: Annotated[str, Parameter(help="One SELECT, in quotes.")],
    /,
    *,
    store: StoreOption = DEFAULT_STORE,
    format: FormatOption = "table",
) -> int:
    """Ask the store a question in SQL, read-only.

    Views: result, run_summary, failure, expectation_check, series_point,
    timed_summary, timed_comparison.

    For example:

        assay sql "SELECT contender, value FROM result WHERE metric = 'load_max_over_mean'"
        assay sql "SELECT * FROM run_summary" --format json
    """
    from assay.store import Store

    with Store.read_only(store) as results:
        try:
            table = results.query(query)
        except UsageError as error:
            raise _with_hint(error) from error
    names = _distinct(table.column_names)
    print_rows(table.rename_columns(names).to_pylist(), format, columns=names)
    if format == "table":
        note(f"{table.num_rows:,} row{'' if table.num_rows == 1 else 's'}")
    return 0


def _with_hint(error: UsageError) -> UsageError:
    """The error, where it is about a table that does not exist with the names of the views."""
    missing = re.search(r"Table with name (\S+) does not exist", str(error))
    return error if missing is None else UnknownNameError.of("table or view", missing[1], _VIEWS)


def _distinct(names: list[str]) -> list[str]:
    """The names, where a repeated one gets a number: value, value_2."""
    found: list[str] = []
    for name in names:
        number, one = 2, name
        while one in found:
            number, one = number + 1, f"{name}_{number}"
        found.append(one)
    return found
