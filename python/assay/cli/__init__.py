"""The command line: one file per verb; nothing heavy is loaded until a verb needs it.

    assay demo | compare | run | check | report | list | explain | data | sql | init

Results go to standard output, progress and messages to standard error. Exit codes: 0 fine, 1 a
regression or an unmet expectation, 2 wrong use, 3 something failed while running, 4 nothing to
compare.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; see `assay.cli.app.main`.

    Args:
        arguments: The words after `assay`; those of the process by default.
    """
    try:
        from assay.cli import app
    except KeyboardInterrupt:  # while the verbs are loaded, which takes a moment
        sys.stderr.write("assay: interrupted\n")
        return 3
    return app.main(arguments)
