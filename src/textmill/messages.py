"""Sentences of the house that can be said in another language later. Storey: below every room; imports none.

A Message is its English text and knows what it was made of. JSON keeps the text, as of any string; `record_of` gives
what is kept beside it, and `retold` makes the sentences again, through a catalogue. A text without a record is shown as
it stands, so a room may give plain strings and turn them into messages one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Sentence = dict[str, Any]
"""{"template": English with %(name)s, "values": {name: text, or the sentences of a message}}."""
Record = Mapping[str, list[Sentence]]
"""text -> the sentences it is made of."""

PLACE = re.compile(r"%\((\w+)\)s|%%")


class Message(str):
    """English text, and the sentences it is made of."""

    sentences: tuple[Sentence, ...]

    def __new__(cls, text: str, sentences: Iterable[Sentence] = ()) -> Message:
        made = super().__new__(cls, text)
        made.sentences = tuple(sentences)
        return made


def message(template: str, /, **values: object) -> Message:
    """A sentence, or a part of one. A value that is a message is translated too; any other is a name or a number.

    The template is the message id of report/chinese.py, which a test holds complete. A per cent sign is written %%.

    >>> message("%(n)s of %(what)s", n=2, what=message("both"))
    '2 of both'
    """
    kept = {name: list(value.sentences) if isinstance(value, Message) else str(value) for name, value in values.items()}
    return Message(template % values, [{"template": template, "values": kept}])


def plural_message(one: str, many: str, n: int, /, **values: object) -> Message:
    """A sentence, or a part of one, about n things; %(n)s is n with its thousands apart.

    Both templates are message ids: which of them was taken, the other language need not know.

    >>> plural_message("%(n)s page", "%(n)s pages", 1), plural_message("%(n)s page", "%(n)s pages", 1200)
    ('1 page', '1,200 pages')
    """
    return message(one if n == 1 else many, n=f"{n:,}", **values)


def paragraph(messages: Iterable[Message]) -> Message:
    """Several sentences, a blank between them."""
    messages = list(messages)
    return Message(" ".join(messages), [sentence for part in messages for sentence in part.sentences])


def record_of(texts: Iterable[object]) -> dict[str, list[Sentence]]:
    """What is to be kept beside these texts; those that are no messages have no record."""
    return {str(text): list(text.sentences) for text in texts if isinstance(text, Message)}


def remembered(text: str, record: Record) -> str:
    """A stored text as the message it was; as it stands where it has no record."""
    return Message(text, record[text]) if text in record else text


def retold(
    text: str, record: Record, translate: Callable[[str], str] = lambda template: template, space: str = " "
) -> list[str]:
    """The sentences of a text, each through the catalogue; [text] where its record is not there or not whole.

    translate: English template -> template. space: what stands between sentences.
    """

    def told(sentence: Sentence) -> str:
        values = {
            name: value if isinstance(value, str) else space.join(map(told, value))
            for name, value in sentence["values"].items()
        }
        return filled(translate(sentence["template"]), values)

    try:
        return [told(sentence) for sentence in record[text]] or [text]
    except (KeyError, TypeError, AttributeError):
        return [text]


def filled(template: str, values: Mapping[str, str]) -> str:
    """A template that comes from a file, which may hold anything: only %(name)s and %% mean something in it."""
    return PLACE.sub(lambda place: values[place[1]] if place[1] else "%", template)
