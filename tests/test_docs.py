"""The documents agree with the code: commands exist, links lead somewhere, README quotes what was
measured.
"""

import re
import shlex
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from pkgutil import resolve_name

import pytest

from core.cli import parser
from core.messages import LANGUAGES, MESSAGES_FOLDER, read_catalogues
from dashboard.app import PAGE_GROUPS
from dashboard.i18n import WORDS_FOLDER, Words

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
RESULTS = sorted((ROOT / "docs" / "results").glob("*.md"))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_readme_is_read_in_three_minutes():
    assert len(README.read_text(encoding="utf-8").split()) <= 900


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_to_a_file(page):
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
    own = [link for link in links if "://" not in link]
    assert [link for link in own if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_names_a_module_that_exists(page):
    modules = re.findall(r"python -m ((?:core|benchmarks)[\w.]*)", page.read_text(encoding="utf-8"))
    assert [module for module in modules if find_spec(module.rstrip(".")) is None] == []


def test_every_figure_of_readme_is_in_a_page_of_results():
    """A measured share, score or ratio has three decimals or a unit; docs/results has it too."""
    measured = re.findall(r"(?<![\d.])\d\.\d{3}(?!\d)|\d+\.\d+%|\d+\.\d times", readme_text())
    results = " ".join(page.read_text(encoding="utf-8") for page in RESULTS)
    assert len(measured) > 10
    assert [figure for figure in measured if figure not in results] == []


def readme_text() -> str:
    """Return README in one line, so that a figure and its unit stay together."""
    return " ".join(README.read_text(encoding="utf-8").split())


@pytest.mark.parametrize("picture", sorted((ROOT / "docs").glob("*.png")), ids=name)
def test_a_picture_is_small(picture):
    assert picture.stat().st_size < 300_000


def test_every_function_that_the_architecture_names_exists():
    """`core.module.function` in docs/ARCHITECTURE.md is importable as written."""
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    paths = re.findall(r"`((?:core|dashboard)(?:\.\w+)+)(?:\(\))?`", text)
    assert len(paths) > 20
    assert [path for path in paths if not exists(path)] == []


def exists(path: str) -> bool:
    """Return whether a dotted path is a module, or what is defined in one."""
    try:
        resolve_name(path)
    except (ImportError, AttributeError):
        return False
    return True


READMES = [README, ROOT / "README.ja.md"]


def readme_commands() -> list[str]:
    """Return the lines of the READMEs' code blocks that run a verb, without comments."""
    blocks = [
        block
        for page in READMES
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    ]
    lines = [line.split("  #")[0] for block in blocks for line in block.splitlines()]
    begins = r"(?:kakushin|\.venv/bin/python -m core) "
    return [re.sub(begins, "", line) for line in lines if re.match(begins, line)]


@pytest.mark.parametrize("command", readme_commands())
def test_the_command_line_takes_every_command_of_the_readmes(command):
    assert callable(parser().parse_args(shlex.split(command)).run)


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_name_the_program_as_the_readmes_do_and_verbs_that_it_has(language):
    """`python -m core` needs the environment's own Python, so no sentence names it."""
    texts = [
        str(text)
        for folder in (MESSAGES_FOLDER, WORDS_FOLDER)
        for text in read_catalogues(folder, language).values()
    ]
    assert [text for text in texts if "python -m core" in text] == []
    verbs = {verb for text in texts for verb in re.findall(r"kakushin ([a-z]+)", text)}
    (choices,) = (action.choices for action in parser()._actions if action.choices)
    assert len(verbs) > 10
    assert verbs <= set(choices)


def test_the_japanese_readme_names_pages_as_the_navigation_does():
    text = READMES[1].read_text(encoding="utf-8").partition("## 画面\n")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| \[?([^\]|]+?)(?:\]\([^)]*\))? \|", text, re.MULTILINE)[2:]
    titles = {Words("ja")(f"{page}.nav") for group in PAGE_GROUPS.values() for page in group}
    assert len(listed) > 5
    assert set(listed) <= titles


def test_pages_are_found():
    assert set(chain(RESULTS, [README])) <= set(PAGES)
