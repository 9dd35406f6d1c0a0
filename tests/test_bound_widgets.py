"""Why dashboard.session.state writes the address itself: three facts of Streamlit's own binding.

When one of these tests fails, a later Streamlit binds as the pages need it, and state can shrink.
"""

import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest


def bound_page():
    import streamlit as st

    if st.checkbox("drawn", value=True, key="drawn"):
        st.number_input("t", 0, 10, 1, key="t", bind="query-params", persist_state="session")


def writing_page():
    import streamlit as st

    st.number_input("t", 0, 10, 1, key="t", bind="query-params")
    st.query_params.from_dict({"t": "4"})


def opened(page, t: str) -> AppTest:
    app = AppTest.from_function(page, default_timeout=60)
    app.query_params["t"] = t
    return app.run()


def test_the_address_loses_the_value_of_a_widget_that_a_run_does_not_draw():
    """Its session keeps the value, but a link to this view does not hold it."""
    app = opened(bound_page, "3")
    assert (app.number_input(key="t").value, dict(app.query_params)) == (3, {"t": "3"})
    app.checkbox(key="drawn").uncheck().run()
    assert app.session_state["t"] == 3
    assert dict(app.query_params) == {}


def test_a_value_that_is_not_allowed_goes_without_a_word():
    app = opened(bound_page, "77")
    assert app.number_input(key="t").value == 1
    assert not any(map(len, (app.exception, app.warning, app.error, app.info)))


@pytest.fixture
def error_details():
    """Show an error's own words, which the dashboard's settings hide."""
    before = config.get_option("client.showErrorDetails")
    config.set_option("client.showErrorDetails", "full")
    yield
    config.set_option("client.showErrorDetails", before)


def test_the_address_of_a_bound_widget_may_not_be_written(error_details):
    """The live handle moves `t` together with choices that have no widget on the page."""
    (refusal,) = opened(writing_page, "3").exception
    assert "bound to a widget" in refusal.message
