"""The verb `check`: its JSON, its exit codes, one sentence for a wrong option, a closed output."""

import json
import subprocess
import sys

import pytest

from core.cli import CLOSED_OUTPUT, main


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.csv"
    path.write_text("id,text,date\n1,valve stuck,2024-01-31\n2,fan noisy,soon\n", "utf-8")
    return path


def test_the_json_has_the_keys_that_programs_read(good, capsys):
    assert main(["check", str(good), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert set(record) == {
        *("format", "encoding", "delimiter", "header_row", "columns", "rows"),
        *("cases", "problems", "warnings"),
    }
    assert (record["format"], record["encoding"], record["delimiter"]) == ("csv", "utf-8", ",")
    assert (record["header_row"], record["rows"], record["problems"]) == (1, 2, [])
    assert record["columns"] == {"id": "case_id", "text": "text", "date": "occurred_at"}
    assert [case["text"] for case in record["cases"]] == ["valve stuck", "fan noisy"]
    (warning,) = record["warnings"]
    assert (warning["code"], warning["column"], warning["n"]) == (
        "cells_left_empty",
        "occurred_at",
        1,
    )


def test_a_bad_row_is_a_problem_with_its_place_and_the_exit_code_of_cases(tmp_path, capsys):
    path = tmp_path / "bad.csv"
    path.write_text("id,text\n1,\n2,fan\n", "utf-8")
    assert main(["check", str(path), "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["problems"] == [
        {"row": 2, "column": "text", "code": "empty_text", "value": ""}
    ]
    assert main(["check", str(path), "--skip-bad-rows"]) == 0


def test_a_refused_file_has_the_same_keys_and_its_error_as_the_problem(good, tmp_path, capsys):
    main(["check", str(good), "--json"])
    keys = set(json.loads(capsys.readouterr().out))
    path = tmp_path / "open.csv"
    path.write_text("id,text,date\n1,valve,1/2/2024\n", "utf-8")
    assert main(["check", str(path), "--json"]) == 3
    record = json.loads(capsys.readouterr().out)
    assert set(record) == keys
    assert record["problems"] == [
        {"row": 2, "column": "date", "code": "date_order_unclear", "value": "1/2/2024"}
    ]


def test_a_weighed_encoding_and_lines_that_are_not_rows_are_warnings(tmp_path, capsys):
    path = tmp_path / "sjis.csv"
    path.write_bytes('番号,内容\n1,"ポンプ異音\n漏れ"\n2,断線\n'.encode("cp932"))
    assert main(["check", str(path), "--json"]) == 0
    warnings = {w["code"]: w for w in json.loads(capsys.readouterr().out)["warnings"]}
    assert warnings["encoding_weighed"]["encoding"] == "cp932"
    lines = warnings["lines_not_rows"]
    assert (lines["lines"], lines["header_row"], lines["rows"]) == (4, 1, 2)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (["--encoding", "foo"], "not a known text encoding"),
        (["--delimiter", "ab"], "not a delimiter"),
        (["--timezone", "Mars"], "not a known time zone"),
        (["--sheet", "A"], "has no sheets"),
        (["--header-row", "9"], "has no row 9"),
        (["--text-column", "body"], "no column 'body'"),
    ],
)
def test_an_option_that_does_not_fit_is_one_sentence(good, capsys, option, words):
    assert main(["check", str(good), *option]) == 3
    error = capsys.readouterr().err
    assert words in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize("option", [["--date-order", "xyz"], ["--header-row", "x"], ["--bogus"]])
def test_an_option_that_no_verb_knows_is_one_line_and_exit_code_2(good, capsys, option):
    with pytest.raises(SystemExit, match="2"):
        main(["check", str(good), *option])
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "words"), [("none.csv", "no file"), ("", "is a folder"), ("x.pdf", "ends in '.pdf'")]
)
def test_a_path_without_a_table_is_one_sentence(tmp_path, capsys, name, words):
    (tmp_path / "x.pdf").write_bytes(b"%PDF-1.4")
    assert main(["check", str(tmp_path / name)]) == 3
    error = capsys.readouterr().err
    assert words in error
    assert len(error.splitlines()) == 1


def test_an_output_that_is_closed_early_ends_the_verb_without_a_traceback(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("id,text\n" + "".join(f"{i},\n" for i in range(5000)), "utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "core", "check", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == CLOSED_OUTPUT
