"""results.Monitored -> monitor.html, one file that works offline and runs no scripts. Room: report/.

Sorts, folds and rounds; the template (monitor.html.jinja) only lays out. Series beyond those that are drawn are listed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from textmill.report import followed, numbers, showing
from textmill.report.drawing import Pictures
from textmill.report.opinion_picture import MOST, Curve, Mark, Opinion
from textmill.report.sheet import written
from textmill.report.words import N_, PARTS, Words
from textmill.results import Monitored, OpinionAlarm, OpinionSeries

CONTENTS = {
    "short": N_("In short"),
    "series": N_("Opinion over time"),
    "errors": N_("What the shares are corrected by"),
    "left-out": N_("What was left out"),
    "notes": N_("How to read it"),
}


def monitor_page(found: Monitored, pictures: Pictures, words: Words) -> str:
    """The whole page as HTML."""
    ordered = followed.by_importance(found)
    names = list(pictures.drawn)
    drawn = ordered[: len(names)]
    values = {
        "found": found,
        "kind": words("Opinion over time"),
        "name": words.comma.join(found.data),
        "contents": [(anchor, words(title)) for anchor, title in CONTENTS.items()],
        "pictures": pictures.drawn,
        "notes": pictures.notes,
        "amount": followed.amount(found, words),
        "n_alarms": sum(len(one.alarms) for one in found.series),
        "alarms": [(one.name, words.told(alarm.said, found.messages)) for one in ordered for alarm in one.alarms],
        "alarms_word": words("alarms"),
        "colon": words.colon,
        "by": found.columns.get("by", ""),
        "class_columns": [(showing.on_one_line(name), True) for name in found.classes],
        "unit": words(followed.EVERY[found.every]),
        "series": [series_of(found, one, name, words) for one, name in zip(drawn, names, strict=True)],
        "others": [
            {
                "name": one.name,
                "n_alarms": len(one.alarms),
                "n_texts": one.n_texts,
                "n_periods": sum(period.n > 0 for period in one.periods),
            }
            for one in ordered[len(names) :]
        ],
        "stated": [words.told(text, found.messages) for text in dict.fromkeys(one.stated for one in found.series)],
        "found_notes": [words.told(note, found.messages) for note in found.notes],
        "confusion": list(zip(found.classes, found.confusion, strict=True)),
        "measured_on": [(words(PARTS[part]), n) for part, n in found.measured_on.items()],
        "dropped": followed.dropped(found, words) if found.n_dropped else "",
        "dropped_first": [words.told(line, found.messages) for line in found.dropped],
        "confidence": f"{100 * found.confidence:g}",
    }
    return written("monitor.html.jinja", values, words)


def series_of(found: Monitored, one: OpinionSeries, picture: str, words: Words) -> dict[str, Any]:
    """What the page shows of a series."""
    return {
        "name": one.name,
        "picture": picture,
        "n_texts": one.n_texts,
        "alarms": [alarm_of(found, alarm, words) for alarm in one.alarms],
        "notes": [words.told(note, found.messages) for note in one.notes],
        "periods": [
            {
                "start": followed.said(period.start, found.every),
                "n": period.n,
                "few": period.few,
                "cells": [(period.shares[name], *map(numbers.share, period.intervals[name])) for name in found.classes]
                if period.shares is not None and period.intervals is not None
                else [],
            }
            for period in one.periods
        ],
        "summary": words.plural("%(n)s period in numbers", "%(n)s periods in numbers", len(one.periods)),
    }


def alarm_of(found: Monitored, alarm: OpinionAlarm, words: Words) -> dict[str, Any]:
    return {
        "said": words.told(alarm.said, found.messages),
        "behind": followed.behind(alarm, words),
        "examples": [
            {
                "text": example.text,
                "lang": showing.language_of(example.text) or "",
                "source": example.source,
                "moment": followed.said(example.moment, found.every),
                "probability": example.probability,
            }
            for example in alarm.examples
        ],
    }


def opinions_of(found: Monitored, words: Words) -> list[Opinion]:
    """What is drawn: the series that matter most, up to MOST."""
    return [opinion_of(found, one, words) for one in followed.by_importance(found)[:MOST]]


def opinion_of(found: Monitored, one: OpinionSeries, words: Words) -> Opinion:
    starts = [period.start for period in one.periods]
    return Opinion(
        subject=one.name or words.comma.join(found.data),
        starts=[datetime.fromisoformat(start) for start in starts],
        curves=[
            Curve(
                name,
                [None if period.shares is None else period.shares[name] for period in one.periods],
                [None if period.intervals is None else period.intervals[name] for period in one.periods],
            )
            for name in found.classes
        ],
        marks=[Mark(starts.index(alarm.at), words.told(alarm.said, found.messages)) for alarm in one.alarms],
        is_corrected=found.is_corrected,
    )
