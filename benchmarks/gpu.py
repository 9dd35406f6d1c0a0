"""Time student, teacher loop and batched teacher on a large causal LM: `python -m benchmarks.gpu`.

Prints one JSON object. The model has the shape of an 8-billion-parameter Llama (32 blocks, hidden
4,096, inner 14,336, 32 heads, 8 of keys and values) and random weights, made on the card in bf16:
nothing is downloaded, and speed does not depend on the weights' values. Every case is a row of
random tokens of one length. Competitors, of the same cases, taking turns in every round:
  student          one pass, adapters merged, the answers' K logits read from the last token
  teacher_loop     N whole passes, one draw of the adapters after another
  teacher_batched  the trunk once, the blocks with adapters for all N draws in one batch
  training_step    forward and backward over cached trunk states, activations recomputed
With --compile the student is measured again, after the others, with torch.compile on its blocks.
The share of the peak is the work that each must do (2 FLOP per weight of a block's maps and token,
causal attention's 2 T^2 d a block; the last block's feed-forward at one token) over its time and
the matmul peak measured in the same run. Without a GPU it prints that and exits 0. `--device cpu
--tiny` runs the same code at a size that a test can afford.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from transformers import AutoModel, LlamaConfig

from core.models.base import adapters
from core.models.base.adapters import Adapter
from core.models.base.backbone import Backbone
from core.models.base.device import compute_dtype
from core.models.base.settings import AdapterSettings
from core.models.scoring.posterior import Draws, Gaussian
from core.models.scoring.sampling import Sampler
from core.models.training.objective import TopClassifier

CHOICES = 4


@dataclass(frozen=True)
class Shape:
    """The model and the work: `cases` rows of `tokens` tokens, `top` blocks with adapters, N
    `samples`.
    """

    hidden: int = 4096
    inner: int = 14_336
    layers: int = 32
    heads: int = 32
    key_heads: int = 8
    vocabulary: int = 128_256
    tokens: int = 256
    cases: int = 64
    batch: int = 16  # cases at once
    samples: int = 10
    top: int = 4


TINY = Shape(64, 128, 4, 4, 2, 256, tokens=12, cases=8, batch=4, samples=3, top=2)


def main(argv: list[str] | None = None) -> None:
    """Measure and print, or say that there is no GPU."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N or cpu (default: cuda)")
    parser.add_argument("--tiny", action="store_true", help="a model of 4 small blocks, for tests")
    for name, what in (
        ("layers", "blocks"),
        ("hidden", "width"),
        ("tokens", "tokens a case"),
        ("cases", "cases a round"),
    ):
        parser.add_argument(f"--{name}", type=int, help=f"{what} (default: {getattr(Shape, name)})")
    parser.add_argument("--batch", type=int, help=f"cases at once (default: {Shape.batch})")
    parser.add_argument("--samples", type=int, help=f"N (default: {Shape.samples})")
    parser.add_argument(
        "--rounds", type=int, default=5, help="rounds, after one to warm up (default: 5)"
    )
    parser.add_argument(
        "--compile", action="store_true", help="measure a compiled student too (minutes to compile)"
    )
    arguments = parser.parse_args(argv)
    device = torch.device(arguments.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        print(
            json.dumps(
                {
                    "benchmark": "gpu",
                    "measured": False,
                    "reason": "no GPU: torch finds no CUDA device here",
                }
            )
        )
        return
    given = {
        k: v
        for k, v in vars(arguments).items()
        if k in Shape.__dataclass_fields__ and v is not None
    }
    print(
        json.dumps(
            measure(
                scaled(TINY if arguments.tiny else Shape(), given),
                device,
                arguments.rounds,
                arguments.compile,
            )
        )
    )


def scaled(shape: Shape, given: dict[str, int]) -> Shape:
    """The shape with what was given; another width keeps the proportion of the inner one and the
    size of a head.
    """
    if hidden := given.get("hidden"):
        head = shape.hidden // shape.heads
        heads = max(1, hidden // head)
        given = given | {
            "hidden": heads * head,
            "heads": heads,
            "inner": shape.inner * heads // shape.heads,
        }
        given["key_heads"] = max(k for k in range(1, shape.key_heads + 1) if heads % k == 0)
    return Shape(**{**asdict(shape), **given})


def measure(shape: Shape, device: torch.device, rounds: int, compiled: bool = False) -> dict:
    """The benchmark's JSON object."""
    backbone = random_backbone(shape, device)
    head = nn.Linear(shape.hidden, CHOICES, device=device)
    runners = competitors(backbone, head, shape)
    seconds, memory = take_turns(runners, device, rounds)
    if compiled:
        backbone.compile_blocks()
        again = take_turns({"student_compiled": runners["student"]}, device, rounds)
        seconds, memory = seconds | again[0], memory | again[1]
    median = {name: statistics.median(times[1:]) for name, times in seconds.items()}
    peak = matmul_peak(device, backbone.model.dtype, 256 if device.type == "cpu" else 8192)
    work = {name: flops(shape, name) for name in seconds}
    return {
        "benchmark": "gpu",
        "measured": True,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "dtype": str(backbone.model.dtype).removeprefix("torch."),
        "attention": backbone.model.config._attn_implementation,
        "torch": torch.__version__,
        "parameters": sum(p.numel() for p in backbone.model.parameters()),
        "shape": asdict(shape),
        "rounds": rounds,
        "matmul_peak_tflops": peak / 1e12,
        "weights_gb": sum(p.numel() * p.element_size() for p in backbone.model.parameters()) / 1e9,
        "results": {
            name: {
                "cases_per_s": shape.cases / s,
                "tokens_per_s": shape.cases * shape.tokens / s,
                "seconds": {
                    "median": s,
                    "low": min(seconds[name][1:]),
                    "high": max(seconds[name][1:]),
                    "n": rounds,
                },
                "peak_memory_gb": memory[name] / 1e9 if memory[name] else None,
                "share_of_peak": work[name] / s / peak,
            }
            for name, s in median.items()
        },
        "student_over_teacher_loop": median["teacher_loop"] / median["student"],
        "teacher_batched_over_student_cost": median["teacher_batched"] / median["student"],
    }


def take_turns(
    runners: dict[str, Callable[[], object]], device: torch.device, rounds: int
) -> tuple[dict[str, list[float]], dict[str, int]]:
    """Seconds of every round by name, the first one to warm up, and the most bytes held."""
    seconds, memory = {name: [] for name in runners}, dict.fromkeys(runners, 0)
    for _ in range(rounds + 1):
        for name, run in runners.items():
            took, peak = timed(run, device)
            seconds[name].append(took)
            memory[name] = max(memory[name], peak)
    return seconds, memory


def random_backbone(shape: Shape, device: torch.device) -> Backbone:
    """A Llama of that shape with random weights, made on the device in its number format."""
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_heads,
        architectures=["LlamaForCausalLM"],
    )
    torch.manual_seed(0)
    with torch.device(device):
        model = AutoModel.from_config(config, dtype=compute_dtype(device)).eval()
    backbone = Backbone(model, None, shape.layers - shape.top, "random", "random weights")
    backbone.allow_narrowing(tolerance=2e-2)
    return backbone


def competitors(
    backbone: Backbone, head: nn.Linear, shape: Shape
) -> dict[str, Callable[[], object]]:
    """What is measured, by name. They share one model: a sampled map to which nothing is drawn is
    its bare map.
    """
    generator = torch.Generator().manual_seed(0)
    batches = torch.randint(shape.vocabulary, (shape.cases, shape.tokens), generator=generator).to(
        backbone.device
    )
    batches = batches.split(shape.batch)
    draws = random_posterior(backbone, head).draw(shape.samples, generator)
    sampler = Sampler(backbone, list(draws.a), 2.0)
    return {
        "student": lambda: student(backbone, head, batches),
        "teacher_loop": lambda: [
            run_teacher(sampler, draws.only(i), batches, whole=True) for i in range(shape.samples)
        ],
        "teacher_batched": lambda: run_teacher(sampler, draws, batches),
        "training_step": training(backbone, sampler, head, batches),
    }


@torch.inference_mode()
def student(backbone: Backbone, head: nn.Linear, batches: tuple[Tensor, ...]) -> Tensor:
    """Answers [cases, K] in one pass."""
    return torch.cat([head(backbone(ids, None).float()).softmax(-1) for ids in batches])


@torch.inference_mode()
def run_teacher(
    sampler: Sampler, draws: Draws, batches: tuple[Tensor, ...], whole: bool = False
) -> Tensor:
    """Mean answers [cases, K] of the draws; `whole`: one draw, by a pass of the whole model."""
    answers = []
    with sampler.sampled(draws):
        for ids in batches:
            if whole:
                states = sampler.backbone(ids, None)[None]
            else:
                states = sampler.read_out(sampler.backbone.trunk(ids, None), None, len(draws))
            answers.append(draws.logits(states.float()).softmax(-1).mean(0))
    return torch.cat(answers)


def training(
    backbone: Backbone, sampler: Sampler, head: nn.Linear, batches: tuple[Tensor, ...]
) -> Callable[[], None]:
    """Forward and backward over cached trunk states with peft's adapters, as
    core.models.training.loop does; no optimiser.
    """
    settings = AdapterSettings(layers=len(backbone.blocks) - backbone.cut, targets="feed_forward")

    def run() -> None:
        sampler.release()
        adapters.attach(backbone, settings)
        backbone.recompute = True
        model = TopClassifier(backbone, head, CHOICES)
        for hidden in states:
            model(hidden, labels=torch.zeros(len(hidden), dtype=torch.long, device=hidden.device))[
                "loss"
            ].backward()
        adapters.detach(backbone)
        backbone.recompute = False
        for name, sampled in sampler.maps.items():
            adapters.replace(backbone, name, sampled)

    with torch.no_grad():
        states = [backbone.trunk(ids, None) for ids in batches]
    return run


def random_posterior(backbone: Backbone, head: nn.Linear) -> Gaussian:
    """Adapters of rank 8 on the feed-forward's maps above the cut, small and random."""
    some, std = [], {}
    names = adapters.target_names(
        backbone,
        AdapterSettings(layers=len(backbone.blocks) - backbone.cut, targets="feed_forward"),
    )
    for name in names:
        outer, inner = backbone.model.get_submodule(name).weight.shape
        a, b = (
            torch.randn(shape, device=backbone.device) * 0.02 for shape in ((8, inner), (outer, 8))
        )
        some.append(Adapter(name, a, b, 2.0))
        std[name] = torch.full_like(a, 0.01)
    return Gaussian(tuple(some), std, head)


def flops(shape: Shape, what: str) -> float:
    """The work that one round of `what` must do; a backward pass through frozen maps costs a
    forward, recomputing another.
    """
    maps = shape.hidden * (2 * shape.hidden + 2 * shape.hidden * shape.key_heads // shape.heads)
    feed_forward = 3 * shape.hidden * shape.inner
    block = shape.tokens * 2 * (maps + feed_forward) + 2 * shape.tokens**2 * shape.hidden
    last = block - (shape.tokens - 1) * 2 * feed_forward
    top = (shape.top - 1) * block + last
    passes = {
        "student": (shape.layers - 1) * block + last,
        "student_compiled": (shape.layers - 1) * block + last,
        "teacher_loop": shape.samples * ((shape.layers - 1) * block + last),
        "teacher_batched": (shape.layers - shape.top) * block + shape.samples * top,
        "training_step": 2 * top,
    }
    return shape.cases * passes[what]


def timed(run: Callable[[], object], device: torch.device) -> tuple[float, int]:
    """Seconds that one call takes, the card's queue emptied, and the most bytes that the card held
    meanwhile (0 on a CPU).
    """
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        torch.cuda.synchronize(device)
    started = time.perf_counter()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    peak = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0
    return time.perf_counter() - started, peak


def matmul_peak(device: torch.device, dtype: torch.dtype, size: int, tries: int = 10) -> float:
    """The best FLOP/s of a square matrix product: 2 size^3 / seconds."""
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    torch.mm(a, b)
    return 2 * size**3 / min(timed(lambda: torch.mm(a, b), device)[0] for _ in range(tries))


if __name__ == "__main__":
    main()
