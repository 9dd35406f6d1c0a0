"""Every code of core.cases has its sentence in both languages, with the same blanks; Japanese is
Japanese.
"""

import re
from string import Formatter

import pytest

from core.cases.table import Notice, from_json, to_json
from core.errors import CasesError
from core.messages import MESSAGES_FOLDER, read_catalogues, reader_language, sentence

CODES = sorted(code for code in read_catalogues(MESSAGES_FOLDER, "en") if code.startswith("cases."))


def blanks(words) -> set[str]:
    forms = [words] if isinstance(words, str) else words
    return {name for form in forms for _, name, _, _ in Formatter().parse(form) if name}


@pytest.mark.parametrize("code", CODES)
def test_both_languages_name_the_same_values(code):
    english, japanese = (
        read_catalogues(MESSAGES_FOLDER, language)[code] for language in ("en", "ja")
    )
    assert blanks(japanese) <= blanks(english) | {"n"}
    assert blanks(english) - blanks(japanese) <= {"n", "text"}
    assert re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", str(japanese))


def test_one_is_counted_as_one():
    values = {
        "rows": ["2"],
        "value": "x",
        "reason": Notice("cases.cell_date"),
        "field": Notice("cases.field_value"),
    }
    one, two = (sentence("en", "cases.cells_left_empty", n=n, **values) for n in (1, 2))
    assert one.startswith("1 cell of the value cannot be read and is left empty (row 2)")
    assert two.startswith("2 cells of the value cannot be read and are left empty (rows 2)")


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "ja_JP.UTF-8"}, "ja"),
        ({"LANG": "ja_JP.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "ja_JP.UTF-8", "KAKUSHIN_LANGUAGE": "en"}, "en"),
        ({}, "en"),
    ],
)
def test_the_terminals_language(environment, language):
    assert reader_language(environment) == language


def test_an_error_crosses_json_with_the_notices_in_it():
    error = CasesError("cases.bad_header", file="a.csv", row=1, reason=Notice("cases.row_quotes"))
    crossed = CasesError(error.code, **from_json(to_json(error.values)))
    assert str(crossed) == str(error)
    assert "The quotes of this line are wrong" in str(crossed)
