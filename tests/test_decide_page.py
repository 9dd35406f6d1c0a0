"""What stands around the threshold on the page 'Decide': the active policy, points on the curves,
classes, people, what if.
"""

import json

import pandas as pd
import pytest

from core.counts.joint import REVIEW_ALL
from core.decision.thresholds.policy import Policy
from dashboard.decide.route import WayToYes, way_label
from dashboard.i18n import LANGUAGE_NAMES, Words, catalogue
from dashboard.session import cache
from tests.pages import described, drawn, live, move, page_text, show_tab, unfold
from tests.stores import activate, add_run, make_store

# 100 cases on one day. Right: 40 at 0.9, 30 at 0.7; wrong: 1 at 0.8, 29 at 0.1. A review costs 1,
# an escape 10, time next to 0.
CASES = (
    [("A", "right", 0.9)] * 40
    + [("A", "wrong", 0.8)]
    + [("B", "right", 0.7)] * 30
    + [("B", "wrong", 0.1)] * 29
)
COSTS = {"review": "1", "escape": "10", "machine": "0"}
RISK, THRESHOLDS = range(2)  # places of the charts


@pytest.fixture
def known(open_page, tmp_path):
    """Return a function that opens the page over CASES, with a policy active where one is given."""
    store = add_run(tmp_path, CASES)

    def known(policy: Policy | None = None, **address):
        if policy is not None:
            activate(store, policy.to_dict())
        return open_page(tmp_path, **(COSTS | address))

    return known


def ghosts(page) -> list[str]:
    """Return each tile's difference to the active policy, without its sign."""
    return [ghost.removeprefix("◇ ") for _, _, ghost in described(page)[2]]


def marks(page, place: int) -> dict[str, list[float]]:
    """Return {name: thresholds} of the points that a chart shows."""
    found: dict[str, list[float]] = {}
    for trace in json.loads(page.get("plotly_chart")[place].proto.spec)["data"]:
        if trace.get("meta") == "mark":
            found.setdefault(trace["name"], []).append(trace["customdata"][0])
    return found


# --- the active policy


def test_without_an_active_policy_there_is_no_ghost_and_one_sentence(known):
    page = known()
    assert live(page)["ghost"] == {"step": None, "label": ""}
    assert ghosts(page) == [""] * 3
    assert catalogue("en")["ghost.none"] in page_text(show_tab(page, "terms"))


def test_differences_to_the_active_policy_are_those_of_the_counts(known):
    """At 0.7: 71 accepted, 29 reviews, 1 wrong. At 0.9: 40 accepted, 60 reviews, none wrong.

    Reviews 60 - 29 = 31 more; escapes 365.25 / 12 = 30 a month fewer; money 60 - (29 + 10) = 21 a
    day more, 639.19 a month.
    """
    page = known(Policy(0.7), t="0.9")
    assert ghosts(page) == [
        "31 more reviews a day",
        "30 fewer escapes a month",
        "A$639.19 more a month",
    ]
    assert live(page)["ghost"]["step"] == 700
    assert ghosts(move(page, 0.7).run()) == [catalogue("en")["ghost.same"]] * 3
    text = page_text(show_tab(page, "terms"))
    assert "The active policy is line-1, version 1: threshold 0.700." in text


def test_the_ghost_is_the_whole_policy_and_not_its_first_threshold(known):
    """In B nothing is accepted: 41 of 100. At 0.7 for all 30 more are accepted: +30 points, 30
    fewer reviews.
    """
    page = known(Policy(0.7, by_segment={"B": REVIEW_ALL}), t="0.7")
    assert ghosts(page)[0] == "30 fewer reviews a day"
    text = page_text(show_tab(page, "terms"))
    assert "It has 1 threshold of its own for a segment or class." in text


def test_an_epistemic_limit_of_the_active_policy_counts(known):
    """Every case has 0.1 nats: a limit of 0.05 accepts nothing."""
    page = known(Policy(0.7, epistemic_limit=0.05), t="0.7")
    assert ghosts(page)[0] == "71 fewer reviews a day"
    assert "uncertainty from lack of experience is above low" in page_text(show_tab(page, "terms"))


def test_a_policy_that_reviews_everything_has_figures_and_no_place_on_the_rail(known):
    page = known(Policy(REVIEW_ALL), t="0.7")
    assert live(page)["ghost"]["step"] is None
    assert ghosts(page)[0] == "71 fewer reviews a day"
    assert "Active" not in marks(page, THRESHOLDS)


def test_a_segment_is_compared_with_the_policy_in_that_segment(known):
    page = known(Policy(0.7), t="0.9", segment="A")
    assert ghosts(page)[0] == "1.0 more reviews a day"  # 1 of 41 against none


def test_a_policy_that_cannot_be_read_is_named_and_hides_nothing(open_page, tmp_path):
    activate(add_run(tmp_path, CASES), {"threshold": 0.7})
    page = open_page(tmp_path)
    assert not page.exception
    assert (
        "The active policy line-1, version 1, cannot be compared with: A policy has the names"
        in page_text(show_tab(page, "terms"))
    )
    assert live(page)["ghost"]["step"] is None


def test_without_labels_only_the_workload_is_compared(open_page, tmp_path):
    activate(
        add_run(tmp_path, [("A", "unlabelled", 0.9)] * 30 + [("A", "unlabelled", 0.5)] * 10),
        Policy(0.4).to_dict(),
    )
    assert ghosts(open_page(tmp_path, t="0.8")) == ["10 more reviews a day", "", ""]


# --- points and clicks


def test_the_curves_show_each_point_that_there_is(known):
    page = known(Policy(0.7), capacity="30")
    assert marks(page, THRESHOLDS) == {
        "Active": [0.7] * 3,
        "Capacity": [0.7] * 3,
        "Cheapest": [0.7] * 3,
    }
    assert marks(page, RISK) == {"Active": [0.7], "Capacity": [0.7]}
    text = page_text(page)
    assert "No certified point: " in text
    assert "the strictest threshold that 30 reviews a day (0.58 full-time people) can serve" in text


def test_without_a_capacity_its_point_is_missing_and_says_so(known):
    page = known()
    assert marks(page, THRESHOLDS) == {"Cheapest": [0.7] * 3}
    assert catalogue("en")["points.no_capacity"] in page_text(page)


def test_the_certified_point_is_that_of_the_calibration_run(open_page):
    page = open_page(measure="leakage", target="0.3")
    (found,) = {
        t for name, at in marks(page, THRESHOLDS).items() for t in at if name == "Certified"
    }
    assert f"from threshold {found:.3f} upwards, at most 30.0% of all cases" in page_text(page)
    assert "Certified" not in marks(open_page(measure="leakage", target="0.001"), THRESHOLDS)


def test_charts_that_follow_the_handle_are_sent_the_same_at_every_threshold(known):
    """The browser has them already, so a release neither sends nor draws them again."""
    page = known(Policy(0.7), t="0.5")
    for tab, costs in (("options", True), ("causes", False)):  # shares cost nothing
        before = drawn(show_tab(page, tab))
        assert len(before) == 1
        assert drawn(move(page, 0.9).run()) == before
        page.number_input(key="escape").set_value(11.0 if costs else 12.0).run()
        assert (drawn(page) != before) == costs


def test_the_table_below_a_chart_that_follows_is_that_of_the_threshold_in_use(known):
    page = unfold(show_tab(known(t="0.9"), "options"), "options")
    # a month, at 1 each: all, and those below 0.9
    month = 365.25 / 12
    (table,) = page.dataframe
    assert table.value["review [AUD]"].tolist() == pytest.approx([100 * month, 60 * month])
    (table,) = move(page, 0.7).run().dataframe
    assert table.value["review [AUD]"].tolist() == pytest.approx([100 * month, 29 * month])
    (table,) = unfold(show_tab(page, "causes"), "segments").dataframe
    assert table.value["Review rate"].tolist() == pytest.approx([29 / 59, 0])
    # of B all, of A the wrong one
    (table,) = move(page, 0.9).run().dataframe
    assert table.value["Review rate"].tolist() == pytest.approx([1, 1 / 41])


def test_a_figure_that_is_clicked_on_does_not_change_with_the_threshold(known):
    """Else Streamlit would draw it anew at every move, and its zoom would be lost."""
    page = known(Policy(0.7), t="0.5", capacity="30")
    before = [page.get("plotly_chart")[place].proto for place in (RISK, THRESHOLDS)]
    move(page, 0.9).run()
    after = [page.get("plotly_chart")[place].proto for place in (RISK, THRESHOLDS)]
    assert [(proto.id, proto.spec) for proto in before] == [
        (proto.id, proto.spec) for proto in after
    ]


def test_a_move_of_the_handle_makes_no_frame_and_no_figure_anew(known, monkeypatch):
    """With 50 readers, what is made at every move took a third of the server's time."""
    page, made = known(Policy(0.7), t="0.5", capacity="30"), []
    kept_result = cache._results.get

    def noted(key, make):
        return kept_result(key, lambda: made.append(key[0].__name__) or make())

    monkeypatch.setattr(cache._results, "get", noted)
    move(page, 0.9).run()
    assert made == []
    page.number_input(key="escape").set_value(11.0).run()
    assert "_thresholds" in made


# --- segment or class


def test_the_result_is_split_by_segment_or_by_predicted_class(open_page):
    page = unfold(show_tab(open_page(t="0.6"), "causes"), "segments")
    rows = {
        name: frame.value for name, frame in zip(("segment", "class"), tables(page), strict=False)
    }
    assert set(rows["segment"]["Segment"]) == set("ABCDE")
    page.segmented_control(key="by").set_value("class").run()
    assert page.query_params["by"] == "class"
    (by_class,) = tables(page)
    assert "hydraulics" in set(by_class.value["Predicted class"])
    assert by_class.value["Cases"].sum() == rows["segment"]["Cases"].sum() == 1700
    charted = [(row["name"], row["cases"]) for row in drawn(page)[0]["rows"]]
    assert charted == list(by_class.value[["Predicted class", "Cases"]].itertuples(False, None))

    page.selectbox(key="segment").set_value("D").run()
    (of_segment,) = tables(page)
    assert of_segment.value["Cases"].sum() == rows["segment"].set_index("Segment").loc["D", "Cases"]


def tables(page) -> list:
    return [
        frame
        for frame in page.dataframe
        if {"Segment", "Predicted class"} & set(frame.value.columns) and "Text" not in frame.value
    ]


# --- people


def test_a_number_of_people_comes_to_its_threshold(known):
    """One person of 5 minutes, 7.5 hours, 80% and five shifts in seven days: 51.43 reviews a day.
    At 0.7 there are 29 reviews, at 0.8 there are 59.
    """
    page = known(t="0.5", goal="people", goal_people="2")
    assert page.button(key="use_goal").label == "Use threshold 1.000"
    page.number_input(key="goal_people").set_value(1.0).run()
    assert page.query_params["t"] == "0.7"
    assert "use_goal" not in {button.key for button in page.button}
    move(page, 0.5).run()  # the handle goes its own way, and the goal is one click away
    assert page.button(key="use_goal").label == "Use threshold 0.700"
    assert page.button(key="use_goal").click().run().query_params["t"] == "0.7"


@pytest.mark.parametrize(
    ("goal", "t"), [("leakage", "0.101"), ("cheapest", "0.7"), ("hand", "0.5")]
)
def test_a_goal_moves_the_threshold_when_it_is_chosen(known, goal, t):
    """Of 100 cases, 29 wrong ones at 0.1 and one at 0.8: 0.101 is the loosest with 1% leakage."""
    page = known(t="0.5")
    page.segmented_control(key="goal").set_value(goal).run()
    assert (page.query_params["goal"], page.query_params["t"]) == (goal, t)


def test_a_goal_that_no_threshold_reaches_is_said_to_be_out_of_reach(open_page, tmp_path):
    add_run(tmp_path, [("A", "unlabelled", 0.9)] * 40)
    page = open_page(tmp_path, goal="leakage")
    assert catalogue("en")["goal.unreachable"] in page_text(page)


def test_a_desk_is_simulated_when_it_is_asked_for_and_only_for_what_was_asked(known):
    page = show_tab(known(t="0.8"), "people")
    assert catalogue("en")["people.lazy"] in page_text(page)
    assert not page.metric
    page.button(key="simulate").click().run()
    assert [metric.label for metric in page.metric][:2] == [
        "Half of the cases wait at most",
        "95% of the cases wait at most",
    ]
    text = page_text(page)
    assert "The run has dates and no times of day, so arrivals are assumed: Poisson" in text
    # 59 reviews a day, and one person does 51
    assert "Simulated, not measured:" in text
    move(page, 0.9).run()
    assert not page.metric


def test_too_few_reviewers_are_said_to_be_too_few(known):
    page = show_tab(known(t="1", reviewers="1"), "people")
    page.button(key="simulate").click().run()
    assert catalogue("en")["people.overloaded"] in page_text(page)


def test_without_a_review_nobody_is_simulated(known):
    page = show_tab(known(t="0"), "people")
    assert catalogue("en")["people.none"] in page_text(page)
    assert "simulate" not in {button.key for button in page.button}


BAD = {
    "minutes": "0",
    "shift": "17",
    "busy": "101",
    "sla": "0",
    "reviewers": "0",
    "by": "model",
    "share": "101",
}


@pytest.mark.parametrize(("name", "value"), BAD.items())
def test_a_bad_value_in_the_address_is_named_and_left_out(known, name, value):
    page = known(**{name: value})
    assert not page.exception
    assert f"The link's value “{value}” for “{name}” cannot be used here" in page_text(page)


# --- compared with


def listed(page) -> pd.DataFrame:
    unfold(page, "sides")
    return next(
        (frame.value for frame in page.dataframe if "Text" in frame.value.columns), pd.DataFrame()
    )


def test_the_previous_threshold_can_be_compared_with(known):
    page = show_tab(known(t="0.7", compare="previous"), "causes")
    assert catalogue("en")["sides.first"] in page_text(page)
    move(page, 0.9).run()
    assert "Cases from 0.700 up to 0.900: 31" in page_text(page)
    page.number_input(key="review").set_value(6.0).run()  # another choice leaves it as it is
    assert len(listed(page)) == 31


def test_the_active_policy_is_compared_with_whole(known):
    """Active: 0.85 in A, nothing in B. At 0.7 for all, one wrong of A and 30 right of B are
    accepted, and none goes back.
    """
    page = known(Policy(0.85, by_segment={"B": REVIEW_ALL}), t="0.7", compare="active")
    show_tab(page, "causes")
    assert (
        "0 cases now go to a person (0 of them wrong), and 31 are now accepted (1 of them wrong)"
        in page_text(page)
    )
    found = listed(page)
    assert sorted(found["Confidence"]) == [0.7] * 30 + [0.8]
    move(page, 0.95).run()
    assert "40 cases now go to a person (0 of them wrong), and 0 are now accepted" in page_text(
        page
    )
    assert set(listed(page)["Confidence"]) == {0.9}


def test_nothing_to_compare_with_is_a_sentence(known):
    assert catalogue("en")["ghost.none"] in [
        info.value for info in show_tab(known(compare="active"), "causes").info
    ]
    assert catalogue("en")["sides.same_policy"] in [
        info.value
        for info in show_tab(known(Policy(0.7), t="0.7", compare="active"), "causes").info
    ]


# --- what if


@pytest.fixture
def opened(open_page):
    """Return a function that opens the page with the tab of other conditions open."""

    def opened(home="full", **address):
        return show_tab(open_page(home, **address), "conditions")

    return opened


@pytest.mark.parametrize("lang", LANGUAGE_NAMES)
@pytest.mark.parametrize("home", ["tiny", "full"])
def test_what_if_opens_in_each_language_on_each_store(opened, lang, home):
    page = opened(home, lang=lang)
    assert not page.exception
    assert not page.error
    text = page_text(page)
    assert catalogue(lang)["mix"] in text
    assert (catalogue(lang)["spread.missing"] in text) == (home == "tiny")
    # no teacher among the tiny
    assert len(page.get("plotly_chart")) == {"tiny": 1, "full": 2}[home]


def test_what_if_is_not_computed_before_it_is_opened(open_page):
    page = open_page()
    assert len(page.get("plotly_chart")) == 2
    assert catalogue("en")["mix"] not in page_text(page)


def test_a_supposed_mix_has_its_own_figures_and_no_certificate(opened):
    page = opened(t="0.6")
    amber = catalogue("en")["mix.certificate"]
    assert amber not in page_text(page)
    seen = [metric.value for metric in page.metric]
    page.number_input(key="share").set_value(90.0).run()
    assert page.query_params["share"] == "90"
    assert amber in [warning.value for warning in page.warning]
    assert [metric.value for metric in page.metric] != seen
    page.selectbox(key="mix").set_value("hydraulics").run()
    assert "share" not in page.query_params  # another kind begins at what was seen
    assert [metric.value for metric in page.metric] == seen


def test_the_cascade_names_the_cheapest_of_both_ways(opened):
    text = page_text(opened())
    assert "cases that both scored" in text
    assert "Cheapest without: student from" in text


# --- terms and tour

TERMS = {  # word of DESIGN section 2 -> where its explanation hangs
    "threshold": "threshold.help",
    "confidence": "threshold.help",
    "reviews": "tile.review.help",
    "escapes": "tile.escapes.help",
    "teacher and student": "speed.title.help",
    "run": "run.help",
    "segment": "segment.help",
    "policy and certificate": "risk_coverage.help",
}


@pytest.mark.parametrize("lang", LANGUAGE_NAMES)
def test_every_term_of_the_page_has_its_explanation(open_page, lang):
    page = open_page(lang=lang)
    hung = {
        element.proto.help
        for kind in (page.markdown, page.selectbox, page.toggle)
        for element in kind
    }
    hung |= {tile["help"] for tile in live(page)["tiles"]} | {live(page)["labels"]["help"]}
    assert not {term for term, key in TERMS.items() if catalogue(lang)[key] not in hung}


@pytest.mark.parametrize("lang", LANGUAGE_NAMES)
def test_the_tour_has_five_steps(open_page, lang):
    found = [
        json.loads(element.proto.json) for element in open_page(lang=lang).get("bidi_component")
    ]
    (tour,) = [data for data in found if "steps" in data]
    assert len(tour["steps"]) == len(tour["count"]) == 5
    assert {step["title"] for step in tour["steps"]} == {
        text
        for key, text in catalogue(lang).items()
        if key.startswith("tour.") and key.endswith(".title")
    }


def test_every_choice_is_in_the_link(open_page, tmp_path):
    make_store(tmp_path / "store", "full")
    address = {
        "capacity": "30",
        "by": "class",
        "minutes": "3",
        "shift": "8",
        "busy": "70",
        "sla": "12",
        "reviewers": "3",
    }
    page = open_page(tmp_path, **address)
    assert {name: page.query_params[name] for name in address} == address


def test_the_route_to_a_yes_names_what_to_send_to_people_and_the_verdict_after_it(
    open_page, tmp_path
):
    """A: 80 right; B: 20 wrong, all accepted: 20 escapes cost 200 a day, reviewing everything 100.
    With B sent to people 20 reviews cost 20 and nothing escapes: 80 a day less, 2,435 a month, of
    which retraining takes 65.
    """
    add_run(tmp_path, [("A", "right", 0.9)] * 80 + [("B", "wrong", 0.9)] * 20)
    page = open_page(tmp_path, **COSTS, t="0.5")
    assert described(page)[0] == "but"
    assert "saves" not in described(page)[1]
    text = page_text(show_tab(page, "causes"))
    assert "Send these to people: B. The verdict is then: Adopt." in text
    assert "saves A$2,370 a month" in text
    assert catalogue("en")["route.none"] in page_text(move(page, 0.95).run())


def test_where_no_group_makes_a_yes_the_page_leads_to_a_threshold_that_does(open_page, tmp_path):
    """At 0.5 half of what it accepts is wrong, in every group; at 0.95 nothing is."""
    found = [(name, "right", 0.95) for name in "AB" for _ in range(60)]
    found += [(name, "wrong", 0.6) for name in "AB" for _ in range(60)]
    add_run(tmp_path, found)
    page = open_page(tmp_path, **COSTS, t="0.5")
    assert described(page)[0] == "do_not_adopt"
    assert page.button(key="way_verdict").label == "Go to a yes: threshold 0.950"
    text = page_text(show_tab(page, "causes"))
    assert "With these sent to people the verdict stays “Do not adopt”: x." in text
    assert "A yes: threshold 0.950, without sending any group to people." in text
    assert "route_tab" not in [one.key for one in page.button]
    page.button(key="way_verdict").click().run()
    assert page.query_params["t"] == "0.95"
    assert described(page)[0] == "adopt"
    assert "way_verdict" not in [one.key for one in page.button]


def test_the_way_to_a_yes_says_how_many_groups_it_sends_to_people():
    way = WayToYes(0.95, "class", ("spam",))
    assert way_label(Words("en"), way) == "Go to a yes: threshold 0.950, 1 answer to people"
    assert way_label(Words("ja"), way) == "採用できるしきい値0.950へ（1種の回答は人が確認）"


def test_where_no_threshold_is_a_yes_the_page_names_the_cost_of_an_escape_that_makes_one(
    open_page, tmp_path
):
    add_run(tmp_path, [("A", "right", 0.9)] * 70 + [("A", "wrong", 0.9)] * 30)
    page = open_page(tmp_path, **COSTS, t="0.5")
    assert "way_verdict" not in [one.key for one in page.button]
    text = page_text(show_tab(page, "causes"))
    assert "No threshold is a yes at these costs. 0.900 would be one, accepting 100%" in text
