"""More inputs that are text: headers, labels and ids."""

from benchmarks.file_inputs.making import TWO_LABELLED, TWO_TEXTS, Input, expect, refused, text_file

HEADS = [
    Input(
        "joiner.csv",
        text_file("id,te\u200bxt,\ufefflabel", "1,bearing hot,B", "2,relay dead,R"),
        TWO_LABELLED,
    ),
    Input(
        "mark-quoted.csv",
        text_file(
            '"id","text","label"',
            '"1","bearing hot","B"',
            '"2","relay dead","R"',
            encoding="utf-8-sig",
        ),
        [{"case_id": "1", **TWO_LABELLED[0]}, {"case_id": "2", **TWO_LABELLED[1]}],
    ),
    Input(
        "mark-in-middle.csv",
        text_file("id,text,label", "1,bearing hot,B")
        + "\ufeffid,text,label\n2,relay dead,R\n".encode(),
        TWO_LABELLED,
        told=("repeated_headers",),
    ),
    Input(
        "soft-spaces.csv",
        text_file("\u3000id , text\u00a0\u00a0,\u2003label", "1,bearing hot,B", "2,relay dead,R"),
        TWO_LABELLED,
    ),
    Input(
        "wide-names.csv",
        text_file("ＩＤ,ＴＥＸＴ,Ｌａｂｅｌ", "1,bearing hot,B", "2,relay dead,R"),
        TWO_LABELLED,
    ),
    Input(
        "same-unused.csv",
        text_file("id,text,x,x,X,x", "1,bearing hot,a,b,c,d", "2,relay dead,,,,"),
        TWO_TEXTS,
    ),
    refused(
        "same-labels.csv",
        text_file("id,text,label,label", "1,bearing hot,B,C", "2,relay dead,R,S"),
        "column_unclear",
    ),
    Input(
        "many-commas.csv",
        text_file("id,text,label,,,", "1,bearing hot,B,,,", "2,relay dead,R,,,"),
        TWO_LABELLED,
    ),
    Input(
        "unnamed-with-cells.csv",
        text_file(",id,text", "0,17,bearing hot", "1,18,relay dead"),
        [{"case_id": "17"}, {"case_id": "18"}],
    ),
    refused(
        "short-header.csv",
        text_file("id,text", "1,bearing hot,B,note", "2,relay dead,R,note"),
        "row_cells",
    ),
    Input(
        "title-commas.csv",
        text_file(
            "Report: orders,,",
            "Printed 2024-01-31,,",
            "id,text,label",
            "1,bearing hot,B",
            "2,relay dead,R",
        ),
        TWO_LABELLED,
        told=("rows_above_header",),
    ),
    Input(
        "two-headers.csv",
        text_file("basics,,answer", "id,text,label", "1,bearing hot,B", "2,relay dead,R"),
        TWO_LABELLED,
        told=("rows_above_header",),
    ),
    Input(
        "types-below.csv",
        text_file("id,text,label", "int,string,string", "1,bearing hot,B", "2,relay dead,R"),
        TWO_LABELLED,
        told=("second_headers",),
    ),
    Input(
        "units-below.csv",
        text_file("番号,内容,分類", "1,軸受が熱い,B", "2,リレー不良,R"),
        expect("text", "軸受が熱い", "リレー不良"),
    ),
    Input(
        "footer.csv",
        text_file("id,text,label", "1,bearing hot,B", "2,relay dead,R", "Total: 2 rows"),
        TWO_LABELLED,
        told=("row_cells",),
    ),
    Input(
        "comment-lines.csv",
        text_file("# exported by x", "id,text,label", "1,bearing hot,B", "2,relay dead,R"),
        TWO_LABELLED,
        told=("rows_above_header",),
    ),
    Input(
        "zero-ids.csv",
        text_file("id,text", "0007,bearing hot", "007,relay dead", "7,pump loud"),
        expect("case_id", "0007", "007", "7"),
    ),
    Input(
        "long-ids.csv",
        text_file("id,text", "4929123456789012345,bearing hot", "4929123456789012346,relay dead"),
        expect("case_id", "4929123456789012345", "4929123456789012346"),
    ),
    Input(
        "cut-long-ids.csv",
        text_file("id,text", "4.92912E+18,bearing hot", "4,92912E+18,relay dead"),
        expect("text", "bearing hot"),
        told=("row_cells",),
    ),
    Input(
        "blank-ids.csv",
        text_file("id,text", "1,bearing hot", ",relay dead", "3,pump loud"),
        expect("case_id", "1", "3"),
        told=("empty_id",),
    ),
    Input(
        "ids-by-blanks.csv",
        text_file("id,text", "A 1,bearing hot", "A 1 ,relay dead"),
        expect("text", "bearing hot"),
        told=("same_id",),
    ),
    Input(
        "ids-by-case.csv",
        text_file("id,text", "a1,bearing hot", "A1,relay dead"),
        expect("case_id", "a1", "A1"),
    ),
    Input(
        "label-widths.csv",
        text_file(
            "id,text,label",
            "1,a,ﾎﾟﾝﾌﾟ",
            "2,b,ポンプ",
            "3,c,ポンプ",
            "4,d,Ｎｏ．１",
            "5,e,No.1",
            "6,f,NO.1",
            "7,g,No.1",
        ),
        expect("label", "ポンプ", "ポンプ", "ポンプ", "No.1", "No.1", "No.1", "No.1"),
        told=("labels_unified",),
    ),
    Input(
        "label-blanks.csv",
        text_file(
            "id,text,label",
            "1,a,Oil  leak",
            "2,b,Oil leak",
            "3,c,\u3000Oil leak",
            "4,d,Oil\u00a0leak",
            "5,e,oil leak.",
        ),
        expect("label", "Oil leak", "Oil leak", "Oil leak", "Oil leak", "oil leak."),
        told=("labels_unified",),
    ),
    Input(
        "label-numbers.csv",
        text_file("id,text,label", "1,a,1", "2,b,1.0", "3,c,1", "4,d,01", "5,e,1.5", "6,f,-1.0"),
        expect("label", "1", "1", "1", "01", "1.5", "-1.0"),
        told=("labels_unified",),
    ),
    Input(
        "label-nothing.csv",
        text_file("id,text,label", "1,a,NA", "2,b,", "3,c,None", "4,d,null", "5,e,-"),
        expect("label", "NA", None, "None", "null", "-"),
    ),
    Input(
        "windows-paths.csv",
        text_file("id,text", r"1,C:\new\table", r"2,\\server\share"),
        expect("text", r"C:\new\table", r"\\server\share"),
    ),
    Input(
        "formulas.csv",
        text_file("id,text", "1,=cmd|' /C calc'!A0", "2,+81 3 1234", "3,-5 °C"),
        expect("text", "=cmd|' /C calc'!A0", "+81 3 1234", "-5 °C"),
    ),
]
