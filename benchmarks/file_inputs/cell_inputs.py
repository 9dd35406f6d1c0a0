"""Inputs whose cells are dates and numbers as people write them: one column, decided by all of its
cells.
"""

from benchmarks.file_inputs.making import Input, expect, quoted_csv, refused


def _column(name: str, column: str, cells: list[str]) -> bytes:
    rows = [["id", "text", column], *([str(i), f"case {i}", cell] for i, cell in enumerate(cells))]
    return quoted_csv(rows, delimiter="\t" if name.endswith(".tsv") else ",")


def date_column(name: str, cells: list[str], days: list[str | None], **more) -> Input:
    return Input(name, _column(name, "date", cells), expect("occurred_at", *days), **more)


def number_column(name: str, cells: list[str], numbers: list[float | None], **more) -> Input:
    return Input(name, _column(name, "cost", cells), expect("value", *numbers), **more)


def refused_column(name: str, column: str, cells: list[str], *codes: str, **more) -> Input:
    return refused(name, _column(name, column, cells), *codes, **more)


_JAPANESE = [
    "令和6年2月3日",
    "令和元年12月1日",
    "R6.2.3",
    "R6/2/3",
    "平成30年4月5日",
    "S63.1.7",
    "2024年2月3日（土）",
    "2024/2/3(土) 9:05",
]

DATES = [
    date_column(
        "eras.csv",
        _JAPANESE,
        [
            "2024-02-03",
            "2019-12-01",
            "2024-02-03",
            "2024-02-03",
            "2018-04-05",
            "1988-01-07",
            "2024-02-03",
            "2024-02-03T09:05",
        ],
    ),
    date_column("us.csv", ["3/4/2024", "3/28/2024 4:05 PM"], ["2024-03-04", "2024-03-28T16:05"]),
    date_column(
        "european.csv", ["3/4/2024", "28/3/2024 16:05"], ["2024-04-03", "2024-03-28T16:05"]
    ),
    date_column(
        "german.csv", ["03.04.2024", "05.06.2024 16:05"], ["2024-04-03", "2024-06-05T16:05"]
    ),
    date_column(
        "named.csv",
        [
            "31-Jan-2024",
            "1 Feb 2024",
            "Feb 3, 2024",
            "4. März 2024",
            "5 mars 2024",
            "6 de marzo de 2024",
            "Fri, 8 Mar 2024 10:00:00 GMT",
        ],
        [
            "2024-01-31",
            "2024-02-01",
            "2024-02-03",
            "2024-03-04",
            "2024-03-05",
            "2024-03-06",
            "2024-03-08T10:00",
        ],
    ),
    date_column("march.csv", ["Mar 3 2024", "mar. 5 mars 2024"], ["2024-03-03", "2024-03-05"]),
    date_column("serials.csv", ["45322", "45336.5"], ["2024-01-31", "2024-02-14T12:00"]),
    date_column("epoch-s.csv", ["1706659200", "1706745600"], ["2024-01-31", "2024-02-01"]),
    date_column(
        "epoch-ms.csv", ["1706659200000", "1706745600500"], ["2024-01-31", "2024-02-01T00:00:00.5"]
    ),
    date_column("epoch-mixed.csv", ["1706659200", "1706745600000"], ["2024-01-31", "2024-02-01"]),
    date_column(
        "compact.csv",
        ["20240131", "20240201093000", "20240202T1015"],
        ["2024-01-31", "2024-02-01T09:30", "2024-02-02T10:15"],
    ),
    date_column(
        "one-zone.csv",
        ["2024-01-31T08:30:00+09:00", "2024-01-31T09:30:00+09:00"],
        ["2024-01-31T08:30", "2024-01-31T09:30"],
    ),
    date_column(
        "two-zones.csv",
        ["2024-01-31T08:50:00+09:00", "2024-01-30T23:55:00Z", "2024-01-31T09:10:00+09:00"],
        ["2024-01-31T08:50", "2024-01-31T08:55", "2024-01-31T09:10"],
        told=("mixed_zones",),
    ),
    refused_column(
        "summer-time.csv",
        "date",
        ["2024-01-31T08:30:00+01:00", "2024-07-31T08:30:00+02:00"],
        "zones_unclear",
    ),
    date_column(
        "summer-time-asked.csv",
        ["2024-01-31T08:30:00+01:00", "2024-07-31T08:30:00+02:00"],
        ["2024-01-31T08:30", "2024-07-31T08:30"],
        options={"timezone": "Europe/Berlin"},
    ),
    date_column(
        "zone-asked.csv",
        ["2024-01-31 08:30", "2024-01-31T08:30:00+09:00", "2024-01-31T00:30:00Z"],
        ["2024-01-31T08:30", "2024-01-31T08:30", "2024-01-31T09:30"],
        options={"timezone": "Asia/Tokyo"},
    ),
    refused_column(
        "zone-needed.csv", "date", ["2024-01-31 08:30", "2024-01-31T09:30:00+09:00"], "zone_needed"
    ),
    refused_column(
        "zone-unknown.csv",
        "date",
        ["2024-01-31"],
        "zone_unknown",
        options={"timezone": "Mars/Base"},
    ),
    refused_column("open-order.csv", "date", ["3/4/2024", "5/6/2024"], "date_order_unclear"),
    date_column(
        "order-asked.csv",
        ["3/4/2024", "5/6/2024"],
        ["2024-04-03", "2024-06-05"],
        options={"date_order": "dmy"},
    ),
    refused_column(
        "mixed-order.csv", "date", ["3/28/2024", "28/3/2024", "3/4/2024"], "date_orders_mixed"
    ),
    date_column(
        "two-digit-years.csv",
        ["24/03/28", "24/12/31", "99/04/01"],
        ["2024-03-28", "2024-12-31", "1999-04-01"],
        refusals=("date_order_unclear",),
    ),
    date_column("equal.csv", ["5/5/2024", "7/7/2024"], ["2024-05-05", "2024-07-07"]),
    date_column(
        "missing.csv",
        ["2024-02-30", "", "2024-02-01", "none yet"],
        [None, None, "2024-02-01", None],
        told=("cells_left_empty",),
    ),
    date_column("years.csv", ["2024", "2023"], [None, None], told=("cells_left_empty",)),
    date_column(
        "placeholder.csv",
        [*(f"2024-01-{day:02d}" for day in range(1, 31)), "9999-12-31"],
        [*(f"2024-01-{day:02d}" for day in range(1, 31)), "9999-12-31"],
        told=("far_dates",),
    ),
    date_column(
        "mixed-forms.csv",
        ["2024-01-31", "2024/2/1", "2024年2月2日", "20240203", "2024.2.4"],
        ["2024-01-31", "2024-02-01", "2024-02-02", "2024-02-03", "2024-02-04"],
    ),
    date_column(
        "kanji-digits.csv",
        ["二〇二四年一月五日", "令和六年十二月三十一日", "二〇二四年十月二十日 十五時三十分"],
        ["2024-01-05", "2024-12-31", "2024-10-20T15:30"],
    ),
    date_column(
        "seireki.csv", ["西暦2024年1月5日", "西暦２０２４年２月６日"], ["2024-01-05", "2024-02-06"]
    ),
    date_column(
        "words-before-times.tsv",
        ["12 août 2024 à 14h30", "5. Januar 2024 um 14:05 Uhr", "Jan 5, 2024 at 10:00 AM"],
        ["2024-08-12T14:30", "2024-01-05T14:05", "2024-01-05T10:00"],
    ),
    date_column(
        "of-month.csv", ["8 of January 2024", "9th of March 2024"], ["2024-01-08", "2024-03-09"]
    ),
]

NUMBERS = [
    number_column("comma-decimals.csv", ["12,500", "0,75", "3,5"], [12.5, 0.75, 3.5]),
    number_column("point-decimals.csv", ["12.500", "0.75", "3.5"], [12.5, 0.75, 3.5]),
    number_column("thousands.csv", ["1,234,567", "12,500"], [1234567, 12500]),
    number_column("german-thousands.csv", ["1.234,50", "12.500"], [1234.5, 12500]),
    number_column(
        "yen.csv",
        ["¥1,200", "￥35,000", "1,200円", "△500", "▲300", "(1,500)", "２，５００"],
        [1200, 35000, 1200, -500, -300, -1500, 2500],
    ),
    number_column("dollars.csv", ["$1,200", "-$35.50", "($7)", "USD 5"], [1200, -35.5, -7, 5]),
    number_column("euros.csv", ["1.200 €", "35,50 €", "€ 7"], [1200, 35.5, 7]),
    number_column("sap.csv", ["500-", "1200"], [-500, 1200]),
    number_column("spaces.csv", ["1 200,50", "35 000"], [1200.5, 35000]),
    number_column("swiss.csv", ["1'200.50", "35"], [1200.5, 35]),
    number_column(
        "beside-small.csv",
        ["1,200", "500", "12,000"],
        [1200, 500, 12000],
        refusals=("decimal_unclear",),
    ),
    number_column("units.csv", ["3万円", "1.2億円", "500"], [30000, 1.2e8, 500]),
    refused_column("open-decimals.tsv", "cost", ["12,500", "7,250", "1,125"], "decimal_unclear"),
    refused_column("open-points.tsv", "cost", ["12.500", "7.250", "1.125"], "decimal_unclear"),
    number_column(
        "decimals-asked.tsv", ["12,500", "7,250"], [12.5, 7.25], options={"decimal": "comma"}
    ),
    number_column(
        "thousands-asked.tsv", ["12,500", "7,250"], [12500, 7250], options={"decimal": "point"}
    ),
    number_column(
        "not-numbers.csv",
        ["5 pieces", "12", "tbd", "-"],
        [None, 12, None, None],
        told=("cells_left_empty",),
    ),
    number_column("currencies.csv", ["$5", "€7"], [5, 7], told=("mixed_currencies",)),
    number_column("yen-end.csv", ["¥1,200-", "\\3,400", "¥500"], [1200, 3400, 500]),
    number_column("percent.csv", ["5%", "12"], [None, 12], told=("cells_left_empty",)),
    number_column("negative.csv", ["-5", "−6.5", "+7"], [-5, -6.5, 7]),
    number_column("receipts.csv", ["1,200円也", "９８０円也", "300円"], [1200, 980, 300]),
    *(
        Input(
            name,
            _column(name, column, cells),
            expect("value", *numbers),
            told=("multiplied_values",),
        )
        for name, column, cells, numbers in (
            ("thousand-yen.csv", "金額（千円）", ["12", "1,500", "△3"], [12e3, 15e5, -3e3]),
            ("million-yen.csv", "金額(単位：百万円)", ["1.5", "2"], [15e5, 2e6]),
            ("thousand-euros.tsv", "Kosten [TEUR]", ["1,5", "12,25"], [1500, 12250]),
            ("own-units.csv", "金額（千円）", ["12", "1万2000円", "800円"], [12e3, 12e3, 800]),
        )
    ),
]
