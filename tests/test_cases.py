"""Files of strangers: what is read, what is refused, and that no row is lost or changed in silence."""

import csv
import json
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.cases.cells import to_moment, to_number, to_text
from core.cases.columns import KNOWN, ColumnNames, resolve, suggest
from core.cases.read import COLUMNS, read_cases
from core.errors import CasesError

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


# --- what a good file becomes
# ------------------------------------------------------------------------------------


def test_a_full_row_arrives_with_its_types(saved):
    cases = read_cases(
        saved(
            'case_id,text,segment,label,occurred_at,value\nA-1,"oil leak, left",D,PUMP,2024-01-31,"1,234.5"\n'
        )
    )
    assert tuple(cases.frame.columns) == COLUMNS
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
    assert cases.frame[["row", "text"]].values.tolist() == [[2, "two\r\nlines"], [6, "last"]]
    assert problems(cases) == [(5, "value", "x")]


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
).filter(str.strip)


@settings(max_examples=60, deadline=None)
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
    read = [
        read_cases(folder / f"c.{suffix}").require_clean()
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
# ---------------------------------------------------------------------------------------------------

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


def test_neither_encoding_names_both_places(saved):
    # 0xff is no byte of UTF-8; 0x81 0x20 is no pair of CP932
    with pytest.raises(
        CasesError,
        match=r"not UTF-8 from byte offset 7 \(line 2, byte 0x83\), and not CP932 .* 9 \(line 2, byte 0x81\)",
    ):
        read_cases(saved(b"text\r\nx\x83A\x81 \r\n"))
    with pytest.raises(CasesError, match="byte 0xff is not CP932"):
        read_cases(saved(b"text\nx\xff\n"))


def test_damaged_utf8_is_not_taken_for_cp932(saved):
    damaged = "text\nポンプから".encode() + b"\xe3\x81" + "れ\n".encode()
    with pytest.raises(CasesError, match=r"UTF-8 before it: it is damaged there"):
        read_cases(saved(damaged))
    with pytest.raises(CasesError, match=r"UTF-8 before it: it is damaged there"):
        read_cases(saved(b"\xef\xbb\xbftext\n\x83A\n"))  # begins with UTF-8's own mark


def test_utf16_is_named(saved):
    with pytest.raises(CasesError, match="is UTF-16"):
        read_cases(saved("text\nx\n", encoding="utf-16"))


# --- files that cannot be used
# -----------------------------------------------------------------------------------


def test_files_that_are_none_have_their_own_messages(saved, tmp_path):
    for path, message in (
        (tmp_path / "no.csv", "there is no file"),
        (tmp_path, "is a folder"),
        (
            saved("x", "cases.xls"),
            r"ends in '.xls': .csv, .tsv, .parquet, .jsonl, .xlsx can be read",
        ),
        (saved("", "empty.csv"), "empty.csv is empty$"),
        (saved(" \n\n", "blank.csv"), "only blanks"),
        (saved("text,label\n", "header.csv"), "a header and no row"),
        (saved("PAR1", "cases.parquet"), "not a Parquet file"),
        (
            saved("[1]\n2\n", "cases.jsonl"),
            "no line that is a JSON object; line 1 is not an object",
        ),
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
# ------------------------------------------------------------------------------------


def test_every_row_is_checked_and_every_problem_told(saved):
    cases = read_cases(
        saved(
            "id,text,date,cost\n"
            "1,good,2024-01-31,5\n"
            "2, ,2024-01-31,5\n"
            "1,again,2024-01-31,5\n"
            "3,bad twice,31/01/2024,five\n"
            ",no id,2024-01-31,5\n"
            "4,short\n"
            '5,"quote" here,2024-01-31,5\n'
            "6,fine too,,\n"
        )
    )
    assert cases.frame["text"].tolist() == ["good", "fine too"]
    assert problems(cases) == [
        (3, "text", " "),
        (4, "case_id", "1"),
        (5, "occurred_at", "31/01/2024"),
        (5, "value", "five"),
        (6, "case_id", ""),
        (7, "-", "4,short"),
        (8, "-", ""),
    ]
    assert "row 2 has the same case id" in str(cases.problems[1])
    assert "2 cells, and the header 4" in str(cases.problems[5])


def test_a_case_id_is_taken_even_by_a_bad_row(saved):
    cases = read_cases(saved("id,text\n7,\n7,which of the two is 7?\n"))
    assert cases.frame.empty
    assert problems(cases) == [(2, "text", ""), (3, "case_id", "7")]


def test_a_quote_that_is_never_closed_refuses_the_file(saved):
    with pytest.raises(CasesError, match="lines 3 to 5: a quote opens a cell there"):
        read_cases(saved('text,label\na,L\n"b,L\nc,L\nd,L\n'))


def test_problems_in_the_cells_of_typed_formats(saved):
    cases = read_cases(
        saved(
            '{"text": "sub\\u2028line", "value": 1}\n'
            '{"text": ["a"]}\n'
            '{"text": "a", "value": NaN}\n'
            '{"text": "half \\ud83d"}\n'
            '{"text": "nul \\u0000"}\n'
            '{"text": "a", "text": "b"}\n'
            "{not json}\n"
            '{"text": "a", "value": 1e999}\n',
            "cases.jsonl",
        )
    )
    assert cases.frame["text"].tolist() == ["sub\u2028line"]
    assert [(p.row, p.column) for p in cases.problems] == [
        (2, "text"), (3, "value"), (4, "text"), (5, "text"), (6, "-"), (7, "-"), (8, "value"),
    ]  # fmt: skip
    for problem, message in zip(
        cases.problems,
        ("list", "finite", "half of", "NUL", "twice", "not JSON", "finite"),
        strict=True,
    ):
        assert message in problem.message


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
    assert frame["occurred_at"].tolist() == [pd.Timestamp("2024-01-31 03:00"), pd.NaT]
    assert frame["label"].tolist() == ["L", None]
    np.testing.assert_array_equal(frame["value"], [2.5, np.nan])


def test_require_clean_shows_twenty_problems_their_number_and_the_next_step(saved):
    cases = read_cases(saved("text,value\n" + "good,1\n" + "bad,x\n" * 25))
    with pytest.raises(
        CasesError, match="25 problems beside 1 good row; nothing was done"
    ) as caught:
        cases.require_clean()
    message = str(caught.value)
    assert message.count("row ") == 20 + message.count("good row ")
    assert "and 5 more" in message
    assert "--skip-bad-rows" in message
    assert len(caught.value.problems) == 25


def test_the_report_of_problems_runs_no_formula(saved, tmp_path):
    cells = ["=cmd()", "+1+x", "-x", "@SUM", "\ttab", "＝x", "plain"]
    cases = read_cases(saved("text,value\n" + "".join(f'a,"{cell}"\n' for cell in cells)))
    cases.write_problems(tmp_path / "report.csv")
    assert (tmp_path / "report.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    with (tmp_path / "report.csv").open(encoding="utf-8-sig", newline="") as f:
        header, *rows = csv.reader(f)
    assert header == ["row", "column", "value", "problem"]
    assert [row[0] for row in rows] == [str(i) for i in range(2, 9)]
    assert [row[2] for row in rows] == ["'" + cell for cell in cells[:-1]] + ["plain"]


def test_a_known_column_can_be_left_out(saved):
    path = saved("text,label\nhose,PUMP\n")
    assert read_cases(path).frame["label"].tolist() == ["PUMP"]
    assert read_cases(path, ColumnNames(label="")).frame["label"].tolist() == [None]
    with pytest.raises(CasesError, match="no column is known to be the text"):
        read_cases(path, ColumnNames(text=""))


def test_suggestions_leave_open_what_several_columns_could_be():
    found = suggest(["本文", "件名", "分類", "", "備考"])
    assert found == {
        "text": None,
        "case_id": None,
        "segment": None,
        "label": "分類",
        "occurred_at": None,
        "value": None,
    }


# --- cells
# -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("5", 5.0), ("-5.25", -5.25), ("+1", 1.0), (".5", 0.5), ("5.", 5.0), ("1e3", 1000.0), ("1,234.5", 1234.5),
        ("12,345,678", 12345678.0), (" 7 ", 7.0), ("１，２３４", 1234.0), ("−3", -3.0), ("", None), ("\u3000", None),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(cell, number):
    assert to_number(cell) == number


@pytest.mark.parametrize(
    "cell",
    [
        "12,34",
        "1,2,3",
        "1.234,5",
        "1,2345",
        "1_000",
        "nan",
        "inf",
        "-Infinity",
        "1e999",
        "0x10",
        "5 AUD",
        "--1",
        ".",
    ],
)
def test_what_is_not_surely_a_number_is_refused(cell):
    with pytest.raises(ValueError, match="not a finite number"):
        to_number(cell)


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2024-01-31", datetime(2024, 1, 31)),
        ("2024-1-3", datetime(2024, 1, 3)),
        ("20240131", datetime(2024, 1, 31)),
        ("2024-01-31 23:59:58.123456", datetime(2024, 1, 31, 23, 59, 58, 123456)),
        ("2024-01-31T09:00:00+09:00", datetime(2024, 1, 31)),
        ("2024-01-31T00:00:00Z", datetime(2024, 1, 31)),
        ("2024/01/31", datetime(2024, 1, 31)),
        ("2024/1/3 4:05", datetime(2024, 1, 3, 4, 5)),
        ("2024.01.31", datetime(2024, 1, 31)),
        ("2024年1月31日", datetime(2024, 1, 31)),
        ("2024年1月31日 9:05:06", datetime(2024, 1, 31, 9, 5, 6)),
        ("２０２４年１月３１日９時５分", datetime(2024, 1, 31, 9, 5)),
        (date(2024, 1, 31), datetime(2024, 1, 31)),
        (datetime(2024, 1, 31, 9, tzinfo=UTC), datetime(2024, 1, 31, 9)),
        (pd.Timestamp("2024-01-31 00:00:00.000000999"), datetime(2024, 1, 31)),
        ("  ", None),
        (None, None),
    ],
)
def test_dates_as_people_write_them(cell, moment):
    assert to_moment(cell) == moment


@pytest.mark.parametrize(
    "cell",
    [
        "31/01/2024",
        "01/31/2024",
        "2024-02-30",
        "2024年13月1日",
        "Jan 31 2024",
        "45322",
        "soon",
        5.5,
        "0001-01-01T00:00+09:00",
    ],
)
def test_what_is_not_surely_a_date_is_refused(cell):
    with pytest.raises(ValueError, match="not a date"):
        to_moment(cell)


@pytest.mark.parametrize("value", [b"x", ["x"], {"a": 1}])
def test_a_cell_with_parts_is_no_text(value):
    with pytest.raises(ValueError, match=f"not a text but a {type(value).__name__}"):
        to_text(value)


# --- columns
# -----------------------------------------------------------------------------------------------------


def test_no_known_name_means_two_things():
    names = [name for names in KNOWN.values() for name in names]
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
    ],
)
def test_columns_are_found_by_the_names_people_use(found, expected):
    assert resolve(ColumnNames(), found) == expected


def test_a_given_name_wins_and_is_not_used_twice():
    assert resolve(
        ColumnNames(text="title", label="DESCRIPTION"), ["title", "Description"]
    ) == ColumnNames("title", label="Description")


@pytest.mark.parametrize(
    ("given_names", "found", "message"),
    [
        (
            {},
            ["a", "b"],
            r"no column is known to be the text: name it with --text-column; the file has 'a', 'b'",
        ),
        ({}, ["a;text"], "That is one column: cells are separated by commas"),
        (
            {},
            ["件名", "本文"],
            r"'件名' and '本文' could each be the text: choose one with --text-column",
        ),
        (
            {},
            ["text", "date", "created at"],
            "could each be the occurred at: choose one with --occurred-at-column",
        ),
        ({}, ["text", "TEXT"], "'text' and 'TEXT' could each be the text"),
        ({}, ["text", "text"], "'text' stands twice"),
        (
            {"segment": "lane"},
            ["text", "line"],
            r"no column 'lane' \(given with --segment-column\): the file has 'text', 'line'",
        ),
    ],
)
def test_what_is_not_clear_is_asked_with_the_option_to_use(given_names, found, message):
    with pytest.raises(CasesError, match=message):
        resolve(ColumnNames(**given_names), found)
