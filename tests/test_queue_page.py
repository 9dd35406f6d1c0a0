"""The page 'Queue' as a reviewer meets it: one case at a time, blind ones without the answer."""

from datetime import UTC, date, datetime
from functools import partial

import pytest

from core.decision.thresholds.costs import DEFAULT_COSTS
from core.decision.thresholds.policy import Policy
from core.pipeline.apply import apply_policy
from core.pipeline.review_desk import DeskTerms, waiting_queue
from core.store.audits import Audits
from core.store.entries import ReviewVerdict
from core.store.ledger import Ledger
from core.store.reviews import Reviews
from core.store.store import Store
from dashboard.i18n import LANGUAGE_NAMES, Words, escape_markdown
from dashboard.queue.excerpt import EXCERPT_LETTERS, readable_excerpt
from dashboard.session.address import preferred_currency
from tests.stores import add_scored, make_rows, make_run, open_claims

RUN = "score-work-orders-student-stream"


@pytest.fixture
def open_page(open_view):
    return partial(open_view, "queue")


@pytest.fixture
def store(tmp_path) -> Store:
    """Sixty cases, of which about half are accepted and all of those drawn for an audit."""
    store = Store(tmp_path / "store")
    add_scored(store, make_run("score", "student", "stream"), make_rows(60))
    version = Ledger(store).add_policy("line", Policy(0.6).to_dict(), "Sato", "first", [RUN])
    Ledger(store).add_policy_event("line", 1, "approve", "Abe", "agreed")
    apply_policy(store, RUN, version, date.today(), audit_share=1.0)
    return store


def text_of(page) -> str:
    kinds = (page.text, page.markdown, page.caption, page.info, page.warning, page.error)
    return "\n".join(element.value.replace("\u2060", "") for kind in kinds for element in kind)


def answer_keys(page) -> set[str]:
    return {button.key for button in page.button if button.key.startswith("queue_")}


@pytest.mark.parametrize("language", LANGUAGE_NAMES)
def test_without_a_decision_the_page_says_what_to_do(tmp_path, open_page, language):
    store = Store(tmp_path / "store")
    add_scored(store, make_run("score", "student", "stream"), make_rows(3))
    page = open_page(tmp_path, lang=language)
    assert not page.exception
    assert Words(language)("queue.no_policy").replace("\u2060", "") in text_of(page)
    assert [button.key for button in page.button if button.key.startswith("to_")] == ["to_worklist"]


@pytest.mark.parametrize("language", LANGUAGE_NAMES)
def test_answers_are_stored_with_their_draw_and_an_undo_withdraws_them(
    store, tmp_path, open_page, language
):
    page = open_page(tmp_path, lang=language)
    assert not page.exception
    # the first case of the day is an audit: its answer is hidden, and only a label answers it
    assert "queue_right" not in answer_keys(page)
    case_id = open_claims(store, RUN)["case_id"][0]
    draw = Audits(store).draws(RUN, "line", 1).set_index("case_id").loc[case_id]
    first = Words(language)("queue.no_last")
    assert first in text_of(page)  # holds the place of the last answer, so that nothing moves
    page = page.button(key="queue_label_0").click().run()
    assert not page.exception
    assert first not in text_of(page)
    verdict = Reviews(store).verdicts(RUN).iloc[-1]
    assert (verdict["case_id"], verdict["source"], verdict["blind"]) == (case_id, "audit", True)
    assert verdict["inclusion_probability"] == draw["inclusion_probability"]
    case = Audits(store).audited_cases(RUN, "line", 1).set_index("case_id").loc[case_id]
    right = verdict["label"] == case["predicted"]
    assert verdict["verdict"] == ("right" if right else "wrong")
    page = page.button(key="queue_undo").click().run()
    assert not page.exception
    assert Reviews(store).verdicts(RUN)["verdict"].tolist()[-1] == "withdrawn"
    assert len(Reviews(store).case_verdicts(RUN)) == 0
    assert open_claims(store, RUN)["case_id"].tolist()[-1] == case_id


@pytest.mark.parametrize("language", LANGUAGE_NAMES)
def test_answers_come_in_by_a_file_and_a_bad_file_adds_nothing(
    store, tmp_path, open_page, language
):
    page, words = open_page(tmp_path, lang=language), Words(language)
    [case_id, other] = store.predictions(RUN, ["case_id"])["case_id"][:2]
    good = f"case_id,label,reviewer\r\n{case_id},*cab*,Abe\r\n".encode()
    page.file_uploader(key="uploader_answers").set_value(("a.csv", good, "text/csv")).run()
    assert not page.exception
    counts = {"n": 1, "repeated": 0, "empty": 0}
    told = page.success[0].value
    assert told.startswith(escape_markdown(words.sentence("pipeline.verdicts_added", **counts)))
    assert "\\*cab\\*" in told  # a label that the model does not know, and no markdown
    verdict = Reviews(store).verdicts(RUN).iloc[-1]
    assert (verdict["case_id"], verdict["label"], verdict["reviewer"]) == (case_id, "*cab*", "Abe")
    bad = f"case_id,label\r\n{other},cab\r\nno such case,cab\r\n".encode()
    page.file_uploader(key="uploader_answers").set_value(("b.csv", bad, "text/csv")).run()
    assert not page.exception
    assert "no such case" in text_of(page)
    assert not page.success
    assert len(Reviews(store).verdicts(RUN)) == 1


@pytest.mark.parametrize(
    ("language", "choices", "today"),
    # a shift of 7.5 h, 80% of it for reviews, is 6 h a person
    [
        ("en", {"minutes": "30"}, 12),
        ("ja", {"minutes": "60"}, 6),
        ("en", {"minutes": "60", "reviewers": "2"}, 12),
    ],
)
def test_the_day_holds_the_cases_that_decides_assumptions_allow(
    store, tmp_path, open_page, language, choices, today
):
    words = Words(language)
    costs = DEFAULT_COSTS[preferred_currency(language)]
    minutes, people = float(choices["minutes"]), int(choices.get("reviewers", "1"))
    terms = DeskTerms(costs.escape, costs.review, minutes, 360 * people)
    queue, waiting = waiting_queue(store, RUN, terms)
    assert queue.ranked.today == today
    price = words.money(queue.ranked.shadow_price, preferred_currency(language))
    values = {"n": words.number(waiting, 0), "today": words.number(today, 0), "price": price}
    page = open_page(tmp_path, lang=language, **choices)
    assert not page.exception
    assert words.markdown("queue.capacity", **values).replace("\u2060", "") in text_of(page)
    assert page.number_input(key="queue_hours").value == 6 * people


def test_a_skip_stores_no_verdict_and_a_case_of_the_policy_shows_the_models_answer(
    store, tmp_path, open_page
):
    page = open_page(tmp_path)
    for _ in range(6):
        if "queue_right" in answer_keys(page):
            break
        assert "queue_skip" in answer_keys(page), text_of(page)
        page = page.button(key="queue_skip").click().run()
    assert len(Reviews(store).verdicts(RUN)) == 0
    assert "The model answers" in text_of(page)
    page = page.button(key="queue_right").click().run()
    assert not page.exception
    row = Reviews(store).verdicts(RUN).iloc[0]
    assert (row["verdict"], row["source"], bool(row["blind"])) == ("right", "review", False)


@pytest.mark.parametrize("language", LANGUAGE_NAMES)
def test_reviewers_errors_and_the_corrected_leakage_follow_from_gold_cases(
    store, tmp_path, open_page, language
):
    words = Words(language)
    unknown = words.markdown("queue.reviewers_unknown", right="0", wrong="0")
    assert unknown.replace("\u2060", "") in text_of(open_page(tmp_path, lang=language))
    cases = Audits(store).audited_cases(RUN, "line", 1)
    people, audits = (cases[cases["decision"] == word] for word in ("review", "accepted"))
    gold = people["case_id"].tolist()[:4]
    labels = [*people["predicted"].tolist()[:2], "no such answer", "no such answer"]
    Audits(store).add_gold_cases(RUN, gold, labels, "Sato")
    # of the right answers one is called wrong; both wrong ones are seen; every audit finds an error
    said = zip(gold, ("wrong", "right", "wrong", "wrong"), strict=True)
    verdicts = [ReviewVerdict(RUN, case, word, "Ito", datetime.now(UTC)) for case, word in said]
    verdicts += [
        ReviewVerdict(RUN, case, "wrong", "Ito", datetime.now(UTC), None, True, 1.0, "audit")
        for case in audits["case_id"]
    ]
    Reviews(store).add_verdicts(verdicts)
    page = open_page(tmp_path, lang=language)
    assert not page.exception
    rates = {"false_wrong": "50.0", "right": "2", "false_right": "0.0", "wrong": "2"}
    expected = words.markdown("queue.reviewer_errors", **rates).replace("\u2060", "")
    assert expected in text_of(page)


@pytest.mark.parametrize(
    ("text", "excerpt"),
    [
        ("Pump leaks\n at seal", "Pump leaks\n at seal"),  # nothing to leave out: its own lines
        ("gap <5 mm>, a < b, ask <kim@example.com>", "gap <5 mm>, a < b, ask <kim@example.com>"),
        ("<HTML><style>td {width: 1px}</style><P>Buy <b>now</b>", "Buy now"),
        ("Offer <!-- hidden --> ends <td width=3", "Offer ends"),  # the last mark is cut off
        ("Offer <style> TABLE {border: 1px", "Offer"),
        ("<br><hr>", "<br><hr>"),  # nothing but marks: better than no text
        ("", ""),
    ],
)
def test_an_excerpt_leaves_out_marks_of_html_and_nothing_else(text, excerpt):
    assert readable_excerpt(text) == excerpt


def test_a_long_text_ends_at_a_word_and_one_without_spaces_at_the_limit():
    words = readable_excerpt("word " * 500)
    assert words == ("word " * 80).strip() + "…"
    assert readable_excerpt("あ" * 500) == "あ" * EXCERPT_LETTERS + "…"


def test_a_text_with_marks_is_read_short_and_unfolds_to_every_character(tmp_path, open_page):
    text = "<html><b>Pump</b> leaks <script>x = 1</script> [a](https://evil.example)"
    store = Store(tmp_path / "store")
    rows = make_rows(3).assign(text=text)
    add_scored(store, make_run("score", "student", "stream"), rows)
    version = Ledger(store).add_policy("line", Policy(1.0).to_dict(), "Sato", "first", [RUN])
    Ledger(store).add_policy_event("line", 1, "approve", "Abe", "agreed")
    apply_policy(store, RUN, version, date.today())
    page = open_page(tmp_path)
    shown = [element.value for element in page.text]
    assert shown[0] == "Pump leaks [a](https://evil.example)"
    (fold,) = [fold for fold in page.expander if "as the model reads it" in fold.label]
    assert [element.value for element in fold.text] == [text]
    assert f"({len(text)} characters)" in fold.label
