"""The command `kakushin` that `make` puts beside this checkout's Python."""

import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("kakushin")


@pytest.mark.skipif(not COMMAND.exists(), reason="`make test` makes the command")
def test_the_command_runs_in_any_folder_under_its_own_name(tmp_path):
    asked = subprocess.run(
        [COMMAND, "check", "--help"], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert asked.returncode == 0
    assert asked.stdout.startswith("usage: kakushin check")
