"""The page 'Monitor' as a reader meets it: empty, quiet, alarmed, in both languages."""

from functools import partial

import pytest

from core.decision.thresholds.policy import Policy
from core.pipeline.apply import apply_policy
from core.store.ledger import Ledger
from core.store.store import Store
from core.store.watch_events import WatchEvents
from dashboard.i18n import LANGUAGES
from tests.pages import chart, page_text
from tests.stores import make_store

RUN = "score-work-orders-student-stream"


@pytest.fixture
def open_page(open_view):
    return partial(open_view, "monitor")


@pytest.fixture
def store(tmp_path) -> Store:
    return make_store(tmp_path / "store", "full")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", ["tiny", "full"])
def test_without_audits_the_page_says_that_only_inputs_are_seen(open_page, size, language):
    page = open_page(size, lang=language)
    assert not page.exception
    text = page_text(page)
    wanted = {"en": "The real leakage is not known", "ja": "実際の見逃し率は分かりません"}[language]
    assert wanted.lower() in text.lower() or "the real leakage is not known" in text
