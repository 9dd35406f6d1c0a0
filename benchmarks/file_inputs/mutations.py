"""Good files, mutated: never another text than the file's, never an exception's name as the
message.

Three kinds. A writer's other habits (delimiter, quotes, line ends, marks, encoding, blank lines)
leave the texts as they are: they are read exactly, or the file or row is refused. Damage to bytes
leaves no one text that is right: what is read must be in the bytes, in the encoding that the report
names. A damaged part of a workbook is read or refused: no library's exception reaches a user.
"""

import csv
import io
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from benchmarks.file_inputs.making import zip_file, zip_parts
from benchmarks.file_inputs.workbook_inputs import WORKBOOKS
from core.cases.read import read_cases
from core.errors import CasesError

WORDS = {
    "ja": [
        "ポンプ",
        "異音",
        "油漏れ",
        "を交換した。",
        "運転席の窓",
        "（至急）",
        "ﾊﾞﾙﾌﾞ",
        "M8ボルト",
        "点検",
        "、左側",
    ],
    "en": [
        "valve stuck",
        "won’t close",
        "“main” line",
        '5" pipe',
        "fan, noisy",
        "temp 85°C",
        "it’s worn",
        "- left",
    ],
    "de": ["Öl läuft aus", "Tür klemmt", "größer als", "Zähne", "Überdruck", "Kühler, links"],
    "fr": ["fuite détectée", "côté", "l’arrière", "pièce cassée", "où", "câble"],
}
ENCODINGS = {
    "ja": ["utf-8", "cp932", "euc_jp", "utf-16", "iso2022_jp_ext"],
    "en": ["utf-8", "cp1252", "utf-16"],
    "de": ["utf-8", "cp1252", "utf-8-sig"],
    "fr": ["utf-8", "cp1252"],
}


@st.composite
def written_files(draw) -> tuple[bytes, list[str], str]:
    """Draw a file in one writer's habits: (content, its texts, its encoding)."""
    language = draw(st.sampled_from(sorted(WORDS)))
    phrases = st.lists(st.sampled_from(WORDS[language]), min_size=1, max_size=4).map(" ".join)
    texts = draw(st.lists(phrases, min_size=1, max_size=8))
    encoding = draw(st.sampled_from(ENCODINGS[language]))
    delimiter = draw(st.sampled_from([",", ";", "\t", "|"]))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    rows = [
        ["id", "text", "label"],
        *([str(i), text, "ABC"[i % 3]] for i, text in enumerate(texts)),
    ]
    out = io.StringIO(newline="")
    if draw(st.booleans()):
        out.write(end * draw(st.integers(1, 2)))
    csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=end).writerows(rows)
    if draw(st.booleans()):
        out.write(draw(st.sampled_from([end, delimiter * 2 + end, " " + end])))
    return out.getvalue().encode(encoding), texts, encoding


@st.composite
def damaged_files(draw) -> bytes:
    """Draw a text file with bytes changed, cut out, doubled or put in."""
    content, _, _ = draw(written_files())
    return draw(damaged_bytes(content))


@st.composite
def damaged_workbooks(draw) -> bytes:
    """Draw a workbook with one of its XML parts damaged, in an archive that is whole."""
    content = draw(st.sampled_from([entry.content for entry in WORKBOOKS if entry.cases]))
    parts = zip_parts(content)
    name = draw(st.sampled_from([part for part in parts if part.startswith("xl/")]))
    return zip_file(parts | {name: draw(damaged_bytes(parts[name]))})


@st.composite
def damaged_bytes(draw, content: bytes) -> bytes:
    """Draw one to three changes of the bytes."""
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, max(0, len(content) - 1)))
        size = draw(st.integers(1, 6))
        change = draw(st.sampled_from(["cut", "put", "change", "double", "end"]))
        piece = draw(st.binary(min_size=1, max_size=size))
        content = {
            "cut": content[:place] + content[place + size :],
            "put": content[:place] + piece + content[place:],
            "change": content[:place] + piece + content[place + len(piece) :],
            "double": content[: place + size] + content[place:],
            "end": content[:place],
        }[change]
    return content


def try_mutations(folder: Path, n: int) -> dict:
    """Return {tried, read, refused, wrong, unclear, examples} of n files.

    Half of them are written, a quarter damaged texts, a quarter damaged workbooks.
    """
    counts: Counter = Counter()
    examples: list[str] = []

    @_profile(n // 2)
    @given(written_files())
    def try_written(file) -> None:
        content, texts, encoding = file
        _count(folder, content, lambda cases: _texts_of_written(cases, texts), counts, examples)

    @_profile(n // 4)
    @given(damaged_files())
    def try_damaged(content) -> None:
        _count(folder, content, lambda cases: _texts_in_bytes(cases, content), counts, examples)

    @_profile(n // 4)
    @given(damaged_workbooks())
    def try_workbook(content) -> None:
        _count(folder, content, lambda _: "", counts, examples)  # no text is right or wrong

    try_written()
    try_damaged()
    try_workbook()
    names = ("tried", "read", "refused", "wrong", "unclear")
    return {name: counts[name] for name in names} | {"examples": examples[:10]}


def _profile(examples: int) -> settings:
    return settings(
        max_examples=max(1, examples),
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def _count(folder: Path, content: bytes, check, counts: Counter, examples: list[str]) -> None:
    path = folder / "mutation.csv"
    path.write_bytes(content)
    counts["tried"] += 1
    try:
        cases = read_cases(path)
    except CasesError as e:
        counts["refused"] += 1
        if "Error" in str(e) or str(e) == e.code:
            counts["unclear"] += 1
            examples.append(f"unclear: {e}")
        return
    except Exception as e:  # an exception that is not ours is what this looks for
        counts["unclear"] += 1
        examples.append(f"{type(e).__name__}: {e}: {content[:200]!r}")
        return
    counts["read"] += 1
    if difference := check(cases):
        counts["wrong"] += 1
        examples.append(f"{difference}: {content[:300]!r}")


def _texts_of_written(cases, texts: list[str]) -> str:
    """What differs from the texts that were written; a row with a problem may be left out."""
    rows = iter(texts)
    for text in cases.frame["text"]:
        if not any(text == written for written in rows):
            return f"{text!r} is none of {texts}"
    lost = len(texts) - len(cases.frame) - len(cases.problems)
    return f"{lost} rows lost in silence" if lost > 0 else ""


def _texts_in_bytes(cases, content: bytes) -> str:
    """What was read and is not in the bytes under the encoding that was reported."""
    decoded = content.decode(cases.encoding, errors="replace")
    for text in cases.frame["text"]:
        if text not in decoded and text.replace('"', '""') not in decoded:
            return f"{text!r} is not in the file as {cases.encoding}"
    return ""
