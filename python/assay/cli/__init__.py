"""The command line: one file per verb; nothing heavy is loaded until a verb needs it.

    assay demo | compare | run | check | report | list | explain | data | sql | init

Results go to standard output, progress and messages to standard error. Exit codes: 0 fine, 1 a
regression or an unmet expectation, 2 wrong use, 3 something failed while running, 4 nothing to
compare.
"""

from __future__ import annotations

from assay.cli.app import VERBS, main

__all__ = ["VERBS", "main"]
