"""From a suite to results: plan, run, time, check, and keep what was measured."""
