"""The benchmark of rivals: its files, its paired bootstrap and its lines, on answers made here."""

import numpy as np
import pytest
from scipy.special import softmax

from benchmarks.rivals import __main__ as command
from benchmarks.rivals.answers import (
    METRICS,
    Answers,
    ood_auroc,
    paired_interval,
    quality,
    read_answers,
    write_answers,
)
from benchmarks.rivals.lines import (
    best_rival,
    cost_lines,
    figures_by_set,
    novelty_lines,
    rival_lines,
    teacher_lines,
)
from benchmarks.rivals.names import FREE, NOVELTY, OURS
from benchmarks.rivals.report import read_runs, write_report
from core.errors import SettingsError

RECORD = {
    "train_s": 10.0,
    "train_texts": 3000,
    "note": "made here",
    "ms_per_case": 1.0,
    "embedding_ms_per_case": 1.0,
    "mi_spearman": 0.9,
    "mi_spearman_ood": 0.8,
}


def answers(name="a", seed=0, method="student", noise=0.5, n=400, flat=1.0):
    """Answers that are right the more often the smaller `noise`; `flat` > 1 makes them unsure."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, n)
    logits = 3 * np.eye(3)[labels] + np.random.default_rng([seed, 1]).normal(size=(n, 3)) * noise
    ood = softmax(np.random.default_rng([seed, 2]).normal(size=(100, 3)), axis=1)
    test = softmax(logits / flat, axis=1)
    names = {"student": ("total", "epistemic", "novelty"), "embedding-lr": NOVELTY}
    scores = {
        s: (1 - test.max(1), 1 - ood.max(1)) for s in names.get(method, ("total", "epistemic"))
    }
    return Answers(name, seed, method, test, ood, labels, scores, RECORD)


def runs(student=0.5, rivals=2.0, teacher=0.5, sets=("a", "workorders")):
    noise = dict.fromkeys(FREE, rivals) | {"point": 1.0, "teacher": teacher, "student": student}
    return {
        name: {m: [answers(name, seed, m, x) for seed in range(2)] for m, x in noise.items()}
        for name in sets
    }


def test_answers_come_back_as_they_were_written(tmp_path):
    before = answers()
    write_answers(before, tmp_path)
    after = read_answers(tmp_path, "a", 0, "student")
    np.testing.assert_allclose(after.test, before.test, atol=1e-6)
    assert after.labels.tolist() == before.labels.tolist()
    assert after.record == RECORD
    assert ood_auroc(after, "novelty") == pytest.approx(ood_auroc(before, "novelty"), abs=1e-6)


def test_the_ood_auroc_counts_pairs_by_hand():
    """Of the pairs (0.1, 0.3), (0.1, 0.2), (0.2, 0.3), (0.2, 0.2) three are in order, one equal."""
    p, labels = np.full((2, 2), 0.5), np.zeros(2, dtype=int)
    scores = {"total": (np.array([0.1, 0.2]), np.array([0.3, 0.2]))}
    made = Answers("a", 0, "m", p, p, labels, scores)
    assert ood_auroc(made, "total") == pytest.approx(3.5 / 4)


def test_the_paired_interval_of_a_method_with_itself_is_zero_and_a_better_one_lies_above():
    same = {"a": [(answers(), answers())]}
    assert paired_interval(same, METRICS["nll"], draws=20) == (0, 0, 0)
    better = {"a": [(answers(noise=0.5), answers(noise=3.0))]}
    value, low, high = paired_interval(better, METRICS["accuracy"], draws=100)
    assert 0 < low < value < high
    pair = better["a"][0]
    assert value == pytest.approx(pair[0].right.mean() - pair[1].right.mean())


def test_the_paired_interval_covers_what_pairing_says_it_should():
    """Two methods that differ on one case in four: the variance of the difference is its own."""
    random = np.random.default_rng(0)
    labels = np.zeros(400, dtype=int)
    one = np.where(random.random((400, 1)) < 0.75, [[0.9, 0.1]], [[0.1, 0.9]])
    two = np.where(random.random((400, 1)) < 0.25, one[:, ::-1], one)
    pair = [Answers("a", 0, m, p, p, labels, {}) for m, p in (("x", one), ("y", two))]
    value, low, high = paired_interval({"a": [tuple(pair)]}, METRICS["accuracy"], draws=1000)
    gap = pair[0].right.astype(float) - pair[1].right
    half = 1.96 * gap.std() / 20
    assert (low, high) == pytest.approx((value - half, value + half), abs=0.25 * half)


def test_a_student_that_is_better_everywhere_reaches_the_lines_on_quality():
    lines = {line.text: line for line in rival_lines(runs())}
    assert all(lines[text].reached for text in lines if "ECE" not in text)
    assert "interval" in lines["NLL: mean difference, interval below 0"].note


def test_a_student_that_is_worse_on_one_set_misses_the_lines_on_every_set():
    made = runs()
    made["a"]["student"] = [answers("a", seed, "student", 3.0) for seed in range(2)]
    lines = {line.text: line for line in rival_lines(made)}
    line = lines["accuracy: gain >= -0.005 on every set"]
    assert (line.reached, line.note.startswith("on a against ")) == (False, True)
    assert not lines["NLL: difference <= 0.01 on every set"].reached


def test_the_best_rival_is_chosen_for_each_metric_by_its_own_direction():
    figures = {"tfidf-lr": {"accuracy": 0.9, "nll": 0.5}, "both-lr": {"accuracy": 0.8, "nll": 0.4}}
    assert best_rival(figures, "accuracy") == "tfidf-lr"
    assert best_rival(figures, "nll") == "both-lr"


def test_novelty_teacher_and_cost_lines_have_their_figures():
    made = runs()
    novelty = {line.text: line for line in novelty_lines(made)}
    assert novelty["OOD AUROC on work orders >= 0.70"].figure > 0.9
    assert len(teacher_lines(made)) == 8
    bounds = {line.text: line.bound for line in teacher_lines(made)}
    assert bounds["against its teacher: Spearman of MI >= 0.85 in distribution"] == 0.85
    one_pass, training = cost_lines(made)
    assert (one_pass.figure, one_pass.reached, training.figure, training.reached) == (
        1,
        True,
        1,
        True,
    )


def test_the_report_has_every_line_and_set_and_says_what_is_missing(tmp_path):
    for methods in runs(sets=("a",)).values():
        for rows in methods.values():
            for row in rows:
                write_answers(row, tmp_path / "answers")
    found = read_runs(tmp_path / "answers", ["a", "b"], 3)
    assert {m: len(rows) for m, rows in found["a"].items()} == dict.fromkeys([*FREE, *OURS], 2)
    text = write_report(found, tmp_path)
    assert "Sets with their seeds: a 0, 1." in text
    assert "| embedding-lr (rival) |" in text
    assert (tmp_path / "summary.json").is_file()
    assert figures_by_set(found)["a"]["student"]["ece"] == quality_mean(found, "ece")


def quality_mean(found, metric):
    return np.mean([quality(row)[metric] for row in found["a"]["student"]])


def test_a_folder_of_other_options_is_refused(tmp_path):
    first = command.parse_arguments(["--out", str(tmp_path), "--cases", "5"])
    command.check_options(first, tmp_path / "answers")
    command.check_options(first, tmp_path / "answers")
    other = command.parse_arguments(["--out", str(tmp_path), "--cases", "6"])
    with pytest.raises(SettingsError, match="holds results of other options"):
        command.check_options(other, tmp_path / "answers")


def test_quick_is_two_sets_and_one_seed():
    arguments = command.parse_arguments(["--quick"])
    assert (arguments.sets, arguments.seeds) == (["workorders", "newsgroups"], 1)
