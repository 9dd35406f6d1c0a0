"""The student: fresh adapters and a head, trained on the teacher's samples of the cases.

Works on cached trunk states; core.models.training.distill knows the files. A case without a label,
such as an augmented copy, teaches by the teacher alone.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from core.models.base import adapters
from core.models.base.adapters import Adapter
from core.models.base.backbone import Backbone
from core.models.base.settings import FRESH_EPOCHS, DistillSettings
from core.models.base.trunk import TrunkCache, top_states
from core.models.scoring.heads import gaussian_output, uncertainty_head
from core.models.scoring.spread import Moments
from core.models.training.loop import fit_model, new_head
from core.models.training.objective import NO_LABEL, Targets, TopClassifier

RIDGE = 0.1  # as a share of the states' mean variance
SCOUTS = 2  # samples of the teacher that decide which cases get all N


def settle_start(settings: DistillSettings, fits: bool, readout: str) -> DistillSettings:
    """Return the settings with the start of "auto" decided.

    fits: whether the teacher has a mean at which these adapters can start. readout: of the base; a
    language model's students start fresh, and their epochs are chosen for that.
    """
    if settings.start != "auto":
        return settings
    if fits and readout == "classify":
        return settings.model_copy(update={"start": "teacher"})
    epochs = settings.loop.epochs * (FRESH_EPOCHS if readout == "classify" else 1)
    loop = settings.loop.model_copy(update={"epochs": epochs})
    return settings.model_copy(update={"start": "fresh", "loop": loop})


# Returns the teacher's moments on the cases at the given positions, and with by_sample=True each
# sample's probabilities [N, n, K], else None; samples=n takes n of the N samples.
SampleMoments = Callable[..., tuple[Moments, np.ndarray | None]]


def teaching_cases(
    sample: SampleMoments, labels: np.ndarray, settings: DistillSettings
) -> np.ndarray:
    """Return the positions, ascending, of the cases that teach.

    sample: samples the teacher. labels: of all cases, NO_LABEL where unknown. These are all
    labelled cases, and of the others the share `settings.keep`. By "epistemic" those with the
    highest mutual information between answer and weights (BALD: Houlsby et al. 2011, arXiv
    1112.5745, eq. 2), estimated from SCOUTS samples: on the remaining cases the teacher's samples
    agree, and a student that has learned the mean elsewhere hardly needs them. Their trunk runs
    nevertheless; N samples and training do not.
    """
    free = np.flatnonzero(labels == NO_LABEL)
    keep_count = round(settings.keep * len(free))
    if keep_count == len(free):
        return np.arange(len(labels))
    if settings.keep_by == "random":
        ranked = np.random.default_rng(settings.loop.seed).permutation(len(free))
    else:
        moments, _ = sample(free, samples=SCOUTS)
        # Minus the mutual information, so that the most uncertain cases come first.
        ranked = np.argsort(moments.aleatoric - moments.total, kind="stable")
    return np.sort(np.concatenate([np.flatnonzero(labels != NO_LABEL), free[ranked[:keep_count]]]))


def distillation_targets(
    sample: SampleMoments, index: np.ndarray, labels: np.ndarray, settings: DistillSettings
) -> Targets:
    """Return what a student is to learn: the teacher, sampled once over the cases at `index`.

    sample: samples the teacher. labels: their positions [n], or NO_LABEL. settings: `online` stores
    each sample's probabilities too.
    """
    return Targets(labels, *sample(index, by_sample=settings.online))


def train_student(
    backbone: Backbone,
    cache: TrunkCache,
    targets: Targets,
    classes: int,
    settings: DistillSettings,
    work: Path,
    start: tuple[list[Adapter], nn.Linear | None] = ([], None),
    frozen: bool = False,
) -> nn.Linear:
    """Attach adapters to the backbone, train them and a head on the targets; return the head.

    cache: trunk states of the cases. targets: theirs. classes: K. settings: of the distillation.
    work: folder of checkpoints. start: adapters ([] for fresh ones) and a head of K rows (None for
    a fresh one) to begin at. frozen: whether those rows stay unchanged.
    """
    adapters.attach(backbone, settings.adapter, settings.loop.seed)
    head = new_head(
        backbone, uncertainty_head(settings.loss.spread).outputs(classes), settings.loop.seed
    )
    _begin_at(backbone, head, *start)
    if settings.loss.spread == "gaussian" and targets.moments is not None:
        _begin_spread(head, top_states(backbone, cache), targets.moments, classes)
    model = TopClassifier(backbone, head, classes, settings.loss, frozen=frozen)
    fit_model(model, cache, targets, settings.loop, work, settings.schedule, "student")
    return head.requires_grad_(False)


def _begin_at(
    backbone: Backbone, head: nn.Linear, start: list[Adapter], trained: nn.Linear | None
) -> None:
    """Set the given A, B and head's rows; the spread's rows stay fresh."""
    if start:
        adapters.write_adapters(backbone, start)
    if trained is None:
        return
    classes = trained.out_features
    with torch.no_grad():
        head.weight[:classes] = trained.weight
        head.bias[:classes] = trained.bias


def _begin_spread(head: nn.Linear, states: np.ndarray, moments: Moments, classes: int) -> None:
    """Set a Gaussian's rows of log deviations to a ridge regression on the states [n, d].

    A few epochs at a small rate would not learn which cases have a spread.
    """
    target = gaussian_output(np.sqrt(moments.logit_var))
    centre, mean = states.mean(0), target.mean(0)
    x = (states - centre).astype(np.float64)
    # Normal equations are d x d, however many cases there are; float64 makes up for their
    # condition.
    gram = x.T @ x
    ridge = RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
    weight = np.linalg.solve(gram + ridge, x.T @ (target - mean)).T  # [K, d]
    with torch.no_grad():
        head.weight[classes:] = torch.as_tensor(weight, dtype=head.weight.dtype)
        head.bias[classes:] = torch.as_tensor(mean - weight @ centre, dtype=head.bias.dtype)
