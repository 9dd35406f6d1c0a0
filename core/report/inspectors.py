"""View-models of "Ten inspectors or one": cases to look at, votes and bars as tidy frames, levels
of uncertainty, and the gate's decision.

Reads the store through core.store.samples; everything else is pure. Knows no word of a screen.
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
PICKS = (EPISTEMIC, ALEATORIC, WRONG, NEAR, ANY)  # kinds of cases to choose from
OFFERED = 20  # the most cases of a kind; ANY has all
# Shares of the run's cases below a level: the top fifth is high, the lower half is low.
HIGH, MIDDLE = 0.8, 0.5
LEVEL_NAMES = ("low", "middle", "high")
# nats: samples are stored as float32, so an uncertainty computed from them differs slightly from
# the stored one. Without a tolerance a case would count as below itself.
ROUNDING = 1e-6
MOST_BARS = 6  # the most labels that a chart of K labels names


@dataclass(frozen=True)
class VotedCase:
    """One case, stored or typed: the samples [N, K] of the N inspectors and the prediction of the
    student, None without one.
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
        """Return the prediction that reaches the gate: the student's, or without a student that of
        the inspectors together.
        """
        return self.votes.together if self.student is None else self.student


@dataclass(frozen=True)
class UncertaintyLevel:
    """The rank of an uncertainty among a run's n cases: the count `below` has less."""

    value: float  # nats
    below: int
    n: int

    @property
    def name(self) -> str:
        """Return one of LEVEL_NAMES; the lowest without cases to compare with."""
        # Booleans add up to the position: 0, 1 or 2.
        share = self.below / max(self.n, 1)
        return LEVEL_NAMES[(share >= MIDDLE) + (share >= HIGH)]


@dataclass(frozen=True)
class GateRule:
    """The rule of the gate. `policy` is active in the store under `name` and `version`, or consists
    of one threshold.

    `problem` says why an active policy is unreadable; then every case goes to review.
    """

    policy: Policy
    name: str | None = None
    version: int | None = None
    problem: str = ""

    def least(self, segment: str, predicted: str) -> float:
        """Return the confidence that a case needs; infinite if all cases of its kind go to review."""
        threshold = self.policy.threshold_of(segment, predicted)
        return math.inf if threshold == REVIEW_ALL else float(threshold)

    def gate(self, segment: str, labels: tuple[str, ...], answer: Prediction) -> "GateOutcome":
        """Return the decision of the gate on an answer."""
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
    """The decision on an answer. `least` is the confidence that it needs, None if all cases of its
    kind go to review.

    `limit` is the highest accepted epistemic uncertainty in nats, None for no limit; `rule` is the
    rule that decided.
    """

    accepted: bool
    least: float | None
    limit: float | None
    rule: GateRule


# Reads of the store. dashboard.session.state caches each of them by data version.


def active_rule(store: Store) -> GateRule | None:
    """Return the active policy, None without one. An unreadable policy sends every case to review."""
    active = Ledger(store).active_policy()
    if active is None:
        return None
    try:
        return GateRule(Policy.from_dict(active.content), active.name, active.version)
    except SettingsError as error:
        return GateRule(Policy(REVIEW_ALL), active.name, active.version, str(error))


def sampled_cases(store: Store, sampled: str, scored: str) -> pd.DataFrame:
    """Return the predictions of the run `scored` for the cases with samples of the run `sampled`:
    columns of PART_SCHEMA, by case id.

    The columns spread_aleatoric and spread_epistemic are those of the run `sampled`, nats.
    """
    cases = Samples(store).cases(sampled, scored).set_index("case_id", drop=False)
    spread = Samples(store).cases(sampled, sampled).set_index("case_id")[["aleatoric", "epistemic"]]
    return cases.join(spread.add_prefix("spread_"), how="inner")


def samples_of(store: Store, run_id: str, case_id: str) -> np.ndarray:
    """Return the samples of a case, [N, K]. Raises NotFoundError."""
    return Samples(store).of(run_id, case_id)


def share_below(store: Store, run_id: str, aleatoric: float, epistemic: float) -> Below:
    """Return how many of the run's cases have less of each uncertainty, by more than ROUNDING."""
    return Samples(store).below(run_id, aleatoric - ROUNDING, epistemic - ROUNDING)


# Pure functions.


def stored_case(
    row: pd.Series, samples: np.ndarray, labels: tuple[str, ...], has_student: bool
) -> VotedCase:
    """Return a row of `sampled_cases` as a case. Raises NonFiniteError.

    row: of `sampled_cases`.
    samples: of the inspectors, [N, K].
    labels: the K labels in order.
    has_student: whether the prediction of the row is a student's.
    """
    label = None if pd.isna(row["label"]) else row["label"]
    answers = (
        checked_prediction(np.asarray(row["probabilities"]), row["aleatoric"], row["epistemic"])
        if has_student
        else None
    )
    return VotedCase(row["text"], row["segment"], labels, samples, answers, row["outcome"], label)


def uncertainty_levels(answer: Prediction, below: Below) -> dict[str, UncertaintyLevel]:
    """Return the "aleatoric" and "epistemic" level of an answer among the counted cases."""
    return {
        name: UncertaintyLevel(getattr(answer, name), getattr(below, name), below.n)
        for name in (ALEATORIC, EPISTEMIC)
    }


def uncertainty_cause(levels: dict[str, UncertaintyLevel]) -> str:
    """Return which uncertainty is high: "both", "aleatoric", "epistemic" or "neither"."""
    high = [name for name, level in levels.items() if level.name == LEVEL_NAMES[-1]]
    return "both" if len(high) == 2 else high[0] if high else "neither"


def offered_cases(cases: pd.DataFrame, pick: str, rule: GateRule) -> pd.DataFrame:
    """Return at most OFFERED cases of a kind, in order of interest, with the column `figure` for
    display. cases: of `sampled_cases`.

    EPISTEMIC and ALEATORIC: the highest uncertainty of the teacher first. WRONG: wrong answers, the
    most confident first. NEAR: the confidence nearest to the need of the case at the gate. ANY: all
    cases in the order of their file. `figure` is the teacher's uncertainty in nats for the first
    two, else the confidence.
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
    """Return a row an inspector, the leading label first: inspector (from 1), label, probability,
    place (rank of its label by votes).
    """
    # [K], 0 for the leading label. lexsort sorts by its last key first: votes, then probability.
    order = np.argsort(np.lexsort((-votes.together.probabilities, -votes.counts)))
    frame = pd.DataFrame(
        {
            "inspector": np.arange(1, len(votes.choices) + 1),
            "label": [labels[i] for i in votes.choices],
            "probability": votes.probability,
            "place": order[votes.choices],
        }
    )
    return frame.sort_values(
        ["place", "probability"], ascending=[True, False], kind="stable", ignore_index=True
    )


def bar_frame(
    samples: np.ndarray, student: Prediction | None, labels: tuple[str, ...]
) -> pd.DataFrame:
    """Return a row a label: label, teacher (mean of the N), low and high (least and greatest of the
    N), student (NaN without one), votes.

    The rows are the MOST_BARS likeliest labels of the teacher or the student, by the teacher's
    mean.
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
    return frame.loc[most.nlargest(MOST_BARS).index].sort_values(
        "teacher", ascending=False, kind="stable", ignore_index=True
    )
