"""[data] of passages with questions: read as the task reads, and refused where it reads none."""

from __future__ import annotations

import pytest

from textmill.config import Config
from textmill.errors import ConfigError
from textmill.tables import TASK_FORMS, TASKS, TASKS_WITH_QUESTIONS


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A task that reads passages with questions."""
    [name] = TASKS_WITH_QUESTIONS
    monkeypatch.setitem(TASKS, name, "a:B")
    monkeypatch.setitem(TASK_FORMS, name, "encoder")
    return {"name": name}


def test_a_task_of_questions_reads_them_and_another_does_not(answer: dict[str, str]) -> None:
    data = Config(task=answer, data={"question": "frage", "answer": ["a", "b"], "text": "passage"}).data
    assert (data.questions, data.labelled, data.pairs) == (True, False, False)
    assert (data.question, data.answer) == (("frage",), ("a", "b"))
    assert Config().data.questions is False
    assert Config(task={"name": "classify"}).data.questions is False


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"questions": True}, "data.questions is true, but task lm reads texts without"),
        ({"question": "q"}, "data.question is of passages with questions, and task lm reads none: leave it out"),
        ({"answer": "a"}, "data.answer is of passages with questions, and task lm reads none: leave it out"),
        ({"questions": True, "pairs": True}, "questions and pairs are both true"),
        ({"questions": True, "labelled": True}, "questions and labelled are both true"),
    ],
)
def test_knobs_of_questions_are_refused_where_there_are_none(data: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        Config(data=data)


def test_a_task_of_questions_does_not_read_texts_without(answer: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"data\.questions is false, but task answer reads passages with questions"):
        Config(task=answer, data={"questions": False})
