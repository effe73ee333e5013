"""Questions that are made from documents: what they ask, where their answers stand, and that the others have none."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.config import Config
from textmill.text import plan_split
from textmill.text.documents import ANSWERS, MADE, QUESTION, Document
from textmill.text.question_making import ELSEWHERE, EXCHANGED, made_told, with_questions_made
from textmill.text.questions import holds_questions
from textmill.text.worlds.facts import Facts

MANUAL = """# Kettle K200

The Kettle K200 is a water kettle of steel. It was designed by Maria Vogel in Bremen.

## Warranty

The guarantee runs for 24 months. Repairs are free of charge until 31 May 2027.

## Data

- Weight: 1.2 kg
- Capacity: 1.7 litres
"""
RULES = """# 员工手册

员工手册是公司的内部规定。人事部经理是王小明。

## 年假

每年有10天年假。申请须在5个工作日前提交。

## 联系方式

电话：010-12345678
"""


def facts(language: str, n: int = 12) -> list[Document]:
    return [Document(page.text, f"{number}.md:1") for number, page in enumerate(Facts(language=language).items(n))]


def made(documents: list[Document], seed: int = 0, forms: int = 3) -> list[Document]:
    return list(with_questions_made(documents, seed, forms))


def asked(documents: list[Document]) -> dict[str, set[str]]:
    """Answer -> the questions about it."""
    found: dict[str, set[str]] = {}
    for one in documents:
        for _, text in one.meta[ANSWERS]:
            found.setdefault(text, set()).add(one.meta[QUESTION])
    return found


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_answer_stands_at_its_place_and_neither_in_its_question_nor_is_the_question_a_copy(language):
    for one in made(facts(language)):
        for start, text in one.meta[ANSWERS]:
            assert one.text[start : start + len(text)] == text
            assert text not in one.meta[QUESTION]
        assert one.meta[QUESTION].rstrip("?？") not in one.text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_the_pages_tell_is_asked_for(language):
    """The world knows which values its pages tell: nearly all of them are answers."""
    pages = list(Facts(language=language).items(30))
    told = [(page.text, one.answer) for page in pages for one in page.questions if one.answer]
    answers = {
        (one.text, text)
        for one in made([Document(page.text, f"{n}.md:1") for n, page in enumerate(pages)])
        for _, text in one.meta[ANSWERS]
    }
    found = [any(page.startswith(passage) and value in text for passage, text in answers) for page, value in told]

    assert sum(found) / len(found) > 0.8


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_third_have_no_answer_and_their_passages_hold_none(language):
    questions = made(facts(language))
    answers = asked(questions)
    of = {question: text for text, some in answers.items() for question in some}
    answered = {(one.meta[QUESTION], one.text) for one in questions if one.meta[ANSWERS]}
    without = [one for one in questions if not one.meta[ANSWERS]]

    assert 0.25 < len(without) / len(questions) < 0.4
    for one in without:
        assert (one.meta[QUESTION], one.text) not in answered
        if one.meta[MADE] == ELSEWHERE:
            assert of[one.meta[QUESTION]].casefold() not in one.text.casefold()
    assert {one.meta[MADE] for one in without} == {ELSEWHERE, EXCHANGED}


def test_a_question_about_something_else_names_what_its_passage_does_not():
    pages = facts("en")
    names = {page.text.split("\n")[0].removeprefix("# ") for page in pages}
    exchanged = [one for one in made(pages) if one.meta[MADE] == EXCHANGED]

    assert exchanged
    for one in exchanged:
        assert any(name in one.meta[QUESTION] and name not in one.text for name in names), one.meta[QUESTION]


def test_english_sentences_key_lines_and_headings_are_asked_about_by_kind():
    answers = asked(made([Document(MANUAL, "kettle.md:1"), Document(RULES, "rules.md:1")], forms=8))

    assert {
        "Maria Vogel",
        "Bremen",
        "24 months",
        "31 May 2027",
        "1.2 kg",
        "1.7 litres",
        "water kettle of steel",
    } <= set(answers)
    assert any(question.startswith("Who ") and "Kettle K200" in question for question in answers["Maria Vogel"])
    assert {"How long does Warranty run?", "How many months does Warranty run for?"} & answers["24 months"]
    assert "What is the warranty of Kettle K200?" in answers["24 months"]
    assert "What is the weight of Kettle K200?" in answers["1.2 kg"]


def test_chinese_sentences_and_key_lines_are_asked_about_by_kind():
    answers = asked(made([Document(RULES, "rules.md:1"), Document(MANUAL, "kettle.md:1")], forms=8))

    assert {"王小明", "10天", "5个工作日", "010-12345678"} <= set(answers)
    assert "人事部经理是谁？" in answers["王小明"]
    assert {"每年有几天年假？", "每年有多少天年假？"} & answers["10天"]
    assert {"员工手册的电话是什么？", "员工手册的电话是多少？"} & answers["010-12345678"]


def test_the_questions_depend_on_seed_and_passage_alone():
    pages = facts("en", 6)

    def answered(documents: list[Document], seed: int) -> Counter[tuple[str, str]]:
        return Counter((one.text, one.meta[QUESTION]) for one in made(documents, seed) if one.meta[ANSWERS])

    assert answered(pages, 0) == answered(pages[::-1], 0)
    assert answered(pages, 0) != answered(pages, 1)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.sampled_from(
            [
                "# A b",
                "Ann has 3 cats.",
                "价格：5元",
                "他生于1990年。",
                "e\u0301té: 4 kg",
                "\U0001f389 5 km",
                "\r\n",
                "\n",
                " ",
                "| a | b |",
                "`x` is a y.",
                "\0",
                "Ä" * 70,
            ]
        ),
        max_size=12,
    )
)
def test_no_text_breaks_the_places(parts):
    for one in made([Document("".join(parts), "x.md:1"), Document(MANUAL, "kettle.md:1")]):
        assert one.meta[QUESTION].strip()
        for start, text in one.meta[ANSWERS]:
            assert text.strip() and one.text[start : start + len(text)] == text


def test_documents_stay_apart_and_so_do_the_passages_that_questions_are_taken_to(tmp_path: Path):
    for number, page in enumerate(Facts().items(40)):
        (tmp_path / f"{number}.md").write_text(page.text)
    said = {"paths": str(tmp_path), "make_questions": True, "valid_share": 0.2, "test_share": 0.2}
    data = Config(data=said, task={"name": "answer"}).data
    plan = plan_split(data)
    files = [
        {one.source.rpartition(":")[0] for one in plan.documents(part)} for part in ("train", "validation", "test")
    ]

    assert all(files)
    assert not files[0] & files[1] and not files[0] & files[2] and not files[1] & files[2]
    assert sum(plan.ledger.total.values()) == sum(path.stat().st_size for path in tmp_path.iterdir())


def test_what_is_made_is_told_by_kind():
    told = made_told(Counter({"who": 1200, ELSEWHERE: 3}))

    assert told == "Questions made from the documents: who 1,200; without an answer: taken to another passage 3."


@pytest.mark.parametrize(
    ("name", "text", "holds"),
    [
        ("a.md", '{"question": "?"}', False),
        ("a.jsonl", '{"text": "It rains.", "title": "Rain"}\n', False),
        ("a.jsonl", '{"context": "c", "question": "q", "answers": []}\n', True),
        ("a.json", '{"data": [{"paragraphs": []}]}', True),
        ("a.json", '[{"text": "It rains."}]', False),
        ("a.csv", "id,text\n1,It rains.\n", False),
        ("a.csv", "问题,答案\n谁？,我\n", True),
    ],
)
def test_whether_files_hold_questions_is_known_by_their_content(tmp_path: Path, name, text, holds):
    (tmp_path / name).write_text(text, encoding="utf-8")
    data = Config(data={"paths": str(tmp_path)}).data

    assert holds_questions(data.paths, data) is holds
