"""Take the README's pictures of the workspace of KAKUSHIN_HOME: `python -m benchmarks.screenshots`.

Every page in both languages, light, 1440 pixels wide and as long as the page, as
<page>-<language>.png in the folder `--out` (docs). The list of pages is the tests'
(tests.browser.pages), read from the navigation. Pages of people's work (MEETING_PAGES) are shown
after a meeting (benchmarks.held_meeting), which is held in a copy of the store.
"""

import argparse
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from benchmarks.held_meeting import hold_meeting
from core.settings import Settings
from core.store.store import Store
from dashboard.i18n import LANGUAGE_NAMES
from tests.browser.pages import PAGES, opened
from tests.browser.serving import CHROMIUM, FLAGS, ROOT, serving

# Streamlit scrolls the page's body inside the window: a window as tall as that body shows all of it
# at once.
TALL = """() => Math.ceil(Math.max(...['stMainBlockContainer', 'stSidebarContent'].map(
  name => document.querySelector(`[data-testid=${name}]`)?.scrollHeight ?? 0)))"""
NO_CHROMIUM = "no Chromium on the PATH: `apt-get install chromium` brings one"
TOUR = ".st-key-tour .skip"
MEETING_PAGES = ("worklist", "queue", "monitor", "policies", "history", "meeting")
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
    os.environ["KAKUSHIN_USER"] = "demo"  # not this machine's user
    home, meeting = Settings().home, [name for name in arguments.pages if name in MEETING_PAGES]
    if alone := [name for name in arguments.pages if name not in MEETING_PAGES]:
        photograph_pages(home, alone, tuple(LANGUAGE_NAMES), arguments.out)
    for language in LANGUAGE_NAMES if meeting else ():
        with after_meeting(home, language) as copy:
            photograph_pages(copy, meeting, (language,), arguments.out)


@contextmanager
def after_meeting(home: Path, language: str) -> Iterator[Path]:
    """Give a copy of the workspace in which a meeting was held in that language."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        shutil.copytree(home / "store", copy / "store")
        hold_meeting(Store(copy / "store"), language)
        yield copy


def photograph_pages(home: Path, names: list[str], languages: tuple[str, ...], out: Path) -> None:
    """Write the pictures of these pages of a workspace, and print their paths."""
    with serving(home) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for name in names:
            for language in languages:
                page = opened(browser, address, name, language)
                if (skip := page.locator(TOUR)).is_visible():  # it lies over what the picture is of
                    skip.click()
                print(take(page, out / f"{name}-{language}.png"))
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
