"""Page settings and navigation: nothing else. Run it from the root as `python -m streamlit run dashboard/app.py`."""

import streamlit as st

from dashboard import state
from dashboard.views import decide, evidence, money


def main() -> None:
    """Draw the page that the address names."""
    st.set_page_config(page_title="Kakushin", page_icon="🎚️", layout="wide")
    state.take_in_address()
    words = state.words()
    pages = [
        st.Page(decide.page, title=words("decide.nav"), icon=":material/tune:", url_path="decide", default=True),
        st.Page(evidence.page, title=words("evidence.nav"), icon=":material/fact_check:", url_path="evidence"),
        st.Page(money.page, title=words("money.nav"), icon=":material/payments:", url_path="money"),
    ]
    page = st.navigation(pages)
    page.run()
    state.spare_collector(page.url_path)


if __name__ == "__main__":
    main()
