"""Promotion: the open-world loss is a distribution, and each rival can stop a new model."""

import json
import math

import numpy as np
import pytest

from core.decision.watch.promotion import (
    UNKNOWN_LABEL,
    OpenScaling,
    PromotionVerdict,
    fit_open_scaling,
    open_world_ece,
)
from core.errors import ModelError, ShapeError
from core.pipeline.service import model_in_service, put_in_service, roll_back, service_history
from core.settings import Settings
from core.stats.bounds import paired_interval
from core.store.store import Store
from core.store.trail import AuditTrail
from core.types import Interval


def test_the_loss_by_hand():
    """u = 1/2 (a = 0, b = 0), T = 1, two of four labels known: q = 0.35, 0.15 and 0.25 each."""
    scaling = OpenScaling(1.0, 0.0, 0.0, 4)
    p = np.array([[0.7, 0.3]] * 3)
    loss = scaling.log_loss(p, [0, 1, UNKNOWN_LABEL])
    assert np.exp(-loss) == pytest.approx([0.35, 0.15, 0.25])
    assert scaling.confidence(p[:1]) == pytest.approx([0.35])


def test_open_world_probabilities_sum_to_one_whatever_the_scaling():
    random = np.random.default_rng(0)
    for _ in range(20):
        scaling = OpenScaling(*np.exp(random.normal(0, 0.5, 1)), *random.normal(0, 1, 2), 7)
        p = random.dirichlet(np.ones(4))[None]
        known = np.exp(-np.array([scaling.log_loss(p, [k])[0] for k in range(4)]))
        unknown = np.exp(-scaling.log_loss(p, [UNKNOWN_LABEL]))
        assert known.sum() + 3 * unknown == pytest.approx(1)


def test_a_fit_finds_the_share_of_unknown_labels():
    """At a constant confidence nothing but the share is left to fit: 30% unknown."""
    p = np.tile([0.6, 0.4], (2_000, 1))
    random = np.random.default_rng(1)
    position = np.where(
        random.random(2_000) < 0.3, UNKNOWN_LABEL, random.random(2_000) > 0.6
    ).astype(int)
    scaling = fit_open_scaling(p, position, 5)
    _, unknown = scaling._parts(p[:1])
    assert unknown[0] == pytest.approx((position == UNKNOWN_LABEL).mean(), abs=0.02)
    assert open_world_ece(scaling, p, position) < 0.03
    with pytest.raises(ShapeError, match="3 steps"):
        fit_open_scaling(p, [0, 1, 0], 5)


def test_days_are_the_unit_of_a_paired_difference():
    """Two days of equal cases: the error is that of two observations, not of twenty."""
    difference, day = np.repeat([0.0, 1.0], 10), np.repeat([1, 2], 10)
    interval = paired_interval(difference, day)
    assert interval.value == 0.5
    assert interval.high - 0.5 == pytest.approx(1.959964 * math.sqrt(2 * 5**2) / 20)
    assert paired_interval([], []).value is None


def verdict(old=-0.1, recalibrated=-0.1, accuracy=0.0) -> PromotionVerdict:
    def around(value: float) -> Interval:
        return Interval(value, value - 0.02, value + 0.02, 100)

    return PromotionVerdict(
        100, around(old), around(recalibrated), around(accuracy), (0.5, 0.4), (0.2, 0.1, 0.1)
    )


@pytest.mark.parametrize(
    ("change", "failed"),
    [
        ({}, ()),
        ({"old": -0.01}, ("old",)),
        ({"recalibrated": -0.01}, ("recalibrated",)),
        ({"accuracy": -0.02}, ("inferior",)),
        ({"accuracy": -0.005}, ()),
    ],
)
def test_each_rival_alone_stops_a_promotion(change, failed):
    assert verdict(**change).failed_checks == failed


def test_service_moves_forward_and_back(tmp_path):
    settings = Settings(home=tmp_path)
    store = Store(settings.store)
    for name in ("line-student", "line-r2-student"):
        (settings.models / name).mkdir(parents=True)
        (settings.models / name / "model.json").write_text("{}")
    assert model_in_service(settings, "line-live") == "line-student"
    assert model_in_service(settings, "line-r2-student") == "line-r2-student"
    put_in_service(store, settings, "line", "line-r2-student", "Sato")
    assert model_in_service(settings, "line-live") == "line-r2-student"
    assert [entry["author"] for entry in service_history(settings, "line")] == ["Sato", "Sato"]
    assert roll_back(store, settings, "line", "Sato") == "line-student"
    assert model_in_service(settings, "line-live") == "line-student"
    with pytest.raises(ModelError, match="no earlier model"):
        roll_back(store, settings, "line", "Sato")
    with pytest.raises(ModelError, match="no model line-r3-student"):
        put_in_service(store, settings, "line", "line-r3-student", "Sato")
    entries = AuditTrail(store).entries()
    assert entries["action"].tolist() == ["model.serve"] * 2
    assert [json.loads(text)["model"] for text in entries["details"]] == [
        "line-student",
        "line-r2-student",
    ]
