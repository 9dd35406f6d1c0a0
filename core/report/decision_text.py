"""Return the consequence of a threshold as a record and as sentences for a terminal."""

from collections.abc import Callable
from dataclasses import asdict
from typing import cast

from core.counts.histogram import AcceptanceCurve
from core.decision.thresholds.consequence import (
    PolicyConsequence,
    consequence_curve,
    threshold_consequence,
)
from core.decision.thresholds.costs import NO_LABELS, NO_SECONDS, CostModel, UnitCosts
from core.decision.thresholds.daily_money import all_human_option, option_money
from core.decision.thresholds.volume import run_volume
from core.errors import NotFoundError, SettingsError
from core.messages import sentence
from core.report.run_selection import same_cases
from core.store.store import Store
from core.types import Interval, RunRecord

_UNKNOWN = {NO_SECONDS: "no_seconds", NO_LABELS: "no_labelled"}  # note of an option -> its key


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
        "consequence": asdict(consequences[0]) | {"threshold": threshold, "cases_per_day": volume},
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
    """Return the record as text, a line a figure, each with its interval and n."""
    figures, unit = record["consequence"], record["costs"]

    def line(key: str, **values: object) -> str:
        return sentence(language, f"decide.{key}", **values)

    source = line(f"volume_{record['volume']}")
    head = {"threshold": figures["threshold"], "run": record["run"], "n": figures["cases"]}
    reviews = _number(figures["reviews_per_day"], language)
    lines = [
        line("head", **head),
        line("coverage", value=_share(figures["coverage"], language)),
        line("reviews", value=reviews, volume=figures["cases_per_day"], source=source),
        line("risk", value=_share(figures["selective_risk"], language)),
        line("leakage", value=_share(figures["leakage"], language)),
        line("escapes", value=_number(figures["escapes_per_day"], language)),
        line("unit_costs", **unit),
        line("people_shares", **unit),
    ]
    if record["far_cases"]:
        lines.append(line("far_dates", n=record["far_cases"], dates=record["far_dates"][:5]))
    for name, money in record["money"].items():
        if money["note"]:
            texts = line(_UNKNOWN[money["note"]])
        else:
            amount = _number(money["total_per_day"], language)
            texts = line("a_day", value=amount, currency=unit["currency"])
        lines.append(line(f"money_{name}", value=texts))
    return "\n".join(lines)


def _share(interval: dict, language: str) -> str:
    return _estimate(interval, lambda x: f"{100 * x:.1f}%", language)


def _number(interval: dict, language: str) -> str:
    return _estimate(interval, lambda x: f"{x:.4g}", language)


def _estimate(interval: dict, form: Callable[[float], str], language: str) -> str:
    estimate = Interval(**interval)
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return sentence(language, "decide.no_estimate", n=estimate.n)
    value, low, high = (form(x) for x in (estimate.value, estimate.low, estimate.high))
    # All human depends on unit costs only and has no interval to print.
    if estimate.low == estimate.high:
        return sentence(language, "decide.certain", value=value)
    return sentence(language, "decide.estimate", value=value, low=low, high=high, n=estimate.n)
