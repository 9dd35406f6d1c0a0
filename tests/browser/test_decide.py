"""The page 'Decide' in a real browser: clicks on its curves, the zoom that stays, the tour."""

import re
import time

import pytest
from playwright.sync_api import expect

from tests.browser.serving import DRAWN, NUMBER, handle_of, open_address, serving
from tests.stores import make_store

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


@pytest.fixture
def address(tmp_path):
    make_store(tmp_path / "store", "full")
    with serving(tmp_path) as server:
        yield server


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
        page.wait_for_timeout(3000)
    expect(number).not_to_have_value(before)
    handle_of(page)
    return float(number.input_value())


def test_a_click_on_a_curve_moves_the_threshold_and_the_zoom_stays(address, browser):
    problems: list[str] = []
    page = open_address(browser, address + "?t=0.5&lang=en", problems, DRAWN)
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


def test_the_tour_comes_when_it_is_opened_and_covers_nothing_before(address, browser):
    problems: list[str] = []
    page = open_address(browser, address + "?lang=en", problems, DRAWN)
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


@pytest.mark.parametrize("name", ["evidence", "money"])
def test_a_page_that_is_opened_by_its_own_address_asks_for_nothing_missing(address, browser, name):
    """Streamlit's script would look for its server below the page's address first; the dashboard's
    server tells it the root (dashboard.server).
    """
    problems: list[str] = []
    missing: list[str] = []
    page = browser.new_context(locale="en-AU").new_page()
    page.on("response", lambda answer: missing.append(answer.url) if answer.status >= 400 else None)
    page.on(
        "console",
        lambda message: problems.append(message.text) if message.type == "error" else None,
    )
    page.goto(f"{address}{name}?lang=en")
    page.locator("[data-testid=stPlotlyChart]").first.wait_for(timeout=60_000)
    assert missing == []
    assert problems == []
