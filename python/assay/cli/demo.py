"""`assay demo`: the sample suite on real data, end to end."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from assay.cli.options import DEFAULT_REPORT, DEFAULT_STORE, JobsOption, ResumeOption, RoundsOption, TimingOption
from assay.cli.output import note

__all__ = ["demo", "sample_suite"]

_SUITE = "flights.toml"


def demo(
    *,
    output: Annotated[
        Path, Parameter(name=["--output", "-o"], help="The folder for the results and the report.", metavar="DIR")
    ] = Path(),
    timing: TimingOption = None,
    rounds: RoundsOption = None,
    jobs: JobsOption = None,
    resume: ResumeOption = None,
) -> int:
    """Run the sample suite on real data, end to end.

    336,776 flights, ten strategies, 8 and 64 partitions; then the report.

    For example:

        assay demo
        assay demo --output results
    """
    from assay.cli.run import run_and_show
    from assay.datasets import open_dataset
    from assay.errors import UsageError

    suite = sample_suite()
    open_dataset("flights")  # says at once what to install if the data is not there
    if output.exists() and not output.is_dir():
        raise UsageError(f"{output} is a file; expected a folder")
    output.mkdir(parents=True, exist_ok=True)
    store = output / DEFAULT_STORE
    page = output / DEFAULT_REPORT
    words = [
        "assay",
        "demo",
        *([] if output == Path() else ["--output", str(output)]),
        *(["--no-timing"] if timing is False else []),
    ]
    command = shlex.join(words)
    results = run_and_show(suite, store=store, timing=timing, rounds=rounds, jobs=jobs, resume=resume, command=command)
    note(f"results: {store}")
    note(f"report:  {results.report(page)}")
    note(
        "try next:\n"
        "  assay compare partitioning flights --key dest --partitions 16\n"
        "  assay explain ring\n"
        "  assay init mytable.parquet"
    )
    return results.exit_code


def sample_suite() -> Path:
    """The sample suite: in an installed wheel, or in a checkout.

    Raises:
        ReadError: This installation has lost it.
    """
    from assay.errors import ReadError

    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_bench", package.parents[1] / "bench"):
        if (folder / _SUITE).is_file():
            return folder / _SUITE
    raise ReadError(f"the sample suite {_SUITE} is not part of this installation; install assay again")
