"""`assay init`: a commented suite to start from, made for one table."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from assay.cli.output import note, refuse_to_overwrite, say
from assay.units import count_of

if TYPE_CHECKING:
    from assay.datasets import Dataset

__all__ = ["init", "starter_suite"]


def init(
    dataset: Annotated[
        str, Parameter(help="A dataset's name, a path, a glob, a definition or a generator.", metavar="DATA")
    ],
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"], help="The suite to write.", metavar="FILE")] = Path(
        "suite.toml"
    ),
    force: Annotated[bool, Parameter(help="Overwrite a file that is there.", negative=())] = False,
) -> int:
    """Write a starter suite for a table.

    It has comments, and `assay run` runs it as it is.

    For example:

        assay init mytable.parquet
        assay init "data/*.parquet" -o sharding.toml
    """
    from assay.datasets import open_dataset
    from assay.errors import EmptyInputError, StoreError
    from assay.harness import check_suite

    refuse_to_overwrite(output, force)
    table = open_dataset(dataset)
    if table.rows == 0:
        raise EmptyInputError(f"{table.name} has no rows; there is nothing to partition")
    text = starter_suite(table, _relative(dataset, output))
    partial = output.with_name(f".{output.name}.{os.getpid()}.toml")
    try:
        partial.write_text(text, encoding="utf-8")
        mistakes = check_suite(partial).mistakes
        assert not mistakes, f"a starter suite has no mistakes, but: {mistakes}"
        partial.replace(output)
    except OSError as error:
        raise StoreError(f"cannot write {output}: {error.strerror or error}; choose another place with -o") from error
    finally:
        partial.unlink(missing_ok=True)
    say(str(output))
    note(f"next: assay run {output}")
    return 0


def starter_suite(table: Dataset, spelled: str) -> str:
    """The text of a suite about `table`, which it calls `spelled`.

    Raises:
        EmptyInputError: No column can be a key.
    """
    from assay.datasets import guess_roles
    from assay.experiments.partitioning.proposals import propose

    strategies = propose(table, [])
    reasons = guess_roles(table).reasons
    columns = "\n".join(f"#   {_comment(name)}: {_comment(reason)}" for name, reason in reasons.items())
    listed = "\n".join(f"    {_toml(strategy)}," for strategy in strategies)
    rows = "the rows" if table.rows is None else count_of(table.rows, "row")
    queries = "\n".join(f"# queries.{name} = {_toml(spelling)}" for name, spelling in _queries(table))
    return f"""\
# A suite: experiments on tables, and what is expected of them.
#   assay check FILE    finds its mistakes           assay run FILE    runs it
#   assay report        writes the page              assay explain partitioning    all settings

name = {_toml(table.name)}
question = {_toml(f"How should {rows} of {table.name} be spread?")}

[[experiment]]
kind = "partitioning"
dataset = {_toml(spelled)}
partitions = [8, 64]                       # a list is a grid: every strategy at every number

# Columns that look like keys, lists or a time:
{columns}
# `assay list strategies` shows what else there is.
strategies = [
{listed}
]

# Queries whose fan-out to measure (those of the dataset's definition by default):
{queries}

# Facts that must hold; `assay run` exits with 1 where one does not. `assay list metrics` names them.
expect = [
    {{ strategy = "round_robin", metric = "empty_partitions", equals = 0 }},
]

# What the numbers say, in your own words, once you have seen them; it appears in the report.
reading = ""
"""


def _queries(table: Dataset) -> list[tuple[str, str]]:
    """Example queries about the table's own columns."""
    from assay.datasets import guess_roles
    from assay.datasets.spelling import quote_name

    roles = guess_roles(table)
    found = [("by_key", f"point({quote_name(name)})") for name in roles.keys[:1]]
    found += [("by_day", f"range({quote_name(name)}, width='1d')") for name in ([roles.time] if roles.time else [])]
    return found or [("by_key", "point(column)")]


def _relative(dataset: str, output: Path) -> str:
    """A path as the suite beside `output` must spell it; names and generators stay as they are."""
    path = Path(dataset).expanduser()
    is_path = path.exists() or any(mark in dataset for mark in "*?") or path.with_name(f"{path.name}.toml").is_file()
    if not is_path or path.is_absolute():
        return str(path) if is_path else dataset
    return Path(os.path.relpath(path.absolute(), output.absolute().parent)).as_posix()


def _toml(text: str) -> str:
    """`text` as a TOML basic string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    """`text` on one line of a comment."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
