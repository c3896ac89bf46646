"""Where statements come from: SQL scripts, logs of PostgreSQL and MySQL servers, tables of templates.

A source gives `Statement`s in order. Text logs are read line by line, so that a log may be larger
than memory; what is repeated is kept once by whoever counts. A table is pg_stat_statements as CSV
(`query`, `calls`), or any dataset with `template` and, where known, `parameters` and `frequency`.
Source: PostgreSQL manual, "Error Reporting and Logging" and "pg_stat_statements"; MySQL manual,
"The General Query Log".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from assay.datasets.batch import reading
from assay.datasets.formats import FORMATS
from assay.datasets.opening import open_dataset
from assay.datasets.workload.sql_text import Splitter
from assay.errors import ParameterError, ReadError, UsageError

__all__ = ["Log", "Statement", "log_of"]

_SAMPLE_LINES = 400
_SAMPLE_BYTES = 8192

# "2013-01-01 12:00:00 UTC [123] LOG:  statement: SELECT 1"; lines that go on begin with a tab.
_POSTGRES = re.compile(
    r"^(?P<prefix>[^\t]*?)\b(?P<level>DEBUG\d?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC|DETAIL|HINT|QUERY|CONTEXT|"
    r"LOCATION|STATEMENT):  ?(?P<text>.*)$"
)
_POSTGRES_STATEMENT = re.compile(
    r"(?:duration: [\d.]+ ms\s+)?(?P<kind>statement|execute(?! fetch from) [^:]*): (?P<text>.*)$", re.DOTALL
)
_POSTGRES_PARAMETERS = re.compile(r"parameters: (?P<list>.*)$", re.IGNORECASE | re.DOTALL)
_POSTGRES_PARAMETER = re.compile(r"\$(\d+) = (?:(NULL)|'((?:[^']|'')*+)')")
_PROCESS = re.compile(r"\[(\d+)(?:-\d+)?\]")

# "2023-01-01T00:00:00.000000Z	    8 Query	SELECT 1"; before 5.7 the time stands in the first line of its second only.
_MYSQL = re.compile(
    r"^(?:\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)|\d{6} +\d+:\d\d:\d\d|)\s+(?P<session>\d+) "
    r"(?P<command>Query|Execute|Prepare|Connect|Quit|Init DB|Close stmt|Reset stmt|Field List|Statistics|Ping|"
    r"Change user|Shutdown|Refresh|Debug|Daemon|Binlog Dump|Sleep|Kill)\b\s?(?P<text>.*)$"
)


@dataclass(frozen=True)
class Statement:
    """A statement as it was logged.

    Attributes:
        text: The statement, without its semicolon and comments.
        frequency: How often it was asked.
        session: Whose it is; statements between BEGIN and COMMIT of one session are a transaction.
        parameters: Values of the placeholders by name ("1" for $1), or in order; None where the log has none.
        problem: Why it cannot be read, or None.
    """

    text: str
    frequency: int = 1
    session: str = ""
    parameters: dict[str, Any] | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Log:
    """A source of statements that can be read once.

    Attributes:
        name: What it is called.
        kind: What it was recognised as.
        mysql: Whether the statements are in MySQL's dialect.
        ordered: Whether they are in the order in which they were asked.
        statements: The statements in order.
    """

    name: str
    kind: str
    mysql: bool
    ordered: bool
    statements: Iterator[Statement]


def log_of(source: object, *, base: Path | None = None) -> Log:
    """The statements of a query log.

    Args:
        source: A path to SQL text or a server's log, or a dataset (name, path, Arrow) of templates.
        base: Where relative paths start.

    Raises:
        ReadError: The file is missing, or holds no text.
        UsageError: A table without the columns of either form.
    """
    if isinstance(source, str | Path):
        path = Path(source).expanduser()
        if base is not None and not path.is_absolute():
            path = base / path
        if path.is_file() and path.suffix.lower() not in FORMATS.keys() - {".txt"} and not _is_table(path):
            return _text_log(path)
        if not path.exists() and path.suffix.lower() in (".sql", ".log", ".txt"):
            raise ReadError(f"{path}: there is no such query log; check the spelling")
        return _table(open_dataset(str(source), base=base), path.name)
    return _table(open_dataset(source, base=base), "workload")


def _is_table(path: Path) -> bool:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return suffixes[-1:] == [".toml"] or any(FORMATS.get(suffix) for suffix in suffixes[-2:] if suffix != ".txt")


# Text


def _text_log(path: Path) -> Log:
    with reading(path), pa.input_stream(str(path), compression="detect") as stream:
        head = bytes(stream.read(_SAMPLE_BYTES))
    if b"\0" in head:
        raise ReadError(
            f"{path} is no query log: it holds bytes that are no text; expected SQL, or a server's log, in UTF-8"
        )
    if not head.strip():
        raise ReadError(f"{path} is empty; expected SQL statements, or a server's log")
    sample = head.decode("utf-8", "replace").splitlines()[:_SAMPLE_LINES]
    if any((match := _POSTGRES.match(line)) and match["level"] == "LOG" for line in sample):
        return Log(path.name, "PostgreSQL's log", False, True, _postgres(path))
    if any(_MYSQL.match(line) for line in sample):
        return Log(path.name, "MySQL's general log", True, True, _mysql(path))
    return Log(path.name, "SQL", False, True, _script(path))


def _lines(path: Path) -> Iterator[str]:
    """The lines of a text, without their ends."""
    with reading(path), pa.input_stream(str(path), compression="detect") as stream:
        rest: list[bytes] = []
        first = True
        while block := bytes(stream.read(1 << 20)):
            if first:
                block, first = block.removeprefix(b"\xef\xbb\xbf"), False
            head, *lines = block.split(b"\n")
            rest.append(head)
            if lines:
                yield _line(b"".join(rest))
                for line in lines[:-1]:
                    yield _line(line)
                rest = [lines[-1]]
        if any(rest):
            yield _line(b"".join(rest))


def _line(raw: bytes) -> str:
    return raw.removesuffix(b"\r").decode("utf-8", "replace")


def _script(path: Path) -> Iterator[Statement]:
    splitter = Splitter()
    for line in _lines(path):
        for text, problem in splitter.feed(line):
            yield Statement(text, problem=problem)
    for text, problem in splitter.finish():
        yield Statement(text, problem=problem)


def _split(text: str, session: str, parameters: dict[str, Any] | None, *, mysql: bool) -> Iterator[Statement]:
    """The statements of one entry of a server's log."""
    splitter = Splitter(mysql)
    for line in text.split("\n"):
        for found, problem in splitter.feed(line):
            yield Statement(found, 1, session, parameters, problem)
    for found, problem in splitter.finish():
        yield Statement(found, 1, session, parameters, problem)


def _postgres(path: Path) -> Iterator[Statement]:
    """Entries of level LOG that hold a statement; the DETAIL after one holds the values of its placeholders."""
    pending: tuple[str, str] | None = None  # session, statement
    for session, level, text in _postgres_entries(path):
        parameters = None
        if pending is not None:
            detail = _POSTGRES_PARAMETERS.match(text) if level == "DETAIL" and session == pending[0] else None
            if detail is not None:
                found = _POSTGRES_PARAMETER.findall(detail["list"])
                parameters = {number: None if null else value.replace("''", "'") for number, null, value in found}
            yield from _split(pending[1], pending[0], parameters, mysql=False)
            pending = None
        if level == "LOG" and (match := _POSTGRES_STATEMENT.match(text)) is not None:
            pending = session, match["text"]
    if pending is not None:
        yield from _split(pending[1], pending[0], None, mysql=False)


def _postgres_entries(path: Path) -> Iterator[tuple[str, str, str]]:
    """(session, level, text) of each entry, with the lines that go on."""
    entry: tuple[str, str] | None = None
    parts: list[str] = []
    for line in _lines(path):
        match = _POSTGRES.match(line)
        if match is None:
            parts.append(line.removeprefix("\t"))
            continue
        if entry is not None:
            yield (*entry, "\n".join(parts))
        process = _PROCESS.search(match["prefix"])
        entry, parts = (process[1] if process else "", match["level"]), [match["text"]]
    if entry is not None:
        yield (*entry, "\n".join(parts))


def _mysql(path: Path) -> Iterator[Statement]:
    session, parts = "", []
    asked = False
    for line in _lines(path):
        match = _MYSQL.match(line)
        if match is None:
            if asked:
                parts.append(line)
            continue
        if asked:
            yield from _split("\n".join(parts), session, None, mysql=True)
        asked = match["command"] in ("Query", "Execute")
        session, parts = match["session"], [match["text"]]
    if asked:
        yield from _split("\n".join(parts), session, None, mysql=True)


# Tables


def _table(dataset: Any, name: str) -> Log:
    names = dataset.schema.names
    if "query" in names and "calls" in names:
        return Log(name, "pg_stat_statements", False, False, _rows(dataset, "query", None, "calls"))
    if "template" in names:
        parameters = "parameters" if "parameters" in names else None
        frequency = "frequency" if "frequency" in names else None
        return Log(name, "a table of templates", False, False, _rows(dataset, "template", parameters, frequency))
    shown = ", ".join(f'"{one}"' for one in names[:12]) + (", ..." if len(names) > 12 else "")
    raise UsageError(
        f"{name} is no query log: its columns are {shown}; expected query and calls (pg_stat_statements), or template "
        "and, where known, parameters and frequency; SQL text needs a name that ends in .sql or .log"
    )


def _rows(dataset: Any, text: str, parameters: str | None, frequency: str | None) -> Iterator[Statement]:
    wanted = [name for name in (text, parameters, frequency) if name is not None]
    if frequency is not None:
        kind = dataset.column(frequency).type
        if not pa.types.is_integer(kind):
            raise ParameterError(
                f'{dataset.name}: column "{frequency}" is of type {kind}; expected how often each statement was asked, '
                "as whole numbers"
            )
    for batch in dataset.batches(wanted):
        texts = batch.data.column(text).to_pylist()
        values = [None] * len(texts) if parameters is None else batch.data.column(parameters).to_pylist()
        counts = [1] * len(texts) if frequency is None else batch.data.column(frequency).to_pylist()
        for offset, (template, value, count) in enumerate(zip(texts, values, counts, strict=True)):
            if count is None or count < 0:
                raise ParameterError(
                    f'{dataset.name}: column "{frequency}" is {"null" if count is None else count} in row '
                    f"{batch.first_row + offset}; expected a count of at least 0"
                )
            if count == 0 or template is None or not str(template).strip():
                continue
            found = _given(value, dataset.name, batch.first_row + offset)
            statements = list(_split(str(template), "", found, mysql=False))
            for one in statements:
                yield Statement(one.text, count, "", found, one.problem)


def _given(value: Any, name: str, row: int) -> dict[str, Any] | None:
    """The values of the placeholders, from a list, a struct, or either as JSON text."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise ParameterError(
                f'{name}: column "parameters" is {value[:80]!r} in row {row}; expected a list of values, such as '
                '["N14228"], or null where they are not known'
            ) from None
    if value is None:
        return None
    if isinstance(value, dict):
        return {str(key): one for key, one in value.items() if one is not None}
    if isinstance(value, list | tuple):
        pairs = all(isinstance(one, tuple) and len(one) == 2 for one in value) and bool(value)
        return {str(key): one for key, one in (value if pairs else enumerate(value, start=1))}
    return {"1": value}
