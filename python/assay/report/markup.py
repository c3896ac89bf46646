"""HTML built from text that is always escaped, and JSON that cannot close its script tag."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from typing import Any

from assay.report.screen import command_pieces, plain

__all__ = ["Html", "command_block", "data_block", "definitions", "details", "element", "escape", "join", "table"]


class Html(str):
    """Markup that is safe to insert as it is; plain strings are escaped."""

    __slots__ = ()


def escape(content: str | Html) -> Html:
    """Text as markup: `<b>` shows as the four characters that it is."""
    return content if isinstance(content, Html) else Html(html.escape(plain(content), quote=True))


def join(parts: Iterable[str | Html]) -> Html:
    """The parts one after another, each escaped unless it is markup."""
    return Html("".join(escape(part) for part in parts))


def element(tag: str, *content: str | Html, **attributes: str | bool | None) -> Html:
    """One element; `class_` and `data_point` become `class` and `data-point`; None and False leave an attribute out.

    >>> element("p", "a < b", class_="note")
    '<p class="note">a &lt; b</p>'
    """
    pairs = "".join(
        f" {name.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escape(str(value))}"')
        for name, value in attributes.items()
        if value is not None and value is not False
    )
    return Html(f"<{tag}{pairs}>{join(content)}</{tag}>")


def table(caption: str, heads: Iterable[str], rows: Iterable[Iterable[str | Html]]) -> Html:
    """A plain table in its own scrolling box; the first cell of a row is its header."""
    head = join(element("th", name, scope="col") for name in heads)
    body = join(
        element("tr", element("th", first, scope="row"), *(element("td", cell) for cell in rest))
        for first, *rest in rows
    )
    inner = join(
        [element("caption", element("span", caption)), element("thead", element("tr", head)), element("tbody", body)]
    )
    return element("div", element("table", inner), class_="box", tabindex="0", role="group", aria_label=caption)


def definitions(pairs: Iterable[tuple[str, str | Html]]) -> Html:
    """A list of names and what they stand for; empty ones are left out."""
    return element(
        "dl", *(join([element("dt", name), element("dd", value)]) for name, value in pairs if value), class_="facts"
    )


def command_block(command: str) -> Html:
    """A command line with a button that copies it; without scripts the button does not show."""
    parts: list[str | Html] = []
    for piece in command_pieces(command):
        parts += [" " if parts and parts[-1] != "\n" else "", element("span", piece)]
        parts += ["\n"] if piece == "&&" else []
    return element(
        "div",
        element("pre", element("code", *parts)),
        element("button", "Copy", type="button", class_="copy-command", aria_label="Copy the command"),
        class_="command",
    )


def details(summary: str, content: Html) -> Html:
    """What a reader may open: `summary` shows, `content` on demand."""
    return element("details", element("summary", summary), escape(content))


def data_block(identifier: str, value: Any) -> Html:
    """`value` as a JSON block that a script reads; no text in it can end the block or start a comment."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    text = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Html(f'<script type="application/json" id="{escape(identifier)}">{text}</script>')
