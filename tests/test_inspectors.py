"""The page of votes without the page: which cases are offered, what is high, where the gate sends a
case, and the figures.
"""

import json
import re

import numpy as np
import pandas as pd
import pytest

from core.counts.joint import REVIEW_ALL
from core.decision.thresholds.policy import Policy
from core.report import inspectors
from core.report.inspectors import (
    ALEATORIC,
    ANY,
    EPISTEMIC,
    NEAR,
    WRONG,
    GateRule,
    UncertaintyLevel,
    VotedCase,
)
from core.stats.votes import checked_prediction
from core.store.ledger import Ledger
from core.store.samples import Below
from dashboard.components import charts
from dashboard.i18n import LANGUAGE_NAMES, Words, escape_markdown
from dashboard.inspectors import charts as inspector_charts
from dashboard.inspectors import words as inspector_words
from tests.stores import LABELS, SAMPLED, make_rows, make_store

THREE = ("bucket", "cab", "engine")
EVIL = "<b>x</b> & $y$ %{x} **z**"


def case(samples, student=(0.2, 0.7, 0.1), labels=THREE, **given) -> VotedCase:
    said = None if student is None else checked_prediction(student, 0.5, 0.1)
    return VotedCase("text", "A", labels, np.array(samples, dtype=float), said, **given)


SPLIT = case([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.1, 0.9, 0.0], [0.7, 0.2, 0.1], [0.0, 0.4, 0.6]])


def cases(**columns) -> pd.DataFrame:
    """Rows of `sampled_cases` named a, b, c, ..., with these columns."""
    n = len(next(iter(columns.values())))
    given = {
        "segment": ["A"] * n,
        "predicted": ["cab"] * n,
        "outcome": ["right"] * n,
        "confidence": [0.5] * n,
    }
    return pd.DataFrame(given | {"spread_epistemic": [0.0] * n} | columns, index=list("abcdef"[:n]))


# --- cases that are offered

FLAT = GateRule(Policy(0.8))


def test_the_most_uncertain_come_first():
    rows = cases(spread_epistemic=[0.1, 0.3, 0.2]).assign(spread_aleatoric=[1.0, 0.0, 2.0])
    assert inspectors.offered_cases(rows, EPISTEMIC, FLAT).index.tolist() == ["b", "c", "a"]
    assert inspectors.offered_cases(rows, ALEATORIC, FLAT).index.tolist() == ["c", "a", "b"]
    assert inspectors.offered_cases(rows, EPISTEMIC, FLAT)["figure"].tolist() == [0.3, 0.2, 0.1]


def test_the_surest_of_the_wrong_ones_come_first():
    rows = cases(
        outcome=["right", "wrong", "unseen", "unlabelled"], confidence=[0.99, 0.7, 0.9, 0.95]
    )
    assert inspectors.offered_cases(rows, WRONG, FLAT).index.tolist() == ["c", "b"]


def test_nearest_is_measured_from_the_threshold_that_decides_each_case():
    rows = cases(confidence=[0.79, 0.5, 0.85, 0.9], segment=["A", "B", "A", "C"])
    assert inspectors.offered_cases(rows, NEAR, FLAT).index.tolist() == ["a", "c", "d", "b"]
    own = GateRule(Policy(0.8, by_segment={"B": 0.501, "C": REVIEW_ALL}))
    # where all is reviewed nothing is near
    assert inspectors.offered_cases(rows, NEAR, own).index.tolist() == ["b", "a", "c"]


def test_all_are_all_in_their_order_and_the_others_are_so_many():
    rows = pd.concat(
        [cases(confidence=[0.1, 0.9, 0.5]).assign(spread_aleatoric=0.0)] * 20, ignore_index=True
    )
    assert len(inspectors.offered_cases(rows, ANY, FLAT)) == 60
    assert inspectors.offered_cases(rows, ANY, FLAT)["figure"].tolist()[:3] == [0.1, 0.9, 0.5]
    assert {
        len(inspectors.offered_cases(rows, pick, FLAT)) for pick in (EPISTEMIC, ALEATORIC, NEAR)
    } == {inspectors.OFFERED}


# --- levels


@pytest.mark.parametrize(
    ("below", "name"),
    [(0, "low"), (499, "low"), (500, "middle"), (799, "middle"), (800, "high"), (1000, "high")],
)
def test_a_level_is_a_place_among_the_runs_cases(below, name):
    assert UncertaintyLevel(0.1, below, 1000).name == name


def test_without_cases_nothing_is_high():
    assert UncertaintyLevel(5.0, 0, 0).name == "low"


@pytest.mark.parametrize(
    ("aleatoric", "epistemic", "cause"),
    [(90, 90, "both"), (90, 10, "aleatoric"), (10, 90, "epistemic"), (10, 79, "neither")],
)
def test_what_is_high_is_the_cause(aleatoric, epistemic, cause):
    levels = inspectors.uncertainty_levels(SPLIT.votes.together, Below(100, aleatoric, epistemic))
    assert inspectors.uncertainty_cause(levels) == cause
    assert levels["epistemic"].value == SPLIT.votes.together.epistemic


# --- the gate


def test_the_gate_takes_the_students_answer_and_without_one_that_of_the_inspectors():
    assert SPLIT.answer is SPLIT.student
    alone = case(SPLIT.samples, student=None)
    assert alone.answer.probabilities.tolist() == pytest.approx([0.44, 0.38, 0.18])


@pytest.mark.parametrize(
    ("policy", "accepted", "least"),
    [
        (Policy(0.7), True, 0.7),  # at the threshold is accepted
        (Policy(0.701), False, 0.701),
        (Policy(0.9, by_segment={"A": 0.5}), True, 0.5),
        (Policy(0.5, by_class={"cab": 0.9}), False, 0.9),
        (Policy(0.5, epistemic_limit=0.05), False, 0.5),
        (Policy(0.5, epistemic_limit=0.1), True, 0.5),
        (Policy(REVIEW_ALL), False, None),
    ],
)
def test_a_case_goes_where_the_policy_sends_it(policy, accepted, least):
    gate = GateRule(policy).gate("A", THREE, SPLIT.answer)
    assert (gate.accepted, gate.least, gate.limit) == (accepted, least, policy.epistemic_limit)


def test_the_active_policy_decides_and_one_that_cannot_be_read_reviews_all(tmp_path):
    store = make_store(tmp_path, "empty")
    assert inspectors.active_rule(store) is None
    ledger = Ledger(store)

    def activate(name: str, content: dict) -> GateRule:
        ledger.add_policy(name, content, "Mori", "test")
        for event in ("approve", "activate"):
            ledger.add_policy_event(name, 1, event, "Mori", "test")
        return inspectors.active_rule(store)

    rule = activate("line", Policy(0.9, by_class={"cab": 0.6}).to_dict())
    assert (rule.name, rule.version, rule.problem) == ("line", 1, "")
    assert rule.gate("A", THREE, SPLIT.answer).accepted
    broken = activate("broken", {"threshold": 0.1})
    assert "A policy has the names threshold" in broken.problem
    assert not broken.gate("A", THREE, checked_prediction([1.0, 0.0, 0.0], 0.0, 0.0)).accepted


# --- frames and figures


def test_votes_are_rows_by_label_the_leading_one_first_and_the_surest_first():
    frame = inspectors.vote_frame(SPLIT.votes, THREE)
    assert frame["inspector"].tolist() == [1, 4, 2, 3, 5]
    assert frame["label"].tolist() == ["bucket", "bucket", "bucket", "cab", "engine"]
    assert frame["place"].tolist() == [0, 0, 0, 1, 2]
    assert frame["probability"].tolist() == [0.8, 0.7, 0.6, 0.9, 0.6]


def test_bars_hold_mean_range_votes_and_the_student_by_label():
    frame = inspectors.bar_frame(SPLIT.samples, SPLIT.student, THREE).set_index("label")
    assert frame.index.tolist() == ["bucket", "cab", "engine"]
    assert frame.loc["bucket"].tolist() == pytest.approx([0.44, 0.0, 0.8, 0.2, 3])
    assert frame.loc["cab"].tolist() == pytest.approx([0.38, 0.1, 0.9, 0.7, 1])
    without = inspectors.bar_frame(SPLIT.samples, None, THREE)
    assert without["student"].isna().all()


def test_a_label_that_only_the_student_finds_likely_is_among_the_few_shown():
    samples, one = np.full((3, 12), 1 / 12), np.zeros(12)
    one[11] = 1.0
    frame = inspectors.bar_frame(samples, checked_prediction(one, 0.0, 0.0), LABELS)
    assert len(frame) == inspectors.MOST_BARS
    assert LABELS[11] in set(frame["label"])


def test_a_stored_case_is_what_the_two_runs_stored(tmp_path):
    store = make_store(tmp_path, "full")
    runs = [f"score-work-orders-{kind}-stream" for kind in ("teacher", "student")]
    rows = inspectors.sampled_cases(store, *runs)
    assert len(rows) == SAMPLED
    teacher = store.predictions(runs[0]).set_index("case_id")
    for case_id in rows.index[:5]:
        samples = inspectors.samples_of(store, runs[0], case_id)
        found = inspectors.stored_case(rows.loc[case_id], samples, LABELS, has_student=True)
        together = found.votes.together
        assert together.epistemic == pytest.approx(teacher.loc[case_id, "epistemic"], abs=1e-6)
        assert LABELS[found.student.best] == rows.loc[case_id, "predicted"]
        less = int((teacher["epistemic"] < teacher.loc[case_id, "epistemic"]).sum())
        assert (
            inspectors.share_below(store, runs[0], together.aleatoric, together.epistemic).epistemic
            == less
        )


def drawn(found: VotedCase):
    words = Words("ja")
    frame = inspectors.vote_frame(found.votes, found.labels)
    yield inspector_charts.vote_chart(
        frame.assign(name="x"), words.chart_words("in_votes.sure", "in_votes.others")
    )
    said = words.chart_words(
        "in_bars.teacher", "kind.student", "in_bars.probability", "in_bars.range"
    )
    yield inspector_charts.answer_chart(
        inspectors.bar_frame(found.samples, found.student, found.labels), said
    )


@pytest.mark.parametrize("student", [None, (0.2, 0.7, 0.1)])
@pytest.mark.parametrize("n", [1, 10, 64])
def test_figures_have_colours_of_the_theme_alone_and_are_deaf_to_markup(n, student):
    found = case(np.random.default_rng(0).dirichlet(np.ones(3), n), student, (EVIL, "b" * 200, "c"))
    for figure in drawn(found):
        written = figure.to_json()
        traces = json.dumps(json.loads(written)["data"])
        colours = set(re.findall(r"#[0-9a-fA-F]{6}\b", traces))
        assert colours
        assert colours <= set(charts.SLOTS.values())
        assert "rgb" not in traces
        assert "<b>" not in written
        assert "b" * 60 not in json.dumps(json.loads(written)["layout"]["yaxis"])


def test_labels_are_told_apart_by_pattern_and_text_and_every_vote_is_a_bar():
    figure = next(iter(drawn(SPLIT)))
    assert [trace.name for trace in figure.data] == ["bucket: 3", "cab: 1", "engine: 1"]
    assert len({trace.marker.pattern.shape for trace in figure.data}) == 3
    assert [text for trace in figure.data for text in trace.text][:2] == [
        "bucket  80%",
        "bucket  70%",
    ]


def test_beyond_three_labels_the_rest_share_a_colour_and_keep_their_names():
    labels = ("a", "b", "c", "d", "e")
    figure = next(iter(drawn(case(np.eye(5), None, labels))))
    assert [trace.name for trace in figure.data][:3] == ["a: 1", "b: 1", "c: 1"]
    assert figure.data[3].name == f"{Words('ja')('in_votes.others')}: 2"
    assert list(figure.data[3].text) == ["d  100%", "e  100%"]


# --- sentences

EN = Words("en")


def test_the_headline_counts_the_votes_and_says_where_the_case_goes():
    gate = GateRule(Policy(0.9)).gate("A", THREE, SPLIT.answer)
    assert (
        inspector_words.inspector_headline(EN, SPLIT, gate)
        == "3 of 5 inspectors say bucket. The student says cab, 70\\.0% sure. The case goes to a"
        " person."
    )
    agreed = case([[0.1, 0.9, 0.0]] * 5)
    said = inspector_words.inspector_headline(
        EN, agreed, GateRule(Policy(0.5)).gate("A", THREE, agreed.answer)
    )
    assert said.startswith(
        "All 5 inspectors say cab. The student says the same in one pass, 70\\.0% sure."
    )
    assert said.endswith("The answer is accepted without a person.")


def test_where_the_mean_says_another_label_than_most_votes_the_page_says_so():
    found = case([[0.6, 0.4, 0], [0.6, 0.4, 0], [0, 1, 0]])
    levels = {
        "aleatoric": UncertaintyLevel(0.5, 0, 100),
        "epistemic": UncertaintyLevel(0.3, 95, 100),
    }
    said = inspector_words.uncertainty_reason(EN, found, levels)
    assert "because the model has hardly seen such a case" in said
    assert "they answer cab: the fewer votes are the surer ones" in said


@pytest.mark.parametrize("lang", LANGUAGE_NAMES)
def test_few_inspectors_have_no_interval(lang):
    words = Words(lang)
    gate = GateRule(Policy(0.9)).gate("A", THREE, SPLIT.answer)
    levels = {"teacher": inspectors.uncertainty_levels(SPLIT.votes.together, Below(100, 10, 10))}
    took = ("1 ms", ())

    def lines(found: VotedCase) -> tuple:
        return inspector_words.inspector_cards(words, found, gate, levels, took)[0].lines

    three, five = case(SPLIT.samples[:3]), SPLIT
    assert lines(three)[1] == words.markdown("inspectors.too_few", n="3")
    assert escape_markdown(words.percent(five.votes.agreement.low, 0)) in lines(five)[1]


def test_no_word_of_a_case_is_markup():
    found = case(SPLIT.samples, labels=(EVIL, EVIL + "2", "c"), label=EVIL, outcome="wrong")
    gate = GateRule(Policy(0.9), "**p**", 1).gate("A", found.labels, found.answer)
    levels = {"teacher": inspectors.uncertainty_levels(found.votes.together, Below(100, 90, 10))}
    said = [
        inspector_words.inspector_headline(EN, found, gate),
        inspector_words.recorded_label(EN, found),
    ]
    said += [
        line
        for card in inspector_words.inspector_cards(EN, found, gate, levels, ("1 ms", ()))
        for line in card.lines
    ]
    assert not [text for text in said if re.search(r"(?<!\\)(\*|<|\$)", text)]


def test_a_line_of_the_list_is_short_and_holds_figure_text_and_id():
    row = make_rows(1).iloc[0].copy()
    row["figure"], row["text"] = 0.1234, "oil  leak\n" * 30
    said = inspector_words.case_option(EN, row, EPISTEMIC)
    assert said.startswith("0.12 · oil leak oil leak")
    assert said.endswith(f"… · {row['case_id']}")
    assert inspector_words.case_option(EN, row, NEAR).startswith("12.3% · ")
