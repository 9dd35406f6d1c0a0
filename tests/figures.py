"""Charts of the components drawn over counts of three rows."""

import numpy as np
import pandas as pd

from dashboard.components import charts
from dashboard.i18n import Words

WORDS = Words("ja")
SEPARATED = {
    "separators": WORDS.separators,
    "symbol": "$",
    "unit": "",
    "amount": ",.2f",
    "ticks": ",",
}
SEPARATED["coincide"] = "{names} ({points})"
NAMES = {"student": "S", "teacher": "T", "point": "P"}


def risk_coverage(risk=0.2):
    rows = pd.DataFrame(
        {"threshold": [0.0, 0.5, 1.0], "coverage": [1.0, 0.5, 0.0], "risk": [0.4, risk, np.nan]}
    ).assign(n=100)
    # apart by more than the interval, or they would be drawn as one
    shifted = {kind: rows["risk"] + i / 5 for i, kind in enumerate(NAMES)}
    curves = pd.concat(
        [
            rows.assign(model_kind=kind, risk=risks, low=risks - 0.1, high=risks + 0.1)
            for kind, risks in shifted.items()
        ]
    )
    return charts.risk_coverage_figure(
        curves,
        NAMES,
        {"coverage": 0.5, "risk": risk},
        SEPARATED | WORDS.chart_words("axis.coverage", "axis.risk", "now", "band", "threshold"),
    )


def thresholds(money=1.0):
    curve = pd.DataFrame({"threshold": [0.0, 0.5, 1.0]})
    curve = curve.assign(
        **{f"{name}{end}": 1.0 for name in ("reviews", "leakage") for end in ("", "_low", "_high")}
    )
    curve = curve.assign(**{f"money{end}": money for end in ("", "_low", "_high")})
    said = WORDS.chart_words("axis.reviews", "axis.leakage", "axis.money", "threshold")
    return charts.against_threshold(curve, SEPARATED | said)
