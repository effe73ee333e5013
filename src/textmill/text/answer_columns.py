"""Which columns or keys hold a passage, the question about it and its answers. Room: text/. Used by questions.

What --data.text, --data.question and --data.answer leave unsaid is guessed by the names that such columns mostly have;
a guess by other names than those of SQuAD files is shown with three rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from textmill.config import DataConfig
from textmill.errors import InputError, nearest
from textmill.messages import Message, message
from textmill.text.columns import DEFAULT_COLUMNS, listed, meant, no_column
from textmill.text.documents import ANSWERS, QUESTION, Document
from textmill.text.label_columns import called, shown
from textmill.text.wording import joined

# In small letters, blanks and hyphens as underscores; surest names first.
PASSAGE_NAMES = (
    ("context", "上下文"),
    ("passage", "paragraph", "段落", "篇章", "短文"),
    ("article", "document", "story", "content", *DEFAULT_COLUMNS, "原文", "文章", "内容", "材料"),
)
QUESTION_NAMES = (
    ("question", "问题", "問題"),
    ("query", "questions", "question_text", "q", "提问", "題目", "题目"),
)
ANSWER_NAMES = (
    ("answers", "answer", "答案"),
    ("answer_text", "gold", "golds", "a", "response", "回答", "答复"),
)
START_NAMES = (("answer_start", "answer_starts", "start", "答案位置", "起始位置"),)
ID_NAMES = (("id", "qid", "question_id", "编号"),)
TITLE_NAMES = (("title", "标题", "標題"),)
NAMES_OF_SQUAD = {"context", "question", "answers", "answer"}
IMPOSSIBLE = "is_impossible"
PARAGRAPHS, QUESTIONS = "paragraphs", "qas"
"""Of SQuAD files: the passages of an article, and the questions of a passage."""


@dataclass(frozen=True)
class QuestionColumns:
    """The columns that are used. start: the place of an answer that is a string; id, title: None where there is none.

    is_guessed: not all of passage, question and answer are named by a knob or as SQuAD files name them.
    """

    passage: str = "context"
    question: str = "question"
    answer: str = "answers"
    start: str | None = "answer_start"
    id: str | None = "id"
    title: str | None = "title"
    is_guessed: bool = False

    @property
    def used(self) -> tuple[str, ...]:
        """Those whose values are not unused: passage, question, answer and its place."""
        return (self.passage, self.question, self.answer, *([self.start] if self.start else []), IMPOSSIBLE)

    def row_told(self, document: Document) -> Message:
        """The question, and its first answer."""
        answers = [text for _, text in document.meta[ANSWERS]]
        label = shown(answers[0]) if answers else message("no answer")
        return message("%(text)s → %(label)s", text=shown(document.meta[QUESTION]), label=label)

    def told(self, file: str, rows: Message) -> Message:
        """Where passage, question and answer are taken from."""
        return message(
            "%(file)s: the passage is taken from '%(passage)s', the question from '%(question)s', the answer "
            "from '%(answer)s' (--data.text, --data.question and --data.answer decide): %(rows)s.",
            file=file,
            passage=self.passage,
            question=self.question,
            answer=self.answer,
            rows=rows,
        )


def names_questions(columns: Sequence[str]) -> bool:
    """Whether columns or keys are such as files of questions have: one is called as questions, answers or what holds
    them mostly are.

    >>> names_questions(["context", "qas"]), names_questions(["问题", "答案"]), names_questions(["text", "title"])
    (True, True, False)
    """
    names = [name for tier in (*QUESTION_NAMES, ANSWER_NAMES[0]) for name in tier if name != "q"]
    return bool(called((*names, PARAGRAPHS, QUESTIONS, "context"), columns))


def choose_question_columns(
    columns: Sequence[str], data: DataConfig, where: str, texts: Iterable[str] | None = None
) -> QuestionColumns:
    """The columns that the knobs name, or else those that are called as such columns mostly are.

    texts: the columns that may hold passage and question; None: all. Raises InputError with the columns found and the
    nearest name where there is none, or where several could be meant.
    """
    strings = list(columns if texts is None else texts)
    question = _said_or_guessed("question", data.question, QUESTION_NAMES, strings, columns, where)
    answer = _said_or_guessed(
        "answer", data.answer, ANSWER_NAMES, [c for c in columns if c != question], columns, where
    )
    left = [name for name in strings if name not in (question, answer)]
    passage = _said_or_guessed("text", data.text, PASSAGE_NAMES, left, columns, where)
    chosen = (passage, question, answer)
    if len(set(chosen)) < len(chosen):
        raise InputError(
            message(
                "passage, question and answer are three columns, and these are named: %(names)s", names=joined(chosen)
            ),
            where=where,
            hint=message("say which is which: --data.text NAME --data.question NAME --data.answer NAME"),
        )
    others = [name for name in columns if name not in chosen]
    start, id_, title = (_first(names, others) for names in (START_NAMES, ID_NAMES, TITLE_NAMES))
    said = {*data.text, *data.question, *data.answer}
    return QuestionColumns(*chosen, start, id_, title, is_guessed=not {*chosen} <= said | NAMES_OF_SQUAD)


def _first(tiers: Sequence[Sequence[str]], columns: Sequence[str]) -> str | None:
    found = [column for tier in tiers for column in called(tuple(tier), columns)]
    return found[0] if found else None


def _said_or_guessed(
    knob: str,
    wanted: Sequence[str],
    tiers: Sequence[tuple[str, ...]],
    names: Sequence[str],
    columns: Sequence[str],
    where: str,
) -> str:
    said = next((name for name in wanted if name in columns), None)
    if said is not None:
        return said
    if wanted:
        raise no_column(wanted, columns, where, f"data.{knob}")
    for tier in tiers:
        found = called(tier, names)
        if len(found) == 1:
            return found[0]
        if found:
            raise InputError(
                message("several columns could hold the %(what)s: %(names)s", what=WHAT[knob], names=listed(found)),
                where=where,
                hint=message("choose one with: --%(knob)s NAME", knob=f"data.{knob}"),
            )
    near = next((column for tier in tiers for name in tier if (column := nearest(name, names))), None)
    raise InputError(
        message(
            "no column has such a name as the %(what)s mostly has (there are: %(columns)s)",
            what=WHAT[knob],
            columns=listed(columns),
        ),
        where=where,
        hint=meant(near, f"data.{knob}") if near else message("choose one with: --%(knob)s NAME", knob=f"data.{knob}"),
    )


WHAT = {"text": message("passage"), "question": message("question"), "answer": message("answer")}
