"""Every page for every role: what may be pressed, and what the service answers when it is pressed.

One server and one login a role. The table is docs/access.md's by hand, as in tests.test_roles, which
calls every service without a page.
"""

import re

import pytest
from playwright.sync_api import Page, expect

from core.store.ledger import Ledger
from core.store.store import Store
from core.store.trail import AuditTrail
from tests.browser.logins import PAGES, ROLES, activate_next_policy, log_in, login_server

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
    "report.export": set(ROLES),
    "upload.keep": {"operator", "admin"},
}
LISTS = (
    "action_worklist",
    "worklist_csv",
    "worklist_xlsx",
)  # exports of cases, by the button's key


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with login_server(home, 3600) as address:
        yield address, Store(home / "store")


@pytest.fixture
def visit(browser, served, role):
    """A function that opens a page by its path, as a person with the role who has logged in."""
    address, _ = served
    page = log_in(browser, address, role)

    def visit(path: str) -> Page:
        page.goto(f"{address}{path}?lang=en")
        expect(page.get_by_text("Account", exact=True)).to_be_visible()
        page.locator(IDLE).wait_for(timeout=60_000)
        return page

    return visit


def newest_action(store: Store) -> tuple[str, str]:
    entry = AuditTrail(store).entries(1).iloc[0]
    return entry["action"], entry["actor"]


def check_answer(page: Page, store: Store, role: str, action: str) -> bool:
    """Wait until a pressed button has its effect, or its refusal; return whether it was let in."""
    refusal = page.get_by_text(f"may not do this ({action})")
    if role not in MAY[action]:
        expect(refusal.first).to_be_visible()
        assert newest_action(store)[0] != action
        return False
    person = f"{role} ({role}@example.com)"
    for _ in range(120):
        if newest_action(store) == (action, person):
            break
        page.wait_for_timeout(250)
    assert newest_action(store) == (action, person)
    expect(refusal).to_have_count(0)
    return True


@pytest.mark.parametrize("role", ROLES)
def test_every_page_opens_and_a_file_leaves_only_by_a_role_that_may_take_it(visit, role):
    seen = set()
    for path in PAGES:
        page = visit(path)
        expect(page.get_by_text("may not do this")).to_have_count(0)
        expect(page.locator("[data-testid=stException]")).to_have_count(0)
        for box in page.locator("[data-testid=stDownloadButton]").all():
            keys = box.locator("xpath=ancestor-or-self::*[contains(@class, 'st-key-')][1]")
            key = re.search(r"st-key-(\w+)", keys.get_attribute("class")).group(1)
            action = "decisions.export" if key in LISTS else "report.export"
            button = box.locator("button")
            assert button.is_enabled() == (role in MAY[action]), (path, key)
            seen.add(key)
    assert {"action_worklist"} <= seen
    assert len(seen) > 3


@pytest.mark.parametrize("role", ROLES)
def test_only_an_approver_approves_activates_and_undoes(served, visit, role):
    _, store = served
    ledger, run_id = Ledger(store), store.runs()[0].run.run_id
    version = ledger.add_policy("line", {"threshold": 0.8}, "Suzuki", "why", [run_id]).version
    page = visit("policies")
    for step in ("approve", "activate", "undo"):
        # a refused step is then taken by another person, so that the next one is possible
        before = ledger.policy_events()
        button = page.locator(f".st-key-step_{step} button")
        expect(button).to_be_enabled()
        page.locator(".st-key-decider input").fill("Suzuki's approver")
        page.locator(".st-key-why input").fill("agreed")
        page.locator(".st-key-why input").press("Tab")
        page.locator(IDLE).wait_for()
        button.click()
        if not check_answer(page, store, role, f"policy.{step}"):
            assert ledger.policy_events() == before
            ledger.add_policy_event("line", version, step, "Tanaka", "agreed")
            page = visit("policies")


@pytest.mark.parametrize("role", ROLES)
def test_a_draft_is_proposed_by_those_who_may(served, visit, role):
    page = visit("policies")
    page.locator(".st-key-author input").fill("Sato")
    page.locator(".st-key-reason input").fill("safest")
    page.get_by_role("button", name="Propose this draft").click()
    check_answer(page, served[1], role, "policy.propose")


@pytest.mark.parametrize("role", ROLES)
def test_cases_are_decided_and_judged_by_those_who_may(served, visit, role):
    _, store = served
    activate_next_policy(store)
    page = visit("worklist")
    page.get_by_role("button", name="Apply the active policy").click()
    if not check_answer(page, store, role, "decisions.apply"):
        from core.pipeline.apply import apply_active_policy

        apply_active_policy(store, store.runs()[0].run.run_id)
    page = visit("queue")
    label = page.locator(".st-key-queue_label_0 button")
    if role in MAY["review.verdict"]:
        label.click()
        check_answer(page, store, role, "review.verdict")
    else:
        expect(page.get_by_text("Only the roles reviewer and admin judge cases")).to_be_visible()
        expect(label).to_have_count(0)


@pytest.mark.parametrize("role", ROLES)
def test_a_scenario_a_decision_and_a_file_are_kept_by_those_who_may(served, visit, role):
    _, store = served
    page = visit("meeting")
    page.get_by_role("textbox", name="Who is writing").fill("Sato")
    page.get_by_role("textbox", name="Who is writing").press("Enter")
    save = page.locator(".st-key-freeze button")
    expect(save).to_be_enabled()
    save.click()
    check_answer(page, store, role, "scenario.save")
    page = visit("meeting")
    page.get_by_role("textbox", name="Who is writing").fill("Sato")
    page.get_by_role("textbox", name="Who is writing").press("Enter")
    page.locator("[class*=st-key-decided_] input").fill("Start")
    page.locator("[class*=st-key-reason_] input").fill("It pays")
    add = page.get_by_role("button", name="Add to the log")
    expect(add).to_be_enabled()
    add.click()
    check_answer(page, store, role, "meeting.decide")

    page = visit("data")
    page.get_by_text("Upload", exact=False).first.wait_for()
    content = f"text\n{role}\n".encode()
    file = {"name": f"{role}.csv", "mimeType": "text/csv", "buffer": content}
    page.locator("input[type=file]").set_input_files(file)
    if role in MAY["upload.keep"]:
        expect(page.locator(".st-key-panel_file")).to_contain_text(f"{role}.csv")
    else:
        expect(page.get_by_text("may not do this (upload.keep)").first).to_be_visible()
