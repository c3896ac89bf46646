"""Takes the picture of the report that the README shows.

    assay run bench/flights.toml --no-timing --store flights.duckdb
    assay report --store flights.duckdb -o flights.html
    python scripts/report_picture.py flights.html

Needs Chromium. The picture is docs/images/report.png: the table of all numbers, and the trade-off below it.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "report.png"
SIZE = {"width": 1180, "height": 1500}


def take(report: Path) -> None:
    """The page from its table on, in light colours, once its charts are drawn."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(report.resolve().as_uri())
        page.wait_for_selector("html[data-drawn]", state="attached")
        page.locator('[data-frame="numbers"]').evaluate("frame => window.scrollTo(0, frame.offsetTop - 70)")
        page.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]))
    print(PICTURE)
