"""The live handle in a real browser: it follows the pointer by itself, and says then what the server says after it."""

import pytest
from playwright.sync_api import expect

from core.decision.policy import Policy
from tests.browser.test_smoke import CHROMIUM, DRAWN, _open, browser, serving  # noqa: F401 - browser is a fixture
from tests.stores import make_store
from tests.test_decide_page import activate

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH: `apt-get install chromium` brings one"),
]

TEXTS = """root => [root.querySelector('.headline').textContent,
  ...Array.from(root.querySelectorAll('.figure, .card .lines, .card .ghost'), e => e.textContent)]"""
# One key and what stands there right after it, before anything else of the page can run.
PRESS = f"""(root, key) => {{
  root.querySelector('.thumb').dispatchEvent(new KeyboardEvent('keydown', {{key, bubbles: true}}));
  return [root.dataset.confirmed, ({TEXTS})(root)];
}}"""


def handle_of(page):
    """The component's root, once the server has confirmed what it shows."""
    root = page.locator(".st-key-handle .live")
    expect(root).to_have_attribute("data-confirmed", "true", timeout=30_000)
    return root


@pytest.mark.parametrize("address", ["?t=0.5&lang=en", "?t=0.5&lang=ja&currency=JPY&review=500&escape=15000"])
def test_what_the_browser_says_is_what_the_server_says(tmp_path, browser, address):  # noqa: F811
    activate(make_store(tmp_path / "store", "full"), Policy(0.6, by_segment={"A": 0.9}, epistemic_limit=0.5).to_dict())
    problems: list[str] = []
    with serving(tmp_path) as server:
        page = _open(browser, server + address, problems, DRAWN)
        assert page.locator(".st-key-handle .rail .ghost-mark").evaluate("mark => mark.style.left") == "60%"
        assert page.locator(".st-key-handle .card .ghost").filter(has_text="◇").count() == 6
        for key in ("ArrowRight", "PageUp", "PageUp", "Home", "End", "ArrowLeft", "PageDown"):
            confirmed, said = handle_of(page).evaluate(PRESS, key)
            assert confirmed == "false"
            assert handle_of(page).evaluate(TEXTS) == said
        assert page.locator(".st-key-handle .value").inner_text() == "0.989"
    assert problems == []


def test_a_drag_moves_the_figures_before_the_release_and_the_address_after_it(tmp_path, browser):  # noqa: F811
    make_store(tmp_path / "store", "full")
    problems: list[str] = []
    with serving(tmp_path) as server:
        page = _open(browser, server + "?t=0.5&lang=en", problems, DRAWN)
        handle_of(page)
        rail = page.locator(".st-key-handle .rail").bounding_box()
        y = rail["y"] + rail["height"] / 2
        page.mouse.move(rail["x"] + rail["width"] / 2, y)
        page.mouse.down()
        page.mouse.move(rail["x"] + rail["width"] * 0.75, y)
        root = page.locator(".st-key-handle .live")
        assert root.get_attribute("data-confirmed") == "false"
        dragged = root.locator(".value").inner_text()
        assert abs(float(dragged) - 0.75) < 0.002
        assert "t=0.5&" in page.url + "&"
        page.mouse.up()
        expect(page.locator(".st-key-t_number input")).to_have_value(dragged, timeout=30_000)
        assert handle_of(page).locator(".value").inner_text() == dragged

        # A number that is typed moves the handle.
        page.locator(".st-key-t_number input").fill("0.6")
        page.locator(".st-key-t_number input").press("Enter")
        expect(root.locator(".value")).to_have_text("0.600", timeout=30_000)
    assert problems == []
