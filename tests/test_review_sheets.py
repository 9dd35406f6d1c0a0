"""The cases that wait leave as a sheet, people fill it in, and it comes back: nothing else changes."""

import io
from dataclasses import replace
from datetime import UTC, date, datetime

import openpyxl
import pandas as pd
import pytest
from openpyxl import load_workbook

from core.cli import main
from core.decision.thresholds.policy import Policy
from core.errors import AccessError, CasesError
from core.export import csv_bytes
from core.identity import Principal
from core.messages import LANGUAGES
from core.pipeline.apply import apply_policy
from core.pipeline.review_desk import DeskTerms, waiting_queue
from core.pipeline.review_sheets import review_sheet, sheet_workbook
from core.pipeline.verdict_files import import_uploaded_verdicts
from core.pipeline.verdict_rows import (
    SHEET_COLUMNS,
    VERDICT_WORDS,
    hidden_answer,
    sheet_head,
    verdict_word,
)
from core.store.audits import Audits
from core.store.entries import ReviewVerdict
from core.store.ledger import Ledger
from core.store.reviews import Reviews
from core.store.store import Store
from tests.stores import add_scored, make_rows, make_run

RUN = "score-work-orders-student-stream"
LABELS = ("=1+1", "cab", "pump")
XLSX, ALL = "filled.xlsx", 1000


@pytest.fixture
def store(tmp_path) -> Store:
    """Sixty cases, about half of them accepted and drawn for an audit; a case's id is a formula."""
    store, rows = Store(tmp_path / "store"), make_rows(60)
    rows = rows.assign(case_id=["=cmd()", *rows["case_id"][1:]])
    add_scored(store, make_run("score", "student", "stream"), rows)
    version = Ledger(store).add_policy("line", Policy(0.6).to_dict(), "Sato", "first", [RUN])
    Ledger(store).add_policy_event("line", 1, "approve", "Abe", "agreed")
    apply_policy(store, RUN, version, date.today(), audit_share=1.0)
    return store


def sheet_of(store: Store, language: str = "ja", reviewer: str = "伊藤", most: int = ALL):
    """A sheet under our names of columns, to write into."""
    sheet = review_sheet(store, RUN, reviewer, DeskTerms(), language, most)
    assert list(sheet.columns) == [sheet_head(language, column) for column in SHEET_COLUMNS]
    return sheet.set_axis(list(SHEET_COLUMNS), axis=1)


def filled(sheet: pd.DataFrame, language: str = "ja") -> tuple[str, bytes]:
    """A workbook that a browser sends: the sheet with its answers, under the heads of a language."""
    heads = {column: sheet_head(language, column) for column in SHEET_COLUMNS}
    return XLSX, sheet_workbook(sheet.rename(columns=heads), LABELS, language)


def verdicts(store: Store) -> pd.DataFrame:
    return Reviews(store).verdicts(RUN).set_index("case_id")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sheet_has_the_queues_cases_in_its_order_and_hides_what_is_blind(store, language):
    sheet = sheet_of(store, language)
    queue = waiting_queue(store, RUN, DeskTerms(capacity_minutes=ALL * 4))[0].cases
    assert len(sheet) == len(queue) == 60  # every case waits: for people, or for an audit
    assert set(sheet["case_id"]) == set(queue["case_id"])
    blind = queue["blind"].to_dict()
    hidden = hidden_answer(language)
    assert 0 < sum(blind.values()) < len(sheet)
    for case_id, predicted in zip(sheet["case_id"], sheet["predicted"], strict=True):
        assert predicted == (hidden if blind[case_id] else queue["predicted"][case_id])
    assert (
        sheet_of(store, language, most=7)["case_id"].tolist()
        == waiting_queue(store, RUN, DeskTerms())[0].cases["case_id"].tolist()[:7]
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_people_fill_in_comes_back_and_the_rest_stays_in_the_queue(store, language):
    sheet = sheet_of(store, language)
    shown = sheet["predicted"] != hidden_answer(language)
    right, unsure = sheet.index[shown][:2]
    audit = sheet.index[~shown][0]
    sheet.loc[right, "verdict"] = verdict_word(language, "right")
    sheet.loc[unsure, "verdict"] = verdict_word(language, "unsure")
    sheet.loc[audit, ["label", "reviewer"]] = ["cab", "阿部"]
    result = import_uploaded_verdicts(store, RUN, filled(sheet, language), "nobody")
    assert (result.added, result.repeated, result.empty) == (3, 0, 57)
    stored = verdicts(store)
    case = sheet["case_id"]
    assert stored.loc[case[right], ["verdict", "reviewer"]].tolist() == ["right", "伊藤"]
    assert stored.loc[case[unsure], "verdict"] == "unsure"
    assert stored.loc[case[audit], ["label", "reviewer"]].tolist() == ["cab", "阿部"]
    assert stored["blind"].to_dict() == {case[right]: False, case[unsure]: False, case[audit]: True}
    # an audit counts as one if it was drawn before
    is_accepted = Audits(store).audited_cases(RUN, "line", 1).set_index("case_id")["decision"]
    assert stored.loc[case[audit], "audit"] == (is_accepted[case[audit]] == "accepted")
    again = import_uploaded_verdicts(store, RUN, filled(sheet, language), "nobody")
    assert (again.added, again.repeated) == (0, 3)
    # the reviewer's own answers are not asked for again
    assert not {case[right], case[unsure]} & set(sheet_of(store, language)["case_id"])
    assert (
        case[audit] in set(sheet_of(store, language)["case_id"]) or stored.loc[case[audit], "audit"]
    )


def test_a_verdict_on_an_answer_that_the_sheet_hides_is_refused_and_nothing_is_stored(store):
    sheet = sheet_of(store)
    hidden = sheet["predicted"] == hidden_answer("ja")
    sheet.loc[~hidden, "verdict"] = "正しい"
    row = sheet.index[hidden][0]
    sheet.loc[row, "verdict"] = "正しい"
    with pytest.raises(CasesError, match=f"filled.xlsx.* Row {row + 2}: .*hides"):
        import_uploaded_verdicts(store, RUN, filled(sheet), "伊藤")
    assert verdicts(store).empty
    sheet.loc[row, "verdict"] = "判断できない"
    assert import_uploaded_verdicts(store, RUN, filled(sheet), "伊藤").added == sum(~hidden) + 1


def test_the_label_decides_where_the_answer_is_hidden_and_no_error_tells_it(store):
    sheet = sheet_of(store)
    predicted = store.predictions(RUN, ["case_id", "predicted"]).set_index("case_id")["predicted"]
    first, second = sheet.index[sheet["predicted"] == hidden_answer("ja")][:2]
    right, wrong = predicted[sheet["case_id"][first]], "another label"
    sheet.loc[first, ["verdict", "label"]] = ["誤り", right]
    sheet.loc[second, ["verdict", "label"]] = ["正しい", wrong]
    assert import_uploaded_verdicts(store, RUN, filled(sheet), "伊藤").added == 2
    stored = verdicts(store)
    assert stored.loc[sheet["case_id"][first], ["verdict", "label"]].tolist() == ["right", right]
    assert stored.loc[sheet["case_id"][second], ["verdict", "label"]].tolist() == ["wrong", wrong]


def test_a_workbook_offers_the_allowed_answers_and_holds_no_formula(store):
    sheet = sheet_of(store)
    sheet.loc[0, "text"] = "a\x00 cell\x0b of a machine"  # no workbook holds these characters
    _, content = filled(sheet)
    book = load_workbook(io.BytesIO(content))
    page, lists = book.worksheets
    assert lists.sheet_state == "hidden"
    rules = {str(rule.sqref): rule for rule in page.data_validations.dataValidation}
    verdict, label = rules["E2:E61"], rules["F2:F61"]
    assert verdict.formula1 == "lists!$A$1:$A$3"
    assert verdict.showErrorMessage
    assert not label.showErrorMessage  # a label that the model does not know is an answer too
    words = [row[0].value for row in lists["A1:A3"]]
    assert words == [verdict_word("ja", word) for word in VERDICT_WORDS]
    assert [row[0].value for row in lists["B1:B3"]] == ["'=1+1", "cab", "pump"]
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert "'=cmd()" in {cell.value for cell in cells}
    assert "a\ufffd cell\ufffd of a machine" in {cell.value for cell in cells}
    assert all(cell.data_type != "f" for cell in cells)


def test_answers_of_a_browser_need_the_role_a_table_and_a_whole_file(store):
    sheet = sheet_of(store)
    sheet.loc[0, "label"] = "cab"
    viewer = Principal("x|1", "Viewer", frozenset({"viewer"}))
    with pytest.raises(AccessError):
        import_uploaded_verdicts(
            Store(store.folder, principal=viewer), RUN, filled(sheet), "Viewer"
        )
    for called, content, words in (
        ("answers.pdf", b"%PDF-", "pdf"),
        ("answers.csv", b"", "answers.csv"),
        ("../../answers.xlsx", b"PK\x03\x04 cut", "answers.xlsx"),
        ("notes.csv", b"text,day\r\nhello,Monday\r\n", "notes.csv needs the column case_id"),
    ):
        with pytest.raises(CasesError, match=words):
            import_uploaded_verdicts(store, RUN, (called, content), "伊藤")
    assert verdicts(store).empty


def test_a_table_of_another_program_comes_in_by_the_browser_too(store):
    ids = sheet_of(store)["case_id"]
    table = pd.DataFrame({"Case_ID": ids[:2], "注記": ["x", None], "LABEL": ["cab", "pump"]})
    result = import_uploaded_verdicts(store, RUN, ("a.csv", csv_bytes(table)), "伊藤")
    assert result.added == 2
    assert verdicts(store)["reviewer"].tolist() == ["伊藤", "伊藤"]


@pytest.mark.parametrize("ending", ["xlsx", "csv", "parquet", "jsonl"])
def test_the_verb_writes_a_sheet_and_reads_it_back(store, tmp_path, capsys, monkeypatch, ending):
    monkeypatch.setenv("KAKUSHIN_HOME", str(tmp_path))
    file = tmp_path / f"sheet.{ending}"
    who = ["--run", RUN, "--reviewer", "Ito"]
    assert main(["queue", "export", *who, "--limit", "5", "--out", str(file)]) == 0
    assert "5 cases. Fill in verdict or label" in capsys.readouterr().out
    assert verdicts(store).empty
    if ending == "xlsx":  # as a person would
        book = openpyxl.load_workbook(file)
        for row in range(2, 7):
            book.active[f"F{row}"] = "cab"
        book.save(file)
        assert main(["queue", "answer", *who, "--file", str(file)]) == 0
        assert len(verdicts(store)) == 5


def test_an_empty_queue_gives_a_sheet_without_rows(store):
    sheet = sheet_of(store)
    first = Reviews(store)
    moment = datetime.now(UTC)
    answer = ReviewVerdict(RUN, sheet["case_id"][0], "wrong", "伊藤", moment, "cab")
    first.add_verdicts([replace(answer, case_id=case_id) for case_id in sheet["case_id"]])
    assert sheet_of(store).empty
    book = load_workbook(io.BytesIO(filled(sheet_of(store))[1]))
    assert book.worksheets[0].max_row == 1
