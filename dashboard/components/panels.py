"""Panels: one chart with its table and CSV below it, on every page.

Draws with Streamlit; knows no choice, no store and no figure's meaning.
"""

from collections.abc import Callable, Mapping
from functools import partial

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.elements.lib.column_types import ColumnConfig

from core.export import csv_bytes
from dashboard.components.downloads import CSV, Export, draw_download
from dashboard.components.sentences import Card
from dashboard.components.tables import ScreenTable
from dashboard.i18n import DASH, Words

# the mouse wheel scrolls the page; a double click restores a zoomed chart
_QUIET = {"displayModeBar": False, "scrollZoom": False, "doubleClick": "reset"}


def chart_panel(
    key: str,
    words: Words,
    figure: go.Figure,
    table: ScreenTable,
    note: str = "",
    above: Callable[[], None] | None = None,
) -> None:
    """Show a titled figure, then its table and CSV in an expander.

    key: of the words for title, help and alt text. words: the catalogue. figure, table: the same
    data. note: caption below the figure. above: draws between title and figure, such as the panel's
    own controls.
    """
    draw = partial(
        st.plotly_chart, figure, key=f"chart_{key}", config=_QUIET, alt=words(f"{key}.alt")
    )
    component_panel(key, words, draw, lambda: table, note, above)


def component_panel(
    key: str,
    words: Words,
    draw: Callable[[], object],
    table: Callable[[], ScreenTable],
    note: str = "",
    above: Callable[[], None] | None = None,
) -> None:
    """Show a panel like `chart_panel`, with `draw` in place of a figure.

    key, words, note, above: see `chart_panel`. draw: draws the chart. table: makes the table once a
    reader opens it.
    """
    with panel(key, words):
        if above:
            above()
        draw()
        if note:
            st.caption(note)
        lazy_expander(key, words("table"), lambda: _rows(key, words, table()))


def panel(key: str, words: Words) -> DeltaGenerator:
    """Return a titled box to draw into; title and help are the words under `key`."""
    box = st.container(border=True, key=f"panel_{key}")
    box.markdown(f"## {words(key)}", help=words(f"{key}.help"), anchors=False)
    return box


def listing(
    key: str, words: Words, table: ScreenTable, note: str = "", height: int | None = None
) -> None:
    """Show a titled table without a chart, and its CSV.

    key: of the words for title and help. words: the catalogue. table: the rows. note: caption above
    it. height: pixels, for a table that may be long; None fits the rows.
    """
    with panel(key, words):
        if note:
            st.caption(note)
        _rows(key, words, table, height)


def rows(key: str, words: Words, table: ScreenTable) -> None:
    """Show a table and its CSV in an expander."""
    with st.expander(words("table"), key=f"table_{key}", icon=":material/table:"):
        _rows(key, words, table)


@st.fragment
def lazy_expander(
    key: str, title: str, draw: Callable[[], object], icon: str = ":material/table:"
) -> None:
    """Show an expander whose content `draw` draws once it is open.

    Most readers never open a table or a list of cases, and making and sending them on every run
    took longer than the charts. A fragment, so that opening it redraws nothing else.
    """
    box = st.expander(title, key=f"table_{key}", icon=icon, on_change="rerun")
    if box.open:
        with box:
            draw()


def _rows(key: str, words: Words, table: ScreenTable, height: int | None = None) -> None:
    counts = table.rows.select_dtypes("integer").columns
    # counts get the thousands separators of the browser's locale
    written = dict.fromkeys(counts, "localized") | table.formats
    formats = {head: st.column_config.NumberColumn(format=form) for head, form in written.items()}
    grid(f"rows_{key}", table.rows, formats, height)
    csv_download(key, words, table.rows)


def csv_download(key: str, words: Words, frame: pd.DataFrame) -> None:
    """Show the button that writes a table of the page as kakushin-KEY.csv."""
    export = Export(f"kakushin-{key}.csv", CSV)
    draw_download(words("csv"), partial(csv_bytes, frame), export, f"csv_{key}")


def grid(
    key: str,
    rows: pd.DataFrame,
    columns: Mapping[str, ColumnConfig] | None = None,
    height: int | None = None,
    hide_index: bool = True,
) -> None:
    """Show a frame in the common style, with a dash in empty cells.

    key: of the widget. rows: the frame. columns: heading -> its column type. height: pixels, None
    fits the rows. hide_index: False shows the index as a column.
    """
    st.dataframe(
        rows,
        hide_index=hide_index,
        key=key,
        column_config=columns,
        placeholder=DASH,
        height="auto" if height is None else height,
    )


def empty_panel(key: str, words: Words, why: str, above: Callable[[], None] | None = None) -> None:
    """Show a panel's title and why it has no chart.

    key: of the words for the title. words: the catalogue. why: key of the sentence. above: draws
    the panel's own controls.
    """
    with panel(key, words):
        if above:
            above()
        st.info(words(why))


def draw_cards(cards: list[Card], in_a_row: int = 3) -> None:
    """Show the cards in rows of `in_a_row`, so that none is narrower than its figures."""
    for start in range(0, len(cards), in_a_row):
        # not strict: the last row may have fewer cards than columns
        for column, card in zip(
            st.columns(in_a_row), cards[start : start + in_a_row], strict=False
        ):
            with column.container(border=True, key=f"card_{card.key}", height="stretch"):
                st.metric(card.label, card.value, help=card.help)
                st.caption("  \n".join(card.lines))
