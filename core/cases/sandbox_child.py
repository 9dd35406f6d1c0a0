"""The process that reads a file for core.cases.sandbox: `python -m core.cases.sandbox_child`, its
request on stdin.

The request is JSON: path, work (the folder for results), columns (of
core.cases.columns.ColumnNames), options (of core.cases.table.ReadingOptions), memory (bytes).
Limits are set first, then the libraries are loaded, then the file is opened. summary.json is
written last.
"""

import json
import sys
from pathlib import Path

PREVIEW, CELL = 20, 200  # rows, and characters of a cell, that the preview holds


def sandbox_main() -> None:
    """Read one file; why it cannot be read goes to error.json."""
    request = json.load(sys.stdin)
    _limit_memory(request["memory"])
    from core.cases.table import to_json
    from core.errors import CasesError

    work = Path(request["work"])
    try:
        _read_file(Path(request["path"]), work, request)
    except CasesError as e:
        _write(work / "error.json", {"code": e.code, "values": to_json(e.values)})


def _limit_memory(memory: int) -> None:
    """Allow no more than `memory` bytes of address space and no core dump, where the system has
    such limits.
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
            except (ValueError, OSError):  # macOS has RLIMIT_AS and does not keep it
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
    problems = [vars(problem) | {"value": problem.value[:CELL]} for problem in cases.problems]
    checked = {
        "refused": None,
        "columns": asdict(cases.columns),
        "problems": to_json(problems),
        "notices": to_json(cases.notices),
        "content_hash": cases.content_hash,
    }
    _write(work / "summary.json", summary | checked)


def _preview(table) -> list[list]:
    """The first rows: their number and each named column's cell as text; a row that cannot be read
    has its content first.
    """
    names, rows = [name for name in table.names if name], []
    for record in table.records[:PREVIEW]:
        cells = [record.content] if record.broken else [record.cells.get(name) for name in names]
        texts = ["" if cell is None else _printable(cell) for cell in cells]
        rows.append([record.row, *(texts + [""] * len(names))[: len(names)]])
    return rows


def _printable(cell: object) -> str:
    """A cell's beginning, without what JSON or a screen cannot carry: half characters and control
    characters.
    """
    return "".join(c if c.isprintable() else " " for c in str(cell)[:CELL])


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=True), encoding="utf-8")


if __name__ == "__main__":
    sandbox_main()
