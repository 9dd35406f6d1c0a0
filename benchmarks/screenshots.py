"""Take the README's pictures of the workspace of KAKUSHIN_HOME: `python -m benchmarks.screenshots`.

Every page in both languages, light, 1440 pixels wide and as long as the page, as
<page>-<language>.png in the folder `--out` (docs). The list of pages is the tests'
(tests.browser.pages), read from the navigation.
"""

import argparse
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from core.settings import Settings
from dashboard.i18n import LANGUAGE_NAMES
from tests.browser.pages import PAGES, opened
from tests.browser.serving import CHROMIUM, FLAGS, ROOT, serving

# Streamlit scrolls the page's body inside the window: a window as tall as that body shows all of it
# at once.
TALL = """() => Math.ceil(Math.max(...['stMainBlockContainer', 'stSidebarContent'].map(
  name => document.querySelector(`[data-testid=${name}]`)?.scrollHeight ?? 0)))"""
NO_CHROMIUM = "no Chromium on the PATH: `apt-get install chromium` brings one"
TOUR = ".st-key-tour .skip"
MOST = 16_000  # pixels; Chromium draws no taller picture


def main() -> None:
    """Make the pictures, and say which."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.screenshots", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--out", type=Path, default=ROOT / "docs", help="folder for the pictures (default: docs)"
    )
    parser.add_argument(
        "--pages", nargs="+", choices=PAGES, default=PAGES, help="which pages (default: all)"
    )
    arguments = parser.parse_args()
    if CHROMIUM is None:
        raise SystemExit(NO_CHROMIUM)
    arguments.out.mkdir(parents=True, exist_ok=True)
    with serving(Settings().home) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for name in arguments.pages:
            for language in LANGUAGE_NAMES:
                page = opened(browser, address, name, language)
                if (skip := page.locator(TOUR)).is_visible():  # it lies over what the picture is of
                    skip.click()
                print(take(page, arguments.out / f"{name}-{language}.png"))
                page.context.close()
        browser.close()


def photograph(chart: Path, path: Path) -> None:
    """Write the picture of a chart's HTML file."""
    if CHROMIUM is None:
        raise SystemExit(NO_CHROMIUM)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1200, "height": 920})
        page.goto(chart.resolve().as_uri())
        page.locator(".main-svg").first.wait_for()
        page.screenshot(path=path)
        browser.close()
    shrink(path)


def take(page: Page, path: Path) -> Path:
    """Write the picture of a page that is drawn, in all its length."""
    for _ in range(2):  # charts grow a little with the window
        page.set_viewport_size({"width": 1440, "height": min(MOST, page.evaluate(TALL))})
        page.wait_for_timeout(1000)  # charts lay themselves out anew
    page.screenshot(path=path)
    return shrink(path)


def shrink(path: Path) -> Path:
    """Write a picture again in 128 colours: a third of its size, and no difference that shows."""
    colours = Image.open(path).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    colours.save(path, optimize=True)
    return path


if __name__ == "__main__":
    main()
