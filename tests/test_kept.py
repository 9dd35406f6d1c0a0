"""What is kept between sessions: found again for equal words and the same objects, and never for
anything else.
"""

import pandas as pd
import pytest

from dashboard.session.cache import RESULTS, cached_result


def described(*args):
    """A fresh list each time it is really called."""
    return list(args)


def test_equal_words_and_the_same_objects_are_made_once():
    frame = pd.DataFrame({"a": [1.0]})
    made = cached_result(described, frame, {"title": "risk", "of": {"student": frame}}, 3, None)
    assert (
        cached_result(described, frame, {"title": "risk", "of": {"student": frame}}, 3, None)
        is made
    )


@pytest.mark.parametrize(
    "other",
    [{"title": "leak"}, {"head": "risk"}, {"title": "risk", "more": ""}, {}],
    ids=["value", "name", "longer", "empty"],
)
def test_other_words_are_made_again(other):
    frame = pd.DataFrame({"a": [1.0]})
    made = cached_result(described, frame, {"title": "risk"})
    assert cached_result(described, frame, other) is not made


def test_another_object_of_the_same_content_is_another():
    """Counts of a new data version may equal the old ones in part: they are made again rather than
    compared.
    """
    one, other = pd.DataFrame({"a": [1.0]}), pd.DataFrame({"a": [1.0]})
    assert cached_result(described, one) is not cached_result(described, other)
    assert cached_result(described, one)[0] is one


def test_one_and_true_are_not_taken_for_each_other():
    assert cached_result(described, 1) == [1]
    assert cached_result(described, True)[0] is True
    assert type(cached_result(described, 1.0)[0]) is float


def test_an_object_is_held_as_long_as_its_result_so_that_its_address_is_not_used_again():
    for number in range(3 * RESULTS):
        frame = pd.DataFrame({"a": [number]})
        assert cached_result(described, frame)[0] is frame


def test_what_failed_is_tried_again():
    calls = []

    def fails_once():
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("not yet")
        return "made"

    with pytest.raises(ValueError, match="not yet"):
        cached_result(fails_once)
    assert cached_result(fails_once) == "made"
