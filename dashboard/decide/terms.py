"""The tab 'Terms and methods' of the page 'Decide'.

Shows the figures of the threshold in use with their intervals, what each means, and their basis.
"""

import pandas as pd
import streamlit as st

from core.decision.thresholds.consequence import PolicyConsequence
from dashboard.components import panels
from dashboard.components.active_policy import level_terms
from dashboard.components.tables import ScreenTable
from dashboard.session.context import RunContext

# words of a figure -> its field
TERM_FIGURES = {
    "coverage": "coverage",
    "review": "review_rate",
    "risk": "selective_risk",
    "leakage": "leakage",
}


def draw_terms(context: RunContext, consequence: PolicyConsequence, about_policy: str) -> None:
    """Draw the figures of the threshold in use, the terms, and the note on the active policy."""
    words = context.words
    rows = []
    for name, field in TERM_FIGURES.items():
        share = getattr(consequence, field)
        rows.append((words(f"card.{name}"), share.value, share.low, share.high, share.n))
    columns = [words("terms.figure"), words("terms.value")]
    columns += [words(f"column.{end}", of="95%") for end in ("low", "high")] + ["n"]
    formats = dict.fromkeys(columns[1:4], "percent")
    panels.listing("terms", words, ScreenTable(pd.DataFrame(rows, columns=columns), formats))
    for name in TERM_FIGURES:
        st.markdown(f"**{words(f'card.{name}')}** {words(f'card.{name}.help')}")
    st.markdown(f"**{words('threshold')}** {words('threshold.help')}")
    st.markdown(level_terms(words))
    retraining = words.money(context.costs.retraining_per_month, context.choices.currency)
    st.markdown(words.markdown("terms.retraining", retraining=retraining))
    st.caption(f"{about_policy}  \n{words('options.note')}")
