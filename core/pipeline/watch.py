"""Read one line's stream from the store for the watch: predictions, decisions, verdicts, reference.

A case's verdict comes from people; a rehearsal takes the labels of the file in their place, with
audits drawn by a hash of the case, so that a line can be watched in the past before it goes live.
Knows the store and the policy; core.decision.watch does the statistics.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pandas as pd

from core.decision.audits.estimate import audit_answers, uniform_sample
from core.decision.certificate.claims import LEAKAGE, Certificate
from core.decision.thresholds.policy import Policy
from core.decision.watch.adapt import AdaptSettings
from core.decision.watch.report import WatchReport, WatchSettings, watch_stream
from core.decision.watch.stream import ReferenceCases, WatchedStream
from core.errors import SettingsError
from core.pipeline.apply import active_version_for
from core.store.audits import Audits
from core.store.entries import PolicyVersion
from core.store.ledger import Ledger
from core.store.reviews import Reviews
from core.store.store import Store
from core.types import Run

_COLUMNS = [
    *("case_id", "segment", "predicted", "outcome", "confidence", "epistemic", "novelty"),
    "occurred_at",
]


@dataclass(frozen=True)
class WatchedPolicy:
    """The policy that a stream is watched under; version is None for an unsaved one."""

    policy: Policy
    version: PolicyVersion | None = None


@dataclass(frozen=True)
class TimelineEvent:
    """A change that the timeline marks. kind: an event of a policy, or "distil".

    occurred_at: UTC."""

    occurred_at: datetime
    kind: str
    name: str
    version: int | None
    author: str


def policy_to_watch(store: Store, run_id: str) -> WatchedPolicy | None:
    """Return the policy that decided last on the run, else the active one for it, else None."""
    record, reviews, ledger = store.run(run_id), Reviews(store), Ledger(store)
    applied = reviews.applied_policies(run_id)
    version = (
        ledger.policy(applied[0].policy, applied[0].version)
        if applied
        else active_version_for(store, record.run)
    )
    if version is None:
        return None
    try:
        return WatchedPolicy(Policy.from_dict(version.content), version)
    except SettingsError:
        return None


def watch_run(
    store: Store,
    run_id: str,
    watched: WatchedPolicy,
    settings: WatchSettings,
    rehearsal: float | None = None,
) -> WatchReport:
    """Return the report on a scoring run under a policy.

    settings: a risk_limit of None is taken from the policy's certificate, if it has one. rehearsal:
    share of accepted cases whose label in the file acts as an audit, in (0, 1]; None uses people's
    verdicts. Raises NotFoundError, SettingsError.
    """
    with store.reading():
        stream = read_stream(store, run_id, watched, rehearsal)
        reference = read_reference(store, run_id, watched.policy)
    return watch_stream(stream, reference, complete_settings(settings, watched, reference))


def complete_settings(
    settings: WatchSettings, watched: WatchedPolicy, reference: ReferenceCases
) -> WatchSettings:
    """Return settings with the limits of the certificate, or of the reference without one."""
    coverage = float(reference.accepted.mean()) if len(reference.accepted) else 0.0
    limit = settings.risk_limit
    if limit is None:
        limit = _certified_risk(watched.version, coverage)
    if limit is None:
        limit = reference.risk().high
    adapted = settings.adapt
    if adapted is None and limit is not None and 0 < limit * coverage < 1:
        adapted = AdaptSettings(limit * coverage)
    return replace(settings, risk_limit=limit, adapt=adapted)


def read_stream(
    store: Store, run_id: str, watched: WatchedPolicy, rehearsal: float | None = None
) -> WatchedStream:
    """Return the run's cases in the order of time, as the policy decided them.

    A case that this version has not decided counts as the policy would decide it. rehearsal: as in
    `watch_run`. Raises NotFoundError, SettingsError for another share.
    """
    if rehearsal is not None and not 0 < rehearsal <= 1:
        raise SettingsError("decision.share", name="rehearsal", value=rehearsal)
    run, frame = store.run(run_id).run, ordered_cases(store, run_id)
    margin = policy_margins(watched.policy, frame)
    accepted = margin >= 0
    if watched.version is not None:
        accepted = _as_decided(store, run_id, watched.version, frame["case_id"], accepted)
    verdicts = (
        _verdicts_of_people(store, run, watched.version, frame["case_id"], accepted)
        if rehearsal is None
        else _verdicts_of_file(run_id, frame, accepted, rehearsal)
    )
    occurred_at = frame["occurred_at"].to_numpy(dtype="datetime64[us]")
    dated = not frame["occurred_at"].isna().any()
    day = pd.factorize(occurred_at.astype("datetime64[D]"))[0] if dated else np.arange(len(frame))
    return WatchedStream(
        classes=run.labels,
        occurred_at=occurred_at,
        day=np.asarray(day, dtype=np.intp),
        predicted=_positions(run, frame),
        confidence=frame["confidence"].to_numpy(),
        margin=margin,
        accepted=accepted,
        **verdicts,
    )


def ordered_cases(store: Store, run_id: str) -> pd.DataFrame:
    """Return the run's predictions, the columns that the watch needs, in the order of time."""
    frame = store.predictions(run_id, _COLUMNS)
    # Cases without a time come last; a stable sort keeps the file's order among equal times.
    return frame.sort_values("occurred_at", kind="stable", ignore_index=True)


def read_reference(store: Store, run_id: str, policy: Policy) -> ReferenceCases:
    """Return the labelled cases of the newest calibration run of the same model and dataset.

    Empty columns if there is no such run.
    """
    run = store.run(run_id).run
    candidates = [
        record.run
        for record in store.runs("score")
        if record.run.role == "calibration"
        and record.state == "finished"
        and (record.run.model_hash, record.run.dataset) == (run.model_hash, run.dataset)
    ]
    frame = pd.DataFrame(columns=_COLUMNS)
    if candidates:
        frame = store.predictions(candidates[0].run_id, _COLUMNS)
        frame = frame[frame["outcome"] != "unlabelled"]
    return ReferenceCases(
        predicted=_positions(run, frame),
        confidence=frame["confidence"].to_numpy(dtype=np.float64),
        margin=policy_margins(policy, frame),
        right=(frame["outcome"] == "right").to_numpy(dtype=bool),
        unseen=(frame["outcome"] == "unseen").to_numpy(dtype=bool),
    )


def policy_margins(policy: Policy, frame: pd.DataFrame) -> np.ndarray:
    """Return confidence less the threshold of each case, [n]; -inf where a rule sends it to people.

    frame: columns segment, predicted, confidence, epistemic, novelty.
    """
    pairs = list(zip(frame["segment"], frame["predicted"], strict=True))
    limits = {pair: policy.threshold_of(*pair) for pair in set(pairs)}
    least = np.array([np.inf if isinstance(limits[p], str) else limits[p] for p in pairs])
    confidence = frame["confidence"].to_numpy(dtype=np.float64)
    accepted = policy.accepts(
        frame["segment"],
        frame["predicted"],
        confidence,
        *(frame[name].to_numpy(dtype=float) for name in ("epistemic", "novelty")),
    )
    margin = confidence - least if len(frame) else confidence
    # Confident enough and not accepted: a limit on epistemic or novelty decides at any threshold.
    return np.where(accepted | (margin < 0), margin, -np.inf)


def timeline_events(store: Store, run_id: str) -> list[TimelineEvent]:
    """Return the steps of policies and the distillations for the run's dataset, oldest first."""
    run, ledger = store.run(run_id).run, Ledger(store)
    runs = {record.run.run_id: record.run for record in store.runs()}
    with store.reading():
        bound = {
            (version.name, version.version)
            for version in ledger.policies()
            if any(runs[r].dataset == run.dataset for r in version.runs if r in runs)
        }
        events = [
            TimelineEvent(event.recorded_at, event.event, event.name, event.version, event.author)
            for event in ledger.policy_events()
            if (event.name, event.version) in bound
        ]
    events += [
        TimelineEvent(distillation.created_at, "distil", distillation.model, None, "")
        for distillation in runs.values()
        # NAME-rN are the students that core.pipeline.redistill makes of the line NAME.
        if distillation.kind == "distil"
        and run.dataset in (distillation.dataset, distillation.dataset.rpartition("-r")[0])
    ]
    return sorted(events, key=lambda event: event.occurred_at)


def _certified_risk(version: PolicyVersion | None, coverage: float) -> float | None:
    """Return the risk of accepted cases that the version's certificate promises, None without."""
    if version is None or version.certificate is None:
        return None
    try:
        promise = Certificate.from_json(json.dumps(version.certificate)).promise
    except SettingsError:
        return None
    if promise.measure == LEAKAGE:
        return min(promise.target / coverage, 1.0) if coverage else None
    return promise.target


def _as_decided(
    store: Store, run_id: str, version: PolicyVersion, case_ids: pd.Series, otherwise: np.ndarray
) -> np.ndarray:
    table = Reviews(store).decisions(run_id, version.name, version.version)
    decided = dict(zip(table["case_id"], table["decision"] == "accepted", strict=True))
    return np.array([decided.get(c, o) for c, o in zip(case_ids, otherwise, strict=True)], bool)


def _verdicts_of_people(
    store: Store,
    run: Run,
    version: PolicyVersion | None,
    case_ids: pd.Series,
    accepted: np.ndarray,
) -> dict[str, np.ndarray]:
    """Return the verdicts as columns: of reviewed cases all, of accepted ones those that were drawn.

    A verdict on an accepted case that no draw asked for is no random sample, so it does not count.
    """
    verdicts = Reviews(store).case_verdicts(run.run_id).set_index("case_id").reindex(case_ids)
    verdict, label = verdicts["verdict"], verdicts["label"]
    judged = verdict.isin(["right", "wrong"]).to_numpy()
    drawn, missing = judged & ~accepted, np.zeros(len(accepted), dtype=bool)
    pi = np.ones(len(accepted))
    if version is not None:
        table = Audits(store).audited_cases(run.run_id, version.name, version.version)
        sample = uniform_sample(table[table["decision"] == "accepted"])
        answers = pd.Series(audit_answers(sample), index=sample["case_id"])
        answer = answers.reindex(case_ids).to_numpy(dtype=float)
        missing = case_ids.isin(sample["case_id"]).to_numpy() & np.isnan(answer) & accepted
        drawn |= accepted & ~np.isnan(answer)
        # A simple random sample of n of N: each accepted case had the chance n / N.
        pi[accepted] = max(1, len(sample)) / max(1, int(accepted.sum()))
    return {
        "drawn": drawn,
        "wrong": (verdict == "wrong").to_numpy(bool),
        "inclusion": pi,
        "missing": missing,
        # The label of a right answer is the predicted one, which the model knows.
        "unseen": np.where(
            verdict == "right", 0.0, np.where(label.isna(), np.nan, ~label.isin(run.labels))
        ),
    }


def _verdicts_of_file(
    run_id: str, frame: pd.DataFrame, accepted: np.ndarray, share: float
) -> dict[str, np.ndarray]:
    labelled = (frame["outcome"] != "unlabelled").to_numpy(dtype=bool)
    lot = np.array([_lot(run_id, case_id) for case_id in frame["case_id"]])
    drawn = labelled & (~accepted | (lot < share))
    wrong = frame["outcome"].isin(("wrong", "unseen")).to_numpy(dtype=bool)
    return {
        "drawn": drawn,
        "wrong": wrong,
        "inclusion": np.where(accepted, share, 1.0),
        "missing": np.zeros(len(frame), bool),
        "unseen": np.where(labelled, frame["outcome"] == "unseen", np.nan),
    }


def _lot(run_id: str, case_id: str) -> float:
    """Return a number in [0, 1) that stays the same for a case, so that a higher share draws more
    cases and drops none.
    """
    digest = hashlib.sha256(f"{run_id}|{case_id}".encode()).digest()
    return int.from_bytes(digest[:7]) / 2**56


def _positions(run: Run, frame: pd.DataFrame) -> np.ndarray:
    place = {label: i for i, label in enumerate(run.labels)}
    return np.array([place[label] for label in frame["predicted"]], dtype=np.intp)
