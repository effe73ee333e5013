"""The page of opinion over time, as a reader and a browser without network meet it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from textmill.messages import message, record_of
from textmill.report import followed, render_monitor
from textmill.report.drawing import SVG, Pictures
from textmill.report.monitor_page import monitor_page, opinions_of
from textmill.report.opinion_picture import MOST, NAMES, draw
from textmill.report.words import Words
from textmill.results import Monitored, OpinionAlarm, OpinionExample, OpinionPeriod, OpinionSeries

from .reading import read

HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}\x00\x1b[31mred\u202eeman 红"
DAYS = [f"2024-05-{day:02d}T00:00:00+08:00" for day in range(1, 13)]
NO_ALARM = message(
    "%(n)s periods with texts are too few for an alarm; it takes %(least)s.", n=3, least=8
)  # a sentence that the catalogue has


def period(start: str, n: int, share: float, name: str) -> OpinionPeriod:
    shares = {name: share, "positive": 1 - share}
    return OpinionPeriod(
        start=start,
        n=n,
        counts={name: round(n * share), "positive": n - round(n * share)},
        shares=shares if n else None,
        intervals={key: (value - 0.1, value + 0.1) for key, value in shares.items()} if n else None,
        few=0 < n < 20,
    )


def series(name: str = "", label: str = "negative", text: str = "too late", alarmed: bool = True) -> OpinionSeries:
    alarm = OpinionAlarm(
        at=DAYS[6],
        earliest=DAYS[5],
        latest=DAYS[7],
        label=label,
        direction="up",
        before={label: 0.2, "positive": 0.8},
        after={label: 0.4, "positive": 0.6},
        difference={label: (0.15, 0.25), "positive": (-0.25, -0.15)},
        p_value=0.0001,
        level=0.01,
        said="it rose",
        grown=label,
        examples=[OpinionExample(text=text, source="a.csv:7", moment=DAYS[8], probability=0.98)],
    )
    return OpinionSeries(
        name=name,
        n_texts=900,
        periods=[
            period(day, 0 if place == 3 else 9 if place == 4 else 100, 0.2, label) for place, day in enumerate(DAYS)
        ],
        alarms=[alarm] if alarmed else [],
        stated=NO_ALARM,
        notes=[],
    )


def found(*all_of: OpinionSeries, label: str = "negative", **more: Any) -> Monitored:
    said: dict[str, Any] = {
        "run": "runs/reviews",
        "data": ["stream.csv"],
        "columns": {"time": "date", "by": "product"},
        "zone": "Asia/Shanghai",
        "every": "day",
        "dates": None,
        "classes": [label, "positive"],
        "confusion": [[80, 20], [10, 90]],
        "measured_on": {"test": 150, "validation": 50},
        "is_corrected": True,
        "confidence": 0.95,
        "rate": 0.01,
        "n_texts": 900,
        "n_dropped": {"bad_date": 2},
        "dropped": ["a.csv:3: no"],
        "series": list(all_of),
        "notes": [],
        "messages": record_of([NO_ALARM]),
    }
    return Monitored(**(said | more))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_is_one_file_that_loads_nothing_with_pictures_and_numbers_beside_it(tmp_path: Path, lang: str) -> None:
    written, _ = render_monitor(found(series("cup"), series("hat", alarmed=False)), tmp_path, lang)

    page = (tmp_path / "monitor.html").read_text(encoding="utf-8")
    assert not re.search(r"<script|src=|href=\"(?!#)|@import|url\((?!#)", page)
    assert written.plots == [
        str(tmp_path / f"plots/opinion-{number}.{ending}") for number in (1, 2) for ending in ("svg", "png")
    ]
    assert ElementTree.fromstring((tmp_path / "plots/opinion-1.svg").read_bytes()).tag == f"{{{SVG}}}svg"
    assert Monitored.model_validate(json.loads((tmp_path / "monitor.json").read_text(encoding="utf-8"))) == written
    render_monitor(found(series()), tmp_path, lang)
    assert sorted(path.name for path in (tmp_path / "plots").iterdir()) == ["opinion.png", "opinion.svg"]


def test_every_period_stands_in_the_table_and_a_gap_says_so(tmp_path: Path) -> None:
    render_monitor(found(series()), tmp_path)
    page = read((tmp_path / "monitor.html").read_text(encoding="utf-8"))
    rows = [row.text for row in page.all("tr")]

    for place, day in enumerate(DAYS):
        [row] = [row for row in rows if row.strip().startswith(day[:10])]
        assert ("no text: a gap" in row) == (place == 3) and ("few texts" in row) == (place == 4)
        assert place == 3 or "20.0 %" in row


def test_what_others_wrote_is_shown_and_does_nothing(tmp_path: Path) -> None:
    one = series(HOSTILE, HOSTILE, HOSTILE)
    render_monitor(found(one, series("b", HOSTILE), label=HOSTILE, data=[HOSTILE], dropped=[HOSTILE]), tmp_path)
    page = (tmp_path / "monitor.html").read_text(encoding="utf-8")

    assert "<script" not in page and "\x1b" not in page and "\u202e" not in page and "\x00" not in page
    assert page.count("{{7*7}}") >= 4


def test_headings_of_the_chinese_page_are_chinese(tmp_path: Path) -> None:
    render_monitor(found(series()), tmp_path, "zh")
    page = read((tmp_path / "monitor.html").read_text(encoding="utf-8"))
    headings = "".join(element.text for element in page.all("h2", "h3", "caption", "figcaption", "summary"))
    assert not re.search("[A-Za-z]{3,}", headings)
    assert "有文本的时段只有 3 个" in page.text


def test_beyond_the_series_that_are_drawn_the_others_are_listed_and_all_alarms_are_told() -> None:
    many = [series(f"product {number:02d}", alarmed=number >= 10) for number in range(MOST + 20)]
    one = found(*many)

    assert [series.name for series in followed.by_importance(one)[:2]] == ["product 10", "product 11"]
    assert len(opinions_of(one, Words("en"))) == MOST
    drawn = draw(opinions_of(found(series()), Words("en")), Words("en")).drawn["opinion"]
    page = monitor_page(one, Pictures(dict.fromkeys(NAMES[1:], drawn)), Words("en"))
    assert all(f"product {number:02d}" in page for number in range(MOST + 20))
    in_short = page[page.index('id="short"') : page.index('id="series"')]
    assert all((f"product {number:02d}" in in_short) == (number >= 10) for number in range(MOST + 20))
