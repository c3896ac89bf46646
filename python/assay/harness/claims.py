"""From what was measured to a verdict on a textbook sentence.

evidence all met, no counterexample met   → holds
evidence all met, a counterexample met    → holds if <condition>
evidence not met                          → refuted
anything that could not be measured       → unclear
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from assay.harness.expectation import Outcome
from assay.harness.records import ClaimRecord
from assay.harness.suite import ClaimVerdict, SuiteClaim

__all__ = ["claim_record", "verdict"]


def verdict(evidence: Sequence[Outcome], counterexample: Sequence[Outcome]) -> ClaimVerdict:
    """The verdict by the table above; what settles a sentence is not undone by what is unmeasured.

    Evidence that is not met refutes whatever else is missing; otherwise every number counts.
    """
    if any(outcome.met is False for outcome in evidence):
        return "refuted"
    if not evidence or any(outcome.met is None for outcome in (*evidence, *counterexample)):
        return "unclear"
    return "holds if" if any(outcome.met for outcome in counterexample) else "holds"


def claim_record(
    position: int,
    claim: SuiteClaim,
    evidence: Sequence[Outcome],
    counterexample: Sequence[Outcome],
    command: str,
) -> ClaimRecord:
    """The claim as a row, with the numbers that its verdict rests on."""
    return ClaimRecord(
        position,
        claim.topic,
        claim.sentence,
        verdict(evidence, counterexample),
        claim.condition,
        json.dumps([_fact(outcome, claim) for outcome in evidence], default=str),
        json.dumps([_fact(outcome, claim) for outcome in counterexample], default=str),
        claim.origin,
        command,
        claim.reading,
    )


def _fact(outcome: Outcome, claim: SuiteClaim) -> dict[str, Any]:
    expectation = outcome.expectation
    return {
        "experiment_index": claim.experiments[expectation.experiment],
        "contender": expectation.contender,
        **outcome.parameters,
        "metric": expectation.metric,
        "value": outcome.value,
        expectation.relation_words: expectation.last_number,
        "met": outcome.met,
    }
