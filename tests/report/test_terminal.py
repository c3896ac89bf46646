"""What the terminal shows, at the widths people have."""

import ast
import io
import json
import shlex

import pytest
from rich.console import Console

from assay.errors import UnknownNameError
from assay.report import render, render_claims
from assay.report.claims import evidence_lines
from assay.report.key_table import wrap_name
from assay.report.screen import command_lines


def shown(store, *, width: int = 80, encoding: str = "utf-8", experiment_index: int | None = None) -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    render(store, store.run_id, console=Console(file=file, width=width), experiment_index=experiment_index)
    file.flush()
    return raw.getvalue().decode(encoding)


def test_the_answer_comes_before_any_table(flights_store) -> None:
    text = shown(flights_store)
    assert text.startswith("8 partitions: ring(tailnum,virtual_nodes=128) spreads evenly")
    assert text.index("64 partitions: ring") < text.index("max ÷")


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(flights_store, width) -> None:
    assert max(map(len, shown(flights_store, width=width).splitlines())) <= width


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_number_is_clipped(flights_store, width) -> None:
    text = shown(flights_store, width=width)
    assert "…" not in text
    (line,) = [line for line in text.splitlines() if "round_robin" in line and "57.8" in line]
    assert "1.001 ▲" in line
    assert "98.4 % ▼" in line


def test_a_narrow_terminal_says_which_columns_it_left_out(flights_store) -> None:
    assert "Not shown at this width: lookup, routing." in shown(flights_store, width=80)
    assert "Not shown at this width" not in shown(flights_store, width=120)


def test_long_names_are_wrapped_not_cut(flights_store) -> None:
    text = "".join(line.strip() for line in shown(flights_store, width=200).splitlines())
    assert "composite(list(origin),hash(tailnum,function=md5),first=2)" in text


def test_a_quoted_column_is_kept_on_one_line_where_it_fits() -> None:
    assert wrap_name('composite(list("a,b"),hash("customer (e-mail)"))', 30) == [
        'composite(list("a,b"),hash(',
        '"customer (e-mail)"))',
    ]


def test_the_rule_the_dropped_and_the_notes_are_told(flights_store) -> None:
    text = " ".join(shown(flights_store).split())
    assert "Rule: contenders with empty partitions or load max ÷ mean above 1.25 are dropped" in text
    assert "Dropped: hash(origin): 3 partitions of 8 hold rows; 5 are empty." in text
    assert "Note: hash(dest): the five largest airports hold 24 % of the rows." in text


def test_the_pareto_set_and_the_recommendation_carry_signs(flights_store) -> None:
    text = shown(flights_store, width=120)
    assert "▶★ ring(tailnum,virtual_nodes=128)" in text
    assert " ★ round_robin" in text
    assert " ★ hash(dest)" not in text


def test_unmet_and_unmeasured_expectations_are_told_and_met_ones_only_counted(flights_store) -> None:
    text = " ".join(shown(flights_store, width=200).split())
    assert "1 of 3 expectations met." in text
    assert "✗ hash(tailnum), 8 partitions: moved ÷ optimum: add one is 8.000 (expected: below 1.100)" in text
    assert "✗ hash(tailnum): rack violations was not measured (expected: equals 0)" in text
    assert "load max ÷ mean is 1.000" not in text


def test_a_failed_cell_is_a_row_with_its_error(make_store) -> None:
    store = make_store()
    store.add_run()
    store.add_experiment(partitions=(8,), failed=["list(carrier)"])
    assert "✗ list(carrier) failed: MeasurementError: 3 rows were sent" in shown(store, width=120)


def test_names_with_markup_or_escape_sequences_are_shown_not_obeyed(make_store) -> None:
    store = make_store()
    store.add_run()
    store.add_experiment(partitions=(8,), strategies=["hash([red]a[/red])", "hash(\x1b[31mb\u202e)"])
    text = shown(store, width=120)
    assert "hash([red]a[/red])" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "hash(\ufffd[31mb\ufffd)" in text


def test_a_terminal_without_unicode_gets_ascii(flights_store) -> None:
    text = shown(flights_store, encoding="ascii")
    assert "v" in text
    assert "max /" in text


def test_a_run_with_nothing_says_so(make_store) -> None:
    store = make_store()
    store.add_run(status="interrupted")
    text = shown(store)
    assert "is interrupted" in text
    assert "This run holds no results." in text


def test_one_experiment_can_be_shown_alone(make_store) -> None:
    store = make_store()
    store.add_run()
    store.add_experiment(index=0, partitions=(8,), dataset="left_table")
    store.add_experiment(index=1, partitions=(8,), dataset="right_table")
    text = shown(store, experiment_index=1)
    assert "right_table" in text
    assert "left_table" not in text


def test_an_unknown_run_is_an_error(flights_store) -> None:
    with pytest.raises(UnknownNameError):
        render(flights_store, "nothing", console=Console(file=io.StringIO()))


def test_claims_lead_with_a_count_of_verdicts_and_show_evidence_and_command(flights_store) -> None:
    file = io.StringIO()
    render_claims(flights_store, flights_store.run_id, console=Console(file=file, width=100))
    text = file.getvalue()
    assert text.startswith("4 claims tested: 1 holds, 1 holds if ..., 1 refuted, 1 unclear\n")
    assert "◐ holds if rows weigh the same\n" in text
    words = " ".join(text.split())
    assert "· round_robin on flights, 8 partitions: load max ÷ mean = 1.000 (below 1.001); " in words
    assert "load CV = 0.000 (exactly 0)" in words
    assert "weighed by seats: moved with one node more = 88.9 % (between 80 % and 90 %)" in words
    assert "bytes max ÷ mean = 1.050 (not above 1.1)" in words
    assert "· equal neighbours 127" in words
    assert "assay run bench/claims.toml --only round_robin\n" in text


def test_a_number_that_was_not_measured_is_not_called_met_or_unmet() -> None:
    fact = {"experiment_index": 0, "contender": "c", "metric": "load_cv", "value": None, "below": 0.1, "met": None}
    (line,) = evidence_lines([fact], [])
    assert line == "c: load CV was not measured (expected: below 0.1)"


def test_a_sentence_that_names_its_grid_point_is_not_introduced_by_it(make_store) -> None:
    store = make_store()
    store.add_run()
    store.add_experiment()
    sentence = "round_robin spreads evenly on 8 partitions (1.00 × mean)."
    store.connection.execute(
        "UPDATE experiment SET answers = json_merge_patch(answers, ?)",
        [json.dumps([{"sentence": sentence, "best": None, "parameters": {"partitions": 8}}])],
    )
    assert shown(store, width=120).startswith(f"{sentence}\n64 partitions: No strategy can be recommended.\n")


def test_a_number_stays_with_its_unit_and_no_line_ends_in_blanks(flights_store) -> None:
    for width in range(60, 80):
        lines = shown(flights_store, width=width).splitlines()
        paragraphs = [line for line in lines if "%" in line or "×" in line]
        assert not [line for line in paragraphs if line.startswith(("%", "×"))]
        assert not [line for line in lines if line.startswith(("ring", "run", "Rule", "Note")) and line.endswith(" ")]


def test_a_command_is_broken_so_that_a_shell_reads_it_back() -> None:
    command = (
        """assay compare partitioning t --strategy 'hash("a b", function=md5)' --no-timing && assay run 'x y.toml'"""
    )
    for width in (20, 40, 80, 200):
        lines = command_lines(command, width)
        assert shlex.split(" ".join(line.removesuffix("\\") for line in lines)) == shlex.split(command)
        assert all(line.endswith((" \\", " &&")) for line in lines[:-1])
        assert any(line.startswith("assay run") for line in lines)


def test_a_call_is_broken_so_that_python_reads_it_back() -> None:
    command = "assay.compare('indexing', data, columns=['a b', 'é, (x'], queries={'q': 'point(a)'}, direct_rounds=5)"
    for width in (20, 40, 80, 200):
        lines = command_lines(command, width)
        assert ast.dump(ast.parse("\n".join(lines))) == ast.dump(ast.parse(command))
        assert lines[0].startswith("assay.compare('indexing',") and (len(lines) > 1) == (width < len(command))
    assert command_lines("assay.doctor()", 80) == ["assay.doctor()"]
