"""What tests do to any page: open what a reader would open."""

from streamlit.testing.v1 import AppTest


def unfold(page: AppTest, *keys: str) -> AppTest:
    """Open the tables under these panels (dashboard.components.panels.folded), which are not made
    before, and return the page.
    """
    for key in keys:
        page.session_state[f"table_{key}"] = True
    return page.run()
