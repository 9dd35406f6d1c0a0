"""Models that score cases: the teacher in N samples, and one-pass models (point and student).

Each has `scores(texts) -> Scores`. Knows backbones, heads and samples; does not know files,
training or the store.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from core.models.base.backbone import Backbone
from core.models.base.batches import plan_batches, token_batches
from core.models.base.memory import by_halves
from core.models.base.products import rounded_products
from core.models.base.trunk import TrunkCache, top_states
from core.models.scoring.heads import uncertainty_head
from core.models.scoring.novelty import Novelty
from core.models.scoring.posterior import Draws, Posterior
from core.models.scoring.sampling import Sampler
from core.models.scoring.spread import Moments, Scores, collect, predictive
from core.models.scoring.surface import SurfaceTerm, add_offset
from core.progress import ProgressBar

# Tokens times samples in one batch of the teacher: above this the activations leave a CPU's caches
# (measured on 2 cores: 2,560 is the fastest of 1,280 to 16,000).
_ROWS_PER_BATCH = 2560
_NOVELTY_ROWS = 4096  # cases compared with the training states at once: 32 MB


class OnePass:
    """A model of one forward pass a case, adapters merged: linear, point estimate or student.

    backbone, head: of the model. classes: K. spread: name of the reading of the head's outputs.
    surface: logits from n-grams, added to the head's; None adds nothing. novelty: how unlike the
    training cases a case is, from the same state; None gives none.
    """

    passes = 1

    def __init__(
        self,
        backbone: Backbone,
        head: nn.Linear,
        classes: int,
        spread: str = "none",
        surface: SurfaceTerm | None = None,
        novelty: Novelty | None = None,
    ):
        self.backbone, self.head, self.classes = backbone, head, classes
        self.spread = uncertainty_head(spread)
        self.surface, self.novelty = surface, novelty

    @torch.inference_mode()
    def scores(
        self, texts: Sequence[str], truncate: bool = False, progress: str | None = None
    ) -> Scores:
        """Return the scores of the texts, in their order.

        truncate: read the beginning of texts that are too long. progress: the bar's caption, None
        for no bar. Raises CasesError for a text that is too long, NonFiniteError for an answer that
        is not finite.
        """
        ids = self.backbone.tokens(texts, truncate)
        # One state a text is small, so head, surface and novelty run once over all texts.
        states = torch.empty(len(ids), self.backbone.hidden_size)
        with ProgressBar(
            total=len(ids), desc=progress, unit=" cases", disable=progress is None
        ) as bar:
            for batch in token_batches(ids, self.backbone.device, self.backbone.tokens_per_batch):
                states[batch.index] = by_halves(self.backbone, batch.ids, batch.mask).float().cpu()
                bar.update(len(batch.index))
        return self.read_states(
            states, None if self.surface is None else self.surface.logits(texts)
        )

    @torch.inference_mode()
    def scores_cached(self, cache: TrunkCache) -> Scores:
        """Return the scores of cases whose trunk states are cached."""
        return self.read_states(torch.from_numpy(top_states(self.backbone, cache)), cache.offsets)

    def read_states(self, states: Tensor, offsets: Tensor | None = None) -> Scores:
        """Return the scores of read-out states [n, d], with the logits' offsets [n, K]."""
        # The head runs on its device, everything after it on the CPU in float64: n x K is small,
        # and entropies of sure answers need the precision.
        out = self.head(states.to(self.head.weight.device)).cpu()
        scores = self.decide(out if offsets is None else add_offset(out, offsets))
        if self.novelty is None:
            return scores
        parts = zip(
            states.split(_NOVELTY_ROWS),
            torch.from_numpy(scores.total).split(_NOVELTY_ROWS),
            strict=True,
        )
        shares = [self.novelty.percentile(*part) for part in parts]
        return replace(
            scores, novelty=torch.cat(shares).double().numpy() if shares else np.zeros(0)
        )

    def decide(self, out: Tensor) -> Scores:
        """Return the scores of head outputs [n, outputs]."""
        logp, aleatoric = self.spread.predict(out.double(), self.classes)
        p = logp.exp()
        # exp(log p) adds up to 1 only up to rounding.
        return collect(p / p.sum(-1, keepdim=True), aleatoric)


class Teacher:
    """A distribution over adapters, sampled N times a case: one batched computation over the trunk.

    The draws come from the seed alone: the same N models for every case, batch and call. backbone:
    its maps are replaced by sampled ones. posterior: the distribution. scale: of the adapters.
    samples: N. seed: of the draws. surface: logits from n-grams, added to every sample's; None adds
    nothing.
    """

    def __init__(
        self,
        backbone: Backbone,
        posterior: Posterior,
        scale: float,
        samples: int,
        seed: int = 0,
        surface: SurfaceTerm | None = None,
    ):
        self.backbone, self.posterior, self.samples, self.seed = backbone, posterior, samples, seed
        self.surface = surface
        # One draw tells the names of the maps, in any family of posteriors.
        self.sampler = Sampler(backbone, list(self.draws(1).a), scale)

    @property
    def passes(self) -> int:
        """Return the number of passes for each case."""
        return self.samples

    def draws(self, samples: int | None = None, posterior: Posterior | None = None) -> Draws:
        """Return the N models, from the seed; None is the teacher's own N or posterior."""
        return (posterior or self.posterior).draw(
            samples or self.samples, torch.Generator().manual_seed(self.seed)
        )

    def scores(
        self, texts: Sequence[str], truncate: bool = False, progress: str | None = None
    ) -> Scores:
        """Return the scores of the texts, in their order.

        The trunk runs once a case, the top N times. Parameters and errors as of OnePass.scores.
        """
        ids = self.backbone.tokens(texts, truncate)
        return self._collect(self._from_texts(texts, ids), len(ids), self.draws(), progress)

    def sampled_scores(
        self, texts: Sequence[str], truncate: bool = False
    ) -> tuple[Scores, np.ndarray]:
        """Return what `scores` returns, and each sample's probabilities, [N, n, K], float32."""
        ids = self.backbone.tokens(texts, truncate)
        return self._sampled(self._from_texts(texts, ids), len(ids))

    def sampled_scores_cached(self, cache: TrunkCache) -> tuple[Scores, np.ndarray]:
        """Return what `sampled_scores` returns, of cases whose trunk states are cached."""
        return self._sampled(self._from_cache(cache), len(cache))

    def _sampled(self, batches: Iterator, cases: int) -> tuple[Scores, np.ndarray]:
        draws = self.draws()
        samples = torch.empty(len(draws), cases, draws.bias.shape[-1])
        scores = self._collect(batches, cases, draws, None, samples)
        return scores, samples.numpy()

    def scores_cached(
        self, cache: TrunkCache, posterior: Posterior | None = None, progress: str | None = None
    ) -> Scores:
        """Return the scores of cases whose trunk states are cached.

        posterior: used in place of the teacher's own, on the same maps; None is its own.
        """
        return self._collect(
            self._from_cache(cache), len(cache), self.draws(posterior=posterior), progress
        )

    @torch.inference_mode()
    def moments(
        self,
        cache: TrunkCache,
        keep_samples: bool = False,
        progress: str | None = None,
        samples: int | None = None,
    ) -> tuple[Moments, np.ndarray | None]:
        """Return the samples' moments on every cached case, which a student learns.

        keep_samples: also return the probabilities [N, n, K], else None. progress: the bar's
        caption, None for no bar. samples: how many of the N, None for all.
        """
        draws, parts, order = self.draws(samples), [], []
        probabilities: list[np.ndarray] = []
        with (
            rounded_products(),
            self.sampler.sampled(draws),
            ProgressBar(
                total=len(cache), desc=progress, unit=" cases", disable=progress is None
            ) as bar,
        ):
            for index, hidden, mask, offset in self._from_cache(cache):
                logits = self._logits(draws, hidden, mask, offset)
                parts.append(Moments.of(logits))
                if keep_samples:
                    probabilities.append(logits.softmax(-1).cpu().numpy())
                order.append(index)
                bar.update(len(index))
        # Batches go by length; this restores the order of the cases.
        place = np.argsort(np.concatenate(order))
        return Moments.join(parts, place), np.concatenate(probabilities, 1)[
            :, place
        ] if keep_samples else None

    def _logits(
        self, draws: Draws, hidden: Tensor, mask: Tensor | None, offset: Tensor | float
    ) -> Tensor:
        """Return the logits of all models [N, B, K]; offset [B, K], or 0, is common to them."""

        def run(hidden: Tensor, mask: Tensor | None) -> Tensor:
            return draws.logits(self.sampler.read_out(hidden, mask, len(draws)).float())

        return by_halves(run, hidden, mask, dim=1) + offset

    @torch.inference_mode()
    def _collect(
        self,
        batches: Iterator,
        cases: int,
        draws: Draws,
        progress: str | None,
        samples: Tensor | None = None,
    ) -> Scores:
        """Return the batches' scores; fill `samples` [N, n, K] with each sample's probabilities.

        samples: None where they are not needed.
        """
        mean = torch.empty(cases, draws.bias.shape[-1], dtype=torch.float64)
        aleatoric = torch.empty(cases, dtype=torch.float64)
        with (
            self.sampler.sampled(draws),
            ProgressBar(total=cases, desc=progress, unit=" cases", disable=progress is None) as bar,
        ):
            for index, hidden, mask, offset in batches:
                logits = self._logits(draws, hidden, mask, offset)
                mean[index], aleatoric[index] = (x.cpu() for x in predictive(logits))
                if samples is not None:
                    samples[:, index] = logits.double().softmax(-1).float().cpu()
                bar.update(len(index))
        return collect(mean, aleatoric)

    @property
    def _tokens_per_batch(self) -> int:
        rows = (
            _ROWS_PER_BATCH
            if self.backbone.device.type == "cpu"
            else self.backbone.tokens_per_batch
        )
        # 64 keeps a batch worthwhile for many samples; each of its tokens becomes N rows in the
        # top.
        return max(64, rows // self.samples)

    def _from_texts(self, texts: Sequence[str], ids: list[list[int]]) -> Iterator[tuple]:
        """Yield the batches' positions, trunk states, mask and offset."""
        offsets = None if self.surface is None else self.surface.logits(texts)
        for batch in token_batches(ids, self.backbone.device, self._tokens_per_batch):
            hidden = by_halves(self.backbone.trunk, batch.ids, batch.mask)
            yield (
                batch.index,
                hidden,
                batch.mask,
                0.0 if offsets is None else offsets[batch.index].to(hidden.device),
            )

    def _from_cache(self, cache: TrunkCache) -> Iterator[tuple]:
        for index in plan_batches(cache.lengths, self._tokens_per_batch):
            yield (
                index,
                *cache.batch(index, self.backbone.device),
                cache.offset(index, self.backbone.device),
            )
