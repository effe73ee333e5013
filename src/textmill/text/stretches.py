"""A document of any length -> the document without what no reader wants. Room: text/. Used by reading.

Rules read whole texts (cleaning.py); a long one is read in stretches of LONG characters, each of whole lines where
there are any. A rule about one line finds the same lines as in the whole. Running heads and page numbers are those of a
stretch: the first head stays in each. Whether a document says anything is judged by all of it. See
docs/decisions/013-bounded-memory.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from textmill.text.cleaning import NEAR_EMPTY, clean, says_something
from textmill.text.documents import Document
from textmill.text.long_text import LONG, PIECE, LongText, LongTextWriter, Text, in_pieces


class Cleaning:
    """Cleans one document while what goes is taken from it."""

    def __init__(self, document: Document, rules: Sequence[str]):
        self.document: Document | None = document
        """As it is left, once all of removed() was taken: the same object, if nothing goes; None: nothing is left."""
        self._document, self._rules = document, rules

    def removed(self) -> Iterator[tuple[str, Text]]:
        """(rule, text) of each piece that goes. Raises InputError for the name of no rule, NoSpace."""
        if not isinstance(self._document.content, LongText):
            self.document, removed = clean(self._document, self._rules)
            for piece in removed:
                yield piece.rule, piece.text
            return
        kept = _Kept(self._document.content)
        by_stretch = [name for name in self._rules if name != NEAR_EMPTY]
        for stretch in stretches_of(self._document.content):
            left, removed = clean(replace(self._document, content=stretch), by_stretch)
            for piece in removed:
                yield piece.rule, piece.text
            kept.add(stretch, left.text if left else "", is_whole=not removed)
        content = kept.end()
        if content is not self._document.content:
            self.document = replace(self._document, content=content) if len(content) else None
        if len(content) and NEAR_EMPTY in self._rules and not says_something(content):
            self.document = None
            yield NEAR_EMPTY, content


class _Kept:
    """What is left of a long text; the text itself as long as nothing goes."""

    def __init__(self, original: LongText):
        self._original = original
        self._n_whole = 0
        self._writer: LongTextWriter | None = None

    def add(self, stretch: str, left: str, is_whole: bool) -> None:
        """left: what is left of the next stretch."""
        if self._writer is None and is_whole:
            self._n_whole += len(stretch)
            return
        if self._writer is None:
            self._writer = LongTextWriter()
            for piece in in_pieces(self._original.part(0, self._n_whole)):
                self._writer.add(piece)
        self._writer.add(left)

    def end(self) -> LongText:
        return self._original if self._writer is None else self._writer.end()


def stretches_of(text: Text) -> Iterator[str]:
    """Stretches of LONG characters, up to the end of the last line in them; of PIECE characters inside a line that is
    longer: a rule lists the characters of a line that it suspects, and each takes a hundred bytes in a list."""
    start = 0
    while start < len(text):
        stretch = text[start : start + LONG]
        if start + len(stretch) < len(text):
            stretch = stretch[: stretch.rfind("\n") + 1] or stretch[:PIECE]
        yield stretch
        start += len(stretch)
