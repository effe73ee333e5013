"""Written dates: every form names the moment that a person reads in it; what has no one meaning is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textmill.errors import InputError
from textmill.text.dates import (
    is_ambiguous,
    next_period,
    order_of,
    period_of,
    periods_between,
    read_date,
    zone_of,
)

BERLIN, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-05-01", at(2024, 5, 1)),
        (" 2024-5-1 ", at(2024, 5, 1)),
        ("2024-05-01 13:00", at(2024, 5, 1, 13)),
        ("2024-05-01T13:00:05Z", at(2024, 5, 1, 13, 0, 5)),
        ("2024-05-01T13:00:05.250+02:00", at(2024, 5, 1, 11, 0, 5, 250_000)),
        ("2024-05-01 13:00:05 -0730", at(2024, 5, 1, 20, 30, 5)),
        ("2024-05-01 24:00", at(2024, 5, 2)),
        ("2024/5/1", at(2024, 5, 1)),
        ("2024.5.1", at(2024, 5, 1)),
        ("20240501", at(2024, 5, 1)),
        ("20240501T130000Z", at(2024, 5, 1, 13)),
        ("20240501130509", at(2024, 5, 1, 13, 5, 9)),
        ("01.05.2024", at(2024, 5, 1)),
        ("1. 5. 2024 7:30", at(2024, 5, 1, 7, 30)),
        ("May 1, 2024", at(2024, 5, 1)),
        ("may 1st 2024 at 3 pm", at(2024, 5, 1, 15)),
        ("May 1, 2024, 12:05 AM", at(2024, 5, 1, 0, 5)),
        ("1 May 2024", at(2024, 5, 1)),
        ("1-Sept-2024", at(2024, 9, 1)),
        ("Wednesday, May 1, 2024", at(2024, 5, 1)),
        ("May 2024", at(2024, 5, 1)),
        ("2024-05", at(2024, 5, 1)),
        ("Wed, 01 May 2024 13:00:00 +0200", at(2024, 5, 1, 11)),
        ("Wed, 01 May 2024 13:00:00 GMT", at(2024, 5, 1, 13)),
        ("Wed May  1 13:00:00 2024", at(2024, 5, 1, 13)),
        ("Mon Apr 06 22:19:45 PDT 2009", at(2009, 4, 7, 5, 19, 45)),
        ("1714564800", at(2024, 5, 1, 12)),
        ("171456480", at(1975, 6, 8, 10, 48)),
        ("1714564800.5", at(2024, 5, 1, 12, 0, 0, 500_000)),
        ("1714564800123", at(2024, 5, 1, 12, 0, 0, 123_000)),
        ("2024年5月1日", at(2024, 5, 1)),
        ("2024年05月01号 星期三", at(2024, 5, 1)),
        ("2024 年 5 月", at(2024, 5, 1)),
        ("2024年5月1日 13时05分", at(2024, 5, 1, 13, 5)),
        ("2024年5月1日13点05分09秒", at(2024, 5, 1, 13, 5, 9)),
        ("2024年5月1日 下午3点", at(2024, 5, 1, 15)),
        ("2024年5月1日晚上8点半", at(2024, 5, 1, 20, 30)),
        ("2024年5月1日 晚上12点", at(2024, 5, 2)),
        ("2024年5月1日 凌晨12点", at(2024, 5, 1)),
        ("2024年5月1日 中午12点", at(2024, 5, 1, 12)),
        ("2024年5月1日（周三）13:05", at(2024, 5, 1, 13, 5)),
        ("二〇二四年五月一日", at(2024, 5, 1)),
        ("二零二四年十二月三十一日 下午三点", at(2024, 12, 31, 15)),
        ("２０２４－０５－０１　１３：００", at(2024, 5, 1, 13)),
        ("２０２４年５月１日", at(2024, 5, 1)),
        ("13/05/2024", at(2024, 5, 13)),
        ("05/13/2024 1:30 pm", at(2024, 5, 13, 13, 30)),
        ("05/05/2024", at(2024, 5, 5)),
        ("29.02.2024", at(2024, 2, 29)),
    ],
)
def test_a_date_is_read_as_a_person_reads_it(text: str, expected: datetime) -> None:
    assert read_date(text) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "an empty date"),
        ("  ", "an empty date"),
        ("yesterday", "no date that is known"),
        ("2024-05-01 soon", "no date that is known"),
        ("01/05/24", "two digits"),
        ("1.5.24", "two digits"),
        ("May 1, '24", "two digits"),
        ("24年5月1日", "two digits"),
        ("2024", "a year alone"),
        ("2024年", "a year alone"),
        ("2024.5", "no date that is known"),
        ("202405011300", "no date that is known"),
        ("2024-13-01", "month must be in 1..12"),
        ("2023-02-29", "day"),
        ("05.13.2024", "month must be in 1..12"),
        ("2024-05-01 25:00", "00:00:00 to 24:00:00"),
        ("2024-05-01 24:01", "00:00:00 to 24:00:00"),
        ("2024-05-01 13:60", "00:00:00 to 24:00:00"),
        ("2024-05-01 13:00 pm", "am or pm"),
        ("2024年5月1日 晚上1点", "this day or the next"),
        ("2024-05-01 13:00 CST", "no one meaning"),
        ("2024-05-01 13:00 +25:00", "none that a clock has"),
        ("05/01/2024", "day or the month first"),
    ],
)
def test_what_names_no_one_moment_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        read_date(text)


def test_which_of_two_numbers_is_the_month_is_told_by_the_column_and_never_by_the_line() -> None:
    assert order_of(["05/01/2024", "", "31-05-2024", "2024-06-30"]) == "day-first"
    assert order_of(["05/01/2024", "05/31/2024 12:00"]) == "month-first"
    assert order_of(["05/01/2024", "2024-05-31", "05/05/2024"]) is None
    assert read_date("05/01/2024", order="day-first") == at(2024, 1, 5)
    assert read_date("05/01/2024", order="month-first") == at(2024, 5, 1)
    assert [is_ambiguous(text) for text in ("05/01/2024", "05/05/2024", "13/05/2024", "2024-05-01")] == [
        True, False, False, False,
    ]  # fmt: skip
    with pytest.raises(InputError, match="'31/05/2024' has the day first and '05/31/2024' the month"):
        order_of(["05/31/2024", "31/05/2024"])
    with pytest.raises(InputError, match="month must be in"):  # a line that contradicts its column is refused
        read_date("13/05/2024", order="month-first")


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2100, 1, 1)), st.integers(-12 * 4, 14 * 4))
def test_what_python_writes_comes_back(moment: datetime, quarters: int) -> None:
    zoned = moment.replace(tzinfo=timezone(timedelta(minutes=15 * quarters)))

    assert read_date(zoned.isoformat()) == zoned
    assert read_date(zoned.isoformat(sep=" ", timespec="microseconds")) == zoned
    assert read_date(format_datetime(zoned)) == zoned.replace(microsecond=0)
    assert read_date(f"{moment.year:04}年{moment.month}月{moment.day}日") == at(moment.year, moment.month, moment.day)
    assert read_date(moment.strftime("%d.%m.%Y %H:%M:%S")) == moment.replace(microsecond=0, tzinfo=UTC)


def test_a_time_without_a_zone_is_of_the_zone_that_is_said_and_any_other_is_turned_into_it() -> None:
    assert read_date("2024-05-01 13:00", SHANGHAI) == at(2024, 5, 1, 5)
    turned = read_date("2024-05-01T20:00:00Z", SHANGHAI)
    assert (turned, turned.day, turned.hour) == (at(2024, 5, 1, 20), 2, 4)


def test_a_time_that_clocks_skip_counts_on_and_one_that_comes_twice_is_the_first() -> None:
    skipped = read_date("2024-03-31 02:30", BERLIN)
    assert (skipped, skipped.hour) == (at(2024, 3, 31, 1, 30), 3)
    twice = read_date("2024-10-27 02:30", BERLIN)
    assert twice.astimezone(UTC) == at(2024, 10, 27, 0, 30)  # summer time, not 01:30


def test_a_zone_has_a_name_or_an_offset() -> None:
    assert zone_of("Asia/Shanghai") == SHANGHAI and zone_of("utc") == UTC
    assert zone_of("-0330").utcoffset(None) == timedelta(hours=-3, minutes=-30)
    with pytest.raises(InputError, match="Asia/Shanghai"):
        zone_of("Asia/Shangai")
    with pytest.raises(InputError, match="no time zone"):
        zone_of("../etc/passwd")


def test_a_day_is_one_of_the_zone_and_as_long_as_its_clocks_make_it() -> None:
    late = at(2024, 5, 1, 22)
    assert period_of(late, "day", BERLIN).isoformat() == "2024-05-02T00:00:00+02:00"
    assert period_of(late, "day").isoformat() == "2024-05-01T00:00:00+00:00"
    first, last = (period_of(at(2024, month, day, 12), "hour", BERLIN) for month, day in ((10, 26), (10, 27)))
    hours = [start.astimezone(UTC) for start in periods_between(first, last, "hour")]
    assert len(hours) == 25 and hours == sorted(set(hours)) and hours[-1] == last  # the clocks went back


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    assert period_of(at(2024, 5, 1), "week") == at(2024, 4, 29)
    assert period_of(at(2024, 5, 31, 23), "month") == at(2024, 5, 1)
    assert next_period(at(2024, 12, 1), "month") == at(2025, 1, 1)
    assert next_period(at(2024, 12, 30), "week") == at(2025, 1, 6)


@given(st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2060, 1, 1)))
def test_every_moment_lies_in_its_period_and_before_the_next(moment: datetime) -> None:
    moment = moment.replace(tzinfo=UTC)
    for unit in ("hour", "day", "week", "month"):
        start = period_of(moment, unit, BERLIN)  # type: ignore[arg-type]
        after = next_period(start, unit)  # type: ignore[arg-type]
        assert start.astimezone(UTC) <= moment < after.astimezone(UTC)
        assert period_of(after, unit, BERLIN) == after  # type: ignore[arg-type]
