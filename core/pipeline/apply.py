"""Apply a policy to a run: each case gets one decision with its reason, and the decision is final.

A policy counts for a run only if the run's model and labels are those it was chosen on, its last
day has not passed and its certificate, if it has one, is not void; otherwise every case goes to
review, and the caller learns why. Decisions are added in batches, each one transaction: after a
kill, the same call decides the remaining cases. Knows the store and the rule, not the screen.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime

from core.decision.certificate.claims import Certificate, CertificateUse, void_reasons
from core.decision.thresholds.decisions import (
    POLICY_VOID,
    CaseDecisions,
    decide_cases,
    review_all_cases,
)
from core.decision.thresholds.policy import Policy
from core.errors import NotFoundError, SettingsError, StoreError
from core.pipeline.audits import AUDIT_SHARE, draw_audits
from core.store.entries import PolicyVersion
from core.store.ledger import Ledger, activations_in_force
from core.store.reviews import Reviews
from core.store.store import Store
from core.store.watch_events import WatchEvents
from core.types import OUTCOMES, Run

BATCH = 100_000  # cases decided in one transaction, during which other writers wait
VALID, NONE = "valid", "none"  # states of a certificate; a void one is named by what voids it
# Reasons why a policy does not count for a run; no case is accepted then.
OTHER_MODEL, OTHER_LABELS, EXPIRED = "other_model", "other_labels", "expired"
UNREADABLE, CERTIFICATE_VOID, UNBOUND = "unreadable", "certificate_void", "unbound"


@dataclass(frozen=True)
class BoundPolicy:
    """A version of a policy as it counts for one run.

    policy: None if its content cannot be read. void: the reasons why it does not count, () if it
    counts. certificate: VALID, NONE or what voids it, separated by commas. labelled_classes: the
    classes with labelled cases in the runs on which it was chosen.
    """

    version: PolicyVersion
    policy: Policy | None
    void: tuple[str, ...]
    certificate: str
    labelled_classes: frozenset[str]

    def decide(self, segments, predicted, confidence, epistemic, novelty=None) -> CaseDecisions:
        """Return the decisions on n cases, [n] arrays; all reviews if the policy is void.

        segments: names. predicted: labels. confidence: in [0, 1]. epistemic: nats. novelty: in
        [0, 1] or NaN, None if unknown.
        """
        if self.void or self.policy is None:
            return review_all_cases(len(confidence), POLICY_VOID)
        return decide_cases(
            self.policy,
            segments,
            predicted,
            confidence,
            epistemic,
            self.labelled_classes,
            novelty,
        )


@dataclass(frozen=True)
class Application:
    """The result of applying a version of a policy to a run; counts are of all its decisions."""

    run_id: str
    bound: BoundPolicy
    accepted: int
    review: int
    added: int  # decisions that this call added


def active_version_for(store: Store, run: Run) -> PolicyVersion | None:
    """Return the active version chosen on a run of the same model name and dataset, or None.

    Of several, the one activated last is returned.
    """
    ledger = Ledger(store)
    with store.reading():
        for name, number in reversed(activations_in_force(ledger.policy_events())):
            version = ledger.policy(name, number)
            if any(
                (bound.model, bound.dataset) == (run.model, run.dataset)
                for bound in _bound_runs(store, version)
            ):
                return version
    return None


def bind_policy(store: Store, version: PolicyVersion, run: Run, today: date) -> BoundPolicy:
    """Return a version checked against a run: what voids it, and the state of its certificate.

    store: holds the runs on which it was chosen. today: the day (UTC) on which it must be valid.
    """
    with store.reading():
        bound = _bound_runs(store, version)
        labelled = _labelled_classes(store, bound)
    void = []
    if not bound:
        void.append(UNBOUND)
    elif run.labels not in {origin.labels for origin in bound}:
        void.append(OTHER_LABELS)
    elif run.model_hash not in {origin.model_hash for origin in bound}:
        void.append(OTHER_MODEL)
    if version.expired(today):
        void.append(EXPIRED)
    try:
        policy = Policy.from_dict(version.content)
    except SettingsError:
        return BoundPolicy(version, None, (*void, UNREADABLE), NONE, labelled)
    harmed = WatchEvents(store).open_harm(version.name, version.version) is not None
    certificate = _certificate_state(version, policy, run, today, harmed)
    if certificate not in (VALID, NONE):
        void.append(CERTIFICATE_VOID)
    return BoundPolicy(version, policy, tuple(void), certificate, labelled)


def apply_policy(
    store: Store,
    run_id: str,
    version: PolicyVersion,
    today: date | None = None,
    audit_share: float = AUDIT_SHARE,
) -> Application:
    """Decide every case of a run that this version has not decided yet, and draw its audits.

    store, run_id: where the cases are. today: the day (UTC) on which policy and certificate must be
    valid; None is the present day. audit_share: of the accepted cases, 0 to 1; a drawn case stays
    accepted, and a person judges it without holding it up. A decision never changes: a later call decides only cases added
    since. Raises NotFoundError for an unknown run, StoreError for a version that was never
    approved.
    """
    run, reviews = store.run(run_id).run, Reviews(store)
    events = Ledger(store).policy_events(version.name)
    if (version.version, "approve") not in {(event.version, event.event) for event in events}:
        raise StoreError("pipeline.not_approved", name=version.name, version=version.version)
    bound = bind_policy(store, version, run, today or datetime.now(UTC).date())
    # A batch that is not full is the last one. A full batch that added nothing would come again, so
    # it ends the loop too.
    added = batch = BATCH
    total = 0
    while added and batch == BATCH:
        with store.atomic():
            waiting = reviews.undecided_cases(run_id, version.name, version.version, BATCH)
            batch = len(waiting)
            decided = bound.decide(
                waiting["segment"].tolist(),
                waiting["predicted"].tolist(),
                waiting["confidence"].to_numpy(),
                waiting["epistemic"].to_numpy(),
                waiting["novelty"].to_numpy(dtype=float),
            )
            added = reviews.add_decisions(
                run_id,
                waiting["case_id"].tolist(),
                decided.accepted,
                version.name,
                version.version,
                decided.reasons.tolist(),
                bound.certificate,
            )
        total += added
    draw_audits(store, run_id, version, audit_share)
    # Counted from the store and not from this call: an earlier, killed call may have decided some.
    counts = [
        (applied.accepted, applied.review)
        for applied in reviews.applied_policies(run_id)
        if (applied.policy, applied.version) == (version.name, version.version)
    ]
    return Application(run_id, bound, *(counts[0] if counts else (0, 0)), total)


def apply_active_policy(
    store: Store, run_id: str, today: date | None = None, audit_share: float = AUDIT_SHARE
) -> Application | None:
    """Apply the active policy for the run's model and dataset; None if no policy is active."""
    version = active_version_for(store, store.run(run_id).run)
    return None if version is None else apply_policy(store, run_id, version, today, audit_share)


def read_policy_name(text: str) -> tuple[str, int | None]:
    """Return (NAME, VERSION) of NAME:VERSION, and (NAME, None) of NAME, the newest version.

    Raises SettingsError for a version that is no positive whole number.
    """
    name, colon, number = text.rpartition(":")
    if not colon:
        return text, None
    if not name or not number.isascii() or not number.isdigit() or int(number) < 1:
        raise SettingsError("pipeline.policy_name", text=text)
    return name, int(number)


def _bound_runs(store: Store, version: PolicyVersion) -> list[Run]:
    runs = []
    for run_id in version.runs:
        try:
            runs.append(store.run(run_id).run)
        except NotFoundError:  # a purged run binds nothing
            continue
    return runs


def _labelled_classes(store: Store, runs: Collection[Run]) -> frozenset[str]:
    labelled = [outcome != "unlabelled" for outcome in OUTCOMES]
    classes: set[str] = set()
    for run in runs:
        # The histogram holds the class counts; reading the cases themselves would not scale.
        histogram = store.histogram(run.run_id)
        counts = histogram.counts.sum((0, 3))[:, labelled].sum(1)
        classes.update(name for name, n in zip(histogram.classes, counts, strict=True) if n)
    return frozenset(classes)


def _certificate_state(
    version: PolicyVersion, policy: Policy, run: Run, today: date, harmed: bool
) -> str:
    if version.certificate is None:
        return NONE
    try:
        certificate = Certificate.from_json(json.dumps(version.certificate))
    except SettingsError:
        return UNREADABLE
    rules = bool(policy.by_class or policy.by_segment or policy.by_cell)
    # A certificate is of confidence and epistemic uncertainty alone.
    rules = rules or policy.novelty_limit is not None
    # The only threshold that is no number is REVIEW_ALL: it counts as another rule below, so the
    # 1.0 has no effect.
    threshold = policy.threshold if isinstance(policy.threshold, float) else 1.0
    use = CertificateUse(
        today,
        run.model_hash,
        run.dataset,
        threshold,
        policy.epistemic_limit,
        other_rules=rules or isinstance(policy.threshold, str),
        drifted=harmed,
    )
    return ", ".join(void_reasons(certificate, use)) or VALID
