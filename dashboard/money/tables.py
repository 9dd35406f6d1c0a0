"""The tables of the money page: frames of core.report.money in, tables out."""

from collections.abc import Mapping

import pandas as pd

from dashboard.components.tables import ScreenTable
from dashboard.i18n import Words
from dashboard.money.words import PERCENT, input_name, option_names, unit_name


def money_option_table(words: Words, frame: pd.DataFrame, currency: str) -> ScreenTable:
    """Return the table of report.money.option_comparison."""
    money = f" [{currency}]"
    heads = {"option": words("column.option"), "once": words("money.once") + money}
    parts = ("inference", "review", "audit", "escapes", "kept_hours", "redistillation")
    heads |= {part: words(f"money.part.{part}") + money for part in parts}
    titles = {"monthly": words("money.monthly") + money, "npv": words("money.npv") + money}
    titles |= {
        "payback": words("money.payback"),
        "hours": words("money.hours"),
        "missed": words("money.missed"),
    }
    for name, title in titles.items():
        heads |= {name: title, f"{name}_p10": f"{title} P10", f"{name}_p90": f"{title} P90"}
    chance = words("money.chance")
    heads |= {"chance": chance} | {
        f"chance_{end}": words(f"column.{end}", of=chance) for end in ("low", "high")
    }
    heads |= {"draws": words("money.draws"), "irr": words("money.irr")}
    # a month is the least that a plan counts in
    months = {name: frame[name].round() for name in ("payback", "payback_p10", "payback_p90")}
    rows = frame.assign(**months).replace({"option": option_names(words)})
    return _table(rows, heads, "chance chance_low chance_high irr")


def cash_table(words: Words, frame: pd.DataFrame, currency: str) -> ScreenTable:
    """Return the table of report.money.cash_frame."""
    heads = {
        "option": words("column.option"),
        "month": words("money.month"),
        "cash": f"{words('money.cash')} [{currency}]",
    }
    heads |= {end: end.upper() for end in ("p10", "p50", "p90")}
    return _table(frame.replace({"option": option_names(words)}), heads)


def tornado_table(words: Words, frame: pd.DataFrame, currency: str) -> ScreenTable:
    """Return the table of report.money.tornado_frame."""
    heads = _input_heads(words) | {
        "at_low": words("tornado.at_low"),
        "at_high": words("tornado.at_high"),
        "base": words("tornado.base"),
    }
    rows = _inputs(words, frame, currency, ("low", "high"))
    columns = ("name", "unit", "low", "high", "at_low", "at_high", "base", "basis")
    return _table(rows, {name: heads[name] for name in columns})


def draw_table(words: Words, frame: pd.DataFrame, currency: str) -> ScreenTable:
    """Return the table of report.money.npv_histogram_frame."""
    npv = f"{words('money.npv')} [{currency}]"
    heads = {end: words(f"column.{end}", of=npv) for end in ("low", "high")}
    return _table(frame, heads | {"share": words("monte_carlo.draws")}, "share")


def break_even_table(words: Words, frame: pd.DataFrame, currency: str) -> ScreenTable:
    """Return the table of report.money.break_even_frame."""
    rows = _inputs(words, frame, currency, ("low", "likely", "high", "value"))
    sides = {True: words("break_even.above"), False: words("break_even.below")}
    rows["pays"] = [
        words(f"why.{r}") if r else sides[bool(above)]
        for r, above in zip(frame["reason"], frame["pays_above"], strict=True)
    ]
    heads = _input_heads(words) | {
        "value": words("break_even.value"),
        "pays": words("break_even.pays"),
    }
    return _table(
        rows,
        {name: heads[name] for name in ("name", "unit", "low", "likely", "high", "value", "pays")},
    )


def money_threshold_table(words: Words, frame: pd.DataFrame, currency: str) -> ScreenTable:
    """Return the table of report.money.threshold_npv."""
    npv = f"{words('money.npv')} [{currency}]"
    heads = {"threshold": words("threshold"), "coverage": words("axis.coverage"), "npv": npv}
    return _table(frame, heads, "coverage")


def input_table(words: Words, frame: pd.DataFrame, currency: str) -> ScreenTable:
    """Return the table of report.money.input_frame."""
    heads = _input_heads(words) | {"runs": words("money.runs")}
    return _table(_inputs(words, frame, currency, ("low", "likely", "high")), heads)


def _inputs(
    words: Words, frame: pd.DataFrame, currency: str, amounts: tuple[str, ...]
) -> pd.DataFrame:
    """Return inputs with display names and units; shares as percentages, like their unit."""
    scale = frame["name"].map(lambda name: 100.0 if name in PERCENT else 1.0)
    texts = {
        "name": [input_name(words, n) for n in frame["name"]],
        "unit": [unit_name(words, n, currency) for n in frame["name"]],
    }
    if "basis" in frame:
        texts["basis"] = [words(basis) for basis in frame["basis"]]
    return frame.assign(**{amount: frame[amount] * scale for amount in amounts}, **texts)


def _input_heads(words: Words) -> dict[str, str]:
    heads = {"name": words("money.input"), "unit": words("money.unit")}
    return (
        heads
        | {end: words(f"money.{end}") for end in ("low", "likely", "high")}
        | {"basis": words("money.basis")}
    )


def _table(frame: pd.DataFrame, heads: Mapping[str, str], shares: str = "") -> ScreenTable:
    rows = frame[list(heads)]
    formats = {
        name: "localized" for name in rows.columns if pd.api.types.is_float_dtype(rows[name])
    }
    formats |= dict.fromkeys(shares.split(), "percent") | (
        {"threshold": "%.3f"} if "threshold" in heads else {}
    )
    return ScreenTable(
        rows.rename(columns=dict(heads)), {heads[name]: form for name, form in formats.items()}
    )
