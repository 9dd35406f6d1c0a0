"""Every page of the dashboard, from its navigation, so that a walk over all of them meets new ones
too.
"""

from itertools import chain

from playwright.sync_api import Browser, Page

from dashboard.app import PAGE_GROUPS

PAGES = tuple(chain.from_iterable(PAGE_GROUPS.values()))  # the first is the page at the root
DRAWN = """() => [...document.querySelectorAll('[class*="st-key-chart_"]')].every(
  box => box.querySelector('.stPlotlyChart .main-svg'))"""
SHIFTS = """window.shifted = 0;
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: 'layout-shift', buffered: true });"""
# Texts of charts that leave their chart, and pairs of which one covers the other; ticks that Plotly
# turns have boxes that meet.
UNREADABLE = """() => [...document.querySelectorAll('.js-plotly-plot')].flatMap(plot => {
  const edge = plot.getBoundingClientRect();
  const texts = [...plot.querySelectorAll('svg text')].filter(text => text.textContent.trim()
    && !/rotate\\([^0]/.test(text.getAttribute('transform') ?? ''));
  const boxes = texts.map(text => text.getBoundingClientRect());
  const names = texts.map(text => text.textContent);
  const cut = names.filter((_, i) => boxes[i].width
    && (boxes[i].left < edge.left - 1 || boxes[i].right > edge.right + 1));
  const covered = names.flatMap((name, i) => names.slice(i + 1).filter((_, k) => {
    const a = boxes[i], b = boxes[i + 1 + k];
    return Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2
      && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3;
  }).map(other => `${name} | ${other}`));
  return [...cut, ...covered];
})"""
MOST_SHIFT = 0.02  # cumulative layout shift of a page; 0.1 is where people begin to notice
STILL = "[data-testid=stApp][data-test-script-state=notRunning]"


def page_path(name: str) -> str:
    """Return a page's path below the server's root."""
    return "" if name == PAGES[0] else name


def opened(
    browser: Browser,
    address: str,
    name: str,
    language: str,
    scheme: str = "light",
    size: tuple[int, int] = (1440, 1000),
    errors: list[str] | None = None,
) -> Page:
    """Open a page of the server at `address` in a context of its own, once all of it is drawn. The
    first page is the root. `layout_shift` tells what has moved since.

    size: of the window, px. errors: gathers what the console calls an error.
    """
    view = {
        "viewport": {"width": size[0], "height": size[1]},
        "color_scheme": scheme,
        "reduced_motion": "reduce",
    }
    page = browser.new_context(locale="en-AU", **view).new_page()
    page.add_init_script(SHIFTS)
    heard = [] if errors is None else errors
    page.on("console", lambda text: heard.append(text.text) if text.type == "error" else None)
    place = f"{address}{page_path(name)}?lang={language}"
    page.goto(place, timeout=120_000)  # a busy machine is slow, not broken
    page.locator("h1").first.wait_for(timeout=120_000)
    page.locator(STILL).wait_for(timeout=120_000)
    page.wait_for_function(DRAWN, timeout=120_000)
    if page.locator(".st-key-handle").count():
        page.locator(".st-key-handle .live[data-confirmed=true]").wait_for(timeout=60_000)
        for chart in page.locator("[class*=st-key-live_]").all():
            chart.locator(".drawn[data-t]").wait_for(timeout=60_000)
    page.evaluate("document.fonts.ready")
    return page


def layout_shift(page: Page) -> float:
    """Return the cumulative layout shift of a page that `opened` opened."""
    return page.evaluate("window.shifted")
