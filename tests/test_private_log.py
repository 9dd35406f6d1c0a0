"""A canary in the text of a case: no log of a job, of the gate or of the dashboard has it."""

import json
import logging
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from core.cli.tables import terminal_json
from core.errors import StoreError
from core.private_log import error_places, keep_case_text_out
from tests.browser.serving import ROOT

CANARY = "canary-4711"
RAISE = f"""
def fail():
    try:
        int("{CANARY}")
    except ValueError as e:
        raise RuntimeError("cannot read {CANARY}") from e
"""
# Each way of an uncaught error into a log, in a process that keeps texts out.
WAYS = {
    "end": "fail()",
    "thread": "import threading; t = threading.Thread(target=fail); t.start(); t.join()",
    "logged": "import logging\ntry: fail()\nexcept Exception: logging.getLogger('a').exception('x')",
    "handler": "import logging; logging.basicConfig(format='%(name)s')\n"
    "try: fail()\nexcept Exception as e: logging.getLogger('uvicorn.error').error('x', exc_info=e)",
    "destructor": "class A:\n    def __del__(self): fail()\nA()",
    "task": "import asyncio\nasync def work(): fail()\n"
    "async def main():\n    asyncio.create_task(work()); await asyncio.sleep(0.01)\n"
    "asyncio.run(main()); import gc; gc.collect()",
    "group": f"raise ExceptionGroup('{CANARY}', [ValueError('{CANARY}')])",
    "note": f"e = ValueError('a'); e.add_note('{CANARY}'); raise e",
}
# A cell of each column that cannot be read, and quotes the canary.
BAD_CELLS = {
    "occurred_at": f"text,label,occurred_at\nhose,A,{CANARY}\n",
    "value": f"text,label,value\nhose,A,{CANARY}\n",
    "case_id": f"case_id,text,label\n{CANARY},hose,A\n{CANARY},pump,B\n",
    "text": f"text,label\n{CANARY * 10_000},A\n",
    "row": f"text,label\nhose,A,{CANARY}\n",
    "quotes": f'text,label\n"{CANARY},A\n',
}


def output_of(code: str, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("way", WAYS)
def test_no_way_into_a_log_carries_the_words_of_an_error(way):
    begin = "from core.private_log import keep_case_text_out\nkeep_case_text_out()\n"
    said = output_of(begin + RAISE + WAYS[way])
    assert CANARY not in said
    assert "Error" in said or "ExceptionGroup" in said
    assert "<string>:" in said  # the place is there


def test_an_error_is_told_by_kinds_codes_and_places():
    try:
        try:
            Path("/no/such/" + CANARY).read_text()
        except OSError as e:
            raise StoreError("store.refused", file="f", reason=CANARY) from e
    except StoreError as e:
        told = error_places(e)
    assert told.startswith("core.errors.StoreError store.refused\n")
    assert "caused by builtins.FileNotFoundError errno 2\n" in told
    assert f"{__file__}:" in told
    assert CANARY not in told


@pytest.fixture
def job(tmp_path):
    """Return the environment of a background job."""
    return {"KAKUSHIN_HOME": str(tmp_path / "home"), "KAKUSHIN_PROGRESS": str(tmp_path / "bar")}


@pytest.mark.parametrize("column", BAD_CELLS)
def test_a_job_names_the_rows_that_it_cannot_read_and_quotes_none(tmp_path, job, column):
    (tmp_path / "cases.csv").write_text(BAD_CELLS[column])
    arguments = ["train", str(tmp_path / "cases.csv"), "--name", "m"]
    code = (  # it ends once the file is read
        "import core.cli, core.cli.cases as c, core.cli.train\n"
        "read = c.read_arguments\n"
        "core.cli.train.read_arguments = lambda *a: (read(*a), exit(9))\n"
        f"exit(core.cli.main({arguments!r}))"
    )
    said = output_of(code, **job)
    assert CANARY not in said
    assert said.strip()


def test_a_job_that_fails_does_not_say_on_which_text(job):
    code = RAISE + (
        "import core.cli, core.cli.runs\n"
        "core.cli.runs._runs = lambda *_: fail()\n"
        "core.cli.main(['runs'])"
    )
    said = output_of(code, **job)
    assert CANARY not in said
    assert "builtins.RuntimeError" in said


SERVERS = {
    "gate": "import uvicorn, core.gate.server as s\n"
    "s.callers_for = s.make_gate = s.gate_app = lambda *a: None\n"
    "uvicorn.run = lambda *a, **k: report('uvicorn.error')\n"
    "s.serve_gate(None, None, None, 'd', '127.0.0.1', 1)",
    "dashboard": "import dashboard.server as s, streamlit.error_util as u\n"
    "from streamlit import config\n"
    "def run(self, config=None):\n"
    "    apply(config)\n"
    "    try: fail()\n"
    "    except Exception as e: u._log_uncaught_app_exception(e)\n"
    "def apply(options):\n"
    "    for name, value in options.items(): config.set_option(name, value)\n"
    "s.DashboardApp.run = run\n"
    "s.serve_dashboard(8501)",
}


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_logs_no_words_of_an_error(tmp_path, server):
    report = (
        "def report(name):\n"
        "    import logging\n"
        "    try: fail()\n"
        "    except Exception: logging.getLogger(name).exception('failed')\n"
    )
    said = output_of(RAISE + report + SERVERS[server], KAKUSHIN_HOME=str(tmp_path / "home"))
    assert CANARY not in said
    assert "builtins.RuntimeError" in said


def test_what_was_there_before_is_called_and_can_come_back(monkeypatch):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    before = logging.getLogRecordFactory()
    try:
        keep_case_text_out()
        record = logging.getLogRecordFactory()("n", 10, "p", 1, "said %s", ("x",), None)
        assert (record.getMessage(), record.exc_text) == ("said x", None)
    finally:
        logging.setLogRecordFactory(before)


@pytest.mark.parametrize("call", ["error('denied: %s', evil)", "error('denied: ' + evil)"])
def test_a_strangers_words_in_a_log_move_no_terminal_and_add_no_line(call):
    begin = "from core.private_log import keep_case_text_out\nkeep_case_text_out()\n"
    code = f"evil = 'a\\x1b[31mb\\r\\x9b2J\\u202e'\nimport logging\nlogging.getLogger('a').{call}"
    assert output_of(begin + code) == "denied: a\\u001b[31mb\\u000d\\u009b2J\\u202e\n"
    lines = "import logging\nlogging.getLogger('a').error('denied: %s', 'a\\nforged line')"
    assert output_of(begin + lines) == "denied: a\\u000aforged line\n"


def test_json_on_a_terminal_is_the_same_json_and_controls_nothing():
    texts = ["\u202eevil\u2066", "\x1b[31m", "\x9b31m", "\u2028", "修理 é 👩‍👧", '"\\u202e']
    written = terminal_json({"texts": texts}, 1)
    assert json.loads(written) == {"texts": texts}
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", written)
    assert "修理 é 👩‍👧" in written
