"""Parts whose rows stay in their Parquet file: the store has their counts and reads rows on demand.

A temporary view takes the place of `predictions` in every connection, so that each query of rows
sees both kinds of parts. A part's run and number are in its file's path: DuckDB opens only the files
of the run that a query names, and of those only the row groups whose least and greatest confidence
fit. A file that is gone raises an error where its rows are read; counts need no file.

Knows the tables lake_parts and parts; a part's file changes only where its texts are deleted.
"""

import os
from datetime import date
from pathlib import Path

import duckdb

from core.store.engine import sql_literal
from core.store.parts import PART_SCHEMA, empty_texts, part_name, part_path
from core.store.seal import sealed_sha256

_STORED = "SELECT * EXCLUDE (cell) FROM prediction_rows JOIN cells USING (cell)"
_COLUMNS = ", ".join(f'"{name}"' for name in PART_SCHEMA.names)
# .../RUN/part-00012.parquet; DuckDB evaluates these from the path, before it opens a file.
_RUN_AND_PART = (
    "split_part(filename, '/', -2) AS run_id, CAST(left(right(filename, 13), 5) AS INTEGER) AS part"
)
_ALL = "SELECT run_id, part FROM lake_parts ORDER BY run_id, part"


def add_part(connection: duckdb.DuckDBPyConnection, run_id: str, part: int) -> None:
    """Record that the rows of a part stay in its file."""
    connection.execute("INSERT INTO lake_parts (run_id, part) VALUES (?, ?)", [run_id, part])


def parts_of(connection: duckdb.DuckDBPyConnection, run_id: str) -> list[int]:
    """Return the numbers of the run's parts whose rows stay in their file, in order."""
    query = "SELECT part FROM lake_parts WHERE run_id = ? ORDER BY part"
    return [part for (part,) in connection.execute(query, [run_id]).fetchall()]


def missing_file(
    connection: duckdb.DuckDBPyConnection, folder: Path, run_id: str
) -> tuple[int, Path] | None:
    """Return number and path of the run's first part whose file is gone, or None.

    folder: the store's.
    """
    parts = parts_of(connection, run_id)
    names = _names_in(part_path(folder, run_id, 0).parent) if parts else set()
    gone = (part for part in parts if part_name(part) not in names)
    return next(((part, part_path(folder, run_id, part)) for part in gone), None)


def empty_texts_before(connection: duckdb.DuckDBPyConnection, folder: Path, day: date) -> int:
    """Delete the texts in the files of runs made before the day (UTC); return how many there were.

    folder: the store's. A kill leaves files without texts, whose digests the next call brings up to
    date. A file that is gone has no texts.
    """
    old = (
        "SELECT run_id, part FROM lake_parts JOIN runs USING (run_id) WHERE created_at < ?"
        " ORDER BY run_id, part"
    )
    texts = 0
    for run_id, part in connection.execute(old, [day]).fetchall():
        if (path := part_path(folder, run_id, part)).is_file():
            texts += empty_texts(path)
            update = "UPDATE parts SET sha256 = ? WHERE run_id = ? AND part = ?"
            connection.execute(update, [sealed_sha256(path), run_id, part])
    return texts


def show_rows(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Make `predictions` show the rows in files too; does nothing if all rows are in the store.

    folder: the store's. A run's missing file makes every query of that run's rows fail, so that no
    answer leaves its rows out without an error.
    """
    lake = connection.execute(_ALL).fetchall()
    if not lake:
        return
    # One listing a run and plain text: a run may have thousands of files, and each connection comes
    # through here.
    homes = {run: part_path(folder, run, 0).parent.resolve() for run in {run for run, _ in lake}}
    present_names = {run: _names_in(home) for run, home in homes.items()}
    names = [(run, part_name(part)) for run, part in lake]
    present = [f"{homes[run]}/{name}" for run, name in names if name in present_names[run]]
    gone = [(run, name) for run, name in names if name not in present_names[run]]
    branches = [f"SELECT {_COLUMNS}, run_id, part FROM ({_STORED})"]  # noqa: S608
    if present:
        files = ", ".join(sql_literal(path) for path in present)
        branches.append(
            f"SELECT {_COLUMNS}, {_RUN_AND_PART}"  # noqa: S608
            f" FROM read_parquet([{files}], filename = true)"
        )
    branches += [_failing_rows(run, name) for run, name in gone]
    connection.execute(f"CREATE OR REPLACE TEMP VIEW predictions AS {' UNION ALL '.join(branches)}")


def _names_in(folder: Path) -> set[str]:
    return set(os.listdir(folder)) if folder.is_dir() else set()


def _failing_rows(run_id: str, name: str) -> str:
    """Return a query of one row of the run that fails where it is read."""
    values = ", ".join(
        f'error({sql_literal(name)}) AS "{column}"'
        if column == "case_id"
        else f'NULL AS "{column}"'
        for column in PART_SCHEMA.names
    )
    return f"SELECT {values}, {sql_literal(run_id)} AS run_id, 0 AS part"
