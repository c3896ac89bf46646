"""Files of checksums: any bytes are lines or malformed, each once; what is a line is written as it was read.

Pieces of true lines are put together, and bytes changed. Now and then sha256sum judges the same file, where there is
one.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from loop import run

from assay.cli.checksum_lines import DIGITS, Line, Malformed, format_line, lines_of

SHA256 = b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
PIECES = [
    *(SHA256, SHA256.upper(), SHA256[:-1], SHA256 + b"0", b"d41d8cd98f00b204e9800998ecf8427e"),
    *(b"0" * digits for digits in (8, 16, 40, 128)),
    *(
        b"  ",
        b" *",
        b" ",
        b"\t",
        b"\n",
        b"\r\n",
        b"\r",
        b"\0",
        b"\\",
        b"\\n",
        b"\\\\",
        b"\\r",
        b"\\x",
        b"#",
        b"(",
        b")",
    ),
    *(b"SHA256 (a) = ", b"SHA256(a)= ", b"MD5 (", b"BLAKE3 (x) = ", b"CRC32C (", b"SHA2-256 (", b") = ", b")= "),
    *(b"=", b"-", b"a", b"name", b"\xff\xfe"),
]
ALGORITHMS = [None, *DIGITS]
TOOL = shutil.which("sha256sum")
FOLDER = tempfile.TemporaryDirectory()
(Path(FOLDER.name) / "a").touch()


def content(chance: random.Random) -> bytes:
    """Something like a file of checksums."""
    lines = []
    for _ in range(chance.randint(0, 12)):
        if chance.random() < 0.5:
            algorithm = chance.choice(list(DIGITS))
            name = bytes(chance.choices(b"ab \\\n\r()*=#/\xff", k=chance.randint(1, 6)))
            line = format_line(name, "0" * DIGITS[algorithm], algorithm, tag=chance.random() < 0.5)
        else:
            line = b"".join(chance.choices(PIECES, k=chance.randint(0, 7)))
        lines.append(line)
    found = bytearray(chance.choice([b"\n", b"\r\n"]).join(lines))
    for _ in range(chance.choice([0, 0, 1, 3])):
        if found:
            found[chance.randrange(len(found))] = chance.randrange(256)
    return bytes(found)


def case(chance: random.Random) -> None:
    """One file, read by the parser, and perhaps by sha256sum."""
    given, algorithm = content(chance), chance.choice(ALGORITHMS)
    found = list(lines_of(given, algorithm))
    numbers = [line.number for line in found]
    lines = enumerate(given.split(b"\n"), 1)
    said = [number for number, line in lines if line.removesuffix(b"\r") and line[:1] != b"#"]
    assert numbers == said, (given, found)
    for line in found:
        if isinstance(line, Malformed):
            assert line.why.isprintable(), line
            continue
        assert len(line.value) == DIGITS[line.algorithm] and re.fullmatch("[0-9a-f]+", line.value), line
        assert algorithm in (None, line.algorithm) and line.name and b"\0" not in line.name, line
        for tag in (False, True):
            again = list(lines_of(format_line(line.name, line.value, line.algorithm, tag=tag), line.algorithm))
            assert again == [Line(1, line.algorithm, line.value, line.name)], (line, again)
    if TOOL and chance.random() < 0.01 and b"\0" not in given and b"-" not in given:
        theirs = subprocess.run([TOOL, "--check", "-"], input=given, capture_output=True, cwd=FOLDER.name, check=False)
        ours = [line for line in lines_of(given, "sha256") if isinstance(line, Line)]
        # Each proper line gives one line of theirs that ends so; a name cannot, as it would be spelled.
        judged = re.findall(rb": (?:OK|FAILED|FAILED open or read)$", theirs.stdout, re.MULTILINE)
        assert len(ours) == len(judged), (given, ours, theirs)


if __name__ == "__main__":
    raise SystemExit(run(case))
