"""The ways to a threshold on the page 'Decide': presets, limits on risk and reviews, and the cases
that change side.
"""

import pytest

from dashboard.i18n import LANGUAGE_NAMES, catalogue
from tests.pages import move, page_text, show_tab
from tests.stores import add_run

# 100 cases on one day. Right: 40 at 0.9, 30 at 0.7; wrong: 1 at 0.8, 29 at 0.1. A review costs 1,
# an escape 10, time next to 0.
CASES = (
    [("A", "right", 0.9)] * 40
    + [("A", "wrong", 0.8)]
    + [("B", "right", 0.7)] * 30
    + [("B", "wrong", 0.1)] * 29
)
COSTS = {"review": "1", "escape": "10", "machine": "0"}


@pytest.fixture
def known(open_page, tmp_path):
    """Return a function that opens the page over CASES."""
    add_run(tmp_path, CASES)
    return lambda **address: open_page(tmp_path, **(COSTS | address))


@pytest.mark.parametrize("lang", LANGUAGE_NAMES)
@pytest.mark.parametrize("home", ["tiny", "full"])
def test_limits_and_presets_open_in_each_language_on_each_store(open_page, lang, home):
    page = open_page(home, lang=lang, most="2", capacity="1", t="0.5", compare="shadow")
    assert not page.exception
    assert not page.error
    assert catalogue(lang)["limits"] in page_text(page)
    shadow = catalogue(lang)["preset.shadow"]
    nothing = catalogue(lang)["preset.fault.accepts_nothing"].format(name=shadow)
    assert page.button(key="preset_shadow").label == nothing
    assert show_tab(page, "causes").segmented_control(key="compare").value == "shadow"


def marked(page) -> list[str]:
    """Keys of the presets that are marked as the threshold's."""
    return [
        button.key
        for button in page.button
        if button.key.startswith("preset_") and button.proto.icon
    ]


def test_a_preset_moves_the_threshold_and_is_marked_there(known):
    """Least money from 0.101 to 0.7: 29 reviews and 1 escape are 39. Looser it is 300, stricter 60
    or more.
    """
    page = known(t="0.5")
    assert marked(page) == []
    page.button(key="preset_balanced").click().run()
    assert page.query_params["t"] == "0.7"
    assert marked(page) == ["preset_balanced"]
    move(page, 0.5).run()
    assert marked(page) == []


def test_a_limit_on_leakage_gives_the_threshold_with_the_fewest_reviews(known):
    page = known(most="1", t="0.5")
    assert "Threshold 0.101: Leakage 1.00%" in page_text(page)
    assert "n = 100), 29 reviews a day." in page_text(page)
    page.button(key="use_limits").click().run()
    assert page.query_params["t"] == "0.101"
    assert page.button(key="use_limits").disabled


def test_a_capacity_gives_the_strictest_threshold_that_it_serves(known):
    assert "Threshold 0.700: Leakage 1.00%" in page_text(known(capacity="30"))


def test_the_limit_that_binds_and_the_worth_of_a_review_are_named(known):
    """No escape at all takes more than 0.8: 60 reviews, 60 of money, where the cheapest point of
    all is 39.
    """
    text = page_text(known(most="0", capacity="60"))
    assert "Threshold 0.900: Leakage 0.00%" in text
    assert "The limit on wrong answers binds." in text
    assert catalogue("en")["limits.worthless"] in text


def test_the_worth_of_one_more_review_is_the_money_that_it_saves(known):
    """With 28 reviews a day the 29 wrong answers at 0.1 all slip through: 0 reviews, 30 escapes,
    300; with 29 it is 39.
    """
    text = page_text(known(most="100", capacity="28"))
    assert "Threshold 0.100: Leakage 30.00%" in text
    assert "Review capacity binds." in text
    assert "One more review a day would save A$7,944 a month, net of its own cost" in text


def test_limits_that_exclude_each_other_show_the_nearest_point(known):
    (warning,) = known(most="0", capacity="59").warning
    assert "Each limit can be kept, but not both at once." in warning.value
    assert "One more review a day would make both limits possible." in warning.value
    assert "Threshold 0" in warning.value.replace("\\", "")


def test_limits_are_in_the_link_and_bad_ones_are_named(open_page, known):
    page = known(most="1.5", capacity="20", limited="selective_risk")
    assert {name: page.query_params[name] for name in ("most", "capacity", "limited")} == {
        "most": "1.5",
        "capacity": "20",
        "limited": "selective_risk",
    }
    for name, value in {
        "most": "101",
        "capacity": "-1",
        "limited": "guess",
        "compare": "boldest",
    }.items():
        assert f"The link's value “{value}” for “{name}” cannot be used here" in page_text(
            known(**{name: value})
        )


def test_cases_between_the_threshold_and_the_preset_are_listed_with_their_text(known):
    # balanced is 0.7: 30 right at 0.7 and one wrong at 0.8 lie between
    page = show_tab(known(t="0.9", compare="balanced"), "causes")
    # read only where a reader asks
    assert not [frame for frame in page.dataframe if "Text" in frame.value.columns]
    page.session_state["table_sides"] = True
    page.run()
    (table,) = [frame.value for frame in page.dataframe if "Text" in frame.value.columns]
    assert len(table) == 31
    assert list(table["Confidence"]) == [0.8] + [0.7] * 30
    assert list(table["Outcome"].unique()) == ["wrong", "right"]
    assert (
        "Cases from 0.700 up to 0.900: 31; right answers 30, wrong 1, without a label 0."
        in page_text(page)
    )
    page.selectbox(key="segment").set_value("B").run()
    (table,) = [frame.value for frame in page.dataframe if "Text" in frame.value.columns]
    assert len(table) == 30
    assert set(table["Segment"]) == {"B"}
