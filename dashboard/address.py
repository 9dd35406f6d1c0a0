"""The choices of a reader, and how the address writes and reads each of them.

Knows what every choice is called, its default and what it may be. Knows no session and nothing of Streamlit: dashboard.state
keeps the choices and moves them between widgets and address.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields

from core.decision.cashflow import STUDENT, STUDENT_REVIEW, TEACHER
from core.decision.certificate import MEASURES, SELECTIVE_RISK
from core.decision.presets import BALANCED, PRESETS
from core.decision.scenario import Scenario
from core.errors import SettingsError
from core.report.evidence import PERIODS
from dashboard.i18n import CURRENCIES, LANGUAGES

ALL = ""  # the choice of all segments; a segment without a name is seen only among all
TARGETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.15, 0.2, 0.3)  # risks that can be asked to be certified
SURE = (0.8, 0.9, 0.95, 0.99)  # the confidence of a certificate
PARTS = ("upload", "jobs", "runs")  # of the page of data and runs
MOST = 1e9  # largest amount or volume that a field takes


@dataclass(frozen=True)
class Choices:
    """Everything that a reader chooses. Field names are the names in the address and the widgets' keys.

    `run` None means the run to open first; `volume` None means measured from the run's dates.
    """

    lang: str = "en"
    run: str | None = None
    segment: str = ALL
    t: float = 0.8  # threshold, a multiple of 0.001
    unseen: bool = True  # count cases whose label the model was not trained on
    volume: float | None = None  # cases a day of the whole run, all segments
    review: float = 4.0  # cost of one review
    escape: float = 120.0  # cost of one wrong answer that slips through
    machine: float = 0.5  # cost of one hour of the machine
    currency: str = "AUD"
    period: str = "year"  # what the stream is cut into
    measure: str = SELECTIVE_RISK  # what is to be certified
    target: float = 0.05
    sure: float = 0.95
    option: str = STUDENT_REVIEW  # which one the money page looks into
    money: str | None = None  # the money scenario as Scenario.to_query; None starts from what runs measured
    limited: str = "leakage"  # what `most` limits, one of MEASURES
    most: float | None = None  # percent that the measure may be at most; None sets no limit
    capacity: float | None = None  # reviews a day that people can do; None sets no limit
    compare: str = BALANCED  # preset whose threshold the cases that change side are listed against
    part: str = "upload"  # of the page of data and runs, one of PARTS
    file: str | None = None  # key of the kept file that is looked at
    compared: str = ""  # run ids side by side, separated by commas; none stands for the newest ones of the same cases


NAMES = tuple(field.name for field in fields(Choices))


def default_of(name: str) -> object:
    """Return what the choice `name` is where nobody chose."""
    return getattr(Choices, name)


def read(name: str, text: str) -> object:
    """Return the choice `name` from its text in an address. Raises ValueError where the text is not allowed."""
    return _READ[name](text)


def written(made: Choices) -> dict[str, str]:
    """Return the address of these choices: every one, but for no run yet, measured volume and all segments."""
    values = {name: getattr(made, name) for name in NAMES}
    return {name: _text(value) for name, value in values.items() if value not in (None, ALL)}


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else f"{value:.12g}" if isinstance(value, float) else str(value)


def _threshold(text: str) -> float:
    value = round(float(text), 3)
    if not 0 <= value <= 1 or abs(value - float(text)) > 1e-9:
        raise ValueError(text)
    return value


def _amount(text: str) -> float:
    value = float(text)
    if not math.isfinite(value) or not 0 <= value <= MOST:
        raise ValueError(text)
    return value


def _scenario(text: str) -> str:
    try:
        scenario = Scenario.from_query(text)
    except SettingsError as error:
        raise ValueError(text) from error
    if scenario.currency not in CURRENCIES or any(quantity.high > MOST for quantity in scenario.inputs().values()):
        raise ValueError(text)
    return text


def _percent(text: str) -> float:
    value = _amount(text)
    if value > 100:
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
        if float(text) not in allowed:
            raise ValueError(text)
        return float(text)

    return read


# How the text of each choice is read; ValueError where it is not allowed. Runs and segments are settled once they are known.
_READ: dict[str, Callable[[str], object]] = {
    "lang": _one_of(*LANGUAGES),
    "run": str,
    "segment": str,
    "t": _threshold,
    "unseen": lambda text: _one_of("0", "1")(text) == "1",
    "volume": _amount,
    "review": _amount,
    "escape": _amount,
    "machine": _amount,
    "currency": _one_of(*CURRENCIES),
    "period": _one_of(*PERIODS),
    "measure": _one_of(*MEASURES),
    "target": _number_of(*TARGETS),
    "sure": _number_of(*SURE),
    "option": _one_of(TEACHER, STUDENT, STUDENT_REVIEW),
    "money": _scenario,
    "limited": _one_of(*MEASURES),
    "most": _percent,
    "capacity": _amount,
    "compare": _one_of(*PRESETS),
    "part": _one_of(*PARTS),
    "file": str,
    "compared": str,
}
