"""One walk through the real page in a real browser: move the threshold, change language, open the
shared link.
"""

import re

from playwright.sync_api import expect

from tests.browser.serving import COST, DRAWN, HEADLINE, NUMBER, open_address, serving
from tests.stores import make_store


def test_a_manager_moves_the_threshold_changes_language_and_shares_the_link(
    full_dashboard, browser
):
    _walk(full_dashboard, browser)


def _walk(address: str, browser) -> None:
    problems: list[str] = []
    page = open_address(browser, address + "?t=0.5", problems, DRAWN)
    cost, headline = page.locator(COST), page.locator(HEADLINE)
    before, said = cost.inner_text(), headline.inner_text()
    assert before.startswith("A$")

    # The keyboard moves the handle by its step of 0.001; the number, the figures, the sentence and
    # the address follow.
    slider = page.locator(".st-key-handle").get_by_role("slider")
    slider.focus()
    for _ in range(40):
        slider.press("ArrowRight")
    expect(page).to_have_url(re.compile(r"[?&]t=0\.54(&|$)"), timeout=30_000)
    expect(page.locator(NUMBER)).to_have_value("0.540")
    expect(cost).not_to_have_text(before)
    expect(headline).not_to_have_text(said)

    # Japanese, with the same threshold.
    page.locator(".st-key-lang").get_by_text("日本語").click()
    expect(page.locator("h1, h2, h3").filter(has_text="しきい値").first).to_be_visible(
        timeout=30_000
    )
    expect(page).to_have_url(re.compile(r"[?&]lang=ja(&|$)"))
    expect(headline).to_contain_text("自動承認")
    shown = cost.inner_text()

    # The link, opened by somebody else, shows the same view.
    other = open_address(browser, page.url, problems, DRAWN)
    expect(other.locator(NUMBER)).to_have_value("0.540")
    expect(other.locator(COST)).to_have_text(shown)
    expect(other.locator(HEADLINE)).to_contain_text("自動承認")
    assert other.url == page.url

    # Back goes to the view before.
    page.go_back()
    expect(page).to_have_url(re.compile(r"[?&]lang=en(&|$)"), timeout=30_000)
    expect(page.locator(HEADLINE)).to_contain_text("is accepted automatically", timeout=30_000)
    assert problems == []


def test_a_run_that_is_scored_while_the_page_is_open_appears(tmp_path, browser):
    """No restart and no click: the page looks at the store every two seconds."""
    make_store(tmp_path / "store", "empty")
    problems: list[str] = []
    with serving(tmp_path) as address:
        page = open_address(browser, address, problems, "[data-testid=stAlert]")
        expect(page.get_by_text("make demo").first).to_be_visible()
        make_store(tmp_path / "store", "tiny")
        expect(page.locator(COST)).to_be_visible(timeout=30_000)
        expect(page).to_have_url(re.compile(r"[?&]run="))
    # The server's end is the only thing that the console may complain of.
    assert [
        problem
        for problem in problems
        if "ERR_CONNECTION_REFUSED" not in problem and "WebSocket" not in problem
    ] == []
