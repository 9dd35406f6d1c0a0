"""The teachers as the uncertainty benchmark asks them: their defaults, and N = 10 passes for every
one. No models, no torch.
"""

from core.models.base.settings import TEACHERS, EnsembleSettings, TeacherSettings

CHOSEN: dict[str, TeacherSettings] = {kind: chosen() for kind, chosen in TEACHERS.items()}
CHOSEN["ensemble"] = EnsembleSettings(samples=10)  # five is its default
