"""The cut through a model changes nothing: trunk then top is the whole, and the narrow last
feed-forward is exact.
"""

import pytest
import torch

from core.errors import ModelError, SettingsError
from core.models.base.backbone import load_backbone
from core.models.base.batches import pad, plan_batches, token_batches, tokenize
from tests import tiny

CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=["encoder", "causal"])
def source(request, tmp_path_factory):
    make = {"encoder": tiny.make_encoder, "causal": tiny.make_causal}[request.param]
    return str(make(tmp_path_factory.mktemp(request.param)))


def padded(backbone, n=6):
    ids = tokenize(backbone.tokenizer, tiny.texts(n), 64)
    return pad([torch.tensor(x) for x in ids])


@pytest.mark.parametrize("cut", [0, 1, 3])
def test_trunk_then_top_is_the_whole_model(source, cut):
    backbone = load_backbone(source, lambda _: cut, CPU)
    ids, mask = padded(backbone)
    with torch.no_grad():
        whole, parts = backbone(ids, mask), backbone.top(backbone.trunk(ids, mask), mask)
    torch.testing.assert_close(parts, whole, atol=1e-6, rtol=1e-5)


def test_the_whole_model_is_what_transformers_computes(source):
    backbone = load_backbone(source, lambda _: 2, CPU)
    ids, mask = padded(backbone)
    with torch.no_grad():
        states = backbone.model(input_ids=ids, attention_mask=mask).last_hidden_state
        got = backbone(ids, mask)
    position = mask.sum(-1) - 1 if backbone.causal else torch.zeros(len(ids), dtype=torch.long)
    torch.testing.assert_close(got, states[torch.arange(len(ids)), position], atol=1e-6, rtol=1e-5)


def test_narrow_last_feed_forward_is_on_and_exact(source):
    backbone = load_backbone(source, lambda _: 2, CPU)
    assert backbone.narrow_last
    ids, mask = padded(backbone)
    with torch.no_grad():
        narrow = backbone(ids, mask)
        backbone.narrow_last = False
        torch.testing.assert_close(narrow, backbone(ids, mask), atol=1e-6, rtol=1e-5)


def test_narrowing_stays_off_where_it_changes_the_answer(source):
    backbone = load_backbone(source, lambda _: 2, CPU)
    last = backbone.blocks[-1]
    # a block that mixes positions after its feed-forward, as some architectures do
    last.register_forward_hook(lambda _m, _a, out: out + out.mean(1, keepdim=True))
    assert backbone.allow_narrowing() is False
    assert backbone.narrow_last is False


def test_a_cut_outside_the_model_is_refused(source):
    with pytest.raises(SettingsError, match="has 4 blocks, use 0 to 3"):
        load_backbone(source, lambda _: 4, CPU)


def test_a_missing_model_says_what_to_do(tmp_path):
    with pytest.raises(ModelError, match="could not be loaded.*name a folder"):
        load_backbone(str(tmp_path / "nothing"), lambda _: 0, CPU)


def test_the_hash_follows_content_not_place(tmp_path):
    a, b = tiny.make_encoder(tmp_path / "a"), tiny.make_encoder(tmp_path / "b")
    one, other = (load_backbone(str(p), lambda _: 2, CPU).sha256 for p in (a, b))
    assert one == other
    tiny.write_json(b / "config.json", lambda c: c.update(layer_norm_eps=1e-6))
    assert load_backbone(str(b), lambda _: 2, CPU).sha256 != one


def test_every_text_is_in_one_batch_within_the_budget():
    lengths = [3, 9, 3, 3, 5, 40, 3, 9]
    plan = plan_batches(lengths, tokens_per_batch=18)
    assert sorted(i for batch in plan for i in batch) == list(range(8))
    assert all(len(b) * max(lengths[i] for i in b) <= 18 or len(b) == 1 for b in plan)


def test_texts_of_one_length_need_no_mask(source):
    backbone = load_backbone(source, lambda _: 2, CPU)
    ids = tokenize(backbone.tokenizer, ["bucket tooth", "fan belt"], 64)
    assert [b.mask for b in token_batches(ids, CPU)] == [None]


def test_a_text_over_the_context_is_refused_or_truncated(source):
    backbone = load_backbone(source, lambda _: 2, CPU)
    long = " ".join(["oil"] * 80)
    from core.errors import CasesError

    with pytest.raises(
        CasesError,
        match=r"1 text of 2 is longer than the 64 tokens that the model reads \(text 2; 82 tokens\)",
    ):
        tokenize(backbone.tokenizer, ["oil", long], 64)
    assert len(tokenize(backbone.tokenizer, [long], 64, truncate=True)[0]) == 64
