"""Brings a store's schema to this version: migrations/NNNN_name.sql in order, each in its own transaction, each written down."""

from pathlib import Path

import duckdb

from core.errors import StoreError

FOLDER = Path(__file__).parent / "migrations"


def migrations() -> list[tuple[int, Path]]:
    """(number, file), in order."""
    return sorted((int(p.name[:4]), p) for p in FOLDER.glob("[0-9][0-9][0-9][0-9]_*.sql"))


def migrate(connection: duckdb.DuckDBPyConnection) -> None:
    """Apply what is missing. Raises StoreError for a store that a newer version has written."""
    known = migrations()
    found = version(connection)
    if found > known[-1][0]:
        raise StoreError(
            f"the store has schema version {found}, and this version of Kakushin knows up to {known[-1][0]}: update Kakushin, or use another "
            "workspace (KAKUSHIN_HOME)"
        )
    for number, path in known:
        if number <= found:
            continue
        connection.execute("BEGIN")
        connection.execute("CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, name VARCHAR NOT NULL)")
        connection.execute(path.read_text(encoding="utf-8"))
        connection.execute("INSERT INTO schema_migrations (version, name) VALUES (?, ?)", [number, path.stem])
        connection.execute("COMMIT")


def version(connection: duckdb.DuckDBPyConnection) -> int:
    """The last migration that was applied; 0 for an empty file. Raises StoreError for a DuckDB file that is no store of ours."""
    tables = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY table_name").fetchall()}
    if "schema_migrations" in tables:
        return connection.execute("SELECT coalesce(max(version), 0) FROM schema_migrations").fetchone()[0]
    if tables:
        raise StoreError(f"the file holds tables ({', '.join(sorted(tables)[:3])}) that are not Kakushin's: use another workspace (KAKUSHIN_HOME)")
    return 0
