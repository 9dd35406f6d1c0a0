"""Teachers, one a file: each turns a Job into a distribution over adapters. Its settings' class says which is asked for."""

from core.models.settings import (
    BlobSettings,
    DropoutSettings,
    EnsembleSettings,
    LaplaceSettings,
    TeacherSettings,
    TfbSettings,
)
from core.models.teachers import blob, dropout, ensemble, laplace, tfb
from core.models.teachers.job import Fitted, Job

_FIT = {
    TfbSettings: tfb.fit,
    BlobSettings: blob.fit,
    LaplaceSettings: laplace.fit,
    EnsembleSettings: ensemble.fit,
    DropoutSettings: dropout.fit,
}


def fit_teacher(job: Job, settings: TeacherSettings) -> Fitted:
    """Make the teacher that these settings are for. Raises SettingsError and ModelError by its file."""
    return _FIT[type(settings)](job, settings)
