"""Promotion: the open-world loss is a distribution, and each rival can stop a new model."""

import json
import math

import numpy as np
import pytest

from core.decision.watch.promotion import (
    UNKNOWN_LABEL,
    OpenScaling,
    PromotionVerdict,
    Redistillation,
    fit_open_scaling,
    open_world_ece,
)
from core.errors import ModelError, ShapeError
from core.pipeline.service import model_in_service, put_in_service, roll_back, service_history
from core.report.watch_text import redistilled_sentences, rolled_back_sentence
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
    put_in_service(store, settings, "line", "line-r2-student", "Sato")  # in service already
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


BETTER = Interval(-0.2, -0.3, -0.1, 40)
UNKNOWN = Interval(None, None, None, 0)


def outcome_of(against_old: Interval, saving: float, opened: tuple[str, ...], promoted: bool):
    """A redistillation of half an hour that taught 1,200 cases and was judged on 1."""
    accuracy = Interval(0.01, -0.01, 0.03, 400)
    judged = (against_old, BETTER, accuracy, (0.505, 0.421), (0.0734, 0.0619, 0.0628))
    verdict = PromotionVerdict(1, *judged)
    names = ("pumps-r2", "pumps-r2-student")
    return Redistillation(*names, 1_200, opened, verdict, 1_800.0, saving, promoted)


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        (
            "en",
            [
                "pumps-r2-student: 1,200 cases taught, new labels: A, B; 1 case judged",
                "loss a case against the old model: -0.200 (95% interval -0.300 to -0.100)",
                "labels that the model does not know: 50.5% before, 42.1% now",
                "open-world calibration error: 0.073 old, 0.062 recalibrated, 0.063 new",
                "cost: 1,800 s of this machine (0.15 EUR); saving +0.040 EUR a case against"
                " recalibration alone; payback after 4 cases",
                "pumps-r2-student is in service as pumps-live;"
                " `kakushin redistill --run run-1 --rollback` goes back",
            ],
        ),
        (
            "ja",
            [
                "pumps-r2-student：1,200件で学習、新しいラベル：A、B。1件で評価",
                "1件あたりの損失（旧モデルとの差）：-0.200（95%区間 -0.300〜-0.100）",
                "モデルの知らないラベル：以前50.5%、今回42.1%",
                "未知を含む較正誤差：旧0.073、補正0.062、新0.063",
                "費用：この計算機で1,800秒（0.15 EUR）。"
                "節約：補正だけと比べて1件あたり+0.040 EUR。4件で回収",
                "pumps-r2-studentをpumps-liveとして使い始めました。元に戻すには"
                "`kakushin redistill --run run-1 --rollback`を実行してください",
            ],
        ),
    ],
)
def test_a_promoted_outcome_is_told_in_full(language, texts):
    """0.15 EUR at 0.04 a case come back within 3.75 cases, so after 4."""
    outcome = outcome_of(BETTER, 0.04, ("A", "B"), True)
    lines = redistilled_sentences(outcome, ("pumps", "run-1"), 0.3, "EUR", language).split("\n")
    assert [line for line in lines if line in texts] == texts
    assert len(lines) == len(texts) + 2


@pytest.mark.parametrize(
    ("language", "opened", "interval", "saving", "failed", "rehearsal"),
    [
        (
            *("en", "new labels: none", "loss a case against the old model: not known"),
            "no saving against recalibration alone (-0.500 EUR a case)",
            "is not put in service: it is not shown better than the old model",
            "is not put in service: a rehearsal changes nothing",
        ),
        (
            *("ja", "新しいラベル：なし", "旧モデルとの差）：不明"),
            "補正だけと比べた節約はありません（1件あたり-0.500 EUR）",
            "採用しません。旧モデルよりよいとは言えません",
            "採用しません。予行では何も変えません",
        ),
    ],
)
def test_an_outcome_that_is_not_promoted_says_why(
    language, opened, interval, saving, failed, rehearsal
):
    line = ("pumps", "run-1")
    worse = outcome_of(UNKNOWN, -0.5, (), False)
    text = redistilled_sentences(worse, line, 0.3, "EUR", language)
    assert all(part in text for part in (opened, interval, saving, failed))
    better = outcome_of(BETTER, 0.04, (), False)
    assert rehearsal in redistilled_sentences(better, line, 0.3, "EUR", language)
    assert "pumps-student" in rolled_back_sentence("pumps", "pumps-student", language)
