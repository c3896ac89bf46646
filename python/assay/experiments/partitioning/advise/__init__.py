"""Advice: which key, which strategy and how many partitions, over a whole grid of candidates.

keys.py      which columns and pairs of columns may be keys, and why others may not
grid.py      strategies for each key, numbers of partitions
advice.py    the one answer over everything that was measured
"""

from __future__ import annotations

from assay.experiments.partitioning.advise.advice import advise
from assay.experiments.partitioning.advise.grid import Grid, plan_grid

__all__ = ["Grid", "advise", "plan_grid"]
