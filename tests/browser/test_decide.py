"""The page 'Decide' in a real browser: clicks on its curves, the zoom that stays, the tour."""

import re
import time
from contextlib import suppress

from playwright.sync_api import expect

from tests.browser.serving import DRAWN, NUMBER, handle_of, open_address

CHART = ".st-key-chart_thresholds"
# Where the first curve of the panels stands at a threshold, in pixels of the window.
PLACE = """(root, t) => {
  const plot = root.querySelector('.js-plotly-plot'), {xaxis, yaxis} = plot._fullLayout;
  const box = plot.getBoundingClientRect();
  const trace = plot.calcdata.find(points => points[0].trace.meta === 'reviews');
  const point = trace[Math.round(t * 1000)];
  const x = xaxis._offset + xaxis.c2p(point.x), y = yaxis._offset + yaxis.c2p(point.y);
  return [box.left + x, box.top + y];
}"""
RANGE = "root => root.querySelector('.js-plotly-plot')._fullLayout.xaxis.range"


def click_at(page, t: float) -> float:
    """Click the curve at a threshold and return the one that the page took, once it has."""
    number = page.locator(NUMBER)
    before, asked = number.input_value(), time.monotonic()
    while number.input_value() == before and time.monotonic() - asked < 60:
        page.locator(CHART).evaluate("root => root.scrollIntoView({block: 'center'})")
        x, y = page.locator(CHART).evaluate(PLACE, t)
        page.mouse.move(x - 3, y)
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.up()
        # a chart that is still being laid out hears no click: then once more, as a reader would
        with suppress(AssertionError):
            expect(number).not_to_have_value(before, timeout=3000)
    expect(number).not_to_have_value(before)
    handle_of(page)
    return float(number.input_value())


def test_a_click_on_a_curve_moves_the_threshold_and_the_zoom_stays(full_dashboard, browser):
    problems: list[str] = []
    page = open_address(browser, full_dashboard + "?t=0.5&lang=en", problems, DRAWN)
    chart = page.locator(CHART)
    chart.scroll_into_view_if_needed()
    chart.locator(".mark-now").first.wait_for(timeout=30_000)
    taken = click_at(page, 0.7)
    assert abs(taken - 0.7) <= 0.01
    expect(page).to_have_url(re.compile(rf"[?&]t={taken:g}(&|$)"))

    # The same point again, after the handle was moved away: it still works.
    slider = page.locator(".st-key-handle").get_by_role("slider")
    slider.press("PageDown")
    expect(page.locator(NUMBER)).to_have_value(f"{taken - 0.01:.3f}", timeout=30_000)
    handle_of(page)
    # Plotly takes the curve's point nearest to the pointer, which may be another by a pixel
    taken = click_at(page, 0.7)
    assert abs(taken - 0.7) <= 0.01

    # A zoom by the mouse outlives the next moves, and the point in use stays on the curve.
    # a second press within that time would be a double click, which resets the zoom
    page.wait_for_timeout(400)
    (left, y), (right, _) = (chart.evaluate(PLACE, t) for t in (0.4, 0.9))
    page.mouse.move(left, y + 20)
    page.mouse.down()
    page.mouse.move(right, y + 22, steps=4)
    page.mouse.up()
    zoomed = chart.evaluate(RANGE)
    assert zoomed[1] - zoomed[0] < 0.7
    slider.press("PageUp")
    expect(page.locator(NUMBER)).to_have_value(f"{taken + 0.01:.3f}", timeout=30_000)
    handle_of(page)
    page.wait_for_timeout(500)
    assert chart.evaluate(RANGE) == zoomed
    t = float(page.locator(NUMBER).input_value())
    x, y = chart.evaluate(PLACE, t)
    spot = chart.locator(".mark-now").first.bounding_box()
    assert abs(spot["x"] + spot["width"] / 2 - x) < 3
    assert abs(spot["y"] + spot["height"] / 2 - y) < 3
    assert problems == []


def test_the_tour_comes_when_it_is_opened_and_covers_nothing_before(full_dashboard, browser):
    problems: list[str] = []
    page = open_address(browser, full_dashboard + "?lang=en", problems, DRAWN)
    panel = page.locator(".st-key-tour .panel")
    expect(panel).to_be_hidden()
    page.locator(".st-key-tour .open").press("Enter")
    expect(panel.locator(".count")).to_have_text("Step 1 of 5")

    # It blocks nothing: the handle moves next to it.
    page.locator(".st-key-handle").get_by_role("slider").press("PageUp")
    expect(page).to_have_url(re.compile(r"[?&]t=0\.81"), timeout=30_000)
    expect(panel.locator(".count")).to_have_text("Step 1 of 5")

    for step in range(2, 6):
        panel.locator(".next").press("Enter")
        expect(panel.locator(".count")).to_have_text(f"Step {step} of 5")
    panel.locator(".back").press("Enter")
    expect(panel.locator(".count")).to_have_text("Step 4 of 5")
    panel.locator(".skip").press("Enter")
    expect(panel).to_be_hidden()

    page.locator(".st-key-tour .open").press("Enter")
    expect(panel.locator(".count")).to_have_text("Step 1 of 5")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    assert problems == []
