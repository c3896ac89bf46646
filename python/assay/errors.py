"""Everything that assay raises on purpose.

    AssayError                      exit code
    ├── UsageError                  2   what was asked cannot be done as asked
    │   ├── UnknownNameError            no such column, strategy, parameter, dataset, metric ...
    │   ├── ParameterError              a value outside its bounds, or of the wrong kind
    │   ├── SpellingError               a contender or query that cannot be parsed
    │   ├── SuiteError                  every mistake of a suite at once, each with its place
    │   ├── UnsupportedTypeError        a column whose Arrow type cannot be used so
    │   └── EmptyInputError             no rows, or no key that is not null
    ├── DataError                   3   the data is not what it should be
    │   ├── ReadError                   a file is missing, truncated or not of its format
    │   ├── ChecksumMismatchError       a file has changed behind its recorded checksum
    │   └── DuplicateKeyError           a parent table whose key is not unique
    ├── StoreError                  3   the results file is locked, full, foreign or too new
    ├── MeasurementError            3   a contender failed, or gave a wrong answer
    ├── PlugInError                 3   another package's plug-in cannot be loaded, or breaks its contract
    └── InterruptedRunError         3   stopped by the user; what was committed is kept

A message names the thing, the value met, the value wanted and the way out. Python's own
ValueError and TypeError are bases where the standard library would raise them, so that callers
who know nothing of assay catch what they expect.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "AssayError",
    "ChecksumMismatchError",
    "DataError",
    "DuplicateKeyError",
    "EmptyInputError",
    "InterruptedRunError",
    "MeasurementError",
    "ParameterError",
    "PlugInError",
    "ReadError",
    "SpellingError",
    "StoreError",
    "SuiteError",
    "UnknownNameError",
    "UnsupportedTypeError",
    "UsageError",
    "nearest",
]

_LONGEST_NAME = 80


class AssayError(Exception):
    """The base of everything that assay raises on purpose."""

    exit_code = 3


class UsageError(AssayError, ValueError):
    """What was asked cannot be done as asked; nothing was written.

    `.place` is the setting at fault, such as "strategies[1]", where that is known.
    """

    exit_code = 2
    place = ""


class UnknownNameError(UsageError):
    """A name that does not exist; the message offers the nearest one that does."""

    @classmethod
    def of(cls, thing: str, name: str, known: Iterable[str], hint: str = "") -> UnknownNameError:
        """The error for `name`, which is not among `known` things of this kind.

        >>> print(UnknownNameError.of("column", "tailnumm", ["tailnum", "dest"]))
        there is no column "tailnumm"; did you mean "tailnum"? known: dest, tailnum
        """
        names = sorted(set(known))
        guess = nearest(name, names)
        message = f'there is no {thing} "{_printed(name)}"'
        if guess:
            message += f'; did you mean "{_printed(guess)}"?'
        if names:
            shown = ", ".join(_printed(one) or '""' for one in names[:24])
            shown += f", ... ({len(names)} in all)" if len(names) > 24 else ""
            message += f" known: {shown}" if guess else f"; known: {shown}"
        return cls(message + (f"; {hint}" if hint else ""))


class ParameterError(UsageError):
    """A value outside its bounds, or of the wrong kind."""


class SpellingError(UsageError):
    """A contender or query that cannot be parsed."""


class SuiteError(UsageError):
    """Every mistake of a suite at once; `.mistakes` holds (place, message) pairs."""

    def __init__(self, source: str, mistakes: list[tuple[str, str]]) -> None:
        self.source = source
        self.mistakes = mistakes
        count = f"{len(mistakes)} mistake{'s' if len(mistakes) != 1 else ''}"
        lines = [f"{source}: {count}"] + [f"  {place}: {message}" for place, message in mistakes]
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[object, ...]:
        return (SuiteError, (self.source, self.mistakes))


class UnsupportedTypeError(UsageError, TypeError):
    """A column whose Arrow type cannot be used so."""


class EmptyInputError(UsageError):
    """No rows, or no key that is not null."""


class DataError(AssayError):
    """The data is not what it should be."""


class ReadError(DataError, OSError):
    """A file is missing, truncated or not of its format."""


class ChecksumMismatchError(DataError):
    """A file has changed behind its recorded checksum."""


class DuplicateKeyError(DataError):
    """A parent table whose key is not unique."""


class StoreError(AssayError):
    """The results file is locked, full, foreign or too new; what was committed is kept."""


class MeasurementError(AssayError):
    """A contender failed, or gave a wrong answer, so there is no measurement."""


class PlugInError(AssayError):
    """A plug-in of another package cannot be loaded, or breaks its contract; the others are not affected."""


class InterruptedRunError(AssayError):
    """Stopped by the user; what was committed is kept and `--resume` goes on from there."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name closest to `name`, or None if nothing is close."""
    names = list(known)
    found = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return found[0] if found else next((one for one in names if one.casefold() == name.casefold()), None)


def _printed(name: str) -> str:
    """A name on one line of a message: control characters escaped, its middle left out where it is very long."""
    text = "".join(character if character.isprintable() else repr(character)[1:-1] for character in name)
    return text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME // 2]}...{text[-_LONGEST_NAME // 2 :]}"
