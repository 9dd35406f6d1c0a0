"""Cases made ready for a model: labels by their normal form, rare labels named at once, rows of
texts that are too long.
"""

import pandas as pd
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from core.cases.labels import match_labels, normal_label, unify_labels
from core.errors import CasesError, SettingsError
from core.pipeline.prepare import (
    check_base_lengths,
    check_lengths,
    rows_named,
    settle_rare_labels,
    vocabulary_notice,
    with_known_labels,
)


def cases(labels: list) -> pd.DataFrame:
    rows = range(2, len(labels) + 2)
    return pd.DataFrame({"row": rows, "text": [f"case {i}" for i in rows], "label": labels})


@pytest.mark.parametrize(
    ("label", "form"),
    [
        ("1.0", "1"),
        ("1", "1"),
        ("1.00", "1"),
        ("01", "01"),
        ("1.5", "1.5"),
        ("-2.0", "-2"),
        ("v1.0", "v1.0"),
        (" Pump  House ", "pump house"),
        ("ＰＵＭＰ", "pump"),
        ("ﾎﾟﾝﾌﾟ", "ポンプ"),
        ("Straße", "strasse"),
    ],
)
def test_the_normal_form_of_a_label(label, form):
    assert normal_label(label) == form


def test_the_most_frequent_spelling_of_a_file_stands_for_the_others():
    assert unify_labels(["Pump", "PUMP", "PUMP", None, "Valve"]) == {"Pump": "PUMP"}
    assert unify_labels(["1.0", "1", "2"]) == {"1": "1.0"}  # equally frequent: the first


def test_a_form_that_two_known_labels_share_matches_neither():
    assert match_labels(["us", "US", "Us"], ["us", "US"]) == {"us": "us", "US": "US"}


def test_a_case_gets_the_models_spelling_of_its_label():
    frame, (notice,) = with_known_labels(cases(["1.0", "2", None, "x"]), ("1", "2"))
    assert frame["label"].where(frame["label"].notna(), None).tolist() == ["1", "2", None, "x"]
    assert notice.values == {"n": 1, "labels": ["'1.0' = '1'"]}
    same, notices = with_known_labels(cases(["1", None]), ("1", "2"))
    assert notices == ()
    assert same["label"].tolist()[0] == "1"


RARE = ["a"] * 5 + ["b"] * 4 + ["c"] + [None]


def test_all_rare_labels_are_named_at_once():
    with pytest.raises(CasesError, match=r"2 labels have fewer than 5 cases: 'b' \(4\), 'c' \(1\)"):
        settle_rare_labels(cases(RARE), "refuse")


@pytest.mark.parametrize(
    ("choice", "left"),
    [("keep", {"a": 5, "b": 4, "c": 1}), ("drop", {"a": 5}), ("merge", {"a": 5, "other": 5})],
)
def test_rare_labels_are_kept_dropped_or_merged(choice, left):
    frame, (notice,) = settle_rare_labels(cases(RARE), choice)
    assert frame["label"].value_counts().to_dict() == left
    assert frame["label"].isna().sum() == 1
    assert notice.values["labels"] == ["'b' (4)", "'c' (1)"]


def test_no_rare_label_is_no_notice_and_another_choice_an_error():
    assert settle_rare_labels(cases(["a"] * 5), "refuse")[1] == ()
    with pytest.raises(
        SettingsError, match="--rare-labels 'burn' is not allowed: it is one of keep, drop"
    ):
        settle_rare_labels(cases(RARE), "burn")


class Reader:
    """A stand-in for a backbone that reads 20 tokens, one a word."""

    max_tokens = 20

    def tokens(self, texts):
        lengths = [len(text.split()) for text in texts]
        long = [i for i, length in enumerate(lengths) if length > self.max_tokens]
        if long:
            values = {"n": len(long), "positions": long, "rows": [], "total": len(texts)}
            raise CasesError("cases.long_texts", tokens=max(lengths), limit=20, text="", **values)
        return [[0] * length for length in lengths]


def test_every_text_that_is_too_long_is_named_by_its_row():
    frame = cases(["a"] * 4).assign(text=["short", "word " * 21, "fine " * 19, "word " * 30])
    with pytest.raises(
        CasesError,
        match=r"2 texts are longer than the 20 tokens .* \(rows 3, 5; the longest has 30",
    ):
        check_lengths(frame, Reader())
    check_lengths(frame.iloc[[0, 2]], Reader())


def test_an_error_that_names_no_text_stays_as_it_is():
    with pytest.raises(CasesError, match="no good row"), rows_named(cases(["a"])):
        raise CasesError("cases.nothing_to_score")


def word_tokenizer(folder) -> None:
    """Save a tokenizer that knows two words."""
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, "hose": 1, "leak": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))


def test_texts_too_long_for_a_base_are_named_before_training(tmp_path):
    word_tokenizer(tmp_path)
    (tmp_path / "config.json").write_text('{"max_position_embeddings": 4}')
    frame = cases(["a"] * 3).assign(text=["hose", "hose leak " * 3, "hose leak hose leak"])
    with pytest.raises(CasesError, match="The text of row 3 is longer than the 4 tokens .* has 6"):
        check_base_lengths(frame, tmp_path)
    check_base_lengths(frame, tmp_path / "elsewhere")
    (tmp_path / "tokenizer_config.json").write_text('{"model_max_length": 3}')
    with pytest.raises(CasesError, match=r"2 texts are longer than the 3 tokens .* \(rows 3, 4"):
        check_base_lengths(frame, tmp_path)


def test_a_vocabulary_without_kanji_is_told(tmp_path):
    word_tokenizer(tmp_path)
    english = cases(["a"]).assign(text=["hose leak"])
    assert vocabulary_notice(english, tmp_path) is None
    assert vocabulary_notice(english, tmp_path / "none") is None
    notice = vocabulary_notice(cases(["a"]).assign(text=["油 漏れ hose"]), tmp_path)
    assert notice.values == {"percent": "67%", "texts": 1}
