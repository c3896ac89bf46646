"""Takes the picture of the report that the README shows.

    assay demo --output reports/demo
    python scripts/report_picture.py reports/demo/assay-report.html

Needs Chromium. The picture is docs/images/report.png.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "report.png"
SIZE = {"width": 1180, "height": 960}


def take(report: Path) -> None:
    """The top of the page in light colours, once its charts are drawn."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(report.resolve().as_uri())
        page.wait_for_selector("svg.marks, canvas.marks")
        page.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]))
    print(PICTURE)
