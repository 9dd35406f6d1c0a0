"""The texts of the page 'Policies': versions, thresholds, certificates, changes, refusals.

Pure: words, policies and results in, strings out; typed text is escaped for markdown here. Does not
know Streamlit.
"""

from collections.abc import Iterable
from datetime import date
from functools import partial
from typing import cast

from core.decision.certificate.claims import Certificate
from core.decision.thresholds.changes import DecisionChanges
from core.decision.thresholds.consequence import PolicyConsequence
from core.decision.thresholds.optimiser import OptimalPolicy
from core.decision.thresholds.policy import Policy, Threshold
from core.decision.thresholds.solver import InfeasibleLimits
from core.report.policies import (
    CELL_ROW,
    CLASS_ROW,
    NOT_CERTIFIED,
    NOT_COVERED,
    REFUSED,
    SEGMENT_ROW,
    ProofObstacle,
)
from core.report.policy_history import PolicyLife
from core.store import entries
from core.types import Interval
from dashboard.components.active_policy import uncertainty_level
from dashboard.components.certificate_words import certificate_sentence as certified
from dashboard.components.sentences import leakage_percent, policy_version_name
from dashboard.i18n import DASH, Words, escape_markdown

RULES_NAMED = 6  # specific thresholds of a version that a sentence lists
POOLED_NAMES = 12  # names of pooled rows that a sentence lists


def version_option(
    words: Words, version: entries.PolicyVersion, life: PolicyLife, today: date
) -> str:
    """Return a version with its state, as plain text for a list.

    words: the catalogue. life: the version's events. today: decides whether it has expired.
    """
    texts = (
        policy_version_name(words, version.name, version.version)
        + " · "
        + words(f"policy.state.{life.state}")
    )
    return texts + " · " + words("policy.state.expired") if version.expired(today) else texts


def in_force_sentence(words: Words, version: entries.PolicyVersion, life: PolicyLife) -> str:
    """Return the sentence about the active version: its start, its person and the reason."""
    activated = cast(entries.PolicyEvent, life.activated)  # it is in force
    return words.markdown(
        "policy.in_force",
        version=policy_version_name(words, version.name, version.version),
        author=version.author,
        who=activated.author,
        when=words.time(activated.recorded_at),
        reason=activated.reason,
        proposed=version.reason,
    )


def expiry_sentence(words: Words, version: entries.PolicyVersion, today: date) -> str:
    """Return until when a version counts, or that it has no end."""
    if version.expires_on is None:
        return words("policy.no_end")
    key = "policy.expired" if version.expired(today) else "policy.until"
    return words.markdown(
        key,
        version=policy_version_name(words, version.name, version.version),
        last=words.date(version.expires_on),
    )


def version_summary(words: Words, version: entries.PolicyVersion, life: PolicyLife) -> str:
    """Return a version's proposal (person, time, reason, runs) and its approval, as text."""
    texts = words.markdown(
        "policy.about",
        author=version.author,
        when=words.time(version.created_at),
        reason=version.reason,
        runs=words.comma.join(version.runs) or DASH,
    )
    if life.approved is None:
        return texts
    approval = words.markdown(
        "policy.approved_by",
        author=life.approved.author,
        when=words.time(life.approved.recorded_at),
    )
    return words.sentence_space.join(
        [texts, approval] + ([] if life.four_eyes else [words("policy.two_eyes")])
    )


def thresholds_sentence(words: Words, policy: Policy) -> str:
    """Return in markdown the common threshold, and the specific ones of a version.

    Who approves reads what; of many, the first RULES_NAMED.
    """
    texts = [words.markdown("policy.thresholds", t=threshold_text(words, policy.threshold))]
    rules = [
        words("policy.rule", kind=kind_name(words, kind), name=name, t=threshold_text(words, t))
        for kind, name, t in _own_rules(words, policy)
    ]
    if rules:
        named = rules[:RULES_NAMED]
        if len(rules) > RULES_NAMED:
            named.append(words.many("route.more", len(rules) - RULES_NAMED))
        text = escape_markdown(words.comma.join(named))
        texts.append(words.many("policy.thresholds.own", len(rules), rules=text))
    if policy.epistemic_limit is not None:
        limit = limit_text(words, policy.epistemic_limit)
        texts.append(words.markdown("policy.thresholds.limit", limit=limit))
    return words.sentence_space.join(texts)


def _own_rules(words: Words, policy: Policy) -> Iterable[tuple[str, str, Threshold]]:
    """Yield the specific thresholds of a policy: kind of row, name, threshold."""
    for segment, threshold in policy.by_segment.items():
        yield SEGMENT_ROW, row_name(words, SEGMENT_ROW, segment, ""), threshold
    for predicted, threshold in policy.by_class.items():
        yield CLASS_ROW, row_name(words, CLASS_ROW, "", predicted), threshold
    for (segment, predicted), threshold in policy.by_cell.items():
        yield CELL_ROW, row_name(words, CELL_ROW, segment, predicted), threshold


def threshold_text(words: Words, value: Threshold | None) -> str:
    """Return a threshold as plain text; None follows the common threshold."""
    if value is None:
        return words("policy.as_all")
    return words("policy.to_people") if isinstance(value, str) else words.number(value, 3)


def limit_text(words: Words, value: float | None) -> str:
    """Return an epistemic limit as plain text."""
    if value is None:
        return words("policy.no_limit")
    return words(
        "policy.limit.at",
        limit=f"{value:g}",
        level=words(f"uncertainty.{uncertainty_level(value)}"),
    )


def kind_name(words: Words, name: str) -> str:
    """Return the display name of a kind of editor row."""
    return words(f"policy.kind.{name}")


def row_name(words: Words, kind: str, segment: str, predicted: str) -> str:
    """Return the name of an editor row, as plain text.

    kind: kind of the row. segment, predicted: names, "" for the part that the kind lacks.
    """
    if kind == SEGMENT_ROW:
        return segment or DASH
    return (
        predicted
        if kind == CLASS_ROW
        else words("policy.pair", segment=segment or DASH, predicted=predicted)
    )


def leakage_text(words: Words, value: float, low: float, high: float) -> str:
    """Return a leakage with its interval as plain text; a dash for NaN.

    value, low, high: shares, 0..1.
    """
    # NaN: nothing to estimate from
    if value != value:
        return DASH
    ends = {"value": value, "low": low, "high": high}
    return words("ranged", **{end: leakage_percent(words, share) for end, share in ends.items()})


def draft_sentence(words: Words, consequence: PolicyConsequence, currency: str) -> str:
    """Return the figures of a draft in one line, each with its interval and n."""
    if not consequence.coverage.n:
        return words("headline.empty")

    def texts(key: str, interval: Interval, show) -> str:
        if interval.value is None:
            return words.markdown(
                "policy.means.unknown", name=words(key), n=words.number(interval.n, 0)
            )
        ends = {name: show(getattr(interval, name)) for name in ("value", "low", "high")}
        return words.markdown(
            "policy.means", name=words(key), n=words.number(interval.n, 0), **ends
        )

    parts = [
        texts("card.coverage", consequence.coverage, words.percent),
        texts("axis.reviews", consequence.reviews_per_day, words.number),
        texts("card.risk", consequence.selective_risk, words.percent),
        texts("card.leakage", consequence.leakage, partial(leakage_percent, words)),
        texts(
            "card.money",
            money := consequence.money_per_month,
            words.money_form(money.bounds, currency),
        ),
    ]
    return " · ".join(parts)


def optimum_sentence(
    words: Words, optimum: OptimalPolicy | InfeasibleLimits, names: Iterable[str]
) -> str:
    """Return the optimiser's result, the rows that share a threshold, and a caveat.

    The caveat: the same cases chose the thresholds, so their figures are optimistic.
    """
    if isinstance(optimum, InfeasibleLimits):
        return (
            words(f"limits.infeasible.{optimum.reason}")
            + words.sentence_space
            + words("policy.optimum.kept")
        )
    texts = [words.markdown("policy.optimum", n=words.number(optimum.consequence.leakage.n, 0))]
    names = list(names)
    if names:
        name_list = words.comma.join(names[:POOLED_NAMES]) + (
            "…" if len(names) > POOLED_NAMES else ""
        )
        # `many` fills its blanks in as they are, and a row's name comes from the cases.
        shared = {
            "least": words.number(optimum.min_labelled, 0),
            "names": escape_markdown(name_list),
        }
        texts.append(words.many("policy.optimum.pooled", len(names), **shared))
    return words.sentence_space.join(texts)


def proof_sentence(words: Words, proof: Certificate | ProofObstacle) -> str:
    """Return the certificate of a draft, or why it has none."""
    if isinstance(proof, Certificate):
        return (
            certified(words, proof)
            + words.sentence_space
            + words("policy.proof.until", last=words.date(proof.origin.expires_on))
        )
    why = (
        words.markdown(f"policy.proof.{proof.reason}", sentence=proof.sentence)
        if proof.reason == REFUSED
        else ""
    )
    nearest = proof.nearest
    if proof.reason == NOT_CERTIFIED and nearest is not None:
        why = certified(words, nearest)
    elif proof.reason == NOT_COVERED and isinstance(nearest, Certificate):
        ends = {
            "low": words.number(nearest.threshold, 3),
            "high": words.number(nearest.strictest, 3),
        }
        why = words.markdown(f"policy.proof.{nearest.promise.measure}", **ends)
    reason = why or words(f"policy.proof.{proof.reason}")
    return words("policy.proof.none") + words.sentence_space + reason


def stored_proof_sentence(
    words: Words, proof: Certificate | None, void: tuple[str, ...], why: ProofObstacle | None
) -> str:
    """Return a stored version's certificate and what voids it, or why it has none.

    proof: the certificate, None without one. void: reasons that void it today. why: the obstacle,
    None if it is unknown.
    """
    if proof is None:
        return (
            words("policy.proof.none")
            + words.sentence_space
            + words(f"policy.proof.{why.reason}" if why else "policy.proof.not_then")
        )
    texts = words.markdown(
        f"policy.certified.{proof.promise.measure}",
        target=words.percent(proof.promise.target),
        sure=words.percent(1 - proof.promise.delta, 0),
        n=words.number(proof.tested, 0),
        last=words.date(proof.origin.expires_on),
    )
    if not void:
        return texts + words.sentence_space + words("policy.proof.drift")
    whys = words.comma.join(words(f"policy.void.{name.replace(' ', '_')}") for name in void)
    return texts + words.sentence_space + words("policy.proof.void", whys=whys)


def change_sentence(words: Words, changes: DecisionChanges, cases: int) -> str:
    """Return how many cases change side between two policies: exact counts of these cases."""
    counts = {}
    for way in ("to_review", "to_acceptance"):
        outcomes = getattr(changes, way)
        counts[way] = sum(outcomes.values())
        counts[f"{way}_right"] = outcomes["right"]
        counts[f"{way}_wrong"] = outcomes["wrong"] + outcomes["unseen"]
    return words.markdown(
        "policy.moves",
        cases=words.number(cases, 0),
        **{k: words.number(n, 0) for k, n in counts.items()},
    )


def overtaken_sentence(words: Words, events: Iterable[entries.PolicyEvent]) -> str:
    """Return what other people decided meanwhile; their names and reasons are escaped."""
    texts = [
        words.markdown(
            "policy.event_said",
            author=event.author,
            version=policy_version_name(words, event.name, event.version),
            event=words(f"policy.event.{event.event}"),
            when=words.time(event.recorded_at),
            reason=event.reason,
        )
        for event in events
    ]
    return words.sentence_space.join([words("policy.overtaken"), *texts])
