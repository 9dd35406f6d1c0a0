"""A dashboard behind a login: an OIDC provider, people with roles, and their way in."""

from contextlib import contextmanager
from datetime import timedelta

from oidc_provider_mock import User, run_server_in_thread

from core.decision.thresholds.policy import Policy
from core.store.ledger import Ledger
from core.store.store import Store
from tests.browser.serving import free_port, serving
from tests.login_settings import write_login
from tests.stores import make_store

PATIENCE_MS = 180_000  # a busy machine is slow, not broken
ROLES = ("viewer", "reviewer", "operator", "approver", "admin")


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
        path = write_login(home, port, provider.server_port, lists)
        with serving(home, port, KAKUSHIN_LOGIN=str(path)) as address:
            yield address


def log_in(browser, address: str, sub: str):
    page = browser.new_context(locale="en-AU").new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(address)
    page.get_by_role("button", name="Log in").click()
    page.locator("input[name=sub]").fill(sub)
    page.get_by_role("button", name="Authorize").click()
    page.wait_for_url(f"{address}**")
    return page
