"""Downloads in a real browser on a busy server: a request that comes late, and a click on a button
that the server has replaced already.
"""

import re
import shutil
import time

from core.store.ledger import Ledger
from core.store.store import Store
from tests.browser.serving import HEADLINE, open_address, serving

LATE_S = 7.0  # three runs of the watch, at whose second end Streamlit itself drops the file


def test_a_file_is_still_there_when_its_request_comes_late(browser, full_dashboard):
    problems: list[str] = []
    page = open_address(browser, f"{full_dashboard}?t=0.9&lang=en", problems, HEADLINE)

    def delay(route):
        time.sleep(LATE_S)
        route.continue_()

    page.route("**/media/**", delay)
    with page.expect_download(timeout=60_000) as download:
        page.locator(".st-key-action_worklist button").first.click()
    assert download.value.failure() is None
    assert download.value.path().read_bytes().startswith(b"\xef\xbb\xbfcase_id,")
    assert problems == []


def test_a_click_before_the_next_runs_button_has_arrived_gives_a_file(browser, homes, tmp_path):
    """Another person's step makes the page run again; its messages reach the browser only after the
    click.
    """
    shutil.copytree(homes["full"], tmp_path / "home")
    held: list[tuple] = []
    holding: list[bool] = []

    def connect(browsers_end):
        server = browsers_end.connect_to_server()
        browsers_end.on_message(server.send)
        server.on_message(
            lambda text: held.append((browsers_end, text)) if holding else browsers_end.send(text)
        )

    with serving(tmp_path / "home") as address:
        page = open_address(
            browser,
            f"{address}?t=0.9&lang=en",
            [],
            HEADLINE,
            lambda page: page.route_web_socket(re.compile("_stcore/stream"), connect),
        )
        holding.append(True)
        Ledger(Store(tmp_path / "home" / "store")).add_scenario("A", {}, "Ito")
        for _ in range(300):  # the whole page has run again, not its watch alone
            page.wait_for_timeout(100)
            if sum(len(text) for _, text in held) > 20_000:
                break
        page.wait_for_timeout(1000)
        assert sum(len(text) for _, text in held) > 20_000
        with page.expect_download(timeout=60_000) as download:
            page.locator(".st-key-action_worklist button").first.click()
            page.wait_for_timeout(500)
            holding.clear()
            for browsers_end, text in held:
                browsers_end.send(text)
        assert download.value.path().read_bytes().startswith(b"\xef\xbb\xbfcase_id,")
