"""The error rates of reviewers, and the result of audits without those errors. Pure.

A reviewer errs in two ways: calling a right answer wrong (rate a) and a wrong answer right (rate
b). Both are counted where the truth is known: on gold cases, and on cases that two or more people
settled by a majority. That two people err alike there is ignored, an error of the order a * b.
With risk r, audits show r (1 - b) + (1 - r) a, so r = (r_obs - a) / (1 - a - b) (Rogan & Gladen
1978): at r = a = 2% and b = 0 they show 3.96%.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta, betabinom

from core.decision.audits.estimate import summarise_audits
from core.stats.exact_bounds import clopper_pearson
from core.types import Interval

_SIDES = 2  # people who agree settle a case
# Strengths of the prior that its likelihood is searched over, in cases.
_STRENGTHS = np.geomspace(2, 2000, 61)


@dataclass(frozen=True)
class ReviewerErrors:
    """Errors of all reviewers together, and of each.

    false_wrong: a, of `false_wrong.n` judgements of right answers. false_right: b, of judgements of
    wrong answers. by_reviewer: indexed by reviewer: n_right, called_wrong, n_wrong, called_right,
    and the rates false_wrong and false_right shrunk by the prior.
    """

    false_wrong: Interval
    false_right: Interval
    by_reviewer: pd.DataFrame


def reviewer_errors(
    verdicts: pd.DataFrame,
    predicted: Mapping[str, str],
    gold: Mapping[str, str],
    level: float = 0.95,
) -> ReviewerErrors:
    """Return the reviewers' errors on cases whose truth is known.

    verdicts: a frame of core.store.reviews.Reviews.verdicts. predicted: the model's label of each
    case. gold: certain labels by case. level: of the Clopper-Pearson intervals.
    """
    last = verdicts.drop_duplicates(["case_id", "reviewer"], keep="last")
    clear = last[last["verdict"].isin(["right", "wrong"])]
    truth = _settled_verdicts(clear)
    for case_id in gold.keys() & predicted.keys():
        truth[case_id] = "right" if predicted[case_id] == gold[case_id] else "wrong"
    judged = clear.assign(truth=clear["case_id"].map(truth)).dropna(subset=["truth"])
    right, says_wrong = judged["truth"] == "right", judged["verdict"] == "wrong"
    counts = (
        pd.DataFrame(
            {
                "reviewer": judged["reviewer"],
                "n_right": right,
                "called_wrong": right & says_wrong,
                "n_wrong": ~right,
                "called_right": ~right & ~says_wrong,
            }
        )
        .groupby("reviewer")
        .sum()
        .astype(int)
    )
    sums = counts.sum()
    return ReviewerErrors(
        clopper_pearson(int(sums["called_wrong"]), int(sums["n_right"]), level),
        clopper_pearson(int(sums["called_right"]), int(sums["n_wrong"]), level),
        counts.assign(
            false_wrong=shrunk_rates(counts["called_wrong"], counts["n_right"]),
            false_right=shrunk_rates(counts["called_right"], counts["n_wrong"]),
        ),
    )


def shrunk_rates(errors: ArrayLike, n: ArrayLike) -> NDArray[np.float64]:
    """Return the error rate of each of K reviewers under one beta prior over all of them, [K].

    errors, n: counts of each, [K]. The prior's mean is the pooled rate (with half an error and half
    a success added), its strength the likeliest of the beta-binomial counts: reviewers who differ
    no more than chance share one rate, and others keep their own.
    """
    x, k = np.asarray(errors, dtype=np.float64), np.asarray(n, dtype=np.float64)
    if not len(x):
        return x
    mean = (x.sum() + 0.5) / (k.sum() + 1)
    strengths = _STRENGTHS[:, None]
    likelihood = betabinom.logpmf(x, k, mean * strengths, (1 - mean) * strengths).sum(axis=1)
    strength = _STRENGTHS[int(np.argmax(likelihood))]
    return np.asarray(beta.mean(mean * strength + x, (1 - mean) * strength + k - x))


def corrected_share(observed: float, false_wrong: float, false_right: float) -> float | None:
    """Return the risk behind an observed share of wrong audits, in [0, 1].

    Rogan & Gladen's estimate. None where the reviewers tell right from wrong no better than chance.

    >>> round(corrected_share(0.0396, 0.02, 0.0), 4)
    0.02
    """
    skill = 1 - false_wrong - false_right
    if skill <= 0:
        return None
    return float(np.clip((observed - false_wrong) / skill, 0, 1))


def corrected_risk(observed: Interval, errors: ReviewerErrors) -> Interval:
    """Return the corrected risk with an interval that all three uncertainties widen.

    observed: the audits' risk. errors: the reviewers'. Each of the three intervals at level 1 - d
    makes the result hold at 1 - 3 d (union bound), which is the returned level. The risk falls as a
    rises and rises with b. All None if one of the three has no case.
    """
    a, b = errors.false_wrong, errors.false_right
    level = max(0.0, 1 - sum(1 - part.level for part in (observed, a, b)))
    ends = (observed.low, observed.high, a.low, a.high, b.low, b.high)
    if any(end is None for end in ends):
        return Interval(None, None, None, observed.n, level)
    low, high, a_low, a_high, b_low, b_high = (float(end) for end in ends if end is not None)
    value = None
    if observed.value is not None and a.value is not None and b.value is not None:
        value = corrected_share(observed.value, a.value, b.value)
    worst, best = corrected_share(high, a_low, b_high), corrected_share(low, a_high, b_low)
    return Interval(
        value, 0.0 if best is None else best, 1.0 if worst is None else worst, observed.n, level
    )


def corrected_leakage(
    cases: pd.DataFrame,
    verdicts: pd.DataFrame,
    gold: Mapping[str, str],
    level: float = 0.95,
    counts: tuple[int, int] | None = None,
) -> tuple[ReviewerErrors, Interval]:
    """Return the reviewers' errors, and the leakage that audits show once they are taken out.

    cases, counts: as of core.decision.audits.estimate.summarise_audits. verdicts: the run's, of
    Reviews. gold: certain labels by case. level: of the leakage; the errors' intervals have
    1 - (1 - level) / 3.
    Leakage = coverage * risk; all None while audits, right or wrong answers are unjudged.
    """
    part = 1 - (1 - level) / 3
    predicted = dict(zip(cases["case_id"], cases["predicted"], strict=True))
    errors = reviewer_errors(verdicts, predicted, gold, part)
    summary = summarise_audits(cases, part, counts)
    risk = corrected_risk(summary.risk, errors)
    ends = [
        None if share is None else (summary.coverage or 0.0) * share
        for share in (risk.value, risk.low, risk.high)
    ]
    return errors, Interval(ends[0], ends[1], ends[2], risk.n, level)


def _settled_verdicts(clear: pd.DataFrame) -> dict[str, str]:
    """Return the verdict of each case on which enough people agree, and more than disagree."""
    votes = clear.groupby(["case_id", "verdict"]).size().unstack(fill_value=0)
    votes = votes.reindex(columns=["right", "wrong"], fill_value=0)
    most, least = votes.max(axis=1), votes.min(axis=1)
    settled = votes[(most >= _SIDES) & (most > least)]
    return dict(settled.idxmax(axis=1))
