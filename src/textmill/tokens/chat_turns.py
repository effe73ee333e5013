"""A whole conversation as a model's own chat template lays it out, and which of its ids are answers. Room: tokens/.

Used by lm, which learns these alone. The ids are those of apply_chat_template of transformers. An answer is what a
template marks ({% generation %}, as transformers' return_assistant_tokens_mask reads it); where it marks nothing, what
stands behind the prompt that a chat would be gone on from, up to the first token that ends what is written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import TracebackType
from typing import NamedTuple, Self

from textmill.errors import InputError
from textmill.tokens.chat_template import (
    ANSWER_BEGINS,
    ANSWER_ENDS,
    CLOSED,
    OPENED,
    ChatTemplate,
    Message,
    placed_ids,
    rendered,
)
from textmill.tokens.tokenizer import Tokenizer


class AnsweredTurns(NamedTuple):
    """ids of a conversation, and [start, stop) of each answer among them."""

    ids: list[int]
    spans: list[tuple[int, int]]


class ChatTurns:
    """Lays conversations out by the template of a tokenizer, which has one. `with` ends the process that it runs in."""

    def __init__(self, tokenizer: Tokenizer):
        template = tokenizer.chat_template
        assert template is not None
        self.tokenizer = tokenizer
        self.marks = re.search(r"\{%[-+]?\s*generation\b", template) is not None
        self.template = ChatTemplate(template, marks=self.marks)
        self.ends = {tokenizer.mark, *tokenizer.stops}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.template.close()

    def answered(self, messages: Sequence[Message], where: str) -> AnsweredTurns:
        """A conversation. where: it stands. Raises InputError where the template refuses it, or does not say where an
        answer begins or ends."""
        try:
            whole, _ = rendered(self.template, messages, self.tokenizer, add_generation_prompt=False)
            return self._by_marks(whole) if self.marks else self._by_prompts(messages, whole)
        except InputError as error:
            raise InputError(error.message, where=where, hint=error.hint) from None

    def _by_marks(self, whole: str) -> AnsweredTurns:
        text, begun, answers = "", 0, []
        for piece in re.split(f"({ANSWER_BEGINS}|{ANSWER_ENDS})", whole):
            if piece == ANSWER_BEGINS:
                begun = n_said(text)
            elif piece == ANSWER_ENDS:
                answers.append((begun, n_said(text)))
            else:
                text += piece
        ids, places = placed_ids(text, self.tokenizer)
        return AnsweredTurns(ids, [(_behind(places, start), _before(places, stop)) for start, stop in answers])

    def _by_prompts(self, messages: Sequence[Message], whole: str) -> AnsweredTurns:
        ids, places = placed_ids(whole, self.tokenizer)
        spans: list[tuple[int, int]] = []
        for number, message in enumerate(messages):
            if message["role"] != "assistant":
                continue
            prompt, _ = rendered(self.template, messages[:number], self.tokenizer, add_generation_prompt=True)
            if not whole.startswith(prompt):
                raise InputError(
                    f"the chat template lays out what stands before answer {len(spans) + 1} otherwise once more is "
                    "said: where the answer begins cannot be told",
                    hint="A template that marks answers ({% generation %}) can be learned from; or teach conversations "
                    "of one answer.",
                )
            start = _behind(places, n_said(prompt))
            stop = next((place + 1 for place in range(start, len(ids)) if ids[place] in self.ends), None)
            if stop is None:
                said, _ = rendered(self.template, messages[: number + 1], self.tokenizer, add_generation_prompt=False)
                if not whole.startswith(said):
                    raise InputError(f"the chat template does not say where answer {len(spans) + 1} ends")
                stop = _before(places, n_said(said))
            spans.append((start, stop))
        return AnsweredTurns(ids, spans)


def n_said(marked: str) -> int:
    """Code points of a text without the marks around control words in it."""
    return len(marked) - marked.count(OPENED) - marked.count(CLOSED)


def _behind(places: list[tuple[int, int]], at: int) -> int:
    """The first token that ends behind a place."""
    return next((n for n, (_, stop) in enumerate(places) if stop > at), len(places))


def _before(places: list[tuple[int, int]], at: int) -> int:
    """How many tokens begin before a place."""
    return next((n for n, (start, _) in enumerate(places) if start >= at), len(places))
