"""A login against an OIDC provider in a real browser: who gets in, who may do what, who gets out."""

import pytest
from playwright.sync_api import expect

from core.store.store import Store
from core.store.trail import AuditTrail
from tests.browser.logins import log_in, login_server
from tests.browser.pages import PAGES, page_path


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with login_server(home, 3600) as address:
        yield address, home


def test_nobody_sees_a_page_without_a_login(browser, served):
    address, _ = served
    page = browser.new_context(locale="en-AU").new_page()
    for name in PAGES:
        page.goto(address + page_path(name))
        expect(page.get_by_role("button", name="Log in")).to_be_visible()
        assert page.locator(".st-key-handle, [data-testid=stDataFrame]").count() == 0


@pytest.mark.parametrize(("sub", "sentence"), [("stranger", "no role"), ("viewer2", "no role")])
def test_a_person_on_no_list_or_with_an_unverified_address_stays_outside(
    browser, served, sub, sentence
):
    page = log_in(browser, served[0], sub)
    expect(page.get_by_text(sentence)).to_be_visible()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()


def test_a_login_is_recorded(browser, served):
    address, home = served
    page = log_in(browser, address, "admin")
    expect(page.get_by_text("Account", exact=True)).to_be_visible()
    entries = AuditTrail(Store(home / "store")).entries()
    newest = entries[entries["action"] == "login"].iloc[0]
    assert newest["account"].endswith(" admin")
    assert newest["actor"] == "admin (admin@example.com)"


def test_a_login_ends_when_its_token_does(browser, tmp_path):
    with login_server(tmp_path, 15) as address:
        page = log_in(browser, address, "admin")
        expect(page.get_by_text("Account", exact=True)).to_be_visible()
        page.wait_for_timeout(16_000)
        page.goto(address + "history?lang=en")
        expect(page.get_by_text("has expired")).to_be_visible()
        page.get_by_role("button", name="Log out").click()
        page.get_by_role("button", name="End session").click()  # the provider's own page
        expect(page.get_by_role("button", name="Log in")).to_be_visible()


def test_a_forged_cookie_logs_nobody_in(browser, served):
    address, _ = served
    context = browser.new_context(locale="en-AU")
    forged = {"name": "_streamlit_user", "value": '"{\\"is_logged_in\\": true}"', "url": address}
    context.add_cookies([forged])
    context.set_extra_http_headers({"X-Forwarded-User": "admin", "X-Auth-Request-Email": "a@b"})
    page = context.new_page()
    page.goto(address)
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
