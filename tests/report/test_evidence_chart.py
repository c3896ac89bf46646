"""The chart of a claim: numbers lie where they should, and the words beside them say the same."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.report.claims_page import claims_section
from assay.report.evidence import Number, numbers_of
from assay.report.evidence_chart import Axis, evidence_chart
from assay.report.run_reader import read_run


def number(
    value: float | None, low: float, high: float, metric: str = "load_max_over_mean", unit: str = "ratio"
) -> Number:
    met = None if value is None else low <= value <= high
    return Number("hash(a)", " on t", 0, metric, unit, value, low, high, met, str(value), "as wanted")


def places(markup: str, kind: str) -> list[float]:
    return [float(found) for found in re.findall(rf'class="{kind}" style="left:([\d.]+)%', markup)]


@given(
    st.lists(st.floats(0, 1e12, allow_nan=False), min_size=1, max_size=8),
    st.sampled_from(["ratio", "share", "bytes", "rows", "count"]),
)
def test_an_axis_keeps_order_and_stays_within_itself(numbers: list[float], unit: str) -> None:
    axis = Axis(numbers, unit)
    placed = [axis.place(one) for one in sorted(numbers)]
    assert placed == sorted(placed)
    assert all(0 <= place <= 100 for place in placed)
    assert all(0 <= axis.place(tick) <= 100 and text for tick, text in axis.ticks())
    assert len(axis.ticks()) <= 6


def test_a_share_is_placed_by_its_value_and_a_wide_range_by_its_logarithm() -> None:
    share = Axis([0.5], "share")
    assert [share.place(0), share.place(0.5), share.place(1)] == pytest.approx([4, 50, 96])
    wide = Axis([0, 10, 1000, 100_000], "count")
    assert wide.wide and wide.place(0) == 4
    steps = [wide.place(high) - wide.place(low) for low, high in ((10, 1000), (1000, 100_000))]
    assert steps[0] == pytest.approx(steps[1], rel=0.1), "a factor of a hundred is about as long wherever it is"


def test_the_mark_lies_in_the_shaded_part_exactly_if_the_expectation_is_met() -> None:
    for value, low, high in (
        (1.0, -math.inf, 1.001),
        (1.6, 1.5, math.inf),
        (1.2, -math.inf, 1.1),
        (3, 3, 3),
        (2, 4, 5),
    ):
        markup = evidence_chart([number(value, low, high)], [])
        (zone,) = re.findall(r'class="zone" style="left:([\d.]+)%;width:([\d.]+)%', markup)
        left, right = float(zone[0]), float(zone[0]) + float(zone[1])
        (dot,) = places(markup, "dot")
        assert (left - 0.01 <= dot <= right + 0.01) == (low <= value <= high), (value, low, high)
        assert ('class="for met"' in markup) == (low <= value <= high)


def test_both_sides_of_a_claim_share_the_axis_of_a_metric() -> None:
    markup = evidence_chart([number(1.0, -math.inf, 1.001)], [number(1.6, 1.5, math.inf), number(2.0, 1.5, math.inf)])
    assert markup.count('class="panel"') == 1
    first, second, third = places(markup, "dot")
    assert first < second < third
    split = evidence_chart([number(1.0, 0, 2)], [number(5.0, 0, 9, "empty_partitions", "partitions")])
    assert split.count('class="panel"') == 2


def test_what_was_not_measured_has_no_mark_but_is_told() -> None:
    markup = evidence_chart([number(None, 0, 1)], [])
    assert places(markup, "dot") == [] and "unmeasured" in markup and "expected as wanted" in markup


def test_a_card_says_in_words_what_its_chart_shows(flights_store) -> None:
    run = read_run(flights_store, flights_store.run_id)
    text = re.sub(r"<[^>]+>", " ", claims_section(run)).replace("\u00a0", " ")
    for claim in run.claims:
        for one in [
            *(numbers_of(claim.evidence, run.experiments) or []),
            *(numbers_of(claim.counterexample, run.experiments) or []),
        ]:
            assert one.contender in text and one.wanted in text and one.value_text in text
