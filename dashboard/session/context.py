"""What the page 'Decide' is about: the choices, the run, the runs of the same cases, and the volume
they stand for.
"""

from dataclasses import dataclass

from core.counts.histogram import AcceptanceCurve
from core.decision.staffing.headcount import FullTime
from core.decision.thresholds import daily_money
from core.decision.thresholds.policy import CostModel
from core.report.mix import UNTRAINED
from core.types import OUTCOMES, RunRecord
from dashboard.i18n import Words
from dashboard.session import cache
from dashboard.session.address import ALL, Choices

VOLUME_UNKNOWN = 100.0  # cases a day, assumed where the cases have no dates


@dataclass(frozen=True)
class RunContext:
    """The choices, the chosen run, those of the same cases by model kind, and cases a day."""

    words: Words
    chosen: Choices
    record: RunRecord
    same: dict[str, RunRecord]  # the chosen run first
    volume: float  # cases a day of the whole run
    measured: bool  # the volume is the run's own, from its dates

    @property
    def run_id(self) -> str:
        return self.record.run.run_id

    @property
    def kind(self) -> str:
        return self.record.run.model_kind

    @property
    def segment(self) -> str | None:
        """The chosen segment, None for all."""
        return self.chosen.segment or None

    @property
    def names(self) -> dict[str, str]:
        """Model kind -> what a reader calls it."""
        return {kind: model_name(self.words, record) for kind, record in self.same.items()}

    @property
    def costs(self) -> daily_money.UnitCosts:
        chosen = self.chosen
        return daily_money.UnitCosts(chosen.review, chosen.escape, chosen.machine, chosen.currency)

    @property
    def full_time(self) -> FullTime:
        """What one person at the desk does."""
        return FullTime(self.chosen.minutes, self.chosen.shift, self.chosen.busy / 100)

    @property
    def terms(self) -> CostModel:
        """Volume of the chosen segment, unit costs and measured seconds of the chosen run."""
        return CostModel(self.per_day(self.chosen.segment), self.costs, self.seconds(self.kind))

    def counts(self, kind: str, segment: str = ALL) -> AcceptanceCurve:
        """Cumulative counts of the run of a model kind."""
        return cache.cumulative(self.same[kind].run.run_id, segment)

    def per_day(self, segment: str = ALL) -> float:
        """Cases a day that count: the run's volume times their share of the run's cases."""
        return (
            self.volume
            * _counted(self.counts(self.kind, segment), self.chosen.unseen)
            / max(1, self.record.cases)
        )

    def seconds(self, kind: str) -> float | None:
        """Measured seconds a case of a model kind."""
        return self.same[kind].metrics.get("seconds_per_case")

    def kind_name(self, kind: str) -> str:
        """What a reader calls a kind of case: its label, or all that the model was not trained on."""
        return self.words("mix.untrained") if kind == UNTRAINED else kind


def _counted(counts: AcceptanceCurve, unseen: bool) -> int:
    """Cases that count: all, or all whose label the model was trained on."""
    of_all = counts.accepted[:, 0]
    return int(of_all.sum() - (0 if unseen else of_all[OUTCOMES.index("unseen")]))


def model_name(words: Words, record: RunRecord) -> str:
    """Return what a reader calls the model of a run: the student, the teacher with its passes, the
    point estimate.
    """
    return words(f"model.{record.run.model_kind}", passes=words.number(record.run.samples, 0))
