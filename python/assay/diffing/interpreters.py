"""The interpreter of each side: its executable and its environment, so that each commit's own code is what runs.

Without a set-up command this interpreter runs both sides, and each finds the modules of its own tree first
(the tree, its `src`, the folder of the suite): enough for pure Python. The entry points that the tree's
`pyproject.toml` declares for assay are made known by a folder of metadata beside it, so that nothing has to
be installed. With a set-up command, such as `pip install .`, each side has a virtual environment, which sees
what is installed here too, and the command runs in the tree.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.diffing.trees import Tree
from assay.errors import MeasurementError, UsageError

__all__ = ["Interpreter", "prepared"]

_PREFIX = "assay."
_SHOWN_LINES = 12


@dataclass(frozen=True)
class Interpreter:
    """How one side's Python is started."""

    executable: str
    environment: Mapping[str, str]
    folder: Path  # its working folder: the tree


def prepared(
    tree: Tree, home: Path, *, suite_folder: Path | None, setup: str | None, python: str | None, modules: Sequence[str]
) -> Interpreter:
    """Makes a side ready to run.

    Args:
        tree: Its files.
        home: A temporary folder for what is made.
        suite_folder: Where the suite lies within the repository, relative; None where it lies elsewhere.
        setup: A shell command that installs the tree, run in it.
        python: The interpreter; this one by default.
        modules: Modules of the tree that register contenders when they are imported.

    Raises:
        UsageError: There is no such interpreter, or the tree's pyproject.toml cannot be read.
        MeasurementError: The set-up command failed; the message ends with its last lines.
    """
    executable = python or sys.executable
    ours = python is None
    plug_ins = home / f"plug-ins-{tree.side}"
    if setup is not None:
        _announce(plug_ins, {f"{_PREFIX}contenders": {name: name for name in modules}}, "assay-diff-modules", "0")
        return _installed(tree, home / f"venv-{tree.side}", executable, setup, ours, plug_ins)
    name, version, groups = _declared(tree)
    groups.setdefault(f"{_PREFIX}contenders", {}).update({module: module for module in modules})
    _announce(plug_ins, groups, name, version)
    path = [str(plug_ins), *map(str, _module_folders(tree, suite_folder)), *_inherited()]
    if ours:
        path.append(str(_home_of_assay()))
    return Interpreter(executable, _environment(path), tree.folder)


def _environment(path: Sequence[str]) -> dict[str, str]:
    # PYTHONSAFEPATH: the folder that a process starts in is no place for modules, unless it is named.
    return {"PYTHONPATH": os.pathsep.join(path), "PYTHONSAFEPATH": "1", "PYTHONHASHSEED": "random"}


def _inherited() -> list[str]:
    return [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]


def _home_of_assay() -> Path:
    return Path(__file__).resolve().parents[2]


def _module_folders(tree: Tree, suite_folder: Path | None) -> list[Path]:
    content = _pyproject(tree)
    named = content.get("tool", {}).get("maturin", {}).get("python-source")
    wanted = [tree.folder / "src", *([tree.folder / named] if isinstance(named, str) else []), tree.folder]
    if suite_folder is not None:
        wanted.append(tree.folder / suite_folder)
    return [folder for folder in dict.fromkeys(wanted) if folder.is_dir()]


def _pyproject(tree: Tree) -> dict[str, Any]:
    file = tree.folder / "pyproject.toml"
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"pyproject.toml of {tree.name} cannot be read: {error}; expected TOML in UTF-8") from error


def _declared(tree: Tree) -> tuple[str, str, dict[str, dict[str, str]]]:
    """Name, version and assay's entry points of the tree's project."""
    project = _pyproject(tree).get("project", {})
    groups = {
        group: {str(name): str(target) for name, target in points.items()}
        for group, points in project.get("entry-points", {}).items()
        if group.startswith(_PREFIX) and isinstance(points, dict)
    }
    return str(project.get("name", "assay-diff-modules")), str(project.get("version", "0")), groups


def _announce(folder: Path, groups: Mapping[str, Mapping[str, str]], name: str, version: str) -> None:
    """Metadata of a package, as an installer would leave it; it hides an installed package of the same name."""
    stem = re.sub(r"[-_.]+", "_", name)
    info = folder / f"{stem}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    lines = [
        line
        for group, points in groups.items()
        for line in (f"[{group}]", *(f"{key} = {target}" for key, target in points.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join([*lines, ""]), encoding="utf-8")


def _installed(tree: Tree, venv: Path, executable: str, setup: str, ours: bool, plug_ins: Path) -> Interpreter:
    """A virtual environment in which the set-up command has run."""
    _checked([executable, "-m", "venv", str(venv)], tree, os.environ, f"a virtual environment for {tree.name}")
    if ours:  # what is installed here, assay among it, comes after what the command installs
        entries = [entry for entry in sys.path if entry and Path(entry).is_dir()]
        (site,) = (venv / "lib").glob("python*/site-packages")
        standard = {str(Path(os.__file__).parent), str(Path(os.__file__).parent / "lib-dynload")}
        kept = [entry for entry in [*entries, str(_home_of_assay())] if entry not in standard]
        (site / "zz_assay_diff.pth").write_text("\n".join([*dict.fromkeys(kept), ""]), encoding="utf-8")
    binaries = venv / "bin"
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    environment |= {
        "VIRTUAL_ENV": str(venv),
        "PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    _checked(["sh", "-c", setup], tree, environment, f"the set-up of {tree.name} ({setup})")
    return Interpreter(str(binaries / "python"), _environment([str(plug_ins)]), tree.folder)


def _checked(words: Sequence[str], tree: Tree, environment: Mapping[str, str], what: str) -> None:
    """Runs a command in the tree, in a process group of its own that ends with this block."""
    try:
        child = subprocess.Popen(
            words, cwd=tree.folder, env=dict(environment), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise UsageError(f"{shlex.join(words)} cannot be run: {error.strerror}; name another with --python") from error
    try:
        said, _ = child.communicate()
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        raise
    if child.returncode:
        last = "\n".join(said.strip().splitlines()[-_SHOWN_LINES:])
        raise MeasurementError(f"{what} failed with status {child.returncode}" + (f":\n{last}" if last else ""))
