"""One meeting in a real browser: freeze two scenarios, move a cost, write a decision, take the
slides away and open them.
"""

import io
from pathlib import Path

from playwright.sync_api import Page, expect
from pptx import Presentation

from core.report.meeting import frozen_scenarios
from core.store.meetings import Meetings
from core.store.store import Store
from tests.browser.serving import DRAWN, go_to, open_address, serving
from tests.stores import make_store

_DECISION, _REASON = "=1+1 から始める", "<b>安い</b> & safe"


def test_a_meeting_freezes_compares_decides_and_takes_the_slides_away(tmp_path, browser):
    make_store(tmp_path / "store", "full")
    problems: list[str] = []
    with serving(tmp_path) as address:
        page = open_address(browser, address + "?t=0.5", problems, DRAWN)
        go_to(page, "Prepare", "Meeting")
        _freeze_two(page)
        _edit(page)
        _decide(page)
        slides = _slides(page)
    assert problems == []
    assert {"Scenario A: threshold 0.500", "Scenario B: threshold 0.900"} <= slides
    assert {_DECISION, _REASON, "A$9.00", "伊藤"} <= slides
    store = Store(tmp_path / "store")
    assert [one.scenario.name for one in frozen_scenarios(store)] == ["A", "B"]
    assert [(one.decision, one.reason) for one in Meetings(store).decisions()] == [
        (_DECISION, _REASON)
    ]


def _freeze_two(page: Page) -> None:
    author = page.locator(".st-key-author input")
    author.fill("伊藤")
    author.press("Enter")
    freeze = page.locator(".st-key-freeze button")
    expect(freeze).to_be_enabled(timeout=30_000)
    freeze.click()
    expect(page.locator(".st-key-scenario_A")).to_contain_text("Coverage", timeout=30_000)
    _settled(page)
    threshold = page.locator(".st-key-t input")
    threshold.fill("0.9")
    threshold.press("Enter")
    expect(page.locator(".st-key-panel_freeze")).to_contain_text("threshold 0.900", timeout=30_000)
    page.locator(".st-key-freeze_as").get_by_text("B", exact=True).click()
    _settled(page)
    freeze.click()
    expect(page.locator(".st-key-scenario_B")).to_contain_text("Coverage", timeout=30_000)


def _settled(page: Page) -> None:
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(timeout=30_000)


def _edit(page: Page) -> None:
    review = page.locator(".st-key-m_review input")
    review.fill("9")
    review.press("Enter")
    for name in "AB":
        expect(page.locator(f".st-key-scenario_{name}")).to_contain_text(
            "A$4.00 → A$9.00", timeout=30_000
        )


def _decide(page: Page) -> None:
    """Two clicks at once are one decision."""
    panel = page.locator(".st-key-panel_log")
    panel.get_by_label("Decision", exact=True).fill(_DECISION)
    panel.get_by_label("Reason", exact=True).fill(_REASON)
    panel.get_by_role("button", name="Add to the log").dblclick()
    expect(panel.locator("[data-testid=stDataFrame]")).to_be_visible(timeout=30_000)
    _settled(page)
    expect(panel.get_by_label("Decision", exact=True)).to_have_value("", timeout=30_000)


def _slides(page: Page) -> set[str]:
    """The texts of the slides that the button gives."""
    with page.expect_download(timeout=60_000) as download:
        page.locator(".st-key-export_pptx button").click()
    deck = Presentation(io.BytesIO(Path(download.value.path()).read_bytes()))
    shapes = [shape for slide in deck.slides for shape in slide.shapes]
    texts = {shape.text_frame.text for shape in shapes if shape.has_text_frame}
    return texts | {
        cell.text
        for shape in shapes
        if shape.has_table
        for row in shape.table.rows
        for cell in row.cells
    }
