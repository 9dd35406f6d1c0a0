"""Made-up cases on the edges of thresholds and limits, and their joint counts, for the tests of the
decision engine.
"""

import numpy as np
from hypothesis import strategies as st

from core.counts.histogram import EPISTEMIC_LIMITS
from core.counts.joint import JointCounts, JointCumulative
from core.decision.thresholds.costs import CostModel, UnitCosts
from core.types import OUTCOMES

SEGMENTS, CLASSES = ("A", "B"), ("x", "y")
# inference 0.005 a case
TERMS = CostModel(100.0, UnitCosts(review=5, escape=150, machine_hour=2), seconds_per_case=9)
_STEP = st.integers(0, 1000).map(lambda i: i / 1000)
_BESIDE = st.builds(
    lambda c, to: float(np.clip(np.nextafter(c, to), 0, 1)), _STEP, st.sampled_from([-1.0, 2.0])
)
CONFIDENCE = st.one_of(st.floats(0, 1), _STEP, _BESIDE, st.sampled_from([0.0, 1.0]))
_LIMIT = st.sampled_from(EPISTEMIC_LIMITS.tolist())
EPISTEMIC = st.one_of(st.floats(0, 3), _LIMIT, _LIMIT.map(lambda x: float(np.nextafter(x, 9))))
COARSE = st.integers(0, 10).map(lambda i: i / 10)
LIMITS = st.sampled_from([None, 0.005, 0.1, 1.5])


def cases(confidence=CONFIDENCE, outcomes=OUTCOMES, **size):
    """Strategy of rows (segment, predicted, outcome, confidence, epistemic)."""
    one = st.tuples(
        st.sampled_from(SEGMENTS),
        st.sampled_from(CLASSES),
        st.sampled_from(outcomes),
        confidence,
        EPISTEMIC,
    )
    return st.lists(one, **{"max_size": 25, **size})


def columns(rows) -> list:
    """Rows -> segment, predicted, outcome, confidence [n], epistemic [n]."""
    found = [list(c) for c in zip(*rows, strict=True)] or [[] for _ in range(5)]
    return [*found[:3], np.array(found[3], dtype=np.float64), np.array(found[4], dtype=np.float64)]


def joint(rows) -> JointCounts:
    return JointCounts.from_predictions(*columns(rows), segments=SEGMENTS, classes=CLASSES)


def cumulative(rows) -> JointCumulative:
    return JointCumulative(joint(rows))


def simple(*rows) -> JointCumulative:
    """Cases (confidence, outcome) of one segment and class, certain of themselves."""
    return cumulative([("A", "x", outcome, confidence, 0.0) for confidence, outcome in rows])
