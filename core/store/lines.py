"""The settings of a line: assumed volume and unit costs by language, and how pages open it.

A line is the cases of one dataset name. Its settings are a scenario of the ledger, so every change
is a new version with author and time, and the newest counts. Computes no money.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from core.errors import SettingsError
from core.store.ledger import Ledger
from core.store.store import Store
from core.types import checked_name

LINE_FORMAT = "line 1"
_PREFIX = "line "  # separates lines from other scenarios of the ledger
_CURRENCY = re.compile(r"[A-Z]{3}")  # ISO 4217


@dataclass(frozen=True)
class LineAssumptions:
    """Assumed cases a day, and costs in `currency` of a review, an escape and a machine hour.

    Raises SettingsError for an amount that is negative or not finite, and for a currency that is
    not a code of three capitals.
    """

    cases_per_day: float
    review: float
    escape: float
    machine_hour: float
    currency: str

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if name != "currency" and not (math.isfinite(value) and value >= 0):
                raise SettingsError("store.line_amount", name=name.replace("_", " "), value=value)
        if not _CURRENCY.fullmatch(self.currency):
            raise SettingsError("store.line_currency", value=self.currency)


# By language of the reader. A wrong answer costs as much as 60 reviews in both.
DEFAULT_ASSUMPTIONS = {
    "ja": LineAssumptions(400, 500, 30_000, 50, "JPY"),
    "en": LineAssumptions(400, 3, 180, 0.3, "EUR"),
}


@dataclass(frozen=True)
class LineSettings:
    """The settings of a line.

    assumed: by language. opens: id of the run that pages open first, None for the newest.
    threshold: at which pages open it, None for their default.
    """

    line: str
    assumed: Mapping[str, LineAssumptions] = field(
        default_factory=lambda: dict(DEFAULT_ASSUMPTIONS)
    )
    opens: str | None = None
    threshold: float | None = None

    def in_language(self, language: str) -> LineAssumptions:
        """Return the assumptions for a reader of `language`, else those for English."""
        return self.assumed.get(language, self.assumed["en"])


def save_line(store: Store, line: LineSettings, author: str) -> None:
    """Add these settings as the line's newest version; equal settings add none.

    Raises SettingsError for a name that no dataset can have.
    """
    checked_name(line.line, "dataset")
    content = {
        "format": LINE_FORMAT,
        "assumed": {language: asdict(values) for language, values in line.assumed.items()},
        "opens": line.opens,
        "threshold": line.threshold,
    }
    ledger = Ledger(store)
    # One transaction: no other process adds a version between the comparison and the write.
    with store.atomic():
        versions = ledger.scenarios(_PREFIX + line.line)
        if not versions or versions[0].content != content:
            ledger.add_scenario(_PREFIX + line.line, content, author)


def read_lines(store: Store) -> dict[str, LineSettings]:
    """Return the newest settings of every line by its name, the first saved line first."""
    lines: dict[str, LineSettings] = {}
    # The ledger lists the newest version first, so the last value of a name is the newest.
    for version in reversed(Ledger(store).scenarios()):
        if version.content.get("format") == LINE_FORMAT:
            name = version.name.removeprefix(_PREFIX)
            assumed = version.content["assumed"].items()
            lines[name] = LineSettings(
                name,
                {language: LineAssumptions(**values) for language, values in assumed},
                version.content["opens"],
                version.content.get("threshold"),
            )
    return lines
