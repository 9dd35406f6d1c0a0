"""The three readings of a student's outputs, against closed forms and against brute sampling."""

import math

import numpy as np
import pytest
import torch
from scipy.special import digamma, softmax

from core.errors import SettingsError
from core.models.scoring.heads import (
    UNCERTAINTY_HEADS,
    gaussian_nll,
    normal_draws,
    uncertainty_head,
)
from core.models.scoring.spread import Moments, tensor_entropy


def answers(name, out):
    logp, aleatoric = UNCERTAINTY_HEADS[name].predict(torch.tensor([out], dtype=torch.float64), 2)
    return logp.exp()[0].numpy(), float(aleatoric[0])


def test_without_a_spread_all_of_the_uncertainty_is_aleatoric():
    p, aleatoric = answers("none", [math.log(3), 0.0])
    np.testing.assert_allclose(p, [0.75, 0.25])
    assert aleatoric == pytest.approx(-0.75 * math.log(0.75) - 0.25 * math.log(0.25))


def test_the_share_divides_the_entropy():
    """g = 0: half of H = ln 2."""
    assert answers("share", [0.0, 0.0, 0.0])[1] == pytest.approx(math.log(2) / 2)


def test_the_expected_entropy_of_a_uniform_dirichlet():
    """Dir(1, 1), a0 = 2: psi(3) - psi(2) = 1/2 nat. The strength is exp(g + ln K), so g = 0 is just
    that.
    """
    p, aleatoric = answers("dirichlet", [0.0, 0.0, 0.0])
    np.testing.assert_allclose(p, [0.5, 0.5])
    assert aleatoric == pytest.approx(0.5)


def test_the_expected_entropy_of_a_dirichlet_is_the_mean_entropy_of_its_draws():
    g, logits = 0.7, [1.0, -0.5]
    a = 2 * math.exp(g) * softmax(logits)
    drawn = np.random.default_rng(0).dirichlet(a, 400_000)
    expected = -(drawn * np.log(np.maximum(drawn, 1e-300))).sum(1).mean()
    assert answers("dirichlet", [*logits, g])[1] == pytest.approx(expected, abs=2e-3)


def test_the_dirichlets_loss_is_lowest_at_the_parameters_that_the_samples_are_from():
    """E log p_k = psi(a_k) - psi(a0) of Dir(3, 1): exactly there the likelihood has its maximum
    over g.
    """
    a = np.array([3.0, 1.0])
    target = {"log_mean": torch.tensor(np.array([digamma(a) - digamma(a.sum())]))}
    strengths = torch.tensor([2.0, 4.0, 8.0], dtype=torch.float64)
    out = torch.stack(
        [torch.tensor([math.log(3), 0.0, math.log(s / 2)], dtype=torch.float64) for s in strengths]
    )
    losses = UNCERTAINTY_HEADS["dirichlet"].loss(
        out, 2, {"log_mean": target["log_mean"].expand(3, 2)}
    )
    assert int(losses.argmin()) == 1


def test_logits_without_a_spread_have_no_mutual_information():
    p, aleatoric = answers("gaussian", [math.log(3), 0.0, -50.0, -50.0])
    np.testing.assert_allclose(p, [0.75, 0.25], atol=1e-3)
    assert float(tensor_entropy(torch.tensor(p))) - aleatoric == pytest.approx(0.0, abs=1e-4)


def test_gaussian_logits_agree_with_brute_sampling():
    """32 quasi-random draws against 400,000 random ones; the head's log std is its output less
    1.
    """
    logits, std = np.array([1.0, -1.0]), np.array([1.5, 0.5])
    drawn = softmax(logits + std * np.random.default_rng(0).standard_normal((400_000, 2)), axis=1)
    p, aleatoric = answers("gaussian", [*logits, *(np.log(std) + 1)])
    np.testing.assert_allclose(p, drawn.mean(0), atol=5e-3)
    assert aleatoric == pytest.approx(-(drawn * np.log(drawn)).sum(1).mean(), abs=5e-3)


def test_the_likelihood_of_logits_is_highest_at_their_moments():
    """Logits (1, -1), variance (4, 4): at log std = ln 2 the negative likelihood is 1/2 + ln 2, and
    more beside it.
    """
    mean, var = torch.tensor([[1.0, -1.0]]), torch.full((1, 2), 4.0)
    losses = [
        gaussian_nll(mean + 7, torch.full((1, 2), s), mean, var).item() for s in (2.0, 1.0, 3.0)
    ]
    assert losses[0] == pytest.approx(0.5 + math.log(2), abs=1e-6)
    assert min(losses) == losses[0]


def test_the_gaussians_loss_prefers_the_spread_of_the_teachers_share():
    """Even logits; the head's own share at log std output 2 is the target, and other spreads cost
    more.
    """
    out = torch.tensor([[0.0, 0.0, x, x] for x in (2.0, 0.0, 4.0)])
    logp, aleatoric = UNCERTAINTY_HEADS["gaussian"].predict(out, 2)
    share = float(aleatoric[0] / tensor_entropy(logp.exp())[0])
    std = (out[:, 2:] - 1).exp()
    target = {
        "share": torch.full((3,), share),
        "weight": torch.ones(3),
        "logit_mean": torch.zeros(3, 2),
        "logit_var": std[:1].expand(3, 2) ** 2,
    }
    losses = UNCERTAINTY_HEADS["gaussian"].loss(out, 2, target)
    assert int(losses.argmin()) == 0


def test_the_shares_loss_is_lowest_at_the_teachers_share():
    """Binary cross-entropy of share 0.2 at g = logit(0.2) is the entropy of 0.2, and more anywhere
    else.
    """
    target = {"share": torch.full((3,), 0.2), "weight": torch.ones(3)}
    out = torch.tensor(
        [[0.0, 0.0, g] for g in (math.log(0.25), math.log(0.25) + 0.5, math.log(0.25) - 0.5)]
    )
    losses = UNCERTAINTY_HEADS["share"].loss(out, 2, target)
    assert losses[0].item() == pytest.approx(-0.2 * math.log(0.2) - 0.8 * math.log(0.8), abs=1e-6)
    assert int(losses.argmin()) == 0


def test_moments_of_two_sure_and_opposite_samples():
    """Logits +-1 around their mean: mean p is even, the logits' mean is 0 and their variance 1."""
    moments = Moments.of(torch.tensor([[[2.0, 0.0]], [[0.0, 2.0]]]))
    np.testing.assert_allclose(moments.probabilities, [[0.5, 0.5]])
    np.testing.assert_allclose(moments.logit_mean, 0.0, atol=1e-7)
    np.testing.assert_allclose(moments.logit_var, 1.0)
    p = 1 / (1 + math.exp(-2))
    np.testing.assert_allclose(
        moments.aleatoric, -p * math.log(p) - (1 - p) * math.log(1 - p), rtol=1e-6
    )


def test_the_draws_are_the_same_every_time_and_standard():
    draws = normal_draws(3)
    torch.testing.assert_close(draws, normal_draws.__wrapped__(3))
    assert draws.mean(0).abs().max() < 0.1
    assert (draws.std(0) - 1).abs().max() < 0.15


def test_an_unknown_spread_is_refused():
    with pytest.raises(SettingsError, match="spread 'beta' is not known"):
        uncertainty_head("beta")
