"""Distributions over adapters: closed forms, limit cases, and the round trip through tensors."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import expit, softmax
from torch import nn

from core.errors import SettingsError
from core.models.base import adapters
from core.models.base.adapters import Adapter
from core.models.base.backbone import load_backbone
from core.models.base.settings import (
    AdapterSettings,
    BlobSettings,
    DropoutSettings,
    EnsembleSettings,
    LaplaceSettings,
    LoopSettings,
    MixtureSettings,
    PointSettings,
    TfbSettings,
)
from core.models.base.trunk import TrunkCache, cache_trunk
from core.models.scoring.posterior import (
    Dropout,
    Gaussian,
    Members,
    Mixture,
    from_tensors,
    shrunk,
    tempered,
)
from core.models.scoring.scorers import Teacher
from core.models.teachers import (
    TEMPERATURE_PRIOR,
    TeacherJob,
    fit_teacher,
    make_teacher,
)
from core.models.teachers.blob import Variational, kl_to_prior
from core.models.teachers.dropout import CaseMasks
from core.models.teachers.job import held_out_positions
from core.models.teachers.laplace import diagonal_fisher
from core.stats.temperature import at_temperature, mean_at_temperature, sampled_temperature
from tests import tiny

CPU = torch.device("cpu")


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def one_map(seed=0):
    g = seeded(seed)
    return Adapter("map", torch.randn(2, 5, generator=g), torch.randn(7, 2, generator=g), 2.0)


def test_blobs_kl_by_hand():
    """KL(N(1, 0.5^2) || N(0, 2^2)) = ln 4 + (0.25 + 1) / 8 - 1/2, for each of two elements."""
    expected = 2 * (math.log(4) + 1.25 / 8 - 0.5)
    assert kl_to_prior(torch.ones(2), torch.full((2,), 0.5), 2.0).item() == pytest.approx(
        expected, abs=1e-6
    )


def test_blobs_kl_is_zero_at_the_prior():
    assert kl_to_prior(torch.zeros(3), torch.full((3,), 0.2), 0.2).item() == pytest.approx(
        0.0, abs=1e-6
    )


def test_blobs_kl_weights_of_an_epoch_have_mean_one():
    """Reweighting moves the price within an epoch; it does not change it: 3 steps weigh 3/7, 6/7
    and 12/7.
    """
    noise = Variational(
        (one_map(),), BlobSettings(kl_weight=1.0, reweighting=True), cases=1, steps=3
    )
    noise._means = {"map": torch.zeros(2, 5)}
    even = Variational((one_map(),), BlobSettings(kl_weight=1.0), cases=1, steps=3)
    even._means = noise._means
    price = even.penalty().item()
    ratios = []
    for noise.step in range(4):
        # A step in several passes has one price in each of them.
        assert noise.penalty() == noise.penalty()
        ratios.append(noise.penalty().item() / price)
    assert ratios == pytest.approx([3 / 7, 6 / 7, 12 / 7, 3 / 7], rel=1e-5)


def test_dropout_at_rate_zero_is_the_point_estimate():
    head = nn.Linear(3, 2)
    draws = Dropout((one_map(),), 0.0, head).draw(4, seeded())
    torch.testing.assert_close(draws.a["map"], one_map().a.expand(4, 2, 5))


def test_dropout_switches_whole_inputs_off_and_keeps_the_mean():
    adapter = one_map()
    a = Dropout((adapter,), 0.4, nn.Linear(3, 2)).draw(20_000, seeded()).a["map"]
    off = (a == 0).all(1)  # [N, in]
    assert ((a == 0).any(1) == off).all()
    assert off.float().mean() == pytest.approx(0.4, abs=0.01)
    torch.testing.assert_close(a.mean(0), adapter.a, atol=0.05, rtol=0.02)


def test_an_ensemble_gives_its_first_members_and_no_more():
    members = Members.of([((one_map(i),), nn.Linear(3, 2)) for i in range(3)])
    draws = members.draw(2, seeded())
    torch.testing.assert_close(draws.a["map"][1], one_map(1).a)
    assert draws.weight.shape == (2, 2, 3)
    with pytest.raises(SettingsError, match="An ensemble of 3 members has no 4 samples"):
        members.draw(4, seeded())


def gaussian(i, std=0.0):
    return Gaussian((one_map(i),), {"map": torch.full((2, 5), std)}, nn.Linear(3, 2))


def test_a_mixture_draws_from_its_components_in_turn():
    """Without spread sample i is component i modulo 3, with that one's own B and head."""
    components = [gaussian(i) for i in range(3)]
    draws = Mixture.of(components).draw(4, seeded())
    for i, component in enumerate([*components, components[0]]):
        torch.testing.assert_close(draws.a["map"][i], component.adapters[0].a)
        torch.testing.assert_close(draws.b["map"][i], component.adapters[0].b)
        torch.testing.assert_close(draws.weight[i], component.head.weight.detach())


def test_a_mixtures_samples_have_its_components_mean_and_spread():
    draws = Mixture.of([gaussian(0, 0.1), gaussian(1, 0.3)]).draw(20_000, seeded())
    for i, std in enumerate((0.1, 0.3)):
        own = draws.a["map"][i::2]
        torch.testing.assert_close(own.mean(0), one_map(i).a, atol=0.02, rtol=0)
        torch.testing.assert_close(own.std(0), torch.full((2, 5), std), atol=0.01, rtol=0)


def test_every_head_answers_for_its_own_model():
    heads = [nn.Linear(3, 2) for _ in range(2)]
    draws = Members.of([((one_map(),), head) for head in heads]).draw(2, seeded())
    states = torch.randn(2, 4, 3, generator=seeded())
    expected = torch.stack([head(s) for head, s in zip(heads, states, strict=True)])
    torch.testing.assert_close(draws.logits(states), expected.detach())


@pytest.mark.parametrize(
    "posterior",
    [
        Gaussian((one_map(),), {"map": torch.full((2, 5), 0.1)}, nn.Linear(3, 2)),
        Dropout((one_map(),), 0.25, nn.Linear(3, 2)),
        Members.of([((one_map(i),), nn.Linear(3, 2)) for i in range(3)]),
        Mixture.of([gaussian(i, 0.1) for i in range(2)]),
    ],
    ids=["gaussian", "dropout", "members", "mixture"],
)
def test_what_is_written_is_read_back(posterior):
    again = from_tensors(posterior.tensors(), scale=2.0)
    assert type(again) is type(posterior)
    one, other = posterior.draw(3, seeded()), again.draw(3, seeded())
    for field in ("weight", "bias"):
        torch.testing.assert_close(getattr(one, field), getattr(other, field))
    torch.testing.assert_close(one.a["map"], other.a["map"])
    torch.testing.assert_close(one.b["map"], other.b["map"])


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """A tiny encoder's job with its trained point estimate."""
    folder = tmp_path_factory.mktemp("job")
    base = str(tiny.make_encoder(folder / "base"))
    adapter = AdapterSettings(layers=2, rank=4, alpha=8)
    settings = PointSettings(
        base=base, adapter=adapter, loop=LoopSettings(epochs=4, batch_size=16, learning_rate=5e-3)
    )
    backbone = load_backbone(base, adapter.cut, CPU)
    train, anchor = tiny.cases(120), tiny.cases(60, seed=1)
    order = sorted(tiny.TOPICS)
    labels = [np.array([order.index(x) for x in frame["label"]]) for frame in (train, anchor)]
    caches = [cache_trunk(backbone, frame["text"].tolist()) for frame in (train, anchor)]
    bare = TeacherJob(
        backbone, settings, 3, caches[0], labels[0], caches[1], labels[1], folder / "work"
    )
    point, head = bare.train("point", 0)
    return TeacherJob(
        backbone,
        settings,
        3,
        caches[0],
        labels[0],
        caches[1],
        labels[1],
        folder / "work",
        point,
        head,
    )


@pytest.mark.parametrize("kind", ["blob", "dropout"])
def test_in_training_all_tokens_of_a_case_see_one_draw_and_cases_see_others(job, kind):
    """Two equal tokens in each of two equal cases: A x differs between the cases, and not within
    one.
    """
    noise = (
        Variational(job.point, BlobSettings(start_std=0.5), 1, 1)
        if kind == "blob"
        else CaseMasks(0.5)
    )
    adapters.attach(job.backbone, job.settings.adapter)
    _, layer = adapters.layers(job.backbone)[0]
    x = torch.ones(2, 2, layer.in_features)
    with torch.no_grad(), noise.on(job.backbone):
        z = layer.lora_A["default"](x)  # [cases, tokens, r]
    adapters.detach(job.backbone)
    torch.testing.assert_close(z[:, 0], z[:, 1])
    assert (z[0] - z[1]).abs().max() > 1e-3


def test_a_tempered_posterior_is_temperature_scaling_of_its_samples(job):
    plain = Gaussian(job.point, {a.name: torch.full_like(a.a, 0.05) for a in job.point}, job.head)
    teacher = Teacher(job.backbone, plain, 2.0, 3)
    _, before = teacher.moments(job.anchor, keep_samples=True)
    teacher.posterior = tempered(plain, 2.5)
    _, after = teacher.moments(job.anchor, keep_samples=True)
    teacher.sampler.release()
    np.testing.assert_allclose(after, at_temperature(before, 2.5), atol=1e-5)


def test_a_teachers_temperature_is_the_anchors_best(job):
    """Fitting once more finds less to scale: only what the prior around 1 had held back."""
    settings = LaplaceSettings(samples=4, share=1.0)
    fitted = fit_teacher(job, settings)
    again = fit_teacher(replace(job, head=fitted.posterior.head), settings).record["temperature"]
    assert abs(np.log(again)) < 0.5 * abs(np.log(fitted.record["temperature"]))


@pytest.mark.parametrize("family", ["gaussian", "mixture"])
def test_a_shrunk_posterior_lies_between_the_start_and_itself(family):
    """At share 0 every draw is the start under untrained maps; at 1 it is the posterior."""
    own = gaussian(1, 0.1) if family == "gaussian" else Mixture.of([gaussian(i) for i in (1, 2)])
    start = nn.Linear(3, 2)
    draw = {s: shrunk(own, s, start).draw(2, seeded()) for s in (0.0, 0.25, 1.0)}
    torch.testing.assert_close(draw[0.0].b["map"], torch.zeros_like(draw[0.0].b["map"]))
    torch.testing.assert_close(draw[0.0].bias.expand(2, 2), start.bias.detach().expand(2, 2))
    torch.testing.assert_close(draw[1.0].b["map"], own.draw(2, seeded()).b["map"])
    torch.testing.assert_close(draw[0.25].b["map"], 0.25 * draw[1.0].b["map"])
    between = 0.75 * draw[0.0].weight + 0.25 * draw[1.0].weight
    torch.testing.assert_close(draw[0.25].weight, between)


def test_a_temperature_spares_the_part_of_the_logits_that_it_does_not_divide():
    """Logits 2 x + offset: with the offset set aside the temperature is 2, whatever the offset."""
    generator = np.random.default_rng(0)
    x, offset = generator.normal(size=(4000, 3)), 3 * generator.normal(size=(4000, 3))
    true = softmax(x + offset, axis=1)
    labels = (generator.random(4000)[:, None] > true.cumsum(1)).sum(1)
    samples = softmax(2 * x + offset, axis=1)[None]
    assert sampled_temperature(samples, labels, offset=offset) == pytest.approx(2.0, rel=0.1)


def test_few_faultless_held_out_cases_support_31_of_32_and_the_prior_less():
    """30 cases, all right at p = 0.9. By the rule of succession the next is right with probability
    31 / 32, odds of 31, and 9^(1/T) = 31 gives T = 0.64. The prior's pull on log T is log T / (30 *
    0.25^2); at the best T it is that of the 30 cases, with odds of 9^(1/T).
    """
    samples, labels = np.tile([0.9, 0.1], (2, 30, 1)), np.zeros(30, dtype=int)
    alone = sampled_temperature(samples, labels)
    assert alone == pytest.approx(np.log(9) / np.log(31), rel=1e-3)
    assert mean_at_temperature(samples, alone)[:, 0] == pytest.approx(31 / 32, abs=1e-4)
    held = sampled_temperature(samples, labels, TEMPERATURE_PRIOR)
    logit = np.log(9) / held
    pull = np.log(held) / (30 * TEMPERATURE_PRIOR**2)
    assert logit * (1 / 32 - expit(-logit)) == pytest.approx(pull, abs=1e-4)
    assert 0.8 < held < 0.9


@pytest.mark.parametrize(("ordered", "expected"), [(True, [3, 4]), (False, None)])
def test_the_latest_cases_are_held_out_and_a_class_never_loses_its_only_case(ordered, expected):
    labels = np.array([0, 0, 1, 0, 1, 2])
    positions = held_out_positions(labels, 0.5, ordered, seed=0)
    assert 5 not in positions
    assert set(labels[np.setdiff1d(np.arange(6), positions)]) == {0, 1, 2}
    assert expected is None or positions.tolist() == expected


def test_what_a_teacher_chose_on_held_out_cases_is_used_on_every_case(job):
    """The precision and temperature of the fold are those of the teacher, which is fitted on all
    cases.
    """
    fitted = make_teacher(
        replace(job, anchor=TrunkCache([]), anchor_labels=np.zeros(0, dtype=int)),
        LaplaceSettings(samples=4),
    )
    assert fitted.record["precision"] == fitted.record["held_out"]["precision"]
    assert fitted.record["temperature"] == fitted.record["held_out"]["temperature"]


@pytest.mark.parametrize(
    "settings",
    [
        TfbSettings(samples=4),
        BlobSettings(samples=4, start_std=0.1),
        MixtureSettings(samples=4, members=2, start_std=0.1),
        LaplaceSettings(samples=4),
        EnsembleSettings(samples=2),
        DropoutSettings(samples=4, rate=0.3),
    ],
    ids=lambda s: s.kind,
)
def test_every_teacher_learns_the_task_disagrees_with_itself_and_leaves_the_backbone_bare(
    job, settings
):
    before = [name for name, _ in job.backbone.model.named_modules()]
    fitted = fit_teacher(job, settings)
    assert [name for name, _ in job.backbone.model.named_modules()] == before
    teacher = Teacher(job.backbone, fitted.posterior, 2.0, settings.samples)
    scores = teacher.scores_cached(job.anchor)
    teacher.sampler.release()
    assert (scores.probabilities.argmax(1) == job.anchor_labels).mean() > 0.55  # three classes
    assert scores.epistemic.mean() > 1e-6


def test_an_ensemble_of_one_model_many_times_has_no_mutual_information(job):
    same = Members.of([(job.point, job.head)] * 3)
    one = Teacher(
        job.backbone,
        Gaussian(job.point, {a.name: torch.zeros_like(a.a) for a in job.point}, job.head),
        2.0,
        1,
    )
    expected = one.scores_cached(job.anchor)
    one.sampler.release()
    teacher = Teacher(job.backbone, same, 2.0, 3)
    scores = teacher.scores_cached(job.anchor)
    teacher.sampler.release()
    np.testing.assert_allclose(scores.epistemic, 0.0, atol=1e-9)
    np.testing.assert_allclose(scores.probabilities, expected.probabilities, atol=1e-5)


def test_members_in_one_batch_are_each_member_alone(job):
    """Each with its own A, B and head; cases of several lengths."""
    others = [Adapter(a.name, a.a.flip(0), a.b * 0.5, a.scale) for a in job.point]
    members = Members.of([(job.point, job.head), (others, nn.Linear(32, 3))])
    teacher = Teacher(job.backbone, members, 2.0, 2)
    together, each = teacher.moments(job.anchor, keep_samples=True)
    with torch.no_grad():
        for i in range(2):
            draws = members.draw(2, seeded()).only(i)
            with teacher.sampler.sampled(draws):
                alone = [
                    draws.logits(teacher.sampler.read_out(s[None], None, 1)).softmax(-1)[0, 0]
                    for s in job.anchor.states
                ]
            np.testing.assert_allclose(each[i], torch.stack(alone), atol=1e-5)
    teacher.sampler.release()
    np.testing.assert_allclose(together.probabilities, each.mean(0), atol=1e-6)


def test_the_fisher_is_the_squared_gradient_summed_over_cases(job):
    """Against autograd, one case at a time, with the same labels drawn."""
    cases = type(job.cases)(job.cases.states[:3])
    drawn = []
    real = torch.multinomial

    def remember(*args, **kwargs):
        drawn.append(real(*args, **kwargs))
        return drawn[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "multinomial", remember)
        patch.setattr(
            "core.models.teachers.laplace.plan_batches",
            lambda lengths: [np.array([i]) for i in range(3)],
        )
        fisher = diagonal_fisher(
            job.backbone, job.point, job.head, cases, job.settings.adapter, seeded()
        )
    adapters.attach(job.backbone, job.settings.adapter)
    adapters.write_adapters(job.backbone, list(job.point))
    weights = {
        name: layer.lora_A["default"].weight for name, layer in adapters.layers(job.backbone)
    }
    expected = {name: torch.zeros_like(w) for name, w in weights.items()}
    for state, label in zip(cases.states, drawn, strict=True):
        logp = job.head(job.backbone.top(state[None], None)).log_softmax(-1)[0, int(label)]
        for (name, _), g in zip(
            weights.items(), torch.autograd.grad(logp, list(weights.values())), strict=True
        ):
            expected[name] += g**2
    adapters.detach(job.backbone)
    for name, f in expected.items():
        torch.testing.assert_close(fisher[name], f, rtol=1e-4, atol=1e-9)
