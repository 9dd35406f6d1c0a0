"""Inputs of formats with types: JSON and Parquet."""

import json
from datetime import datetime

import pyarrow as pa

from benchmarks.file_inputs.making import Input, expect, json_lines, parquet, refused

_PLAIN = expect("text", "valve stuck", "fan noisy")

TYPED = [
    Input(
        "lines.jsonl",
        json_lines({"id": 1, "text": "valve stuck"}, {"id": 2, "text": "fan noisy"}),
        _PLAIN,
    ),
    Input(
        "array.json",
        json.dumps(
            [{"id": 1, "text": "valve stuck"}, {"id": 2, "text": "fan noisy"}], indent=1
        ).encode(),
        _PLAIN,
    ),
    Input(
        "array.jsonl",
        json.dumps([{"id": 1, "text": "valve stuck"}, {"id": 2, "text": "fan noisy"}]).encode(),
        _PLAIN,
    ),
    Input(
        "wrapped.json",
        json.dumps(
            {"count": 2, "items": [{"text": "valve stuck"}, {"text": "fan noisy"}]}
        ).encode(),
        _PLAIN,
    ),
    Input(
        "columns.json",
        json.dumps({"text": ["valve stuck", "fan noisy"], "label": ["V", "F"]}).encode(),
        _PLAIN,
    ),
    Input(
        "pandas.json",
        json.dumps(
            {"text": {"0": "valve stuck", "1": "fan noisy"}, "label": {"0": "V", "1": "F"}}
        ).encode(),
        _PLAIN,
    ),
    Input(
        "pandas-one-column.json",
        json.dumps({"text": {"0": "valve stuck", "1": "fan noisy"}}).encode(),
        _PLAIN,
    ),
    Input(
        "pandas-split.json",
        json.dumps(
            {"columns": ["id", "text"], "data": [[1, "valve stuck"], [2, "fan noisy"]]}
        ).encode(),
        _PLAIN,
    ),
    Input(
        "pandas-index.json",
        json.dumps({"0": {"text": "valve stuck"}, "1": {"text": "fan noisy"}}).encode(),
        _PLAIN,
    ),
    Input(
        "wrapped-deep.json",
        json.dumps({"page": {"rows": [{"text": "valve stuck"}, {"text": "fan noisy"}]}}).encode(),
        _PLAIN,
    ),
    Input(
        "nan-labels.jsonl",
        b'{"text": "a", "label": NaN}\n{"text": "b", "label": true}\n',
        expect("label", None, "true"),
    ),
    Input("pretty.jsonl", b'{\n "text": "valve stuck"\n}\n{\n "text": "fan noisy"\n}\n', _PLAIN),
    Input("lines.json", json_lines({"text": "valve stuck"}, {"text": "fan noisy"}), _PLAIN),
    Input("lines.ndjson", json_lines({"text": "valve stuck"}, {"text": "fan noisy"}), _PLAIN),
    Input(
        "nested.jsonl",
        json_lines(
            {"id": 1, "data": {"text": "valve stuck"}}, {"id": 2, "data": {"text": "fan noisy"}}
        ),
        _PLAIN,
        columns={"text": "data.text"},
    ),
    refused(
        "nested-unasked.jsonl",
        json_lines({"id": 1, "data": {"body": "valve stuck"}}),
        "no_text_column",
    ),
    Input(
        "list-labels.jsonl",
        json_lines(
            {"text": "a", "label": ["V"]}, {"text": "b", "label": []}, {"text": "c", "label": None}
        ),
        expect("label", "V", None, None),
    ),
    Input(
        "two-labels.jsonl",
        json_lines({"text": "a", "label": ["V", "F"]}, {"text": "b", "label": "F"}),
        expect("label", None, "F"),
        told=("cells_left_empty",),
    ),
    Input("list-text.jsonl", json_lines({"text": ["valve stuck"]}, {"text": "fan noisy"}), _PLAIN),
    Input(
        "epoch.jsonl",
        json_lines(
            {"text": "a", "created_at": 1706659200}, {"text": "b", "created_at": 1706745600000}
        ),
        expect("occurred_at", "2024-01-31", "2024-02-01"),
    ),
    Input(
        "broken-line.jsonl",
        b'{"text": "valve stuck"}\n{"text": \n{"text": "fan noisy"}\n',
        _PLAIN,
        told=("row_no_json",),
    ),
    Input(
        "sjis.jsonl",
        '{"text": "ポンプから異音"}\n{"text": "電球交換"}\n'.encode("cp932"),
        expect("text", "ポンプから異音", "電球交換"),
    ),
    refused("numbers.json", b"[1, 2, 3]", "no_json_object"),
    refused("no-json.json", b"text,label\n", "no_json_object"),
    Input(
        "binary.parquet",
        parquet({"id": [1, 2], "text": pa.array([b"valve stuck", "窓".encode()], pa.binary())}),
        expect("text", "valve stuck", "窓"),
    ),
    Input(
        "no-utf8.parquet",
        parquet({"text": pa.array([b"valve stuck", b"\xff\xfe", b"fan noisy"], pa.binary())}),
        _PLAIN,
        told=("cell_bytes",),
    ),
    Input(
        "lists.parquet",
        parquet({"text": ["a", "b"], "label": pa.array([["V"], []], pa.list_(pa.string()))}),
        expect("label", "V", None),
    ),
    Input(
        "struct.parquet",
        parquet({"data": [{"text": "valve stuck", "n": 1}, {"text": "fan noisy", "n": 2}]}),
        _PLAIN,
        columns={"text": "data.text"},
    ),
    Input(
        "float-labels.parquet",
        parquet({"text": ["a", "b"], "label": [1.0, 2.0], "id": [1001.0, 1002.0]}),
        [{"label": "1", "case_id": "1001"}, {"label": "2", "case_id": "1002"}],
    ),
    Input(
        "zone.parquet",
        parquet(
            {
                "text": ["a"],
                "date": pa.array([datetime(2024, 1, 30, 23)], pa.timestamp("us", tz="Asia/Tokyo")),
            }
        ),
        expect("occurred_at", "2024-01-31T08:00"),
    ),
    Input(
        "dictionary.parquet",
        parquet({"text": ["a", "b"], "label": pa.array(["V", None]).dictionary_encode()}),
        expect("label", "V", None),
    ),
    refused("no.parquet", b"PAR1 damaged", "no_parquet"),
]
