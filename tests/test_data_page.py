"""The page 'Data and runs' as a reader meets it: a stranger's file, its problems, jobs that are
started, runs side by side.
"""

import json
from datetime import UTC, datetime

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from core.cli import parser
from core.errors import SettingsError
from core.jobs import queue
from core.models.base.card import ModelCard
from core.pipeline import uploads
from core.progress import write_json
from core.settings import Settings
from core.store.entries import ReviewVerdict
from core.store.reviews import Reviews
from core.store.store import Store
from dashboard.data import words as data_words
from dashboard.i18n import LANGUAGE_NAMES, Words, catalogue
from tests import tiny
from tests.pages import page_text, unfold
from tests.stores import LABELS, make_store

pytestmark = pytest.mark.page("data")

BAD = (
    "番号,作業内容,正解,日付\n1,油漏れ,engine,2024/01/31\n2,,engine,2024/02/01\n"
    "3,ホース交換,cab,いつか\n4,電球,lamp,\n"
)
FIELDS = ("text", "case_id", "segment", "label", "occurred_at", "value")
STREAM = "score-work-orders-student-stream"
AT = "2026-01-05T09:00:00+00:00"


@pytest.fixture
def home(tmp_path, monkeypatch) -> Settings:
    """A workspace with one scored run, a model's card, and no runner: jobs stay where they were
    put.
    """
    make_store(tmp_path / "store", "tiny")
    card = ModelCard(
        kind="student", name="line-student", labels=LABELS, base="x", base_sha256="x", cut=1
    )
    for kind in ("student", "teacher"):
        folder = tmp_path / "models" / f"line-{kind}"
        folder.mkdir(parents=True)
        written = card.model_copy(update={"kind": kind, "name": f"line-{kind}"})
        (folder / "model.json").write_text(written.model_dump_json(), encoding="utf-8")
    monkeypatch.setattr(queue, "start_runner", lambda settings: None)
    return Settings(home=tmp_path)


@pytest.fixture
def kept(home) -> uploads.Upload:
    return uploads.keep_upload(home, "作業指図.csv", BAD.encode("cp932"))


def problems(page):
    """Return the list of problems: the second table, under the preview."""
    return page.dataframe[1].value


@pytest.mark.parametrize("lang", LANGUAGE_NAMES)
@pytest.mark.parametrize("size", ["empty", "tiny", "full"])
@pytest.mark.parametrize("part", ["upload", "jobs", "runs"])
def test_every_part_opens_in_each_language_on_each_store(open_page, lang, size, part):
    page, words = open_page(size, lang=lang, part=part), catalogue(lang)
    assert not page.exception
    assert not page.error
    text = page_text(page)
    assert words["data.title"] in text
    if part == "upload":
        assert words["upload.none"] in text
        assert words["start.needs_file"] in text
    if part == "jobs":
        assert words["jobs.none"] in text
    if part == "runs":
        assert (words["runs.none"] in text) == (size == "empty")
        assert len(page.get("plotly_chart")) == (1 if size == "full" else 0)
        assert (words["compare.two"] in text) == (size == "tiny")
        assert words["sizes"] in text


def test_a_file_is_handed_over_and_its_bad_rows_are_listed(open_page, home):
    page = open_page(home.home)
    page.file_uploader(key="uploader").set_value(
        ("作業指図.csv", BAD.encode("cp932"), "text/csv")
    ).run()
    assert not page.exception
    assert [metric.value for metric in page.metric][:3] == ["3", "1", "3"]
    assert problems(page)["Row"].tolist() == [3]
    assert problems(page)["Column"].tolist() == ["Text"]
    assert problems(page)["Value found"].tolist() == [""]
    assert (
        "Problems: 1; rows with a problem: 1. A row's number is the line of the file"
        in page_text(page)
    )
    assert "The first 4 of 4 rows, in CP932" in page_text(page)
    assert page.query_params["file"].endswith(".csv")
    assert [path.name for path in home.uploads.glob("*/*.csv")] == ["cases.csv"]


def test_a_file_that_is_none_is_a_sentence(open_page, home):
    page = open_page(home.home)
    page.file_uploader(key="uploader").set_value(("empty.csv", b"", "text/csv")).run()
    assert "empty.csv is empty" in page_text(page)
    assert uploads.list_uploads(home) == []
    broken = uploads.keep_upload(home, "指図.xlsx", b"PK")
    page = open_page(home.home, file=broken.key)
    assert not page.exception
    assert "指図.xlsx is not an XLSX file" in page_text(page)


def test_columns_found_by_name_are_chosen_and_can_be_changed(open_page, home, kept):
    page = open_page(home.home, file=kept.key)
    chosen = {field: page.selectbox(key=f"col_{field}_{kept.key[:12]}_").value for field in FIELDS}
    wanted = {
        "text": "作業内容",
        "case_id": "番号",
        "segment": "",
        "label": "正解",
        "occurred_at": "日付",
        "value": "",
    }
    assert chosen == wanted
    page.selectbox(key=f"col_case_id_{kept.key[:12]}_").set_value("正解").run()
    assert problems(page)["Row"].tolist() == [3, 3]
    page.selectbox(key=f"col_text_{kept.key[:12]}_").set_value("").run()
    assert catalogue("en")["upload.choose_text"] in page_text(page)
    assert catalogue("en")["start.needs_file"] in page_text(page)


def test_labels_are_held_against_the_models(open_page, home, kept):
    text = page_text(open_page(home.home, file=kept.key))
    assert (
        "Cases with one of the 12 labels that the model was trained on: 2; cases without a label: 0."
        in text
    )
    assert "Cases with a label that it was not trained on, such as lamp: 1" in text


def test_scoring_is_started_once_somebody_agrees_and_says_who(open_page, home, kept):
    page = open_page(home.home, file=kept.key)
    assert not [button for button in page.button if button.key == "start"]
    page.checkbox(key=f"skip_{kept.key[:12]}").check().run()
    page.button(key="start").click().run()
    assert catalogue("en")["start.no_name"] in page_text(page)
    assert queue.listed(home) == []
    page.text_input(key="who").set_value("美香")
    page.button(key="start").click().run()
    (found,) = queue.listed(home)
    assert (found.job.verb, found.job.who, found.state) == ("score", "美香", "queued")
    assert found.job.about == "作業指図.csv → line-student"
    wanted = {
        "--model=line-student",
        "--dataset=cases",
        "--role=stream",
        "--text-column=作業内容",
        "--skip-bad-rows",
    }
    assert wanted <= set(found.job.arguments)
    assert found.job.arguments[-1] == str(kept.path(home).resolve())
    assert page.query_params["part"] == "jobs"
    assert "Score with a model · 作業指図.csv → line-student" in page_text(page)


def test_a_name_that_is_not_allowed_is_a_sentence_and_no_job(open_page, home):
    good = uploads.keep_upload(home, "good.csv", b"text,label\nhose,cab\npump,engine\n")
    page = open_page(home.home, file=good.key)
    page.text_input(key="who").set_value("mika")
    page.text_input(key=f"dataset_{good.key[:12]}").set_value("Line 1")
    page.button(key="start").click().run()
    assert "dataset name 'Line 1' is not allowed" in page_text(page)
    assert queue.listed(home) == []


def test_training_and_distilling_are_started(open_page, home):
    good = uploads.keep_upload(home, "good.csv", b"text,label\n" + b"hose,cab\npump,engine\n" * 10)
    page = open_page(home.home, file=good.key)
    page.text_input(key="who").set_value("mika")
    page.segmented_control(key="task").set_value("train").run()
    page.number_input(key="train_epochs").set_value(3)
    page.selectbox(key="train_teacher").select("tfb").run()
    page.button(key="start").click().run()
    assert {"--name=good", "--teacher=tfb", "--epochs=3", "--base=all-MiniLM-L6-v2"} <= set(
        queue.listed(home)[0].job.arguments
    )
    page = open_page(home.home)
    page.segmented_control(key="task").set_value("distill").run()
    page.text_input(key="who").set_value("mika")
    page.button(key="start").click().run()
    assert {found.job.verb: found.job.arguments for found in queue.listed(home)}["distill"] == (
        "--epochs=2",
        "line",
    )


def test_distilling_again_is_started_on_a_stream_with_verdicts(open_page, home):
    page = open_page(home.home)
    page.segmented_control(key="task").set_value("redistill").run()
    assert "No student's stream has verdicts yet" in page_text(page)
    verdict = ReviewVerdict(STREAM, "stream-0000000", "right", "Ito", datetime.now(UTC))
    Reviews(Store(home.store)).add_verdicts([verdict])
    page = open_page(home.home)
    page.segmented_control(key="task").set_value("redistill").run()
    page.text_input(key="who").set_value("mika")
    page.button(key="start").click().run()
    (status,) = queue.listed(home)
    assert status.job.verb == "redistill"
    assert status.job.arguments[:2] == (f"--run={STREAM}", "--author=mika")


def test_rare_labels_are_named_before_training_is_started_and_what_happens_to_them_is_chosen(
    open_page, home
):
    """Three labels, of which "late" has one case, the last by date."""
    rows = [f"hose,{'cab' if i % 2 else 'engine'},2024-01-{i + 1:02}" for i in range(20)]
    content = "\n".join(["text,label,date", *rows, "lamp,late,2024-02-01"]).encode()
    upload = uploads.keep_upload(home, "a.csv", content)
    page = open_page(home.home, file=upload.key)
    page.segmented_control(key="task").set_value("train").run()
    assert "1 label has fewer than 5 cases and teaches little: 'late' (1)" in page_text(page)
    page.selectbox(key="rare_labels").set_value("drop").run()
    assert "left out: 'late' (1)" in page_text(page)
    page.text_input(key="who").set_value("mika")
    page.button(key="start").click().run()
    assert "--rare-labels=drop" in queue.listed(home)[0].job.arguments


def test_an_unclear_encoding_shows_the_readings_and_the_box_decides(open_page, home):
    content = "id,text\n1,spínač\n".encode("cp1250")
    upload = uploads.keep_upload(home, "a.csv", content)
    page = open_page(home.home, file=upload.key)
    text = page_text(page)
    assert "cp1252: 1,spínaè" in text
    assert "cp1250: 1,spínač" in text
    page.selectbox(key=f"encoding_{upload.key[:12]}").set_value("cp1250").run()
    assert "CP1250 (given)" in page_text(page)


def test_training_an_english_base_on_japanese_is_warned_of(open_page, home):
    folder = home.cache / "all-MiniLM-L6-v2"
    folder.mkdir(parents=True)
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, "hose": 1}, unk_token="[UNK]"))
    tokenizer.save(str(folder / "tokenizer.json"))
    rows = [f"油漏れ{i},{'AB'[i % 2]}" for i in range(20)]
    upload = uploads.keep_upload(home, "a.csv", "\n".join(["text,label", *rows]).encode())
    page = open_page(home.home, file=upload.key)
    page.segmented_control(key="task").set_value("train").run()
    base = page.selectbox(key=f"base_{upload.key[:12]}")
    assert base.value == "multilingual-e5-small"
    assert "unknown to the model" not in page_text(page)
    base.set_value("all-MiniLM-L6-v2").run()
    assert "100% of the tokens of the first 20 texts are unknown to the model" in page_text(page)


def test_jobs_show_their_state_and_are_cancelled_and_resumed(open_page, home):
    job = queue.start(home, "score", ("x",), "mika", "a.csv → m")
    page = open_page(home.home, part="jobs")
    assert "a.csv → m" in page_text(page)
    page.button(key=f"cancel_{job.job_id}").click().run()
    assert queue.status(home, job.job_id).state == "cancelled"
    page.button(key=f"resume_{job.job_id}").click().run()
    assert queue.status(home, job.job_id).state == "queued"
    folder = home.jobs / job.job_id
    (folder / "log").write_text("one\nkakushin: no model 'm'\n")
    (folder / "end.json").write_text(
        json.dumps({"exit_code": 4, "at": "2026-01-05T09:00:00+00:00"})
    )
    page.run()
    assert "Its last line: kakushin: no model 'm'" in page_text(page)
    assert "exit code 4" in page_text(page)
    page.toggle(key=f"log_{job.job_id}").set_value(True).run()
    assert "one\nkakushin: no model 'm'" in page_text(page)


def test_runs_are_compared_and_the_link_keeps_them(open_page):
    page = open_page(part="runs")
    stream = {kind: f"score-work-orders-{kind}-stream" for kind in ("student", "teacher")}
    page.multiselect(key="pick_runs").set_value(list(stream.values())).run()
    assert page.query_params["compared"] == ",".join(stream.values())
    assert "The chosen runs scored the same cases." in page_text(page)
    unfold(page, "runs_compare")
    measures = page.dataframe[0].value
    assert set(measures["n"]) == {1700}
    assert len(measures) == 6
    differing = page.dataframe[1].value.set_index("Item")
    assert differing.loc["Kind"].tolist() == ["Student", "Teacher"]
    assert differing.loc["Model's hash"].tolist() == ["2" * 12, "1" * 12]
    assert "Cases' hash" not in differing.index
    other = open_page(**page.query_params)
    assert page_text(other) == page_text(page)
    page.multiselect(key="pick_runs").set_value(
        [stream["student"], "score-work-orders-student-calibration"]
    ).run()
    assert "Note: the chosen runs scored different cases" in page_text(page)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.44, "0.4 s"), (59, "59 s"), (61, "1 min 1 s"), (3725, "1 h 2 min"), (None, "–")],
)
def test_times_are_said_in_their_two_largest_units(seconds, shown):
    assert data_words.duration_text(Words("en"), seconds) == shown


def test_progress_is_a_share_and_a_line():
    words = Words("en")
    half = queue.Progress("line-student scores line/stream", 500, 1000, "cases", 10.0, 50.0)
    assert data_words.progress_text(words, half) == (
        0.5,
        "Scoring the cases: 500 of 1,000, about 50 s left",
    )
    assert data_words.progress_text(words, None) == (0.0, "Getting ready")
    open_end = queue.Progress("teacher, 10 samples a case", 5, None, "cases", None, None)
    assert data_words.progress_text(words, open_end) == (
        0.0,
        "The teacher answers each case 10 times: 5",
    )
    assert data_words.size_text(words, 52_428_800) == "52.4 MB"


def test_the_page_asks_for_no_job_that_may_not_be():
    with pytest.raises(SettingsError, match="verb 'demo'"):
        queue.start(Settings(), "demo", (), "mika")


HISTORY = "text,label,date\n" + "".join(
    f"order {i} of a pump,{'engine' if i % 3 else 'cab'},2024-{1 + i // 28:02d}-{1 + i % 28:02d}\n"
    for i in range(150)
)


def test_a_poc_is_started_on_a_labelled_file_cancelled_and_resumed(open_page, home):
    uploads.keep_upload(home, "history.csv", HISTORY.encode())
    (upload,) = uploads.list_uploads(home)
    page = open_page(home.home, file=upload.key)
    page.button(key="open_poc").click().run()
    assert "90 cases train, 30 choose the threshold, 30 judge" in page_text(page)
    page.text_input(key="who").set_value("Mika")
    page.button(key="start").click().run()
    (found,) = queue.listed(home)
    assert (found.job.verb, found.job.about, found.state) == (
        "poc",
        "history.csv → history",
        "queued",
    )
    assert {"--name=history", "--language=en", "--base=all-MiniLM-L6-v2"} <= set(
        found.job.arguments
    )
    assert parser().parse_args(["poc", *found.job.arguments]).name == "history"

    page = open_page(home.home, part="jobs")
    page.button(key=f"cancel_{found.job.job_id}").click().run()
    assert queue.status(home, found.job.job_id).state == "cancelled"
    page.button(key=f"resume_{found.job.job_id}").click().run()
    assert queue.status(home, found.job.job_id).state == "queued"


def test_a_file_with_few_labels_offers_no_poc(open_page, home, kept):
    page = open_page(home.home, file=kept.key)
    assert "open_poc" not in {button.key for button in page.button}


def test_japanese_texts_choose_the_multilingual_model_and_the_english_one_warns(open_page, home):
    tiny.make_encoder(home.cache / "all-MiniLM-L6-v2")  # a vocabulary without Japanese
    rows = HISTORY.replace("order", "油圧ホース").replace("of a pump", "交換")
    upload = uploads.keep_upload(home, "履歴.csv", rows.encode())
    page = open_page(home.home, file=upload.key)
    page.button(key="open_poc").click().run()
    base = page.selectbox(key=f"poc_base_{upload.key[:12]}")
    assert base.value == "multilingual-e5-small"
    assert not [warning for warning in page.warning if "tokens of the first" in warning.value]
    base.set_value("all-MiniLM-L6-v2").run()
    assert [warning for warning in page.warning if "tokens of the first" in warning.value]


def test_a_finished_job_leads_to_its_run_and_no_other_state_does(open_page, home):
    """The tiny store's run is of the dataset work-orders."""
    job = queue.start(home, "score", ("--dataset=work-orders",), "mika")
    other = queue.start(home, "score", ("--dataset=elsewhere",), "mika")
    for queued in (job, other):
        write_json(home.jobs / queued.job_id / "process.json", {"pid": 1, "created": 0, "at": AT})
        write_json(home.jobs / queued.job_id / "end.json", {"exit_code": 0, "at": AT})
    page = open_page(home.home, part="jobs")
    assert [button.key for button in page.button if "result" in button.key] == [
        f"result_{job.job_id}"
    ]
