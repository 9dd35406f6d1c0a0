"""A watch over a stored stream: what it reads, and what follows from an alarm of harm."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from core.decision.audits.draws import audit_numbers
from core.decision.certificate.claims import (
    Certificate,
    CertificateEvidence,
    CertificateOrigin,
    RiskPromise,
)
from core.decision.thresholds.policy import Policy
from core.decision.watch.adapt import AdaptSettings
from core.decision.watch.alarms import HARM
from core.decision.watch.report import WatchSettings
from core.errors import NotFoundError, SettingsError
from core.pipeline.apply import CERTIFICATE_VOID, VALID, apply_policy, bind_policy
from core.pipeline.watch import (
    WatchedPolicy,
    policy_to_watch,
    read_stream,
    timeline_events,
    watch_run,
)
from core.pipeline.watch_steps import (
    add_proposed_policy,
    clear_alarm,
    draw_shadow_audits,
    record_alarms,
    replay_policies,
)
from core.report.watch_text import replay_sentences, watch_record, watch_sentences
from core.store.audits import Audits
from core.store.entries import ReviewVerdict
from core.store.ledger import Ledger
from core.store.reviews import Reviews
from core.store.secret import audit_secret
from core.store.watch_events import WatchEvent, WatchEvents
from tests.stores import LABELS, make_store

RUN, CALIBRATION = "score-work-orders-student-stream", "score-work-orders-student-calibration"
TODAY = date(2026, 11, 1)


@pytest.fixture(scope="module")
def readonly(tmp_path_factory):
    """Return a store that tests only read."""
    return make_store(tmp_path_factory.mktemp("watch") / "store", "full")


@pytest.fixture
def store(tmp_path):
    return make_store(tmp_path / "store", "full")


def certified(store, threshold: float = 0.9, target: float = 0.05):
    """Add an active policy with a certificate that holds for the stream's model and dataset."""
    run = store.run(RUN).run
    certificate = Certificate(
        RiskPromise("selective_risk", target),
        CertificateOrigin(run.model_hash, run.dataset, date(2026, 1, 1), date(2027, 1, 1)),
        CertificateEvidence(None, 1, 0.05, 600, 0, 60, 0, "0" * 64, "a test"),
        *(threshold, threshold, 540, 200, 2, 0.01),
    )
    ledger = Ledger(store)
    version = ledger.add_policy(
        "line",
        Policy(threshold).to_dict(),
        "Sato",
        "a test",
        [CALIBRATION],
        json.loads(certificate.to_json()),
    )
    for event in ("approve", "activate"):
        ledger.add_policy_event("line", version.version, event, "Tanaka", "agreed")
    return version


def test_a_stream_is_read_in_the_order_of_time(readonly):
    stream = read_stream(readonly, RUN, WatchedPolicy(Policy(0.7)), 1.0)
    assert (np.diff(stream.occurred_at) >= np.timedelta64(0)).all()
    assert (stream.accepted == (stream.confidence >= 0.7)).all()
    assert stream.classes == LABELS
    assert stream.drawn.all()
    none = read_stream(readonly, RUN, WatchedPolicy(Policy(0.7)))
    assert not none.drawn.any()


def test_a_higher_share_draws_the_same_cases_and_more(readonly):
    draws = [
        read_stream(readonly, RUN, WatchedPolicy(Policy(0.5)), share).audited
        for share in (0.1, 0.3, 1.0)
    ]
    assert (draws[0] <= draws[1]).all()
    assert (draws[1] <= draws[2]).all()
    accepted = draws[2].sum()
    assert 0.2 * accepted < draws[1].sum() < 0.4 * accepted


def test_a_verdicts_label_is_known_unknown_or_missing(store):
    cases = store.predictions(RUN, ["case_id", "predicted", "occurred_at"])
    ids, other = cases["case_id"][:4].tolist(), "cab" if cases["predicted"][1] != "cab" else "boom"
    answers = [("right", None), ("wrong", other), ("wrong", "a new part"), ("wrong", None)]
    Reviews(store).add_verdicts(
        ReviewVerdict(RUN, case_id, verdict, "Ito", datetime.now(UTC), label)
        for case_id, (verdict, label) in zip(ids, answers, strict=True)
    )
    order = cases.sort_values("occurred_at", kind="stable")["case_id"].tolist()
    unseen = read_stream(store, RUN, WatchedPolicy(Policy(0.7))).unseen
    assert unseen[[order.index(case_id) for case_id in ids]] == pytest.approx(
        [0, 0, 1, np.nan], nan_ok=True
    )
    assert np.isnan(unseen).sum() == len(order) - 3


def test_a_rehearsal_takes_the_files_labels_for_verdicts(readonly):
    cases = readonly.predictions(RUN, ["outcome", "occurred_at"])
    outcome = cases.sort_values("occurred_at", kind="stable")["outcome"].to_numpy()
    stream = read_stream(readonly, RUN, WatchedPolicy(Policy(0.7)), 1.0)
    assert ((stream.unseen == 1) == (outcome == "unseen")).all()
    assert (np.isnan(stream.unseen) == (outcome == "unlabelled")).all()


def test_an_epistemic_limit_and_a_rule_send_cases_to_people(readonly):
    stream = read_stream(
        readonly, RUN, WatchedPolicy(Policy(0.0, {"cab": "review_all"}, epistemic_limit=0.1)), 1.0
    )
    epistemic = readonly.predictions(RUN, ["case_id", "epistemic", "predicted", "occurred_at"])
    ordered = epistemic.sort_values("occurred_at", kind="stable")
    expected = (ordered["epistemic"] <= 0.1) & (ordered["predicted"] != "cab")
    assert (stream.accepted == expected.to_numpy()).all()


def test_a_stream_like_its_reference_raises_no_alarm_and_one_beyond_its_limit_does(readonly):
    quiet = watch_run(readonly, RUN, WatchedPolicy(Policy(0.7)), WatchSettings(), 1.0)
    assert not quiet.harmed
    assert quiet.windows["n"].sum() == quiet.cases == 1700
    low, high = quiet.audited.low, quiet.audited.high
    assert low == quiet.audited.value == high  # every case has its verdict: nothing is left open
    assert quiet.free.low <= quiet.audited.value <= quiet.free.high
    harmed = watch_run(
        readonly, RUN, WatchedPolicy(Policy(0.7)), WatchSettings(risk_limit=0.05), 1.0
    )
    alarm = next(alarm for alarm in harmed.alarms if alarm.level == HARM)
    assert alarm.detector == "risk"
    assert alarm.observed > 0.05 == alarm.expected
    assert (harmed.proposal.direction, harmed.proposal.reason) == ("stricter", "alarmed")
    assert alarm.start <= alarm.stop


def test_sentences_and_values_are_of_the_same_report(readonly):
    report = watch_run(
        readonly, RUN, WatchedPolicy(Policy(0.7)), WatchSettings(risk_limit=0.05), 0.5
    )
    record = watch_record(report)
    assert json.loads(json.dumps(record, default=str))["harmed"] is True
    assert len(record["windows"]) == len(report.windows)
    for language, words in (("en", "alarm of harm"), ("ja", "実害の警報")):
        text = watch_sentences(report, language)
        assert words in text
        assert "{" not in text


def test_another_share_or_policy_is_refused(readonly):
    with pytest.raises(SettingsError, match="rehearsal 0"):
        read_stream(readonly, RUN, WatchedPolicy(Policy(0.7)), 0.0)
    with pytest.raises(NotFoundError, match="not a stored policy"):
        add_proposed_policy(readonly, RUN, WatchedPolicy(Policy(0.7)), 0.1, "Sato", "why")
    assert policy_to_watch(readonly, RUN) is None


def test_only_harm_voids_a_certificate_and_only_until_it_is_cleared(store):
    version = certified(store)
    run = store.run(RUN).run
    assert bind_policy(store, version, run, TODAY).certificate == VALID
    watched = policy_to_watch(store, RUN)
    report = watch_run(store, RUN, watched, WatchSettings(), 1.0)
    assert report.risk_limit == 0.05  # the certificate's
    assert report.harmed  # half of the made-up labels are unknown to the model
    notices = replace(report, alarms=tuple(a for a in report.alarms if a.level != HARM))
    assert record_alarms(store, RUN, watched, notices) == 0
    assert bind_policy(store, version, run, TODAY).certificate == VALID
    assert record_alarms(store, RUN, watched, report) >= 1
    assert record_alarms(store, RUN, watched, report) == 0
    bound = bind_policy(store, version, run, TODAY)
    assert (bound.certificate, bound.void) == ("drift", (CERTIFICATE_VOID,))
    harm = WatchEvents(store).open_harm("line", 1)
    assert harm.author == "kakushin"
    clear = WatchEvent(RUN, "line", 1, "clear", harm.detector, 9, None, 50, 0.0, 0.05, "Tanaka")
    assert WatchEvents(store).add(clear)
    assert bind_policy(store, version, run, TODAY).certificate == VALID


def test_a_proposal_is_a_version_that_waits_for_approval(store):
    certified(store)
    watched = policy_to_watch(store, RUN)
    settings = WatchSettings(adapt=AdaptSettings(0.005))
    report = watch_run(store, RUN, watched, settings, 1.0)
    assert report.proposal.direction == "stricter"
    version = add_proposed_policy(store, RUN, watched, report.proposal.shift, "Sato", "audits")
    assert (version.version, version.certificate) == (2, None)
    assert version.content["threshold"] == pytest.approx(
        min(1, 0.9 + report.proposal.shift), abs=1e-9
    )
    assert Ledger(store).active_policy("line").version == 1
    kinds = [event.kind for event in timeline_events(store, RUN)]
    assert kinds.count("propose") == 2
    assert "distil" in kinds


def test_a_replay_is_the_truth_where_every_verdict_is_known(readonly):
    watched = WatchedPolicy(Policy(0.7))
    table = replay_policies(
        readonly, RUN, watched, {"0.900": Policy(0.9)}, WatchSettings(), None, 1.0
    )
    cases = readonly.predictions(RUN, ["confidence", "outcome"])
    for row, t in zip(table.itertuples(), (0.7, 0.9), strict=True):
        escaped = (cases["confidence"] >= t) & (cases["outcome"] != "right")
        assert row.leakage == row.leakage_low == row.leakage_high == pytest.approx(escaped.mean())
        assert row.named == escaped.sum()
    assert "0.900" in replay_sentences(table, "en")
    later = replay_policies(readonly, RUN, watched, {}, WatchSettings(), "2011-01-01", 1.0)
    assert later["n"].item() < len(cases)
    with pytest.raises(NotFoundError, match="on or after 2030-01-01"):
        replay_policies(readonly, RUN, watched, {}, WatchSettings(), "2030-01-01", 1.0)
    with pytest.raises(SettingsError, match="YYYY-MM-DD"):
        replay_policies(readonly, RUN, watched, {}, WatchSettings(), "soon", 1.0)


def test_shadow_audits_let_an_alarm_clear_and_only_by_evidence(store):
    """A void policy accepts nothing; drawn cases that it would accept are judged all the same."""
    version = certified(store, 0.9, 0.2)
    watched = policy_to_watch(store, RUN)
    with pytest.raises(NotFoundError, match="no open alarm"):
        clear_alarm(store, RUN, watched, WatchSettings(), "Tanaka")
    harm = WatchEvent(RUN, "line", 1, "harm", "risk", 4, None, 30, 0.5, 0.2, "kakushin")
    assert WatchEvents(store).add(harm)
    apply_policy(store, RUN, version, TODAY)
    assert not read_stream(store, RUN, watched).accepted.any()
    assert draw_shadow_audits(store, RUN, watched, 0.5) > 30
    assert draw_shadow_audits(store, RUN, watched, 0.5) == 0
    with pytest.raises(SettingsError, match="0 of 0 audits"):
        clear_alarm(store, RUN, watched, WatchSettings(), "Tanaka")
    drawn = Audits(store).draws(RUN, "line", 1)
    later = datetime.now(UTC) + timedelta(minutes=1)
    Reviews(store).add_verdicts(
        [
            ReviewVerdict(
                RUN, case_id, "right", "Sato", later, audit=True, inclusion_probability=0.5
            )
            for case_id in drawn["case_id"]
        ]
    )
    event = clear_alarm(store, RUN, watched, WatchSettings(), "Tanaka")
    assert event.observed == 0
    assert event.audits > 20
    assert WatchEvents(store).open_harm("line", 1) is None


def test_audits_by_people_are_read_and_complaints_are_not(store):
    """Drawn accepted cases count with n / N; a verdict that no draw asked for does not."""
    version = certified(store, 0.9)
    apply_policy(store, RUN, version, TODAY)
    watched = policy_to_watch(store, RUN)
    accepted = Audits(store).audited_cases(RUN, "line", 1).query("decision == 'accepted'")
    ids = accepted["case_id"].tolist()
    numbers = audit_numbers(audit_secret(store.folder), RUN, ids)
    drawn = np.flatnonzero(numbers < 0.4)
    Audits(store).add_draws(
        *(RUN, "line", 1, [ids[i] for i in drawn], ["all"] * len(drawn)),
        *(np.full(len(drawn), 0.4), numbers[drawn]),
    )
    later = datetime.now(UTC) + timedelta(minutes=1)
    complaint = ids[int(np.flatnonzero(numbers > 0.9)[0])]
    Reviews(store).add_verdicts(
        [
            ReviewVerdict(
                RUN, ids[i], "right", "Sato", later, audit=True, inclusion_probability=0.4
            )
            for i in drawn
        ]
        + [ReviewVerdict(RUN, complaint, "wrong", "Sato", later)]
    )
    stream = read_stream(store, RUN, watched)
    assert stream.audited.sum() == len(drawn)
    assert not stream.wrong[stream.audited].any()
    assert set(stream.inclusion[stream.accepted]) == {len(drawn) / len(ids)}
    report = watch_run(store, RUN, watched, WatchSettings())
    assert report.audits == len(drawn)
    assert report.audited.low == 0 < report.audited.high
