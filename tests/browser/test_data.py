"""A walk from a file to a decision: upload CP932 with two bad rows, see them, score it, find the
run on the page 'Decide'.
"""

import re

import pytest
from playwright.sync_api import expect

from core.cli import main
from core.jobs import queue
from core.settings import Settings
from tests import tiny
from tests.browser.serving import go_to, serving


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A workspace with a tiny trained model, and beside it a stranger's file whose row 4 has no text
    and whose row 6 has no date that can be read.
    """
    monkeypatch.setenv("KAKUSHIN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KAKUSHIN_DEVICE", "cpu")
    tiny.make_encoder(tmp_path / "base")
    tiny.cases(120).drop(columns="row").to_csv(tmp_path / "train.csv", index=False)
    base = ["--base", str(tmp_path / "base"), "--epochs", "1"]
    assert main(["train", str(tmp_path / "train.csv"), "--name", "line", *base]) == 0
    cases = tiny.cases(60, seed=3).astype({"occurred_at": str})
    cases.loc[2, "text"], cases.loc[4, "occurred_at"] = "", "来月"
    names = {
        "text": "作業内容",
        "label": "正解",
        "occurred_at": "日付",
        "case_id": "番号",
        "segment": "設備",
    }
    cases.rename(columns=names)[list(names.values())].to_csv(
        tmp_path / "作業指図.csv", index=False, encoding="cp932"
    )
    yield tmp_path
    for found in queue.listed(Settings()):
        queue.cancel(Settings(), found.job.job_id, "test")


def test_a_file_becomes_a_run_that_can_be_decided_on(home, browser):
    problems: list[str] = []
    with serving(home / "home") as address:
        page = browser.new_context(
            locale="ja-JP", viewport={"width": 1440, "height": 1000}
        ).new_page()
        page.on(
            "console",
            lambda message: problems.append(message.text) if message.type == "error" else None,
        )
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(address)
        go_to(page, "準備", "データと実行")

        # Streamlit's own words on the uploader are English: the reader sees ours in their place.
        said = "p => getComputedStyle(p, '::after').content + getComputedStyle(p).fontSize"
        button = page.locator(".st-key-uploader [data-testid=stFileUploaderDropzone] button p")
        expect(button).to_be_attached(timeout=60_000)
        page.wait_for_function(
            "() => getComputedStyle(document.documentElement).getPropertyValue('--kakushin-upload')"
        )
        assert button.evaluate(said) == '"選択"0px'
        expect(page.locator("[data-testid=stFileUploaderDropzoneInstructions]")).to_be_hidden()

        # The file, what was found in it, and its one bad row; a date that cannot be read empties its cell.
        page.locator("[data-testid=stFileUploader] input[type=file]").set_input_files(
            home / "作業指図.csv"
        )
        listed = page.locator(".st-key-panel_problems")
        # a word joiner between
        expect(listed).to_contain_text(re.compile("1行に1.?件の問題があります"), timeout=60_000)
        expect(listed).to_contain_text(
            "4本文本文が空です。"
        )  # row, column, the value found, what is wrong
        expect(page.locator(".st-key-panel_file")).to_contain_text(
            "先頭の20行（全60行、文字コード CP932"
        )

        # Score it, without them.
        page.locator("[class*=st-key-skip_] label").first.click()
        page.locator(".st-key-who input").fill("佐藤美香")
        page.locator(".st-key-who input").press("Enter")
        page.locator("[class*=st-key-dataset_] input").fill("orders")
        page.locator("[class*=st-key-dataset_] input").press("Enter")
        page.locator(".st-key-start button").click()
        expect(page).to_have_url(re.compile(r"part=jobs"), timeout=30_000)
        expect(page.locator("[class*=st-key-job_]").first).to_contain_text("完了", timeout=400_000)

        # The run is there to be decided on.
        go_to(page, "決める", "しきい値を決める")
        page.locator(".st-key-data_chip button").first.click()
        expect(page.locator(".st-key-run input").first).to_have_value(
            re.compile("^orders ·"), timeout=30_000
        )
        expect(page.locator("[data-testid=stPopoverBody]")).to_contain_text(re.compile("59.?件"))
    (found,) = queue.listed(Settings())
    assert (found.state, found.job.who, found.exit_code) == ("finished", "佐藤美香", 0)
    assert [
        problem
        for problem in problems
        if "ERR_CONNECTION_REFUSED" not in problem and "WebSocket" not in problem
    ] == []
