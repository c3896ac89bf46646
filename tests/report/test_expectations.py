"""How what was expected is worded."""

from __future__ import annotations

from assay.report.expectations import expectation_words
from assay.report.run_view import ExpectationView


def test_both_bounds_of_a_range_are_written_in_the_metrics_unit():
    expected = ExpectationView(
        contender="hash(k)",
        parameters={"partitions": 8},
        metric="moved_share.add_one",
        relation="between 0.85 and",
        bound=0.92,
        value=0.871,
        met=True,
    )
    assert expectation_words(expected, "share").endswith("is 87.1 % (expected: between 85.0 % and 92.0 %)")
