"""Caching: which cache policy, how big, and what if the data changes under it?

assay compare caching TRACE --policy lru --policy s3_fifo --capacity 1%
"""

from assay.experiments.caching.experiment import EXPERIMENT

__all__ = ["EXPERIMENT"]
