"""Spelling by language: the bits that a word costs by the pairs of its letters.

Pairs are counted in the names of languages, countries, cities, currencies, months and days that the
Unicode CLDR has in each language (by Babel). Knows no encoding and no file.
"""

import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

# Language -> bits that it costs before its first word: the product's own languages cost nothing.
SPELLINGS = (
    {"is": 10.0, "sq": 10.0}
    | dict.fromkeys(("en", "de", "fr", "es"), 0.0)
    | dict.fromkeys(
        (
            *("it", "pt", "nl", "sv", "da", "fi", "pl", "cs", "sk", "hu", "ro", "hr", "sl"),
            *("lt", "lv", "et", "tr", "ru", "uk", "bg", "sr", "el", "he", "ar", "fa", "th"),
        ),
        4.0,
    )
)
# Frequent words with letters beyond ASCII, which names lack. Together they have the alphabet.
_WORDS = {
    "de": "für über können müssen wäre während möglich größer außen öffnen ändern übung",
    "fr": "à où été être même après très déjà là dès côté pièce ça août œuvre naïf noël île sûr",
    "es": "más también está después además así aquí qué cómo año número sólo él sí día ú ó güe",
    "it": "è perché più può già così però né sarà qualità là lì sì ù",
    "pt": "é à não são está também você até há já número água só após três às ações avô põe país último",
    "nl": "één geïnd coördinatie ideeën reünie",
    "sv": "för är på när även då också från två åtgärd öppna ändra",
    "da": "på får når også før så øl æble ændre øverst åben",
    "fi": "että myös tämä jälkeen öljy käytä päivä yö ääni vähän å",
    "is": "að það þú við á í sé hún ég þetta úr ýmis æ önnur ólíkur",
    "pl": "się że już są być także może część śruba ćwierć źle żeby łódź ósmy koń dłoń",
    "cs": "že jsou při také může více být já řada čas šroub žádost ústí únik ď ť ň ě ů ó",
    "sk": "že sú pri môže viac byť ľavý čas škoda žiadosť ktorý únik ĺ ŕ ä ď ň ó í",
    "hu": "és még több őr űr ő működik túl új után ötlet üzem állapot így ó í ú",
    "ro": "și în să după fără câteva țară şi ţară",
    "hr": "što će još više može kuća đak žena čuvar ćud",
    "sl": "še že več čas škoda žival",
    "lt": "už jų šis čia žmogus ėmė įtampa ąžuolas ūkis tęsti į iš dėl būti kurį mūsų taip ačiū "
    "įvyko dabar šį vėl",
    "lv": "arī šis čaula žurnāls ķīmija ļoti ņemt ģimene ūdens ēka īss āda būt kļūda mūsu tā pēc "
    "līdz vairāk ceļš viņš lūdzu sūtīt sūdzība tūkstoš",
    "et": "õli ära öö üks või küll näitab š ž",
    "tr": "için çok değil şey ığdır ölçü üç şu ısı istanbul âlâ",
    "ru": "ещё её всё ёмкость щётка чёрный жёлтый съём объём подъезд это эти юг хвост цех фланец "
    "гайка бак замок муфта пыль рычаг щит наш шаг если уже или я",
    "sq": "është për një në të që çdo",
    "th": "ที่ และ ของ ใน เป็น ได้ ไม่ มี การ ให้ ว่า จะ นี้ กับ แต่ หรือ ถูก ต้อง แล้ว ยัง จาก เมื่อ ก่อน หลัง "
    "เครื่อง เสีย น้ำมัน น้ำ รั่ว เสียง ดัง ปั๊ม มอเตอร์ ร้อน เย็น เปลี่ยน ซ่อม ชำรุด ตรวจสอบ แจ้ง ปัญหา ลูกค้า "
    "สินค้า ส่ง คืน เงิน บัญชี รหัส ผ่าน ระบบ งาน ทำ หยุด ไฟฟ้า สาย แตก หัก ใหม่ เก่า ปิด เปิด ติด รอ ช้า เร็ว "
    "โรงงาน ใช้ ขอ ผิด วันที่ เวลา ฐาน ญาติ ฝา ฟิวส์ ศูนย์ ธุรกิจ อุณหภูมิ ระดับ ถ้า ภาพ ซื้อ ณ ใบ ๆ",
}
_WEIGHT = 20  # occurrences of each, in a table of about 18,000 pairs
_LOANS = frozenset("éèàçñöüä")  # in names and loan words of every Latin language
LATIN_LANGUAGES = tuple(SPELLINGS)[: tuple(SPELLINGS).index("ru")]
SHORT_LIST = 5  # languages whose pairs are counted, after a sieve by single letters
_CONTEXT = 0.5  # weight of a text's ASCII words: codes and labels are in no language
# Romanian is written with commas or cedillas below, and old and new codecs differ in that alone:
# both cost the same, so that no reading of such bytes wins by it.
_COMMAS = str.maketrans("șțȘȚ", "şţŞŢ")
_EDGE = " "  # before the first and after the last letter of a word
_PAIRS_OF_ALL = 25.0  # weight, in pairs, of a letter's frequency against that of its pairs
_UNUSED = 20.0  # bits of a letter that a language does not use
_CASE = 9.0  # bits of a capital after a small letter


@dataclass(frozen=True)
class Spelling:
    """The bits of words with letters beyond ASCII, and the share of those letters that is unused."""

    bits: float
    unused: float


def best_spelling(words: Mapping[str, int], plain_words: Mapping[str, int]) -> Spelling:
    """Return the spelling of `words` ({word: how often}) in the language that fits a text best.

    plain_words: the text's words of ASCII letters, which every decoding has in common. They cost
    what they cost more in that language than in the one that fits them best.
    """
    if not words:
        return Spelling(0.0, 0.0)
    capitals = sum(_CASE * n * _odd_capitals(word) for word, n in words.items())
    lowered = _lowered(words)
    context = _context_bits(frozenset(_lowered(plain_words).items()))
    first = sorted(SPELLINGS, key=lambda language: _letter_bits(language, lowered))[:SHORT_LIST]
    costs = {name: SPELLINGS[name] + _pair_bits(name, lowered) + context[name] for name in first}
    best = min(costs, key=costs.__getitem__)
    foreign = Counter(c for word, n in lowered.items() for c in word * n if not c.isascii())
    used = _frequencies(best)[0]
    unused = sum(n for c, n in foreign.items() if c not in used)
    return Spelling(capitals + costs[best], unused / max(1, foreign.total()))


def _odd_capitals(word: str) -> int:
    """Return how many capitals are within a word that has small letters."""
    return 0 if word.isupper() else sum(c.isupper() for c in word[1:])


def _lowered(words: Mapping[str, int]) -> Counter:
    """Return words in small letters, with cedillas for commas below.

    Turkish İ, which Python lowers to two characters, is i.
    """
    lowered: Counter = Counter()
    for word, n in words.items():
        lowered[word.translate(_COMMAS).replace("İ", "i").lower()] += n
    return lowered


@lru_cache(maxsize=256)
def _context_bits(words: frozenset[tuple[str, int]]) -> dict[str, float]:
    """Return what a text's ASCII words cost in each language beyond the one that fits them best.

    Other scripts than Latin cost nothing: their texts have ASCII words of any language.
    """
    bits = {name: _pair_bits(name, dict(words)) for name in LATIN_LANGUAGES}
    least = min(bits.values())
    return dict.fromkeys(SPELLINGS, 0.0) | {n: _CONTEXT * (b - least) for n, b in bits.items()}


def katakana_bits(word: str) -> float:
    """Return the bits of a word of half-width katakana, by its pairs of full-width ones."""
    return _pair_bits("ja", {unicodedata.normalize("NFKC", word): 1})


def _letter_bits(language: str, words: Mapping[str, int]) -> float:
    """Return the bits of words by the frequency of single letters."""
    letters = _frequencies(language)[0]
    bits = sum(n * letters.get(c, _UNUSED) for word, n in words.items() for c in word)
    return SPELLINGS[language] + bits


def _pair_bits(language: str, words: Mapping[str, int]) -> float:
    """Return the bits of words, each letter after the one before it."""
    letters, pairs, totals = _frequencies(language)
    bits = 0.0
    for word, n in words.items():
        for a, b in zip(_EDGE + word, word + _EDGE, strict=True):
            rare = 2.0 ** -letters.get(b, _UNUSED)
            share = (pairs[a, b] + _PAIRS_OF_ALL * rare) / (totals[a] + _PAIRS_OF_ALL)
            bits -= n * math.log2(share)
    return bits


@cache
def _frequencies(language: str) -> tuple[dict[str, float], Counter, Counter]:
    """Return a language's {letter: bits}, its pairs of letters, and how often each is first."""
    pairs: Counter = Counter()
    frequent = _WORDS.get(language, "").translate(_COMMAS)
    for name in (*_names(language), *[frequent] * _WEIGHT):
        letters = (c if is_letter(c) else _EDGE for c in unicodedata.normalize("NFC", name))
        for word in "".join(letters).translate(_COMMAS).replace("İ", "i").lower().split():
            # Foreign names keep their accents: they are not letters of the language.
            if not frequent or all(c.isascii() or c in _LOANS or c in frequent for c in word):
                pairs.update(zip(_EDGE + word, word + _EDGE, strict=True))
    totals: Counter = Counter()
    seconds: Counter = Counter()
    for (a, b), n in pairs.items():
        totals[a] += n
        seconds[b] += n
    total = sum(seconds.values())
    return {c: -math.log2(n / total) for c, n in seconds.items()}, pairs, totals


def _names(language: str) -> Iterable[str]:
    # Imported here: only files in an 8-bit encoding need it.
    from babel import Locale

    locale = Locale.parse(language)
    for table in (locale.languages, locale.territories, locale.currencies, locale.scripts):
        yield from map(str, table.values())
    for table in (locale.months, locale.days):
        yield from (str(name) for name in table["format"]["wide"].values())
    for zone in locale.time_zones.values():
        yield str(zone.get("city", ""))


def is_letter(c: str) -> bool:
    """Return whether a character is a letter, or a mark on one, of an alphabet."""
    return c not in "ªºµ" and unicodedata.category(c) in ("Ll", "Lu", "Lo", "Mn")
