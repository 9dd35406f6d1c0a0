"""Every page for people who do not use a mouse or see little: axe-core's rules, and the way that
Tab goes; and that nothing on it moves while it is drawn.

axe-core comes with a pinned package and needs no network. Its rules of impact "serious" and
"critical" must hold on every page, light in English on a laptop and dark in Japanese on a phone.
"""

from itertools import pairwise

import pytest
from axe_playwright_python.sync_playwright import Axe

from dashboard.i18n import LANGUAGE_NAMES
from tests.browser.pages import MOST_SHIFT, PAGES, UNREADABLE, layout_shift, opened
from tests.browser.serving import ROOT

GRAVE = ("serious", "critical")
# (rule, how its selector begins): what Streamlit draws and no setting of ours changes. Empty: there
# is none with 1.67.
STREAMLITS_OWN: tuple[tuple[str, str], ...] = ()

# On a phone Streamlit lists the pages aside, and puts the groups' titles into the list as no list
# may: its own too.
STREAMLITS_LIST = {"exclude": [["[data-testid=stSidebarNav]"]]}

# Widgets that a manager needs to decide, by their key; where each stands on the screen, and which
# one has the focus.
WAY = (
    "handle",
    "lang",
    "data_chip",
    "assumptions",
    "goal",
    "preset",
    "limited",
    "most",
    "capacity",
)
FOCUSED = """way => {
  const box = document.activeElement.closest(way.map(key => `.st-key-${key}`).join());
  return box && way.find(key => box.classList.contains(`st-key-${key}`));
}"""
ROW = 10  # pixels by which the feet of widgets of one row differ at most
PRESSES = 60  # Tab's way through the page down to the limits is shorter


def grave(page) -> list[str]:
    """What breaks a grave rule: its name, where, and what axe says of it."""
    found = []
    for violation in Axe().run(page, STREAMLITS_LIST).response["violations"]:
        for node in violation["nodes"]:
            where = str(node["target"][0])
            if violation["impact"] in GRAVE and not any(
                violation["id"] == rule and where.startswith(start)
                for rule, start in STREAMLITS_OWN
            ):
                found.append(f"{violation['id']} at {where}: {node['failureSummary']}")
    return found


def test_the_navigation_leads_to_every_page_that_has_a_folder(full_dashboard, browser):
    page = opened(browser, full_dashboard, PAGES[0], "en")
    links: set[str] = set()
    for section in page.locator("[data-testid=stTopNavSection]").all():
        section.click()
        page.locator("[data-testid=stTopNavPopoverBody]").wait_for()
        links |= set(
            page.locator("[data-testid=stTopNavDropdownLink]").evaluate_all(
                "all => all.map(a => new URL(a.href).pathname.slice(1))"
            )
        )
        page.keyboard.press("Escape")
    folders = {file.parent.name for file in (ROOT / "dashboard").glob("*/page.py")}
    assert {link or PAGES[0] for link in links} == set(PAGES) == folders


@pytest.mark.parametrize(
    ("language", "scheme", "size"), [("en", "light", (1280, 720)), ("ja", "dark", (390, 844))]
)
@pytest.mark.parametrize("name", PAGES)
def test_no_grave_rule_is_broken_nothing_moves_and_no_request_fails(
    full_dashboard, browser, name, language, scheme, size
):
    # A request that fails is an error on the console. Streamlit's script would look for its parts
    # below the page's address: dashboard.server tells it the root.
    errors: list[str] = []
    page = opened(browser, full_dashboard, name, language, scheme, size, errors)
    assert errors == []
    assert layout_shift(page) <= MOST_SHIFT
    assert grave(page) == []
    assert (
        page.locator("[class*=st-key-chart_]").count()
        == page.locator(".stPlotlyChart[role=figure][aria-label]").count()
    )
    assert (
        page.locator("[class*=st-key-live_]").count()
        == page.locator(".drawn svg[role=img][aria-label]").count()
    )


@pytest.mark.parametrize("language", LANGUAGE_NAMES)
@pytest.mark.parametrize("name", ["decide", "money", "evidence"])
def test_a_phone_cuts_and_covers_no_text_of_a_chart(full_dashboard, browser, name, language):
    page = opened(browser, full_dashboard, name, language, size=(390, 844))
    page.wait_for_timeout(500)  # charts lay themselves out anew
    assert page.locator(".js-plotly-plot").count() > 1
    assert page.evaluate(UNREADABLE) == []
    # a wide chart widens its own box, never the page
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("size", "on_phone"), [((390, 844), True), ((1280, 720), False)])
def test_inputs_of_money_have_names_on_a_phone_and_heads_elsewhere(
    full_dashboard, browser, size, on_phone
):
    page = opened(browser, full_dashboard, "money", "en", size=size)
    named = page.locator("[class*=st-key-in_] [data-testid=stWidgetLabel]").first
    assert named.is_visible() == on_phone
    assert page.locator(".st-key-input_heads").is_visible() != on_phone


def test_a_broken_rule_is_found(full_dashboard, browser):
    """A field without its name and a text that is hard to read are among what the test above would
    see.
    """
    page = opened(browser, full_dashboard, PAGES[0], "en")
    page.locator("h1").evaluate("title => { title.style.color = '#ddd'; }")
    page.locator("[data-testid=stMain]").evaluate(
        "main => main.append(document.createElement('input'))"
    )
    assert {found.split(" at ")[0] for found in grave(page)} == {"color-contrast", "label"}


def test_tab_goes_through_the_controls_as_one_reads_and_the_focus_is_seen(full_dashboard, browser):
    page = opened(browser, full_dashboard, PAGES[0], "en")
    page.locator("[data-testid=stTopNavSection]").last.focus()  # on to the page's body
    went: dict[str, bytes] = {}
    for _ in range(PRESSES):
        page.keyboard.press("Tab")
        key = page.evaluate(FOCUSED, list(WAY))
        if key and key not in went:
            went[key] = page.locator(f".st-key-{key}").screenshot(animations="disabled")
        if len(went) == len(WAY):
            break
    assert set(went) == set(WAY)
    # The slider comes first, wherever it is shown; the others follow as one reads.
    assert next(iter(went)) == "handle"
    others = [key for key in went if key != "handle"]
    ends = [page.locator(f".st-key-{key}").bounding_box() for key in others]
    for (key, box), (following, after) in pairwise(zip(others, ends, strict=True)):
        # widgets of a row stand on one line
        lower = after["y"] + after["height"] - box["y"] - box["height"]
        assert lower > ROW or (abs(lower) <= ROW and after["x"] > box["x"]), (
            f"{following} is not read after {key}"
        )
    page.evaluate("document.activeElement.blur()")
    unseen = [
        key
        for key in WAY
        if page.locator(f".st-key-{key}").screenshot(animations="disabled") == went[key]
    ]
    assert unseen == []
