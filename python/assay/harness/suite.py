"""A suite: experiments on datasets, what is expected of them, and the claims that they test.

    name = "flights"
    question = "How should 336,776 flights be spread over 8 nodes?"
    seed = 0                                           # of orders, resamples and seeded experiments

    [[experiment]]
    kind = "partitioning"                              # one of `assay list experiments`
    dataset = "flights"                                # a name, a definition, a path; relative to this file
    partitions = [8, 64]                               # every other key is a setting; a list is a grid
    strategies = ["hash(tailnum)", "round_robin"]
    expect = [{ strategy = "round_robin", metric = "load_max_over_mean", below = 1.001 }]
    reading = "..."                                    # what the numbers say, in words

    [[claim]]
    topic = "partitioning"
    sentence = "Round robin spreads uniformly."
    origin = "modelled"                                # by default that of its numbers
    experiment = { kind = "partitioning", dataset = "flights", partitions = 8, strategies = ["round_robin"] }
    evidence = [{ strategy = "round_robin", metric = "load_max_over_mean", below = 1.001 }]
    counterexample = [{ strategy = "round_robin", metric = "bytes_max_over_mean", above = 1.1 }]
    condition = "rows are alike"                       # the text of "holds if ..."
    expected_verdict = "holds if"

Loading plans every experiment, so that a suite that loads can be run. `suite_loader.py` finds the
mistakes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from assay.errors import ReadError
from assay.experiments.base import Cell, Experiment, Job
from assay.harness.commands import compare_command
from assay.harness.expectation import Expectation

if TYPE_CHECKING:
    from assay.datasets import Dataset

__all__ = ["ClaimOrigin", "ClaimVerdict", "Suite", "SuiteClaim", "SuiteExperiment", "load_suite", "suite_from_dict"]

ClaimVerdict = Literal["holds", "holds if", "refuted", "unclear"]
ClaimOrigin = Literal["measured", "replayed", "modelled"]  # each weaker than the one before


@dataclass(frozen=True)
class SuiteExperiment:
    """One planned experiment: its job knows the cells."""

    kind: str
    experiment: Experiment
    dataset: Dataset
    dataset_name: str  # as the suite spells it
    settings: Any  # of the type `experiment.settings`
    given: Mapping[str, Any]  # the settings as the suite spells them
    job: Job
    expect: tuple[Expectation, ...] = ()
    reading: str | None = None

    @property
    def cells(self) -> Sequence[Cell]:
        """The cells of the grid."""
        return self.job.cells

    @property
    def command(self) -> str:
        """The command that measures this experiment alone."""
        return compare_command(self.kind, self.dataset_name, self.given, self.experiment.noun)


@dataclass(frozen=True)
class SuiteClaim:
    """One sentence to test; its expectations count experiments from 0 among `experiments`."""

    topic: str
    sentence: str
    origin: ClaimOrigin
    experiments: tuple[int, ...]  # positions in the suite
    evidence: tuple[Expectation, ...]
    counterexample: tuple[Expectation, ...] = ()
    condition: str | None = None
    reading: str | None = None
    expected_verdict: ClaimVerdict | None = None


@dataclass(frozen=True)
class Suite:
    """A suite without mistakes, planned and ready to run."""

    name: str
    question: str | None
    seed: int
    experiments: tuple[SuiteExperiment, ...]
    claims: tuple[SuiteClaim, ...]
    source: str | None  # the file, as it was named
    text: str | None  # its TOML
    content: Mapping[str, Any] = field(repr=False)  # what was parsed

    @property
    def suite_hash(self) -> str:
        """SHA-256 of what is measured and expected; comments, layout and readings do not count."""
        canonical = json.dumps(_without_prose(self.content), sort_keys=True, separators=(",", ":"), default=_type_name)
        return hashlib.sha256(canonical.encode()).hexdigest()

    @property
    def cell_count(self) -> int:
        """The number of cells of all experiments."""
        return sum(len(experiment.cells) for experiment in self.experiments)


def load_suite(path: str | Path) -> Suite:
    """The suite in a TOML file; names in it are relative to the file's folder.

    Raises:
        ReadError: The file is missing or cannot be read.
        SuiteError: Every mistake at once, each with its line and key.
    """
    from assay.harness.suite_loader import load

    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ReadError(f"there is no suite {file}; `assay init DATA` writes one to start from") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ReadError(f"the suite {file} cannot be read: {error}; expected TOML in UTF-8") from error
    return load(text=text, source=str(file), base=file.resolve().parent, default_name=file.stem)


def suite_from_dict(content: Mapping[str, Any], *, base: str | Path | None = None, name: str = "comparison") -> Suite:
    """The suite of a parsed document; a dataset may also be anything that `open_dataset` takes.

    Raises:
        SuiteError: Every mistake at once, each with its key; a single one as the error it is.
    """
    from assay.harness.suite_loader import load

    return load(content=content, source=None, base=None if base is None else Path(base), default_name=name)


def _without_prose(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {key: _without_prose(value) for key, value in content.items() if key not in ("reading", "question")}
    if isinstance(content, (list, tuple)):
        return [_without_prose(value) for value in content]
    return content


def _type_name(value: object) -> str:
    return str(value) if hasattr(value, "isoformat") or isinstance(value, Path) else f"<{type(value).__qualname__}>"
