"""A document of any length -> the document without what no reader wants. Room: text/. Used by reading.

Rules read whole texts (cleaning.py); a long one is read in stretches of LONG characters, each of whole lines where
there are any. A rule about one line finds the same lines as in the whole. Running heads and page numbers are those of a
stretch: the first head stays in each. Whether a document says anything is judged by all of it. See
docs/decisions/014-bounded-memory.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from textmill.text.cleaning import CHARACTERS_A_LETTER, NEAR_EMPTY, SAYS_SOMETHING, Removed, clean, without_all
from textmill.text.documents import Document
from textmill.text.long_text import LONG, PIECE, LongText, LongTextWriter, Text, in_pieces


class Cleaning:
    """Cleans one document while what goes is taken from it."""

    def __init__(self, document: Document, rules: Sequence[str]):
        self.document: Document | None = document
        """As it is left, once all of removed() was taken: the same object, if nothing goes; None: nothing is left."""
        self._document, self._rules = document, rules

    def removed(self) -> Iterator[tuple[int, Removed]]:
        """Each piece that goes, in the order of the text, with its line. Raises InputError for the name of no rule,
        NoSpace."""
        content = self._document.content
        if not isinstance(content, LongText):
            self.document, removed = clean(self._document, self._rules)
            yield from _numbered(removed, content, 0, 1)
            return
        kept = _Kept(content)
        goes = NEAR_EMPTY in self._rules and not self._says_something(content)
        begin, line = 0, 1
        for stretch, left, removed in self._cleaned(content):
            if goes:
                left, removed = "", without_all(left, removed, NEAR_EMPTY)
            yield from _numbered(removed, stretch, begin, line)
            kept.add(stretch, left, is_whole=not removed)
            begin += len(stretch)
            line += stretch.count("\n")
        if (found := kept.end()) is not content:
            self.document = replace(self._document, content=found) if len(found) else None

    def _cleaned(self, content: LongText) -> Iterator[tuple[str, str, list[Removed]]]:
        """Each stretch, what is left of it, and what goes by the rules that do not judge the whole."""
        rules = [name for name in self._rules if name != NEAR_EMPTY]
        for stretch in stretches_of(content):
            left, removed = clean(replace(self._document, content=stretch), rules)
            yield stretch, left.text if left else "", removed

    def _says_something(self, content: LongText) -> bool:
        """Whether what is left has as many letters, digits and pictographs as a document needs; read as far as that
        is in doubt, which mostly is a hundredth."""
        n_found = n_left = 0
        for _, left, _ in self._cleaned(content):
            n_left += len(left)
            for _ in SAYS_SOMETHING.finditer(left):
                n_found += 1
                if n_found > len(content) // CHARACTERS_A_LETTER:
                    return True
        return not n_left or n_found > n_left // CHARACTERS_A_LETTER


def _numbered(removed: Sequence[Removed], stretch: str, begin: int, line: int) -> Iterator[tuple[int, Removed]]:
    """The line of each piece, and the piece by its place in the whole. begin, line: where the stretch begins."""
    at = 0
    for piece in removed:
        line += stretch.count("\n", at, piece.start)
        at = piece.start
        yield line, replace(piece, start=piece.start + begin, end=piece.end + begin) if begin else piece


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
