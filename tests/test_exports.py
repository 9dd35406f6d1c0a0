"""The minutes as PPTX, PDF and XLSX, opened again: the same figures in all, in both languages, and
text that stays text.
"""

import io
import re
import subprocess
import sys
from dataclasses import replace
from itertools import combinations

import openpyxl
import pypdf
import pytest
from pptx import Presentation
from pptx.oxml.ns import qn

from core.decision.meeting.scenario import MeetingAssumptions
from core.decision.staffing.headcount import FullTime
from core.decision.thresholds.costs import UnitCosts
from core.decision.thresholds.policy import Policy
from core.errors import SettingsError
from core.report import meeting, phrases
from core.report.decision_page import cheapest_scenario, review_all_cost
from core.report.document import BarChart, DocumentSection, LineChart, ReportDocument
from core.report.exports import EXPORT_FORMATS, export_document
from core.report.exports.pdf_charts import chart_drawing, tick_percent, wrapped_lines
from core.report.exports.style import OPTIONS, REFERENCE_BAR, axis_end, bar_colours, line_count
from core.report.minutes import minutes_document
from core.store.meetings import MeetingDecision
from dashboard.i18n import LANGUAGE_NAMES, Words, catalogue
from tests.minutes import AT, FORMULA, LONG, TAG, columns, document
from tests.stores import add_run, make_store


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Return the demo's store; only read."""
    return make_store(tmp_path_factory.mktemp("exports") / "store", "full")


@pytest.fixture(scope="module", params=LANGUAGE_NAMES)
def made(request, store) -> ReportDocument:
    return document(store, request.param)


def deck_of(made: ReportDocument):
    return Presentation(io.BytesIO(export_document(made, "pptx")))


def texts_of(deck) -> str:
    """All text of a deck's slides, without its notes."""
    found = []
    for shape in (shape for slide in deck.slides for shape in slide.shapes):
        if shape.has_text_frame:
            found.append(shape.text_frame.text)
        elif shape.has_table:
            found += [cell.text_frame.text for row in shape.table.rows for cell in row.cells]
        elif shape.has_chart:
            found.append(shape.chart.chart_title.text_frame.text)
    return "\n".join(found)


def printed(made: ReportDocument) -> str:
    """All text of the PDF without white space, since lines end anywhere in Japanese."""
    pages = pypdf.PdfReader(io.BytesIO(export_document(made, "pdf"))).pages
    return re.sub(r"\s", "", "".join(page.extract_text() for page in pages))


def cells_of(made: ReportDocument) -> list:
    book = openpyxl.load_workbook(io.BytesIO(export_document(made, "xlsx")))
    return [
        cell
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if cell.value is not None
    ]


def wanted(made: ReportDocument) -> set[str]:
    """Every sentence and cell of the document, as one string each."""
    said = {one for section in made.sections for one in (section.title, *section.paragraphs)}
    return said | {
        cell.text for s in made.sections for t in s.tables for row in t.rows for cell in row
    }


# --- what all of them say


def test_the_document_says_what_the_page_says(store, made):
    words, said = Words(made.language), wanted(made)
    for one in columns(store):
        for measure in meeting.SCENARIO_MEASURES:
            found = one.measure(measure)
            for value in (found.value, found.low, found.high):
                assert phrases.measure_text(words, measure, value, "AUD") in said
            assert words.number(found.n, 0) in said
    assert words("minutes.edited") in said
    assert words("measured") in said
    assert words("assumed") in said


def test_the_slides_hold_every_word_and_figure(made):
    text = texts_of(deck_of(made))
    assert not {one for one in wanted(made) if one not in text}


def test_the_pdf_holds_every_word_and_figure(made):
    text = printed(made)
    told = {re.sub(r"\s", "", one) for one in wanted(made)}
    assert not {one for one in told if one not in text}
    for chart in (
        c for section in made.sections for c in section.charts if isinstance(c, BarChart)
    ):
        assert all(re.sub(r"\s", "", one) in text for one in chart.texts)


def test_the_workbook_holds_every_word_and_its_numbers_are_numbers(made):
    cells = cells_of(made)
    strings = {cell.value for cell in cells if isinstance(cell.value, str)}
    numbers = {cell.value for cell in cells if isinstance(cell.value, int | float)}
    for section in made.sections:
        for cell in (cell for table in section.tables for row in table.rows for cell in row):
            known = (
                any(abs(cell.number - n) <= 1e-12 * abs(n) for n in numbers)
                if cell.number is not None
                else cell.text in strings
            )
            assert known or not cell.text, cell
    assert {one for s in made.sections for one in s.paragraphs} <= strings


def test_a_workbooks_number_is_written_as_everybody_reads_it(store):
    """10.3% is 0.1034 behind 0.0%; an amount has its currency's sign."""
    book = openpyxl.load_workbook(io.BytesIO(export_document(document(store, "en"), "xlsx")))
    sheet = next(sheet for sheet in book if sheet.title.startswith("Scenario A"))
    patterns = {
        row[0].value: row[1].number_format
        for row in sheet.iter_rows()
        if row[0].value and len(row) > 1
    }
    assert patterns["Coverage"] == "0.0%"
    assert patterns["Leakage"] == "0.00%"
    assert patterns["Cost a month"] == '"A$"#,##0'


# --- text that people typed


def test_a_formula_and_a_tag_stay_text_in_a_workbook(made):
    cells = {cell.value: cell for cell in cells_of(made) if isinstance(cell.value, str)}
    assert cells[FORMULA].data_type == cells[TAG].data_type == "s"
    assert not [cell for cell in cells.values() if cell.data_type == "f" or cell.hyperlink]


def test_a_formula_and_a_tag_stay_text_on_slides_and_in_the_pdf(made):
    text = texts_of(deck_of(made))
    assert FORMULA in text.split("\n")
    assert TAG in text
    assert re.sub(r"\s", "", TAG) in printed(made)
    assert LONG[:180] in text


def test_line_breaks_and_links_that_people_typed_break_nothing(store):
    frozen = columns(store, "A")[0]
    author = "https://example.com\n@SUM(1)\tx"
    shown = [replace(frozen, frozen=replace(frozen.frozen, author=author))]
    for language in LANGUAGE_NAMES:
        made = minutes_document(Words(language), shown, [], None, author, AT)
        assert not [cell for cell in cells_of(made) if cell.data_type == "f" or cell.hyperlink]
        assert "@SUM(1)" in printed(made)
        assert "@SUM(1)" in texts_of(deck_of(made))


# --- slides


@pytest.mark.parametrize("language", LANGUAGE_NAMES)
@pytest.mark.parametrize(("names", "entries"), [("A", 1), ("ABC", 2), ("ABCD", 12)])
def test_nothing_leaves_a_slide_and_nothing_lies_on_something_else(store, language, names, entries):
    deck = deck_of(document(store, language, names, entries))
    for number, slide in enumerate(deck.slides, start=1):
        boxes = [(s.left, s.top, s.left + s.width, s.top + s.height, s.name) for s in slide.shapes]
        for left, top, right, bottom, name in boxes:
            assert 0 <= left < right <= deck.slide_width, (number, name)
            assert 0 <= top < bottom <= deck.slide_height, (number, name)
        for one, other in combinations(boxes, 2):
            apart = (
                one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
            )
            assert apart, (number, one, other)


def test_every_slide_has_a_title_and_the_hashes_in_its_notes(made):
    for slide in deck_of(made).slides:
        assert slide.shapes.title.text_frame.text
        notes = slide.notes_slide.notes_text_frame.text
        assert all(note in notes for note in made.notes)
        assert "c" * 64 in notes  # the cases' hash


def test_the_charts_are_native_with_the_figures_and_their_intervals(made):
    drawn = [
        shape.chart for slide in deck_of(made).slides for shape in slide.shapes if shape.has_chart
    ]
    asked = [chart for section in made.sections for chart in section.charts]
    assert len(drawn) == len(asked) == 5
    for chart, one in zip(drawn, asked, strict=True):
        values = tuple(chart.plots[0].series[0].values)
        assert values == pytest.approx(one.values if isinstance(one, BarChart) else one.y)
        if isinstance(one, LineChart):
            assert len(chart.plots[0].series) == 1 + len(one.marks)
            continue
        assert tuple(chart.plots[0].categories) == tuple(map("{}: {}".format, one.names, one.texts))
        assert chart.value_axis.maximum_scale >= max(one.highs)
        bars = chart._chartSpace.find(".//" + qn("c:errBars"))
        ups = [float(v.text) for v in bars.find(qn("c:plus")).iter(qn("c:v"))]
        assert ups == pytest.approx(
            [high - value for value, high in zip(one.values, one.highs, strict=True)]
        )


def test_the_first_slide_shows_the_cost_beside_its_table_where_both_fit(store):
    """A bar for reviewing everything, which is known, and one for the scenario with its interval."""
    (column,) = columns(store, "A")
    made = minutes_document(Words("en"), [column], [], None, "x", AT)
    slide = deck_of(made).slides[0]
    [table] = [shape for shape in slide.shapes if shape.has_table]
    [frame] = [shape for shape in slide.shapes if shape.has_chart]
    assert frame.left >= table.left + table.width
    assert frame.left + frame.width <= deck_of(made).slide_width
    cost = column.measure("money_per_month")
    values = list(frame.chart.plots[0].series[0].values)
    assert values == pytest.approx([review_all_cost(column), cost.value])
    bars = frame.chart._chartSpace.find(".//" + qn("c:errBars"))
    ups = {v.get("idx"): float(v[0].text) for v in bars.find(qn("c:plus")).iter(qn("c:pt"))}
    assert ups == {"1": pytest.approx(cost.high - cost.value)}
    assert frame.chart.value_axis.maximum_scale >= max(review_all_cost(column), cost.high)
    fills = [frame.chart.plots[0].series[0].points[i].format.fill for i in range(2)]
    colours = [str(fill.fore_color.rgb) for fill in fills]
    assert colours == [REFERENCE_BAR, OPTIONS[0]]
    page = pypdf.PdfReader(io.BytesIO(export_document(made, "pdf"))).pages[0].extract_text()
    assert page.count(catalogue("en")["minutes.verdict.review_all"]) == 2  # of table and chart


def test_a_scenario_has_its_colour_whatever_stands_beside_it(store):
    made = minutes_document(Words("en"), columns(store, "AC"), [], None, "x", AT)
    [chart, *_] = [chart for section in made.sections for chart in section.charts]
    assert chart.names == ("A", "C")
    assert bar_colours(chart) == [OPTIONS[0], OPTIONS[2]]


def test_what_holds_for_several_scenarios_is_one_row(store):
    """C has another threshold than A and B, and B is of another run than A and C."""
    made = document(store, "en", "ABC")
    sections = {section.title: section for section in made.sections}
    words = catalogue("en")
    (assumed,) = sections[words["meeting.assumptions"]].tables
    found = [(row[0].text, row[1].text) for row in assumed.rows]
    assert ("A, B, C", words["cost.review"]) in found
    rule = words["minutes.rule"]
    assert ("A, B", rule) in found
    assert ("C", rule) in found
    (origin,) = sections[words["minutes.provenance"]].tables
    assert ("A, C", words["minutes.run"]) in [(row[0].text, row[1].text) for row in origin.rows]


def test_a_chart_of_yen_counts_in_ten_thousands_in_every_format(store):
    yen = UnitCosts(5.0, 300.0, 60.0, "JPY")
    shown = columns(store, "AB", MeetingAssumptions(), yen)
    made = minutes_document(Words("ja"), shown, [], None, "x", AT)
    costs = [column.measure("money_per_month").value for column in shown]
    (chart,) = [c for s in made.sections for c in s.charts if c.title == "月間費用"]
    assert chart.values == pytest.approx([cost / 10_000 for cost in costs])
    slides = [
        shape.chart
        for slide in deck_of(made).slides
        for shape in slide.shapes
        if shape.has_chart and shape.chart.chart_title.text_frame.text == chart.title
    ]
    assert slides[0].value_axis.tick_labels.number_format == '#,##0"万円"'
    assert slides[0].value_axis.maximum_scale < 100 * max(costs) / 10_000
    assert re.search(r"\d万円", printed(made))
    cells = [cell for cell in cells_of(made) if cell.number_format == '#,##0"万円"']
    assert sorted(cell.value for cell in cells)[-1] == pytest.approx(max(chart.highs))


def test_the_columns_of_a_charts_data_have_headings(made):
    book = openpyxl.load_workbook(io.BytesIO(export_document(made, "xlsx")))
    chart = next(c for s in made.sections for c in s.charts if isinstance(c, BarChart))
    rows = [row for sheet in book for row in sheet.iter_rows(max_col=4, values_only=True)]
    place = rows.index((chart.title, *chart.heads))
    assert rows[place + 1] == pytest.approx(
        (chart.names[0], chart.values[0], chart.lows[0], chart.highs[0])
    )


@pytest.mark.parametrize(
    ("ends", "end"),
    [
        ((6.35,), 8),
        ((0.385,), 0.4),
        ((844.06, 12.0), 1000),
        ((1.0,), 1),
        ((0.0,), 1),
        ((), 1),
    ],
)
def test_an_axis_ends_at_a_round_number_above_every_interval(ends, end):
    assert axis_end(ends) == pytest.approx(end)


def test_japanese_names_its_face_in_every_run(store):
    deck = deck_of(document(store, "ja"))
    runs = [r for slide in deck.slides for r in slide._element.iter(qn("a:rPr"))]
    assert runs
    assert all(r.find(qn("a:ea")).get("typeface") == "Yu Gothic" for r in runs)


def test_every_text_has_room_for_its_lines(store):
    """A box is as tall as the lines that its text is estimated to take."""
    for slide in deck_of(document(store, "ja", "ABCD", 12)).slides:
        for shape in slide.shapes:
            if shape.has_table:
                for row in shape.table.rows:
                    for cell, column in zip(row.cells, shape.table.columns, strict=True):
                        wide = column.width.inches - 0.2
                        assert (
                            row.height.inches
                            >= line_count(cell.text_frame.text, wide, 13) * 13 * 1.2 / 72
                        )


# --- the rest


def test_the_pdf_names_its_language_and_no_page_is_empty(made):
    reader = pypdf.PdfReader(io.BytesIO(export_document(made, "pdf")))
    assert reader.metadata.title == made.title
    assert reader.trailer["/Root"]["/Lang"] == made.language
    assert all(len(page.extract_text()) > 40 for page in reader.pages)


def test_every_font_of_the_pdf_is_embedded(made):
    reader = pypdf.PdfReader(io.BytesIO(export_document(made, "pdf")))
    fonts = {
        str(font.get_object()["/BaseFont"]): "/FontFile2"
        in font.get_object().get("/FontDescriptor", {})
        for page in reader.pages
        for font in page["/Resources"]["/Font"].values()
    }
    assert fonts
    assert all("+NotoSansJP-" in name for name in fonts)
    assert all(fonts.values())


def test_two_documents_of_one_process_have_letters_of_their_own():
    """reportlab takes fonts of one name for the same: the second one would lack its letters."""
    for language, letters in (("ja", "「確信」"), ("en", "“sure”")):
        section = DocumentSection("title", (letters,))
        page = ReportDocument(language, "title", "", (section,), ())
        assert letters in printed(page)


def test_the_first_page_and_the_first_slide_hold_the_decision_and_no_hash(made):
    decision = made.sections[0]
    page = pypdf.PdfReader(io.BytesIO(export_document(made, "pdf"))).pages[0].extract_text()
    page = re.sub(r"\s", "", page)
    slide = deck_of(made).slides[0]
    text = "\n".join(shape.text_frame.text for shape in slide.shapes if shape.has_text_frame)
    assert slide.shapes.title.text_frame.text == decision.title
    for line in (decision.title, *decision.paragraphs):
        assert re.sub(r"\s", "", line) in page
        assert line in text
    assert sum(shape.has_table for shape in slide.shapes) == 1
    assert not re.search(r"[0-9a-f]{64}", page + text)


def test_the_decision_is_about_the_cheapest_scenario_and_names_what_reviewing_everything_costs(
    store,
):
    """5,000 cases a day at 6 each, 365.25 / 12 days a month: 913,125 a month."""
    (costly,) = columns(store, "A")
    (free,) = columns(store, "A", MeetingAssumptions(review=6.0, escape=0.0))
    assert review_all_cost(costly) == pytest.approx(5000 * 6 * 365.25 / 12)
    assert cheapest_scenario([costly, free]) is free
    decision = minutes_document(Words("en"), [costly], [], None, "x", AT).sections[0]
    assert decision.title == "Do not adopt scenario A, the cheapest"
    assert "against A$913,125 for reviewing everything" in decision.paragraphs[0]
    assert catalogue("en")["minutes.verdict.undecided"] in decision.paragraphs


def test_a_recorded_decision_comes_first_and_the_figures_say_what_it_costs(store):
    """Nothing above a decision for A may read as a decision for B, the cheaper scenario."""
    costly, _ = columns(store, "AB")
    _, free = columns(store, "AB", MeetingAssumptions(review=6.0, escape=0.0))
    begin = MeetingDecision("Start with  A", "known", "Tanaka", "meeting A", 1, AT)
    decision = minutes_document(Words("en"), [costly, free], [begin], None, "x", AT).sections[0]
    assert decision.title == "Decided: Start with A"
    assert decision.paragraphs[0] == "The figures: do not adopt scenario A."
    dearer = costly.measure("money_per_month").value - free.measure("money_per_month").value
    saved = f"Scenario B costs A${dearer:,.0f} a month less than scenario A"
    assert decision.paragraphs[1].startswith(saved)
    table = decision.tables[0]
    assert table.heads[2] == "Scenario A"
    # 5,000 reviews of 5 minutes a day are 416.7 hours; 5 of 7 days of 6 hours are 4.29: 97.2 people
    at_desk = FullTime(5, 7.5, 0.8)
    texts = (
        minutes_document(Words("en"), [costly], [], None, "x", AT, at_desk).sections[0].tables[0]
    )
    people = next(row for row in texts.rows if row[0].text == "Full-time people")
    assert (people[1].text, people[1].number) == ("98", 98)
    about_none = replace(begin, scenario=None, scenario_version=None, decision="x" * 70)
    decision = minutes_document(Words("en"), [costly, free], [about_none], None, "x", AT).sections[
        0
    ]
    assert decision.title == f"Decided: {'x' * 59}…"
    assert decision.paragraphs[0] == "The figures: do not adopt scenario B."
    assert decision.tables[0].heads[2] == "Scenario B"


def test_times_are_those_of_the_readers_zone(made):
    """09:30 UTC is 18:30 in Tokyo."""
    assert "18:30 JST" in made.subtitle
    assert "09:30" not in texts_of(deck_of(made))


def test_cases_without_labels_have_no_figures_and_every_format_says_why(tmp_path):
    now = meeting.run_counts(add_run(tmp_path, [("A", "unlabelled", 0.9)] * 40), "one")
    scenario = meeting.scenario_of("A", now, Policy(0.5), "", True, 10.0, UnitCosts(4, 120, 0.5))
    shown = [
        meeting.scenario_column(
            meeting.FrozenScenario(scenario, 1, "x", AT), MeetingAssumptions(), now
        )
    ]
    made = minutes_document(Words("en"), shown, [], None, "", AT)
    why = catalogue("en")["why.no_labels"]
    assert why in texts_of(deck_of(made))
    assert re.sub(r"\s", "", why) in printed(made)
    assert any(why in str(cell.value) for cell in cells_of(made))
    assert catalogue("en")["minutes.nobody"] in texts_of(deck_of(made))


def test_made_up_predictions_are_called_made_up(store):
    one = columns(store, "A")[0]
    record = replace(one.record, run=replace(one.record.run, dataset="synthetic"))
    made = minutes_document(Words("en"), [replace(one, record=record)], [], None, "x", AT)
    assert catalogue("en")["minutes.made_up.yes"] in wanted(made)
    assert catalogue("en")["minutes.made_up"] not in wanted(document(store, "en"))


def test_a_promise_that_the_cases_speak_against_is_called_unlikely(store):
    """Of the accepted cases far more than the 5% of the promise are wrong."""
    plan = next(
        s for s in document(store, "en").sections if s.title == catalogue("en")["meeting_poc"]
    )
    assert any(
        "which is more than 5.0%: expect such a promise only of a stricter policy" in one
        for one in plan.paragraphs
    )


def test_another_format_is_refused(made):
    with pytest.raises(SettingsError, match="Export format 'docx' is not one of pptx, pdf, xlsx"):
        export_document(made, "docx")


def test_the_libraries_come_in_with_the_first_export_only():
    code = (
        "import sys\nfrom dashboard.meeting import page as meeting\n"
        "print(*sorted({'pptx', 'reportlab', 'xlsxwriter', 'lxml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
    assert set(EXPORT_FORMATS) == {"pptx", "pdf", "xlsx"}


def test_the_labels_of_close_marks_do_not_lie_on_each_other():
    marks = ((100.0, 0.02, "needed"), (104.0, 0.02, "so far"))
    chart = LineChart("t", "x", "y", (1.0, 1000.0), (0.2, 0.01), marks, "0%")
    drawn = chart_drawing(chart, 300, 150, "Helvetica").contents
    needed, so_far = (
        next(one for one in drawn if getattr(one, "text", "") == label)
        for label in ("needed", "so far")
    )
    assert needed.y - so_far.y >= needed.fontSize


def test_the_ticks_of_shares_have_one_form():
    assert [tick_percent(x) for x in (0, 0.005, 0.01, 0.025, 0.2, 1)] == [
        *("0%", "0.5%", "1%", "2.5%", "20%", "100%")
    ]


def test_a_bars_label_breaks_between_words_and_between_japanese_letters():
    """Helvetica at 10 points: a letter "n" or "a" is 5.56 wide, a blank 2.78."""
    assert wrapped_lines("nnnn aaaa", "Helvetica", 10, 30) == ["nnnn", "aaaa"]
    assert wrapped_lines("nnnn aaaa", "Helvetica", 10, 50) == ["nnnn aaaa"]
    assert wrapped_lines("nnnnnnnn", "Helvetica", 10, 30) == ["nnnnnnnn"]
    japanese = wrapped_lines("あいうn-gram", "Helvetica", 10, 1)
    assert japanese == ["あ", "い", "う", "n-gram"]
    assert wrapped_lines("生（1回）", "Helvetica", 10, 1) == ["生", "（1回）"]
