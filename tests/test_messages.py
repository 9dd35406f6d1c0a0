"""Errors travel as a code and values; their sentences are whole in both languages.

Each code that core and dashboard raise is found in their syntax trees, and held against both
catalogues: it has a sentence, the sentences have the same blanks, and every blank has a value.
"""

import ast
import pickle
import re
import string
import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import pytest

from core import errors
from core.messages import (
    LANGUAGES,
    MESSAGES_FOLDER,
    error_text,
    fill_blanks,
    plural_form,
    read_catalogues,
    sentence,
)
from dashboard.i18n import WORDS_FOLDER as WORDS_FOLDER
from dashboard.i18n import Words, field_names

ROOT = Path(__file__).resolve().parent.parent
KINDS = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.KakushinError)
} | {"CellError"}
CATALOGUES = {language: read_catalogues(MESSAGES_FOLDER, language) for language in LANGUAGES}


@dataclass(frozen=True)
class Raised:
    """One place that makes an error: its code, None where it is no plain text, and the values that
    it names; None where they are handed over as **values.
    """

    place: str
    code: str | None
    values: frozenset[str] | None

    @property
    def is_code(self) -> bool:
        """Whether it is a code such as "cases.empty_file", rather than a sentence of the past."""
        return self.code is not None and "." in self.code and " " not in self.code


def raised() -> list[Raised]:
    """Return every call of an error's class in core and dashboard."""
    places = []
    for folder in ("core", "dashboard"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in KINDS:
                    code = node.args[0] if node.args else None
                    names = {keyword.arg for keyword in node.keywords}
                    if ast.unparse(node.func) == "CellError" or names & {"place", "as_comma"}:
                        names |= {"column", "row"}  # of a cell: the reader of the file adds them
                    places.append(
                        Raised(
                            f"{file.relative_to(ROOT)}:{node.lineno}",
                            code.value if isinstance(code, ast.Constant) else _source(code),
                            None if None in names else frozenset(names),
                        )
                    )
    return places


def _source(node: ast.expr | None) -> str | None:
    """Return the source of an f-string, which is a sentence; None of a code held in a variable."""
    return ast.unparse(node) if isinstance(node, ast.JoinedStr | ast.BinOp) else None


RAISED = raised()
CODES = [error for error in RAISED if error.is_code]


def blanks(words: str | tuple[str, ...]) -> set[str]:
    """Return the names in braces of a sentence, or of all its plural forms."""
    forms = [words] if isinstance(words, str) else words
    return {
        name.split(".")[0].split("[")[0]
        for form in forms
        for _, name, _, _ in string.Formatter().parse(form)
        if name is not None
    } - {"control"}  # names of options or fields, which the edge knows


def test_every_error_carries_a_code():
    """A sentence of the code's own is English for every reader."""
    old = [error.place for error in RAISED if not error.is_code and error.code is not None]
    assert old == []
    assert len(CODES) > 50


def lacks(error: Raised, language: str) -> str | None:
    """Return what the error lacks in a language: its sentence, or values of it; None for nothing."""
    if error.code not in CATALOGUES[language]:
        return f"{error.place}: {error.code} is not in {language}"
    words = CATALOGUES[language][error.code]
    needed = blanks(words) | (set() if isinstance(words, str) else {"n"})
    missing = set() if error.values is None else needed - error.values
    return f"{error.place}: {error.code} gives no {sorted(missing)}" if missing else None


def test_every_code_that_is_raised_has_a_sentence_and_its_values():
    found = [lacks(error, language) for error in CODES for language in LANGUAGES]
    assert [fault for fault in found if fault] == []


@pytest.mark.parametrize(
    ("code", "values", "fault"),
    [
        ("store.no_filter", {"column"}, None),
        ("store.no_filter", set(), "here: store.no_filter gives no ['column']"),
        ("store.no_filter", None, None),
        ("no.such", {"column"}, "here: no.such is not in en"),
    ],
)
def test_an_error_without_its_sentence_or_value_is_found(code, values, fault):
    assert lacks(Raised("here", code, values), "en") == fault


def test_both_catalogues_hold_the_same_codes():
    ja, en = (set(CATALOGUES[language]) for language in LANGUAGES)
    assert ja == en, sorted(ja ^ en)


def test_a_code_has_the_same_blanks_in_both_languages():
    ja, en = (
        {code: blanks(words) - {"n"} for code, words in CATALOGUES[language].items()}
        for language in LANGUAGES
    )
    assert ja == en


def test_a_japanese_sentence_is_japanese():
    texts = {
        code: words if isinstance(words, str) else "".join(words)
        for code, words in CATALOGUES["ja"].items()
    }
    assert [code for code, text in texts.items() if not re.search("[\u3040-\u9fff]", text)] == []


@pytest.fixture
def catalogue(tmp_path, monkeypatch):
    """Return a function that writes catalogues of these {language: entries} in place of ours."""

    def catalogue(**entries: str) -> None:
        for language, text in entries.items():
            forms = "nplurals=1; plural=0" if language == "ja" else "nplurals=2; plural=(n != 1)"
            head = (
                'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n'
                f'"Plural-Forms: {forms};\\n"\n\n'
            )
            (tmp_path / language).mkdir()
            (tmp_path / language / "room.po").write_text(head + text, encoding="utf-8")
        monkeypatch.setattr("core.messages.MESSAGES_FOLDER", tmp_path)

    return catalogue


COUNTED = 'msgid "room.left"\nmsgid_plural "room.left"\n'


def test_a_count_chooses_its_plural_form(catalogue):
    catalogue(
        en=COUNTED + 'msgstr[0] "{n} case is left."\nmsgstr[1] "{n} cases are left."\n',
        ja=COUNTED + 'msgstr[0] "残り{n}件です。"\n',
    )
    texts = {n: sentence("en", "room.left", n=n) for n in (0, 1, 2)}
    assert texts == {0: "0 cases are left.", 1: "1 case is left.", 2: "2 cases are left."}
    assert [sentence("ja", "room.left", n=n) for n in (1, 2)] == ["残り1件です。", "残り2件です。"]
    assert [plural_form("en", n) for n in (0, 1, 1.5, 2)] == [1, 0, 1, 1]


def test_an_error_within_an_error_is_a_sentence_of_the_same_language(catalogue):
    catalogue(
        en='msgid "room.outer"\nmsgstr "Row {row}: {problem}"\n\n'
        'msgid "room.inner"\nmsgstr "no {what}"\n',
        ja='msgid "room.outer"\nmsgstr "{row}行目：{problem}"\n\n'
        'msgid "room.inner"\nmsgstr "{what}がない"\n',
    )
    inner = errors.CasesError("room.inner", what="text")
    outer = errors.CasesError("room.outer", row=3, problem=inner)
    assert error_text(outer, "en") == str(outer) == "Row 3: no text"
    assert error_text(outer, "ja") == "3行目：textがない"
    both = errors.CasesError("room.outer", row=3, problem=[inner, "x"])
    assert error_text(both, "ja") == "3行目：textがない、x"


def raise_not_found() -> None:
    raise errors.NotFoundError("store.no_filter", column="r1")


def test_an_error_crosses_processes_with_its_code_and_values(monkeypatch):
    # A new process runs the main module again, which a test of a page may have replaced by the app.
    monkeypatch.setitem(sys.modules, "__main__", sys.modules[__name__])
    with (
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
        pytest.raises(errors.NotFoundError, match="r1") as caught,
    ):
        pool.submit(raise_not_found).result()
    assert (caught.value.code, caught.value.values) == ("store.no_filter", {"column": "r1"})


@pytest.mark.parametrize("kind", sorted(KINDS - {"CellError"}))
def test_an_error_of_each_class_is_the_same_after_pickling(kind):
    error = getattr(errors, kind)("room.code", n=3, names=("a", "b"))
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.code, again.values) == (type(error), error.code, error.values)


# What is counted in sentences; a noun that is missing here escapes the test below.
NOUNS = (
    "answers|blocks|bytes|cases|characters|classes|columns|days|draws|errors|escapes|events|hours|"
    "inspectors|labels|lines|members|minutes|models|months|outputs|passes|people|points|policies|"
    "probabilities|problems|processes|replications|reviewers|reviews|rows|runs|samples|seconds|"
    "segments|texts|thresholds|tokens|values|versions|votes|weeks"
)
OUTSIDE = "a|and|are|when|decides|has|have|in|is|names|never|no|of|so|the|to|with"  # ends the count
# a blank, at most two words that belong to the noun, and the noun in its plural
COUNT = re.compile(
    r"\{\w+(?:![rs])?(?::[^}|]*)?\}\*{0,2} "
    rf"(?:(?!(?:{OUTSIDE}) )[a-z][a-z-]* ){{0,2}}(?:{NOUNS})\b(?!\|)"
)


def counts_without_forms(catalogue: Mapping[str, str | tuple[str, ...]]) -> list[str]:
    """Return the keys of sentences that would say "1 cases"."""
    return [key for key, text in catalogue.items() if isinstance(text, str) and COUNT.search(text)]


@pytest.mark.parametrize("folder", [MESSAGES_FOLDER, WORDS_FOLDER], ids=["messages", "screens"])
def test_every_counted_noun_has_its_singular(folder):
    assert counts_without_forms(read_catalogues(folder, "en")) == []


@pytest.mark.parametrize(
    ("text", "is_plural_only"),
    [
        ("{n} cases are left", True),
        ("all {n:,} labelled cases", True),
        ("**{value}** full-time people", True),
        ("{n} {n:case|cases}", False),
        ("{share} of all cases", False),
        ("{file} has no rows", False),
    ],
)
def test_a_counted_noun_is_recognised(text, is_plural_only):
    assert bool(counts_without_forms({"key": text})) == is_plural_only


def test_each_noun_takes_the_form_of_its_own_count():
    pattern = "{n:,} {n:case|cases} in {m} {m:row|rows}"
    assert fill_blanks("en", pattern, {"n": 1, "m": "2"}) == "1 case in 2 rows"
    assert fill_blanks("en", pattern, {"n": 2000, "m": "1"}) == "2,000 cases in 1 row"


def test_a_sentence_names_what_its_reader_can_set():
    hidden = {"n": 2, "rows": "3, 4"}
    assert "Set --hidden-rows to read them." in sentence("en", "cases.hidden_rows", **hidden)
    for language, name in (
        ("en", "“Read hidden and filtered rows too”"),
        ("ja", "「非表示・フィルターの行も読む」"),
    ):
        on_a_page = Words(language).sentence("cases.hidden_rows", **hidden)
        assert name in on_a_page
        assert "--" not in on_a_page


def test_an_error_within_an_error_and_a_column_at_fault_are_named_alike():
    inner = errors.CasesError(
        "cases.no_such_column", name="--x", option="--text-column", columns="a"
    )
    outer = errors.CasesError("cases.bad_header", file="f.csv", row=1, reason=inner)
    written = Words("en").error_text(outer)
    assert "'--x', which “Text” names" in written
    assert "name its line with “Row of the header”" in written
    assert "'--x', which --text-column names" in error_text(inner, "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_option_of_a_sentence_has_a_field_on_the_page_or_none_at_all(language):
    """What no page has keeps the command line's name: options of exams, and of several files."""
    used = {
        option
        for words in CATALOGUES[language].values()
        for form in ([words] if isinstance(words, str) else words)
        for option in re.findall(r"\{control\[([a-z-]+)\]\}", form)
    }
    assert used - set(field_names(language)) == {
        *("question-column", "option-columns", "skip-bad-rows"),
    }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "value", ["\x1b[31mevil", "a\r\nb", "\x9b2J", "\u202eevil", Path("\x07.csv")]
)
def test_no_value_of_a_sentence_can_move_a_terminal(language, value):
    for shown in (value, [value], errors.SettingsError("cases.empty_file", file=value)):
        text = sentence(language, "pipeline.setup_packages_missing", missing=shown)
        assert not set(text) & set("\x1b\r\n\x9b\u202e\x07")
