"""What a page says of how far its times can be trusted, and that it says nothing where nothing was timed."""

from __future__ import annotations

import json

from assay.report import build_page
from assay.report.cautions import cautions_of, warnings_of
from assay.report.run_reader import read_run


def run_of(store):
    return read_run(store, store.run_id)


def test_few_processes_a_high_floor_and_unclear_comparisons_are_told(make_store) -> None:
    store = make_store()
    store.add_run()
    store.add_experiment(partitions=(8,))
    store.add_rounds(processes=1, rounds=4)
    store.connection.execute("UPDATE comparison SET noise_floor = 1.12, verdict = 'unclear'")
    said = " ".join(cautions_of(run_of(store)))
    assert "lookup: timed in 1 process only" in said
    assert "the noise floor is high; the baseline beside itself differed by 12 %" in said
    assert "8 of 8 comparisons stayed unclear" in said
    assert "How far the times can be trusted: 3 to know" in build_page(store, store.run_id)


def test_a_virtual_a_busy_and_a_sleepy_machine_are_told(make_store) -> None:
    store = make_store()
    store.add_run()
    store.add_experiment(partitions=(8,))
    store.add_rounds()
    facts = {"virtualised": True, "cores_usable": 4, "governor": "powersave", "load_1m_before": 0.1}
    store.connection.execute("UPDATE environment SET facts = ?", [json.dumps(facts)])
    # The load of this run counts, not that of the first run on the machine.
    store.connection.execute("UPDATE run SET load_1m_before = 3.5")
    said = " ".join(cautions_of(run_of(store)))
    for words in ("A virtual machine", "a load of 3.5 on 4 cores before the run", "governor was powersave"):
        assert words in said
    store.connection.execute("UPDATE run SET load_1m_before = 1.5")
    assert "busy" not in " ".join(cautions_of(run_of(store)))


def test_a_run_without_timing_has_no_cautions_whatever_the_machine(make_store) -> None:
    store = make_store()
    store.add_run()
    store.add_experiment(partitions=(8,), timed=False)
    store.connection.execute("UPDATE environment SET facts = ?", [json.dumps({"virtualised": True})])
    assert cautions_of(run_of(store)) == []


def test_of_many_failures_the_first_are_listed_and_the_others_counted(make_store) -> None:
    store = make_store()
    store.add_run()
    names = [f"hash(column_{i})" for i in range(100)]
    store.add_experiment(partitions=(8,), strategies=names, failed=names)
    warnings = warnings_of(run_of(store))
    assert len(warnings) == 41
    assert warnings[0].startswith("60 more cells failed; `assay sql")
    assert "MeasurementError: 3 rows were sent to partition 8 of 8" in warnings[1]
