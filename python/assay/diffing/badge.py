"""The verdict as a small SVG picture, such as for a README: no script, no font and no address in it.

White on dark: each colour has a contrast of at least 4.5 to 1 with the text (WCAG 2.2, 1.4.3), and the
words say what the colour says.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from assay.report.writing import write_page

if TYPE_CHECKING:
    from assay.diffing.result import Diff

__all__ = ["COLOURS", "badge_svg", "write_badge"]

COLOURS = {"bad": "#b3261e", "good": "#1a7f37", "open": "#57606a", "moved": "#8a5a00"}
_LABEL_COLOUR = "#24292f"
_PADDING_PX, _HEIGHT_PX, _RADIUS_PX = 10, 20, 3
# About how wide characters are at 11 px: the picture is stretched to that, whatever the font.
_CHARACTER_PX, _NARROW_PX, _NARROW = 6.8, 4.0, frozenset("ijlft 1.,:'")


def badge_svg(diff: Diff) -> str:
    """The picture as text."""
    words, colour = _message(diff)
    return _drawn("assay", words, COLOURS[colour])


def write_badge(diff: Diff, path: Path) -> Path:
    """Writes the picture, whole or not at all.

    Raises:
        StoreError: The file cannot be written.
    """
    return write_page(lambda: badge_svg(diff), path, what="badge")


def _message(diff: Diff) -> tuple[str, str]:
    counts = diff.counts
    if diff.verdict == "nothing":
        return "nothing compared", "open"
    if "failed" in counts:
        return f"{counts['failed']} failed", "bad"
    if "worse" in counts:
        return f"{counts['worse']} worse", "moved" if diff.conditions and diff.exit_code == 0 else "bad"
    if diff.verdict == "changed":
        return "changed", "bad" if diff.exit_code else "moved"
    if diff.verdict == "better":
        return f"{counts['better']} better", "good"
    if diff.verdict == "unclear":
        return f"{counts['unclear']} unclear", "open"
    return "no change", "good"


def _drawn(label: str, words: str, colour: str) -> str:
    left, right = (
        round(sum(_NARROW_PX if character in _NARROW else _CHARACTER_PX for character in text)) + 2 * _PADDING_PX
        for text in (label, words)
    )
    width = left + right

    def text(words: str, start: float, room: float) -> str:
        return (
            f'<text x="{start + room / 2:g}" y="14" textLength="{room - 2 * _PADDING_PX:g}" '
            f'lengthAdjust="spacingAndGlyphs">{escape(words)}</text>'
        )

    name = escape(f"{label}: {words}", quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{_HEIGHT_PX}" role="img" aria-label="{name}">'
        f"<title>{name}</title>"
        # Rounded at the outer ends alone, without an id that a second badge on a page would share.
        f'<rect width="{left}" height="{_HEIGHT_PX}" rx="{_RADIUS_PX}" fill="{_LABEL_COLOUR}"/>'
        f'<rect x="{left - _RADIUS_PX}" width="{_RADIUS_PX}" height="{_HEIGHT_PX}" fill="{_LABEL_COLOUR}"/>'
        f'<rect x="{left + _RADIUS_PX}" width="{right - _RADIUS_PX}" height="{_HEIGHT_PX}" rx="{_RADIUS_PX}" '
        f'fill="{colour}"/>'
        f'<rect x="{left}" width="{2 * _RADIUS_PX}" height="{_HEIGHT_PX}" fill="{colour}"/>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f"{text(label, 0, left)}{text(words, left, right)}</g></svg>\n"
    )
