"""The child process of core.cases.sandbox: `python -m core.cases.sandbox_child`, request on stdin.

The request is JSON: path, work (the folder for results), memory (bytes), and columns (of
core.cases.columns.ColumnNames) and options (of core.cases.table.ReadingOptions) for a file of
cases, or rows_of (names of columns) for a table of anything else. The child sets its limits, loads
the libraries, then opens the file. It writes summary.json last, so a summary means complete
results.
"""

import json
import sys
from pathlib import Path

from core.private_log import keep_case_text_out

PREVIEW_ROWS, CELL_CHARACTERS = 20, 200  # rows of the preview, and characters of a cell


def sandbox_main() -> None:
    """Read one file; write the reason to error.json if it cannot be read."""
    keep_case_text_out()
    request = json.load(sys.stdin)
    # Before the imports below, whose own memory counts too.
    _limit_memory(request["memory"])
    from core.cases.table import to_json
    from core.errors import CasesError

    work = Path(request["work"])
    read_it = _read_rows if "rows_of" in request else _read_file
    try:
        read_it(Path(request["path"]), work, request)
    except CasesError as e:
        _write(work / "error.json", {"code": e.code, "values": to_json(e.values)})


def _limit_memory(memory: int) -> None:
    """Limit the address space to `memory` bytes and forbid core dumps, if the system can."""
    # A core dump would write the texts of the cases to disk.
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
            except (ValueError, OSError):  # macOS has RLIMIT_AS and refuses to set it
                continue


def _read_file(path: Path, work: Path, request: dict) -> None:
    from dataclasses import asdict, replace

    from core.cases.columns import ColumnNames, suggest_columns
    from core.cases.formats import open_table
    from core.cases.read import check_table
    from core.cases.table import ReadingOptions, to_json
    from core.errors import CasesError

    names = request["columns"]["options"]
    columns = ColumnNames(
        **request["columns"] | {"options": None if names is None else tuple(names)}
    )
    options = ReadingOptions(**request["options"])
    table = open_table(path, options, columns)
    facts = {
        name: value for name, value in vars(replace(table, records=[])).items() if name != "records"
    }
    summary = {
        "names": [name for name in table.names if name],
        "rows": len(table.records),
        "table": to_json(facts),
        "preview": _preview(table),
        "suggested": suggest_columns(table.names),
    }
    try:
        cases = check_table(table, columns, path, options)
    except CasesError as e:
        refused = {"code": e.code, "values": to_json(e.values)}
        _write(work / "summary.json", summary | {"refused": refused})
        return
    cases.frame.to_parquet(work / "cases.parquet")
    problems = [
        vars(problem) | {"value": problem.value[:CELL_CHARACTERS]} for problem in cases.problems
    ]
    checked = {
        "refused": None,
        "columns": asdict(cases.columns),
        "problems": to_json(problems),
        "notices": to_json(cases.notices),
        "content_hash": cases.content_hash,
    }
    _write(work / "summary.json", summary | checked)


def _read_rows(path: Path, work: Path, request: dict) -> None:
    from core.cases.cells import CellError, name_text
    from core.cases.formats import open_table
    from core.cases.table import Notice, to_json

    table = open_table(path)
    columns = [name for name in table.names if name.strip().lower() in request["rows_of"]]
    records = []
    for record in table.records:
        cells, broken = {}, record.broken
        if broken is None:
            try:
                cells = {name: name_text(record.cells.get(name)) for name in columns}
            except CellError as e:
                broken = Notice(e.code, e.values)
        records.append((record.row, cells, to_json(broken)))
    summary = {"format": table.format, "names": table.names, "records": records}
    _write(work / "summary.json", summary)


def _preview(table) -> list[list]:
    """Return the first rows: number, then each named column's cell as text.

    A broken row has its content in the first cell.
    """
    names, rows = [name for name in table.names if name], []
    for record in table.records[:PREVIEW_ROWS]:
        cells = [record.content] if record.broken else [record.cells.get(name) for name in names]
        texts = ["" if cell is None else _printable(cell) for cell in cells]
        rows.append([record.row, *(texts + [""] * len(names))[: len(names)]])
    return rows


def _printable(cell: object) -> str:
    """Return the beginning of a cell without half characters and control characters."""
    return "".join(c if c.isprintable() else " " for c in str(cell)[:CELL_CHARACTERS])


def _write(path: Path, content: object) -> None:
    # ASCII, since a cell may hold a lone surrogate, which UTF-8 cannot encode.
    path.write_text(json.dumps(content, ensure_ascii=True), encoding="utf-8")


if __name__ == "__main__":
    sandbox_main()
