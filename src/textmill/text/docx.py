"""DOCX -> its text, one document a file. Room: text/ (bytes -> documents). Used by reading.

A paragraph is a line; the cells of a table's row are parted by a tab, paragraphs inside a cell by a blank. Footnotes
and endnotes follow the text. Headers, footers, comments and deleted text are not read. Names: ECMA-376, part 1, 17.
The ledger counts the UTF-8 bytes of the text.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator

from textmill.config import DataConfig
from textmill.errors import InputError
from textmill.messages import message
from textmill.text.columns import utf8_size
from textmill.text.documents import EMPTY, Document, Dropped, Found
from textmill.text.files import TextFile, open_unchanged
from textmill.text.office import Package, damage_named

REPEATED = ("Fallback", "moveFrom")
"""Elements whose text stands elsewhere too: for readers that do not know the first choice, and where it was moved."""
CHARACTERS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "\u2011"}


def read_docx(file: TextFile, data: DataConfig, note: Callable[[str], None]) -> Iterator[Found | Dropped]:
    """The text of a Word file as one document. Raises InputError for a file that is damaged, locked or too large."""
    texts: list[str] = []
    with open_unchanged(file) as stream, damage_named(file, "DOCX"):
        package = Package(file, stream)
        main = _main_part(package)
        folder = posixpath.dirname(main)
        for name in (main, posixpath.join(folder, "footnotes.xml"), posixpath.join(folder, "endnotes.xml")):
            if name in package.names:
                story = _Story()
                package.parse(name, story.start, story.end, story.characters)
                texts.append("\n".join(story.lines).strip("\n"))
    text = "\n\n".join(part for part in texts if part.strip())
    if text:
        yield Found(Document(text, f"{file.name}#{main}"), utf8_size(text))
    else:
        yield Dropped(EMPTY, 0, file.name)


def _main_part(package: Package) -> str:
    for tag, attributes in package.elements("_rels/.rels"):
        if tag == "Relationship" and attributes.get("Type", "").endswith("/officeDocument"):
            name = attributes.get("Target", "").lstrip("/")
            if name in package.names:
                return name
    raise InputError(message("is no DOCX: it names no main part"), where=package.file.name)


class _Story:
    """The lines of one part, gathered while it is parsed."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.paragraphs: list[list[str]] = []  # open ones: a text box stands inside a paragraph
        self.rows: list[list[list[str]]] = []  # open ones: the lines of each cell
        self.in_text = False
        self.skipped = 0  # open elements, from one of REPEATED on

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if self.skipped or tag in REPEATED:
            self.skipped += 1
        elif tag == "p":
            self.paragraphs.append([])
        elif tag == "tr":
            self.rows.append([])
        elif tag == "tc" and self.rows:
            self.rows[-1].append([])
        elif tag == "t":
            self.in_text = True
        elif tag in CHARACTERS and self.paragraphs:
            # <w:tab> is also the name of a tab stop, which has a position.
            self.paragraphs[-1].append("" if "pos" in attributes else CHARACTERS[tag])

    def end(self, tag: str) -> None:
        if self.skipped:
            self.skipped -= 1
        elif tag == "p" and self.paragraphs:
            self._line("".join(self.paragraphs.pop()))
        elif tag == "tr" and self.rows:
            cells = self.rows.pop()
            self._line("\t".join(" ".join(" ".join(line.split()) for line in cell if line.strip()) for cell in cells))
        elif tag == "t":
            self.in_text = False

    def characters(self, text: str) -> None:
        if self.in_text and self.paragraphs and not self.skipped:
            self.paragraphs[-1].append(text)

    def _line(self, line: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1].append(line)
        else:
            self.lines.append(line)
