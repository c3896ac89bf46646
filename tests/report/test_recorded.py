"""The recorded reports: small, of the present page, without a path of anybody's machine, and they open."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPORTS = Path(__file__).resolve().parents[2] / "reports"
DEMO = REPORTS / "demo"  # what `make demo` leaves, which is not kept
PAGES = sorted(page for page in REPORTS.rglob("*.html") if DEMO not in page.parents)
MOST_BYTES = 3_000_000
PRIVATE = re.compile(r"(?<![\w./])/(?:home|root|tmp|Users|work|mnt)/\w+")


def test_three_reports_are_recorded_and_named_in_their_index() -> None:
    names = {page.relative_to(REPORTS).as_posix() for page in PAGES}
    assert {"flights/report.html", "claims/report.html", "partitioning/partitioning.html"} <= names
    index = (REPORTS / "README.md").read_text(encoding="utf-8")
    assert [name for name in sorted(names) if f"]({name})" not in index] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_recorded_report_is_small_and_tells_nothing_of_its_machine(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(text.encode()) < MOST_BYTES
    # The chart library and the page's own scripts hold no paths; what is measured stands before and between them.
    assert PRIVATE.findall(re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)) == []


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_recorded_report_opens_without_errors_and_breaks_no_rule(visit, page: Path) -> None:
    for scheme in ("light", "dark"):
        found = visit(page, scheme=scheme)
        found.open_everything()
        assert found.page.locator("svg.marks").count() > 0
        assert found.troubles == []
        assert found.requests == [page.as_uri()]
        assert found.violations() == []
