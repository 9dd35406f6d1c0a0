"""The catalogues: every word on the screen is there in both languages, with the same blanks to fill
in.
"""

import ast
import re
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.messages import MESSAGES_FOLDER, read_catalogues
from dashboard.i18n import CURRENCIES, DASH, LANGUAGE_NAMES, Words, catalogue, escape_markdown

DASHBOARD = Path(__file__).resolve().parent.parent / "dashboard"


def sentences(language: str) -> dict[str, str]:
    """Return {key: words}; plural forms are joined, since what holds for one must hold for all."""
    return {
        key: text if isinstance(text, str) else "\n".join(text)
        for key, text in catalogue(language).items()
    }


EN, JA = sentences("en"), sentences("ja")


def blanks(text: str) -> set[str]:
    """Return the names in braces of a string."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def constants(node: ast.AST) -> set[str]:
    """Return the strings in a piece of code that look like a key or, ending in a dot, like the
    beginning of one.
    """
    strings = {
        n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)
    }
    return {text for text in strings if re.fullmatch(r"[a-z_]+(\.[a-z_]*)*", text)}


# core.report writes a meeting's minutes with the words that it is handed, so its files ask for keys
# too.
FILES = [*DASHBOARD.rglob("*.py"), *(DASHBOARD.parent / "core" / "report").glob("*.py")]
TREES = [ast.parse(file.read_text(encoding="utf-8")) for file in FILES]


def asked() -> set[str]:
    """Return the keys that words(...), words.markdown(...) and words.chart_words(...) get spelled
    out.
    """
    calls = [node for tree in TREES for node in ast.walk(tree) if isinstance(node, ast.Call)]
    given = [
        n
        for call in calls
        if ast.unparse(call.func) in ("words", "words.markdown", "words.chart_words", "words.many")
        for n in call.args
    ]
    found = {
        key for node in given if not isinstance(node, ast.JoinedStr) for key in constants(node)
    }
    return {key for key in found if not key.endswith(".")}


def test_both_catalogues_have_the_same_keys():
    assert set(EN) == set(JA)


def test_a_key_has_the_same_blanks_in_both_languages():
    assert {k: blanks(text) for k, text in EN.items()} == {k: blanks(t) for k, t in JA.items()}


def test_every_word_that_the_code_asks_for_is_there():
    assert asked() <= set(EN), sorted(asked() - set(EN))


def test_every_word_that_is_there_is_asked_for():
    """Spelled out somewhere in the code, or put together from a beginning that is, or the help or
    alt text of a key.
    """
    found = {text for tree in TREES for text in constants(tree)}
    begun = tuple(text for text in found if text.endswith("."))
    leftover = {
        k
        for k in EN
        if k not in found
        and not k.startswith(begun)
        and k.split(".")[-1] not in ("help", "alt", "nav")
    }
    assert not leftover, sorted(leftover)


def test_japanese_is_japanese():
    """Each Japanese string has kana or kanji, but the few that are the same sign in both
    languages.
    """
    assert {
        key for key, text in JA.items() if not re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", text)
    } == {"tour.count", "ranged"}


def test_japanese_writes_ranges_with_one_sign_and_has_one_word_for_a_case():
    texts = {**JA, **{k: str(v) for k, v in read_catalogues(MESSAGES_FOLDER, "ja").items()}}
    assert {key for key, text in texts.items() if "\uff5e" in text or "事例" in text} == set()


def test_a_missing_key_is_an_error_and_no_empty_place_on_the_screen():
    with pytest.raises(KeyError, match="no.such.key"):
        Words("ja")("no.such.key")


@pytest.mark.parametrize(
    ("n", "text"),
    [
        (0, "0 older jobs are not shown."),
        (1, "1 older job is not shown."),
        (2, "2 older jobs are not shown."),
    ],
)
def test_a_count_chooses_its_form(n, text):
    assert Words("en").many("jobs.more", n) == text


def test_forms_of_a_count_differ_in_english():
    """A second form that repeats the first says "1 cases"; "more" has no noun to inflect."""
    forms = {key: text for key, text in catalogue("en").items() if not isinstance(text, str)}
    assert {key for key, (singular, plural) in forms.items() if singular == plural} <= {
        "route.more"
    }


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (0.0412, "0.041"), (1.13, "1.1"), (12.34, "12"), (1234.5, "1,234"), (None, DASH)],
)
def test_numbers_show_two_significant_figures(value, shown):
    assert Words("en").number(value) == shown


@pytest.mark.parametrize("language", LANGUAGE_NAMES)
def test_money_follows_the_currency_and_the_language(language):
    words = Words(language)
    assert words.money(12.345, "AUD") == "A$12.34"
    assert words.money(12.345, "EUR") == "€12.34"
    assert words.money(12.6, "JPY") == {"en": "¥13", "ja": "13円"}[language]
    assert words.money(12345.6, "USD") == "$12,346"
    assert words.money_in_short(12345.6, "USD") == "$12,346"
    assert words.money_in_short(None, "USD") == words.money(None, "USD") == "–"
    assert words.money_in_short(-1.264e9, "JPY") == {"en": "-¥1.26B", "ja": "-12.6億円"}[language]
    assert all(words.symbol(currency) for currency in CURRENCIES)


@pytest.mark.parametrize(
    ("language", "currency", "amounts", "written"),
    [
        ("ja", "JPY", (45_274, 2_200_000), ["4.53万円", "220万円"]),
        ("ja", "JPY", (1_727, 30_000), ["1,727円", "30,000円"]),  # nor would 0.17万円
        ("ja", "JPY", (23_461, 56_892), ["2.35万円", "5.69万円"]),
        ("ja", "JPY", (450, 2_200_000), ["450円", "2,200,000円"]),  # 0.05万円 would say little
        ("ja", "JPY", (30_000_000, 123_000_000), ["3,000万円", "12,300万円"]),
        ("ja", "JPY", (130_000_000, 1_230_000_000), ["1.3億円", "12.3億円"]),
        ("ja", "JPY", (45_274, 123_000_000), ["4.53万円", "12,300万円"]),
        ("ja", "JPY", (0, None, -2_000_000), ["0円", "–", "-200万円"]),
        ("en", "EUR", (271.64, 13_202), ["€272", "€13,202"]),
        ("en", "EUR", (-0.001, 12), ["€0.00", "€12.00"]),
        ("en", "JPY", (5_000, 126_000_000), ["¥5,000", "¥126,000,000"]),
        ("en", "JPY", (98_000_000, 126_000_000), ["¥98M", "¥126M"]),
    ],
)
def test_amounts_of_one_sentence_have_the_form_of_the_largest(language, currency, amounts, written):
    write = Words(language).money_form(amounts, currency, in_short=True)
    assert [write(amount) for amount in amounts] == written


def test_percents_and_dates_follow_the_language():
    from datetime import UTC, datetime

    day = datetime(2011, 3, 4, 5, 6, tzinfo=UTC)
    assert Words("en").percent(0.3125) == "31.2%"
    assert Words("ja").percent(0.00123, 2) == "0.12%"
    assert Words("en").date(day) == "4 Mar 2011"
    assert Words("ja").time(day) == "2011/03/04 05:06"


@pytest.mark.parametrize(
    "address", ["http://a.example/x", "HTTPS://a.example", "www.a.example", "a.b+c@d.example"]
)
def test_a_bare_address_becomes_no_link(address):
    """What mdast-util-gfm-autolink-literal looks for in text, after backslashes are resolved."""
    shown = escape_markdown(f"see {address} there").replace("\\", "")
    assert shown.replace("\u2060", "") == f"see {address} there"
    assert not re.search(r"https?://|www(?=\.)(?!\u2060)\.|[-.\w+]@", shown, re.IGNORECASE)


@given(st.text(alphabet=string.printable, max_size=40))
def test_no_text_of_a_case_can_be_markup(text):
    """Every sign that markdown could read is behind a backslash; taking the backslashes away gives
    the text again.
    """
    shown = escape_markdown(text)
    unescaped = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", shown).replace("\u2060", "")
    assert unescaped == " ".join(text.split())
    assert not re.search(r"(?<!\\)(?:\\\\)*[*_`$<\[:#~|]", shown)


# Terms that the screens no longer use; each has a present one.
WITHDRAWN = {
    "ja": (
        "見逃し",
        "出発点",
        "判定データ",
        "点推定モデル",
        "経験不足",
        "約束の時間",
        "もしも",
        "5のうち1",
        "採算を見る",
        "検査員の投票",
        "案の固定",
        "固定した案",
        "出来事",
        "月の費用",
        "費用（月）",
        "レビュー担当",
        "自動受理",
        "校正用",
    ),
    "en": (
        "elective risk",
        "People answer",
        "people answering",
        "Take the minutes",
        "Nothing in force",
        "frozen",
        "Freeze",
    ),
}


@pytest.mark.parametrize("language", LANGUAGE_NAMES)
def test_withdrawn_terms_are_gone(language):
    texts = [
        text
        for sentences_of in (catalogue(language), read_catalogues(MESSAGES_FOLDER, language))
        for value in sentences_of.values()
        for text in ((value,) if isinstance(value, str) else value)
    ]
    assert not [text for text in texts for term in WITHDRAWN[language] if term in text]


@pytest.mark.parametrize("language", LANGUAGE_NAMES)
def test_an_interval_stands_in_no_brackets_but_round_ones(language):
    texts = {**catalogue(language), **read_catalogues(MESSAGES_FOLDER, language)}
    square = re.compile(r"\[\{low\w*\}[^]]*\{high")
    assert not [key for key, text in texts.items() if square.search(str(text))]


@pytest.mark.parametrize("language", LANGUAGE_NAMES)
def test_nats_are_named_only_where_methods_are(language):
    unit = {"ja": "ナット", "en": "nats"}[language]
    keys = [key for key, texts in catalogue(language).items() if unit in str(texts)]
    assert keys
    assert all(key.startswith("terms.") for key in keys)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0円"),
        (-0.4, "0円"),
        (500, "500円"),
        (9_999, "9,999円"),
        (30_000, "3万円"),  # exact amounts, such as unit costs, have no zeros behind the point
        (45_000, "4.5万円"),
        (67_404, "6.74万円"),
        (99_999.6, "10.0万円"),
        (123_456, "12.3万円"),
        (-9_312_345, "-931万円"),
        (12_983_000, "1,298万円"),
        (99_994_000, "9,999万円"),
        (99_996_000, "1.00億円"),
        (126_000_000, "1.26億円"),
        (3_220_000_000, "32.2億円"),
    ],
)
def test_yen_are_written_as_japanese_readers_count_them(value, text):
    assert Words("ja").money(value, "JPY") == text


@pytest.mark.parametrize("amount", ["711万円", "1.26億円", "500円"])
def test_no_line_of_japanese_breaks_within_an_amount(amount):
    text = Words("ja").markdown("tile.money.less", money=amount)
    joined = re.sub("(?=[万億円])", "\u2060", amount)
    assert joined in text.replace("\\", "")
