"""Files of strangers: what is read, what is refused, and that no row is lost or changed in
silence.
"""

import csv
import io
import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.cases.cells import CellError, cell_text, is_unseen
from core.cases.columns import (
    COMMON_NAMES,
    RARER_NAMES,
    ColumnNames,
    resolve_columns,
    suggest_columns,
)
from core.cases.json_files import flatten_object
from core.cases.read import CASE_COLUMNS, read_cases
from core.cases.table import ReadingOptions
from core.errors import CasesError
from core.export import csv_bytes
from core.messages import sentence

HEADER = ["case_id", "text", "segment", "label", "occurred_at", "value"]


@pytest.fixture
def saved(tmp_path):
    """Write content (text or bytes) under a name and return the path."""

    def save(content, name="cases.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return save


def problems(cases) -> list[tuple[int, str, str]]:
    return [(p.row, p.column, p.value) for p in cases.problems]


def emptied(cases) -> list[tuple[str, int, str]]:
    """Return (column, cells left empty, the first one's value) of each notice of that."""
    notices = [n.values for n in cases.notices if n.code == "cases.cells_left_empty"]
    return [(values["column"], values["n"], values["value"]) for values in notices]


# --- what a good file becomes


def test_a_full_row_arrives_with_its_types(saved):
    cases = read_cases(
        saved(
            'case_id,text,segment,label,occurred_at,value\nA-1,"oil leak,'
            ' left",D,PUMP,2024-01-31,"1,234.5"\n'
        )
    )
    assert tuple(cases.frame.columns) == CASE_COLUMNS
    assert cases.frame.iloc[0].tolist() == [
        2,
        "A-1",
        "oil leak, left",
        "D",
        "PUMP",
        pd.Timestamp("2024-01-31"),
        1234.5,
    ]
    assert [str(t) for t in cases.frame.dtypes] == [
        "int64",
        "object",
        "object",
        "object",
        "object",
        "datetime64[us]",
        "float64",
    ]
    assert (cases.problems, cases.encoding) == ((), "utf-8")
    assert cases.require_clean() is cases


def test_cells_written_as_formulas_of_a_constant_are_read_as_excel_shows_them(saved):
    """Ids, labels, segments, dates and numbers; a text stays as it is written."""
    line = ",".join(f'"=""{cell}"""' for cell in ("007", "leak", "D", "PUMP", "2024-01-31", "12"))
    cases = read_cases(saved(f"{','.join(HEADER)}\n{line}\n"))
    case_id, text, *cells = cases.frame[HEADER].iloc[0]
    assert (case_id, text) == ("007", '="leak"')
    assert cells == ["D", "PUMP", pd.Timestamp(2024, 1, 31), 12.0]


def test_rows_of_totals_are_no_cases_and_are_named(saved):
    """A row that begins with a word for a sum is a case if its text has words."""
    rows = ["1,a b,3", "小計：,,3", "2,c d,4", "Total,sum is wrong,5", "Grand Total,3,7", "3,8,1"]
    cases = read_cases(saved("\n".join(["case_id,text,value", *rows])))
    assert cases.frame["case_id"].tolist() == ["1", "2", "Total", "3"]
    notice = next(n for n in cases.notices if n.code == "cases.totals_rows")
    assert notice.values == {"n": 2, "rows": ["3", "6"]}
    assert not cases.problems


@pytest.mark.parametrize(
    ("row", "is_case"),
    [
        (",,7,合計", False),  # the word stands beside its sum, in a column without a name
        (",Total,7,", False),
        (",,7,7", True),  # no word for a sum: the row lacks its text
        (",A,7,合計", True),  # another word before it
        ("pump leaks,A,7,合計", True),
    ],
)
def test_a_word_for_a_sum_counts_in_a_column_without_a_name(saved, row, is_case):
    cases = read_cases(saved(f"text,label,value,\na b,A,3,\n{row}"))
    named = any(notice.code == "cases.totals_rows" for notice in cases.notices)
    assert (len(cases.frame) + len(cases.problems) == 2, named) == (is_case, not is_case)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("café".encode().decode("cp1252"), True),
        ("25 °C".encode().decode("cp1252"), True),
        ("あと少し".encode().decode("cp932"), True),
        *[(text, False) for text in ("café à Ürümqi", "Ã", "ﾃｱ", "漏れ", "plain", "“quoted”")],
    ],
)
def test_a_text_saved_in_the_wrong_encoding_is_recognised(saved, text, expected):
    cases = read_cases(saved(f"text\n{text}\nnext\n"))
    assert ("cases.double_encoded" in [n.code for n in cases.notices]) is expected
    assert cases.frame["text"][0] == text


def test_no_value_of_a_json_path_replaces_another():
    value = {"a": {"b": {"c": 1}}, "a.b": {"c": 2}, "a.b.c": 3}
    assert flatten_object(value) == {"a.b.c": 1, "a.b.c [2]": 2, "a.b.c [3]": 3}


def test_missing_columns_get_a_row_id_a_dash_and_nothing(saved):
    frame = read_cases(saved("text\nfirst\nsecond\n")).frame
    assert frame["case_id"].tolist() == ["row-2", "row-3"]
    assert frame["segment"].tolist() == ["-", "-"]
    assert frame["label"].tolist() == [None, None]
    assert frame["occurred_at"].isna().all()
    assert frame["value"].isna().all()


def test_blank_cells_are_missing_but_a_text_keeps_its_spaces(saved):
    frame = read_cases(saved("text,segment,label,value\n  x  , ,\u3000,\n")).frame
    assert frame[["text", "segment", "label"]].iloc[0].tolist() == ["  x  ", "-", None]
    assert np.isnan(frame["value"][0])


@pytest.mark.parametrize(
    "text",
    ["NA", "null", "NaN", "None", "1e5", "007", "true", "=1+1", "{x}", "<b>", "2024-01-31", "\\n"],
)
def test_nothing_in_a_text_or_a_label_is_interpreted(saved, text):
    frame = read_cases(saved(f"text,label\n{text},{text}\n")).frame
    assert frame[["text", "label"]].iloc[0].tolist() == [text, text]


def test_rows_are_counted_as_an_editor_counts_lines(saved):
    cases = read_cases(saved('text,value\r\n"two\r\nlines",1\r\n\r\nthird,x\r\nlast,2\r\n'))
    assert cases.frame[["row", "text"]].values.tolist() == [
        [2, "two\r\nlines"],
        [5, "third"],
        [6, "last"],
    ]
    assert emptied(cases) == [("value", 1, "x")]


def test_parquet_and_json_rows_are_counted_from_one(tmp_path, saved):
    pd.DataFrame({"text": ["a", "", "c"]}).to_parquet(tmp_path / "cases.parquet")
    assert problems(read_cases(tmp_path / "cases.parquet")) == [(2, "text", "")]
    with pytest.raises(CasesError, match="the record's number from 1"):
        read_cases(tmp_path / "cases.parquet").require_clean()
    assert problems(read_cases(saved('{"text": "a"}\n\n{"text": ""}\n', "cases.jsonl"))) == [
        (3, "text", "")
    ]


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=30
).filter(lambda text: not is_unseen(text))


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(TEXTS, TEXTS.map(str.strip), st.floats(allow_nan=False, allow_infinity=False)),
        min_size=1,
        max_size=6,
    )
)
def test_any_text_comes_back_and_every_format_has_the_same_hash(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("formats")
    records = [
        {"text": text, "label": label, "value": value, "date": datetime(2024, 1, 31, 9, 30)}
        for text, label, value in rows
    ]
    for name, delimiter in (("c.csv", ","), ("c.tsv", "\t")):
        with (folder / name).open("w", encoding="utf-8", newline="") as f:
            writer = csv.DictWriter(f, list(records[0]), delimiter=delimiter)
            writer.writeheader()
            writer.writerows(records)
    (folder / "c.jsonl").write_text(
        "".join(json.dumps(r, default=str) + "\n" for r in records), encoding="utf-8", newline=""
    )
    pq.write_table(pa.Table.from_pylist(records), folder / "c.parquet")
    # Alone, 1.875 could be thousands in a text file, and is asked for.
    point = ReadingOptions(decimal="point")
    read = [
        read_cases(folder / f"c.{suffix}", options=point).require_clean()
        for suffix in ("csv", "tsv", "jsonl", "parquet")
    ]
    for cases in read:
        assert cases.frame["text"].tolist() == [text for text, _, _ in rows]
        assert cases.frame["label"].tolist() == [label for _, label, _ in rows]
        assert cases.frame["value"].tolist() == [value for _, _, value in rows]
    assert len({cases.content_hash for cases in read}) == 1


@pytest.mark.parametrize(
    "other",
    [
        "id,text,label,value\n1,b,L,1\n",
        "id,text,label,value\n1,a,M,1\n",
        "id,text,label,value\n1,a,,1\n",
        "id,text,label,value\n1,a,L,2\n",
        "id,text,label,value\n1,a,L,\n",
        "id,text,label,value\n2,a,L,1\n",
        "id,text,label,value,line\n1,a,L,1,D\n",
        "id,text,label,value,date\n1,a,L,1,2024-01-31\n",
        "id,text,label,value\n1,a,L,1\n2,a,L,1\n",
    ],
)
def test_the_hash_sees_every_part_of_a_case(saved, other):
    one, same = (
        saved("id,text,label,value\n1,a,L,1\n", "one.csv"),
        saved("VALUE,Label,Text,No\n1.0,L,a,1\n", "same.csv"),
    )
    assert read_cases(one).content_hash == read_cases(same).content_hash
    assert read_cases(one).content_hash != read_cases(saved(other, "other.csv")).content_hash


def test_without_ids_the_hash_sees_a_bad_row_between_good_ones(saved):
    # the ids that are made up (row-4 and row-3) differ, so the cases are not the same ones
    with_bad, without = saved("text\na\n'',1\nb\n", "bad.csv"), saved("text\na\nb\n", "good.csv")
    assert (
        read_cases(with_bad).frame["text"].tolist()
        == read_cases(without).frame["text"].tolist()
        == ["a", "b"]
    )
    assert read_cases(with_bad).content_hash != read_cases(without).content_hash


# --- encodings

JAPANESE = "案件番号,内容,ライン,発生日,金額\n1,①ポンプ～異音,A列,2024年1月31日,１，２００\n"


@pytest.mark.parametrize(
    ("encoding", "named"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("cp932", "cp932")]
)
def test_japanese_files_are_read_in_the_encodings_that_excel_writes(saved, encoding, named):
    cases = read_cases(saved(JAPANESE, encoding=encoding)).require_clean()
    assert cases.encoding == named
    assert cases.frame.iloc[0].tolist()[1:] == [
        "1",
        "①ポンプ～異音",
        "A列",
        None,
        pd.Timestamp("2024-01-31"),
        1200.0,
    ]


# --- files that cannot be used


def test_files_that_hold_no_cases_have_their_own_messages(saved, tmp_path):
    for path, message in (
        (tmp_path / "no.csv", "There is no file"),
        (tmp_path, "is a folder"),
        (saved("x", "cases.doc"), r"ends in '.doc'. Files that end in .csv, .tsv, .*can be read"),
        (saved("", "empty.csv"), "empty.csv is empty: it has 0 bytes"),
        (saved(" \n\n", "blank.csv"), "only blanks"),
        (saved("text,label\n", "header.csv"), "a header and no row"),
        (saved("PAR1", "cases.parquet"), "not a Parquet file"),
        (saved("1\n2\n", "cases.jsonl"), "holds no JSON object"),
        (saved("<html><table>", "cases.csv"), "is a web page or XML"),
    ):
        with pytest.raises(CasesError, match=message):
            read_cases(path)


def test_a_file_that_is_too_large_is_refused_before_it_is_read(saved, tmp_path):
    with pytest.raises(CasesError, match="too large: 12 bytes, and 11 are allowed"):
        read_cases(saved("text\nabcdef\n"), max_bytes=11)
    path = tmp_path / "small-on-disk.parquet"
    pq.write_table(
        pa.table({"text": ["x" * 1000 + str(i) for i in range(2000)]}),
        path,
        compression="zstd",
        use_dictionary=False,
    )
    assert path.stat().st_size < 100_000
    with pytest.raises(CasesError, match="too large"):
        read_cases(path, max_bytes=100_000)


# --- rows that cannot be used


def test_every_row_is_checked_and_every_problem_told(saved):
    cases = read_cases(
        saved(
            "id,text,date,cost\n"
            "1,good,2024-01-31,5\n"
            "2, ,2024-01-31,5\n"
            "1,again,2024-01-31,5\n"
            "3,two cells empty,2024-02-30,five\n"
            ",no id,2024-01-31,5\n"
            "4,short\n"
            '5,"quote" here,2024-01-31,5\n'
            "6,fine too,,\n"
        )
    )
    assert cases.frame["text"].tolist() == ["good", "two cells empty", "fine too"]
    assert cases.frame["value"].isna().tolist() == [False, True, True]
    assert problems(cases) == [
        (3, "text", " "),
        (4, "case_id", "1"),
        (6, "case_id", ""),
        (7, "-", "4,short"),
        (8, "-", '5,"quote" here,2024-01-31,5'),
    ]
    assert emptied(cases) == [("occurred_at", 1, "2024-02-30"), ("value", 1, "five")]
    assert [p.code for p in cases.problems[1:4:2]] == ["cases.same_id", "cases.row_cells"]
    assert cases.problems[1].values == {"row": 2}
    assert cases.problems[3].values == {"n": 2, "header": 4}


def test_a_case_id_is_taken_even_by_a_bad_row(saved):
    cases = read_cases(saved("id,text\n7,\n7,which of the two is 7?\n"))
    assert cases.frame.empty
    assert problems(cases) == [(2, "text", ""), (3, "case_id", "7")]


def test_a_quote_that_is_never_closed_refuses_the_file(saved):
    with pytest.raises(
        CasesError, match="lines 3 to 5: a quote opens a cell there and does not close it"
    ):
        read_cases(saved('text,label\na,L\n"b,L\nc,L\nd,L\n'))


def test_problems_in_the_cells_of_typed_formats(saved):
    cases = read_cases(
        saved(
            '{"text": "sub\\u2028line", "value": 1}\n'
            '{"text": ["a", "b"]}\n'
            '{"text": "a", "value": NaN}\n'
            '{"text": "half \\ud83d"}\n'
            '{"text": "nul \\u0000"}\n'
            '{"text": "a", "text": "b"}\n'
            "{not json}\n"
            '{"text": "a", "value": 1e999}\n'
            "[1]\n",
            "cases.jsonl",
        )
    )
    assert cases.frame["text"].tolist() == ["sub\u2028line", "a", "a"]
    assert [(p.row, p.column, p.code) for p in cases.problems] == [
        (2, "text", "cases.cell_several"),
        (4, "text", "cases.cell_half_character"),
        (5, "text", "cases.cell_nul"),
        (6, "-", "cases.row_name_twice"),
        (7, "-", "cases.row_no_json"),
        (9, "-", "cases.row_no_object"),
    ]
    assert emptied(cases) == [("value", 1, "inf")]  # NaN is no value, 1e999 is a wrong one


def test_typed_parquet_columns_are_read_as_what_they_are(tmp_path):
    noon_in_tokyo = datetime(2024, 1, 31, 12, tzinfo=timezone(timedelta(hours=9)))
    table = pa.table(
        {
            "id": [1, 2],
            "text": ["a", "b"],
            "date": pa.array([noon_in_tokyo, None], pa.timestamp("ns", tz="Asia/Tokyo")),
            "cost": [2.5, float("nan")],
            "label": pa.array(["L", None]).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "cases.parquet")
    frame = read_cases(tmp_path / "cases.parquet").require_clean().frame
    assert frame["case_id"].tolist() == ["1", "2"]
    # Tokyo's own clock
    assert frame["occurred_at"].tolist() == [pd.Timestamp("2024-01-31 12:00"), pd.NaT]
    assert frame["label"].tolist() == ["L", None]
    np.testing.assert_array_equal(frame["value"], [2.5, np.nan])


def test_require_clean_names_how_many_rows_are_bad_and_the_next_step(saved):
    cases = read_cases(saved("text,value\n" + "good,1\n" + ",1\n" * 25))
    with pytest.raises(CasesError, match="25 problems; good rows: 1. Nothing was done") as caught:
        cases.require_clean()
    assert "--skip-bad-rows" in str(caught.value)
    assert len(caught.value.problems) == 25


def test_the_report_of_problems_runs_no_formula(saved, tmp_path):
    cells = ["=cmd()", "+1+x", "-x", "@SUM", "\ttab", "＝x", "plain"]
    cases = read_cases(saved("id,text\n" + "1,a\n" + "".join(f'1,"{cell}"\n' for cell in cells)))
    cases = replace(
        cases,
        problems=tuple(replace(p, value=c) for p, c in zip(cases.problems, cells, strict=True)),
    )
    table = cases.problem_table(lambda p: sentence("en", p.code, **p.values))
    content = csv_bytes(table)
    assert content.startswith(b"\xef\xbb\xbf")
    header, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    assert header == ["row", "column", "value", "problem"]
    assert [row[0] for row in rows] == [str(i) for i in range(3, 10)]
    assert [row[2] for row in rows] == ["'" + cell for cell in cells[:-1]] + ["plain"]


def test_a_known_column_can_be_left_out(saved):
    path = saved("text,label\nhose,PUMP\n")
    assert read_cases(path).frame["label"].tolist() == ["PUMP"]
    assert read_cases(path, ColumnNames(label="")).frame["label"].tolist() == [None]
    with pytest.raises(CasesError, match="No column is recognised as the text"):
        read_cases(path, ColumnNames(text=""))


def test_suggestions_leave_open_what_several_columns_could_be():
    found = suggest_columns(["本文", "件名", "分類", "", "備考"])
    assert found == {
        "text": None,
        "case_id": None,
        "segment": None,
        "label": "分類",
        "occurred_at": None,
        "value": None,
    }


# --- cells


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"hose", "hose"),
        (["x"], "x"),
        ([], ""),
        ((["x"],), "x"),
        ({}, ""),
        (1001.0, "1001"),
        (1.5, "1.5"),
        (None, ""),
        (float("nan"), ""),
        (datetime(2024, 1, 31), "2024-01-31"),
        (True, "True"),
    ],
)
def test_a_container_of_one_value_is_that_value(value, text):
    assert cell_text(value) == text


@pytest.mark.parametrize(
    ("value", "code"),
    [(b"\xff", "cell_bytes"), (["x", "y"], "cell_several"), ({"a": 1}, "cell_object")],
)
def test_a_cell_with_parts_is_no_text(value, code):
    with pytest.raises(CellError, match=f"cases.{code}"):
        cell_text(value)


# --- columns


def test_no_known_name_means_two_things():
    known = [*COMMON_NAMES.values(), *RARER_NAMES.values()]
    names = [name for names in known for name in names]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (HEADER, ColumnNames("text", "case_id", "segment", "label", "occurred_at", "value")),
        (["Short Text", "Ticket-ID", "LINE"], ColumnNames("Short Text", "Ticket-ID", "LINE")),
        (
            ["件名", "管理番号", "設備", "ラベル", "発生日", "費用"],
            ColumnNames("件名", "管理番号", "設備", "ラベル", "発生日", "費用"),
        ),
        # full width; unnamed columns at the end, as Excel leaves them
        (["Ｔｅｘｔ", "", ""], ColumnNames("Ｔｅｘｔ")),
        (["description", "text"], ColumnNames("text")),  # our own name is meant
        # exports of Salesforce, ServiceNow and kintone: rarer names count where no common one is
        (
            ["Case Number", "Created Date", "Subject"],
            ColumnNames("Subject", "Case Number", occurred_at="Created Date"),
        ),
        (
            ["number", "opened_at", "sys_created_on", "created", "short_description"],
            ColumnNames("short_description", "number", occurred_at="created"),
        ),
        (
            ["レコード番号", "作成日時", "症状"],
            ColumnNames("症状", "レコード番号", occurred_at="作成日時"),
        ),
    ],
)
def test_columns_are_found_by_the_names_people_use(found, expected):
    assert resolve_columns(ColumnNames(), found) == expected


def test_a_given_name_wins_and_is_not_used_twice():
    assert resolve_columns(
        ColumnNames(text="title", label="DESCRIPTION"), ["title", "Description"]
    ) == ColumnNames("title", label="Description")


@pytest.mark.parametrize(
    ("given_names", "found", "message"),
    [
        (
            {},
            ["a", "b"],
            r"No column is recognised as the text: name it with --text-column. The file has 'a', 'b'",
        ),
        (
            {},
            ["件名", "本文"],
            r"'件名', '本文' could each be the text: choose one with --text-column. The file has",
        ),
        (
            {},
            ["text", "date", "created at"],
            "could each be the date: choose one with --occurred-at-column",
        ),
        ({}, ["text", "opened_at", "createdDate"], "'opened_at', 'createdDate' could each be the"),
        ({}, ["text", "TEXT"], "'text', 'TEXT' could each be the text"),
        ({}, ["text [1]", "text [2]"], r"'text \[1\]', 'text \[2\]' could each be the text"),
        (
            {"segment": "lane"},
            ["text", "line"],
            r"There is no column 'lane', which --segment-column names. The file has 'text', 'line'",
        ),
    ],
)
def test_what_is_not_clear_is_asked_with_the_option_to_use(given_names, found, message):
    with pytest.raises(CasesError, match=message):
        resolve_columns(ColumnNames(**given_names), found)


def test_a_quote_that_the_last_row_leaves_open_is_that_rows_problem_alone(saved):
    cases = read_cases(saved('id,text\n1,"bearing hot"\n2,"relay dead\n'))
    assert cases.frame["text"].tolist() == ["bearing hot"]
    assert problems(cases) == [(3, "-", '2,"relay dead')]


@pytest.mark.parametrize(
    ("name", "numbers"),
    [("金額（千円）", [12e3, 500.0]), ("金額（円）", [12, 500]), ("金額（税込）", [12, 500])],
)
def test_a_unit_in_a_columns_name_multiplies_what_states_none(saved, name, numbers):
    cases = read_cases(saved(f"番号,内容,{name}\n1,油漏れ,12\n2,異音,500円\n"))
    assert cases.frame["value"].tolist() == numbers
    told = [n.values["multiple"] for n in cases.notices if n.code == "cases.multiplied_values"]
    assert told == (["1,000"] if "千" in name else [])


def test_an_object_of_many_names_is_read_once_to_find_the_one_that_is_there_twice(tmp_path):
    names = ", ".join(f'"{i}": 0' for i in range(200_000))  # their square would take ten minutes
    path = tmp_path / "cases.jsonl"
    path.write_text(f'{{{names}, "text": "a", "text": "b"}}\n{{"text": "c"}}\n')
    (problem,) = read_cases(path).problems
    assert (problem.code, problem.values) == ("cases.row_name_twice", {"name": "text"})
