"""Commits as folders: a git worktree for each side, made in a temporary folder and removed again.

Removed also after an error, Ctrl-C and SIGTERM; after a kill -9 `git worktree prune` tidies up. Both paths
are of one length, as the length of a path moves a process's stack and with it what is timed. Nothing of the
user's own working tree is touched. Cost: a checkout of each commit.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from assay.errors import MeasurementError, UsageError

__all__ = ["WORKING_TREE", "Tree", "repository_of", "worktrees"]

WORKING_TREE = "."  # names the working tree as it is, with what is not committed
_OF_A_HOOK = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")

SideKey = Literal["base", "cand"]


@dataclass(frozen=True)
class Tree:
    """One side's files."""

    side: SideKey
    revision: str  # as it was named
    commit: str  # its id; empty for the working tree
    folder: Path

    @property
    def name(self) -> str:
        """For people: `main (1a2b3c4d)`."""
        if not self.commit:
            return "the working tree"
        return self.revision if self.commit.startswith(self.revision) else f"{self.revision} ({self.commit[:8]})"


def repository_of(folder: Path) -> Path:
    """The top of the git repository that `folder` is in.

    Raises:
        UsageError: It is in none, or there is no git.
    """
    return Path(_git(folder, "rev-parse", "--show-toplevel", what=f"{folder} is in no git repository"))


@contextlib.contextmanager
def worktrees(repository: Path, base: str, candidate: str) -> Iterator[tuple[Tree, Tree]]:
    """The files of two commits, each in a folder of its own, for as long as the block runs.

    Raises:
        UsageError: A revision that is none.
        MeasurementError: git cannot check a commit out.
    """
    commits = [_commit(repository, revision) for revision in (base, candidate)]
    made: list[Path] = []
    home = Path(tempfile.mkdtemp(prefix="assay-diff-"))
    try:
        with _terminated_as_interrupted():
            trees: list[Tree] = []
            sides: tuple[SideKey, SideKey] = ("base", "cand")
            for side, revision, commit in zip(sides, (base, candidate), commits, strict=True):
                folder = home / side
                if commit:
                    made.append(folder)
                    _add(repository, folder, commit, revision)
                trees.append(Tree(side, revision, commit, folder if commit else repository))
            yield trees[0], trees[1]
    finally:
        for folder in made:
            _quietly(repository, "worktree", "remove", "--force", str(folder))
        shutil.rmtree(home, ignore_errors=True)
        if made:
            _quietly(repository, "worktree", "prune")


def _commit(repository: Path, revision: str) -> str:
    if revision == WORKING_TREE:
        return ""
    what = f'there is no commit "{revision}" in {repository}; expected a branch, a tag, a commit or "."'
    return _git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", what=what)


def _add(repository: Path, folder: Path, commit: str, revision: str) -> None:
    done = _run(repository, "worktree", "add", "--detach", "--quiet", str(folder), commit)
    if done.returncode:
        raise MeasurementError(f"git cannot check out {revision}: {done.stderr.strip() or f'status {done.returncode}'}")


def _git(folder: Path, *words: str, what: str) -> str:
    try:
        done = _run(folder, *words)
    except FileNotFoundError:
        raise UsageError("there is no git on the path, which checks out the commits; install it") from None
    if done.returncode:
        detail = done.stderr.strip().splitlines()
        raise UsageError(f"{what}{f' ({detail[-1]})' if detail else ''}")
    return done.stdout.strip()


def _quietly(repository: Path, *words: str) -> None:
    with contextlib.suppress(OSError):
        _run(repository, *words)


def _run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs git as if nobody had told it where to work, as hooks of git are told: a checkout would write into the index
    of the user's own working tree."""
    environment = {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}
    return subprocess.run(
        ["git", "-C", str(folder), *words],
        env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does, so that what was made is removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
