"""Filters: from their spelling to ones that are built on keys.

A filter is spelled by its name and parameters, without a column: `split_block`, `binary_fuse(fingerprint_bits=8)`.
The target rate is a setting of the experiment. Whatever a filter is made of, it is built on a column, asked for a
column of answers, and knows its bytes and the rate that theory expects; `MAKERS` says which class has a name.
A contender that a plug-in or a notebook registers brings such a class as its implementation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol

import pyarrow as pa

from assay.catalogue import Contender, contenders, find
from assay.datasets.spelling import parse_nested, without_blanks
from assay.errors import ParameterError, SpellingError

__all__ = ["MAKERS", "Filter", "FilterSpec", "build", "parse_filter", "propose"]

_RATE = "false_positive_rate"
_ANY_RATE = 0.01  # that every filter keeps
_OF_THE_KEYS = ("capacity", "block_count")  # a filter's size, which follows from keys and rate here


class Filter(Protocol):
    """What is asked of a filter that has been built."""

    def contains(self, keys: Any, *, threads: int | None = None) -> pa.BooleanArray:
        """Whether each key may be held."""

    @property
    def memory_bytes(self) -> int:
        """The bytes that probes read."""

    @property
    def expected_false_positive_rate(self) -> float:
        """What theory expects of an absent key."""


# Contender → its class in assay.filters, and what distinguishes it there.
MAKERS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "split_block": ("BloomFilter", {"layout": "split_block"}),
    "standard": ("BloomFilter", {"layout": "standard"}),
    "blocked_512": ("BloomFilter", {"layout": "blocked_512"}),
    "counting": ("CountingBloomFilter", {}),
    "binary_fuse": ("BinaryFuseFilter", {}),
    "cuckoo": ("CuckooFilter", {}),
    "xor": ("XorFilter", {}),
    "ribbon": ("RibbonFilter", {}),
}


@dataclass(frozen=True)
class FilterSpec:
    """A filter as it was spelled, checked against the catalogue."""

    text: str  # its spelling without blanks
    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def contender(self) -> Contender:
        """The catalogue's entry."""
        return find(self.name, _filters(), "filter")


def parse_filter(text: str) -> FilterSpec:
    """The filter that `text` spells.

    Raises:
        SpellingError: It cannot be parsed, or names a column.
        UnknownNameError: There is no such filter or parameter.
        ParameterError: A parameter out of its bounds, or one that the experiment sets.
    """
    node = parse_nested(text)
    contender = find(node.name, _filters(), "filter")
    if node.positional:
        raise SpellingError(
            f"{node.text}: a filter is spelled without a column; name the column of keys by the setting key, "
            f"and write {node.name} or {node.name}(parameter=value)"
        )
    if _RATE in node.keywords:
        raise ParameterError(
            f"{node.text}: the target rate is the setting {_RATE}, alike for all filters; set it there"
        )
    for name in _OF_THE_KEYS:
        if name in node.keywords:
            raise ParameterError(f"{node.text}: {name} follows from the keys and {_RATE} here; leave it out")
    parameters = contender.check(node.keywords)
    spec = FilterSpec(without_blanks(node.text), node.name, parameters)
    if parameters and contender.implementation is None:
        try:  # what the catalogue's bounds do not say, such as widths between 8 and 16
            build(spec, pa.array([], pa.int64()), _ANY_RATE, threads=1)
        except ParameterError as error:
            raise ParameterError(f"{spec.text}: {error}") from error
    return spec


def propose() -> list[str]:
    """Every filter of the catalogue."""
    return [contender.name for contender in _filters()]


def build(spec: FilterSpec, keys: pa.Array, rate: float, *, threads: int | None = None) -> Filter:
    """The filter of these keys (distinct, not null) for this target rate.

    Raises:
        ParameterError: The filter cannot reach the rate, or cannot be of so many keys.
    """
    given = dict(spec.parameters)
    implementation = spec.contender.implementation
    if implementation is None:
        class_name, fixed = MAKERS[spec.name]
        implementation = getattr(import_module("assay.filters"), class_name)
        given |= fixed
    if not (_FIXED & spec.parameters.keys()):
        given[_RATE] = rate
    built: Filter = implementation.build(keys, threads=threads, **given)
    return built


_FIXED = frozenset({"fingerprint_bits"})  # parameters that settle a filter's rate, whatever the target


def _filters() -> list[Contender]:
    """Those that can be built here."""
    return [one for one in contenders("filter") if one.implementation is not None or one.name in MAKERS]
