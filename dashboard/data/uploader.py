"""Streamlit's uploader in the reader's language: its own button and its line of limits are English
on every page.

They have no option for that, so their text is hidden and the button's is written by CSS, from a
variable of the page. What files may be handed over stands in the label above. Where a version of
Streamlit names its parts in another way, its English words stay. Knows no page.
"""

import streamlit as st

KEY = "uploader"  # of the uploader, and so in the name of its class
_BUTTON = f".st-key-{KEY} [data-testid=stFileUploaderDropzone] button p"
_CSS = f"""
{_BUTTON} {{ font-size: 0; }}
{_BUTTON}::after {{ content: var(--kakushin-upload); font-size: 0.875rem; }}
.st-key-{KEY} [data-testid=stFileUploaderDropzoneInstructions] {{ display: none; }}
"""
_SCRIPT = """export default ({ data }) =>
  document.documentElement.style.setProperty("--kakushin-upload", JSON.stringify(data));
"""
_component = st.components.v2.component(
    "kakushin_uploader", html="<i></i>", css=_CSS, js=_SCRIPT, isolate_styles=False
)


def speak(button: str) -> None:
    """Write `button` on the uploader's button. Draw it beside the uploader; it shows nothing of its
    own.
    """
    _component(key=f"{KEY}_words", data=button)
