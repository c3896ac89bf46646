"""Which filter, how many bits?

A filter is measured on the keys of a column: how often it says yes to a key that is absent, what it holds a
key in, what it costs to build and to ask, and what one for each row group would spare the point queries.
"""

from assay.experiments.membership.experiment import EXPERIMENT

__all__ = ["EXPERIMENT"]
