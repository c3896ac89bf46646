"""The example package, built and installed for real into an environment of its own, where assay is there already."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = Path(__file__).parent / "example_package"
Run = Callable[..., "subprocess.CompletedProcess[str]"]

# Several commands in one process, as starting one costs more than most commands do.
_SEVERAL = """
import contextlib, io, json, sys
from assay.cli import main
found = []
for words in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        code = main(words)
    found.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(found))
"""


@pytest.fixture(scope="session")
def python_with_example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh environment: assay and what it needs by a .pth file, the example package by pip."""
    folder = tmp_path_factory.mktemp("environment")
    environment = folder / "venv"
    venv.create(environment, with_pip=False, symlinks=os.name != "nt")
    scripts = "Scripts" if os.name == "nt" else "bin"
    python = environment / scripts / "python"
    site = sysconfig.get_path("purelib", "venv", {"base": str(environment)})
    shared = [str(ROOT / "python"), *(path for path in sys.path if path.endswith(("site-packages", "dist-packages")))]
    (Path(site) / "assay_and_what_it_needs.pth").write_text("\n".join(shared) + "\n", encoding="utf-8")
    source = shutil.copytree(EXAMPLE, folder / "source")  # a build may leave files beside its source
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-build-isolation"]
    done = subprocess.run(
        [*command, "--no-deps", "--no-index", str(source)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return python


@pytest.fixture
def with_example(python_with_example: Path, tmp_path: Path) -> Run:
    """Runs `assay ...` in that environment, in an empty folder; or several commands, given as lists."""

    def run(*arguments: str | list[str]) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return subprocess.run(
            [str(python_with_example), *_words(arguments)],
            cwd=tmp_path,
            env={**environment, "COLUMNS": "120"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


def _words(arguments: Sequence[str | list[str]]) -> list[str]:
    if arguments and isinstance(arguments[0], list):
        return ["-c", _SEVERAL, json.dumps(arguments)]
    return ["-m", "assay", *map(str, arguments)]


class Packages:
    """A folder of installed packages, made by hand: what an installer leaves of a module and its entry points."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, name: str, module: str, source: str, **groups: str) -> None:
        """The package `name` with one module, and its entry points: `contenders="stripes = stripes"`."""
        (self.folder / f"{module}.py").write_text(source, encoding="utf-8")
        installed = self.folder / f"{name.replace('-', '_')}-1.0.dist-info"
        installed.mkdir()
        (installed / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
        lines = [line for group, point in groups.items() for line in (f"[assay.{group}]", point)]
        (installed / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def run(self, *arguments: str | list[str]) -> subprocess.CompletedProcess[str]:
        """`assay ...` where these packages are installed; or several commands, given as lists."""
        return self.python(*_words(arguments))

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Python with these arguments, where these packages are installed."""
        search = os.pathsep.join([str(self.folder), str(ROOT / "python")])
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": search, "COLUMNS": "120"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


@pytest.fixture
def packages(tmp_path: Path) -> Packages:
    return Packages(tmp_path)
