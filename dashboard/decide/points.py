"""The points on the curves of the page 'Decide': the active policy, the certified one, capacity.

Each has a threshold or a sentence that explains why it has none. All figures come from
core.decision and core.report.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

from core.decision.certificate.claims import Certificate
from core.decision.thresholds import changes, consequence
from core.decision.thresholds.consequence import PolicyConsequence, consequence_of_tally
from core.decision.thresholds.policy import Policy
from core.decision.thresholds.solver import ThresholdSolver
from core.errors import SettingsError
from dashboard.components import active_policy, certificate_words
from dashboard.components.active_policy import Ghost
from dashboard.decide.mark_charts import (
    ACTIVE_MARK,
    CAPACITY_MARK,
    CERTIFIED_MARK,
    CHEAPEST_MARK,
    Mark,
)
from dashboard.session import cache
from dashboard.session.context import RunContext


@dataclass(frozen=True)
class MarkedThreshold:
    """A point's threshold and the sentence about it.

    Without a threshold (None), the sentence says why.
    """

    threshold: float | None
    sentence: str


def active(context: RunContext) -> tuple[Ghost | None, str]:
    """Return the active policy, applied whole, on the displayed cases, and a sentence about it."""
    words, policy = context.words, cache.active_policy()
    if policy is None:
        return None, words("ghost.none")
    try:
        consequence = _consequence(context, Policy.from_dict(policy.content))
    except SettingsError as error:
        values = {
            "name": policy.name,
            "version": str(policy.version),
            "sentence": words.error_text(error),
        }
        return None, words.markdown("ghost.unreadable", **values)
    ghost = Ghost(policy.name, policy.version, consequence)
    return ghost, active_policy.note(words, ghost)


def _consequence(context: RunContext, policy: Policy) -> PolicyConsequence:
    """Return the consequence of a whole policy on the displayed cases.

    The policy in use has the figures that the page shows of it: a route's come from folds that did
    not choose its groups, and would else differ from themselves.
    """
    route = context.applied_route
    if route is not None and policy == context.policy:
        return route.consequence(context.choices.t, context.terms)
    tally = changes.tally_of_rows(counted_rows(context), policy)
    return consequence_of_tally(tally, policy, context.terms, reweighted=False)


def counted_rows(context: RunContext):
    """Return the run's rows of joint counts that count.

    Those of the chosen segment, without untrained labels if the choices exclude them.
    """
    rows = cache.joint_rows(context.run_id)
    counted = rows["outcome"].ne("unseen") | context.choices.unseen
    return rows[
        counted if context.segment is None else counted & rows["segment"].eq(context.segment)
    ]


def certified(context: RunContext) -> MarkedThreshold:
    """Return the loosest threshold that the calibration run of the same model certifies.

    The promise is that of the choices.
    """
    words, choices, missing = context.words, context.choices, "points.no_certificate"
    record = context.own_calibration
    if record is None:
        return MarkedThreshold(None, words(missing, why=words("certificate.no_run")))
    if (
        context.segment is not None
        and context.segment not in cache.histogram(record.run.run_id).segments
    ):
        return MarkedThreshold(None, words(missing, why=words("certificate.no_labels")))
    try:
        certificate = cache.certificate(record.run, choices, context.segment)
    except SettingsError as error:
        # escaped, since an error's sentence may hold names from cases
        return MarkedThreshold(None, words.markdown(missing, why=words.error_text(error)))
    sentence = certificate_words.certificate_sentence(words, certificate)
    if isinstance(certificate, Certificate):
        return MarkedThreshold(certificate.threshold, sentence)
    return MarkedThreshold(None, words(missing, why=sentence))


def capacity(context: RunContext, handles: Callable[[], ThresholdSolver]) -> MarkedThreshold:
    """Return the strictest threshold whose reviews a day stay within the chosen capacity.

    handles: makes the solver; not called without a capacity, since reading its counts is slow.
    """
    words, reviews = context.words, context.choices.capacity
    if reviews is None:
        return MarkedThreshold(None, words("points.no_capacity"))
    consequence = handles().at_capacity(reviews)
    if not isinstance(consequence, PolicyConsequence):
        return MarkedThreshold(None, words("limits.infeasible.capacity_unreachable"))
    people = words.number(context.full_time.people(reviews))
    return MarkedThreshold(
        cast(float, consequence.policy.threshold),  # at_capacity has one number for all cases
        words("points.capacity", reviews=words.number(reviews), people=people),
    )


def marks(
    context: RunContext, ghost: Ghost | None, thresholds: dict[str, float | None]
) -> list[Mark]:
    """Return the points of the curves.

    context: run and choices. ghost: the active policy, None if there is none. thresholds:
    CERTIFIED, CAPACITY and CHEAPEST -> threshold or None. The active policy's figures are those of
    all its thresholds, so its sign may lie off the curves of a single threshold.
    """
    words = context.words
    points = []
    if ghost is not None and not isinstance(ghost.consequence.policy.threshold, str):
        figures = _figures(ghost.consequence)
        threshold = ghost.consequence.policy.threshold
        points.append(Mark(ACTIVE_MARK, threshold, words("mark.active"), figures))
    for kind in (CERTIFIED_MARK, CAPACITY_MARK, CHEAPEST_MARK):
        if (t := thresholds[kind]) is not None:
            points.append(Mark(kind, t, words(f"mark.{kind}"), _on_curve(context, t)))
    return points


def _on_curve(context: RunContext, t: float) -> dict[str, float | None]:
    """Return the figures of a single threshold for all cases, as the charts draw it."""
    choices = context.choices
    # the curve of money counts unmeasured seconds as 0, and the sign must lie on it
    terms = replace(context.terms, seconds_per_case=context.terms.seconds_per_case or 0.0)
    return _figures(
        consequence.threshold_consequence(
            context.curve(context.kind, choices.segment), t, terms, choices.unseen
        )
    )


def _figures(consequence: PolicyConsequence) -> dict[str, float | None]:
    return {
        "coverage": consequence.coverage.value,
        "risk": consequence.selective_risk.value,
        "reviews": consequence.reviews_per_day.value,
        "leakage": consequence.leakage.value,
        "money": consequence.money_per_month.value,
    }
