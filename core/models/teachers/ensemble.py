"""Deep ensemble (arXiv 1612.01474): M adapters and heads trained from M seeds on one shared trunk;
each is one sample.
"""

from core.models.base.settings import EnsembleSettings
from core.models.scoring.posterior import Members
from core.models.teachers.job import Fitted, TeacherJob


def fit_ensemble(job: TeacherJob, settings: EnsembleSettings) -> Fitted:
    """The point estimate is the first member; the others start from other seeds."""
    first = job.settings.loop.seed
    others = [job.train("ensemble", 1000 * (first + 1) + i) for i in range(1, settings.samples)]
    members = (
        [(job.point, job.head), *others] if job.point else [job.train("ensemble", first), *others]
    )
    return Fitted(Members.of(members), {"members": len(members)})
