"""A meeting over the demo's store with everything in it that an export may meet: text that looks
like a formula or a tag.
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from core.decision.meeting.scenario import MeetingAssumptions
from core.decision.staffing.headcount import FullTime
from core.decision.thresholds.costs import UnitCosts
from core.decision.thresholds.policy import Policy
from core.report import meeting
from core.report.document import ReportDocument
from core.report.minutes import minutes_document
from core.report.poc import trial_report
from core.store.meetings import MeetingDecision
from core.store.store import Store
from dashboard.i18n import Words

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
FORMULA, TAG = "=1+1", "<b>山田</b> & Söhne"
LONG = "見逃しの費用が高いため、まず一つのラインで試し、" * 8
COSTS = UnitCosts(4.0, 120.0, 0.5, "AUD")
ASSUMED = MeetingAssumptions(review=6.0)
RUNS = ("score-work-orders-student-stream", "score-work-orders-teacher-stream")


def columns(
    store: Store,
    names: str = "ABC",
    assumed: MeetingAssumptions = ASSUMED,
    costs: UnitCosts = COSTS,
) -> list[meeting.ScenarioColumn]:
    """Scenarios of two models at several thresholds, frozen by somebody whose name is a tag."""
    found = []
    for i, name in enumerate(names):
        now = meeting.run_counts(store, RUNS[i % 2])
        made = meeting.scenario_of(
            name,
            now,
            Policy(0.4 + 0.2 * (i // 2)),
            "",
            True,
            5000.0,
            costs,
        )
        found.append(
            meeting.scenario_column(meeting.FrozenScenario(made, i + 1, TAG, AT), assumed, now)
        )
    return found


def log(entries: int = 2) -> list[MeetingDecision]:
    """Decisions: the first is a formula for a reason that is a tag, the others long ones."""
    first = MeetingDecision(FORMULA, TAG, TAG, "meeting A", 1, AT)
    return [
        first,
        *(
            MeetingDecision(LONG[:180], LONG[:195], "Tanaka", None, None, AT)
            for _ in range(entries - 1)
        ),
    ]


def document(store: Store, language: str, names: str = "ABC", entries: int = 2) -> ReportDocument:
    """The minutes of that meeting."""
    shown = columns(store, names)
    terms = {"width": 0.05, "target": 0.05, "delta": 0.05}
    poc = trial_report(shown, "A", meeting.run_counts(store, shown[0].used.run_id), terms, 90)
    return minutes_document(
        Words(language),
        shown,
        log(entries),
        poc,
        TAG,
        AT,
        FullTime(5, 7.5, 0.8),
        ZoneInfo("Asia/Tokyo"),
    )
