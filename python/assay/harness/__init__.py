"""From a suite to results: plan, run, time, check, and keep what was measured.

suite = load_suite("bench/flights.toml")          every mistake at once, each with its place
outcome = run_suite(suite, store)                 measured, resumable, on any executor
"""

from assay.harness.check import SuiteCheck, check_suite
from assay.harness.executors import make_executor
from assay.harness.progress import ProgressSink, RichProgress, SilentProgress
from assay.harness.runner import Failure, RunOutcome, run_suite
from assay.harness.suite import Suite, load_suite, suite_from_dict
from assay.harness.timing_settings import TimingSettings

__all__ = [
    "Failure",
    "ProgressSink",
    "RichProgress",
    "RunOutcome",
    "SilentProgress",
    "Suite",
    "SuiteCheck",
    "TimingSettings",
    "check_suite",
    "load_suite",
    "make_executor",
    "run_suite",
    "suite_from_dict",
]
