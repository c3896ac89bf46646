"""Which placement of keys on nodes?

A placement is measured by how evenly it shares the hash space and the keys that are there, what a
node more or less moves, and what it costs, over several seeds: one ring says little about rings.
"""

from assay.experiments.placement.experiment import EXPERIMENT

__all__ = ["EXPERIMENT"]
