"""Draw the charts of the PDF with reportlab.graphics: bars with their intervals, and a line with
marked points. Lengths are points.

reportlab's bar chart has no error bars: this module draws them as lines on the scale of the chart's
value axis.
"""

import re
from collections.abc import Callable

from reportlab.graphics.charts.barcharts import VerticalBarChart
from reportlab.graphics.charts.lineplots import LinePlot
from reportlab.graphics.shapes import Circle, Drawing, String
from reportlab.graphics.shapes import Line as Stroke
from reportlab.lib.colors import HexColor
from reportlab.pdfbase.pdfmetrics import stringWidth

from core.report.document import BarChart, LineChart
from core.report.exports.pdf_fonts import printable_text
from core.report.exports.style import INK, MUTED, RULE, STRONG, bar_colours

_SIZE = 9
_LEFT, _RIGHT, _FOOT, _HEAD = 46, 8, 34, 24  # around the plot


def chart_drawing(chart: BarChart | LineChart, width: float, height: float, font: str) -> Drawing:
    """Return the chart under its title. width, height: points; font: a registered name."""
    picture = Drawing(width, height)
    picture.__dict__["initialFontName"] = font  # else the page names Helvetica, not embedded
    picture.add(_text(chart.title, 0, height - 12, 10.5, INK, font))
    if isinstance(chart, BarChart):
        _bars(picture, chart, font)
    else:
        _line(picture, chart, font)
    return picture


def _bars(picture: Drawing, chart: BarChart, font: str) -> None:
    plot = VerticalBarChart()
    room = (picture.width - _LEFT - _RIGHT) / len(chart.names) - 6  # points for each bar's label
    labels = [
        [*wrapped_lines(printable_text(name), font, _SIZE, room), printable_text(text)]
        for name, text in zip(chart.names, chart.texts, strict=True)
    ]
    _place(plot, picture, foot=12 + 1.2 * _SIZE * max(map(len, labels)))
    plot.data = [[0.0 if value is None else value for value in chart.values]]
    plot.valueAxis.valueMin, plot.valueAxis.valueMax = (
        min(0.0, *chart.ends, 0.0),
        max(0.0, *chart.ends, 0.0) * 1.08 or 1.0,
    )
    _axis(plot.valueAxis, chart.pattern, font)
    plot.categoryAxis.categoryNames = ["\n".join(lines) for lines in labels]
    label = plot.categoryAxis.labels
    label.fontName, label.fontSize = font, _SIZE
    label.fillColor, label.boxAnchor, label.dy = HexColor(f"#{INK}"), "n", -4
    label.textAnchor = "middle"
    plot.categoryAxis.visibleTicks = 0
    plot.bars[0].strokeColor = None
    for i, colour in enumerate(bar_colours(chart)):
        plot.bars[0, i].fillColor = HexColor(f"#{colour}")
        plot.bars[0, i].strokeColor = None
    plot.barWidth, plot.groupSpacing = 10, 12
    picture.add(plot)
    plot.draw()  # the axes compute their scale only here
    # A bar without a figure is drawn with height 0 and gets no whisker.
    for i, (value, low, high) in enumerate(zip(chart.values, chart.lows, chart.highs, strict=True)):
        if value is not None and low is not None and high is not None:
            _whisker(picture, plot, i, low, high)


def _whisker(picture: Drawing, plot: VerticalBarChart, i: int, low: float, high: float) -> None:
    left, wide = plot.categoryAxis.scale(i)
    x, ends = left + wide / 2, [plot.valueAxis.scale(value) for value in (low, high)]
    pen = {"strokeColor": HexColor(f"#{INK}"), "strokeWidth": 1.2}
    picture.add(Stroke(x, ends[0], x, ends[1], **pen))
    for y in ends:
        picture.add(Stroke(x - 4, y, x + 4, y, **pen))


def _line(picture: Drawing, chart: LineChart, font: str) -> None:
    plot = LinePlot()
    _place(plot, picture)
    plot.data = [list(zip(chart.x, chart.y, strict=True))]
    plot.lines[0].strokeColor, plot.lines[0].strokeWidth = HexColor(f"#{STRONG}"), 1.8
    plot.xValueAxis.valueMin, plot.yValueAxis.valueMin = 0, 0
    _axis(plot.yValueAxis, chart.pattern, font)
    _axis(plot.xValueAxis, "#,##0", font)
    plot.xValueAxis.labels.boxAnchor, plot.xValueAxis.visibleGrid = "n", 0
    picture.add(plot)
    plot.draw()
    # a row for each label, the leftmost highest: points may lie closer than a label is wide
    for row, (x, y, label) in enumerate(sorted(chart.marks, reverse=True)):
        position = plot.xValueAxis.scale(x), plot.yValueAxis.scale(y)
        picture.add(Circle(*position, 3.5, fillColor=HexColor(f"#{INK}"), strokeColor=None))
        above = 6 + 1.3 * _SIZE * row
        picture.add(_text(label, position[0] + 6, position[1] + above, _SIZE, INK, font))
    picture.add(_text(chart.x_title, plot.x, 4, _SIZE, MUTED, font))


def _place(plot, picture: Drawing, foot: float = _FOOT) -> None:
    plot.x, plot.y = _LEFT, foot
    plot.width, plot.height = picture.width - _LEFT - _RIGHT, picture.height - foot - _HEAD


def wrapped_lines(text: str, font: str, size: float, width: float) -> list[str]:
    """Return the text in lines of at most `width` points, broken between words or Japanese letters.

    font: a registered name. size: of the letters, points. A word that is wider has its own line, and
    so has a remark in Japanese brackets, none of which may begin or end a line alone.
    """
    lines = [""]
    for piece in re.findall(r"[!-~]+\s*|（[^）]*）|.", text):
        if lines[-1] and stringWidth(lines[-1] + piece.rstrip(), font, size) > width:
            lines.append("")
        lines[-1] += piece
    return [line.rstrip() for line in lines]


def _axis(axis, pattern: str, font: str) -> None:
    """Label an axis by the spreadsheet's pattern: a percentage, or a number after a currency sign."""
    axis.labels.fontName, axis.labels.fontSize = font, _SIZE - 1
    axis.labels.fillColor = HexColor(f"#{MUTED}")
    axis.labelTextFormat = tick_percent if "%" in pattern else _amount(pattern)
    axis.visibleGrid, axis.gridStrokeColor = 1, HexColor(f"#{RULE}")
    # An axis without a line keeps none.
    axis.strokeColor = axis.strokeColor and HexColor(f"#{RULE}")
    axis.maximumTicks = 6


def tick_percent(share: float) -> str:
    """Return a share as a percentage with no more decimals than it has, at most 2."""
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + "%"


def _amount(pattern: str) -> Callable[[float], str]:
    """Return the writer of a number with the sign of the pattern, before or after it."""
    sign = pattern.split('"')[1] if '"' in pattern else ""
    before, after = (sign, "") if pattern.startswith('"') else ("", sign)

    def write(x: float) -> str:
        return f"{before}{x:,.0f}{after}" if abs(x) >= 10 or x == 0 else f"{before}{x:,.2g}{after}"

    return write


def _text(text: str, x: float, y: float, size: float, colour: str, font: str) -> String:
    colour = HexColor(f"#{colour}")
    return String(x, y, printable_text(text), fontName=font, fontSize=size, fillColor=colour)
