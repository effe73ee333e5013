"""HTML and XHTML -> the text a reader of the page sees, one document a file. Room: text/ (bytes -> documents).

Used by reading (.html .htm .xhtml) and by epub for its chapters. What counts as text, after the innerText getter of the
HTML standard (WHATWG, 3.2.7) and the white space rules of CSS Text 3 (4.1):
- Blocks, <br> and table rows make line breaks, <p> a blank line, cells of a row are parted by a tab. A block's break at
  the edge of a cell is none.
- A run of blanks is one blank, and none at the edge of a line; <pre> keeps its blanks. A run that holds a line break
  and stands between two wide characters (East Asian Width W, F or H, not Hangul) vanishes: a Chinese paragraph that is
  wrapped in the source gets no blanks.
- Character references are decoded; NULs are left out.
- Tags, comments, declarations and the contents of UNREAD and HIDDEN elements are markup. The title is one of them: it
  names the page and is not on it. What only a style sheet or an attribute hides is text.

The standard library's html.parser takes quadratic time on unclosed constructs in the Pythons we run on
(CVE-2025-6069), so the tokens are told apart here, by the states of the standard (13.2.5) as far as text depends on
them. A state holds back a few characters at most: time is linear and memory bounded by the text.
"""

from __future__ import annotations

import codecs
import html
import io
import re
from collections.abc import Callable, Iterable, Iterator
from unicodedata import east_asian_width

from textmill.config import DataConfig
from textmill.messages import message
from textmill.text.columns import utf8_size
from textmill.text.documents import EMPTY, Document, Dropped, Found
from textmill.text.files import CHUNK, TextFile, open_text

UNREAD = frozenset(["script", "style", "title", "textarea", "iframe", "noembed", "noframes", "noscript"])
"""Elements whose content is no markup: it ends at their own end tag and nowhere else."""
HIDDEN = frozenset(["template", "canvas", "audio", "video", "datalist", "annotation", "annotation-xml"])
"""Elements whose content a browser parses and does not show."""
BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "caption",
        "center",
        "dd",
        "details",
        "dialog",
        "dir",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "frameset",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hgroup",
        "hr",
        "html",
        "legend",
        "li",
        "listing",
        "main",
        "menu",
        "nav",
        "ol",
        "optgroup",
        "option",
        "p",
        "pre",
        "search",
        "section",
        "summary",
        "tbody",
        "tfoot",
        "thead",
        "ul",
    ]
)
KEEP_BLANKS = frozenset(("pre", "listing"))

BLANKS = " \t\n\f\r"
LONGEST_NAME = 32  # characters: longer than any name above
LONGEST_REFERENCE = 64  # characters: named ones have at most 33, numbers need no more digits

_uneven = re.compile(r"[ \t\n\f\r]{2,}|[\t\n\f\r]")
_reference = re.compile(r"&(?:#[0-9]{1,60};?|#[xX][0-9a-fA-F]{1,60};?|[^\t\n\f <&#;]{1,32};?)")
_name_edge = re.compile(r"[\t\n\f\r />]")
_attribute_edge = re.compile(r"[>=]")
_value_edge = re.compile(r"[\t\n\f\r >]")
_comment_end = re.compile(r"--!?>")
_raw_ends = {name: re.compile(rf"</(?={name}[\t\n\f\r />])", re.IGNORECASE) for name in UNREAD}


def read_html(file: TextFile, data: DataConfig, note: Callable[[str], None]) -> Iterator[Found | Dropped]:
    """The text of a page as one document; all that is not text is markup. A page without text is an empty record."""
    n_read = 0

    def pieces() -> Iterator[str]:
        nonlocal n_read
        decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")(), translate=True)
        with open_text(file) as stream:
            while raw := stream.read(CHUNK):
                n_read += len(raw)
                yield decoder.decode(raw)
            yield decoder.decode(b"", final=True)

    where = f"{file.name}:1"

    def tell(what: str) -> None:
        note(message("%(file)s: %(what)s is never closed: all behind it is markup.", file=file.name, what=what))

    text = page_text(pieces(), tell)
    if not text.strip():
        yield Dropped(EMPTY, n_read, where)
        return
    # Two references (&nGt; and &nLt;) are a byte shorter than what they stand for: a page of little else is all text.
    n_bytes = min(utf8_size(text), n_read)
    yield Found(Document(text, where), n_bytes, markup=n_read - n_bytes)


def page_text(pieces: Iterable[str], unclosed: Callable[[str], None]) -> str:
    """The text of a page that comes in pieces with LF line ends; how it is cut into pieces makes no difference.

    unclosed: called with what swallowed the page's end ("a comment", "<script>").

    >>> page_text(["<title>x</title><p>One &am", "p; <b>two</b>\\n<p>中\\n文"], print)
    'One & two\\n\\n中文'
    """
    page = _Page()
    for piece in pieces:
        page.feed(piece)
    if swallowed := page.close():
        unclosed(swallowed)
    return page.lines.text()


class _Lines:
    """Text as it is shown: decides, before each character, which blanks and line breaks stand there."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.last = ""  # the last character written
        self.breaks = 0  # that blocks ask for: the largest wish counts
        self.newlines = 0  # that were written as such: their sum counts
        self.blank = ""  # a collapsed run that waits for what follows: "\n" if it held a line break
        self.tabs = 0  # edges of cells since the last text
        self.row_has_text = False

    def text(self) -> str:
        return "".join(self.parts)

    def block(self, n_breaks: int) -> None:
        if not self.tabs:
            self.breaks = max(self.breaks, n_breaks)
        self.blank = ""

    def newline(self, n: int = 1) -> None:
        if not self.tabs:
            self.newlines += n
        self.blank = ""

    def row(self) -> None:
        """The edge of a row or of a table. Tabs before empty cells at its end are dropped."""
        self.tabs, self.row_has_text = 0, False
        self.block(1)

    def cell(self) -> None:
        """The edge between two cells of a row."""
        if self.row_has_text:
            self.breaks = self.newlines = 0
        self.tabs += 1
        self.blank = ""

    def flowing(self, text: str) -> None:
        """Text whose runs of blanks are collapsed."""
        body = text.lstrip(BLANKS)
        self._wait(text[: len(text) - len(body)])
        if not body:
            return
        stripped = body.rstrip(BLANKS)
        self._flush(stripped[0])
        self._write(_uneven.sub(_collapsed, stripped))
        self._wait(body[len(stripped) :])

    def kept(self, text: str) -> None:
        """Text whose blanks stay; line breaks at its ends are line breaks of the page."""
        body = text.lstrip("\n")
        self.newline(len(text) - len(body))
        if not body:
            return
        stripped = body.rstrip("\n")
        self._flush(stripped[0])
        self._write(stripped)
        self.newline(len(body) - len(stripped))

    def _wait(self, blanks: str) -> None:
        if blanks and self.blank != "\n":
            self.blank = "\n" if "\n" in blanks else " "

    def _flush(self, following: str) -> None:
        n_breaks = max(self.breaks, self.newlines)
        if n_breaks and self.last:
            self._write("\n" * n_breaks)
        if self.tabs:
            self._write("\t" * self.tabs)
        elif self.blank and self.last not in ("", "\n", "\t"):
            self._write(_blank_between(self.last, following) if self.blank == "\n" else " ")
        self.breaks = self.newlines = self.tabs = 0
        self.blank, self.row_has_text = "", True

    def _write(self, text: str) -> None:
        if text:
            self.parts.append(text)
            self.last = text[-1]


def _collapsed(run: re.Match[str]) -> str:
    if "\n" not in run.group():
        return " "
    return _blank_between(run.string[run.start() - 1], run.string[run.end()])


def _blank_between(before: str, after: str) -> str:
    """What a line break in the source becomes: CSS Text 3, 4.1.3, segment break transformation."""
    return "" if "\u200b" in (before, after) or (_is_wide(before) and _is_wide(after)) else " "


def _is_wide(character: str) -> bool:
    return east_asian_width(character) in ("W", "F", "H") and not (
        "\u1100" <= character <= "\u11ff" or "\u3130" <= character <= "\u318f" or "\ua960" <= character <= "\ua97f"
        or "\uac00" <= character <= "\ud7ff" or "\uffa0" <= character <= "\uffdc"
    )  # fmt: skip


def _decoded(text: str) -> str:
    return _reference.sub(lambda found: html.unescape(found.group()), text) if "&" in text else text


class _Page:
    """The tokens of a page. A state takes (buffer, position) and gives the next position, or None if it needs more."""

    def __init__(self) -> None:
        self.lines = _Lines()
        self.state: Callable[[str, int], int | None] = self._text
        self.held = ""
        self.final = False
        self.is_xml: bool | None = None  # then "/>" closes an element and CDATA is text
        self.name = ""
        self.is_end = False
        self.slash = False
        self.quote = ""
        self.raw = ""  # the UNREAD element whose content this is
        self.hidden, self.hidden_depth = "", 0
        self.keeps_blanks = 0
        self.skips_newline = False  # the first one in <pre>
        self.n_cells = 0

    def feed(self, piece: str) -> None:
        buffer = self.held + piece
        if self.is_xml is None:
            if len(buffer) < 4096 and not self.final:
                self.held = buffer
                return
            self.is_xml = buffer.lstrip("\ufeff \t\n").startswith("<?xml") or "//www.w3.org/1999/xhtml" in buffer[:4096]
        position = 0
        self.held = ""
        while position < len(buffer):
            following = self.state(buffer, position)
            if following is None:
                break
            position = following
        self.held = buffer[position:] if position < len(buffer) else ""

    def close(self) -> str:
        """The end of the page. Gives what is still open and swallowed the rest, or ""."""
        self.final = True
        self.feed("")
        if self.hidden:
            return f"<{self.hidden}>"
        if self.state == self._raw:
            return f"<{self.raw}>"
        if self.state == self._comment:
            return message("a comment")
        return "" if self.state in (self._text, self._cdata) else message("a tag or declaration")

    def _show(self, text: str) -> None:
        if self.hidden or not text:
            return
        text = _decoded(text).replace("\0", "")
        if not self.keeps_blanks:
            self.lines.flowing(text)
        elif text:
            self.lines.kept(text[1:] if self.skips_newline and text[0] == "\n" else text)
            self.skips_newline = False

    # -- states ----------------------------------------------------------------------------------------------------

    def _text(self, buffer: str, position: int) -> int | None:
        start = buffer.find("<", position)
        if start < 0:
            end = len(buffer)
            if not self.final:
                ampersand = buffer.rfind("&", max(position, end - LONGEST_REFERENCE))
                end = ampersand if ampersand >= 0 else end
            self._show(buffer[position:end])
            return self._after(end, position)
        if start > position:
            self._show(buffer[position:start])
            return start
        head = buffer[start + 1 : start + 9]
        if len(head) < 8 and not self.final:
            return None
        if head.startswith("!--"):
            self.state = self._comment
            return start + 2  # <!--> is a whole comment
        if self.is_xml and head == "![CDATA[":
            self.state = self._cdata
            return start + 9
        if head[:1] in ("!", "?"):
            self.state = self._declaration
            return start + 2
        self.is_end = head[:1] == "/"
        first = head[1:2] if self.is_end else head[:1]
        if first.isascii() and first.isalpha():
            self.name, self.state = "", self._tag_name
            return start + (2 if self.is_end else 1)
        if self.is_end and first:
            self.state = self._declaration
            return start + 2
        self._show("<")
        return start + 1

    @staticmethod
    def _after(end: int, position: int) -> int | None:
        return end if end > position else None

    def _tag_name(self, buffer: str, position: int) -> int:
        edge = _name_edge.search(buffer, position)
        end = edge.start() if edge else len(buffer)
        self.name = (self.name + buffer[position : min(end, position + LONGEST_NAME)])[:LONGEST_NAME]
        if edge:
            self.slash, self.state = False, self._attributes
        return end

    def _attributes(self, buffer: str, position: int) -> int:
        edge = _attribute_edge.search(buffer, position)
        end = edge.start() if edge else len(buffer)
        if end > position:
            self.slash = buffer[end - 1] == "/"
        if not edge:
            return end
        if edge.group() == ">":
            self._tag_ends(self.slash)
        else:
            self.state = self._before_value
        return end + 1

    def _before_value(self, buffer: str, position: int) -> int:
        while position < len(buffer) and buffer[position] in BLANKS:
            position += 1
        if position == len(buffer):
            return position
        self.slash = False
        if buffer[position] in "\"'":
            self.quote, self.state = buffer[position], self._quoted
            return position + 1
        self.state = self._unquoted
        return position

    def _quoted(self, buffer: str, position: int) -> int:
        end = buffer.find(self.quote, position)
        if end < 0:
            return len(buffer)
        self.state = self._attributes
        return end + 1

    def _unquoted(self, buffer: str, position: int) -> int:
        edge = _value_edge.search(buffer, position)
        if edge is None:
            return len(buffer)
        if edge.group() == ">":
            self._tag_ends(False)
        else:
            self.state = self._attributes
        return edge.end()

    def _declaration(self, buffer: str, position: int) -> int:
        end = buffer.find(">", position)
        if end < 0:
            return len(buffer)
        self.state = self._text
        return end + 1

    def _comment(self, buffer: str, position: int) -> int | None:
        end = _comment_end.search(buffer, position)
        if end is None:
            return self._after(len(buffer) - (0 if self.final else 3), position)
        self.state = self._text
        return end.end()

    def _cdata(self, buffer: str, position: int) -> int | None:
        end = buffer.find("]]>", position)
        if end < 0:
            kept = len(buffer) - (0 if self.final else 2)
            if kept > position:
                self._show(buffer[position:kept].replace("&", "&amp;"))
            return self._after(kept, position)
        self._show(buffer[position:end].replace("&", "&amp;"))
        self.state = self._text
        return end + 3

    def _raw(self, buffer: str, position: int) -> int | None:
        end = _raw_ends[self.raw].search(buffer, position)
        if end is None:
            return self._after(len(buffer) - (0 if self.final else LONGEST_NAME), position)
        self.is_end, self.name, self.state = True, "", self._tag_name
        return end.end()

    # -- tags ------------------------------------------------------------------------------------------------------

    def _tag_ends(self, slash: bool) -> None:
        self.state = self._text
        name = self.name.lower()
        self.skips_newline = False
        is_empty = bool(slash and self.is_xml and not self.is_end)
        if self.hidden:
            if name == self.hidden and not is_empty:
                self.hidden_depth += -1 if self.is_end else 1
                self.hidden = self.hidden if self.hidden_depth else ""
        elif name in HIDDEN and not self.is_end and not is_empty:
            self.hidden, self.hidden_depth = name, 1
        else:
            self._lay_out(name)
        if name in UNREAD and not self.is_end and not is_empty:
            self.raw, self.state = name, self._raw
        elif name in KEEP_BLANKS and not self.hidden and not is_empty:
            self.keeps_blanks = max(0, self.keeps_blanks + (-1 if self.is_end else 1))
            self.skips_newline = not self.is_end

    def _lay_out(self, name: str) -> None:
        if name in ("table", "tr"):
            self.lines.row()
            self.n_cells = 0
        elif name in BLOCKS:
            self.lines.block(2 if name == "p" else 1)
        elif name == "br":
            self.lines.newline()
        elif name in ("td", "th") and not self.is_end:
            if self.n_cells:
                self.lines.cell()
            self.n_cells += 1
