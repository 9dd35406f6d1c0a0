"""Page settings and navigation: nothing else. Run it from the root as `python -m streamlit run dashboard/app.py`."""

import streamlit as st

from dashboard import shared, state
from dashboard.views import data, decide, evidence, inspectors, meeting, money, policies


def main() -> None:
    """Draw the page that the address names."""
    st.set_page_config(page_title="Kakushin", page_icon="🎚️", layout="wide")
    state.take_in_address()
    words = state.words()
    pages = [
        st.Page(decide.page, title=words("decide.nav"), icon=":material/tune:", url_path="decide", default=True),
        st.Page(evidence.page, title=words("evidence.nav"), icon=":material/fact_check:", url_path="evidence"),
        st.Page(inspectors.page, title=words("inspectors.nav"), icon=":material/how_to_vote:", url_path="inspectors"),
        st.Page(money.page, title=words("money.nav"), icon=":material/payments:", url_path="money"),
        st.Page(policies.page, title=words("policies.nav"), icon=":material/gavel:", url_path="policies"),
        st.Page(data.page, title=words("data.nav"), icon=":material/database:", url_path="data"),
        st.Page(meeting.page, title=words("meeting.nav"), icon=":material/groups:", url_path="meeting"),
    ]
    page = st.navigation(pages)
    page.run()
    shared.spare_collector(page.url_path)


if __name__ == "__main__":
    main()
