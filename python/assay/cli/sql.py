"""`assay sql`: questions to the store, read-only."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from assay.cli.options import DEFAULT_STORE, FormatOption, StoreOption
from assay.cli.output import note, print_rows

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
    timed_summary, timed_comparison.

    For example:

        assay sql "SELECT contender, value FROM result WHERE metric = 'load_max_over_mean'"
        assay sql "SELECT * FROM run_summary" --format json
    """
    from assay.store import Store

    with Store.read_only(store) as results:
        table = results.query(query)
    names = _distinct(table.column_names)
    print_rows(table.rename_columns(names).to_pylist(), format, columns=names)
    if format == "table":
        note(f"{table.num_rows:,} row{'' if table.num_rows == 1 else 's'}")
    return 0


def _distinct(names: list[str]) -> list[str]:
    """The names, where a repeated one gets a number: value, value_2."""
    found: list[str] = []
    for name in names:
        number, one = 2, name
        while one in found:
            number, one = number + 1, f"{name}_{number}"
        found.append(one)
    return found
