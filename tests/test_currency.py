"""A change of the currency brings amounts of that currency: none is kept as if it were the other's."""

from core.decision.thresholds.costs import DEFAULT_COSTS
from core.store.lines import DEFAULT_ASSUMPTIONS
from dashboard.i18n import catalogue
from tests.pages import page_text
from tests.stores import add_run


def amounts(page) -> tuple[float, ...]:
    return tuple(page.number_input(key=name).value for name in ("review", "escape", "machine"))


def test_amounts_are_those_of_the_currency_and_typed_ones_come_back(open_page, tmp_path):
    add_run(tmp_path, [("A", "right", 0.9)] * 40)
    page = open_page(tmp_path, currency="AUD", review="7", escape="90", machine="1")
    page.selectbox(key="currency").select("JPY").run()
    assert amounts(page) == (500, 30_000, 50)
    notice = catalogue("en")["currency.changed"].format(before="AUD", now="JPY")
    assert notice in page_text(page)
    page.number_input(key="review").set_value(450.0).run()
    page.selectbox(key="currency").select("AUD").run()
    assert amounts(page) == (7, 90, 1)
    page.selectbox(key="currency").select("JPY").run()
    assert amounts(page) == (450, 30_000, 50)
    page.button(key="currency_known").click().run()
    assert notice not in page_text(page)


def test_a_japanese_reader_begins_with_yen(open_page, tmp_path):
    add_run(tmp_path, [("A", "right", 0.9)] * 40)
    page = open_page(tmp_path, lang="ja")
    assert page.selectbox(key="currency").value == "JPY"
    assert amounts(page) == (500, 30_000, 50)


def test_a_line_assumes_the_amounts_of_its_currency():
    for assumed in DEFAULT_ASSUMPTIONS.values():
        costs = DEFAULT_COSTS[assumed.currency]
        assert (assumed.review, assumed.escape, assumed.machine_hour) == (
            costs.review,
            costs.escape,
            costs.machine_hour,
        )
