"""MC dropout (arXiv 1506.02142) on the adapters' inputs, in training and in every sample.

peft's own dropout draws a mask for every token. Here a case has one mask for all its tokens in
training, and a sample has one for all cases: a draw is one model, as mutual information requires.
"""

from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor

from core.models.base import adapters
from core.models.base.backbone import Backbone
from core.models.base.settings import DropoutSettings
from core.models.scoring.posterior import Dropout
from core.models.teachers.job import Fitted, TeacherJob
from core.models.training.objective import Noise


def fit_dropout(job: TeacherJob, settings: DropoutSettings) -> Fitted:
    """Train with the masks on; the posterior stores the rate."""
    trained, head = job.train("dropout", job.settings.loop.seed, CaseMasks(settings.rate))
    return Fitted(Dropout(trained, settings.rate, head), {"rate": settings.rate})


class CaseMasks(Noise):
    """Switches inputs of A off at `rate`, one mask a case; divides the others by 1 - rate."""

    def __init__(self, rate: float):
        super().__init__()
        self.rate = rate

    @contextmanager
    def on(self, backbone: Backbone):
        """During one forward: z = A x becomes A (x * mask) / (1 - rate)."""
        weights = {name: adapters.factors(layer)[0] for name, layer in adapters.layers(backbone)}

        def mask(name: str, x: Tensor, z: Tensor) -> Tensor:
            axes = [1] * (x.dim() - 2)
            keep_mask = self.by_case(
                lambda n: torch.rand(n, *axes, x.shape[-1], device=x.device) >= self.rate, len(x)
            )
            # A hook cannot change A's input after the fact, so z is computed again from the masked
            # one.
            return F.linear(x * keep_mask / (1 - self.rate), weights[name])

        handles = adapters.hook_a(backbone, mask)
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
