"""Numbers and foreign text as they are shown."""

from __future__ import annotations

import doctest
import html
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textmill.report import card, fonts, numbers, showing
from textmill.report.words import Words


@pytest.mark.parametrize("module", [numbers, showing, fonts, card])
def test_the_examples_of_the_docstrings_hold(module: object) -> None:
    tried = doctest.testmod(module)  # type: ignore[arg-type]
    assert tried.failed == 0 and tried.attempted > 0


@given(st.text())
def test_nothing_is_lost_between_text_and_html(text: str) -> None:
    shown = html.unescape(re.sub("<[^>]*>", "", str(showing.as_html(text))))

    assert shown == showing.visible(text)
    assert not any(showing.is_hidden(char) for char in shown)


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_letters_are_shown_as_they_are(text: str) -> None:
    assert showing.on_one_line(text) == text


def test_emoji_that_are_joined_stay_joined() -> None:
    assert showing.visible("👩‍👩‍👧 क्‍ष ❤️") == "👩‍👩‍👧 क्‍ष ❤️"


@pytest.mark.parametrize(
    ("text", "language"),
    [("红楼梦", "zh"), ("これは日本語", "ja"), ("한국어", "ko"), ("plain", None), ("", None)],
)
def test_a_script_gives_its_language_away(text: str, language: str | None) -> None:
    assert showing.language_of(text) == language


def test_a_sample_in_latin_letters_is_called_english_only_where_the_text_was() -> None:
    assert showing.language_of_sample("Guten Tag", {"other": 1.0}) == ""
    assert showing.language_of_sample("Good day", {"en": 0.9}) == "en"
    assert showing.language_of_sample("...", {"en": 0.9}) == ""


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (0.0, "0 s", "0 秒"),
        (0.034, "0.034 s", "0.034 秒"),
        (4.24, "4.2 s", "4.2 秒"),
        (9.96, "10 s", "10 秒"),
        (59.6, "1 min 00 s", "1 分 00 秒"),
        (192, "3 min 12 s", "3 分 12 秒"),
        (3599.7, "1 h 00 min", "1 小时 00 分"),
        (3840, "1 h 04 min", "1 小时 04 分"),
        (math.inf, "∞", "∞"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds: float, english: str, chinese: str) -> None:
    assert numbers.duration(seconds, Words("en")) == english
    assert numbers.duration(seconds, Words("zh")) == chinese


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "0.0 %"),
        (0.00001, "< 0.1 %"),
        (0.1249, "12.5 %"),
        (0.99999, "> 99.9 %"),
        (1.0, "100.0 %"),
        (math.nan, "NaN"),
    ],
)
def test_a_small_share_is_never_called_nothing_nor_a_large_one_all(value: float, said: str) -> None:
    assert numbers.share(value) == said


@given(st.integers(min_value=0, max_value=10**18))
def test_sizes_carry_a_unit_and_at_most_four_figures(n_bytes: int) -> None:
    assert re.fullmatch(r"\d{1,3}(\.\d)? (B|kB|MB|GB)|[\d,]+\.\d TB", numbers.size(n_bytes))


def test_what_is_no_number_is_said_to_be_none() -> None:
    assert [numbers.measure(value) for value in (math.nan, math.inf, -math.inf, None)] == ["NaN", "∞", "−∞", "–"]


def test_facts_open_what_is_nested_and_keep_what_is_empty() -> None:
    assert numbers.facts({"a": {"b": 1, "c": {}}, "d": []}) == [("a.b", 1), ("a.c", {}), ("d", [])]
