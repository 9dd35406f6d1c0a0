"""A policy's way in a real browser: typed into the editor, proposed with a double click, approved,
activated, undone.
"""

import re
import shutil

from playwright.sync_api import expect

from core.decision.thresholds.policy import Policy
from core.store.ledger import Ledger
from core.store.store import Store
from tests.browser.serving import HEADLINE, go_to, open_address, serving

IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"
FORM, STEPS = ".st-key-panel_propose", ".st-key-panel_decide"


def test_a_manager_saves_a_policy_and_brings_it_into_force(homes, tmp_path, browser):
    shutil.copytree(homes["full"], tmp_path / "home")
    problems: list[str] = []
    with serving(tmp_path / "home") as address:
        page = open_address(browser, address + "?t=0.9", problems, HEADLINE)
        go_to(page, "Run", "Policies")
        page.locator(FORM).wait_for(timeout=30_000)
        _type_a_threshold(page)
        _propose(page)
        _step(page, "approve", "work-orders, version 1: approved.")
        _step(page, "activate", "work-orders, version 1: activated.")
        expect(page.locator(".st-key-headline")).to_contain_text("Active: work-orders, version 1.")
        page.locator(".st-key-lang").get_by_text("日本語").click()
        expect(page.locator(".st-key-headline")).to_contain_text(
            "適用中：work-orders 第1版", timeout=30_000
        )
        expect(page.locator(STEPS).get_by_role("combobox").first).to_have_value(
            re.compile("適用中")
        )

        ledger = Ledger(Store(tmp_path / "home" / "store"))
        assert [one.event for one in ledger.policy_events()] == ["propose", "approve", "activate"]
        assert Policy.from_dict(ledger.active_policy().content) == Policy(
            0.9, by_segment={"A": 0.75}
        )
        page.locator(".st-key-step_undo button").click()
        expect(page.locator(STEPS)).to_contain_text(
            "work-orders 第1版の取り消しを記録しました。", timeout=30_000
        )
        assert ledger.active_policy() is None
    assert [
        problem
        for problem in problems
        if "ERR_CONNECTION_REFUSED" not in problem and "WebSocket" not in problem
    ] == []


def _type_a_threshold(page) -> None:
    """The editor is a canvas: its first cell of own thresholds is reached by the mouse, and typed
    into.
    """
    canvas = page.locator(f"{FORM} [data-testid=stDataFrame] canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.dblclick(box["x"] + 0.38 * box["width"], box["y"] + 1.5 * 35)
    page.locator(
        "[data-testid=number-overlay] input, .gdg-style input, #portal input"
    ).first.wait_for(timeout=30_000)
    page.keyboard.type("0.75", delay=60)
    page.keyboard.press("Enter")
    expect(page.locator(FORM)).to_contain_text(
        "only one threshold for all can be certified", timeout=30_000
    )


def _propose(page) -> None:
    page.locator(".st-key-author input").fill("佐藤 花子")
    page.locator(".st-key-reason input").fill("Segment A is the safest line")
    page.get_by_role("button", name="Propose this draft").dblclick()
    expect(page.locator(STEPS)).to_contain_text("Proposed by 佐藤 花子", timeout=30_000)


def _step(page, step: str, answer: str) -> None:
    page.locator(IDLE).wait_for(timeout=30_000)
    page.locator(".st-key-decider input").fill("Tanaka")
    page.locator(".st-key-why input").fill("Meeting of July")
    page.locator(f".st-key-step_{step} button").dblclick()
    expect(page.locator(STEPS)).to_contain_text(answer, timeout=30_000)
