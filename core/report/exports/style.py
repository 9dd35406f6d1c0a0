"""The common style of the three formats: colours, typefaces, and the number of lines of a text.
Imports no library.

A document does not follow the theme of the screen. Its colours are those of the light theme in
dashboard/.streamlit/config.toml, so that a chart on paper looks like the chart on the screen.
"""

import math
import unicodedata
from collections.abc import Iterable

from core.report.document import BarChart

INK, MUTED, STRONG, RULE, SHADE = "1F2A33", "5B6770", "0072B2", "D5DDE3", "F3F6F8"
# One colour an option, the same in every chart; Okabe and Ito's palette, lighter for print.
OPTIONS = ("8CC6EC", "F2B27F", "8FD3BF", "C9B8DC")
REFERENCE_BAR = "B9C4CC"  # of a bar that is no option
LATIN_FONT = "Calibri"
# Part of Windows and of Office for Mac; other systems substitute a Japanese typeface.
EAST_ASIAN = "Yu Gothic"
# The width of a letter in em; an average for Latin letters, with room for wide words.
_LATIN_EM, _FULL_EM = 0.55, 1.0
TABLE_SHARE = 0.62  # of the line: a table beside a chart
_STEPS = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)
_WRAPPED = 1.08  # lines end at words, not at the edge


def line_count(text: str, width: float, points: float) -> int:
    """Return a generous estimate of the lines of a text in `points` type over `width` inches, at
    least one.
    """
    em = sum(_FULL_EM if unicodedata.east_asian_width(c) in "WFA" else _LATIN_EM for c in text)
    return max(1, math.ceil(_WRAPPED * em * points / 72 / width))


def text_height(text: str, width: float, points: float) -> float:
    """Return the height of a text in inches, at 1.25 of its type a line."""
    return line_count(text, width, points) * points * 1.25 / 72


def bar_colours(chart: BarChart) -> list[str]:
    """Return the colour of each bar, hex without "#"."""
    options = range(len(chart.names)) if chart.options is None else chart.options
    return [REFERENCE_BAR if i is None else OPTIONS[i % len(OPTIONS)] for i in options]


def axis_end(ends: Iterable[float]) -> float:
    """Return the end of an axis from 0: the least of _STEPS times a power of ten that reaches every
    value and every end of an interval.

    Office makes room for bars only, and cuts an error bar that rises above them.
    """
    most = max(ends, default=0.0)
    if most <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most))
    return next((step * power for step in _STEPS if step * power >= most), 10 * power)
