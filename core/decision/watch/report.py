"""The report on a watched stream: leakage over time, levels of the detectors, alarms, a proposal.

Two levels. Notice: the inputs have changed, which may harm nothing. Harm: audits show that the risk
of accepted cases is above its limit, or that the estimate without labels is too low; only harm
voids a certificate. The handle is "one false alarm per N cases" for each level; its detectors share
it. Pure: a WatchedStream and ReferenceCases in, a WatchReport out. The page and the verb `monitor`
show the same report.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.decision.watch.adapt import (
    KEEP,
    NO_AUDITS,
    AdaptSettings,
    ThresholdProposal,
    fallback_proposal,
    propose_threshold,
    threshold_shifts,
)
from core.decision.watch.alarms import (
    HARM,
    LEVEL_OF,
    RESIDUAL_DETECTOR,
    RISK_DETECTOR,
    Alarm,
    watch_steps,
    watched_levels,
)
from core.decision.watch.detectors import checked_limit
from core.decision.watch.diagnosis import LEAST_AUDITS, Diagnosis, diagnose_alarms
from core.decision.watch.labelfree import Recalibration, label_free_leakage, stable_risk_leakage
from core.decision.watch.replay import replayed_leakage
from core.decision.watch.stream import ReferenceCases, WatchedStream, cut_windows
from core.types import Interval

# Why a part of the report is empty, beside NO_AUDITS; the words are the screen's.
NO_REFERENCE, FEW_AUDITS, UNDATED, WITHDRAWN = "no_reference", "few_audits", "undated", "withdrawn"
DEFAULT_EVERY = 10_000.0  # cases per false alarm


@dataclass(frozen=True)
class WatchSettings:
    """every: cases per false alarm of each level. risk_limit: of the accepted cases; None takes the
    upper bound of the reference's risk. adapt: of the proposal. review, escape: money of one.
    """

    every: float = DEFAULT_EVERY
    risk_limit: float | None = None
    adapt: AdaptSettings | None = None
    review: float = 4.0
    escape: float = 120.0

    def __post_init__(self) -> None:
        checked_limit(self.every)


@dataclass(frozen=True, eq=False)
class WatchReport:
    """The figures of a watched stream, for the page and the verb.

    windows: start, end (times or positions), n, accepted, audits, and for each of free, stable and
    audited the columns name, name_low, name_high: shares of all cases; NaN where unknown. levels:
    detector, at, position, level: log M over log of the limit, at least 0; an alarm at 1.
    """

    cases: int
    accepted: int
    audits: int
    reference_risk: Interval
    risk_limit: float | None
    every: float
    windows: pd.DataFrame
    levels: pd.DataFrame
    alarms: tuple[Alarm, ...]
    diagnosis: Diagnosis
    free: Interval
    stable: Interval
    audited: Interval
    proposal: ThresholdProposal
    notes: tuple[str, ...] = field(default=())

    @property
    def harmed(self) -> bool:
        """Whether an alarm says that accepted cases are worse than promised."""
        return any(alarm.level == HARM for alarm in self.alarms)

    @property
    def withdrawn(self) -> bool:
        """Whether the audits contradict the estimate without labels."""
        return any(alarm.detector == RESIDUAL_DETECTOR for alarm in self.alarms)


def watch_stream(
    stream: WatchedStream, reference: ReferenceCases, settings: WatchSettings
) -> WatchReport:
    """Return the report on a stream against its reference."""
    fitted = reference.recalibration()
    risk = reference.risk()
    limit = settings.risk_limit if settings.risk_limit is not None else risk.high
    expected = fitted.wrong_share(stream.confidence) if fitted else np.zeros(len(stream))
    watches = watch_steps(stream, reference, fitted, limit)
    levels, alarms = [], []
    for name, watch in watches.items():
        # Detectors of a level share its rate of false alarms.
        partners = sum(LEVEL_OF[partner] == LEVEL_OF[name] for partner in watches)
        level, alarm = watched_levels(
            stream, reference, name, watch, settings.every * partners, expected
        )
        levels.append(level)
        alarms += [alarm] if alarm else []
    notes = _notes(stream, fitted, alarms)
    free = _free(fitted, stream, slice(None))
    audited = _audited(stream, expected, np.ones(len(stream), dtype=bool))
    return WatchReport(
        cases=len(stream),
        accepted=int(stream.accepted.sum()),
        audits=int(stream.audited.sum()),
        reference_risk=risk,
        risk_limit=limit,
        every=settings.every,
        windows=_windows(stream, reference, fitted, expected),
        levels=pd.concat(levels, ignore_index=True) if levels else pd.DataFrame(),
        alarms=tuple(sorted(alarms, key=lambda alarm: alarm.stop)),
        diagnosis=diagnose_alarms(stream, reference, alarms, limit),
        free=free,
        stable=stable_risk_leakage(risk, risk.n, stream.accepted),
        audited=audited,
        proposal=_fallback(stream, expected, alarms, settings)
        or _proposal(stream, expected, settings),
        notes=notes,
    )


def _windows(
    stream: WatchedStream,
    reference: ReferenceCases,
    fitted: Recalibration | None,
    expected: NDArray[np.float64],
) -> pd.DataFrame:
    if not len(stream):
        return pd.DataFrame()
    window, risk = cut_windows(stream), reference.risk()
    rows = []
    for number in np.unique(window):
        inside = window == number
        places = np.flatnonzero(inside)
        figures = {
            "free": _free(fitted, stream, inside),
            "stable": stable_risk_leakage(risk, risk.n, stream.accepted[inside]),
            "audited": _audited(stream, expected, inside),
        }
        row = {
            "start": stream.occurred_at[places[0]],
            "end": stream.occurred_at[places[-1]],
            "first": int(places[0]),
            "last": int(places[-1]),
            "n": len(places),
            "accepted": int(stream.accepted[inside].sum()),
            "audits": int(stream.audited[inside].sum()),
        }
        for name, interval in figures.items():
            row |= {
                name: interval.value,
                f"{name}_low": interval.low,
                f"{name}_high": interval.high,
            }
        rows.append(row)
    shares = [f"{name}{end}" for name in figures for end in ("", "_low", "_high")]
    return pd.DataFrame(rows).astype(dict.fromkeys(shares, float))


def _free(
    fitted: Recalibration | None, stream: WatchedStream, rows: NDArray[np.bool_] | slice
) -> Interval:
    if fitted is None:
        return Interval(None, None, None, 0)
    return label_free_leakage(fitted, stream.confidence[rows], stream.accepted[rows])


def _audited(
    stream: WatchedStream, expected: NDArray[np.float64], inside: NDArray[np.bool_]
) -> Interval:
    """Return the audited leakage of these cases; no figure where an accepted case exists and none
    was audited.
    """
    accepted = stream.accepted[inside]
    if accepted.any() and not stream.audited[inside].any():
        return Interval(None, None, None, 0)
    return replayed_leakage(stream.decided(expected).select(inside), accepted)


def _proposal(
    stream: WatchedStream,
    expected: NDArray[np.float64],
    settings: WatchSettings,
) -> ThresholdProposal:
    adapt = settings.adapt
    if adapt is None or not stream.audited.any():
        return ThresholdProposal(KEEP, 0.0, NO_AUDITS, automatic=False)
    shift = float(
        threshold_shifts(stream.margin, stream.wrong, stream.drawn, stream.inclusion, adapt)[-1]
    )
    moved = stream.margin >= shift
    cases = stream.decided(expected)
    escapes = settings.escape * cases.escapes()
    # Money a case that the move saves: the present policy's less the moved one's.
    costs = [np.where(taken, escapes, settings.review) for taken in (stream.accepted, moved)]
    saving = float((costs[0] - costs[1]).mean())
    # Valid at any time: the report is read again and again, and each look could propose.
    leakage, looser = (
        replayed_leakage(cases, taken, anytime=True) for taken in (stream.accepted, moved)
    )
    return propose_threshold(shift, leakage, looser, saving, adapt)


def _fallback(
    stream: WatchedStream,
    expected: NDArray[np.float64],
    alarms: list[Alarm],
    settings: WatchSettings,
) -> ThresholdProposal | None:
    """Return the stricter fallback if an audited risk is above its limit, else None."""
    risks = [alarm for alarm in alarms if alarm.detector == RISK_DETECTOR]
    if not risks or settings.adapt is None:
        return None
    since = slice(risks[-1].start, None)
    audited = stream.audited[since]
    promised = float(expected[since][audited].mean())
    inflation = float(stream.wrong[since][audited].mean()) / max(promised, 1e-9)
    return fallback_proposal(
        stream.margin[since], expected[since], settings.adapt.target, inflation
    )


def _notes(
    stream: WatchedStream, fitted: Recalibration | None, alarms: list[Alarm]
) -> tuple[str, ...]:
    audits = int(stream.audited.sum())
    checks = {
        NO_REFERENCE: fitted is None,
        NO_AUDITS: audits == 0,
        FEW_AUDITS: 0 < audits < LEAST_AUDITS,
        UNDATED: not stream.dated,
        WITHDRAWN: any(alarm.detector == RESIDUAL_DETECTOR for alarm in alarms),
    }
    return tuple(name for name, holds in checks.items() if holds)
