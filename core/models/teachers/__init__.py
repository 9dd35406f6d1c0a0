"""Teachers, one in each file: each turns a TeacherJob into a distribution over adapters.

The class of the settings decides which teacher it is.
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np

from core.models.base.settings import (
    BlobSettings,
    DropoutSettings,
    EnsembleSettings,
    LaplaceSettings,
    MixtureSettings,
    TeacherSettings,
    TfbSettings,
)
from core.models.scoring.posterior import Posterior, tempered
from core.models.scoring.scorers import Teacher
from core.models.teachers import blob, dropout, ensemble, laplace, mixture, tfb
from core.models.teachers.job import Fitted, TeacherJob
from core.models.training.objective import NO_LABEL
from core.stats.temperature import sampled_temperature

# each takes its own settings, which its key names
_FIT: dict[type, Callable[[TeacherJob, Any], Fitted]] = {
    TfbSettings: tfb.fit_tfb,
    BlobSettings: blob.fit_blob,
    MixtureSettings: mixture.fit_mixture,
    LaplaceSettings: laplace.fit_laplace,
    EnsembleSettings: ensemble.fit_ensemble,
    DropoutSettings: dropout.fit_dropout,
}


HELD_OUT = 0.2  # of the labels, while a spread or a temperature is chosen
FROM_POINT = (TfbSettings, LaplaceSettings, EnsembleSettings)  # these start at the point estimate
# Deviation of log T. With it 30 faultless cases give T = 0.75, without it 0.05.
TEMPERATURE_PRIOR = 0.25


def make_teacher(job: TeacherJob, settings: TeacherSettings) -> Fitted:
    """Choose on held-out labels what these settings leave open, then fit on every label of the job.

    Raises SettingsError and ModelError, as documented in the teacher's file.
    """
    record: dict = {}
    if _is_open(settings):
        # The choice needs labels that the probe did not train on; the final fit then wastes none.
        probe = fit_teacher(job.held_out_job(HELD_OUT, isinstance(settings, FROM_POINT)), settings)
        settings = settings.model_copy(update=probe.chosen)
        record = {"held_out": probe.record}
    fitted = fit_teacher(job, settings)
    return Fitted(fitted.posterior, fitted.record | record, fitted.chosen)


def _is_open(settings: TeacherSettings) -> bool:
    """Return whether a setting remains to be chosen on held-out labels."""
    fields = ["temperature"] if settings.calibrate else []
    fields += [name for name in ("sigma", "precision") if name in type(settings).model_fields]
    return any(getattr(settings, name) is None for name in fields)


def fit_teacher(job: TeacherJob, settings: TeacherSettings) -> Fitted:
    """Fit the teacher of these settings on the job's cases; choose open settings on its anchor.

    With `calibrate`, the temperature divides the head, or heads, of the samples: an approximate
    posterior over few directions of the weights is right about which cases are unsure, rarely about
    how unsure. Raises SettingsError and ModelError, as documented in the teacher's file.
    """
    fitted = _FIT[type(settings)](job, settings)
    if not settings.calibrate or (
        settings.temperature is None and not (job.anchor_labels != NO_LABEL).any()
    ):
        return fitted
    temperature = settings.temperature or anchor_temperature(
        job, fitted.posterior, settings.samples
    )
    record = {"temperature": temperature}
    return Fitted(
        tempered(fitted.posterior, temperature), fitted.record | record, fitted.chosen | record
    )


def anchor_temperature(job: TeacherJob, posterior: Posterior, samples: int) -> float:
    """Return the samples' temperature with the lowest NLL of their mean on the labelled anchor."""
    teacher = Teacher(
        job.backbone, posterior, job.settings.adapter.scale, samples, job.settings.loop.seed
    )
    _, samples_kept = teacher.moments(job.anchor, keep_samples=True)
    probabilities = cast(np.ndarray, samples_kept)  # [N, n, K]
    # The next user of the backbone must get bare maps.
    teacher.sampler.release()
    labelled = job.anchor_labels != NO_LABEL
    return sampled_temperature(
        probabilities[:, labelled], job.anchor_labels[labelled], TEMPERATURE_PRIOR
    )
