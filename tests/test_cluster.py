"""A scoring on a cluster: the same parts and rows as on one machine, whatever is repeated or lost."""

import os
import random
import shutil
from contextlib import nullcontext
from datetime import date, timedelta

import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from core.cases.read import read_cases
from core.cli import main
from core.errors import CasesError, SettingsError, StoreError
from core.models.base.card import ModelCard
from core.models.base.settings import DistillSettings, LoopSettings
from core.models.scoring.scorers import Teacher
from core.pipeline import case_parts, cluster, score
from core.pipeline.case_parts import SpooledCases, plan_parts, write_spool
from core.pipeline.cluster import Cluster, require_ray
from core.pipeline.group_intake import count_if_complete, plan_groups
from core.pipeline.part_scorer import PartScorer, ScoringPlan
from core.pipeline.train import distill_student
from core.settings import Settings
from core.store.part_counts import read_part_lines
from core.store.parts import part_path, write_part
from core.store.purge import purge_before
from core.store.store import Store
from tests import tiny
from tests.stores import make_rows


@given(st.lists(st.integers(0, 40), max_size=5), st.integers(1, 12))
def test_parts_hold_each_case_once_and_none_holds_cases_of_two_files(sizes, part_size):
    parts = plan_parts(sizes, part_size)
    cases = [(p.file, p.start + i) for p in parts for i in range(p.size)]
    assert cases == [(file, i) for file, size in enumerate(sizes) for i in range(size)]
    assert [p.first for p in parts] == [sum(q.size for q in parts[:i]) for i in range(len(parts))]
    assert all(1 <= p.size <= part_size for p in parts)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A workspace with a model of the frozen base, and a file of 60 cases to score."""
    home = tmp_path_factory.mktemp("home")
    base = str(tiny.make_encoder(home / "base"))
    for name, n, seed in (("train", 60, 0), ("stream", 60, 7)):
        tiny.cases(n, seed=seed).drop(columns="row").to_csv(home / f"{name}.csv", index=False)
    before = os.environ.get("KAKUSHIN_HOME")
    os.environ["KAKUSHIN_HOME"] = str(home)
    train = ("train", str(home / "train.csv"), "--name", "line", "--base", base)
    assert main([*train, "--teacher", "none"]) == 0
    yield home
    os.environ.pop("KAKUSHIN_HOME") if before is None else os.environ.update(KAKUSHIN_HOME=before)


@pytest.fixture
def cases(home):
    return read_cases(home / "stream.csv")


def scored(home, cases, store_name: str, **options) -> pd.DataFrame:
    """Score into a store of its own with the model of `home`; return the rows."""
    here = home / store_name
    here.mkdir()
    (here / "models").symlink_to(home / "models")
    settings = Settings(home=here, device="cpu")
    store = Store(settings.store)
    record = score.score(
        store,
        settings,
        "line-linear",
        cases.frame,
        cases.content_hash,
        "s",
        part_size=25,
        **options,
    )
    assert (record.state, record.cases) == ("finished", 60)
    rows = store.predictions(record.run.run_id)
    return rows.assign(run=record.run.run_id)


def repeating(plan, cases, missing, cluster):
    """A cluster in this process that repeats every part, in any order, from files."""
    with cluster_spool(plan, cases) as spool:
        numbers = missing * 2
        random.Random(0).shuffle(numbers)
        scorer = PartScorer(plan)
        for part in numbers:
            yield scorer.score_part(part, spool.read_part(part), spool.parts[part].first)
            if plan.groups:
                count_if_complete(plan, part)


cluster_spool = cluster._spooled


@pytest.mark.parametrize("rows_stay", [False, True])
def test_repeated_parts_in_any_order_are_the_rows_of_one_machine(
    home, cases, monkeypatch, rows_stay
):
    local = scored(home, cases, f"local-{rows_stay}", rows_stay=rows_stay)
    monkeypatch.setattr(score, "require_ray", lambda: None)
    monkeypatch.setattr(score, "scored_on_cluster", repeating)
    name = f"elsewhere-{rows_stay}"
    there = scored(home, cases, name, rows_stay=rows_stay, cluster=Cluster())
    pd.testing.assert_frame_equal(there, local, check_exact=True)
    assert list((home / name / "cache" / "scoring").iterdir()) == []


def test_a_part_whose_file_exists_is_neither_computed_nor_replaced(tmp_path):
    settings = Settings(home=tmp_path, device="cpu")
    card = tiny_card()
    plan = ScoringPlan(settings, tmp_path / "no-model", card, "run-1", 5, shared=True)
    path = write_part(settings.store, "run-1", 3, make_rows(5))
    before = path.read_bytes()
    part = PartScorer(plan).score_part(3, tiny.cases(5), 0)
    assert (part.path, part.cases, part.seconds) == (path, 5, 0.0)
    write_part(settings.store, "run-1", 3, make_rows(4), once=True)
    assert path.read_bytes() == before
    write_part(settings.store, "run-1", 4, make_rows(4), once=True)
    assert part_path(settings.store, "run-1", 4).is_file()


def tiny_card():
    """A card of a one-pass model; no such model exists."""
    return ModelCard(
        kind="student",
        name="m",
        labels=("a", "b"),
        base="base",
        base_sha256="0" * 64,
        readout="classify",
        cut=0,
        seed=0,
    )


def test_cases_in_files_are_read_part_by_part_as_they_were(tmp_path, cases, monkeypatch):
    monkeypatch.setattr(case_parts, "SPOOL_GROUP", 7)
    frame = cases.frame.assign(
        label=cases.frame["label"].where(cases.frame.index % 3 > 0, None),
        occurred_at=cases.frame["occurred_at"].where(cases.frame.index % 4 > 0),
    )
    frames = [frame.iloc[:33].reset_index(drop=True), frame.iloc[33:].reset_index(drop=True)]
    sizes = tuple(write_spool(tmp_path, i, f) for i, f in enumerate(frames))
    spool = SpooledCases(tmp_path, sizes, 10)
    for number, place in enumerate(spool.parts):
        expected = frames[place.file].iloc[place.start : place.start + place.size]
        part = spool.read_part(number)
        pd.testing.assert_frame_equal(part, expected.reset_index(drop=True), check_exact=True)
    for read, expected in zip(spool.read_files(), frames, strict=True):
        pd.testing.assert_frame_equal(read, expected, check_exact=True)


def test_a_text_that_is_no_unicode_is_refused_before_a_cluster_reads_it(tmp_path, cases):
    texts = pd.Series(["\ud800"] * len(cases.frame), dtype=object)
    frame = cases.frame.assign(text=texts)
    with pytest.raises(StoreError, match="column 'text' of the part cannot be written"):
        write_spool(tmp_path, 0, frame)


def test_without_ray_the_engine_says_what_to_install(home, monkeypatch, capsys):
    monkeypatch.setattr(cluster, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"pip install -r requirements-cluster\.txt"):
        require_ray()
    words = ["score", str(home / "nothing.csv"), "--model", "line-linear", "--engine", "ray"]
    assert main(words) == 2
    assert "requirements-cluster.txt" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"workers": 0}, "--workers 0 is not allowed"),
        ({"gpus_per_worker": -0.5}, "--gpus-per-worker -0.5 is not allowed"),
        ({"gpus_per_worker": float("nan")}, "--gpus-per-worker nan is not allowed"),
    ],
)
def test_settings_of_a_cluster_are_checked(options, sentence):
    with pytest.raises(SettingsError, match=sentence):
        Cluster(**options)


def test_options_of_a_cluster_need_its_engine(home, capsys):
    words = ["score", str(home / "stream.csv"), "--model", "line-linear", "--workers", "2"]
    assert main(words) == 2
    assert "--workers is for --engine ray, and the engine is torch" in capsys.readouterr().err


def test_several_files_are_one_run_whose_rows_are_those_of_each_file(home, cases, capsys):
    names = [str(home / f"day-{day}.csv") for day in (1, 2)]
    frame = pd.read_csv(home / "stream.csv")
    for name, rows in zip(names, (frame.iloc[:35], frame.iloc[35:]), strict=True):
        rows.to_csv(name, index=False)
    words = ["score", *names, "--model", "line-linear", "--no-apply", "--case-id-column", "case_id"]
    assert main([*words, "--dataset", "days"]) == 0
    assert "60 cases" in capsys.readouterr().out
    store = Store(home / "store")
    (record,) = [r for r in store.runs("score") if r.run.dataset == "days"]
    alone = scored(home, cases, "alone").set_index("case_id").drop(columns=["run", "row"])
    rows = store.predictions(record.run.run_id).set_index("case_id").drop(columns="row")
    pd.testing.assert_frame_equal(rows.loc[alone.index], alone, rtol=1e-6)
    assert list((home / "cache" / "scoring").iterdir()) == []
    # Ids of row numbers would be the same in both files.
    assert main([*words[:-1], ""]) == 3
    assert "day-1.csv has no column of case ids" in capsys.readouterr().err


def test_cases_in_files_need_the_options_of_a_model_that_chooses(tmp_path, cases):
    settings = Settings(home=tmp_path)
    card = tiny_card().model_copy(update={"readout": "choice", "labels": ("A", "B")})
    (settings.models / "m").mkdir(parents=True)
    (settings.models / "m" / "model.json").write_text(card.model_dump_json(), encoding="utf-8")
    spool = SpooledCases(tmp_path, (write_spool(tmp_path, 0, cases.frame),), 10)
    for given_cases in (spool, cases.frame):
        with pytest.raises(CasesError, match="no options, and model"):
            score.score(Store(settings.store), settings, "m", given_cases, "0" * 64, "d")


def test_a_purge_deletes_the_cases_of_an_interrupted_cluster(tmp_path, cases):
    settings = Settings(home=tmp_path)
    folder = settings.cache / "scoring" / "run-1"
    folder.mkdir(parents=True)
    write_spool(folder, 0, cases.frame)
    store = Store(settings.store)
    assert purge_before(store, settings, date.today() - timedelta(days=2)).leftovers == 0
    assert purge_before(store, settings, date.today() + timedelta(days=2)).leftovers == 1
    assert list(folder.glob("*")) == []


@given(st.sets(st.integers(0, 2000), max_size=60))
def test_groups_hold_each_missing_part_once_in_order(parts):
    groups = plan_groups(parts)
    assert [part for group in groups for part in group] == sorted(parts)
    assert len(groups) == min(16, len(parts))
    assert max(map(len, groups), default=0) - min(map(len, groups), default=0) <= 1


def test_the_last_part_of_a_group_counts_it(tmp_path):
    settings = Settings(home=tmp_path)
    plan = ScoringPlan(
        settings, tmp_path, tiny_card(), "run-1", 9, shared=True, groups=((0, 2), (5,))
    )
    for part, first, complete in ((2, 0, False), (5, 10, True), (0, 20, True), (2, 0, True)):
        write_part(settings.store, "run-1", part, make_rows(3, first=first), once=True)
        assert count_if_complete(plan, part) is complete
    counts = part_path(settings.store, "run-1", 0).parent.glob("counts-*.parquet")
    assert sorted(sum(line.rows for line in read_part_lines(path)) for path in counts) == [3, 6]


def test_larger_lakes_have_larger_parts_and_a_bounded_number_of_files():
    sizes = {n: score.default_part_size(n, True) for n in (1, 40_000_000, 500_000_000)}
    assert sizes == {1: 20_000, 40_000_000: 20_000, 500_000_000: 250_000}
    assert score.default_part_size(500_000_000, False) == 500


# --- a teacher's samples


@pytest.fixture(scope="module")
def taught(home):
    """The workspace with a teacher, whose texts are sampled in parts of 20."""
    train = ("train", str(home / "train.csv"), "--name", "pair", "--base", str(home / "base"))
    assert main([*train, "--epochs", "1", "--samples", "3"]) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.models.training.distill.part_size", lambda texts: 20)
        yield home


def distilled(taught, name: str, cluster: Cluster | None = None, **options):
    """Distill the teacher into a student of a workspace of its own; return the weights."""
    here = taught / name
    for folder in ("models", "data"):
        shutil.copytree(taught / folder, here / folder, dirs_exist_ok=True)
    if not (here / "base").exists():  # which the models' cards name from their folder
        (here / "base").symlink_to(taught / "base")
    settings = Settings(home=here, device="cpu")
    training = DistillSettings(loop=LoopSettings(epochs=1), **options)
    distill_student(Store(settings.store), settings, "pair", training, cluster)
    return load_file(here / "models" / "pair-student" / "weights.safetensors")


def assert_bits(one, other):
    assert sorted(one) == sorted(other)
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())


ELSEWHERE = [{}, {"keep": 0.5, "online": True}]  # with keep, two samples choose what teaches


@pytest.mark.parametrize("options", ELSEWHERE)
def test_a_teacher_sampled_in_repeated_parts_in_any_order_makes_the_same_student(
    taught, monkeypatch, options
):
    def shuffled(ray, kind, arguments, numbers, cluster):
        numbers = numbers * 2
        random.Random(0).shuffle(numbers)
        return map(kind(*arguments), numbers)

    alone = distilled(taught, f"alone-{len(options)}", **options)
    monkeypatch.setattr(cluster, "map_on_ray", shuffled)
    monkeypatch.setattr(cluster, "_running", lambda place: nullcontext())
    name = f"away-{len(options)}"
    assert_bits(alone, distilled(taught, name, Cluster(), **options))
    assert list((taught / name / "cache" / "scoring").iterdir()) == []


def test_a_distillation_that_is_killed_samples_only_what_is_missing(taught, monkeypatch):
    """Killed at the third of six parts; the next call samples that and those after it."""
    sampled, inner = [], Teacher.moments

    def moments(self, cache, *args, **options):
        if len(sampled) == 2:
            sampled.append("killed")
            raise KeyboardInterrupt
        sampled.append(len(cache))
        return inner(self, cache, *args, **options)

    alone = distilled(taught, "unbroken")
    monkeypatch.setattr(Teacher, "moments", moments)
    with pytest.raises(KeyboardInterrupt):
        distilled(taught, "broken")
    assert_bits(alone, distilled(taught, "broken"))
    assert sampled == [20, 20, "killed", 20, 20, 20, 20]


# --- with Ray itself


@pytest.fixture(scope="module")
def on_ray(home):
    """Ray on this machine, for all tests below: it takes seconds to start."""
    ray = pytest.importorskip("ray", reason="pip install -r requirements-cluster.txt")
    with cluster._running(Cluster(workers=2)):
        yield ray


@pytest.mark.parametrize("rows_stay", [False, True])
def test_ray_gives_the_rows_of_one_machine(home, cases, on_ray, rows_stay):
    local = scored(home, cases, f"local-ray-{rows_stay}", rows_stay=rows_stay)
    cluster = Cluster(workers=2)
    there = scored(home, cases, f"on-ray-{rows_stay}", rows_stay=rows_stay, cluster=cluster)
    pd.testing.assert_frame_equal(there, local, check_exact=True)


def test_ray_hands_back_an_error_of_ours(home, cases, on_ray):
    frame = cases.frame.assign(text=cases.frame["text"].where(cases.frame.index != 11, "oil " * 90))
    settings = Settings(home=home, device="cpu")
    store = Store(settings.store)
    with pytest.raises(CasesError, match="row"):
        score.score(
            store,
            settings,
            "line-linear",
            frame,
            "f" * 64,
            "long",
            part_size=25,
            cluster=Cluster(workers=1),
        )
    assert [r.state for r in store.runs("score") if r.run.dataset == "long"] == ["failed"]


@pytest.mark.parametrize("options", ELSEWHERE)
def test_a_teacher_sampled_by_ray_makes_the_same_student(taught, on_ray, options):
    """Bit for bit: the parts' moments, and so each weight. Ray gives an actor one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        alone = distilled(taught, f"alone-ray-{len(options)}", **options)
        there = distilled(taught, f"ray-{len(options)}", Cluster(workers=2), **options)
    finally:
        torch.set_num_threads(before)
    assert_bits(alone, there)
