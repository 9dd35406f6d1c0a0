"""Whatever file people have: the inputs of benchmarks.files, and a few mutations of good
files.
"""

import pytest

from benchmarks.file_inputs import tool_inputs
from benchmarks.file_inputs.mutations import try_mutations
from benchmarks.files import inputs_in_turn, judge_input

FIRST = 60  # the commonest; of the others every second, since the benchmark tries all
LATEST = {
    entry.name
    for name in dir(tool_inputs)
    if name.startswith("TOOL_")
    for entry in getattr(tool_inputs, name)
}
INPUTS = [
    entry
    for place, entry in enumerate(inputs_in_turn())
    if place < FIRST or place % 2 == 0 or entry.name in LATEST
]


@pytest.mark.parametrize("entry", INPUTS, ids=[entry.name for entry in INPUTS])
def test_a_file_is_read_right_or_refused_clearly(entry, tmp_path):
    result = judge_input(entry, tmp_path)
    expected = "right" if entry.works and not entry.refusals else ("right", "refused_clearly")
    assert result.outcome in expected, result


def test_no_two_inputs_share_a_name():
    names = [entry.name for entry in inputs_in_turn()]
    assert len(names) == len(set(names)) >= 120


def test_mutations_of_good_files_never_give_another_text(tmp_path):
    record = try_mutations(tmp_path, 120)
    assert record["tried"] >= 100
    assert (record["wrong"], record["unclear"]) == (0, 0), record["examples"]
