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

from core.decision.watch import detectors, ratios
from core.decision.watch.adapt import (
    KEEP,
    AdaptSettings,
    ThresholdProposal,
    fallback_proposal,
    propose_threshold,
    threshold_shifts,
)
from core.decision.watch.adapt import NO_AUDITS as UNPROVED
from core.decision.watch.labelfree import (
    Recalibration,
    cautious_wrong_share,
    label_free_leakage,
    stable_risk_leakage,
)
from core.decision.watch.replay import replayed_leakage
from core.decision.watch.stream import ReferenceCases, WatchedStream, cut_windows
from core.types import Interval

NOTICE, HARM = "notice", "harm"
CLASS, CONFIDENCE, RISK, RESIDUAL = "class", "confidence", "risk", "residual"
LEVEL_OF = {CLASS: NOTICE, CONFIDENCE: NOTICE, RISK: HARM, RESIDUAL: HARM}
# Why a part of the report is empty; the words are the screen's.
NO_REFERENCE, NO_AUDITS, FEW_AUDITS, UNDATED, WITHDRAWN = (
    "no_reference",
    "no_audits",
    "few_audits",
    "undated",
    "withdrawn",
)
LEAST_AUDITS = 30  # below this many the audited figure is shown with a warning
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
        detectors.checked_limit(self.every)


@dataclass(frozen=True)
class Alarm:
    """A detector that reached its limit.

    start, stop: positions in the stream of the estimated change and of the alarm. cases, audits:
    between them. observed, expected: share of wrong audits and its limit, or of the class named by
    `about`, or mean confidence. divergence: nats a step seen since the change. needed: cases that
    this divergence takes on average to raise an alarm. repeats: later alarms of the same detector.
    """

    level: str
    detector: str
    start: int
    stop: int
    at: np.datetime64
    cases: int
    audits: int
    observed: float
    expected: float
    divergence: float
    needed: float
    about: str = ""
    repeats: int = 0


@dataclass(frozen=True, eq=False)
class WatchReport:
    """What the page and the verb show.

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
        return any(alarm.detector == RESIDUAL for alarm in self.alarms)


def watch_stream(
    stream: WatchedStream, reference: ReferenceCases, settings: WatchSettings
) -> WatchReport:
    """Return the report on a stream against its reference."""
    fitted = reference.recalibration()
    risk = reference.risk()
    limit = settings.risk_limit if settings.risk_limit is not None else risk.high
    expected = fitted.wrong_share(stream.confidence) if fitted else np.zeros(len(stream))
    watches = _watches(stream, reference, fitted, limit)
    levels, alarms = [], []
    for name, watch in watches.items():
        # Detectors of a level share its rate of false alarms.
        partners = sum(LEVEL_OF[other] == LEVEL_OF[name] for other in watches)
        level, alarm = _watched(stream, reference, name, watch, settings.every * partners, expected)
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
        free=free,
        stable=stable_risk_leakage(risk, risk.n, stream.accepted),
        audited=audited,
        proposal=_fallback(stream, expected, alarms, settings)
        or _proposal(stream, expected, settings),
        notes=notes,
    )


@dataclass(frozen=True, eq=False)
class _Watch:
    """Log ratios [n, A] of the steps at these positions of the stream, [n]."""

    log_ratios: NDArray[np.float64]
    position: NDArray[np.intp]
    promised: float = 0.0  # the limit of the risk; of no other detector


def _watches(
    stream: WatchedStream,
    reference: ReferenceCases,
    fitted: Recalibration | None,
    limit: float | None,
) -> dict[str, _Watch]:
    watches: dict[str, _Watch] = {}
    every_case = np.arange(len(stream))
    if fitted is not None and len(stream):
        counts = np.bincount(reference.predicted, minlength=len(stream.classes))
        watches[CLASS] = _Watch(
            ratios.class_log_ratios(stream.predicted, counts, stream.day), every_case
        )
        edges = ratios.bin_edges(reference.confidence)
        bins = [np.searchsorted(edges, x.confidence, side="right") for x in (reference, stream)]
        by_bin = np.bincount(bins[0], minlength=len(edges) + 1)
        watches[CONFIDENCE] = _Watch(
            ratios.tilt_log_ratios(bins[1], by_bin, stream.day), every_case
        )
    audited = np.flatnonzero(stream.audited)
    if not len(audited):
        return watches
    wrong, pi = stream.wrong[audited], stream.inclusion[audited]
    floor = float(stream.inclusion[stream.accepted].min())
    if limit is not None and 0 < limit < ratios.HIGHEST_RISK:
        logs = ratios.audit_log_ratios(wrong, pi, limit, floor)
        watches[RISK] = _Watch(logs, audited, limit)
    if fitted is not None:
        taken = reference.accepted
        p = cautious_wrong_share(
            fitted.wrong_share(stream.confidence[audited]),
            int((taken & ~reference.right).sum()),
            int(taken.sum()),
        )
        watches[RESIDUAL] = _Watch(ratios.residual_log_ratios(wrong, p, pi, floor), audited)
    return watches


def _watched(
    stream: WatchedStream,
    reference: ReferenceCases,
    name: str,
    watch: _Watch,
    limit: float,
    expected: NDArray[np.float64],
) -> tuple[pd.DataFrame, Alarm | None]:
    """Return a detector's levels by day and its first alarm, if any."""
    # All cases count towards N, so a step weighs the cases since the step before.
    weights = np.diff(watch.position, prepend=-1).astype(np.float64)
    daily, weight, last = detectors.block_by_day(
        watch.log_ratios,
        stream.day[watch.position],
        weights,
        # Inputs of one day resemble each other: their product would count one event many times.
        pooled=LEVEL_OF[name] == NOTICE,
    )
    path = detectors.restarted_path(daily, limit, weight)
    position = watch.position[last]
    frame = pd.DataFrame(
        {
            "detector": name,
            "at": stream.at[position],
            "position": position,
            "level": np.maximum(0.0, path / np.log(limit)),
        }
    )
    crossings = detectors.all_crossings(daily, limit, weight)
    if not crossings:
        return frame, None
    first = crossings[0]
    start = int(watch.position[0 if first.start == 0 else last[first.start - 1] + 1])
    stop = int(position[first.stop])
    steps = slice(int(np.searchsorted(watch.position, start)), int(last[first.stop]) + 1)
    # The seen divergence, of the alternative that fits best since the change.
    divergence = float(watch.log_ratios[steps].mean(0).max())
    share = (steps.stop - steps.start) / (stop - start + 1)
    needed = detectors.expected_delay(limit * share, divergence) / share
    observed, wanted, about = _cause(stream, reference, name, start, stop, expected)
    if name == RISK:
        wanted = watch.promised
    audits = int(stream.audited[start : stop + 1].sum())
    return frame, Alarm(
        *(LEVEL_OF[name], name, start, stop, stream.at[stop], stop - start + 1, audits),
        *(observed, wanted, divergence, needed, about, len(crossings) - 1),
    )


def _cause(
    stream: WatchedStream,
    reference: ReferenceCases,
    name: str,
    start: int,
    stop: int,
    expected: NDArray[np.float64],
) -> tuple[float, float, str]:
    """Return (observed, expected, about) of an alarm between two positions."""
    span = slice(start, stop + 1)
    if name == CONFIDENCE:
        return float(stream.confidence[span].mean()), float(reference.confidence.mean()), ""
    if name == CLASS:
        shares = [
            np.bincount(x, minlength=len(stream.classes)) / len(x)
            for x in (stream.predicted[span], reference.predicted)
        ]
        most = int(np.abs(shares[0] - shares[1]).argmax())
        return float(shares[0][most]), float(shares[1][most]), stream.classes[most]
    audited = stream.audited[span]
    observed = float(stream.wrong[span][audited].mean())
    if name == RESIDUAL:
        return observed, float(expected[span][audited].mean()), ""
    return observed, 0.0, ""


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
            "start": stream.at[places[0]],
            "end": stream.at[places[-1]],
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
    chosen = settings.adapt
    if chosen is None or not stream.audited.any():
        return ThresholdProposal(KEEP, 0.0, UNPROVED, automatic=False)
    shift = float(
        threshold_shifts(stream.margin, stream.wrong, stream.drawn, stream.inclusion, chosen)[-1]
    )
    moved = stream.margin >= shift
    cases = stream.decided(expected)
    escapes = settings.escape * cases.escapes()
    # Money a case that the move saves: the present policy's less the moved one's.
    saving = float(
        (
            np.where(stream.accepted, escapes, settings.review)
            - np.where(moved, escapes, settings.review)
        ).mean()
    )
    # Valid at any time: the report is read again and again, and each look could propose.
    leakage, looser = (
        replayed_leakage(cases, taken, anytime=True) for taken in (stream.accepted, moved)
    )
    return propose_threshold(shift, leakage, looser, saving, chosen)


def _fallback(
    stream: WatchedStream,
    expected: NDArray[np.float64],
    alarms: list[Alarm],
    settings: WatchSettings,
) -> ThresholdProposal | None:
    """Return the stricter fallback if an audited risk is above its limit, else None."""
    risks = [alarm for alarm in alarms if alarm.detector == RISK]
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
        WITHDRAWN: any(alarm.detector == RESIDUAL for alarm in alarms),
    }
    return tuple(name for name, holds in checks.items() if holds)
