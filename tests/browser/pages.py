"""Every page of the dashboard, found by its folder, so that a walk over all of them meets new ones
too.
"""

from playwright.sync_api import Browser, Page

from tests.browser.serving import ROOT

FIRST = "decide"  # the page at the root
_OTHERS = {file.parent.name for file in (ROOT / "dashboard").glob("*/page.py")} - {FIRST}
PAGES = (FIRST, *sorted(_OTHERS))
DRAWN = """() => [...document.querySelectorAll('[class*="st-key-chart_"]')].every(
  box => box.querySelector('.stPlotlyChart .main-svg'))"""
STILL = "[data-testid=stApp][data-test-script-state=notRunning]"


def opened(
    browser: Browser,
    address: str,
    name: str,
    language: str,
    scheme: str = "light",
    height: int = 1000,
) -> Page:
    """Open a page of the server at `address` in a context of its own, once all of it is drawn. The
    first page is the root.
    """
    view = {
        "viewport": {"width": 1440, "height": height},
        "color_scheme": scheme,
        "reduced_motion": "reduce",
    }
    page = browser.new_context(locale="en-AU", **view).new_page()
    page.goto(f"{address}{'' if name == PAGES[0] else name}?lang={language}")
    page.locator("h1").first.wait_for(timeout=120_000)
    page.locator(STILL).wait_for(timeout=120_000)
    page.wait_for_function(DRAWN, timeout=120_000)
    if page.locator(".st-key-handle").count():
        page.locator(".st-key-handle .live[data-confirmed=true]").wait_for(timeout=60_000)
        for chart in page.locator("[class*=st-key-live_]").all():
            chart.locator(".drawn[data-t]").wait_for(timeout=60_000)
    page.evaluate("document.fonts.ready")
    return page
