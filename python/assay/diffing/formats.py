"""A diff for machines and for pasting: JSON, CSV (RFC 4180), Markdown, and an Arrow table.

JSON and CSV hold every number in full precision. Keys may be added to them, never changed.
"""

from __future__ import annotations

import csv
import io
import json
import math
import unicodedata
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from assay.diffing.changes import AnswerChange, Change
from assay.diffing.reading import Side
from assay.diffing.wording import (
    MARKS,
    answer_words,
    change_words,
    gate_words,
    gone_words,
    labeller,
    sentence,
    side_words,
    value_words,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from assay.diffing.result import Diff

__all__ = ["to_arrow", "to_csv", "to_markdown", "to_rows"]

_COLUMNS = (
    "verdict", "experiment", "contender", "parameters", "dataset", "metric", "unit", "kind", "direction",
    "base", "candidate", "ratio", "low", "high", "limit", "note",
)  # fmt: skip
_MOST_ROWS = 50  # of one table in Markdown: a comment on a pull request may have 65,536 characters
_FLAT = ("removed", "added")


def to_rows(diff: Diff, *, all: bool = False) -> dict[str, Any]:
    """The diff as plain values; `changes` holds what is the same too if `all`.

    Returns:
        {"verdict", "exit_code", "answer": sentence, "base", "candidate", "counts", "gate": [...], "answers": [...],
        "changes": [...], "notes": [...]}. Numbers that do not exist are None, never NaN.
    """
    return {
        "verdict": diff.verdict,
        "exit_code": diff.exit_code,
        "answer": sentence(diff),
        "base": _side(diff.base),
        "candidate": _side(diff.candidate),
        "counts": dict(diff.counts),
        "gate": [
            {
                "condition": one.condition.spelled,
                "met": len(one.met),
                "judged": one.judged,
                "exit_code": one.exit_code,
            }
            for one in diff.judgements
        ],
        "answers": [_answer(answer) for answer in diff.answers],
        "changes": [
            {**_row(row), "parameters": dict(row.parameters)}
            for row in (diff.rows(all=True) if all else [row for row in diff.rows(all=True) if row.verdict != "same"])
        ],
        "notes": list(diff.notes),
    }


def to_csv(diff: Diff, *, all: bool = False) -> str:
    """What changed or is unclear, a row each; with `all` what is the same too."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for row in diff.rows(all=True):
        if all or row.verdict != "same":
            values = _row(row)
            writer.writerow("" if values[name] is None else values[name] for name in _COLUMNS)
    return out.getvalue()


def to_arrow(rows: Sequence[Change]) -> pa.Table:
    """A row for each row, parameters as JSON."""
    import pyarrow as pa

    numbers = {"base", "candidate", "ratio", "low", "high", "limit"}
    schema = pa.schema([(name, pa.float64() if name in numbers else pa.string()) for name in _COLUMNS])
    return pa.Table.from_pylist([_row(row) for row in rows], schema=schema)


def to_markdown(diff: Diff, *, all: bool = False) -> str:
    """A comment for a pull request."""
    fails = diff.exit_code != 0
    mark = "✗" if fails else "✓" if diff.conditions or diff.verdict in ("same", "better", "unclear") else "◆"
    lines = [f"### {mark} assay: {_text(sentence(diff).rstrip('.'))}", ""]
    lines += [f"- {'**fails**' if one.exit_code else 'passes'}: {_text(gate_words(one))}" for one in diff.judgements]
    if diff.conditions and "failed" in diff.counts and not any(one.exit_code == 3 for one in diff.judgements):
        lines.append("- **fails**: cells of the candidate failed, which no gate lets pass")
    lines += [f"- {_text(answer_words(answer))}" for answer in diff.answers]
    lines += [""] if lines[-1] else []
    label = labeller(diff.compared)
    lines += _table(diff.changes, label)
    for verdict in ("unclear", "same") if all else ("unclear",):
        chosen = [row for row in diff.compared if row.verdict == verdict]
        if chosen:
            lines += [
                f"<details><summary>{len(chosen)} {verdict}</summary>",
                "",
                *_table(chosen, label),
                "</details>",
                "",
            ]
    lines += ["<details><summary>What was compared</summary>", ""]
    lines += [f"- base: {_text(side_words(diff.base))}", f"- candidate: {_text(side_words(diff.candidate))}"]
    lines += [f"- {_text(note)}" for note in diff.notes]
    lines += ["", "</details>"]
    return "\n".join(lines) + "\n"


def _table(rows: Sequence[Change], label: Callable[[Change], str]) -> list[str]:
    """A Markdown table of metrics, then one item for each cell as a whole; nothing where there are none."""
    metrics = [row for row in rows if row.metric is not None and row.verdict not in _FLAT]
    lines = []
    if metrics:
        lines += ["| | contender | metric | base | candidate | change |", "|---|---|---|---:|---:|---:|"]
        for row in metrics[:_MOST_ROWS]:
            where = label(row)
            name = f"{_code(row.contender)}{f' {_text(where)}' if where else ''}"
            cells = [
                f"{MARKS[row.verdict]} {row.verdict}",
                name,
                _code(row.metric or ""),
                *map(_text, value_words(row)),
                change_words(row),
            ]
            lines.append(f"| {' | '.join(cells)} |")
        if len(metrics) > _MOST_ROWS:
            lines += ["", f"and {len(metrics) - _MOST_ROWS} more."]
        lines.append("")
    others = [row for row in rows if row.metric is None]
    items = []
    for row in others[:_MOST_ROWS]:
        where = label(row)
        why = f": {_text('; '.join(row.notes))}" if row.notes else ""
        items.append(f"- {row.verdict}: {_code(row.contender)}{f' {_text(where)}' if where else ''}{why}")
    if len(others) > _MOST_ROWS:
        items.append(f"- and {len(others) - _MOST_ROWS} cells more")
    items += [f"- {_text(words)}" for words in gone_words(rows)]
    return [*lines, *items, ""] if items else lines


def _row(row: Change) -> dict[str, Any]:
    values: dict[str, Any] = {
        name: _finite(getattr(row, name)) for name in _COLUMNS if name not in ("parameters", "note")
    }
    values["parameters"] = json.dumps(dict(row.parameters), sort_keys=True, ensure_ascii=False)
    values["note"] = "; ".join((*row.notes, *row.paired)) or None
    return {name: values[name] for name in _COLUMNS}


def _side(side: Side) -> dict[str, Any]:
    return {
        "name": side.name,
        "run": side.run_id,
        "commit": side.commit,
        "store": side.store,
        "suite": side.suite,
        "label": side.label,
        "status": side.status,
        "started": side.started,
        "tool_version": side.tool_version,
    }


def _answer(answer: AnswerChange) -> dict[str, Any]:
    return {
        "question": answer.question,
        "about": answer.about,
        "parameters": dict(answer.parameters),
        "base": answer.base,
        "candidate": answer.candidate,
    }


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _code(text: str) -> str:
    """`text` as a code span that no character of it ends, within a table."""
    shown = _printable(text).replace("|", "\\|")
    fence = "`" * (1 + shown.count("`"))  # longer than any run of them within
    blank = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{blank}{shown}{blank}{fence}"


def _text(text: str) -> str:
    """`text` as words that Markdown leaves alone."""
    shown = _printable(text).replace("\\", "\\\\")
    for character in "|`*_[]#~":
        shown = shown.replace(character, f"\\{character}")
    return shown.replace("&", "&amp;").replace("<", "&lt;").replace("@", "@\u200b")


def _printable(text: str) -> str:
    return "".join(
        " "
        if character == "\n"
        else character
        if unicodedata.category(character) not in ("Cc", "Cf", "Cs")
        else "\ufffd"
        for character in text
    )
