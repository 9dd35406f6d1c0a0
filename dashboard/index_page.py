"""The page that a browser loads first: Streamlit's own, with our style and early downloads.

Streamlit loads the code of a widget when a page draws the first one, with a gap in its place: its
label arrives late and moves what is below. Here the widgets' code is part of the first script, and
the 4.7 MB of Plotly load while the server draws. Knows no page of the dashboard.
"""

import re
from functools import cache
from pathlib import Path

from streamlit import file_util

_STYLE = Path(__file__).with_name("page.css")
# Widgets that pages draw. The chunk of each, in Streamlit's build, ends in a hash of its version.
_WIDGETS = (
    *("BidiComponent", "Button", "ButtonGroup", "Checkbox", "DownloadButton", "FileUploader"),
    *("Metric", "NumberInput", "Selectbox", "Slider", "TextInput"),
)
_ENTRY = re.compile(r'<script type="module"[^>]* src="\./static/js/(index\.[^"]+)"></script>')
# Without it, the browser looks for the server below each page's address before it asks the root.
_BASE = "<script>window.__streamlit = {BACKEND_BASE_URL: window.location.origin + '/'}</script>"


@cache
def index_page() -> str:
    """Return the page's HTML.

    If a version of Streamlit names its files differently, they load as Streamlit loads them.
    """
    static = Path(file_util.get_static_dir())
    page = (static / "index.html").read_text(encoding="utf-8")
    entry = _ENTRY.search(page)
    if entry is not None:
        page = page.replace(entry[0], _scripts(static, entry[1]), 1)
    style = f"<style>{_STYLE.read_text(encoding='utf-8')}</style>"
    return page.replace("<head>", f"<head>{_BASE}{style}", 1)


def _scripts(static: Path, entry: str) -> str:
    """Return the tags that load Streamlit's first script and the widgets, then Plotly."""
    chunks = {
        name: f"/static/js/{file.name}"
        for name in (*_WIDGETS, "PlotlyChart")
        for file in static.glob(f"static/js/{name}.*.js")
    }
    plotly = chunks.pop("PlotlyChart", None)
    # A script's imports all run before React draws for the first time.
    lines = [f'import "{path}";' for path in (f"/static/js/{entry}", *chunks.values())]
    lines += [f'import("{plotly}");'] if plotly else []
    links = [f'<link rel="modulepreload" crossorigin href="{path}">' for path in chunks.values()]
    return "".join([f'<script type="module">{"".join(lines)}</script>', *links])
