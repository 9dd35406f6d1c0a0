"""Time the scoring of a case against every honest rival in one run: python -m benchmarks.inference.

On the demo's stream of work orders, from text to answer, tokenising included:
  bare             the backbone and a linear head: what a plain fine-tuned classifier costs
  student          the distilled model: probabilities and all three uncertainties
  teacher_loop     N = 10 samples as N whole passes, with random adapters in the top half of the
                   blocks
  teacher_batched  the same N = 10 samples as one batched computation over the shared trunk
  teacher_demo     the demo's own teacher, N = 10, batched: its adapters are in the last block
  pipeline         transformers' text-classification pipeline at its defaults, with the same
                   architecture and weights
and on a CPU those of benchmarks.inference_rivals: sentence-transformers and ONNX Runtime, where they
are installed. All take turns in every round, and ratios are medians of the rounds' own ratios, because machines
are noisy. The physical limit is the matmul peak that this machine reaches on a square product. The
share of a rival is its useful work over the time it took: the multiply-adds of the blocks that it
has to run on real tokens, without padding, adapters and embeddings. Work that is not needed (the
trunk again for each of N samples, padding) does not count as useful.
"""

import argparse
import json
import logging
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, pipeline

from benchmarks.inference_rivals import FP32_RIVALS, has_vnni, rivals
from core.cases.read import read_cases
from core.cases.workorders import ORDERS_LINE as NAME
from core.errors import ModelError
from core.models.base import adapters
from core.models.base.backbone import Backbone, load_backbone
from core.models.base.batches import token_batches, tokenize
from core.models.base.card import read_card
from core.models.base.device import compute_dtype, pick_device
from core.models.base.settings import AdapterSettings
from core.models.scoring import checkpoint
from core.models.scoring.posterior import Gaussian
from core.models.scoring.scorers import OnePass, Teacher
from core.settings import Settings

SAMPLES = 10  # N, the teacher's passes a case
# What must be reached: field, bound, direction.
LIMITS = {
    "student_over_bare": (0.95, "at least"),
    "student_over_teacher_loop": (10.0, "at least"),
    "teacher_batched_over_student_cost": (4.0, "at most"),
    "student_over_pipeline": (2.0, "at least"),
    "student_over_fastest_fp32_rival": (1.5, "at least"),
}
INT8 = 1.8  # student_int8_over_fp32, where the processor has VNNI


def main() -> None:
    """Measure, print one JSON object, exit 1 where a limit is not reached."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.inference", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--cases", type=int, default=512, help="work orders a round (default: 512)")
    parser.add_argument(
        "--rounds", type=int, default=5, help="rounds, after one to warm up (default: 5)"
    )
    arguments = parser.parse_args()
    quiet()
    settings = Settings()
    if not (settings.models / f"{NAME}-student" / "model.json").is_file():
        raise SystemExit("the demo's models are not there: run `make demo` first")
    result = measure(settings, arguments.cases, arguments.rounds)
    print(json.dumps(result, indent=2))
    raise SystemExit(0 if result["reached"] else 1)


def measure(settings: Settings, cases: int, rounds: int) -> dict:
    """The benchmark's JSON object."""
    device = pick_device(settings.device)
    texts = read_cases(settings.data / NAME / "stream.csv").frame["text"].tolist()
    texts = texts[:: max(1, len(texts) // cases)][:cases]  # spread over the years
    runners, student = competitors(settings, texts, device)
    left_out: dict[str, str] = {}
    graphs = tempfile.TemporaryDirectory(prefix="kakushin-inference-")
    if device.type == "cpu":
        card = read_card(settings.models / f"{NAME}-student")
        source = student.backbone.source
        others, left_out = rivals(card, student, source, texts, Path(graphs.name))
        runners |= others
    seconds = {name: [] for name in runners}
    for _ in range(rounds + 1):
        for name, run in runners.items():
            seconds[name].append(timed(run, device))
    seconds = {name: times[1:] for name, times in seconds.items()}
    graphs.cleanup()

    peak = matmul_peak(device, compute_dtype(device))
    depth = len(student.backbone.blocks)
    one = useful_flops(student.backbone, texts, depth, 1)
    work = dict.fromkeys(("bare", "student", "pipeline"), one) | {"teacher_loop": SAMPLES * one}
    work |= {"teacher_batched": useful_flops(student.backbone, texts, depth // 2, SAMPLES)}
    work |= {"teacher_demo": useful_flops(student.backbone, texts, student.backbone.cut, SAMPLES)}
    ratios = {
        "student_over_bare": ratio(seconds, "bare", "student"),
        "student_over_teacher_loop": ratio(seconds, "teacher_loop", "student"),
        "teacher_batched_over_student_cost": ratio(seconds, "teacher_batched", "student"),
        "student_over_pipeline": ratio(seconds, "pipeline", "student"),
        "teacher_demo_over_student_cost": ratio(seconds, "teacher_demo", "student"),
    }
    fp32 = [name for name in FP32_RIVALS if name in seconds]
    fastest = min(fp32, key=lambda name: statistics.median(seconds[name]))
    ratios["student_over_fastest_fp32_rival"] = ratio(seconds, fastest, "student")
    # The student's engine is one of its own: the faster of the two is what `score` can run.
    if "student_onnx_fp32" in seconds:
        ratios["student_onnx_over_fastest_fp32_rival"] = ratio(
            seconds, fastest, "student_onnx_fp32"
        )
        ratios["student_int8_over_fp32"] = ratio(seconds, "student", "student_onnx_int8")
    return {
        "benchmark": "inference",
        "device": str(device),
        "threads": torch.get_num_threads(),
        "cases": len(texts),
        "rounds": rounds,
        "cases_per_s": {
            name: round(len(texts) / statistics.median(times), 1) for name, times in seconds.items()
        },
        **{name: round(value, 3) for name, value in ratios.items()},
        "matmul_peak_gflops": round(peak / 1e9, 1),
        "flops_share": {
            name: round(work[name] / statistics.median(seconds[name]) / peak, 4) for name in work
        },
        "fastest_fp32_rival": fastest,
        "left_out": left_out,
        "vnni": has_vnni(),
        "limits": {name: f"{word} {bound}" for name, (bound, word) in LIMITS.items()},
        "reached": all(
            ratios[n] >= bound if word == "at least" else ratios[n] <= bound
            for n, (bound, word) in LIMITS.items()
        )
        and (not has_vnni() or ratios.get("student_int8_over_fp32", INT8) >= INT8),
    }


def competitors(
    settings: Settings, texts: list[str], device: torch.device
) -> tuple[dict[str, Callable[[], object]], OnePass]:
    """What is measured, by name, and the student."""
    _, student = checkpoint.load(settings.models / f"{NAME}-student", device)
    _, own = checkpoint.load(settings.models / f"{NAME}-teacher", device, samples=SAMPLES)
    card = read_card(settings.models / f"{NAME}-point")
    source = student.backbone.source
    bare = load_backbone(source, lambda n: n // 2, device, compute_dtype(device))
    bare.narrow_last = False  # as transformers runs it
    head = torch.nn.Linear(bare.hidden_size, len(card.labels)).to(device)
    teacher = random_teacher(source, head, device)
    return {
        "bare": lambda: run_bare(bare, head, texts),
        "student": lambda: student.scores(texts),
        "teacher_loop": lambda: run_teacher_loop(teacher, texts),
        "teacher_batched": lambda: teacher.scores(texts),
        "teacher_demo": lambda: own.scores(texts),
        "pipeline": make_pipeline(source, len(card.labels), device, texts),
    }, student


def random_teacher(source: str, head: torch.nn.Linear, device: torch.device) -> Teacher:
    """A teacher with random adapters on the feed-forward's second map of the top half: its values
    cost no time.
    """
    where = AdapterSettings(layers=None, targets="down")
    backbone = load_backbone(source, where.cut, device, compute_dtype(device))
    adapters.attach(backbone, where)
    fresh = [replace(x, b=torch.full_like(x.b, 0.01)) for x in adapters.read_adapters(backbone)]
    adapters.detach(backbone)
    std = {x.name: torch.full_like(x.a, 0.1) for x in fresh}
    return Teacher(backbone, Gaussian(tuple(fresh), std, head), where.scale, SAMPLES)


@torch.inference_mode()
def run_bare(backbone: Backbone, head: torch.nn.Linear, texts: list[str]) -> torch.Tensor:
    """The same length-sorted batches as the student's, backbone and head alone."""
    ids = tokenize(backbone.tokenizer, texts, backbone.max_tokens)
    out = torch.empty(len(ids), head.out_features)
    for batch in token_batches(ids, backbone.device):
        out[batch.index] = head(backbone(batch.ids, batch.mask).float()).cpu()
    return out


@torch.inference_mode()
def run_teacher_loop(teacher: Teacher, texts: list[str]) -> torch.Tensor:
    """N whole passes, one draw of the weights after another, each over the student's own
    batches.
    """
    draws = teacher.draws()
    mean = torch.zeros(len(texts), draws.bias.shape[-1])
    for i in range(teacher.samples):
        one = draws.only(i)
        with teacher.sampler.sampled(one):
            ids = tokenize(teacher.backbone.tokenizer, texts, teacher.backbone.max_tokens)
            for batch in token_batches(ids, teacher.backbone.device):
                logits = one.logits(teacher.backbone(batch.ids, batch.mask).float()[None])[0]
                mean[batch.index] += logits.softmax(-1).cpu()
    return mean / teacher.samples


def make_pipeline(
    source: str, labels: int, device: torch.device, texts: list[str]
) -> Callable[[], object]:
    """transformers' own pipeline at its defaults: a classifier of this architecture, one text at a
    time.
    """
    model = AutoModelForSequenceClassification.from_pretrained(source, num_labels=labels)
    try:
        classify = pipeline(
            "text-classification", model=model.eval(), tokenizer=source, device=device
        )
    except ValueError as e:
        raise ModelError(
            f"transformers has no text-classification pipeline for {source!r}: {e}"
        ) from e
    return lambda: classify(texts)


def timed(run: Callable[[], object], device: torch.device) -> float:
    """Seconds that one call takes, the device's queue emptied."""
    started = time.perf_counter()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started


def ratio(seconds: dict[str, list[float]], slow: str, fast: str) -> float:
    """Median over the rounds of slow / fast."""
    return statistics.median(s / f for s, f in zip(seconds[slow], seconds[fast], strict=True))


def matmul_peak(
    device: torch.device, dtype: torch.dtype, size: int = 2048, tries: int = 5
) -> float:
    """The best FLOP/s of a square matrix product on this machine: 2 size^3 / seconds."""
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    torch.mm(a, b)
    return 2 * size**3 / min(timed(lambda: torch.mm(a, b), device) for _ in range(tries))


def useful_flops(backbone: Backbone, texts: list[str], cut: int, samples: int) -> float:
    """FLOP of scoring the texts: the blocks below `cut` once, those above it for every sample.

    2 per weight and token, and attention's 4 T^2 d a block. Run once for all samples: the attention
    of the first block above the cut too, which no adapter in the feed-forward changes; and the last
    block's feed-forward runs at one token.
    """
    lengths = np.array(
        [len(x) for x in tokenize(backbone.tokenizer, texts, backbone.max_tokens)], dtype=np.float64
    )
    tokens, squares, last = lengths.sum(), (lengths**2).sum(), len(backbone.blocks) - 1
    total = 0.0
    for i in range(last + 1):
        maps = backbone.feed_forward(i)
        attention = (
            2 * _weights(backbone, maps.attention) * tokens + 4 * backbone.hidden_size * squares
        )
        feed = (
            2
            * _weights(backbone, maps.up + maps.down)
            * (len(texts) if i == last and backbone.narrow_last else tokens)
        )
        total += attention * (samples if i > cut else 1) + feed * (samples if i >= cut else 1)
    return float(total)


def _weights(backbone: Backbone, names: tuple[str, ...]) -> int:
    return sum(backbone.model.get_submodule(name).weight.numel() for name in names)


def quiet() -> None:
    """One JSON object and nothing else: the libraries' notices do not belong in it."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()


if __name__ == "__main__":
    main()
