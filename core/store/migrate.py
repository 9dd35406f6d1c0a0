"""Schema migrations: applies migrations/NNNN_name.sql in order, each in its own transaction.

Knows no table but schema_migrations, which lists the applied ones.
"""

from pathlib import Path

import duckdb

from core.errors import StoreError

MIGRATIONS_FOLDER = Path(__file__).parent / "migrations"
_TABLE = "CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, name VARCHAR NOT NULL)"


def migrations() -> list[tuple[int, Path]]:
    """Return (number, file) of each migration, in order."""
    return sorted(
        (int(path.name[:4]), path) for path in MIGRATIONS_FOLDER.glob("[0-9][0-9][0-9][0-9]_*.sql")
    )


def is_current(connection: duckdb.DuckDBPyConnection) -> bool:
    """Return whether no migration is missing. Raises StoreError as `migrate` does."""
    return not _missing(connection)


def migrate(connection: duckdb.DuckDBPyConnection) -> None:
    """Apply the missing migrations.

    Raises StoreError for a store of a newer version and for a database of another program.
    """
    for number, path in _missing(connection):
        _apply(connection, number, path)


def _missing(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, Path]]:
    migrations_known = migrations()
    newest = migrations_known[-1][0]
    applied = _applied_migrations(connection)
    current_version, name = max(applied.items(), default=(0, ""))
    if current_version > newest:
        raise StoreError("store.newer_schema", version=current_version, name=name, newest=newest)
    # A migration file never changes once released: stores hold its number, not its content. Numbers
    # are compared one by one, since a development version may have applied a later one first.
    return [(number, path) for number, path in migrations_known if number not in applied]


def schema_version(connection: duckdb.DuckDBPyConnection) -> tuple[int, str]:
    """Return number and name of the newest applied migration; (0, "") for an empty file.

    Raises StoreError for a database of another program.
    """
    return max(_applied_migrations(connection).items(), default=(0, ""))


def _applied_migrations(connection: duckdb.DuckDBPyConnection) -> dict[int, str]:
    """Return {number: name}. Raises StoreError for a database of another program."""
    try:
        query = "SELECT version, name FROM schema_migrations"
        return dict(connection.execute(query).fetchall())
    except duckdb.CatalogException as e:
        # Listing the tables first, instead of after this error, would cost 8 ms at every open.
        query = "SELECT table_name FROM duckdb_tables() ORDER BY table_name"
        tables = [table for (table,) in connection.execute(query).fetchall()]
        if tables:
            raise StoreError("store.other_tables", tables=tables[:3]) from e
        return {}


def _apply(connection: duckdb.DuckDBPyConnection, number: int, path: Path) -> None:
    """Apply one migration; a failed one is rolled back when the caller closes the connection."""
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
