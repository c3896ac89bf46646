"""Indexes over Arrow columns: from a key to the numbers of the rows that hold it."""

from assay.indexes.index import Index
from assay.indexes.spelling import parse_index

__all__ = ["Index", "parse_index"]
