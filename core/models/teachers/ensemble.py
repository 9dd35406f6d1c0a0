"""Deep ensemble (arXiv 1612.01474): M adapters and heads from M seeds on one shared trunk.

Each member is one sample.
"""

from core.models.base.settings import EnsembleSettings
from core.models.scoring.posterior import Members
from core.models.teachers.job import Fitted, TeacherJob


def fit_ensemble(job: TeacherJob, settings: EnsembleSettings) -> Fitted:
    """Fit the members: the point estimate is the first; the others start from other seeds."""
    first = job.settings.loop.seed
    # Far apart, so that ensembles of neighbouring seeds share no member.
    others = [job.train("ensemble", 1000 * (first + 1) + i) for i in range(1, settings.samples)]
    members = (
        [(job.point, job.point_head), *others]
        if job.point
        else [job.train("ensemble", first), *others]
    )
    return Fitted(Members.of(members), {"members": len(members)})
