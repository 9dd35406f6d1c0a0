"""The buttons below the verdict of the page 'Decide': the route to a yes, scenario, proposal, list."""

import io

import pandas as pd
import pytest

from core.counts.joint import REVIEW_ALL
from core.decision.thresholds.policy import Policy
from core.report.meeting import frozen_scenarios
from core.store.ledger import Ledger
from core.store.store import Store
from dashboard.decide.actions import worklist_file
from dashboard.i18n import Words
from dashboard.session import cache
from dashboard.session.address import Choices
from dashboard.session.context import RunContext
from tests.pages import described
from tests.stores import activate, add_run

# A: 80 right; B: 20 wrong, all accepted at 0.5
CASES = [("A", "right", 0.9)] * 80 + [("B", "wrong", 0.9)] * 20
COSTS = {"review": "1", "escape": "10", "machine": "0", "volume": "100", "currency": "AUD"}


@pytest.fixture
def page(open_page, tmp_path):
    add_run(tmp_path, CASES)
    return open_page(tmp_path, **COSTS, t="0.5")


def test_the_verdict_names_the_route_and_its_button_takes_it(page):
    verdict, sentence, _ = described(page)
    assert verdict == "but"
    assert sentence.startswith("If people review these segments: B.")
    assert page.button(key="route_verdict").label == "Send this segment to people"
    page.button(key="route_verdict").click().run()
    assert page.query_params["route"] == "segment"
    verdict, sentence, tiles = described(page)
    assert verdict == "adopt"
    assert "People review all cases of these segments: B." in sentence
    assert "less, 95% interval" in sentence
    # 20 reviews a day, and nothing slips through
    assert (tiles[0][0], tiles[1][0]) == ("20", "0")
    page.button(key="route_verdict").click().run()
    assert described(page)[0] == "but"


def test_an_active_policy_that_is_the_route_in_use_differs_in_nothing(open_page, tmp_path):
    """Two of three folds send C to people, and the third, with the wrong case, does not: the
    route's own figures have an escape that its policy, counted whole, would hide.
    """
    store = add_run(tmp_path, [*CASES, *[("C", "right", 0.9)] * 8, ("C", "wrong", 0.9)])
    activate(store, Policy(0.5, by_segment={"B": REVIEW_ALL, "C": REVIEW_ALL}).to_dict())
    page = open_page(tmp_path, **COSTS, t="0.5", route="segment")
    assert "B; C" in described(page)[1]
    tiles = described(page)[2]
    assert tiles[1][0] != "0"
    assert {difference for _, _, difference in tiles} == {"◇ as the active policy"}


def test_a_goal_leaves_the_route(page):
    page.button(key="route_verdict").click().run()
    page.segmented_control(key="goal").set_value("cheapest").run()
    assert "route" not in page.query_params


def test_a_scenario_keeps_the_policy_in_use_with_its_costs(page, tmp_path):
    page.button(key="route_verdict").click().run()
    page.text_input(key="author_save").set_value("Ann")
    page.button(key="save_scenario").click().run()
    (saved,) = frozen_scenarios(Store(tmp_path / "store"))
    assert (saved.scenario.name, saved.author) == ("A", "Ann")
    assert saved.scenario.rule == Policy(0.5, by_segment={"B": REVIEW_ALL})
    assert (saved.scenario.review, saved.scenario.escape) == (1.0, 10.0)
    assert saved.scenario.retraining_per_month > 0


def test_without_a_name_nothing_is_saved(page, tmp_path):
    page.button(key="save_scenario").click().run()
    page.button(key="propose_policy").click().run()
    store = Store(tmp_path / "store")
    assert (frozen_scenarios(store), Ledger(store).policies()) == ([], [])
    assert page.error


def test_a_proposal_is_exactly_what_the_page_shows(page, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(
        "dashboard.session.state.open_page", lambda name, **choices: opened.append((name, choices))
    )
    page.button(key="route_verdict").click().run()
    page.text_input(key="author_propose").set_value("Ann")
    page.text_input(key="propose_reason").set_value("fewer reviews")
    page.button(key="propose_policy").click().run()
    (proposal,) = Ledger(Store(tmp_path / "store")).policies()
    assert Policy.from_dict(proposal.content) == Policy(0.5, by_segment={"B": REVIEW_ALL})
    assert (proposal.author, proposal.reason) == ("Ann", "fewer reviews")
    version = f"{proposal.name}@1"
    assert opened == [("policies", {"before": None, "after": version})]
    assert page.session_state["decided"] == version


def test_the_worklist_holds_what_people_review_the_least_sure_first(tmp_path, monkeypatch):
    monkeypatch.setenv("KAKUSHIN_HOME", str(tmp_path))
    add_run(tmp_path, [("A", "right", 0.9), ("A", "right", 0.4), ("B", "wrong", 0.2)])
    runs = cache.runs()
    context = RunContext(Words("en"), Choices(t=0.5), runs, runs[0])
    rows = pd.read_csv(io.BytesIO(worklist_file(context)))
    assert rows["confidence"].round(6).tolist() == [0.2, 0.4]
    assert set(rows["reason"]) == {"low_confidence"}
    assert set(rows["text"]) == {"t"}  # what a reviewer reads
