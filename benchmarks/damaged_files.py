"""`python -m benchmarks.damaged_files --tries 200`: a part, the store's file or its log is damaged.

Kinds: "part", one changed bit in a scored part that is then taken in; "page", one changed bit in
the store's file; "log", of a killed process with a commit in it: a changed bit, a cut, or garbage
from a random place on. Each try reads all tables in a child, for a damaged file may end a process.

Prints JSON: {kind: {same, refused, wrong, no_sentence}}, tries, upper_bound_95 (3 / tries where
nothing is wrong or without a sentence). same: all that was stored is read, as where a free block
was hit. refused: with an error that has a sentence. wrong: read without an error, and differs.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from benchmarks.faults import RUN
from core.errors import KakushinError
from core.store.file import NAME
from core.store.ledger import Ledger
from core.store.parts import part_path, write_part
from core.store.store import Store
from tests.stores import add_scored, die_before_checkpoint, make_rows

ROWS = 200
SAME, WRONG, REFUSED, NO_SENTENCE = 0, 2, 3, 4  # exit statuses of a child; another one is a crash
OUTCOMES = {SAME: "same", WRONG: "wrong", REFUSED: "refused"}
_CHANGING = ("taken_at", "ended_at")  # moments of the intake, which each try has for itself


def main() -> None:
    """Damage files and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.damaged_files", description=__doc__)
    parser.add_argument("--tries", type=int, default=200, help="of each kind (default: 200)")
    parser.add_argument("--seed", type=int, default=0, help="another one for another piece")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = damage_files(Path(folder), arguments.tries, arguments.seed)
    tries = arguments.tries * len(table)
    bad = sum(outcomes["wrong"] + outcomes["no_sentence"] for outcomes in table.values())
    print(json.dumps({**table, "tries": tries, "upper_bound_95": None if bad else 3 / tries}))


def damage_files(folder: Path, tries: int, seed: int) -> dict[str, dict[str, int]]:
    """Return {kind: {outcome: how many}}. folder: for the stores. tries: of each kind."""
    templates = _templates(folder)
    table = {}
    for kind, damage in KINDS.items():
        expected, rng = _content(_copy(templates[kind], folder)), random.Random(f"{kind}{seed}")  # noqa: S311
        outcomes: Counter = Counter(dict.fromkeys((*OUTCOMES.values(), "no_sentence"), 0))
        for _ in tqdm(range(tries), desc=kind, disable=None):
            store = _copy(templates[kind], folder)
            damage(store.folder, rng)
            outcomes[OUTCOMES.get(_read_in_child(store, expected), "no_sentence")] += 1
        table[kind] = dict(outcomes)
    return table


def _templates(folder: Path) -> dict[str, Path]:
    """Return the store's folder of each kind: with a part that waits, whole, and with a log."""
    store = Store(folder / "page")
    add_scored(store, RUN, make_rows(ROWS))
    Ledger(store).add_policy("line", {"threshold": 0.9}, "Suzuki", "why")
    waiting, logged = Store(_copied(store, "part")), Store(_copied(store, "log"))
    write_part(waiting.folder, RUN.run_id, 1, make_rows(ROWS, seed=1, first=1000))
    die_before_checkpoint(lambda: Ledger(logged).add_scenario("plan", {"cost": 1}, "Suzuki"))
    return {"part": waiting.folder, "page": store.folder, "log": logged.folder}


def _copied(store: Store, name: str) -> Path:
    return shutil.copytree(store.folder, store.folder.with_name(name))


def _copy(template: Path, folder: Path) -> Store:
    shutil.rmtree(folder / "store", ignore_errors=True)
    return Store(shutil.copytree(template, folder / "store"), timeout_s=60)


def _read_in_child(store: Store, expected: str) -> int:
    """Return the exit status of a child that reads the store: one of the above, or a signal."""
    pid = os.fork()
    if pid == 0:
        status = NO_SENTENCE
        try:
            status = SAME if _content(store) == expected else WRONG
        except KakushinError:
            status = REFUSED
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _content(store: Store) -> str:
    """Take in the part that waits, if one does; return a hash over all rows of all tables."""
    waiting = part_path(store.folder, RUN.run_id, 1)
    if waiting.exists():
        store.ingest_part(RUN.run_id, 1, waiting)
    digest = hashlib.sha256()
    with store.reading() as connection:
        query = "SELECT table_name FROM duckdb_tables() ORDER BY table_name"
        for (table,) in connection.execute(query).fetchall():
            rows = connection.execute(f'SELECT * FROM "{table}"')  # noqa: S608
            names = [column[0] for column in rows.description]
            shown = [place for place, name in enumerate(names) if name not in _CHANGING]
            written = sorted(repr([row[place] for place in shown]) for row in rows.fetchall())
            digest.update(repr((table, written)).encode())
    return digest.hexdigest()


def flip_bit(path: Path, rng: random.Random) -> None:
    """Change one random bit of a file."""
    content = bytearray(path.read_bytes())
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


def _damage_part(folder: Path, rng: random.Random) -> None:
    flip_bit(part_path(folder, RUN.run_id, 1), rng)


def _damage_page(folder: Path, rng: random.Random) -> None:
    flip_bit(folder / NAME, rng)


def _damage_log(folder: Path, rng: random.Random) -> None:
    log = folder / f"{NAME}.wal"
    content = log.read_bytes()
    place = rng.randrange(len(content))
    how = rng.choice(("bit", "cut", "garbage"))
    if how == "bit":
        flip_bit(log, rng)
    else:
        tail = rng.randbytes(len(content) - place) if how == "garbage" else b""
        log.write_bytes(content[:place] + tail)


KINDS: dict[str, Callable[[Path, random.Random], None]] = {
    "part": _damage_part,
    "page": _damage_page,
    "log": _damage_log,
}

if __name__ == "__main__":
    main()
