"""Which columns or keys hold the text and its label, or what else is kept. Room: text/. Used by the readers.

What --data.text and --data.label leave unsaid is guessed by the names that such columns mostly have, and the guess is
shown with three rows. Files of one text may call their columns differently: each is guessed by itself. The columns that
are kept beside a text (TextFile.kept) are named by the person, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from textmill.config import DataConfig
from textmill.errors import InputError, nearest
from textmill.messages import Message, message
from textmill.text.columns import first_of, listed, meant, no_column
from textmill.text.documents import KEPT, LABELS, NO_LABEL, Document, Dropped
from textmill.text.files import TextFile
from textmill.text.wording import joined, joined_clauses

# In small letters, blanks and hyphens as underscores. Surest names first: those behind are asked only without them.
LABEL_NAMES = (
    ("label", "labels", "标签", "標籤", "标注", "类标"),
    (
        *("class", "classes", "category", "categories", "sentiment", "polarity", "emotion", "intent", "topic"),
        *("rating", "ratings", "stars", "star_rating", "target"),
        *("类别", "类型", "分类", "情感", "情感极性", "情感倾向", "情感类别", "情感标签", "极性", "情绪"),
        *("评分", "星级", "打分"),
    ),
)
TEXT_NAMES = (
    *("sentence", "sentences", "content", "contents", "review", "reviews", "review_text", "reviewtext", "review_body"),
    *("comment", "comments", "comment_text", "text_a", "phrase", "tweet", "message", "document", "body", "utterance"),
    *("评论", "评论内容", "内容", "评价", "评价内容", "句子", "文本内容", "留言", "评语", "点评", "微博", "微博内容"),
)
HINTED = ("label", "labels", "sentiment", "category", "rating", "标签", "类别", "情感")
"""Names that a misspelt one is compared with."""
SHOWN_ROWS, SHOWN_CHARS = 3, 40


@dataclass(frozen=True)
class Columns:
    """The columns that are used. label: None where texts have no labels. is_guessed: not both are named by a knob.

    kept: (role, column) of values that are kept beside the text.
    """

    text: str
    label: str | None = None
    is_guessed: bool = False
    kept: tuple[tuple[str, str], ...] = ()

    @property
    def used(self) -> tuple[str, ...]:
        """The text's, the label's where there is one, and those that are kept, each once."""
        label = () if self.label is None else (self.label,)
        return tuple(dict.fromkeys((self.text, *label, *(column for _, column in self.kept))))

    def row_told(self, document: Document) -> Message:
        """The text, and its label or what is kept beside it."""
        beside = document.meta[KEPT].values() if KEPT in document.meta else document.meta[LABELS]
        return message("%(text)s → %(label)s", text=shown(document.content[: 8 * SHOWN_CHARS]), label=joined(beside))

    def told(self, file: str, rows: Message) -> Message:
        """Where the text, and the label, are taken from."""
        if self.kept:
            return message(
                "%(file)s: the text is taken from '%(text)s' (--data.text decides): %(rows)s.",
                file=file,
                text=self.text,
                rows=rows,
            )
        return message(
            "%(file)s: the text is taken from '%(text)s', the label from '%(label)s' (--data.text and --data.label "
            "decide): %(rows)s.",
            file=file,
            text=self.text,
            label=self.label,
            rows=rows,
        )


def needs_columns(file: TextFile, data: DataConfig) -> bool:
    """Whether a record must hold more than its text: a label, or values that are kept beside it."""
    return bool(file.kept or data.labelled)


def choose_columns(
    columns: Sequence[str],
    data: DataConfig,
    kept: Sequence[tuple[str, str]],
    where: str,
    texts: Iterable[str] | None = None,
) -> Columns:
    """Those of texts with labels, or with what is kept beside them. Arguments and errors as in choose_labelled."""
    if kept:
        return choose_kept(columns, data, kept, where, texts)
    return choose_labelled(columns, data, where, texts)


def choose_kept(
    columns: Sequence[str],
    data: DataConfig,
    kept: Sequence[tuple[str, str]],
    where: str,
    texts: Iterable[str] | None = None,
) -> Columns:
    """The columns of `kept`, and that of the text: what data.text names, or else what is called as texts mostly are.

    texts and errors as in choose_labelled; a role is the option that names its column.
    """
    for role, column in kept:
        if column not in columns:
            raise no_column((column,), columns, where, "data.conditions" if data.conditions else role)
    taken = [column for _, column in kept]
    text = next((name for name in data.text if name in columns), None)
    if data.text and text is None:
        raise no_column(data.text, columns, where)
    if text is None:
        candidates = [name for name in (columns if texts is None else texts) if name not in taken]
        text, is_guessed = _guessed_text(candidates, columns, where), True
    else:
        is_guessed = False
    return Columns(text, is_guessed=is_guessed, kept=tuple(kept))


def choose_labelled(
    columns: Sequence[str], data: DataConfig, where: str, texts: Iterable[str] | None = None
) -> Columns:
    """The columns that data.text and data.label name, or else those that are called as such columns mostly are; for the
    text also the only other column.

    texts: the columns that may hold it; None: all. Raises InputError with the columns found and the nearest name where
    there is none, or where several could be meant.
    """
    text = next((name for name in data.text if name in columns), None)
    if data.text and text is None:
        raise no_column(data.text, columns, where)
    label = next((name for name in data.label if name in columns), None)
    if data.label and label is None:
        raise no_column(data.label, columns, where, "data.label")
    is_guessed = text is None or label is None
    if label is None:
        label = _guessed_label([name for name in columns if name != text], columns, where)
    if text is None:
        text = _guessed_text([name for name in (columns if texts is None else texts) if name != label], columns, where)
    if text == label:
        raise InputError(
            message("the column '%(name)s' cannot be both the text and its label", name=text),
            where=where,
            hint=message("say which is which: --data.text NAME --data.label NAME"),
        )
    return Columns(text, label, is_guessed)


def _guessed_label(names: Sequence[str], columns: Sequence[str], where: str) -> str:
    for tier in LABEL_NAMES:
        found = called(tier, names)
        if len(found) == 1:
            return found[0]
        if found:
            raise InputError(
                message("several columns could hold the label: %(names)s", names=listed(found)),
                where=where,
                hint=message("choose one with: --%(knob)s NAME", knob="data.label"),
            )
    near = next((column for name in HINTED if (column := nearest(name, names))), None)
    raise InputError(
        message("no column is called as labels mostly are (there are: %(columns)s)", columns=listed(columns)),
        where=where,
        hint=meant(near, "data.label")
        if near
        else message(
            "choose one with: --data.label NAME (a table without a header: --data.header false "
            "--data.columns text,label)"
        ),
    )


def _guessed_text(names: Sequence[str], columns: Sequence[str], where: str) -> str:
    first = first_of(names, ())
    found = [first] if first is not None else called(TEXT_NAMES, names)
    if len(found) == 1:
        return found[0]
    if not found and len(names) == 1:
        return names[0]
    if found:
        said = message("several columns could hold the text: %(names)s", names=listed(found))
    else:
        said = message("no column is called as texts mostly are (there are: %(columns)s)", columns=listed(columns))
    raise InputError(said, where=where, hint=message("choose one with: --%(knob)s NAME", knob="data.text"))


def called(names: Sequence[str], columns: Iterable[str]) -> list[str]:
    """The columns that have one of the names, in whatever letters; one that has it to the letter goes before others.

    >>> called(["label", "star_rating"], ["Star Rating", "text"]), called(["label"], ["Label", "label"])
    (['Star Rating'], ['label'])
    """
    found = [column for column in columns if re.sub(r"[\s_-]+", "_", column.strip().casefold()) in names]
    exact = [column for column in found if column in names]
    return exact if len(exact) == 1 else found


def unlabelled(n_bytes: int, where: str, columns: Columns) -> Dropped:
    """A record whose label is missing."""
    return Dropped(NO_LABEL, n_bytes, where, message("no label in '%(column)s'", column=columns.label))


class Guessable(Protocol):
    """Columns that may have been guessed."""

    @property
    def is_guessed(self) -> bool: ...

    def row_told(self, document: Document) -> Message:
        """A document, as an example of what the columns hold."""
        ...

    def told(self, file: str, rows: Message) -> Message:
        """What was guessed, with examples."""
        ...


class FirstRows:
    """Says by `note` what was guessed, with the first documents that it gives; nothing where nothing was."""

    def __init__(self, file: str, columns: Guessable, note: Callable[[str], None]):
        self._file, self._note = file, note
        self._guess = columns if columns.is_guessed else None
        self._rows: list[Message] = []

    def add(self, document: Document) -> None:
        """The next document."""
        if self._guess is not None:
            self._rows.append(self._guess.row_told(document))
            if len(self._rows) == SHOWN_ROWS:
                self.end()

    def end(self) -> None:
        """There are no more."""
        if self._guess is not None and self._rows:
            self._note(self._guess.told(self._file, joined_clauses(self._rows)))
            self._guess = None


def shown(text: str) -> str:
    """A text in a line, cut to a readable length."""
    text = " ".join(text[: 8 * SHOWN_CHARS].split())
    return text if len(text) <= SHOWN_CHARS else f"{text[: SHOWN_CHARS - 1]}…"
