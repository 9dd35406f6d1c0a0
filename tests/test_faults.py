"""The first kills of benchmarks.faults: what was reported as done is stored once, and opens."""

import json
import shutil
import subprocess
import sys

import duckdb
import pytest

from benchmarks.damaged_files import KINDS, damage_files
from benchmarks.faults import FAULTS, PHASES, run_faults, run_kills
from core.store import migrate
from core.store.file import NAME
from core.store.store import Store
from tests.browser.serving import ROOT

KILLED = """
import os, sys
from pathlib import Path
from core.store import migrate
from core.store.store import Store
apply, left = migrate._apply, int(sys.argv[2])
def apply_and_die(connection, number, path):
    global left
    apply(connection, number, path)
    left -= 1
    if left == 0:
        os._exit(9)
migrate._apply = apply_and_die
Store(Path(sys.argv[1])).schema_version()
"""


def test_thirty_kills_lose_nothing_and_double_nothing(tmp_path):
    tally = run_kills(tmp_path, 30, seed=1)
    assert (tally.lost, tally.doubled, tally.unopenable) == (0, 0, 0)
    assert tally.phases == dict.fromkeys(PHASES, 5)
    assert sum(tally.moments.values()) == 30


def test_thirty_of_each_other_fault_end_well_or_with_a_sentence_and_leave_no_half(tmp_path):
    results = run_faults(tmp_path, 6, 1)  # of each of five phases
    assert set(results) == set(FAULTS)
    for name, outcomes in results.items():
        assert (outcomes["wrong"], outcomes["no_sentence"]) == (0, 0), name
        assert outcomes["ended"] + outcomes["refused"] == 30
    assert results["no right to write"]["ended"] == 0
    assert results["clock back"]["refused"] == 0


def test_thirty_damages_of_each_file_are_without_effect_or_refused(tmp_path):
    table = damage_files(tmp_path, 30, 1)
    assert set(table) == set(KINDS)
    for kind, outcomes in table.items():
        assert (outcomes["wrong"], outcomes["no_sentence"]) == (0, 0), kind
        assert outcomes["refused"] > 0
    assert table["part"]["refused"] == 30


@pytest.mark.skipif(shutil.which("cc") is None, reason="a C compiler makes writes fail")
def test_a_fault_at_each_of_the_first_thirty_writes_loses_nothing():
    modes = ("torn", "once")  # those of the most and the fewest kills
    command = [sys.executable, "-m", "benchmarks.failing_writes", "--limit", "30"]
    command += ["--phases", "policy", "--modes", *modes]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    assert result["wrong"] == []
    assert set(result["outcomes"]) == set(modes)
    assert result["tries"] == 2 * min(30, result["writes"]["policy"]) > 40
    assert not any("no_sentence" in outcomes for outcomes in result["outcomes"].values())


@pytest.mark.parametrize("applied", [1, 3, 4])
def test_a_store_opens_after_a_kill_between_two_migrations(tmp_path, applied):
    """The third adds a column to a table with a check: DuckDB's log of it needs its own functions."""
    with duckdb.connect(str(tmp_path / NAME)) as connection:
        connection.execute(migrate._TABLE)
        for number, path in migrate.migrations()[:5]:
            migrate._apply(connection, number, path)
    command = [sys.executable, "-c", KILLED, str(tmp_path), str(applied)]
    assert subprocess.run(command, cwd=ROOT).returncode == 9
    assert Store(tmp_path).schema_version() == migrate.migrations()[-1][0]
