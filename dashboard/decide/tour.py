"""The tour: five steps through the page 'Decide', opened by a button.

A panel in a corner, made of native buttons, so the keyboard reaches it; the part that a step
describes gets an outline and scrolls into view. It runs in the browser alone, so no step calls the
server. Words reach the screen as text, never as HTML.
"""

from pathlib import Path

import streamlit as st

from dashboard.i18n import Words

TOUR_FOLDER = Path(__file__).resolve().parent / "live"
TOUR_STEPS = {  # name of a step's words -> the key of the part that it describes
    "handle": "handle",
    "cards": "handle",
    "start": "choices",
    "curves": "panel_risk_coverage",
    "share": "top",
}
_component = st.components.v2.component(
    "kakushin_tour",
    html=(TOUR_FOLDER / "tour.html").read_text(encoding="utf-8"),
    css=(TOUR_FOLDER / "tour.css").read_text(encoding="utf-8"),
    js=(TOUR_FOLDER / "tour.js").read_text(encoding="utf-8"),
)


def draw_tour(words: Words) -> None:
    """Draw the button that opens the tour."""
    buttons = {name: words(f"tour.{name}") for name in ("open", "next", "back", "skip", "done")}
    steps = [
        {
            "at": f".st-key-{key}",
            "title": words(f"tour.{name}.title"),
            "text": words(f"tour.{name}.text"),
        }
        for name, key in TOUR_STEPS.items()
    ]
    count = [words("tour.count", i=str(i + 1), n=str(len(steps))) for i in range(len(steps))]
    data = {"label": words("tour"), "buttons": buttons, "steps": steps, "count": count}
    _component(key="tour", data=data, width="content")
