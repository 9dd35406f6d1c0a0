"""The live handle: slider and number of the threshold, verdict, three tiles and a curve of money.

All of them follow a drag at once. A Streamlit slider reaches the server on release only, and
Streamlit redraws a Plotly chart, losing its zoom, whenever its figure changes. So this component
receives the page's texts for every threshold (dashboard.decide.verdict), written here and
compressed, and the figures of the curves as one block of numbers. live.js is the handle; marks.js
draws the point in use on the page's big charts and handles clicks on their curves.
dashboard.decide.live.drawn draws the charts that change completely with the threshold; they receive
the handle's moves through heard.js. Colours come from the theme's CSS variables. Words reach the
screen as text, never as HTML. Knows no store; dashboard.session.state holds the choice.
"""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from core.decision.thresholds.costs import DAYS_PER_MONTH
from dashboard.components.active_policy import MARK, Ghost
from dashboard.decide.verdict import (
    BUT,
    TILES,
    VERDICT_KINDS,
    AgainstReview,
    Description,
    RouteCurve,
    describe_thresholds,
)
from dashboard.i18n import DASH, Words, catalogue
from dashboard.session import state

LIVE_FOLDER = Path(__file__).resolve().parent
# data of curves and marks: money a day with its interval, and the big charts' figures
CURVE_COLUMNS = ("money", "money_low", "money_high", "coverage", "risk", "reviews", "leakage")
_SOURCES = {"risk": "selective_risk", "reviews": "reviews_per_day"}


def joined(*scripts: str) -> str:
    """Return files of this folder joined into one module."""
    # A component is a single script: it cannot import a file next to it.
    return "\n".join((LIVE_FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in scripts)


_component = st.components.v2.component(
    "kakushin_live",
    html=(LIVE_FOLDER / "live.html").read_text(encoding="utf-8"),
    css=(LIVE_FOLDER / "live.css").read_text(encoding="utf-8"),
    js=joined("live", "shapes", "heard", "packed", "marks"),
)


def handle(threshold: float, values: dict[str, object]) -> None:
    """Draw the handle at `threshold`. values: from `contents`."""
    # `seq` lets the browser ignore an answer to an older move than its last
    data = {"step": round(threshold * 1000), "seq": state.moves_seen()} | values
    _component(key=state.HANDLE, data=data, on_move_change=state.take_move)


def contents(
    words: Words,
    costed: pd.DataFrame,
    cases_per_day: float,
    against: AgainstReview,
    mark: Mapping[str, object],
    curve: RouteCurve | None = None,
) -> dict[str, object]:
    """Return what the handle shows at every threshold.

    It is the same at each threshold, so a release sends none of it again.

    words: the catalogue. costed: core.decision.thresholds.daily_money.cost_curve, 1,001 rows, with
    NaN for unknown money. cases_per_day: of the segment. against: what the verdict compares with.
    mark: of the active policy, from `policy_mark`. curve: the route, None without labels.
    """
    described = describe_thresholds(words, costed, cases_per_day, against, curve)
    # A scale up to the most expensive threshold would flatten the part near the decision.
    money = costed["money"].dropna()
    highest = max([2 * against.review_all, *([1.2 * money.min()] if len(money) else [])])
    most = words.money(highest * DAYS_PER_MONTH, against.currency)
    # The curve runs along the scale's end where it costs more.
    if len(money) and money.max() > highest:
        most = words.text("verdict.curve.more", money=most)
    return {
        "texts": packed_texts(described),
        "curve": packed_columns(costed),
        "columns": CURVE_COLUMNS,
        "tiles": [
            {"key": key, "label": words(f"tile.{key}"), "help": words(f"tile.{key}.help")}
            for key in TILES
        ],
        # the word of BUT counts its groups, so it comes with the texts of its threshold
        "verdicts": {name: words(f"verdict.{name}") for name in VERDICT_KINDS if name != BUT},
        "ghost": dict(mark),
        "labels": {
            "threshold": words("threshold"),
            "help": words("threshold.help"),
            "now": words("now"),
            "money": words("verdict.curve"),
            "review_all": words("option.human"),
            "most": most,
        },
        "reviewAll": against.review_all,
        # from money a day to the axis of the chart of all thresholds: a month, in its unit
        "chartScale": DAYS_PER_MONTH
        / words.chart_money(against.currency, money.max() * DAYS_PER_MONTH)[0],
        # the browser divides by it
        "most": highest or 1.0,
    }


def packed_texts(described: Sequence[Description]) -> str:
    """Return the texts of each threshold: JSON, zlib, base64; a tenth of the plain size."""
    rows = [
        [
            consequence.verdict,
            consequence.sentence,
            [[tile.value, "\n".join(tile.lines), tile.ghost] for tile in consequence.tiles],
            consequence.word,
        ]
        for consequence in described
    ]
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    # the fastest level: a page waits for this, and the texts repeat enough for it
    return base64.b64encode(zlib.compress(text.encode(), 1)).decode("ascii")


def packed_columns(costed: pd.DataFrame) -> str:
    """Return CURVE_COLUMNS one after the other as little-endian float64, in base64.

    Not JSON: this is exact, and JSON has no NaN.
    """
    table = costed[[_SOURCES.get(name, name) for name in CURVE_COLUMNS]]
    return base64.b64encode(table.to_numpy("<f8").T.tobytes()).decode("ascii")


def policy_mark(words: Words, ghost: Ghost | None) -> dict[str, object]:
    """Return the step and the label of the active policy's mark.

    The step is None if the policy accepts nothing; without a policy the label is empty too.
    """
    if ghost is None:
        return {"step": None, "label": ""}
    t = ghost.consequence.policy.threshold
    label = words("ghost.label", name=ghost.name, version=words.number(ghost.version, 0))
    return {"step": None if isinstance(t, str) else round(t * 1000), "label": f"{MARK} {label}"}


def number_patterns(words: Words, patterns: Sequence[str]) -> dict[str, object]:
    """Return the settings of formats.js: language, text for no value, and patterns with blanks."""
    texts = catalogue(words.language)
    selected = {key: texts[key] for key in patterns}
    return {"language": words.language, "none": DASH, "patterns": selected}
