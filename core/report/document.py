"""A document without a format: sections of sentences, tables and charts, as data. PPTX, PDF and
XLSX are written from it.

Every figure is in it once, as the text that people read and as the number behind it, so that no
format can say another. It knows nothing of what it is about, and no library.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class TableCell:
    """What a table shows. `number` is None for text; `pattern` is how a spreadsheet writes the
    number.
    """

    text: str
    number: float | None = None
    pattern: str = "General"


@dataclass(frozen=True)
class DocumentTable:
    """Rows under headings; `widths` are the columns' shares of the line."""

    heads: tuple[str, ...]
    rows: tuple[tuple[TableCell, ...], ...]
    widths: tuple[float, ...]


@dataclass(frozen=True)
class BarChart:
    """One bar a name with the ends of its interval; None where there is no figure. Units are those
    of `pattern`.
    """

    title: str
    names: tuple[str, ...]
    values: tuple[float | None, ...]
    lows: tuple[float | None, ...]
    highs: tuple[float | None, ...]
    texts: tuple[str, ...]  # the values as people read them
    pattern: str

    @property
    def labels(self) -> list[str]:
        """What stands below each bar: its name and its value, clear of the whiskers."""
        return [f"{name}: {text}" for name, text in zip(self.names, self.texts, strict=True)]

    @property
    def from_zero(self) -> bool:
        """Whether no interval reaches below 0, so that the axis can begin there."""
        return min(low or 0 for low in self.lows) >= 0


@dataclass(frozen=True)
class LineChart:
    """y against x, with points marked on it: (x, y, what it is)."""

    title: str
    x_title: str
    y_title: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    marks: tuple[tuple[float, float, str], ...]
    pattern: str  # of y


@dataclass(frozen=True)
class DocumentSection:
    """A title with what stands below it, in this order."""

    title: str
    paragraphs: tuple[str, ...] = ()
    charts: tuple[BarChart | LineChart, ...] = ()
    tables: tuple[DocumentTable, ...] = ()


@dataclass(frozen=True)
class ReportDocument:
    """`notes` (hashes, versions, who made it and when) stand under every page or in the notes of
    every slide.
    """

    language: str  # "ja" or "en"
    title: str
    subtitle: str
    sections: tuple[DocumentSection, ...]
    notes: tuple[str, ...]


def text_cell(value: str) -> TableCell:
    """A cell of text; line breaks and tabs in what people typed become spaces."""
    return TableCell(" ".join(str(value).split()))
