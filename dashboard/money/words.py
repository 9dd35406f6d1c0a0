"""The texts of a money scenario: options, inputs and units, the headline, one card an option.

Pure: words and rows of core.report.money in, strings out; markdown is escaped here. Does not know
Streamlit.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import pandas as pd

from core.decision.money.breakeven import PayingThresholds
from core.decision.money.cashflow import OPTION_NAMES
from core.decision.money.scenario import INPUT_UNITS
from core.decision.thresholds.daily_money import ALL_HUMAN
from dashboard.components.sentences import Card
from dashboard.i18n import DASH, Words, escape_markdown

# inputs that the page shows and reads as percentages; core holds shares
PERCENT = {name for name, unit in INPUT_UNITS.items() if unit == "share"} | {"discount_rate"}
_UNIT_WORDS = {
    "share": "unit.percent",
    "1/year": "unit.times_a_year",
    "months": "unit.months",
    "hours": "unit.hours",
    "labels": "unit.labels",
    "seconds/case": "unit.seconds",
    "minutes/case": "unit.minutes",
    "cases/month": "unit.cases",
    "currency/hour": "unit.money_hour",
    "currency/case": "unit.money_case",
    "currency/label": "unit.money_label",
}


def option_names(words: Words) -> dict[str, str]:
    """Return option -> its display name."""
    return {name: words(f"money.option.{name}") for name in OPTION_NAMES}


def input_name(words: Words, name: str) -> str:
    """Return the display name of an input."""
    return words(f"input.{name}")


def unit_name(words: Words, name: str, currency: str) -> str:
    """Return the unit of an input, as written after a number."""
    currency = words.currency_unit(currency)
    if INPUT_UNITS[name] == "currency":
        return currency
    key = "unit.percent_a_year" if name == "discount_rate" else _UNIT_WORDS[INPUT_UNITS[name]]
    return words(key, currency=currency)


def amount_text(words: Words, name: str, value: float, currency: str) -> str:
    """Return an input's value with its unit, to three significant figures.

    name: of the input. value: in core's unit, a share for a percentage. currency: of amounts.
    """
    if name in PERCENT:
        return words.percent(value)
    unit = INPUT_UNITS[name]
    if "currency" in unit:
        amount = words.money_in_short(value, currency)
        return amount if unit == "currency" else words(_UNIT_WORDS[unit], currency=amount)
    return words.number(value, figures=3) + words.sentence_space + unit_name(words, name, currency)


def money_headline(words: Words, rows: pd.DataFrame, months: int, currency: str) -> str:
    """Return in markdown the best option, its range and chance, or that none pays.

    rows: report.money.option_comparison. months: the horizon. currency: of the amounts.
    """
    others = rows[rows["option"] != ALL_HUMAN]
    best = others.loc[others["npv"].idxmax()]
    texts = {
        "option": option_names(words)[best["option"]],
        "months": words.number(months, 0),
    } | _amounts(words, best, "npv", "npv", currency)
    key = "money.headline.pays" if best["npv"] > 0 else "money.headline.none"
    return words.markdown(key, chance=words.percent(best["chance"]), **texts)


def money_cards(words: Words, rows: pd.DataFrame, months: int, currency: str) -> list[Card]:
    """Return one card an option: its NPV, then range, chance, payback, costs, hours and escapes.

    words: the catalogue. rows: report.money.option_comparison. months: the horizon. currency: of
    the amounts.
    """
    return [_card(words, row, months, currency) for _, row in rows.iterrows()]


def _card(words: Words, row: pd.Series, months: int, currency: str) -> Card:
    running = _amounts(words, row, "monthly", "value", currency)
    lines: tuple[str, ...] = (words.markdown("money.card.monthly", **running),)
    name, key = option_names(words)[row["option"]], f"money_{row['option']}"
    slips = {"value": words.number(row["missed"])} | _bounds(row, "missed", words.number)
    last = words.markdown("money.card.missed", **slips)
    if row["option"] == ALL_HUMAN:
        lines = (words("money.card.baseline"), *lines, last)
        return Card(
            key,
            name,
            escape_markdown(money_text(words, 0.0, currency)),
            lines,
            words("money.npv.help"),
        )
    chance = {f"chance{end}": words.percent(row[f"chance{end}"]) for end in ("", "_low", "_high")}
    hours = {"value": words.number(row["hours"])} | _bounds(row, "hours", words.number)
    npv = _amounts(words, row, "npv", "npv", currency)
    before = [
        words.markdown("money.card.range", **npv),
        words.markdown("money.card.chance", draws=words.number(row["draws"], 0), **chance),
        _payback(words, row, months),
    ]
    lines = (*before, *lines, words.markdown("money.card.hours", **hours), last)
    return Card(
        key,
        name,
        escape_markdown(npv["npv"]),
        lines,
        words("money.npv.help"),
    )


def cards_note(words: Words, rows: pd.DataFrame, draws: int) -> str:
    """Return in markdown what the cards' figures and brackets are.

    words: the catalogue. rows: report.money.option_comparison. draws: of the simulation.
    """
    texts = [words.markdown("money.note", draws=words.number(draws, 0))]
    if any(_is_outside(row) for _, row in rows.iterrows()):
        texts.append(words("money.note.outside"))
    return words.sentence_space.join(texts)


def _is_outside(row: pd.Series) -> bool:
    """Return whether a likely figure of an option is outside its P10 to P90, by more than 0.01."""
    return any(
        row[name] < row[f"{name}_p10"] - 0.01 or row[name] > row[f"{name}_p90"] + 0.01
        for name in ("monthly", "missed", "npv")
    )


def _payback(words: Words, row: pd.Series, months: int) -> str:
    never = words("money.never", months=words.number(months, 0))
    if pd.isna(row["payback"]) and pd.isna(row["payback_p10"]):
        return words.markdown("money.card.no_payback", months=words.number(months, 0))
    percentiles = {"value": row["payback"], "p10": row["payback_p10"], "p90": row["payback_p90"]}
    texts = {
        k: never if pd.isna(x) else words("money.months", count=words.number(x, 0))
        for k, x in percentiles.items()
    }
    return words.markdown("money.card.payback", **texts)


def break_even_reasons(words: Words, frame: pd.DataFrame) -> str:
    """Return in markdown, by reason, the inputs of a break-even frame that have no break-even."""
    texts = [
        words.markdown(f"break_even.{reason}", names=input_list(words, rows["name"]))
        for reason, rows in frame[frame["reason"] != ""].groupby("reason", sort=False)
    ]
    return "  \n".join(texts)


def paying_sentence(words: Words, paying: PayingThresholds, currency: str) -> str:
    """Return in markdown the thresholds that pay, and the caveats of the best one."""
    if paying.best is None:
        return words("paying.unknown")
    best = {
        "t": words.number(paying.best, 3),
        "npv": money_text(words, cast(float, paying.best_npv), currency),
    }
    if paying.lowest is None:
        return words.markdown("paying.never", **best)
    ends = {"lowest": words.number(paying.lowest, 3), "highest": words.number(paying.highest, 3)}
    gaps = words.sentence_space + words("paying.gaps") if paying.gaps else ""
    return words.markdown("paying.range", **ends, **best) + gaps


def input_list(words: Words, names: Iterable[str]) -> str:
    """Return the display names of inputs, joined."""
    return joined_list(words, (input_name(words, name) for name in names))


def joined_list(words: Words, parts: Iterable[str]) -> str:
    """Return the parts joined by the language's comma."""
    return ("、" if words.language == "ja" else ", ").join(parts)


def axis_amounts(
    words: Words,
    frame: pd.DataFrame,
    columns: Sequence[str],
    currency: str,
    fitted: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, float, dict[str, str]]:
    """Return a chart's frame with its amounts in the unit of the axis, that unit, and its signs.

    columns: of the amounts; the unit suits the largest, in `fitted` if the axis fits only those
    rows. Signs: currency (the unit's name, such as
    万円), separators, and Plotly's formats amount and ticks.
    """
    rows = frame if fitted is None else fitted
    size, signs = words.chart_money(currency, rows[list(columns)].abs().max().max())
    name = signs["unit"] or words.currency_unit(currency)
    scaled = frame.assign(**{column: frame[column] / size for column in columns})
    return scaled, size, signs | {"currency": name, "separators": words.separators}


def money_text(words: Words, value: float, currency: str) -> str:
    """Return an amount with a minus sign that stays on its line; large amounts in short form."""
    # U+2212 is the minus sign; the word joiner keeps the number from moving to the next line
    # without it
    return money_texts(words, [value], currency)[0]


def money_texts(words: Words, values: Sequence[float], currency: str) -> list[str]:
    """Return amounts as `money_text` does, all in the form of the largest; NaN is a dash."""
    amounts = [None if pd.isna(value) else value for value in values]
    write = words.money_form(amounts, currency, in_short=True)
    return [write(value).replace("-", "\u2212\u2060") for value in amounts]


def _amounts(words: Words, row: Mapping, name: str, key: str, currency: str) -> dict[str, str]:
    """Return an amount of a row under `key`, and its bounds under p10 and p90, in one form."""
    values = [row[name], *(row[f"{name}_{end}"] for end in ("p10", "p90"))]
    texts = money_texts(words, values, currency)
    return dict(zip((key, "p10", "p90"), texts, strict=True))


def _bounds(row: Mapping, name: str, show) -> dict[str, str]:
    bounds = {end: row[f"{name}_{end}"] for end in ("p10", "p90")}
    return {end: DASH if pd.isna(x) else show(x) for end, x in bounds.items()}
