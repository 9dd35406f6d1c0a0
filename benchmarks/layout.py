"""Does anything move while a page is drawn: `python -m benchmarks.layout [--pages NAME ...]`.

Every page of the workspace of KAKUSHIN_HOME, in both languages and three sizes of the window, in a
real Chromium: `shift` is the cumulative layout shift by the browser's own measure (the limit is
MOST_SHIFT; people begin to notice at 0.1), `errors` what its console called an error. Prints one
line a page and a JSON object; exits 1 where a limit is not reached. A busy machine draws in more
steps, so it finds more.
"""

import argparse
import json

from playwright.sync_api import sync_playwright

from core.settings import Settings
from dashboard.i18n import LANGUAGE_NAMES
from tests.browser.pages import MOST_SHIFT, PAGES, layout_shift, opened
from tests.browser.serving import CHROMIUM, FLAGS, serving

SIZES = ((1280, 720), (1440, 900), (390, 844))  # laptop, desk, phone; px
LATE_MS = 1000  # what comes later than the last chart


def main() -> None:
    """Measure, print, exit 1 where something moves too far or the console has an error."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.layout", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--pages", nargs="+", choices=PAGES, default=PAGES, help="which pages (default: all)"
    )
    pages = parser.parse_args().pages
    if CHROMIUM is None:
        raise SystemExit("no Chromium on the PATH: `apt-get install chromium` brings one")
    with serving(Settings().home) as address:
        found = [page for name in pages for page in measure(address, name)]
    missed = [page for page in found if page["shift"] > MOST_SHIFT or page["errors"]]
    worst = max(page["shift"] for page in found)
    about = {"benchmark": "layout", "n": len(found), "worst_shift": worst, "limit": MOST_SHIFT}
    print(json.dumps(about | {"missed": missed, "reached": not missed}, indent=2))
    raise SystemExit(1 if missed else 0)


def measure(address: str, name: str) -> list[dict]:
    """The page in every size and language, each in a browser of its own: nothing is in its cache."""
    found = []
    for size in SIZES:
        for language in LANGUAGE_NAMES:
            errors: list[str] = []
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
                page = opened(browser, address, name, language, size=size, errors=errors)
                page.wait_for_timeout(LATE_MS)
                shift = round(layout_shift(page), 4)
                browser.close()
            print(f"{name:11} {size[0]:5} px {language}  shift {shift:.4f}  errors {len(errors)}")
            about = {"page": name, "width": size[0], "language": language}
            found.append(about | {"shift": shift, "errors": errors})
    return found


if __name__ == "__main__":
    main()
