"""The documents: complete, true, and in step with the code."""

from __future__ import annotations

import doctest
import importlib.util
import inspect
import json
import re
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from assay import catalogue, errors
from assay.catalogue import contenders, strategies
from assay.cli import main
from assay.cli.app import VERBS
from assay.datasets import CALLS, known_datasets
from assay.datasets.definition import Definition, Source
from assay.datasets.formats import TRACE_FORMATS
from assay.datasets.trace_generators import TRACE_GENERATORS
from assay.datasets.trace_roles import SYNONYMS
from assay.experiments import registry
from assay.store.schema import migrations, views

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
TEXTS = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in DOCUMENTS}
MOST_IMAGE_BYTES = 300_000


@cache
def script(name: str) -> ModuleType:
    """A module of `scripts/`."""
    folder = str(ROOT / "scripts")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def missing(document: str, names: list[str]) -> list[str]:
    """The names that the document does not hold between backticks, alone or at the beginning."""
    code = re.findall(r"`([^`\n]+)`", TEXTS[document])
    known = {re.split(r"[ (=\[{]", span)[0] for span in code} | set(code)
    return [name for name in names if name not in known]


# -- complete ---------------------------------------------------------------------------------------


def test_every_verb_has_a_section_with_an_example() -> None:
    sections = re.split(r"^## ", TEXTS["docs/cli.md"], flags=re.MULTILINE)
    by_name = {section.partition("\n")[0]: section for section in sections}
    for verb in VERBS:
        assert f"assay {verb}" in by_name.get(verb, ""), f"docs/cli.md has no section {verb} with an example"
    assert not missing("docs/cli.md", list(VERBS))


def test_every_flag_of_every_verb_is_named() -> None:
    text = TEXTS["docs/cli.md"]
    for verb, function in VERBS.items():
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
                flag = f"--{parameter.name.rstrip('_').replace('_', '-')}"
                short = {"--output": "-o", "--timing": "--no-timing"}.get(flag, flag)
                assert flag in text or short in text, f"docs/cli.md does not name {flag} of assay {verb}"


def test_every_error_is_named_with_its_exit_code() -> None:
    rows = re.findall(r"^\| (\d) \|.*$", TEXTS["docs/cli.md"], re.MULTILINE)
    assert rows == ["0", "1", "2", "3", "4"]
    lines = {
        code: line for code in rows for line in TEXTS["docs/cli.md"].splitlines() if line.startswith(f"| {code} |")
    }
    for name, value in vars(errors).items():
        if inspect.isclass(value) and issubclass(value, errors.AssayError) and value is not errors.AssayError:
            assert f"`{name}`" in lines[str(value.exit_code)], f"docs/cli.md has no {name} at {value.exit_code}"


def test_every_metric_is_documented() -> None:
    for kind in registry.BUILT_IN:
        assert not missing("docs/metrics.md", list(registry.get(kind).metrics))


def test_every_metric_is_explained_in_the_methodology() -> None:
    for kind in registry.BUILT_IN:
        assert not missing("METHODOLOGY.md", list(registry.get(kind).metrics))


@pytest.mark.parametrize("kind", registry.BUILT_IN)
def test_every_experiment_has_a_page(kind: str) -> None:
    """It asks the experiment's question, names its contenders, and says how to read the answer and what to mind."""
    page = f"docs/experiments/{kind}.md"
    assert registry.get(kind).question in TEXTS[page]
    room = {"partitioning": strategies()}.get(kind, [one for one in contenders() if one.room == kind])
    assert not missing(page, [one.name for one in room if one.implementation is None])
    headings = re.findall(r"^## (.+)$", TEXTS[page], re.MULTILINE)
    wanted = ["Contenders", "A worked example", "What is measured", "How to read the answer", "Pitfalls"]
    assert [heading for heading in headings if heading in wanted] == wanted
    assert "checked" in marked(TEXTS[page])


def test_every_contender_is_documented() -> None:
    own = [contender.name for contender in contenders() if contender.implementation is None]
    assert not missing("docs/contenders.md", own)


def test_the_readme_names_every_strategy() -> None:
    own = [contender.name for contender in strategies() if contender.implementation is None]
    assert not missing("README.md", own)


def test_every_setting_is_documented() -> None:
    for kind in registry.BUILT_IN:
        section = TEXTS["docs/suites.md"].split(f"### Settings of `{kind}`")[1].split("\n#")[0]
        for setting in registry.get(kind).settings.model_fields:
            assert f"| `{setting}` |" in section, f"docs/suites.md does not explain {setting} of {kind}"


def test_every_key_of_a_suite_is_documented() -> None:
    from assay.harness.expectation import RELATIONS
    from assay.harness.suite_loader import _ClaimForm, _SuiteForm

    tables = {"experiment": "[[experiment]]", "claim": "[[claim]]"}
    keys = [tables.get(key, key) for key in _SuiteForm.model_fields]
    assert not missing("docs/suites.md", [*keys, *_ClaimForm.model_fields, *RELATIONS])


def test_every_key_of_a_definition_is_documented() -> None:
    keys = [*Definition.model_fields, *Source.model_fields]
    tables = {"foreign_keys": "[foreign_keys.NAME]", "queries": "[queries]"}
    assert not missing("docs/datasets.md", [tables.get(key, key) for key in keys])


def test_every_generator_is_documented_with_its_defaults() -> None:
    for generator in CALLS.values():
        document = "docs/traces.md" if generator in TRACE_GENERATORS else "docs/datasets.md"
        assert f"`{generator.signature()}`" in TEXTS[document]


def test_every_format_of_a_trace_is_documented() -> None:
    assert not missing("docs/traces.md", [f"{kind}(PATH)" for kind in TRACE_FORMATS])
    for kind in TRACE_FORMATS:
        assert f"`{kind}`" in TEXTS["docs/datasets.md"]


def test_every_usual_name_of_a_trace_s_column_is_documented() -> None:
    for role, names in SYNONYMS.items():
        assert f"| `{role}` | {' '.join(f'`{name}`' for name in names)} |" in TEXTS["docs/traces.md"]


def test_every_shipped_dataset_is_documented() -> None:
    assert not missing("docs/datasets.md", [dataset.name for dataset in known_datasets()])


def test_every_view_is_documented_with_its_columns() -> None:
    from assay.store import Store

    with Store(None) as store:
        for view in views():
            columns = store.query(f"SELECT * FROM {view} LIMIT 0").column_names
            (row,) = re.findall(rf"^\| `{view}` \|.*\| ([^|]*) \|$", TEXTS["docs/sql.md"], re.MULTILINE)
            assert row.split(", ") == columns, f"docs/sql.md lists other columns of {view}"


def test_every_table_is_documented() -> None:
    names = [name for step in migrations() for name in re.findall(r"^CREATE TABLE (\w+)", step.sql, re.MULTILINE)]
    assert names
    assert not missing("docs/sql.md", names)


def test_every_metric_names_the_section_that_defines_it() -> None:
    headings = re.findall(r"^## (.+)$", TEXTS["METHODOLOGY.md"], re.MULTILINE)
    for kind in registry.BUILT_IN:
        for metric in registry.get(kind).metrics.values():
            found = re.fullmatch(r'METHODOLOGY\.md, "(.+)"', metric.source)
            assert found is not None and found[1] in headings, f"{metric.name}: {metric.source}"


def test_every_metric_of_partitioning_that_users_rely_on_exists() -> None:
    promised = (
        "load_max_over_mean load_min_over_mean load_cv load_gini load_p99_over_p50 empty_partitions "
        "effective_parallelism avoidable_skew sampling_floor_cv bytes_max_over_mean moved_share.ACTION "
        "moved_over_optimum.ACTION stray_moves.ACTION rebalance_minimum_share.ACTION cross_join_share.FK "
        "orphan_rows.FK orphan_values.FK null_rows.FK broadcast_bytes.FK repartition_bytes.FK denormalized_bytes.FK "
        "fan_out_mean.QUERY fan_out_max.QUERY routed_fan_out_mean.QUERY pruned_bytes_share.QUERY bytes_read.QUERY "
        "rows_reassembled_share.QUERY distributed_transaction_share transaction_participants_mean hot_key_factor "
        "salted_load_max_over_mean last_decile_share replica_rack_violations rebuild_donors effective_donors "
        "directory_entries routing_bytes lookup_ns build_ns"
    )
    assert not set(promised.split()) - set(registry.get("partitioning").metrics)


def test_every_make_target_that_helps_itself_is_documented() -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    text = TEXTS["CONTRIBUTING.md"]
    assert [target for target in targets if f"`make {target}`" not in text] == ["help", "clean"]


def test_the_architecture_names_every_layer() -> None:
    package = ROOT / "python" / "assay"
    names = [path.stem for path in package.glob("[a-z]*.py")]
    names += [path.parent.name for path in package.glob("*/__init__.py")]
    unknown = [name for name in names if not re.search(rf"\b{name}\b", TEXTS["ARCHITECTURE.md"])]
    assert not unknown


# -- true -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", [path for path in DOCUMENTS if ">>> " in path.read_text("utf-8")], ids=lambda p: p.name
)
def test_python_examples_give_what_they_show(path: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    text = "\n".join(block for block in blocks if ">>> " in block)
    example = doctest.DocTestParser().get_doctest(text, {}, path.name, str(path), 0)
    assert example.examples
    said: list[str] = []
    results = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=said.append)
    assert results.failed == 0, "".join(said)


def marked(text: str) -> list[str]:
    """The marks of a document's blocks of commands; a block without one is in it as None."""
    return [block.kind for block in script("transcripts").blocks(text) if block.has_commands]


@pytest.mark.parametrize(
    "path",
    [path for path in DOCUMENTS if {"checked", "run"} & {*marked(path.read_text("utf-8"))}],
    ids=lambda p: p.name,
)
def test_transcripts_are_what_the_commands_say(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (catalogue, registry):  # what other tests have registered in this process is none of ours
        monkeypatch.setattr(module, "_registered", {})
    text = path.read_text(encoding="utf-8")
    assert script("transcripts").rerun(text) == text, "run make docs"


@pytest.mark.parametrize("path", [*DOCUMENTS, ROOT / "reports" / "README.md"], ids=lambda path: path.name)
def test_every_block_of_commands_is_run_or_says_why_not(path: Path) -> None:
    for block in script("transcripts").blocks(path.read_text(encoding="utf-8")):
        if block.has_commands and block.kind != "file":
            assert block.kind, (
                f"{path.name}: put <!-- checked --> before this block, or why it is not run:\n{block.body}"
            )
            assert (block.kind == "checked") == (block.what is None), f"{path.name}: a reason is missing:\n{block.body}"
        if block.kind == "file":
            assert block.what, f"{path.name}: a file has a name:\n{block.body}"


def test_the_json_example_is_part_of_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"^```json\n(.*?)^```$", TEXTS["docs/cli.md"], re.MULTILINE | re.DOTALL)
    shown = json.loads(example)
    data = "zipf(rows=20000, keys=500, seed=7)"
    command = ["compare", "partitioning", data, "--partitions", "4", "--strategy", "hash(key)"]
    assert main([*command, "--strategy", "range(key)", "--no-timing", "--format", "json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert list(shown) == list(printed)[:3]
    assert all(row in printed["results"] for row in shown["results"])
    assert printed["answer"].startswith(shown["answer"].removesuffix("..."))
    assert not missing("docs/cli.md", list(printed)[3:])


def test_generated_documents_are_those_that_the_code_gives() -> None:
    for path, text in script("generate_docs").documents().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is out of date; run make docs"


@pytest.mark.parametrize("kind", registry.BUILT_IN)
def test_the_metrics_in_the_page_of_an_experiment_are_its_own(kind: str) -> None:
    measured = TEXTS[f"docs/experiments/{kind}.md"].split("\n## What is measured\n")[1].split("\n## ")[0]
    named = re.findall(r"`([a-z_]+(?:\.[A-Z]+)?)`", measured)
    assert named and not set(named) - set(registry.get(kind).metrics)


def test_a_changed_transcript_is_noticed() -> None:
    transcripts = script("transcripts")
    text = "<!-- checked -->\n```console\n$ assay explain uniform\nsomething else\n```\n"
    now = transcripts.rerun(text)
    assert now != text and "something else" not in now and now.startswith("<!-- checked -->")
    assert transcripts.rerun(now) == now


def test_a_transcript_writes_files_runs_scripts_and_shows_exit_codes() -> None:
    text = """
<!-- file: greet.py -->
```python
import sys
print("good day")
sys.exit(3)
```

<!-- checked -->
```console
$ python greet.py      # a remark
good day
$ echo $?
3
$ assay explain nothing_known
...
$ echo $?
2
```
"""
    assert script("transcripts").rerun(text) == text


@pytest.mark.parametrize("mark", ["checked", "run: as it varies"])
def test_a_command_that_fails_unseen_is_a_wrong_transcript(mark: str) -> None:
    transcripts = script("transcripts")
    text = f"<!-- {mark} -->\n```console\n$ assay explain nothing_known\n```\n"
    with pytest.raises(transcripts.WrongTranscriptError, match="exit code 2"):
        transcripts.rerun(text)


def test_lines_may_be_left_out_but_not_put_in() -> None:
    transcripts = script("transcripts")
    assert transcripts.alike("$ a\none\n...\nfour\n", "$ a\none\ntwo\nthree\nfour\n")
    assert transcripts.alike("$ a\n...\n", "$ a\none\ntwo\n")
    assert not transcripts.alike("$ a\none\n...\nfive\n", "$ a\none\ntwo\nfour\n")
    assert not transcripts.alike("$ a\none\n", "$ a\none\ntwo\n")


def test_commands_without_a_mark_are_noticed() -> None:
    assert marked("text\n```console\n$ assay demo\n```\n") == [None]
    assert marked("text\n```\nassay demo\n```\n") == [None]
    assert marked("<!-- not run: it takes an hour -->\n```console\n$ assay demo\n```\n") == ["not run"]


def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_resolve(path: Path) -> None:
    without_code = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        assert file.exists(), f"{path.name} links to {target}"
        if anchor:
            assert anchor in anchors(file), f"{path.name} links to {target}; known: {sorted(anchors(file))}"


def test_files_that_the_map_names_exist() -> None:
    for name in re.findall(r"`((?:rust|scripts|tests|bench|python)/[\w./-]+)`", TEXTS["ARCHITECTURE.md"]):
        assert (ROOT / name).exists(), f"ARCHITECTURE.md names {name}"
    inner = re.findall(r"`((?:cli|datasets|experiments|harness|report|store)/[\w./*-]+)`", TEXTS["ARCHITECTURE.md"])
    for name in inner:
        assert list((ROOT / "python" / "assay").glob(name.rstrip("/"))), f"ARCHITECTURE.md names {name}"


def test_pictures_are_small() -> None:
    pictures = list((ROOT / "docs" / "images").glob("*.png"))
    assert pictures
    for picture in pictures:
        assert picture.stat().st_size < MOST_IMAGE_BYTES, picture.name
