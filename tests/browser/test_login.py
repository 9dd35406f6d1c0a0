"""A login against an OIDC provider in a real browser: who gets in, who may do what, who gets out."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from oidc_provider_mock import User, run_server_in_thread
from playwright.sync_api import expect

from core.decision.thresholds.policy import Policy
from core.store.ledger import Ledger
from core.store.store import Store
from core.store.trail import AuditTrail
from tests.browser.serving import free_port, serving
from tests.stores import make_store

SECRET = "q9Zt4mVw2LrK8hXc5PdN7sBf3GjY6uTe"
ROLES = ("viewer", "reviewer", "operator", "approver", "admin")
LOGIN = """
[auth]
redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
cookie_secret = "{secret}"
client_id = "kakushin"
client_secret = "abc"
server_metadata_url = "http://127.0.0.1:{provider}/.well-known/openid-configuration"
client_kwargs = {{ prompt = "login" }}

[access]
"""
PAGES = (
    "",
    "money",
    "evidence",
    "inspectors",
    "worklist",
    "queue",
    "monitor",
    "policies",
    "history",
    "data",
    "meeting",
)


def person(sub: str, verified: bool = True) -> User:
    address = f"{sub}@example.com"
    return User(sub=sub, claims={"email": address, "email_verified": verified, "name": sub})


def activate_next_policy(store: Store) -> None:
    """Put the next version of a policy into force: it has decided no case yet."""
    ledger = Ledger(store)
    run_id = store.runs()[0].run.run_id
    version = ledger.add_policy("line", Policy(0.9).to_dict(), "Suzuki", "why", [run_id]).version
    for event in ("approve", "activate"):
        ledger.add_policy_event("line", version, event, "Tanaka", "agreed")


@contextmanager
def login_server(home, lives_s: float):
    """Serve a tiny store behind a provider whose tokens live so long."""
    port = free_port()
    store = make_store(home / "store", "tiny")
    activate_next_policy(store)
    people = [*(person(role) for role in ROLES), person("stranger"), person("viewer2", False)]
    lists = "".join(f'{role} = ["{role}@example.com"]\n' for role in ROLES)
    lists = lists.replace('viewer = ["', 'viewer = ["viewer2@example.com", "')
    life = timedelta(seconds=lives_s)
    with run_server_in_thread(user_claims=people, access_token_max_age=life) as provider:
        path = home / "login.toml"
        text = LOGIN.format(port=port, secret=SECRET, provider=provider.server_port) + lists
        path.write_text(text)
        path.chmod(0o600)
        with serving(home, port, KAKUSHIN_LOGIN=str(path)) as address:
            yield address


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with login_server(home, 3600) as address:
        yield address, home


def log_in(browser, address: str, sub: str):
    page = browser.new_context(locale="en-AU").new_page()
    page.goto(address)
    page.get_by_role("button", name="Log in").click()
    page.locator("input[name=sub]").fill(sub)
    page.get_by_role("button", name="Authorize").click()
    page.wait_for_url(f"{address}**")
    return page


def test_nobody_sees_a_page_without_a_login(browser, served):
    address, _ = served
    page = browser.new_context(locale="en-AU").new_page()
    for path in PAGES:
        page.goto(address + path)
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


@pytest.mark.parametrize("role", ROLES)
def test_a_viewer_sees_every_page_and_only_some_roles_may_decide_cases(browser, served, role):
    address, home = served
    page = log_in(browser, address, role)
    # No page asks for a role: the role that may do least sees all of them, the others two.
    for path in PAGES if role == "viewer" else PAGES[:2]:
        page.goto(address + path + "?lang=en")
        expect(page.get_by_text("Account", exact=True)).to_be_visible()
    activate_next_policy(Store(home / "store"))
    page.goto(address + "worklist?lang=en")
    button = page.get_by_role("button", name="Apply the active policy")
    button.click()
    if role in ("operator", "admin"):
        expect(button).to_have_count(0)  # it is drawn while there are cases to decide
        newest = AuditTrail(Store(home / "store")).entries(1).iloc[0]
        assert newest["action"] == "decisions.apply"
        assert newest["actor"] == f"{role} ({role}@example.com)"
    else:
        expect(page.get_by_text("may not do this (decisions.apply)")).to_be_visible()


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
