"""The charts of the page 'Decide', each with its table. All figures come from core.decision and core.report.

The first two hold nothing that depends on the threshold in use, or Streamlit would draw them anew at every move and lose their
zoom: dashboard.live draws the point in use over them, and hears clicks on their curves.
"""

from collections.abc import Sequence

import pandas as pd

from core.decision import economics, whatif
from core.decision.histogram import Cumulative
from core.report import frames, selection
from core.types import RunRecord
from dashboard import charts, controls, mark_charts, panels, sentences, shared, tables
from dashboard.address import BY_CLASS
from dashboard.kept import kept
from dashboard.mark_charts import CHEAPEST, Mark
from dashboard.views.shown import Shown


def risk(shown: Shown, marks: Sequence[Mark], said: list[str]) -> None:
    """Selective risk against coverage, with the points that were found."""
    words, chosen = shown.words, shown.chosen
    labelled = whatif.consequence(shown.counts(shown.kind, chosen.segment), 0.0, 1.0, chosen.unseen).labelled
    if not labelled:
        panels.nothing("risk_coverage", words, "needs_labels")
        return
    of_models = {kind: shown.counts(kind, chosen.segment) for kind in shown.same}
    curves = kept(frames.risk_coverage_frame, of_models, chosen.unseen)
    said_on = words.of("axis.coverage", "axis.risk", "now", "band", "threshold")
    figure = kept(_risk, curves, shown.names, said_on, *(mark for mark in marks if mark.kind != CHEAPEST))
    note = [words.markdown("risk_coverage.note", n=words.number(labelled, 0)), *said, words("points.click")]
    panels.chart("risk_coverage", words, figure, kept(tables.risk_coverage, words, curves, shown.names), "  \n".join(note))


def thresholds(shown: Shown, costed: pd.DataFrame, cheapest: float | None, marks: Sequence[Mark]) -> None:
    """Reviews, leakage and money against the threshold, with the points that were found."""
    words, currency = shown.words, shown.chosen.currency
    curve = kept(frames.threshold_frame, costed)
    names = words.of("axis.reviews", "axis.leakage", "axis.money", "threshold", "now", "cheapest")
    figure = kept(_thresholds, curve, names | {"symbol": words.symbol(currency)}, *marks)
    note = [*([] if cheapest is None else [sentences.cheapest(words, curve, cheapest, currency)]), words("points.click")]
    panels.chart("thresholds", words, figure, kept(tables.thresholds, words, curve, currency), "  \n".join(note))


def _risk(curves: pd.DataFrame, names: dict[str, str], words: dict[str, str], *marks: Mark):
    """The figure, the same object for the same points: nothing in it depends on the threshold in use, so it is kept."""
    return mark_charts.on_risk(charts.risk_coverage(curves, names, None, words), marks)


def _thresholds(curve: pd.DataFrame, words: dict[str, str], *marks: Mark):
    """The figure, kept as that of `_risk` is."""
    return mark_charts.on_thresholds(charts.against_threshold(curve, None, None, words), marks)


def options(shown: Shown) -> None:
    """Money a day of the ways to run the line, at the threshold in use."""
    words, chosen = shown.words, shown.chosen
    per_day = shown.per_day(chosen.segment)
    found = [economics.all_human(per_day, shown.costs)]
    for kind in reversed(shown.same):
        at = whatif.consequence(shown.counts(kind, chosen.segment), chosen.t, per_day, chosen.unseen)
        found.append(economics.option(kind, at, shown.costs, shown.seconds(kind)))
    frame = frames.option_frame(found)
    frame["name"] = [sentences.option_name(words, option, shown.same) for option in found]
    said = words.of("part.review", "part.inference", "part.escapes", "part.total") | {"symbol": words.symbol(chosen.currency)}
    note = sentences.options_note(words, found, shown.same)
    panels.chart("options", words, charts.options(frame, said), tables.options(words, frame, chosen.currency), note)


def parts(shown: Shown) -> None:
    """Review rate and leakage of each segment, or of each predicted class, at the threshold in use."""
    words, chosen = shown.words, shown.chosen
    by_class = chosen.by == BY_CLASS
    counts = Cumulative(shown.by_class()) if by_class else shown.counts(shown.kind)
    per_day = shown.per_day(chosen.segment) if by_class else shown.per_day()
    frame = frames.segment_frame(counts, chosen.t, per_day, chosen.unseen)
    drawn = frame[frame["cases"] > 0]
    names = [
        words("parts.n", name=name or "–", n=words.number(n, 0))
        for name, n in zip(drawn["segment"], drawn["cases"], strict=True)
    ]
    figure = charts.by_segment(drawn.assign(segment=names), words.of("card.review", "card.leakage"))
    head = words("column.predicted_class" if by_class else "column.segment")
    table = tables.segments(words, frame, head)
    panels.chart("segments", words, figure, table, words(f"parts.{chosen.by}"), lambda: controls.split(words))


def calibration(shown: Shown, runs: list[RunRecord]) -> None:
    """Accuracy against confidence on the calibration runs of the models that are shown."""
    words = shown.words
    found = selection.calibration_of(runs, shown.same)
    if not found:
        panels.nothing("calibration", words, "calibration.missing")
        return
    counts = {kind: shared.histogram(record.run.run_id) for kind, record in found.items()}
    frame, errors = kept(frames.reliability_frame, counts)
    names = {
        kind: words("calibration.legend", model=shown.names[kind], ece=words.number(ece, 3), n=words.number(n, 0))
        for kind, (ece, n) in errors.items()
    }
    said = words.of("axis.confidence", "axis.accuracy", "calibration.perfect", "column.cases")
    note = words.markdown("calibration.note", n=words.number(max(n for _, n in errors.values()), 0))
    figure, table = kept(charts.reliability, frame, names, said), kept(tables.reliability, words, frame, shown.names)
    panels.chart("calibration", words, figure, table, note)
