"""Ingestion of a part: checks its file against the run, then inserts its rows.

The check for repeated cases does not read the whole run. For every part the store has the lowest
and highest case id per length of ids (part_ids): only parts whose range overlaps the new one's can
share a case, and only their ids are joined. Ids in the order of their file ascend, so no ranges
overlap and nothing is read. Ranges of random ids (UUIDs) overlap everywhere; then the run's ids are
read, and no other column: 0.5 s of processor time per part for each 10 million stored cases. A
unique index on a hash of the ids took longer than the insertion itself for any kind of ids (2.5 to
5 s for a million on two busy cores), and more with every part.

Knows the tables prediction_rows, parts and part_ids; opens nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import numpy as np

from core.errors import NotFoundError, StoreError
from core.store import counts, lake, records
from core.store.file import only_row
from core.store.part_counts import ID_RANGES, PartLine
from core.store.parts import OPTIONAL, PART_SCHEMA, part_path

PART_COLUMNS = ", ".join(f'"{name}"' for name in PART_SCHEMA.names)
_KEPT = ", ".join(f'"{name}"' for name in PART_SCHEMA.names if name not in counts.CELL_COLUMNS)
_INSERT = (
    f"INSERT INTO prediction_rows (cell, part, {_KEPT})"  # noqa: S608
    f" SELECT cell, ?, {_KEPT} FROM {{rows}} {counts.IN_CELLS}"
)
_CASES = "SELECT case_id FROM read_parquet(?)"


def insert(
    connection: duckdb.DuckDBPyConnection,
    run_id: str,
    part: int,
    path: str,
    sha256: Callable[[], str | None],
    labels: tuple[str, ...],
    rows_stay: bool,
) -> int:
    """Insert the file's rows as a part of the run; return their number.

    part: the part's number. path: its Parquet file. sha256: returns the file's digest; called last,
    so that the digest may be computed meanwhile. labels: the run's labels. rows_stay: insert the
    counts of the rows only. Raises StoreError for a repeated case, an unknown label or another
    number of classes.
    """
    query = "SELECT count(*), min(occurred_at), max(occurred_at) FROM read_parquet(?)"
    rows, first_at, last_at = only_row(connection.execute(query, [path]))
    ranges = _checked(connection, run_id, part, path, labels)
    counts.add_cells(connection, run_id, path)
    if rows_stay:
        lake.add_part(connection, run_id, part)
    else:
        rows_query = _complete_rows(connection, path)
        connection.execute(_INSERT.format(rows=rows_query), [part, path, run_id])
    _add_lines(connection, run_id, [(part, rows, sha256(), first_at, last_at)], {part: ranges})
    if rows_stay:
        counts.count_file(connection, run_id, part, path)
        counts.compact_counts(connection, run_id, part)
    else:
        counts.fold_pending_rows(connection, run_id)
    return rows


def insert_counts(
    connection: duckdb.DuckDBPyConnection,
    run_id: str,
    lines: Sequence[PartLine],
    path: str,
    folder: Path,
    labels: tuple[str, ...],
) -> None:
    """Insert parts by a file of their counts; their rows stay in their files, which are not read.

    lines: of the parts, none of which the store has. path: the file of counts. folder: the store's.
    labels: the run's. Raises StoreError for a case of an earlier part, an unknown label or another
    number of classes.
    """
    _refuse_unknown_label(connection, run_id, lines[0].part, path, labels)
    for line in lines:
        _refuse_other_classes(run_id, line.part, line.classes, labels)
        file = str(part_path(folder, run_id, line.part))
        if doubled := _shared(connection, run_id, _CASES, file, list(line.id_ranges)):
            raise StoreError("store.case_twice", case=doubled[0], part=line.part, run=run_id)
    counts.add_cells(connection, run_id, path)
    rows = [(x.part, x.rows, x.sha256, x.first_at, x.last_at) for x in lines]
    _add_lines(connection, run_id, rows, {line.part: line.id_ranges for line in lines})
    for line in lines:
        lake.add_part(connection, run_id, line.part)
    counts.add_sums(connection, run_id, [line.part for line in lines], path)


def _add_lines(
    connection: duckdb.DuckDBPyConnection,
    run_id: str,
    lines: Sequence[tuple],
    ranges: Mapping[int, Sequence[tuple]],
) -> None:
    """Record parts: part, rows, sha256, first and last date of each, and its ranges of ids."""
    connection.executemany(
        "INSERT INTO part_ids (run_id, part, bytes, lowest, highest) VALUES (?, ?, ?, ?, ?)",
        [[run_id, part, *id_range] for part, *_ in lines for id_range in ranges[part]],
    )
    connection.executemany(
        "INSERT INTO parts (run_id, part, rows, sha256, first_at, last_at, taken_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [[run_id, *line, records.utc_now()] for line in lines],
    )


def _complete_rows(connection: duckdb.DuckDBPyConnection, path: str) -> str:
    """Return the query of the file's rows, with NULL for optional columns that it lacks.

    An interrupted scoring of an earlier version left parts without them.
    """
    columns = connection.execute("SELECT * FROM read_parquet(?) LIMIT 0", [path]).description
    names = {column[0] for column in columns}
    missing = "".join(f', NULL AS "{name}"' for name in OPTIONAL if name not in names)
    return f"(SELECT *{missing} FROM read_parquet(?))"  # noqa: S608


def known_cases(
    connection: duckdb.DuckDBPyConnection, run_id: str, case_ids: list[str]
) -> set[str]:
    """Return which of the cases the run has; reads only parts whose id ranges may hold them."""
    id_query = "SELECT unnest(?) AS case_id"
    ranges = connection.execute(ID_RANGES.format(cases=id_query), [case_ids]).fetchall()
    return set(_shared(connection, run_id, id_query, case_ids, ranges))


def require_cases(connection: duckdb.DuckDBPyConnection, run_id: str, case_ids: list[str]) -> None:
    """Do nothing if the run has all of the cases, with a prediction or without one.

    Raises NotFoundError, which names the first that it lacks.
    """
    if not case_ids:
        return
    missing = sorted(set(case_ids) - known_cases(connection, run_id, case_ids))
    missing = sorted(set(missing) - unscored_among(connection, run_id, missing))
    if missing:
        raise NotFoundError(
            "store.no_case", run=run_id, case=missing[0], n=len(missing), cases=len(case_ids)
        )


def unscored_among(
    connection: duckdb.DuckDBPyConnection, run_id: str, case_ids: list[str]
) -> set[str]:
    """Return which of the cases the run's model gave no answer for."""
    if not case_ids:
        return set()
    query = "SELECT case_id FROM unscored_cases WHERE run_id = ? AND case_id IN (SELECT unnest(?))"
    return {case_id for (case_id,) in connection.execute(query, [run_id, case_ids]).fetchall()}


def _shared(
    connection: duckdb.DuckDBPyConnection,
    run_id: str,
    cases: str,
    value: object,
    ranges: list[tuple],
) -> list[str]:
    """Return the sorted ids that both the run and `cases` have.

    cases: a query of case_id with one parameter, `value`. ranges: rows of ID_RANGES for these ids.
    """
    met: set[int] = set()
    for size, lowest, highest in ranges:
        query = "SELECT part FROM part_ids WHERE run_id = ? AND bytes = ? AND lowest <= ? AND highest >= ?"
        met.update(
            part
            for (part,) in connection.execute(query, [run_id, size, highest, lowest]).fetchall()
        )
    if not met:
        return []
    # Part numbers as constants, since DuckDB then skips the row groups of the other parts.
    rows = connection.execute(
        f"SELECT DISTINCT n.case_id FROM ({cases}) n JOIN predictions p ON p.case_id = n.case_id"  # noqa: S608
        f" WHERE p.run_id = ? AND p.part IN ({', '.join(map(str, sorted(met)))}) ORDER BY n.case_id",
        [value, run_id],
    ).fetchall()
    return [case_id for (case_id,) in rows]


def _checked(
    connection: duckdb.DuckDBPyConnection,
    run_id: str,
    part: int,
    path: str,
    labels: tuple[str, ...],
) -> list[tuple]:
    """Return the ranges of the part's ids. Raises StoreError as `insert` does."""
    with ThreadPoolExecutor(1) as pool:
        hashes = connection.execute(
            "SELECT hash(case_id) AS hash FROM read_parquet(?)", [path]
        ).fetchnumpy()["hash"]
        # numpy releases the lock of Python while it sorts, so the statements below run meanwhile.
        twice = pool.submit(_any_twice, hashes)
        # One row is enough: core.store.parts lets no file with rows of different lengths through.
        query = "SELECT len(probabilities) FROM read_parquet(?) LIMIT 1"
        (classes,) = connection.execute(query, [path]).fetchone() or (0,)
        _refuse_other_classes(run_id, part, classes, labels)
        _refuse_unknown_label(connection, run_id, part, path, labels)
        ranges = connection.execute(ID_RANGES.format(cases=_CASES), [path]).fetchall()
        _refuse_doubles(connection, run_id, part, path, ranges, twice.result())
    return ranges


def _any_twice(hashes: np.ndarray) -> bool:
    """Return whether a number repeats; sorts in place, in a third of DuckDB's time to group."""
    hashes.sort()
    return bool((hashes[1:] == hashes[:-1]).any())


def _refuse_doubles(
    connection: duckdb.DuckDBPyConnection,
    run_id: str,
    part: int,
    path: str,
    ranges: list[tuple],
    suspect: bool,
) -> None:
    """Raise StoreError for a case that the part repeats or that the run has already.

    suspect: whether two of the part's ids have the same hash. Equal ids have equal hashes, so
    distinct hashes prove distinct ids; if a hash repeats, the ids themselves are compared.
    """
    doubled = []
    if suspect:
        query = f"{_CASES} GROUP BY case_id HAVING count(*) > 1 ORDER BY case_id LIMIT 1"
        doubled = [case_id for (case_id,) in connection.execute(query, [path]).fetchall()]
    doubled = doubled or _shared(connection, run_id, _CASES, path, ranges)
    if doubled:
        raise StoreError("store.case_twice", case=doubled[0], part=part, run=run_id)


def _refuse_unknown_label(
    connection: duckdb.DuckDBPyConnection,
    run_id: str,
    part: int,
    path: str,
    labels: tuple[str, ...],
) -> None:
    """Raise StoreError for a label that the run does not know.

    part: the number of the part, or of the first of several. path: a Parquet file with a column of
    predicted labels. labels: the run's.
    """
    unknown = connection.execute(
        "SELECT DISTINCT predicted FROM read_parquet(?) WHERE NOT list_contains(?, predicted) ORDER BY predicted LIMIT 1",
        [path, list(labels)],
    ).fetchone()
    if unknown:
        raise StoreError(
            "store.unknown_label", label=unknown[0], part=part, run=run_id, labels=labels
        )


def _refuse_other_classes(run_id: str, part: int, classes: int, labels: tuple[str, ...]) -> None:
    if classes != len(labels):
        raise StoreError(
            "store.class_count", part=part, classes=classes, run=run_id, labels=len(labels)
        )
