"""The texts that are shown behind an alarm."""

from __future__ import annotations

import pytest

from textmill.text.examples import most_telling


def test_the_most_telling_come_first_and_of_equal_ones_the_earlier() -> None:
    texts = ["breakfast was cold", "the lift was broken", "nobody answered the phone", "we liked it"]

    assert most_telling(texts, [0.7, 0.9, 0.9, 0.1], n=3) == [1, 2, 0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The delivery was far too late", "the delivery was far too late!!!"),
        ("The delivery was far too late", "The delivery was really far too late"),
        ("送货实在太慢了，再也不买", "送货实在太慢了！再也不买了"),
        ("ｔｏｏ　ｌａｔｅ", "too late"),
    ],
)
def test_a_near_equal_text_is_not_shown_twice(one: str, other: str) -> None:
    assert most_telling([one, other, "something else entirely"], [0.9, 0.8, 0.1], n=2) == [0, 2]


def test_texts_that_share_words_but_not_what_they_say_are_both_shown() -> None:
    texts = ["the delivery was late", "the delivery man was rude", "服务很差", "早餐很差"]

    assert most_telling(texts, [0.9, 0.8, 0.7, 0.6]) == [0, 1, 2, 3]


def test_empty_texts_are_not_examples_and_fewer_than_asked_for_may_be_all() -> None:
    assert most_telling(["", " \n", "!?", "ok", "OK"], [0.9, 0.9, 0.9, 0.5, 0.4]) == [3]
    assert most_telling([], []) == []


def test_each_text_has_a_weight() -> None:
    with pytest.raises(ValueError, match="2 texts and 1 weights"):
        most_telling(["a", "b"], [0.5])
