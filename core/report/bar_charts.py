"""A measure of several ways to work as a document's bar chart: one axis, one way to write numbers.

Chooses no words: they come in as ReportWords.
"""

from collections.abc import Sequence

from core.report import phrases
from core.report.document import BarChart
from core.report.phrases import ReportWords
from core.types import Interval


def measure_chart(
    words: ReportWords,
    measure: str,
    names: Sequence[str],
    estimates: Sequence[Interval],
    currency: str,
) -> BarChart:
    """Return a bar a name with its interval.

    words: the words of the report's language.
    measure: one of core.report.meeting.MEASURES.
    names: of the bars, [n].
    estimates: their values, [n]; a known value has no ends, an unknown one is None.
    currency: ISO 4217; only money uses it.
    """
    values = [estimate.value for estimate in estimates]
    texts = tuple(map(phrases.measure_form(words, measure, values, currency), values))
    # A chart has one axis, so the first bar's text sets the digits for all.
    pattern = phrases.number_pattern(words, measure, texts[0], currency)
    size = 1.0
    if measure == "money_per_month":
        ends = (x for e in estimates for x in (e.value, e.high) if x is not None)
        size, pattern = phrases.axis_form(words, max(ends, default=0.0), pattern, currency)
    return BarChart(
        phrases.measure_label(words, measure),
        tuple(names),
        _counted_in(size, values),
        _counted_in(size, [estimate.low for estimate in estimates]),
        _counted_in(size, [estimate.high for estimate in estimates]),
        texts,
        pattern,
        (words("minutes.value"), words("minutes.low"), words("minutes.high")),
    )


def _counted_in(size: float, amounts: Sequence[float | None]) -> tuple[float | None, ...]:
    return tuple(None if amount is None else amount / size for amount in amounts)
