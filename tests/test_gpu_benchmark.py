"""The GPU benchmark, on a CPU at tiny size: the code that an 8-billion-parameter model runs
through, and its arithmetic.
"""

import json

import pytest
import torch

from benchmarks import gpu

CPU = torch.device("cpu")


def test_without_a_gpu_it_says_so_and_ends_well(capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    gpu.main([])
    said = json.loads(capsys.readouterr().out)
    assert said["measured"] is False
    assert "no GPU" in said["reason"]


def test_every_competitor_is_measured(capsys):
    gpu.main(["--device", "cpu", "--tiny", "--rounds", "1"])
    said = json.loads(capsys.readouterr().out)
    assert said["measured"] is True
    assert set(said["results"]) == {"student", "teacher_loop", "teacher_batched", "training_step"}
    for result in said["results"].values():
        assert result["tokens_per_s"] == pytest.approx(gpu.TINY.tokens * result["cases_per_s"])
        assert 0 < result["share_of_peak"] < 1
        assert result["peak_memory_gb"] is None  # a CPU's is not measured


@torch.inference_mode()
def test_loop_and_batch_of_samples_give_the_same_answers_and_leave_the_student_as_it_was():
    backbone = gpu.random_backbone(gpu.TINY, CPU)
    head = torch.nn.Linear(gpu.TINY.hidden, gpu.CHOICES)
    batches = torch.randint(gpu.TINY.vocabulary, (6, 9)).split(4)
    before = gpu.student(backbone, head, batches)
    generator = torch.Generator().manual_seed(1)
    draws = gpu.random_posterior(backbone, head).draw(3, generator)
    sampler = gpu.Sampler(backbone, list(draws.a), 2.0)
    loop = torch.stack(
        [gpu.run_teacher(sampler, draws.only(i), batches, whole=True) for i in range(3)]
    ).mean(0)
    torch.testing.assert_close(gpu.run_teacher(sampler, draws, batches), loop, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(gpu.student(backbone, head, batches), before, atol=1e-6, rtol=1e-5)
    assert (loop - before).abs().max() > 1e-4  # the draws do change the answers


def test_a_training_step_leaves_the_model_as_it_was():
    backbone = gpu.random_backbone(gpu.TINY, CPU)
    head = torch.nn.Linear(gpu.TINY.hidden, gpu.CHOICES)
    batches = torch.randint(gpu.TINY.vocabulary, (4, 9)).split(4)
    draws = gpu.random_posterior(backbone, head).draw(2, torch.Generator().manual_seed(1))
    sampler = gpu.Sampler(backbone, list(draws.a), 2.0)
    before = gpu.student(backbone, head, batches)
    gpu.training(backbone, sampler, head, batches)()
    assert head.weight.grad.abs().sum() > 0
    torch.testing.assert_close(gpu.student(backbone, head, batches), before)


def test_the_work_of_a_pass_by_hand():
    """2 blocks, hidden 4, inner 8, 2 heads and 1 of keys, 3 tokens: maps 4 * (4 + 4 + 2 + 2) = 48,
    feed-forward 96 weights.

    Block 0: 3 * 2 * 144 + 2 * 9 * 4 = 936; block 1: 3 * 2 * 48 + 2 * 96 + 72 = 552.
    """
    shape = gpu.Shape(4, 8, 2, 2, 1, 10, tokens=3, cases=5, batch=5, samples=7, top=1)
    assert gpu.flops(shape, "student") == 5 * (936 + 552)
    assert gpu.flops(shape, "teacher_loop") == 7 * 5 * (936 + 552)
    assert gpu.flops(shape, "teacher_batched") == 5 * (936 + 7 * 552)


def test_a_scaled_model_keeps_its_proportions():
    small = gpu.scaled(gpu.Shape(), {"hidden": 2048, "layers": 8})
    assert (small.hidden, small.inner, small.heads, small.key_heads, small.layers) == (
        2048,
        7168,
        16,
        8,
        8,
    )


def test_the_default_has_eight_billion_parameters():
    shape = gpu.Shape()
    maps = shape.hidden * (2 * shape.hidden + 2 * shape.hidden * shape.key_heads // shape.heads)
    total = shape.layers * (maps + 3 * shape.hidden * shape.inner) + shape.vocabulary * shape.hidden
    # without the output embedding, which a read-out of four answers does not need
    assert 7.4e9 < total < 8.1e9
