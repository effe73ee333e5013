"""What speaks for a sentence as an answer: on sentences by hand, and on generated pages whose answers are known."""

from __future__ import annotations

from pathlib import Path

import pytest

from textmill.config import DataConfig
from textmill.text import evidence
from textmill.text.evidence import THRESHOLD, Evidence, asked, found_for, relations_in, sentences_of, weigh
from textmill.text.evidence_words import KINDS, RELATIONS
from textmill.text.passage_index import PassageIndex
from textmill.text.search_terms import folded
from textmill.text.worlds import Facts
from textmill.text.worlds.fact_words import HANDS
from textmill.text.worlds.fact_words import RELATIONS as TOLD
from textmill.text.worlds.world import LANGUAGES, Language

every_language = pytest.mark.parametrize("language", LANGUAGES)


def index_of(folder: Path, texts: dict[str, str]) -> PassageIndex:
    docs = folder / "docs"
    docs.mkdir()
    for name, text in texts.items():
        (docs / name).write_text(text, encoding="utf-8")
    paths = (str(docs),)
    return PassageIndex.open(paths, DataConfig(paths=paths), folder / "index", lambda text: None)


def best(index: PassageIndex, question: str) -> Evidence | None:
    """The surest sentence that is sure enough."""
    found = weigh(question, found_for(question, index, 20), index.n_with, index.n_passages)
    return found[0] if found and found[0].score >= THRESHOLD else None


@every_language
@pytest.mark.parametrize("seed", [1, 2])
def test_told_facts_are_found_and_absent_ones_are_refused_by_one_threshold(
    language: Language, seed: int, tmp_path: Path
) -> None:
    """Of the hand and seeds that no weight was fitted on: the promise is 70 and 90 of 100."""
    pages = list(Facts(hand="other", seed=seed, language=language).items(25))
    index = index_of(tmp_path, {f"{number:03}.md": page.text for number, page in enumerate(pages)})
    right = refused = told = absent = 0
    for number, page in enumerate(pages):
        for one in page.questions:
            found = best(index, one.question)
            if not one.answer:
                absent += 1
                refused += found is None
                continue
            told += 1
            right += (
                found is not None and one.answer in found.sentence and found.passage.source.endswith(f"{number:03}.md")
            )
    assert (told, absent) == (75, 75)
    assert right >= 0.7 * told and refused >= 0.9 * absent, (right / told, refused / absent)


@every_language
def test_half_of_the_questions_are_out_of_reach_of_the_lexicon(language: Language) -> None:
    """No relation of the lexicon ties them to what the page says: the rates are not those of a list of synonyms."""
    n = n_out_of_reach = 0
    for relations in TOLD[language].values():
        for telling in relations.values():
            told = relations_in(folded(" ".join(telling.told)))
            for hand in HANDS:
                for question in telling.asked[hand]:
                    wanted = asked(question.format(e="Zz9"), lambda term: 0, 100)
                    n += 1
                    n_out_of_reach += not wanted.relations & told
    assert n_out_of_reach >= 0.45 * n, (n_out_of_reach, n)


MANUAL = """# Kettle K5

The guarantee runs for 24 months. The kettle holds 1.7 litres and weighs 0.9 kg.

## Cleaning

Travel costs are approved by the head of the department. Descale it every three months.

# Toaster T2

The Toaster T2 is sold for 49 euros. It was designed by Ada Lovelace in 2019.
"""
CHINESE_MANUAL = """# 青云水壶

质保期为24个月。水壶容量1.7升，重0.9公斤。产地在青岛，由工程师程远设计。

# 星河烤箱

星河烤箱售价499元，由王小明设计，2019年上市。客服电话400-123-4567。
"""


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How long is the warranty?", "24 months"),
        ("how long is the warranty of the kettle", "24 months"),
        ("How heavy is the Kettle K5?", "0.9 kg"),
        ("What does the Toaster T2 cost?", "49 euros"),
        ("Who designed the Toaster T2?", "Ada Lovelace"),
        ("Who approves travel costs?", "Travel costs are approved by the head of the department."),
    ],
)
def test_an_english_manual_is_answered(question: str, answer: str, tmp_path: Path) -> None:
    found = best(index_of(tmp_path, {"manual.md": MANUAL}), question)
    assert found is not None and found.answer == answer


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("保修期多久？", "24个月"),
        ("青云水壶有多重？", "0.9公斤"),
        ("星河烤箱多少钱？", "499元"),
        ("星河烤箱是谁设计的？", "王小明"),
        ("星河烤箱哪一年上市？", "2019年"),
        ("谁设计了青云水壶？", "程远"),
    ],
)
def test_a_chinese_manual_is_answered(question: str, answer: str, tmp_path: Path) -> None:
    found = best(index_of(tmp_path, {"手册.md": CHINESE_MANUAL}), question)
    assert found is not None and found.answer == answer


@pytest.mark.parametrize(
    "question",
    [
        "Who is the king of France?",
        "How long is the warranty of the moon?",
        "What does the Toaster T9 cost?",
        "How heavy is the Toaster T2?",
        "What is the capital of Peru?",
    ],
)
def test_what_a_manual_does_not_say_is_refused(question: str, tmp_path: Path) -> None:
    assert best(index_of(tmp_path, {"manual.md": MANUAL}), question) is None


@pytest.mark.parametrize(
    "question", ["法国的国王是谁？", "金鹏洗衣机多少钱？", "星河烤箱有多重？", "秘鲁的首都在哪里？"]
)
def test_what_a_chinese_manual_does_not_say_is_refused(question: str, tmp_path: Path) -> None:
    assert best(index_of(tmp_path, {"手册.md": CHINESE_MANUAL}), question) is None


def test_sentences_of_a_passage_leave_headings_out_and_go_over_hard_wrapped_lines() -> None:
    text = "# Kettle\n\nIt boils\nquickly. It is\nred.\n\n- one item\n- another\n"
    assert [text[a:b] for a, b in sentences_of(text)] == [
        "It boils\nquickly.",
        "It is\nred.",
        "- one item",
        "- another",
    ]


@pytest.mark.parametrize(
    ("kind", "text", "answer"),
    [
        ("mass", "It weighs 3.5 kg.", "3.5 kg"),
        ("money", "共计1,200元。", "1,200元"),
        ("duration", "within 14 working days", "14 working days"),
        ("duration", "保修两年。", "两年"),
        ("date", "built in 1850 by", "1850"),
        ("date", "于2019年5月3日上市", "2019年5月3日"),
        ("weekday", "每逢星期三赶集", "星期三"),
        ("person", "It was designed by Ada Lovelace.", "Ada Lovelace"),
        ("length", "海拔2320米", "2320米"),
        ("percent", "about 12 % of it", "12 %"),
        ("email", "write to a.b@c.org today", "a.b@c.org"),
    ],
)
def test_kinds_of_answers_are_told_by_their_form(kind: str, text: str, answer: str) -> None:
    found = KINDS[kind].search(text)
    assert found is not None and found[0] == answer


def test_every_relation_has_words_in_both_languages_and_a_kind_that_there_is() -> None:
    for kind, english, chinese in RELATIONS.values():
        assert kind in ("", *KINDS) and english.split() and chinese.split()


def test_scores_are_shares_and_do_not_depend_on_what_else_was_asked(tmp_path: Path) -> None:
    index = index_of(tmp_path, {"manual.md": MANUAL, "手册.md": CHINESE_MANUAL})
    questions = ["How long is the warranty?", "星河烤箱多少钱？", "zzz", "T2"]
    first = [weigh(one, found_for(one, index, 20), index.n_with, index.n_passages) for one in questions]
    again = [weigh(one, found_for(one, index, 20), index.n_with, index.n_passages) for one in reversed(questions)][::-1]
    assert first == again
    assert all(0 <= one.score <= 1 for found in first for one in found)


def test_question_and_answer_pairs_are_matched_by_their_questions(tmp_path: Path) -> None:
    faq = "question,answer\nHow do I reset my password?,Click on Forgotten.\nWhere is the office?,In Main Street.\n"
    index = index_of(tmp_path, {"faq.csv": faq})
    found = best(index, "How can I reset the password?")
    assert found is not None and found.answer == "Click on Forgotten."
    assert best(index, "Who is the king of France?") is None


def test_weights_stand_for_all_that_is_judged() -> None:
    assert set(evidence.WEIGHTS) == set(evidence.FEATURES)
