"""Steps that follow from a watched stream: record an alarm, propose a threshold, replay a policy.

None of them changes the policy in force: an alarm of harm voids a certificate when the policy is
next applied, and a proposal waits for a person's approval.
"""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from core.counts.histogram import THRESHOLDS
from core.decision.audits.draws import audit_numbers, checked_audit_share
from core.decision.audits.estimate import audit_answers
from core.decision.thresholds.policy import Policy
from core.decision.watch.adapt import shifted_policy
from core.decision.watch.alarms import HARM
from core.decision.watch.replay import replayed_leakage, threshold_regret
from core.decision.watch.report import WatchReport, WatchSettings
from core.errors import NotFoundError, SettingsError
from core.pipeline.watch import (
    WatchedPolicy,
    complete_settings,
    ordered_cases,
    policy_margins,
    read_reference,
    read_stream,
)
from core.stats.exact_bounds import anytime_evidence
from core.store.audits import Audits
from core.store.entries import PolicyVersion
from core.store.ledger import Ledger
from core.store.reviews import Reviews
from core.store.secret import audit_secret
from core.store.store import Store
from core.store.watch_events import WatchEvent, WatchEvents

WATCH_AUTHOR = "kakushin"  # author of events that no person made
ALPHA = 0.05  # chance of clearing an alarm wrongly, over all looks
REGRET_STEP = 10  # thousandths between the thresholds that hindsight may choose


def record_alarms(
    store: Store,
    run_id: str,
    watched: WatchedPolicy,
    report: WatchReport,
    author: str = WATCH_AUTHOR,
) -> int:
    """Record the report's alarms of harm about the policy's version; return how many are new.

    Raises NotFoundError for a policy that is not stored.
    """
    version = _stored(watched, run_id)
    events = [
        WatchEvent(
            *(run_id, version.name, version.version, HARM, alarm.detector, alarm.stop),
            None
            if np.isnat(alarm.occurred_at)
            else pd.Timestamp(alarm.occurred_at).to_pydatetime(),
            *(alarm.audits, alarm.observed, alarm.expected, author),
        )
        for alarm in report.alarms
        if alarm.level == HARM
    ]
    with store.atomic():
        return sum(WatchEvents(store).add(event) for event in events)


def draw_shadow_audits(store: Store, run_id: str, watched: WatchedPolicy, share: float) -> int:
    """Draw audits of cases that the policy would accept and that people settle; return the new ones.

    After an alarm a void policy accepts nothing, so without these draws nothing could ever show
    that it may accept again. share: in (0, 1]. The numbers are those of the usual audits, so that a
    case drawn twice is one draw. Raises NotFoundError for a policy that is not stored.
    """
    checked_audit_share(share)
    version = _stored(watched, run_id)
    with store.atomic():
        frame = ordered_cases(store, run_id)
        decided = Reviews(store).decisions(run_id, version.name, version.version)
        accepted = decided.loc[decided["decision"] == "accepted", "case_id"]
        would = (policy_margins(watched.policy, frame) >= 0) & ~frame["case_id"].isin(accepted)
        ids = frame.loc[would, "case_id"].tolist()
        numbers = audit_numbers(audit_secret(store.folder), run_id, ids)
        drawn = np.flatnonzero(numbers < share)
        return Audits(store).add_draws(
            *(run_id, version.name, version.version),
            [ids[i] for i in drawn],
            ["shadow"] * len(drawn),
            np.full(len(drawn), share),
            numbers[drawn],
        )


def clear_alarm(
    store: Store, run_id: str, watched: WatchedPolicy, settings: WatchSettings, author: str
) -> WatchEvent:
    """Clear the version's open alarm of harm if audits since it show that the limit is kept.

    Counted are drawn and audited cases after the alarm that the policy accepts or would accept. The
    evidence is valid at any time, at 1 - ALPHA. Raises NotFoundError without an open alarm,
    SettingsError if the audits do not show it yet.
    """
    version = _stored(watched, run_id)
    harm = WatchEvents(store).open_harm(version.name, version.version)
    if harm is None:
        raise NotFoundError("watch.no_open_alarm", name=version.name, version=version.version)
    with store.atomic():
        frame = ordered_cases(store, run_id)
        table = Audits(store).audited_cases(run_id, version.name, version.version)
        reference = read_reference(store, run_id, watched.policy)
        limit = complete_settings(settings, watched, reference).risk_limit or 0.0
        later = np.arange(len(frame)) > (harm.last_case if harm.run_id == run_id else -1)
        would = policy_margins(watched.policy, frame) >= 0
        counted = table[table["case_id"].isin(frame.loc[later & would, "case_id"])]
        # Equal chances only: cases below the least probability, whatever later draws added.
        counted = counted[counted["u"] < counted["inclusion_probability"].min()]
        answers = audit_answers(counted)
        n, wrong = int((~np.isnan(answers)).sum()), int(np.nansum(answers))
        if not 0 < limit < 1 or anytime_evidence(wrong, n, limit) < math.log(1 / ALPHA):
            raise SettingsError("watch.not_cleared", n=n, wrong=wrong, limit=limit)
        position = int(np.flatnonzero(later & would)[-1])
        event = WatchEvent(
            *(run_id, version.name, version.version, "clear", harm.detector, position, None),
            *(n, wrong / n, limit, author),
        )
        WatchEvents(store).add(event)
        return event


def add_proposed_policy(
    store: Store, run_id: str, watched: WatchedPolicy, shift: float, author: str, reason: str
) -> PolicyVersion:
    """Add the policy moved by `shift` as the next version, proposed and not approved.

    store, run_id: where the stream is. author, reason: of the proposal. The new version has no
    certificate: the old one was for another threshold. Raises NotFoundError for a policy that is
    not stored.
    """
    version = _stored(watched, run_id)
    return Ledger(store).add_policy(
        version.name,
        shifted_policy(watched.policy, shift).to_dict(),
        author,
        reason,
        version.runs,
        expires_on=version.expires_on,
    )


def replay_policies(
    store: Store,
    run_id: str,
    watched: WatchedPolicy,
    others: Mapping[str, Policy],
    settings: WatchSettings,
    since: str | None = None,
    rehearsal: float | None = None,
) -> pd.DataFrame:
    """Return what each policy would have done from a day on, the watched one first.

    others: name -> policy. settings: unit costs of the regret. since: YYYY-MM-DD, None for the
    first case. rehearsal: as in core.pipeline.watch.watch_run. Columns: name, n, coverage, leakage,
    leakage_low, leakage_high, named (wrong accepted cases with a verdict), regret, regret_low,
    regret_high (money a case more than the best threshold of other days), hindsight (that
    threshold). Raises NotFoundError without a case from that day on.
    """
    with store.reading():
        stream = read_stream(store, run_id, watched, rehearsal)
        fitted = read_reference(store, run_id, watched.policy).recalibration()
        margins = {
            name: read_stream(store, run_id, WatchedPolicy(policy)).margin
            for name, policy in others.items()
        }
    rows = stream.occurred_at >= _day(since) if since else np.ones(len(stream), dtype=bool)
    if not rows.any():
        raise NotFoundError("watch.no_cases_since", run=run_id, since=since)
    expected = fitted.wrong_share(stream.confidence) if fitted else np.zeros(len(stream))
    cases = stream.decided(expected).select(rows)
    name = "" if watched.version is None else f"{watched.version.name}:{watched.version.version}"
    accepts = {name: stream.accepted} | {key: margin >= 0 for key, margin in margins.items()}
    table = []
    for key, accepted in accepts.items():
        taken = accepted[rows]
        leakage = replayed_leakage(cases, taken)
        regret = threshold_regret(
            cases,
            stream.confidence[rows],
            taken,
            settings.review,
            settings.escape,
            THRESHOLDS[::REGRET_STEP],
        )
        table.append(
            {
                "name": key,
                "n": len(taken),
                "coverage": float(taken.mean()),
                "leakage": leakage.value,
                "leakage_low": leakage.low,
                "leakage_high": leakage.high,
                "named": int((taken & cases.drawn & cases.wrong).sum()),
                "regret": regret.per_case.value,
                "regret_low": regret.per_case.low,
                "regret_high": regret.per_case.high,
                "hindsight": float(np.mean(regret.thresholds)),
            }
        )
    return pd.DataFrame(table)


def _stored(watched: WatchedPolicy, run_id: str) -> PolicyVersion:
    if watched.version is None:
        raise NotFoundError("watch.no_policy_to_move", run=run_id)
    return watched.version


def _day(since: str) -> np.datetime64:
    try:
        return np.datetime64(pd.Timestamp(since).to_datetime64(), "us")
    except ValueError as e:
        raise SettingsError("watch.day", value=since) from e
