"""`python -m benchmarks.trail --tries 200`: bends an audit trail in every known way, so many times
each, and counts what the verification does not find.

Prints JSON: attacks {name: missed}, tries, missed, upper_bound_95 (3 / n where nothing is missed).
"""

import argparse
import json
import random
import shutil
import tempfile
from pathlib import Path

from tqdm import tqdm

from core.identity import local_principal
from core.store.store import Store
from core.store.trail import AuditTrail, TrailEvent
from tests.trail_attacks import ATTACKS, ENTRIES


def main() -> None:
    """Run every attack and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trail", description=__doc__)
    parser.add_argument("--tries", type=int, default=200, help="of each attack (default: 200)")
    names = [attack.__name__ for attack in ATTACKS]
    parser.add_argument("--attacks", nargs="+", default=names, choices=names)
    arguments = parser.parse_args()
    tries = arguments.tries
    attacks = [attack for attack in ATTACKS if attack.__name__ in arguments.attacks]
    with tempfile.TemporaryDirectory() as folder:
        template = Store(Path(folder) / "template")
        for i in range(ENTRIES // 2):
            event = TrailEvent("login", f"P{i}", f"s{i}", {"i": i})
            AuditTrail(template).append(local_principal("P"), [event, event])
        missed = {attack.__name__: 0 for attack in attacks}
        for attack in tqdm(attacks, desc="attacks"):
            for seed in range(tries):
                store = Store(shutil.copytree(template.folder, Path(folder) / "bent"))
                attack(store, random.Random(seed))  # noqa: S311
                missed[attack.__name__] += AuditTrail(store).check_chain().fault is None
                shutil.rmtree(store.folder)
    n, total = tries * len(attacks), sum(missed.values())
    bound = 3 / n if total == 0 else None
    print(json.dumps({"attacks": missed, "tries": n, "missed": total, "upper_bound_95": bound}))


if __name__ == "__main__":
    main()
