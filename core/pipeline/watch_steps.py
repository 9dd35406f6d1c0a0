"""Steps that follow from a watched stream: record an alarm, propose a threshold, replay a policy.

None of them changes the policy in force: an alarm of harm voids a certificate when the policy is
next applied, and a proposal waits for a person's approval.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from core.counts.histogram import THRESHOLDS
from core.decision.thresholds.policy import Policy
from core.decision.watch.adapt import shifted_policy
from core.decision.watch.replay import replayed_leakage, threshold_regret
from core.decision.watch.report import HARM, WatchReport, WatchSettings
from core.errors import NotFoundError, SettingsError
from core.pipeline.watch import WatchedPolicy, read_reference, read_stream
from core.store.entries import PolicyVersion
from core.store.ledger import Ledger
from core.store.store import Store
from core.store.watch_events import WatchEvent, WatchEvents

WATCH_AUTHOR = "kakushin"  # author of events that no person made
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
            None if np.isnat(alarm.at) else pd.Timestamp(alarm.at).to_pydatetime(),
            *(alarm.audits, alarm.observed, alarm.expected, author),
        )
        for alarm in report.alarms
        if alarm.level == HARM
    ]
    with store.atomic():
        return sum(WatchEvents(store).add(event) for event in events)


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
    with store.atomic():
        stream = read_stream(store, run_id, watched, rehearsal)
        fitted = read_reference(store, run_id, watched.policy).recalibration()
        margins = {
            name: read_stream(store, run_id, WatchedPolicy(policy)).margin
            for name, policy in others.items()
        }
    rows = stream.at >= _day(since) if since else np.ones(len(stream), dtype=bool)
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
