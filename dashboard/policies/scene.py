"""What the page 'Policies' is about, for all of its parts: the choices, the cases, what the store
holds, and today.

Knows how a version is named in lists and in the address. Draws nothing.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from core.counts.joint import JointCumulative
from core.decision.thresholds.policy import CostModel, Policy, PolicyConsequence, policy_consequence
from core.errors import SettingsError
from core.report.policy_history import ACTIVE, Life, lives
from core.store import entries
from core.types import RunRecord
from dashboard.i18n import Words
from dashboard.session import cache
from dashboard.session.address import Choices
from dashboard.session.context import RunContext

DRAFT = "draft"  # what is being edited, beside the versions "name@3" of the store


@dataclass(frozen=True)
class Scene:
    """Everything that a part of the page needs."""

    words: Words
    chosen: Choices
    record: RunRecord
    calibration: RunRecord | None  # finished calibration run of the same model
    cumulative: JointCumulative  # of all segments
    terms: CostModel
    stored: dict[str, entries.PolicyVersion]  # "name@3" -> version, newest first
    events: list[entries.PolicyEvent]
    lives: dict[tuple[str, int], Life]
    today: date

    @property
    def active(self) -> entries.PolicyVersion | None:
        """The version that is in force."""
        return next((one for one in self.stored.values() if self.life(one).state == ACTIVE), None)

    @property
    def seen(self) -> int:
        """Position of the last event that the page shows."""
        return self.events[-1].position if self.events else 0

    def life(self, one: entries.PolicyVersion) -> Life:
        return self.lives[one.name, one.version]

    def means(self, policy: Policy) -> PolicyConsequence:
        """What a policy does to these cases."""
        return policy_consequence(self.cumulative, policy, self.terms)


def key_of(one: entries.PolicyVersion | entries.PolicyEvent) -> str:
    """What a version is called in lists and in the address."""
    return f"{one.name}@{one.version}"


def thresholds_of(one: entries.PolicyVersion) -> Policy | None:
    """The thresholds of a version; None where its content is none, such as one that another program
    wrote.
    """
    try:
        return Policy.from_dict(one.content)
    except SettingsError:
        return None


def gathered(words: Words, runs: list[RunRecord], record: RunRecord, chosen: Choices) -> Scene:
    """Read what the page shows. Raises StoreError."""
    (stored, events), run = cache.policies(), RunContext(words, chosen, runs, record)
    cumulative = cache.cells(run.run_id, chosen.unseen)
    counted = float(cumulative.total.sum()) / max(1, record.cases)
    return Scene(
        words,
        chosen,
        record,
        run.own_calibration,
        cumulative,
        CostModel(run.volume * counted, run.costs, run.seconds(run.kind)),
        {key_of(one): one for one in stored},
        events,
        lives(stored, events),
        datetime.now(UTC).date(),
    )
