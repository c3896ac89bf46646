"""The application: its verbs, and how every way to end becomes one message and one exit code."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from collections.abc import Callable, Sequence

from cyclopts import App, CycloptsError, Group, UnknownCommandError, UnknownOptionError, UnusedCliTokensError

from assay.cli.check import check
from assay.cli.checksum import checksum, with_standard_input
from assay.cli.compare import compare, with_plain_settings
from assay.cli.data import data
from assay.cli.demo import demo
from assay.cli.diff import diff
from assay.cli.doctor import doctor
from assay.cli.explain import explain, print_flags
from assay.cli.export import export
from assay.cli.import_ import import_
from assay.cli.init import init
from assay.cli.list import list_
from assay.cli.merge import merge
from assay.cli.output import warn
from assay.cli.report import report
from assay.cli.run import run
from assay.cli.sql import sql
from assay.cli.watch import watch
from assay.errors import AssayError, InterruptedRunError, UnknownNameError, UsageError
from assay.plugins import tell_failures_to

__all__ = ["VERBS", "build_app", "main"]

VERBS: dict[str, Callable[..., int]] = {
    "demo": demo,
    "compare": compare,
    "run": run,
    "watch": watch,
    "check": check,
    "report": report,
    "diff": diff,
    "list": list_,
    "explain": explain,
    "data": data,
    "checksum": checksum,
    "sql": sql,
    "export": export,
    "merge": merge,
    "import": import_,
    "doctor": doctor,
    "init": init,
}

_HELP = """Measures the building blocks of distributed systems on your own data, before anything is deployed.

    assay demo                                          see it work on real data
    assay compare partitioning flights --partitions 8   one comparison, now
    assay init mytable.parquet                          a suite to start from
"""
_EPILOGUE = """Every verb takes --help, and --debug, which shows where an error comes from.
Exit codes: 0 fine, 1 unmet expectation or regression, 2 wrong use,
3 failed while running, 4 unclear or nothing to compare.
"""
_RUN_ID = re.compile(r"[0-9a-f]{8}[0-9a-f-]*")
_FAILED = 3


def build_app() -> App:
    """The application with all verbs, in the order in which a newcomer meets them."""
    app = App(
        name="assay",
        help=_HELP,
        help_epilogue=_EPILOGUE,
        help_format="plaintext",
        version=_version,
        suppress_keyboard_interrupt=False,
        result_action="return_value",
    )
    verbs = Group("Verbs", sort_key=0)
    for position, (name, verb) in enumerate(VERBS.items()):
        app.command(verb, name=name, group=verbs, sort_key=position, help_epilogue="")
    app["--help"].group = app["--version"].group = Group("Other", sort_key=1)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; it never raises but with --debug.

    Args:
        arguments: The words after `assay`; those of the process by default.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    _write_somewhere()
    tell_failures_to(warn)
    try:
        code = _run(words)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        _forget_output()  # the reader has what it wanted (`| head`)
        return 0
    except SystemExit:
        return 0  # rich ends so on a broken pipe, after it has silenced standard output
    except KeyboardInterrupt:
        warn("interrupted")
        return InterruptedRunError.exit_code
    except Exception as error:
        if debug:
            raise
        message, code = _described(error, words)
        try:
            sys.stdout.flush()
        except OSError:
            _forget_output()  # it is what cannot be written to, and what waits there cannot either
        warn(message)
        if isinstance(error, OSError):
            _forget_output()
        return code


def _described(error: Exception, words: Sequence[str]) -> tuple[str, int]:
    """The message and the exit code of an error."""
    if isinstance(error, CycloptsError):
        return _misuse(error, words), UsageError.exit_code
    if isinstance(error, AssayError):
        return str(error), error.exit_code
    if isinstance(error, MemoryError):
        return "there is not enough memory; give the process more, or compare fewer contenders at once", _FAILED
    if isinstance(error, OSError):
        what = f"{error.filename}: " if error.filename else ""
        return f"{what}{error.strerror or error}; free some space, or name another place", _FAILED
    kind = type(error).__name__
    return f"a fault of assay itself, {kind}: {error}; --debug shows where; please report it", _FAILED


def _write_somewhere() -> None:
    """A stream that the caller has closed (`>&-`) takes everything silently; a terminal that cannot show a character
    shows its number instead of failing."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _forget_output() -> None:
    """What is left in the buffer of standard output goes nowhere, silently."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(words: list[str]) -> int:
    app = build_app()
    words = _with_resume(words)
    if words and words[0] == "compare":
        words = [words[0], *with_plain_settings(words[1:])]
    if words and words[0] == "checksum":
        words = with_standard_input(words)
    result = app(words, exit_on_error=False, print_error=False)
    if words[:1] == ["compare"] and words[1:2] != ["partitioning"] and {"--help", "-h"} & set(words):
        print_flags(words[1])
    return result if isinstance(result, int) else 0


def _with_resume(words: list[str]) -> list[str]:
    """`--resume` alone means the latest run; with a run id behind it, that run."""
    found = []
    for position, word in enumerate(words):
        after = words[position + 1] if position + 1 < len(words) else ""
        found.append("--resume=latest" if word == "--resume" and not _RUN_ID.fullmatch(after) else word)
    return found


def _misuse(error: CycloptsError, words: Sequence[str]) -> str:
    """What cyclopts found wrong, as one message with the way out."""
    if isinstance(error, UnknownCommandError):
        return str(UnknownNameError.of("verb", words[0], VERBS))
    verb = words[0] if words and words[0] in VERBS else None
    text = " ".join(str(error).split()).rstrip(".")
    if isinstance(error, UnknownOptionError):
        text = text.replace("Unknown option:", "there is no flag").replace(". Did you mean", "; did you mean")
    elif isinstance(error, UnusedCliTokensError):
        unused = " ".join(error.unused_tokens or ())
        text = f"there is more than expected: {unused}; put spellings and paths with blanks in quotes"
    elif missing := re.search(r'parameter "?(.+?)"? requires an argument', text):
        text = f"{missing[1]} is missing"
        if verb == "compare" and missing[1] == "DATA" and _looks_like_data(words[1:2]):
            text = f"what to compare is missing before {words[1]}, such as assay compare partitioning {words[1]}"
    return f"{text}{' See' if text.endswith('?') else '; see'} `assay {verb + ' ' if verb else ''}--help`"


def _looks_like_data(words: Sequence[str]) -> bool:
    """Whether the first word, which should name an experiment, is a path, a URL or a generator."""
    return bool(words) and not words[0].startswith("-") and not words[0].isidentifier()


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version  # a third of what starting up costs

    try:
        return f"assay {version('assay')}"
    except PackageNotFoundError:
        return "assay 0+checkout"
