"""What changed between two runs, two stores or two commits, with a verdict that a gate can act on.

d = assay.diff("main.duckdb", "branch.duckdb", fail_on="worse:5%")
d.verdict, d.exit_code, d.changes
print(d.to_markdown())
"""

from assay.diffing.changes import AnswerChange, Change
from assay.diffing.result import Diff
from assay.diffing.two_commits import diff_commits
from assay.diffing.two_runs import diff

__all__ = ["AnswerChange", "Change", "Diff", "diff", "diff_commits"]
