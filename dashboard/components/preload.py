"""Loads Plotly in the browser ahead of the first chart, while a new server still imports.

Streamlit's page loads its 4.7 MB of Plotly at the first chart, after the server's work; requested
at once, both run at the same time. Knows no page. Must stay light: it runs before the slow imports.
"""

from pathlib import Path

import streamlit as st

# Streamlit's built page; a chunk's name ends in a hash that changes with each version
_CHUNKS = Path(st.__file__).parent / "static" / "static" / "js"
_SCRIPT = """export default ({ data }) =>
  data.forEach((name) => import(new URL(`static/js/${name}`, document.baseURI)).catch(() => {}));
"""
_component = st.components.v2.component("kakushin_ahead", html="<i></i>", js=_SCRIPT)


def plotly() -> None:
    """Make the browser load Plotly, with an element that shows nothing.

    If a version of Streamlit names its chunks differently, this loads nothing and the chart loads
    Plotly itself.
    """
    _component(key="ahead", data=[chunk.name for chunk in _CHUNKS.glob("PlotlyChart.*.js")])
