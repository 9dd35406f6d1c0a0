"""Plan a proof of concept: which cases train, calibrate and judge, and which recipe fits the time.

The split is by date where the dates allow it, else at random; at random, every label is in the
training. A text stays in the earliest part that has it, since a copy would be answered from memory.
Trains nothing.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from core.cases.table import Notice
from core.cases.workorders import text_key
from core.errors import CasesError
from core.models.base.settings import (
    AdapterSettings,
    BlobSettings,
    DistillSettings,
    PointSettings,
)
from core.pipeline.poc_time import Recipe, Workload, estimated_seconds
from core.pipeline.prepare import RARE_BELOW, read_beginnings
from core.pipeline.runs import frame_hash
from core.pipeline.train import TrainSettings

HISTORY_PARTS = ("train", "calibration", "stream")  # the model, the threshold, the verdict
HISTORY_SHARES = (0.6, 0.2)  # of all cases: of the first two parts
LEAST_CASES = 100  # labelled cases below which nothing is trained
LEAST_HELD_OUT = 10  # cases of a held-out part
MOST_LABELS = 200
NAMED_LABELS = 50  # labels that a sentence names
MOST_UNDATED = 0.05  # of the labelled cases
MOST_HELD_OUT = 2000  # cases of a held-out part: the N-pass teacher scores each N times
READ_TOKENS = 64  # of a text
DEFAULT_MINUTES = 6.0
BY_DATE, AT_RANDOM = "date", "random"


@dataclass(frozen=True)
class HistorySplit:
    """The labelled cases of a history in three parts, and what was left out.

    by: BY_DATE or AT_RANDOM. parts: HISTORY_PARTS -> cases. labelled, dated: cases with a label, of
    them with a date. unlabelled, undated, copies: cases left out.
    """

    by: str
    parts: dict[str, pd.DataFrame]
    labelled: int
    dated: int
    unlabelled: int
    undated: int
    copies: int

    @property
    def late_labels(self) -> list[str]:
        """Return the labels that no training case has: every answer to their cases is wrong."""
        taught = set(self.parts["train"]["label"])
        return sorted({label for part in self.parts.values() for label in part["label"]} - taught)

    @property
    def rare_labels(self) -> list[str]:
        """Return the labels of fewer than RARE cases with their numbers: a header's, for example."""
        counts = pd.concat(self.parts.values())["label"].value_counts()
        return [f"{label!r} ({n})" for label, n in counts[counts < RARE_BELOW].sort_index().items()]

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Return a sentence each on the cases that are left out and the labels with a problem."""
        left_out = {"unlabelled": self.unlabelled, "undated": self.undated, "copies": self.copies}
        labels = {"rare_labels": self.rare_labels, "late_labels": self.late_labels}
        return (
            *(Notice(f"poc.{name}", {"n": n}) for name, n in left_out.items() if n),
            *(
                Notice(
                    f"poc.{name}",
                    {"n": len(named), "labels": named[:NAMED_LABELS], "least": RARE_BELOW},
                )
                for name, named in labels.items()
                if named
            ),
        )


@dataclass(frozen=True)
class PocPlan:
    """What a proof of concept does: `parts` are trimmed to the time, and `seconds` estimates it."""

    line: str
    split: HistorySplit
    parts: dict[str, pd.DataFrame]
    recipe: Recipe
    cut: int  # texts of which only the beginning is read
    seconds: dict[str, float]  # step -> estimate on this machine without other work

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Return what a reader must know before the work begins, a sentence each."""
        sizes = {name: len(self.parts[name]) for name in HISTORY_PARTS}
        trimmed = sum(len(self.split.parts[name]) - sizes[name] for name in HISTORY_PARTS)
        cut = Notice("poc.cut", {"n": self.cut, "tokens": READ_TOKENS})
        return (
            Notice(
                f"poc.split_{self.split.by}",
                {"line": self.line, "n": self.split.labelled, "dated": self.split.dated, **sizes},
            ),
            *self.split.notices,
            *([Notice("poc.trimmed", {"n": trimmed})] if trimmed else []),
            *([cut] if self.cut else []),
        )


def split_history(frame: pd.DataFrame, source: str, seed: int = 0) -> HistorySplit:
    """Return the labelled cases split into HISTORY_PARTS.

    frame: columns of core.cases.read.Cases. source: names the file in errors. seed: of a random
    split. Raises CasesError for too few labelled cases, one label, or labels that are as many as
    in a column of free text.
    """
    labelled = frame[frame["label"].notna()]
    n, labels = len(labelled), labelled["label"].nunique()
    if n < LEAST_CASES:
        raise CasesError("poc.few_cases", file=source, n=n, least=LEAST_CASES)
    if labels < 2:
        raise CasesError("cases.one_label", n=labels, labelled=n)
    if labels > min(MOST_LABELS, n // 4):
        raise CasesError("poc.many_labels", file=source, n=labels, labelled=n)
    ordered, cuts, by = _dated_order(labelled)
    if by == AT_RANDOM:
        drawn = labelled.iloc[np.random.default_rng(seed).permutation(n)]
        # A case of each label comes first: whether a rare label is taught is not left to the seed.
        repeated = drawn.duplicated("label")
        ordered = pd.concat([drawn[~repeated], drawn[repeated]])
        cuts = _cuts(n)
    undated = n - len(ordered)
    part = np.searchsorted(cuts, np.arange(len(ordered)), side="right")
    first = pd.Series(part).groupby(ordered["text"].map(text_key).to_numpy()).transform("min")
    copies = part != first.to_numpy()
    parts = {name: ordered[(part == i) & ~copies] for i, name in enumerate(HISTORY_PARTS)}
    trained = parts["train"]["label"]
    if trained.nunique() < 2:  # a history whose labels came one after the other
        raise CasesError("cases.one_label", n=trained.nunique(), labelled=len(trained))
    short = next((name for name in HISTORY_PARTS[1:] if len(parts[name]) < LEAST_HELD_OUT), None)
    if short is not None:
        values = {"file": source, "n": len(parts[short]), "least": LEAST_HELD_OUT}
        raise CasesError("poc.same_texts", **values)
    dated = int(labelled["occurred_at"].notna().sum())
    return HistorySplit(by, parts, n, dated, len(frame) - n, undated, int(copies.sum()))


def _cuts(n: int) -> np.ndarray:
    """Return the positions at which the second and the third part begin."""
    return np.round(np.cumsum(HISTORY_SHARES) * n).astype(int)


def _dated_order(labelled: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray, str]:
    """Return the cases by time, the cuts between days, and BY_DATE; AT_RANDOM without usable dates.

    All cases of a day stay together. Dates are not usable if more than MOST_UNDATED of the cases
    have none, or if a few days hold so many cases that a part would lack half of its share. A case
    without a date is left out, since it belongs to no part.
    """
    dated = labelled[labelled["occurred_at"].notna()]
    if len(labelled) - len(dated) > MOST_UNDATED * len(labelled):
        return labelled, _cuts(len(labelled)), AT_RANDOM
    ordered = dated.sort_values("occurred_at", kind="stable")
    days = ordered["occurred_at"].dt.normalize().to_numpy()
    aims = _cuts(len(ordered))
    cuts = np.array([np.searchsorted(days, days[aim], side="left") for aim in aims])
    sizes = np.diff([0, *cuts, len(ordered)])
    usual = np.diff([0, *aims, len(ordered)])
    return ordered, cuts, BY_DATE if (sizes >= usual / 2).all() else AT_RANDOM


def plan_poc(
    frame: pd.DataFrame,
    source: str,
    line: str,
    base: str,
    minutes: float = DEFAULT_MINUTES,
    pace: float = 1.0,
) -> PocPlan:
    """Return the plan of a proof of concept that fits the time, as far as it can be estimated.

    frame: columns of core.cases.read.Cases. source: names the file in errors. line: name of models
    and runs. base: of the models, a folder or a Hugging Face name. minutes: that the machine has.
    pace: time that it takes for what takes poc_time's machine 1.
    Raises CasesError as of `split_history`.
    """
    split = split_history(frame, source)
    held_out = {
        name: _newest(split.parts[name], MOST_HELD_OUT, split.by) for name in HISTORY_PARTS[1:]
    }
    texts, cut, tokens = {}, 0, {}
    for name, part in ({"train": split.parts["train"]} | held_out).items():
        texts[name], shortened, tokens[name] = read_beginnings(part, Path(base), READ_TOKENS)
        cut += shortened
    judged = {name: len(texts[name]) for name in HISTORY_PARTS[1:]}
    work = Workload(
        base,
        frame["label"].nunique(),
        len(texts["train"]),
        tokens["train"],
        sum(judged.values()),
        sum(n * tokens[name] for name, n in judged.items()) / sum(judged.values()),
    )
    recipe, affordable = _fitting_recipe(base, work, 60 * minutes / pace)
    train = _taught(texts["train"], affordable, split.by)
    estimated = estimated_seconds(recipe, replace(work, train=len(train)))
    seconds = {step: pace * s for step, s in estimated.items()}
    return PocPlan(line, split, texts | {"train": train}, recipe, cut, seconds)


def _fitting_recipe(base: str, work: Workload, seconds: float) -> tuple[Recipe, int]:
    """Return the most thorough recipe that fits the time, and how many training cases it affords."""
    for recipe in recipes(base):
        fixed = sum(estimated_seconds(recipe, replace(work, train=0)).values())
        a_case = (sum(estimated_seconds(recipe, work).values()) - fixed) / work.train
        affordable = max(int((seconds - fixed) / a_case), LEAST_CASES)
        if affordable >= work.train:
            break
    return recipe, affordable


def _newest(part: pd.DataFrame, most: int, by: str) -> pd.DataFrame:
    # The newest cases resemble the coming ones; a random order has no newest.
    return part.tail(most) if by == BY_DATE else part.head(most)


def _taught(part: pd.DataFrame, most: int, by: str) -> pd.DataFrame:
    """Return the newest training cases, among them the newest of every label."""
    if by == AT_RANDOM:
        return part.head(most)
    needed = ~part.duplicated("label", keep="last").to_numpy()
    others = np.flatnonzero(~needed)
    needed[others[max(0, len(others) - max(0, most - needed.sum())) :]] = True
    return part[needed]


def recipes(base: str) -> tuple[Recipe, ...]:
    """Return the recipes, the most thorough one first."""
    light = AdapterSettings(layers=1, targets="feed_forward")
    return (
        Recipe(
            "full",
            TrainSettings(point=PointSettings(base=base, truncate=True)),
            DistillSettings(),
            trained=2.2,
            sampled=0.62,
        ),
        Recipe(
            "light",
            TrainSettings(
                point=PointSettings(base=base, truncate=True, adapter=light),
                teacher=BlobSettings(),
            ),
            DistillSettings(adapter=light),
            trained=1.5,
            sampled=0.31,
        ),
    )


def part_hash(plan: PocPlan, name: str) -> str:
    """Return the hash of a part's cases, part of the identity of its scoring runs."""
    return frame_hash(plan.parts[name])
