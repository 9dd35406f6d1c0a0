"""Cost against leakage of both ways: by hand on four cases, and what is left out."""

import pandas as pd
import pytest

from core.errors import SettingsError
from core.report.what_if import WITH_TEACHER, WITHOUT, cascade_fronts, cheapest_cascade

COSTS = (1.0, 10.0, 3600.0)  # review, escape, machine hour: a second costs 1


def scored(outcomes, confidence, **changed) -> pd.DataFrame:
    columns = {
        "case_id": list("abcd")[: len(outcomes)],
        "segment": "A",
        "outcome": outcomes,
        "confidence": confidence,
    }
    return pd.DataFrame(columns | changed)


STUDENT = scored(["right", "right", "wrong", "wrong"], [0.9, 0.8, 0.4, 0.3])
TEACHER = scored(["right", "right", "right", "wrong"], [0.9, 0.9, 0.9, 0.2])


def front(student=STUDENT, teacher=TEACHER, seconds=(0.0, 0.1), segment=None, unseen=True):
    return cascade_fronts(student, teacher, segment, unseen, 10, seconds, COSTS)


def test_the_teacher_takes_over_a_case_that_a_person_would_have_had():
    """No leakage: the student leaves c and d. Alone both go to people, 2 / 4 * 1. The teacher,
    asked for both, answers c.
    """
    found = front()
    none = found[found["leakage"] == 0].set_index("way")
    assert none.loc[WITHOUT, "cost"] == pytest.approx(0.5)
    assert none.loc[WITH_TEACHER, "cost"] == pytest.approx(0.5 * 0.1 + 0.25)
    assert none.loc[WITH_TEACHER, ["passes", "asked", "reviewed"]].tolist() == [10, 0.5, 0.25]
    assert set(found["n"]) == {4}


def test_the_cheapest_counts_escapes_that_the_front_keeps_apart():
    found = front()
    best = cheapest_cascade(found, WITH_TEACHER)
    assert (best["leakage"], best["total"]) == (0, pytest.approx(0.3))
    # all accepted: 2 of 4 wrong
    loose = found[(found["way"] == WITHOUT) & (found["leakage"] == 0.5)].iloc[0]
    assert (loose["cost"], loose["total"]) == (0, pytest.approx(5))


def test_a_teacher_that_costs_more_than_a_person_is_never_asked():
    found = front(seconds=(0.0, 2.0))
    assert set(found["passes"]) == {0}


def test_each_front_costs_less_the_more_it_leaks():
    for _, rows in front().groupby("way"):
        assert rows["leakage"].is_monotonic_increasing
        assert rows["cost"].is_monotonic_decreasing


def test_cases_that_do_not_count_or_only_one_scored_are_left_out():
    assert not len(front(student=STUDENT.assign(outcome="unlabelled")))
    assert set(front(teacher=TEACHER.head(3))["n"]) == {3}
    assert set(
        front(student=STUDENT.assign(outcome=["right", "right", "wrong", "unseen"]), unseen=False)[
            "n"
        ]
    ) == {3}
    assert not len(front(segment="B"))


def test_an_unknown_way_is_named():
    with pytest.raises(SettingsError, match="no row of 'other': give one of with_teacher, without"):
        cheapest_cascade(front(), "other")
