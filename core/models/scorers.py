"""Models that score cases: the teacher in N samples, and one-pass models (point estimate and student).

Each answers `scores(texts) -> Scores`. Knows backbones, heads and samples; does not know files, training or the store.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from tqdm import tqdm

from core.models.backbone import Backbone
from core.models.batches import pad, plan_batches, token_batches, tokenize
from core.models.sampling import Sampler
from core.models.spread import Scores, collect, entropy, predictive
from core.models.trunk import TrunkCache

# Tokens times samples in one batch of the teacher: beyond this the activations leave the caches of a CPU (measured on 2
# cores: 2,560 is fastest of 1,280 to 16,000).
_ROWS_PER_BATCH = 2560


class OnePass:
    """Point estimate or student: one forward pass a case, adapters merged.

    The head has K outputs, and one more where the model was taught the spread: g, with aleatoric = sigmoid(g) * total. So
    0 <= aleatoric <= total always, and epistemic = total - aleatoric. A model without it says aleatoric = total, epistemic = 0.
    """

    passes = 1

    def __init__(self, backbone: Backbone, head: nn.Linear, classes: int):
        self.backbone, self.head, self.classes = backbone, head, classes
        self.knows_spread = head.out_features == classes + 1

    @torch.inference_mode()
    def scores(self, texts: Sequence[str], truncate: bool = False, progress: str | None = None) -> Scores:
        """Score the texts, in their order. Raises CasesError for a text too long, NonFiniteError for a broken answer."""
        ids = tokenize(self.backbone.tokenizer, texts, self.backbone.max_tokens, truncate)
        out = torch.empty(len(ids), self.head.out_features)
        with tqdm(total=len(ids), desc=progress, unit=" cases", disable=progress is None) as bar:
            for batch in token_batches(ids, self.backbone.device):
                out[batch.index] = self.head(self.backbone(batch.ids, batch.mask).float()).cpu()
                bar.update(len(batch.index))
        return self.decide(out)

    def decide(self, out: Tensor) -> Scores:
        """Head outputs [n, K] or [n, K + 1] -> Scores."""
        p = out[:, : self.classes].double().softmax(-1)
        share = out[:, self.classes].double().sigmoid() if self.knows_spread else torch.ones(len(out), dtype=torch.float64)
        return collect(p, share * entropy(p))


class Teacher:
    """A Bayesian LoRA model, sampled N times a case: one batched computation over the trunk.

    The draws come from the seed alone: the same N models for every case, batch and call.
    """

    def __init__(self, backbone: Backbone, head: nn.Linear, sampler: Sampler, samples: int, seed: int = 0):
        self.backbone, self.head, self.sampler, self.samples, self.seed = backbone, head, sampler, samples, seed

    @property
    def passes(self) -> int:
        return self.samples

    @property
    def _tokens_per_batch(self) -> int:
        return max(64, _ROWS_PER_BATCH // self.samples)

    def _noise(self) -> dict[str, Tensor]:
        return self.sampler.draw(self.samples, torch.Generator().manual_seed(self.seed))

    @torch.inference_mode()
    def scores(self, texts: Sequence[str], truncate: bool = False, progress: str | None = None) -> Scores:
        """Score the texts, in their order; the trunk runs once a case, the top N times."""
        ids = tokenize(self.backbone.tokenizer, texts, self.backbone.max_tokens, truncate)
        mean, aleatoric = self._empty(len(ids))
        with (
            self.sampler.sampled(self._noise()) as samples,
            tqdm(total=len(ids), desc=progress, unit=" cases", disable=progress is None) as bar,
        ):
            for batch in token_batches(ids, self.backbone.device, self._tokens_per_batch):
                hidden = self.backbone.trunk(batch.ids, batch.mask)
                logits = self.head(self.sampler.read_out(hidden, batch.mask, samples).float())  # [N, B, K]
                mean[batch.index], aleatoric[batch.index] = (x.cpu() for x in predictive(logits))
                bar.update(len(batch.index))
        return collect(mean, aleatoric)

    @torch.inference_mode()
    def scores_cached(self, cache: TrunkCache, scale: float = 1.0, progress: str | None = None) -> Scores:
        """Score cases whose trunk states are cached; `scale` multiplies the posterior's spread (0 is the point estimate)."""
        mean, aleatoric = self._empty(len(cache))
        with (
            self.sampler.sampled(self._noise(), scale) as samples,
            tqdm(total=len(cache), desc=progress, unit=" cases", disable=progress is None) as bar,
        ):
            for index in plan_batches(cache.lengths, self._tokens_per_batch):
                hidden, mask = pad([cache.states[i] for i in index])
                logits = self.head(self.sampler.read_out(hidden, mask, samples).float())
                mean[index], aleatoric[index] = (x.cpu() for x in predictive(logits))
                bar.update(len(index))
        return collect(mean, aleatoric)

    def _empty(self, cases: int) -> tuple[Tensor, Tensor]:
        return torch.empty(cases, self.head.out_features, dtype=torch.float64), torch.empty(cases, dtype=torch.float64)
