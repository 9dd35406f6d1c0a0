"""Propose another threshold from audits: small weighted steps, hysteresis, and nothing by default.

t <- clip(t + g (xi wrong / pi - a)) after each case, a the target of leakage and xi 1 if the case
was audited (adaptive conformal inference, Gibbs & Candes, arXiv 2106.00170, with Horvitz-Thompson
weights). One audit moves t by g / pi at most, which is bounded: a clipped large step loses weight
and leaks more than it reports. Adapting a stable stream only adds noise, so a step becomes a
proposal only when the audits show that the target is missed or can be met with fewer reviews, and
when the change is worth its trouble. Nothing here changes a policy. Knows no store.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.counts.joint import threshold_at
from core.decision.thresholds.policy import Policy, Threshold
from core.errors import SettingsError
from core.types import Interval

MOST_STEP = 0.1  # g / pi at most
STRICTER, LOOSER, KEEP = "stricter", "looser", "keep"
# Why the proposal is to keep the policy.
WITHIN_TARGET, TOO_SMALL, NO_SAVING, NO_AUDITS = (
    "within_target",
    "too_small",
    "no_saving",
    "no_audits",
)
PROVED = "shown"  # the audits show it
ALARMED = "alarmed"  # an alarm of harm asks for the stricter fallback


@dataclass(frozen=True)
class AdaptSettings:
    """The limits on a move of the threshold.

    target: leakage, in (0, 1). gain: g, the step. least_change: of the threshold, below which
    nothing is proposed. least_saving: money a case, below which a looser threshold is not proposed.
    """

    target: float
    gain: float = 0.02
    least_change: float = 0.01
    least_saving: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.target < 1:
            raise SettingsError("decision.open_share", name="target", value=self.target)
        for name in ("gain", "least_change", "least_saving"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise SettingsError("watch.step", name=name, value=value)


@dataclass(frozen=True)
class ThresholdProposal:
    """A proposed move: `shift` is added to each threshold, 0 for KEEP."""

    direction: str  # STRICTER, LOOSER or KEEP
    shift: float
    reason: str  # PROVED or ALARMED, or why nothing is proposed
    automatic: bool  # whether it may take effect without a person: only towards stricter


def bounded_gain(gain: float, least_inclusion: float) -> float:
    """Return g, lowered so that one audit moves the threshold by MOST_STEP at most."""
    return min(gain, MOST_STEP * least_inclusion)


def threshold_shifts(
    margin: ArrayLike,
    wrong: ArrayLike,
    drawn: ArrayLike,
    inclusion: ArrayLike,
    settings: AdaptSettings,
    ends: tuple[float, float] = (-0.5, 0.5),
) -> NDArray[np.float64]:
    """Return the shift of the thresholds before each of n cases and after the last, [n + 1].

    margin: confidence less the threshold of the case, [n]; it is accepted at margin >= shift.
    wrong: bool, read only where drawn, [n]. drawn: whether the case's verdict is known, [n].
    inclusion: pi of that, in (0, 1], [n]. ends: bounds of the shift.
    """
    distance, pi = (np.asarray(x, dtype=np.float64) for x in (margin, inclusion))
    counted = np.asarray(drawn, dtype=bool) & np.asarray(wrong, dtype=bool)
    gain = bounded_gain(settings.gain, float(pi.min()) if len(pi) else 1.0)
    shifts = np.empty(len(distance) + 1)
    shifts[0] = shift = 0.0
    for i, (gap, known_wrong, share) in enumerate(zip(distance, counted, pi, strict=True)):
        error = known_wrong / share if gap >= shift else 0.0
        shift = min(ends[1], max(ends[0], shift + gain * (error - settings.target)))
        shifts[i + 1] = shift
    return shifts


def propose_threshold(
    shift: float, leakage: Interval, looser: Interval, saving: float, settings: AdaptSettings
) -> ThresholdProposal:
    """Return the proposal after a stream's steps; KEEP unless the audits show that it is needed.

    shift: the last of `threshold_shifts`. leakage: audited, of the policy in force. looser:
    audited, of the policy moved by `shift`, where that is looser. saving: money a case that the
    move saves. settings: target and hysteresis. A stricter move needs leakage.low > target, a
    looser one looser.high <= target and the saving.
    """
    if leakage.low is None or leakage.high is None:
        return _keep(NO_AUDITS)
    if leakage.low > settings.target:
        move = max(shift, settings.least_change)
        return ThresholdProposal(STRICTER, _rounded(move), PROVED, automatic=True)
    if shift >= 0:
        return _keep(WITHIN_TARGET)
    if -shift < settings.least_change:
        return _keep(TOO_SMALL)
    if looser.high is None or looser.high > settings.target:
        return _keep(WITHIN_TARGET)
    if saving <= settings.least_saving:
        return _keep(NO_SAVING)
    return ThresholdProposal(LOOSER, _rounded(shift), PROVED, automatic=False)


def fallback_proposal(
    margin: ArrayLike, expected: ArrayLike, target: float, inflation: float
) -> ThresholdProposal:
    """Return the stricter fallback on an alarm of harm; a shift of 1 sends every case to people.

    The arguments are those of `fallback_shift`.
    """
    shift = fallback_shift(margin, expected, target, inflation)
    return ThresholdProposal(STRICTER, 1.0 if shift is None else shift, ALARMED, automatic=True)


def shifted_policy(policy: Policy, shift: float) -> Policy:
    """Return the policy with each numeric threshold moved by `shift`, within 0 to 1.

    Rules that send a class or segment to people stay.
    """
    return replace(
        policy,
        threshold=_moved(policy.threshold, shift),
        by_class={name: _moved(t, shift) for name, t in policy.by_class.items()},
        by_segment={name: _moved(t, shift) for name, t in policy.by_segment.items()},
        by_cell={cell: _moved(t, shift) for cell, t in policy.by_cell.items()},
    )


def fallback_shift(
    margin: ArrayLike, expected: ArrayLike, target: float, inflation: float
) -> float | None:
    """Return the least shift >= 0 at which the leakage that an alarm implies meets the target.

    margin: confidence less the case's threshold, [n]. expected: P(wrong) by the estimate, [n].
    inflation: audited errors over expected ones since the change; 1 or less changes nothing. None:
    no shift up to 1 does, so that people have to review every case.
    """
    distance = np.asarray(margin, dtype=np.float64)
    risk = np.minimum(1.0, np.asarray(expected, dtype=np.float64) * max(1.0, inflation))
    for step in range(1001):
        if np.where(distance >= step / 1000, risk, 0.0).mean() <= target:
            return step / 1000 if (distance >= step / 1000).any() else None
    return None


def _keep(reason: str) -> ThresholdProposal:
    return ThresholdProposal(KEEP, 0.0, reason, automatic=False)


def _rounded(shift: float) -> float:
    return round(shift, 3)


def _moved(threshold: Threshold, shift: float) -> Threshold:
    if isinstance(threshold, str):  # REVIEW_ALL is no number and has nothing to move
        return threshold
    return threshold_at(round(1000 * min(1.0, max(0.0, threshold + shift))))
