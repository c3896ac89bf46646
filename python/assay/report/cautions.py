"""What a reader must know before any number: failures first, then what makes times less certain.

Failures are an unfinished run, failed steps of an experiment, failed cells and unmet expectations. Cautions are few
processes, a virtual machine, a busy machine, a high noise floor and comparisons that stayed unclear; they are told
only where something was timed.
"""

from __future__ import annotations

from assay.report.expectations import expectation_words
from assay.report.markup import Html, element, join
from assay.report.run_view import ExperimentView, RunView
from assay.report.vocabulary import describe
from assay.units import count_of

__all__ = ["cautions_of", "warnings_of", "warnings_section"]

FEWEST_PROCESSES = 3
HIGH_FLOOR = 1.05  # the baseline beside itself
BUSY_LOAD = 0.5  # of the cores
_MOST_FAILURES = 40


def warnings_section(run: RunView) -> Html:
    """Failures and cautions as two lists; nothing where there are none."""
    warnings, cautions = warnings_of(run), cautions_of(run)
    parts = []
    if warnings:
        parts.append(
            element("ul", *(element("li", warning) for warning in warnings), class_="warnings", aria_label="Warnings")
        )
    if cautions:
        parts.append(
            element(
                "details",
                element("summary", f"How far the times can be trusted: {len(cautions)} to know"),
                element("ul", *(element("li", caution) for caution in cautions)),
                class_="cautions",
            )
        )
    return join(parts)


def warnings_of(run: RunView) -> list[str]:
    """What failed or is missing, a sentence each."""
    warnings: list[str] = []
    if run.status != "done":
        warnings.append(f"This run is {run.status}: the page shows what was committed so far.")
    failures: list[str] = []
    for experiment in run.experiments:
        units = {fact.name: fact.unit for fact in experiment.metrics}
        warnings += [f"{experiment.kind} of {experiment.dataset['name']}: {error}" for error in experiment.errors]
        for point in experiment.points:
            failures += [
                f"{row.contender}, {point.label}: failed: {row.error or 'no reason was recorded'}"
                for row in point.rows
                if row.status == "failed"
            ]
        warnings += [
            f"Expectation not met: {expectation_words(expected, units.get(expected.metric, 'count'))}"
            for expected in experiment.expectations
            if expected.met is False
        ]
    more = len(failures) - _MOST_FAILURES
    if more > 0:
        warnings.append(f'{more:,} more cells failed; `assay sql "SELECT * FROM failure"` lists them.')
    warnings += failures[:_MOST_FAILURES]
    if not run.experiments and not run.claims:
        warnings.append("This run holds no results.")
    return warnings


def cautions_of(run: RunView) -> list[str]:
    """What makes the times of this run less certain; none where nothing was timed."""
    timed = [experiment for experiment in run.experiments if experiment.timing]
    if not timed:
        return []
    facts = run.environment
    found = []
    if facts.get("virtualised"):
        found.append("A virtual machine: neighbours may take time that nobody sees. Quote ratios, not times.")
    load, cores = facts.get("load_1m_before"), facts.get("cores_usable") or facts.get("cores")
    if isinstance(load, (int, float)) and isinstance(cores, int) and load > BUSY_LOAD * cores:
        found.append(
            f"The machine was busy: a load of {load:.1f} on {count_of(cores, 'core')} before the run; other work "
            "widens intervals."
        )
    governor = facts.get("governor")
    if governor and governor != "performance":
        found.append(f"The processor's governor was {governor}: its clock may have changed during the run.")
    for experiment in timed:
        found += _of_experiment(experiment, several=len(timed) > 1)
    return found


def _of_experiment(experiment: ExperimentView, *, several: bool) -> list[str]:
    where = f"Experiment {experiment.index}, " if several else ""
    found = []
    for metric, facts in experiment.timing.items():
        label = f"{where}{describe(metric).label}"
        processes = facts["processes"]
        if processes is not None and processes < FEWEST_PROCESSES:
            found.append(
                f"{label}: timed in {processes} process{'es' if processes > 1 else ''} only, so that differences "
                f"between processes are not in the interval; {FEWEST_PROCESSES} are wanted."
            )
        floor = facts["noise_floor"]
        if floor is not None and floor > HIGH_FLOOR:
            found.append(
                f"{label}: the noise floor is high; the baseline beside itself differed by {100 * (floor - 1):.0f} %."
            )
        if facts["unclear"]:
            found.append(
                f"{label}: {facts['unclear']} of {facts['compared']} comparisons stayed unclear; more rounds tell."
            )
    return found
