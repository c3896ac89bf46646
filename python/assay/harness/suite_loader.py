"""Reads a suite and finds every mistake in it, each with its place in the file.

Shape first (keys, types), then each experiment: its kind, its dataset, its settings, its plan
against the dataset, its expectations. A mistake in one experiment hides none in another.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assay.errors import AssayError, SuiteError, UnknownNameError, UsageError
from assay.experiments import registry
from assay.experiments.base import Experiment, Job
from assay.harness.expectation import Expectation, parse_expectation
from assay.harness.suite import ClaimOrigin, ClaimVerdict, Suite, SuiteClaim, SuiteExperiment
from assay.harness.toml_places import KeyPath, describe_path, line_of, toml_places

__all__ = ["load"]

_RESERVED = ("kind", "dataset", "expect", "reading")
_CLAIM_EXPECTATION_KEYS = ("experiment",)
_WORDS = {
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "a valid string": "text",
    "a valid list": "a list",
    "a valid boolean": "true or false",
    "a valid dictionary": "a table",
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
    "greater than": "a number above",
    "less than": "a number below",
}  # pydantic's, in this order


class _ClaimForm(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    topic: str
    sentence: str
    origin: ClaimOrigin | None = None
    experiment: dict[str, Any] | None = None
    experiments: list[dict[str, Any]] = Field(default_factory=list)
    evidence: list[dict[str, Any]] = Field(min_length=1)
    counterexample: list[dict[str, Any]] = Field(default_factory=list)
    condition: str | None = None
    reading: str | None = None
    expected_verdict: ClaimVerdict | None = None


class _SuiteForm(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str | None = Field(default=None, min_length=1)
    question: str | None = None
    seed: int = Field(default=0, ge=0, lt=2**63)
    experiment: list[dict[str, Any]] = Field(default_factory=list)
    claim: list[dict[str, Any]] = Field(default_factory=list)


@dataclass(frozen=True)
class _Mistake:
    path: KeyPath
    message: str
    cause: AssayError | None = None


def load(
    *,
    source: str | None,
    base: Path | None,
    default_name: str,
    text: str | None = None,
    content: Mapping[str, Any] | None = None,
) -> Suite:
    """The suite in `text` (TOML) or in `content` (already parsed).

    Raises:
        SuiteError: Every mistake at once. Without a `source`, a single mistake that an experiment
            or a dataset raised is raised as it is.
    """
    places: dict[KeyPath, int] = {}
    if text is not None:
        try:
            content = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            place, message = _syntax_place(str(error))
            raise SuiteError(source or "the suite", [(place, message)]) from error
        places = toml_places(text)
    assert content is not None
    loader = _Loader(base)
    suite = loader.suite(content, source, text, default_name)
    if suite is not None and not loader.mistakes:
        return suite
    only = loader.mistakes[0].cause if len(loader.mistakes) == 1 else None
    if only is not None and source is None:
        raise only
    raise SuiteError(source or "the suite", [(_place(places, m.path), m.message) for m in loader.mistakes])


class _Loader:
    def __init__(self, base: Path | None) -> None:
        self.base = base
        self.mistakes: list[_Mistake] = []
        self.experiments: list[SuiteExperiment | None] = []
        self.index_by_content: dict[str, int] = {}
        self.seed = 0

    def suite(
        self, content: Mapping[str, Any], source: str | None, text: str | None, default_name: str
    ) -> Suite | None:
        form = self.validated(_SuiteForm, content, (), "key of a suite")
        well_formed = form is not None
        if form is None:
            # The rest is checked as far as its own shape allows, so that all mistakes show at once.
            form = _SuiteForm.model_construct(
                name=default_name,
                question=None,
                seed=0,
                experiment=_tables(content.get("experiment")),
                claim=_tables(content.get("claim")),
            )
        self.seed = form.seed
        if (
            not form.experiment
            and not form.claim
            and (well_formed or ("experiment" not in content and "claim" not in content))
        ):
            self.add((), "there is nothing to run; expected at least one [[experiment]] or [[claim]]")
        for index, entry in enumerate(form.experiment):
            self.experiment(entry, ("experiment", index), may_expect=True)
        claims = [self.claim(entry, ("claim", index)) for index, entry in enumerate(form.claim)]
        experiments = [experiment for experiment in self.experiments if experiment is not None]
        if self.mistakes:
            return None
        return Suite(
            form.name or default_name,
            form.question,
            form.seed,
            tuple(experiments),
            tuple(claim for claim in claims if claim is not None),
            source,
            text,
            content,
        )

    def experiment(self, entry: Mapping[str, Any], path: KeyPath, *, may_expect: bool) -> int:
        """Plans one experiment; its position, where None stands if it has mistakes."""
        measured = {key: value for key, value in entry.items() if key not in ("expect", "reading")}
        identity = json.dumps(measured, sort_keys=True, default=id)
        if not may_expect and identity in self.index_by_content:
            return self.index_by_content[identity]  # claims share what they measure
        position = len(self.experiments)
        self.index_by_content.setdefault(identity, position)
        self.experiments.append(None)
        experiment = self.kind(entry, path)
        dataset = self.dataset(entry, path)
        reading = entry.get("reading")
        if reading is not None and not isinstance(reading, str):
            self.add((*path, "reading"), f"reading is {reading!r}; expected a text")
        if experiment is None:
            return position
        given = {name: value for name, value in entry.items() if name not in _RESERVED}
        fields = experiment.settings.model_fields
        if "seed" in fields and "seed" not in given:
            given["seed"] = self.seed
        known = (*fields, *_RESERVED)
        settings = self.validated(experiment.settings, given, path, f"setting of {experiment.kind}", known)
        job = None
        if settings is not None and dataset is not None:
            try:
                job = experiment.job(dataset, settings, base=None if self.base is None else str(self.base))
                assert len({cell.cell_id for cell in job.cells}) == len(job.cells), "each cell is planned once"
            except AssayError as error:
                self.add_error(path, error)
        expect: list[Expectation] = []
        if "expect" in entry:
            if may_expect:
                expect = self.expectations(entry["expect"], (*path, "expect"), experiment, job)
            else:
                self.add((*path, "expect"), "a claim's experiment has no expect; use evidence and counterexample")
        if job is not None and dataset is not None:
            name = entry["dataset"] if isinstance(entry["dataset"], str) else dataset.name
            self.experiments[position] = SuiteExperiment(
                experiment.kind, experiment, dataset, name, settings, given, job, tuple(expect), reading
            )
        return position

    def claim(self, entry: Mapping[str, Any], path: KeyPath) -> SuiteClaim | None:
        form = self.validated(_ClaimForm, entry, path, "key of a claim")
        if form is None:
            return None
        if (form.experiment is None) == (not form.experiments):
            self.add(path, "expected exactly one of experiment = {kind = ...} and experiments = [{...}, ...]")
            return None
        if form.experiment is not None:
            indexes = [self.experiment(form.experiment, (*path, "experiment"), may_expect=False)]
        else:
            indexes = [
                self.experiment(experiment, (*path, "experiments", index), may_expect=False)
                for index, experiment in enumerate(form.experiments)
            ]
        if form.counterexample and not form.condition:
            self.add(path, 'a claim with a counterexample needs condition = "...", the text of "holds if ..."')
        evidence = self.claim_expectations(form.evidence, (*path, "evidence"), indexes)
        counterexample = self.claim_expectations(form.counterexample, (*path, "counterexample"), indexes)
        return SuiteClaim(
            form.topic,
            form.sentence,
            form.origin or self.weakest_origin([*evidence, *counterexample], indexes),
            tuple(indexes),
            tuple(evidence),
            tuple(counterexample),
            form.condition,
            form.reading,
            form.expected_verdict,
        )

    def weakest_origin(self, expectations: Sequence[Expectation], indexes: Sequence[int]) -> ClaimOrigin:
        """Where a claim's numbers come from: it rests on its weakest."""
        origins: list[ClaimOrigin] = list(get_args(ClaimOrigin))
        weakest = 0
        for expectation in expectations:
            planned = self.experiments[indexes[expectation.experiment]]
            stem = expectation.metric.partition(".")[0]
            for name, metric in planned.experiment.metrics.items() if planned is not None else ():
                if name.partition(".")[0] == stem:
                    weakest = max(weakest, origins.index(metric.origin))
        return origins[weakest]

    def claim_expectations(
        self, entries: Sequence[Mapping[str, Any]], path: KeyPath, indexes: Sequence[int]
    ) -> list[Expectation]:
        expectations = []
        for number, entry in enumerate(entries):
            index = entry.get("experiment", 0)
            if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(indexes):
                wanted = f"a number from 0 to {len(indexes) - 1}, counting the claim's experiments"
                self.add((*path, number, "experiment"), f"experiment is {index!r}; expected {wanted}")
                continue
            planned = self.experiments[indexes[index]]
            if planned is not None:
                expectations += self.expectation(
                    entry, (*path, number), planned.experiment, planned.job, _CLAIM_EXPECTATION_KEYS
                )
        return expectations

    def expectations(
        self, entries: object, path: KeyPath, experiment: Experiment, job: Job | None
    ) -> list[Expectation]:
        if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
            self.add(path, 'expect is not a list of tables; expected [{ metric = "...", below = 1.1, ... }]')
            return []
        found: list[Expectation] = []
        for number, entry in enumerate(entries):
            found += self.expectation(entry, (*path, number), experiment, job, ())
        return found

    def expectation(
        self,
        entry: Mapping[str, Any],
        path: KeyPath,
        experiment: Experiment,
        job: Job | None,
        extra: Sequence[str],
    ) -> list[Expectation]:
        expectation, mistakes = parse_expectation(
            entry,
            noun=experiment.noun,
            metrics=experiment.metrics,
            cells=None if job is None else job.cells,
            variables=None if job is None else job.variables,
            extra=extra,
        )
        for key, message in mistakes:
            self.add(path if key is None else (*path, key), message)
        return [] if expectation is None else [expectation]

    def kind(self, entry: Mapping[str, Any], path: KeyPath) -> Experiment | None:
        kind = entry.get("kind")
        if not isinstance(kind, str):
            known = ", ".join(registry.kinds())
            self.add(
                path, f'the key "kind" is missing; expected one of {known}' if kind is None else f"kind is {kind!r}"
            )
            return None
        try:
            return registry.get(kind)
        except AssayError as error:
            self.add((*path, "kind"), str(error), error)
            return None

    def dataset(self, entry: Mapping[str, Any], path: KeyPath) -> Any:
        from assay.datasets import open_dataset

        if entry.get("dataset") is None:
            self.add(path, 'the key "dataset" is missing; expected a name, a definition or a path')
            return None
        try:
            return open_dataset(entry["dataset"], base=self.base)
        except AssayError as error:
            self.add((*path, "dataset"), str(error), error)
            return None

    def validated(
        self,
        model: type[Any],
        content: Mapping[str, Any],
        path: KeyPath,
        thing: str,
        known: Iterable[str] | None = None,
    ) -> Any:
        try:
            return model.model_validate(dict(content))
        except ValidationError as error:
            names = list(known or model.model_fields)
            for place, message in _described(error, content, thing, names):
                self.add((*path, *place), message)
            return None

    def add(self, path: KeyPath, message: str, cause: AssayError | None = None) -> None:
        self.mistakes.append(_Mistake(path, message, cause))

    def add_error(self, path: KeyPath, error: AssayError) -> None:
        """What a plan raised: its mistakes one by one, at their own places below `path`."""
        if isinstance(error, SuiteError):
            for place, message in error.mistakes:
                cause = error if len(error.mistakes) == 1 else None
                self.add((*path, *_parse_path(place)), message, cause)
        else:
            self.add((*path, *_parse_path(error.place if isinstance(error, UsageError) else "")), str(error), error)


def _described(
    error: ValidationError, content: Mapping[str, Any], thing: str, known: Sequence[str]
) -> list[tuple[KeyPath, str]]:
    """pydantic's errors as (path, message); the alternatives of a union share one message."""
    by_path: dict[KeyPath, list[str]] = {}
    details = error.errors(include_url=False)
    # Where one thing or a list of them may stand, only what was met is worth a word.
    shapes = {"list_type", "int_type", "string_type", "float_type", "dict_type"}
    telling = {_existing(content, tuple(d["loc"]))[0] for d in details if d["type"] not in shapes}
    for detail in details:
        if detail["type"] in shapes and _existing(content, tuple(detail["loc"]))[0] in telling:
            continue
        path, leaf = _existing(content, tuple(detail["loc"]))
        name = leaf if leaf is not None else describe_path(path)
        if detail["type"] == "extra_forbidden":
            text = str(
                UnknownNameError.of(thing if len(path) == 1 else "key", str(path[-1]), known if len(path) == 1 else ())
            )
        elif detail["type"] == "missing":
            text = f'the key "{name}" is missing'
        else:
            cause = detail.get("ctx", {}).get("error")
            wanted = str(cause) if cause is not None else _in_words(detail["msg"])
            text = (
                wanted if cause is not None else f"{name} is {_shown(detail['input'])}; {wanted[0].lower()}{wanted[1:]}"
            )
        by_path.setdefault(path, []).append(text)
    return [(path, _alternatives(list(dict.fromkeys(texts)))) for path, texts in by_path.items()]


def _in_words(message: str) -> str:
    """What pydantic expected, as a person says it."""
    text = message.replace("Input should be", "expected")
    for jargon, word in _WORDS.items():
        text = text.replace(jargon, word)
    few = re.fullmatch(r"List should have at least (\d+) items? after validation, not \d+", text)
    return text if few is None else f"expected at least {few[1]}, or leave it out"


def _alternatives(texts: Sequence[str]) -> str:
    """What was met once, and then what was wanted instead."""
    met, expected, _ = texts[0].partition("; expected ")
    opening = f"{met}{expected}"
    if expected and all(text.startswith(opening) for text in texts):
        return opening + " or ".join(text.removeprefix(opening) for text in texts)
    return " or: ".join(texts)


def _existing(content: object, loc: tuple[str | int, ...]) -> tuple[KeyPath, str | None]:
    """The part of `loc` that is in the document, and the missing key below it, if that is the error."""
    path: list[str | int] = []
    here: Any = content
    for part in loc:
        if _holds(here, part):
            here = here[part]
        else:
            missing = part if isinstance(part, str) and isinstance(here, Mapping) else None
            return tuple(path), missing
        path.append(part)
    return tuple(path), None


def _holds(here: object, part: str | int) -> bool:
    if isinstance(here, list):
        return isinstance(part, int) and part < len(here)
    return isinstance(here, Mapping) and part in here


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _tables(value: object) -> list[dict[str, Any]]:
    return [dict(entry) for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def _parse_path(place: str) -> KeyPath:
    """The inverse of `describe_path`, for places that an experiment reports; "" is the experiment itself."""
    parts: list[str | int] = []
    for name, index in re.findall(r"([^.\[\]]+)(?![^\[]*\])|\[(\d+)\]", place):
        parts.append(int(index) if index else name)
    return tuple(parts)


def _place(places: dict[KeyPath, int], path: KeyPath) -> str:
    described = describe_path(path)
    line = line_of(places, path)
    if line is None:
        return described or "the suite"
    return f"line {line}, {described}" if described else f"line {line}"


def _syntax_place(message: str) -> tuple[str, str]:
    """tomllib's message as (place, message): "... (at line 3, column 5)"."""
    found = re.search(r"^(.*) \(at (line \d+, column \d+|end of document)\)$", message)
    text, place = (found.group(1), found.group(2)) if found else (message, "the document")
    return place, f"not valid TOML: {text[0].lower()}{text[1:]}"
