"""Units of metrics, how a number of each is written for people, and the plural of a noun.

One formatter per unit, so that the terminal, the report and the documents agree.
"""

from __future__ import annotations

import math
import re

__all__ = [
    "UNITS",
    "count_of",
    "format_bytes",
    "format_count",
    "format_duration_ns",
    "format_seconds",
    "format_value",
    "parse_bytes",
    "plural",
]

_BYTES = {"": 1, "b": 1} | {
    prefix + unit: base**power
    for power, prefix in enumerate("kmgtp", 1)
    for unit, base in (("ib", 1024), ("b", 1000), ("", 1024))
}

UNITS = {
    "ratio": "a quotient; 1 is the ideal where a mean or an optimum is the divisor",
    "share": "a part of a whole, from 0 to 1; shown in percent",
    "rows": "a number of rows",
    "values": "a number of distinct values",
    "partitions": "a number of partitions",
    "nodes": "a number of nodes",
    "tables": "a number of tables",
    "entries": "a number of directory entries",
    "bytes": "bytes; shown with binary prefixes",
    "ns": "nanoseconds",
    "s": "seconds",
    "GB/s": "10^9 bytes a second",
    "count": "a plain number",
}


def format_count(value: float) -> str:
    """A whole number with thousands separators: 336,776."""
    return f"{value:,.0f}"


def count_of(count: float, noun: str) -> str:
    """So many of a noun, which is in the singular.

    >>> count_of(1, "row"), count_of(336_776, "row"), count_of(0, "strategy")
    ('1 row', '336,776 rows', '0 strategies')
    """
    return f"{format_count(count)} {noun if count == 1 else plural(noun)}"


def format_bytes(value: float) -> str:
    """Bytes with a binary prefix: 1.5 KiB."""
    for prefix in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(value) < 1024 or prefix == "TiB":
            return f"{value:.0f} B" if prefix == "B" else f"{value:.1f} {prefix}"
        value /= 1024
    raise AssertionError("unreachable")


def parse_bytes(text: int | str) -> int:
    """A number of bytes as people write it: KiB to PiB are powers of 1024, KB to PB of 1000, K to P are KiB to PiB.

    >>> parse_bytes("1GiB"), parse_bytes("1.5 MB"), parse_bytes(512)
    (1073741824, 1500000, 512)

    Raises:
        ValueError: It is no number of bytes, or less than 1.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", str(text))
    unit = None if found is None or isinstance(text, bool) else _BYTES.get(found[2].lower())
    if found is None or unit is None:
        raise ValueError(f"{text!r} is no number of bytes; expected such as 1GiB, 500MB or 1048576")
    size = int(float(found[1]) * unit) if "." in found[1] else int(found[1]) * unit
    if size < 1:
        raise ValueError(f"{text!r} is {size} bytes; expected at least 1")
    return size


def format_duration_ns(value: float) -> str:
    """Nanoseconds in the unit that reads best: 2.4 ns, 13.0 µs, 1.20 s."""
    for limit, divisor, unit in ((1e3, 1, "ns"), (1e6, 1e3, "µs"), (1e9, 1e6, "ms")):
        if abs(value) < limit:
            return f"{value / divisor:.1f} {unit}"
    return f"{value / 1e9:.2f} s"


def format_seconds(value: float) -> str:
    """Seconds in the unit that reads best: 1.3 ms, 24.0 s, 12.5 min, 3.2 h, 2.1 d."""
    for limit, divisor, unit in ((120, 1, "s"), (7_200, 60, "min"), (172_800, 3_600, "h"), (math.inf, 86_400, "d")):
        if abs(value) < limit:
            return format_duration_ns(1e9 * value) if unit == "s" else f"{value / divisor:.1f} {unit}"
    raise AssertionError("unreachable")


def _format_percent(percent: float) -> str:
    """One decimal; two below 1 %, and below 0.1 % two digits that say something, since a small share is not zero."""
    if percent == 0 or abs(percent) >= 1:
        return f"{percent:.1f} %"
    decimals, bound = 2, 0.1
    while abs(percent) < bound and decimals < 6:
        decimals, bound = decimals + 1, bound / 10
    if abs(percent) >= bound:
        return f"{percent:.{decimals}f} %"
    mantissa, _, exponent = f"{percent:.1e}".partition("e")
    return f"{mantissa}e{int(exponent)} %"


_SMALL_RATIO = 0.01  # below it three decimals would hide what is there


def _two_digits(value: float) -> str:
    """Two digits that count, as the page's own formatter has them: 0.0015, 2.0e-9."""
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{value:.{1 - int(exponent)}f}" if int(exponent) >= -6 else f"{mantissa}e{int(exponent)}"


def format_value(value: float | None, unit: str) -> str:
    """`value` as a person reads it; a missing value is an en dash, never a zero.

    >>> [format_value(share, "share") for share in (0.25, 0.0039, 0.000015, 2e-9, 0.0)]
    ['25.0 %', '0.39 %', '0.0015 %', '2.0e-7 %', '0.0 %']
    >>> [format_value(ratio, "ratio") for ratio in (1.5, 0.25, 0.0015, 2e-9, 0.0)]
    ['1.500', '0.250', '0.0015', '2.0e-9', '0.000']
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if unit == "share":
        return _format_percent(100 * value)
    if unit == "bytes":
        return format_bytes(value)
    if unit == "ns":
        return format_duration_ns(value)
    if unit == "s":
        return format_seconds(value)
    if unit == "GB/s":
        return f"{value:.3f} GB/s" if abs(value) < 1 else f"{value:,.1f} GB/s"
    if unit == "ratio":
        if 0 < abs(value) < _SMALL_RATIO:
            return _two_digits(value)
        return f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}"
    return format_count(value) if float(value).is_integer() else f"{value:,.2f}"


def plural(noun: str) -> str:
    """Several of a noun, which is also the setting that lists contenders of this noun.

    >>> plural("strategy"), plural("filter"), plural("index")
    ('strategies', 'filters', 'indexes')
    """
    if noun.endswith("y"):
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("x", "s")) else "s")
