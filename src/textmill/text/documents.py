"""What reading yields: documents, and stretches that are dropped with a named reason. Room: text/ (bytes -> documents).

Every reader turns a file into a stream of Found and Dropped whose bytes sum to the file's size exactly: that is what
makes the ledger exact. Readers never touch the report; `reading.records_of` and its callers do the counting.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from textmill.text.long_text import Text, whole
from textmill.text.wording import placed

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")

TEXT = "text"
"""Bytes of documents, before a split gives them to a part."""
MARKUP = "markup"
LABEL = "label"
"""Bytes of the labels of documents, as they are written."""
UNUSED_COLUMN = "unused_column"
DUPLICATE = "duplicate"
BAD_RECORD = "bad_record"
EMPTY = "empty"
NO_LABEL = "other:no-label"
"""Texts without a label, where documents are labelled."""
NO_QUESTION = "other:no-question"
"""Passages, or sentences of a story, that nothing is asked about."""

TARGET = "target"
"""Key of a document's meta: its translation, where documents are pairs."""
LABELS = "labels"
"""Key of a document's meta: the names of its classes, where documents are labelled; in class order, each once."""
QUESTION = "question"
"""Key of a document's meta: what is asked of it, where documents are passages with a question; never blank."""
ANSWERS = "answers"
"""Key of a document's meta, where documents are passages with a question: a tuple of (start, text), each once, in the
order of the file. start counts code points of the content, and content[start : start + len(text)] == text. (): no
answer is in it."""
QUESTION_ID = "question_id"
"""Key of a document's meta: what its file calls the question; "" where it has no name."""
MADE = "made"
"""Key of a document's meta: the kind of its question, where that was made from the document (question_making)."""
ARTICLE = "article"
"""Key of a document's meta: the title of the article that a passage is from. Passages of one article stand on one side
of a split where there are enough articles."""
FACTS = "facts"
"""Key of a document's meta: of a story, the numbers of the sentences that prove the answer, from 0; not there where
they are not known."""
ANSWERED = "answered"
"""Key of a document's meta: of a conversation, ((start, stop), …) of its answers in the content, in code points, each
with what ends it: they alone are learned. The last one may go on to the mark."""
TURNS = "turns"
"""Key of a document's meta: of a conversation, ((role, what was said), …) as it stands in the file."""
KEPT = "kept"
"""Key of a document's meta: {role: value as it is written}, where a file's `kept` names columns; "" where there is
none."""
PAGES = "pages"
"""Key of a document's meta: ((start, number), …) of its pages, where it has such: the first character of each."""

KEPT_EXAMPLES = 3
"""So many removals of a cleaning rule are kept to be shown; all are counted."""
EXAMPLE_CHARS = 1000
"""So much of a removal is kept to be shown."""
KEPT_RECORDS = 100
"""So many bad records, and so many places without text or label, are kept by name; all are counted."""


@dataclass(frozen=True)
class Document:
    """A text and where it stands. `source` is "file:line" of its first line; `meta` may hold a "group" (any value, or a
    tuple of several): documents of one group never stand on two sides of a split. Of a pair, meta[TARGET] is the
    translation; of a labelled text, meta[LABELS] its classes; of a passage with a question, meta[QUESTION],
    meta[ANSWERS] and meta[QUESTION_ID]; meta[KEPT] what stands beside a text that has a time."""

    content: Text
    """A str, or a LongText: what is read in pieces takes memory for a piece."""
    source: str
    meta: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """All of the content, in memory."""
        return whole(self.content)

    @property
    def texts(self) -> tuple[Text, ...]:
        """The content, and its translation or the question about it where it has one."""
        for beside in (TARGET, QUESTION):
            if beside in self.meta:
                return self.content, self.meta[beside]
        return (self.content,)


@dataclass(frozen=True, slots=True)
class Found:
    """A document and the bytes of its record: `n_bytes` hold the text, the rest is named.

    beside: bytes of its translation, where that stands in a file of its own; they are that file's.
    label: bytes of its label, where that stands beside it in the record; of a question, of its answers.
    counted: the texts that n_bytes are, where they are not all of the document's: a passage that several questions are
    about stands in the file once, and a story goes on from question to question.
    """

    document: Document
    n_bytes: int
    markup: int = 0
    unused_column: int = 0
    beside: int = 0
    label: int = 0
    counted: tuple[Text, ...] | None = None


@dataclass(frozen=True, slots=True)
class Dropped:
    """Bytes that hold no document. `reason` is said for bad records and missing labels ("file:line: why")."""

    category: str
    n_bytes: int
    source: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TakenOut(Dropped):
    """What a cleaning rule took out of the document at `source`: `text`, which began at its code point `start`.

    line: of the document, counted from 1.
    """

    rule: str = ""
    start: int = 0
    line: int = 1
    text: str = ""


@dataclass
class RuleCount:
    """What a cleaning rule removed: stretches, bytes, and the first few as ("file:line", text)."""

    n: int = 0
    n_bytes: int = 0
    examples: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class FileCount:
    """What one file held: `n_bytes` by category, with "text" for all documents together."""

    path: str
    encoding: str
    n_documents: int = 0
    n_bytes: dict[str, int] = field(default_factory=dict)

    def add(self, category: str, n_bytes: int) -> None:
        """Count bytes; a category without any leaves no trace."""
        if n_bytes:
            self.n_bytes[category] = self.n_bytes.get(category, 0) + n_bytes


class ReadReport:
    """What reading found by file: counts, bad records ("file:line: reason"), places without text or label; notes."""

    def __init__(self) -> None:
        self.files: list[FileCount] = []
        self.bad_records: list[str] = []
        self.n_bad_records = 0
        self.empty_records: list[str] = []
        self.n_empty = 0
        self.unlabelled: list[str] = []
        self.n_unlabelled = 0
        self.notes: list[str] = []
        self.rules: dict[str, RuleCount] = {}

    def begin(self, path: str, encoding: str) -> FileCount:
        """A new file: what is counted from here on is its."""
        self.files.append(FileCount(path, encoding))
        return self.files[-1]

    def count(self, item: Found | Dropped) -> None:
        """Count one stretch of the file begun last."""
        file = self.files[-1]
        if isinstance(item, Found):
            file.n_documents += 1
            file.add(TEXT, item.n_bytes)
            file.add(MARKUP, item.markup)
            file.add(LABEL, item.label)
            file.add(UNUSED_COLUMN, item.unused_column)
            return
        file.add(item.category, item.n_bytes)
        if item.category == EMPTY:
            self.n_empty += 1
            if len(self.empty_records) < KEPT_RECORDS:
                self.empty_records.append(item.source)
        elif item.category == NO_LABEL and item.source:  # a file that is dropped whole is told by its name
            self.n_unlabelled += 1
            if len(self.unlabelled) < KEPT_RECORDS:
                self.unlabelled.append(item.source)
        elif item.category == BAD_RECORD:
            self.n_bad_records += 1
            if len(self.bad_records) < KEPT_RECORDS:
                self.bad_records.append(placed(item.source, item.reason))

    def cleaned(self, rule: str, source: str, text: str, n_bytes: int) -> None:
        """Count a stretch that a cleaning rule took out of the document at `source`."""
        count = self.rules.setdefault(rule, RuleCount())
        count.n += 1
        count.n_bytes += n_bytes
        if len(count.examples) < KEPT_EXAMPLES:
            count.examples.append((source, text[:EXAMPLE_CHARS]))

    def note(self, sentence: str) -> None:
        """Say something once."""
        if sentence not in self.notes:
            self.notes.append(sentence)
