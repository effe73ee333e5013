"""Records that are conversations -> documents whose answers alone are learned. Room: text/. Used by the JSON readers.

    {"messages": [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hi."}]}
    {"prompt": "Hello.", "completion": "Hi."}

Both are laid out as `textmill chat --style turns` lays out what was said, by the functions here: a line for each turn,
after its label; the lines of a turn after its first are moved in, so that a label at the start of a line is always the
program's. An answer ends with the label that follows it, or with the end of the text. A model that has a chat
template of its own learns them as that lays them out (tokens/chat_turns), from the turns that stand beside the text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from textmill.config import DataConfig
from textmill.messages import message, plural_message
from textmill.text.columns import listed
from textmill.text.documents import ANSWERED, TURNS, Document, Found
from textmill.text.jsonl import BadRecord, no_key, text_of
from textmill.text.transcoding import size_in

Speaker = Literal["system", "user", "assistant"]
LABELS_OF_TURNS: dict[Speaker, str] = {"system": "System:", "user": "User:", "assistant": "Assistant:"}
MESSAGES, PROMPT, COMPLETION = "messages", "prompt", "completion"
KEYS = ((MESSAGES,), (PROMPT, COMPLETION))
"""What a record of conversations has, one or the other."""
INDENT = "\n  "


class Turn(NamedTuple):
    """What one side said."""

    speaker: Speaker
    text: str


def indented(text: str) -> str:
    """Every line but the first moved in by two blanks; all that Python calls a line end counts as one."""
    return INDENT.join(text.splitlines())


def laid_out(turns: Sequence[Turn]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Turns as one text, and where its answers stand: from behind their label until the label that follows has been
    said. The last one goes on to the end of the text, and to the mark behind it.

    >>> laid_out([Turn("user", "Hi."), Turn("assistant", "Ho."), Turn("user", "Hm?"), Turn("assistant", "Oh.")])
    ('User: Hi.\\nAssistant: Ho.\\nUser: Hm?\\nAssistant: Oh.', ((20, 30), (45, 49)))
    """
    text, answers, begun = "", [], None
    for number, turn in enumerate(turns):
        text += ("\n" if number else "") + LABELS_OF_TURNS[turn.speaker]
        if begun is not None:
            answers.append((begun, len(text)))
        begun = len(text) if turn.speaker == "assistant" else None
        text += f" {indented(turn.text)}"
    if begun is not None:
        answers.append((begun, len(text)))
    return text, tuple(answers)


# --- records


def keys_wanted(records: Iterable[Mapping[str, Any]], data: DataConfig) -> tuple[str, ...] | None:
    """The keys of the conversations that a file holds, judged by its first records (key -> value); None where it holds
    none, or is to be read otherwise."""
    if data.conversations is False or data.text or data.labelled or data.pairs or data.questions or data.stories:
        return None
    for record in records:
        if isinstance(record.get(MESSAGES), list):
            return KEYS[0]
        if PROMPT in record and COMPLETION in record:
            return KEYS[1]
        if record and not data.conversations:
            return None
    return KEYS[0] if data.conversations else None


def turns_of(record: Mapping[str, Any], keys: tuple[str, ...]) -> list[Turn]:
    """The turns of a record. Raises BadRecord."""
    lacking = [key for key in keys if key not in record]
    if lacking:
        raise no_key(lacking[0], record)
    if keys == KEYS[1]:
        return [
            Turn("user", _said(record[PROMPT], f"'{PROMPT}'")),
            Turn("assistant", _said(record[COMPLETION], f"'{COMPLETION}'")),
        ]
    said = record[MESSAGES]
    if not isinstance(said, list) or not said:
        raise BadRecord(message("'%(key)s' is no list of messages, or an empty one", key=MESSAGES))
    turns = [_turn(one, number) for number, one in enumerate(said, start=1)]
    if not any(turn.speaker == "assistant" for turn in turns):
        raise BadRecord(message("no message is the assistant's: there is no answer to learn"))
    return turns


def _turn(one: Any, number: int) -> Turn:
    if not isinstance(one, dict) or "role" not in one or "content" not in one:
        raise BadRecord(message("message %(n)s is no object with 'role' and 'content'", n=number))
    if one["role"] not in LABELS_OF_TURNS:
        raise BadRecord(
            message(
                "message %(n)s is said by '%(role)s' (known are: %(roles)s)",
                n=number,
                role=one["role"],
                roles=listed([*LABELS_OF_TURNS]),
            )
        )
    return Turn(one["role"], _said(one["content"], message("the content of message %(n)s", n=number)))


def _said(value: Any, what: str) -> str:
    text = text_of(value, what)
    if not text.strip():
        raise BadRecord(message("%(what)s is empty", what=what))
    return text


def found_conversation(
    members: Mapping[str, tuple[Any, str]], keys: tuple[str, ...], where: str, n_all: int, codec: str
) -> Found:
    """The document of a record of n_all bytes. members: as in jsonl.members_of. Raises BadRecord.

    Bytes of the text are those that were said; other keys' values are unused columns, labels stand in no file.
    """
    turns = turns_of({key: value for key, (value, _) in members.items()}, keys)
    text, answers = laid_out([Turn(turn.speaker, turn.text.strip()) for turn in turns])
    said = tuple(turn.text.strip() for turn in turns)
    n_bytes = sum(len(one.encode()) for one in said)
    unused = sum(size_in(written, codec) for key, (_, written) in members.items() if key not in keys)
    document = Document(text, where, {ANSWERED: answers, TURNS: tuple((turn.speaker, turn.text) for turn in turns)})
    return Found(document, n_bytes, n_all - n_bytes - unused, unused, counted=said)


@dataclass
class Told:
    """Says by `note`, at the end of a file, what was found in it."""

    file: str
    keys: tuple[str, ...]
    note: Callable[[str], None]
    n_conversations: int = 0
    n_answers: int = 0

    def add(self, found: Found) -> None:
        """The next conversation."""
        self.n_conversations += 1
        self.n_answers += len(found.document.meta[ANSWERED])

    def end(self) -> None:
        """There are no more."""
        if self.n_conversations:
            self.note(
                message(
                    "%(file)s: read as conversations, from %(keys)s (--data.conversations false reads it otherwise): "
                    "%(conversations)s, %(answers)s; the answers alone are learned and measured.",
                    file=self.file,
                    keys=", ".join(f"'{key}'" for key in self.keys),
                    conversations=plural_message("%(n)s conversation", "%(n)s conversations", self.n_conversations),
                    answers=plural_message("%(n)s answer", "%(n)s answers", self.n_answers),
                )
            )
