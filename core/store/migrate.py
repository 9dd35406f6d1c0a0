"""Brings a store's schema to this version: migrations/NNNN_name.sql in order, each written down in
its own transaction.
"""

from pathlib import Path

import duckdb

from core.errors import StoreError

FOLDER = Path(__file__).parent / "migrations"
_TABLE = "CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, name VARCHAR NOT NULL)"


def migrations() -> list[tuple[int, Path]]:
    """(number, file), in order."""
    return sorted((int(path.name[:4]), path) for path in FOLDER.glob("[0-9][0-9][0-9][0-9]_*.sql"))


def migrate(connection: duckdb.DuckDBPyConnection) -> None:
    """Apply what is missing. Raises StoreError for a store that a newer version has written, and
    for one that is not ours.
    """
    migrations_known = migrations()
    newest = migrations_known[-1][0]
    current_version, name = schema_version(connection)
    if current_version > newest:
        raise StoreError("store.newer_schema", version=current_version, name=name, newest=newest)
    for number, path in migrations_known:
        if number > current_version:
            _apply(connection, number, path)


def schema_version(connection: duckdb.DuckDBPyConnection) -> tuple[int, str]:
    """Number and name of the last migration that was applied; 0 for an empty file."""
    try:
        query = "SELECT version, name FROM schema_migrations ORDER BY version DESC LIMIT 1"
        return connection.execute(query).fetchone() or (0, "")
    except (
        duckdb.CatalogException
    ) as e:  # asking for the list of tables first would cost 8 ms at every open
        tables = [
            t
            for (t,) in connection.execute(
                "SELECT table_name FROM duckdb_tables() ORDER BY table_name"
            ).fetchall()
        ]
        if tables:
            raise StoreError("store.other_tables", tables=tables[:3]) from e
        return 0, ""


def _apply(connection: duckdb.DuckDBPyConnection, number: int, path: Path) -> None:
    """What a failed migration has done is undone when the caller closes the connection."""
    try:
        connection.execute("BEGIN")
        connection.execute(_TABLE)
        connection.execute(path.read_text(encoding="utf-8"))
        connection.execute(
            "INSERT INTO schema_migrations (version, name) VALUES (?, ?)", [number, path.stem]
        )
        connection.execute("COMMIT")
    except duckdb.Error as e:
        raise StoreError("store.migration", name=path.stem, reason=str(e).splitlines()[0]) from e
