"""The buttons that write, for every role: what may be pressed, and what the service answers when it is pressed.

One server and one login a role. The table is docs/access.md's by hand, as in tests.test_roles, which
calls every service without a page.
"""

from urllib.parse import urlencode

import pytest
from playwright.sync_api import Locator, Page, expect

from core.decision.thresholds.policy import Policy
from core.pipeline.apply import apply_active_policy
from core.store.ledger import Ledger
from core.store.store import Store
from core.store.trail import AuditTrail
from tests.browser.logins import PATIENCE_MS, ROLES, activate_next_policy, log_in, login_server
from tests.browser.pages import PAGES, page_path

IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"
MAY = {
    "policy.propose": {"operator", "approver", "admin"},
    "policy.approve": {"approver", "admin"},
    "policy.activate": {"approver", "admin"},
    "policy.undo": {"approver", "admin"},
    "scenario.save": {"operator", "approver", "admin"},
    "meeting.decide": {"operator", "approver", "admin"},
    "review.verdict": {"reviewer", "admin"},
    "decisions.apply": {"operator", "admin"},
    "decisions.export": {"reviewer", "operator", "approver", "admin"},
    "upload.keep": {"operator", "admin"},
}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with login_server(home, 3600) as address:
        yield address, Store(home / "store")


@pytest.fixture(scope="module")
def cookies():
    """{role: the cookies of the one login of its person}, filled as tests need them."""
    return {}


@pytest.fixture
def visit(browser, served, cookies, role):
    """A function that opens a page by its path, as the person with the role."""
    address, _ = served
    if role not in cookies:
        cookies[role] = log_in(browser, address, role).context.storage_state()
    page = browser.new_context(locale="en-AU", storage_state=cookies[role]).new_page()
    page.set_default_timeout(PATIENCE_MS)

    def visit(path: str, **choices: object) -> Page:
        query = urlencode({"lang": "en", **choices})
        page.goto(f"{address}{path}?{query}")
        expect(page.get_by_text("Account", exact=True)).to_be_visible()
        page.locator(IDLE).wait_for()
        return page

    return visit


def taken_by(store: Store, action: str, role: str) -> int:
    """Return how many entries of the trail say that the person with the role took the action."""
    entries = AuditTrail(store).entries()
    mine = entries["actor"] == f"{role} ({role}@example.com)"
    return int((mine & (entries["action"] == action)).sum())


def press(button: Locator, store: Store, role: str, action: str) -> bool:
    """Press a button and wait for its entry in the trail, or its refusal; return whether let in."""
    page, before = button.page, taken_by(store, action, role)
    page.locator(IDLE).wait_for()
    expect(button).to_be_enabled()
    button.click()
    refusal = page.get_by_text(f"may not do this ({action})")
    if role not in MAY[action]:
        expect(refusal.first).to_be_visible()
        assert taken_by(store, action, role) == before
        return False
    for _ in range(240):
        if taken_by(store, action, role) > before:
            break
        page.wait_for_timeout(250)
    assert taken_by(store, action, role) == before + 1
    expect(refusal).to_have_count(0)
    return True


@pytest.mark.parametrize("role", ROLES)
def test_a_draft_is_proposed_by_those_who_may(served, visit, role):
    page = visit("policies")
    page.locator(".st-key-author input").fill("Sato")
    page.locator(".st-key-reason input").fill("safest")
    button = page.get_by_role("button", name="Propose this draft")
    press(button, served[1], role, "policy.propose")


@pytest.mark.parametrize("role", ROLES)
def test_the_steps_of_a_policy_are_taken_by_those_who_may(served, visit, role):
    """Each step on a page of its own, of a version that nobody has decided on."""
    _, store = served
    ledger = Ledger(store)
    run_id = store.runs()[0].run.run_id
    policy = Policy(0.5 + ROLES.index(role) / 100).to_dict()
    version = ledger.add_policy("line", policy, "Suzuki", "why", [run_id]).version
    for step in ("approve", "activate", "undo"):
        page = visit("policies")
        expect(page.locator(".st-key-panel_decide")).to_contain_text(f"line, version {version}")
        for field, text in (("decider", "Tanaka"), ("why", "Agreed")):
            page.locator(f".st-key-{field} input").fill(text)
            page.locator(f".st-key-{field} input").press("Enter")
            page.locator(IDLE).wait_for()
        button = page.locator(f".st-key-step_{step} button").first
        if not press(button, store, role, f"policy.{step}"):
            ledger.add_policy_event("line", version, step, "Tanaka", "agreed")


@pytest.mark.parametrize("role", ROLES)
def test_cases_are_decided_and_judged_by_those_who_may(served, visit, role):
    _, store = served
    activate_next_policy(store)
    page = visit("worklist")
    button = page.get_by_role("button", name="Apply the active policy")
    if not press(button, store, role, "decisions.apply"):
        apply_active_policy(store, store.runs()[0].run.run_id)
    page = visit("queue")
    label = page.locator(".st-key-queue_label_0 button")
    if role in MAY["review.verdict"]:
        press(label, store, role, "review.verdict")
    else:
        expect(page.get_by_text("Only the roles reviewer and admin judge cases")).to_be_visible()
        expect(label).to_have_count(0)


@pytest.mark.parametrize("role", ROLES)
def test_a_scenario_a_decision_and_a_file_are_kept_by_those_who_may(served, visit, role):
    _, store = served
    # a threshold of its own, since an equal scenario is not kept again
    page = visit("meeting", t=0.5 + ROLES.index(role) / 10)
    page.get_by_role("textbox", name="Who is writing").fill("Sato")
    page.get_by_role("textbox", name="Who is writing").press("Enter")
    press(page.locator(".st-key-freeze button"), store, role, "scenario.save")
    page = visit("meeting")
    page.get_by_role("textbox", name="Who is writing").fill("Sato")
    page.get_by_role("textbox", name="Who is writing").press("Enter")
    page.locator("[class*=st-key-decided_] input").fill("Start")
    page.locator("[class*=st-key-reason_] input").fill("It pays")
    press(page.get_by_role("button", name="Add to the log"), store, role, "meeting.decide")

    page = visit("data")
    page.get_by_text("Upload", exact=False).first.wait_for()
    content = f"text\n{role}\n".encode()
    file = {"name": f"{role}.csv", "mimeType": "text/csv", "buffer": content}
    page.locator("input[type=file]").set_input_files(file)
    if role in MAY["upload.keep"]:
        expect(page.locator(".st-key-panel_file")).to_contain_text(f"{role}.csv")
    else:
        expect(page.get_by_text("may not do this (upload.keep)").first).to_be_visible()


@pytest.mark.parametrize("role", ROLES)
def test_every_page_opens_for_every_role_and_lists_of_cases_leave_by_those_who_may(visit, role):
    for name in PAGES:
        page = visit(page_path(name))
        expect(page.locator("h1").first).to_be_visible()
        expect(page.get_by_test_id("stException")).to_have_count(0)
        expect(page.get_by_text("may not do this")).to_have_count(0)
    page = visit(page_path("decide"))
    may = role in MAY["decisions.export"]
    expect(page.get_by_role("button", name="Worklist (CSV)")).to_be_enabled(enabled=may)
