"""Plotly in the browser ahead of the first chart: asked for while the server, which has served
nobody yet, still imports.

Streamlit's page loads its 4.7 MB of Plotly at the first chart, one after the other with what the
server does before it; asked for at once, they come meanwhile. Knows no page. Must stay light: it
runs before everything that is worth waiting for.
"""

from pathlib import Path

import streamlit as st

# where Streamlit keeps the parts of its page
_CHUNKS = Path(st.__file__).parent / "static" / "static" / "js"
_SCRIPT = """export default ({ data }) =>
  data.forEach((name) => import(new URL(`static/js/${name}`, document.baseURI)).catch(() => {}));
"""
_component = st.components.v2.component("kakushin_ahead", html="<i></i>", js=_SCRIPT)


def plotly() -> None:
    """Have the browser load Plotly. The element that asks for it shows nothing.

    Where a version of Streamlit names its parts in another way, nothing is asked for and the chart
    loads Plotly itself.
    """
    _component(key="ahead", data=[chunk.name for chunk in _CHUNKS.glob("PlotlyChart.*.js")])
