"""Two commits, measured again: their own code, the same rows, and nothing left behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.diffing import Change
from assay.diffing.interpreters import prepared
from assay.diffing.judging import confirm
from assay.diffing.timed import Ratio
from assay.diffing.trees import Tree, repository_of, worktrees
from assay.errors import UsageError

Assay = Callable[..., Any]

SUITE = """\
name = "orders"

[[experiment]]
kind = "partitioning"
dataset = "orders.csv"
partitions = 4
strategies = ["stripes(key, width=10)", "round_robin"]
"""
STRIPES = '''\
"""Runs of consecutive keys, dealt to the partitions in turn."""

import assay
import {package}


@assay.register_strategy
class Stripes(assay.Strategy):
    """Runs of `width` consecutive integer keys."""

    name = "stripes"
    source = "block-cyclic distribution"
    parameters = {{"width": range(1, 1_000_000)}}

    def assign(self, keys):
        values = keys.column(0).to_numpy()
        {extra}
        return {package}.stripes(values, self.settings.get("width", 1), self.partitions)
'''
HELPER = """\
def stripes(values, width, partitions):
    return {formula}
"""
PYPROJECT = """\
[project]
name = "shop"
version = "1.0"

[project.entry-points."assay.contenders"]
stripes = "shop_stripes"
"""


def git(folder: Path, *words: str) -> str:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    names = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", *names, *words], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


class Repository:
    """A scratch repository with a strategy of its own, found by its pyproject.toml; the data are not in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "src").mkdir(parents=True)
        (folder / "bench").mkdir()
        git(folder, "init", "-q")
        (folder / ".gitignore").write_text("*.csv\n", encoding="utf-8")
        (folder / "bench" / "orders.toml").write_text(SUITE, encoding="utf-8")
        rows = "".join(f"{key}\n" for key in range(400))
        (folder / "bench" / "orders.csv").write_text(f"key\n{rows}", encoding="utf-8")
        (folder / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")

    def write(self, *, extra: str = "pass", formula: str = "values // width % partitions") -> None:
        (self.folder / "src" / "shop_stripes.py").write_text(
            STRIPES.format(package="shop_helper", extra=extra), encoding="utf-8"
        )
        (self.folder / "src" / "shop_helper.py").write_text(HELPER.format(formula=formula), encoding="utf-8")

    def commit(self, tag: str, **content: str) -> None:
        self.write(**content)
        git(self.folder, "add", "-A")
        git(self.folder, "commit", "-q", "--allow-empty", "-m", tag)
        git(self.folder, "tag", tag)


@pytest.fixture
def repository(call: Assay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    """The current folder, a repository with the tags "one", "same" (another spelling of it) and "skewed"."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    found = Repository(tmp_path / "shop")
    found.commit("one")
    found.commit("same", formula="(values // width) % partitions")
    found.commit("skewed", formula="values // width % (partitions - 1)")
    monkeypatch.chdir(found.folder)
    yield found
    assert len(git(found.folder, "worktree", "list").splitlines()) == 1, "a worktree is left behind"
    assert not list(temporary.iterdir()), "a folder is left behind"


def test_a_change_of_exact_metrics_is_found_in_each_commits_own_code(call: Assay, repository: Repository) -> None:
    (repository.folder / "src" / "shop_helper.py").write_text("not even Python", encoding="utf-8")  # not committed
    words = [
        "diff",
        "--suite",
        "bench/orders.toml",
        "--no-timing",
        "--format",
        "json",
        "--fail-on",
        "worse:load_max_over_mean:5%",
    ]
    outcome = call(*words, "one", "skewed")
    assert outcome.code == 1, outcome.err
    found = json.loads(outcome.out)
    # 400 keys in runs of 10 on 4 partitions are 100 each; on 3 of the 4 they are 140 at most: 14 of 40 runs.
    (row,) = [row for row in found["changes"] if row["metric"] == "load_max_over_mean"]
    assert (row["contender"], row["base"], row["candidate"]) == ("stripes(key,width=10)", 1.0, 1.4)
    assert {row["contender"] for row in found["changes"]} == {"stripes(key,width=10)"}
    assert found["candidate"]["commit"] == git(repository.folder, "rev-parse", "skewed")
    assert git(repository.folder, "status", "--porcelain") == "M src/shop_helper.py"


@pytest.mark.slow
def test_commits_that_compute_the_same_are_the_same(call: Assay, repository: Repository) -> None:
    outcome = call("diff", "--suite", "bench/orders.toml", "one", "same", "--no-timing", "--fail-on", "changed")
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("No change was found")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["one", "nobody", "--suite", "bench/orders.toml"], 'there is no commit "nobody"'),
        (["one", "--upload-pack=x", "--suite", "bench/orders.toml"], "there is no flag"),
        (["one", "same", "--suite", "bench/none.toml"], "there is no suite bench/none.toml"),
        (["one", "same", "--suite", "bench/orders.toml", "--store", "x.duckdb"], "leave out --suite"),
        (["one", "same", "--setup", "true"], "--setup is for two commits"),
        (["one", "same", "--suite", "bench/orders.toml", "--pairs", "0"], "timing.pairs is 0"),
        (["one", "same", "--suite", "bench/orders.toml", "--fail-on", "wrose"], 'did you mean "worse"'),
    ],
)
def test_what_cannot_be_compared_is_told_before_anything_runs(
    call: Assay, repository: Repository, words: list[str], said: str
) -> None:
    outcome = call("diff", *words)
    assert outcome.code == 2
    assert said in outcome.err


def test_a_commit_that_cannot_plan_the_suite_is_told(call: Assay, repository: Repository) -> None:
    git(repository.folder, "rm", "-q", "pyproject.toml")
    git(repository.folder, "commit", "-q", "-m", "no entry point")
    outcome = call("diff", "--suite", "bench/orders.toml", "HEAD", "one", "--no-timing")
    assert outcome.code == 2
    assert "cannot measure bench/orders.toml" in outcome.err
    assert 'no strategy "stripes"' in outcome.err
    assert "a suite that both commits know" in outcome.err


def test_a_plug_in_of_a_commit_that_cannot_be_imported_is_told_with_its_error(
    call: Assay, repository: Repository
) -> None:
    module = repository.folder / "src" / "shop_stripes.py"
    module.write_text(module.read_text(encoding="utf-8").replace("(assay.Strategy)", ""), encoding="utf-8")
    git(repository.folder, "commit", "-q", "-a", "-m", "no strategy")
    outcome = call("diff", "--suite", "bench/orders.toml", "HEAD", "one", "--no-timing")
    assert outcome.code == 2
    assert "the plug-in stripes (assay.contenders) of shop 1.0 cannot be used" in outcome.err
    assert "Stripes is no strategy; expected a class derived from assay.Strategy" in outcome.err
    assert 'no strategy "stripes"' in outcome.err


def test_two_commits_without_a_suite_are_told_to_name_one(call: Assay, repository: Repository) -> None:
    outcome = call("diff", "one", "same")
    assert outcome.code == 3
    assert "there is no store assay.duckdb" in outcome.err
    assert "--suite SUITE.toml" in outcome.err


@pytest.mark.slow
def test_a_set_up_that_fails_ends_with_its_last_lines(call: Assay, repository: Repository) -> None:
    command = "echo it does not build; exit 5"
    outcome = call("diff", "--suite", "bench/orders.toml", "one", "same", "--setup", command)
    assert outcome.code == 3
    assert "failed with status 5" in outcome.err
    assert "it does not build" in outcome.err


def test_outside_of_a_repository_there_are_no_commits(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is in no git repository"):
        repository_of(tmp_path)


@pytest.mark.parametrize("ending", [KeyboardInterrupt, RuntimeError, signal.SIGTERM])
def test_worktrees_are_removed_however_the_block_ends(repository: Repository, ending: Any) -> None:
    folders: list[Path] = []
    expected = ending if isinstance(ending, type) else KeyboardInterrupt
    with pytest.raises(expected), worktrees(repository.folder, "one", "skewed") as trees:
        folders += [tree.folder for tree in trees]
        assert [len(str(folder)) for folder in folders] == [len(str(folders[0]))] * 2
        assert (folders[1] / "src" / "shop_helper.py").read_text(encoding="utf-8") != (
            folders[0] / "src" / "shop_helper.py"
        ).read_text(encoding="utf-8")
        if isinstance(ending, type):
            raise ending
        os.kill(os.getpid(), ending)
    assert not any(folder.exists() for folder in folders)
    assert not folders[0].parent.exists()


def test_the_working_tree_is_a_side_as_it_is(repository: Repository) -> None:
    with worktrees(repository.folder, "one", ".") as (one, here):
        assert (here.folder, here.commit, here.name) == (repository.folder, "", "the working tree")
        assert one.name.startswith("one (")
    assert repository.folder.exists()


def test_the_trees_own_modules_and_entry_points_come_first(repository: Repository, tmp_path: Path) -> None:
    tree = Tree("base", "one", "0" * 40, repository.folder)
    interpreter = prepared(
        tree, tmp_path / "home", suite_folder=Path("bench"), setup=None, python=None, modules=["more"]
    )
    path = interpreter.environment["PYTHONPATH"].split(os.pathsep)
    assert path[1:4] == [str(repository.folder / "src"), str(repository.folder), str(repository.folder / "bench")]
    (info,) = Path(path[0]).iterdir()
    assert info.name == "shop-1.0.dist-info"
    assert (info / "entry_points.txt").read_text(encoding="utf-8").splitlines() == [
        "[assay.contenders]",
        "stripes = shop_stripes",
        "more = more",
    ]


def test_a_pyproject_that_is_no_toml_is_told(repository: Repository, tmp_path: Path) -> None:
    (repository.folder / "pyproject.toml").write_text("[", encoding="utf-8")
    with pytest.raises(UsageError, match=r"pyproject\.toml of one"):
        prepared(
            Tree("base", "one", "1" * 40, repository.folder), tmp_path, suite_folder=None, setup=None, python=None,
            modules=[],
        )  # fmt: skip


def test_within_a_hook_of_git_the_user_s_index_stays_as_it_is(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository.folder / "staged.txt").write_text("to be committed", encoding="utf-8")
    git(repository.folder, "add", "staged.txt")
    before = git(repository.folder, "status", "--porcelain")
    with monkeypatch.context() as hook:
        hook.setenv("GIT_DIR", str(repository.folder / ".git"))
        hook.setenv("GIT_INDEX_FILE", str(repository.folder / ".git" / "index"))
        with worktrees(repository.folder, "one", "skewed") as trees:
            assert all((tree.folder / "src" / "shop_stripes.py").is_file() for tree in trees)
    assert git(repository.folder, "status", "--porcelain") == before


def test_a_second_measurement_alone_confirms() -> None:
    def row(contender: str) -> Change:
        return Change(
            "worse", "toy", contender, {}, "orders", "lookup_ns", "ns", "timed", "lower", 10.0, 12.0, 1.2, 1.1, 1.3,
            limit=1.01, cell_id=contender,
        )  # fmt: skip

    again, gone = Ratio(1.18, 1.15, 1.21, 0.01, 4), Ratio(1.0, 0.999, 1.001, 0.0003, 4)
    none = Ratio(1.2, None, None)  # of a kernel that raised, say
    confirmed, dropped, untouched, unmeasured = confirm(
        [row("a"), row("b"), row("c"), row("d")],
        {(0, "a", "lookup_ns"): again, (0, "b", "lookup_ns"): gone, (0, "d", "lookup_ns"): none},
    )
    assert (unmeasured.verdict, unmeasured.low) == ("unclear", None)
    assert (confirmed.verdict, confirmed.ratio) == ("worse", 1.18)
    assert (dropped.verdict, dropped.ratio) == ("unclear", 1.0)
    assert dropped.notes[0] == "a first measurement said worse, a second one same"
    assert (untouched.verdict, untouched.ratio) == ("worse", 1.2)


# -- with real times --------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_contender_that_became_slower_is_found_and_equal_commits_pass(call: Assay, repository: Repository) -> None:
    work = "for _ in range(20): shop_helper.stripes(values, 7, 3)"
    repository.commit("slow", extra=work)
    words = ["diff", "--suite", "bench/orders.toml", "--format", "json", "--pairs", "3"]
    outcome = call(*words, "one", "slow", "--fail-on", "worse:lookup_ns:20%")
    assert outcome.code == 1, outcome.out + outcome.err
    changes = json.loads(outcome.out)["changes"]
    worse = {(row["contender"], row["metric"]) for row in changes if row["verdict"] == "worse"}
    assert ("stripes(key,width=10)", "lookup_ns") in worse
    assert "once more" in outcome.err
    outcome = call(*words, "one", "same", "--fail-on", "worse:20%")
    assert outcome.code == 0, outcome.out + outcome.err


@pytest.mark.slow
def test_a_kernel_that_fails_only_when_timed_fails_its_cell(call: Assay, repository: Repository) -> None:
    # The folds ask with many threads allowed, timing processes with one.
    guard = 'import os; assert os.environ.get("ASSAY_THREADS") != "1", "never timed"'
    repository.commit("breaks", extra=guard)
    outcome = call(
        "diff",
        "--suite",
        "bench/orders.toml",
        "one",
        "breaks",
        "--pairs",
        "2",
        "--fail-on",
        "worse",
        "--format",
        "json",
    )
    assert outcome.code == 3, outcome.out + outcome.err
    failed = [row for row in json.loads(outcome.out)["changes"] if row["verdict"] == "failed"]
    assert [row["contender"] for row in failed] == ["stripes(key,width=10)"]
    assert "never timed" in failed[0]["note"]


@pytest.mark.slow
def test_a_set_up_command_installs_each_commit_for_itself(call: Assay, repository: Repository) -> None:
    site = "$(python -c 'import sysconfig; print(sysconfig.get_paths()[\"purelib\"])')"
    outcome = call(
        "diff", "--suite", "bench/orders.toml", "one", "skewed", "--no-timing", "--setup", f"cp src/*.py {site}",
        "--module", "shop_stripes", "--format", "json",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    moved = {row["metric"]: row["candidate"] for row in json.loads(outcome.out)["changes"]}
    assert moved["load_max_over_mean"] == 1.4


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_diff_that_is_stopped_leaves_no_folder_and_no_process(repository: Repository, number: int) -> None:
    program = "import sys; from assay.cli import main; sys.exit(main(sys.argv[1:]))"
    words = ["diff", "--suite", "bench/orders.toml", "one", "skewed", "--setup", "sleep 600"]
    temporary = Path(tempfile.gettempdir())
    child = subprocess.Popen(
        [sys.executable, "-c", program, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not list(temporary.glob("*/venv-base/lib/python*/site-packages/zz_assay_diff.pth")):
        assert child.poll() is None and time.monotonic() < deadline, child.communicate()
        time.sleep(0.05)
    child.send_signal(number)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 3
    assert said == "assay: interrupted\n"
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            assert str(temporary).encode() not in path.read_bytes()
