"""More inputs whose cells are dates and amounts, in the forms that forms, scripts and people write."""

from benchmarks.file_inputs.cell_inputs import date_column, number_column, refused_column

CALENDARS = [
    date_column(
        "meiji.csv",
        ["明治45年7月29日", "大正15年12月24日", "昭和64年1月7日", "平成31年4月30日", "M33.5.1"],
        ["1912-07-29", "1926-12-24", "1989-01-07", "2019-04-30", "1900-05-01"],
    ),
    date_column(
        "era-full-width.csv",
        ["令和６年１月５日", "Ｒ６．１．５", "㋿6年1月5日", "令和 6 年 1 月 5 日"],
        ["2024-01-05", "2024-01-05", "2024-01-05", "2024-01-05"],
    ),
    date_column(
        "era-short.csv",
        ["令6.1.5", "H31/4/30", "S64-01-07", "r6.1.5", "R06.01.05"],
        ["2024-01-05", "2019-04-30", "1989-01-07", "2024-01-05", "2024-01-05"],
    ),
    date_column(
        "era-end.csv",
        ["令和6年1月5日", "令和99年1月5日"],
        ["2024-01-05", "2117-01-05"],
    ),
    date_column(
        "weekdays.csv",
        [
            "2024/1/5(金)",
            "2024年1月5日（金曜日）",
            "2024-01-05 Fri",
            "Fri 2024-01-05",
            "2024/01/05 (Fri)",
        ],
        ["2024-01-05"] * 5,
    ),
    date_column(
        "halves.csv",
        [
            "2024/1/5 午前9:05",
            "2024年1月5日 午後3時5分",
            "2024-01-05 03:05 PM",
            "2024-01-05 12:00 AM",
            "2024/1/5 午後0:30",
        ],
        [
            "2024-01-05T09:05",
            "2024-01-05T15:05",
            "2024-01-05T15:05",
            "2024-01-05T00:00",
            "2024-01-05T12:30",
        ],
    ),
    date_column(
        "halves-points.csv",
        ["2024-01-05 3:05 p.m.", "2024-01-05 11:59:59 a.m.", "2024-01-05 9 am"],
        ["2024-01-05T15:05", "2024-01-05T11:59:59", "2024-01-05T09:00"],
    ),
    date_column(
        "hours-only.csv",
        ["2024年1月5日9時", "2024年1月5日 17時30分", "2024年1月5日17時30分15秒"],
        ["2024-01-05T09:00", "2024-01-05T17:30", "2024-01-05T17:30:15"],
    ),
    date_column(
        "twenty-four.csv",
        ["2024-01-05 24:00", "2024-01-05 23:59"],
        [None, "2024-01-05T23:59"],
        told=("cells_left_empty",),
    ),
    date_column("iso-weeks.csv", ["2024-W05-3", "2024-W01-1"], ["2024-01-31", "2024-01-01"]),
    date_column("iso-days.csv", ["2024-031", "2024-001"], ["2024-01-31", "2024-01-01"]),
    date_column(
        "iso-basic.csv",
        ["20240131T090500Z", "20240201T100000Z"],
        ["2024-01-31T09:05", "2024-02-01T10:00"],
    ),
    date_column(
        "iso-zulu.csv",
        ["2024-01-31T09:05:00.123456Z", "2024-01-31T09:05:00+00:00"],
        ["2024-01-31T09:05:00.123456", "2024-01-31T09:05"],
    ),
    date_column(
        "one-offset.csv",
        ["2024-01-31T23:30:00+09:00", "2024-02-01T00:30:00+09:00"],
        ["2024-01-31T23:30", "2024-02-01T00:30"],
    ),
    date_column(
        "offset-and-utc.csv",
        ["2024-01-31T23:30:00+09:00", "2024-01-31T15:30:00Z"],
        ["2024-01-31T23:30", "2024-02-01T00:30"],
        told=("mixed_zones",),
    ),
    refused_column(
        "offsets.csv",
        "date",
        ["2024-01-31T23:30:00+09:00", "2024-01-31T15:30:00-05:00"],
        "zones_unclear",
    ),
    refused_column(
        "bare-and-zoned.csv",
        "date",
        ["2024-01-31 23:30:00", "2024-01-31T15:30:00+09:00"],
        "zone_needed",
    ),
    date_column(
        "named-zone.csv",
        ["2024-01-31 23:30 JST", "2024-02-01 00:30 JST"],
        ["2024-01-31T23:30", "2024-02-01T00:30"],
    ),
    date_column(
        "unknown-zone.csv",
        ["2024-01-31 23:30 EST", "2024-02-01 00:30 EST"],
        [None, None],
        told=("cells_left_empty",),
    ),
    date_column(
        "rfc-822.csv",
        ["Wed, 31 Jan 2024 09:05:00 +0900", "Thu, 01 Feb 2024 10:00:00 +0900"],
        ["2024-01-31T09:05", "2024-02-01T10:00"],
    ),
    date_column(
        "ctime.csv",
        ["Wed Jan 31 09:05:00 2024", "Thu Feb  1 10:00:00 2024"],
        ["2024-01-31T09:05", "2024-02-01T10:00"],
    ),
    date_column(
        "german-months.csv",
        ["31. Januar 2024", "1. Dez. 2023", "3. Okt 2023", "Mittwoch, 31. Januar 2024"],
        ["2024-01-31", "2023-12-01", "2023-10-03", "2024-01-31"],
    ),
    date_column(
        "french-months.csv",
        ["31 janvier 2024", "1er février 2024", "15 août 2023", "3 déc. 2023"],
        ["2024-01-31", "2024-02-01", "2023-08-15", "2023-12-03"],
    ),
    date_column(
        "spanish-months.csv",
        ["31 de enero de 2024", "1 feb 2024", "15 de agosto de 2023"],
        ["2024-01-31", "2024-02-01", "2023-08-15"],
    ),
    date_column(
        "month-first.csv",
        ["January 31, 2024", "Feb 1st, 2024", "Sept. 3 2023"],
        ["2024-01-31", "2024-02-01", "2023-09-03"],
    ),
    date_column(
        "oracle.csv",
        ["31-JAN-24", "01-FEB-24", "15-AUG-23"],
        ["2024-01-31", "2024-02-01", "2023-08-15"],
    ),
    date_column(
        "oracle-times.csv",
        ["31-JAN-24 09.05.00.000000 AM", "01-FEB-24 10.00.00.000000 PM"],
        ["2024-01-31T09:05", "2024-02-01T22:00"],
    ),
    date_column(
        "points-iso.csv",
        ["2024.01.31", "2024.2.1", "2024. 2. 3."],
        ["2024-01-31", "2024-02-01", "2024-02-03"],
    ),
    date_column("two-digit-first.csv", ["24/01/31", "24/02/13"], ["2024-01-31", "2024-02-13"]),
    refused_column("two-digit-open.csv", "date", ["24/01/05", "12/02/03"], "date_order_unclear"),
    refused_column("slashes-open.csv", "date", ["1/2/2024", "3/4/2024"], "date_order_unclear"),
    refused_column(
        "slashes-contradict.csv",
        "date",
        ["13/2/2024", "2/14/2024", "3/4/2024"],
        "date_orders_mixed",
    ),
    date_column(
        "slashes-asked.csv",
        ["1/2/2024", "3/4/2024"],
        ["2024-02-01", "2024-04-03"],
        options={"date_order": "dmy"},
    ),
    date_column(
        "asked-misfit.csv",
        ["1/2/2024", "3/14/2024"],
        ["2024-02-01", None],
        options={"date_order": "dmy"},
        told=("cells_left_empty",),
    ),
    date_column(
        "dmy-and-iso.csv",
        ["31/01/2024", "2024-02-01", "03/02/2024"],
        ["2024-01-31", "2024-02-01", "2024-02-03"],
    ),
    date_column("dashes-dmy.csv", ["31-01-2024", "05-02-2024"], ["2024-01-31", "2024-02-05"]),
    date_column(
        "serials-text.csv",
        ["45322", "45323", "45336.5"],
        ["2024-01-31", "2024-02-01", "2024-02-14T12:00"],
    ),
    date_column(
        "epoch-ms-text.csv", ["1706659200000", "1706745600000"], ["2024-01-31", "2024-02-01"]
    ),
    date_column(
        "epoch-decimal.csv",
        ["1706659200.25", "1706745600.5"],
        ["2024-01-31T00:00:00.25", "2024-02-01T00:00:00.5"],
    ),
    date_column(
        "epoch-ns.csv", ["1706659200000000000", "1706745600000000001"], ["2024-01-31", "2024-02-01"]
    ),
    date_column(
        "epoch-exponent.csv",
        ["1.70666E+12", "1.70675E+12"],
        [None, None],
        told=("cells_left_empty",),
    ),
    date_column(
        "compact-times.csv",
        ["20240131 0905", "20240131090500", "202401310905"],
        ["2024-01-31T09:05", "2024-01-31T09:05", "2024-01-31T09:05"],
    ),
    date_column(
        "no-day.csv",
        ["2024-01", "2024年2月", "2024-01-31"],
        [None, None, "2024-01-31"],
        told=("cells_left_empty",),
    ),
    date_column(
        "no-such-day.csv",
        ["2024-02-30", "2023-02-29", "2024-02-29"],
        [None, None, "2024-02-29"],
        told=("cells_left_empty",),
    ),
    date_column(
        "zeros.csv",
        ["0000-00-00 00:00:00", "00/00/0000", "2024-02-29"],
        [None, None, "2024-02-29"],
        told=("cells_left_empty",),
    ),
    date_column(
        "far-dates.csv",
        [*[f"2024-01-{d:02d}" for d in range(1, 29)], "9999-12-31", "1900-01-01"],
        [*[f"2024-01-{d:02d}" for d in range(1, 29)], "9999-12-31", "1900-01-01"],
        told=("far_dates",),
    ),
    date_column(
        "unreadable.csv",
        ["yesterday", "2024-01-31", "tbd", "n/a"],
        [None, "2024-01-31", None, None],
        told=("cells_left_empty",),
    ),
    refused_column("buddhist.csv", "date", ["31/01/2567", "01/02/2567"], "other_calendar"),
    date_column(
        "kanji-numbers.csv",
        ["令和六年一月五日", "二〇二四年一月五日", "2024-01-05"],
        ["2024-01-05"] * 3,
    ),
    date_column(
        "full-width.csv",
        ["２０２４／１／５", "２０２４年１月５日　１３：０５"],
        ["2024-01-05", "2024-01-05T13:05"],
    ),
    date_column(
        "short-zones.csv",
        ["2024-01-31T09:05:00+09", "2024-01-31 09:05:00 +0900", "2024-01-31 09:05 GMT+9"],
        ["2024-01-31T09:05"] * 3,
    ),
    date_column(
        "sql-server.csv",
        ["Jan 31 2024  9:05AM", "Feb  1 2024 10:00PM"],
        ["2024-01-31T09:05", "2024-02-01T22:00"],
    ),
    date_column("apostrophes.csv", ["'2024-01-31", "'2024-02-01"], ["2024-01-31", "2024-02-01"]),
]

AMOUNTS = [
    number_column(
        "swiss-points.csv", ["1'234.50", "12'345'678", "CHF 99.-", "5.–"], [1234.5, 12345678, 99, 5]
    ),
    number_column(
        "lakhs.csv", ["1,23,456.50", "12,34,567", "₹ 1,00,000", "5"], [123456.5, 1234567, 100000, 5]
    ),
    number_column(
        "triangles.csv",
        ["△1,200", "▲500", "△ 3,400", "1,000円", "▲12.5"],
        [-1200, -500, -3400, 1000, -12.5],
    ),
    number_column(
        "parentheses.csv",
        ["(500)", "(1,200.50)", "($30)", "($1,000.00)", "7"],
        [-500, -1200.5, -30, -1000, 7],
    ),
    number_column(
        "wide.csv",
        ["１，２００", "￥５００", "１２．５", "－３００", "（４００）"],
        [1200, 500, 12.5, -300, -400],
    ),
    number_column(
        "man.csv",
        ["3万円", "1.5億円", "12万", "3,000万円", "2千円", "1百万円"],
        [30000, 150000000, 120000, 30000000, 2000, 1000000],
    ),
    number_column(
        "man-mixed.csv", ["1万2000円", "1億2000万円", "3万5千円"], [12000, 120000000, 35000]
    ),
    number_column(
        "signs-after.csv",
        ["500-", "1,200-", "+30", "−40", "‐50", "－60"],
        [-500, -1200, 30, -40, -50, -60],
    ),
    number_column("currency-after.csv", ["12,50 €", "1.200,00 EUR", "7 €"], [12.5, 1200, 7]),
    number_column("currency-words.csv", ["USD 1,200.50", "US$30", "30 USD"], [1200.5, 30, 30]),
    number_column(
        "thin-spaces.csv", ["1\u202f234,50", "1\u00a0234", "1 234 567,8"], [1234.5, 1234, 1234567.8]
    ),
    number_column("thin-space-2009.csv", ["1\u2009234,50", "2\u2009345,75"], [1234.5, 2345.75]),
    number_column("decimal-zero.csv", ["0,75", "12,500", "3,25"], [0.75, 12.5, 3.25]),
    number_column("thousands-decide.csv", ["1,234,567", "12,500", "800"], [1234567, 12500, 800]),
    number_column("points-decide.csv", ["12.500", "1.250,75"], [12500, 1250.75]),
    refused_column("comma-open.tsv", "cost", ["12,500", "13,750"], "decimal_unclear"),
    refused_column("point-open.tsv", "cost", ["12.500", "13.750"], "decimal_unclear"),
    refused_column(
        "styles-contradict.tsv", "cost", ["1,234.50", "1.234,50", "12,500"], "decimal_unclear"
    ),
    number_column(
        "point-asked.tsv", ["12,500", "13,750"], [12500, 13750], options={"decimal": "point"}
    ),
    number_column(
        "comma-asked.tsv", ["12,500", "13,750"], [12.5, 13.75], options={"decimal": "comma"}
    ),
    number_column(
        "exponents.csv", ["1.2e3", "5E-1", "1e400"], [1200, 0.5, None], told=("cells_left_empty",)
    ),
    number_column(
        "no-values.csv",
        ["nan", "inf", "-", "N/A", "", "5"],
        [None, None, None, None, None, 5],
        told=("cells_left_empty",),
    ),
    number_column(
        "approximate.csv",
        ["ca. 500", "~300", "500+", "<100", "5-10", "40"],
        [None, None, None, None, None, 40],
        told=("cells_left_empty",),
    ),
    number_column(
        "units-after.csv",
        ["1200円/台", "30 kg", "45 min", "20"],
        [None, None, None, 20],
        told=("cells_left_empty",),
    ),
    number_column(
        "suffixes.csv",
        ["1.2k", "3M", "2K€", "10"],
        [None, None, None, 10],
        told=("cells_left_empty",),
    ),
    number_column("tax.csv", ["1,200円(税込)", "¥500（税抜）", "300円"], [1200, 500, 300]),
    number_column(
        "grouping-wrong.csv",
        ["1,2345", "12,34", "1,23,45,678.5", "7.5"],
        [None, None, 12345678.5, 7.5],
        told=("cells_left_empty",),
    ),
    number_column(
        "time-like.csv", ["1:30", "12:00", "5"], [None, None, 5], told=("cells_left_empty",)
    ),
    number_column(
        "kanji-amount.csv",
        ["五百円", "千二百円", "800円"],
        [None, None, 800],
        told=("cells_left_empty",),
    ),
    number_column(
        "hash.csv",
        ["#####", "#N/A", "#VALUE!", "12"],
        [None, None, None, 12],
        told=("cells_left_empty",),
    ),
    number_column(
        "yen-sign.csv",
        ["\\1,200", "¥ 3,000", "JPY 500", "500 yen"],
        [1200, 3000, 500, None],
        told=("cells_left_empty",),
    ),
]
