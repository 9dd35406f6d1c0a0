"""A teacher's scoring keeps its samples, killed or not; and both models answer a typed text, or say
why not.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.cases.read import read_cases
from core.errors import CasesError, ModelError, NonFiniteError
from core.models.base.card import read_card
from core.models.base.settings import BlobSettings, DistillSettings, LoopSettings, PointSettings
from core.pipeline import ask
from core.pipeline.part_scorer import SAMPLED_CASES, kept_samples
from core.pipeline.score import score, scoring_run
from core.pipeline.train import TrainSettings, distill_student, train, training_cases
from core.settings import Settings
from core.stats.uncertainty import decompose_uncertainty
from core.store.samples import Samples
from core.store.store import Store
from tests import tiny

ROOT = Path(__file__).resolve().parent.parent
N = 4
TEXT = "bucket tooth broken"


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    """A workspace with a tiny teacher of N samples and its student."""
    settings = Settings(home=tmp_path_factory.mktemp("home"), device="cpu")
    base, store = tiny.make_encoder(settings.home / "base"), Store(settings.store)
    loop = LoopSettings(epochs=2, batch_size=16, learning_rate=5e-3)
    chosen = TrainSettings(
        point=PointSettings(base=str(base), loop=loop), teacher=BlobSettings(samples=N)
    )
    train(store, settings, "line", training_cases(tiny.cases(80)), chosen)
    distill_student(store, settings, "line", DistillSettings(loop=loop))
    return settings


@pytest.fixture(scope="module")
def both(settings) -> ask.Inspectors:
    return ask.Inspectors(settings, ask.model_pair(settings, "line-teacher", "line-student"))


# --- stored samples

CODE = """
import sys
from core.cases.read import read_cases
from core.pipeline.score import score
from core.settings import Settings
from core.store.store import Store
cases, settings = read_cases(sys.argv[1]), Settings()
store, content = Store(settings.store), cases.content_hash
score(store, settings, "line-teacher", cases.frame, content, "killed", part_size=5)
"""


def test_a_teachers_scoring_killed_with_9_goes_on_and_no_sample_is_lost_or_doubled(
    settings, tmp_path
):
    file, store = tmp_path / "cases.csv", Store(settings.store)
    tiny.cases(120, seed=3).drop(columns="row").to_csv(file, index=False)
    cases = read_cases(file)
    run_id = scoring_run(
        read_card(settings.models / "line-teacher"), cases.content_hash, "killed", "stream", 5
    ).run_id
    environment = os.environ | {"KAKUSHIN_HOME": str(settings.home), "KAKUSHIN_DEVICE": "cpu"}
    with subprocess.Popen(
        [sys.executable, "-c", CODE, str(file)], cwd=ROOT, env=environment
    ) as process:
        while len(store.parts(run_id)) < 3:
            assert process.poll() is None, "the scoring ended before it could be killed"
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    done = store.parts(run_id)
    assert 3 <= len(done) < 24
    assert len(Samples(store).cases(run_id, run_id)) == 5 * len(done)

    record = score(
        store, settings, "line-teacher", cases.frame, cases.content_hash, "killed", part_size=5
    )
    assert (record.run.run_id, record.state, record.cases) == (run_id, "finished", 120)
    table = Samples(store).cases(run_id, run_id)
    assert table["case_id"].tolist() == cases.frame["case_id"].tolist()
    with store.atomic():
        # [N, n, K]
        kept = np.stack([Samples(store).of(run_id, case_id) for case_id in table["case_id"]], 1)
    assert kept.shape == (N, 120, len(tiny.TOPICS))
    found = decompose_uncertainty(kept)
    np.testing.assert_allclose(found.mean, np.stack(table["probabilities"]), atol=1e-6)
    np.testing.assert_allclose(found.epistemic, table["epistemic"], atol=1e-5)
    assert found.epistemic.max() > 1e-3  # the samples do differ


def test_a_students_scoring_keeps_no_samples(settings):
    store, frame = Store(settings.store), tiny.cases(6, seed=5)
    record = score(store, settings, "line-student", frame, "f" * 64, "few")
    assert Samples(store).cases(record.run.run_id, record.run.run_id).empty


@pytest.mark.parametrize("cases", [1, 7, SAMPLED_CASES, SAMPLED_CASES + 1, 3 * SAMPLED_CASES + 100])
@pytest.mark.parametrize("part_size", [500, 640])
def test_the_kept_cases_are_as_many_as_stated_spread_over_the_whole_file(cases, part_size):
    parts = [kept_samples(cases, start, part_size) + start for start in range(0, cases, part_size)]
    kept = np.concatenate(parts)
    assert len(kept) == len(set(kept)) == min(cases, SAMPLED_CASES)
    assert kept.min() == 0
    step = cases / min(cases, SAMPLED_CASES)
    assert np.diff(kept).max(initial=1) <= np.ceil(step)
    assert cases - kept.max() <= np.ceil(step)


# --- a typed text


def test_the_answer_is_what_a_scoring_of_the_same_text_stores(settings, both):
    answer, store = both.ask(TEXT), Store(settings.store)
    frame = tiny.cases(3, seed=9).assign(text=[TEXT, "oil leak", "cab seat"])
    for kind in ("teacher", "student"):
        record = score(store, settings, f"line-{kind}", frame, "e" * 64, "typed")
        row = store.predictions(record.run.run_id).iloc[0]
        p = answer.samples.mean(0) if kind == "teacher" else answer.student.probabilities
        np.testing.assert_allclose(p, row["probabilities"], atol=1e-6)
        if kind == "student":
            assert (answer.student.aleatoric, answer.student.epistemic) == pytest.approx(
                (row["aleatoric"], row["epistemic"]), abs=1e-6
            )
        else:
            stored = Samples(store).of(record.run.run_id, row["case_id"])
            np.testing.assert_allclose(answer.samples, stored, atol=1e-6)
    assert answer.labels == tuple(sorted(tiny.TOPICS))
    assert answer.samples.shape == (N, len(tiny.TOPICS))


def test_times_are_measured_and_the_steps_are_told_in_order(settings):
    both, steps = (
        ask.Inspectors(
            settings, ask.model_pair(settings, "line-teacher", "line-student", samples=2)
        ),
        [],
    )
    assert not both.ready
    answer = both.ask(TEXT, steps.append)
    assert both.ready
    assert tuple(steps) == ask.ASK_STEPS
    assert len(answer.samples) == 2
    for took in (answer.teacher_time, answer.student_time):
        assert 0 < took.low <= took.median <= took.high
    steps.clear()
    both.ask("oil leak", steps.append)
    assert steps == ["waiting", "asking"]


def test_many_threads_at_once_get_the_answer_that_one_gets(both):
    texts = tiny.texts(3)
    alone = [both.ask(text).samples for text in texts]
    together: dict[int, np.ndarray] = {}
    threads = [
        threading.Thread(target=lambda i=i: together.update({i: both.ask(texts[i]).samples}))
        for i in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, samples in enumerate(alone):
        np.testing.assert_array_equal(together[i], samples)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the text is empty: type what the case says"),
        (" \n\t ", "the text is empty"),
        ("oil " * 5001, "the text has 20004 characters, and at most 20000 are read"),
        (
            "oil " * 100,
            r"1 text of 1 is longer than the 64 tokens that the model reads \(text 1; 102 tokens\)",
        ),
        ("oil \ud800", "half a character"),
    ],
)
def test_a_text_that_cannot_be_asked_about_is_a_sentence(both, text, message):
    with pytest.raises(CasesError, match=message):
        both.ask(text)


def test_a_model_that_chooses_among_options_needs_them(settings):
    card = read_card(settings.models / "line-teacher").model_copy(
        update={"readout": "choice", "labels": ("A", "B")}
    )
    with pytest.raises(CasesError, match="does not end with the options A, B"):
        ask.checked_question("which one?", card)
    assert ask.checked_question("which one?\nA) this\nB) that", card).endswith("that")


def test_an_answer_that_is_not_finite_is_an_error_and_no_answer(settings, both):
    both.ask(TEXT)
    teacher, student, device = both._loaded
    broken = ask.Inspectors(settings, both.models)
    broken._loaded = (teacher, NotFinite(student), device)
    with pytest.raises(NonFiniteError, match="probability nan at index 0 is not finite"):
        broken.ask(TEXT)


class NotFinite:
    """A student whose answer is NaN."""

    def __init__(self, student):
        self.student = student

    def scores(self, texts):
        found = self.student.scores(texts)
        return replace(found, probabilities=found.probabilities * np.nan)


def test_models_that_do_not_go_together_are_named(settings, tmp_path):
    with pytest.raises(ModelError, match="There is no model 'line-teacher'. The workspace has: -"):
        ask.model_pair(Settings(home=tmp_path), "line-teacher", "line-student")
    with pytest.raises(ModelError, match="model 'line-point' is a point, and a student is needed"):
        ask.model_pair(settings, "line-teacher", "line-point")


def test_asking_starts_without_torch():
    code = "import sys; import core.pipeline.ask; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
