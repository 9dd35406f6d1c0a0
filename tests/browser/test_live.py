"""The live handle in a real browser: it follows the pointer by itself, and says then what the
server says after it.
"""

import re
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from core.counts.histogram import AcceptanceCurve
from core.decision.thresholds import consequence
from core.decision.thresholds.costs import CostModel
from core.decision.thresholds.policy import Policy
from core.report import frames, run_selection
from core.store.store import Store
from dashboard.i18n import Words
from tests.browser.pages import STILL
from tests.browser.serving import DRAWN, NUMBER, handle_of, open_address, serving, show_tab
from tests.stores import activate, make_store

TEXTS = """root => Array.from(
  root.querySelectorAll('.word, .sentence, .figure, .tile .lines, .tile .ghost'),
  element => element.textContent)"""
# One key and what stands there right after it, before anything else of the page can run.
PRESS = f"""(root, key) => {{
  root.querySelector('.thumb').dispatchEvent(new KeyboardEvent('keydown', {{key, bubbles: true}}));
  return [root.dataset.confirmed, ({TEXTS})(root)];
}}"""


@pytest.fixture(scope="module")
def decided_dashboard(tmp_path_factory):
    """The address of a dashboard with an active policy."""
    home = tmp_path_factory.mktemp("decided")
    policy = Policy(0.6, by_segment={"A": 0.9}, epistemic_limit=0.5)
    activate(make_store(home / "store", "full"), policy.to_dict())
    with serving(home) as address:
        yield address


@pytest.mark.parametrize(
    "query", ["?t=0.5&lang=en", "?t=0.5&lang=ja&currency=JPY&review=500&escape=15000"]
)
def test_what_the_browser_says_is_what_the_server_says(decided_dashboard, browser, query):
    problems: list[str] = []
    page = open_address(browser, decided_dashboard + query, problems, DRAWN)
    assert (
        page.locator(".st-key-handle .rail .ghost-mark").evaluate("mark => mark.style.left")
        == "60%"
    )
    assert page.locator(".st-key-handle .tile .ghost").filter(has_text="◇").count() == 3
    for key in ("ArrowRight", "PageUp", "PageUp", "Home", "End", "ArrowLeft", "PageDown"):
        confirmed, said = handle_of(page).evaluate(PRESS, key)
        assert confirmed == "false"
        assert handle_of(page).evaluate(TEXTS) == said
    assert page.locator(NUMBER).input_value() == "0.989"
    assert problems == []


@contextmanager
def dragged(page, share: float):
    """The handle held at a share of its rail, let go at the end; gives the step that it shows."""
    rail = page.locator(".st-key-handle .rail").bounding_box()
    y = rail["y"] + rail["height"] / 2
    page.mouse.move(rail["x"] + rail["width"] / 2, y)
    page.mouse.down()
    page.mouse.move(rail["x"] + rail["width"] * share, y)
    yield round(1000 * float(page.locator(NUMBER).input_value()))
    page.mouse.up()


# Widths of the bars of review in the chart of the options, people alone first and the chosen model
# last, and all rows' titles.
WIDTHS = "all => all.map(bar => Number(bar.getAttribute('width')))"
TITLES = "all => all.map(title => title.textContent)"


def parts_said(words: Words, counts: AcceptanceCurve, t: float) -> list[str]:
    """What the server would write over each row of the chart of the parts."""
    said = []
    for row in frames.segment_frame(counts, t, 1.0).itertuples():
        lines = [row.segment]
        for name, n in (("review", row.cases), ("leakage", row.labelled)):
            low, high = (words.percent(getattr(row, f"{name}_{end}")) for end in ("low", "high"))
            lines += [
                f"{words(f'card.{name}')} {words.percent(getattr(row, name))}",
                words("card.interval", low=low, high=high),
            ]
            lines += [
                words("basis.cases" if name == "review" else "basis.labelled", n=words.number(n, 0))
            ]
        said.append("\n".join(lines))
    return said


@pytest.mark.parametrize("language", ["en", "ja"])
def test_charts_follow_a_drag_with_the_servers_figures_and_stay_at_its_release(
    homes, full_dashboard, browser, language
):
    store, words, problems = Store(homes["full"] / "store"), Words(language), []
    counts = AcceptanceCurve(
        store.histogram(run_selection.default_selection(store.runs("score")).run.run_id)
    )
    page = open_address(browser, f"{full_dashboard}?t=0.5&lang={language}", problems, DRAWN)
    root = handle_of(page)
    show_tab(page, words("tab.options"))
    options = page.locator(".st-key-live_options .drawn")
    bars = options.locator(".chart rect.review")
    expect(bars).to_have_count(4)
    before = bars.evaluate_all(WIDTHS)
    for share in (0.75, 0.9):
        with dragged(page, share) as step:
            assert root.get_attribute("data-confirmed") == "false"
            assert options.get_attribute("data-t") == str(step)
            human, *_, model = held = bars.evaluate_all(WIDTHS)
            assert held != before
            # A review costs the same everywhere, so the bars are as the reviews.
            assert model / human == pytest.approx(
                consequence.threshold_consequence(
                    counts, step / 1000, CostModel(1.0)
                ).review_rate.value
            )
        handle_of(page)
        page.locator(STILL).wait_for(timeout=30_000)
        assert bars.evaluate_all(WIDTHS) == held

    show_tab(page, words("tab.causes"))
    titles = page.locator(".st-key-live_segments .drawn title")
    expect(titles.first).to_be_attached()
    with dragged(page, 0.6) as step:
        told = titles.evaluate_all(TITLES)
        assert told == parts_said(words, counts, step / 1000)
    handle_of(page)
    page.locator(STILL).wait_for(timeout=30_000)
    assert titles.evaluate_all(TITLES) == told
    assert problems == []


def test_a_drag_moves_the_figures_before_the_release_and_the_address_after_it(
    full_dashboard, browser
):
    problems: list[str] = []
    page = open_address(browser, full_dashboard + "?t=0.5&lang=en", problems, DRAWN)
    handle_of(page)
    root = page.locator(".st-key-handle .live")
    with dragged(page, 0.75) as step:
        assert root.get_attribute("data-confirmed") == "false"
        shown = page.locator(NUMBER).input_value()
        assert abs(step - 750) < 2
        assert "t=0.5&" in page.url + "&"
    expect(page).to_have_url(re.compile(rf"[?&]t={float(shown):g}(&|$)"), timeout=30_000)
    expect(handle_of(page).locator(".value")).to_have_value(shown)

    # A number that is typed moves the handle.
    page.locator(NUMBER).fill("0.6")
    page.locator(NUMBER).press("Enter")
    expect(page).to_have_url(re.compile(r"[?&]t=0.6(&|$)"), timeout=30_000)
    expect(handle_of(page).locator(".value")).to_have_value("0.600")
    assert problems == []
