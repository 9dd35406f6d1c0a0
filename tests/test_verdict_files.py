"""Verdicts leave as files and come in again: nothing lost, nothing doubled, every bad row named."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pandas as pd
import pytest

from core.cli import main
from core.decision.thresholds.policy import Policy
from core.errors import CasesError, SettingsError
from core.pipeline.apply import apply_policy
from core.pipeline.verdict_files import export_verdicts, import_gold_cases, import_verdicts
from core.store.audits import Audits
from core.store.entries import ReviewVerdict
from core.store.ledger import Ledger
from core.store.reviews import Reviews
from core.store.store import Store
from core.store.unscored import add_unscored_cases, judged_cases
from tests.stores import add_scored, make_rows, make_run

RUN = "score-work-orders-student-stream"
NOON = datetime(2026, 3, 2, 12, 0, 0, 250_000, tzinfo=UTC)
COUNTED = ["case_id", "verdict", "label", "reviewer", "at", "seconds"]


def make(folder, policy=None) -> Store:
    """Six cases; the id of the first is a formula, the second's begins with an apostrophe."""
    store, rows = Store(folder / "store"), make_rows(6)
    ids = ["=cmd()", "'quoted", *rows["case_id"][2:]]
    add_scored(store, make_run("score", "student", "stream"), rows.assign(case_id=ids))
    if policy is not None:
        version = Ledger(store).add_policy("line", policy.to_dict(), "Sato", "first", [RUN])
        Ledger(store).add_policy_event("line", 1, "approve", "Abe", "agreed")
        apply_policy(store, RUN, version, date.today(), audit_share=1.0)
    return store


@pytest.fixture
def store(tmp_path) -> Store:
    """Answers of two people, one of them replaced and one withdrawn."""
    store = make(tmp_path)
    ids = store.predictions(RUN, ["case_id"])["case_id"]
    answer = ReviewVerdict(RUN, ids[0], "wrong", "Ito", NOON, "=label", seconds=7.5)
    later = NOON.replace(hour=13)
    Reviews(store).add_verdicts(
        [
            answer,
            replace(answer, reviewer="阿部", verdict="right", label=None, seconds=None),
            replace(answer, case_id=ids[1], verdict="unsure", label=None),
            replace(answer, case_id=ids[2], verdict="right", label=None),
            replace(answer, case_id=ids[2], verdict="wrong", label="cab", judged_at=later),
            replace(answer, case_id=ids[3]),
            replace(answer, case_id=ids[3], verdict="withdrawn", label=None, judged_at=later),
        ]
    )
    return store


def counted(store) -> list[tuple]:
    rows = Reviews(store).verdicts(RUN).drop_duplicates(["case_id", "reviewer"], keep="last")
    rows = rows[rows["verdict"] != "withdrawn"].sort_values(["case_id", "reviewer"])
    rows["at"] = rows["at"].dt.round("ms")  # a workbook's times are fractions of a day
    table = rows[COUNTED].astype(object)
    return [tuple(row) for row in table.where(table.notna(), None).to_numpy()]


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet", "jsonl", "json"])
def test_what_is_exported_comes_into_another_store_unchanged_and_a_second_time_adds_nothing(
    store, tmp_path, ending
):
    file, other = tmp_path / f"verdicts.{ending}", make(tmp_path / "other")
    assert export_verdicts(store, RUN, file)[0] == 4
    assert import_verdicts(other, RUN, file, "nobody").added == 4
    assert counted(other) == counted(store)
    again = import_verdicts(other, RUN, file, "nobody")
    assert (again.added, again.repeated) == (0, 4)
    # in its own store the file adds nothing either, and brings no withdrawn answer back
    assert import_verdicts(store, RUN, file, "nobody").added == 0
    assert set(Reviews(other).verdicts(RUN)["source"]) == {"import"}


def write(folder, rows, name="in.csv"):
    pd.DataFrame(rows).to_csv(folder / name, index=False)
    return folder / name


def test_an_older_file_does_not_bring_a_replaced_or_withdrawn_answer_back(store, tmp_path):
    ids = store.predictions(RUN, ["case_id"])["case_id"]
    old = {"verdict": "right", "label": "", "reviewer": "Ito", "at": "2026-03-02 12:30:00"}
    file = write(tmp_path, [{"case_id": ids[2], **old}, {"case_id": ids[3], **old}])
    assert import_verdicts(store, RUN, file, "Ito").added == 0
    newer = write(tmp_path, [{"case_id": ids[2], **old, "at": "2026-03-02T14:30:00+01:00"}])
    assert import_verdicts(store, RUN, newer, "Ito").added == 1  # 13:30 in UTC


def test_a_time_without_a_zone_is_in_the_zone_of_the_settings(tmp_path, monkeypatch, capsys):
    store = make(tmp_path)
    ids = store.predictions(RUN, ["case_id"])["case_id"]
    times = ["2026-03-02 12:30:00", "2026-03-02T12:30:00Z", ""]
    rows = [{"case_id": i, "verdict": "right", "at": t} for i, t in zip(ids, times, strict=False)]
    file, reviewer = write(tmp_path, rows), ["--run", RUN, "--reviewer", "Ito"]
    monkeypatch.setenv("KAKUSHIN_HOME", str(store.folder.parent))
    monkeypatch.setenv("KAKUSHIN_TIMEZONE", "Asia/Nowhere")
    assert main(["verdicts", "import", str(file), *reviewer]) == 3
    assert "Asia/Nowhere" in capsys.readouterr().err
    monkeypatch.setenv("KAKUSHIN_TIMEZONE", "Asia/Tokyo")  # 9 hours before UTC
    assert main(["verdicts", "import", str(file), *reviewer]) == 0
    moments = Reviews(store).verdicts(RUN).set_index("case_id")["at"]
    assert moments[ids[0]] == pd.Timestamp("2026-03-02 03:30:00")
    assert moments[ids[1]] == pd.Timestamp("2026-03-02 12:30:00")
    assert abs(moments[ids[2]] - pd.Timestamp.now("UTC").tz_localize(None)) < pd.Timedelta("1h")
    # the exported times carry their zone, so that they come back unchanged
    table = tmp_path / "out.csv"
    export_verdicts(store, RUN, table)
    assert main(["verdicts", "import", str(table), *reviewer]) == 0
    assert len(Reviews(store).verdicts(RUN)) == 3


def test_a_label_alone_is_a_verdict_and_a_row_without_an_answer_is_counted(tmp_path):
    store = make(tmp_path)
    cases = store.predictions(RUN, ["case_id", "predicted"])
    labels = [cases["predicted"][0], "cab of another kind", ""]
    file = write(tmp_path, {"Case_ID": cases["case_id"][:3], "label": labels})
    result = import_verdicts(store, RUN, file, "Ito")
    assert (result.added, result.repeated, result.empty) == (2, 0, 1)
    rows = Reviews(store).verdicts(RUN)
    assert rows["verdict"].tolist() == ["right", "wrong"]
    assert rows["reviewer"].tolist() == ["Ito", "Ito"]
    words = write(
        tmp_path, {"case_id": cases["case_id"][3:], "verdict": ["正しい", "WRONG", "誤り"]}
    )
    assert import_verdicts(store, RUN, words, "Ito").added == 3


def test_every_bad_row_is_named_and_nothing_is_added(tmp_path):
    store = make(tmp_path)
    cases = store.predictions(RUN, ["case_id", "predicted"])
    a, b, c, d = cases["case_id"][2:]
    rows = [
        {"case_id": a, "verdict": "right"},
        {"case_id": "nowhere", "verdict": "right"},
        {"case_id": b, "verdict": "maybe"},
        {"case_id": c, "verdict": "right", "label": "no such answer"},
        {"case_id": a, "verdict": "wrong"},
        {"case_id": d, "verdict": "wrong", "at": "2999-01-01"},
        {"case_id": "", "verdict": "wrong"},
        {"case_id": d, "verdict": "wrong", "seconds": "-1"},
    ]
    with pytest.raises(CasesError, match="7 bad rows, and nothing was added") as refused:
        import_verdicts(store, RUN, write(tmp_path, rows), "Ito")
    text = str(refused.value)
    assert f"Row 3: The run '{RUN}' has no case 'nowhere'." in text
    assert "Row 4: The verdict is 'maybe'" in text
    assert "Row 5: The verdict 'right' does not fit the label 'no such answer'" in text
    assert f"Row 6: The file has an answer of Ito on the case '{a}' in row 2" in text
    assert "Row 7: The time is '2999-01-01'" in text
    assert "Row 8: The case id is empty." in text
    assert "Row 9: " in text
    assert Reviews(store).verdicts(RUN).empty


def add_unanswered(store) -> None:
    """Two cases that the model gave no answer for."""
    lost = {"case_id": ["lost", "gone"], "segment": "A", "text": "no answer", "fault": "not_finite"}
    moment = datetime(2026, 1, 1)
    add_unscored_cases(store, RUN, pd.DataFrame(lost).assign(occurred_at=moment))


def test_some_cases_are_read_as_all_of_them_are(tmp_path):
    """In the file's order, whatever the order of the ids; an id that the run lacks is none."""
    store = make(tmp_path)
    add_unanswered(store)
    everything = judged_cases(store, RUN).set_index("case_id")
    assert len(everything) == 8
    ids = ["lost", "'quoted", "no such case", "=cmd()"]
    chosen = judged_cases(store, RUN, ids).set_index("case_id")
    kept = [case_id for case_id in everything.index if case_id in ids]
    pd.testing.assert_frame_equal(chosen, everything.loc[kept])
    assert judged_cases(store, RUN, []).empty


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet", "jsonl", "json"])
def test_answers_on_cases_without_a_models_answer_go_out_and_come_in(tmp_path, ending):
    store, other = make(tmp_path), make(tmp_path / "other")
    add_unanswered(store)
    add_unanswered(other)
    rows = {"case_id": ["lost", "gone"], "verdict": ["", "unsure"], "label": ["cab", ""]}
    assert import_verdicts(store, RUN, write(tmp_path, rows), "Ito").added == 2
    file = tmp_path / f"verdicts.{ending}"
    assert export_verdicts(store, RUN, file)[0] == 2
    assert import_verdicts(other, RUN, file, "nobody").added == 2
    assert counted(other) == counted(store)
    assert [row[:3] for row in counted(store)] == [
        ("gone", "unsure", None),
        ("lost", "wrong", "cab"),
    ]


def test_a_verdict_about_an_answer_that_does_not_exist_is_refused_by_row(tmp_path):
    store = make(tmp_path)
    add_unanswered(store)
    rows = {"case_id": ["lost", "gone"], "verdict": ["wrong", "right"], "label": ["", "cab"]}
    with pytest.raises(CasesError, match="2 bad rows.*Row 2: The model gave no answer for this"):
        import_verdicts(store, RUN, write(tmp_path, rows), "Ito")
    assert Reviews(store).verdicts(RUN).empty


def test_label_studio_gets_the_cases_without_an_answer_and_no_prediction_of_them(tmp_path):
    store = make(tmp_path, Policy(0.6))
    add_unanswered(store)
    apply_policy(store, RUN, Ledger(store).policy("line", 1), date.today())
    export_verdicts(store, RUN, tmp_path / "tasks.json")
    tasks = {t["data"]["case_id"]: t for t in json.loads((tmp_path / "tasks.json").read_text())}
    assert tasks["lost"]["predictions"] == []
    assert tasks["lost"]["data"]["text"] == "no answer"


def test_an_import_tells_which_answers_count_and_which_labels_are_new(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("KAKUSHIN_HOME", str(tmp_path))
    store = make(tmp_path, Policy(0.6))
    decided = Audits(store).audited_cases(RUN, "line", 1)
    drawn, early = decided["case_id"][decided["decision"] == "accepted"][:2]
    rows = [
        {"case_id": drawn, "label": "Cabb"},
        {"case_id": early, "label": "cab of a crane", "at": "2020-01-01"},
    ]
    file = str(write(tmp_path, rows))
    assert main(["verdicts", "import", file, "--run", RUN, "--reviewer", "Ito"]) == 0
    printed = capsys.readouterr().out
    assert "2 verdicts added" in printed
    assert "1 of them counts as an audit." in printed
    assert "1 is on an accepted case that was not drawn before" in printed
    assert "does not know 2 labels: Cabb, cab of a crane." in printed


def test_a_file_without_the_columns_and_another_ending_are_refused(store, tmp_path):
    with pytest.raises(
        CasesError, match=r"needs the column case_id \(or Case\), and verdict or label"
    ):
        import_verdicts(store, RUN, write(tmp_path, [{"id": 1, "verdict": "right"}]), "Ito")
    with pytest.raises(SettingsError, match="does not end in"):
        export_verdicts(store, RUN, tmp_path / "verdicts.pdf")
    for content in ('{"data": {}}', "[1]", "[", "[" * 100_000):
        (tmp_path / "tasks.json").write_text(content)
        with pytest.raises(CasesError, match="is not a JSON export of Label Studio"):
            import_verdicts(store, RUN, tmp_path / "tasks.json", "Ito")


def annotation(label, **more):
    """An annotation as Label Studio exports it: a person's number, and one chosen label."""
    choice = {"from_name": "class", "to_name": "text", "type": "choices"}
    result = [{**choice, "value": {"choices": [label]}}]
    common = {"was_cancelled": False, "ground_truth": False, "lead_time": 4.5, "completed_by": 1}
    return {"id": 9, "result": result, **common, **more}


def test_a_label_studio_export_is_read_and_a_skip_counts_as_nothing(tmp_path):
    store = make(tmp_path)
    ids = store.predictions(RUN, ["case_id"])["case_id"].tolist()
    tasks = [
        {"id": 1, "data": {"case_id": ids[0]}, "annotations": [annotation("new class")]},
        {
            "id": 2,
            "data": {"case_id": ids[1]},
            "annotations": [
                annotation("cab", was_cancelled=True),
                annotation("other", completed_by={"email": "abe@example.com"}),
            ],
        },
        {"id": 3, "data": {"case_id": ids[2]}, "annotations": []},
    ]
    file = tmp_path / "export.json"
    file.write_text(json.dumps(tasks))
    assert import_verdicts(store, RUN, file, "Ito").added == 2
    rows = Reviews(store).verdicts(RUN)
    assert rows["reviewer"].tolist() == ["Ito", "abe@example.com"]
    assert rows["label"].tolist() == ["new class", "other"]
    assert rows["seconds"].tolist() == [4.5, 4.5]
    tasks[0]["annotations"].append(annotation("cab"))
    file.write_text(json.dumps(tasks))
    with pytest.raises(CasesError, match="1 bad row, .* Row 1: The file has an answer of Ito"):
        import_verdicts(store, RUN, file, "Ito")


def test_tasks_hold_the_models_answer_except_where_an_audit_is_to_be_judged_blind(tmp_path):
    store = make(tmp_path, Policy(0.6))
    decided = Audits(store).audited_cases(RUN, "line", 1).set_index("case_id")
    accepted = decided.index[decided["decision"] == "accepted"]
    assert 1 < len(accepted) < 6  # both kinds, and every accepted case is drawn
    answer = ReviewVerdict(RUN, accepted[0], "right", "Ito", datetime.now(UTC))
    Reviews(store).add_verdicts([answer])
    export_verdicts(store, RUN, tmp_path / "tasks.json")
    tasks = {t["data"]["case_id"]: t for t in json.loads((tmp_path / "tasks.json").read_text())}
    assert set(tasks) == set(decided.index)
    assert {case for case, task in tasks.items() if not task["predictions"]} == set(accepted[1:])
    task = tasks[accepted[0]]
    (prediction,) = task["predictions"]
    assert prediction["model_version"] == "work-orders-student@" + "2" * 64
    assert prediction["score"] == pytest.approx(decided["confidence"][accepted[0]])
    choices = prediction["result"][0]["value"]["choices"]
    assert choices == [decided["predicted"][accepted[0]]]
    (stored,) = task["annotations"]
    assert (stored["was_cancelled"], stored["ground_truth"]) == (False, False)
    assert stored["completed_by"] == {"email": "Ito"}


def test_an_imported_answer_on_a_drawn_case_is_an_audit_unless_it_came_before_the_draw(tmp_path):
    store = make(tmp_path, Policy(0.6))
    decided = Audits(store).audited_cases(RUN, "line", 1)
    accepted = decided["case_id"][decided["decision"] == "accepted"].tolist()
    people = decided["case_id"][decided["decision"] == "review"].tolist()
    rows = [
        {"case_id": accepted[0], "verdict": "wrong"},
        {"case_id": accepted[1], "verdict": "wrong", "at": "2020-01-01"},
        {"case_id": people[0], "verdict": "wrong"},
    ]
    assert import_verdicts(store, RUN, write(tmp_path, rows), "Ito").added == 3
    stored = Reviews(store).verdicts(RUN).set_index("case_id")
    assert stored["audit"].to_dict() == {accepted[0]: True, accepted[1]: False, people[0]: False}
    assert stored["inclusion_probability"][accepted[0]] == 1.0


@pytest.mark.parametrize(
    ("language", "written", "added"),
    [("en", "4 verdicts", "0 verdicts added"), ("ja", "判定4件", "判定を0件追加しました")],
)
def test_the_verb_exports_and_imports(
    store, tmp_path, monkeypatch, capsys, language, written, added
):
    monkeypatch.setenv("KAKUSHIN_HOME", str(tmp_path))
    monkeypatch.setenv("KAKUSHIN_LANGUAGE", language)
    file = str(tmp_path / "verdicts.csv")
    assert main(["verdicts", "export", "--run", RUN, "--out", file]) == 0
    assert written in capsys.readouterr().out
    assert main(["verdicts", "import", file, "--run", RUN, "--reviewer", "Ito"]) == 0
    assert added in capsys.readouterr().out
    assert main(["verdicts", "export", "--run", RUN, "--out", str(tmp_path / "no/v.csv")]) == 2


def test_gold_cases_come_from_a_file_and_a_row_without_a_label_is_refused(tmp_path):
    store = make(tmp_path)
    cases = store.predictions(RUN, ["case_id", "predicted"])
    table = {"case_id": cases["case_id"][2:4], "label": [cases["predicted"][2], "cab"]}
    file = write(tmp_path, table)
    assert import_gold_cases(store, RUN, file) == 2
    assert import_gold_cases(store, RUN, file) == 0
    assert Audits(store).gold_labels(RUN) == dict(zip(*table.values(), strict=True))
    assert Reviews(store).verdicts(RUN).empty
    bad = write(tmp_path, {"case_id": [cases["case_id"][4], "x"], "label": ["", "cab"]})
    with pytest.raises(
        CasesError, match="2 bad rows, .* Row 2: The label is empty.* Row 3: The ru"
    ):
        import_gold_cases(store, RUN, bad)


def test_a_list_of_new_labels_that_is_cut_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("KAKUSHIN_HOME", str(tmp_path))
    monkeypatch.setattr("core.pipeline.verdict_files.NAMED_ROWS", 1)
    store = make(tmp_path, Policy(0.6))
    cases = Audits(store).audited_cases(RUN, "line", 1)["case_id"][:2]
    labels = ("Cabb", "cab of a crane")
    rows = [{"case_id": case, "label": x} for case, x in zip(cases, labels, strict=True)]
    file = str(write(tmp_path, rows))
    assert main(["verdicts", "import", file, "--run", RUN, "--reviewer", "Ito"]) == 0
    assert "does not know 2 labels: Cabb, …." in capsys.readouterr().out
