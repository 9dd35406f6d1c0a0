"""The process that reads a stranger's file for core.cases.apart: `python -m
core.cases.apart_child`, its request on stdin.

The request is JSON: path, work (the folder for results), columns (of
core.cases.columns.ColumnNames), sheet, memory (bytes). Limits are set first, then the libraries are
loaded, then the file is opened. summary.json is written last.
"""

import json
import sys
from pathlib import Path

PREVIEW, CELL = 20, 200  # rows, and characters of a cell, that the preview holds


def main() -> None:
    """Read one file; a sentence that says why it cannot be read goes to error.json."""
    asked = json.load(sys.stdin)
    _limit(asked["memory"])
    from core.errors import CasesError

    work = Path(asked["work"])
    try:
        _read(Path(asked["path"]), work, asked)
    except CasesError as e:
        _write(work / "error.json", str(e))


def _limit(memory: int) -> None:
    """No more than `memory` bytes of address space, no core dump; where the system knows such
    limits.
    """
    try:
        import resource
    except ImportError:
        return
    for name, value in (("RLIMIT_AS", memory), ("RLIMIT_CORE", 0)):
        if hasattr(resource, name):
            _, hard = resource.getrlimit(getattr(resource, name))
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            try:
                resource.setrlimit(getattr(resource, name), (value, value))
            except (ValueError, OSError):  # macOS knows RLIMIT_AS and does not hold to it
                continue


def _read(path: Path, work: Path, asked: dict) -> None:
    from dataclasses import asdict

    from core.cases.columns import ColumnNames, suggest
    from core.cases.formats import open_table
    from core.cases.read import check
    from core.errors import CasesError

    table = open_table(path, sheet=asked["sheet"])
    said = {
        "names": _names(table),
        "rows": len(table.records),
        "sheet": table.sheet,
        "other_sheets": table.other_sheets,
        "encoding": table.encoding,
        "preview": _preview(table),
        "suggested": suggest(table.names),
    }
    options = asked["columns"]["options"]
    columns = ColumnNames(
        **asked["columns"] | {"options": None if options is None else tuple(options)}
    )
    try:
        cases = check(table, columns, path)
    except CasesError as e:
        _write(work / "summary.json", said | {"columns": None, "refused": str(e), "problems": []})
        return
    cases.frame.to_parquet(work / "cases.parquet")
    problems = [asdict(problem) | {"value": problem.value[:CELL]} for problem in cases.problems]
    _write(
        work / "summary.json",
        said | {"columns": asdict(cases.columns), "refused": None, "problems": problems},
    )


def _names(table) -> list[str]:
    """The columns that have a name, a doubled one once."""
    return list(dict.fromkeys(name for name in table.names if name.strip()))


def _preview(table) -> list[list]:
    """The first rows: their number, and each named column's cell as text; a row that cannot be read
    has its content first.
    """
    names, rows = _names(table), []
    for record in table.records[:PREVIEW]:
        cells = [record.found] if record.broken else [record.cells.get(name) for name in names]
        shown = ["" if cell is None else _printable(cell) for cell in cells]
        rows.append([record.row, *(shown + [""] * len(names))[: len(names)]])
    return rows


def _printable(cell: object) -> str:
    """A cell's beginning, without what JSON or a screen cannot carry: half characters and control
    characters.
    """
    return "".join(c if c.isprintable() else " " for c in str(cell)[:CELL])


def _write(path: Path, content) -> None:
    path.write_text(json.dumps(content, ensure_ascii=True), encoding="utf-8")


if __name__ == "__main__":
    main()
