"""Answers without any training, by hand: in English, in Chinese, and where there is nothing to find."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.evaluation.answer_baselines import BASELINES

TOWER = "Orla is a town by a lake. The old tower was built in May 1983, by Ann Lee. It stands."
DAM = "柳河镇在山谷东面。镇上的水塔由匠人程远在一九八三年建成，高四十米。灯塔已拆。"


@pytest.mark.parametrize(
    ("name", "question", "passage", "answer"),
    [
        ("no_answer", "Who?", TOWER, ""),
        ("first_sentence", "Who?", TOWER, "Orla is a town by a lake."),
        ("first_sentence", "谁？", DAM, "柳河镇在山谷东面。"),
        ("lexical_overlap", "When was the TOWER built?", TOWER, "The old tower was built in May 1983, by Ann Lee."),
        ("lexical_overlap", "镇上的水塔有多高？", DAM, "镇上的水塔由匠人程远在一九八三年建成，高四十米。"),
        ("lexical_overlap", "xyz", TOWER, "Orla is a town by a lake."),  # none has a word of it: the first
        # 6 words asked and 3 more: that window holds The … built; around "by Ann Lee" it holds tower … built
        ("sliding_window", "When was the old tower built?", TOWER, "in May 1983"),
        # 9 characters asked and 10 more: that window holds 镇上的水塔由 and 建成; around 高四十米 it lacks some
        ("sliding_window", "镇上的水塔由谁建成？", DAM, "匠人程远在一九八三年"),
        # 6 words asked and 1 more are the sentence: both stretches have all of it, and the first is taken
        ("sliding_window", "Who is the mayor of Orla?", "Ann is the mayor of old Orla.", "Ann"),
        ("sliding_window", "a b", "a b a b", ""),
    ],
)
def test_an_answer_is_what_the_rule_gives_by_hand(name: str, question: str, passage: str, answer: str) -> None:
    assert BASELINES[name](question, passage) == answer


@given(question=st.text(max_size=20), passage=st.text(max_size=60))
@settings(deadline=None, max_examples=150)
def test_whatever_is_asked_of_whatever_the_answer_stands_in_the_passage(question: str, passage: str) -> None:
    for answers in BASELINES.values():
        assert answers(question, passage) in passage
