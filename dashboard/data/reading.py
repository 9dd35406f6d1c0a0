"""Reading options of the page 'Data and runs', for files whose content does not determine them.

Each box corresponds to an option of the command line; dashboard.i18n.field_names has its name.
"""

from typing import Literal, TypeVar, cast

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.cases.table import DELIMITERS, ORDERS
from core.pipeline.uploads import ReadingOptions, Upload
from dashboard.i18n import Words

ENCODINGS = (
    *("utf-8", "cp932", "euc_jp", "iso2022_jp", "cp1252", "utf-16", "cp850", "mac_roman"),
    *("cp1250", "iso8859_2", "cp1251", "koi8_r", "cp1253", "cp1254", "gb18030", "big5", "cp949"),
)
ZONES = ("Asia/Tokyo", "UTC", "Europe/Berlin", "Europe/Paris", "Europe/Madrid", "America/New_York")
FREE_OPTIONS = ("encoding", "delimiter", "timezone")  # their lists have the usual values only
QUOTINGS: tuple[Literal["minimal", "none"], ...] = ("minimal", "none")
DECIMALS: tuple[Literal["point", "comma"], ...] = ("point", "comma")
EXPLAINED = ("quoting", "date_order")  # their values are no words
T = TypeVar("T")


def draw_reading_options(words: Words, upload: Upload, timezone: str | None) -> ReadingOptions:
    """Draw the boxes and return their options; an empty box detects from the file.

    upload: the file. timezone: that of the settings, used if no box sets one.
    """
    # in each widget's key, so that every file has options of its own
    key = upload.key[:12]
    with st.expander(words("reading"), key=f"reading_{key}", icon=":material/tune:"):
        st.caption(words("reading.note"))
        places = st.columns(3) + st.columns(3) + st.columns(3)
        encoding = _choice(words, "encoding", ENCODINGS, key, places[0])
        delimiter = _choice(words, "delimiter", tuple(DELIMITERS), key, places[1])
        quoting = _choice(words, "quoting", QUOTINGS, key, places[2])
        header_row = places[3].number_input(
            words("reading.header_row"), 1, None, None, key=f"header_row_{key}"
        )
        decimal = _choice(words, "decimal", DECIMALS, key, places[4])
        order = _choice(words, "date_order", ORDERS, key, places[5])
        zone = _choice(words, "timezone", ZONES, key, places[6])
        hidden = places[7].toggle(words("reading.hidden_rows"), key=f"hidden_rows_{key}")
    return ReadingOptions(
        encoding=encoding,
        delimiter=delimiter,
        quoting=quoting or "auto",
        header_row=None if header_row is None else int(header_row),
        hidden_rows=hidden,
        decimal=decimal,
        date_order=order,
        timezone=zone,
    ).with_timezone(timezone)


def _choice(
    words: Words, name: str, values: tuple[T, ...], key: str, place: DeltaGenerator
) -> T | None:
    picked = place.selectbox(
        words(f"reading.{name}"),
        values,
        index=None,
        key=f"{name}_{key}",
        placeholder=words("reading.auto"),
        accept_new_options=name in FREE_OPTIONS,
        help=words(f"reading.{name}.help") if name in EXPLAINED else None,
    )
    return cast(T | None, picked)  # what is typed is a text, as the values of FREE_OPTIONS are
