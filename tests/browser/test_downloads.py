"""A download in a real browser whose request comes late, as on a busy server."""

import time

from tests.browser.serving import HEADLINE, open_address

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
