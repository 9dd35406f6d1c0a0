"""Bytes of old encodings: read as what was written, or refused; never read as another text."""

from pathlib import Path

import pytest

from core.cases.encodings import decode_bytes
from core.errors import CasesError

COMMAS = "id,text\r\n1,Ușa nu se închide și face zgomot\r\n2,Siguranță arsă în tablou\r\n"
CEDILLAS = COMMAS.translate(str.maketrans("șț", "şţ"))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [(COMMAS, "iso8859_16"), (CEDILLAS, "cp1250"), (CEDILLAS, "iso8859_2")],
)
def test_romanian_of_commas_and_of_cedillas_is_refused_with_both_readings(text, encoding):
    # The three encodings have these letters at the same bytes.
    assert text.encode(encoding) == CEDILLAS.encode("cp1250")
    with pytest.raises(CasesError, match="Uşa nu.*Ușa nu|Ușa nu.*Uşa nu"):
        decode_bytes(text.encode(encoding), Path("cases.csv"))
    assert decode_bytes(text.encode(encoding), Path("cases.csv"), encoding).text == text


def test_romanian_with_a_sign_that_only_windows_has_is_read():
    text = CEDILLAS.replace("tablou", "tabloul „A2” – oprit")
    assert decode_bytes(text.encode("cp1250"), Path("cases.csv")).text == text


@pytest.mark.parametrize(
    ("line", "encoding"),
    [
        ("legan í dælunni er slitin", "mac_iceland"),  # as cp1252: "’ d¾lunni"
        ("Rulmentul pompei este uzat și face zgomot", "mac_romanian"),  # "¿i"
        ("correa dañada en el eje", "hp_roman8"),  # "da·ada"
        ("Il-pompa għandha ħsara", "iso8859_3"),  # as iso8859_2: "gąandha"
        ("Lüfter defekt", "cp850"),  # as cp932: "L’ter"
        ("sūknis", "cp1257"),  # as cp1252: "sûknis"
        ("ķēde", "iso8859_13"),  # "íçde"
        ("įranga", "cp1257"),  # "áranga"
    ],
)
def test_a_line_of_a_rare_encoding_is_never_read_as_another_text(line, encoding):
    text = f"id,text\r\n1,{line}\r\n"
    try:
        answer = decode_bytes(text.encode(encoding), Path("cases.csv")).text
    except CasesError as e:
        answer = e.code
    assert answer in (text, "cases.encoding_unclear")


@pytest.mark.parametrize("line", ["pompe cassée", "Tür klemmt", "motor averiado según turno"])
def test_a_word_that_only_one_of_windows_encodings_makes_likely_is_read(line):
    decoded = decode_bytes(f"id,text\r\n1,{line}\r\n".encode("cp1252"), Path("cases.csv"))
    assert (decoded.encoding, decoded.text.splitlines()[1]) == ("cp1252", f"1,{line}")


def test_windows_encodings_that_the_text_does_not_tell_apart_are_refused_with_both_readings():
    with pytest.raises(CasesError, match="áranga.*įranga"):
        decode_bytes("id,text\r\n1,įranga\r\n".encode("cp1257"), Path("cases.csv"))
