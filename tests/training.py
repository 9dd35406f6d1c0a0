"""A training that takes a second: core.models.training's loop on tests.tiny's encoder."""

import numpy as np
import torch

from core.models.base import adapters
from core.models.base.backbone import load_backbone
from core.models.base.settings import AdapterSettings, LoopSettings, LossSettings, Schedule
from core.models.base.trunk import cache_trunk
from core.models.scoring.heads import uncertainty_head
from core.models.scoring.spread import Moments
from core.models.training.loop import fit_model, new_head
from core.models.training.objective import NO_LABEL, Targets, TopClassifier
from core.pipeline.train import texts_of
from tests import tiny

CPU = torch.device("cpu")
LABELS = tuple(sorted(tiny.TOPICS))
LOOP = LoopSettings(epochs=2, batch_size=16, learning_rate=5e-3, seed=3)
ADAPTER = AdapterSettings(layers=2, targets="feed_forward")


def train(
    base, folder, loop=LOOP, cases=64, change=lambda model: None, spread="none"
) -> dict[str, torch.Tensor]:
    """A tiny training's final weights. With a spread it is a student's, and a quarter of the cases
    has no label.
    """
    backbone = load_backbone(str(base), ADAPTER.cut, CPU)
    texts = texts_of(tiny.cases(cases), LABELS)
    torch.manual_seed(loop.seed)
    adapters.attach(backbone, ADAPTER)
    model = TopClassifier(
        backbone,
        new_head(backbone, uncertainty_head(spread).outputs(3), loop.seed),
        3,
        LossSettings(spread=spread),
    )
    targets = Targets(texts.labels)
    if spread != "none":
        labels = np.where(np.arange(cases) % 4 == 0, NO_LABEL, texts.labels)
        logits = torch.randn(5, cases, 3, generator=torch.Generator().manual_seed(0))
        targets = Targets(labels, Moments.of(logits))
    change(model)
    fit_model(
        model,
        cache_trunk(backbone, texts.texts),
        targets,
        loop,
        folder,
        Schedule(shape="constant", end=0.5 if spread != "none" else 0.0),
    )
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
