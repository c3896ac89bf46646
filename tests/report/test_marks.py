"""Best and worst of a column."""

from assay.report.marks import BEST, WORST, mark
from assay.report.run_view import Number


def numbers(*values: float | None) -> list[Number]:
    return [Number(value) for value in values]


def test_the_lowest_is_best_and_the_highest_is_worst_where_lower_is_better() -> None:
    assert mark(numbers(2.0, 1.0, 3.0), "lower") == [None, BEST, WORST]


def test_the_ends_swap_where_higher_is_better() -> None:
    assert mark(numbers(2.0, 1.0, 3.0), "higher") == [None, WORST, BEST]


def test_equal_numbers_share_a_mark() -> None:
    assert mark(numbers(1.0, 1.0, 3.0), "lower") == [BEST, BEST, WORST]


def test_a_column_of_equal_numbers_has_no_marks() -> None:
    assert mark(numbers(1.0, 1.0), "lower") == [None, None]


def test_missing_numbers_are_never_marked() -> None:
    assert mark(numbers(None, 1.0, 2.0), "lower") == [None, BEST, WORST]


def test_one_number_alone_is_neither_best_nor_worst() -> None:
    assert mark(numbers(None, 1.0), "lower") == [None, None]


def test_a_metric_without_direction_has_no_marks() -> None:
    assert mark(numbers(1.0, 2.0), "none") == [None, None]


def test_intervals_that_touch_the_leader_share_its_mark() -> None:
    timed = [Number(10, 9, 11), Number(10.5, 10, 12), Number(30, 29, 31)]
    assert mark(timed, "lower") == [BEST, BEST, WORST]


def test_where_every_interval_touches_there_is_no_mark() -> None:
    timed = [Number(10, 8, 12), Number(11, 9, 13)]
    assert mark(timed, "lower") == [None, None]


def test_an_interval_that_touches_both_ends_is_neither() -> None:
    timed = [Number(10, 9, 11), Number(15, 10, 20), Number(21, 19, 23)]
    assert mark(timed, "lower") == [BEST, None, WORST]
