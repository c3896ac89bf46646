"""Which columns and pairs of columns are worth trying as keys, and why others are not.

A key must be of a type that can be one, have few nulls (they all live in partition 0), have enough values, and none so
heavy that whole keys cannot be even on the least number of partitions: the heaviest value's share times n is what its
partition holds over the mean. The columns of foreign keys come first, since rows that share them join without
crossing partitions; then what is declared, text, and names such as ..._id. Where a column is too coarse or too hot for
the largest number of partitions, its pair with the finest key is tried too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from assay.datasets import Dataset
from assay.datasets.arrow_types import is_text
from assay.datasets.spelling import quote_name
from assay.experiments.partitioning.table_sample import ColumnSample, Sample

__all__ = ["KEYS_AT_MOST", "KeyChoice", "choose_keys", "few_valued", "time_column"]

KEYS_AT_MOST = 6
PAIRS_AT_MOST = 2
OTHERS_UP_TO = 3  # keys, before columns that nothing but their values speaks for are added
NULL_SHARE_AT_MOST = 0.05
LIST_DISTINCT_AT_MOST = 1024
ENOUGH_KEYS = 16  # a partition: an ideal hash of so many is 25 % off

_IDENTIFIER = re.compile(r"(^|_)(id|key|code|number|num|uuid|guid)$|[a-z](Id|key)$", re.IGNORECASE)
Key = tuple[str, ...]


@dataclass(frozen=True)
class KeyChoice:
    """The keys to try, best first, and what became of the others."""

    keys: tuple[Key, ...]
    facts: Mapping[Key, ColumnSample]
    tried: Mapping[str, str] = field(default_factory=dict)  # key → its facts in words
    rejected: Mapping[str, str] = field(default_factory=dict)  # key → why not


def choose_keys(sample: Sample, given: Sequence[str], counts: Sequence[int], skew_max: float) -> KeyChoice:
    """The keys worth trying.

    Args:
        sample: Rows of the table.
        given: The user's own columns; without any, columns are judged by their facts.
        counts: The numbers of partitions, ascending.
        skew_max: The greatest load_max_over_mean that is of use.
    """
    dataset, schema = sample.dataset, sample.dataset.schema
    if given:
        own: dict[Key, ColumnSample] = {(name,): sample.column((name,)) for name in given}
        return KeyChoice(tuple(own), own, {_spelled(key): _facts(facts) for key, facts in own.items()})
    facts: dict[Key, ColumnSample] = {}
    rejected: dict[str, str] = {}
    usable: list[Key] = []
    time = time_column(sample)
    for name in schema.names:
        if name == time:
            continue
        reason = _wrong_type(sample, name)
        if reason is None:
            facts[name,] = sample.column((name,))
            reason = _unusable(facts[name,], counts[0], skew_max)
        if reason is None:
            usable.append((name,))
        else:
            rejected[quote_name(name)] = reason
    for reference in dataset.foreign_keys:
        if len(reference.columns) > 1:
            facts[reference.columns] = sample.column(reference.columns)
            reason = _unusable(facts[reference.columns], counts[0], skew_max)
            if reason is None:
                usable.append(reference.columns)
            else:
                rejected[_spelled(reference.columns)] = reason
    references = {key.columns for key in dataset.foreign_keys}
    usable.sort(key=lambda key: _rank(dataset, key, facts[key], references))
    chosen = [key for key in usable if _spoken_for(dataset, key, references)]
    chosen += [key for key in usable if key not in chosen][: max(0, OTHERS_UP_TO - len(chosen))]
    pairs = _pairs(sample, chosen, facts, counts[-1], skew_max)
    chosen = [*chosen[: KEYS_AT_MOST - len(pairs)], *pairs]
    for key in usable:
        if key not in chosen:
            rejected[_spelled(key)] = f"{_facts(facts[key])}: others come first"
    tried = {_spelled(key): _facts(facts[key]) for key in chosen}
    telling = sorted(
        rejected,
        key=lambda name: (name not in {quote_name(c) for key in references for c in key}, *_telling(rejected[name])),
    )
    return KeyChoice(tuple(chosen), facts, tried, {name: rejected[name] for name in telling})


def _spelled(key: Key) -> str:
    return ", ".join(map(quote_name, key))


def _telling(reason: str) -> tuple[bool, bool]:
    """Reasons that lie in the values come before those that lie in the type or in other keys."""
    return "cannot fill" not in reason and "null in" not in reason, "others come first" not in reason


def time_column(sample: Sample) -> str | None:
    """The declared time, or the time or date column with the most values."""
    declared = sample.dataset.roles.get("time")
    if declared in sample.data.schema.names:
        return declared
    names = [f.name for f in sample.data.schema if pa.types.is_timestamp(f.type) or pa.types.is_date(f.type)]
    found = {name: sample.column((name,)).distinct for name in names}
    usable = [name for name in names if found[name] > 1]
    return max(usable, key=lambda name: found[name], default=None)  # of equals the first


def few_valued(sample: Sample, choice: KeyChoice) -> str | None:
    """The best column for a list in a composite: text, few values, few nulls; None if there is none."""
    few = [
        key[0]
        for key, facts in choice.facts.items()
        if len(key) == 1
        and 2 <= facts.distinct <= 64
        and facts.null_share <= NULL_SHARE_AT_MOST
        and is_text(sample.data.schema.field(key[0]).type)
    ]
    return min(few, key=lambda name: (choice.facts[name,].top_share, name), default=None)


def _wrong_type(sample: Sample, name: str) -> str | None:
    kind = sample.dataset.schema.field(name).type
    if name not in sample.data.schema.names:
        return f"{kind} cannot be a key"
    plain = sample.data.schema.field(name).type
    if pa.types.is_timestamp(plain) or pa.types.is_date(plain) or pa.types.is_time(plain):
        return f"{kind}: another time is tried as a range"
    keyable = is_text(plain) or pa.types.is_integer(plain) or pa.types.is_large_binary(plain)
    if not (keyable or pa.types.is_fixed_size_binary(plain)):
        return f"{kind}: a quantity rather than a key"
    return "free text" if sample.is_free_text(name) else None


def _unusable(facts: ColumnSample, least: int, skew_max: float) -> str | None:
    if facts.null_share > NULL_SHARE_AT_MOST:
        return f"null in {_percent(facts.null_share)} of rows, which would all live in partition 0"
    if facts.distinct < 2:
        return "one value only" if facts.distinct else "no value"
    if facts.distinct < least:
        return f"{_facts(facts)}: cannot fill {least:,} partitions"
    if facts.top_share * least > skew_max:
        forced = f"{facts.top_share * least:.2f} × the mean at best"
        return f"{_facts(facts)}: cannot fill {least:,} partitions evenly ({forced})"
    return None


def _rank(
    dataset: Dataset, key: Key, facts: ColumnSample, references: set[Key]
) -> tuple[bool, bool, bool, bool, int, Key]:
    text = len(key) == 1 and is_text(dataset.schema.field(key[0]).type)
    return (
        dataset.roles.get("key") != key[0] or len(key) > 1,
        key not in references,
        len(key) > 1,
        not text and _IDENTIFIER.search(key[0]) is None,
        -facts.distinct,
        key,
    )


def _spoken_for(dataset: Dataset, key: Key, references: set[Key]) -> bool:
    """Whether more than its values speaks for a key: a declaration, a reference, a name."""
    return dataset.roles.get("key") in key or key in references or _IDENTIFIER.search(key[0]) is not None


def _pairs(
    sample: Sample, chosen: Sequence[Key], facts: dict[Key, ColumnSample], most: int, skew_max: float
) -> list[Key]:
    """Pairs for keys that are too coarse or too hot on the largest number of partitions, each with the finest key."""
    singles = [key for key in chosen if len(key) == 1]
    if len(singles) < 2:
        return []
    finest = max(singles, key=lambda key: (facts[key].distinct, key))
    found: list[Key] = []
    for key in singles:
        if key == finest or not _coarse(facts[key], most, skew_max):
            continue
        pair = (*key, *finest)
        facts[pair] = sample.column(pair)
        if not _coarse(facts[pair], most, skew_max) and facts[pair].distinct > facts[finest].distinct:
            found.append(pair)
    return found[:PAIRS_AT_MOST]


def _coarse(facts: ColumnSample, most: int, skew_max: float) -> bool:
    return facts.distinct < ENOUGH_KEYS * most or facts.top_share * most > skew_max


def _facts(facts: ColumnSample) -> str:
    return f"{facts.distinct:,} value{'s' if facts.distinct != 1 else ''}, heaviest {_percent(facts.top_share)}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"
