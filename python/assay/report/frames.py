"""The frames of an experiment that the page's script fills, each only where the run has something for it.

Every frame is a heading, a line that says how to read it, and an empty box. Which ones there are follows from what was
stored: the metrics' declarations, the cells' parameters, and which kinds of samples and series were kept. A new
experiment gets table, trade-off, ratios, curves, heat map, series, distribution and drift without a line here; those
of partitions and replicas ask for metrics by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.report.markup import Html, element, join
from assay.report.run_view import ExperimentView
from assay.report.vocabulary import split_name

__all__ = ["Frame", "contents", "frame_section", "frames_of", "toolbar"]

_SPELLED = re.compile(r"(?<=[(,])([A-Za-z_]\w*)=\d+(?:\.\d+)?(?=[,)])")  # as assets/parameters.js finds them


@dataclass(frozen=True)
class Frame:
    """A part of the page: what the script calls it, its heading, and how it is read."""

    identifier: str
    heading: str
    words: str


def toolbar(experiment: ExperimentView) -> Html:
    """Which grid point is shown, and a filter."""
    options = join(element("option", point.label, value=str(i)) for i, point in enumerate(experiment.points))
    choice = element("label", "Grid point ", element("select", options, class_="choose-point"))
    named = f"name of {_one(experiment.noun)}"
    hint = f"{named}, or {_example(experiment)}" if len(experiment.points) > 1 else named
    search = element(
        "label",
        "Filter ",
        element("input", type="search", class_="filter", placeholder=hint),
    )
    parts = [choice, search] if len(experiment.points) > 1 else [search]
    return element("div", *parts, element("output", class_="count", aria_live="polite"), class_="toolbar main-toolbar")


def contents(frames: Sequence[Frame], name: str) -> Html:
    """Links to the frames."""
    links = [element("a", frame.heading, href=f"#{frame.identifier}-{name}") for frame in frames]
    return element(
        "nav", *(element("span", link) for link in links), class_="contents", aria_label=f"Parts of experiment {name}"
    )


def frame_section(frame: Frame, name: str) -> Html:
    """An empty, labelled frame; `name` is the experiment's on this page."""
    identifier = f"{frame.identifier}-{name}"
    return element(
        "section",
        element("h3", frame.heading, id=identifier),
        element("p", frame.words, class_="about"),
        element("div", class_="filled"),
        class_="frame",
        role="group",
        data_frame=frame.identifier,
        aria_labelledby=identifier,
    )


def frames_of(experiment: ExperimentView, data: Mapping[str, Any]) -> list[Frame]:
    """The frames that this run can fill, in the order of the page.

    Args:
        experiment: What was measured.
        data: What the page embeds of it.
    """
    bases = {split_name(fact.name)[0] for fact in experiment.metrics}
    timed = any(fact.kind == "timed" for fact in experiment.metrics)
    noun = _one(experiment.noun)
    numeric, any_varies = _varying(experiment)
    sizes = len({json.dumps(point.parameters.get("capacity")) for point in experiment.points}) > 1
    nodes = any("nodes" in point.parameters for point in experiment.points)
    row_counts = len({point.parameters.get("rows") for point in experiment.points}) > 1
    frames = [
        ("numbers", "All numbers",
         "▶ recommended, ★ Pareto set, ▲ best, ▼ worst. Choose groups of metrics; press a heading to sort, ▸ for the "
         "suite and the command of one line.",
         True),
        ("index_costs", "Cost by the share of reads",
         "Time of an operation as more of them read. Marks are the mixes from which on an index pays (or up to which) "
         "against none, bars what measuring those mixes directly gave. Shaded in an index's colour is where it is the "
         "cheapest; the dotted line is your workload.",
         {"read_ns", "write_ns"} <= bases),
        ("index_queries", "Query by query",
         "Which index of any column that is compared here answers each query soonest, and which lose to the scan.",
         "query_ns" in bases),
        ("index_words", "Index by index, in words", "What each gains, what it costs, and where it loses.",
         {"read_ns", "write_ns"} <= bases),
        ("index_sizes", "Time against size",
         "Both axes are logarithmic. Over the bytes of the index itself the shades are what the processor's caches "
         "hold: a line bends where its index leaves one.",
         row_counts and bool(bases & {"lookup_ns", "range_ns"})),
        ("miss_curves", "Miss-ratio curves",
         f"Requests that miss over what the cache holds, on a logarithmic axis. Shaded in {noun}'s colour is where "
         "it misses least of those that can be built.",
         sizes and "miss_ratio" in bases),
        ("sizes", "Against FIFO and OPT",
         "By capacity: the part of FIFO's misses that is avoided, and the share of requests that would be hits were "
         "the future known. ▲ is the best of its column.",
         bool(bases & {"improvement_over_fifo", "distance_to_opt"})),
        ("writes", "Write schemes",
         "What each way to write costs the origin and the user, and what it may lose: at the capacity that is chosen, "
         "for one policy. ▲ is the best of its column.",
         "lost_writes" in bases),
        ("trade_off", "Trade-off",
         f"Any two metrics against each other. ◈ and the dashed line: none is better on both. Each number is {noun} "
         "in the list; a larger point needs more memory. Press a mark to find it in the table.",
         bool(data["axes"])),
        ("ratios", "Against the baseline",
         "The point is the ratio of the times, the line its interval. A verdict is given only where the whole interval "
         "lies beyond the noise floor, or within it.",
         bool(data["ratios"])),
        ("timing", "Timing", "The point is the estimate, the line its interval; overlaps are too close to call.",
         timed),
        ("curves", "Curves", "A metric over a parameter, a line for each contender; a ribbon is its interval.",
         numeric),
        ("heat", "Heat map", "Contenders by the values of a parameter; ▲ is the best of its column.", any_varies),
        ("load", "Load per node" if nodes else "Load per partition",
         "Load over the mean, which the line at 1 shows. One scale for all, unless it says otherwise.",
         "load_max_over_mean" in bases),
        ("movement", "Movement",
         "The share of the load that moves, each change on its own scale. The mark is what equal shares need; "
         "the number is moved over that.",
         "moved_share" in bases),
        ("joins", "Joins and foreign keys", "The share of matching rows whose parent lives in another partition.",
         "cross_join_share" in bases),
        ("queries", "Query fan-out", "Partitions that hold a match: mean over all queries of a template (largest).",
         "fan_out_mean" in bases),
        ("durability", "Rebuild against durability",
         "Right: more nodes share the rebuild of a lost one; low: nodes that fail at once lose data more seldom. What "
         f"speeds up the one often costs the other. Each number is {noun} in the list.",
         "effective_donors" in bases),
        ("rebuild", "Rebuild of a lost node",
         "For each lost node, the donors as if all sent alike (bar) and all that send something (mark).",
         "effective_donors" in bases),
        ("growth", "Growth",
         "Load over the mean, tenth by tenth of the rows by time, with the strategy as compared. Solid: each tenth "
         "alone; dashed: all rows up to its end. The line at 1 is even.",
         "last_decile_share" in bases),
        ("plan", "Rebalancing plans",
         "Bytes from node to node, and the time that the busiest node needs for what it sends or receives. The links "
         "that carry most come first.",
         "rebalance_bytes" in bases),
        ("series", "Series", "What the cells kept point by point.", bool(data["series"])),
        ("samples", "Distribution of the times",
         "Each round's minimum, over all processes. A steep line is a steady time; a long tail to the right is noise, "
         "or work that only some rounds do.",
         bool(data["samples"])),
        ("latency", "Latency of single operations",
         "The share of operations that took longer, over all processes: the farther right a line ends, the longer the "
         "slowest ones. Both axes are logarithmic; a straight step down means no tail.",
         bool(data["latencies"])),
        ("drift", "Drift over rounds",
         "Each round's time over the contender's median, in the order in which the rounds ran, a line for each "
         "process. A slope is a drift; lines apart are differences between processes. Clipped at the scale's edge.",
         bool(data["samples"])),
    ]  # fmt: skip
    return [Frame(identifier, heading, words) for identifier, heading, words, present in frames if present]


def _one(noun: str) -> str:
    """A noun with its article: a policy, an index."""
    return f"{'an' if noun[:1] in 'aeiou' else 'a'} {noun}"


def _varying(experiment: ExperimentView) -> tuple[bool, bool]:
    """Whether a numeric parameter, and whether any, has more than one value: in the grid, or in spellings."""
    values: dict[str, dict[str, Any]] = {}
    for point in experiment.points:
        for name, value in point.parameters.items():
            if value is not None:
                values.setdefault(name, {})[json.dumps(value, sort_keys=True)] = value
    varying = [list(found.values()) for found in values.values() if len(found) > 1]
    numeric = any(
        all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in found) for found in varying
    )
    spelled = any(_spelled_varies([row.contender for row in point.rows]) for point in experiment.points)
    return numeric or spelled, bool(varying) or spelled


def _spelled_varies(names: Sequence[str]) -> bool:
    """Whether two contenders differ only in one number of their spelling."""
    families: dict[tuple[str, str], set[str]] = {}
    for name in names:
        for found in _SPELLED.finditer(name):
            family = f"{name[: found.start()]}{name[found.end() :]}"
            families.setdefault((found[1], family), set()).add(found[0])
    return any(len(numbers) > 1 for numbers in families.values())


def _example(experiment: ExperimentView) -> str:
    """A filter by parameter that fits this run."""
    name, value = next(iter(experiment.points[0].parameters.items()), ("partitions", 8))
    return f"{name}={value if isinstance(value, (str, int, float)) else '…'}"
