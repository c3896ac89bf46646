"""Fixtures of the targets' tests: layouts of small tables, and servers that are started and stopped here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assay.datasets import open_dataset

sys.path.insert(0, str(Path(__file__).parent))  # so that tests import `landing` by its name

_FAST = (
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "autovacuum=off",
    "max_locks_per_transaction=512",
)


def postgres_folder() -> Path | None:
    """Where PostgreSQL's programs are: in Debian's folder of the newest version, or on the path."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -int(path.parts[-2]))
    folders += [Path(found).parent for found in [shutil.which("initdb")] if found]
    programs = ("initdb", "pg_ctl", "postgres", "psql")
    return next((folder for folder in folders if all((folder / name).exists() for name in programs)), None)


class Server:
    """A PostgreSQL server of its own folder, reached by a Unix socket alone."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder, self.programs = folder, programs
        self.schemas = 0

    def run(self, program: str, *arguments: str) -> None:
        """One of PostgreSQL's programs, as a user that it accepts: never root."""
        who: dict[str, Any] = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
        subprocess.run(
            [str(self.programs / program), *arguments],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd=self.folder,
            **who,
        )

    def start(self) -> None:
        """Makes the cluster and starts it; returns once it answers."""
        data = str(self.folder / "data")
        self.run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        settings = [f"-c {setting}" for setting in _FAST]
        options = f"-k {self.folder} -c listen_addresses='' {' '.join(settings)}"
        self.run("pg_ctl", "-D", data, "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        """Stops the process whose number the cluster's own folder holds."""
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", "immediate", "stop")

    def psql(self, schema: str, folder: Path, *files: str) -> None:
        """Runs files of SQL in psql, in a folder and a schema; the first error ends it."""
        words = [str(self.programs / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder)]
        words += ["-U", "postgres", "-d", "postgres", *(word for file in files for word in ("-f", file))]
        environment = os.environ | {"PGOPTIONS": f"-c search_path={schema}"}
        found = subprocess.run(
            words, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment
        )
        assert found.returncode == 0, found.stderr

    def connect(self, schema: str) -> Any:
        """A psycopg connection that commits at once and works in a schema."""
        import psycopg

        settings = f"-c search_path={schema}"
        return psycopg.connect(
            host=str(self.folder), user="postgres", dbname="postgres", options=settings, autocommit=True
        )

    def schema(self) -> str:
        """The name of a new, empty schema: cheaper than a database."""
        self.schemas += 1
        name = f"s{self.schemas}"
        with self.connect("public") as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return name


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    programs = postgres_folder()
    if programs is None:
        pytest.skip("PostgreSQL is not installed here (apt-get install postgresql)")
    pytest.importorskip("psycopg", reason="psycopg is not installed here")
    if os.geteuid() == 0:
        import pwd

        if "postgres" not in {entry.pw_name for entry in pwd.getpwall()}:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres here")
    folder = Path(tempfile.mkdtemp(prefix="assay-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    found = Server(folder, programs)
    try:
        found.start()
        yield found
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            found.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def some_flights() -> pa.Table:
    """The first 4,000 flights, with the number of each row; 11 of them have no tailnum."""
    table = open_dataset("flights").table().slice(0, 4_000)
    return table.append_column("row_id", pa.array(range(table.num_rows), pa.int64()))
