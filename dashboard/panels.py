"""One chart with its table and CSV below it: how any page shows a result.

Draws with Streamlit; knows no choice, no store and no figure's meaning.
"""

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dashboard.i18n import Words
from dashboard.tables import Table

_QUIET = {"displayModeBar": False, "scrollZoom": False, "doubleClick": "reset"}


def chart(key: str, words: Words, figure: go.Figure, table: Table, note: str = "") -> None:
    """Show a titled figure, then its table and CSV in an expander. Title, help and alt text are the words under `key`."""
    with st.container(border=True, key=f"panel_{key}"):
        st.markdown(f"#### {words(key)}", help=words(f"{key}.help"), anchors=False)
        st.plotly_chart(figure, key=f"chart_{key}", config=_QUIET, alt=words(f"{key}.alt"))
        if note:
            st.caption(note)
        with st.expander(words("table"), key=f"table_{key}", icon=":material/table:"):
            formats = {head: st.column_config.NumberColumn(format=form) for head, form in table.formats.items()}
            st.dataframe(table.rows, hide_index=True, key=f"rows_{key}", column_config=formats)
            name, icon = f"kakushin-{key}.csv", ":material/download:"
            st.download_button(words("csv"), csv(table.rows), name, "text/csv", key=f"csv_{key}", on_click="ignore", icon=icon)


def nothing(key: str, words: Words, why: str) -> None:
    """Show a panel's title and the sentence under `why` where there is nothing to draw."""
    with st.container(border=True, key=f"panel_{key}"):
        st.markdown(f"#### {words(key)}", help=words(f"{key}.help"), anchors=False)
        st.info(words(why))


def csv(rows: pd.DataFrame) -> bytes:
    """Return UTF-8 with a byte-order mark, so that Excel reads Japanese; text that would run as a formula is quoted."""
    text = rows.select_dtypes(include=["object", "string"]).columns
    guarded = {
        head: rows[head].map(lambda cell: f"'{cell}" if str(cell).startswith(("=", "+", "-", "@", "\t")) else cell)
        for head in text
    }
    return rows.assign(**guarded).to_csv(index=False).encode("utf-8-sig")
