"""Streamlit's uploader in the reader's language: its button and limits are always English.

It has no option for that, so dashboard/page.css hides both texts and writes the button's from a
variable of the page. The label above the uploader names the allowed files. If a version of
Streamlit names its elements differently, the English words stay. Knows no page.
"""

import streamlit as st

KEY = "uploader"  # key of the uploader; Streamlit makes a CSS class of it
# JSON.stringify makes a CSS string whose quotes are escaped, so no text can end the declaration.
_SCRIPT = """export default ({ data }) =>
  document.documentElement.style.setProperty("--kakushin-upload", JSON.stringify(data));
"""
_component = st.components.v2.component("kakushin_uploader", html="<i></i>", js=_SCRIPT)


def speak(button: str) -> None:
    """Write `button` on the uploader's button. Draw it after the uploader; it shows nothing itself."""
    _component(key=f"{KEY}_words", data=button)
