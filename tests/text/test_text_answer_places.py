"""Where an answer stands: given rightly, in other units, wrongly, more than once, or nowhere. By hand and as laws."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.text.answer_places import Placed, composed_alike, place

LETTERS = st.sampled_from("ab 中文é𝒳🎉\r\n\u0301，")
TEXTS = st.text(LETTERS, max_size=30)


@given(before=TEXTS, answer=st.text(st.sampled_from("xyz中🎉é"), min_size=1, max_size=5), after=TEXTS)
@settings(deadline=None, max_examples=200)
def test_an_answer_that_stands_once_gets_its_place_whatever_unit_it_is_counted_in(
    before: str, answer: str, after: str
) -> None:
    passage = before + answer + after
    start = passage.find(answer)
    if passage.find(answer, start + 1) >= 0:
        return
    units = {
        "given": start,
        "bytes": len(passage[:start].encode()),
        "utf-16": len(passage[:start].encode("utf-16-le")) // 2,
        "moved": start + 1,
    }
    for given_place in units.values():
        found = place(passage, answer, given_place)
        assert (found.start, found.text) == (start, answer)
        assert found.how != "unclear"
    assert place(passage, answer, start).how == "given"
    assert place(passage, answer).how == "found"


@given(passage=TEXTS, text=st.text(LETTERS, min_size=1, max_size=4), said=st.none() | st.integers(-3, 80))
@settings(deadline=None, max_examples=300)
def test_whatever_is_placed_is_what_the_passage_holds_there(passage: str, text: str, said: int | None) -> None:
    if not text.strip():
        return
    found = place(passage, text, said)
    if found.how == "absent":
        assert text.strip() not in passage
    else:
        assert passage[found.start : found.start + len(found.text)] == found.text
        alike = unicodedata.normalize("NFD", found.text.strip()) == unicodedata.normalize("NFD", text.strip())
        assert alike


@pytest.mark.parametrize(
    ("passage", "text", "said", "expected"),
    [
        ("a 40 b 40 c", "40", 2, Placed(2, "40", "given")),
        ("a 40 b 40 c", "40", 7, Placed(7, "40", "given")),
        ("é 40 b 40 c", "40", 3, Placed(2, "40", "bytes")),  # é is two bytes, and at 3 stands no 40
        ("é 40 b 40 c", "40", 8, Placed(7, "40", "bytes")),
        ("🎉 40 b 40", "40", 3, Placed(2, "40", "utf-16")),
        ("a 40 b 40 c", "40", 5, Placed(7, "40", "unclear")),  # two away from 7, three from 2
        ("a 40 b 40 c", "40", None, Placed(2, "40", "unclear")),
        ("one 40 two", "40", 900, Placed(4, "40", "moved")),
        ("one 40 two", "40", -1, Placed(4, "40", "moved")),
        ("one 40 two", " 40 ", 3, Placed(3, " 40 ", "given")),
        ("one 40, two", " 40 ", 3, Placed(4, "40", "given")),  # the blank behind it is not there
        ("西門車站離港口兩公里。", "两公里", 7, Placed(-1, "两公里", "absent")),
        ("line\r\nnext 5", "5", 11, Placed(11, "5", "given")),  # CR and LF are two characters
    ],
)
def test_a_place_is_what_was_counted_by_hand(passage: str, text: str, said: int | None, expected: Placed) -> None:
    assert place(passage, text, said) == expected


def test_an_answer_whose_marks_are_composed_otherwise_is_found_as_the_passage_writes_it() -> None:
    passage = "Le cafe\u0301 ouvre."
    assert place(passage, "caf\u00e9", 3) == Placed(3, "cafe\u0301", "given")
    assert place("Le caf\u00e9 ouvre.", "cafe\u0301").text == "caf\u00e9"
    assert composed_alike("cafe\u0301", "cafe") == []  # half a letter is none
