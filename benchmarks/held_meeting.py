"""What a meeting leaves in the demo's workspace, for pictures of the pages that show it.

Two scenarios, a decision, and a policy that another person approved and that has decided the cases,
in one language and its currency. Names of people are made up.
"""

from core.decision.thresholds.costs import UnitCosts
from core.decision.thresholds.policy import Policy
from core.pipeline.apply import apply_active_policy
from core.report import meeting
from core.report.money_start import costs_with_retraining
from core.store import steps
from core.store.ledger import Ledger
from core.store.lines import read_lines
from core.store.meetings import Meetings
from core.store.store import Store

STRICTER = 0.005  # threshold of scenario B, above A's
SAID = {  # author, approver, decision, reasons of decision and policy
    "ja": (
        "山田花子",
        "鈴木一郎",
        "案Aで3か月試す",
        "確認が少なく、流出も少ないため",
        "会議で決めた案A",
    ),
    "en": (
        "Hanako Yamada",
        "Ichiro Suzuki",
        "Try scenario A for three months",
        "Fewer reviews and few escapes",
        "Scenario A, as decided in the meeting",
    ),
}


def hold_meeting(store: Store, language: str) -> None:
    """Record the meeting on the first line's run; the demo must have been built."""
    line = next(iter(read_lines(store).values()))
    if line.opens is None or line.threshold is None:
        raise SystemExit("the first line has no result yet: `kakushin demo` builds it")
    author, approver, decision, reason, why = SAID[language]
    assumed, run = line.in_language(language), store.run(line.opens).run
    costs = UnitCosts(assumed.review, assumed.escape, assumed.machine_hour, assumed.currency)
    costs = costs_with_retraining(costs, store.runs(), run.dataset)
    counts = meeting.run_counts(store, run.run_id)
    for name, threshold in (("B", line.threshold + STRICTER), ("A", line.threshold)):
        scenario = meeting.scenario_of(
            name, counts, Policy(round(threshold, 3)), "", True, assumed.cases_per_day, costs
        )
        frozen = meeting.freeze_scenario(store, scenario, author)
    about = (meeting.ledger_name("A"), frozen.version)
    Meetings(store).add("held", decision, reason, author, about)
    ledger = Ledger(store)
    rule = Policy(line.threshold).to_dict()
    proposal, _ = steps.record_proposal(ledger, run.dataset, rule, author, why, [run.run_id])
    for event in ("approve", "activate"):
        ledger.add_policy_event(proposal.name, proposal.version, event, approver, why)
    apply_active_policy(store, run.run_id)
