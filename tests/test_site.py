"""The documentation as a site: every page is in it, every link leads somewhere, and nothing is fetched."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.filterwarnings("ignore:.*is deprecated. Check CHANGES for Sphinx API")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    """`scripts/build_site.py`."""
    folder = str(ROOT / "scripts")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    import build_site

    return build_site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, in a process of its own, as Sphinx warns of a second build in one; a warning ends the build."""
    folder = tmp_path_factory.mktemp("site") / "site"
    built = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "build_site.py"), str(folder)], capture_output=True, text=True
    )
    assert built.returncode == 0, built.stderr
    return folder


def test_every_document_is_a_page_that_the_navigation_leads_to(builder: ModuleType, site: Path) -> None:
    home = (site / "index.html").read_text(encoding="utf-8")
    led_to = set(re.findall(r'class="reference internal" href="([^"#]+)"', home))
    for name in {*builder.sources(), *builder.generated_pages()} - {"README.md"}:
        page = name.removesuffix(".md") + ".html"
        assert (site / page).is_file(), page
        assert page in led_to, f"the navigation does not lead to {page}"


def test_a_new_page_finds_its_place_by_itself(builder: ModuleType) -> None:
    pages = builder.sources() | {"docs/sorting.md": "# Sorting\n", "docs/experiments/sorting.md": "# Sorting\n"}
    generated = set(builder.generated_pages())
    sections = dict(builder.navigation(pages, generated))
    assert "docs/sorting.md" in sections["Guides"]
    assert "docs/experiments/sorting.md" in sections["Experiments"]
    placed = [page for section in sections.values() for page in section]
    assert sorted(placed) == sorted({*pages, *generated} - {"README.md"})


def test_a_page_that_is_named_but_not_there_is_told(builder: ModuleType) -> None:
    pages = {name: text for name, text in builder.sources().items() if name != "docs/sql.md"}
    with pytest.raises(ValueError, match=re.escape("docs/sql.md")):
        builder.navigation(pages, set(builder.generated_pages()))


def test_a_broken_link_ends_the_build(
    builder: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = "# Broken\n\n[The unwritten](unwritten.md), [x](../README.md#nowhere), [y](#not-here)\n"
    monkeypatch.setattr(builder, "sources", lambda: {"README.md": "# Home\n", "docs/broken.md": broken})
    monkeypatch.setattr(builder, "generated_pages", dict)
    monkeypatch.setattr(builder, "navigation", lambda pages, generated: [("All", ["docs/broken.md"])])
    with pytest.raises(SystemExit):
        builder.build(tmp_path / "site")
    told = capsys.readouterr().err
    assert [word for word in ("unwritten.md", "nowhere", "not-here") if word not in told] == []


def test_links_to_files_lead_to_files(site: Path) -> None:
    for page in site.rglob("*.html"):
        if "reports" in page.relative_to(site).parts[:1] and page.name != "README.html":
            continue  # a recorded report, which has tests of its own
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r'(?:href|src)="([^"#?:]+)[^":]*"', text):
            assert (page.parent / target).exists(), f"{page.relative_to(site)} links to {target}"


def test_the_reference_has_every_verb_and_every_public_name(site: Path) -> None:
    import assay
    from assay.cli.app import VERBS

    verbs = (site / "docs/verbs.html").read_text(encoding="utf-8")
    assert [verb for verb in VERBS if f"Usage: assay {verb}" not in verbs] == []
    python = (site / "docs/python.html").read_text(encoding="utf-8")
    missing = [name for name in assay.__all__ if f"assay.{name}" not in python and not name.startswith("_")]
    assert missing == []


# In a process of its own: another test may have a browser open in this one.
VISIT = """
import json, sys
from playwright.sync_api import sync_playwright
chromium, site, *pages = sys.argv[1:]
asked, said, wide = [], [], []
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
    page = browser.new_context(offline=True, viewport={"width": 360, "height": 800}).new_page()
    page.set_default_timeout(120_000)
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    for name in pages:
        page.goto(f"{site}/{name}")
        if page.evaluate("document.documentElement.scrollWidth") > 360:
            wide.append(name)
    page.wait_for_selector("#search-results li a")
    found = page.locator("#search-results li a").all_text_contents()
    browser.close()
print(json.dumps({"asked": asked, "said": said, "wide": wide, "found": found}))
"""


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH: apt-get install chromium")
def test_pages_and_search_work_from_files_and_ask_nobody(site: Path) -> None:
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    pages = ["index.html", "docs/cli.html", "docs/python.html", "METHODOLOGY.html", "search.html?q=virtual+nodes"]
    command = [sys.executable, "-c", VISIT, str(CHROMIUM), site.as_uri(), *pages]
    seen = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=600).stdout)
    assert any("Claims" in title for title in seen["found"]), seen["found"]
    assert [url for url in seen["asked"] if not url.startswith(("file:", "data:"))] == []
    assert seen["wide"] == [], "wider than a telephone"
    assert seen["said"] == []
