"""Training and distillation: losses in closed form, the merged student is the student, a kill
changes no weight.
"""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.errors import ModelError, NonFiniteError
from core.models.base import adapters
from core.models.base.backbone import load_backbone
from core.models.base.card import read_card
from core.models.base.settings import (
    AdapterSettings,
    DistillSettings,
    LoopSettings,
    LossSettings,
    PointSettings,
    Schedule,
    TfbSettings,
)
from core.models.base.trunk import cache_trunk
from core.models.scoring import checkpoint
from core.models.scoring.heads import GaussianLogits, uncertainty_head
from core.models.scoring.scorers import OnePass
from core.models.scoring.spread import Moments
from core.models.training import build
from core.models.training.distill import distill
from core.models.training.loop import fit_model, new_head
from core.models.training.objective import NO_LABEL, Targets, TopClassifier, divergence
from core.models.training.student import (
    _begin_spread,
    distillation_targets,
    teaching_cases,
)
from core.pipeline.train import texts_of
from tests import tiny

CPU = torch.device("cpu")
LABELS = tuple(sorted(tiny.TOPICS))


class ConstantLogits(torch.nn.Module):
    """A backbone whose read-out is its input: [B, T, d] -> [B, d] at the first token."""

    def top(self, hidden, mask):
        return hidden[:, 0]

    def named_parameters(self, *args, **kwargs):
        return iter(())

    @property
    def model(self):
        return self


def classifier(head, classes, **loss):
    return TopClassifier(ConstantLogits(), head, classes, LossSettings(**loss))


def identity_head(size):
    head = torch.nn.Linear(size, size, bias=False)
    torch.nn.init.eye_(head.weight)
    return head


def test_cross_entropy_and_forward_kl_in_closed_form():
    """Logits (ln 3, 0): p = (3/4, 1/4). CE of label 1 is ln 4; KL((1/2, 1/2) || p) = ln(1/2) -
    (ln(3/4) + ln(1/4)) / 2.
    """
    hidden = torch.tensor([[[math.log(3), 0.0]]])
    model = classifier(identity_head(2), 2)
    batch = {
        "hidden": hidden,
        "labels": torch.tensor([1]),
        "probabilities": torch.tensor([[0.5, 0.5]]),
    }
    model.distill_weight = 0.0
    assert model(**batch)["loss"].item() == pytest.approx(math.log(4), abs=1e-6)
    model.distill_weight = 1.0
    kl = math.log(0.5) - (math.log(0.75) + math.log(0.25)) / 2
    assert model(**batch)["loss"].item() == pytest.approx(kl, abs=1e-6)
    model.distill_weight = 0.25
    assert model(**batch)["loss"].item() == pytest.approx(0.75 * math.log(4) + 0.25 * kl, abs=1e-6)


def test_kl_of_equal_distributions_is_zero_and_a_case_without_label_teaches_only_by_targets():
    model = classifier(identity_head(2), 2)
    model.distill_weight = 0.5
    batch = {"hidden": torch.tensor([[[math.log(3), 0.0]]]), "labels": torch.tensor([NO_LABEL])}
    assert model(**batch, probabilities=torch.tensor([[0.75, 0.25]]))[
        "loss"
    ].item() == pytest.approx(0.0, abs=1e-6)


def test_reverse_kl_in_closed_form():
    """Logits (ln 3, 0): KL((3/4, 1/4) || (1/2, 1/2)) = ln 2 - H(1/4)."""
    p, logq = torch.tensor([[0.5, 0.5]]), torch.tensor([[0.75, 0.25]]).log()
    expected = math.log(2) + 0.75 * math.log(0.75) + 0.25 * math.log(0.25)
    assert divergence(p, logq, LossSettings(divergence="reverse")).item() == pytest.approx(
        expected, abs=1e-6
    )


def test_the_temperature_softens_both_sides():
    """At tau = 2, p = (0.9, 0.1) becomes (3/4, 1/4) and q = (0.5, 0.5) stays; the divergence is
    multiplied by 4.
    """
    p, logq = torch.tensor([[0.9, 0.1]]), torch.tensor([[0.5, 0.5]]).log()
    expected = 4 * (math.log(2) + 0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert divergence(p, logq, LossSettings(temperature=2.0)).item() == pytest.approx(
        expected, abs=1e-5
    )


def test_smoothed_labels_in_closed_form():
    """Logits (ln 3, 0), label 0, smoothing 0.2: 0.9 ln(4/3) + 0.1 ln 4."""
    model = classifier(identity_head(2), 2, label_smoothing=0.2)
    loss = model(torch.tensor([[[math.log(3), 0.0]]]), labels=torch.tensor([0]))["loss"].item()
    assert loss == pytest.approx(0.9 * math.log(4 / 3) + 0.1 * math.log(4), abs=1e-6)


@pytest.mark.parametrize(
    ("shape", "values"),
    [
        ("linear", (0.0, 0.25, 1.0)),
        ("cosine", (0.0, (1 - math.cos(math.pi / 4)) / 2, 1.0)),
        ("step", (0, 0, 1)),
        ("constant", (1, 1, 1)),
    ],
)
def test_schedules_go_from_labels_to_teacher(shape, values):
    assert [Schedule(shape=shape).at(x) for x in (0.0, 0.25, 1.0)] == pytest.approx(values)


def test_the_floor_keeps_a_share_for_the_labels():
    assert Schedule(shape="constant", floor=0.3).at(0.5) == pytest.approx(0.7)


def test_targets_of_a_teacher_that_is_sure():
    """Case 0: no uncertainty, so share 1 and weight 0. Case 1: total ln 2, aleatoric half of it."""
    p, zero = (
        np.array([[1.0, 0.0], [0.5, 0.5]], dtype=np.float32),
        np.zeros((2, 2), dtype=np.float32),
    )
    moments = Moments(p, np.array([0.0, math.log(2) / 2], dtype=np.float32), zero, zero, zero)
    batch = Targets(np.array([0, 1]), moments).batch([0, 1], epoch=0)
    torch.testing.assert_close(batch["share"], torch.tensor([1.0, 0.5]))
    torch.testing.assert_close(batch["weight"], torch.tensor([0.0, 2.0]))


def test_online_targets_are_another_sample_in_every_epoch():
    zero = np.zeros((1, 2), dtype=np.float32)
    moments = Moments(
        np.array([[0.5, 0.5]], dtype=np.float32), np.zeros(1, dtype=np.float32), zero, zero, zero
    )
    targets = Targets(np.array([0]), moments, np.array([[[1.0, 0.0]], [[0.0, 1.0]]]))
    assert [targets.batch([0], e)["probabilities"][0, 0].item() for e in range(4)] == [
        1.0,
        0.0,
        1.0,
        0.0,
    ]


class Divided:
    """A teacher whose samples disagree as told: case i has mutual information spread[i]."""

    def __init__(self, spread):
        self.spread, self.asked = np.array(spread, dtype=np.float32), []

    def moments(self, index, samples=None):
        self.asked.append((samples, index.tolist()))
        p, zero = (
            np.full((len(index), 2), 0.5, dtype=np.float32),
            np.zeros((len(index), 2), dtype=np.float32),
        )
        return Moments(p, np.float32(math.log(2)) - self.spread[index], zero, zero, zero), None


def teaching(teacher, labels, **settings):
    settings = DistillSettings(**settings)
    return teaching_cases(teacher and teacher.moments, np.array(labels), settings).tolist()


def test_the_unlabelled_cases_that_teach_are_those_on_which_two_samples_disagree_most():
    teacher = Divided([0.0, 0.5, 0.1, 0.3, 0.0, 0.2])
    labels = [1, NO_LABEL, NO_LABEL, NO_LABEL, 0, NO_LABEL]
    assert teaching(teacher, labels, keep=0.5) == [0, 1, 3, 4]
    assert teaching(teacher, labels, keep=0.25) == [0, 1, 4]
    assert teacher.asked == [(2, [1, 2, 3, 5])] * 2  # never of what has a label and teaches anyway


def test_cases_that_teach_by_chance_ask_the_teacher_nothing_and_all_of_them_neither():
    labels = [0, *[NO_LABEL] * 20]
    drawn = [
        teaching(None, labels, keep=0.3, keep_by="random", loop=LoopSettings(seed=seed))
        for seed in (0, 0, 1)
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    assert all(len(set(one)) == 7 and one[0] == 0 and one == sorted(one) for one in drawn)
    assert teaching(None, labels) == list(range(21))


@pytest.mark.parametrize("spread", ["none", "share", "dirichlet", "gaussian"])
def test_a_student_never_says_less_than_no_uncertainty(spread):
    outputs = uncertainty_head(spread).outputs(3)
    student = OnePass(None, torch.nn.Linear(2, outputs), 3, spread)
    out = torch.randn(200, outputs, generator=torch.Generator().manual_seed(0)) * 5
    scores = student.decide(out)
    assert (scores.aleatoric >= 0).all()
    assert (scores.epistemic >= 0).all()
    np.testing.assert_allclose(scores.aleatoric + scores.epistemic, scores.total, atol=1e-12)
    np.testing.assert_allclose(scores.probabilities.sum(1), 1.0)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A point estimate, a teacher and a student of a tiny encoder, saved; and the folder they lie
    in.
    """
    folder = tmp_path_factory.mktemp("models")
    base = tiny.make_encoder(folder / "base")
    loop = LoopSettings(epochs=6, batch_size=16, learning_rate=5e-3)
    cases = texts_of(tiny.cases(240), LABELS)
    point = build.fit_point(
        cases, "t-point", LABELS, PointSettings(base=str(base), loop=loop), place(folder, "w1")
    )
    point_card = checkpoint.save(folder / "t-point", point.card, point.weights)
    teacher, _ = build.make_teacher_model(
        point_card,
        folder / "t-point",
        cases,
        "t-teacher",
        TfbSettings(samples=4, calibrate=False),
        place(folder, "w3"),
    )
    checkpoint.save(folder / "t-teacher", teacher.card, teacher.weights)
    student, _ = distill(
        folder / "t-teacher", cases, "t-student", DistillSettings(loop=loop), place(folder, "w2")
    )
    checkpoint.save(folder / "t-student", student.card, student.weights)
    return folder


def place(folder, work):
    """Where a tiny model is made; all of them share the folder's trunk states."""
    return build.Place(CPU, folder / work, folder / "trunks")


TEXTS = tiny.texts(50, seed=9)


def test_the_point_estimate_learns_and_the_teacher_at_sigma_zero_is_it(trained):
    _, point = checkpoint.load(trained / "t-point", CPU)
    _, teacher = checkpoint.load(trained / "t-teacher", CPU)
    new = texts_of(tiny.cases(100, seed=5), LABELS)
    accuracy = (point.scores(new.texts).probabilities.argmax(1) == new.labels).mean()
    assert accuracy > 0.6  # three classes; the words tell the label in 85 of 100
    cache = replace(cache_trunk(teacher.backbone, TEXTS), offsets=teacher.surface.logits(TEXTS))
    mean = teacher.posterior.scaled(0.0)
    np.testing.assert_allclose(
        teacher.scores_cached(cache, mean).probabilities,
        point.scores(TEXTS).probabilities,
        atol=1e-5,
    )


def test_the_student_is_the_merged_student(trained, tmp_path):
    """The same adapters, merged and not: one function."""
    backbone = load_backbone(str(trained / "base"), lambda n: n // 2, CPU)
    adapters.attach(backbone, AdapterSettings())
    generator = torch.Generator().manual_seed(2)
    some = adapters.read_adapters(backbone)
    changed = [
        adapters.Adapter(a.name, a.a, torch.randn(a.b.shape, generator=generator) * 0.1, a.scale)
        for a in some
    ]
    adapters.write_adapters(backbone, changed)
    head = new_head(backbone, 4, seed=0)
    before = OnePass(backbone, head, 3).scores(TEXTS)
    merged = adapters.merge(backbone)
    after = OnePass(backbone, head, 3).scores(TEXTS)
    np.testing.assert_allclose(after.probabilities, before.probabilities, atol=1e-6)
    assert set(merged) == {f"{a.name}.weight" for a in changed}
    assert not any("lora" in name for name, _ in backbone.model.named_parameters())


def test_order_and_batch_do_not_change_what_a_student_says(trained, monkeypatch):
    """Within 1e-6: other batches add in another order."""
    _, student = checkpoint.load(trained / "t-student", CPU)
    plain = student.scores(TEXTS)
    one_by_one = [student.scores([text]) for text in TEXTS]
    turned = student.scores(TEXTS[::-1])
    for field in ("probabilities", "total", "aleatoric", "epistemic"):
        np.testing.assert_allclose(
            np.concatenate([getattr(s, field) for s in one_by_one]),
            getattr(plain, field),
            atol=1e-6,
        )
        np.testing.assert_allclose(getattr(turned, field)[::-1], getattr(plain, field), atol=1e-6)


def test_a_student_follows_its_teacher(trained):
    _, teacher = checkpoint.load(trained / "t-teacher", CPU)
    _, student = checkpoint.load(trained / "t-student", CPU)
    p, q = teacher.scores(TEXTS).probabilities, student.scores(TEXTS).probabilities
    uniform = np.full_like(p, 1 / 3)
    assert (p * np.log(p / q)).sum(1).mean() < 0.5 * (p * np.log(p / uniform)).sum(1).mean()


def test_distilling_with_a_quarter_of_the_copies_samples_and_trains_on_those_alone(
    trained, tmp_path, monkeypatch
):
    sampled = []

    def watched(sample, index, labels, settings):
        sampled.append((len(index), (labels != NO_LABEL).sum(), (labels == NO_LABEL).sum()))
        return distillation_targets(sample, index, labels, settings)

    monkeypatch.setattr("core.models.training.distill.distillation_targets", watched)
    settings = DistillSettings(
        loop=LoopSettings(epochs=1, batch_size=16),
        augment=2,
        keep=0.25,
        adapter=AdapterSettings(rank=4, alpha=8.0),
    )
    student, _ = distill(
        trained / "t-teacher",
        texts_of(tiny.cases(40), LABELS),
        "s",
        settings,
        build.Place(CPU, tmp_path),
    )
    assert sampled == [(60, 40, 20)]
    assert student.card.settings["keep"] == 0.25
    # The teacher's adapters of rank 8 cannot start adapters of rank 4, and fresh ones need longer.
    assert student.card.settings["start"] == "fresh"
    assert student.card.settings["loop"]["epochs"] == 3


def test_a_student_starts_at_its_teachers_mean_where_that_fits(trained):
    card, _ = checkpoint.load(trained / "t-student", CPU)
    assert (card.settings["start"], card.settings["loop"]["epochs"]) == ("teacher", 6)


def test_the_point_estimate_has_its_weight_in_what_a_student_learns(trained, tmp_path, monkeypatch):
    taught = []

    def watched(backbone, cache, targets, *rest):
        taught.append(targets.moments)
        return broken(backbone, cache, targets, *rest)

    monkeypatch.setattr("core.models.training.distill.train_student", watched)
    cases = texts_of(tiny.cases(120), LABELS)
    for weight in (0.0, 0.25):
        settings = DistillSettings(augment=0, point_weight=weight)
        where = build.Place(CPU, tmp_path)
        distill(trained / "t-teacher", cases, "s", settings, where, trained / "t-point")
    alone, both = taught
    point = checkpoint.load(trained / "t-point", CPU)[1].scores(cases.texts).probabilities
    expected = 0.75 * alone.probabilities + 0.25 * point
    np.testing.assert_allclose(both.probabilities, expected, atol=1e-6)
    np.testing.assert_allclose(
        both.aleatoric / both.total, alone.aleatoric / alone.total, rtol=1e-4
    )


def broken(backbone, cache, targets, classes, settings, *rest):
    """A training that ends with one class for everything, as a collapsed spread once did."""
    adapters.attach(backbone, settings.adapter)
    head = torch.nn.Linear(backbone.hidden_size, 2 * classes).requires_grad_(False)
    head.weight.zero_()
    head.bias.copy_(torch.tensor([9.0, 0.0, 0.0, 0.0, 0.0, 0.0]))
    return head


def test_a_broken_student_is_not_made_and_the_linear_head_takes_its_place(
    trained, tmp_path, monkeypatch
):
    monkeypatch.setattr("core.models.training.distill.train_student", broken)
    cases = texts_of(tiny.cases(120), LABELS)
    student, record = distill(
        trained / "t-teacher", cases, "s", DistillSettings(), build.Place(CPU, tmp_path)
    )
    assert record["fallback"] == "linear"
    assert record["refused"]["explained"] < 0.5 <= record["fidelity"]["explained"]
    checkpoint.save(tmp_path / "s", student.card, student.weights)
    card, model = checkpoint.load(tmp_path / "s", CPU)
    new = texts_of(tiny.cases(100, seed=5), LABELS)
    assert (model.scores(new.texts).probabilities.argmax(1) == new.labels).mean() > 0.6
    assert card.settings["loss"]["spread"] == "none"


def test_a_broken_student_without_a_linear_head_is_an_error_that_says_how_far_off_it_is(
    trained, tmp_path, monkeypatch
):
    monkeypatch.setattr("core.models.training.distill.train_student", broken)
    monkeypatch.setattr(
        "core.models.scoring.checkpoint.load_start", lambda folder, card: (None, None)
    )
    with pytest.raises(ModelError, match="follows its teacher too little") as raised:
        distill(
            trained / "t-teacher",
            texts_of(tiny.cases(60), LABELS),
            "s",
            DistillSettings(),
            build.Place(CPU, tmp_path),
        )
    assert raised.value.values["explained"] < raised.value.values["least"] == 0.5


def test_point_and_student_say_how_unlike_the_training_cases_a_text_is(trained):
    for kind in ("point", "student"):
        _, model = checkpoint.load(trained / f"t-{kind}", CPU)
        familiar = model.scores(tiny.cases(200, seed=6)["text"].tolist()).novelty
        strange = model.scores([f"zz{i} qq ww" for i in range(30)]).novelty
        assert 0.3 < familiar.mean() < 0.75
        assert ((familiar >= 0) & (familiar <= 1)).all()
        assert strange.mean() > familiar.mean() + 0.2


def test_teacher_and_student_start_from_the_trunk_states_that_the_point_estimate_left(
    trained, tmp_path
):
    """Cases, copies and those that the student is compared on: a file for each list of texts."""
    before = {path.name for path in (trained / "trunks").iterdir()}
    loop = LoopSettings(epochs=1, batch_size=16)
    settings = DistillSettings(loop=loop)
    distill(
        trained / "t-teacher",
        texts_of(tiny.cases(240), LABELS),
        "s",
        settings,
        place(trained, tmp_path.name),
    )
    assert {path.name for path in (trained / "trunks").iterdir()} == before
    assert len(before) == 3  # cases, their copies, and those that nothing learns from


def test_a_killed_training_goes_on_to_the_same_weights(trained, tmp_path):
    """Stopped after the first epoch's checkpoint, then resumed: bit by bit what the unbroken run
    gives.
    """
    loop = LoopSettings(epochs=3, batch_size=16, learning_rate=5e-3, seed=3)
    cases, schedule = texts_of(tiny.cases(64), LABELS), Schedule(shape="constant", end=0.0)

    def run(folder, stop=False):
        backbone = load_backbone(str(trained / "base"), lambda n: n // 2, CPU)
        cache = cache_trunk(backbone, cases.texts)
        torch.manual_seed(3)
        adapters.attach(backbone, AdapterSettings())
        model = TopClassifier(backbone, new_head(backbone, 3, 3), 3)
        if stop:
            seen = []
            inner = model.forward

            def killed(*args, **kwargs):
                seen.append(1)
                if len(seen) > 6:  # in the second epoch of 4 steps
                    raise KeyboardInterrupt
                return inner(*args, **kwargs)

            model.forward = killed
            with pytest.raises(KeyboardInterrupt):
                fit_model(model, cache, Targets(cases.labels), loop, folder, schedule)
            return None
        fit_model(model, cache, Targets(cases.labels), loop, folder, schedule)
        return model.state_dict()

    unbroken = run(tmp_path / "a")
    run(tmp_path / "b", stop=True)
    assert list((tmp_path / "b").glob("checkpoint-*"))
    resumed = run(tmp_path / "b")
    for name, tensor in unbroken.items():
        torch.testing.assert_close(resumed[name], tensor, atol=1e-7, rtol=1e-6)


def test_a_loss_that_is_not_finite_stops_with_the_step(trained, tmp_path):
    backbone = load_backbone(str(trained / "base"), lambda n: n // 2, CPU)
    cache = cache_trunk(backbone, ["oil", "fan"])
    cache.states[0] = torch.full_like(cache.states[0], float("nan"))
    adapters.attach(backbone, AdapterSettings())
    model = TopClassifier(backbone, new_head(backbone, 3, 0), 3)
    with pytest.raises(NonFiniteError, match="The loss is nan at step 0: the learning rate"):
        fit_model(
            model, cache, Targets(np.array([0, 1])), LoopSettings(), tmp_path, Schedule(end=0.0)
        )


def test_another_base_is_refused_by_its_hash(trained, tmp_path):
    other = tiny.make_encoder(tmp_path / "other", layers=4)
    tiny.write_json(other / "config.json", lambda c: c.update(layer_norm_eps=1e-6))
    model = tmp_path / "models" / "t-student"
    model.mkdir(parents=True)
    for name in ("model.json", "weights.safetensors"):
        (model / name).write_bytes((trained / "t-student" / name).read_bytes())
    tiny.write_json(model / "model.json", lambda c: c.update(base=str(other)))
    with pytest.raises(ModelError, match="was made on a base with sha256"):
        checkpoint.load(model, CPU)


def test_changed_weights_are_refused(trained, tmp_path):
    model = tmp_path / "t-student"
    model.mkdir()
    (model / "model.json").write_bytes((trained / "t-student" / "model.json").read_bytes())
    (model / "weights.safetensors").write_bytes(
        (trained / "t-teacher" / "weights.safetensors").read_bytes()
    )
    with pytest.raises(ModelError, match="The weights of the model 't-student' have sha256"):
        checkpoint.load(model, CPU)


def test_a_missing_model_names_those_that_are_there(trained):
    with pytest.raises(
        ModelError,
        match="There is no model 'nothing'. The workspace has: t-point, t-student, t-teacher",
    ):
        read_card(trained / "nothing")


def test_samples_are_for_teachers(trained):
    with pytest.raises(ModelError, match="answers in one pass"):
        checkpoint.load(trained / "t-student", CPU, samples=5)


def test_checkpoints_hold_no_pickle(trained):
    names = {
        p.name
        for kind in ("point", "teacher", "student")
        for p in (trained / f"t-{kind}").iterdir()
    }
    assert names == {"model.json", "weights.safetensors"}


def test_a_gaussians_spread_starts_at_the_teachers_where_it_is_linear_in_the_state():
    """log std = 0.5 x - 1 for class 0 and 0.2 for class 1, without noise: the rows read just that."""
    states = np.random.default_rng(0).normal(size=(400, 3)).astype(np.float32)
    log_std = np.stack([0.5 * states[:, 0] - 1, np.full(400, 0.2)], 1)
    zero = np.zeros((400, 2), dtype=np.float32)
    moments = Moments(zero, zero[:, 0], zero, zero, np.exp(2 * log_std).astype(np.float32))
    head = torch.nn.Linear(3, 4)
    _begin_spread(head, states, moments, 2)
    std = GaussianLogits()._std(head(torch.from_numpy(states)), 2).log().detach().numpy()
    assert np.abs(std - log_std).max() < 0.25  # the ridge holds back a tenth
    assert np.corrcoef(std[:, 0], log_std[:, 0])[0, 1] > 0.99
