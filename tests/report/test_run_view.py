"""A run as the reports read it back."""

import doctest
from dataclasses import replace

import pytest

import assay.report.evidence
import assay.report.key_table
import assay.report.markup
import assay.report.screen
import assay.report.vocabulary
from assay.errors import UnknownNameError
from assay.report.run_reader import read_run
from assay.report.run_view import Number, answer_sentence, family_mean, point_sentence


def test_cells_are_gathered_by_the_settings_in_which_they_differ(flights_store) -> None:
    (experiment,) = read_run(flights_store, flights_store.run_id).experiments
    assert [point.label for point in experiment.points] == ["8 partitions", "64 partitions"]
    assert [point.parameters for point in experiment.points] == [{"partitions": 8}, {"partitions": 64}]


def test_each_grid_point_has_its_own_answer(flights_store) -> None:
    (experiment,) = read_run(flights_store, flights_store.run_id).experiments
    assert [point.answer.parameters["partitions"] for point in experiment.points] == [8, 64]


def test_the_best_comes_first_and_the_dropped_last(flights_store) -> None:
    point = read_run(flights_store, flights_store.run_id).experiments[0].points[0]
    names = [row.contender for row in point.rows]
    assert names[0] == point.answer.best
    assert set(names[-2:]) == set(point.answer.dropped) == {"hash(origin)", "hash(dest)"}


def test_one_grid_point_without_partitions_is_called_all(make_store) -> None:
    store = make_store()
    store.add_run()
    store.add_experiment(partitions=(8,))
    store.connection.execute("UPDATE cell SET parameters = '{}'")
    (point,) = read_run(store, store.run_id).experiments[0].points
    assert point.label == "all"


def test_an_unknown_run_names_the_nearest_one(flights_store) -> None:
    with pytest.raises(UnknownNameError, match=rf'there is no run "{flights_store.run_id}x"; did you mean'):
        read_run(flights_store, flights_store.run_id + "x")


def test_the_sentences_of_several_grid_points_name_their_point(flights_store) -> None:
    words = answer_sentence(read_run(flights_store, flights_store.run_id))
    assert words.startswith("8 partitions: ring(tailnum,virtual_nodes=128) spreads")
    assert "64 partitions: ring" in words


def test_the_mean_of_a_family_leaves_out_what_is_not_applicable() -> None:
    found = {"share.a": Number(0.25), "share.b": Number(None), "share.c": Number(0.75), "sharecrop": Number(9.0)}
    assert family_mean(found, "share") == 0.5
    assert family_mean(found, "absent") is None


@pytest.mark.parametrize(
    "module",
    [assay.report.evidence, assay.report.key_table, assay.report.markup, assay.report.screen, assay.report.vocabulary],
)
def test_examples_in_docstrings_are_true(module) -> None:
    failed, tried = doctest.testmod(module)
    assert tried > 0
    assert failed == 0


def test_a_number_within_another_does_not_name_the_grid_point(flights_store) -> None:
    experiment = read_run(flights_store, flights_store.run_id).experiments[0]
    point = experiment.points[0]
    assert point.label == "8 partitions"
    for sentence, introduced in (("Even on 8 partitions.", False), ("Even on 128 partitions.", True)):
        shown = point_sentence(experiment, replace(point, answer=replace(point.answer, sentence=sentence)))
        assert shown == (f"8 partitions: {sentence}" if introduced else sentence)


def test_a_mean_over_a_family_weighs_each_member_as_often_as_a_log_asks_for_it() -> None:
    numbers = {"cross_join_share.a": Number(0.5), "cross_join_share.b": Number(0.1), "cross_join_share.c": Number(None)}
    assert family_mean(numbers, "cross_join_share") == pytest.approx(0.3)
    weights = {"join_statements.a": Number(3), "join_statements.b": Number(1), "join_statements.c": Number(5)}
    assert family_mean(numbers | weights, "cross_join_share") == pytest.approx((0.5 * 3 + 0.1) / 4)
    never = {"join_statements.a": Number(0), "join_statements.b": Number(0)}
    assert family_mean(numbers | never, "cross_join_share") is None
