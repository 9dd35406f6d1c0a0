"""One chart with its table and CSV below it, and the row of cards: how any page shows a result.

Draws with Streamlit; knows no choice, no store and no figure's meaning.
"""

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dashboard.i18n import Words
from dashboard.sentences import Card

_QUIET = {"displayModeBar": False, "scrollZoom": False, "doubleClick": "reset"}


def chart(key: str, words: Words, figure: go.Figure, table: pd.DataFrame, note: str = "") -> None:
    """Show a titled figure, then its table and CSV in an expander. Title and help are the words under `key`."""
    with st.container(border=True, key=f"panel_{key}"):
        st.markdown(f"#### {words(key)}", help=words(f"{key}.help"), anchors=False)
        st.plotly_chart(figure, key=f"chart_{key}", config=_QUIET, alt=words(f"{key}.alt"))
        if note:
            st.caption(note)
        with st.expander(words("table"), key=f"table_{key}", icon=":material/table:"):
            st.dataframe(table, hide_index=True, key=f"rows_{key}")
            # The byte-order mark makes Excel read Japanese headings as UTF-8.
            data = table.to_csv(index=False).encode("utf-8-sig")
            name = f"kakushin-{key.replace('.', '-')}.csv"
            icon = ":material/download:"
            st.download_button(words("csv"), data, name, "text/csv", key=f"csv_{key}", on_click="ignore", icon=icon)


def cards(found: list[Card]) -> None:
    """Show the cards in rows of three, so that none is narrower than its figures."""
    for start in range(0, len(found), 3):
        for column, card in zip(st.columns(3), found[start : start + 3], strict=False):
            with column.container(border=True, key=f"card_{card.key}", height="stretch"):
                st.metric(card.label, card.value, help=card.help)
                st.caption("  \n".join(line for line in (card.interval, card.basis) if line))
