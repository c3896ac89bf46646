"""Indexes as they are spelled: `btree`, `pgm(error=64)`; the catalogue's room `index` has them all."""

from __future__ import annotations

from assay.datasets.spelled import Spelled

__all__ = ["parse_index"]


def parse_index(text: str) -> Spelled:
    """The index that `text` spells.

    Raises:
        SpellingError: It cannot be parsed, or has arguments without names.
        UnknownNameError: There is no such index or parameter; the nearest is offered.
        ParameterError: A parameter is out of its bounds.

    >>> parse_index(" sorted ").name
    'sorted'
    """
    return Spelled.parse(text, "index")
