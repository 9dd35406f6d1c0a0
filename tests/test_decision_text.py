"""What `decide` says: the threshold that keeps a target, and the unit costs that the money rests
on.
"""

import numpy as np
import pytest

from core.counts.histogram import AcceptanceCurve, Histogram
from core.decision.thresholds.costs import UnitCosts
from core.errors import SettingsError
from core.report.decision_text import decision_record, decision_sentences, threshold_for_leakage
from tests.stores import make_store


def curve(confidence, outcome):
    n = len(confidence)
    return AcceptanceCurve(
        Histogram.from_predictions(["A"] * n, ["x"] * n, outcome, np.array(confidence))
    )


def test_the_loosest_threshold_that_keeps_a_target_leakage_by_hand():
    """Wrong at 0.9 and 0.6 of five: above 0.9 none leaks, from 0.601 one in five, below two."""
    cases = curve([0.95, 0.9, 0.8, 0.6, 0.5], ["right", "wrong", "right", "wrong", "right"])
    assert threshold_for_leakage(cases, 0.0) == pytest.approx(0.901)
    assert threshold_for_leakage(cases, 0.2) == pytest.approx(0.601)
    assert threshold_for_leakage(cases, 0.39) == pytest.approx(0.601)
    assert threshold_for_leakage(cases, 0.4) == 0


def test_a_target_that_cannot_be_kept_is_refused_with_the_least_leakage():
    certain = curve([1.0, 1.0], ["wrong", "right"])
    with pytest.raises(
        SettingsError, match="no threshold keeps a leakage of 0.1: the strictest has 0.5"
    ):
        threshold_for_leakage(certain, 0.1)
    with pytest.raises(SettingsError, match="no case with a label"):
        threshold_for_leakage(curve([0.5], ["unlabelled"]), 0.1)
    with pytest.raises(SettingsError, match="target leakage of 1.5 is outside"):
        threshold_for_leakage(certain, 1.5)


def test_decide_finds_the_threshold_and_prints_the_unit_costs_it_used(tmp_path):
    store = make_store(tmp_path, "full")
    costs = UnitCosts(4, 120, 0.5, "AUD", retraining_per_month=30)
    record = decision_record(store, None, None, 50, costs, target_leakage=0.05)
    assert record["consequence"]["leakage"]["value"] <= 0.05
    looser = decision_record(store, None, record["consequence"]["threshold"] - 0.001, 50, costs)
    assert looser["consequence"]["leakage"]["value"] > 0.05
    text = decision_sentences(record)
    assert (
        "unit costs              review A$4.00, escape A$120.00, machine hour A$0.50, "
        "retraining a month A$30.00" in text
    )
    unknown = "unknown: the time of a case was not measured"
    notes = [money["note"] for money in record["money"].values()]
    assert text.count(unknown) == notes.count("no_seconds")
    japanese = decision_sentences(record, "ja")
    assert len(japanese.splitlines()) == len(text.splitlines())
    assert "確認A$4.00、流出A$120.00、機械1時間A$0.50、再学習は月A$30.00" in japanese
