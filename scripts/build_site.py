"""Builds the documentation as a site that opens from `file:`, from the Markdown that the repository holds.

    python scripts/build_site.py [FOLDER]      site/ by default; exits 1 on any warning, such as a broken link

Pages are gathered in a temporary folder: the documents as they are, and those that are written from the code
(`site_reference.py`). README.md is the home page. `docs/site/navigation.toml` orders them; a page that it does not
name finds its place by itself. Links to other files of the repository (a licence, a recorded report) are kept, and
the files lie beside the pages. Sphinx with MyST and the theme furo make the HTML: all are well kept, build without a
network, and need none where the pages are read. Cost: about ten seconds.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from site_reference import generated_pages

ROOT = Path(__file__).resolve().parents[1]
DESIGN = ROOT / "docs" / "site"
HOME = "README.md"
_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)


def sources() -> dict[str, str]:
    """The documents that people wrote, by their path in the repository."""
    paths = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")), ROOT / "reports" / "README.md"]
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths}


def navigation(pages: dict[str, str], generated: set[str]) -> list[tuple[str, list[str]]]:
    """(title of a section, its pages in order); every page but the home page stands in exactly one.

    Raises:
        ValueError: the navigation names a page that there is not, or one twice.
    """
    sections = tomllib.loads((DESIGN / "navigation.toml").read_text(encoding="utf-8"))["section"]
    named = [page for section in sections for page in (*section["pages"], *section.get("generated", ()))]
    unknown = sorted(set(named) - set(pages) - generated)
    twice = sorted({page for page in named if named.count(page) > 1})
    if unknown or twice:
        raise ValueError(f"docs/site/navigation.toml: no such page {unknown}; named twice {twice}")
    left = {page for page in pages if page not in named and page != HOME}
    found = []
    for section in sections:
        placed = [*section["pages"]]
        if "glob" in section:
            placed += sorted(page for page in left if Path(page).match(section["glob"]))
        left -= set(placed)
        found.append((section, placed))
    return [
        (
            section["title"],
            [*placed, *(_by_title(left, pages) if section.get("rest") else ()), *section.get("generated", ())],
        )
        for section, placed in found
    ]


def _by_title(names: set[str], pages: dict[str, str]) -> list[str]:
    return sorted(names, key=lambda name: pages[name].partition("\n")[0].lower())


def build(output: Path) -> None:
    """Writes the site to `output`; what was there is replaced.

    Raises:
        SystemExit: a warning, which names the page and the line.
        ModuleNotFoundError: the extra `[docs]` is not installed.
    """
    from sphinx.application import Sphinx

    with tempfile.TemporaryDirectory(prefix="assay-site-") as name:
        stage, extra = Path(name) / "pages", Path(name) / "extra"
        _gather(stage, extra)
        if output.exists():
            shutil.rmtree(output)
        app = Sphinx(
            str(stage),
            None,
            str(output),
            str(Path(name) / "doctrees"),
            "html",
            confoverrides=_settings(extra),
            status=None,
            warning=sys.stderr,
            warningiserror=True,
        )
        app.build()
        if app.statuscode:
            raise SystemExit(app.statuscode)


def _settings(extra: Path) -> dict[str, Any]:
    version = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))["workspace"]["package"]["version"]
    return {
        "project": "assay",
        "release": version,
        "extensions": ["myst_parser"],
        "html_theme": "furo",
        "html_title": f"assay {version}",
        "html_static_path": [str(DESIGN / "static")],
        "html_css_files": ["site.css"],
        "html_extra_path": [str(extra)],
        "html_copy_source": False,
        "html_show_copyright": False,
        "html_show_search_summary": False,  # summaries are fetched, which file: does not allow
        "html_last_updated_fmt": None,
        "html_use_index": False,
        "myst_heading_anchors": 6,
        "myst_links_external_new_tab": False,
        "suppress_warnings": ["misc.highlighting_failure", "myst.header"],
    }


def _gather(stage: Path, extra: Path) -> None:
    """All pages and what they show into `stage`, the other files that they link to into `extra`."""
    written = sources()
    generated = generated_pages()
    assert not set(written) & set(generated), "a generated page has a name of its own"
    extra.mkdir()
    for page, text in (written | generated).items():
        where = stage / ("index.md" if page == HOME else page)
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_text(_with_files(page, text, extra), encoding="utf-8")
    shutil.copytree(ROOT / "docs" / "images", stage / "docs" / "images")
    with (stage / "index.md").open("a", encoding="utf-8") as home:
        for title, pages in (section for section in navigation(written, set(generated)) if section[1]):
            home.write(f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n" + "\n".join(pages) + "\n```\n")


def _with_files(page: str, text: str, extra: Path) -> str:
    """The page with links to the home page and to files as the site has them; the files are copied beside it."""

    def linked(found: re.Match[str]) -> str:
        words, target = found[1], found[2]
        name, _, anchor = target.partition("#")
        if not name or "://" in target:
            return found[0]
        file = Path(os.path.normpath(ROOT / Path(page).parent / name))
        if file == ROOT / HOME:
            home = os.path.relpath("index.md", Path(page).parent)
            return f"[{words}]({home}{'#' + anchor if anchor else ''})"
        if file.suffix == ".md":
            return found[0]
        if not file.is_file():
            raise SystemExit(f"{page} links to {target}, which is no file of the repository")
        copy = extra / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
        return f'<a href="{name}">{words}</a>'

    return "".join(part if _FENCE.fullmatch(part) else _LINK.sub(linked, part) for part in _parts(text))


def _parts(text: str) -> Iterator[str]:
    """The text in pieces: fenced blocks, and what is between them."""
    at = 0
    for block in _FENCE.finditer(text):
        yield text[at : block.start()]
        yield block[0]
        at = block.end()
    yield text[at:]


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "site"
    build(folder)
    print(folder / "index.html")
