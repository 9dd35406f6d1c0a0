"""The verb `export`: a model in the files of another engine."""

import argparse
from pathlib import Path

from core.cli.verbs import add_verb
from core.messages import reader_language, sentence
from core.settings import Settings


def add_export(verbs) -> None:
    """Add `export`."""
    verb = add_verb(verbs, "export", _export, "write a model's files for another engine")
    verb.add_argument("model", help="name of the model")
    verb.add_argument(
        "--format",
        choices=["peft"],
        required=True,
        help="peft: the N models of a teacher, each as a PEFT LoRA adapter on the same base",
    )
    verb.add_argument(
        "--out",
        type=Path,
        required=True,
        help="folder to write; an earlier export in it is replaced",
    )
    verb.add_argument("--samples", type=int, help="N of a teacher (default: its own)")


def _export(arguments: argparse.Namespace, settings: Settings) -> None:
    from core.errors import ModelError
    from core.models.base.device import pick_device
    from core.models.scoring import checkpoint
    from core.models.scoring.peft_export import export_draws
    from core.models.scoring.scorers import Teacher
    from core.types import checked_name

    folder = settings.models / checked_name(arguments.model, "model")
    card, model = checkpoint.load(folder, pick_device(settings.device), arguments.samples)
    if not isinstance(model, Teacher):
        raise ModelError("models.draws_need_teacher", model=card.name, kind=card.kind)
    names = export_draws(arguments.out, card, model)
    print(sentence(reader_language(), "models.draws_exported", n=len(names), folder=arguments.out))
