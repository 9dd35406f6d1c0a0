"""The first screen of the page 'Decide' at 1280 x 720: nothing moves, the slider is near, no error."""

import pytest

from tests.browser.pages import MOST_SHIFT, SHIFTS, STILL, layout_shift

FOCUSED = """() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at?.getAttribute('role') ?? '';
}"""
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
def test_nothing_moves_the_first_screen_holds_the_decision_and_the_page_is_short(
    full_dashboard, browser, language
):
    page, errors = first_screen(browser, full_dashboard, language, 1280, 720)
    assert errors == []
    assert layout_shift(page) <= MOST_SHIFT
    for key in ("choices", "handle", "actions"):
        box = page.locator(f".st-key-{key}").bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 720
    presses = 0
    while page.evaluate(FOCUSED) != "slider" and presses <= MOST_TABS:
        page.keyboard.press("Tab")
        presses += 1
    assert presses <= MOST_TABS
    page.set_viewport_size({"width": 1440, "height": 900})
    # charts lay themselves out anew
    page.wait_for_function(f"{HEIGHT} <= {TALLEST}", timeout=30_000)


@pytest.mark.parametrize(("escape", "above"), [(30_000, False), (1, True)])
def test_the_name_of_the_line_at_reviewing_everything_lies_beside_the_curve(
    full_dashboard, browser, escape, above
):
    """The curve begins above the line where escapes are dear, and below it where they are cheap."""
    page = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
    page.goto(f"{full_dashboard}?lang=ja&currency=JPY&review=500&volume=400&escape={escape}")
    page.locator(".st-key-handle .live[data-confirmed=true]").wait_for(timeout=120_000)
    name = page.locator(".all-label").bounding_box()
    line = page.locator(".curve polyline.all").bounding_box()
    assert (name["y"] + name["height"] / 2 < line["y"]) is above
