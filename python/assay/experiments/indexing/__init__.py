"""Does a column deserve an index, of which kind, and from which mix of reads and writes on?

Every index is built on the user's own columns and asked the user's own questions; what it saves per read and costs per
write gives the mix at which it begins to pay, which is then measured directly as well.
"""

from assay.experiments.indexing.experiment import EXPERIMENT

__all__ = ["EXPERIMENT"]
