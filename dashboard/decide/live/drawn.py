"""Charts of the page 'Decide' that follow the handle: money of options, shares of the parts.

Each receives its figures at every threshold once, in one block of numbers, and draws those of the
handle's step at each move, in the same frame as the handle and without the server (drawn.js; the
two kinds are options.js and parts.js). A release sends data equal to the present data, so nothing
is redrawn. `options_chart` and `parts_chart` make the data and are pure, so that
dashboard.session.cache can hold it. Words reach the screen as text, never as HTML.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import streamlit as st

from core.decision.thresholds.costs import DAYS_PER_MONTH
from core.decision.thresholds.daily_money import MONEY_PARTS, OptionCurve
from core.report.frames import PART_SHARES, PartCurves
from dashboard.decide.live import LIVE_FOLDER, joined, number_patterns
from dashboard.i18n import Words

# steps of a share, 16 bits each: half a step is 0.0008%, less than the tooltip's 0.1% and than a
# pixel
PACKED_STEPS = 65534
PACKED_UNKNOWN = 65535  # encodes NaN, which integers lack
PATTERNS = ("card.interval", "basis.cases", "basis.labelled", "parts.n")
# px of all but the rows, and of a row: fixed, so that nothing below ever moves
_HEIGHT = {"options": (66, 72), "parts": (64, 46)}
_component = st.components.v2.component(
    "kakushin_drawn",
    html=(LIVE_FOLDER / "drawn.html").read_text(encoding="utf-8"),
    css=(LIVE_FOLDER / "drawn.css").read_text(encoding="utf-8"),
    js=joined("shapes", "heard", "packed", "formats", "axes", "options", "parts", "drawn"),
)


def live_chart(key: str, data: Mapping[str, object]) -> None:
    """Draw the data of `options_chart` or `parts_chart`."""
    _component(key=f"live_{key}", data=data, height=cast(int, data["height"]))


def options_chart(
    words: Words, curves: Sequence[OptionCurve], names: Sequence[str], currency: str
) -> dict[str, object]:
    """Return the data of money a month of each option, one bar each from top to bottom.

    words: the catalogue. curves: one an option, float64 because amounts are written in full. names:
    of the options, in the same order. currency: of the amounts.
    """
    months = [{k: DAYS_PER_MONTH * v for k, v in curve.money.items()} for curve in curves]
    rows = [
        {"name": name, "n": curve.n, "values": _packed(money, MONEY_PARTS, "<f8")}
        for name, curve, money in zip(names, curves, months, strict=True)
    ]
    labels = {
        part: words(f"part.{part}")
        for part in ("review", "inference", "retraining", "escapes", "total")
    }
    written_in = {"code": currency, "digits": words.precision(currency)}
    return _data(words, "options", words("options.alt"), rows, labels, MONEY_PARTS) | {
        "currency": written_in
    }


def parts_chart(words: Words, curves: PartCurves) -> dict[str, object]:
    """Return the data of the shares of each part, a row each from top to bottom; 16 kB a row.

    A panel without any figure is left out.
    """
    levels = {
        name: np.where(np.isnan(v), PACKED_UNKNOWN, np.rint(v * PACKED_STEPS))
        for name, v in curves.shares.items()
    }
    rows = [
        {
            "name": name or "–",
            "cases": cases,
            "labelled": labelled,
            "values": _packed({k: v[i] for k, v in levels.items()}, PART_SHARES, "<u2"),
        }
        for i, (name, cases, labelled) in enumerate(
            zip(curves.names, curves.cases, curves.labelled, strict=True)
        )
    ]
    panels = [name for name in ("review", "leakage") if not np.isnan(curves.shares[name]).all()]
    labels = {name: words(f"card.{name}") for name in panels}
    return _data(words, "parts", words("segments.alt"), rows, labels, PART_SHARES) | {
        "panels": panels
    }


def _packed(values: Mapping[str, np.ndarray], columns: Sequence[str], kind: str) -> str:
    """Return the columns one after the other as little-endian numbers, in base64."""
    return base64.b64encode(
        np.concatenate([values[name] for name in columns]).astype(kind).tobytes()
    ).decode("ascii")


def _data(
    words: Words,
    kind: str,
    alt: str,
    rows: list[dict],
    labels: Mapping[str, str],
    columns: Sequence[str],
) -> dict:
    frame, row = _HEIGHT[kind]
    payload = {"alt": alt, "words": number_patterns(words, PATTERNS), "labels": labels}
    return {
        "kind": kind,
        "height": frame + row * len(rows),
        "rows": rows,
        "columns": columns,
    } | payload
