"""The first screen of the page 'Decide' at 1280 x 720: nothing moves, the slider is near, no error."""

import pytest

from tests.browser.pages import STILL

SHIFTS = """window.shifted = 0;
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: 'layout-shift', buffered: true });"""
FOCUSED = """() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at?.getAttribute('role') ?? '';
}"""
MOST_SHIFT = 0.02  # cumulative; 0.1 is where people begin to notice
MOST_TABS = 8
TALLEST = 1800  # px of the page at 1440 wide
HEIGHT = "document.querySelector('[data-testid=stMainBlockContainer]').scrollHeight"


def first_screen(browser, address, language, width, height):
    """Return the page once it is drawn, and what its console called an error."""
    page = browser.new_context(viewport={"width": width, "height": height}).new_page()
    errors: list[str] = []
    page.on("console", lambda text: text.type == "error" and errors.append(text.text))
    page.add_init_script(SHIFTS)
    page.goto(f"{address}?lang={language}&goal=people&currency=JPY&review=500&escape=30000")
    page.locator(".st-key-handle .live[data-confirmed=true]").wait_for(timeout=120_000)
    page.locator(".st-key-action_worklist").wait_for(timeout=120_000)
    page.locator(".st-key-chart_thresholds .main-svg").first.wait_for(timeout=120_000)
    page.locator(STILL).wait_for(timeout=120_000)
    page.wait_for_timeout(1000)
    return page, errors


@pytest.mark.parametrize("language", ["ja", "en"])
def test_nothing_moves_and_the_first_screen_holds_the_decision(full_dashboard, browser, language):
    page, errors = first_screen(browser, full_dashboard, language, 1280, 720)
    assert errors == []
    assert page.evaluate("window.shifted") <= MOST_SHIFT
    for key in ("choices", "handle", "actions"):
        box = page.locator(f".st-key-{key}").bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 720
    presses = 0
    while page.evaluate(FOCUSED) != "slider" and presses <= MOST_TABS:
        page.keyboard.press("Tab")
        presses += 1
    assert presses <= MOST_TABS


def test_the_page_is_short(full_dashboard, browser):
    page, _ = first_screen(browser, full_dashboard, "ja", 1440, 900)
    assert page.evaluate(HEIGHT) <= TALLEST
