"""A document -> passages by its structure: headings, paragraphs, list items, table rows. Room: text/.

Used by passage_reading. A passage is what a question is answered from: some neighbouring blocks under one heading, cut
at the ends of sentences where they are long. Passages follow each other, so that what no passage holds is blank.

Lines are judged one by one, in Markdown, English and Chinese. A heading of Markdown, or of a name such as "Chapter 3"
or 第三章, is one wherever it stands; a numbered line ("2.1 Warranty", "二、保修") is one where it is short, has no
sentence end and is no item of a list, that is: something else follows before the next of its kind.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace

from textmill.text.long_cleaning import stretches_of
from textmill.text.long_text import Text
from textmill.text.sentences import ends, without_blanks

MOST = 900
"""Width of a passage that is cut: about 150 English words, or 300 Chinese characters."""
FULL = 600
"""Width up to which neighbours are put together."""
LONGEST_HEADING = 80

HAN = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_wide = re.compile(f"[{HAN}]")
_numeral = "[零〇一二三四五六七八九十百千两兩\\d]+"
_line = re.compile(r"[^\n]*\n|[^\n]+")
_fence = re.compile(r"\s{0,3}(```+|~~~+)")
_markdown = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?)(?:[ \t]#+)?[ \t]*|[ \t]*)$")
_underline = re.compile(r" {0,3}(=+|-{2,})\s*$")
_named = re.compile(
    rf"\s*(?:第{_numeral}(?P<zh>[编編部卷篇章回节節条條])(?![\w]*[的了])"
    rf"|(?P<en>chapter|part|section|appendix|article)\s+(?:\d+|[ivxlc]+|[a-z])\b)",
    re.IGNORECASE,
)
_numbered = re.compile(
    rf"\s*(?:(?P<comma>[一二三四五六七八九十]+)、|(?P<round>[（(][一二三四五六七八九十]+[)）])"
    rf"|(?P<digits>\d{{1,3}}(?:\.\d{{1,3}}){{0,4}})(?:\.|、)?[ \t\u3000]+(?=[A-Z{HAN}])"
    rf"|(?P<dot>\d{{1,3}})、(?=[{HAN}]))"
)
_item = re.compile(
    r"\s*(?:[-*+•·●○▪◦–]\s+|[(（]?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,4})[.)）]\s+|\d{1,3}[、）)]|[①-⑳]"
    r"|[（(][一二三四五六七八九十\d]+[)）]|[一二三四五六七八九十]+、)"
)
_row = re.compile(r"\s*\|.*\|\s*$|[^\n]*\S[^\n]*\t[^\n]*\S")
_sentence_end = "。！？；，：,;:!?…."
_clause = re.compile(r"[,;:，、；：]\s*|\n|\s+")

NAMED_RANKS = {
    **dict.fromkeys("编編部卷篇", 7),
    **dict.fromkeys("章回", 8),
    **dict.fromkeys("节節", 9),
    "条": 10,
    "條": 10,
}
ENGLISH_RANKS = {"part": 7, "chapter": 8, "appendix": 8, "section": 9, "article": 10}


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a file that a question may be answered from.

    start, end: code points of the document as it was decoded. byte_start, byte_end: bytes of the file as it lies on the
    disk; None where no stretch of bytes is known to hold it: in PDF, DOCX, EPUB, HTML, Parquet, in packed files and in
    what no file holds. line: of its beginning in the file, from 1; None where the file has no lines of text.
    """

    text: str
    """As it is read and cleaned; of a question with its answer, all of the answer."""
    source: str
    """The file, and behind a # the record or page, where it has such."""
    line: int | None
    start: int
    end: int
    byte_start: int | None
    byte_end: int | None
    heading: tuple[str, ...] = ()
    """The headings that it stands under, the outermost first."""
    question: str = ""
    """What it answers, where the file holds questions with their answers."""
    is_exact: bool = True
    """Its bytes, decoded, are its text. False: they hold what was cleaned away between, escapes, or all of the record
    that the text stands in."""
    number: int = -1
    """Its number in the index that found it."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where a passage stands in a document's text, and the headings above it."""

    start: int
    end: int
    heading: tuple[str, ...]


def stretches(text: Text) -> Iterator[Stretch]:
    """The passages of a text in order; what stands between them is blank.

    >>> list(stretches("# Kettle\\n\\nIt boils.\\n"))
    [Stretch(start=0, end=19, heading=('Kettle',))]
    """
    path: list[tuple[int, str]] = []
    begin = 0
    for piece in stretches_of(text):  # all of it, but for a text that is too long to be held
        for stretch in _of_blocks(piece, path):
            yield replace(stretch, start=stretch.start + begin, end=stretch.end + begin)
        begin += len(piece)


# -- blocks ------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Block:
    """Lines that belong together. rank: of a heading, smaller is further out; 0: no heading. sure: it is a heading
    whatever follows."""

    start: int
    end: int
    kind: str
    rank: int = 0
    title: str = ""
    sure: bool = True


def _blocks(text: str) -> list[_Block]:
    """The blocks of a text in order: headings, paragraphs, items, rows. Blank lines are in none."""
    found: list[_Block] = []
    fence = ""
    after_blank = True
    for line in _line.finditer(text):
        start, end = line.span()
        content = line[0].rstrip("\r\n")
        if not content.strip():
            after_blank = True
            continue
        last = None if after_blank or not found else found[-1]
        after_blank = False
        mark = _fence.match(content)
        if fence or mark:
            if fence and mark and mark[1].startswith(fence) and not content.strip().strip(fence[0]):
                fence = ""
            elif mark and not fence:
                fence = mark[1]
            if last is not None and last.kind == "code":
                last.end = end
            else:
                found.append(_Block(start, end, "code"))
            continue
        under = _underline.match(content)
        if under and last is not None and last.kind == "text" and "\n" not in text[last.start : last.end].strip():
            last.kind, last.rank, last.title = "heading", 1 if "=" in under[1] else 2, _title(text, last)
            last.end = end
            continue
        block = _judged(content, start, end, last)
        if block.kind == "text" and last is not None and last.kind in ("text", "item"):
            last.end = end
        else:
            found.append(block)
    return found


def _judged(content: str, start: int, end: int, last: _Block | None) -> _Block:
    """The block that a line begins; a paragraph that goes on is one more of kind text."""
    if content.lstrip()[:1] == "#" and (atx := _markdown.match(content)):
        return _Block(start, end, "heading", len(atx[1]), " ".join((atx[2] or "").split()))
    if _row.match(content):
        return _Block(start, end, "row")
    title = content.strip()
    is_short = len(title) <= LONGEST_HEADING and title[-1] not in _sentence_end
    if is_short and (named := _named.match(content)):
        rank = NAMED_RANKS[named["zh"]] if named["zh"] else ENGLISH_RANKS[named["en"].lower()]
        if named["zh"] or last is None or last.kind == "heading":
            return _Block(start, end, "heading", rank, title)
    if is_short and (numbered := _numbered.match(content)):
        digits = numbered["digits"] or numbered["dot"]
        rank = 13 + digits.count(".") if digits else 11 if numbered["comma"] else 12
        if not digits or last is None or last.kind in ("heading", "numbered"):
            return _Block(start, end, "numbered", rank, title, sure=False)
    return _Block(start, end, "item" if _item.match(content) else "text")


def _title(text: str, block: _Block) -> str:
    return " ".join(text[block.start : block.end].split())


def _with_headings(blocks: list[_Block]) -> list[_Block]:
    """The same, numbered lines told apart: those with a block under them are headings, those of a list are items."""
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        if block.kind != "numbered":
            continue
        has_body = following is not None and (
            following.kind != "heading" and (following.kind != "numbered" or following.rank > block.rank)
        )
        block.kind, block.rank = ("heading", block.rank) if has_body else ("item", 0)
    return blocks


# -- passages ----------------------------------------------------------------------------------------------------------


def _of_blocks(text: str, path: list[tuple[int, str]]) -> Iterator[Stretch]:
    """The passages of a text. path: rank and title of the headings above it; changed to those at its end."""
    held: tuple[int, int] | None = None
    heading: tuple[str, ...] = ()
    only_headings = False

    def done() -> Iterator[Stretch]:
        place = without_blanks(text, *held) if held else None
        if place:
            yield Stretch(*place, heading)

    for block in _with_headings(_blocks(text)):
        if block.kind == "heading":
            if not only_headings:
                yield from done()
                held = None
            while path and path[-1][0] >= block.rank:
                path.pop()
            path.append((block.rank, block.title))
            heading = tuple(title for _, title in path if title)
            held, only_headings = (held[0] if held else block.start, block.end), True
            continue
        for start, end in _cut(text, block.start, block.end):
            if held and (only_headings or width(text[held[0] : end]) <= FULL):
                held = (held[0], end)
            else:
                yield from done()
                held, heading = (start, end), tuple(title for _, title in path if title)
            only_headings = False
    yield from done()


def width(text: str) -> int:
    """Characters, a Chinese one as three: about the same for as much as is said.

    >>> width("kettle"), width("水壶")
    (6, 6)
    """
    return len(text) if text.isascii() else len(text) + 2 * len(_wide.findall(text))


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A block in pieces of width MOST at the most: at ends of sentences, else of clauses or words, else anywhere but
    within what is seen as one character."""
    piece = text[start:end]
    if width(piece) <= MOST:
        yield start, end
        return
    begin = done = 0
    for last in (*ends(piece), len(piece)):
        if width(piece[begin:last]) <= MOST:
            done = last
            continue
        if done > begin:
            yield start + begin, start + done
            begin = done
        while width(piece[begin:last]) > MOST:
            middle = _edge(piece, begin, last)
            yield start + begin, start + middle
            begin = middle
        done = last
    if begin < len(piece):
        yield start + begin, end


def _edge(text: str, start: int, end: int) -> int:
    """Where a sentence that is too long is cut, so that what stands before is of width MOST at the most."""
    furthest = start
    room = MOST
    while furthest < end and room > 0:
        room -= 3 if _wide.match(text[furthest]) else 1
        furthest += 1
    marks = [mark.end() for mark in _clause.finditer(text, start, furthest)]
    good = [place for place in marks if place > start + (furthest - start) // 2]
    if good:
        return good[-1]
    place = furthest
    while place > start + 1 and place < len(text) and _joins(text[place - 1], text[place]):
        place -= 1
    return place if place > start + 1 else furthest


def _joins(before: str, after: str) -> bool:
    """Whether two neighbours are seen as one character: a mark on a letter, an emoji joined or tinted, CR LF."""
    return (
        unicodedata.combining(after) > 0
        or unicodedata.category(after) in ("Mn", "Me", "Mc")
        or after in "\u200d\ufe0e\ufe0f"
        or before == "\u200d"
        or "\U0001f3fb" <= after <= "\U0001f3ff"
        or (before == "\r" and after == "\n")
    )
