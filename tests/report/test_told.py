"""Sentences of training and evaluation in the language of the page; what nobody knows how to say stays as it is."""

from __future__ import annotations

import copy
import json
import math
import pickle
import re
from typing import Any

import pytest

from textmill import messages
from textmill.evaluation.landmarks import LANDMARKS, verdict
from textmill.messages import message, paragraph, record_of
from textmill.report.card import card
from textmill.report.chinese import CHINESE
from textmill.report.drawing import Pictures
from textmill.report.page import page
from textmill.report.words import Words
from textmill.results import Evaluation, Report

from .reading import read

ZH = Words("zh")
SHORT = "It sees the last %(n)s tokens only; what lies further back is forgotten."


def stored(*texts: str) -> Any:
    """texts and their record, once through JSON."""
    return json.loads(json.dumps([list(texts), record_of(texts)]))


def test_a_message_is_its_english_text_to_all_who_do_not_ask() -> None:
    said = message(SHORT, n=64)

    assert said == "It sees the last 64 tokens only; what lies further back is forgotten."
    assert json.dumps(said) == json.dumps(str(said))
    assert message("%(n)s %% of it", n=3) == "3 % of it"
    for copied in (copy.deepcopy(said), pickle.loads(pickle.dumps(said))):
        assert (copied, copied.sentences) == (said, said.sentences)


def test_a_stored_message_is_told_in_either_language_and_so_are_its_parts() -> None:
    whole = paragraph(
        [
            message("For %(kind)s no published number in bits per byte is known to us: the floor is the measure.",
                    kind=message("Chinese text")),
            message(SHORT, n=64),
        ]
    )  # fmt: skip
    [[text], record] = stored(whole)

    assert Words("en").told(text, record) == whole
    assert ZH.told(text, record) == (
        "对于中文文本，我们不知道有以每字节比特数发表的结果：只能以基线为尺度。"
        "它只看得见最近的 64 个词元，更早的都忘了。"
    )


def test_a_value_is_never_translated_unless_it_is_a_message() -> None:
    """A file may be called like a word of ours."""
    said = message("%(n)s records could not be read and were left out; first: %(first)s", n=1, first="read apart")

    assert ZH.told(said, record_of([said])).endswith("第一条：read apart")


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"said": []},
        {"said": [{"template": SHORT, "values": {}}]},
        {"said": [{"template": SHORT}]},
        {"said": [{"template": 3, "values": {}}]},
        {"said": [{"template": SHORT, "values": {"n": 3}}]},
        {"said": [{"template": SHORT, "values": ["n"]}]},
    ],
)
def test_what_is_not_known_or_damaged_is_shown_as_it_stands(record: Any) -> None:
    for words in (ZH, Words("en")):
        assert words.told("said", record) == "said"


def test_a_template_from_a_file_fills_in_names_and_nothing_else() -> None:
    """A format like %(x)999999999s of a foreign run folder would take the memory."""
    record = {"said": [{"template": "%(x)999999999s %(x)s %d %%", "values": {"x": "a"}}]}

    assert ZH.told("said", record) == "%(x)999999999s a %d %"


def test_the_examples_of_the_docstrings_hold() -> None:
    import doctest

    assert doctest.testmod(messages).failed == 0


def judged(bpb: float, difference: tuple[float, float] = (-1.0, -0.1), kind: str = "zh") -> Evaluation:
    """An evaluation as evaluate() writes it, with a floor at 2.2 bits and guessing at 2.5; read back from its file."""
    metrics = {"loss": 4 * bpb * math.log(2), "bpb": bpb, "n_tokens": 1000, "n_bytes": 4000}
    convention: dict[str, Any] = {
        "loss": message("nats per token"),
        "token": message("%(kind)s, vocabulary %(n)s", kind="char", n="310"),
        "window": message("whole documents"),
        "bpb_minus_floor": {"ngram": list(difference)},
        "notes": [message("There are only %(n)s documents: the intervals are rough.", n=4)],
    }
    found = Evaluation(
        run="runs/红楼梦", data="test", checkpoint="best", metrics=metrics, intervals={}, convention=convention,
        baselines={"uniform": {"bpb": 2.5}, "ngram": {"bpb": 2.2}, "ngram_bytes": {"bpb": 2.4}},
    )  # fmt: skip
    found.verdict = verdict(found, {kind: 1.0})
    found.messages = record_of([*convention.values(), *convention["notes"], found.verdict])
    return Evaluation.model_validate_json(found.to_json())


@pytest.mark.parametrize("bpb", [1.7, 2.19, 2.3, 2.6])
def test_the_verdict_is_chinese_on_a_chinese_page(chinese: Report, bpb: float) -> None:
    evaluation = judged(bpb, difference=(-0.1, 0.1))
    words = ZH.told(evaluation.verdict, evaluation.messages)
    rest = ZH.space.join(ZH.retold(evaluation.verdict, evaluation.messages)[1:])
    report = chinese.model_copy(update={"evaluation": evaluation})

    assert not re.search("[A-Za-z]{2,}", words), words
    assert rest in read(page(report, Pictures({}), ZH)).text and evaluation.verdict not in card(report, ZH)


def test_limits_notes_and_convention_are_chinese_on_a_chinese_page(chinese: Report) -> None:
    """They stood there in English, stored as finished sentences."""
    limits = [message(SHORT, n=64)]
    note = message("Nothing was held out to choose a checkpoint by: the last one is kept.")
    report = chinese.model_copy(
        update={
            "evaluation": judged(2.3),
            "limits": [str(limits[0])],
            "data": chinese.data | {"notes": [str(note), "An old note."]},
            "messages": stored(*limits, note)[1],
        }
    )
    for text in (read(page(report, Pictures({}), ZH)).text, card(report, ZH)):
        for said in (
            "它只看得见最近的 64 个词元",
            "纳特/词元",
            "char，词表 310",
            "整篇文档",
            "只有 4 篇文档",
            "验证最好的一个",
        ):
            assert said in text, said
        for english in (limits[0], "nats per token", "vocabulary", "whole documents", "There are only", str(note)):
            assert english not in text, english
    text = read(page(report, Pictures({}), ZH)).text
    assert CHINESE[note] in text and "An old note." in text


def test_every_landmark_can_be_named_in_chinese() -> None:
    assert all({landmark.text, landmark.by} <= CHINESE.keys() for landmark in LANDMARKS)
