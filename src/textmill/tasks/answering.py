"""A question and passages in, answers with their places out: what a run reads with. Room: tasks/.

Used by evaluation, by whoever asks documents, and from Python. When no answer is given was chosen on held-out questions
when training ended, and stands in run.json (Refusal).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from textmill.errors import Damaged, InputError, RunError
from textmill.runs import Run
from textmill.tasks.answer import Answer, Asked, SpanAnswer
from textmill.tasks.prepare import task_of
from textmill.tokens import Tokenizer

NO_ANSWER = ""


@dataclass(frozen=True)
class Refusal:
    """When a run says that there is no answer: where the best stretch has a lower score than `least`; None = never.

    n_questions: held-out questions on which it was chosen; 0 = on none. f1: there, with it; f1_without: without any.
    """

    least: float | None = None
    n_questions: int = 0
    f1: float = 0.0
    f1_without: float = 0.0

    @classmethod
    def of(cls, run: Run) -> Refusal:
        """That of run.json. Raises Damaged where it makes no sense."""
        try:
            return cls(**run.info.get("offer", {}))
        except TypeError as error:
            raise Damaged(f"this is no rule of refusal ({error})", where=str(run.path / "run.json")) from error

    def facts(self) -> dict[str, Any]:
        """For run.json."""
        return asdict(self)

    def ranked(self, found: Sequence[SpanAnswer], n_best: int) -> list[SpanAnswer]:
        """The n_best of what was found, best first, with "there is none" among it where it is ever said; that alone
        where nothing was found."""
        if self.least is None:
            return list(found[:n_best]) or [SpanAnswer(NO_ANSWER, 0, 0, 0.0)]
        none = SpanAnswer(NO_ANSWER, 0, 0, self.least)
        ahead = [answer for answer in found if answer.score >= self.least]
        return [*ahead, none, *found[len(ahead) :]][:n_best]


@dataclass
class Reader:
    """A network that points, and when it does not."""

    task: Answer
    tokenizer: Tokenizer
    model: Any
    refusal: Refusal
    at_once: int = 32
    is_own: bool = True
    """It is the checkpoint for which was chosen when no answer is given."""

    @property
    def least(self) -> float:
        """The score below which no answer is rather given; of a reader that never refuses 0, where an answer is as
        likely as none."""
        return 0.0 if self.refusal.least is None else self.refusal.least

    def read(self, question: str, contexts: Sequence[str], n_best: int = 1) -> list[list[SpanAnswer]]:
        """Of each context its n_best answers to a question, best first; text "" = there is none. start and end count
        code points of the context; scores can be compared between contexts. A context is answered alone as among
        others, and read whole however long it is; one of blanks has no answer. Raises InputError where nothing is
        asked, or where the question alone fills a row."""
        if not question.strip():
            raise InputError("nothing is asked: the question is empty", hint="Ask something.")
        full = [number for number, context in enumerate(contexts) if context.strip()]
        asked = self.task.asked(question, [contexts[number] for number in full], self.tokenizer)
        answers = dict(zip(full, self.answers(asked, n_best), strict=True))
        return [answers.get(number) or self.refusal.ranked([], n_best) for number in range(len(contexts))]

    def answers(self, asked: Sequence[Asked], n_best: int = 1) -> list[list[SpanAnswer]]:
        """Of each question about its passage, as read."""
        found = self.task.found(self.model, asked, self.tokenizer, self.at_once, n_best)
        return [self.refusal.ranked(own, n_best) for _, _, own in found]


def reader_of(run: Run, checkpoint: str | int | None = None, at_once: int | None = None) -> Reader:
    """What a run reads with. checkpoint: another than the run's own never refuses: when to was chosen for that one.
    Raises RunError where the run does not answer questions, Damaged."""
    task = task_of(run.config)
    if not isinstance(task, Answer) or run.kind != "network":
        raise RunError(
            f"this run does not answer questions (it is {run.config.task.name})",
            where=str(run.path),
            hint="Train one that does: textmill train questions.json --task answer",
        )
    own = checkpoint is None or str(checkpoint) == str(run.default_checkpoint)
    return Reader(
        task,
        run.tokenizer,
        run.model(checkpoint, device=run.config.machine.device),
        Refusal.of(run) if own else Refusal(),
        at_once or run.config.eval.batch,
        own,
    )
