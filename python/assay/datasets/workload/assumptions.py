"""What had to be assumed of a query log, in sentences."""

from __future__ import annotations

from collections.abc import Mapping

from assay.datasets.workload.workload import counted

__all__ = ["sentences_of"]


def sentences_of(said: Mapping[str, int], table: str) -> list[str]:
    """What was assumed of the statements about `table`, a sentence each, from the counts under each key of `said`."""
    found = []
    for key, count in said.items():
        what, _, rest = key.partition(":")
        many = counted(count, "statement")
        if what == "point":
            found.append(f"The log does not tell the values of {many}: every distinct value counts alike.")
        elif what == "in_list":
            found.append(
                f"The log does not tell the lists of {many}: consecutive values of the column stand for each list."
            )
        elif what == "range":
            column, _, width = rest.partition(":")
            found.append(
                f"The log does not tell the bounds of {many} on {column}: each window of {width}, as a declared "
                "query has it, counts alike."
            )
        elif what == "width":
            found.append(
                f"The log does not tell the bounds of {many} on {rest}, and no declared query gives a width: they "
                "count without that condition."
            )
        elif what == "partial":
            found.append(
                f"{many} also restrict{'s' if count == 1 else ''} {table} in ways that no router can use "
                "(LIKE, <>, functions, OR over several columns); only the other conditions count."
            )
        elif what == "undeclared":
            found.append(f"{many} join{'s' if count == 1 else ''} tables without a declared foreign key to them.")
        elif what == "several":
            found.append(
                f"{many} read{'s' if count == 1 else ''} {table} more than once: each reading counts as an access."
            )
        elif what == "inserts":
            found.append(f"{many} insert{'s' if count == 1 else ''} several rows: each row counts as an access.")
    return found
