"""Written dates -> moments with a time zone, and the periods that they fall into. Room: text/. Used by what has a time.

Forms that are read, in full-width digits too:
    2024-05-01, 2024/5/1, 2024.5.1, 20240501, 01.05.2024 (with dots the day is first), 2024-05 and May 2024 (the 1st)
    May 1, 2024 · 1 May 2024 · Wed, 01 May 2024 13:00:00 +0200 (RFC 2822) · Wed May 01 13:00:00 2024
    2024年5月1日, 二〇二四年五月一日, 2024年5月1日 下午3点, 2024年5月1日 13时05分
    1714564800 (seconds since 1970), 1714564800000 (milliseconds); a time of day behind any date, with Z or an offset
    05/01/2024 and 05-01-2024: which is the month is decided over the whole column (`order_of`) or said, never per line
Refused: years of two digits, a year alone, and names of zones that mean several (CST).

A time without a zone is one of the zone that is given. Where clocks are put back it is the first of the two; where they
are put forward and skip it, it counts on by the clock before (02:30 is 03:30).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from textmill.errors import InputError, did_you_mean

Order = Literal["day-first", "month-first"]
ORDERS: tuple[Order, ...] = ("day-first", "month-first")
Unit = Literal["hour", "day", "week", "month"]
UNITS: tuple[Unit, ...] = ("hour", "day", "week", "month")

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH = (
    "(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    "oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
WEEKDAY = r"(?:(?:mon|tue(?:s)?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+)?"
# RFC 2822, 4.3, but for CST, which is China's too.
NAMED_ZONES = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "est": -5, "edt": -4, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
}  # fmt: skip
ZONE = r"(?:\s*(?P<zone>[+-]\d{2}(?::?\d{2})?|[a-z]{1,5})(?:\s*\([^)]*\))?)?"
CLOCK = (
    r"(?P<hour>\d{1,2})(?::(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?:\s*(?P<half>[ap])\.?m\.?)?|\s*(?P<half_alone>[ap])\.?m\.?)"
)
CHINESE_CLOCK = (
    r"(?P<part>凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜里|深夜)?\s*(?P<hour>\d{1,2})\s*(?:"
    r"[时点](?:钟|整|(?P<half_past>半)|(?P<minute>\d{1,2})(?:分(?:(?P<second>\d{1,2})秒)?)?)?"
    r"|:(?P<minute_of_digits>\d{2})(?::(?P<second_of_digits>\d{2}))?)"
)
EVENING = ("晚上", "夜里", "深夜")
DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"


def _form(day: str) -> re.Pattern[str]:
    return re.compile(rf"{WEEKDAY}{day}(?:(?:\s*t\s*|\s*,?\s+(?:at\s+)?){CLOCK}{ZONE})?", re.IGNORECASE)


FORMS: tuple[re.Pattern[str], ...] = (
    _form(r"(?!\d{4}\.\d+$)(?P<year>\d{4})(?P<mark>[-/.])(?P<month>\d{1,2})(?:(?P=mark)(?P<day>\d{1,2}))?"),
    _form(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})"),
    _form(r"(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.\s?(?P<year>\d{4})"),
    _form(r"(?P<one>\d{1,2})(?P<mark>[-/])(?P<other>\d{1,2})(?P=mark)(?P<year>\d{4})"),
    _form(rf"{MONTH}\.?\s+{DAY},?\s+(?P<year>\d{{4}})"),
    _form(rf"{DAY}(?:\s+of)?[\s-]+{MONTH}\.?,?[\s-]+(?P<year>\d{{4}})"),
    _form(rf"{MONTH}\.?,?[\s-]+(?P<year>\d{{4}})"),
    re.compile(rf"{WEEKDAY}{MONTH}\s+{DAY}\s+{CLOCK}{ZONE}\s+(?P<year>\d{{4}})", re.IGNORECASE),
    re.compile(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})(?:t)?(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})"
               + ZONE, re.IGNORECASE),
    re.compile(
        r"(?P<year>\d{4})\s*年\s*(?P<month>\d{1,2})\s*月(?:\s*(?P<day>\d{1,2})\s*[日号])?"
        rf"(?:\s*\(?(?:星期|周|礼拜)[\d日天]\)?)?(?:[\s,]*{CHINESE_CLOCK}{ZONE})?",
        re.IGNORECASE,
    ),
)  # fmt: skip
TWO_DIGITS = re.compile(
    re.sub(
        r"\?P<\w+>",
        "?:",
        r"(?:\d{1,2}[-/.]\s?\d{1,2}[-/.]\s?\d{2}|\d{2}年\d{1,2}月.*"
        rf"|{WEEKDAY}{DAY}[\s-]+{MONTH}\.?,?[\s-]+'?\d{{2}}|{WEEKDAY}{MONTH}\.?\s+{DAY},?\s+'?\d{{2}})(?:[\s,t].*)?",
    ),
    re.IGNORECASE,
)
EPOCH = re.compile(r"(?P<seconds>\d{9,10})(?P<fraction>\.\d{1,9})?|(?P<milliseconds>\d{13})")
NUMERALS = dict(zip("〇零一二三四五六七八九", (0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9), strict=True))
IN_CHINESE = re.compile("[〇零一二三四五六七八九十]+")


def read_date(text: str, zone: tzinfo = UTC, order: Order | None = None) -> datetime:
    """The moment that a text names, in `zone`; a date without a time of day is its midnight.

    order: of day and month in 05/01/2024, where it is known. Raises InputError with the reason where none is named.

    >>> read_date("2024年5月1日 下午3点").isoformat()
    '2024-05-01T15:00:00+00:00'
    """
    plain = _plain(text)
    if not plain:
        raise InputError("an empty date")
    try:
        return _moment(plain, zone, order, text)
    except (ValueError, OverflowError) as error:
        raise InputError(f"there is no date '{text.strip()}' ({error})") from None


def order_of(texts: Iterable[str]) -> Order | None:
    """Whether a column writes 13/05/2024 or 05/13/2024; None where no value says.

    Raises InputError, with both values, where some are only one and some only the other.

    >>> order_of(["05/01/2024", "05/13/2024", "", "2024-05-01"])
    'month-first'
    """
    found: dict[Order, str] = {}
    for text in texts:
        read = _two_numbers(_plain(text))
        if read is None:
            continue
        one, other = read
        if one > 12 >= other:
            found.setdefault("day-first", text.strip())
        elif other > 12 >= one:
            found.setdefault("month-first", text.strip())
        if len(found) == 2:
            raise InputError(
                f"'{found['day-first']}' has the day first and '{found['month-first']}' the month: which is which in "
                "the others cannot be told",
                hint="Write the dates as 2024-05-01.",
            )
    return next(iter(found), None)


def is_ambiguous(text: str) -> bool:
    """Whether a date reads as two different days, as 05/01/2024 does and 05/05/2024 or 13/05/2024 do not."""
    read = _two_numbers(_plain(text))
    return read is not None and read[0] != read[1] and max(read) <= 12


def zone_of(name: str) -> tzinfo:
    """A time zone by its name (Asia/Shanghai) or offset (+08:00). Raises InputError where there is none.

    >>> zone_of("+08:00").utcoffset(None)
    datetime.timedelta(seconds=28800)
    """
    if name.upper() in ("UTC", "Z", "GMT"):
        return UTC
    if re.fullmatch(r"[+-]\d{2}(:?\d{2})?", name):
        return _offset(name)
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        near = did_you_mean(name, sorted(available_timezones()))
        raise InputError(
            f"there is no time zone '{name}'", hint=near or "Name one as Asia/Shanghai, Europe/Berlin or +08:00."
        ) from None


def period_of(moment: datetime, unit: Unit, zone: tzinfo = UTC) -> datetime:
    """The start of the hour, day, week (from Monday) or month that a moment falls into, by the clocks of the zone."""
    local = moment.astimezone(zone)
    if unit == "hour":
        return local.replace(minute=0, second=0, microsecond=0)
    day = local.date()
    if unit == "week":
        day -= timedelta(days=day.weekday())
    elif unit == "month":
        day = day.replace(day=1)
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def next_period(start: datetime, unit: Unit) -> datetime:
    """The start of the period after the one that starts there."""
    zone = start.tzinfo or UTC
    if unit == "hour":
        return (start.astimezone(UTC) + timedelta(hours=1)).astimezone(zone)
    day = start.date()
    if unit == "month":
        day = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    else:
        day += timedelta(days=7 if unit == "week" else 1)
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def periods_between(first: datetime, last: datetime, unit: Unit) -> Iterator[datetime]:
    """The starts of all periods from one to the other, both of them starts and both given."""
    while first <= last:
        yield first
        first = next_period(first, unit)


def _plain(text: str) -> str:
    """Full-width forms as plain ones, Chinese numerals before 年月日时点分秒 as digits, runs of blanks one blank."""
    plain = " ".join(unicodedata.normalize("NFKC", text).split())
    if "年" in plain:
        plain = IN_CHINESE.sub(lambda found: _digits(found[0]), plain)
    return plain


def _digits(numeral: str) -> str:
    """二〇二四 as 2024, 十五 as 15, 三十一 as 31."""
    tens, ten, ones = numeral.partition("十")
    if ten and len(tens) <= 1 and len(ones) <= 1:
        return str(10 * (NUMERALS[tens] if tens else 1) + (NUMERALS[ones] if ones else 0))
    return "".join(str(NUMERALS[sign]) if sign in NUMERALS else sign for sign in numeral)


def _two_numbers(plain: str) -> tuple[int, int] | None:
    """The two numbers before the year in 05/01/2024 and 05-01-2024; None for any other form."""
    found = FORMS[3].fullmatch(plain)
    return (int(found["one"]), int(found["other"])) if found else None


def _moment(plain: str, zone: tzinfo, order: Order | None, text: str) -> datetime:
    for form in FORMS:
        if found := form.fullmatch(plain):
            parts = {name: value for name, value in found.groupdict().items() if value is not None}
            break
    else:
        return _epoch(plain, zone, text)
    if "one" in parts:
        parts["day"], parts["month"] = _day_and_month(parts, order, text)
    month = MONTHS.index(parts["name"][:3].lower()) + 1 if "name" in parts else int(parts["month"])
    midnight = datetime(int(parts["year"]), month, int(parts.get("day", 1)))
    moment = midnight + _time_of_day(parts)
    if "zone" in parts:
        return moment.replace(tzinfo=_zone_in(parts["zone"], text)).astimezone(zone)
    return moment.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)


def _day_and_month(parts: dict[str, str], order: Order | None, text: str) -> tuple[str, str]:
    one, other = parts["one"], parts["other"]
    if order is None:
        if int(one) == int(other) or int(one) > 12:
            order = "day-first"
        elif int(other) > 12:
            order = "month-first"
        else:
            raise InputError(
                f"'{text.strip()}' may have the day or the month first, and nothing in the column says which",
                hint="Say it with --dates day-first or --dates month-first.",
            )
    return (one, other) if order == "day-first" else (other, one)


def _time_of_day(parts: dict[str, str]) -> timedelta:
    """Since midnight. Raises ValueError for one that no clock shows."""
    if "hour" not in parts:
        return timedelta()
    hour = int(parts["hour"])
    minute = 30 if "half_past" in parts else int(parts.get("minute") or parts.get("minute_of_digits") or 0)
    second = int(parts.get("second") or parts.get("second_of_digits") or 0)
    fraction = float(f"0.{parts.get('fraction', '0')}")
    half = (parts.get("half") or parts.get("half_alone") or "").lower()
    if half:
        if not 1 <= hour <= 12:
            raise ValueError(f"the hour is {hour}, with am or pm it is 1 to 12")
        hour = hour % 12 + (12 if half == "p" else 0)
    elif "part" in parts:
        hour = _hour_of_chinese(parts["part"], hour)
    if minute > 59 or second > 59 or hour > 24 or (hour == 24 and (minute or second or fraction)):
        raise ValueError("a time of day is 00:00:00 to 24:00:00")
    return timedelta(hours=hour, minutes=minute, seconds=second, microseconds=round(1_000_000 * fraction))


def _hour_of_chinese(part: str, hour: int) -> int:
    """下午 3 as 15, 晚上 12 as 24, 凌晨 12 as 0."""
    if part in EVENING:
        if hour < 5:
            raise ValueError(f"{part}{hour}点 may be of this day or the next")
        return hour + 12 if hour <= 12 else hour
    if hour == 12:
        return 0 if part == "凌晨" else 12
    is_later = part in ("下午", "傍晚") or (part == "中午" and hour <= 2)
    return hour + 12 if is_later and hour < 12 else hour


def _zone_in(name: str, text: str) -> tzinfo:
    if name[0] in "+-":
        return _offset(name)
    if name.lower() not in NAMED_ZONES:
        raise InputError(
            f"the zone '{name}' in '{text.strip()}' has no one meaning",
            hint="Write the offset, such as +08:00, or leave the zone out and say it with --zone.",
        )
    return timezone(timedelta(hours=NAMED_ZONES[name.lower()]))


def _offset(name: str) -> timezone:
    hours, minutes = int(name[1:3]), int(name[3:].lstrip(":") or 0)
    if hours > 14 or minutes > 59:
        raise InputError(f"the offset '{name}' is none that a clock has (-12:00 to +14:00)")
    return timezone((-1 if name[0] == "-" else 1) * timedelta(hours=hours, minutes=minutes))


def _epoch(plain: str, zone: tzinfo, text: str) -> datetime:
    """Seconds or milliseconds since 1970; else the reason why the text is no date."""
    found = EPOCH.fullmatch(plain)
    if found is None:
        raise _refused(plain, text)
    if found["milliseconds"]:
        since = timedelta(milliseconds=int(found["milliseconds"]))
    else:
        since = timedelta(seconds=int(found["seconds"]) + float(found["fraction"] or 0))
    return (datetime(1970, 1, 1, tzinfo=UTC) + since).astimezone(zone)


def _refused(plain: str, text: str) -> InputError:
    said = text.strip()
    if re.fullmatch(r"\d{4}年?", plain):
        return InputError(f"'{said}' is a year alone", hint="Write the day or the month too, as 2024-05-01 or 2024-05.")
    if TWO_DIGITS.fullmatch(plain):
        return InputError(f"the year in '{said}' has two digits", hint="Write all four, as 2024-05-01.")
    return InputError(
        f"'{said}' is no date that is known",
        hint="Write it as 2024-05-01, 2024-05-01 13:00 +08:00 or 2024年5月1日.",
    )
