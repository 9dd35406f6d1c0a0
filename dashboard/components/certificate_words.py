"""The sentences of the page 'Evidence': calibration, temperature, periods, spreads, certificates.

Pure: words and results in, strings in markdown out. Knows neither Streamlit nor how a result was
computed.
"""

from collections.abc import Iterable, Mapping

from core.decision.certificate.claims import RISK_TOO_HIGH, VOID_REASONS, Certificate, NotCertified
from core.report.evidence import VALID_DAYS, CalibrationSummary, SpreadAgreement
from core.stats.temperature import Temperature
from core.types import Interval, RunRecord
from dashboard.components.active_policy import uncertainty_level
from dashboard.i18n import DASH, Words

HASH = 12  # letters of a hash that fit a line


def calibration_headline(
    words: Words, model: str, result: CalibrationSummary, untrained: int, unseen: bool
) -> str:
    """Return how sure the model claims to be and how often it is right.

    model: its display name. result: confidence and accuracy. untrained: cases whose label the model
    was not trained on, in a sentence if any. unseen: whether those count.
    """
    if result.confidence is None:
        return words.markdown("headline.unlabelled")
    accuracy = result.accuracy
    _, low, high = accuracy.estimate
    verdict = (
        "over"
        # over- or underconfident only outside the accuracy's interval: inside, the gap may be
        # chance
        if result.confidence > high
        else "under"
        if result.confidence < low
        else "fair"
    )
    ends = {name: words.percent(getattr(accuracy, name), 0) for name in ("value", "low", "high")}
    text = words.markdown(
        "evidence.headline",
        model=model,
        confidence=words.percent(result.confidence, 0),
        n=words.number(accuracy.n, 0),
        **ends,
    )
    parts = [text, words(f"evidence.{verdict}")]
    if untrained:
        parts.append(words.many("evidence.counted" if unseen else "evidence.left_out", untrained))
    return words.sentence_space.join(parts)


def ece_panel_title(words: Words, name: str, ece: Interval) -> str:
    """Return a model's name and, below it, its ECE with the interval, for a chart.

    Not escaped: neither comes from cases.
    """
    low, high = words.number(ece.low, 3), words.number(ece.high, 3)
    return f"{name}<br>{words('evidence.ece', ece=words.number(ece.value, 3), low=low, high=high)}"


def source_runs(
    words: Words, n: int, records: Iterable[RunRecord], key: str = "evidence.sources"
) -> str:
    """Return how many cases the figures count, and of which runs.

    n: the number of cases. records: the runs. key: of the sentence.
    """
    runs = words.comma.join(record.run.run_id for record in records)
    return words.markdown(key, n=words.number(n, 0), runs=runs)


def temperature_sentence(
    words: Words, result: Temperature, record: RunRecord, scored: RunRecord
) -> str:
    """Return the temperature and the cases that fitted it.

    record: the calibration run. scored: the run that the temperature is applied to.
    """
    value, same = result.value, record.run.inputs_hash == scored.run.inputs_hash
    text = words.markdown(
        "temperature.note",
        t=words.number(value.value, 2),
        low=words.number(value.low, 2),
        high=words.number(value.high, 2),
        n=words.number(value.n, 0),
        run=record.run.run_id,
    )
    return text + words.sentence_space + words("temperature.same" if same else "temperature.apart")


def period_name(words: Words, year: int, half: int) -> str:
    """Return the name of a period of report.evidence.by_period; (0, 0) is the calibration period."""
    if not year:
        return words("role.calibration")
    return words(f"period.name_{half}", year=str(year))


def temperature_terms(words: Words, result: Temperature) -> str:
    """Return the NLL of the cases that fitted the temperature, before and after, in nats."""
    ends = {"before": result.nll_before, "after": result.nll_after}
    texts = {name: words.number(value, 3) for name, value in ends.items()}
    return words.markdown("terms.temperature", **texts)


def spread_sentence(words: Words, part: str, result: SpreadAgreement) -> str:
    """Return how closely the student follows the teacher in one part of the uncertainty."""
    r, error = result.spearman, result.error
    values = {"r": r.value, "r_low": r.low, "r_high": r.high}
    texts = {name: words.number(value, 2) for name, value in values.items()}
    level = None if error.value is None else uncertainty_level(error.value)
    texts["level"] = DASH if level is None else words(f"spread.{level}")
    return words.markdown("spread.note", part=words(f"spread.{part}"), **texts)


def spread_terms(words: Words, part: str, result: SpreadAgreement) -> str:
    """Return the mean difference of student and teacher in one part of the uncertainty, in nats."""
    error = result.error
    ends = {"e": error.value, "e_low": error.low, "e_high": error.high}
    texts = {name: words.number(value) for name, value in ends.items()}
    return words.markdown("terms.spread", part=words(f"spread.{part}"), **texts)


def certificate_sentence(words: Words, result: Certificate | NotCertified) -> str:
    """Return the result in one plain sentence, and its counts."""
    if isinstance(result, Certificate):
        text = _certified(words, result)
    elif result.reason == RISK_TOO_HIGH:
        text = words.markdown("certificate.too_high", target=words.percent(result.promise.target))
    else:
        text = _not_enough(words, result)
    return text + words.sentence_space + _counts(words, result)


def _certified(words: Words, result: Certificate) -> str:
    values = {
        "t": words.number(result.threshold, 3),
        "strictest": words.number(result.strictest, 3),
        "target": words.percent(result.promise.target),
        "sure": words.percent(1 - result.promise.delta, 0),
    }
    return words.markdown(f"certificate.{result.promise.measure}", **values)


def _not_enough(words: Words, result: NotCertified) -> str:
    """Return how many more labels a certificate needs.

    The lower bound, and the likely number at the observed error rate if that is larger.
    """
    # `few` assumes that every further label is right: a lower bound
    few, likely = result.more_without_error, result.more_at_rate
    if likely is None:
        return words.many("certificate.no_number", max(few, 1))
    if likely > few:
        return words.many("certificate.more_likely", likely)
    return words.many("certificate.more", max(few, 1))


def _counts(words: Words, result: Certificate | NotCertified) -> str:
    if result.threshold is None:
        return words.markdown("certificate.none_accepted", n=words.number(result.tested, 0))
    counts = {
        name: words.number(getattr(result, name), 0) for name in ("tested", "accepted", "errors")
    }
    return words.markdown("certificate.counts", t=words.number(result.threshold, 3), **counts)


def certificate_basis(
    words: Words,
    result: Certificate | NotCertified,
    record: RunRecord,
    model: str,
    untrained: int,
    unseen: bool,
) -> list[str]:
    """Return the lines under a certificate: cases, hashes, method, and what voids it.

    result: the certificate, or why there is none. record: the calibration run. model: its display
    name. untrained: cases whose label the model was not trained on. unseen: whether those count.
    """
    evidence = result.evidence
    values = {
        "model": model,
        "run": record.run.run_id,
        "labelled": words.number(evidence.labelled, 0),
        "data": evidence.data_hash[:HASH],
        "hash": record.run.model_hash[:HASH],
    }
    lines = [words.markdown("certificate.basis", **values)]
    if untrained:
        lines.append(
            words.many("certificate.counted" if unseen else "certificate.left_out", untrained)
        )
    lines.append(words("certificate.fitted_nothing"))
    lines.append(
        words.markdown(
            f"certificate.method_{result.promise.measure}", pilot=words.number(evidence.pilot, 0)
        )
    )
    if evidence.family > 1:
        lines.append(words.markdown("certificate.family", family=words.number(evidence.family, 0)))
    if isinstance(result, Certificate):
        # the expiry date has a sentence of its own, in `voided`
        whys = words.comma.join(
            words(f"void.{name.replace(' ', '_')}") for name in VOID_REASONS if name != "expired"
        )
        expires = words.date(result.origin.expires_on)
        days = str(VALID_DAYS)
        lines.append(words.markdown("certificate.voided", last=expires, days=days, whys=whys))
    return lines


def excluded_periods(words: Words, periods: Mapping[str, int], few: int) -> str:
    """Return which periods have too few labelled cases to draw; "" if none.

    periods: name -> labelled cases. few: the smallest number that is drawn.
    """
    if not periods:
        return ""
    period_list = words.comma.join(
        words("shift.small", period=name, n=words.number(n, 0)) for name, n in periods.items()
    )
    return words.markdown("shift.left_out", periods=period_list, few=words.number(few, 0))
