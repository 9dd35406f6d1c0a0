"""Return the consequence of a threshold as a record and as sentences for a terminal."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import cast

from core.counts.histogram import AcceptanceCurve
from core.decision.thresholds.consequence import (
    PolicyConsequence,
    consequence_curve,
    threshold_consequence,
)
from core.decision.thresholds.costs import (
    DAYS_PER_MONTH,
    NO_LABELS,
    NO_SECONDS,
    CostModel,
    UnitCosts,
)
from core.decision.thresholds.daily_money import all_human_option, option_money
from core.decision.thresholds.volume import run_volume
from core.errors import NotFoundError, SettingsError
from core.messages import sentence
from core.messages.figures import FigureFormat
from core.report.run_selection import same_cases
from core.store.store import Store
from core.types import Interval, RunRecord

_UNKNOWN = {NO_SECONDS: "no_seconds", NO_LABELS: "no_labelled"}  # note of an option -> its key
_SHARES = ("coverage", "selective_risk", "leakage")


def newest_stream_run(store: Store) -> RunRecord:
    """Return the newest finished scoring of a stream by a student, else by any model.

    Raises NotFoundError without one.
    """
    # sorted is stable and the store lists the newest first, so only the kind needs a key.
    runs = [r for r in store.runs("score") if r.run.role == "stream" and r.state == "finished"]
    for record in sorted(runs, key=lambda r: r.run.model_kind != "student"):
        return record
    raise NotFoundError("report.no_stream_scoring")


def decision_record(
    store: Store,
    run_id: str | None,
    threshold: float | None,
    cases_per_day: float | None,
    costs: UnitCosts,
    target_leakage: float | None = None,
) -> dict:
    """Return the results of `decide` as JSON values.

    store: the store of the runs.
    run_id: a scoring run; None for `newest_stream_run`.
    threshold: None for the loosest threshold that keeps `target_leakage`.
    cases_per_day: None for the volume from the cases' dates.
    costs: as of `costs_with_retraining`, which the pages use.
    target_leakage: a share of all labelled cases; None with a threshold.

    Raises SettingsError if the volume is neither set nor measurable, or no threshold keeps the
    target.
    """
    record = store.run(run_id) if run_id else newest_stream_run(store)
    measured = run_volume(record)
    volume = cases_per_day
    if volume is None and measured is not None:
        volume = measured.cases_per_day
    if volume is None:
        raise SettingsError("report.no_volume", run=record.run.run_id)
    if threshold is None:
        curve = AcceptanceCurve(store.histogram(record.run.run_id))
        threshold = threshold_for_leakage(curve, cast(float, target_leakage))
    consequences: list[PolicyConsequence] = []
    options = [all_human_option(volume, costs)]
    for kind, same in same_cases(store.runs("score"), record).items():  # the chosen run first
        means = threshold_consequence(
            AcceptanceCurve(store.histogram(same.run.run_id)),
            threshold,
            CostModel(volume, costs, same.metrics.get("seconds_per_case")),
        )
        consequences.append(means)
        options.append(option_money(kind, means))
    return {
        "run": record.run.run_id,
        "model": record.run.model,
        "model_hash": record.run.model_hash,
        "inputs_hash": record.run.inputs_hash,
        "volume": "given" if cases_per_day is not None else "measured",
        "far_dates": list(measured.far) if measured else [],
        "far_cases": measured.far_cases if measured else 0,
        "costs": asdict(costs),
        "target_leakage": target_leakage,
        "seconds_per_case": record.metrics.get("seconds_per_case"),
        "consequence": asdict(consequences[0])
        | {
            "threshold": threshold,
            "cases_per_day": volume,
            "slips_per_day": asdict(consequences[0].slips_per_day),
        },
        "money": {option.name: asdict(option) for option in options},
    }


def threshold_for_leakage(curve: AcceptanceCurve, target: float) -> float:
    """Return the loosest threshold whose leakage on these labelled cases is at most `target`.

    It is an estimate on the cases that choose it, not a certificate. Raises SettingsError for a
    target outside [0, 1], without a labelled case, or if even the strictest threshold leaks more.
    """
    if not 0 <= target <= 1:
        raise SettingsError("decide.target_outside", target=target)
    table = consequence_curve(curve, 1.0)
    if table["leakage"].isna().all():
        raise SettingsError("decide.no_labels")
    within = table[table["leakage"] <= target]
    if within.empty:
        least = f"{table['leakage'].min():.4g}"
        raise SettingsError("decide.target_unreachable", target=target, least=least)
    return float(within["threshold"].min())


def decision_sentences(record: dict, language: str = "en") -> str:
    """Return the record as text, a line a figure, each with its interval and n.

    Counts have three significant figures and all amounts one form; escapes and money are those of a
    month, as on the page 'Decide'.
    """
    words, figures = _DecisionWords(language), record["consequence"]
    line, percent = words.line, words.form.percent
    volume = {"volume": words.count(figures["cases_per_day"])}
    source = line(f"volume_{record['volume']}")
    of_volume = partial(line, "of_volume", **volume, source=source)
    shares = {name: words.estimate(figures[name], percent) for name in _SHARES}
    reviews = words.estimate(figures["reviews_per_day"], words.count, of_volume)
    escapes = words.estimate(
        figures["slips_per_day"], words.count, partial(line, "a_month"), DAYS_PER_MONTH
    )
    cases = {"n": figures["cases"], "cases": words.form.number(figures["cases"], 0)}
    lines = [
        line("head", threshold=figures["threshold"], run=record["run"], **cases),
        line("coverage", value=shares["coverage"]),
        line("reviews", value=reviews),
        line("risk", value=shares["selective_risk"]),
        line("leakage", value=shares["leakage"]),
        line("escapes", value=escapes),
        *words.assumptions(record["costs"]),
    ]
    if record["far_cases"]:
        lines.append(line("far_dates", n=record["far_cases"], dates=record["far_dates"][:5]))
    return "\n".join([*lines, *words.options(record["money"], record["costs"]["currency"])])


class _DecisionWords:
    """The lines and figures of `decide` in one language."""

    def __init__(self, language: str):
        self.language, self.form = language, FigureFormat(language)

    def line(self, key: str, **values: object) -> str:
        return sentence(self.language, f"decide.{key}", **values)

    def count(self, value: float) -> str:
        return self.form.number(value, figures=3)

    def assumptions(self, costs: dict) -> list[str]:
        """Return the unit costs, in one form, and the people's shares."""
        names = ("review", "escape", "machine_hour", "retraining_per_month")
        money = self.form.money_form([costs[name] for name in names], costs["currency"])
        amounts = {name: money(costs[name]) for name in names}
        return [self.line("unit_costs", **amounts), self.line("people_shares", **costs)]

    def options(self, money: dict, currency: str) -> list[str]:
        """Return a line of money a month for each way to run the line, all in one form."""
        totals = [option["total_per_day"] for option in money.values()]
        ends = [total[end] for total in totals for end in ("value", "low", "high")]
        form = self.form.money_form([x and x * DAYS_PER_MONTH for x in ends], currency)
        lines = []
        for name, option in money.items():
            if option["note"]:
                text = self.line(_UNKNOWN[option["note"]])
            else:
                phrase = partial(self.line, "money_a_month")
                text = self.estimate(option["total_per_day"], form, phrase, DAYS_PER_MONTH)
            lines.append(self.line(f"money_{name}", value=text))
        return lines

    def estimate(
        self,
        interval: dict,
        show: Callable[[float], str],
        phrase: Callable[..., str] = "{value}".format,
        per: float = 1.0,
    ) -> str:
        """Return `per` times an interval in words, with its n.

        show: writes a number. phrase: writes the value with its noun or unit.
        """
        result, n = Interval(**interval), self.form.number(interval["n"], 0)
        if result.value is None or result.low is None or result.high is None:
            return self.line("no_estimate", n=n)
        value, low, high = (show(per * x) for x in (result.value, result.low, result.high))
        # All human depends on unit costs only and has no interval to print.
        if result.low == result.high:
            return self.line("certain", value=phrase(value=value))
        return self.line("estimate", value=phrase(value=value), low=low, high=high, n=n)
