"""TPC-H at any scale: `tpch(lineitem, scale=0.01)`, written once by tpchgen-cli and read as Parquet.

A table depends on its name, the scale and the tool's version alone: the tool writes the same bytes
on any machine with any number of threads, which a test holds. So the fingerprint is over these
three, and costs nothing. Declarations (foreign keys, queries, the time column) are those of the
shipped definitions `tpch_lineitem` and so on; a table's parents have its own scale.
Cost: about 6 s of processor time and 230 MB for lineitem at scale 1, once; row groups of about 7 MiB
(114,000 rows of lineitem), so that a scan can be shared out from scale 0.02 on.
Source: TPC Benchmark H Standard Specification, revision 3.0.1, section 4.2; PyPI tpchgen-cli.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
import sysconfig
import time
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from assay.datasets.cache_folder import cache_folder, make_once, say
from assay.datasets.generators import Parameter
from assay.datasets.parquet_files import ParquetReader
from assay.datasets.spelling import parse_call
from assay.errors import ReadError, SpellingError, UnknownNameError
from assay.units import format_bytes

__all__ = ["TABLES", "TPCH", "TpchTable", "is_installed", "open_tpch", "parse_tpch"]

_TOOL = "tpchgen-cli"
_INSTALL = 'run: pip install "assay[data]"'
_TOLD_EVERY_S = 10.0

TABLES = {  # rows and bytes of Parquet at scale 1; nation and region do not grow
    "lineitem": (6_001_215, 233_000_000),
    "orders": (1_500_000, 65_000_000),
    "partsupp": (800_000, 44_000_000),
    "part": (200_000, 7_000_000),
    "customer": (150_000, 13_000_000),
    "supplier": (10_000, 1_000_000),
    "nation": (25, 4_000),
    "region": (5, 2_000),
}
_SCALE = Parameter("scale", 1.0, 0.01, 100_000.0, "1 is 6,001,215 rows of lineitem")
# Below 0.01 suppliers are so few that the formula of section 4.2.3 offers a part twice by one of them.


@dataclass(frozen=True)
class Tpch:
    """The form of the spelling, as `assay list datasets` shows it."""

    name: str = "tpch"
    idea: str = f"a table of the TPC-H benchmark, written by {_TOOL}: {', '.join(TABLES)}"
    parameters: tuple[Parameter, ...] = (_SCALE,)

    example: str = "tpch(lineitem, scale=0.01)"

    def signature(self) -> str:
        """`tpch(table, scale=1)`."""
        return f"{self.name}(table, scale=1)"


TPCH = Tpch()


@dataclass(frozen=True)
class TpchTable:
    """One table at one scale."""

    table: str
    scale: float

    @property
    def spelling(self) -> str:
        """`tpch(lineitem, scale=0.01)`: one spelling for one table, however it was written."""
        return f"tpch({self.table}, scale={self._scale})"

    @property
    def _scale(self) -> str:
        return str(int(self.scale)) if self.scale == int(self.scale) else repr(self.scale)

    @property
    def definition_name(self) -> str:
        """The shipped definition that declares this table at scale 1."""
        return f"tpch_{self.table}"

    def parent(self, table: str) -> TpchTable:
        """Another table of the same scale."""
        return TpchTable(table, self.scale)


def parse_tpch(spelling: str) -> TpchTable:
    """The table that `spelling` names.

    Raises:
        SpellingError: it does not name exactly one table.
        UnknownNameError: the table or a parameter does not exist.
        ParameterError: the scale is out of bounds.
    """
    call = parse_call(spelling)
    names = [*call.positional, *([call.keywords["table"]] if "table" in call.keywords else [])]
    if len(names) != 1 or not isinstance(names[0], str):
        shown = ", ".join(map(repr, names)) or "no table"
        raise SpellingError(f"{spelling!r} names {shown}; expected one of {', '.join(TABLES)}: {TPCH.signature()}")
    if names[0] not in TABLES:
        raise UnknownNameError.of("table of TPC-H", names[0], TABLES)
    for given in call.keywords:
        if given not in ("table", "scale"):
            raise UnknownNameError.of("parameter of tpch", given, ["table", "scale"])
    return TpchTable(names[0], float(_SCALE.check("tpch", call.keywords.get("scale", 1))))


def is_installed() -> bool:
    """Whether the tool is there."""
    return _tool() is not None


def open_tpch(spelling: str) -> ParquetReader:
    """The table that `spelling` names, made first if it is not in the cache folder.

    Raises:
        ReadError: the tool is not installed or failed, or the cache folder cannot be written.
    """
    wanted = parse_tpch(spelling)
    tool = _tool()
    if tool is None:
        raise ReadError(f"{wanted.spelling} is made by {_TOOL}, which is not installed; {_INSTALL}")
    version = _version(tool)
    path = cache_folder() / "tpch" / f"{_TOOL}-{version}" / f"scale-{wanted._scale}" / f"{wanted.table}.parquet"
    make_once(path, lambda folder: _generate(tool, wanted, folder, path), wanted.spelling)
    return ParquetReader([path], identity=f"{wanted.spelling} {_TOOL} {version}")


def _generate(tool: str, wanted: TpchTable, folder: Path, path: Path) -> Path:
    """Runs the tool; its own messages are kept for the case that it fails."""
    fixed = wanted.table in ("nation", "region")
    expected_bytes = int(TABLES[wanted.table][1] * (1 if fixed else wanted.scale))
    room = shutil.disk_usage(folder).free
    if room < expected_bytes:
        raise ReadError(
            f"{wanted.spelling} needs about {format_bytes(expected_bytes)} and {folder.parent} has "
            f"{format_bytes(room)} free; set ASSAY_CACHE to a folder with room, or choose a smaller scale"
        )
    say(f"making {wanted.spelling}, about {format_bytes(expected_bytes)}, once: {path}")
    command = [tool, "parquet", "--scale-factor", wanted._scale, "--tables", wanted.table, "--output-dir", str(folder)]
    command += ["--num-threads", str(pa.cpu_count()), "--no-progress", "--quiet"]
    log = folder / "log.txt"
    started = told = time.monotonic()
    with log.open("wb") as messages:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=messages, stderr=messages)
        try:
            while process.poll() is None:
                try:
                    process.wait(0.05 if time.monotonic() - started < 2 else 1.0)
                except subprocess.TimeoutExpired:
                    if time.monotonic() - told > _TOLD_EVERY_S:
                        told = time.monotonic()
                        written = sum(file.stat().st_size for file in folder.iterdir())
                        say(f"making {wanted.spelling}: {format_bytes(written)} written")
        except BaseException:
            process.kill()
            process.wait()
            raise
    made = folder / f"{wanted.table}.parquet"
    if process.returncode != 0 or not made.is_file():
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
        reason = " ".join(" ".join(lines).split())[-300:] or f"exit code {process.returncode}"
        raise ReadError(
            f"{wanted.spelling} could not be made: {_TOOL} said: {reason}; is there room in {path.parent}? "
            "ASSAY_CACHE chooses another folder"
        )
    return made


def _tool() -> str | None:
    """The tool beside this Python, or on the path."""
    folders = [sysconfig.get_path("scripts"), str(Path(sys.executable).parent)]
    for folder in folders:
        if found := shutil.which(_TOOL, path=folder):
            return found
    return shutil.which(_TOOL)


@functools.lru_cache(maxsize=4)
def _version(tool: str) -> str:
    try:
        done = subprocess.run([tool, "--version"], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise ReadError(f"{tool} cannot be run: {error}; install it anew, {_INSTALL}") from error
    words = done.stdout.split()
    if len(words) < 2:
        raise ReadError(f"{tool} --version says {done.stdout!r}; expected its name and version; {_INSTALL}")
    return words[1]
