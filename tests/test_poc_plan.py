"""The plan of a proof of concept: who trains, calibrates and judges, and what fits the time."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.errors import CasesError
from core.models.base import pace
from core.models.base.settings import LoopSettings
from core.pipeline import poc_plan, poc_time
from core.pipeline.poc import POC_STEPS, StepClock
from core.pipeline.poc_plan import (
    AT_RANDOM,
    BY_DATE,
    HISTORY_PARTS,
    LEAST_CASES,
    READ_TOKENS,
    _taught,
    plan_poc,
    recipes,
    split_history,
)
from core.pipeline.poc_time import Workload, estimated_seconds, kept_pace
from core.pipeline.prepare import read_beginnings
from tests import tiny


def history(n: int = 200, **columns) -> pd.DataFrame:
    """n cases with texts of their own, one a day."""
    texts = [f"{text} {i}" for i, text in enumerate(tiny.cases(n)["text"])]
    return tiny.cases(n).assign(**{"text": texts} | columns)


def ids(split) -> dict[str, list[str]]:
    return {name: list(part["case_id"]) for name, part in split.parts.items()}


def test_dated_cases_are_split_by_time_60_20_20():
    shuffled = history().sample(frac=1, random_state=1)
    split = split_history(shuffled, "h.csv")
    assert split.by == BY_DATE
    assert {name: len(split.parts[name]) for name in HISTORY_PARTS} == {
        "train": 120,
        "calibration": 40,
        "stream": 40,
    }
    latest = {name: part["occurred_at"].max() for name, part in split.parts.items()}
    earliest = {name: part["occurred_at"].min() for name, part in split.parts.items()}
    assert latest["train"] < earliest["calibration"]
    assert latest["calibration"] < earliest["stream"]


def test_the_cases_of_one_day_stay_in_one_part():
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(200) // 7, unit="D")
    split = split_history(history(occurred_at=days), "h.csv")
    assert split.by == BY_DATE
    parts_of_day = pd.concat(
        [part.assign(part=name) for name, part in split.parts.items()]
    ).groupby("occurred_at")["part"]
    assert parts_of_day.nunique().max() == 1


@pytest.mark.parametrize(
    "dates",
    [
        [pd.NaT] * 200,
        [pd.Timestamp("1900-01-01")] * 200,
        [*[pd.NaT] * 11, *[pd.Timestamp("2024-01-01") + pd.Timedelta(days=i) for i in range(189)]],
    ],
    ids=["none", "a placeholder", "more than a twentieth is missing"],
)
def test_without_usable_dates_the_split_is_at_random_and_the_same_each_time(dates):
    frame = history(occurred_at=pd.Series(dates, dtype="datetime64[us]"))
    split = split_history(frame, "h.csv")
    assert split.by == AT_RANDOM
    assert (split.dated, split.labelled) == (sum(date is not pd.NaT for date in dates), 200)
    assert ids(split) == ids(split_history(frame, "h.csv"))
    assert ids(split)["train"] != list(frame["case_id"][:120])


RARE_LAST = ["a"] * 60 + ["b"] * 60 + [f"rare {i}" for i in range(6)]


def history_of(labels, days):
    dates = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(len(labels)), unit="D")
    frame = history(len(labels), occurred_at=dates if days else pd.NaT)
    return frame.assign(label=labels, text=[f"text {i}" for i in range(len(labels))])


@pytest.mark.parametrize("seed", range(5))
def test_at_random_every_label_is_taught_whatever_the_seed(seed):
    split = split_history(history_of(RARE_LAST, days=False), "h.csv", seed)
    assert set(split.parts["train"]["label"]) == set(RARE_LAST)
    assert split.late_labels == []


def test_by_date_the_labels_that_come_after_the_training_are_named_at_once():
    labels = ["a", "b"] * 60 + RARE_LAST[-6:]
    split = split_history(history_of(labels, days=True), "h.csv")
    assert split.late_labels == [f"rare {i}" for i in range(6)]


def test_labels_of_a_second_header_row_are_named_as_rare():
    labels = ["discrete", "class", *["a", "b"] * 60]
    split = split_history(history_of(labels, days=False), "h.csv")
    assert split.rare_labels == ["'class' (1)", "'discrete' (1)"]
    assert [notice.code for notice in split.notices] == ["poc.rare_labels"]


def test_training_cases_that_are_trimmed_keep_a_case_of_every_label():
    part = history_of(["old", *["a", "b"] * 20], days=True)
    taught = _taught(part, 10, BY_DATE)
    assert list(taught["case_id"]) == [part["case_id"][0], *part["case_id"][-9:]]


def test_a_few_cases_without_a_date_are_counted_and_left_out():
    frame = history()
    frame.loc[[3, 150], "occurred_at"] = pd.NaT
    split = split_history(frame, "h.csv")
    assert (split.by, split.undated) == (BY_DATE, 2)
    assert [len(part) for part in split.parts.values()] == [119, 39, 40]


@given(st.integers(0, 10_000), st.integers(400, 2000))
def test_a_text_is_in_one_part_only_and_every_case_is_counted(seed, texts):
    numbers = np.random.default_rng(seed).integers(0, texts, 300)
    frame = history(300).assign(
        text=[f"Text  {k}" if i % 2 else f"text {k}" for i, k in enumerate(numbers)]
    )
    split = split_history(frame, "h.csv")
    train, calibration, stream = (
        set(part["text"].str.split().str.join(" ").str.lower()) for part in split.parts.values()
    )
    assert not train & (calibration | stream)
    assert not calibration & stream
    assert sum(map(len, split.parts.values())) + split.copies == 300


def test_cases_without_a_label_are_counted_and_left_out():
    frame = history()
    frame.loc[:9, "label"] = None
    split = split_history(frame, "h.csv")
    assert (split.unlabelled, sum(map(len, split.parts.values()))) == (10, 190)


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        (history(LEAST_CASES - 1), r"h\.csv has 99 cases with a label.*needs 100 or more"),
        (history(label="pump"), "The training cases have 1 label in 200"),
        (history(label=["a"] * 150 + ["b"] * 50), "The training cases have 1 label in 120"),
        (history().assign(label=lambda f: f["case_id"]), "h.csv has 200 different labels"),
        (history(text="hose leaks"), r"h\.csv repeats its texts: 0 cases are left"),
    ],
    ids=["few", "one label", "one label first", "labels as many as cases", "one text"],
)
def test_a_history_that_cannot_be_tried_is_a_sentence(frame, sentence):
    with pytest.raises(CasesError, match=sentence):
        split_history(frame, "h.csv")


def test_texts_are_cut_at_the_end_of_a_token_and_counted(tmp_path):
    tiny.make_encoder(tmp_path)
    frame = pd.DataFrame({"text": ["pump  leaks oil", "oil"]})
    short, cut, mean = read_beginnings(frame, tmp_path, 2)
    assert (list(short["text"]), cut, mean) == (["pump  leaks", "oil"], 1, 1.5)


def test_without_a_tokenizer_texts_stay_and_tokens_are_estimated(tmp_path):
    frame = pd.DataFrame({"text": ["12345678", "1234"]})
    short, cut, mean = read_beginnings(frame, tmp_path, 64)
    assert (list(short["text"]), cut, mean) == (["12345678", "1234"], 0, 1.5)


TWICE = LoopSettings(epochs=2)  # of that build's students


def test_the_demos_lines_take_as_long_as_they_did():
    """One build on two quiet cores, when a student began afresh: 1,508 work orders (full) distilled
    in 48 s and 1,500 mails (light) in 34 s; the estimate is within a third.
    """
    afresh = {"start": "fresh", "loop": LoopSettings(epochs=2)}
    full, light = (
        replace(recipe, distill=recipe.distill.model_copy(update=afresh | {"augment": copies}))
        for recipe, copies in zip(recipes("base"), (2, 1), strict=True)
    )
    orders = Workload("base", 12, 1508, 7, 2123, 7)
    mails = Workload("base", 3, 1500, 55, 2439, 55)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(poc_time, "UNKNOWN_BASE", (6, 384))
        assert estimated_seconds(full, orders)["distill"] == pytest.approx(48, rel=1 / 3)
        assert estimated_seconds(light, mails)["distill"] == pytest.approx(34, rel=1 / 3)


def planned(n: int, minutes: float, words: int, tmp_path, slower: float = 1.0):
    frame = history(n).assign(text=[f"{'pump ' * words}{i}" for i in range(n)])
    shape = {"num_hidden_layers": 6, "hidden_size": 384}  # MiniLM's
    (tmp_path / "config.json").write_text(json.dumps(shape), encoding="utf-8")
    return plan_poc(frame, "h.csv", "line", str(tmp_path), minutes, slower)


def test_3000_short_texts_take_the_full_recipe_in_six_minutes(tmp_path):
    """12 words are 60 characters, 16 tokens by the rule of four a token."""
    plan = planned(3000, 6, 12, tmp_path)
    assert (plan.recipe.name, len(plan.parts["train"])) == ("full", 1800)
    assert sum(plan.seconds.values()) <= 6 * 60


def test_a_slower_machine_takes_the_lighter_recipe_and_its_own_time(tmp_path):
    usual = planned(3000, 6, 12, tmp_path)
    slow = planned(3000, 6, 12, tmp_path, slower=3.0)
    assert (usual.recipe.name, slow.recipe.name) == ("full", "light")
    assert sum(slow.seconds.values()) <= 6 * 60
    same = planned(3000, 18, 12, tmp_path, slower=3.0)  # three times the time
    assert same.recipe.name == "full"
    assert same.seconds == {step: pytest.approx(3 * s) for step, s in usual.seconds.items()}


def test_the_pace_is_a_ratio_of_times_and_leaves_torchs_threads(monkeypatch):
    threads = torch.get_num_threads()
    assert 0 < pace.machine_pace() < 1000
    assert torch.get_num_threads() == threads
    monkeypatch.setattr(pace, "_seconds", lambda blocks, states: 3 * pace.REFERENCE_S)
    assert pace.machine_pace() == pytest.approx(3)


def test_the_pace_is_measured_once_and_again_only_if_its_file_cannot_be_read(tmp_path, monkeypatch):
    measured = iter([2.0, 5.0, 7.0, 8.0])
    monkeypatch.setattr(pace, "machine_pace", lambda: next(measured))
    folder = tmp_path / "cache"
    assert [kept_pace(folder), kept_pace(folder)] == [2.0, 2.0]
    for content, now in (("{", 5.0), ('{"pace": NaN}', 7.0), ('{"pace": 0}', 8.0)):
        (folder / "pace.json").write_text(content, encoding="utf-8")
        assert [kept_pace(folder), kept_pace(folder)] == [now, now]


def test_longer_texts_take_the_light_recipe_and_more_of_them_fewer_cases(tmp_path):
    light, trimmed = (planned(n, 6, 60, tmp_path) for n in (3000, 20_000))
    assert light.recipe.name == trimmed.recipe.name == "light"
    assert len(trimmed.parts["stream"]) == poc_plan.MOST_HELD_OUT
    codes = {notice.code: notice.values for notice in trimmed.notices}
    left_out = 20_000 - sum(map(len, trimmed.parts.values()))
    assert codes["poc.trimmed"]["n"] == left_out > 0
    # The newest training cases stay: they resemble the coming ones.
    whole, kept = trimmed.split.parts["train"], trimmed.parts["train"]
    assert kept["occurred_at"].min() > whole["occurred_at"].min()
    assert kept["occurred_at"].max() == whole["occurred_at"].max()


def test_the_notices_say_how_long_texts_may_be(tmp_path):
    tiny.make_encoder(tmp_path)
    frame = history().assign(text=[f"{'pump ' * READ_TOKENS}{i}" for i in range(200)])
    plan = plan_poc(frame, "h.csv", "line", str(tmp_path))
    codes = {notice.code: notice.values for notice in plan.notices}
    # The last word, which told the texts apart, is beyond the cut.
    assert codes["poc.cut"] == {"n": 200, "tokens": READ_TOKENS}


def test_the_time_left_follows_the_pace_and_a_step_done_before_tells_nothing():
    clock = StepClock(dict.fromkeys(POC_STEPS, 100.0), lambda number, name, left: None)
    assert clock.seconds_left() == 300
    clock.spent["train"] = 0.5  # found in the workspace
    assert clock.seconds_left() == 200
    clock.spent["distill"] = 200.0
    assert clock.seconds_left() == 200
