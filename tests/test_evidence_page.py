"""The page 'Evidence' as a reader meets it: each language, each state of the store, and what its
controls change.
"""

import base64
import json
import re

import numpy as np
import pandas as pd
import pytest

from core.store.store import Store
from dashboard.components import charts
from dashboard.evidence import charts as evidence_charts
from dashboard.i18n import LANGUAGE_NAMES, Words, catalogue
from tests.pages import chart, page_text, plain_again
from tests.stores import LABELS, SEGMENTS, add_scored, make_rows, make_run

pytestmark = pytest.mark.page("evidence")

PANELS = ("ev_reliability", "ev_risk", "ev_shift", "ev_certificate", "ev_spread")
RELIABILITY, RISK, SHIFT, CERTIFICATE, SPREAD = range(5)


def decoded(values) -> list[float]:
    """Return a trace's numbers, which Plotly writes as base64."""
    if isinstance(values, list):
        return values
    return np.frombuffer(base64.b64decode(values["bdata"]), dtype=values["dtype"]).tolist()


@pytest.mark.parametrize("lang", LANGUAGE_NAMES)
@pytest.mark.parametrize("home", ["empty", "tiny", "full"])
def test_the_page_opens_in_each_language_on_each_store(open_page, lang, home):
    page, words = open_page(home, lang=lang), catalogue(lang)
    assert not page.exception
    assert not page.error
    text = page_text(page)
    assert words["evidence.title"] in text
    assert (words["empty"] in text) == (home == "empty")
    assert [words[panel] in text for panel in PANELS] == [home != "empty"] * len(PANELS)
    assert len(page.get("plotly_chart")) == {"empty": 0, "tiny": 2, "full": 5}[home]
    assert [element.value for element in page.info] == {
        "empty": [words["empty"]],
        "tiny": [words["shift.nothing"], words["certificate.no_run"], words["spread.missing"]],
        "full": [],
    }[home]
    assert (words["warning.few"].split("{")[0] in "".join(w.value for w in page.warning)) == (
        home == "tiny"
    )
    assert (words["temperature.no_point"] in text) == (home == "tiny")


def test_temperature_scaling_is_one_more_model_and_says_what_it_was_fitted_on(open_page):
    page = open_page()
    text = page_text(page)
    assert "divides the point estimate's logits by T = " in text
    assert "(run score-work-orders-point-calibration)" in text
    assert "None of the cases shown here fitted it." in text
    names = [trace["name"] for trace in chart(page, RISK)["data"] if "name" in trace]
    assert Words("en")("model.temperature") in names
    assert (
        len(
            [
                title
                for title in chart(page, RELIABILITY)["layout"]["annotations"]
                if "calibration error" in title["text"]
            ]
        )
        == 4
    )


def test_without_the_plainest_model_the_page_says_how_to_get_it(open_page):
    captions = [caption.value for caption in open_page().caption]
    assert catalogue("en")["rival.none"] in captions


@pytest.mark.parametrize("lang", LANGUAGE_NAMES)
def test_the_plainest_model_is_held_against_the_shown_one_case_by_case(open_page, tmp_path, lang):
    """The same answers with a third of the confidence spread evenly: the same accuracy, a higher
    or lower NLL, and one more model on every chart.
    """
    rows = make_rows(300)
    flat = [0.67 * p + 0.33 / len(p) for p in rows["probabilities"]]
    scored(tmp_path, rows)
    spread = rows.assign(probabilities=flat, confidence=[max(p) for p in flat])
    scored(tmp_path, spread, model_kind="linear")
    page = open_page(tmp_path, lang=lang)
    assert not page.exception
    said = " ".join(e.value for e in [*page.info, *page.warning]).replace("\\", "")
    assert all(Words(lang)(f"model.{kind}") in said for kind in ("student", "linear"))
    n = int(rows["outcome"].isin(["right", "wrong"]).sum())
    assert f"{n}" in said
    names = [trace.get("name") for trace in chart(page, RISK)["data"]]
    assert any(Words(lang)("model.linear") in (name or "") for name in names)


def test_every_panel_names_its_n_and_its_runs(open_page):
    text = page_text(open_page())
    runs = (
        "score-work-orders-student-stream; score-work-orders-teacher-stream;"
        " score-work-orders-point-stream"
    )
    assert text.count(f"n = 1,700 cases with a label. Source: {runs}") == 2
    both = "score-work-orders-student-calibration; score-work-orders-student-stream"
    assert f"n = 2,300 cases with a label. Source: {both}" in text
    both = "score-work-orders-student-stream; score-work-orders-teacher-stream"
    assert f"n = 1,700 cases scored by both. Source: {both}" in text
    assert "calibration run score-work-orders-student-calibration: 600 cases with a label" in text


def test_untrained_labels_count_as_wrong_or_not_at_all(open_page):
    page = open_page()
    with_them = page_text(page)
    assert "each counts as a wrong answer" in with_them
    assert "It is surer than it should be." in with_them
    page.toggle(key="unseen").set_value(False).run()
    without = page_text(page)
    assert "whose label it was not trained on are left out" in without
    assert "nothing is certified for such cases" in without
    assert "n = 1,700 cases with a label" not in without
    assert page.query_params["unseen"] == "0"


def test_the_threshold_moves_what_time_did(open_page):
    page = open_page(t="0.5")
    before = chart(page, SHIFT)
    page.number_input(key="t").set_value(0.9).run()
    after = chart(page, SHIFT)
    coverage = [
        trace["y"]
        for figure in (before, after)
        for trace in figure["data"]
        if trace["hovertemplate"].count("Coverage")
    ]
    assert all(
        loose > strict for loose, strict in zip(*(decoded(y) for y in coverage), strict=True)
    )
    accuracy = [figure["data"][0]["y"] for figure in (before, after)]
    assert accuracy[0] == accuracy[1]
    assert page.query_params["t"] == "0.9"


def test_choices_of_other_pages_are_kept_when_the_address_was_emptied_by_the_navigation(open_page):
    page = open_page(currency="JPY", review="500")
    page.query_params.clear()
    page.selectbox(key="target").set_value(0.1).run()
    assert (page.query_params["currency"], page.query_params["review"]) == ("JPY", "500")


def test_years_can_be_cut_in_halves(open_page):
    page = open_page()
    # the calibration period and three years
    assert len(chart(page, SHIFT)["data"][0]["x"]) == 1 + 3
    page.segmented_control(key="period").set_value("half").run()
    names = chart(page, SHIFT)["data"][0]["x"]
    assert len(names) == 1 + 6
    assert names[1].startswith("2009, Jan–Jun")
    assert page.query_params["period"] == "half"


def test_a_certificate_follows_its_measure_target_and_confidence(open_page):
    page = open_page(measure="leakage", target="0.3")
    (certified,) = page.success
    assert "at most 30.0% of all cases slip through wrong, with 95% confidence" in plain_again(
        certified.value
    )
    assert "void before that as soon as: the model changes;" in page_text(page)

    page.selectbox(key="target").set_value(0.001).run()
    assert not page.success
    (refused,) = page.warning
    assert "Not enough data" in refused.value
    page.selectbox(key="target").set_value(0.3)
    page.selectbox(key="sure").set_value(0.99).run()
    (surer,) = page.success
    assert "with 99% confidence" in surer.value
    assert surer.value.split(",")[0] != certified.value.split(",")[0]  # a stricter threshold
    page.segmented_control(key="measure").set_value("selective_risk").run()
    assert "of the accepted answers are wrong" in page_text(page) or "Not enough data" in page_text(
        page
    )
    assert (page.query_params["measure"], page.query_params["sure"]) == ("selective_risk", "0.99")


@pytest.mark.parametrize(
    ("name", "value"),
    [("target", "0.07"), ("sure", "nan"), ("measure", "accuracy"), ("period", "week")],
)
def test_a_bad_value_in_the_address_is_named_and_left_out(open_page, name, value):
    page = open_page("tiny", **{name: value})
    assert not page.exception
    assert f"The link's value “{value}” for “{name}” cannot be used here" in page_text(page)


def test_one_segment_is_shown_and_certified_among_all(open_page):
    page = open_page(segment="D", measure="leakage", target="0.3")
    assert not page.exception
    text = page_text(page)
    assert f"shared by {len(SEGMENTS)} segments" in text
    assert "n = 1,700 cases" not in text


def scored(home, rows: pd.DataFrame, role: str = "stream", model_kind: str = "student") -> None:
    """Write one finished run of these rows into the store of `home`."""
    store = Store(home / "store")
    with store.atomic():
        add_scored(store, make_run("score", model_kind, role), rows)


def test_cases_without_labels_have_no_evidence_but_the_spread(open_page, tmp_path):
    unlabelled = {"label": None, "outcome": "unlabelled"}
    for kind in ("student", "teacher"):
        scored(tmp_path, make_rows(60, model_kind=kind).assign(**unlabelled), model_kind=kind)
        scored(
            tmp_path,
            make_rows(60, role="calibration", model_kind=kind).assign(**unlabelled),
            "calibration",
            kind,
        )
    page, words = open_page(tmp_path), catalogue("en")
    assert not page.exception
    assert not page.error
    assert words["headline.unlabelled"] in page_text(page)
    needed = words["needs_labels"]
    assert [e.value for e in page.info] == [
        needed,
        needed,
        words["shift.nothing"],
        words["certificate.no_labels"],
    ]
    assert len(page.get("plotly_chart")) == 1


def test_cases_without_dates_have_no_change_over_time(open_page, tmp_path):
    scored(tmp_path, make_rows(60).assign(occurred_at=pd.NaT))
    page = open_page(tmp_path)
    assert not page.exception
    assert catalogue("en")["shift.nothing"] in [element.value for element in page.info]


def test_one_confidence_for_all_cannot_be_certified_and_says_so(open_page, tmp_path):
    scored(tmp_path, make_rows(60))
    rows = make_rows(60, role="calibration")
    even = [[0.5 if name == top else 0.5 / 11 for name in LABELS] for top in rows["predicted"]]
    scored(tmp_path, rows.assign(confidence=0.5, probabilities=even), "calibration")
    page = open_page(tmp_path)
    assert not page.exception
    assert "no threshold can tell them apart" in page_text(page)


def test_a_calibration_run_that_is_looked_at_is_not_compared_with_itself(open_page, tmp_path):
    for kind in ("student", "point"):
        scored(tmp_path, make_rows(200, role="calibration", model_kind=kind), "calibration", kind)
    page = open_page(tmp_path)
    assert not page.exception
    assert "fitted on the very cases shown here, so its curve flatters it" in page_text(page)
    assert [name.split("<br>")[0] for name in chart(page, 2)["data"][0]["x"]] == ["2008"]


def test_every_colour_is_a_slot_of_the_theme(open_page):
    page = open_page(measure="leakage", target="0.3")
    for place in range(len(PANELS)):
        figure = chart(page, place)
        del figure["layout"]["template"]
        found = re.findall(r"#[0-9a-fA-F]{3,8}\b", json.dumps(figure))
        assert found
        assert {colour[:7] for colour in found} <= set(charts.SLOTS.values())
        assert "rgb" not in json.dumps(figure)


def test_a_panel_a_model_and_one_alone_fills_the_width():
    bins = {
        "n": [0, 5],
        "confidence": [None, 0.9],
        "accuracy": [None, 0.8],
        "low": [None, 0.4],
        "high": [None, 0.95],
    }
    frame = pd.DataFrame(bins).astype(float)
    said = Words("ja").chart_words(
        "axis.confidence", "axis.accuracy", "calibration.perfect", "column.cases"
    )
    for kinds in (["student"], ["student", "teacher", "point", "temperature"]):
        both = pd.concat([frame.assign(model_kind=kind) for kind in kinds])
        figure = evidence_charts.reliability_chart(both, dict.fromkeys(kinds, "m"), said)
        points = [trace for trace in figure.data if trace.mode == "lines+markers"]
        assert [len(trace.x) for trace in points] == [1] * len(kinds)  # the empty bin is not drawn
        assert (
            len({trace.marker.symbol for trace in points})
            == len({trace.line.dash for trace in points})
            == len(kinds)
        )
        assert len(list(figure.select_xaxes())) == len(kinds)
