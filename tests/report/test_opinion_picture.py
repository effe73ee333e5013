"""The picture of opinion over time shows what it was given: gaps, bands, alarms, in both languages."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from textmill.report.drawing import WIDE, Pen, Picture
from textmill.report.opinion_picture import MOST, NAMES, Curve, Mark, Opinion, draw_shares, highest_of, ticks
from textmill.report.opinion_picture import draw as draw_all
from textmill.report.words import Words

EN, ZH = Words("en"), Words("zh")


def draw(one: Opinion, words: Words) -> Picture:
    """The picture of one series."""
    return draw_all([one], words).drawn["opinion"]


DAY = timedelta(days=1)


def opinion(n: int = 20, gaps: tuple[int, ...] = (5, 7, 8), at: int = 12) -> Opinion:
    shares = [None if day in gaps else 0.3 + 0.2 * (day >= at) for day in range(n)]
    bands = [None if share is None else (share - 0.05, share + 0.05) for share in shares]
    rest = [None if share is None else 1 - share for share in shares]
    other = [None if share is None else (share - 0.05, share + 0.05) for share in rest]
    start = datetime(2024, 5, 1, tzinfo=UTC)
    return Opinion(
        "reviews.csv",
        [start + day * DAY for day in range(n)],
        [Curve("negative", shares, bands), Curve("positive", rest, other)],
        [Mark(at, "negative grew from 30.0 % to 50.0 %")],
    )


def test_a_gap_is_a_gap_and_a_period_between_two_a_dot() -> None:
    figure = draw_shares(opinion(), Pen(WIDE, EN, "Opinion over time"))
    drawn = {str(line.get_label()): line for line in figure.axes[0].get_lines()}
    shares = list(drawn["negative"].get_ydata())

    assert [day for day, share in enumerate(shares) if share != share] == [5, 7, 8]
    dots = [list(line.get_xdata()) for line in figure.axes[0].get_lines() if line.get_marker() == "o"]
    assert dots == [[6], [6]]


def test_an_alarm_is_a_numbered_line_before_its_period() -> None:
    figure = draw_shares(opinion(), Pen(WIDE, EN))
    upright = [line for line in figure.axes[0].get_lines() if list(line.get_ydata()) == [0, 1]]

    assert [list(line.get_xdata()) for line in upright] == [[11.5, 11.5]]
    assert [text.get_text() for text in figure.axes[0].texts] == ["1"]


@pytest.mark.parametrize("words", [EN, ZH])
def test_every_form_is_there_and_the_label_says_what_is_seen(words: Words) -> None:
    picture = draw(opinion(), words)

    assert picture.png.startswith(b"\x89PNG") and picture.svg.startswith(b"<?xml")
    assert "2024-05-01" in picture.label and "30.0 %" in picture.label and "50.0 %" in picture.label
    assert "negative grew from" in picture.label
    assert "--rule" in picture.wide and "--model" in picture.narrow
    if words is ZH:
        assert re.search("[\u4e00-\u9fff]", picture.label) and "意见随时间的变化" in picture.svg.decode()


def test_what_was_not_corrected_is_titled_so() -> None:
    plain = draw(replace(opinion(), is_corrected=False), EN).svg.decode()

    assert "as the classifier says it" in plain and "as the classifier says it" not in draw(opinion(), EN).svg.decode()


def test_the_same_numbers_give_the_same_bytes() -> None:
    assert draw(opinion(), EN) == draw(opinion(), EN)


def test_hours_are_written_where_periods_are_hours() -> None:
    start = datetime(2024, 5, 1, tzinfo=UTC)
    hours = replace(opinion(), starts=[start + timedelta(hours=hour) for hour in range(20)])

    assert "2024-05-01 08:00" in draw(hours, EN).svg.decode()
    assert "00:00" not in draw(opinion(), EN).svg.decode()


def test_the_axis_ends_above_every_band_and_has_few_ticks() -> None:
    assert highest_of(opinion()) == 0.8
    low = replace(opinion(), curves=[Curve("rare", [0.01, 0.02], [(0.0, 0.05), None])])
    assert highest_of(low) == 0.2
    assert ticks(20, 6) == [0, 4, 8, 12, 16] and ticks(1, 6) == [0] and len(ticks(365, 6)) <= 6


def test_a_series_of_one_period_and_one_of_none_known_are_drawn() -> None:
    one = replace(opinion(n=1, gaps=()), marks=[])
    assert draw(one, EN).png
    nothing = replace(one, curves=[Curve("a", [None], [None])])
    assert draw(nothing, EN).png


def test_several_series_are_drawn_by_number_and_no_more_than_the_most() -> None:
    some = [replace(opinion(), subject=f"product {number}") for number in range(2)]
    drawn = draw_all(some, EN).drawn

    assert list(drawn) == ["opinion-1", "opinion-2"] and "product 1" in drawn["opinion-2"].svg.decode()
    assert NAMES[1:] == tuple(f"opinion-{number}" for number in range(1, MOST + 1))
