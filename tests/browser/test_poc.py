"""From a labelled file to the verdict: the page offers a proof of concept and says how it splits the
file; a finished job leads to the page Decide, on its own run and not on the demo's.
"""

import re

from playwright.sync_api import expect

from core.jobs import queue
from core.progress import write_json
from core.settings import Settings
from core.store.lines import LineSettings, save_line
from tests.browser.serving import go_to, serving
from tests.stores import add_scored, make_run, make_store

AT = "2026-01-05T09:00:00+00:00"
RUN = "score-history-student-stream"


def make_home(home) -> Settings:
    """A workspace with the demo's line and, newer, a proof of concept whose job has finished."""
    settings = Settings(home=home)
    store = make_store(settings.store, "full")
    save_line(store, LineSettings("work-orders", opens="score-work-orders-student-stream"), "demo")
    rows = store.predictions("score-work-orders-student-stream").head(200)
    add_scored(store, make_run("score", "student", "stream", 99, name="history"), rows)
    save_line(store, LineSettings("history", opens=RUN, threshold=0.6), "poc")
    job = queue.start(settings, "poc", ("--name=history",), "mika", "history.csv → history")
    for name, content in (
        ("process.json", {"pid": 1, "created": 0, "at": AT, "runner": {"pid": 1, "created": 0}}),
        ("end.json", {"exit_code": 0, "at": AT}),
    ):
        write_json(settings.jobs / job.job_id / name, content)
    return settings


def test_a_file_can_be_tried_and_a_finished_poc_opens_decide_on_its_run(
    tmp_path, browser, monkeypatch
):
    monkeypatch.setattr(queue, "start_runner", lambda settings: None)
    make_home(tmp_path / "home")
    lines = [f"order {i} of a pump,{'engine' if i % 3 else 'cab'}" for i in range(150)]
    (tmp_path / "history.csv").write_text("text,label\n" + "\n".join(lines), encoding="utf-8")
    with serving(tmp_path / "home") as address:
        page = browser.new_context(locale="en-GB").new_page()
        page.goto(address)
        expect(page.locator(".st-key-data_chip")).to_contain_text("work-orders", timeout=90_000)
        go_to(page, "Prepare", "Data and runs")
        page.locator("[data-testid=stFileUploader] input[type=file]").set_input_files(
            tmp_path / "history.csv"
        )
        page.get_by_role("button", name="Start a PoC").click(timeout=60_000)
        expect(page.locator(".st-key-panel_start")).to_contain_text(
            re.compile("150 labelled cases have a date.*Split at random: 90 cases train"),
            timeout=30_000,
        )
        page.locator(".st-key-part").get_by_text("Jobs", exact=True).click()
        page.get_by_role("button", name="See the result").click(timeout=60_000)
        expect(page).to_have_url(re.compile(rf"[?&]run={RUN}(&|$)"), timeout=60_000)
        expect(page).to_have_url(re.compile(r"t=0\.6(&|$)"))
        expect(page.locator(".st-key-data_chip")).to_contain_text("history", timeout=30_000)
