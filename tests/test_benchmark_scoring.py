"""The benchmark's own arithmetic: must-reach lines, means and intervals, fidelity, augmentation."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.must_reach import LINES, best_teacher, check
from benchmarks.report import complete, left_out, there, write
from benchmarks.scoring import (
    METRICS,
    adaptive_ece,
    fidelity,
    mean_interval,
    measure,
    ood_auroc,
    rescaled,
    squared_error,
    summarise,
)
from benchmarks.tables import lines_markdown, markdown
from core.errors import SettingsError
from core.models.training.augment import augmented, spliced
from core.stats.calibration import reliability


def scores(p, epistemic):
    p = np.asarray(p, dtype=float)
    total = -(p * np.log(p)).sum(1)
    epistemic = np.asarray(epistemic, dtype=float)
    return SimpleNamespace(
        probabilities=p, total=total, aleatoric=total - epistemic, epistemic=epistemic
    )


def summary(**figures):
    """{method: {metric: value}} with every figure equal to the one given."""
    return {
        name: {m: {"value": v, "low": None, "high": None, "n": 1} for m in METRICS}
        for name, v in figures.items()
    }


def test_a_mean_over_sets_is_not_weighted_by_their_seeds():
    """Sets with means 1 (three seeds) and 3 (one seed): 2, and not 1.5."""
    assert mean_interval([[1, 1, 1], [3]])["value"] == 2


def test_seeds_that_agree_have_an_interval_of_no_width_and_one_seed_has_none():
    assert mean_interval([[0.5, 0.5, 0.5]]) == {"value": 0.5, "low": 0.5, "high": 0.5, "n": 3}
    assert mean_interval([[0.5]])["low"] is None
    assert mean_interval([])["value"] is None


def test_the_interval_holds_the_mean():
    one = mean_interval([[0.1, 0.2, 0.6], [0.4, 0.5, 0.9]])
    assert one["low"] < one["value"] < one["high"]


def test_a_student_equal_to_its_teacher_is_faithful():
    one = scores([[0.5, 0.5], [0.9, 0.1], [0.6, 0.4]], [0.3, 0.1, 0.2])
    found = fidelity(SimpleNamespace(test=one, ood=one, reference=(one, one)))
    assert found["mi_spearman"] == pytest.approx(1)
    assert found["mi_mae_ood"] == 0


def test_the_error_of_a_students_mutual_information_by_hand():
    p = [[0.5, 0.5], [0.5, 0.5]]
    answers = SimpleNamespace(
        test=scores(p, [0.1, 0.3]), ood=None, reference=(scores(p, [0.2, 0.6]), None)
    )
    found = fidelity(answers)
    assert found["mi_mae"] == pytest.approx(0.2)
    assert found["mi_mae_ood"] is None


def test_ood_that_always_scores_higher_is_told_apart_and_a_constant_tells_nothing():
    assert ood_auroc(np.array([0.1, 0.2]), np.array([0.3])) == 1
    assert ood_auroc(np.zeros(2), np.zeros(3)) is None
    assert ood_auroc(np.array([0.1]), None) is None


def test_every_metric_of_the_table_is_measured():
    one = scores([[0.8, 0.2], [0.4, 0.6]], [0.1, 0.2])
    answers = SimpleNamespace(
        test=one, ood=one, reference=None, train_s=1.0, passes=1, ms_per_case=2.0
    )
    found = measure(answers, np.array([0, 0]))
    assert set(found) == set(METRICS)
    assert found["accuracy"] == 0.5


def test_what_one_temperature_would_put_right_is_told():
    """Right with 0.6 where 0.8 is said: softmax(logits / T) is 0.6 at T = ln 4 / ln 1.5."""
    p = np.tile([0.8, 0.2], (100, 1))
    found = rescaled(p, np.array([0, 0, 0, 1, 1] * 20))
    assert found["temperature_left"] == pytest.approx(math.log(4) / math.log(1.5), rel=1e-3)
    assert found["ece_rescaled"] == pytest.approx(0, abs=1e-4)


def test_a_summary_is_by_method_over_sets():
    results = [
        {"set": s, "seed": 0, "method": "point", "metrics": dict.fromkeys(METRICS, v)}
        for s, v in (("a", 1.0), ("b", 2.0))
    ]
    assert summarise(results)["point"]["nll"]["value"] == 1.5


def test_of_times_the_least_of_a_sets_seeds_counts():
    seeds = {"a": (4.0, 3.0, 9.0), "b": (5.0, 7.0, 6.0)}
    results = [
        {"set": s, "seed": i, "method": "point", "metrics": dict.fromkeys(METRICS, v)}
        for s, values in seeds.items()
        for i, v in enumerate(values)
    ]
    found = summarise(results)["point"]
    assert (found["ms_per_case"]["value"], found["ms_per_case"]["low"]) == (4.0, None)
    assert found["nll"]["value"] == pytest.approx((16 / 3 + 6) / 2)


def test_the_best_teacher_has_the_lowest_nll():
    assert best_teacher(summary(tfb=0.5, blob=0.4), ["tfb", "blob", "ensemble"]) == "blob"


def test_lines_are_judged_by_their_direction():
    """All figures 0.5: ECE is within 0.01 of the teacher's, but not at most 0.6 x 0.5; accuracy is
    the point estimate's.
    """
    rows = {
        r["line"]: r["reached"]
        for r in check(summary(point=0.5, tfb=0.5, student=0.5), "student", "tfb")
    }
    assert rows["ECE <= teacher + 0.01"] is True
    assert rows["ECE <= 0.6 x point estimate"] is False
    assert rows["accuracy >= point estimate - 0.005"] is True
    assert rows["Spearman of MI >= 0.85 in distribution"] is False
    assert len(rows) == len(LINES)


def test_a_missing_figure_is_neither_reached_nor_not():
    rows = check(summary(point=0.5, tfb=None, student=0.5), "student", "tfb")
    assert rows[0]["reached"] is None
    assert "no figure" in lines_markdown(rows)


def result(name, seed, method):
    options = {"adapter": {}, "epochs": 1, "learning_rate": 0.1, "cases": None, "teacher": method}
    found = {
        "set": name,
        "seed": seed,
        "method": method,
        "metrics": dict.fromkeys(METRICS, 0.5),
        "options": options,
    }
    return found | {"note": f"{name}'s texts"}


def test_a_method_without_every_run_is_named_and_is_in_no_mean(tmp_path):
    """TFB ran on one of two pairs; on the one set where it has every run its row stands."""
    results = [result("a", 0, "point"), result("b", 0, "point"), result("a", 0, "tfb")]
    assert {r["method"] for r in complete(results)} == {"point"}
    assert "fewer than these 2 pairs of set and seed: tfb (1)" in left_out(results)
    write(results, tmp_path)
    overall, a, b = (tmp_path / "results.md").read_text().split("#### ")
    assert "2 sets, each with its seeds: a 0; b 0" in overall
    assert ["| tfb |" in part for part in (overall, a, b)] == [False, True, False]


def test_a_table_is_of_results_with_the_same_options_whatever_their_methods_own_are(tmp_path):
    (tmp_path / "results").mkdir()
    for i, one in enumerate(
        [result("a", 0, "point"), result("a", 0, "tfb"), result("c", 0, "tfb") | {"options": {}}]
    ):
        (tmp_path / "results" / f"{i}.json").write_text(json.dumps(one))
    assert len(there(tmp_path, ["a"])) == 2
    other = result("a", 1, "point")
    other["options"]["epochs"] = 2
    (tmp_path / "results" / "3.json").write_text(json.dumps(other))
    with pytest.raises(SettingsError, match="results of 2 different options"):
        there(tmp_path, ["a"])


def test_a_table_shows_a_dash_where_there_is_no_figure():
    assert "–" in markdown(summary(point=None), ["ece"])


def test_copies_are_made_of_the_texts_words_and_the_same_seed_makes_the_same():
    texts = ["a b c d", "e f", "g"]
    made = augmented(texts, 2, seed=3)
    assert made == augmented(texts, 2, seed=3)
    assert len(made) == 6
    assert all(copy for copy in made)
    for own, copy in zip(texts, made[:3], strict=True):
        assert set(copy.split()) <= set(own.split())
    assert augmented(texts, 0, seed=3) == []


def test_a_splice_begins_like_one_and_ends_like_the_other():
    generator = np.random.default_rng(0)
    for _ in range(20):
        words = spliced(["a", "b"], ["c", "d"], generator).split()
        assert words[0] == "a"
        assert words[-1] == "d"


def test_adaptive_bins_hold_equal_numbers_of_cases():
    # Two bins of two: mean 0.15 against accuracy 0, and mean 0.85 against 1.
    assert adaptive_ece(
        np.array([0.9, 0.1, 0.8, 0.2]), np.array([1, 0, 1, 0]), bins=2
    ) == pytest.approx(0.15)


def test_the_order_of_equal_confidences_does_not_matter():
    confidence, right = np.array([0.5, 0.5, 0.5, 0.5, 0.9]), np.array([1, 1, 0, 0, 1])
    shuffled = np.array([0, 2, 4, 1, 3])
    assert adaptive_ece(confidence, right, bins=2) == adaptive_ece(
        confidence[shuffled], right[shuffled], bins=2
    )


def test_the_squared_error_by_hand():
    """Four cases of 0.6, three right: (0.75 - 0.6)^2 - 0.75 * 0.25 / 3; the single case is out."""
    bins = reliability(np.array([0.6, 0.6, 0.6, 0.6, 0.1]), np.array([1, 1, 1, 0, 0]))
    assert squared_error(bins) == pytest.approx(0.0225 - 0.0625)


@pytest.mark.parametrize(("too_sure", "squared"), [(0.0, 0.0), (0.1, 0.01)])
def test_the_squared_error_has_the_true_value_as_its_mean(too_sure, squared):
    random = np.random.default_rng(1)
    confidence = np.repeat([0.5, 0.7, 0.9], 20)
    found = [
        squared_error(reliability(confidence, random.random(60) < confidence - too_sure))
        for _ in range(3000)
    ]
    assert np.mean(found) == pytest.approx(squared, abs=4 * np.std(found) / 3000**0.5)


def test_no_case_gives_no_calibration_error():
    none = np.zeros(0)
    assert adaptive_ece(none, none) is squared_error(reliability(none, none)) is None
