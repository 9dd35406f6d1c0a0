"""Run a proof of concept on a file's cases: four models trained, scored on held-out cases, stored.

Each step is found by the hash of its inputs: a step that is done takes no time, and a killed one
resumes. Prints nothing; the caller gets the steps.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from core.counts.histogram import AcceptanceCurve
from core.decision.thresholds.costs import CostModel, UnitCosts
from core.decision.thresholds.daily_money import cheapest_threshold, cost_curve
from core.pipeline.poc_plan import HISTORY_PARTS, PocPlan, part_hash
from core.pipeline.score import score_models
from core.pipeline.train import distill_student, train, train_linear, training_cases
from core.settings import Settings
from core.store.lines import LineSettings, save_line
from core.store.store import Store
from core.types import RunRecord

POC_STEPS = ("train", "distill", "score")


@dataclass
class StepClock:
    """Reports the steps of a plan, and estimates the time left from the pace so far.

    report: gets the number and name of a step, and the seconds left. A step of an earlier call
    ends at once, so it says nothing about the pace.
    """

    seconds: dict[str, float]  # step -> estimate
    report: Callable[[int, str, float], None]
    spent: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Report the step, and measure the block's time."""
        self.report(POC_STEPS.index(name) + 1, name, self.seconds_left())
        started = time.perf_counter()
        yield
        self.spent[name] = time.perf_counter() - started

    def seconds_left(self) -> float:
        """Return the estimates of the remaining steps, scaled by the pace of the steps done."""
        done = {name for name, spent in self.spent.items() if spent > 0.1 * self.seconds[name]}
        expected = sum(self.seconds[name] for name in done)
        pace = sum(self.spent[name] for name in done) / expected if expected else 1.0
        return pace * sum(s for name, s in self.seconds.items() if name not in self.spent)


def run_poc(
    store: Store,
    settings: Settings,
    plan: PocPlan,
    line: LineSettings,
    report: Callable[[int, str, float], None],
) -> dict[str, RunRecord]:
    """Train and score what the plan says; return the runs of the last part by model kind.

    store: gets the runs. settings: of the workspace. plan: of `plan_poc`. line: assumptions, saved
    with the student's run as the one that pages open. report: gets number, name and seconds left at
    the beginning of each step. Raises CasesError, ModelError, SettingsError.
    """
    clock, name, recipe = StepClock(plan.seconds, report), plan.line, plan.recipe
    cases = training_cases(plan.parts["train"])
    record = {
        "split": plan.split.by,
        "recipe": recipe.name,
        "cases": {part: len(plan.parts[part]) for part in HISTORY_PARTS},
    }
    with clock.step("train"):
        point, _ = train(store, settings, name, cases, recipe.train, record)
        train_linear(store, settings, name, cases, recipe.train.point, record, point)
    with clock.step("distill"):
        distill_student(store, settings, name, recipe.distill)
    with clock.step("score"):
        runs = {
            part: score_models(
                *(store, settings, name, plan.parts[part], part_hash(plan, part), part),
                truncate=True,
            )
            for part in HISTORY_PARTS[1:]
        }
    judged = runs[HISTORY_PARTS[-1]]
    open_line_at(store, line, runs["calibration"]["student"], judged["student"], "poc")
    return judged


def open_line_at(
    store: Store, line: LineSettings, calibration: RunRecord, judged: RunRecord, author: str
) -> LineSettings:
    """Save the line so that pages open it at a run and at its cheapest threshold; return it.

    calibration: run that chooses the threshold, under the assumptions for English; a threshold that
    accepts none of its cases is not used, since a page would have nothing to show. judged: run that
    pages open. author: recorded with the settings.
    """
    assumed = line.in_language("en")
    costs = UnitCosts(assumed.review, assumed.escape, assumed.machine_hour, assumed.currency)
    terms = CostModel(assumed.cases_per_day, costs, calibration.metrics.get("seconds_per_case"))
    costed = cost_curve(AcceptanceCurve(store.histogram(calibration.run.run_id)), terms)
    threshold = cheapest_threshold(costed)
    accepted = costed.loc[costed["threshold"] == threshold, "accepted"]
    usable = threshold if len(accepted) and accepted.iloc[0] > 0 else None
    saved = replace(line, opens=judged.run.run_id, threshold=usable)
    save_line(store, saved, author)
    return saved
