"""Page settings and navigation: nothing else. Run it from the root as `python -m streamlit run
dashboard/app.py`.
"""

import sys
from collections.abc import Callable
from importlib import import_module

import streamlit as st


def main() -> None:
    """Draw the page that the address names."""
    st.set_page_config(page_title="Kakushin", page_icon="🎚️", layout="wide")
    early = st.empty()  # in every run, so that what comes after it keeps its place
    # nobody has been served: for more than a second nothing can be drawn
    if "dashboard.session.cache" not in sys.modules:
        from dashboard.components import preload

        with early:
            preload.plotly()
    # what they stand on takes 1,200 ms, in which the browser should have work
    from dashboard.session import cache, state

    state.take_in_address()
    words = state.words()
    pages = [
        st.Page(
            view("decide"),
            title=words("decide.nav"),
            icon=":material/tune:",
            url_path="decide",
            default=True,
        ),
        st.Page(
            view("worklist"),
            title=words("worklist.nav"),
            icon=":material/checklist:",
            url_path="worklist",
        ),
        st.Page(
            view("evidence"),
            title=words("evidence.nav"),
            icon=":material/fact_check:",
            url_path="evidence",
        ),
        st.Page(
            view("inspectors"),
            title=words("inspectors.nav"),
            icon=":material/how_to_vote:",
            url_path="inspectors",
        ),
        st.Page(
            view("money"), title=words("money.nav"), icon=":material/payments:", url_path="money"
        ),
        st.Page(
            view("policies"),
            title=words("policies.nav"),
            icon=":material/gavel:",
            url_path="policies",
        ),
        st.Page(view("data"), title=words("data.nav"), icon=":material/database:", url_path="data"),
        st.Page(
            view("meeting"),
            title=words("meeting.nav"),
            icon=":material/groups:",
            url_path="meeting",
        ),
    ]
    page = st.navigation(pages)
    page.run()
    early.empty()
    cache.spare_collector(page.url_path)


def view(name: str) -> Callable[[], None]:
    """Return the page of dashboard.<name>.page, imported when it is opened: all seven take 100 ms
    more.
    """

    def page() -> None:
        import_module(f"dashboard.{name}.page").page()

    return page


if __name__ == "__main__":
    main()
