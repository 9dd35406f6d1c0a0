"""Add the native charts of a slide: bars with their intervals, and a line with marked points, both
editable in PowerPoint.

python-pptx has no error bars: this module writes them into the chart's XML as c:errBars with
literal values.
"""

from typing import cast

from pptx.chart.chart import Chart
from pptx.chart.data import CategoryChartData, ChartData, XyChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE, XL_LEGEND_POSITION, XL_MARKER_STYLE
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.shapes.graphfrm import GraphicFrame
from pptx.slide import Slide
from pptx.util import Length, Pt

from core.report.document import BarChart, LineChart
from core.report.exports.style import (
    EAST_ASIAN,
    INK,
    LATIN_FONT,
    RULE,
    STRONG,
    axis_end,
    bar_colours,
)

_POINTS = 12
ChartPlace = tuple[Length, Length, Length, Length]  # left, top, width, height


def add_chart(slide: Slide, chart: BarChart | LineChart, place: ChartPlace) -> Chart:
    """Draw a chart into a place of a slide."""
    drawn = (
        _bars(slide, chart, place) if isinstance(chart, BarChart) else _line(slide, chart, place)
    )
    drawn.has_title = True
    drawn.chart_title.include_in_layout = False
    run = drawn.chart_title.text_frame.paragraphs[0].add_run()
    run.text, run.font.name, run.font.size, run.font.bold = chart.title, LATIN_FONT, Pt(14), True
    drawn.font.size, drawn.font.name = Pt(_POINTS), LATIN_FONT
    drawn.font.color.rgb = RGBColor.from_string(INK)
    for properties in drawn._chartSpace.iter(qn("a:defRPr"), qn("a:rPr")):
        _japanese(properties)
    return drawn


def _new_chart(
    slide: Slide, kind: XL_CHART_TYPE, place: ChartPlace, data: CategoryChartData | XyChartData
) -> Chart:
    # pptx declares a Chart as the result of add_chart, and returns the frame that holds it; and it
    # takes every kind of chart data.
    left, top, width, height = place
    frame = slide.shapes.add_chart(kind, left, top, width, height, cast(ChartData, data))
    return cast(GraphicFrame, frame).chart


def _bars(slide: Slide, chart: BarChart, place: ChartPlace) -> Chart:
    data = CategoryChartData(number_format=chart.pattern)
    data.categories = chart.labels
    data.add_series(chart.title, chart.values)
    drawn = _new_chart(slide, XL_CHART_TYPE.COLUMN_CLUSTERED, place, data)
    drawn.has_legend = False
    plot = drawn.plots[0]
    plot.gap_width = 80
    series = plot.series[0]
    for i, colour in enumerate(bar_colours(chart)):
        fill = series.points[i].format.fill
        fill.solid()
        fill.fore_color.rgb = RGBColor.from_string(colour)
    # The schema requires c:errBars before c:cat.
    series._element.find(qn("c:cat")).addprevious(_whiskers(chart))
    _axis(drawn.value_axis, chart.pattern)
    if chart.from_zero:
        drawn.value_axis.minimum_scale, drawn.value_axis.maximum_scale = 0, axis_end(chart.ends)
    return drawn


def _line(slide: Slide, chart: LineChart, place: ChartPlace) -> Chart:
    data = XyChartData(number_format=chart.pattern)
    curve = data.add_series(chart.y_title)
    for x, y in zip(chart.x, chart.y, strict=True):
        curve.add_data_point(x, y)
    # A series of one point: only then the legend names the mark.
    for x, y, texts in chart.marks:
        data.add_series(texts).add_data_point(x, y)
    drawn = _new_chart(slide, XL_CHART_TYPE.XY_SCATTER_LINES_NO_MARKERS, place, data)
    drawn.has_legend, drawn.legend.position, drawn.legend.include_in_layout = (
        True,
        XL_LEGEND_POSITION.BOTTOM,
        False,
    )
    drawn.plots[0].series[0].format.line.color.rgb = RGBColor.from_string(STRONG)
    for series, style in zip(
        list(drawn.plots[0].series)[1:],
        (XL_MARKER_STYLE.DIAMOND, XL_MARKER_STYLE.CIRCLE),
        strict=True,
    ):
        series.marker.style, series.marker.size = style, 11
    for axis, title in ((drawn.category_axis, chart.x_title), (drawn.value_axis, chart.y_title)):
        axis.has_title = True
        axis.axis_title.text_frame.text = title
    _axis(drawn.value_axis, chart.pattern)
    _axis(drawn.category_axis, "#,##0")
    return drawn


def _axis(axis, pattern: str) -> None:
    axis.tick_labels.number_format, axis.tick_labels.number_format_is_linked = pattern, False
    axis.major_gridlines.format.line.color.rgb = RGBColor.from_string(RULE)


def _whiskers(chart: BarChart):
    """Return c:errBars from each bar's low to its high; none for a bar without a figure."""
    ups = [
        None if value is None or high is None else high - value
        for value, high in zip(chart.values, chart.highs, strict=True)
    ]
    downs = [
        None if value is None or low is None else value - low
        for value, low in zip(chart.values, chart.lows, strict=True)
    ]
    return parse_xml(
        f'<c:errBars {nsdecls("c", "a")}><c:errBarType val="both"/><c:errValType val="cust"/><c:noEndCap val="0"/>'
        f"<c:plus>{_numbers(ups)}</c:plus><c:minus>{_numbers(downs)}</c:minus>"
        f'<c:spPr><a:ln w="19050"><a:solidFill><a:srgbClr val="{INK}"/></a:solidFill></a:ln></c:spPr></c:errBars>'
    )


def _numbers(values: list[float | None]) -> str:
    points = "".join(
        f'<c:pt idx="{i}"><c:v>{x!r}</c:v></c:pt>' for i, x in enumerate(values) if x is not None
    )
    return f'<c:numLit><c:formatCode>General</c:formatCode><c:ptCount val="{len(values)}"/>{points}</c:numLit>'


def _japanese(properties) -> None:
    """Add the Japanese typeface directly after the Latin one, as the schema requires."""
    latin = properties.find(qn("a:latin"))
    if latin is not None and properties.find(qn("a:ea")) is None:
        latin.addnext(properties.makeelement(qn("a:ea"), {"typeface": EAST_ASIAN}))
