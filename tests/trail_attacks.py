"""Ways of bending a trail of twelve entries, each by a random choice; every one must be found."""

import json
import random
import secrets
from collections.abc import Callable

from core.store import trail
from core.store.anchor import TrailAnchor
from core.store.ledger import Ledger
from core.store.store import Store
from core.store.trail import AuditTrail

ENTRIES = 12


def run_sql(store: Store, *statements: str) -> None:
    with store.atomic() as connection:
        for statement in statements:
            connection.execute(statement)


def alter(store: Store, rng: random.Random) -> None:
    column = rng.choice(["actor", "account", "action", "subject", "details", "previous", "hash"])
    place = rng.randint(1, 12)
    run_sql(store, f"UPDATE trail_entries SET {column} = {column} || 'x' WHERE position = {place}")


def alter_time(store: Store, rng: random.Random) -> None:
    place = rng.randint(1, 12)
    step = "INTERVAL 1 MICROSECOND"
    run_sql(store, f'UPDATE trail_entries SET "at" = "at" + {step} WHERE position = {place}')


def delete(store: Store, rng: random.Random) -> None:
    run_sql(store, f"DELETE FROM trail_entries WHERE position = {rng.randint(1, 11)}")


def delete_and_close_up(store: Store, rng: random.Random) -> None:
    place = rng.randint(1, 11)
    run_sql(store, f"DELETE FROM trail_entries WHERE position = {place}")
    for later in range(place + 1, ENTRIES + 1):
        run_sql(store, f"UPDATE trail_entries SET position = position - 1 WHERE position = {later}")


def reorder(store: Store, rng: random.Random) -> None:
    one, other = rng.sample(range(1, 13), 2)
    for old, new in ((one, 99), (other, one), (99, other)):
        run_sql(store, f"UPDATE trail_entries SET position = {new} WHERE position = {old}")


def insert(store: Store, rng: random.Random) -> None:
    place = rng.randint(1, 12)
    for later in range(12, place - 1, -1):
        run_sql(store, f"UPDATE trail_entries SET position = position + 1 WHERE position = {later}")
    run_sql(
        store,
        f"INSERT INTO trail_entries SELECT {place}, * EXCLUDE (position) FROM trail_entries"
        " WHERE position = 13",
    )


def append_forged(store: Store, rng: random.Random) -> None:
    run_sql(
        store,
        "INSERT INTO trail_entries SELECT position + 1, * EXCLUDE (position, previous, hash), hash,"
        f" '{secrets.token_hex(32)}' FROM trail_entries WHERE position = 12",
    )


def cut(store: Store, rng: random.Random) -> None:
    run_sql(store, f"DELETE FROM trail_entries WHERE position > {rng.randint(0, 11)}")


def cut_and_go_on(store: Store, rng: random.Random) -> None:
    """The next honest action must not hide the cut."""
    cut(store, rng)
    for _ in range(rng.randint(1, 14)):
        Ledger(store).add_scenario("plan", {"cost": 1}, "Suzuki")


def rewrite(store: Store, rng: random.Random) -> None:
    """A whole new chain under the forger's own key, with the count of the old one."""
    key, head = secrets.token_bytes(32), trail.GENESIS
    with store.atomic() as connection:
        rows = connection.execute("SELECT * FROM trail_entries ORDER BY position").fetchall()
        connection.execute("DELETE FROM trail_entries")
        for row in rows:
            fresh = (*row[:2], "Forger", *row[3:-2], head)
            head = trail._entry_hash(key, fresh)
            connection.execute(
                f"INSERT INTO trail_entries VALUES ({', '.join('?' * 9)})", [*fresh, head]
            )


def forge_anchor(store: Store, rng: random.Random) -> None:
    cut(store, rng)
    path = TrailAnchor(store.folder).path
    content = json.loads(path.read_text())
    end = AuditTrail(store).check_chain().end
    path.write_text(json.dumps(content | {"count": end.count, "head": end.head}))


def remove_anchor(store: Store, rng: random.Random) -> None:
    cut(store, rng)
    TrailAnchor(store.folder).path.unlink()
    Ledger(store).add_scenario("plan", {"cost": 1}, "Suzuki")


ATTACKS: list[Callable[[Store, random.Random], None]] = [
    *(alter, alter_time, delete, delete_and_close_up, reorder, insert, append_forged),
    *(cut, cut_and_go_on, rewrite, forge_anchor, remove_anchor),
]
