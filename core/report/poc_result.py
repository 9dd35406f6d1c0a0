"""The result of a proof of concept, from its stored runs: a verdict, its rivals, and its payback.

Each model's threshold is the cheapest one on the calibration cases, and is judged on later cases
that chose nothing. Chooses no words: core.report.poc_text writes them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.counts.histogram import AcceptanceCurve, Histogram
from core.decision.meeting.poc import cases_for_saving
from core.decision.money.appraisal import likely_values
from core.decision.money.cashflow import STUDENT_REVIEW, option_costs
from core.decision.thresholds.consequence import PolicyConsequence, threshold_consequence
from core.decision.thresholds.costs import DAYS_PER_MONTH, CostModel, UnitCosts
from core.decision.thresholds.daily_money import cheapest_threshold, cost_curve
from core.decision.thresholds.route import RouteAtThreshold, route_to_people
from core.decision.thresholds.verdict import (
    ADOPT,
    PolicyVerdict,
    break_even_escape,
    policy_verdict,
)
from core.errors import NoCasesError, NotFoundError
from core.report.money_start import MeasuredRuns, costs_with_retraining, default_scenario
from core.report.run_selection import calibration_of, same_cases
from core.stats.verdict import PairedVerdict, judge_pair
from core.store.lines import LineAssumptions, LineSettings
from core.store.store import Store
from core.types import KIND_ORDER, RunRecord

POC_COLUMNS = ["case_id", "segment", "label", "predicted", "outcome", "confidence", "epistemic"]
LEAST_COVERAGE = 0.1  # of a threshold at which an improvement is looked for


@dataclass(frozen=True)
class ModelOutcome:
    """One model at its own cheapest threshold, judged on the cases that did not choose it."""

    record: RunRecord
    consequence: PolicyConsequence
    accuracy: float | None  # of all answers; None without a label

    @property
    def seconds(self) -> float | None:
        """Measured seconds of one case."""
        return self.record.metrics.get("seconds_per_case")


@dataclass(frozen=True)
class PocResult:
    """The result of a line's proof of concept. Money is in the assumptions' currency."""

    line: str
    assumed: LineAssumptions
    outcomes: Mapping[str, ModelOutcome]  # by model kind, in KIND_ORDER
    calibration_cases: int
    verdict: PolicyVerdict
    rival: PairedVerdict | None  # the student against the linear model
    once: Mapping[str, float]  # one-time costs by kind
    machine_hours: float  # measured: of training and distilling
    payback_months: float | None  # None if nothing is saved
    route: RouteAtThreshold | None  # None if the verdict is ADOPT, or none exists
    break_even_escape: float | None  # cost of an escape below which the model saves money
    cases_needed: int | None  # until the saving is above 0 for certain; None: never

    @property
    def student(self) -> ModelOutcome:
        """The student's outcome."""
        return self.outcomes["student"]


def poc_result(store: Store, line: LineSettings, language: str) -> PocResult:
    """Return the result of the line's runs under its assumptions for readers of `language`.

    Raises NotFoundError if the line has no proof of concept.
    """
    if line.opens is None:
        raise NotFoundError("report.no_poc", line=line.line)
    scored = store.runs("score")
    records = same_cases(scored, store.run(line.opens))
    calibration = calibration_of(scored, records)
    if "student" not in records or "student" not in calibration:
        raise NotFoundError("report.no_poc", line=line.line)
    assumed = line.in_language(language)
    costs = costs_with_retraining(
        UnitCosts(assumed.review, assumed.escape, assumed.machine_hour, assumed.currency),
        store.runs(),
        line.line,
    )
    tables = {kind: store.predictions(r.run.run_id, POC_COLUMNS) for kind, r in records.items()}
    outcomes, calibrated = {}, {}
    for kind in KIND_ORDER:
        if kind in calibration:
            terms = CostModel(
                assumed.cases_per_day, costs, records[kind].metrics.get("seconds_per_case")
            )
            calibrated[kind] = AcceptanceCurve(store.histogram(calibration[kind].run.run_id))
            threshold = cheapest_threshold(cost_curve(calibrated[kind], terms))
            curve = AcceptanceCurve(store.histogram(records[kind].run.run_id))
            consequence = threshold_consequence(
                curve, 1.0 if threshold is None else threshold, terms
            )
            outcomes[kind] = ModelOutcome(records[kind], consequence, _accuracy(tables[kind]))
    student = outcomes["student"].consequence
    verdict = policy_verdict(student)
    once, hours = _once(store, records, costs, assumed.cases_per_day, student)
    saving = verdict.saving_per_day.value
    trial = student
    if not student.accepted:
        trial = _some_accepted(records["student"], store, calibrated["student"], student.cost_model)
    return PocResult(
        line=line.line,
        assumed=assumed,
        outcomes=outcomes,
        calibration_cases=calibration["student"].cases,
        verdict=verdict,
        rival=_rival(store, records),
        once=once,
        machine_hours=hours,
        payback_months=sum(once.values()) / (saving * DAYS_PER_MONTH)
        if saving and saving > 0
        else None,
        route=None
        if verdict.decision == ADOPT
        else _route(store.histogram(records["student"].run.run_id), trial),
        break_even_escape=_break_even(trial),
        cases_needed=_cases_needed(student),
    )


def _accuracy(table: pd.DataFrame) -> float | None:
    labelled = table[table["outcome"] != "unlabelled"]
    return float((labelled["outcome"] == "right").mean()) if len(labelled) else None


def _some_accepted(
    record: RunRecord, store: Store, calibrated: AcceptanceCurve, terms: CostModel
) -> PolicyConsequence:
    """Return the cheapest threshold that accepts LEAST_COVERAGE of the calibration cases.

    Where reviewing everything is cheapest, it is the starting point of an improvement.
    """
    costed = cost_curve(calibrated, terms)
    enough = costed[costed["coverage"] >= LEAST_COVERAGE]
    threshold = cheapest_threshold(enough) or 0.0
    curve = AcceptanceCurve(store.histogram(record.run.run_id))
    return threshold_consequence(curve, threshold, terms)


def _once(
    store: Store,
    records: Mapping[str, RunRecord],
    costs: UnitCosts,
    cases_per_day: float,
    student: PolicyConsequence,
) -> tuple[dict[str, float], float]:
    """Return the one-time costs by kind of the money page's first scenario, and machine hours."""
    run = records["student"].run
    training = [r for r in store.runs() if r.run.dataset == run.dataset and r.run.kind != "score"]
    counts = {
        kind: AcceptanceCurve(store.histogram(records[kind].run.run_id))
        for kind in ("student", "teacher")
        if kind in records
    }
    threshold = student.threshold if isinstance(student.threshold, float) else 0.0
    # A threshold that accepts nothing measures no risk, which a scenario needs.
    facts = MeasuredRuns(
        records,
        counts,
        [*records.values(), *training],
        threshold if student.accepted_labelled else 0.0,
        cases_per_day,
    )
    scenario = default_scenario(facts, costs)
    amounts = option_costs(likely_values(scenario))[STUDENT_REVIEW].once
    hours = scenario.teacher_hours.likely + scenario.distillation_hours.likely
    return {name: float(np.ravel(amount)[0]) for name, amount in amounts.items()}, hours


def _rival(store: Store, records: Mapping[str, RunRecord]) -> PairedVerdict | None:
    """Return the student against the linear model on the cases of trained labels; None without it."""
    if "linear" not in records:
        return None
    columns = ["case_id", "label", "outcome", "probabilities"]
    tables = [
        store.predictions(records[kind].run.run_id, columns).sort_values("case_id")
        for kind in ("student", "linear")
    ]
    trained = tables[0]["outcome"].isin(["right", "wrong"]).to_numpy()
    if not trained.any():
        return None
    labels = records["student"].run.labels
    if labels != records["linear"].run.labels:
        return None
    position = {label: i for i, label in enumerate(labels)}
    answers = np.array([position[label] for label in tables[0].loc[trained, "label"]])
    ours, theirs = (
        np.stack(table.loc[trained, "probabilities"].to_numpy()).astype(np.float64)
        for table in (t.reset_index(drop=True) for t in tables)
    )
    return judge_pair("student", ours, "linear model", theirs, answers)


def _route(counts: Histogram, trial: PolicyConsequence) -> RouteAtThreshold | None:
    """Return the better of sending answers or segments to people; None if neither accepts more."""
    routes = []
    for by in ("class", "segment"):
        try:
            crossed = route_to_people(counts, by, trial.cost_model.costs)
            route = crossed.at(float(trial.threshold), trial.cost_model)
        except NoCasesError:
            continue
        saving = policy_verdict(route.consequence).saving_per_day.value
        if route.groups and saving is not None and route.consequence.accepted:
            routes.append((saving, route))
    return max(routes, key=lambda pair: pair[0])[1] if routes else None


def _break_even(trial: PolicyConsequence) -> float | None:
    """Return the cost of an escape at which the policy costs as much as reviewing everything."""
    coverage, leakage = trial.coverage.value, trial.leakage.value
    if not coverage or not leakage:
        return None
    costs, fixed = trial.cost_model.costs, _fixed_per_case(trial.cost_model)
    # A reviewer's error is an escape too, so a share of the escapes happens with either way.
    more_escapes = leakage - costs.reviewer_miss * coverage
    saved = coverage * (costs.review - costs.per_acceptance) - fixed
    return break_even_escape(costs.escape * more_escapes - saved, more_escapes, costs.escape)


def _fixed_per_case(terms: CostModel) -> float:
    """Return the cost of inference and retraining of one case; unmeasured inference is free."""
    monthly = terms.costs.retraining_per_month
    cases = terms.cases_per_day * DAYS_PER_MONTH
    retraining = monthly / cases if cases else math.inf
    return retraining + (terms.costs.inference(terms.seconds_per_case) or 0.0)


def _cases_needed(student: PolicyConsequence) -> int | None:
    coverage, leakage = student.coverage.value, student.leakage.value
    if not coverage or leakage is None:
        return None
    terms = student.cost_model
    return cases_for_saving(coverage, leakage, terms.costs, _fixed_per_case(terms))
