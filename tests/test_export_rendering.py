"""The exports in the programs that read them: LibreOffice draws the slides, poppler the pages.

A machine without the two programs skips these tests: `apt-get install poppler-utils
libreoffice-impress` brings them.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from core.report.exports import export_document
from dashboard.i18n import LANGUAGE_NAMES, Words
from tests.minutes import document
from tests.stores import make_store

OFFICE = shutil.which("soffice")
POPPLER = all(map(shutil.which, ("pdffonts", "pdftotext")))
needs_office = pytest.mark.skipif(
    OFFICE is None, reason="no soffice on the PATH: `apt-get install libreoffice-impress` brings it"
)
needs_poppler = pytest.mark.skipif(
    not POPPLER, reason="no poppler on the PATH: `apt-get install poppler-utils` brings it"
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("rendering") / "store", "full")


def printed(tool: str, file: Path, *options: str) -> str:
    command = [tool, *options, str(file), *(["-"] if tool == "pdftotext" else [])]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@needs_poppler
@pytest.mark.parametrize("language", LANGUAGE_NAMES)
def test_every_font_of_the_pdf_is_embedded_and_its_words_can_be_read(store, language, tmp_path):
    made = document(store, language)
    file = tmp_path / "minutes.pdf"
    file.write_bytes(export_document(made, "pdf"))
    # name, type, encoding, emb, sub, uni: the columns are apart by blanks, the name has none
    fonts = [line.split() for line in printed("pdffonts", file).splitlines()[2:]]
    assert fonts
    assert all("NotoSansJP" in font[0] and font[-5] == "yes" for font in fonts)
    first = printed("pdftotext", file, "-l", "1", "-layout")
    assert made.sections[0].title.replace(" ", "") in first.replace(" ", "").replace("\n", "")
    assert Words(language)("minutes.provenance") not in first


@needs_office
@needs_poppler
@pytest.mark.parametrize("language", LANGUAGE_NAMES)
def test_libreoffice_draws_every_slide_with_its_words(store, language, tmp_path):
    made = document(store, language)
    (tmp_path / "minutes.pptx").write_bytes(export_document(made, "pptx"))
    subprocess.run(
        [OFFICE, "--headless", "--convert-to", "pdf", "--outdir", tmp_path, "minutes.pptx"],
        cwd=tmp_path,
        # a profile of its own: LibreOffice refuses to start twice with one
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=True,
        timeout=240,
    )
    pages = printed("pdftotext", tmp_path / "minutes.pdf").split("\f")
    text = "".join("".join(pages).split())
    for section in made.sections:
        assert "".join(section.title.split()) in text
    # the decision is on the first slide alone
    assert "".join(made.sections[0].title.split()) in "".join(pages[0].split())
