"""What alarms mean together, on streams made by hand: each cause, its figures and its limit cases."""

import numpy as np
import pytest

from core.decision.watch.alarms import HARM, NOTICE, Alarm
from core.decision.watch.diagnosis import (
    BENIGN,
    CAUSES,
    LEAST_AUDITS,
    NEW_LABELS,
    QUIET,
    STALE,
    UNNAMED,
    UNPROVED,
    Diagnosis,
    diagnose_alarms,
)
from core.decision.watch.report import WatchSettings, watch_stream
from core.decision.watch.stream import ReferenceCases, WatchedStream
from core.messages import LANGUAGES
from core.report.watch_text import diagnosis_matrix, diagnosis_text, watch_record, watch_sentences

RIGHT, NEW, KNOWN, BARE = "right", "new", "known", "bare"  # an audit's answer; bare: no label


def stream(answers, audited=True) -> WatchedStream:
    """Accepted cases with these answers, one a day."""
    n, wrong = len(answers), np.array([answer != RIGHT for answer in answers])
    unseen = np.array([{NEW: 1.0, BARE: np.nan}.get(answer, 0.0) for answer in answers])
    days = np.datetime64("2026-01-01") + np.arange(n)
    return WatchedStream(
        ("a", "b"),
        occurred_at=days.astype("datetime64[us]"),
        day=np.arange(n),
        predicted=np.zeros(n, dtype=int),
        confidence=np.full(n, 0.9),
        margin=np.full(n, 0.1),
        accepted=np.ones(n, bool),
        drawn=np.full(n, audited),
        wrong=wrong,
        inclusion=np.ones(n),
        missing=np.zeros(n, bool),
        unseen=unseen,
    )


def reference(answers) -> ReferenceCases:
    """Accepted labelled cases with these answers."""
    right = np.array([answer == RIGHT for answer in answers])
    unseen = np.array([answer == NEW for answer in answers])
    n = len(answers)
    return ReferenceCases(np.zeros(n, int), np.full(n, 0.9), np.full(n, 0.1), right, unseen)


def alarm(level, start=0, stop=0) -> Alarm:
    detector = "risk" if level == HARM else "class"
    moment = np.datetime64("2026-01-01")
    return Alarm(level, detector, start, stop, moment, 1, 1, 0.5, 0.1, 0.1, 10.0)


BEFORE = reference([RIGHT] * 90 + [NEW] * 8 + [KNOWN] * 2)


def diagnose(answers, *alarms, limit=0.2, audited=True, before=BEFORE) -> Diagnosis:
    return diagnose_alarms(stream(answers, audited), before, alarms, limit)


def test_without_an_alarm_nothing_is_diagnosed():
    assert diagnose([KNOWN] * 40) == Diagnosis(QUIET)


def test_a_notice_is_benign_only_with_enough_audits_within_the_limit():
    """The limit of 0.2 allows 6 errors in 30 audits."""
    enough = [RIGHT] * (LEAST_AUDITS - 6) + [KNOWN] * 6
    assert diagnose(enough, alarm(NOTICE)).cause == BENIGN
    assert diagnose(enough[1:], alarm(NOTICE)).cause == UNPROVED  # 29 audits
    assert diagnose([*enough[1:], KNOWN], alarm(NOTICE)).cause == UNPROVED  # 7 of 30 wrong
    assert diagnose(enough, alarm(NOTICE), audited=False).cause == UNPROVED
    assert diagnose(enough, alarm(NOTICE), limit=None).cause == UNPROVED


def test_only_audits_since_the_change_count():
    late = diagnose([KNOWN] * 50 + [RIGHT] * 30, alarm(NOTICE, start=50))
    assert (late.cause, late.start, late.audits, late.wrong) == (BENIGN, 50, 30, 0)


def test_the_labels_of_the_added_errors_tell_new_kinds_of_cases_from_an_outdated_student():
    """Before, 8% new and 2% known. Of 50: 10 new and 5 known errors add 12 and 8 points; 9 and 5 add
    10 and 8; 8 and 6 add 8 and 10. The larger share alone would say "new" of all three.
    """
    causes = [
        diagnose([RIGHT] * 35 + [NEW] * new + [KNOWN] * known, alarm(HARM)).cause
        for new, known in ((10, 5), (9, 5), (8, 6))
    ]
    assert causes == [NEW_LABELS, NEW_LABELS, STALE]
    found = diagnose([RIGHT] * 35 + [NEW] * 10 + [KNOWN] * 5, alarm(HARM))
    assert (found.new_share, found.known_share) == (0.2, 0.1)
    assert (found.reference_new, found.reference_known) == (0.08, 0.02)


def test_where_most_errors_have_no_label_the_cause_is_not_known():
    assert diagnose([RIGHT] * 20 + [NEW] * 5 + [BARE] * 6, alarm(HARM)).cause == UNNAMED
    half = diagnose([RIGHT] * 20 + [NEW] * 5 + [BARE] * 5, alarm(HARM))
    assert (half.cause, half.unnamed, half.wrong) == (NEW_LABELS, 5, 10)


def test_harm_outweighs_an_earlier_notice():
    answers = [NEW] * 20 + [RIGHT] * 40 + [KNOWN] * 20
    found = diagnose(answers, alarm(NOTICE, start=0), alarm(HARM, start=60))
    assert (found.cause, found.start, found.known_share) == (STALE, 60, 1.0)


def test_a_reference_without_an_accepted_case_adds_nothing():
    none = reference([RIGHT])
    none.margin[:] = -0.1
    assert diagnose([NEW] * 3 + [KNOWN] * 2, alarm(HARM), before=none).cause == NEW_LABELS


@pytest.mark.parametrize(("answer", "cause"), [(NEW, NEW_LABELS), (KNOWN, STALE), (BARE, UNNAMED)])
def test_a_report_names_the_cause_of_an_alarm_of_harm(answer, cause):
    """Forty right audits, then two thirds wrong: the audited risk raises the alarm by itself."""
    answers = [RIGHT] * 40 + [answer, answer, RIGHT] * 20
    report = watch_stream(stream(answers), BEFORE, WatchSettings(every=1000.0, risk_limit=0.2))
    assert report.harmed
    assert report.diagnosis.cause == cause
    assert watch_record(report)["diagnosis"]["cause"] == cause
    for language, word in (("en", "diagnosis:"), ("ja", "診断：")):
        assert f"{word}{' ' if language == 'en' else ''}" in watch_sentences(report, language)
        assert " ".join(diagnosis_text(report, language)).count("{") == 0
        matrix = diagnosis_matrix(report, language)
        assert matrix["mark"].tolist() == ["●" if name == cause else "" for name in CAUSES]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_without_an_alarm_has_no_diagnosis_in_its_sentences(language):
    report = watch_stream(stream([RIGHT] * 40), BEFORE, WatchSettings())
    assert report.diagnosis.cause == QUIET
    assert {"en": "diagnosis:", "ja": "診断："}[language] not in watch_sentences(report, language)
