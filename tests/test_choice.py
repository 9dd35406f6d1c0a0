"""Multiple choice by a causal LM's next token: what is read is what the LM says, and the known
traps are avoided.
"""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM

from core.cases.columns import ColumnNames
from core.cases.prompts import LETTERS, letters_in, question_text, require_options
from core.cases.read import read_cases
from core.cli import main
from core.errors import CasesError, ModelError
from core.models.base.backbone import load_backbone
from core.models.base.batches import pad
from core.models.base.card import ModelCard, read_card
from core.models.base.choice import answer_head, answer_tokens
from core.models.scoring import checkpoint
from core.models.scoring.scorers import OnePass
from core.models.training.augment import augmented
from core.pipeline.train import choice_labels, texts_of
from core.settings import Settings
from core.store.store import Store
from tests import tiny

CPU = torch.device("cpu")
ABCD = ("A", "B", "C", "D")
COLUMNS = ColumnNames(text="question", options=())


@pytest.fixture(
    scope="module", params=[False, True], ids=["own output embedding", "tied to the input's"]
)
def source(request, tmp_path_factory):
    return str(tiny.make_causal(tmp_path_factory.mktemp("lm"), tied=request.param))


@pytest.fixture(scope="module")
def backbone(source):
    return load_backbone(source, lambda _: 2, CPU, readout="choice")


def texts(n, seed=0):
    frame = tiny.questions(n, seed)
    options = frame[[f"option {x.lower()}" for x in ABCD]].to_numpy()
    return [question_text(q, list(o)) for q, o in zip(frame["question"], options, strict=True)]


# --- the prompt


def test_the_letter_stands_before_its_option():
    assert (
        question_text("Which fuse\n is blown?", ["left one", "right  one"])
        == "Which fuse is blown?\nA) left one\nB) right one"
    )


words = st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1).filter(
    lambda x: x.strip()
)


@given(words, st.lists(words, min_size=2, max_size=6))
def test_the_letters_of_a_question_are_found_again(question, options):
    assert letters_in(question_text(question, options)) == LETTERS[: len(options)]


@pytest.mark.parametrize(
    "text", ["oil leak", "oil) A\nleak) B", "which?\nB) oil\nC) leak", "A) oil\nwhich?"]
)
def test_a_text_without_options_at_its_end_has_no_letters(text):
    assert letters_in(text) == ()


def test_no_end_of_text_token_stands_before_the_read_out(backbone):
    """The tiny tokenizer appends [SEP], as some append EOS: the state there would predict what
    follows a finished text.
    """
    assert backbone.tokenizer("oil")["input_ids"][-1] == backbone.tokenizer.sep_token_id
    last = {tokens[-1] for tokens in backbone.tokens(texts(5))}
    assert backbone.tokenizer.convert_ids_to_tokens(last) == [":"]


def test_a_truncated_question_keeps_its_options_and_the_read_out(backbone):
    long = "oil " * 80 + texts(1)[0]
    with pytest.raises(
        CasesError, match="1 text of 1 is longer than the 64 tokens that the model reads"
    ):
        backbone.tokens([long])
    tokens = backbone.tokens([long], truncate=True)[0]
    _first, *question = backbone.tokens(texts(1))[0]
    assert len(tokens) <= 64
    assert tokens[-len(question) :] == question


# --- the read-out


@torch.no_grad()
def lm_logits(source, backbone, some):
    """The real LM's next-token logits [n, V], one text at a time, without padding."""
    lm = AutoModelForCausalLM.from_pretrained(source).eval()
    return torch.stack(
        [lm(torch.tensor([tokens])).logits[0, -1] for tokens in backbone.tokens(some)]
    )


def test_the_untrained_read_out_is_the_language_models_letter_logits(source, backbone):
    some = texts(7)
    head = answer_head(backbone, ABCD)
    letters = [backbone.tokenizer.get_vocab()[x.lower()] for x in ABCD]
    ids, mask = pad(
        [torch.tensor(tokens) for tokens in backbone.tokens([*some, some[0] + " oil oil"])]
    )
    with torch.no_grad():
        got = head(backbone(ids, mask))[:7]
    torch.testing.assert_close(
        got, lm_logits(source, backbone, some)[:, letters], atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("labels", [("no", "yes"), ("yes", "no")])
def test_yes_and_no_are_read_by_their_own_tokens_in_either_order(source, tmp_path, labels):
    """The trap is an index: 0 for no in the labels and for yes in the read-out."""
    tokenizer = tiny.tokenizer(["no", *tiny.WORDS[: len(tiny.WORDS) - 1], *tiny.CHOICE_WORDS])
    backbone = load_backbone(source, lambda _: 2, CPU, readout="choice")
    backbone.tokenizer = tokenizer
    some = ["oil leak", "hot fan ?"]
    scores = OnePass(backbone, answer_head(backbone, labels).requires_grad_(False), 2).scores(some)
    said = lm_logits(source, backbone, some)[:, [tokenizer.get_vocab()[x] for x in labels]].softmax(
        -1
    )
    np.testing.assert_allclose(scores.probabilities, said, atol=1e-5)
    frame = pd.DataFrame({"text": some, "label": ["yes", "no"]})
    assert [labels[i] for i in texts_of(frame, labels).labels] == ["yes", "no"]


@pytest.mark.parametrize("n", [1, 5, 13])
def test_the_last_partial_batch_is_answered_too(backbone, monkeypatch, n):
    monkeypatch.setattr("core.models.base.device.CPU_TOKENS", 64)
    scorer = OnePass(backbone, answer_head(backbone, ABCD).requires_grad_(False), 4)
    some = texts(n, seed=3)
    together = scorer.scores(some).probabilities
    alone = np.concatenate([scorer.scores([text]).probabilities for text in some])
    assert together.shape == (n, 4)
    np.testing.assert_allclose(together, alone, atol=1e-6)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (("bucket", "conveyor"), "label 'conveyor' is not one token"),
        (("oil leak", "oil"), "label 'oil leak' is not one token"),
        (("A", "a"), "labels 'A', 'a' share a token"),
    ],
)
def test_answers_that_are_not_one_token_each_are_refused(backbone, labels, message):
    with pytest.raises(ModelError, match=message):
        answer_tokens(backbone.tokenizer, labels)


def test_an_encoder_cannot_choose(tmp_path):
    encoder = tiny.make_encoder(tmp_path)
    with pytest.raises(ModelError, match="not a causal language model"):
        load_backbone(str(encoder), lambda _: 2, CPU, readout="choice")


# --- files and models


def test_options_are_found_by_name_or_named(tmp_path):
    frame = tiny.questions(3)
    frame.to_csv(tmp_path / "q.csv", index=False)
    found = read_cases(tmp_path / "q.csv", COLUMNS)
    given = read_cases(
        tmp_path / "q.csv", ColumnNames(text="question", options=tuple(f"Option_{x}" for x in ABCD))
    )
    assert found.frame["text"].tolist() == given.frame["text"].tolist() == texts(3)
    assert found.content_hash == given.content_hash
    assert read_cases(tmp_path / "q.csv").frame["text"].tolist() == frame["question"].tolist()


def test_a_bad_option_refuses_its_row_and_a_bad_letter_its_label(tmp_path):
    frame = tiny.questions(3)
    frame.loc[0, "option b"] = " "
    frame.loc[1, "label"] = "2"
    frame.loc[2, "label"] = "d"
    frame.to_csv(tmp_path / "q.csv", index=False)
    cases = read_cases(tmp_path / "q.csv", COLUMNS)
    (problem,) = cases.problems
    assert (problem.row, problem.column, problem.code, problem.values) == (
        2,
        "text",
        "cases.empty_option",
        {"letter": "B"},
    )
    (notice,) = cases.notices
    assert (notice.values["column"], notice.values["rows"], notice.values["value"]) == (
        "label",
        ["3"],
        "2",
    )
    assert cases.frame["label"].tolist() == [None, "D"]


def test_every_letter_is_a_label_even_where_it_is_never_right():
    fit = pd.DataFrame({"case_id": ["1", "2"], "text": texts(2), "label": ["A", "C"]})
    assert choice_labels(fit) == ABCD
    with pytest.raises(
        CasesError, match=r"1 case has other options than model .* \(case '2'\), has A, B"
    ):
        choice_labels(fit.assign(text=[fit["text"][0], "which?\nA) oil\nB) fan"]))


def test_a_file_without_options_is_refused_by_a_model_that_chooses():
    cases = pd.DataFrame({"case_id": ["c1"], "text": ["oil leak"]})
    with pytest.raises(
        CasesError, match=r"has no options, and model 'm' chooses among A, B.*Name the columns with"
    ):
        require_options(cases, ("A", "B"), "m")


@pytest.mark.parametrize(
    ("readout", "labels", "chooses"),
    [("choice", ABCD, True), ("choice", ("no", "yes"), False), ("classify", ABCD, False)],
)
def test_only_letters_of_a_choice_model_need_options(readout, labels, chooses):
    card = ModelCard(
        kind="point", name="m", labels=labels, base="b", base_sha256="0", readout=readout, cut=1
    )
    assert card.chooses is chooses


def test_a_copy_of_a_question_has_the_same_options_in_another_order():
    (text,) = texts(1)
    copies = set(augmented([text], 40, seed=0))
    assert 10 < len(copies) <= 24
    for copy in copies:
        assert letters_in(copy) == ABCD
        assert sorted(line[3:] for line in copy.split("\n")[1:]) == sorted(
            line[3:] for line in text.split("\n")[1:]
        )


def test_the_whole_way_by_the_command_line(tmp_path, monkeypatch, capsys):
    """train, distill and score a multiple-choice file; then a file without options is refused
    before anything is scored.
    """
    monkeypatch.setenv("KAKUSHIN_HOME", str(tmp_path / "home"))
    base = tiny.make_causal(tmp_path / "lm")
    tiny.questions(60).to_csv(tmp_path / "train.csv", index=False)
    tiny.questions(30, seed=1).to_csv(tmp_path / "new.csv", index=False)
    columns = [
        "--question-column",
        "question",
        "--option-columns",
        "A=option a,B=option b,C=option c,D=option d",
    ]
    common = [
        "--readout",
        "choice",
        "--base",
        str(base),
        "--epochs",
        "1",
        "--layers",
        "2",
        "--samples",
        "3",
    ]
    assert main(["train", str(tmp_path / "train.csv"), "--name", "exam", *columns, *common]) == 0
    assert main(["distill", "exam", "--epochs", "1", "--layers", "2"]) == 0
    settings = Settings()
    for kind in ("point", "teacher", "student"):
        assert (
            main(
                [
                    "score",
                    str(tmp_path / "new.csv"),
                    "--model",
                    f"exam-{kind}",
                    "--question-column",
                    "question",
                ]
            )
            == 0
        )
        card = read_card(settings.models / f"exam-{kind}")
        assert (card.readout, card.labels) == ("choice", ABCD)
    rows = answer_head(
        load_backbone(str(base), lambda _: 2, CPU, readout="choice"), ABCD
    ).weight.detach()
    for kind in ("point", "student"):  # trained, and still the language model's own rows
        head = checkpoint.load_head(
            settings.models / f"exam-{kind}", read_card(settings.models / f"exam-{kind}")
        )
        assert torch.equal(head.weight[:4], rows)
        assert head.bias[:4].abs().max() > 0
    store = Store(settings.store)
    for record in store.runs("score"):
        table = store.predictions(record.run.run_id, ["text", "label", "predicted", "epistemic"])
        assert set(table["predicted"]) <= set(ABCD)
        assert sorted(table["text"]) == sorted(texts(30, seed=1))
    assert (
        main(
            [
                "train",
                str(tmp_path / "train.csv"),
                "--name",
                "y",
                *columns,
                "--text-column",
                "question",
            ]
        )
        == 2
    )
    assert (
        main(
            [
                "train",
                str(tmp_path / "train.csv"),
                "--name",
                "y",
                "--option-columns",
                "A=option a,C=option c",
            ]
        )
        == 2
    )
    assert "write A=NAME,B=NAME,..., every letter from A on" in capsys.readouterr().err
    tiny.cases(5).to_csv(tmp_path / "plain.csv", index=False)
    capsys.readouterr()
    assert main(["score", str(tmp_path / "plain.csv"), "--model", "exam-student"]) == 3
    assert (
        "have no options, and model 'exam-student' chooses among A, B, C, D"
        in capsys.readouterr().err
    )
