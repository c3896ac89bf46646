"""Lines of checksums as the coreutils write and read them.

    HEX  NAME          as md5sum, sha256sum and b3sum write; ` *` before the name marks a binary file
    HEX NAME           as `md5 -r` of BSD writes, if the first line of the file is so
    NAME_OF_ALGORITHM (NAME) = HEX      as `--tag` writes; OpenSSL leaves the blanks out

A line whose name holds a backslash, a line break or a carriage return begins with a backslash, and they are spelled
`\\\\`, `\\n`, `\\r`. Names are bytes of any encoding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["DIGITS", "Line", "Malformed", "escaped", "format_line", "lines_of"]

# How many hexadecimal digits a value of each algorithm has.
DIGITS = {
    "crc32": 8,
    "crc32c": 8,
    "crc64_nvme": 16,
    "xxh3_64": 16,
    "xxh64": 16,
    "md5": 32,
    "sha1": 40,
    "sha256": 64,
    "sha512": 128,
    "blake3": 64,
}
# What a line without a name of its algorithm is by, where nothing else is said: the one that everybody has.
_BY_DIGITS = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}

_TAGS = {
    "crc32": "CRC32",
    "crc32c": "CRC32C",
    "crc64_nvme": "CRC64NVME",
    "xxh3_64": "XXH3",
    "xxh64": "XXH64",
    "md5": "MD5",
    "sha1": "SHA1",
    "sha256": "SHA256",
    "sha512": "SHA512",
    "blake3": "BLAKE3",
}
_ALGORITHMS = {tag.encode(): name for name, tag in _TAGS.items()} | {b"SHA2-256": "sha256", b"SHA2-512": "sha512"}

_ESCAPES = {b"\\": b"\\\\", b"\n": b"\\n", b"\r": b"\\r"}
_ESCAPED = {b"\\\\": b"\\", b"\\n": b"\n", b"\\r": b"\r"}
_TAGGED = re.compile(rb"([A-Z0-9][A-Z0-9-]*) ?\((.*)\)[ \t]*=[ \t]*([0-9A-Fa-f]+)", re.DOTALL)
_PLAIN = re.compile(rb"([0-9A-Fa-f]+)[ \t](.+)", re.DOTALL)


@dataclass(frozen=True)
class Line:
    """A checksum and the file that it is of.

    Attributes:
        number: The number of the line, from 1.
        algorithm: The algorithm.
        value: The checksum in small hexadecimal digits.
        name: The name of the file.
    """

    number: int
    algorithm: str
    value: str
    name: bytes


@dataclass(frozen=True)
class Malformed:
    """A line that is no checksum, and why."""

    number: int
    why: str


def escaped(name: bytes) -> tuple[bytes, bytes]:
    """A backslash and the spelled name where a name must be spelled; nothing and the name otherwise."""
    spelled = re.sub(rb"[\\\n\r]", lambda found: _ESCAPES[found[0]], name)
    return (b"\\" if spelled != name else b"", spelled)


def format_line(name: bytes, value: str, algorithm: str, *, tag: bool = False) -> bytes:
    """The line of a file, without a line break.

    >>> format_line(b"a", "00000000", "crc32c"), format_line(b"a", "00000000", "crc32c", tag=True)
    (b'00000000  a', b'CRC32C (a) = 00000000')
    """
    mark, spelled = escaped(name)
    if tag:
        return b"%s%s (%s) = %s" % (mark, _TAGS[algorithm].encode(), spelled, value.encode())
    return b"%s%s  %s" % (mark, value.encode(), spelled)


def lines_of(content: bytes, algorithm: str | None = None) -> Iterator[Line | Malformed]:
    """What each line says; empty lines and those that begin with # say nothing.

    Args:
        content: The bytes of a file of checksums.
        algorithm: What every line has to be by. None takes the line's word for it, or else the number of its digits:
            md5, sha1, sha256 and sha512 are told by it, CRCs, XXH and BLAKE3 are not.
    """
    reversed_order: bool | None = None
    for number, raw in enumerate(content.split(b"\n"), 1):
        line = raw.removesuffix(b"\r")
        if not line or line.startswith(b"#"):
            continue
        line = line.lstrip(b" \t")
        is_escaped = line.startswith(b"\\")
        line = line[is_escaped:]
        if tagged := _TAGGED.fullmatch(line):
            found = _ALGORITHMS.get(tagged[1])
            name, value = tagged[2], tagged[3]
            if found is None:
                yield Malformed(number, f"it is by {_shown(tagged[1])}, which is not known here")
                continue
            if algorithm is not None and found != algorithm:
                yield Malformed(number, f"it is by {found}; expected {algorithm}")
                continue
        elif plain := _PLAIN.fullmatch(line):
            value, name = plain[1], plain[2]
            found = algorithm or _BY_DIGITS.get(len(value))
            if found is None:
                yield Malformed(number, f"{len(value)} digits do not tell the algorithm; --algorithm does")
                continue
        else:
            yield Malformed(number, "expected a checksum, two blanks and a name")
            continue
        if len(value) != DIGITS[found]:
            yield Malformed(number, f"the checksum has {len(value)} digits; expected {DIGITS[found]} of {found}")
            continue
        if not tagged:
            is_reversed = len(name) < 2 or name[:1] not in (b" ", b"*")
            if reversed_order is None:
                reversed_order = is_reversed
            if is_reversed and not reversed_order:
                yield Malformed(number, "there is one blank between the checksum and the name; expected two")
                continue
            if not reversed_order:
                name = name[1:]
        if is_escaped and (unknown := re.search(rb"\\(?![\\nr])", re.sub(rb"\\[\\nr]", b"", name))):
            yield Malformed(number, f'there is no escape "{_shown(unknown[0])}" in a name; expected \\\\, \\n or \\r')
            continue
        if is_escaped:
            name = re.sub(rb"\\[\\nr]", lambda spelled: _ESCAPED[spelled[0]], name)
        if not name or b"\0" in name:
            yield Malformed(number, "the name is empty or holds a null")
            continue
        yield Line(number, found, value.decode().lower(), name)


def _shown(text: bytes) -> str:
    return text[:40].decode("ascii", "backslashreplace")
