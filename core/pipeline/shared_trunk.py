"""The frozen trunk's states of a set of cases, computed once for all models that score it.

A point estimate, its teacher and its student differ above the cut only, so the second and third of
them start at the first one's states. Knows no store and no files.
"""

import time
from dataclasses import dataclass, field, replace

import numpy as np


@dataclass
class SharedTrunk:
    """States by base, cut and texts, with the seconds that they took.

    They stay in memory for as long as the object: tokens * hidden size * 4 bytes.
    """

    computed: dict[tuple, tuple] = field(default_factory=dict)

    def timed_answers(
        self, model, texts: list[str], truncate: bool
    ) -> tuple[object, np.ndarray | None, float]:
        """Return a model's Scores, its samples' probabilities [N, n, K] or None, and its seconds.

        model: a core.models OnePass or Teacher. texts, truncate: as of its `scores`. The seconds
        include the trunk's, whoever computed it: they are what the model takes when it runs alone.
        """
        cache, trunk_seconds = self._states(model.backbone, texts, truncate)
        started, samples = time.perf_counter(), None
        if model.surface is not None:
            cache = replace(cache, offsets=model.surface.logits(texts))
        if hasattr(model, "sampled_scores"):
            scores, samples = model.sampled_scores_cached(cache)
        else:
            scores = model.scores_cached(cache)
        return scores, samples, trunk_seconds + time.perf_counter() - started

    def _states(self, backbone, texts: list[str], truncate: bool) -> tuple:
        from core.models.base.trunk import cache_trunk

        about = (backbone.sha256, backbone.cut, str(backbone.model.dtype), backbone.readout)
        key = (*about, truncate, *texts)
        if key not in self.computed:
            started = time.perf_counter()
            cache = cache_trunk(backbone, texts, truncate)
            self.computed[key] = cache, time.perf_counter() - started
        return self.computed[key]
