"""Pooled states of a frozen base, held against transformers' own forward."""

import numpy as np
import pytest
import torch

from core.errors import CasesError
from core.models.base.frozen import load_frozen, pooled_states
from tests import tiny

CPU = torch.device("cpu")
TEXTS = ["bolt", "bolt is loose again", "oil leak", "the pump is hot"]


def test_an_encoders_state_is_the_mean_over_its_own_tokens(tmp_path):
    base = load_frozen(str(tiny.make_encoder(tmp_path)), CPU)
    states = pooled_states(base, TEXTS)
    for text, state in zip(TEXTS, states, strict=True):
        ids = torch.tensor([base.tokens([text])[0]])
        with torch.no_grad():
            expected = base.model(input_ids=ids).last_hidden_state[0].mean(0)
        expected = expected / expected.square().mean().sqrt()
        np.testing.assert_allclose(state, expected, atol=1e-5)


def test_a_causal_models_state_is_the_one_of_the_last_token(tmp_path):
    base = load_frozen(str(tiny.make_causal(tmp_path)), CPU)
    states = pooled_states(base, TEXTS)
    for text, state in zip(TEXTS, states, strict=True):
        ids = torch.tensor([base.tokens([text])[0]])
        with torch.no_grad():
            expected = base.model(input_ids=ids).last_hidden_state[0, -1]
        expected = expected / expected.square().mean().sqrt()
        np.testing.assert_allclose(state, expected, atol=1e-5)


def test_a_text_too_long_is_refused_unless_its_beginning_is_enough(tmp_path):
    base = load_frozen(str(tiny.make_encoder(tmp_path)), CPU)
    long = "bolt " * 600
    with pytest.raises(CasesError, match="tokens"):
        pooled_states(base, [long])
    assert pooled_states(base, [long], truncate=True).shape == (1, base.hidden_size)
