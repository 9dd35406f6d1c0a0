"""Tables below charts are drawn once they are opened; what a page has loaded is collected no
more.
"""

import gc

from dashboard.i18n import DASH, Words
from dashboard.session import cache


def test_a_table_is_drawn_once_it_is_opened_and_no_other_with_it(open_view):
    page = open_view("decide")
    assert len(page.dataframe) == 0
    page.session_state["table_thresholds"] = True
    page.run()
    (table,) = page.dataframe
    assert len(table.value) == 1001
    assert list(table.value.columns[:2]) == ["Confidence threshold", "Reviews a day"]


def test_the_first_run_of_a_page_spares_the_collector_and_later_ones_add_nothing():
    before = gc.get_freeze_count()
    try:
        cache.spare_collector("a page of this test")
        once = gc.get_freeze_count()
        cache.spare_collector("a page of this test")
        assert gc.get_freeze_count() == once > before
    finally:
        gc.unfreeze()


def test_an_empty_cell_is_a_dash_in_every_table(open_view):
    page = open_view("decide")
    page.session_state["table_thresholds"] = page.session_state["table_sides"] = True
    page.run()
    placeholders = [table.proto.placeholder for table in page.dataframe]
    page.session_state["tab"] = Words("en")("tab.causes")
    page.run()
    placeholders += [table.proto.placeholder for table in page.dataframe]
    assert placeholders == [DASH, DASH]
