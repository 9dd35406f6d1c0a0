"""A switch of language: what was chosen stays chosen, lists say it in the new language, and errors
lead in it.
"""

import pytest


def switched(page, key: str):
    """Return the list `key` after a switch to Japanese, and what was chosen in it before."""
    chosen = page.selectbox(key=key).value
    page.session_state["lang"] = "ja"
    page.run()
    assert not page.exception
    return page.selectbox(key=key), chosen


@pytest.mark.parametrize(
    ("view", "key", "shown"),
    [
        ("decide", "segment", "すべての区分"),
        ("meeting", "freeze_what", "上のしきい値"),
        ("policies", "draft_limit", "上限なし"),
    ],
)
def test_a_list_is_told_its_new_text_and_keeps_its_choice(open_view, view, key, shown):
    """A browser keeps the text of what was chosen until it is told another one: `set_value` tells
    it.
    """
    box, chosen = switched(open_view(view), key)
    assert box.value == chosen
    assert (box.proto.set_value, box.proto.raw_value) == (True, shown)


def test_a_choice_that_was_made_survives_the_switch(open_view):
    page = open_view("evidence")
    page.selectbox(key="segment").select_index(1).run()
    page.selectbox(key="target").set_value(0.1).run()
    box, chosen = switched(page, "target")
    assert box.value == chosen == 0.1
    assert page.selectbox(key="segment").index == 1
    assert page.query_params["target"] == "0.1"


def test_a_list_whose_texts_stay_is_told_nothing(open_view):
    page = open_view("decide")
    page.session_state["unseen"] = False
    assert not page.run().selectbox(key="segment").proto.set_value
