"""Documents that are asked: answers at their place, refusal, a reader in place of evidence, questions measured."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

import textmill
from textmill.config import Config, DataConfig, RunConfig
from textmill.errors import InputError, TextmillError
from textmill.metrics.answers import answer_score
from textmill.results import Asked
from textmill.tasks import asking
from textmill.tasks.asking import Asker, Session, ask_all, asker_of, known_questions, with_subject
from textmill.text.worlds import Facts
from textmill.text.worlds.world import LANGUAGES, Language

PAGES = {
    "kettle.md": "# Kettle K5\n\nIt is red. 🫖 The guarantee runs for 24 months.\r\n\r\n"
    "The Kettle K5 costs 30 euros.\n",
    "烤箱.md": "# 星河烤箱\n\n星河烤箱售价499元，由王小明设计。\n\n保修期为两年。\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    for name, text in PAGES.items():
        (tmp_path / "docs" / name).write_bytes(text.encode())
    return tmp_path


def asker(folder: Path, **more: float) -> Asker:
    paths = (str(folder / "docs"),)
    config = Config(data=DataConfig(paths=paths), run=RunConfig(dir=str(folder / "runs")))
    return asker_of(paths, config, **more)


@pytest.mark.parametrize(
    ("question", "file", "answer", "line"),
    [
        ("How long is the warranty of the Kettle K5?", "kettle.md", "24 months", 3),
        ("What does the Kettle K5 cost?", "kettle.md", "30 euros", 5),
        ("星河烤箱多少钱？", "烤箱.md", "499元", 3),
    ],
)
def test_an_answer_stands_at_its_bytes_its_code_points_and_its_line(
    question: str, file: str, answer: str, line: int, folder: Path
) -> None:
    found = asker(folder).ask(question)

    assert found.found and (found.answer, found.line) == (answer, line)
    path = folder / "docs" / file
    assert Path(found.source or "") == path
    raw = path.read_bytes()
    assert raw[found.byte_start : found.byte_end].decode() == answer

    assert raw.decode()[found.start : found.end] == answer
    [one] = found.answers
    assert one.context[one.answer_start :].startswith(answer)
    assert one.context[one.text_start :].startswith(found.text) and answer in found.text


def test_what_is_not_there_is_refused_with_what_came_nearest(folder: Path) -> None:
    found = asker(folder).ask("Who is the mayor of Kettle K5?")
    assert (found.found, found.answer, found.source, found.answers) == (False, "", None, [])
    assert 0 < len(found.nearest) <= 3 and found.n_files == 2
    assert found.score == found.nearest[0].score < found.threshold


def test_several_answers_are_different_sentences_the_surest_first(folder: Path) -> None:
    found = asker(folder, threshold=0.0).ask("How long is the warranty?", n=3)
    assert len({one.text for one in found.answers}) == len(found.answers) == 3
    assert [one.score for one in found.answers] == sorted((one.score for one in found.answers), reverse=True)


def test_a_threshold_of_one_refuses_all_and_of_zero_nothing(folder: Path) -> None:
    question = "What does the Kettle K5 cost?"
    assert not asker(folder, threshold=1.0).ask(question).found
    assert asker(folder, threshold=0.0).ask("Who is the mayor of Kettle K5?").found


@pytest.mark.parametrize("question", ["", "   ", "?!", "……？", "\n"])
def test_a_question_of_nothing_is_refused(question: str, folder: Path) -> None:
    with pytest.raises(InputError, match="a question of nothing"):
        asker(folder).ask(question)
    with pytest.raises(InputError, match="a question of nothing"):
        textmill.ask(folder / "docs", question)


def test_python_asks_as_the_shell_does(folder: Path) -> None:
    found = textmill.ask(folder / "docs", "What does the Kettle K5 cost?", runs=folder / "runs")
    assert isinstance(found, Asked) and found.answer == "30 euros"


def test_documents_that_are_all_empty_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text(" \n")
    with pytest.raises(TextmillError):
        textmill.ask(tmp_path / "empty.txt", "How long?", runs=tmp_path / "runs")


@dataclass
class Span:
    text: str
    start: int
    end: int
    score: float


class FakeReader:
    """Finds one word, in every context that has it."""

    least = 1.5
    info: ClassVar[dict[str, Any]] = {}

    def __init__(self, word: str, score: float):
        self.word, self.score, self.asked = word, score, list[tuple[str, list[str]]]()

    def read(self, question: str, contexts: Sequence[str], n_best: int = 1) -> list[list[Span]]:
        self.asked.append((question, list(contexts)))
        found = [context.find(self.word) for context in contexts]
        return [
            [Span(self.word, at, at + len(self.word), self.score)] if at >= 0 else [Span("", 0, 0, 0.9)] for at in found
        ]


def test_a_reader_reads_the_passages_and_its_score_is_tempered_by_the_index(folder: Path) -> None:
    reader = FakeReader("30 euros", 1.5 + math.log(4))  # 4 to 1 that it is one
    with_reader = Asker(asker(folder).index, reader)
    found = with_reader.ask("What does the Kettle K5 cost?")

    assert (found.answer, found.text, found.threshold) == ("30 euros", "The Kettle K5 costs 30 euros.", 0.5)
    assert found.score == pytest.approx(0.8)  # the passage is the best one
    [(question, contexts)] = reader.asked
    assert question == "What does the Kettle K5 cost?" and any("30 euros" in context for context in contexts)

    assert not Asker(with_reader.index, FakeReader("nowhere", 3.0)).ask("What does the Kettle K5 cost?").found
    assert not Asker(with_reader.index, FakeReader("30 euros", 1.4)).ask("What does the Kettle K5 cost?").found


def test_the_reader_of_a_run_says_which_score_it_would_rather_not_give() -> None:
    """The door between asking and reading: a reader in place of evidence has what Asker wants of it."""
    from textmill.tasks.answering import Reader, Refusal

    for least, told in ((None, 0.0), (1.5, 1.5)):
        assert Reader(None, None, None, Refusal(least)).least == told  # type: ignore[arg-type]


def test_a_run_is_opened_by_the_task_of_answering(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    monkeypatch.setattr(asking, "load", lambda target: lambda run: opened.append((target, run)) or FakeReader("red", 5))
    paths = (str(folder / "docs"),)
    config = Config(data=DataConfig(paths=paths), run=RunConfig(dir=str(folder / "runs")))
    assert asker_of(paths, config, run="runs/reader").ask("Which colour has the kettle?").answer == "red"
    assert [target for target, _ in opened] == ["textmill.hub:open_run", "textmill.tasks.answering:reader_of"]
    assert opened[0][1] == "runs/reader"


@pytest.mark.parametrize(
    ("first", "then", "about", "answer"),
    [
        ("How long is the warranty of the Kettle K5?", "And its price?", "Kettle K5", "30 euros"),
        ("星河烤箱是谁设计的？", "那价格呢？", "星河烤箱", "499元"),
        ("星河烤箱是谁设计的？", "它多少钱？", "星河烤箱", "499元"),
    ],
)
def test_a_question_that_names_nothing_is_about_what_was_named_last(
    first: str, then: str, about: str, answer: str, folder: Path
) -> None:
    session = Session(asker(folder))
    assert session.ask(first).about == ""
    found = session.ask(then)
    assert (found.about, found.answer) == (about, answer)


def test_a_question_that_names_something_is_about_that(folder: Path) -> None:
    session = Session(asker(folder))
    session.ask("星河烤箱是谁设计的？")
    found = session.ask("What does the Kettle K5 cost?")
    assert (found.about, found.answer) == ("", "30 euros")


def test_nothing_is_added_where_nothing_was_named() -> None:
    assert with_subject("And its price?", "") == "And its price?"


# -- questions with known answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_rates_are_counted_over_what_is_known(language: Language, tmp_path: Path) -> None:
    """The same counts by another way: one question at a time, by the page that the world made."""
    world = Facts(hand="other", seed=5, language=language)
    world.write(8, tmp_path / "docs")
    questions = tmp_path / "docs/questions.jsonl"
    pages = list(world.items(8))
    (tmp_path / "docs/documents").rename(tmp_path / "only")
    paths = (str(tmp_path / "only"),)
    config = Config(data=DataConfig(paths=paths), run=RunConfig(dir=str(tmp_path / "runs")))
    made = asker_of(paths, config)

    found = ask_all(made, known_questions(str(questions)), "questions.jsonl")

    right = refused = answered = 0
    em = f1 = 0.0
    for number, page in enumerate(pages):
        for one in page.questions:
            own = made.ask(one.question)
            answered += own.found
            refused += not one.answer and not own.found
            score = answer_score(own.answer, [one.answer] if one.answer else [])
            em, f1 = em + score.em / 48, f1 + score.f1 / 48
            right += bool(one.answer) and one.answer in own.text and (own.source or "").endswith(f"{number:05}.md")
    assert (found.n_questions, found.n_with_answer, found.n_without_answer) == (48, 24, 24)
    assert found.metrics == pytest.approx(
        {
            "answered": answered / 48,
            "right": right / 24,
            "refused": refused / 24,
            "precise": right / answered,
            "em": em,
            "f1": f1,
        }
    )
    for name, (low, high) in found.intervals.items():
        assert 0 <= low <= found.metrics[name] <= high <= 1
    assert found.baselines["overlap"]["refused"] == 0
    assert found.baselines["overlap"]["right"] < found.metrics["right"]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("{", "this line is no JSON"),
        ("[]", "no question with its answers"),
        ('{"question": "a"}', "no question with its answers"),
        ('{"question": 1, "answers": []}', "no question with its answers"),
        ('{"question": "a", "answers": [1]}', "no question with its answers"),
        ("", "there is no question in it"),
    ],
)
def test_a_file_of_questions_that_is_none_is_named_with_its_line(row: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(row)
    with pytest.raises(InputError, match=why) as caught:
        list(known_questions(str(path)))
    assert caught.value.where == (f"{path}:1" if row else str(path))


def test_questions_may_be_said_in_the_forms_that_there_are(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    rows = [
        {"question": "a?", "answers": ["x", "y"], "source": "f.md"},
        {"question": "b?", "answer": "z"},
        {"question": "c?", "answers": {"text": ["w"], "answer_start": [3]}},
        {"question": "d?", "answers": []},
    ]
    path.write_text("\n\n".join(map(json.dumps, rows)))
    found = [(one.question, one.answers, one.source) for one in known_questions(str(path))]
    assert found == [("a?", ("x", "y"), "f.md"), ("b?", ("z",), ""), ("c?", ("w",), ""), ("d?", (), "")]


def test_asking_loads_no_torch() -> None:
    program = "import sys, textmill; textmill.ask; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "False", done.stderr
