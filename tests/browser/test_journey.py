"""A threshold chosen by every handle that there is, then said in the other language, in the dark,
and by somebody else.
"""

import re

from playwright.sync_api import expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.browser.pages import STILL, opened
from tests.browser.serving import DRAWN, HEADLINE, NUMBER, go_to, handle_of, open_address

PAPER = "() => getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"


def moved(page, before: str) -> str:
    """Return the threshold once it is another than before, in the number, the handle and the
    address.
    """
    expect(page.locator(NUMBER)).not_to_have_value(before, timeout=30_000)
    now = page.locator(NUMBER).input_value()
    expect(handle_of(page).locator(".value")).to_have_value(now)
    expect(page).to_have_url(re.compile(rf"[?&]t={float(now):g}(&|$)"), timeout=30_000)
    return now


def by_limit(page, key: str, value: str, before: str) -> str:
    """Type a limit, take the threshold that follows from it, empty the limit again; return the
    threshold.
    """
    field = page.locator(f".st-key-{key} input")
    field.fill(value)
    field.press("Enter")
    page.locator(".st-key-use_limits button").click(timeout=30_000)
    now = moved(page, before)
    field.fill("")
    field.press("Enter")
    expect(page.locator(".st-key-use_limits")).to_have_count(0, timeout=30_000)
    return now


def test_every_handle_moves_the_threshold_and_language_theme_and_link_keep_it(
    full_dashboard, browser
):
    problems: list[str] = []
    page = open_address(browser, full_dashboard + "?t=0.5&lang=en", problems, DRAWN)
    t = _by_every_handle(page)

    # Lists say it in Japanese too, and every choice is kept.
    segment, chip = (
        page.locator(".st-key-segment input"),
        page.locator(".st-key-data_chip button"),
    )
    chip.first.click()
    expect(segment).to_have_value("All segments")
    page.keyboard.press("Escape")
    page.locator(".st-key-lang").get_by_text("日本語").click()
    expect(page.locator(HEADLINE)).to_contain_text("自動承認", timeout=30_000)
    chip.first.click()
    expect(segment).to_have_value("すべての区分")
    page.keyboard.press("Escape")
    chosen = page.locator(".st-key-limited").get_by_role("radio", checked=True)
    expect(chosen).to_have_text("誤りの流出率")
    expect(page.locator(NUMBER)).to_have_value(t)

    # The browser's own dark mode.
    light = page.evaluate(PAPER)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"light => ({PAPER})() !== light", arg=light)
    expect(handle_of(page).locator(".value")).to_have_value(t)

    # Somebody else, with the link.
    other = open_address(browser, page.url, problems, DRAWN)
    expect(other.locator(NUMBER)).to_have_value(t)
    expect(other.locator(HEADLINE)).to_have_text(page.locator(HEADLINE).inner_text())
    assert problems == []


def _by_every_handle(page) -> str:
    """Keyboard, number, two limits, a goal: each moves the threshold. Return the last one."""
    page.locator(".st-key-handle").get_by_role("slider").press("PageUp")
    t = moved(page, "0.500")
    page.locator(NUMBER).fill("0.6")
    page.locator(NUMBER).press("Enter")
    t = moved(page, t)
    page.locator(".st-key-limited").get_by_text("Leakage").click()
    t = by_limit(page, "most", "1", t)
    t = by_limit(page, "capacity", "0.5", t)
    page.locator(".st-key-goal").get_by_text("Leakage").click()
    return moved(page, t)


def test_another_page_keeps_the_choices_of_the_first_though_nothing_was_touched(
    full_dashboard, browser
):
    """The same key on another page is another widget for Streamlit, whose own default would be a
    cost of nothing.
    """
    problems: list[str] = []
    page = open_address(
        browser, full_dashboard + "?t=0.5&lang=en&review=5&escape=90", problems, DRAWN
    )
    for group, name in (("Run", "Policies"), ("Decide", "Decide"), ("Prepare", "Meeting")):
        go_to(page, group, name)
        expect(page.get_by_role("heading", level=1)).to_contain_text(
            "What to accept" if name == "Decide" else name
        )
        page.locator(".st-key-assumptions button").first.click()
        expect(page.locator(".st-key-review input")).to_have_value("5.00", timeout=30_000)
        expect(page.locator(".st-key-escape input")).to_have_value("90.00")
        page.locator(".st-key-data_chip button").first.click()
        expect(page.locator(".st-key-unseen input")).to_be_checked()
        page.keyboard.press("Escape")
        expect(page).to_have_url(re.compile(r"[?&]review=5&escape=90(&|$)"))
    assert problems == []


def ends_a_run(said: bytes) -> bool:
    """Return whether a server's message ends a run of the page; those of fragments do not count."""
    message = ForwardMsg.FromString(said)
    is_end = message.WhichOneof("type") == "script_finished"
    return is_end and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY


class Slow:
    """What lies between a page and its server: it keeps back what the server says while
    `holding`.
    """

    def __init__(self):
        self.holding, self.kept = False, []

    def stand_between(self, page) -> None:
        self.page = page
        page.route_web_socket(re.compile("/_stcore/stream"), self._between)

    def _between(self, route) -> None:
        self.to_page, server = route, route.connect_to_server()
        server.on_message(lambda said: self.kept.append(said) if self.holding else route.send(said))
        route.on_message(server.send)

    def answered(self, act) -> None:
        """Do `act`, and wait until the server has finished the whole run that answers it."""
        first = len(self.kept)
        act()
        while not any(map(ends_a_run, self.kept[first:])):
            self.page.wait_for_timeout(100)

    def let_go(self) -> None:
        self.holding = False
        for said in self.kept:
            self.to_page.send(said)


def test_what_a_browser_has_not_heard_of_yet_does_not_undo_a_choice(full_dashboard, browser):
    """A limit's threshold is taken; before it hears of that, the browser sends another choice, with
    all that it still shows.
    """
    slow, problems = Slow(), []
    page = open_address(
        browser,
        full_dashboard + "?t=0.888&lang=en&capacity=25",
        problems,
        DRAWN,
        slow.stand_between,
    )
    # its preset is marked
    expect(page.locator(".st-key-preset_safe").get_by_test_id("stIconMaterial")).to_have_count(1)
    slow.holding = True
    slow.answered(page.locator(".st-key-use_limits button").click)
    slow.answered(page.locator(".st-key-limited").get_by_text("Error rate of accepted").click)
    slow.let_go()
    expect(page).to_have_url(re.compile("[?&]limited=selective_risk(&|$)"), timeout=30_000)
    assert moved(page, "0.888") == "1.000"
    expect(page.locator(".st-key-preset_safe").get_by_test_id("stIconMaterial")).to_have_count(
        0, timeout=30_000
    )
    assert problems == []


def test_an_empty_queue_leads_to_the_worklist_and_that_to_the_policies(full_dashboard, browser):
    page = opened(browser, full_dashboard, "queue", "ja")
    run = page.evaluate("new URL(location).searchParams.get('run')")
    for target in ("worklist", "policies"):
        page.locator(f".st-key-to_{target} button").click()
        page.wait_for_url(re.compile(f"/{target}"), timeout=60_000)
        page.locator(STILL).wait_for(timeout=60_000)
    assert page.evaluate("new URL(location).searchParams.get('run')") == run
    assert "lang=ja" in page.url
