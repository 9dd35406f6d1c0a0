"""Ensemble of BLoBs: M variational posteriors, each trained from its own seed, drawn from in turn.

One Gaussian covers one basin of the loss, and an ensemble has M points in M basins; a mixture has
both, at the cost of M trainings and with the same N passes (MultiSWAG, arXiv 2002.08791, does so
with Gaussians of another kind).
"""

from dataclasses import replace
from typing import cast

from core.models.base.settings import MixtureSettings
from core.models.scoring.posterior import Gaussian, Mixture
from core.models.teachers import blob
from core.models.teachers.job import Fitted, TeacherJob


def fit_mixture(job: TeacherJob, settings: MixtureSettings) -> Fitted:
    """Fit the members: the first is the BLoB of the job's own seed.

    The others start from the ensemble's other seeds.
    """
    first = job.settings.loop.seed
    seeds = [first, *(1000 * (first + 1) + i for i in range(1, settings.members))]
    fitted = [blob.fit_blob(_seeded(job, seed), settings) for seed in seeds]
    spread = sum(f.record["mean_std"] for f in fitted) / len(fitted)
    return Fitted(
        Mixture.of([cast(Gaussian, f.posterior) for f in fitted]),
        {"members": len(fitted), "mean_std": spread},
    )


def _seeded(job: TeacherJob, seed: int) -> TeacherJob:
    loop = job.settings.loop.model_copy(update={"seed": seed})
    return replace(job, settings=job.settings.model_copy(update={"loop": loop}))
