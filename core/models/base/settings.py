"""The settings of a training, a teacher and a distillation: checked, frozen, stored in the card.

Pydantic only: the command line and the demo read these without the seconds that importing torch
takes.
"""

import math
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from core.errors import SettingsError


class AdapterSettings(BaseModel):
    """The places and the size of the adapters.

    layers: how many of the top blocks carry adapters; None is the top half. Everything below is
    frozen and is computed once for each case. In the last block the feed-forward is needed at the
    read-out position only, so one layer of "feed_forward" adapters makes N samples cost little more
    than one; docs/results/adapter-layers.md measures the gain of more layers. targets: the
    feed-forward's maps, its second map only ("down"), the attention's, or all. What precedes the
    first adapted map is common to all samples of a teacher: with "down" that is nearly the whole
    first block, with "feed_forward" its attention.
    """

    model_config = ConfigDict(frozen=True)

    rank: int = Field(8, ge=1)
    alpha: float = Field(16.0, gt=0)
    layers: int | None = Field(3, ge=1)
    targets: Literal["down", "feed_forward", "attention", "all"] = "all"

    @property
    def scale(self) -> float:
        """Return the factor of B A."""
        return self.alpha / self.rank

    def cut(self, blocks: int) -> int:
        """Return the number of the first block with adapters, in a model of `blocks` blocks.

        Raises SettingsError if the model has fewer blocks than `layers`.
        """
        layers = max(1, blocks // 2) if self.layers is None else self.layers
        if layers > blocks:
            raise SettingsError("models.too_many_layers", layers=layers, blocks=blocks)
        return blocks - layers


class Schedule(BaseModel):
    """Weight of the distillation loss over training, from `start` to `end`.

    shape: "step" jumps at half time, "constant" is `end` throughout. floor: the least weight of the
    labels' loss.
    """

    model_config = ConfigDict(frozen=True)

    shape: Literal["linear", "cosine", "step", "constant"] = "linear"
    start: float = Field(0.0, ge=0, le=1)
    end: float = Field(1.0, ge=0, le=1)
    floor: float = Field(0.0, ge=0, le=1)

    def at(self, progress: float) -> float:
        """Return the weight at `progress` in [0, 1]."""
        share = {
            "linear": progress,
            "cosine": (1 - math.cos(math.pi * progress)) / 2,
            "step": float(progress >= 0.5),
            "constant": 1.0,
        }[self.shape]
        return min(self.start + (self.end - self.start) * share, 1 - self.floor)


class LossSettings(BaseModel):
    """The loss (core.models.training.objective) apart from its schedule.

    divergence: from the teacher. spread: the head's reading of the spread. spread_weight: of its
    loss.
    """

    model_config = ConfigDict(frozen=True)

    divergence: Literal["forward", "reverse"] = "forward"
    temperature: float = Field(1.0, gt=0)
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    spread: Literal["none", "share", "dirichlet", "gaussian"] = "none"
    spread_weight: float = Field(1.0, ge=0)


RATE_OF_ONE_BLOCK = 1.5e-3  # from a head that is a logistic regression's; 5e-4 at three blocks


class LoopSettings(BaseModel):
    """The optimiser's settings, AdamW with a warm-up and linear decay.

    learning_rate: None is RATE_OF_ONE_BLOCK / number of adapted blocks (see `rate`).
    """

    model_config = ConfigDict(frozen=True)

    epochs: int = Field(3, ge=1)
    batch_size: int = Field(32, ge=1)
    learning_rate: float | None = Field(None, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    warmup: float = Field(0.1, ge=0, lt=1)  # share of the steps
    seed: int = Field(0, ge=0)

    def rate(self, blocks: int) -> float:
        """Return the learning rate for adapters in `blocks` blocks.

        With more adapted blocks a larger rate overfits.
        """
        return self.learning_rate or RATE_OF_ONE_BLOCK / blocks

    def lasting(self, steps: int, cases: int) -> "LoopSettings":
        """Return the settings with the epochs that make at least so many steps with these cases.

        >>> LoopSettings(batch_size=32).lasting(140, 600).epochs
        8
        """
        epochs = -(-steps // -(-cases // self.batch_size))
        return self.model_copy(update={"epochs": max(self.epochs, epochs)})


class CalibratedSettings(BaseModel):
    """The choices of every teacher on held-out labels.

    calibrate: whether it chooses; without, both are 1 unless they are set. temperature: that divides
    the samples' logits; None is the best one. share: of the way from the linear start to the trained
    weights, 0 is the start itself (arXiv 2109.01903 mixes weights so); None is the best one.
    """

    model_config = ConfigDict(frozen=True)

    calibrate: bool = True
    temperature: float | None = Field(None, gt=0)
    share: float | None = Field(None, ge=0, le=1)

    def loop(self, point: "PointSettings", cases: int) -> LoopSettings:
        """Return the loop of a training with so many cases, beside a point estimate's settings."""
        return point.loop


class TfbSettings(CalibratedSettings):
    """Training-free Bayesianisation.

    samples: N. tolerance: how far the anchor's mean NLL may exceed the lowest one measured, in nats
    a case.
    """

    kind: Literal["tfb"] = "tfb"
    samples: int = Field(10, ge=1)
    tolerance: float = Field(0.02, gt=0)
    sigma: float | None = Field(None, gt=0)  # None: the largest within the tolerance
    sigma_low: float = Field(1 / 512, gt=0)  # the grid doubles from here
    doublings: int = Field(8, ge=1)
    # halvings, in the logarithm, between the largest within and the next of the grid
    refinements: int = Field(4, ge=0)


class PointSettings(BaseModel):
    """The point estimate: a base model, its read-out, its adapters, and how they are trained.

    pooling: how a text's states become one (core.models.base.pooling): the base's own, the mean, or
    one token. start: whether a classifying head begins at a logistic regression on the frozen
    base's states, or at random numbers. head: whether a choice read-out's rows are trained with the
    adapters, or stay the language model's own; its biases are trained in both cases. Frozen is
    better on exam questions: NLL 1.39 against 1.44 on 250 held-out ones, one seed.
    """

    model_config = ConfigDict(frozen=True)

    base: str  # Hugging Face name or folder
    readout: Literal["classify", "choice"] = "classify"
    pooling: Literal["base", "mean", "token"] = "base"
    start: Literal["linear", "random"] = "linear"
    surface: bool = True  # n-grams join a linear start where held-out cases say that they help
    head: Literal["trained", "frozen"] = "frozen"
    adapter: AdapterSettings = AdapterSettings()
    loop: LoopSettings = LoopSettings()
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    truncate: bool = False  # read the beginning of texts that are longer than the model's context


class VariationalSettings(CalibratedSettings):
    """The variational training of BLoB, which an ensemble of BLoBs repeats.

    prior: beta. start_std: sigma before training. kl_weight: 1 is the evidence lower bound; with
    few cases for many weights it must be far below 1 (a cold posterior). reweighting: the KL's
    weight doubles with each step of an epoch instead of being even. least_steps: of the optimiser:
    noise slows learning, and few cases make few steps in an epoch.
    """

    samples: int = Field(10, ge=1)
    prior: float = Field(0.2, gt=0)
    start_std: float = Field(0.6, gt=0)
    kl_weight: float = Field(1e-3, ge=0)
    reweighting: bool = False
    least_steps: int = Field(140, ge=1)

    def loop(self, point: "PointSettings", cases: int) -> LoopSettings:
        """Return the loop with epochs for least_steps; a language model's own are enough."""
        return (
            point.loop if point.readout == "choice" else point.loop.lasting(self.least_steps, cases)
        )


class BlobSettings(VariationalSettings):
    """BLoB (arXiv 2406.11675)."""

    kind: Literal["blob"] = "blob"


class MixtureSettings(VariationalSettings):
    """An ensemble of BLoBs.

    members: M, each trained from its own seed. samples: N draws, from the members in turn.
    """

    kind: Literal["mixture"] = "mixture"
    members: int = Field(10, ge=2)


class EnsembleSettings(CalibratedSettings):
    """A deep ensemble. samples: M, the members trained, each from its own seed."""

    kind: Literal["ensemble"] = "ensemble"
    samples: int = Field(5, ge=2)


class DropoutSettings(CalibratedSettings):
    """MC dropout. rate: share of the adapters' inputs switched off, in training and sampling."""

    kind: Literal["dropout"] = "dropout"
    samples: int = Field(10, ge=1)
    rate: float = Field(0.1, ge=0, lt=1)


class LaplaceSettings(CalibratedSettings):
    """Diagonal Laplace over A.

    precision: of the prior; None chooses it on the anchor among `precisions`.
    """

    kind: Literal["laplace"] = "laplace"
    samples: int = Field(10, ge=1)
    tolerance: float = Field(0.02, gt=0)  # nats a case above the anchor's lowest mean NLL
    precision: float | None = Field(None, gt=0)  # None: chosen among `precisions`
    precisions: tuple[float, ...] = (1e1, 1e2, 1e3, 1e4, 1e5, 1e6)


TeacherSettings = Annotated[
    TfbSettings
    | BlobSettings
    | MixtureSettings
    | LaplaceSettings
    | EnsembleSettings
    | DropoutSettings,
    Field(discriminator="kind"),
]
TEACHERS: dict[str, type[BaseModel]] = {
    "tfb": TfbSettings,
    "blob": BlobSettings,
    "mixture": MixtureSettings,
    "laplace": LaplaceSettings,
    "ensemble": EnsembleSettings,
    "dropout": DropoutSettings,
}


class FidelityTolerance(BaseModel):
    """The largest differences from its teacher with which a student is not rejected.

    accuracy: largest loss of accuracy, beyond two standard errors. explained: the least share of
    the teacher's case-by-case information, 1 - KL(teacher || student) / KL(teacher || teacher's
    mean).
    """

    model_config = ConfigDict(frozen=True)

    accuracy: float = Field(0.05, ge=0, le=1)
    explained: float = Field(0.5, le=1)


FRESH_EPOCHS = 3


class DistillSettings(BaseModel):
    """The student: its adapters, its loop, its loss, and the inputs and samples that teach it.

    start: at fresh adapters or at the teacher's mean; "auto" is the mean if it fits the student's
    adapters, else fresh ones, which train for FRESH_EPOCHS times as many epochs. samples: the
    teacher's samples behind the targets, None for its own N. online: in each epoch one
    fresh sample's probabilities replace the mean. augment: copies of every text with words dropped
    or spliced with another text, labelled by the teacher alone; on them a teacher that remembers
    its training texts is still unsure. keep: share of the cases without a label, copies included,
    that teach. keep_by: choose those on which a few samples of the teacher disagree most, or by
    chance. point_weight: of the point estimate's answers in the targets' mean; the rest is the
    teacher's. Two models that were trained apart are better together than either.
    """

    model_config = ConfigDict(frozen=True)

    adapter: AdapterSettings = AdapterSettings()
    loop: LoopSettings = LoopSettings(epochs=1)  # over twice the texts
    schedule: Schedule = Schedule()
    loss: LossSettings = LossSettings(spread="gaussian")
    start: Literal["auto", "fresh", "teacher"] = "auto"
    samples: int | None = Field(None, ge=1)
    online: bool = False
    augment: int = Field(1, ge=0)
    keep: float = Field(1.0, gt=0, le=1)
    keep_by: Literal["epistemic", "random"] = "epistemic"
    point_weight: float = Field(0.5, ge=0, lt=1)
    tolerance: FidelityTolerance = FidelityTolerance()
