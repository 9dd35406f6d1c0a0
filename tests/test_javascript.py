"""The page's own JavaScript: its syntax, and its unit tests in node, where node is installed."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from dashboard.i18n import LANGUAGE_NAMES, Words

ROOT = Path(__file__).resolve().parent.parent
NODE = shutil.which("node")
SCRIPTS = sorted((ROOT / "dashboard").rglob("*.js"))
VALUES = (
    0.0,
    0.0412,
    0.125,
    0.5,
    0.99949,
    1.0,
    12.345,
    45.006,
    999.99,
    1234.5,
    98765.4,
    9312345.0,
    126e6,
)

pytestmark = pytest.mark.skipif(
    NODE is None, reason="no node on the PATH: `apt-get install nodejs` brings one"
)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_a_module(script):
    check = [NODE, "--check", "--input-type=module"]
    result = subprocess.run(
        check, input=script.read_text(encoding="utf-8"), text=True, capture_output=True
    )
    assert result.returncode == 0, result.stderr


def test_the_unit_tests_pass(tmp_path):
    expected = [
        {
            "language": language,
            "currency": currency,
            "digits": Words(language).precision(currency),
            "value": value,
            "number": Words(language).number(value),
            "percent": Words(language).percent(value),
            "money": Words(language).money(value, currency),
        }
        for language in LANGUAGE_NAMES
        for currency in ("AUD", "JPY")
        for value in VALUES
    ]
    file = tmp_path / "expected.json"
    file.write_text(json.dumps(expected), encoding="utf-8")
    tests = sorted(map(str, (ROOT / "tests" / "js").glob("*.test.mjs")))
    result = subprocess.run(
        [NODE, "--test", *tests],
        env={"KAKUSHIN_EXPECTED": str(file), "PATH": str(Path(NODE).parent)},
        text=True,
        capture_output=True,
    )
    assert result.returncode == 0, result.stdout[-4000:]
