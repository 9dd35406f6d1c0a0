"""The measures of the code: counted by hand on a module of twelve lines, and limits that hold."""

import json

import pytest

from benchmarks import house

MODULE = '''"""Counts."""

MOST = 1
# why
def count(rows, limit: int):
    """Return the rows.

    >>> count([1], 2)
    1
    """
    found = len(rows)
    return found
'''


@pytest.fixture
def root(tmp_path):
    """Return a tree where core and dashboard hold the same module."""
    for folder in house.FOLDERS:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "counts.py").write_text(MODULE, encoding="utf-8")
    return tmp_path


def test_the_measures_by_hand(root):
    measures = house.measure_code(root, house.FOLDERS)
    assert measures["files"] == measures["functions"] == measures["docstring_examples"] == 2
    assert (measures["lines"], measures["file_lines_max"]) == (24, 12)
    assert measures["function_lines_median"] == measures["function_lines_max"] == 8
    assert (measures["names_in_two_modules"], measures["one_word_names"]) == (1, 1)
    assert measures["constants_in_two_modules"] == 1
    assert measures["vague_bindings"] == 0.25  # of rows, limit, found, MOST
    assert measures["public_documented"] == 1
    assert measures["arguments_annotated"] == 0.5
    assert measures["comment_lines"] == pytest.approx(1 / 12, abs=1e-4)
    assert measures["lines_over_100"] == 0


@pytest.mark.parametrize(("most", "code"), [(8, 0), (7, 1)])
def test_a_measure_beyond_its_limit_fails_the_run(root, monkeypatch, capsys, most, code):
    limits = root / "house.json"
    limits.write_text(json.dumps({"function_lines_max": {"most": most, "target": 5}}))
    monkeypatch.setattr(house, "ROOT", root)
    monkeypatch.setattr(house, "LIMITS", limits)
    assert house.main([]) == code
    assert ("beyond its limit" in capsys.readouterr().out) == bool(code)


def test_a_limit_follows_a_better_measure_no_further_than_its_target():
    limits = {"a": {"most": 9, "target": 5}, "b": {"least": 1, "target": 12}}
    for a, b, bounds in ((7, 3, (7, 3)), (3, 20, (5, 12)), (10, 0, (9, 1))):
        tighter = house.tighten(limits, {"a": a, "b": b})
        assert (tighter["a"]["most"], tighter["b"]["least"]) == bounds


def test_a_limit_past_its_target_stays():
    limits = {"a": {"most": 3, "target": 5}, "b": {"least": 15, "target": 12}}
    assert house.tighten(limits, {"a": 4, "b": 13}) == limits


@pytest.mark.parametrize(
    ("name", "one"), [("fit", True), ("Store", True), ("fit_model", False), ("ModelCard", False)]
)
def test_a_name_of_one_word(name, one):
    assert house.is_one_word(name) == one
