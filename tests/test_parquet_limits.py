"""Parquet files that are small on disk and large in memory are refused before they are unpacked."""

import subprocess
import sys

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.cases import parquet
from core.cases.formats import open_table
from core.errors import CasesError
from tests.browser.serving import ROOT


def write(tmp_path, **columns):
    path = tmp_path / "cases.parquet"
    # Without Arrow's schema, a dictionary is read as the texts that it stands for.
    pq.write_table(pa.table(columns), path, compression="zstd", store_schema=False)
    return path


def repeated(text: str, rows: int):
    return pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), [text])


def test_a_repeated_text_is_refused_by_its_decoded_bytes(tmp_path):
    path = write(tmp_path, text=repeated("x" * 900_000, 1200))
    assert path.stat().st_size < 100_000
    with pytest.raises(CasesError, match=r"too large: 1,080,000,000 bytes, and 268,435,456"):
        open_table(path)


def test_refusing_it_takes_little_memory(tmp_path):
    path = write(tmp_path, text=repeated("x" * 900_000, 4000))
    code = (
        "import resource, sys\nfrom pathlib import Path\n"
        "from core.cases.formats import open_table\nfrom core.errors import CasesError\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n    open_table(Path(sys.argv[1]))\nexcept CasesError as e:\n    print(e.code)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True
    )
    error_code, grown_kib = done.stdout.split()
    assert error_code == "cases.too_large"
    assert int(grown_kib) * 1024 < 256 * 2**20


def test_a_cell_longer_than_the_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "MAX_CELL", 5)
    assert len(open_table(write(tmp_path, text=["12345", None])).records) == 2
    with pytest.raises(CasesError, match=r"a cell of 6 bytes, and 5 are allowed"):
        open_table(write(tmp_path, text=["123456", "1"]))


def test_values_in_lists_count_as_cells(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "MAX_CELLS", 100)
    assert open_table(write(tmp_path, text=["a"], numbers=[[0] * 99])).names == ["text", "numbers"]
    with pytest.raises(CasesError, match=r"has 101 cells, and 100 are allowed"):
        open_table(write(tmp_path, text=["a"], numbers=[[0] * 100]))


def test_the_cells_are_those_that_pandas_reads(tmp_path):
    frame = pd.DataFrame(
        {
            "text": ["a", None, "b", "a"],
            "n": [1, 2, None, 4],
            "day": pd.to_datetime(["2024-01-01", None, "2024-02-03", "1999-01-01"]),
            "kind": pd.Categorical(["x", "y", None, "x"]),
        }
    )
    path = tmp_path / "cases.parquet"
    frame.to_parquet(path)
    records = open_table(path).records
    assert [record.cells["text"] for record in records] == ["a", None, "b", "a"]
    assert [record.cells["kind"] for record in records] == ["x", "y", None, "x"]
    assert records[2].cells["day"] == pd.Timestamp("2024-02-03")
    assert records[3].cells["n"] == 4


@pytest.mark.parametrize("unit", ["ms", "us"])
@pytest.mark.parametrize("value", [-(2**62), 2**62])
def test_a_date_beyond_the_calendar_is_an_error_of_the_file(tmp_path, unit, value):
    path = write(tmp_path, text=["a"], at=pa.array([value], pa.timestamp(unit)))
    with pytest.raises(CasesError, match="Parquet"):
        open_table(path)


@pytest.mark.parametrize(
    "dates",
    [
        pa.array([2**31 - 1], pa.int32()).cast(pa.date32()),
        pa.Array.from_buffers(pa.date64(), 1, [None, pa.py_buffer((2**62).to_bytes(8, "little"))]),
        pa.Array.from_buffers(
            pa.time64("us"), 1, [None, pa.py_buffer((2**62).to_bytes(8, "little"))]
        ),
        pa.array([0], pa.timestamp("us", tz="Mars/Olympus")),
    ],
    ids=["day", "milliseconds", "time of day", "time zone"],
)
def test_a_broken_date_of_any_kind_is_an_error_of_the_file(tmp_path, dates):
    path = tmp_path / "cases.parquet"
    pq.write_table(pa.table({"text": ["a"], "at": dates}), path)  # with Arrow's time zone
    with pytest.raises(CasesError, match="Parquet"):
        open_table(path)
