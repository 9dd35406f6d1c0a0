"""The controls that pages share: language, run, segment, threshold, assumed costs, measured data.

Draws widgets whose keys are the names in dashboard.session.address.Choices; computes nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypedDict, TypeVar, cast

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.decision.money.scenario import MoneyScenario
from core.decision.thresholds.volume import VOLUME_UNKNOWN, measured_cases_per_day, run_volume
from core.report import run_selection
from core.report.money_start import edited_measurements
from core.store.lines import LineSettings
from core.types import OUTCOMES, RunRecord
from dashboard.components.sentences import run_cases, run_name
from dashboard.i18n import CURRENCIES, LANGUAGE_NAMES, Words, escape_markdown
from dashboard.session import cache, state
from dashboard.session.address import (
    ALL,
    CERTIFIABLE_RISKS,
    CONFIDENCE_LEVELS,
    MOST_AMOUNT,
    PERIODS,
    TARGETS,
    Choices,
)
from dashboard.session.context import model_name

T = TypeVar("T")
BadgeColor = Literal["green", "orange", "gray", "blue", "red"]


# basis of a value -> icon and colour of its badge
BASIS_BADGES: dict[str, tuple[str, BadgeColor]] = {
    "measured": (":material/timer:", "green"),
    "assumed": (":material/edit:", "orange"),
}


class FieldLimits(TypedDict):
    """The least and the largest value of a number field."""

    min_value: float
    max_value: float


LIMITS = FieldLimits(min_value=0.0, max_value=MOST_AMOUNT)  # of an amount or a volume


def select(
    label: str,
    shows: Mapping[T, str],
    key: str,
    place: DeltaGenerator | None = None,
    **options: Any,
) -> T:
    """Draw a list to choose from and return the choice.

    shows: option -> its text; a changed text is updated and the choice stays. key: name of the
    choice. place: column or container, None for where the page is. options: of st.selectbox.
    """
    state.sync_label(key, shows)
    draw = st.selectbox if place is None else place.selectbox
    return cast(T, draw(label, list(shows), format_func=shows.__getitem__, key=key, **options))


def segments(
    label: str,
    shows: Mapping[T, str],
    key: str,
    place: DeltaGenerator | None = None,
    **options: Any,
) -> T:
    """Draw options in a row, one of them always chosen, and return the choice.

    shows: option -> its text. key: name of the choice. place: column or container, None for where
    the page is. options: of st.segmented_control.
    """
    draw = st.segmented_control if place is None else place.segmented_control
    fixed: dict[str, Any] = {"format_func": shows.__getitem__, "key": key, "required": True}
    return cast(T, draw(label, list(shows), **fixed, **options))


def page_link(words: Words, name: str) -> None:
    """Draw a button that opens another page of the navigation, with the choices of this one."""
    if st.button(words(f"{name}.nav"), key=f"to_{name}", icon=":material/arrow_forward:"):
        state.open_page(name)


def language(words: Words) -> None:
    """Draw the switch between languages; each is named in its own language."""
    segments(words("language"), LANGUAGE_NAMES, "lang", label_visibility="collapsed")


def clamp_run(runs: list[RunRecord]) -> RunRecord:
    """Set the chosen run to one of `runs`, before its list is drawn, and return it."""
    by_id = {record.run.run_id: record for record in run_selection.selectable_runs(runs)}
    run_id = state.clamp_choice("run", list(by_id), default_run(runs).run.run_id)
    record = by_id[run_id]
    line = cache.line_settings().get(record.run.dataset)
    state.follow_line(record.run.dataset, line_choices(line, state.present.lang))
    return record


def default_run(runs: list[RunRecord]) -> RunRecord:
    """Return the run that opens first: one that a line's settings name, if there is one."""
    lines = cache.line_settings().values()
    pinned = [line.opens for line in lines if line.opens is not None]
    return run_selection.default_selection(runs, pinned)


def line_choices(line: LineSettings | None, language: str) -> dict[str, object]:
    """Return the choices that belong to a line; without settings, its volume is measured."""
    # a money scenario holds amounts of the line that it was made for
    if line is None:
        return {"volume": None, "money": None}
    assumed = line.in_language(language)
    choices: dict[str, object] = {
        "money": None,
        "volume": assumed.cases_per_day,
        "review": assumed.review,
        "escape": assumed.escape,
        "machine": assumed.machine_hour,
        "currency": assumed.currency,
    }
    # floats, since a number field refuses a whole number among decimals
    amounts = {k: float(v) if isinstance(v, int) else v for k, v in choices.items()}
    # a line without a threshold opens at the pages' own, not at the one of the line before it
    return amounts | {"t": Choices.t if line.threshold is None else line.threshold}


def volume_in_use(record: RunRecord) -> float:
    """Return cases a day: typed, measured from the dates of `record`, or VOLUME_UNKNOWN."""
    # not `or`: a typed volume of 0 is a choice
    candidates = (state.present.volume, measured_cases_per_day(record), VOLUME_UNKNOWN)
    return next(value for value in candidates if value is not None)


def counted_share(record: RunRecord, segments: bool = True) -> float:
    """Return the share of the run's cases that count under the present choices.

    A segment, and leaving out untrained labels, make it less than 1. segments: False ignores the
    chosen segment.
    """
    segment = state.present.segment if segments else ALL
    # threshold 0 accepts every case, so this counts them all
    totals = cache.cumulative(record.run.run_id, segment).accepted[:, 0]
    untrained = 0 if state.present.unseen else totals[OUTCOMES.index("unseen")]
    return int(totals.sum() - untrained) / max(1, record.cases)


def choose_run(
    words: Words, runs: list[RunRecord], record: RunRecord, segments: bool = True
) -> None:
    """Draw the choice of run, segment and untrained labels.

    runs: every scoring run. record: the chosen one, of `clamp_run`. segments: False draws no
    segments, for a page about all of them.
    """
    selectable = run_selection.selectable_runs(runs)
    names = {scored.run.run_id: run_name(words, scored) for scored in selectable}
    select(words("run"), names, "run", help=words("run.help"))
    st.caption(run_cases(words, record))
    if segments:
        # a segment without a name has the same key as ALL, and a list must not hold a key twice
        in_run = cache.histogram(record.run.run_id).segments
        options = [ALL, *(name for name in in_run if name != ALL)]
        state.clamp_choice("segment", options, ALL)
        shows = {name: name or words("segment.all") for name in options}
        select(words("segment"), shows, "segment", help=words("segment.help"))
    st.toggle(words("unseen"), key="unseen", help=words("unseen.help"))


def threshold(words: Words) -> None:
    """Draw the threshold as a number field; dashboard.decide.live draws it as a handle."""
    st.number_input(words("threshold"), 0.0, 1.0, step=0.001, format="%.3f", key="t", width=160)


def limit_controls(words: Words) -> None:
    """Draw the two limits: the maximal risk, and the reviews a day that people can do.

    Each may stay empty.
    """
    names = {name: words(f"measure.{name}") for name in CERTIFIABLE_RISKS}
    segments(words("measure"), names, "limited")
    most, capacity = st.columns(2, vertical_alignment="bottom")
    for place, key, largest, step, form in (
        (most, "most", 100.0, 0.1, "%0.2f"),
        (capacity, "capacity", MOST_AMOUNT, 1.0, "%g"),
    ):
        place.number_input(
            words(key),
            0.0,
            largest,
            value=None,
            step=step,
            format=form,
            key=key,
            placeholder=words("limits.empty"),
        )


def period(words: Words) -> None:
    """Draw the length of the periods that the stream is cut into."""
    names = {name: words(f"period.{name}") for name in PERIODS}
    segments(words("period"), names, "period")


def promise(words: Words) -> None:
    """Draw the promise of a certificate: the measure, its target, and the confidence."""
    left, middle, right = st.columns([2, 1, 1], vertical_alignment="bottom")
    names = {name: words(f"measure.{name}") for name in CERTIFIABLE_RISKS}
    segments(words("measure"), names, "measure", left, help=words("measure.help"))
    targets, sure = (
        {risk: words.percent(risk) for risk in TARGETS},
        {share: words.percent(share, 0) for share in CONFIDENCE_LEVELS},
    )
    select(words("target"), targets, "target", middle, help=words("target.help"))
    select(words("sure"), sure, "sure", right, help=words("sure.help"))


def costs(words: Words) -> None:
    """Draw the assumed costs."""
    st.markdown(f"**{words('costs')}**", help=words("costs.help"))
    source_badge(words, "assumed")
    # two in a row: all of them, and the volume, are in view without scrolling
    places = [place for _ in range(2) for place in st.columns(2, vertical_alignment="bottom")]
    with places[0]:
        currency_control(words)
    step, form = amount_steps(words, state.present.currency)
    for place, (name, steps) in zip(
        places[1:], (("review", 1), ("escape", 20), ("machine", 1)), strict=True
    ):
        label = words(f"cost.{name}")
        place.number_input(label, step=step * steps, format=form, key=name, **LIMITS)
    with st.expander(words("costs.people"), key="costs_people"):
        review_minutes(words)
        for name in ("miss", "audit", "cashed"):
            label, hint = words(f"work.{name}"), words(f"work.{name}.help")
            st.number_input(label, 0.0, 100.0, step=1.0, format="%0.1f", key=name, help=hint)


def amount_steps(words: Words, currency: str) -> tuple[float, str]:
    """Return the step and the format of a field for a unit cost in `currency`."""
    # yen has no decimals; a field of steps of 0.5 would write 500.00
    return (1.0, "%0.0f") if words.precision(currency) == 0 else (0.5, "%0.2f")


def review_minutes(words: Words, width: int | Literal["stretch"] = "stretch") -> None:
    """Draw the minutes of one review, a choice that all pages share. width: pixels."""
    st.number_input(
        words("work.minutes"),
        min(0.5, state.present.minutes),  # a link may hold less
        600.0,
        step=0.5,
        format="%0.1f",
        key="minutes",
        help=words("work.minutes.help"),
        width=width,
    )


def currency_control(words: Words, width: int | Literal["stretch"] = "stretch") -> None:
    """Draw the currency; a change replaces the amounts, and a notice says so. width: pixels."""
    st.selectbox(
        words("currency"),
        CURRENCIES,
        key="currency",
        help=words("currency.help"),
        on_change=state.change_currency,
        width=width,
    )


def volume_control(words: Words, record: RunRecord) -> None:
    """Draw cases a day: a typed number, which takes precedence, or that of `record`'s dates."""
    volume = measured_cases_per_day(record)
    st.markdown(f"**{words('volume.title')}**")
    source_badge(
        words, "measured" if volume is not None and state.present.volume is None else "assumed"
    )
    source, count = ("unknown", VOLUME_UNKNOWN) if volume is None else ("measured", volume)
    st.number_input(
        words("volume"),
        value=None,
        step=1.0,
        format="%g",
        key="volume",
        placeholder=words(f"volume.{source}", count=words.number(count)),
        help=words("volume.help"),
        **LIMITS,
    )
    dates = run_volume(record)
    if dates is not None and dates.far:
        far_dates = escape_markdown(words.comma.join(dates.far[:5]))
        st.caption(words.many("volume.far", dates.far_cases, dates=far_dates))


def measured_speeds(words: Words, same: Iterable[RunRecord]) -> None:
    """Draw the measured seconds a case of the runs `same`, each with its run."""
    st.markdown(f"**{words('speed.title')}**", help=words("speed.title.help"))
    source_badge(words, "measured")
    for scored in same:
        seconds = scored.metrics.get("seconds_per_case")
        named = {"model": model_name(words, scored), "run": scored.run.run_id}
        if seconds is None:
            st.caption(words.markdown("seconds.missing", **named))
        else:
            device = str(scored.metrics.get("device", "?"))
            st.caption(
                words.markdown("seconds", seconds=words.number(seconds), device=device, **named)
            )


def source_badge(words: Words, source: str) -> None:
    """Mark the following fields as measured or assumed."""
    icon, color = BASIS_BADGES[source]
    st.badge(words(source), icon=icon, color=color)


def draw_notices(words: Words) -> None:
    """Warn about a changed currency, about inputs of the page Money that no other page uses, and
    about the address's values that were dropped.
    """
    change = state.changed_currencies()
    if change is not None:
        with st.container(horizontal=True, vertical_alignment="center", key="currency_notice"):
            st.warning(
                words.text("currency.changed", before=change[0], now=change[1]),
                icon=":material/currency_exchange:",
            )
            st.button(words("understood"), key="currency_known", on_click=state.confirm_currency)
    _draw_edited(words)
    for name, value in state.notices():
        st.warning(
            # anyone can write a link, so a value may be of any length
            words.markdown("notice", name=name, found=value[:80]),
            icon=":material/link_off:",
        )


def _draw_edited(words: Words) -> None:
    """Name the inputs that a reader edited on the page Money and that a run measures."""
    if not state.present.money:
        return
    seconds = any(
        record.run.run_id == state.present.run
        and record.metrics.get("seconds_per_case") is not None
        for record in cache.runs()
    )
    scenario = MoneyScenario.from_query(state.present.money)
    names = [words(f"input.{name}") for name in edited_measurements(scenario, seconds)]
    if names:
        comma = "、" if words.language == "ja" else ", "
        st.caption(words.markdown("money.edited", names=comma.join(names)))
