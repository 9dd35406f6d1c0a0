"""A document as data: sections of sentences, tables and charts. core.report.exports writes PPTX,
PDF and XLSX from it.

Every figure is in it once, as text and as a number, so that all formats agree. Knows neither the
subject of the document nor any library.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class TableCell:
    """A cell of a table. `number` is None for text; `pattern` is its spreadsheet format."""

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
    """One bar a name with its interval, in the units of `pattern`; None without a figure.

    options: which option's colour each bar has, None for what is compared with; by default the
    bars are the options in their order.
    """

    title: str
    names: tuple[str, ...]
    values: tuple[float | None, ...]
    lows: tuple[float | None, ...]
    highs: tuple[float | None, ...]
    texts: tuple[str, ...]  # the values as people read them
    pattern: str
    heads: tuple[str, str, str]  # of the columns value, low and high in a spreadsheet
    options: tuple[int | None, ...] | None = None

    @property
    def labels(self) -> list[str]:
        """Return the label below each bar: its name and its value, clear of the whiskers."""
        return [f"{name}: {text}" for name, text in zip(self.names, self.texts, strict=True)]

    @property
    def from_zero(self) -> bool:
        """Return whether no interval reaches below 0, so that the axis can begin there."""
        return min(low or 0 for low in self.lows) >= 0

    @property
    def ends(self) -> list[float]:
        """Return what the axis must hold: every known value and end of an interval."""
        return [x for x in (*self.values, *self.lows, *self.highs) if x is not None]


@dataclass(frozen=True)
class LineChart:
    """y against x, with marked points (x, y, label)."""

    title: str
    x_title: str
    y_title: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    marks: tuple[tuple[float, float, str], ...]
    pattern: str  # of y


@dataclass(frozen=True)
class DocumentSection:
    """A title and the parts below it, in this order. `beside` stands beside the first table."""

    title: str
    paragraphs: tuple[str, ...] = ()
    charts: tuple[BarChart | LineChart, ...] = ()
    tables: tuple[DocumentTable, ...] = ()
    beside: BarChart | None = None


@dataclass(frozen=True)
class ReportDocument:
    """Sections with a title. `notes` (hashes, versions, author and time) go under every page or
    into the notes of every slide.
    """

    language: str  # "ja" or "en"
    title: str
    subtitle: str
    sections: tuple[DocumentSection, ...]
    notes: tuple[str, ...]


def text_cell(value: str) -> TableCell:
    """Return a cell of text; line breaks and tabs in typed text become spaces."""
    return TableCell(" ".join(str(value).split()))
