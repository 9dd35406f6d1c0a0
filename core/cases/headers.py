"""The rows of a table that are no cases: its header, titles above it, its repetitions, totals.

The header is the first row, unless a later one names the columns below title rows. Knows rows of
cells, not formats.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

from core.cases.columns import (
    REPEAT,
    ColumnNames,
    clean_names,
    count_known,
    names_text,
    visible_name,
)
from core.cases.numbers import header_multiple
from core.cases.table import Notice, Record
from core.errors import CasesError

SEARCHED = 30  # rows from the top that may be the header
_NOT_LETTERS = re.compile(r"[\W_\d]+")
_NUMBER = re.compile(r"[\s\d.,'%()+-]*")
_SUMS = (  # words for sums in the languages whose files are read, in the form of `_letters`
    "total totals grandtotal subtotal sum 合計 総計 総合計 小計 計 合计 总计 小计 總計 합계 총계 소계 "
    "summe gesamt gesamtsumme gesamtergebnis zwischensumme endsumme somme soustotal totalgénéral "
    "suma totalgeneral sumatotal totale totalecomplessivo subtotale soma totalgeral totaal subtotaal "
    "eindtotaal summa totalt delsumma ialt sumialt yhteensä razem łącznie ogółem celkem součet mezisoučet "
    "celkom spolu súčet összesen skupaj ukupno totalgeneralul итого всего итог общийитог промежуточныйитог "
    "разом усього всього общо toplam geneltoplam aratoplam σύνολο γενικόσύνολο tổngcộng tổng รวม รวมทั้งสิ้น "
    "סהכ المجموع الإجمالي"
)

# （単位：千円）, "Amounts in thousands", "Angaben in TEUR": of all amounts below.
_UNIT_ABOVE = re.compile(
    r"(?:単位\s*[:： ]|(?:amounts?|figures|values|costs?|angaben|beträge|werte)\s+(?:\w+\s+)?in)"
    r"\s*([^)\]）］】]+)",
    re.IGNORECASE,
)

Row = tuple[int, Sequence[object]]  # its number in the file as people count, and its cells


def find_header(
    rows: Sequence[Row], requested: ColumnNames, header_row: int | None, path: Path
) -> tuple[int, tuple[Notice, ...]]:
    """Return the header's place in `rows` (none of them blank) and a notice of rows above it.

    requested: the columns by which it is recognised. header_row: its number if the user names it.
    path: names the file in errors. A later row than the first is the header only if it names the
    text's column, the rows above have fewer cells, and the first does not name the text's column
    or is a title: one cell, above a row that names two columns. Raises CasesError if `header_row`
    has no cells.
    """
    if header_row is not None:
        place = next((i for i, (row, _) in enumerate(rows) if row == header_row), None)
        if place is None:
            raise CasesError("cases.no_header_row", file=str(path), row=header_row)
        return place, _left_out(rows, place)
    if names_text(clean_names(rows[0][1]), requested) and not _is_title(rows, requested):
        return 0, ()
    # Titles and export dates above a header have fewer cells than the header itself.
    for i, (_, cells) in enumerate(rows[:SEARCHED]):
        names = clean_names(cells)
        above = max(
            (count_cells(cells) for _, cells in rows[:i] if not _is_comment(cells)), default=0
        )
        if names_text(names, requested) and i and _is_wider(names, requested, above):
            return i, _left_out(rows, i)
    return 0, ()


def _is_title(rows: Sequence[Row], requested: ColumnNames) -> bool:
    """Return whether the first row is one cell, and the second names the text and another column.

    "Description of defects" may be a title, and the only column of a file.
    """
    if count_cells(rows[0][1]) > 1 or len(rows) == 1:
        return False
    below = clean_names(rows[1][1])
    return names_text(below, requested) and count_known(below, requested) > 1


def _is_wider(names: list[str], requested: ColumnNames, above: int) -> bool:
    """Return whether a row is wider than those above it, or as wide and names two columns.

    A row that names three columns is a header whatever is above it.
    """
    known, cells = count_known(names, requested), count_cells(names)
    return cells > above or (known > 1 and cells >= above) or known > 2


def _is_comment(cells: Sequence[object]) -> bool:
    """Return whether a row begins with a sign of comments, so that its delimiters part nothing."""
    return str(cells[0] if cells else "").lstrip().startswith(("#", "//"))


def repeats_header(cells: Mapping[str, object]) -> bool:
    """Return whether a record ({column: cell}) repeats its header, as where files were joined."""
    named = [(name, cell) for name, cell in cells.items() if name]
    # Nearly every record differs in its first cell: the others are not cleaned.
    return len(named) > 1 and all(REPEAT.sub("", n) == visible_name(cell) for n, cell in named)


def is_totals_row(record: Record, text: object) -> bool:
    """Return whether a record begins with a word for a sum, or has no other word.

    text: the cell of its text. Only where that is blank or a number, the row is no case; or where
    it is that word, numbers follow, and the record has no other cells. The word may stand in a
    column without a name, as beside the numbers that it sums.
    """
    cells = [c for c in (*record.cells.values(), *record.unnamed) if count_cells([c])]
    words = [cell for cell in cells if not is_number_cell(cell)]
    if not words or not _means_sum(words[0]):
        return False
    if is_number_cell(text):
        return len(words) == 1 or words[0] is cells[0]
    return words == [text] and cells[0] is text and len(cells) > 1


def is_number_cell(cell: object) -> bool:
    """Return whether a cell is blank or a number."""
    return cell is None or _NUMBER.fullmatch(str(cell)) is not None


def _means_sum(cell: object) -> bool:
    return len(str(cell)) <= 30 and _letters(str(cell)) in _TOTALS


def _letters(text: str) -> str:
    return _NOT_LETTERS.sub("", unicodedata.normalize("NFKC", text).lower())


_TOTALS = frozenset(map(_letters, _SUMS.split()))


def unnamed_cells(names: Sequence[str], cells: Sequence[object]) -> tuple[object, ...]:
    """Return a row's cells with content that are under no name: "" in `names`, or beyond it."""
    if len(cells) <= len(names) and all(names):
        return ()
    below = (cell for i, cell in enumerate(cells) if i >= len(names) or not names[i])
    return tuple(cell for cell in below if count_cells([cell]))


def count_cells(cells: Sequence[object]) -> int:
    """Return how many cells of a row are not blank."""
    return sum(cell is not None and str(cell).strip() != "" for cell in cells)


def _left_out(rows: Sequence[Row], place: int) -> tuple[Notice, ...]:
    if not place:
        return ()
    above = [str(row) for row, _ in rows[:place]]
    facts = {"n": place, "rows": above, "row": rows[place][0]}
    units = [
        Notice("cases.unit_above_header", {"row": row, "value": match[0].strip(), "unit": match[1]})
        for row, cells in rows[:place]
        for cell in cells
        if cell is not None and (match := _UNIT_ABOVE.search(visible_name(cell)[:200]))
        if header_multiple(f"({match[1]})") != 1
    ]
    return (Notice("cases.rows_above_header", facts), *units[:1])
