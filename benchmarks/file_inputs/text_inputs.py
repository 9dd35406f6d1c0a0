"""Inputs that are text: delimiters and quotes, headers, rows. The first of each list are the
commonest.
"""

from benchmarks.file_inputs.making import Input, expect, quoted_csv, refused, text_file

_PLAIN = expect("text", "valve stuck", "fan noisy")
_LABELS = [{"text": "valve stuck", "label": "V"}, {"text": "fan noisy", "label": "F"}]
_COMMAS = [
    {"text": "valve stuck, left", "value": 12.5},
    {"text": "fan noisy, loud", "value": 1250.0},
]

DELIMITED = [
    Input(
        "semicolon.csv",
        text_file("id;text;cost", "1;valve stuck, left;12,5", "2;fan noisy, loud;1.250,00"),
        _COMMAS,
    ),
    Input("tab.csv", text_file("id\ttext\tlabel", "1\tvalve stuck\tV", "2\tfan noisy\tF"), _LABELS),
    Input("pipe.csv", text_file("id|text|label", "1|valve stuck|V", "2|fan noisy|F"), _LABELS),
    Input("comma.txt", text_file("id,text,label", "1,valve stuck,V", "2,fan noisy,F"), _LABELS),
    Input("comma.tsv", text_file("id,text,label", "1,valve stuck,V", "2,fan noisy,F"), _LABELS),
    Input(
        "sep-line.csv",
        text_file("sep=;", "id;text;label", "1;valve stuck;V", "2;fan noisy;F", end="\r\n"),
        _LABELS,
    ),
    Input(
        "asked.csv",
        text_file("id^text^label", "1^valve stuck^V", "2^fan noisy^F"),
        _LABELS,
        options={"delimiter": "^"},
    ),
    refused(
        "caret.csv",
        text_file("id^text^label", "1^valve stuck^V", "2^fan noisy^F"),
        "no_text_column",
        "one_column",
    ),
    refused("whole-lines.csv", text_file("text", "1;valve stuck;V", "2;fan noisy;F"), "one_column"),
    Input(
        "one-column.csv",
        text_file("text", "valve stuck", "fan noisy; loud"),
        expect("text", "valve stuck", "fan noisy; loud"),
    ),
    Input(
        "one-column-commas.csv",
        quoted_csv([["text"], ["valve stuck, left"], ["fan noisy"]]),
        expect("text", "valve stuck, left", "fan noisy"),
    ),
    Input(
        "few-semicolons.csv",
        text_file("id,text,label", "1,valve; stuck,V", "2,fan; noisy,F"),
        expect("text", "valve; stuck", "fan; noisy"),
    ),
    Input(
        "literal-quotes.tsv",
        text_file("id\ttext\tlabel", '1\t"Main valve stuck\tV', "2\tfan noisy\tF", '3\tpipe 3"\tP'),
        expect("text", '"Main valve stuck', "fan noisy", 'pipe 3"'),
        told=("literal_quotes",),
    ),
    Input(
        "literal-quote-open.tsv",
        text_file("id\ttext\tlabel", '1\t"Main valve stuck\tV', "2\tfan noisy\tF"),
        expect("text", '"Main valve stuck', "fan noisy"),
        told=("literal_quotes",),
    ),
    refused(
        "swallowing.csv",
        text_file("id,text,label", '1,"Main valve,V', "2,fan noisy,F", '3,pipe 3",P'),
        "quote_swallows_rows",
        "quote_not_closed",
    ),
    Input(
        "swallowing-none.csv",
        text_file("id,text,label", '1,"Main valve,V', "2,fan noisy,F", '3,pipe 3",P'),
        expect("text", '"Main valve', "fan noisy", 'pipe 3"'),
        options={"quoting": "none"},
    ),
    Input(
        "several-lines.csv",
        quoted_csv(
            [["id", "text"], ["1", "valve stuck,\nthen open, twice"], ["2", 'a "good" fan']]
        ),
        expect("text", "valve stuck,\nthen open, twice", 'a "good" fan'),
    ),
    Input(
        "lines-with-delimiters.csv",
        quoted_csv([["id", "text"], ["1", "valve stuck\nagain, twice"], ["2", "fan noisy"]]),
        expect("text", "valve stuck\nagain, twice", "fan noisy"),
    ),
    refused(
        "lines-like-rows.csv",
        quoted_csv([["id", "text"], ["1", "valve stuck\n2,again"], ["3", "fan noisy"]]),
        "quote_swallows_rows",
    ),
    Input(
        "all-quoted-broken.csv",
        text_file('"id","text"', '"1","valve "A" stuck"', '"2","fan noisy"'),
        expect("text", "fan noisy"),
        told=("row_quotes",),
    ),
    Input(
        "backslash.csv",
        text_file("id,text,label", '1,"say \\"valve\\" now",V', '2,"fan, noisy",F'),
        expect("text", 'say "valve" now', "fan, noisy"),
        told=("backslash_quotes",),
    ),
    Input(
        "stray-quotes.csv",
        text_file("id,text,label", '1,"Main" valve stuck,V', "2,fan noisy,F"),
        expect("text", '"Main" valve stuck', "fan noisy"),
        told=("literal_quotes",),
    ),
    Input(
        "trailing-comma.csv",
        text_file("id,text,label", "1,valve stuck,V,", "2,fan noisy,F,"),
        _LABELS,
    ),
    Input(
        "trailing-in-header.csv",
        text_file("id,text,label,", "1,valve stuck,V", "2,fan noisy,F"),
        _LABELS,
    ),
    Input(
        "blank-rows.csv",
        text_file("id,text,label", "1,valve stuck,V", ",,", "2,fan noisy,F", ",,"),
        _LABELS,
        told=("blank_rows",),
    ),
    Input(
        "carriage-returns.csv",
        text_file("id,text,label", "1,valve stuck,V", "2,fan noisy,F", end="\r"),
        _LABELS,
    ),
    Input(
        "long-unused.csv",
        text_file("id,text,remark", f"1,valve stuck,{'x' * 200_000}", "2,fan noisy,"),
        _PLAIN,
    ),
    Input(
        "unquoted-comma.csv",
        text_file("id,text,label", "1,valve stuck, left,V", "2,fan noisy,F"),
        expect("text", "fan noisy"),
        told=("row_cells",),
    ),
    Input(
        "excel-text-ids.csv",
        text_file("id,text", '="0007",valve stuck', '="0012",fan noisy'),
        expect("case_id", "0007", "0012"),
    ),
]

HEADERS = [
    Input(
        "repeated.csv",
        text_file("id,text,Tag,Tag,Tag", "1,valve stuck,a,b,", "2,fan noisy,,,c"),
        _PLAIN,
    ),
    refused(
        "repeated-text.csv",
        text_file("id,text,text", "1,valve stuck,a", "2,fan noisy,b"),
        "column_unclear",
    ),
    Input(
        "repeated-asked.csv",
        text_file("id,text,text", "1,a,valve stuck", "2,b,fan noisy"),
        _PLAIN,
        columns={"text": "text [2]"},
    ),
    Input(
        "invisible.csv",
        text_file("id,\u200btext\u00a0,la\u00adbel", "1,valve stuck,V", "2,fan noisy,F"),
        _LABELS,
    ),
    Input(
        "line-in-header.csv",
        quoted_csv([["番号", "作業\n内容"], ["1", "valve stuck"], ["2", "fan noisy"]]),
        _PLAIN,
    ),
    Input(
        "unit-in-header.csv",
        text_file("番号,内容,金額（円）", "1,valve stuck,1200", "2,fan noisy,30"),
        expect("value", 1200, 30),
    ),
    Input(
        "title-rows.csv",
        text_file(
            "Work orders",
            "as of 2024-02-01",
            "",
            "id,text,label",
            "1,valve stuck,V",
            "2,fan noisy,F",
        ),
        _LABELS,
        told=("rows_above_header",),
    ),
    Input(
        "header-row.csv",
        text_file("x,y,z", "a,b,c", "1,valve stuck,V", "2,fan noisy,F"),
        _PLAIN,
        told=("rows_above_header",),
        options={"header_row": 2},
        columns={"text": "b"},
    ),
    refused("no-header.csv", text_file("1,valve stuck,V", "2,fan noisy,F"), "no_text_column"),
    refused(
        "header-row-none.csv",
        text_file("id,text", "1,valve stuck"),
        "no_header_row",
        options={"header_row": 9},
    ),
    Input(
        "joined-files.csv",
        text_file("id,text", "1,valve stuck", "id,text", "2,fan noisy"),
        _PLAIN,
        told=("repeated_headers",),
    ),
    Input(
        "german-names.csv",
        text_file("Nr;Beschreibung;Betrag", "1;valve stuck;3,5", "2;fan noisy;10"),
        expect("value", 3.5, 10),
    ),
]

ROWS = [
    refused("pdf.csv", b"%PDF-1.4\n%\xe2\xe3\n", "other_kind"),
    refused("gzip.csv", b"\x1f\x8b\x08\0\0", "other_kind"),
    refused("noise.csv", bytes(range(256)) * 4, "is_binary"),
    Input(
        "end-of-file.csv",
        text_file("id,text", "1,valve stuck", "2,fan noisy") + b"\x1a",
        _PLAIN,
    ),
    Input(
        "bad-options.csv",
        text_file("id,text,date,cost", "1,valve stuck,soon,5", "2,fan noisy,2024-01-31,cheap"),
        [
            {"text": "valve stuck", "value": 5.0, "occurred_at": None},
            {"text": "fan noisy", "value": None, "occurred_at": "2024-01-31"},
        ],
        told=("cells_left_empty",),
    ),
    Input(
        "sum-under-no-name.csv",
        text_file("id,text,cost,", "1,valve stuck,3,", "2,fan noisy,4,", ",,7,Total"),
        _PLAIN,
        told=("totals_rows", "unnamed_cells"),
    ),
    Input(
        "no-text.csv",
        text_file("id,text", "1,valve stuck", "2,", "3,fan noisy"),
        _PLAIN,
        told=("empty_text",),
    ),
    Input(
        "same-id.csv",
        text_file("id,text", "1,valve stuck", "1,again", "2,fan noisy"),
        _PLAIN,
        told=("same_id",),
    ),
    Input(
        "label-spellings.csv",
        text_file(
            "id,text,label",
            "1,a,Pump",
            "2,b,ＰＵＭＰ",
            "3,c,pump ",
            "4,d,Pump",
            "5,e,1.0",
            "6,f,1",
            "7,g,1",
        ),
        expect("label", "Pump", "Pump", "Pump", "Pump", "1", "1", "1"),
        told=("labels_unified",),
    ),
    Input(
        "cut-ids.csv",
        text_file("id,text", "4.93E+15,valve stuck", "17,fan noisy"),
        _PLAIN,
        told=("cut_ids",),
    ),
    Input(
        "quotes-kept.csv",
        text_file("id,text", "1,=1+1", "2,NA", "3,007", "4,1e5"),
        expect("text", "=1+1", "NA", "007", "1e5"),
    ),
]
