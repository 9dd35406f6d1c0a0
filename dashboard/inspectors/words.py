"""The sentences of the page 'Ten inspectors or one': votes, their cause, the gate, the cards.

Pure: words and results in, strings in markdown out; text from cases is escaped here. Does not know
Streamlit.
"""

import pandas as pd

from core.pipeline.ask import REPEATS, Answer
from core.report.inspectors import (
    ALEATORIC,
    EPISTEMIC,
    HIGH,
    MIDDLE,
    GateOutcome,
    UncertaintyLevel,
    VotedCase,
    uncertainty_cause,
)
from core.stats.votes import ENOUGH, Prediction
from core.types import RunRecord
from dashboard.components.sentences import Card
from dashboard.i18n import DASH, Words, escape_markdown

CASE_CHARACTERS = 60  # letters of a case in a list


def inspector_headline(words: Words, case: VotedCase, gate: GateOutcome) -> str:
    """Return how the votes fall, the student's answer, and the case's destination."""
    votes, student = case.votes, case.student
    texts = {"label": case.labels[votes.leading], "n": words.number(len(votes.choices), 0)}
    texts["k"] = words.number(int(votes.counts[votes.leading]), 0)
    parts = [words.markdown("inspectors.all" if votes.unanimous else "inspectors.most", **texts)]
    if student is not None:
        key = "inspectors.same" if student.best == votes.leading else "inspectors.other"
        parts.append(
            words.markdown(
                key, label=case.labels[student.best], sure=words.percent(student.confidence)
            )
        )
    parts.append(words("inspectors.accepted" if gate.accepted else "inspectors.review"))
    return words.sentence_space.join(parts)


def uncertainty_reason(words: Words, case: VotedCase, levels: dict[str, UncertaintyLevel]) -> str:
    """Return why the votes differ or agree.

    Also says if the mean of the votes names another label than the majority.
    """
    votes = case.votes
    texts = [
        words(f"inspectors.{'agreed' if votes.unanimous else 'split'}.{uncertainty_cause(levels)}")
    ]
    if votes.together.best != votes.leading:
        texts.append(
            words.markdown("inspectors.mean_differs", label=case.labels[votes.together.best])
        )
    return words.sentence_space.join(texts)


def recorded_label(words: Words, case: VotedCase) -> str:
    """Return the recorded label, and whether the answer at the gate matches it."""
    if case.label is None:
        return words("inspectors.no_record")
    who = words("kind.teacher" if case.student is None else "kind.student")
    return words.markdown(
        "inspectors.record", label=case.label, who=who, outcome=words(f"outcome.{case.outcome}")
    )


def inspector_cards(
    words: Words,
    case: VotedCase,
    gate: GateOutcome,
    levels: dict[str, dict[str, UncertaintyLevel]],
    took: tuple[str, tuple[str, ...]],
) -> list[Card]:
    """Return six cards: votes, answer, gate, two uncertainties, time.

    words: the catalogue. case: the case with its votes. gate: its outcome. levels: model kind ->
    its levels, the teacher's first. took: value and lines of the time's card.
    """
    parts = (
        _level(words, part, {kind: level[part] for kind, level in levels.items()})
        for part in (ALEATORIC, EPISTEMIC)
    )
    time = Card("time", words("inspectors.card.time"), *took, words("inspectors.card.time.help"))
    return [
        _votes(words, case),
        _answer(words, case),
        _gate(words, gate, case.answer),
        *parts,
        time,
    ]


def _votes(words: Words, case: VotedCase) -> Card:
    votes, n = case.votes, len(case.samples)
    value = words(
        "inspectors.of", k=words.number(int(votes.counts[votes.leading]), 0), n=words.number(n, 0)
    )
    share = {
        "low": words.percent(votes.agreement.low, 0),
        "high": words.percent(votes.agreement.high, 0),
    }
    line = words.markdown(
        # with few votes the interval covers almost every share
        "inspectors.interval" if n >= ENOUGH else "inspectors.too_few",
        n=words.number(n, 0),
        **share,
    )
    lines = (escape_markdown(case.labels[votes.leading]), line)
    return Card(
        "votes", words("inspectors.card.votes"), value, lines, words("inspectors.card.votes.help")
    )


def _answer(words: Words, case: VotedCase) -> Card:
    """Return the card of the answer at the gate, and of the inspectors' mean."""
    together, answer = case.votes.together, case.answer
    mean = words.markdown(
        "inspectors.together",
        label=case.labels[together.best],
        sure=words.percent(together.confidence),
    )
    lines = (
        (escape_markdown(case.labels[answer.best]), mean)
        if case.student is not None
        else (escape_markdown(case.labels[answer.best]),)
    )
    label = words(
        "inspectors.card.answer_teacher" if case.student is None else "inspectors.card.answer"
    )
    return Card(
        "answer",
        label,
        words.percent(answer.confidence),
        lines,
        words("inspectors.card.answer.help"),
    )


def _gate(words: Words, gate: GateOutcome, answer: Prediction) -> Card:
    """Return the card of the answer's destination, its condition, and the rule."""
    value = words("inspectors.gate.accepted" if gate.accepted else "inspectors.gate.review")
    texts = {"sure": words.percent(answer.confidence), "least": words.percent(gate.least)}
    condition = "confidence" if gate.least is not None else "all"
    lines = [words.markdown(f"inspectors.gate.{condition}", **texts)]
    if gate.limit is not None:
        spread = {"value": words.number(answer.epistemic), "limit": words.number(gate.limit)}
        lines.append(words.markdown("inspectors.gate.limit", **spread))
    rule = gate.rule
    if rule.name is None:
        lines.append(words("inspectors.gate.threshold"))
    else:
        version = words.number(rule.version, 0)
        lines.append(words.markdown("inspectors.gate.policy", name=rule.name, version=version))
    return Card(
        "gate",
        words("inspectors.card.gate"),
        value,
        tuple(lines),
        words("inspectors.card.gate.help"),
    )


def _level(words: Words, part: str, levels: dict[str, UncertaintyLevel]) -> Card:
    """Return the card of one part of the uncertainty: its level, value, and rank.

    levels: by model kind, teacher first.
    """
    lines = [
        words.markdown(
            "inspectors.level.of",
            model=words(f"kind.{kind}"),
            value=words.number(level.value),
            below=words.number(level.below, 0),
            n=words.number(level.n, 0),
        )
        for kind, level in levels.items()
    ]
    name = next(iter(levels.values())).name
    return Card(
        part,
        words(f"spread.{part}"),
        words(f"inspectors.level.{name}"),
        tuple(lines),
        words(f"inspectors.card.{part}.help"),
    )


def stored_time(
    words: Words, teacher: RunRecord, student: RunRecord | None
) -> tuple[str, tuple[str, ...]]:
    """Return the milliseconds a case of the runs, and lines about them.

    Without an interval: a run times batches, not cases.
    """
    values, lines = [], []
    for record in filter(None, (student, teacher)):
        seconds, n = record.metrics.get("seconds_per_case"), record.metrics.get("timed_cases")
        time_text = DASH if seconds is None else milliseconds_text(words, 1000 * seconds)
        values.append(time_text)
        texts = {
            "model": words(
                f"model.{record.run.model_kind}", passes=words.number(record.run.samples, 0)
            ),
            "value": time_text,
        }
        if seconds is None:
            lines.append(words.markdown("inspectors.time.missing", **texts))
        else:
            device, cases = str(record.metrics.get("device", "?")), words.number(n, 0)
            lines.append(words.markdown("inspectors.time.run", device=device, n=cases, **texts))
    return values[0], (*lines, words("inspectors.time.batches"))


def typed_time(words: Words, answer: Answer) -> tuple[str, tuple[str, ...]]:
    """Return the milliseconds of the typed case: median of repeats, and lines with their range."""
    passes = words.number(len(answer.samples), 0)
    lines = [
        words.markdown(
            "inspectors.time.now",
            model=words(f"model.{kind}", passes=passes),
            value=milliseconds_text(words, took.median),
            low=milliseconds_text(words, took.low),
            high=milliseconds_text(words, took.high),
        )
        for kind, took in (("student", answer.student_time), ("teacher", answer.teacher_time))
    ]
    lines.append(
        words.markdown(
            "inspectors.time.alone", repeats=words.number(REPEATS, 0), device=answer.device
        )
    )
    return milliseconds_text(words, answer.student_time.median), tuple(lines)


def milliseconds_text(words: Words, value: float) -> str:
    """Return a number of milliseconds with its unit."""
    return words("inspectors.ms", value=words.number(value))


def case_option(words: Words, row: pd.Series, pick: str) -> str:
    """Return a case as one line of a list, as plain text: figure, text, id."""
    uncertain = pick in (EPISTEMIC, ALEATORIC)
    figure = (words.number if uncertain else words.percent)(row["figure"])
    text = " ".join(row["text"].split())
    return f"{figure} · {text if len(text) <= CASE_CHARACTERS else text[: CASE_CHARACTERS - 1] + '…'} · {row['case_id']}"


def vote_basis(words: Words, levels: dict[str, UncertaintyLevel], teacher: RunRecord) -> str:
    """Return the meaning of low, middle and high: ranks among the run's own cases."""
    n = next(iter(levels.values())).n
    texts = {
        "middle": words.percent(MIDDLE, 0),
        "high": words.percent(HIGH, 0),
        "n": words.number(n, 0),
    }
    return words.markdown("inspectors.basis", run=teacher.run.run_id, **texts)


def votes_note(words: Words, case: VotedCase) -> str:
    """Return the number of votes, and the uncertainty that it leaves."""
    share, n = case.votes.agreement, len(case.samples)
    if n < ENOUGH:
        return words.markdown("in_votes.too_few", n=words.number(n, 0))
    percents = {name: words.percent(getattr(share, name), 0) for name in ("value", "low", "high")}
    return words.markdown("in_votes.note", n=words.number(n, 0), **percents)
