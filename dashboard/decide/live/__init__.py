"""The live handle: the threshold's slider with its sentence, six figures and two small curves,
which follow a drag at once.

A Streamlit slider speaks to the server on release only, and Streamlit draws a Plotly chart anew,
its zoom lost, whenever its figure changes. So this component gets what every threshold means as one
block of numbers (core.decision.thresholds.consequence and economics, computed here once a run) and
the words' patterns: live.js is the handle, writer.js fills the patterns in while it moves, and
marks.js draws the point in use on the page's big charts and hears clicks on their curves. Charts
that a threshold changes altogether are those of dashboard.decide.live.drawn, which hear the
handle's moves through heard.js. The server's own words replace the browser's after the release.
Colours come from the theme's CSS variables. Words reach the screen as text, never as HTML. Knows no
store; dashboard.session.state holds the choice.
"""

import base64
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from core.decision.staffing.headcount import FullTime
from core.decision.thresholds.consequence import PolicyConsequence
from core.decision.thresholds.solver import DAYS_PER_MONTH
from dashboard.components.active_policy import DIGITS, MARK, Ghost
from dashboard.components.sentences import Card
from dashboard.i18n import DASH, Words, catalogue
from dashboard.session import state

FOLDER = Path(__file__).resolve().parent
COLUMNS = (
    *("accepted", "accepted_labelled", "wrong_accepted"),
    *(
        "coverage_low",
        "coverage_high",
        "selective_risk_low",
        "selective_risk_high",
        "leakage_low",
        "leakage_high",
    ),
    *("money", "money_low", "money_high"),
)
PATTERNS = (
    *(
        "headline.accept",
        "headline.none",
        "headline.escapes",
        "headline.clean",
        "headline.unlabelled",
        "frequency",
    ),
    *(
        "card.interval",
        "card.per_day",
        "card.per_month",
        "card.often",
        "basis.cases",
        "basis.accepted",
        "basis.labelled",
    ),
    *(
        "ghost.same",
        "ghost.points.more",
        "ghost.points.fewer",
        "ghost.review.more",
        "ghost.review.fewer",
    ),
    *("ghost.escapes.more", "ghost.escapes.fewer", "ghost.money.more", "ghost.money.fewer"),
)


def joined(*scripts: str) -> str:
    """Files of this folder one after the other, as one module."""
    return "\n".join((FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in scripts)


_component = st.components.v2.component(
    "kakushin_live",
    **{kind: (FOLDER / f"live.{kind}").read_text(encoding="utf-8") for kind in ("html", "css")},
    js=joined("live", "shapes", "heard", "formats", "writer", "marks"),
)


def handle(
    words: Words,
    found: PolicyConsequence,
    headline: str,
    cards: list[Card],
    costed: pd.DataFrame,
    currency: str,
    full_time: FullTime,
    ghost: Ghost | None = None,
) -> None:
    """Draw the handle at the threshold of `found`, with the server's words for it.

    costed: core.decision.thresholds.daily_money.cost_curve, 1,001 rows, with NaN for money that is
    not known. ghost: the active policy.
    """
    now = [{"value": card.value, "lines": card.lines, "ghost": card.ghost} for card in cards]
    data = {
        "step": round(found.threshold * 1000),
        "seq": state.moves_seen(),
        "curve": packed(costed),
        "columns": COLUMNS,
        "cases": found.cases,
        "labelled": found.labelled,
        "volume": found.cases_per_day,
        "month": DAYS_PER_MONTH,
        "reviewsPerPerson": full_time.reviews_per_day,
        "now": {"headline": headline, "cards": now},
        "cards": [{"key": card.key, "label": card.label, "help": card.help} for card in cards],
        "ghost": None if ghost is None else _ghost(words, ghost),
        "words": _words(words),
        "currency": {"code": currency, "digits": words.precision(currency)},
    }
    _component(key=state.HANDLE, data=data, on_move_change=state.take_move)


def _ghost(words: Words, ghost: Ghost) -> dict:
    """What the browser needs of the active policy: where its mark stands, None where it accepts
    nothing, and its figures.
    """
    t = ghost.found.policy.threshold
    said = words("ghost.label", name=ghost.name, version=words.number(ghost.version, 0))
    step = None if isinstance(t, str) else round(t * 1000)
    return {
        "step": step,
        "figures": ghost.figures,
        "label": f"{MARK} {said}",
        "mark": MARK,
        "digits": DIGITS,
    }


def packed(costed: pd.DataFrame) -> str:
    """COLUMNS of the curve one after the other as little-endian float64, in base64: exact, and NaN
    has no place in JSON.
    """
    return base64.b64encode(costed[list(COLUMNS)].to_numpy("<f8").T.tobytes()).decode("ascii")


def _words(words: Words) -> dict:
    """What the browser writes with: patterns with their blanks, labels, and how numbers are
    written.
    """
    return written(words, PATTERNS) | {
        "gap": words.sentence_space,
        "label": words("threshold"),
        "help": words("threshold.help"),
        "now": words("now"),
        "curves": {"reviews": words("axis.reviews"), "leakage": words("axis.leakage")},
    }


def written(words: Words, patterns: Sequence[str]) -> dict:
    """What formats.js writes with: the language, what stands for no value, and patterns with their
    blanks.
    """
    said = catalogue(words.language)
    return {
        "language": words.language,
        "none": DASH,
        "patterns": {key: said[key] for key in patterns},
    }
