"""The verb `export`: a model in the files of another engine."""

import argparse
from pathlib import Path

from core.cli.verbs import add_verb, store_of
from core.errors import SettingsError
from core.messages import reader_language, sentence
from core.settings import Settings


def add_export(verbs) -> None:
    """Add `export`."""
    verb = add_verb(verbs, "export", _export, "write a model's files for another engine")
    verb.add_argument("model", help="name of the model")
    verb.add_argument(
        "--format",
        choices=["peft", "onnx"],
        required=True,
        help="peft: the N models of a teacher, each as a PEFT LoRA adapter on the same base; onnx: a "
        "model of one pass for ONNX Runtime, refused if it decides otherwise than the model",
    )
    verb.add_argument(
        "--out",
        type=Path,
        help="folder to write, for peft; an earlier export in it is replaced (onnx goes into the "
        "model's own folder)",
    )
    verb.add_argument(
        "--int8", action="store_true", help="for onnx: quantized weights, faster and less exact"
    )
    verb.add_argument("--samples", type=int, help="N of a teacher (default: its own)")


def _export(arguments: argparse.Namespace, settings: Settings) -> None:
    from core.store.trail import record_action
    from core.types import checked_name

    name = checked_name(arguments.model, "model")
    if arguments.format == "onnx":
        _export_onnx(name, arguments.int8, settings)
    elif arguments.out is None:
        raise SettingsError("models.export_needs_out")
    else:
        _export_peft(name, arguments, settings)
    record_action(store_of(settings), "model.export", name, format=arguments.format)


def _export_onnx(name: str, int8: bool, settings: Settings) -> None:
    from core.pipeline.export_engine import export_onnx

    check = export_onnx(store_of(settings), settings, name, int8)
    values = {"n": check.cases, "equal": f"{check.equal:.2%}", "folder": settings.models / name}
    values |= {"ece": f"{check.ece:.4f}", "ece_engine": f"{check.ece_engine:.4f}"}
    print(sentence(reader_language(), "models.onnx_exported", model=name, **values))


def _export_peft(name: str, arguments: argparse.Namespace, settings: Settings) -> None:
    from core.errors import ModelError
    from core.models.base.device import pick_device
    from core.models.scoring import checkpoint
    from core.models.scoring.peft_export import export_draws
    from core.models.scoring.scorers import Teacher

    folder = settings.models / name
    card, model = checkpoint.load(folder, pick_device(settings.device), arguments.samples)
    if not isinstance(model, Teacher):
        raise ModelError("models.draws_need_teacher", model=card.name, kind=card.kind)
    names = export_draws(arguments.out, card, model)
    print(sentence(reader_language(), "models.draws_exported", n=len(names), folder=arguments.out))
