"""A few seconds of benchmarks.soak: writers, readers and a ledger in processes of their own,
writers killed on the way.
"""

from benchmarks.soak import READERS, WRITERS, soak


def test_nobody_sees_a_lock_and_nothing_is_lost_or_doubled_when_writers_are_killed(tmp_path):
    found = soak(tmp_path, seconds=12, kill_every_s=4)
    assert found["processes"] == WRITERS + READERS + 1
    assert found["kills"] >= 2
    assert found["transactions"] > 0
    assert found["cases"] > 0
    bad = ("lock_errors_seen", "other_errors_seen", "first_error", "unfinished", "lost", "doubled")
    assert {name: found[name] for name in bad} == dict.fromkeys(bad, 0) | {"first_error": None}
