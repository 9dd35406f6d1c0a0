"""Page settings and navigation, nothing else.

dashboard.server serves it: `kakushin dashboard`.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import streamlit as st

LOGO = str(Path(__file__).parent / "logo.svg")
# Groups of the navigation -> pages in them: folder and address -> icon
PAGE_GROUPS = {
    "decide": {"decide": "tune", "money": "payments"},
    "evidence": {"evidence": "fact_check", "inspectors": "how_to_vote"},
    "run": {
        "worklist": "checklist",
        "queue": "playlist_add_check",
        "monitor": "monitoring",
        "policies": "gavel",
        "history": "history",
    },
    "prepare": {"data": "database", "meeting": "groups"},
}


def main() -> None:
    """Draw the page that the address names."""
    st.set_page_config(page_title="Kakushin", page_icon="🎚️", layout="wide")
    # imported here, not at the top: the server starts without them (dashboard.server)
    from dashboard.components import door
    from dashboard.session import cache, state

    state.take_in_address()
    words = state.words()
    st.logo(LOGO, size="large")
    if not door.draw_door(words):
        return
    groups = {
        words(f"nav.{group}"): [
            st.Page(
                view(name),
                title=words(f"{name}.nav"),
                icon=f":material/{icon}:",
                url_path=name,
                default=name == "decide",
            )
            for name, icon in pages.items()
        ]
        for group, pages in PAGE_GROUPS.items()
    }
    page = st.navigation(groups, position="top")
    page.run()
    cache.spare_collector(page.url_path)


def view(name: str) -> Callable[[], None]:
    """Return a function that draws the page of dashboard.<name>.page.

    It imports the page when a reader opens it: importing all of them takes 100 ms more.
    """

    def page() -> None:
        getattr(import_module(f"dashboard.{name}.page"), f"draw_{name}_page")()

    return page


if __name__ == "__main__":
    main()
