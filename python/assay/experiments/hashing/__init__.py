"""Which hash function for these keys?

Every function is put to the table's own keys: how fast it is, whether keys collide more often than chance has them
collide, whether buckets by its bits fill as evenly as chance fills them, and how far a changed bit spreads.
"""

from assay.experiments.hashing.experiment import EXPERIMENT

__all__ = ["EXPERIMENT"]
