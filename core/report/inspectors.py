"""View-models of "Ten inspectors or one": cases worth looking at, votes and bars as tidy frames,
levels, and the gate's answer.

Reads the store through core.store.samples; everything else is pure. Knows no word that a screen
says.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.counts.joint import REVIEW_ALL
from core.decision.thresholds.policy import Policy
from core.errors import SettingsError
from core.stats.votes import Prediction, Votes, checked_prediction, count_votes
from core.store.ledger import Ledger
from core.store.samples import Below, Samples
from core.store.store import Store

EPISTEMIC, ALEATORIC, WRONG, NEAR, ANY = "epistemic", "aleatoric", "wrong", "near", "any"
PICKS = (EPISTEMIC, ALEATORIC, WRONG, NEAR, ANY)  # kinds of cases that are offered
OFFERED = 20  # cases of a kind, but of ANY, which has all
# shares of the run's cases below a level: the top fifth is high, the lower half is low
HIGH, MIDDLE = 0.8, 0.5
LEVELS = ("low", "middle", "high")
# nats: samples are kept as float32, so a case's own uncertainty comes out a little beside the
# stored one
ROUNDING = 1e-6
SHOWN = 6  # labels that a chart of K labels shows by name


@dataclass(frozen=True)
class VotedCase:
    """One case, stored or typed: what the N inspectors say, samples [N, K], and the student, None
    where it was not asked.
    """

    text: str
    segment: str
    labels: tuple[str, ...]
    samples: np.ndarray
    student: Prediction | None
    outcome: str = "unlabelled"  # of the answer at the gate
    label: str | None = None  # the label on record

    @property
    def votes(self) -> Votes:
        return count_votes(self.samples)

    @property
    def answer(self) -> Prediction:
        """The one that comes to the gate: the student's, or that of the inspectors together where
        there is no student.
        """
        return self.votes.together if self.student is None else self.student


@dataclass(frozen=True)
class UncertaintyLevel:
    """How large an uncertainty is among a run's n cases: `below` of them, a count, have less."""

    value: float  # nats
    below: int
    n: int

    @property
    def name(self) -> str:
        """One of LEVELS; the lowest where there is nothing to compare with."""
        share = self.below / max(self.n, 1)
        return LEVELS[(share >= MIDDLE) + (share >= HIGH)]


@dataclass(frozen=True)
class GateRule:
    """What decides at the gate. `policy` is active in the store under `name` and `version`, or made
    of one threshold.

    `problem` says why an active policy cannot be read; then all is reviewed.
    """

    policy: Policy
    name: str | None = None
    version: int | None = None
    problem: str = ""

    def least(self, segment: str, predicted: str) -> float:
        """The confidence that a case needs; infinite where every case of its kind is reviewed."""
        threshold = self.policy.threshold_of(segment, predicted)
        return math.inf if threshold == REVIEW_ALL else float(threshold)

    def gate(self, segment: str, labels: tuple[str, ...], answer: Prediction) -> "GateOutcome":
        """Where this answer goes."""
        predicted = labels[answer.best]
        accepted = self.policy.accepts(
            [segment], [predicted], [answer.confidence], [answer.epistemic]
        )
        least = self.least(segment, predicted)
        return GateOutcome(
            bool(accepted[0]),
            least if math.isfinite(least) else None,
            self.policy.epistemic_limit,
            self,
        )


@dataclass(frozen=True)
class GateOutcome:
    """Where an answer goes. `least` is the confidence that it needs, None where every case of its
    kind is reviewed.

    `limit` is the most epistemic that is accepted, nats, None for no limit; `rule` is what decided.
    """

    accepted: bool
    least: float | None
    limit: float | None
    rule: GateRule


# --- out of the store; each is read once a data version by dashboard.session.state
# ---------------------------------------------------


def active_rule(store: Store) -> GateRule | None:
    """The active policy, None where there is none. One that cannot be read sends everything to
    review.
    """
    active = Ledger(store).active_policy()
    if active is None:
        return None
    try:
        return GateRule(Policy.from_dict(active.content), active.name, active.version)
    except SettingsError as error:
        return GateRule(Policy(REVIEW_ALL), active.name, active.version, str(error))


def sampled_cases(store: Store, sampled: str, scored: str) -> pd.DataFrame:
    """What the run `scored` says of the cases whose samples the run `sampled` keeps: columns of
    PART_SCHEMA, by case id.

    Two more, spread_aleatoric and spread_epistemic, are what the run `sampled` says of them, nats.
    """
    cases = Samples(store).cases(sampled, scored).set_index("case_id", drop=False)
    spread = Samples(store).cases(sampled, sampled).set_index("case_id")[["aleatoric", "epistemic"]]
    return cases.join(spread.add_prefix("spread_"), how="inner")


def samples_of(store: Store, run_id: str, case_id: str) -> np.ndarray:
    """What each sample said of a case, [N, K]. Raises NotFoundError."""
    return Samples(store).of(run_id, case_id)


def share_below(store: Store, run_id: str, aleatoric: float, epistemic: float) -> Below:
    """How many of the run's cases have less of each, by more than ROUNDING."""
    return Samples(store).below(run_id, aleatoric - ROUNDING, epistemic - ROUNDING)


# --- pure
# --------------------------------------------------------------------------------------------------------------------


def stored_case(
    row: pd.Series, samples: np.ndarray, labels: tuple[str, ...], has_student: bool
) -> VotedCase:
    """A row of `sampled_cases`, scored by the student where `has_student`, as a case. Raises
    NonFiniteError.
    """
    label = None if pd.isna(row["label"]) else row["label"]
    answers = (
        checked_prediction(np.asarray(row["probabilities"]), row["aleatoric"], row["epistemic"])
        if has_student
        else None
    )
    return VotedCase(row["text"], row["segment"], labels, samples, answers, row["outcome"], label)


def uncertainty_levels(answer: Prediction, found: Below) -> dict[str, UncertaintyLevel]:
    """The "aleatoric" and "epistemic" of an answer among the cases that were counted."""
    return {
        name: UncertaintyLevel(getattr(answer, name), getattr(found, name), found.n)
        for name in (ALEATORIC, EPISTEMIC)
    }


def uncertainty_cause(found: dict[str, UncertaintyLevel]) -> str:
    """Which uncertainty is high: "both", "aleatoric", "epistemic" or "neither"."""
    high = [name for name, level in found.items() if level.name == LEVELS[-1]]
    return "both" if len(high) == 2 else high[0] if high else "neither"


def offered_cases(cases: pd.DataFrame, pick: str, rule: GateRule) -> pd.DataFrame:
    """The cases of a kind, the foremost first, OFFERED at most. cases: of `sampled_cases`; `figure`
    is added, to be shown.

    EPISTEMIC and ALEATORIC: the teacher's, most first. WRONG: wrong answers, the most confident
    first. NEAR: the confidence nearest to what the case needs at the gate. ANY: all of them in the
    order of their file. `figure` is the teacher's uncertainty in nats for the first two, else the
    confidence.
    """
    cases = cases.assign(
        figure=cases[f"spread_{pick}"] if pick in (EPISTEMIC, ALEATORIC) else cases["confidence"]
    )
    if pick == ANY:
        return cases
    if pick == NEAR:
        least = [
            rule.least(*kind) for kind in zip(cases["segment"], cases["predicted"], strict=True)
        ]
        gap = (cases["confidence"] - least).abs()
        return cases.loc[gap[np.isfinite(gap)].sort_values(kind="stable").index[:OFFERED]]
    if pick == WRONG:
        cases = cases[cases["outcome"].isin(("wrong", "unseen"))]
    return cases.nlargest(OFFERED, "figure")


def vote_frame(votes: Votes, labels: tuple[str, ...]) -> pd.DataFrame:
    """A row an inspector: inspector (from 1), label, sureness, place (rank of its label by votes).
    The leading label first.
    """
    # [K], 0 for the leading label
    order = np.argsort(np.lexsort((-votes.together.probabilities, -votes.counts)))
    frame = pd.DataFrame(
        {
            "inspector": np.arange(1, len(votes.choices) + 1),
            "label": [labels[i] for i in votes.choices],
            "sureness": votes.sureness,
            "place": order[votes.choices],
        }
    )
    return frame.sort_values(
        ["place", "sureness"], ascending=[True, False], kind="stable", ignore_index=True
    )


def bar_frame(
    samples: np.ndarray, student: Prediction | None, labels: tuple[str, ...]
) -> pd.DataFrame:
    """A row a label: label, teacher (mean of the N), low and high (least and greatest of the N),
    student (NaN without), votes.

    The labels that the teacher or the student finds likeliest, the teacher's first: SHOWN of them.
    """
    p = np.asarray(samples, dtype=np.float64)
    student_answer = np.full(p.shape[1], np.nan) if student is None else student.probabilities
    frame = pd.DataFrame(
        {
            "label": list(labels),
            "teacher": p.mean(0),
            "low": p.min(0),
            "high": p.max(0),
            "student": student_answer,
            "votes": np.bincount(p.argmax(1), minlength=p.shape[1]),
        }
    )
    most = frame[["teacher", "student"]].max(axis=1)
    return frame.loc[most.nlargest(SHOWN).index].sort_values(
        "teacher", ascending=False, kind="stable", ignore_index=True
    )
