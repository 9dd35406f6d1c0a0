"""Streamlit's uploader in the reader's language: its button and limits are always English.

It has no option for that, so dashboard/page.css hides both texts and writes the button's from a
variable of the page. The label above the uploader names the allowed files. If a version of
Streamlit names its elements differently, the English words stay. Knows no page.
"""

from collections.abc import Callable

import streamlit as st

from core.pipeline.uploads import MAX_UPLOAD, SUFFIXES
from dashboard.i18n import Words

KEY = "uploader"  # how the key of every uploader begins; Streamlit makes a CSS class of it
ENDINGS = [suffix[1:] for suffix in SUFFIXES]
# JSON.stringify makes a CSS string whose quotes are escaped, so no text can end the declaration.
_SCRIPT = """export default ({ data }) =>
  document.documentElement.style.setProperty("--kakushin-upload", JSON.stringify(data));
"""
_component = st.components.v2.component("kakushin_uploader", html="<i></i>", js=_SCRIPT)


def draw_uploader(
    words: Words, key: str, on_change: Callable[..., None], *arguments: object
) -> None:
    """Draw the uploader of a table's file.

    key: KEY, or begins with it. on_change: a callback that gets the arguments and finds the file
    under the key.
    """
    limit = words.number(MAX_UPLOAD / 2**20, 0)
    label = words("upload.file", limit=limit)
    st.file_uploader(label, ENDINGS, key=key, on_change=on_change, args=arguments)
    # after the uploader, whose words it replaces; it shows nothing itself
    _component(key=f"spoken_{key}", data=words("upload.button"))
