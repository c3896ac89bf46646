"""A headless Chromium that opens pages from files, with no network, and keeps what went wrong on them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
AXE = Path(__file__).parent / "vendor" / "axe-core.js"
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]


class Visit:
    """An open page and what went wrong on it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.troubles: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda m: self.troubles.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    def frame(self, name: str) -> Any:
        """A frame of the page by its name."""
        return self.page.locator(f'[data-frame="{name}"]')

    def column(self, metric: str) -> list[str]:
        """The texts of a metric's column, top down."""
        return self.page.evaluate(
            """metric => {
                const heads = [...document.querySelectorAll('.numbers-table thead th')];
                const at = heads.findIndex(head => head.dataset.metric === metric);
                const rows = [...document.querySelectorAll('.numbers-table tbody tr')];
                return rows.map(row => row.children[at].firstChild.textContent);
            }""",
            metric,
        )

    def names(self) -> list[str]:
        """The contenders in the table, top down."""
        return self.page.locator(".numbers-table tbody .name").all_text_contents()

    def open_everything(self) -> None:
        """Opens whatever is folded, and waits for what is drawn then."""
        self.page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")
        self.page.wait_for_function("!document.querySelector('.fold') || document.querySelector('.numbers-table')")
        self.page.evaluate("assay.drawn.then(() => null)")

    def violations(self, standards: list[str] = STANDARDS) -> list[str]:
        """What axe-core finds wrong by these standards, a line each."""
        self.page.evaluate(f"{AXE.read_text(encoding='utf-8')};undefined")
        found = self.page.evaluate("tags => axe.run({ runOnly: tags, resultTypes: ['violations'] })", standards)
        return [
            f"{rule['id']}: {node['target']} {node['html'][:160]} {node.get('failureSummary', '')}"
            for rule in found["violations"]
            for node in rule["nodes"]
        ]
