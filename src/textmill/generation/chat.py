"""A chat is a prompt with history: turns in, prompt text out. Room: generation/. Used by the `chat` verb.

Two styles. "raw" writes on: what was said and what was written stand one after the other, as in one text; this is what
a model trained on plain text has learned. "turns" labels each turn, as text/conversations.py lays out those that a
model is trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from textmill.text.conversations import INDENT, LABELS_OF_TURNS, Turn, indented

__all__ = ["ChatStyle", "Turn", "chat_answer", "chat_prompt", "chat_stops"]

ChatStyle = Literal["raw", "turns"]


def chat_prompt(turns: Sequence[Turn], style: ChatStyle = "raw") -> str:
    """The prompt that the next answer is written on from.

    In style "turns" the lines of a turn after its first are indented: a label at the start of a line is then always
    the program's, whatever a user types. The prompt ends after the label, without a blank: tokenizers keep the blank
    with the word that follows.

    >>> chat_prompt([Turn("user", "Hello.")], "turns")
    'User: Hello.\\nAssistant:'
    """
    if style == "raw":
        return "".join(turn.text for turn in turns)
    lines = [f"{LABELS_OF_TURNS[turn.speaker]} {indented(turn.text)}\n" for turn in turns]
    return "".join(lines) + LABELS_OF_TURNS["assistant"]


def chat_stops(style: ChatStyle = "raw") -> tuple[str, ...]:
    """Texts that end an answer: the next label, of either side."""
    return tuple(f"\n{label}" for label in LABELS_OF_TURNS.values()) if style == "turns" else ()


def chat_answer(text: str, style: ChatStyle = "raw") -> str:
    """What was written, as the text of a Turn: in style "turns" without the blanks that the layout put around it,
    and before its lines."""
    return text.strip().replace(INDENT, "\n") if style == "turns" else text
