"""`assay checksum`: its lines, checking, and the coreutils both ways."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.cli.checksum_lines import DIGITS, Line, Malformed, format_line, lines_of

Assay = Callable[..., Any]

TOOLS = {"md5": "md5sum", "sha1": "sha1sum", "sha256": "sha256sum", "sha512": "sha512sum", "blake3": "b3sum"}
# Blanks, backslashes, line breaks, escapes of a terminal, bytes that are no text, and what looks like other lines.
NAMES = [
    *(b"plain.bin", b" leading", b"trailing ", b"*star", b"a\\b", b"a\nb", b"a\rb", b"a\\nb", b"(x) = y", b"\xff\xfe"),
    *("ü".encode(), b"a  b", b"-", b"# not a comment", b"MD5 (a) = b"),
]


@pytest.fixture
def many(tmp_path: Path) -> list[bytes]:
    """Files of all those names, but for the one that means standard input."""
    names = [name for name in NAMES if name != b"-"]
    for number, name in enumerate(names):
        (tmp_path / os.fsdecode(name)).write_bytes(random.Random(number).randbytes(999))
    return names


def run(*words: object, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    arguments = [os.fsencode(word) if isinstance(word, (str, Path)) else word for word in words]
    return subprocess.run(arguments, input=given, capture_output=True, check=False, timeout=60)  # type: ignore[arg-type]


def test_a_line_is_that_of_sha256sum_by_default(assay: Assay, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"hello")
    assert assay("checksum", "a").out == f"{hashlib.sha256(b'hello').hexdigest()}  a\n"
    assert assay("checksum", "a", "-a", "md5", "--tag").out == f"MD5 (a) = {hashlib.md5(b'hello').hexdigest()}\n"


@pytest.mark.parametrize(("algorithm", "expected"), [("crc32", "00000000"), ("crc64_nvme", "0" * 16)])
def test_crcs_are_of_one_width(assay: Assay, tmp_path: Path, algorithm: str, expected: str) -> None:
    (tmp_path / "empty").touch()
    assert assay("checksum", "empty", "-a", algorithm).out == f"{expected}  empty\n"


@pytest.mark.parametrize("algorithm", list(DIGITS))
@pytest.mark.parametrize("style", [(), ("--tag",)])
def test_what_is_written_is_read(assay: Assay, many: list[bytes], algorithm: str, style: tuple[str, ...]) -> None:
    names = [name.decode() for name in many if name.isascii()]
    sums = assay("checksum", "-a", algorithm, *style, "--", *names)
    assert sums.code == 0 and len(sums.out.split("\n")) == len(names) + 1
    Path("sums").write_bytes(sums.out.encode())
    checked = assay("checksum", "--check", "sums", "--quiet", *(() if style else ("-a", algorithm)))
    assert (checked.code, checked.out, checked.err) == (0, "", "")


@pytest.mark.parametrize("algorithm", [name for name, tool in TOOLS.items() if shutil.which(tool)])
@pytest.mark.parametrize("style", [[], ["--tag"]])
def test_other_tools_write_and_read_the_same_lines(
    many: list[bytes], algorithm: str, style: list[str], tmp_path: Path
) -> None:
    os.chdir(tmp_path)
    ours = run(sys.executable, "-m", "assay", "checksum", "-a", algorithm, *style, "--", *many)
    theirs = run(TOOLS[algorithm], *style, "--", *many)
    assert ours.returncode == theirs.returncode == 0
    assert ours.stdout == theirs.stdout
    Path("sums").write_bytes(theirs.stdout)
    by_them = run(TOOLS[algorithm], "--check", "sums")
    by_us = run(sys.executable, "-m", "assay", "checksum", "--check", "sums", "-a", algorithm)
    assert by_them.returncode == by_us.returncode == 0
    assert by_them.stdout.count(b"OK") == by_us.stdout.count(b"OK") == len(many)
    if algorithm != "blake3":
        assert by_them.stdout == by_us.stdout


def test_hostile_files_of_checksums_are_judged_as_sha256sum_does(tmp_path: Path) -> None:
    """Random lines from pieces of true ones: what is verified, missing and malformed is the same."""
    if not shutil.which("sha256sum"):
        pytest.skip("there is no sha256sum here")
    os.chdir(tmp_path)
    Path("a").write_bytes(b"hello")
    Path("b").write_bytes(b"")
    value = {name: hashlib.sha256(Path(name).read_bytes()).hexdigest().encode() for name in "ab"}
    pieces = [value["a"], value["b"], value["a"].upper(), value["a"][:-1]]
    pieces += [b"  a", b" *a", b"  b", b" a", b" b", b"a", b" ", b"\\", b"\\n", b"\r", b"#", b"\t", b"(", b")"]
    pieces += [b"SHA256 (a) = ", b"SHA256 (b) = ", b"SHA256(a)= ", b"SHA1 (a) = "]
    for seed in range(60):
        chance = random.Random(seed)
        lines = [b"".join(chance.choices(pieces, k=chance.randint(1, 3))) for _ in range(chance.randint(1, 5))]
        content = b"\n".join(lines) + b"\n"
        theirs = run("sha256sum", "--check", "-", given=content)
        found = list(lines_of(content, "sha256"))
        proper = [line for line in found if isinstance(line, Line)]
        said = theirs.stdout.decode().splitlines()
        assert len(proper) == len(said), (seed, content, found, theirs)
        malformed = sum(isinstance(line, Malformed) for line in found)
        counted = [
            int(line.split()[2]) for line in theirs.stderr.decode().splitlines() if "improperly formatted" in line
        ]
        assert counted == ([malformed] if malformed and proper else []), (seed, content, found, theirs)


def test_a_difference_is_1_and_named(assay: Assay, tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_text(name)
    (tmp_path / "sums").write_text(assay("checksum", "a", "b", "c").out)
    (tmp_path / "b").write_text("x")
    outcome = assay("checksum", "-c", "sums")
    assert outcome.code == 1 and outcome.out == "a: OK\nb: FAILED\nc: OK\n"
    assert outcome.err == "assay: WARNING: 1 checksum did NOT match\n"
    assert assay("checksum", "-c", "sums", "--quiet").out == "b: FAILED\n"
    silent = assay("checksum", "-c", "sums", "--status")
    assert (silent.code, silent.out, silent.err) == (1, "", "")
    rows = json.loads(assay("checksum", "-c", "sums", "--format", "json").out)["files"]
    assert [row["status"] for row in rows] == ["ok", "failed", "ok"]


def test_files_that_cannot_be_read_are_3_and_the_others_are_done(assay: Assay, tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "folder").mkdir()
    sums = assay("checksum", "missing", "a", "folder")
    assert sums.code == 3 and sums.out.endswith("  a\n") and sums.out.count("\n") == 1
    assert '"missing": No such file' in sums.err and '"folder": Is a directory' in sums.err
    (tmp_path / "sums").write_text(sums.out + sums.out.replace("  a", "  missing"))
    outcome = assay("checksum", "-c", "sums")
    assert outcome.code == 3 and outcome.out == "a: OK\nmissing: FAILED open or read\n"
    assert "1 listed file could not be read" in outcome.err
    ignoring = assay("checksum", "-c", "sums", "--ignore-missing")
    assert (ignoring.code, ignoring.out, ignoring.err) == (0, "a: OK\n", "")
    (tmp_path / "a").unlink()
    nothing = assay("checksum", "-c", "sums", "--ignore-missing")
    assert nothing.code == 4 and "no file was verified" in nothing.err
    assert assay("checksum", "-c", "nowhere").code == 3


def test_malformed_lines_are_counted_named_on_demand_and_failures_if_strict(assay: Assay, tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "sums").write_text("# by hand\n\nnonsense\n" + assay("checksum", "a").out + "00000000  a\n")
    outcome = assay("checksum", "-c", "sums")
    assert outcome.code == 0 and "2 lines are malformed" in outcome.err
    named = assay("checksum", "-c", "sums", "--warn").err
    assert "sums, line 3: expected a checksum" in named and "line 5: 8 digits do not tell the algorithm" in named
    assert assay("checksum", "-c", "sums", "--strict").code == 3
    (tmp_path / "sums").write_text("nonsense\n")
    assert assay("checksum", "-c", "sums").code == 4


def test_a_check_without_an_algorithm_goes_by_digits_and_tags(assay: Assay, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    lines = "".join(assay("checksum", "a", "-a", name).out for name in ("md5", "sha1", "sha256", "sha512"))
    lines += "".join(assay("checksum", "a", "-a", name, "--tag").out for name in DIGITS)
    (tmp_path / "sums").write_text(lines)
    outcome = assay("checksum", "-c", "sums")
    assert (outcome.code, outcome.out, outcome.err) == (0, "a: OK\n" * (4 + len(DIGITS)), "")
    narrowed = assay("checksum", "-c", "sums", "-a", "crc32c")
    assert narrowed.code == 0 and narrowed.out == "a: OK\n"


def test_standard_input_is_a_hyphen_or_nothing(assay: Assay, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "assay", "checksum"]
    expected = f"{hashlib.sha256(b'hello').hexdigest()}  -\n".encode()
    for words in ([], ["-"], ["--algorithm", "sha256", "-"]):
        assert run(*command, *words, given=b"hello").stdout == expected
    (tmp_path / "sums").write_bytes(expected)
    assert run(*command, "-c", tmp_path / "sums", given=b"hello").stdout == b"-: OK\n"
    assert run(*command, "-c", "-", given=expected.replace(b"-", b"/dev/null")).returncode == 1


def test_a_named_pipe_is_streamed(assay: Assay, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = subprocess.Popen(["sh", "-c", "printf hello > pipe"], cwd=tmp_path)
    assert assay("checksum", "pipe").out == f"{hashlib.sha256(b'hello').hexdigest()}  pipe\n"
    assert writer.wait(10) == 0


def test_a_broken_block_is_named_by_a_merkle_tree(assay: Assay, tmp_path: Path) -> None:
    data = bytearray(random.Random(1).randbytes(300_000))
    (tmp_path / "data").write_bytes(data)
    made = assay("checksum", "data", "--merkle", "tree", "--block-bytes", "4096")
    assert made.code == 0 and len(made.out) == 65 and "74 blocks" in made.err
    assert assay("checksum", "data", "--merkle", "tree").code == 2  # nothing is overwritten
    same = assay("checksum", "data", "--merkle", "tree", "--check")
    assert (same.code, same.out) == (0, "data: OK\n")
    for at in (5000, 8200, 8201, 299_999):
        data[at] ^= 1
    (tmp_path / "data").write_bytes(data)
    broken = assay("checksum", "data", "--merkle", "tree", "--check")
    assert broken.code == 1
    assert broken.out == (
        "data: FAILED\n  blocks 1 to 2: bytes 4,096 to 12,287\n  block 73: bytes 299,008 to 299,999\n"
    )
    found = json.loads(assay("checksum", "data", "--merkle", "tree", "--check", "--format", "json").out)
    assert found["broken_blocks"] == [1, 2, 73] and found["status"] == "failed"
    (tmp_path / "data").write_bytes(data[:200_000])
    assert "200,000 bytes; expected 300,000" in assay("checksum", "data", "--merkle", "tree", "--check").out
    (tmp_path / "tree").write_bytes(b"nonsense")
    spoiled = assay("checksum", "data", "--merkle", "tree", "--check")
    assert spoiled.code == 3 and "tree: these bytes are no Merkle tree" in spoiled.err


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["a", "--algorithm", "crc33"], 'did you mean "crc32"'),
        (["a", "--threads", "0"], "--threads is 0"),
        (["a", "--quiet"], "--quiet says how lines are checked"),
        (["a", "--check", "--tag"], "--tag says how lines are written"),
        (["a", "--block-bytes", "4096"], "--block-bytes goes with --merkle"),
        (["a", "b", "--merkle", "tree"], "--merkle is of one file"),
        (["a", "--merkle", "tree", "--algorithm", "crc32c"], "proves nothing"),
        (["a", "--merkle", "tree", "--block-bytes", "0"], "block_bytes is 0"),
        (["--nonsense"], "there is no flag --nonsense"),
    ],
)
def test_wrong_use_is_2_and_writes_nothing(assay: Assay, tmp_path: Path, words: list[str], named: str) -> None:
    (tmp_path / "a").touch()
    outcome = assay("checksum", *words)
    assert outcome.code == 2 and named in outcome.err and outcome.out == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]


def test_a_bar_is_drawn_for_a_large_file_on_a_terminal_only(
    assay: Assay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import assay.cli.checksum as verb

    monkeypatch.setattr(verb, "_LARGE_BYTES", 1000)
    (tmp_path / "large").write_bytes(bytes(2000))

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert assay("checksum", "large").err == ""
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    assert verb.checksum(("large",)) == 0
    assert "large" in sys.stderr.getvalue()  # type: ignore[attr-defined]
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(verb, "_LARGE_BYTES", 3000)
    assert verb.checksum(("large",)) == 0
    assert sys.stderr.getvalue() == ""  # type: ignore[attr-defined]


def test_a_name_that_is_spelled_is_read_back() -> None:
    for name in NAMES:
        for tag in (False, True):
            [line] = lines_of(format_line(name, "0" * 64, "sha256", tag=tag), "sha256")
            assert line == Line(1, "sha256", "0" * 64, name)
