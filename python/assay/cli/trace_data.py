"""What `assay data` shows of a trace, beside what it shows of any table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from assay.cli.output import note, print_lines, print_rows, say
from assay.errors import DataError

if TYPE_CHECKING:
    from assay.caches.trace_facts import TraceFacts
    from assay.datasets import Dataset

__all__ = ["facts_of_trace", "print_trace", "trace_content"]

_BAR = 24  # characters of the longest


def facts_of_trace(dataset: Dataset, named: Mapping[str, str | None]) -> TraceFacts | None:
    """What `dataset` asks for as a trace; None where it is none.

    It is one if a role is named, if it declares a key, or is of a format of traces; else if a column is called like a
    key, and another one like a time, a size or an operation. What was only guessed and does not hold is told of, and
    is no error.

    Raises:
        UsageError: A role is named, and no column is the key.
        DataError: It is meant as a trace, and a request has no key, say.
    """
    from assay.caches.trace_facts import describe_trace
    from assay.datasets import find_trace_roles, trace_roles
    from assay.datasets.formats import TRACE_FORMATS, format_by_name

    source = dataset.definition.source
    format_ = None if source is None else source.format or format_by_name(source.path or "")
    meant = any(named.values()) or "key" in dataset.roles or format_ in TRACE_FORMATS
    if any(named.values()):
        return describe_trace(dataset, trace_roles(dataset, **named))
    roles = find_trace_roles(dataset)
    if roles is None or not (meant or len(roles.columns) > 1):
        return None
    try:
        return describe_trace(dataset, roles)
    except DataError as error:
        if meant:
            raise
        note(f"not shown as a trace: {error}")
        return None


def print_trace(facts: TraceFacts) -> None:
    """The facts in words, and how soon objects are asked for again as a table."""
    from assay.units import format_count

    say("")
    asked = format_count(facts.requests)
    say(f"as a trace: {asked} request{_s(facts.requests)} for {format_count(facts.keys)} object{_s(facts.keys)}")
    print_lines([(label, text) for label, text in _lines(facts) if text])
    if facts.repeated:
        say("")
        print_rows(_shown_reuse(facts), "table")


def trace_content(facts: TraceFacts) -> dict[str, Any]:
    """The facts as JSON holds them."""
    import dataclasses

    content = dataclasses.asdict(facts)
    content["roles"] = {role: column for role, column in content["roles"].items() if role != "sources" and column}
    content["operations"] = None if facts.operations is None else dict(facts.operations)
    return {**content, "repeated": facts.repeated, "kinds": facts.kinds}


def _lines(facts: TraceFacts) -> list[tuple[str, str]]:
    roles, sources = facts.roles, facts.roles.sources or {}
    named = [(role, getattr(roles, role)) for role in ("key", "time", "size", "op")]
    return [
        ("roles", ", ".join(f"{role}: {column} ({sources.get(role)})" for role, column in named if column)),
        ("repeated", _repeated(facts)),
        ("once", _once(facts)),
        ("popularity", _popularity(facts)),
        ("bytes", _bytes(facts)),
        ("operations", _operations(facts)),
        ("time", _time(facts)),
    ]


def _share(part: int, whole: int) -> str:
    from assay.units import format_value

    return format_value(part / whole, "share") if whole else "–"


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _repeated(facts: TraceFacts) -> str:
    from assay.units import format_count

    return (
        f"{format_count(facts.repeated)} request{_s(facts.repeated)} ({_share(facts.repeated, facts.requests)}) for an "
        "object that was asked for before: no cache hits more"
    )


def _once(facts: TraceFacts) -> str:
    from assay.units import format_count

    return (
        f"{format_count(facts.once)} object{_s(facts.once)} ({_share(facts.once, facts.keys)} of all, "
        f"{_share(facts.once, facts.requests)} of the requests) are asked for only once"
    )


def _popularity(facts: TraceFacts) -> str:
    from assay.units import format_count

    text = f"the most popular object has {_share(facts.top_requests, facts.requests)} of the requests"
    fit = facts.zipf
    if fit is None:
        return f"{text}; too few objects with 10 requests to fit Zipf's law"
    verdict = "well" if fit.distance <= 0.02 else "roughly" if fit.distance <= 0.05 else "poorly"
    return (
        f"{text}; Zipf's law fits {verdict} (distance {fit.distance:.3f}) with the exponent {fit.exponent:.3f} ± "
        f"{1.96 * fit.standard_error:.3f}, over {format_count(fit.ranks)} objects with 10 requests or more"
    )


def _bytes(facts: TraceFacts) -> str:
    from assay.units import format_bytes, format_count

    sizes = facts.sizes
    if sizes is None:
        return ""
    if sizes.smallest == sizes.largest and not sizes.changing_keys:
        text = f"every object has {format_bytes(sizes.smallest)}"
    else:
        text = (
            f"{format_bytes(sizes.footprint_bytes)} of objects, {format_bytes(sizes.requested_bytes)} of requests; "
            f"sizes from {format_bytes(sizes.smallest)} to {format_bytes(sizes.largest)}, "
            f"median {format_bytes(sizes.median)}"
        )
    if sizes.changing_keys:
        text += (
            f"; the size of {format_count(sizes.changing_keys)} object{_s(sizes.changing_keys)} "
            f"({_share(sizes.changing_keys, facts.keys)}) changes"
        )
    if sizes.empty_requests:
        text += f"; {format_count(sizes.empty_requests)} request{_s(sizes.empty_requests)} of size 0"
    return text


def _operations(facts: TraceFacts) -> str:
    if facts.operations is None or facts.kinds is None:
        return ""
    kinds = [f"{kind} {_share(requests, facts.requests)}" for kind, requests in facts.kinds.items() if requests]
    names = [f"{name} {_share(requests, facts.requests)}" for name, requests in facts.operations[:12]]
    more = f", and {len(facts.operations) - 12} more" if len(facts.operations) > 12 else ""
    return f"{', '.join(kinds)} ({', '.join(names)}{more})"


def _time(facts: TraceFacts) -> str:
    from assay.units import format_count

    time = facts.time
    if time is None:
        return ""
    text = f"{time.first} to {time.last}"
    if time.seconds:
        text += f", {facts.requests / time.seconds:,.1f} requests a second"
    if time.backwards:
        text += f"; {format_count(time.backwards)} request{_s(time.backwards)} earlier than the one before"
    return text


def _shown_reuse(facts: TraceFacts) -> list[dict[str, Any]]:
    """How soon objects come again, in other objects and in requests, with the same bounds."""
    from assay.units import format_count

    distances = {bucket.low: bucket.requests for bucket in facts.reuse_distances}
    times = {bucket.low: bucket.requests for bucket in facts.reuse_times}
    most = max(distances.values())
    rows, hits = [], 0
    for low in sorted({*distances, *times}):
        requests = distances.get(low, 0)
        hits += requests
        high = "" if low == 1 else f" to {format_count(2 * low - 1)}"
        rows.append(
            {
                "again after": f"{format_count(low)}{high}",
                "requests": _share(times.get(low, 0), facts.requests),
                "objects": _share(requests, facts.requests),
                "LRU hits": _share(hits, facts.requests),
                "": "█" * max(bool(requests), round(_BAR * requests / most)),
            }
        )
    return rows
