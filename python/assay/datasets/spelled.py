"""Contenders as they are spelled, checked against the catalogue: `slru(segments=4)`, `pgm(error=64)`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from assay.catalogue import NOUNS, Contender, contenders, find
from assay.datasets.spelling import parse_nested, without_blanks
from assay.errors import ParameterError, SpellingError

__all__ = ["Spelled"]

_EXAMPLES = {"cache": "slru(segments=4)", "admission": "size(at_most=4096)", "index": "pgm(error=64)"}
_REQUIRED = {("admission", "size"): "at_most is missing; write size(at_most=4096), in bytes"}


@dataclass(frozen=True)
class Spelled:
    """A contender of one room with its parameters; those of a strategy have columns too and are parsed elsewhere."""

    text: str  # its spelling without blanks
    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    room: str = ""

    @property
    def contender(self) -> Contender:
        """The catalogue's entry."""
        return find(self.name, contenders(self.room), NOUNS[self.room])

    @classmethod
    def parse(cls, text: Any, room: str) -> Self:
        """The contender of `room` that `text` spells.

        Raises:
            SpellingError: It cannot be parsed, or has arguments without names.
            UnknownNameError: There is no such contender or parameter; the nearest is offered.
            ParameterError: It is no text, or a parameter is out of its bounds or missing.
        """
        if not isinstance(text, str) or not text.strip():
            raise ParameterError(
                f"{NOUNS[room]} is {text!r}; expected a name, with parameters where wanted, such as {_EXAMPLES[room]!r}"
            )
        node = parse_nested(text)
        contender = find(node.name, contenders(room), NOUNS[room])
        if node.positional:
            raise SpellingError(
                f"{node.text}: the parameters of {contender.noun} {node.name} have names; write "
                f"{node.name}(parameter=value)"
            )
        if (room, node.name) in _REQUIRED and not node.keywords:
            raise ParameterError(f"{node.name}: {_REQUIRED[room, node.name]}")
        return cls(without_blanks(node.text), node.name, contender.check(node.keywords), room)
