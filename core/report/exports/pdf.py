"""A document as PDF, A4 landscape: sentences, charts and tables under page numbers. Its last
section has the hashes.

Japanese is set in HeiseiKakuGo-W5, a CID font that is named and not embedded: readers of PDF put a
Japanese face of theirs in its place, and nothing has to be installed here. Latin letters stay in
Helvetica. What people typed is escaped, since reportlab reads tags in a paragraph.
"""

import io
from collections.abc import Iterator
from itertools import groupby
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor, white
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import CondPageBreak, Flowable, Paragraph, SimpleDocTemplate, TableStyle
from reportlab.platypus import Table as Grid

from core.report.document import DocumentSection, DocumentTable, ReportDocument
from core.report.exports.pdf_charts import JAPANESE, LATIN, chart_drawing, is_latin, printable_text
from core.report.exports.style import INK, MUTED, RULE, SHADE, STRONG

_MARGIN = 16 * mm
_LINE = landscape(A4)[0] - 2 * _MARGIN  # points
_GAP = 10  # points between charts


def write_pdf(document: ReportDocument) -> bytes:
    """The PDF as a file's bytes."""
    pdfmetrics.registerFont(UnicodeCIDFont(JAPANESE))
    file = io.BytesIO()
    margins = dict.fromkeys(("leftMargin", "rightMargin", "topMargin", "bottomMargin"), _MARGIN)
    template = SimpleDocTemplate(
        file, pagesize=landscape(A4), title=document.title, lang=document.language, **margins
    )
    template.build(list(_flow(document)), onFirstPage=_number, onLaterPages=_number)
    return file.getvalue()


def _flow(document: ReportDocument) -> Iterator[Flowable]:
    yield _said(document.title, document, 22, STRONG, after=6)
    yield _said(document.subtitle, document, 10, MUTED, after=10)
    for section in document.sections:
        yield from _section(section, document)


def _section(section: DocumentSection, document: ReportDocument) -> Iterator[Flowable]:
    # no title alone at a page's foot
    yield CondPageBreak(75 * mm if section.charts or section.tables else 45 * mm)
    yield _said(section.title, document, 15, STRONG, before=10, after=4)
    for one in section.paragraphs:
        yield _said(one, document, 11, INK, after=3)
    for i in range(0, len(section.charts), 2):
        yield _side_by_side(section.charts[i : i + 2])
    for table in section.tables:
        yield _grid(table, document)


def _side_by_side(charts: tuple) -> Flowable:
    """One or two charts in a row."""
    wide, tall = (_LINE - _GAP) / 2, 52 * mm  # two rows of them stand on a page with a title
    return Grid(
        [[chart_drawing(chart, wide, tall) for chart in charts]],
        colWidths=[wide + _GAP] * len(charts),
        hAlign="LEFT",
    )


def _grid(table: DocumentTable, document: ReportDocument) -> Flowable:
    """A table whose heading comes again on every page."""
    widths = [_LINE * share / sum(table.widths) for share in table.widths]
    rows = [[_said(head, document, 9, MUTED) for head in table.heads]]
    rows += [[_said(cell.text, document, 9.5, INK) for cell in row] for row in table.rows]
    rule = ("LINEBELOW", (0, 0), (-1, -1), 0.5, HexColor(f"#{RULE}"))
    shade = ("BACKGROUND", (0, 0), (-1, 0), HexColor(f"#{SHADE}"))
    style = TableStyle(
        [
            rule,
            shade,
            ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
            ("BACKGROUND", (0, 1), (-1, -1), white),
        ]
    )
    return Grid(rows, colWidths=widths, repeatRows=1, style=style, spaceBefore=4, spaceAfter=8)


def _said(
    text: str,
    document: ReportDocument,
    size: float,
    colour: str,
    before: float = 0,
    after: float = 0,
) -> Paragraph:
    # CJK breaks lines between any two letters; hashes in an English line must be broken too, so
    # they get splitLongWords.
    style = ParagraphStyle(
        name="text",
        fontName=LATIN,
        fontSize=size,
        leading=1.35 * size,
        textColor=HexColor(f"#{colour}"),
        spaceBefore=before,
        spaceAfter=after,
        wordWrap="CJK" if document.language == "ja" else None,
        splitLongWords=1,
    )
    return Paragraph(_marked(text), style)


def _marked(text: str) -> str:
    """Escaped text in which what is not Latin names the Japanese font."""
    parts = (
        (latin, escape("".join(letters)))
        for latin, letters in groupby(printable_text(text), is_latin)
    )
    return "".join(
        part if latin else f'<font name="{JAPANESE}">{part}</font>' for latin, part in parts
    )


def _number(canvas, template) -> None:
    canvas.setFont(LATIN, 8)
    canvas.setFillColor(HexColor(f"#{MUTED}"))
    canvas.drawRightString(landscape(A4)[0] - _MARGIN, 8 * mm, str(canvas.getPageNumber()))
