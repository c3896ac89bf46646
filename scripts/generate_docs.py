"""Writes docs/metrics.md and docs/contenders.md from what the code declares, and runs transcripts again.

    python scripts/generate_docs.py            writes what has changed
    python scripts/generate_docs.py --check    exits 1 if anything would change

There is no second list: a contender documents itself in its `CONTENDER`, a metric in its `Metric`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from assay.catalogue import NOUNS, Contender, Parameter, contenders, strategies
from assay.experiments import registry
from assay.experiments.base import Experiment, Metric
from assay.units import UNITS

sys.path.insert(0, str(Path(__file__).resolve().parent))

from transcripts import rerun, runs_something

ROOT = Path(__file__).resolve().parents[1]
NOTICE = "<!-- Written by scripts/generate_docs.py from the code; change the code, then run it. -->"

DIRECTIONS = {"lower": "lower is better", "higher": "higher is better", "none": "a fact, neither better nor worse"}
KINDS = {
    "exact": "the same input gives the same bits, always",
    "seeded": "varies with the seed; shown with its spread over seeds",
    "timed": "varies with the machine; shown with a 95 % interval",
    "estimated": "a sketch or a sample; shown with its bound",
}
ORIGINS = {
    "measured": "counted or timed on the data",
    "replayed": "from replaying a recorded trace",
    "modelled": "computed from a law, beside what was measured",
}
VARIABLES = {
    "PERCENTILE": "one of `p50`, `p90`, `p99`, `p99_9`",
    "ACTION": "one of `add_one`, `remove_one`, `replace_one`, `double`, `split_hot`, `merge_cold`; of `placement` also "
    "`remove_PERCENT`, such as `remove_25`",
    "FK": "the name of a foreign key of the dataset",
    "KEYS": "`present` or `absent`: whether the filter holds the keys that are asked for",
    "QUERY": "the name of a query of the dataset or the suite",
    "FAULT": "one of `bit_flip`, `burst`, `zeroed_page`, `torn_write`, `swapped_blocks`, `duplicated_block`, "
    "`stale_block`, `lost_tail`, `truncation`, `forged_crc`, `md5_collision`, `rewritten_block`",
    "BITS": "one of `modulo`, `high`, `low`: which bits of a hash choose the bucket",
}
ROOM_TITLES = {
    "hash": "Hash functions",
    "digest": "Digests",
    "filter": "Filters",
    "placement": "Placements",
    "checksum": "Checksums",
    "cache": "Cache policies",
    "admission": "Admission to a cache",
    "write_scheme": "Write schemes",
    "coherence": "Coherence",
    "partition": "Partitioning strategies",
    "index": "Indexes",
}
ROOM_NOTES = {
    "hash": "Called by `assay.hash(keys, NAME)` and `assay.hash_rows(table, NAME)`, and, if it gives at most 64 bits, "
    "by the parameters `function=` and `hash=` of strategies and placements.",
    "digest": "Called by `assay.digest(keys, NAME)`.",
    "filter": "Classes of the same verbs in Python: `assay.BloomFilter.build(keys, layout=NAME)` for Bloom filters of "
    "the layouts `split_block`, `blocked_512` and `standard`, and for each other kind the class of its name, as "
    "`assay.BinaryFuseFilter.build(keys)` for `binary_fuse`, or `assay.CountingBloomFilter` for `counting`. "
    "[Filters](filters.md) says which to choose.",
    "placement": "Classes of the same verbs in Python (`assay.Ring` and others), and strategies of the experiment "
    "`partitioning`: `ring(column, virtual_nodes=128)`. Only `modulo` is no strategy under this room's meaning: "
    "hashed it is the strategy `hash`, unhashed the strategy `modulo`.",
    "cache": "Called by `assay.simulate_cache(trace, NAME, capacity=...)`. All of them: a miss inserts; an object "
    "keeps the size with which it was inserted until it leaves; one larger than the cache is a miss and stays outside.",
    "admission": "In front of any policy, by `assay.simulate_cache(trace, policy, admission=NAME, capacity=...)`: "
    "decides on a miss whether the object comes in at all. `ttl=` stands beside it: an object that was put in so long "
    "ago is a miss.",
    "write_scheme": "Spelled as `write=` of `assay.simulate_cache(trace, POLICY, capacity=..., op=..., write=NAME)`, "
    "in front of any policy: `write_back(flush_interval=1000)`. [Write schemes](write_schemes.md) says which one.",
    "coherence": "Spelled as `coherence=` of `assay.simulate_cache(..., write=SCHEME, coherence=NAME)`: how the cache "
    "learns what others write to the origin. [Write schemes](write_schemes.md#when-others-write) compares them.",
    "checksum": "Called by `assay.checksum(buffer_or_path, NAME)`, `assay.Checksum(NAME)` and "
    "`assay.checksum_blocks(buffer_or_path, NAME)`, and by `assay checksum FILE --algorithm NAME`. Those that are "
    "cryptographic make Merkle trees too: `assay.MerkleTree.build(buffer_or_path, algorithm=NAME)`.",
    "index": "Built by `assay.Index.build(column, kind=NAME)`. All of them: entries are pairs of a key and a row "
    "number; several rows may hold one key, a null key is not indexed, and one value is one key in every type of its "
    "family. [Indexes](indexes.md) says which one. Those with the ability `engine` are embedded databases with a table "
    "of their own, opened by `assay.engines.open_engine(NAME)`; [Engines](engines.md) says more.",
    "partition": "Spelled `name(column, parameter=value)` in suites and on the command line; every placement above is "
    "a strategy too.",
}


def metrics_document(experiments: Iterable[Experiment]) -> str:
    """The text of docs/metrics.md."""
    lines = [
        "# Metrics",
        "",
        NOTICE,
        "",
        "Every number that assay reports, by experiment. How the numbers come about, and what they do not show, is in "
        "[METHODOLOGY.md](../METHODOLOGY.md). `assay explain NAME` prints one of them.",
        "",
        "## How to read a metric",
        "",
        *_table(("kind", "what it promises"), [(f"**{name}**", text) for name, text in KINDS.items()]),
        "",
        *_table(("origin", "where it comes from"), [(f"**{name}**", text) for name, text in ORIGINS.items()]),
        "",
        *_table(("unit", "meaning"), [(f"`{name}`", text) for name, text in UNITS.items()]),
        "",
        "A name in capitals after a dot stands for something of the run:",
        "",
        *_table(("in a name", "stands for"), [(f"`{name}`", text) for name, text in VARIABLES.items()]),
    ]
    for experiment in experiments:
        lines += ["", f"## {experiment.kind}", "", f"*{experiment.question}*"]
        for metric in experiment.metrics.values():
            lines += ["", f"### `{metric.name}`", "", metric.meaning, "", *_facts(metric)]
    return "\n".join(lines) + "\n"


def _facts(metric: Metric) -> list[str]:
    return [
        f"- formula: `{metric.formula}`" + (f"; source: {metric.source}" if metric.source else ""),
        f"- unit: {metric.unit}; {DIRECTIONS[metric.direction]}; {metric.kind}, {metric.origin}",
    ]


def contenders_document(everything: Iterable[Contender]) -> str:
    """The text of docs/contenders.md."""
    placed = {contender.name for contender in strategies()}
    lines = [
        "# Contenders",
        "",
        NOTICE,
        "",
        "Every possible answer that assay knows, by room: idea, cost, when to choose it, source, and parameters with "
        "their bounds. `assay list contenders` and `assay explain NAME` print the same.",
    ]
    room = None
    for contender in everything:
        if contender.room != room:
            room = contender.room
            lines += ["", f"## {ROOM_TITLES[room]}", "", ROOM_NOTES[room]]
        lines += ["", f"### `{contender.name}` ({contender.noun}, version {contender.version})", "", contender.idea, ""]
        lines += [f"- cost: {contender.cost}", f"- choose it when: {contender.choose_when}"]
        lines += [f"- source: {contender.source}"]
        if contender.abilities:
            lines += [f"- abilities: {', '.join(sorted(contender.abilities))}"]
        if contender.room == "placement" and contender.name in placed and contender.name != "modulo":
            lines += [f"- as a strategy: `{contender.name}(column, ...)`"]
        if contender.parameters:
            lines += ["", *_table(("parameter", "default", "values", "meaning"), map(_row, contender.parameters))]
    assert set(ROOM_TITLES) == set(NOUNS), "every room has a title"
    return "\n".join(lines) + "\n"


def _row(parameter: Parameter) -> tuple[str, str, str, str]:
    default = f"`{parameter.default}`" if parameter.default else "see meaning"
    return f"`{parameter.name}`", default, parameter.bounds, parameter.meaning


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [head, tuple("---" for _ in head), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def documents() -> dict[Path, str]:
    """Every generated document, by its path."""
    experiments = [registry.get(kind) for kind in registry.BUILT_IN]
    return {
        ROOT / "docs" / "metrics.md": metrics_document(experiments),
        ROOT / "docs" / "contenders.md": contenders_document(own_contenders()),
    }


def own_contenders() -> list[Contender]:
    """Those of the core; what a plug-in adds is documented by the plug-in."""
    return [contender for contender in contenders() if contender.implementation is None]


def with_transcripts() -> list[Path]:
    """The documents that show transcripts."""
    candidates = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
    return [path for path in candidates if runs_something(path.read_text(encoding="utf-8"))]


def main(arguments: list[str]) -> int:
    """Writes or checks; the exit code."""
    wanted = documents() | {path: rerun(path.read_text(encoding="utf-8")) for path in with_transcripts()}
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        if "--check" in arguments:
            print(f"{path.relative_to(ROOT)} is out of date; run make docs", file=sys.stderr)
        else:
            path.write_text(wanted[path], encoding="utf-8")
            print(f"{path.relative_to(ROOT)} written")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
