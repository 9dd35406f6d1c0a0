"""What the three formats share: colours, names of type, and how many lines a text takes. Imports no
library.

A document has no theme of the screen; its colours are those of the light theme in
dashboard/.streamlit/config.toml, so that a chart on paper is recognised as the one on the screen.
"""

import math
import unicodedata
from collections.abc import Iterable

INK, MUTED, FILL, STRONG, RULE, SHADE = "1F2A33", "5B6770", "8CC6EC", "0072B2", "D5DDE3", "F3F6F8"
LATIN = "Calibri"
# on Windows and in Office for Mac; others put their own Japanese face in its place
EAST_ASIAN = "Yu Gothic"
# width of a letter; Latin ones on average, with room for wide words
_LATIN_EM, _FULL_EM = 0.55, 1.0
_STEPS = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)
_WRAPPED = 1.08  # lines end at words, not at the edge


def line_count(text: str, width: float, points: float) -> int:
    """How many lines of `points` type a text takes in `width` inches, at least one; on the generous
    side.
    """
    em = sum(_FULL_EM if unicodedata.east_asian_width(c) in "WFA" else _LATIN_EM for c in text)
    return max(1, math.ceil(_WRAPPED * em * points / 72 / width))


def text_height(text: str, width: float, points: float) -> float:
    """Inches that a text takes, at 1.25 of its type a line."""
    return line_count(text, width, points) * points * 1.25 / 72


def axis_end(highs: Iterable[float | None]) -> float:
    """Where an axis from 0 ends: at the first of _STEPS times a power of ten that is not below any
    end of an interval.

    Office makes room for bars only, and would cut what stands out above them.
    """
    most = max((high for high in highs if high is not None), default=0.0)
    if most <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most))
    return next((step * power for step in _STEPS if step * power >= most), 10 * power)
