"""`train --teacher none`: the plainest model is a model like any other."""

import json

import numpy as np
import pytest

from core.cli import main
from core.cli.train import linear_offer
from core.models.base.card import read_card
from core.pipeline.rivals import fit_embedding_lr, make_folds
from core.stats.verdict import EMBEDDING
from core.store.store import Store
from tests import tiny

COLUMNS = ("--text-column", "text", "--label-column", "label")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A workspace in which the command line has made and used a linear model."""
    home = tmp_path_factory.mktemp("home")
    tiny.make_encoder(home / "base")
    for name, cases in (("train", tiny.cases(300)), ("stream", tiny.cases(200, seed=7))):
        cases[["text", "label"]].to_csv(home / f"{name}.csv", index=False)
    return home


def run(home, capsys, monkeypatch, *arguments):
    monkeypatch.setenv("KAKUSHIN_HOME", str(home))
    monkeypatch.setenv("KAKUSHIN_DEVICE", "cpu")
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def test_it_is_made_scored_evaluated_and_decided_on(home, capsys, monkeypatch):
    def core(*arguments):
        return run(home, capsys, monkeypatch, *arguments)

    base = ("--base", str(home / "base"))
    train = (
        "train",
        str(home / "train.csv"),
        "--name",
        "line",
        "--teacher",
        "none",
        *base,
        *COLUMNS,
    )
    assert "made line-linear" in core(*train)
    card = read_card(home / "models" / "line-linear")
    assert (card.kind, card.samples) == ("linear", 1)
    assert not (home / "models" / "line-point").exists()
    core("score", str(home / "stream.csv"), "--model", "line-linear", "--dataset", "line", *COLUMNS)
    (record,) = Store(home / "store").runs("score")
    assert record.run.model_kind == "linear"
    found = json.loads(core("evaluate", "--dataset", "line", "--json"))
    ours, rival = found["rows"]["line-linear"], found["rows"][EMBEDDING]
    assert ours["accuracy"]["value"] >= rival["accuracy"]["value"] - 0.05
    assert "unit costs" in core("decide", "--target-leakage", "0.3", "--cases-per-day", "50")
    created = card.created_at
    core(*train)
    assert read_card(home / "models" / "line-linear").created_at == created  # made once


def test_its_answers_are_the_regressions_on_the_frozen_states(home, capsys, monkeypatch):
    """Without n-grams it is embedding + LR: the same labels, and probabilities close by."""
    import torch

    from core.models.base.frozen import load_frozen, pooled_states
    from core.models.scoring import checkpoint

    base = ("--base", str(home / "base"), "--no-surface")
    train = (
        "train",
        str(home / "train.csv"),
        "--name",
        "bare",
        "--teacher",
        "none",
        *base,
        *COLUMNS,
    )
    run(home, capsys, monkeypatch, *train)
    cpu, cases = torch.device("cpu"), tiny.cases(300)
    card, model = checkpoint.load(home / "models" / "bare-linear", cpu)
    labels = np.array([card.labels.index(label) for label in cases["label"]])
    states = pooled_states(load_frozen(str(home / "base"), cpu), cases["text"].tolist())
    rival = fit_embedding_lr(states, labels, len(card.labels), make_folds(labels))
    ours, theirs = model.scores(cases["text"].tolist()).probabilities, rival.probabilities(states)
    assert (ours.argmax(1) == theirs.argmax(1)).mean() > 0.9


@pytest.mark.parametrize(
    ("teacher", "error", "offered"), [(1.10, 0.01, False), (1.19, 0.01, True), (1.30, 0.01, True)]
)
def test_train_offers_the_regression_unless_the_teacher_is_better_beyond_chance(
    teacher, error, offered
):
    held_out = {"nll": teacher, "nll_of_start": 1.2, "gain_error": error, "cases": 240}
    for language, word in (("en", "as good as"), ("ja", "ロジスティック回帰")):
        offer = linear_offer("line", {"held_out": held_out}, language)
        assert (word in offer and "--teacher none" in offer and "1.200" in offer) == offered
    assert linear_offer("line", {}, "en") == ""
