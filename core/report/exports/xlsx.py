"""Write a document as a workbook: a sheet a section, numbers as numbers, native charts next to
their data.

Typed text becomes a string and never a formula, a link or a number, whatever it begins with.
"""

import io
import re

import xlsxwriter
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from core.report.document import (
    BarChart,
    DocumentSection,
    DocumentTable,
    LineChart,
    ReportDocument,
    TableCell,
)
from core.report.exports.style import INK, MUTED, SHADE, STRONG, axis_end, bar_colours

# XlsxWriter's write() guesses types by default; a cell that begins with "=" must stay text.
_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_LINE = 110  # characters of a sheet's width
_CHART_ROWS = 18  # rows that a chart covers
_FORBIDDEN = re.compile(r"[\[\]:*?/\\']")


def write_xlsx(document: ReportDocument) -> bytes:
    """Return the workbook as a file's bytes."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, _OPTIONS) as book:
        names: set[str] = set()
        last = DocumentSection(document.title, (document.subtitle, *document.notes[1:]))
        for section in (*document.sections, last):
            _Sheet(book, _name(section.title, names)).section(section)
    return file.getvalue()


class _Sheet:
    """A worksheet, written from top to bottom."""

    def __init__(self, book: Workbook, name: str):
        self.book, self.row = book, 0
        self.sheet: Worksheet = book.add_worksheet(name)
        self.sheet.hide_gridlines(2)
        self.sheet.set_landscape()
        self.sheet.fit_to_pages(1, 0)

    def section(self, section: DocumentSection) -> None:
        """Write title, sentences, tables, then the data of the charts with the charts to the right."""
        widths = section.tables[0].widths if section.tables else (1.0,) * 5
        for column, share in enumerate(widths):
            self.sheet.set_column(column, column, _LINE * share / sum(widths))
        self._text(
            section.title, {"bold": True, "font_size": 16, "font_color": f"#{STRONG}"}, len(widths)
        )
        for texts in section.paragraphs:
            self._text(texts, {}, len(widths))
        for table in section.tables:
            self._table(table)
        for chart in (*section.charts, *([section.beside] if section.beside else ())):
            self._bars(chart) if isinstance(chart, BarChart) else self._line(chart)

    def _text(self, texts: str, style: dict, columns: int) -> None:
        form = self.book.add_format(
            {"text_wrap": True, "valign": "top", "font_color": f"#{INK}"} | style
        )
        self.sheet.merge_range(self.row, 0, self.row, columns - 1, "", form)
        self.sheet.write_string(self.row, 0, texts, form)
        # Excel does not fit the height of merged cells to their text, so the row's height is an
        # estimate; East Asian letters are twice as wide as Latin ones.
        wide = sum(2 if ord(c) > 0x2E7F else 1 for c in texts) * style.get("font_size", 11) / 11
        self.sheet.set_row(self.row, (int(wide / _LINE) + 1) * style.get("font_size", 11) * 1.4)
        self.row += 1

    def _table(self, table: DocumentTable) -> None:
        self.row += 1
        head = self.book.add_format(
            {"bold": True, "bg_color": f"#{SHADE}", "font_color": f"#{MUTED}", "text_wrap": True}
        )
        for column, title in enumerate(table.heads):
            self.sheet.write_string(self.row, column, title, head)
        for row in table.rows:
            self.row += 1
            for column, cell in enumerate(row):
                self._cell(column, cell)
        self.row += 2

    def _cell(self, column: int, cell: TableCell) -> None:
        form = {"text_wrap": True, "valign": "top", "align": "left"}
        if cell.number is None:
            self.sheet.write_string(self.row, column, cell.text, self.book.add_format(form))
        else:
            self.sheet.write_number(
                self.row,
                column,
                cell.number,
                self.book.add_format(form | {"num_format": cell.pattern}),
            )

    def _bars(self, chart: BarChart) -> None:
        first = self.row + 1
        plain, number = (
            self.book.add_format({}),
            self.book.add_format({"num_format": chart.pattern, "align": "left"}),
        )
        bold = self.book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        for column, title in enumerate((chart.title, *chart.heads)):
            self.sheet.write_string(self.row, column, title, bold)
        for i, name in enumerate(chart.names):
            self.sheet.write_string(first + i, 0, name, plain)
            for column, values in enumerate((chart.values, chart.lows, chart.highs), start=1):
                if values[i] is not None:
                    self.sheet.write_number(first + i, column, values[i], number)
        last = first + len(chart.names) - 1
        drawn = self.book.add_chart({"type": "column"})
        drawn.add_series(
            {
                "name": [self.sheet.name, self.row, 0],
                "categories": [self.sheet.name, first, 0, last, 0],
                "values": [self.sheet.name, first, 1, last, 1],
                "points": [{"fill": {"color": f"#{colour}"}} for colour in bar_colours(chart)],
                "data_labels": {"value": True, "position": "inside_base"},
                "y_error_bars": {"type": "custom", **_whiskers(chart)},
            }
        )
        scale = {"min": 0, "max": axis_end(chart.ends)} if chart.from_zero else {}
        self._place(drawn, chart.title, {"num_format": chart.pattern} | scale)

    def _line(self, chart: LineChart) -> None:
        first = self.row + 1
        for column, title in enumerate((chart.x_title, chart.y_title)):
            self.sheet.write_string(
                self.row, column, title, self.book.add_format({"bold": True, "text_wrap": True})
            )
        number = self.book.add_format({"num_format": chart.pattern, "align": "left"})
        points = [*zip(chart.x, chart.y, strict=True), *((x, y) for x, y, _ in chart.marks)]
        for i, (x, y) in enumerate(points):
            self.sheet.write_number(
                first + i, 0, x, self.book.add_format({"num_format": "#,##0", "align": "left"})
            )
            self.sheet.write_number(first + i, 1, y, number)
        drawn = self.book.add_chart({"type": "scatter", "subtype": "straight"})
        last = first + len(chart.x) - 1
        drawn.add_series(self._series(chart.y_title, first, last) | {"marker": {"type": "none"}})
        for i, (_, _, texts) in enumerate(chart.marks, start=last + 1):
            # A series of one point: only then the legend names the mark.
            drawn.add_series(
                self._series(texts, i, i) | {"marker": {"type": "diamond", "size": 10}}
            )
        drawn.set_x_axis({"name": chart.x_title, "num_format": "#,##0"})
        self._place(
            drawn, chart.title, {"name": chart.y_title, "num_format": chart.pattern}, legend=True
        )

    def _series(self, name: str, first: int, last: int) -> dict:
        ends = {"categories": 0, "values": 1}
        return {"name": name} | {
            axis: [self.sheet.name, first, column, last, column] for axis, column in ends.items()
        }

    def _place(self, drawn, title: str, axis: dict, legend: bool = False) -> None:
        drawn.set_title({"name": title, "name_font": {"size": 12}})
        drawn.set_y_axis(
            axis | {"major_gridlines": {"visible": True, "line": {"color": "#D5DDE3"}}}
        )
        drawn.set_legend({"position": "bottom"} if legend else {"none": True})
        drawn.set_size({"width": 560, "height": 330})
        self.sheet.insert_chart(self.row, 5, drawn)
        self.row += _CHART_ROWS


def _whiskers(chart: BarChart) -> dict:
    """Return XlsxWriter's error bars: the length of each up and down; 0 for a bar without a figure."""
    triples = list(zip(chart.values, chart.lows, chart.highs, strict=True))
    ups = [0 if value is None or high is None else high - value for value, _, high in triples]
    return {
        "plus_values": ups,
        "minus_values": [
            0 if value is None or low is None else value - low for value, low, _ in triples
        ],
    }


def _name(title: str, taken: set[str]) -> str:
    """Return a unique name of a sheet: at most 31 characters, none that Excel forbids."""
    # Excel compares names without case. Cutting at 26 leaves room for a space and a number.
    base = _FORBIDDEN.sub(" ", title).strip()[:28] or "-"
    name, i = base, 1
    while name.lower() in taken:
        i += 1
        name = f"{base[:26]} {i}"
    taken.add(name.lower())
    return name
