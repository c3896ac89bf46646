"""From flags to an experiment's settings: each text becomes what the setting's type asks for.

--partitions 8,64            a list of numbers: commas or a repeated flag
--strategy "hash(a)"         a list of contenders: a repeated flag; --strategies takes several at once
--queries day="range(t, width='1d')"    a table: name=value; also --queries.day "..."
--capacities 1,1,2 or --capacities node-2=2    where a setting takes both, an equals sign makes a table
--foreign-keys planes,airports          a list of names; quotes protect a comma in a name
--no-foreign-keys            an empty list
"""

from __future__ import annotations

import csv
import json
import re
import types
import typing
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from assay.errors import SpellingError, UnknownNameError

if TYPE_CHECKING:
    from assay.experiments.base import Experiment

__all__ = ["settings_of", "split_spellings"]


def settings_of(
    experiment: Experiment, flags: Mapping[str, Sequence[str]], *, known: Sequence[str] = ()
) -> dict[str, Any]:
    """The settings that `flags` give, by name.

    Args:
        experiment: Whose settings.
        flags: Flag without dashes, as typed → its texts, in order.
        known: Other flags that may have been meant, without dashes.

    Raises:
        UnknownNameError: The experiment has no such setting; the nearest one is offered.
        SpellingError: A table's entry without a name.
    """
    from assay.units import plural

    fields = experiment.settings.model_fields
    contenders = plural(experiment.noun)
    given: dict[str, Any] = {}
    for flag, texts in flags.items():
        name = flag.replace("-", "_")
        name = contenders if name == experiment.noun else name
        if name not in fields:
            names = {field.replace("_", "-") for field in fields} | {experiment.noun, *known}
            raise UnknownNameError.of(f"flag of compare {experiment.kind}", f"--{flag}", [f"--{one}" for one in names])
        value = _value(name, fields[name].annotation, list(texts), is_contender=name == contenders)
        given[name] = [*given[name], *value] if isinstance(given.get(name), list) and isinstance(value, list) else value
    return given


def split_spellings(text: str) -> list[str]:
    """The spellings in `text`, which commas outside brackets and quotes separate.

    >>> split_spellings('hash(a, function=md5), list("x,y")')
    ['hash(a, function=md5)', 'list("x,y")']
    """
    parts, depth, quote, start = [], 0, "", 0
    for position, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif character == "," and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    return [part.strip() for part in [*parts, text[start:]]]


def _value(name: str, annotation: Any, texts: list[str], *, is_contender: bool) -> Any:
    leaves, containers = _shape(annotation)
    if dict in containers and not (list in containers and any("=" not in text for text in texts)):
        return dict(_entry(name, text, leaves) for text in texts)
    if list not in containers:
        return _scalar(texts[-1], leaves) if texts else None
    if is_contender:
        return [spelling for text in texts for spelling in split_spellings(text)]
    items = [item for text in texts for item in _items(text, leaves)]
    values = [_scalar(item, leaves) for item in items]
    scalar_too = containers != {list} or not _is_plain_list(annotation)
    return values[0] if len(values) == 1 and scalar_too else values


def _items(text: str, leaves: set[type]) -> list[str]:
    if str not in leaves:
        return [item.strip() for item in text.split(",")]
    return next(csv.reader([text], skipinitialspace=True), [])


def _entry(name: str, text: str, leaves: set[type]) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"[^()=]+", key):
        flag = "--" + name.replace("_", "-")
        raise SpellingError(f'{flag} is {text!r}; expected name=value, such as {flag} "by_key=point(key)"')
    return key.strip(), _scalar(value.strip(), leaves)


def _scalar(text: str, leaves: set[type]) -> Any:
    """`text` as the first of bool, int, float that the type allows, else as it is, for the settings to judge."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if isinstance(value, bool):
        return value if bool in leaves else text
    if isinstance(value, int) and leaves & {int, float}:
        return value
    if isinstance(value, float) and leaves & {float, int}:
        return value  # where whole numbers are expected, the message shows the number met
    return text if str in leaves else value


def _shape(annotation: Any) -> tuple[set[type], set[type]]:
    """The plain types that may stand in a value of this annotation, and the containers around them."""
    origin = typing.get_origin(annotation)
    if origin is None:
        return ({annotation} if annotation in (str, int, float, bool) else set()), set()
    arguments = typing.get_args(annotation)
    if origin is typing.Annotated:
        return _shape(arguments[0])
    if origin is typing.Literal:
        return {type(argument) for argument in arguments}, set()
    containers: set[type] = set()
    if origin in (list, tuple, set, frozenset) or origin is Sequence:
        containers = {list}
    elif origin is dict or origin is Mapping:
        containers, arguments = {dict}, arguments[1:]
    leaves: set[type] = set()
    for argument in arguments:
        inner_leaves, inner_containers = _shape(argument)
        leaves |= inner_leaves
        containers = containers | (
            inner_containers if origin in (typing.Union, types.UnionType, typing.Annotated) else set()
        )
    return leaves, containers


def _is_plain_list(annotation: Any) -> bool:
    """Whether nothing but a list (or nothing at all) may stand here: `list[str] | None`, not `int | list[int]`."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _is_plain_list(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return all(one is type(None) or _is_plain_list(one) for one in typing.get_args(annotation))
    return origin in (list, tuple)
