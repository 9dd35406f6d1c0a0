"""What a teacher's samples said, in the store: once, whole, and only what may be stored."""

import re

import numpy as np
import pytest

from core.errors import NonFiniteError, NotFoundError, StoreError
from core.pipeline.part_scorer import ScoredPart
from core.pipeline.score import ingest_scored_part
from core.store.parts import write_part
from core.store.samples import Below, Samples
from core.store.store import Store
from tests.stores import LABELS, SAMPLES, add_scored, make_rows, make_run

RUN = make_run("score", "teacher", "stream")
OTHER = make_run("score", "student", "stream")
ROWS = make_rows(6, model_kind="teacher")
IDS = ROWS["case_id"].tolist()


def said(seed: int = 0, cases: int = 4) -> np.ndarray:
    """[N, n, K]"""
    return np.random.default_rng(seed).dirichlet(np.ones(len(LABELS)), (SAMPLES, cases))


def spoilt(value: float) -> np.ndarray:
    """The third sample of the second case has one probability changed."""
    samples = said()
    samples[2, 1, 0] = value
    return samples


@pytest.fixture
def store(tmp_path) -> Store:
    """A store with a teacher's and a student's run of six cases, in parts of four."""
    store = Store(tmp_path)
    for run in (RUN, OTHER):
        add_scored(store, run, make_rows(6, model_kind=run.model_kind), part_size=4)
    return store


def test_each_case_gives_back_its_own_samples_in_their_order(store):
    samples = said()
    assert Samples(store).add(RUN.run_id, 0, IDS[:4], samples) == 4
    for i, case_id in enumerate(IDS[:4]):
        np.testing.assert_array_equal(
            Samples(store).of(RUN.run_id, case_id), samples[:, i].astype(np.float32)
        )


def test_adding_the_same_again_adds_nothing_and_another_is_refused(store):
    samples = Samples(store)
    assert samples.add(RUN.run_id, 0, IDS[:4], said()) == 4
    version = store.version()
    assert samples.add(RUN.run_id, 0, IDS[:4], said()) == 0
    assert store.version()[0][1] == version[0][1]  # the file has not grown
    assert samples.add(RUN.run_id, 1, IDS[4:], said(cases=2)) == 2  # another part
    with pytest.raises(
        StoreError,
        match=f"part 0 of run '{RUN.run_id}' has other samples already than those of case",
    ):
        samples.add(RUN.run_id, 0, IDS[:4], said(seed=1))
    with pytest.raises(StoreError, match=f"than those of case '{IDS[3]}' given here"):
        samples.add(RUN.run_id, 0, IDS[:3], said(cases=4)[:, :3])
    np.testing.assert_array_equal(samples.of(RUN.run_id, IDS[0]), said()[:, 0].astype(np.float32))


REFUSED = [
    (spoilt(np.nan), NonFiniteError, f"the sum nan of sample 3 of case '{IDS[1]}' is not finite"),
    (spoilt(np.inf), NonFiniteError, "is not finite"),
    (spoilt(5.0), StoreError, "is not 1 within 0.001"),
    (spoilt(-0.5), StoreError, "has a probability below 0"),
    (
        said()[1:],
        StoreError,
        "samples of shape (9, 4, 12) for 4 different cases, where (10, 4, 12) is expected",
    ),
    (said()[..., :3], StoreError, "samples of shape (10, 4, 3)"),
    (said()[:, :3], StoreError, "samples of shape (10, 3, 12)"),
]


@pytest.mark.parametrize(("samples", "error", "message"), REFUSED)
def test_what_may_not_be_stored_is_named_and_nothing_is_in(store, samples, error, message):
    with pytest.raises(error, match=re.escape(message)):
        Samples(store).add(RUN.run_id, 0, IDS[:4], samples)
    assert Samples(store).cases(RUN.run_id, RUN.run_id).empty


def test_samples_belong_to_cases_of_their_part(store):
    with pytest.raises(StoreError, match="for 3 different cases"):
        Samples(store).add(RUN.run_id, 0, [*IDS[:3], IDS[0]], said())
    with pytest.raises(NotFoundError, match=f"part 1 of run '{RUN.run_id}' has no case '{IDS[0]}'"):
        Samples(store).add(RUN.run_id, 1, IDS[:4], said())
    with pytest.raises(NotFoundError, match="no run 'nothing'"):
        Samples(store).add("nothing", 0, IDS[:4], said())
    with pytest.raises(
        NotFoundError, match=f"no samples of case '{IDS[0]}' in run '{OTHER.run_id}'"
    ):
        Samples(store).of(OTHER.run_id, IDS[0])


def test_a_part_whose_samples_are_refused_is_not_in_either(tmp_path):
    """So a scoring that goes on computes both again."""
    store = Store(tmp_path)
    store.add_run(RUN)
    path = write_part(tmp_path, RUN.run_id, 0, ROWS.iloc[:4])
    with pytest.raises(NonFiniteError, match="is not finite"):
        ingest_scored_part(
            store, RUN.run_id, ScoredPart(0, path, 4, 1.0, "cpu", tuple(IDS[:4]), spoilt(np.nan))
        )
    assert store.parts(RUN.run_id) == set()
    assert path.is_file()


def test_another_run_tells_of_the_cases_that_have_samples_in_the_order_of_their_file(store):
    Samples(store).add(RUN.run_id, 0, IDS[1:4], said(cases=3))
    found = Samples(store).cases(RUN.run_id, OTHER.run_id)
    assert found["case_id"].tolist() == IDS[1:4]
    direct = store.predictions(OTHER.run_id).set_index("case_id").loc[IDS[1:4], "confidence"]
    assert found["confidence"].tolist() == direct.tolist()


def test_cases_with_less_uncertainty_are_counted_exactly(store):
    table = store.predictions(RUN.run_id)
    for aleatoric, epistemic in zip(table["aleatoric"], table["epistemic"], strict=True):
        less = (
            int((table["aleatoric"] < aleatoric).sum()),
            int((table["epistemic"] < epistemic).sum()),
        )
        assert Samples(store).below(RUN.run_id, aleatoric, epistemic) == Below(6, *less)
    assert Samples(store).below("nothing", 1.0, 1.0) == Below(0, 0, 0)
