"""Exact intervals, where experiments look for them; they live in `assay.intervals`."""

from __future__ import annotations

from assay.intervals import Spread, incomplete_beta, over_seeds, rate_interval, student_quantile

__all__ = ["Spread", "incomplete_beta", "over_seeds", "rate_interval", "student_quantile"]
