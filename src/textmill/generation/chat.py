"""A chat is a prompt with history: turns in, prompt text out. Room: generation/. Used by the `chat` verb.

Three styles. "template" lays the turns out as the model's own chat template says; its control words are control tokens,
and those that a person types are letters (tokens/chat_template). "raw" writes on: what was said and what was written
stand one after the other, as in one text; this is what a model trained on plain text has learned. "turns" labels each
turn, for models trained on dialogues.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from textmill.errors import InputError
from textmill.generation.writing import PromptIds
from textmill.tokens.chat_template import ChatTemplate, encoded

if TYPE_CHECKING:
    from textmill.tokens import Tokenizer

ChatStyle = Literal["raw", "turns", "template"]
Speaker = Literal["user", "assistant"]

LABELS: dict[Speaker, str] = {"user": "User:", "assistant": "Assistant:"}


class Turn(NamedTuple):
    """What one side said."""

    speaker: Speaker
    text: str


def chat_prompt(turns: Sequence[Turn], style: ChatStyle = "raw") -> str:
    """The prompt that the next answer is written on from; in style "template" what was said, for people.

    In style "turns" the lines of a turn after its first are indented: a label at the start of a line is then always
    the program's, whatever a user types. The prompt ends after the label, without a blank: tokenizers keep the blank
    with the word that follows.

    >>> chat_prompt([Turn("user", "Hello.")], "turns")
    'User: Hello.\\nAssistant:'
    """
    if style == "raw":
        return "".join(turn.text for turn in turns)
    if style == "template":
        return "".join(f"{LABELS[turn.speaker]} {indented(turn.text)}\n" for turn in turns)
    lines = [f"{LABELS[turn.speaker]} {indented(turn.text)}\n" for turn in turns]
    return "".join(lines) + LABELS["assistant"]


def chat_stops(style: ChatStyle = "raw") -> tuple[str, ...]:
    """Texts that end an answer: the next label, of either side."""
    return tuple(f"\n{label}" for label in LABELS.values()) if style == "turns" else ()


def chat_answer(text: str, style: ChatStyle = "raw") -> str:
    """What was written, as the text of a Turn: in style "turns" without the blanks that the layout put around it."""
    return text.strip() if style == "turns" else text


def style_of(asked: ChatStyle | None, tokenizer: Tokenizer) -> ChatStyle:
    """The style that is asked for; else the model's own template, where it has one, else "raw". Raises InputError for
    the template of a model that has none."""
    if asked == "template" and tokenizer.chat_template is None:
        raise InputError(
            "this model has no chat template", hint="Leave --style out, or say --style raw or --style turns."
        )
    return asked or ("raw" if tokenizer.chat_template is None else "template")


def laid_out(turns: Sequence[Turn], template: ChatTemplate, tokenizer: Tokenizer) -> tuple[PromptIds, list[str]]:
    """The prompt that the model's template makes of the turns, and the control words in it that were typed: they are
    read as letters. Raises InputError where the template refuses them."""
    told = encoded(template, [{"role": turn.speaker, "content": turn.text} for turn in turns], tokenizer)
    return PromptIds(told.text, told.ids), told.typed


def indented(text: str) -> str:
    """Every line but the first moved in by two blanks; all that Python calls a line end counts as one."""
    return "\n  ".join(text.splitlines())
