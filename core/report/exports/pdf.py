"""Write a document as PDF, A4 landscape: the first section alone on page 1, then sentences, charts
and tables, with page numbers.

Every letter uses one embedded typeface. Typed text is escaped, because reportlab reads tags in a
paragraph.
"""

import io
from collections.abc import Iterator
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor, white
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import (
    CondPageBreak,
    Flowable,
    PageBreak,
    Paragraph,
    SimpleDocTemplate,
    TableStyle,
)
from reportlab.platypus import Table as Grid

from core.report.document import BarChart, DocumentSection, DocumentTable, ReportDocument
from core.report.exports.pdf_charts import chart_drawing
from core.report.exports.pdf_fonts import printable_text, register_font
from core.report.exports.style import INK, MUTED, RULE, SHADE, STRONG, TABLE_SHARE

_MARGIN = 16 * mm
_LINE = landscape(A4)[0] - 2 * _MARGIN  # points
_GAP = 10  # points between charts


def write_pdf(document: ReportDocument) -> bytes:
    """Return the PDF as a file's bytes."""
    file, pen = io.BytesIO(), _Pen(document)
    margins = dict.fromkeys(("leftMargin", "rightMargin", "topMargin", "bottomMargin"), _MARGIN)
    template = SimpleDocTemplate(
        file,
        pagesize=landscape(A4),
        title=document.title,
        lang=document.language,
        initialFontName=pen.font,  # else every page names Helvetica, which is not embedded
        **margins,
    )
    template.build(list(pen.flow()), onFirstPage=pen.number_page, onLaterPages=pen.number_page)
    return file.getvalue()


class _Pen:
    """The builder of the parts of a page in the document's typeface."""

    def __init__(self, document: ReportDocument):
        self.document = document
        self.font = register_font(str(document))  # its repr holds every letter that it shows
        # reportlab names Helvetica in cells that set no font, and it is not embedded
        self.cell_font = ("FONTNAME", (0, 0), (-1, -1), self.font)

    def flow(self) -> Iterator[Flowable]:
        """Yield the document from top to bottom."""
        document = self.document
        yield self.text(document.title, 10, MUTED, after=2)
        for place, section in enumerate(document.sections):
            yield from self.section(section, size=22 if place == 0 else 15)
            if place == 0:
                yield self.text(document.subtitle, 10, MUTED, before=6)
                yield PageBreak()

    def section(self, section: DocumentSection, size: float) -> Iterator[Flowable]:
        """Yield a section. size: of its title, points."""
        # Keeps a title from being alone at the foot of a page.
        yield CondPageBreak(75 * mm if section.charts or section.tables else 45 * mm)
        yield self.text(section.title, size, STRONG, before=10, after=4)
        for paragraph in section.paragraphs:
            yield self.text(paragraph, 11, INK, after=3)
        for i in range(0, len(section.charts), 2):
            yield self.side_by_side(section.charts[i : i + 2])
        for place, table in enumerate(section.tables):
            if place == 0 and section.beside is not None:
                yield self.grid_beside(table, section.beside)
            else:
                yield self.grid(table)

    def side_by_side(self, charts: tuple) -> Flowable:
        """Return one or two charts in a row."""
        wide, tall = (_LINE - _GAP) / 2, 52 * mm  # two rows of them fit a page with a title
        return Grid(
            [[chart_drawing(chart, wide, tall, self.font) for chart in charts]],
            colWidths=[wide + _GAP] * len(charts),
            hAlign="LEFT",
            style=TableStyle([self.cell_font]),
        )

    def grid_beside(self, table: DocumentTable, chart: BarChart) -> Flowable:
        """Return a table and a chart in a row."""
        left, right = TABLE_SHARE * _LINE, (1 - TABLE_SHARE) * _LINE - _GAP
        picture = chart_drawing(chart, right, 62 * mm, self.font)
        style = TableStyle(
            [
                self.cell_font,
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (0, 0), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 0),
            ]
        )
        widths = [left, right + _GAP]
        return Grid([[self.grid(table, left), picture]], colWidths=widths, style=style)

    def grid(self, table: DocumentTable, line: float = _LINE) -> Flowable:
        """Return a table that repeats its heading on every page; line: its width, points."""
        widths = [line * share / sum(table.widths) for share in table.widths]
        rows = [[self.text(head, 9, MUTED) for head in table.heads]]
        rows += [[self.text(cell.text, 9.5, INK) for cell in row] for row in table.rows]
        style = TableStyle(
            [
                self.cell_font,
                ("LINEBELOW", (0, 0), (-1, -1), 0.5, HexColor(f"#{RULE}")),
                ("BACKGROUND", (0, 0), (-1, 0), HexColor(f"#{SHADE}")),
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                ("BACKGROUND", (0, 1), (-1, -1), white),
            ]
        )
        return Grid(rows, colWidths=widths, repeatRows=1, style=style, spaceBefore=4, spaceAfter=8)

    def text(
        self, text: str, size: float, colour: str, before: float = 0, after: float = 0
    ) -> Paragraph:
        """Return a paragraph of plain text.

        text: plain; markup in it is escaped.
        size, before, after: points.
        colour: hex, without "#".
        """
        style = ParagraphStyle(
            name="text",
            fontName=self.font,
            fontSize=size,
            leading=1.35 * size,
            textColor=HexColor(f"#{colour}"),
            spaceBefore=before,
            spaceAfter=after,
            # CJK breaks lines between any two letters; splitLongWords breaks hashes in English
            wordWrap="CJK" if self.document.language == "ja" else None,
            splitLongWords=1,
        )
        return Paragraph(escape(printable_text(text)), style)

    def number_page(self, canvas, template) -> None:
        """Write the page's number at its foot."""
        canvas.setFont(self.font, 8)
        canvas.setFillColor(HexColor(f"#{MUTED}"))
        canvas.drawRightString(landscape(A4)[0] - _MARGIN, 8 * mm, str(canvas.getPageNumber()))
