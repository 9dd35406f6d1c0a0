"""Teachers, one in each file: each turns a TeacherJob into a distribution over adapters.

The class of the settings decides which teacher it is.
"""

from collections.abc import Callable
from operator import itemgetter
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from core.models.base import adapters
from core.models.base.settings import (
    BlobSettings,
    DropoutSettings,
    EnsembleSettings,
    LaplaceSettings,
    MixtureSettings,
    TeacherSettings,
    TfbSettings,
)
from core.models.base.trunk import top_states
from core.models.scoring.posterior import Dropout, Gaussian, Posterior, shrunk, tempered
from core.models.scoring.scorers import OnePass, Teacher
from core.models.teachers import blob, dropout, ensemble, laplace, mixture, tfb
from core.models.teachers.job import Fitted, TeacherJob
from core.models.training.novel_views import novelty_of
from core.models.training.objective import NO_LABEL
from core.stats.temperature import mean_at_temperature, sampled_temperature

# each takes its own settings, which its key names
_FIT: dict[type, Callable[[TeacherJob, Any], Fitted]] = {
    TfbSettings: tfb.fit_tfb,
    BlobSettings: blob.fit_blob,
    MixtureSettings: mixture.fit_mixture,
    LaplaceSettings: laplace.fit_laplace,
    EnsembleSettings: ensemble.fit_ensemble,
    DropoutSettings: dropout.fit_dropout,
}


HELD_OUT_SHARE = 0.2  # of the labels, while a spread or a temperature is chosen
FROM_POINT = (TfbSettings, LaplaceSettings, EnsembleSettings)  # these start at the point estimate
# Of the way from the linear start to the trained weights. Not 0: a teacher without a spread has
# nothing to teach but the start itself.
BLEND_SHARES = (1.0, 0.75, 0.5, 0.25)
# Deviation of log T. With it 30 faultless cases give T = 0.75, without it 0.05.
TEMPERATURE_PRIOR = 0.25


def make_teacher(job: TeacherJob, settings: TeacherSettings) -> Fitted:
    """Choose on held-out labels what these settings leave open, then fit on every label of the job.

    Raises SettingsError and ModelError, as documented in the teacher's file.
    """
    if not _is_open(settings, job):
        return fit_teacher(job, settings)
    # The choice needs labels that the probe did not train on; the final fit then wastes none.
    fold = job.held_out_job(HELD_OUT_SHARE, isinstance(settings, FROM_POINT))
    probe = fit_teacher(fold, settings)
    fitted = fit_teacher(job, settings.model_copy(update=probe.choices))
    record = fitted.record | {"held_out": probe.record}
    views = _held_out_views(fold, probe.posterior, settings.samples)
    return Fitted(fitted.posterior, record, fitted.choices, views)


def _is_open(settings: TeacherSettings, job: TeacherJob) -> bool:
    """Return whether a setting remains to be chosen on held-out labels."""
    fields = ["temperature"] if settings.calibrate else []
    fields += ["share"] if settings.calibrate and job.start is not None else []
    fields += [name for name in ("sigma", "precision") if name in type(settings).model_fields]
    return any(getattr(settings, name) is None for name in fields)


def fit_teacher(job: TeacherJob, settings: TeacherSettings) -> Fitted:
    """Fit the teacher of these settings on the job's cases; choose open settings on its anchor.

    With `calibrate`, the trained weights go only a share of the way from the linear start, and a
    temperature divides the head, or heads, of the samples: an approximate posterior over few
    directions of the weights is right about which cases are unsure, rarely about how unsure. Raises
    SettingsError and ModelError, as documented in the teacher's file.
    """
    fitted = _FIT[type(settings)](job, settings)
    if not settings.calibrate:
        return fitted
    share, temperature, record = settings.share, settings.temperature, {}
    if share is None or temperature is None:
        if not (job.anchor_labels != NO_LABEL).any():
            return fitted
        record = _calibrate(job, fitted.posterior, settings)
        share, temperature = record["share"], record["temperature"]
    posterior = fitted.posterior
    if job.start is not None:
        posterior = shrunk(posterior, share, job.start)
    choice = {"temperature": temperature, "share": share}
    return Fitted(
        tempered(posterior, temperature),
        fitted.record | choice | record,
        fitted.choices | choice,
    )


def _calibrate(job: TeacherJob, posterior: Posterior, settings: TeacherSettings) -> dict:
    """Return the share and temperature with the lowest NLL of the labelled anchor, and the NLLs.

    A setting that is not open keeps its value. nll: of the choice. With a linear start also
    nll_of_start, of that alone, and gain_error, the standard error of their difference over cases.
    """
    labelled = np.flatnonzero(job.anchor_labels != NO_LABEL)
    anchor, labels = job.anchor.at(labelled), job.anchor_labels[labelled]
    offset = None if anchor.offsets is None else anchor.offsets.numpy()

    def probabilities(share: float, samples: int) -> np.ndarray:
        moved = posterior if job.start is None else shrunk(posterior, share, job.start)
        teacher = Teacher(
            job.backbone, moved, job.settings.adapter.scale, samples, job.settings.loop.seed
        )
        _, sampled = teacher.moments(anchor, keep_samples=True)
        # The next user of the backbone must get bare maps.
        teacher.sampler.release()
        return cast(np.ndarray, sampled)  # [N, n, K]

    fixed = 1.0 if settings.share is None else settings.share
    shares = BLEND_SHARES if settings.share is None and job.start is not None else (fixed,)
    tried = []
    for share in shares:
        sampled = probabilities(share, settings.samples)
        temperature = settings.temperature or sampled_temperature(
            sampled, labels, TEMPERATURE_PRIOR, offset
        )
        losses = _case_losses(mean_at_temperature(sampled, temperature, offset), labels)
        tried.append((float(losses.mean()), share, temperature, losses))
        # The loss falls, then rises: further shares cost samples and are farther off.
        if losses.mean() > min(row[0] for row in tried):
            break
    loss, share, temperature, losses = min(tried, key=itemgetter(0))
    record = {
        "share": share,
        "temperature": temperature,
        "nll": loss,
        "nll_by_share": [[row[1], row[0]] for row in tried],
        "cases": len(labels),
    }
    if job.start is None:
        return record
    of_start = _case_losses(probabilities(0.0, 1)[0], labels)
    error = float((of_start - losses).std() / np.sqrt(len(labels)))
    return record | {"nll_of_start": float(of_start.mean()), "gain_error": error}


def _case_losses(p: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return -log of each case's probability [n] of its label, nats."""
    losses: np.ndarray = -np.log(np.maximum(p[np.arange(len(labels)), labels], 1e-12))
    return losses


def _held_out_views(fold: TeacherJob, posterior: Posterior, samples: int) -> Tensor | None:
    """Return novelty's views [3, n] of the fold's anchor: states by the mean, entropies by samples.

    A student's entropies are the samples'. None for a posterior without mean weights, or without an
    anchor.
    """
    if not isinstance(posterior, Gaussian | Dropout) or not len(fold.anchor):
        return None
    teacher = Teacher(fold.backbone, posterior, fold.settings.adapter.scale, samples)
    entropy = torch.from_numpy(teacher.scores_cached(fold.anchor).total)
    teacher.sampler.release()
    adapters.attach(fold.backbone, fold.settings.adapter)
    try:
        adapters.write_adapters(fold.backbone, list(posterior.adapters))
        model = OnePass(fold.backbone, posterior.head, fold.classes)
        novelty = novelty_of(model, fold.cases, fold.labels, fold.views)
        return novelty.views(torch.from_numpy(top_states(fold.backbone, fold.anchor)), entropy)
    finally:
        adapters.detach(fold.backbone)
