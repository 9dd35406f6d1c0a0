"""The parts of benchmarks.dashboard that need no browser: what is recorded and picked, how memory
is judged, what is missed.
"""

import json

import numpy as np
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.dashboard import LIMITS, QUICK, growth, verdict
from benchmarks.serving import fill
from benchmarks.sessions import Recorded, _says
from core.store.store import Store
from core.types import MODEL_KINDS

KEPT = dict.fromkeys(LIMITS, 0.0) | {"import_torch": False}


def asked(widgets: dict[str, str], fragment: str = "", auto: bool = False) -> bytes:
    message = BackMsg()
    message.rerun_script.fragment_id, message.rerun_script.is_auto_rerun = fragment, auto
    for key, value in widgets.items():
        message.rerun_script.widget_states.widgets.add(id=f"$$ID-0-{key}", json_value=value)
    return message.SerializeToString()


OPENING, WATCH = asked({}), asked({"t_number": "1"}, "f", auto=True)
RELEASES = [asked({"handle": json.dumps({"move": {"step": step, "seq": 1}})}) for step in (1, 2)]
OTHER = asked({"t_number": "1"}), asked({"handle": "{}"}, "f")


def test_the_last_message_of_each_kind_is_recorded():
    found = Recorded.among([OPENING, *OTHER, WATCH, *RELEASES, WATCH])
    assert (found.opening, found.watch, found.release) == (OPENING, WATCH, RELEASES[1])


@pytest.mark.parametrize(
    ("sent", "missing"), [([OPENING, WATCH], "release"), ([OPENING, *RELEASES, *OTHER], "watch")]
)
def test_what_the_page_did_not_send_is_named(sent, missing):
    with pytest.raises(ValueError, match=f"no message of {missing}: was the handle moved"):
        Recorded.among(sent)


def test_an_exception_on_the_page_is_no_answer():
    answer = ForwardMsg()
    answer.delta.new_element.exception.message = "boom"
    with pytest.raises(ValueError, match="shows an exception: boom"):
        _says(answer, "")


def test_the_slope_of_memory_starts_once_the_caches_are_full():
    looks = [(0.0, 100.0), (1.0, 390.0)] + [
        (minute, 400.0 + 2 * minute) for minute in np.linspace(2, 10, 30)
    ]
    found = growth(looks)
    assert found["rss_slope_mb_per_min"] == pytest.approx(2.0)
    assert found["rss_growth_10min"] == pytest.approx(20 / 420)


def test_memory_that_falls_is_below_every_limit():
    assert growth([(0.0, 10.0), (1.0, 9.0), (2.0, 8.0)])["rss_growth_10min"] < 0


def test_limits_are_kept_up_to_their_value_and_each_that_is_missed_is_named():
    assert verdict(KEPT | LIMITS, [0.0, 0.0], QUICK)["reached"]
    for name, limit in LIMITS.items():
        found = verdict(KEPT | {name: limit + 1}, [0.0, 0.0], QUICK)
        assert (found["reached"], found["missed"]) == (False, [name])
    assert verdict(KEPT | {"import_torch": True}, [0.0, 0.0], QUICK)["missed"] == ["import_torch"]
    assert not verdict(KEPT | {"drag_ms_p95": float("nan")}, [0.0, 0.0], QUICK)["reached"]


def test_the_store_holds_as_many_predictions_as_asked_for_in_runs_that_belong_together(tmp_path):
    store = Store(tmp_path / "store")
    fill(store, 1000)
    records = store.runs("score")
    assert sum(record.cases for record in records) == 1000
    assert {(record.run.model_kind, record.run.role) for record in records} == {
        (kind, role) for kind in MODEL_KINDS for role in ("calibration", "stream")
    }
    assert len({record.run.inputs_hash for record in records}) == 2
    assert len({record.run.model_hash for record in records}) == len(MODEL_KINDS)
    assert {record.state for record in records} == {"finished"}
