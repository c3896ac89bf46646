"""What became of each metric, by its kind: pairs made by hand, whose verdict is known."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from runs_to_compare import MACHINE, Made, steady

import assay
from assay.diffing import Change, Diff
from assay.diffing.student import t_quantile, t_tail
from assay.diffing.timed import Ratio, discoveries, drift, paired_ratio, timed_verdict, unpaired_ratio
from assay.diffing.wording import value_words


def compared(base: Made, candidate: Made, **options: Any) -> Diff:
    """The diff of two runs."""
    return assay.diff(base.in_memory(), candidate.in_memory(), **options)


def verdicts(found: Diff) -> dict[tuple[str, str | None], str]:
    return {(row.contender, row.metric): row.verdict for row in found.compared}


@pytest.mark.parametrize(
    ("metric", "base", "candidate", "verdict"),
    [
        ("misses", 10, 10, "same"),
        ("misses", 10, 11, "worse"),
        ("misses", 10, 9, "better"),
        ("misses", 0, 1, "worse"),
        ("misses", 1.0, 1.0 + 2**-52, "worse"),  # the least difference there is
        ("hits", 10, 11, "better"),
        ("hits", 10, 9, "worse"),
        ("fill", 0.5, 0.6, "changed"),
        ("misses", None, None, "same"),
        ("misses", 10, None, "changed"),
        ("moved.add_one", 0.2, 0.3, "worse"),
        ("imbalance", (1.2, 1.1, 1.3), (1.2, 1.1, 1.3), "same"),
        ("imbalance", (1.2, 1.1, 1.3), (1.25, 1.2, 1.4), "unclear"),
        ("imbalance", (1.2, 1.1, 1.3), (1.5, 1.31, 1.6), "worse"),
        ("imbalance", (1.2, 1.1, 1.3), (1.0, 0.9, 1.09), "better"),
        ("distinct", (100.0, 98.0, 102.0), (104.0, 102.0, 106.0), "unclear"),
        ("distinct", (100.0, 98.0, 102.0), (110.0, 108.0, 112.0), "changed"),
        ("lookup_ns", steady(10), steady(10), "same"),
        ("lookup_ns", steady(10), steady(12), "worse"),
        ("lookup_ns", steady(12), steady(10), "better"),
        ("lookup_ns", steady(10), steady(10.05), "same"),  # half a percent is below what is called a difference
        ("lookup_ns", steady(10, wobble=0.2), steady(12, wobble=0.2), "unclear"),
        ("lookup_ns", steady(10, processes=1), steady(20, processes=1), "unclear"),
        ("keys_per_s", steady(10), steady(12), "better"),
        ("keys_per_s", steady(12), steady(10), "worse"),
    ],
)
def test_a_metric_is_judged_by_its_kind(metric: str, base: Any, candidate: Any, verdict: str) -> None:
    found = compared(Made({"a": {metric: base}}), Made({"a": {metric: candidate}}))
    assert verdicts(found) == {("a", metric): verdict}


def test_a_run_beside_itself_is_the_same_everywhere() -> None:
    run = Made({"a": {"misses": 3, "imbalance": (1.0, 0.9, 1.1), "lookup_ns": steady(10, wobble=0.3)}, "b": "broken"})
    kept = run.in_memory()
    found = assay.diff(kept, kept, fail_on="worse,changed,unclear,removed,answer,failed")
    assert set(verdicts(found).values()) == {"same"}
    assert (found.verdict, found.changes, found.answers) == ("same", (), ())
    assert [judgement.met for judgement in found.judgements] == [()] * 6
    assert "Both sides are the same run." in found.notes
    assert "1 cell failed on both sides." in found.notes


def test_what_is_no_number_is_neither_better_nor_worse() -> None:
    none, three = Made({"a": {"misses": math.nan}}), Made({"a": {"misses": 3}})
    found = [compared(*pair).compared[0].verdict for pair in ((none, none), (none, three), (three, none))]
    assert found == ["same", "changed", "changed"]


def test_the_noise_floor_of_either_run_is_a_limit() -> None:
    quiet, noisy = Made({"a": {"lookup_ns": steady(10)}}), Made({"a": {"lookup_ns": steady(11)}}, floor=1.15)
    (row,) = compared(quiet, noisy).compared
    assert (row.verdict, row.limit) == ("same", 1.15)
    assert row.ratio == pytest.approx(1.1)


def test_a_latency_percentile_is_compared_by_the_percentiles_of_its_processes() -> None:
    def run(latencies: list[int]) -> Made:
        made = Made({"a": {"lookup_latency_ns.p50": (float(latencies[0]), 1.0, 1e9)}})
        made.latencies = {"a": [{ns: 100} for ns in latencies]}
        return made

    steady, noisy = run([1000, 1008, 992]), run([1000, 2000, 500])
    verdict = [compared(steady, other).compared[0].verdict for other in (steady, run([1200, 1208, 1192]), noisy)]
    assert verdict == ["same", "worse", "unclear"]


def test_a_latency_of_few_clock_steps_is_not_called_worse_by_one_step() -> None:
    base, candidate = Made({"a": {"lookup_latency_ns.p50": 40.0}}), Made({"a": {"lookup_latency_ns.p50": 41.0}})
    base.latencies, candidate.latencies = ({"a": [{ns: 100}] * 3} for ns in (40, 41))
    (row,) = compared(base, candidate).compared
    assert (row.verdict, row.limit) == ("same", 1.05)


def test_cells_are_added_removed_failed_and_recovered() -> None:
    base = Made({"kept": {"misses": 1}, "gone": {"misses": 1}, "breaks": {"misses": 1}, "mended": "it was broken"})
    candidate = Made({"kept": {"misses": 1}, "new": {"misses": 1}, "breaks": "it broke", "mended": {"misses": 1}})
    found = compared(base, candidate)
    assert verdicts(found) == {
        ("kept", "misses"): "same",
        ("gone", None): "removed",
        ("new", None): "added",
        ("breaks", None): "failed",
        ("mended", None): "recovered",
    }
    assert found.verdict == "failed"
    assert [row.verdict for row in found.changes] == ["failed", "removed", "added", "recovered"]
    assert found.changes[0].notes == ("it broke",)


def test_a_cell_that_an_interrupted_run_never_measured_counts_as_failed() -> None:
    base = Made({"a": {"misses": 1}, "b": {"misses": 1}})
    candidate = Made({"a": {"misses": 1}}, unmeasured=["b"])
    found = compared(base, candidate, fail_on="worse")
    assert verdicts(found)["b", None] == "failed"
    assert found.exit_code == 3
    assert any("is interrupted" in note for note in found.notes)


def test_a_metric_that_one_side_lacks_is_removed_or_added() -> None:
    found = compared(Made({"a": {"misses": 1, "lookup_ns": steady(10)}}), Made({"a": {"misses": 1, "hits": 3}}))
    assert verdicts(found) == {("a", "misses"): "same", ("a", "lookup_ns"): "removed", ("a", "hits"): "added"}


def test_answers_and_claims_that_changed_are_told() -> None:
    cells = {"a": {"misses": 1}, "b": {"misses": 2}}
    base = Made(cells, best="a", claims={"Hashing is even.": "holds", "Rings move little.": "holds"})
    candidate = Made(cells, best="b", claims={"Hashing is even.": "refuted", "Rings move little.": "holds"})
    found = compared(base, candidate)
    assert [(answer.question, answer.base, answer.candidate) for answer in found.answers] == [
        ("toy", "a", "b"),
        ("claim", "holds", "refuted"),
    ]
    assert found.verdict == "changed"


def test_another_version_of_a_contender_is_paired_by_name_and_said() -> None:
    found = compared(Made({"a": {"misses": 1}}), Made({"a": {"misses": 2}}, version=2))
    (row,) = found.compared
    assert row.verdict == "worse"
    assert row.paired == ("version 1 → 2 of the contender",)
    assert any("version 1 → 2" in note for note in found.notes)


def test_a_setting_that_only_a_newer_assay_knows_does_not_keep_cells_apart() -> None:
    newer = Made({"a": {"misses": 1}}, parameters={"partitions": 4, "replicas": 1})
    found = compared(Made({"a": {"misses": 1}}), newer)
    assert verdicts(found) == {("a", "misses"): "same"}
    assert found.compared[0].paired == ("replicas is known to the candidate alone",)


def test_a_pairing_that_is_not_the_only_one_is_none() -> None:
    base, candidate = (Made({"a": {"misses": 1}}, parameters={"partitions": n}) for n in (4, 8))
    found = compared(base, candidate)
    assert set(verdicts(found).values()) <= {"removed", "added"}
    assert (found.verdict, found.exit_code) == ("nothing", 4)


def test_timed_metrics_can_be_left_out() -> None:
    base, candidate = (Made({"a": {"misses": 1, "lookup_ns": steady(ns)}}) for ns in (10, 20))
    assert verdicts(compared(base, candidate, timing=False)) == {("a", "misses"): "same"}


def test_all_times_that_move_alike_are_a_warning_about_the_machine() -> None:
    base, candidate = (Made({name: {"lookup_ns": steady(ns)} for name in "abcde"}) for ns in (10, 12))
    found = compared(base, candidate)
    assert any("perhaps the machine" in note for note in found.notes)


def test_what_arrow_is_given_is_all_that_was_compared() -> None:
    found = compared(Made({"a": {"misses": 4, "hits": 1}}), Made({"a": {"misses": 5, "hits": 1}}))
    rows = found.to_arrow().to_pylist()
    assert [(row["metric"], row["verdict"], row["base"], row["candidate"], row["ratio"]) for row in rows] == [
        ("hits", "same", 1.0, 1.0, 1.0),
        ("misses", "worse", 4.0, 5.0, 1.25),
    ]
    assert rows[0]["parameters"] == '{"partitions": 4}'


# -- what is refused --------------------------------------------------------------------------------


def test_times_of_another_machine_are_refused_with_the_ways_out() -> None:
    here, there = Made({"a": {"lookup_ns": steady(10)}}), Made({"a": {"lookup_ns": steady(20)}})
    there.machine = {**MACHINE, "cpu_model": "Another processor", "cores": 64}
    with pytest.raises(assay.errors.UsageError, match=r"A processor → Another processor; cores 2 → 64") as error:
        compared(here, there)
    for way in ("--no-timing", "--other-machine", "--suite"):
        assert way in str(error.value)


def test_times_of_another_machine_are_bare_ratios_where_asked() -> None:
    here, there = (Made({"a": {"misses": 1, "lookup_ns": steady(ns)}}) for ns in (10, 20))
    there.machine = {**MACHINE, "cores": 64}
    found = compared(here, there, other_machine=True, fail_on="worse:lookup_ns")
    row = next(row for row in found.compared if row.metric == "lookup_ns")
    assert (row.verdict, row.ratio, row.low, row.limit) == ("unclear", 2.0, None, None)
    assert found.exit_code == 4  # the condition had nothing that could be judged
    assert any("ratios alone" in note for note in found.notes)


def test_machines_that_are_not_known_are_said() -> None:
    here, there = (Made({"a": {"lookup_ns": steady(10)}}, machine={}) for _ in range(2))
    assert any("is not known" in note for note in compared(here, there).notes)


def test_exact_metrics_of_another_machine_are_compared() -> None:
    here, there = Made({"a": {"misses": 1}}), Made({"a": {"misses": 2}})
    there.machine = {**MACHINE, "cores": 64}
    assert compared(here, there).verdict == "worse"


def test_memory_that_a_kernel_keeps_for_itself_makes_no_other_machine() -> None:
    here, there = (Made({"a": {"lookup_ns": steady(10)}}) for _ in range(2))
    there.machine = {**MACHINE, "memory_bytes": 7_900_000_000, "python": "CPython 3.13.0"}
    found = compared(here, there)
    assert found.verdict == "same"
    assert any("python CPython 3.12.1 → CPython 3.13.0" in note for note in found.notes)


def test_other_rows_under_the_same_name_are_refused_unless_asked() -> None:
    base, candidate = Made({"a": {"misses": 1}}), Made({"a": {"misses": 2}}, fingerprint="e" * 64)
    with pytest.raises(assay.errors.UsageError, match="different rows under the same name: orders") as error:
        compared(base, candidate)
    assert "--other-data" in str(error.value)
    found = compared(base, candidate, other_data=True)
    assert found.verdict == "worse"
    assert found.compared[0].paired == ("other rows in orders",)


def test_datasets_of_other_names_are_paired_only_where_asked() -> None:
    base = Made({"a": {"misses": 1}}, dataset="may", best="a")
    candidate = Made({"a": {"misses": 2}}, dataset="june", fingerprint="e" * 64, best="b")
    assert compared(base, candidate).verdict == "nothing"
    found = compared(base, candidate, other_data=True)
    assert verdicts(found) == {("a", "misses"): "worse"}
    assert found.compared[0].paired == ("dataset may → june",)


# -- the statistics ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("degrees", "quantile"),  # of 2.5 %: Abramowitz & Stegun 1964, table 26.10
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (10, 2.228), (30, 2.042), (120, 1.980)],
)
def test_students_quantiles_are_those_of_the_table(degrees: int, quantile: float) -> None:
    assert t_quantile(0.025, degrees) == pytest.approx(quantile, abs=5e-4)
    assert t_tail(t_quantile(0.025, degrees), degrees) == pytest.approx(0.025, rel=1e-8)


def test_students_tail_is_symmetrical_and_reaches_the_normal() -> None:
    assert t_tail(-1.3, 4) == pytest.approx(1 - t_tail(1.3, 4))
    assert t_tail(1.959964, math.inf) == pytest.approx(0.025, rel=1e-6)
    assert t_tail(math.inf, 3) == 0.0


def test_welchs_interval_is_the_one_worked_by_hand() -> None:
    # Logs 0, ln 1.1 and ln 2, ln 2.2: variances (ln 1.1)²/2 = 0.0045421 each, error sqrt(0.0045421) = 0.067395,
    # degrees 2, t = 4.3027, reach 0.28998; the difference is ln 2.
    ratio = unpaired_ratio([1.0, 1.1], [2.0, 2.2])
    assert ratio.value == pytest.approx(2.0)
    assert ratio.degrees == pytest.approx(2.0)
    assert ratio.low == pytest.approx(2 * math.exp(-0.28998), rel=1e-4)
    assert ratio.high == pytest.approx(2 * math.exp(0.28998), rel=1e-4)


def test_pairs_take_out_what_both_sides_share() -> None:
    # The machine slowed down threefold half-way; each pair still says 1.1.
    base, candidate = [1.0, 1.0, 3.0, 3.0], [1.1, 1.1, 3.3, 3.3]
    assert paired_ratio(base, candidate).low == pytest.approx(1.1)
    apart = unpaired_ratio(base, candidate)
    assert apart.low is not None and apart.low < 1


def test_one_process_gives_no_interval() -> None:
    assert unpaired_ratio([1.0], [2.0, 2.0]) == Ratio(2.0, None, None)
    assert paired_ratio([1.0], [2.0]).low is None


def test_many_cells_are_believed_by_benjamini_and_hochberg() -> None:
    # 1995, section 3.2: of these fifteen p-values the four smallest are believed at 5 %.
    chances = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590,
        1.0,
    ]  # fmt: skip
    assert discoveries(chances) == [True] * 4 + [False] * 11
    assert discoveries([]) == []


def test_one_lucky_cell_of_many_is_not_called_worse() -> None:
    beyond = Ratio(1.2, 1.02, 1.4, 0.05, 4)  # p is about 0.02: enough alone, too little among fifty
    chances = [beyond.chance_beyond(1.01)] + [0.9] * 49
    assert 0.01 < chances[0] < 0.05
    assert timed_verdict(beyond, 1.01, found=discoveries(chances[:1])[0]) == "worse"
    assert timed_verdict(beyond, 1.01, found=discoveries(chances)[0]) == "unclear"


def test_equal_runs_are_rarely_called_different_and_a_true_change_is_found() -> None:
    # 400 pairs of three processes whose medians differ by 1 %: the share of false verdicts stays near 5 %
    # (three standard deviations of a share of 5 % of 400 are 3.3 %). A change of 30 % is found nearly always.
    draw = random.Random(20).gauss

    def verdict(change: float) -> str:
        base, candidate = ([math.exp(draw(mean, 0.01)) for _ in range(3)] for mean in (0.0, math.log(change)))
        ratio = unpaired_ratio(base, candidate)
        return timed_verdict(ratio, 1.0, found=discoveries([ratio.chance_beyond(1.0)])[0])

    assert sum(verdict(1.0) in ("better", "worse") for _ in range(400)) / 400 < 0.083
    assert sum(verdict(1.3) == "worse" for _ in range(400)) / 400 > 0.95


def test_a_drift_needs_nearly_all_cells_on_one_side() -> None:
    assert drift([1.1] * 9 + [0.9]) is not None
    assert drift([1.1] * 6 + [0.9] * 4) is None
    assert drift([1.005] * 10) is None
    assert drift([1.5] * 3) is None


@pytest.mark.parametrize(
    ("base", "candidate", "unit", "shown"),
    [
        (0.00632455532034, 0.0061304571888, "ratio", ("0.0063", "0.0061")),
        (0.00632455532034, 0.00631304571888, "ratio", ("0.006325", "0.006313")),
        (0.2711, 0.270524520445, "share", ("27.11 %", "27.05 %")),
        (7.0, 7.0 + 2**-50, "ratio", ("7", "7.000000000000001")),
        (1.0, 1.0 + 2**-52, "ratio", ("1.0", "1.0000000000000002")),
        (1.571, 1.966, "ratio", ("1.571", "1.966")),
    ],
)
def test_values_that_differ_are_shown_with_as_few_digits_as_tell_them_apart(
    base: float, candidate: float, unit: str, shown: tuple[str, str]
) -> None:
    row = Change("changed", "e", "c", {}, "d", "m", unit=unit, kind="exact", base=base, candidate=candidate)
    assert value_words(row) == shown
