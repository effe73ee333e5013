"""results.Monitored -> sentences that the page and the terminal share. Room: report/."""

from __future__ import annotations

from datetime import datetime

from textmill.report import numbers
from textmill.report.showing import on_one_line
from textmill.report.words import N_, Words
from textmill.results import Monitored, OpinionAlarm, OpinionSeries

EVERY = {"hour": N_("hour"), "day": N_("day"), "week": N_("week"), "month": N_("month")}
REASONS = {
    "bad_record": N_("cannot be read"),
    "empty": N_("without text"),
    "no_date": N_("without a date"),
    "bad_date": N_("with a date that cannot be read"),
    "no_series": N_("that name nothing to follow them by"),
}
FORMS = {"hour": "%Y-%m-%d %H:%M", "day": "%Y-%m-%d", "week": "%Y-%m-%d", "month": "%Y-%m"}


def texts(n: int, words: Words) -> str:
    return words.plural("%(n)s text", "%(n)s texts", n)


def amount(found: Monitored, words: Words) -> str:
    """How many texts, of which time, by whose clock."""
    starts = [period.start for one in found.series for period in one.periods]
    said_periods = words(
        "by %(unit)s from %(first)s to %(last)s, by the clock of %(zone)s",
        unit=words(EVERY[found.every]),
        first=said(min(starts, key=datetime.fromisoformat), found.every),
        last=said(max(starts, key=datetime.fromisoformat), found.every),
        zone=on_one_line(found.zone),
    )
    parts = [texts(found.n_texts, words), said_periods]
    if "by" in found.columns:
        parts.append(words.plural("%(n)s series", "%(n)s series in all", len(found.series)))
    n_alarms = sum(len(one.alarms) for one in found.series)
    parts.append(words.plural("%(n)s alarm", "%(n)s alarms", n_alarms))
    return words.comma.join(parts)


def said(start: str, every: str) -> str:
    """A moment in digits, as precise as its period."""
    return datetime.fromisoformat(start).strftime(FORMS[every])


def behind(alarm: OpinionAlarm, words: Words) -> str:
    return words(
        "Texts after it that are given '%(name)s', the class that grew, surest first:", name=on_one_line(alarm.grown)
    )


def notes(found: Monitored, words: Words) -> list[str]:
    """The rate of false alarms, then the notes of all series together."""
    stated = dict.fromkeys(one.stated for one in found.series)
    return [words.told(text, found.messages) for text in [*stated, *found.notes]]


def dropped(found: Monitored, words: Words) -> str:
    """How many records were left out, by reason."""
    parts = [f"{numbers.count(n)} {words(REASONS[reason])}" for reason, n in found.n_dropped.items()]
    return words("Records that were left out: %(list)s.", list=words.comma.join(parts))


def by_importance(found: Monitored) -> list[OpinionSeries]:
    """Series with alarms first, then those of most texts."""
    return sorted(found.series, key=lambda one: (-len(one.alarms), -one.n_texts, one.name))
