"""One walk through the page of votes in a real browser: stored cases, Japanese, and a typed case
without models.
"""

import re

from playwright.sync_api import expect

from tests.browser.serving import go_to, open_address

BARS = ".st-key-chart_in_bars .main-svg"


def test_a_manager_looks_at_votes_and_types_a_case(full_dashboard, browser):
    problems: list[str] = []
    page = open_address(browser, full_dashboard, problems, ".st-key-handle")
    go_to(page, "Evidence", "Inspectors")
    page.locator(BARS).first.wait_for(timeout=60_000)
    headline = page.locator(".st-key-headline")
    expect(headline).to_contain_text("inspectors say")
    expect(page.locator(".st-key-chart_in_votes .ytick")).to_have_count(10)
    first = page.locator(".st-key-case_text").inner_text()

    page.locator(".st-key-pick").get_by_text("surest, and wrong").click()
    expect(page).to_have_url(re.compile(r"[?&]pick=wrong(&|$)"), timeout=30_000)
    expect(page.locator(".st-key-case_text")).not_to_have_text(first)
    expect(page.locator(".st-key-case_text")).to_contain_text("wrong")

    page.locator(".st-key-lang").get_by_text("日本語").click()
    expect(headline).to_contain_text("検査員10\u2060人", timeout=30_000)
    page.locator(".st-key-source").get_by_text("案件を入力する").click()
    expect(page.get_by_text("モデルが必要です")).to_be_visible(timeout=30_000)
    expect(page.locator(BARS)).to_have_count(0)
    assert problems == []
