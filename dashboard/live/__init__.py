"""The live handle: the threshold's slider with its sentence, six figures and two small curves, which follow a drag at once.

A Streamlit slider speaks to the server on release only. This component gets what every threshold means as one block of numbers
(core.decision.whatif and economics, computed here once a run) and the words' patterns, so the browser fills them in by itself
while the handle moves; the server's own words replace them after the release. Colours come from the theme's CSS variables.
Words reach the screen as text, never as HTML. Knows no store; dashboard.state holds the choice.
"""

import base64
from pathlib import Path

import pandas as pd
import streamlit as st

from core.decision.whatif import Consequence
from dashboard import state
from dashboard.i18n import NONE, Words, catalogue
from dashboard.sentences import Card

FOLDER = Path(__file__).resolve().parent
COLUMNS = (
    *("accepted", "accepted_labelled", "wrong_accepted"),
    *("coverage_low", "coverage_high", "selective_risk_low", "selective_risk_high", "leakage_low", "leakage_high"),
    *("money", "money_low", "money_high"),
)
PATTERNS = (
    *("headline.accept", "headline.none", "headline.escapes", "headline.clean", "headline.unlabelled", "frequency"),
    *("card.interval", "card.per_day", "basis.cases", "basis.accepted", "basis.labelled"),
)
_component = st.components.v2.component(
    "kakushin_live", **{kind: (FOLDER / f"live.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js")}
)


def handle(words: Words, found: Consequence, headline: str, cards: list[Card], costed: pd.DataFrame, currency: str) -> None:
    """Draw the handle at the threshold of `found`, with the server's words for it.

    costed: core.decision.economics.cost_curve, 1,001 rows, with NaN for money that is not known.
    """
    data = {
        "step": round(found.threshold * 1000),
        "seq": state.moves_seen(),
        "curve": packed(costed),
        "columns": COLUMNS,
        "cases": found.cases,
        "labelled": found.labelled,
        "volume": found.cases_per_day,
        "now": {"headline": headline, "cards": [{"value": card.value, "lines": card.lines} for card in cards]},
        "cards": [{"key": card.key, "label": card.label, "help": card.help} for card in cards],
        "words": _words(words),
        "currency": {"code": currency, "digits": words.precision(currency)},
    }
    _component(key=state.HANDLE, data=data, on_move_change=state.take_move)


def packed(costed: pd.DataFrame) -> str:
    """COLUMNS of the curve one after the other as little-endian float64, in base64: exact, and NaN has no place in JSON."""
    return base64.b64encode(costed[list(COLUMNS)].to_numpy("<f8").T.tobytes()).decode("ascii")


def _words(words: Words) -> dict:
    """What the browser writes with: patterns with their blanks, labels, and how numbers are written."""
    return {
        "language": words.language,
        "none": NONE,
        "gap": words.gap,
        "patterns": {key: catalogue(words.language)[key] for key in PATTERNS},
        "label": words("threshold"),
        "help": words("threshold.help"),
        "curves": {"reviews": words("axis.reviews"), "leakage": words("axis.leakage")},
    }
