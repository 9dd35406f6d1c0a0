"""Write a document as a deck of 16:9 slides with native, editable charts, hashes in the notes of
every slide, and real titles.

Nothing crosses the lower edge: the estimates of heights are generous, and a part that does not fit
moves to the next slide under the same title. Typed text is the text of a run, so it cannot be
markup. Lengths are inches unless a comment names another unit.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.enum.text import MSO_ANCHOR
from pptx.oxml.ns import qn
from pptx.slide import Slide
from pptx.text.text import TextFrame
from pptx.util import Inches, Pt

from core.report.document import (
    BarChart,
    DocumentSection,
    DocumentTable,
    ReportDocument,
    TableCell,
)
from core.report.exports.pptx_charts import add_chart
from core.report.exports.style import (
    EAST_ASIAN,
    INK,
    LATIN_FONT,
    MUTED,
    SHADE,
    STRONG,
    TABLE_SHARE,
    text_height,
)

SLIDE_WIDTH, SLIDE_HEIGHT, SLIDE_MARGIN = 13.333, 7.5, 0.5
_TOP, _BOTTOM = 1.45, SLIDE_HEIGHT - 0.4  # of the area below a title
_LINE = SLIDE_WIDTH - 2 * SLIDE_MARGIN
_TEXTS = (18, 16, 14)  # points; the largest in which the first section fits one slide
_CELL, _PAD = 13, 0.1  # points, inches around a cell's text
_CHART_LEAST = 2.35  # height under which a row of charts goes to the next slide


def write_pptx(document: ReportDocument) -> bytes:
    """Return the deck as a file's bytes."""
    deck = Presentation()
    deck.slide_width, deck.slide_height = Inches(SLIDE_WIDTH), Inches(SLIDE_HEIGHT)
    deck.core_properties.title = document.title
    for place, section in enumerate(document.sections):
        # A new pen begins a new slide, so no slide holds parts of two sections.
        pen = _Pen(deck, document, section.title)
        last = (document.subtitle,) if place == 0 else ()
        if place == 0:
            pen.points, section = _fitting_first(section, document.subtitle)
        _section(pen, section, last)
    file = io.BytesIO()
    deck.save(file)
    return file.getvalue()


def _section(pen: "_Pen", section: DocumentSection, last: Sequence[str]) -> None:
    """Write a section; last: sentences below its tables."""
    pen.sentences(section.paragraphs)
    if section.charts:
        pen.charts(section.charts)
    tables = list(section.tables)
    if tables and section.beside is not None:
        pen.table_beside(tables.pop(0), section.beside)
    for table in tables:
        pen.table(table)
    pen.sentences(last)


def _fitting_first(section: DocumentSection, last: str) -> tuple[int, DocumentSection]:
    """Return the largest of _TEXTS in which the first section fits one slide, and the section.

    last: its last sentence. Without room for the chart beside the table, the section has none: the
    decision is on one slide, and the next section has the charts.
    """
    for aside in (True, False) if section.beside is not None else (False,):
        heights = [_table_height(table, _LINE) + 0.2 for table in section.tables]
        if aside:
            heights[0] = _height_beside(section.tables[0]) + 0.2
        free = _BOTTOM - _TOP - sum(heights) - 0.1
        for points in _TEXTS:
            if sum(_sentence_height(text, points) for text in (*section.paragraphs, last)) <= free:
                return points, section if aside else replace(section, beside=None)
    return _TEXTS[-1], replace(section, beside=None)


def _height_beside(table: DocumentTable) -> float:
    """Return the height of a table and the chart beside it."""
    return max(_table_height(table, TABLE_SHARE * _LINE), _CHART_LEAST)


def _table_height(table: DocumentTable, line: float) -> float:
    widths = [line * share / sum(table.widths) for share in table.widths]
    rows = (tuple(map(TableCell, table.heads)), *table.rows)
    return sum(_row_height(row, widths) for row in rows)


def _sentence_height(text: str, points: float) -> float:
    return text_height(text, _LINE - 0.2, points) + 0.1


class _Pen:
    """The place of the next part: a slide and a height on it. A full slide makes the pen add one."""

    def __init__(self, deck, document: ReportDocument, title: str):
        self.deck, self.document, self.title, self.pages = deck, document, title, 0
        self.points = _TEXTS[0]  # of sentences
        self.turn()

    def turn(self) -> None:
        """Add a slide with the section's title, numbered from the second on."""
        self.pages += 1
        self.slide: Slide = self.deck.slides.add_slide(self.deck.slide_layouts[5])  # "Title Only"
        box = self.slide.shapes.title
        box.left, box.top, box.width, box.height = (
            Inches(SLIDE_MARGIN),
            Inches(0.35),
            Inches(_LINE),
            Inches(0.95),
        )
        texts = self.title + (f" ({self.pages})" if self.pages > 1 else "")
        box.text_frame.word_wrap = True
        box.text_frame.vertical_anchor = MSO_ANCHOR.MIDDLE
        _put(
            box.text_frame,
            [texts],
            28 if text_height(texts, _LINE, 28) < 0.6 else 20,
            STRONG,
            bold=True,
        )
        _put(self.slide.notes_slide.notes_text_frame, self.document.notes, 12, INK)
        self.y = _TOP

    def sentences(self, paragraphs: Sequence[str]) -> None:
        """Write sentences below each other; those that do not fit go to the next slide."""
        for page_texts in _fitting(
            paragraphs, lambda text: _sentence_height(text, self.points), self
        ):
            tall = sum(_sentence_height(text, self.points) for text in page_texts)
            box = self.slide.shapes.add_textbox(
                Inches(SLIDE_MARGIN), Inches(self.y), Inches(_LINE), Inches(tall)
            )
            box.text_frame.word_wrap = True
            _put(box.text_frame, page_texts, self.points, INK, gap=4)
            self.y += tall + 0.1

    def charts(self, charts: Sequence) -> None:
        """Draw charts two in a row on the free part of the slide, or on a new slide."""
        columns = min(2, len(charts))
        rows = -(-len(charts) // columns)
        if _BOTTOM - self.y < rows * _CHART_LEAST:
            self.turn()
        wide, tall = _LINE / columns, (_BOTTOM - self.y) / rows
        for place, chart in enumerate(charts):
            left, top = SLIDE_MARGIN + place % columns * wide, self.y + place // columns * tall
            size = Inches(wide - 0.1), Inches(tall - 0.1)
            add_chart(self.slide, chart, (Inches(left), Inches(top), *size))
        self.y = _BOTTOM

    def table_beside(self, table: DocumentTable, chart: BarChart) -> None:
        """Write a table at the left and draw a chart at its right, on one slide."""
        line, tall = TABLE_SHARE * _LINE, _height_beside(table)
        if _BOTTOM - self.y < tall:
            self.turn()
        left, top, wide = SLIDE_MARGIN + line + 0.2, self.y, _LINE - line - 0.2
        add_chart(self.slide, chart, (Inches(left), Inches(top), Inches(wide), Inches(tall)))
        self.table(table, line)
        self.y = top + tall + 0.2

    def table(self, table: DocumentTable, line: float = _LINE) -> None:
        """Write a table, with its heading on every slide that it reaches; line: its width."""
        widths = [line * share / sum(table.widths) for share in table.widths]
        head = tuple(map(TableCell, table.heads))
        tall = _row_height(head, widths)
        for rows in _fitting(table.rows, lambda row: _row_height(row, widths), self, tall):
            heights = [tall, *(_row_height(row, widths) for row in rows)]
            frame = self.slide.shapes.add_table(
                len(heights), len(widths), *map(Inches, (SLIDE_MARGIN, self.y, line, sum(heights)))
            )
            for i, wide in enumerate(widths):
                frame.table.columns[i].width = Inches(wide)
            for i, (row, high) in enumerate(zip((head, *rows), heights, strict=True)):
                frame.table.rows[i].height = Inches(high)
                for cell, text in zip(frame.table.rows[i].cells, row, strict=True):
                    _fill(cell, text.text, heading=i == 0)
            self.y += sum(heights) + 0.2


def _fitting(items: Sequence, tall, pen: _Pen, head: float = 0.0) -> Iterator[list]:
    """Yield groups of items, at least one each, that fit on the free part of the pen's slide; the
    pen turns the slide between groups.
    """
    page_items: list = []
    used = head
    for item in items:
        # An item taller than an empty slide still gets one: turning again would never end.
        if used + tall(item) > _BOTTOM - pen.y and (page_items or pen.y > _TOP):
            if page_items:
                yield page_items
            pen.turn()
            page_items, used = [], head
        page_items.append(item)
        used += tall(item)
    if page_items:
        yield page_items


def _row_height(row: Sequence[TableCell], widths: Sequence[float]) -> float:
    return (
        max(
            text_height(cell.text, wide - 2 * _PAD, _CELL)
            for cell, wide in zip(row, widths, strict=True)
        )
        + 2 * _PAD
    )


def _fill(cell, texts: str, heading: bool) -> None:
    cell.fill.solid()
    cell.fill.fore_color.rgb = RGBColor.from_string(SHADE if heading else "FFFFFF")
    cell.margin_left = cell.margin_right = Inches(_PAD)
    cell.vertical_anchor = MSO_ANCHOR.MIDDLE
    _put(cell.text_frame, [texts], _CELL, MUTED if heading else INK, bold=heading)


def _put(
    frame: TextFrame,
    paragraphs: Sequence[str],
    points: float,
    colour: str,
    bold: bool = False,
    gap: float = 0,
) -> None:
    """Write paragraphs as runs, with one typeface for Latin letters and another for Japanese."""
    for i, texts in enumerate(paragraphs):
        paragraph = frame.paragraphs[0] if i == 0 else frame.add_paragraph()
        paragraph.space_after = Pt(gap)
        run = paragraph.add_run()
        run.text = texts
        run.font.size, run.font.bold, run.font.name = Pt(points), bold, LATIN_FONT
        run.font.color.rgb = RGBColor.from_string(colour)
        face = run._r.get_or_add_rPr().makeelement(qn("a:ea"), {"typeface": EAST_ASIAN})
        # The schema requires a:ea directly after a:latin.
        run._r.get_or_add_rPr().find(qn("a:latin")).addnext(face)
