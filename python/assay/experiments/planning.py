"""What experiments share when they check settings and plan cells: every mistake is found, and told at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

from assay.datasets import Dataset, guess_roles
from assay.errors import AssayError, EmptyInputError, ParameterError, SuiteError, UsageError
from assay.experiments.base import Value

__all__ = ["Mistakes", "Spelled", "guessed_key", "key_column", "no_key", "parsed_once", "raise_any", "values_by_cell"]


class Spelled(Protocol):
    """A contender as it was parsed."""

    @property
    def text(self) -> str:
        """Its spelling without blanks."""


_Spec = TypeVar("_Spec", bound=Spelled)

# Each with the setting where it is, or an entry of one: "strategies[2]".
Mistakes = list[tuple[str, AssayError]]


def raise_any(kind: str, mistakes: Mistakes) -> None:
    """Nothing if there are none.

    Raises:
        SuiteError: Several mistakes; a single one is raised as the error that it is, and knows its place.
    """
    if len(mistakes) == 1:
        [(place, error)] = mistakes
        if isinstance(error, UsageError):
            error.place = place
        raise error
    if mistakes:
        raise SuiteError(kind, [(place, str(error)) for place, error in mistakes])


def parsed_once(
    texts: Iterable[str], parse: Callable[[str], _Spec], *, setting: str, noun: str, mistakes: Mistakes
) -> list[_Spec]:
    """The contenders that were named, in order; a spelling that is wrong, or named twice, is a mistake.

    Args:
        texts: Their spellings.
        parse: Reads one; raises an AssayError if it cannot.
        setting: Where they stand: "filters".
        noun: What one is called: "filter".
        mistakes: Added to.
    """
    found: dict[str, _Spec] = {}
    for index, text in enumerate(texts):
        try:
            spec = parse(text)
            if spec.text in found:
                raise ParameterError(f"{spec.text} is named twice; name each {noun} once")
            found[spec.text] = spec
        except AssayError as error:
            mistakes.append((f"{setting}[{index}]", error))
    return list(found.values())


def guessed_key(dataset: Dataset) -> str:
    """The first column that looks like a key.

    Raises:
        EmptyInputError: None does, or there is no row to tell by.
    """
    guessed = guess_roles(dataset).keys
    if guessed:
        return guessed[0]
    raise no_key(dataset, 'key = "..."')


def no_key(dataset: Dataset, setting: str) -> EmptyInputError:
    """The error where no column looks like a key, with the setting that would name one."""
    if not any(batch.data.num_rows for batch in dataset.batches([])):
        return EmptyInputError(f"{dataset.name} has no rows to tell a key by; there is nothing to measure")
    return EmptyInputError(f"{dataset.name} has no column that looks like a key; name one: {setting}")


def key_column(dataset: Dataset, name: str | None, mistakes: Mistakes) -> str:
    """The column of keys: the one that is named, or the first that looks like one; "" after a mistake."""
    try:
        if name is not None:
            return str(dataset.column(name).name)
        return guessed_key(dataset)
    except AssayError as error:
        mistakes.append(("key", error))
        return ""


def values_by_cell(values: Sequence[Value]) -> dict[str, dict[str, Value]]:
    """Cell → metric → value."""
    found: dict[str, dict[str, Value]] = {}
    for value in values:
        found.setdefault(value.cell_id, {})[value.metric] = value
    return found
