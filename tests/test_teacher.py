"""TFB: regrouping keeps the product, sigma = 0 is the point estimate, the batch of samples is the
loop of samples.
"""

import math

import numpy as np
import pytest
import torch

from core.errors import ModelError, NonFiniteError
from core.models.base import adapters
from core.models.base.adapters import Adapter
from core.models.base.backbone import load_backbone
from core.models.base.settings import AdapterSettings, TfbSettings
from core.models.base.trunk import cache_trunk
from core.models.scoring.posterior import Gaussian
from core.models.scoring.sampling import Sampler
from core.models.scoring.scorers import Teacher
from core.models.scoring.spread import collect, predictive, tensor_entropy
from core.models.teachers import tfb
from tests import tiny

CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=["encoder", "causal"])
def source(request, tmp_path_factory):
    make = {"encoder": tiny.make_encoder, "causal": tiny.make_causal}[request.param]
    return str(make(tmp_path_factory.mktemp(request.param)))


def trained(source, targets="down"):
    """A backbone whose adapters have some B, as after training."""
    backbone = load_backbone(source, lambda n: n // 2, CPU)
    adapters.attach(backbone, AdapterSettings(rank=4, alpha=8, targets=targets))
    generator = torch.Generator().manual_seed(1)
    adapters.write_adapters(
        backbone,
        [
            Adapter(a.name, a.a, torch.randn(a.b.shape, generator=generator) * 0.1, a.scale)
            for a in adapters.read_adapters(backbone)
        ],
    )
    return backbone


def bayesian(backbone, sigma=1.0, head=None):
    regrouped = [tfb.regroup(a) for a in adapters.read_adapters(backbone)]
    std = {a.name: sigma * tfb.unit_std(a, d) for a, d in regrouped}
    return Gaussian(tuple(a for a, _ in regrouped), std, head or torch.nn.Linear(32, 3))


def teacher_of(backbone, posterior, samples=4):
    return Teacher(backbone, posterior, 2.0, samples)


def adapter(rank=3, inside=5, outside=7, seed=0):
    g = torch.Generator().manual_seed(seed)
    return Adapter(
        "map", torch.randn(rank, inside, generator=g), torch.randn(outside, rank, generator=g), 2.0
    )


def test_regrouping_gives_the_same_product():
    before = adapter()
    after, d = tfb.regroup(before)
    torch.testing.assert_close(after.b @ after.a, before.b @ before.a)
    torch.testing.assert_close(
        after.b.T @ after.b, torch.diag(d**2), atol=1e-5, rtol=1e-5
    )  # B' = U diag(d): orthogonal columns


def test_the_strong_direction_gets_the_small_spread():
    b = torch.tensor([[3.0, 0.0], [0.0, 0.5]])  # d = (3, 0.5) by hand
    a, d = tfb.regroup(Adapter("map", torch.ones(2, 4), b, 1.0))
    torch.testing.assert_close(d, torch.tensor([3.0, 0.5]))
    std = tfb.unit_std(a, d)
    torch.testing.assert_close(std[:, 0], torch.tensor([1 / 3, 2.0]))
    assert std.shape == (2, 4)


def test_a_direction_without_strength_stays_finite():
    a, d = tfb.regroup(
        Adapter("map", torch.ones(2, 4), torch.tensor([[2.0, 0.0], [0.0, 0.0]]), 1.0)
    )
    std = tfb.unit_std(a, d)
    assert torch.isfinite(std).all()
    torch.testing.assert_close(std[1, 0], torch.tensor(1 / (tfb.WEAKEST * 2.0)))


def test_an_untrained_adapter_is_refused():
    with pytest.raises(ModelError, match="B = 0: train it"):
        tfb.unit_std(adapter(), torch.zeros(3))


def test_samples_of_the_product_have_the_variance_of_the_posterior():
    """Var[(B' A'_n x)_o] = sum_i (U_oi d_i)^2 (sigma / d_i)^2 |x|^2 = sigma^2 |x|^2 sum_i U_oi^2:
    sigma means the same in every direction.
    """
    point = adapter()
    a, d = tfb.regroup(point)
    std = 0.1 * tfb.unit_std(a, d)
    x = torch.arange(1.0, 6.0)
    noise = torch.randn(20_000, *a.a.shape, generator=torch.Generator().manual_seed(0))
    y = (a.a + std * noise) @ x @ a.b.T  # [N, out]
    u = a.b / d
    torch.testing.assert_close(y.std(0), 0.1 * x.norm() * u.norm(dim=1), rtol=0.03, atol=0)


@pytest.mark.parametrize("targets", ["down", "feed_forward", "attention", "all"])
def test_one_batch_of_samples_is_the_loop_of_samples(source, targets):
    backbone = trained(source, targets)
    posterior = bayesian(backbone, 0.05)
    sampler = Sampler(backbone, [a.name for a in posterior.adapters], 2.0)
    for texts in (tiny.texts(5), ["oil"]):
        ids = [torch.tensor(x) for x in backbone.tokenizer(texts)["input_ids"]]
        width = max(map(len, ids))
        padded = torch.stack([torch.nn.functional.pad(x, (0, width - len(x))) for x in ids])
        mask = torch.stack([(torch.arange(width) < len(x)).long() for x in ids])
        draws = posterior.draw(3, torch.Generator().manual_seed(0))
        with torch.no_grad():
            hidden = backbone.trunk(padded, mask)
            with sampler.sampled(draws) as n:
                batch = sampler.read_out(hidden, mask, n)
            for i in range(3):
                with sampler.sampled(draws.only(i)):
                    one = sampler.read_out(hidden, mask, 1)
                torch.testing.assert_close(batch[i], one[0], atol=2e-6, rtol=1e-4)
        assert batch.std(0).mean() > 1e-4


def test_sigma_zero_is_the_point_estimate(source):
    backbone = trained(source)
    head = torch.nn.Linear(32, 3)
    cache = cache_trunk(backbone, tiny.texts(20))
    with torch.no_grad():
        point = (
            torch.cat([head(backbone.top(s[None], None)) for s in cache.states])
            .double()
            .softmax(-1)
        )
    teacher = teacher_of(backbone, bayesian(backbone, head=head))
    scores = teacher.scores_cached(cache, teacher.posterior.scaled(0.0))
    np.testing.assert_allclose(scores.probabilities, point.numpy(), atol=1e-6)
    np.testing.assert_allclose(scores.epistemic, 0, atol=1e-9)


def test_the_teacher_says_the_same_whatever_the_order_and_the_batch(source, monkeypatch):
    backbone = trained(source)
    teacher = teacher_of(backbone, bayesian(backbone, 0.05))
    texts = tiny.texts(40)
    plain = teacher.scores(texts)
    monkeypatch.setattr("core.models.scoring.scorers._ROWS_PER_BATCH", 20)
    turned = teacher.scores(texts[::-1])
    np.testing.assert_allclose(turned.probabilities[::-1], plain.probabilities, atol=1e-6)
    np.testing.assert_allclose(turned.epistemic[::-1], plain.epistemic, atol=1e-6)


def test_entropies_and_mutual_information_in_closed_form():
    """Two samples that are sure of different labels: total = ln 2, aleatoric = 0, epistemic = ln
    2.
    """
    mean, aleatoric = predictive(torch.tensor([[[1e3, 0.0]], [[0.0, 1e3]]]))
    scores = collect(mean, aleatoric)
    np.testing.assert_allclose(
        [scores.total[0], scores.aleatoric[0], scores.epistemic[0]],
        [math.log(2), 0.0, math.log(2)],
        atol=1e-12,
    )
    torch.testing.assert_close(
        tensor_entropy(torch.tensor([0.25, 0.25, 0.25, 0.25, 0.0])), torch.tensor(math.log(4))
    )


def test_probabilities_are_averaged_not_logits():
    logits = torch.tensor([[[4.0, 0.0]], [[-1.0, 0.0]]])
    mean, _ = predictive(logits)
    expected = (torch.sigmoid(torch.tensor(4.0)) + torch.sigmoid(torch.tensor(-1.0))) / 2
    torch.testing.assert_close(mean[0, 0].float(), expected)


def test_an_answer_that_is_not_finite_is_refused():
    mean = torch.tensor([[0.5, 0.5], [float("nan"), 0.5]])
    with pytest.raises(NonFiniteError, match="case 2 of 2 is not finite"):
        collect(mean, torch.zeros(2))


def test_the_largest_sigma_within_the_tolerance_of_the_lowest():
    """Criterion 1 + ln(sigma / 0.03)^2. The doubling grid's best is 1/32, at 1.00167; so within
    0.01 of it up to 0.03 exp(0.108) = 0.03342.
    """
    choice = tfb.largest_sigma(
        lambda s: 1 + (math.log(max(s, 1e-9)) - math.log(0.03)) ** 2,
        TfbSettings(tolerance=0.01, refinements=16),
    )
    allowed = min(v for _, v in choice.tried) + 0.01
    assert 0.0334 < choice.sigma < 0.03343
    assert all(v > allowed for s, v in choice.tried if s > choice.sigma * 1.001)
    assert max(s for s, _ in choice.tried) == 1 / 16  # risen beyond it: 1/8 to 1/2 are not tried


def test_a_nan_criterion_never_counts_as_within():
    choice = tfb.largest_sigma(lambda s: 1.0 if s < 0.02 else float("nan"), TfbSettings())
    assert choice.sigma < 0.02


def test_a_posterior_worse_than_none_is_refused():
    with pytest.raises(
        ModelError, match="raises the negative log likelihood of held-out cases, 1.0000"
    ):
        tfb.largest_sigma(lambda s: 1.0 if s == 0 else 2.0, TfbSettings())
