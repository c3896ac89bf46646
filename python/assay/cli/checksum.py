"""`assay checksum`: checksums of files as lines that the coreutils read, and the way back."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Group, Parameter

from assay.cli.checksum_lines import DIGITS, Line, Malformed, escaped, format_line, lines_of
from assay.cli.output import NothingError, note, refuse_to_overwrite, say
from assay.cli.output import warn as tell_warning
from assay.errors import DataError, ParameterError, ReadError, StoreError, UnknownNameError, UsageError

if TYPE_CHECKING:
    from assay.checksums import MerkleTree

__all__ = ["checksum", "with_standard_input"]

_STDIN = "-"
_MARK = "\0"  # no word of a command line holds it
_DEFAULT = "sha256"
_MERKLE_DEFAULT = "blake3"
_MISMATCH = 1
_FAILED = 3
# A file takes no noticeable time below this size, so that no bar is drawn.
_LARGE_BYTES = 256 << 20
_SHOWN_BLOCKS = 16

_CHECKING = Group("Checking (with --check)", sort_key=2)
_MERKLE = Group("Merkle trees", sort_key=3)


def checksum(
    files: Annotated[
        tuple[str, ...],
        Parameter(
            help="Files; - is standard input, which is also what no file means.", metavar="FILE", show_default=False
        ),
    ] = (),
    /,
    *,
    algorithm: Annotated[
        str | None,
        Parameter(
            name=["--algorithm", "-a"],
            help=f"sha256 by default (blake3 with --merkle). One of {', '.join(DIGITS)}.",
            metavar="NAME",
        ),
    ] = None,
    check: Annotated[
        bool, Parameter(name=["--check", "-c"], help="Read checksums from the files and check them.", negative=())
    ] = False,
    tag: Annotated[bool, Parameter(help="Write lines that name their algorithm, as BSD does.", negative=())] = False,
    threads: Annotated[
        int | None,
        Parameter(
            help="At most so many threads; all cores by default. The checksums do not depend on it.", metavar="N"
        ),
    ] = None,
    format: Annotated[Literal["lines", "json"], Parameter(help="What standard output holds.")] = "lines",
    quiet: Annotated[
        bool, Parameter(help="No line for a file that is as it was.", negative=(), group=_CHECKING)
    ] = False,
    status: Annotated[
        bool, Parameter(help="Print nothing; the exit code tells.", negative=(), group=_CHECKING)
    ] = False,
    warn: Annotated[
        bool,
        Parameter(name=["--warn", "-w"], help="Name each line that is malformed.", negative=(), group=_CHECKING),
    ] = False,
    strict: Annotated[bool, Parameter(help="Malformed lines end with 3.", negative=(), group=_CHECKING)] = False,
    ignore_missing: Annotated[
        bool, Parameter(help="Pass over files that are not there.", negative=(), group=_CHECKING)
    ] = False,
    merkle: Annotated[
        Path | None,
        Parameter(
            help="Write the digests of one file's blocks there, and print their root; with --check, say which "
            "blocks of it have changed since.",
            metavar="TREE",
            group=_MERKLE,
        ),
    ] = None,
    block_bytes: Annotated[
        int | None, Parameter(help="The size of a block, 65536 by default.", metavar="BYTES", group=_MERKLE)
    ] = None,
    force: Annotated[bool, Parameter(help="Overwrite a tree that is there.", negative=(), group=_MERKLE)] = False,
) -> int:
    """Print or check the checksums of files.

    Lines are those of sha256sum, md5sum and b3sum, and each reads the
    other's. Without --algorithm, --check goes by the tag or the number of
    digits. It ends with 1 if a checksum differs, 3 if a file cannot be
    read, 4 if there was nothing to check.

    For example:

        assay checksum data/*.parquet > SHA256SUMS
        assay checksum --check SHA256SUMS --quiet
        assay checksum backup.tar --merkle backup.merkle
        assay checksum backup.tar --merkle backup.merkle --check
    """
    if algorithm is not None and algorithm not in DIGITS:
        raise UnknownNameError.of("checksum", algorithm, DIGITS)
    if threads is not None and threads < 1:
        raise ParameterError(f"--threads is {threads}; expected at least 1")
    only_checking = {"--quiet": quiet, "--status": status, "--warn": warn, "--strict": strict}
    given = [flag for flag, is_given in {**only_checking, "--ignore-missing": ignore_missing}.items() if is_given]
    if given and (not check or merkle is not None):
        raise UsageError(f"{given[0]} says how lines are checked; it goes with --check, and not with --merkle")
    if tag and (check or merkle is not None or format == "json"):
        raise UsageError("--tag says how lines are written; it goes with none of --check, --merkle and --format json")
    names = tuple(_STDIN if name == _MARK else name for name in files) or (_STDIN,)
    if merkle is None:
        if block_bytes is not None or force:
            raise UsageError(f"{'--force' if block_bytes is None else '--block-bytes'} goes with --merkle only")
        if check:
            options = _Checking(algorithm, threads, format, quiet, status, warn, strict, ignore_missing)
            return _check(names, options)
        return _print_checksums(names, algorithm or _DEFAULT, threads, tag, format)
    if len(names) > 1:
        raise UsageError(f"--merkle is of one file; {len(names)} are given")
    if check:
        return _check_tree(names[0], merkle, algorithm, block_bytes, threads, format)
    size = 65_536 if block_bytes is None else block_bytes
    return _write_tree(names[0], merkle, algorithm or _MERKLE_DEFAULT, size, threads, format, force)


def with_standard_input(words: list[str]) -> list[str]:
    """The words with every lone hyphen marked, which would be taken for a flag without a name."""
    end = words.index("--") if "--" in words else len(words)
    return [_MARK if word == _STDIN else word for word in words[:end]] + words[end:]


# Checksums of files


def _print_checksums(names: tuple[str, ...], algorithm: str, threads: int | None, tag: bool, format: str) -> int:
    found: list[dict[str, Any]] = []
    failures: list[dict[str, str]] = []
    for name in names:
        try:
            value, size = _value_of(name, algorithm, threads)
        except ReadError as error:
            failures.append({"file": name, "error": str(error)})
            tell_warning(str(error))
            continue
        if format == "json":
            found.append({"file": name, "algorithm": algorithm, "checksum": value, "bytes": size})
        else:
            _put(format_line(os.fsencode(name), value, algorithm, tag=tag))
    if format == "json":
        _say_json({"files": found, "failures": failures})
    return _FAILED if failures else 0


def _value_of(name: str, algorithm: str, threads: int | None) -> tuple[str, int]:
    """The checksum of a file in hexadecimal digits, and the number of its bytes."""
    from assay.checksums.streams import fed

    with _progress(name) as told:
        state = fed(None if name == _STDIN else name, algorithm, threads=threads, told=told)
    value = state.value
    return (value.hex() if isinstance(value, bytes) else f"{value:0{DIGITS[algorithm]}x}"), state.covered_bytes


@contextlib.contextmanager
def _progress(name: str) -> Iterator[Callable[[int], None] | None]:
    """A bar on standard error while a large file is read, if that is a terminal; what is to be told of each piece."""
    if name == _STDIN or not sys.stderr.isatty():
        yield None
        return
    try:
        size = os.stat(name)  # noqa: PTH116
    except (OSError, ValueError):
        yield None  # whoever opens it says why
        return
    if not stat.S_ISREG(size.st_mode) or size.st_size < _LARGE_BYTES:
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    from assay.cli.output import console

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(_on_screen(Path(name).name), total=size.st_size)
        yield lambda count: bar.advance(task, count)


# Checking


@dataclass(frozen=True)
class _Checking:
    algorithm: str | None
    threads: int | None
    format: str
    quiet: bool
    status: bool
    warn: bool
    strict: bool
    ignore_missing: bool


@dataclass
class _Counts:
    malformed: int = 0
    unreadable: int = 0
    differing: int = 0
    verified: int = 0
    lines: int = 0


def _check(names: tuple[str, ...], options: _Checking) -> int:
    results: list[dict[str, Any]] = []
    codes = []
    for name in names:
        try:
            codes.append(_check_file(name, options, results))
        except ReadError as error:
            tell_warning(str(error))
            codes.append(_FAILED)
    if options.format == "json":
        _say_json({"files": results})
    # A difference is what was asked for, whatever else went wrong.
    return next((code for code in (_MISMATCH, _FAILED, NothingError.exit_code) if code in codes), 0)


def _check_file(name: str, options: _Checking, results: list[dict[str, Any]]) -> int:
    """Checks the files that one file of checksums lists."""
    counts = _Counts()
    shown = "standard input" if name == _STDIN else name
    for line in lines_of(_content(name), options.algorithm):
        if isinstance(line, Malformed):
            counts.malformed += 1
            if options.warn:
                tell_warning(f"{shown}, line {line.number}: {line.why}")
            continue
        counts.lines += 1
        _check_line(line, options, counts, results)
    if not options.status:
        _summarize(counts)
    if counts.differing:
        return _MISMATCH
    if counts.unreadable or (options.strict and counts.malformed):
        return _FAILED
    if not counts.verified:
        wanted = f"{options.algorithm} checksum" if options.algorithm else "checksum"
        what = "no file was verified" if counts.lines else f"there is no line with a {wanted}"
        if not options.status:
            tell_warning(f"{shown}: {what}")
        return NothingError.exit_code
    return 0


def _check_line(line: Line, options: _Checking, counts: _Counts, results: list[dict[str, Any]]) -> None:
    name = os.fsdecode(line.name)
    result = {"file": name, "algorithm": line.algorithm, "expected": line.value, "found": None}
    is_file = name != _STDIN
    if options.ignore_missing and is_file and not os.path.lexists(line.name):
        return
    try:
        found, _ = _value_of(name, line.algorithm, options.threads)
    except ReadError as error:
        counts.unreadable += 1
        results.append(result | {"status": "unreadable", "error": str(error)})
        tell_warning(str(error))
        _tell(line.name, "FAILED open or read", options)
        return
    counts.verified += 1
    is_same = found == line.value
    counts.differing += not is_same
    results.append(result | {"found": found, "status": "ok" if is_same else "failed"})
    if not is_same or not options.quiet:
        _tell(line.name, "OK" if is_same else "FAILED", options)


def _tell(name: bytes, what: str, options: _Checking) -> None:
    if options.status or options.format == "json":
        return
    # As the coreutils do: only a line break makes a name be spelled here.
    mark, spelled = escaped(name) if b"\n" in name else (b"", name)
    _put(b"%s%s: %s" % (mark, spelled, what.encode()))


def _summarize(counts: _Counts) -> None:
    for count, one, more in (
        (counts.malformed, "line is malformed", "lines are malformed"),
        (counts.unreadable, "listed file could not be read", "listed files could not be read"),
        (counts.differing, "checksum did NOT match", "checksums did NOT match"),
    ):
        if count:
            tell_warning(f"WARNING: {count} {one if count == 1 else more}")


def _content(name: str) -> bytes:
    """All bytes of a file of checksums."""
    from assay.checksums.files import pieces

    return b"".join(bytes(piece) for piece in pieces(None if name == _STDIN else name))


# Merkle trees


def _tree_of(name: str, algorithm: str, block_bytes: int, threads: int | None) -> MerkleTree:
    from assay.checksums.files import pieces
    from assay.checksums.merkle import grown

    with _progress(name) as told:
        source = pieces(None if name == _STDIN else name, shared=threads != 1, told=told)
        return grown(source, block_bytes=block_bytes, algorithm=algorithm, threads=threads)


def _write_tree(
    name: str, place: Path, algorithm: str, block_bytes: int, threads: int | None, format: str, force: bool
) -> int:
    refuse_to_overwrite(place, force)
    tree = _tree_of(name, algorithm, block_bytes, threads)
    partial = place.with_name(f".{place.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(tree.to_bytes())
        partial.replace(place)
    except OSError as error:
        raise StoreError(f"cannot write {place}: {error.strerror or error}; name another file") from error
    finally:
        partial.unlink(missing_ok=True)
    if format == "json":
        _say_json(_about(name, tree))
    else:
        say(tree.root.hex())
        note(f"wrote the {algorithm} digests of {_counted(tree.block_count, 'block')} of {name} to {place}")
    return 0


def _check_tree(
    name: str, place: Path, algorithm: str | None, block_bytes: int | None, threads: int | None, format: str
) -> int:
    from assay.checksums import MerkleTree

    try:
        before = MerkleTree.from_bytes(_content(str(place)))
    except ReadError:
        raise
    except DataError as error:
        raise DataError(f"{place}: {error}") from error
    for flag, given, there in (
        ("--algorithm", algorithm, before.algorithm),
        ("--block-bytes", block_bytes, before.block_bytes),
    ):
        if given not in (None, there):
            raise UsageError(f"{flag} is {given}, but {place} is by {there}; leave the flag out")
    after = _tree_of(name, before.algorithm, before.block_bytes, threads)
    broken = before.diff(after).to_pylist()
    is_same = before == after
    if format == "json":
        _say_json({**_about(name, after), "status": "ok" if is_same else "failed", "broken_blocks": broken})
    elif is_same:
        _put(b"%s: OK" % os.fsencode(name))
    else:
        _put(b"%s: FAILED" % os.fsencode(name))
        if before.covered_bytes != after.covered_bytes:
            say(f"  {after.covered_bytes:,} bytes; expected {before.covered_bytes:,}")
        size = before.block_bytes
        end = max(before.covered_bytes, after.covered_bytes)
        for first, last in _runs(broken)[:_SHOWN_BLOCKS]:
            what = f"block {first}" if first == last else f"blocks {first} to {last}"
            say(f"  {what}: bytes {first * size:,} to {min((last + 1) * size, end) - 1:,}")
        if len(_runs(broken)) > _SHOWN_BLOCKS:
            say(f"  ... {_counted(len(broken), 'block')} in all; --format json lists them")
    return 0 if is_same else _MISMATCH


def _about(name: str, tree: MerkleTree) -> dict[str, Any]:
    return {
        "file": name,
        "algorithm": tree.algorithm,
        "block_bytes": tree.block_bytes,
        "blocks": tree.block_count,
        "bytes": tree.covered_bytes,
        "root": tree.root.hex(),
    }


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """First and last of each run of consecutive numbers."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


# Output


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _put(line: bytes) -> None:
    """A line as its bytes, whatever encoding a name has; without what would drive a terminal, where there is one."""
    if sys.stdout.isatty():
        say(_on_screen(line.decode("utf-8", "backslashreplace")))
        return
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:  # a stream that takes text only
        say(line.decode("utf-8", "backslashreplace"))
        return
    sys.stdout.flush()
    buffer.write(line + b"\n")


def _on_screen(text: str) -> str:
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def _say_json(content: object) -> None:
    import json

    say(json.dumps(content, indent=1))
