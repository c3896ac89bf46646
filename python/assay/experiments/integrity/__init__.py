"""Is it still the same data?

Faults that disks, networks, programs and adversaries make are injected into a copy of the table's own bytes, and each
way of keeping checksums has to notice them, to name the broken blocks, and to mend them from a second copy.
"""

from assay.experiments.integrity.experiment import EXPERIMENT

__all__ = ["EXPERIMENT"]
