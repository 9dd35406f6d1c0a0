"""Shared parts of the verbs: adding one, settings from arguments, the store of a workspace."""

import argparse
import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from core.errors import SettingsError
from core.messages import reader_language
from core.settings import Settings

# Of a dataset that is no line: its volume is measured from the cases' dates.
UNKNOWN_LINE = {
    "cases_per_day": None,
    "review": 4.0,
    "escape": 120.0,
    "machine_hour": 0.5,
    "currency": "AUD",
}


def add_verb(verbs, name: str, run: Callable | None, text: str) -> argparse.ArgumentParser:
    """Add a verb and return its parser.

    verbs: argparse's group of verbs. name: the verb. run: takes the arguments and the settings;
    None for a verb whose parts have their own. text: a short description for --help.
    """
    verb = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    if run is not None:
        verb.set_defaults(run=run)
    return verb


def checked_settings(make: Callable[[], Any]) -> Any:
    """Return the settings that `make` builds. Raises SettingsError for pydantic's first refusal."""
    from pydantic import ValidationError

    try:
        return make()
    except ValidationError as e:
        # One refusal at a time, as argparse does.
        first = e.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise SettingsError(
            "settings.refused_argument", name=name, value=first["input"], reason=first["msg"]
        ) from e


def store_of(settings: Settings):
    """Return the workspace's store; a verb waits for its turn without limit and logs the wait."""
    from core.store.store import Store

    return Store(settings.store, timeout_s=math.inf)


def assumed_amounts(store, dataset: str) -> dict[str, Any]:
    """Return the fields of core.store.lines.LineAssumptions that hold for a dataset.

    Those of its line in the reader's language, else UNKNOWN_LINE.
    """
    from core.store.lines import read_lines

    line = read_lines(store).get(dataset)
    return UNKNOWN_LINE if line is None else asdict(line.in_language(reader_language()))


def assumption_options(verb: argparse.ArgumentParser) -> None:
    """Add the options of core.store.lines.LineAssumptions, which are assumed unless typed."""
    amounts = {
        "volume": "cases a day (assumed: 400)",
        "review-cost": "cost of one review (assumed: JPY 500 in Japanese, EUR 3 in English)",
        "escape-cost": "cost of one wrong accepted answer (assumed: JPY 30000, EUR 180)",
        "machine-hour-cost": "cost of a machine hour (assumed: JPY 50, EUR 0.3)",
    }
    for name, text in amounts.items():
        verb.add_argument(f"--{name}", type=float, help=text)
    verb.add_argument("--currency", help="ISO code of the costs' currency; needs all three costs")


def typed_assumptions(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of core.store.lines.LineAssumptions that were typed.

    Raises SettingsError for a currency without its costs: the assumed ones are of another currency.
    """
    fields = {
        "cases_per_day": arguments.volume,
        "review": arguments.review_cost,
        "escape": arguments.escape_cost,
        "machine_hour": arguments.machine_hour_cost,
        "currency": arguments.currency,
    }
    typed = {name: value for name, value in fields.items() if value is not None}
    if "currency" in typed and not {"review", "escape", "machine_hour"} <= set(typed):
        raise SettingsError("poc.currency_alone", currency=typed["currency"])
    return typed
