"""Documents become passages by their structure, and nothing of them is lost."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.text import long_cleaning
from textmill.text.long_text import gathered
from textmill.text.passages import LONGEST_MARKED, MOST, Stretch, stretches, width

PIECES = [
    "# Kettle", "## 保修", "Chapter 3", "第三章 安装", "2.1 Warranty", "二、保修", "（一）范围", "===", "---", "```",
    "~~~",
    "- one", "2. two", "（3）三", "| a | b |", "|---|---|", "a\tb", "", "   ", "\u3000", "It boils. Then it stops.",
    "它会沸腾。然后停下。", "e\u0301" * 400, "水" * 700, "👩\u200d👧" * 300, "long " * 400, "Dr. Li has 3.5 kg.",
    "\r", "\x0b",
    "See this: that, and so on, " * 60, "一句话，" * 200, "#no heading", "#", "1.", "第三章讲述了水壶的历史。",
]  # fmt: skip
DOCUMENTS = st.lists(st.tuples(st.sampled_from(PIECES) | st.text(max_size=40), st.sampled_from(["\n", "\r\n", "\n\n"])))


def text_of(lines: list[tuple[str, str]]) -> str:
    return "".join(line + end for line, end in lines)


@settings(deadline=None, max_examples=300)
@given(DOCUMENTS)
def test_passages_follow_each_other_and_hold_all_that_is_not_blank(lines: list[tuple[str, str]]) -> None:
    text = text_of(lines)
    found = list(stretches(text))

    edges = [0, *(edge for one in found for edge in (one.start, one.end)), len(text)]
    assert edges == sorted(edges)
    assert not "".join(text[start:end] for start, end in list(pairwise(edges))[::2]).strip()
    assert all(text[one.start : one.end] == text[one.start : one.end].strip() != "" for one in found)


@settings(deadline=None, max_examples=200)
@given(DOCUMENTS)
def test_no_passage_is_longer_than_a_piece_and_the_headings_that_it_begins_with(lines: list[tuple[str, str]]) -> None:
    text = text_of(lines)
    for one in stretches(text):
        piece = text[one.start : one.end]
        may_head = [line for line in piece.splitlines() if len(line) <= LONGEST_MARKED]
        untitled = sum(len(line) + 1 for line in may_head if not line.strip(" #"))  # "#" alone is no title
        headings = untitled + sum(3 * len(line) for line in may_head if one.heading)
        assert width(piece) <= MOST + headings


@settings(deadline=None, max_examples=200)
@given(DOCUMENTS)
def test_no_passage_begins_within_what_is_seen_as_one_character(lines: list[tuple[str, str]]) -> None:
    text = "".join(line.replace("\u0301", "e\u0301") + end for line, end in lines if line.isprintable())
    for one in stretches(text):
        assert text[one.start] not in "\u0301\u200d" or (one.start and text[one.start - 1].isspace()) or not one.start


def test_a_passage_knows_the_headings_above_it() -> None:
    text = "# Kettle\n\nIntro.\n\n## Warranty\n\nTwo years.\n\n### Parts\n\nOne year.\n\n## Cleaning\n\nVinegar.\n"

    assert [(text[one.start : one.end].split()[-1], one.heading) for one in stretches(text)] == [
        ("Intro.", ("Kettle",)),
        ("years.", ("Kettle", "Warranty")),
        ("year.", ("Kettle", "Warranty", "Parts")),
        ("Vinegar.", ("Kettle", "Cleaning")),
    ]


def test_chapters_and_numbered_lines_are_headings_in_both_languages() -> None:
    chinese = (
        "第一章 总则\n\n一、范围\n\n本规定适用于水壶。\n\n二、保修\n\n（一）期限\n\n两年。\n\n第二章 附则\n\n完。\n"
    )
    english = "Chapter 1: Rules\n\n1 Scope\n\nFor kettles.\n\n1.1 Warranty\n\nTwo years.\n\nChapter 2\n\nThe end.\n"

    assert [one.heading for one in stretches(chinese)] == [
        ("第一章 总则", "一、范围"),
        ("第一章 总则", "二、保修", "（一）期限"),
        ("第二章 附则",),
    ]
    assert [one.heading for one in stretches(english)] == [
        ("Chapter 1: Rules", "1 Scope"),
        ("Chapter 1: Rules", "1 Scope", "1.1 Warranty"),
        ("Chapter 2",),
    ]


def test_a_numbered_list_is_no_row_of_headings_and_a_sentence_about_a_chapter_is_none() -> None:
    for text in (
        "1. Fill it\n2. Boil it\n3. Pour it\n",
        "一、加水\n二、烧水\n三、倒水\n",
        "第三章讲述了水壶的历史。\n后来停产。\n",
    ):
        assert [one.heading for one in stretches(text)] == [()]


def test_a_sign_in_a_block_of_code_is_no_heading() -> None:
    text = "# Use\n\n```\n# fill it\nboil(kettle)\n```\n\nDone.\n"

    assert list(stretches(text)) == [Stretch(0, len(text) - 1, ("Use",))]


def test_an_underlined_line_is_a_heading() -> None:
    text = "Kettle\n======\n\nIt boils.\n\nWarranty\n--------\n\nTwo years.\n"

    assert [one.heading for one in stretches(text)] == [("Kettle",), ("Kettle", "Warranty")]


def test_short_neighbours_stand_together_and_a_long_paragraph_is_cut_where_sentences_end() -> None:
    short = "# A\n\n" + "One line.\n\n" * 5
    assert len(list(stretches(short))) == 1

    for sentence in (
        "This kettle boils two litres of water in under four minutes. ",
        "这个水壶能在四分钟内烧开两升水。",
    ):
        text = sentence * 60
        found = [text[one.start : one.end] for one in stretches(text)]
        assert len(found) > 3
        assert all(piece.endswith(sentence.strip()[-1]) and width(piece) <= MOST for piece in found)


@pytest.mark.parametrize("sign", ["a", "水", "# ", "#  ", "| ", "\t", "1.", "第", "。", ". ", "`"])
def test_a_long_line_of_anything_is_cut_in_time_that_grows_with_it(sign: str) -> None:
    """A hang guard: twentyfold slack. Once a line without an end of a sentence took time by the square."""
    start = time.process_time()
    assert sum(1 for _ in stretches(sign * 200_000 + "x")) > 0
    assert time.process_time() - start < 20


def test_a_text_that_is_not_held_whole_has_the_passages_of_its_stretches_under_the_same_headings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "# Kettle\n\n" + "It boils water well.\n\n" * 200
    monkeypatch.setattr(long_cleaning, "LONG", 1000)
    monkeypatch.setattr("textmill.text.long_text.LONG", 1000)

    found = list(stretches(gathered([text])))

    assert {one.heading for one in found} == {("Kettle",)}
    covered = set().union(*(range(one.start, one.end) for one in found))
    assert all(place in covered or sign.isspace() for place, sign in enumerate(text))
