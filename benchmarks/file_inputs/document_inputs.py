"""More inputs of formats with types: JSON and Parquet."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa

from benchmarks.file_inputs.making import (
    TWO_LABELLED,
    TWO_TEXTS,
    Input,
    expect,
    json_lines,
    parquet,
    refused,
    text_file,
)


def _record(number, text, **values):
    return {"id": number, "text": text, **values}


_A, _B = _record(1, "bearing hot", label="B"), _record(2, "relay dead", label="R")

DOCUMENTS = [
    Input("mark.jsonl", b"\xef\xbb\xbf" + json_lines(_A, _B), TWO_LABELLED),
    Input(
        "wide.jsonl", (json.dumps(_A) + "\n" + json.dumps(_B) + "\n").encode("utf-16"), TWO_LABELLED
    ),
    Input(
        "returns.jsonl",
        b"\r\n".join([json.dumps(_A).encode(), json.dumps(_B).encode()]),
        TWO_LABELLED,
    ),
    Input(
        "old-returns.jsonl",
        b"\r".join([json.dumps(_A).encode(), json.dumps(_B).encode()]),
        TWO_LABELLED,
    ),
    Input(
        "nan.jsonl",
        b'{"id":1,"text":"bearing hot","cost":NaN,"label":NaN}\n{"id":2,"text":"relay dead","cost":3,"label":"R"}\n',
        [{"value": None, "label": None}, {"value": 3, "label": "R"}],
    ),
    Input(
        "infinity.jsonl",
        b'{"id":1,"text":"bearing hot","cost":Infinity}\n{"id":2,"text":"relay dead","cost":3}\n',
        expect("value", None, 3),
        told=("cells_left_empty",),
    ),
    Input(
        "nan-text.jsonl",
        b'{"id":1,"text":NaN}\n{"id":2,"text":"relay dead"}\n',
        [{"text": "relay dead"}],
        told=("empty_text",),
    ),
    Input("one-object.json", json.dumps(_A).encode(), [TWO_LABELLED[0]]),
    Input("one-object.jsonl", json.dumps({"tickets": [_A, _B]}).encode() + b"\n", TWO_LABELLED),
    Input(
        "object-with-list.json",
        json.dumps({"id": 1, "text": "bearing hot", "tags": ["a", "b"]}).encode(),
        [TWO_TEXTS[0]],
    ),
    Input(
        "objects-with-lists.jsonl",
        json_lines(_record(1, "bearing hot", tags=["a", "b"]), _record(2, "relay dead", tags=[])),
        TWO_TEXTS,
    ),
    Input(
        "objects-in-lists.jsonl",
        json_lines(
            _record(1, "bearing hot", notes=[{"body": "x"}]), _record(2, "relay dead", notes=[])
        ),
        TWO_TEXTS,
    ),
    refused(
        "list-and-fields.json",
        json.dumps(
            {"id": 7, "text": "outer", "items": [{"text": "bearing hot"}, {"text": "relay dead"}]}
        ).encode(),
        "json_two_levels",
    ),
    Input(
        "list-and-fields.jsonl",
        json_lines({"id": 7, "text": "bearing hot", "items": [{"text": "x"}]}),
        [TWO_TEXTS[0]],
    ),
    refused(
        "two-lists.json",
        json.dumps({"open": [_A], "closed": [_B]}).encode(),
        "records_unclear",
        "no_text_column",
    ),
    Input(
        "nested-twice.jsonl",
        json_lines(
            {"id": 1, "data": {"text": "bearing hot", "meta": {"label": "B"}}},
            {"id": 2, "data": {"text": "relay dead", "meta": {"label": "R"}}},
        ),
        TWO_LABELLED,
        columns={"text": "data.text", "label": "data.meta.label"},
    ),
    refused(
        "dotted.jsonl",
        json_lines({"data.text": "bearing hot", "data": {"text": "other"}}),
        "no_text_column",
    ),
    Input(
        "label-lists.jsonl",
        json_lines(_record(1, "bearing hot", label=["B"]), _record(2, "relay dead", label=[])),
        expect("label", "B", None),
    ),
    Input(
        "label-several.jsonl",
        json_lines(
            _record(1, "bearing hot", label=["B", "C"]), _record(2, "relay dead", label=["R"])
        ),
        expect("label", None, "R"),
        told=("cells_left_empty",),
    ),
    Input(
        "label-object.jsonl",
        json_lines(
            _record(1, "bearing hot", label={"name": "B"}),
            _record(2, "relay dead", label={"name": "R"}),
        ),
        expect("label", "B", "R"),
        columns={"label": "label.name"},
    ),
    Input(
        "text-null.jsonl",
        json_lines(_record(1, None), _record(2, "relay dead")),
        [TWO_TEXTS[1]],
        told=("empty_text",),
    ),
    Input(
        "text-number.jsonl",
        json_lines(_record(1, 42), _record(2, "relay dead")),
        expect("text", "42", "relay dead"),
    ),
    Input(
        "text-object.jsonl",
        json_lines(_record(1, {"de": "heiß", "en": "hot"}), _record(2, "relay dead")),
        [TWO_TEXTS[1]],
        told=("empty_text",),
    ),
    Input(
        "big-ids.jsonl",
        b'{"id":12345678901234567890,"text":"bearing hot"}\n{"id":1.5,"text":"relay dead"}\n',
        expect("case_id", "12345678901234567890", "1.5"),
    ),
    Input(
        "float-ids.jsonl",
        b'{"id":1.0,"text":"bearing hot"}\n{"id":2.0,"text":"relay dead"}\n',
        expect("case_id", "1", "2"),
    ),
    Input(
        "escapes.jsonl",
        b'{"id":1,"text":"bearing\\nhot \\u2028 \\ud83d\\ude00"}\n{"id":2,"text":"\\ud83d half"}\n',
        [{"text": "bearing\nhot \u2028 \U0001f600"}],
        told=("cell_half_character",),
    ),
    refused(
        "trailing-comma.json",
        b'[{"text":"bearing hot"},{"text":"relay dead"},]',
        "no_json_object",
        "bad_rows",
    ),
    Input(
        "comma-lines.jsonl",
        b'{"id":1,"text":"bearing hot"},\n{"id":2,"text":"relay dead"}\n',
        TWO_TEXTS,
    ),
    refused(
        "comments.json",
        b'// orders\n[{"text":"bearing hot"}]',
        "no_json_object",
        "bad_rows",
        "no_good_rows",
    ),
    refused(
        "cut.json", json.dumps([_A, _B]).encode()[:-9], "no_json_object", "bad_rows", "no_good_rows"
    ),
    Input("cut.jsonl", json_lines(_A, _B)[:-9], [TWO_LABELLED[0]], told=("row_no_json",)),
    refused(
        "array-of-arrays.json",
        json.dumps([["id", "text"], [1, "bearing hot"], [2, "relay dead"]]).encode(),
        "no_json_object",
    ),
    refused(
        "array-of-texts.json", json.dumps(["bearing hot", "relay dead"]).encode(), "no_json_object"
    ),
    refused("empty.json", b"[]", "no_json_object", "no_rows"),
    refused("empty-object.json", b"{}", "no_json_object", "no_rows"),
    refused("deep.json", b"[" * 5000 + b"]" * 5000, "no_json_object", "bad_rows"),
    refused(
        "ids-as-keys.json",
        json.dumps({"WO-1": {"text": "bearing hot"}, "WO-2": {"text": "relay dead"}}).encode(),
        "no_text_column",
    ),
    refused(
        "really-csv.json",
        text_file("id,text", "1,bearing hot"),
        "no_json_object",
        "bad_rows",
        "no_good_rows",
    ),
    Input(
        "really-jsonl.csv",
        json_lines(_A, _B),
        TWO_LABELLED,
    ),
    Input(
        "really-array.csv",
        json.dumps([_A, _B]).encode(),
        TWO_LABELLED,
    ),
    Input(
        "really-parquet.csv",
        parquet({"id": [1, 2], "text": ["bearing hot", "relay dead"]}),
        TWO_TEXTS,
    ),
    Input(
        "large-binary.parquet",
        parquet(
            {
                "id": pa.array([b"1", b"2"], pa.large_binary()),
                "text": pa.array([b"bearing hot", b"relay dead"], pa.large_binary()),
            }
        ),
        TWO_TEXTS,
    ),
    Input(
        "string-view.parquet",
        parquet(
            {"id": ["1", "2"], "text": pa.array(["bearing hot", "relay dead"], pa.large_string())}
        ),
        TWO_TEXTS,
    ),
    Input(
        "fixed-binary.parquet",
        parquet({"text": pa.array([b"bearing hot", b"relays dead"], pa.binary(11))}),
        expect("text", "bearing hot", "relays dead"),
    ),
    Input(
        "label-lists.parquet",
        parquet({"text": ["bearing hot", "relay dead"], "label": [["B"], []]}),
        expect("label", "B", None),
    ),
    Input(
        "several.parquet",
        parquet({"text": ["bearing hot", "relay dead"], "label": [["B", "C"], ["R"]]}),
        expect("label", None, "R"),
        told=("cells_left_empty",),
    ),
    Input(
        "categories.parquet",
        parquet(
            {
                "text": pa.array(["bearing hot", "relay dead"]).dictionary_encode(),
                "label": pa.array(["B", None]).dictionary_encode(),
            }
        ),
        expect("label", "B", None),
    ),
    Input(
        "decimals.parquet",
        parquet(
            {
                "text": ["bearing hot", "relay dead"],
                "cost": pa.array([Decimal("12.50"), Decimal("-3.00")], pa.decimal128(10, 2)),
            }
        ),
        expect("value", 12.5, -3),
    ),
    Input(
        "decimal-ids.parquet",
        parquet(
            {
                "id": pa.array([Decimal("12"), Decimal("13")], pa.decimal128(20, 0)),
                "text": ["bearing hot", "relay dead"],
            }
        ),
        expect("case_id", "12", "13"),
    ),
    Input(
        "zones.parquet",
        parquet(
            {
                "text": ["bearing hot", "relay dead"],
                "date": pa.array(
                    [datetime(2024, 1, 31, 15, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC)],
                    pa.timestamp("ns", "Asia/Tokyo"),
                ),
            }
        ),
        expect("occurred_at", "2024-02-01T00:00", "2024-02-01T09:00"),
    ),
    Input(
        "days.parquet",
        parquet(
            {"text": ["bearing hot", "relay dead"], "date": pa.array([date(2024, 1, 31), None])}
        ),
        expect("occurred_at", "2024-01-31", None),
    ),
    Input(
        "nanoseconds.parquet",
        parquet(
            {
                "text": ["bearing hot", "relay dead"],
                "date": pa.array([1706659200000000001, 1706745600000000000], pa.timestamp("ns")),
            }
        ),
        expect("occurred_at", "2024-01-31", "2024-02-01"),
    ),
    Input(
        "structs.parquet",
        parquet(
            {
                "id": [1, 2],
                "data": [
                    {"text": "bearing hot", "meta": {"label": "B"}},
                    {"text": "relay dead", "meta": None},
                ],
            }
        ),
        [{"text": "bearing hot", "label": "B"}, {"text": "relay dead", "label": None}],
        columns={"text": "data.text", "label": "data.meta.label"},
    ),
    Input(
        "booleans.parquet",
        parquet({"text": ["bearing hot", "relay dead"], "label": [True, False]}),
        expect("label", "True", "False"),
    ),
    Input(
        "maps.parquet",
        parquet(
            {
                "text": ["bearing hot", "relay dead"],
                "extra": pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int64())),
            }
        ),
        TWO_TEXTS,
    ),
    Input(
        "nulls.parquet",
        parquet({"text": ["bearing hot", None]}),
        [TWO_TEXTS[0]],
        told=("empty_text",),
    ),
    refused("no-rows.parquet", parquet({"text": pa.array([], pa.string())}), "no_rows"),
    Input(
        "big-ids.parquet",
        parquet(
            {
                "id": pa.array([2**63 - 1, 2**62 + 1], pa.int64()),
                "text": ["bearing hot", "relay dead"],
            }
        ),
        expect("case_id", str(2**63 - 1), str(2**62 + 1)),
    ),
    Input(
        "float-ids.parquet",
        parquet(
            {"id": pa.array([12.0, None, 14.0]), "text": ["bearing hot", "relay dead", "pump loud"]}
        ),
        expect("case_id", "12", "14"),
        told=("empty_id",),
    ),
]
