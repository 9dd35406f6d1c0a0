"""A manager's and a reviewer's way by the keyboard alone, in both languages: no test here moves or
presses the mouse.
"""

import re
import shutil
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.pipeline.apply import apply_active_policy
from core.report.meeting import frozen_scenarios
from core.store.ledger import Ledger
from core.store.reviews import Reviews
from core.store.store import Store
from dashboard.i18n import Words
from tests.browser.logins import activate_next_policy
from tests.browser.pages import STILL, opened
from tests.browser.serving import serving
from tests.stores import open_claims

MOST_TABS = 120  # no control of a page is further than this
HAS_FOCUS = """selector => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at !== null && at.matches(selector);
}"""


@pytest.mark.parametrize(("language", "size"), [("en", (1280, 720)), ("ja", (1440, 900))])
def test_a_manager_decides_proposes_approves_and_takes_the_list_away(
    homes, tmp_path, browser, language, size
):
    words = Words(language)
    shutil.copytree(homes["full"], tmp_path / "home")
    with serving(tmp_path / "home") as address:
        page = opened(browser, address, "decide", language, size=size)
        before = page.locator(".st-key-handle .value").input_value()
        tab_to(page, "[role=slider]")
        press(page, "ArrowRight", 3)
        expect(page.locator(".st-key-handle .value")).not_to_have_value(before)
        expect(page.locator(".st-key-handle .live")).to_have_attribute("data-confirmed", "true")
        threshold = float(page.locator(".st-key-handle .value").input_value())

        use(page, ".st-key-action_save button")
        write(page, ".st-key-author_save input", "佐藤 花子")
        use(page, ".st-key-save_scenario button")
        expect(page.locator("[data-testid=stToast]")).to_be_visible()
        press(page, "Escape")

        use(page, ".st-key-action_propose button")
        write(page, ".st-key-author_propose input", "佐藤 花子")
        write(page, ".st-key-propose_reason input", "The meeting of July")
        use(page, ".st-key-propose_policy button")
        page.wait_for_url(re.compile("/policies"), timeout=60_000)
        for step in ("approve", "activate"):
            write(page, ".st-key-decider input", "Tanaka")
            write(page, ".st-key-why input", "Agreed")
            use(page, f".st-key-step_{step} button")
            taken = page.locator(".st-key-panel_decide [data-testid=stAlert]")
            expect(taken).to_contain_text(words(f"policy.event.{step}"))

        go_by_keyboard(page, "worklist", words("nav.run"))
        use(page, ".st-key-worklist_apply button")
        with page.expect_download(timeout=60_000) as download:
            use(page, ".st-key-worklist_csv button")
        assert Path(download.value.path()).read_text(encoding="utf-8-sig").count("\n") > 1

        store = Store(tmp_path / "home" / "store")
        assert [one.scenario.name for one in frozen_scenarios(store)] == ["A"]
        active = Ledger(store).active_policy()
        assert active is not None
        assert active.content["threshold"] == threshold


def test_a_reviewer_judges_and_takes_back_a_verdict(homes, tmp_path, browser):
    """The letters beside the buttons answer; a letter in a field is only a letter."""
    shutil.copytree(homes["full"], tmp_path / "home")
    store = Store(tmp_path / "home" / "store")
    run_id = _apply_a_policy(store)
    with serving(tmp_path / "home") as address:
        page = opened(browser, address, "queue", "en", size=(1280, 720))
        write(page, ".st-key-queue_reviewer input", "Saul")  # s skips, a and u answer
        expect(page.locator(".st-key-queue_reviewer input")).to_have_value("Saul")
        first = _claimed_by("Saul", store, run_id)
        panel = page.locator(".st-key-queue_case_panel")
        expect(panel).to_contain_text(first)
        assert Reviews(store).verdicts(run_id).empty
        tab_to(page, ".st-key-queue_label_0 button")
        page.keyboard.press("u")
        expect(page.locator(".st-key-queue_undo button")).to_be_visible()
        verdicts = Reviews(store).verdicts(run_id)
        assert verdicts[["case_id", "verdict"]].to_numpy().tolist() == [[first, "unsure"]]
        page.locator(STILL).wait_for()
        expect(panel).not_to_contain_text(first)
        page.keyboard.press("z")
        expect(panel).to_contain_text(first)
        assert Reviews(store).case_verdicts(run_id).empty


def _claimed_by(reviewer: str, store: Store, run_id: str) -> str:
    """Return the case that the page claims once the reviewer's name has reached it."""
    for _ in range(600):
        claims = open_claims(store, run_id)
        mine = claims["case_id"][claims["reviewer"] == reviewer]
        if len(mine):
            return str(mine.iloc[-1])
        time.sleep(0.1)
    pytest.fail(f"{reviewer} gets no case")


def _apply_a_policy(store: Store) -> str:
    activate_next_policy(store)
    run_id = store.runs()[0].run.run_id
    apply_active_policy(store, run_id)
    return run_id


def go_by_keyboard(page: Page, name: str, group: str) -> None:
    """Open a page of the navigation's group by Tab and Enter."""
    page.locator(STILL).wait_for(timeout=60_000)
    section = page.locator("[data-testid=stTopNavSection]").filter(has_text=group)
    section.evaluate("section => { section.dataset.wanted = 1; }")
    tab_to(page, "[data-wanted]")
    page.keyboard.press("Enter")
    page.locator("[data-testid=stTopNavPopoverBody]").wait_for()
    tab_to(page, f"[data-testid=stTopNavDropdownLink][href$='/{name}']")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"/{name}"), timeout=60_000)


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until an element that matches the selector has the focus."""
    for _ in range(MOST_TABS):
        if page.evaluate(HAS_FOCUS, selector):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"Tab does not reach {selector}")


def use(page: Page, selector: str) -> None:
    """Go to a button and press it, once the page is still."""
    page.locator(STILL).wait_for(timeout=60_000)
    expect(
        page.locator(selector).last
    ).to_be_enabled()  # before it, a run's old one may still stand
    tab_to(page, selector)
    page.keyboard.press("Enter")


def write(page: Page, selector: str, text: str) -> None:
    """Go to a field and write into it."""
    page.locator(selector).wait_for(timeout=60_000)
    tab_to(page, selector)
    page.keyboard.type(text)
    page.keyboard.press("Enter")
    page.locator(STILL).wait_for(timeout=60_000)


def press(page: Page, key: str, times: int = 1) -> None:
    """Press a key some times."""
    for _ in range(times):
        page.keyboard.press(key)
