"""Teachers, one a file: each turns a Job into a distribution over adapters. Its settings' class
says which is asked for.
"""

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
from core.models.teachers.job import Fitted, Job
from core.models.training.objective import NO_LABEL
from core.stats.temperature import sampled_temperature

_FIT = {
    TfbSettings: tfb.fit,
    BlobSettings: blob.fit,
    MixtureSettings: mixture.fit,
    LaplaceSettings: laplace.fit,
    EnsembleSettings: ensemble.fit,
    DropoutSettings: dropout.fit,
}


def fit_teacher(job: Job, settings: TeacherSettings) -> Fitted:
    """Make the teacher that these settings are for. Raises SettingsError and ModelError by its
    file.

    With `calibrate`, the temperature that the labelled anchor asks for is put into the head, or
    heads, of the samples: an approximate posterior over few directions of the weights is right
    about which cases are unsure, rarely about how unsure.
    """
    fitted = _FIT[type(settings)](job, settings)
    if not settings.calibrate or not (job.anchor_labels != NO_LABEL).any():
        return fitted
    temperature = anchor_temperature(job, fitted.posterior, settings.samples)
    return Fitted(
        tempered(fitted.posterior, temperature), fitted.record | {"temperature": temperature}
    )


def anchor_temperature(job: Job, posterior: Posterior, samples: int) -> float:
    """The temperature of the samples' logits with the lowest NLL of their mean on the labelled
    anchor.
    """
    teacher = Teacher(
        job.backbone, posterior, job.settings.adapter.scale, samples, job.settings.loop.seed
    )
    _, each = teacher.moments(job.anchor, keep_samples=True)  # [N, n, K]
    teacher.sampler.release()
    known = job.anchor_labels != NO_LABEL
    return sampled_temperature(each[:, known], job.anchor_labels[known])
