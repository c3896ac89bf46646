"""Pages of the site that are written from the code when it is built, so that they cannot differ from it.

The help of every verb as the terminal shows it; the public names of `import assay` with signatures and docstrings;
the claims with the verdicts that their suite expects, and a test holds. Nothing here is kept in the repository.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import os
import re
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

ROOT = Path(__file__).resolve().parents[1]
WIDTH = 100
# What the functions give back, and what classes have in common: names that nobody imports, but everybody meets.
GIVEN = {
    "assay.front": ("Results", "Comparison", "Run"),
    "assay.diffing": ("Diff",),
    "assay.report.pictures": ("Picture",),
    "assay.targets.export": ("Export",),
    "assay.datasets": ("Dataset",),
    "assay.placement": ("Placement",),
}
_SECTION = re.compile(r"^(Args|Returns|Raises|Attributes|Source|Yields|Examples?):\s*$", re.MULTILINE)


def generated_pages() -> dict[str, str]:
    """The text of every generated page, by its path."""
    return {"docs/verbs.md": verbs_page(), "docs/python.md": python_page(), "docs/claims.md": claims_page()}


# -- the command line -------------------------------------------------------------------------------


def verbs_page() -> str:
    """`assay --help` and the help of every verb, as the terminal shows them."""
    from assay.cli.app import VERBS

    lines = [
        "# The verbs' own help",
        "",
        "What `assay VERB --help` prints; [the command line](cli.md) explains it with examples.",
        "",
        *_help(()),
    ]
    for verb in VERBS:
        lines += ["", f"## assay {verb}", "", *_help((verb,))]
    return "\n".join(lines) + "\n"


def _help(words: tuple[str, ...]) -> list[str]:
    from assay.cli import main

    said = io.StringIO()
    with patch.dict(os.environ, {"COLUMNS": str(WIDTH), "NO_COLOR": "1"}), contextlib.redirect_stdout(said):
        code = main([*words, "--help"])
    assert code == 0, f"assay {' '.join(words)} --help ends with {code}"
    return ["```text", *(line.rstrip() for line in said.getvalue().strip().splitlines()), "```"]


# -- Python -----------------------------------------------------------------------------------------


def python_page() -> str:
    """Every public name of `assay`, what they return, and the errors."""
    import assay
    import assay.errors

    public = {name: getattr(assay, name) for name in assay.__all__ if not name.startswith("__")}
    lines = ["# Python", "", inspect.getdoc(assay) or "", ""]
    functions = {name: value for name, value in public.items() if not inspect.isclass(value)}
    classes = {name: value for name, value in public.items() if inspect.isclass(value)}
    lines += ["## Functions"]
    for name, value in sorted(functions.items()):
        lines += _entry(f"assay.{name}", value)
    lines += ["", "## Classes"]
    for name, value in sorted(classes.items()):
        lines += _class(f"assay.{name}", value)
    lines += ["", "## What they give", ""]
    for module, names in GIVEN.items():
        for name in names:
            lines += _class(f"{module}.{name}", getattr(importlib.import_module(module), name))
    lines += ["", "## Errors", "", *_prose(inspect.getdoc(assay.errors) or "")]
    return "\n".join(lines) + "\n"


def _class(name: str, value: type) -> list[str]:
    bases = [base.__name__ for base in value.__bases__ if base.__module__.startswith("assay")]
    lines = _entry(name, value)
    if bases:
        lines += ["", f"It has all that `{bases[0]}` has."]
    for member, given in vars(value).items():
        if member.startswith("_"):
            continue
        if isinstance(given, property):
            text = inspect.getdoc(given) or ""
            lines += ["", f"**`.{member}`**{_annotation(given)}", "", *_prose(text)]
        elif inspect.isfunction(given) or isinstance(given, (classmethod, staticmethod)):
            function = given.__func__ if isinstance(given, (classmethod, staticmethod)) else given
            text = inspect.getdoc(function) or ""
            lines += ["", f"**`.{member}{_signature(function, bound=True)}`**", "", *_prose(text)]
    return lines


def _entry(name: str, value: Any) -> list[str]:
    signature = _signature(value, bound=False)
    head = ["", f"### `{name}`", "", "```python", f"{name}{signature}", "```", ""]
    return [*head, *_prose(inspect.getdoc(value) or "")]


class _Plain:
    """A type as it was written, without its module, for a signature."""

    def __init__(self, annotation: Any) -> None:
        text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
        self.text = re.sub(r"\b(?:[a-z_]+\.)+([A-Z]\w*)", r"\1", text)

    def __repr__(self) -> str:
        return self.text


def _signature(value: Any, *, bound: bool) -> str:
    """`(keys: Any, *, threads: int | None = None) -> Array`, on one line if that fits, else a parameter a line."""
    empty = inspect.Signature.empty
    signature = inspect.signature(value)
    given = list(signature.parameters.values())
    if bound and given and given[0].name in ("self", "cls"):
        given = given[1:]
    given = [one if one.annotation is empty else one.replace(annotation=_Plain(one.annotation)) for one in given]
    result = signature.return_annotation
    plain = signature.replace(parameters=given, return_annotation=empty if result is empty else _Plain(result))
    text = str(plain)
    if bound or len(text) <= WIDTH - 20:
        return text
    words, after = [], str(plain.replace(parameters=())).removeprefix("()")
    starred = False
    for one in given:
        if one.kind is inspect.Parameter.KEYWORD_ONLY and not starred:
            words.append("*")
        starred = starred or one.kind in (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_POSITIONAL)
        words.append(str(one))
    return "(\n" + "".join(f"    {word},\n" for word in words) + f"){after}"


def _annotation(given: property) -> str:
    found = inspect.get_annotations(given.fget).get("return") if given.fget else None
    return f" → `{_Plain(found)}`" if found else ""


def _prose(text: str) -> list[str]:
    """A docstring of the house as Markdown: its sections become lists, what is indented or prompted becomes code."""
    lines: list[str] = []
    for section, body in _sections(text):
        if section == "":
            lines += _paragraphs(body)
        elif section == "Source":
            lines += ["", f"*Source*: {' '.join(body.split())}"]
        elif section in ("Returns", "Yields"):
            lines += ["", f"*{section}*: {' '.join(body.split())}"]
        else:
            lines += ["", f"*{section}*:", "", *_items(body)]
    return lines


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """("", prose) and ("Args", body) in order; a section ends where its indent does."""
    name, body = "", []
    for line in text.splitlines():
        heading = _SECTION.fullmatch(line)
        if heading:
            yield name, textwrap.dedent("\n".join(body)).strip("\n")
            name, body = heading[1], []
        elif name and line and not line.startswith(" "):
            yield name, textwrap.dedent("\n".join(body)).strip("\n")
            name, body = "", [line]
        else:
            body.append(line)
    yield name, textwrap.dedent("\n".join(body)).strip("\n")


def _items(body: str) -> list[str]:
    """`name: text` entries as a list; entries go on in lines that are indented."""
    items: list[str] = []
    for line in body.splitlines():
        if line.startswith(" ") and items:
            items[-1] += f" {line.strip()}"
        elif line.strip():
            items.append(line.strip())
    return [re.sub(r"^([\w*]+): ", r"- `\1`: ", item) if ": " in item else f"- {item}" for item in items]


def _paragraphs(body: str) -> list[str]:
    lines: list[str] = []
    code = False
    for line in body.splitlines():
        is_code = line.startswith(("    ", ">>> ", "... ")) or (code and line.strip() != "")
        if is_code != code:
            lines += ["```"] if code else ["", "```python" if line.startswith(">>>") else "```text"]
            lines += [] if is_code else [""]
            code = is_code
        lines.append(line.removeprefix("    ") if is_code else line)
    return [*lines, "```"] if code else lines


# -- claims -----------------------------------------------------------------------------------------


def claims_page() -> str:
    """The claims suite in words; its verdicts are held by `tests/claims`."""
    from assay.report.claims import verdict_text

    claims = tomllib.loads((ROOT / "bench" / "claims.toml").read_text(encoding="utf-8"))["claim"]
    lines = [
        "# Claims",
        "",
        f"What textbooks repeat, put to the test: {len(claims)} sentences, each with the experiments that test it, the "
        "numbers that speak for it and against it, and a verdict. [The recorded page](../reports/claims/report.html) "
        "shows every number, and the command to measure it again; `make claims` makes it anew. How a verdict comes "
        "about is in [the methodology](../METHODOLOGY.md#claims-and-expectations), how to write a claim in "
        "[suites](suites.md#claims).",
    ]
    for topic in dict.fromkeys(claim["topic"] for claim in claims):
        lines += ["", f"## {topic}"]
        for claim in (claim for claim in claims if claim["topic"] == topic):
            verdict = claim["expected_verdict"]
            condition = f" {claim['condition']}" if verdict == "holds if" else ""
            lines += [
                "",
                f"### {claim['sentence']}",
                "",
                f"**{verdict_text(verdict)}{condition}**",
                "",
                claim["reading"].strip(),
            ]
    return "\n".join(lines) + "\n"
