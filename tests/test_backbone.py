"""The cut through a model changes nothing: trunk then top is the whole, and the narrow last
feed-forward is exact.
"""

import json
import shutil

import pytest
import torch

from core.errors import ModelError, SettingsError
from core.models.base.backbone import load_backbone
from core.models.base.batches import pad, plan_batches, token_batches, tokenize
from core.models.base.trunk import cache_trunk
from tests import tiny

CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=["encoder", "causal"])
def source(request, tmp_path_factory):
    make = {"encoder": tiny.make_encoder, "causal": tiny.make_causal}[request.param]
    return str(make(tmp_path_factory.mktemp(request.param)))


def padded(backbone, n=6):
    ids = tokenize(backbone.tokenizer, tiny.texts(n), 64)
    return pad([torch.tensor(x) for x in ids])


@pytest.mark.parametrize("pooling", ["mean", "token"])
@pytest.mark.parametrize("cut", [0, 1, 3])
def test_trunk_then_top_is_the_whole_model(source, cut, pooling):
    backbone = load_backbone(source, lambda _: cut, CPU, pooling=pooling)
    ids, mask = padded(backbone)
    with torch.no_grad():
        whole, parts = backbone(ids, mask), backbone.top(backbone.trunk(ids, mask), mask)
    torch.testing.assert_close(parts, whole, atol=1e-6, rtol=1e-5)


def states_of(backbone, ids, mask):
    with torch.no_grad():
        return backbone.model(input_ids=ids, attention_mask=mask).last_hidden_state


def test_one_token_is_the_first_of_an_encoder_and_the_last_of_a_causal_model(source):
    backbone = load_backbone(source, lambda _: 2, CPU, pooling="token")
    ids, mask = padded(backbone)
    position = mask.sum(-1) - 1 if backbone.causal else torch.zeros(len(ids), dtype=torch.long)
    expected = states_of(backbone, ids, mask)[torch.arange(len(ids)), position]
    with torch.no_grad():
        torch.testing.assert_close(backbone(ids, mask), expected, atol=1e-6, rtol=1e-5)


def test_the_mean_is_over_the_texts_own_tokens_and_has_a_mean_square_of_one(source):
    backbone = load_backbone(source, lambda _: 2, CPU, pooling="mean")
    ids, mask = padded(backbone)
    states = states_of(backbone, ids, mask)
    with torch.no_grad():
        pooled = backbone(ids, mask)
    for row, length, state in zip(states, mask.sum(-1), pooled, strict=True):
        mean = row[:length].mean(0)
        torch.testing.assert_close(state, mean / mean.square().mean().sqrt(), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "token"),
        ({"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}, "mean"),
        ({"pooling_mode": "lasttoken"}, "token"),
        ({"pooling_mode": "mean"}, "mean"),
        (None, None),
    ],
)
def test_the_bases_own_pooling_is_read_from_its_folder(source, tmp_path, config, expected):
    folder = tmp_path / "base"
    shutil.copytree(source, folder)
    if config is not None:
        (folder / "1_Pooling").mkdir()
        (folder / "1_Pooling" / "config.json").write_text(json.dumps(config))
    backbone = load_backbone(str(folder), lambda _: 2, CPU)
    assert backbone.pooling == (expected or ("token" if backbone.causal else "mean"))


def test_the_answer_of_a_choice_is_read_at_the_last_token_whatever_was_asked(source):
    if "causal" in source:
        assert (
            load_backbone(source, lambda _: 2, CPU, readout="choice", pooling="mean").pooling
            == "token"
        )


def test_narrow_last_feed_forward_is_on_and_exact_at_one_token_and_off_under_a_mean(source):
    backbone = load_backbone(source, lambda _: 2, CPU, pooling="token")
    assert backbone.narrow_last
    ids, mask = padded(backbone)
    with torch.no_grad():
        narrow = backbone(ids, mask)
        backbone.narrow_last = False
        torch.testing.assert_close(narrow, backbone(ids, mask), atol=1e-6, rtol=1e-5)
    assert not load_backbone(source, lambda _: 2, CPU, pooling="mean").narrow_last


def test_states_on_disk_are_those_in_memory_and_are_computed_once(source, tmp_path, monkeypatch):
    backbone = load_backbone(source, lambda _: 2, CPU)
    texts = tiny.texts(12)
    in_memory = cache_trunk(backbone, texts)
    first = cache_trunk(backbone, texts, folder=tmp_path)
    monkeypatch.setattr(backbone, "trunk", None)  # an error if it is called
    again = cache_trunk(backbone, texts, folder=tmp_path)
    for a, b, c in zip(in_memory.states, first.states, again.states, strict=True):
        assert torch.equal(a, b)
        assert torch.equal(a, c)
    assert not list(tmp_path.glob("*.part"))


def test_the_disk_holds_no_more_than_its_budget_and_the_oldest_states_go(
    source, tmp_path, monkeypatch
):
    backbone = load_backbone(source, lambda _: 2, CPU)
    cache_trunk(backbone, tiny.texts(12), folder=tmp_path)
    (old,) = tmp_path.iterdir()
    monkeypatch.setattr("core.models.base.trunk.DISK_BUDGET", old.stat().st_size + 1)
    cache_trunk(backbone, tiny.texts(11, seed=1), folder=tmp_path)
    (new,) = tmp_path.iterdir()
    assert new != old


def test_narrowing_stays_off_where_it_changes_the_answer(source):
    backbone = load_backbone(source, lambda _: 2, CPU, pooling="token")
    last = backbone.blocks[-1]
    # a block that mixes positions after its feed-forward, as some architectures do
    last.register_forward_hook(lambda _m, _a, out: out + out.mean(1, keepdim=True))
    assert backbone.allow_narrowing() is False
    assert backbone.narrow_last is False


def test_a_cut_outside_the_model_is_refused(source):
    with pytest.raises(SettingsError, match="has 4 blocks, use 0 to 3"):
        load_backbone(source, lambda _: 4, CPU)


def test_a_missing_model_says_what_to_do(tmp_path):
    with pytest.raises(ModelError, match="could not be loaded.*Name a folder"):
        load_backbone(str(tmp_path / "nothing"), lambda _: 0, CPU)


@pytest.mark.parametrize(
    ("name", "edit"),
    [
        ("model.safetensors", lambda content: content[: len(content) // 2]),
        ("model.safetensors", lambda content: b""),
        ("model.safetensors", lambda content: b"\xff" * 8 + content[8:]),
        ("config.json", lambda content: b"\xff\xfe{"),
        ("config.json", lambda content: content.replace(b'"hidden_size": ', b'"hidden_size": -')),
        ("tokenizer.json", lambda content: b"{}"),
        ("tokenizer_config.json", lambda content: b"[]"),
    ],
)
def test_a_damaged_file_of_a_model_is_a_sentence(tmp_path, name, edit):
    folder = tiny.make_encoder(tmp_path / "model")
    (folder / name).write_bytes(edit((folder / name).read_bytes()))
    with pytest.raises(ModelError, match="could not be loaded.*Name a folder"):
        load_backbone(str(folder), lambda _: 0, CPU)


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


def test_a_batch_is_padded_by_no_more_tokens_than_another_batch_costs():
    # 16 texts of 6 tokens take the 2 of 7 (16 tokens of padding), but not the one of 8 (34).
    assert [len(batch) for batch in plan_batches([8] + [6] * 16 + [7] * 2)] == [18, 1]


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
        match=(
            r"1 text of 2 is longer than the 64 tokens that the model reads \(text 2; 82 tokens\)"
        ),
    ):
        tokenize(backbone.tokenizer, ["oil", long], 64)
    assert len(tokenize(backbone.tokenizer, [long], 64, truncate=True)[0]) == 64
