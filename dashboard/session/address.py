"""The choices of a reader, and how the address writes and reads each of them.

Knows the name, default and allowed values of every choice. Knows no session and nothing of
Streamlit: dashboard.session.state keeps the choices and moves them between widgets and address.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from core.decision.certificate.claims import CERTIFIABLE_RISKS, SELECTIVE_RISK
from core.decision.meeting.scenario import COLUMN_NAMES as SCENARIOS
from core.decision.money.cashflow import STUDENT, STUDENT_REVIEW, TEACHER
from core.decision.money.scenario import MoneyScenario
from core.decision.staffing.headcount import BUSY_SHARE, REVIEW_MINUTES, SHIFT_HOURS
from core.decision.thresholds.costs import DEFAULT_COSTS
from core.decision.thresholds.solver import BALANCED, PRESET_NAMES
from core.errors import SettingsError
from core.report.evidence import PERIODS
from core.report.history import HISTORY_DAYS
from core.report.history import KINDS as HISTORY_KINDS
from core.report.inspectors import EPISTEMIC, PICKS
from core.report.money_start import unit_costs_of
from dashboard.i18n import CURRENCIES, LANGUAGE_NAMES

ALL = ""  # the choice of all segments; a segment without a name is seen only among all
# risks that a certificate can promise
TARGETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.15, 0.2, 0.3)
# source of a case; typed text stays out of the address, which others read
STORED, TYPED = "stored", "typed"
CONFIDENCE_LEVELS = (0.8, 0.9, 0.95, 0.99)  # the confidence of a certificate
# half widths of an interval that a proof of concept can aim at
HALF_WIDTHS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1)
TRIAL_DAYS = (14, 30, 60, 90, 180, 365)  # how long a proof of concept may take
DATA_TABS = ("upload", "jobs", "runs")  # of the page of data and runs
MOST_AMOUNT = 1e9  # largest amount or volume that a field takes
MOST_PEOPLE = 200  # reviewers that a simulation is asked for
# what the threshold may be compared with, apart from the presets
COMPARE_ACTIVE, COMPARE_PREVIOUS = "active", "previous"
FALSE_ALARM_RATES = (1_000, 3_000, 10_000, 30_000, 100_000)  # cases per false alarm of the monitor
REHEARSALS = (0, 10, 30, 100)  # percent of accepted cases whose label in the file acts as an audit
SIDES = (ALL, "review", "accepted")  # which decisions the worklist lists
BY_SEGMENT, BY_CLASS = "segment", "class"
BY_PEOPLE, BY_LEAKAGE, BY_COST, BY_HAND = "people", "leakage", "cheapest", "hand"
GOALS = (BY_PEOPLE, BY_LEAKAGE, BY_COST, BY_HAND)
# choice of an amount -> its field of UnitCosts
AMOUNTS = {"review": "review", "escape": "escape", "machine": "machine_hour"}


@dataclass(frozen=True)
class Choices:
    """Everything that a reader chooses.

    Field names are also the parameters of the address and the keys of the widgets. `run` None means
    the run to open first; `volume` None means measured from the run's dates.
    """

    lang: str = "en"
    run: str | None = None
    segment: str = ALL
    t: float = 0.8  # threshold, a multiple of 0.001
    unseen: bool = True  # count cases whose label the model was not trained on
    volume: float | None = None  # cases a day of the whole run, all segments
    # of core.decision.thresholds.costs.DEFAULT_COSTS, as are those of the other currencies
    review: float = DEFAULT_COSTS["AUD"].review  # cost of one review
    escape: float = DEFAULT_COSTS["AUD"].escape  # cost of one wrong answer that slips through
    machine: float = DEFAULT_COSTS["AUD"].machine_hour  # cost of one hour of the machine
    currency: str = "AUD"
    miss: float = 0.0  # percent of the reviews that leave a wrong answer
    audit: float = 0.0  # percent of the accepted cases that a person checks afterwards
    cashed: float = 100.0  # percent of the freed hours that leaves the payroll
    # groups that go to people at every threshold: BY_CLASS, BY_SEGMENT or ALL for none
    route: str = ALL
    period: str = "year"  # what the stream is cut into
    measure: str = SELECTIVE_RISK  # what is to be certified
    target: float = 0.05
    sure: float = 0.95
    option: str = STUDENT_REVIEW  # option that the money page details
    # the money scenario as Scenario.to_query; None starts from what runs measured
    money: str | None = None
    goal: str = BY_HAND  # what the threshold is chosen by, one of GOALS
    goal_people: float = 1.0  # full-time people that the reviews may take
    goal_leakage: float = 1.0  # percent of all cases that may escape
    limited: str = "leakage"  # what `most` limits, one of CERTIFIABLE_RISKS
    most: float | None = None  # percent that the measure may be at most; None sets no limit
    capacity: float | None = None  # reviews a day that people can do; None sets no limit
    source: str = STORED  # a stored case or a typed one
    pick: str = EPISTEMIC  # which stored cases the page offers
    case: str | None = None  # case id; None: the first that the page offers
    # version of a policy, "name@3", that another one is compared with; None: the active one
    before: str | None = None
    after: str | None = None  # version that it is compared with; None: the newest proposal
    # reference of the list of changed cases: one of PRESET_NAMES, COMPARE_ACTIVE or
    # COMPARE_PREVIOUS
    compare: str = BALANCED
    by: str = BY_SEGMENT  # what the threshold's result is split by
    minutes: float = REVIEW_MINUTES  # of one review
    shift: float = SHIFT_HOURS  # hours of a shift, breaks left out
    busy: float = 100 * BUSY_SHARE  # percent of a shift's hours that reviews may take, above 0
    sla: float = 24.0  # clock hours within which a review must be finished
    # people at the desk; None: as many as the day's reviews keep busy
    reviewers: int | None = None
    # label whose share the what-if changes; None: the most frequent
    mix: str | None = None
    # supposed percent of all cases; None: the measured share
    share: float | None = None
    large: bool = False  # whether the meeting's figures are written in large type
    # what a meeting assumes for all its scenarios; None leaves each as it was frozen
    m_review: float | None = None
    m_escape: float | None = None
    m_volume: float | None = None  # cases a day of a whole run
    plan_for: str = "A"  # scenario that the proof of concept is planned for
    half: float = 0.02
    days: float = 90.0
    part: str = "upload"  # of the page of data and runs, one of DATA_TABS
    file: str | None = None  # key of the stored file that the page opens
    # run ids to compare, separated by commas; "": the newest runs of the same cases
    compared: str = ""
    # version of a policy, "name@3", whose decisions the worklist shows; ALL: the last that decided
    decided_by: str = ALL
    side: str = ALL  # of the worklist's cases: one of SIDES
    cause: str = ALL  # reason of a decision that the worklist is limited to
    happened: str = ALL  # kind of the history's entries, one of HISTORY_KINDS
    person: str = ALL  # whose actions the history lists
    when: str = ALL  # their days, one of HISTORY_DAYS
    answer: str = ALL  # predicted class that the worklist is limited to
    every: int = 10_000  # cases per false alarm, one of FALSE_ALARM_RATES
    rehearse: int = 0  # percent, one of REHEARSALS; 0 uses people's verdicts
    since: str = ALL  # first day of a replay, YYYY-MM-DD; ALL is the first case


NAMES = tuple(field.name for field in fields(Choices))


def default_of(name: str, currency: str | None = None) -> object:
    """Return the default of the choice `name`; an amount's in `currency`."""
    field_name = AMOUNTS.get(name)
    if field_name is not None and currency is not None:
        return getattr(DEFAULT_COSTS[currency], field_name)
    return getattr(Choices, name)


def first_choices(language: str, run: str, of_line: Mapping[str, object]) -> Choices:
    """Return the choices of a page on opening, without any in its address.

    run: id of the run that opens first. of_line: choice -> its value for the run's line.
    """
    currency = preferred_currency(language)
    amounts = {name: default_of(name, currency) for name in AMOUNTS}
    values: dict[str, Any] = {"currency": currency} | amounts | dict(of_line)
    return Choices(**({"lang": language, "run": run} | values))


def preferred_currency(language: str) -> str:
    """Return the currency of a reader's language: yen for Japanese."""
    return "JPY" if language == "ja" else str(default_of("currency"))


def shared_choices(scenario: MoneyScenario) -> dict[str, object]:
    """Return the choices of every page that a money scenario fixes by its likely values."""
    costs, minutes = unit_costs_of(scenario)
    return {
        "currency": costs.currency,
        "review": costs.review,
        "escape": costs.escape,
        "machine": costs.machine_hour,
        "miss": 100 * costs.reviewer_miss,
        "audit": 100 * costs.audit_share,
        "cashed": 100 * costs.cashed_share,
        "minutes": minutes,
    }


def read_choice(name: str, text: str) -> object:
    """Return the choice `name` from its text in an address.

    Raises ValueError if the text is not allowed.
    """
    return _READ[name](text)


def write_address(choices: Choices) -> dict[str, str]:
    """Return the address of these choices, without those that are None or ALL.

    A missing name reads as None or ALL: no run yet, the measured volume, all segments.
    """
    values = {name: getattr(choices, name) for name in NAMES}
    return {name: _text(value) for name, value in values.items() if value not in (None, ALL)}


def _text(value: object) -> str:
    return (
        # bool before the rest: str(True) could not be read back
        str(int(value))
        if isinstance(value, bool)
        # 12 digits hide rounding, such as 0.30000000000000004
        else f"{value:.12g}"
        if isinstance(value, float)
        else str(value)
    )


def _threshold(text: str) -> float:
    value = round(float(text), 3)
    # More than three decimals is refused, not rounded: a link must name the threshold that it
    # shows.
    if not 0 <= value <= 1 or abs(value - float(text)) > 1e-9:
        raise ValueError(text)
    return value


def _amount(text: str) -> float:
    value = float(text)
    # float() accepts "nan" and "inf", and NaN passes no comparison: test finiteness first
    if not math.isfinite(value) or not 0 <= value <= MOST_AMOUNT:
        raise ValueError(text)
    return value


def _scenario(text: str) -> str:
    try:
        scenario = MoneyScenario.from_query(text)
    except SettingsError as error:
        raise ValueError(text) from error
    # Core accepts any amount; number_input raises for values beyond its own bounds.
    if scenario.currency not in CURRENCIES or any(
        quantity.high > MOST_AMOUNT for quantity in scenario.inputs().values()
    ):
        raise ValueError(text)
    return text


def _percent(text: str) -> float:
    value = _amount(text)
    if value > 100:
        raise ValueError(text)
    return value


def _above_zero(text: str, most: float) -> float:
    value = _amount(text)
    if not 0 < value <= most:
        raise ValueError(text)
    return value


def _people(text: str) -> int:
    value = int(text)
    if not 1 <= value <= MOST_PEOPLE:
        raise ValueError(text)
    return value


def _one_of(*allowed: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(text)
        return text

    return read


def _number_of(*allowed: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        # the list offers these values only, and cannot show another
        if float(text) not in allowed:
            raise ValueError(text)
        return float(text)

    return read


# Parser of each choice; raises ValueError if the text is not allowed. Runs, segments and policy
# versions pass here as any text: only the store knows them, so clamp_choice checks them later.
_READ: dict[str, Callable[[str], object]] = {
    "lang": _one_of(*LANGUAGE_NAMES),
    "run": str,
    "segment": str,
    "t": _threshold,
    "unseen": lambda text: _one_of("0", "1")(text) == "1",
    "large": lambda text: _one_of("0", "1")(text) == "1",
    "volume": _amount,
    "review": _amount,
    "escape": _amount,
    "machine": _amount,
    "currency": _one_of(*CURRENCIES),
    "miss": _percent,
    "audit": _percent,
    "cashed": _percent,
    "route": _one_of(ALL, BY_SEGMENT, BY_CLASS),
    "period": _one_of(*PERIODS),
    "measure": _one_of(*CERTIFIABLE_RISKS),
    "target": _number_of(*TARGETS),
    "sure": _number_of(*CONFIDENCE_LEVELS),
    "option": _one_of(TEACHER, STUDENT, STUDENT_REVIEW),
    "money": _scenario,
    "goal": _one_of(*GOALS),
    "goal_people": lambda text: _above_zero(text, MOST_PEOPLE),
    "goal_leakage": _percent,
    "limited": _one_of(*CERTIFIABLE_RISKS),
    "most": _percent,
    "capacity": _amount,
    "source": _one_of(STORED, TYPED),
    "pick": _one_of(*PICKS),
    "case": str,
    "before": str,
    "after": str,
    "compare": _one_of(*PRESET_NAMES, COMPARE_ACTIVE, COMPARE_PREVIOUS),
    "by": _one_of(BY_SEGMENT, BY_CLASS),
    "minutes": lambda text: _above_zero(text, 600),
    "shift": lambda text: _above_zero(text, 16),
    "busy": lambda text: _above_zero(text, 100),
    "sla": lambda text: _above_zero(text, 10_000),
    "reviewers": _people,
    "mix": str,
    "share": _percent,
    "m_review": _amount,
    "m_escape": _amount,
    "m_volume": _amount,
    "plan_for": _one_of(*SCENARIOS),
    "half": _number_of(*HALF_WIDTHS),
    "days": _number_of(*TRIAL_DAYS),
    "part": _one_of(*DATA_TABS),
    "file": str,
    "compared": str,
    "decided_by": str,
    "side": _one_of(*SIDES),
    "cause": str,
    "answer": str,
    "happened": _one_of(ALL, *HISTORY_KINDS),
    "person": str,
    "when": _one_of(ALL, *HISTORY_DAYS),
    "every": lambda text: int(_number_of(*FALSE_ALARM_RATES)(text)),
    "rehearse": lambda text: int(_number_of(*REHEARSALS)(text)),
    "since": str,
}
