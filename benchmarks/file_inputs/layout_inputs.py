"""More inputs that are text: quotes, delimiters and line ends."""

import gzip

from benchmarks.file_inputs.making import (
    TWO_LABELLED,
    TWO_TEXTS,
    Input,
    expect,
    refused,
    text_file,
    zip_file,
)

_CSV = text_file("id,text,label", "1,bearing hot,B", "2,relay dead,R")

LAYOUTS = [
    Input(
        "stray-inch.tsv",
        text_file(
            "id\ttext\tlabel", '1\t2" hose torn\tH', '2\tthe "old" one\tO', '3\tends in 3"\tE'
        ),
        expect("text", '2" hose torn', 'the "old" one', 'ends in 3"'),
    ),
    Input(
        "quote-first.tsv",
        text_file("id\ttext\tlabel", '1\t"hot" bearing\tB', '2\t"old" relay dead\tR'),
        expect("text", '"hot" bearing', '"old" relay dead'),
    ),
    Input(
        "quote-pair.tsv",
        text_file("id\ttext\tlabel", '1\t"hot bearing\tB', "2\tplain\tP", '3\trelay dead"\tR'),
        expect("text", '"hot bearing', "plain", 'relay dead"'),
        told=("literal_quotes",),
    ),
    Input(
        "one-quote.tsv",
        text_file(
            "id\ttext\tlabel", "1\tplain\tP", '2\t"hot bearing\tB', "3\tmore\tM", "4\tlast\tL"
        ),
        expect("text", "plain", '"hot bearing', "more", "last"),
        told=("literal_quotes",),
    ),
    Input(
        "one-quote-end.tsv",
        text_file("id\ttext", "1\tplain", '2\t"hot bearing'),
        expect("text", "plain", '"hot bearing'),
        told=("literal_quotes",),
    ),
    Input(
        "text-first.tsv",
        text_file("text\tlabel", '"hot bearing\tB', "plain\tP", 'relay "dead"\tR', 'last"\tL'),
        expect("text", '"hot bearing', "plain", 'relay "dead"', 'last"'),
        told=("literal_quotes",),
    ),
    Input(
        "nested-quotes.csv",
        text_file("id,text", '1,"he said ""stop ""now"" please"""', '2,"""hot"""'),
        expect("text", 'he said "stop "now" please"', '"hot"'),
    ),
    refused(
        "whole-lines-quoted.csv",
        text_file('"id,text,label"', '"1,bearing hot,B"', '"2,relay dead,R"'),
        "one_column",
        "no_text_column",
    ),
    refused(
        "quoted-lines.csv",
        text_file("id,text,label", '"1,""bearing, hot"",B"', '"2,relay dead,R"'),
        "row_cells",
        "one_column",
    ),
    Input(
        "single-quotes.csv",
        text_file("id,text", "1,'bearing hot'", "2,relay dead"),
        expect("text", "'bearing hot'", "relay dead"),
    ),
    Input(
        "space-quote.csv",
        text_file("id, text, label", '1, "bearing, hot", B', '2, "relay dead", R'),
        [
            {"text": "bearing, hot", "label": "B"},
            {"text": "relay dead", "label": "R"},
        ],
    ),
    Input(
        "sep-tab.csv", text_file("sep=\t", "id\ttext", "1\tbearing hot", "2\trelay dead"), TWO_TEXTS
    ),
    Input(
        "sep-mark.csv",
        text_file("sep=;", "id;text", "1;bearing, hot", "2;relay dead", encoding="utf-8-sig"),
        expect("text", "bearing, hot", "relay dead"),
    ),
    refused(
        "sep-wrong.csv",
        text_file("sep=;", "id,text,label", "1,bearing hot,B", "2,relay dead,R"),
        "no_text_column",
        "one_column",
    ),
    Input(
        "sep-wide.csv",
        text_file("sep=;", "id;text;label", "1;bearing hot;B", "2;relay dead;R", encoding="utf-16"),
        TWO_LABELLED,
    ),
    Input(
        "semicolon-commas.csv",
        text_file(
            "id;text;cost", "1;Lager, heiß, laut, links;3,5", "2;Relais, tot, rechts, oben;12,25"
        ),
        [
            {"text": "Lager, heiß, laut, links", "value": 3.5},
            {"text": "Relais, tot, rechts, oben", "value": 12.25},
        ],
    ),
    Input(
        "pipe-spaces.txt",
        text_file("id | text | label", "1 | bearing hot | B", "2 | relay dead | R"),
        [{"label": "B"}, {"label": "R"}],
    ),
    Input(
        "markdown.txt",
        text_file(
            "| id | text | label |",
            "|---|---|---|",
            "| 1 | bearing hot | B |",
            "| 2 | relay dead | R |",
        ),
        expect("text", " bearing hot ", " relay dead "),
        told=("drawn_line",),
    ),
    refused(
        "fixed-width.txt",
        text_file("id   text          label", "1    bearing hot   B", "2    relay dead    R"),
        "no_text_column",
        "one_column",
    ),
    Input(
        "double-tabs.txt",
        text_file("id\t\ttext\t\tlabel", "1\t\tbearing hot\t\tB", "2\t\trelay dead\t\tR"),
        TWO_LABELLED,
    ),
    refused(
        "one-column-pipes.csv", text_file("text", "1|bearing hot|B", "2|relay dead|R"), "one_column"
    ),
    refused(
        "one-column-tabs.txt",
        text_file("body", "7\tbearing hot", "8\trelay dead"),
        "one_column",
        "row_cells",
    ),
    refused(
        "one-column-uneven.csv",
        text_file("text", "1;bearing; hot;B", "2;relay dead;R", "3;pump; loud; left;P"),
        "one_column",
    ),
    refused(
        "one-column-commas-in-rows.csv",
        text_file("text", "bearing hot,B", "relay dead,R"),
        "one_column",
        "row_cells",
    ),
    refused(
        "colons.txt",
        text_file("id:text:label", "1:bearing hot:B", "2:relay dead:R"),
        "no_text_column",
        "one_column",
    ),
    Input(
        "old-mac.csv", text_file("id,text", "1,bearing hot", "2,relay dead", end="\r"), TWO_TEXTS
    ),
    Input(
        "mixed-ends.csv",
        b"id,text,label\r\n1,bearing hot,B\n2,relay dead,R\r3,pump loud,P\r\n",
        expect("text", "bearing hot", "relay dead", "pump loud"),
    ),
    Input(
        "double-returns.csv",
        b"id,text\r\r\n1,bearing hot\r\r\n2,relay dead\r\r\n",
        TWO_TEXTS,
    ),
    Input(
        "form-feed.csv",
        text_file("id,text", "1,bearing hot\x0c", "2,relay dead"),
        expect("case_id", "1", "2"),
    ),
    Input(
        "line-separator.csv",
        text_file("id,text", "1,bearing\u2028hot", "2,relay\x85dead"),
        expect("text", "bearing\u2028hot", "relay\x85dead"),
    ),
    Input(
        "nul-byte.csv",
        b"id,text\n1,bearing\0hot\n2,relay dead\n",
        expect("text", "relay dead"),
        told=("cell_nul",),
    ),
    Input(
        "nul-padding.csv",
        b"id,text\n1,bearing hot\n2,relay dead\n" + b"\0" * 64,
        TWO_TEXTS,
    ),
    Input(
        "million.csv",
        text_file("id,text", "1," + "bearing hot " * 90_000, "2,relay dead"),
        expect("text", "bearing hot " * 90_000, "relay dead"),
    ),
    Input(
        "million-quoted.csv",
        text_file("id,text,note", '1,bearing hot,"' + "x,\n" * 300_000 + '"', "2,relay dead,"),
        TWO_TEXTS,
    ),
    refused("empty.csv", b"", "blank_file", "empty_file"),
    refused("mark-only.csv", b"\xef\xbb\xbf", "blank_file", "empty_file"),
    refused("blanks-only.csv", b"  \r\n \r\n", "blank_file"),
    refused("header-only.csv", b"id,text,label\n", "no_rows"),
    refused("header-no-end.csv", b"id,text,label", "no_rows"),
    Input("one-row.csv", b"id,text,label\n1,bearing hot,B", [TWO_LABELLED[0]]),
    refused("one-cell.csv", b"bearing hot", "no_rows", "no_text_column"),
    refused("gzipped.csv", gzip.compress(_CSV), "other_kind"),
    refused("gzipped.csv.gz", gzip.compress(_CSV), "other_ending"),
    refused("zipped.zip", zip_file({"orders.csv": _CSV}), "other_ending"),
    refused("zipped.csv", zip_file({"orders.csv": _CSV}), "is_archive"),
    Input(
        "controls.csv",
        b"id,text\n1,bearing hot\n2,relay\x02 dead\n",
        expect("text", "bearing hot", "relay\x02 dead"),
    ),
    Input(
        "quote-open-last.csv",
        b'id,text\n1,"bearing hot"\n2,"relay dead\n',
        [{"text": "bearing hot"}],
        told=("row_quotes",),
    ),
]
