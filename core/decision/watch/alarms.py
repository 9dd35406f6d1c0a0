"""The four detectors over a stream: their log ratios, levels by day, alarms and causes.

Classes and confidence watch the inputs of all cases (notice); the audited risk and the residual of
the estimate without labels watch the audits (harm). Pure.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.decision.watch import detectors, ratios
from core.decision.watch.labelfree import Recalibration, cautious_wrong_share
from core.decision.watch.stream import ReferenceCases, WatchedStream

NOTICE, HARM = "notice", "harm"
CLASS_DETECTOR, CONFIDENCE_DETECTOR, RISK_DETECTOR, RESIDUAL_DETECTOR = (
    "class",
    "confidence",
    "risk",
    "residual",
)
LEVEL_OF = {
    CLASS_DETECTOR: NOTICE,
    CONFIDENCE_DETECTOR: NOTICE,
    RISK_DETECTOR: HARM,
    RESIDUAL_DETECTOR: HARM,
}


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
    occurred_at: np.datetime64
    cases: int
    audits: int
    observed: float
    expected: float
    divergence: float
    needed: float
    about: str = ""
    repeats: int = 0


@dataclass(frozen=True, eq=False)
class WatchSteps:
    """Log ratios [n, A] of the steps at these positions of the stream, [n]."""

    log_ratios: NDArray[np.float64]
    position: NDArray[np.intp]
    promised: float = 0.0  # the limit of the risk; of no other detector


def watch_steps(
    stream: WatchedStream,
    reference: ReferenceCases,
    fitted: Recalibration | None,
    limit: float | None,
) -> dict[str, WatchSteps]:
    """Return the detectors that the data allow, by name.

    fitted: None watches no input and no residual. limit: of the audited risk; None does not watch
    it.
    """
    watches: dict[str, WatchSteps] = {}
    every_case = np.arange(len(stream))
    if fitted is not None and len(stream):
        counts = np.bincount(reference.predicted, minlength=len(stream.classes))
        watches[CLASS_DETECTOR] = WatchSteps(
            ratios.class_log_ratios(stream.predicted, counts, stream.day), every_case
        )
        edges = ratios.bin_edges(reference.confidence)
        bins = [np.searchsorted(edges, x.confidence, side="right") for x in (reference, stream)]
        by_bin = np.bincount(bins[0], minlength=len(edges) + 1)
        watches[CONFIDENCE_DETECTOR] = WatchSteps(
            ratios.tilt_log_ratios(bins[1], by_bin, stream.day), every_case
        )
    audited = np.flatnonzero(stream.audited)
    if not len(audited):
        return watches
    wrong, pi = stream.wrong[audited], stream.inclusion[audited]
    floor = float(stream.inclusion[stream.accepted].min())
    if limit is not None and 0 < limit < ratios.HIGHEST_RISK:
        logs = ratios.audit_log_ratios(wrong, pi, limit, floor)
        watches[RISK_DETECTOR] = WatchSteps(logs, audited, limit)
    if fitted is not None:
        taken = reference.accepted
        p = cautious_wrong_share(
            fitted.wrong_share(stream.confidence[audited]),
            int((taken & ~reference.right).sum()),
            int(taken.sum()),
        )
        watches[RESIDUAL_DETECTOR] = WatchSteps(
            ratios.residual_log_ratios(wrong, p, pi, floor), audited
        )
    return watches


def watched_levels(
    stream: WatchedStream,
    reference: ReferenceCases,
    name: str,
    watch: WatchSteps,
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
            "at": stream.occurred_at[position],
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
    observed, expected_level, about = _cause(stream, reference, name, start, stop, expected)
    if name == RISK_DETECTOR:
        expected_level = watch.promised
    audits = int(stream.audited[start : stop + 1].sum())
    return frame, Alarm(
        *(LEVEL_OF[name], name, start, stop, stream.occurred_at[stop], stop - start + 1, audits),
        *(observed, expected_level, divergence, needed, about, len(crossings) - 1),
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
    if name == CONFIDENCE_DETECTOR:
        return float(stream.confidence[span].mean()), float(reference.confidence.mean()), ""
    if name == CLASS_DETECTOR:
        shares = [
            np.bincount(x, minlength=len(stream.classes)) / len(x)
            for x in (stream.predicted[span], reference.predicted)
        ]
        most = int(np.abs(shares[0] - shares[1]).argmax())
        return float(shares[0][most]), float(shares[1][most]), stream.classes[most]
    audited = stream.audited[span]
    observed = float(stream.wrong[span][audited].mean())
    if name == RESIDUAL_DETECTOR:
        return observed, float(expected[span][audited].mean()), ""
    return observed, 0.0, ""
