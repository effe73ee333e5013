"""The terms that a text and a question share, in English and in Chinese."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.text import passages, search_terms, sentences
from textmill.text.search_terms import question_terms, terms


@pytest.mark.parametrize("module", [search_terms, sentences, passages])
def test_the_examples_hold(module) -> None:  # type: ignore[no-untyped-def]
    found = doctest.testmod(module)
    assert found.attempted and not found.failed


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("What are the WARRANTIES?", "A warranty is given."),
        ("電池的保修期有多久？", "电池保修期为六个月。"),
        ("电池的保修期", "電池保修期為六個月"),
        ("猫？", "一只小猫咪"),
        ("ＫＸ１ 的价格", "the kx1 costs 3"),
        ("1,200", "1200 kg"),
        ("水壶KX2怎么清洗", "KX2每月用醋清洗"),
    ],
)
def test_a_question_shares_a_term_with_its_text_whatever_form_it_is_written_in(question: str, text: str) -> None:
    assert set(question_terms(question)) & set(terms(text))


def test_words_that_only_ask_are_left_out_unless_there_are_no_others() -> None:
    assert question_terms("What is it?") == ["what", "is", "it"]
    assert question_terms("How much is the kettle?") == ["kettle"]
    assert question_terms("请问水壶怎么清洗呢？") == ["水壶", "清洗"]
    assert question_terms("") == question_terms("？！") == []


@settings(deadline=None, max_examples=200)
@given(st.text())
def test_any_text_shares_a_term_with_itself_or_has_none(text: str) -> None:
    found = question_terms(text)
    assert all(term for term in found) and len(set(found)) == len(found)
    assert bool(terms(text)) == bool(found)
