"""EPUB -> the text of the book, one document a file. Room: text/ (bytes -> documents). Used by reading.

Chapters come in the order of the spine, read as web pages (html), with a blank line between them. A document is the
book, as it is where the same book is a .txt: chapters share names and voice, so a chapter held out would be half
known. The ledger counts the UTF-8 bytes of the text. A chapter without text (a cover) is an empty record of 0 bytes,
one that is missing or not in its encoding a bad record of 0 bytes, each by name. Source: EPUB 3.3, W3C.
"""

from __future__ import annotations

import codecs
import posixpath
import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote

from textmill.config import DataConfig
from textmill.errors import InputError
from textmill.messages import message
from textmill.text.columns import utf8_size
from textmill.text.documents import BAD_RECORD, EMPTY, Document, Dropped, Found
from textmill.text.files import TextFile, open_unchanged
from textmill.text.html import page_text
from textmill.text.office import Package, damage_named

MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}

_declared = re.compile(rb"""(?:encoding|charset)\s*=\s*["']?([A-Za-z0-9_.:-]+)""")


def read_epub(file: TextFile, data: DataConfig, note: Callable[[str], None]) -> Iterator[Found | Dropped]:
    """The text of a book as one document. Raises InputError for a file that is damaged, locked (DRM) or too large."""
    texts: list[str] = []
    dropped: list[Dropped] = []
    with open_unchanged(file) as stream, damage_named(file, "EPUB"):
        package = Package(file, stream)
        locked = _locked(package)
        for name in _spine(package):
            where = f"{file.name}#{name}"
            if name in locked:
                raise InputError(message("is locked (DRM) and cannot be read"), where=where)
            if name not in package.names:
                reason = message("the book lists this chapter and does not hold it")
                dropped.append(Dropped(BAD_RECORD, 0, where, reason))
                continue
            try:
                page = _decoded(b"".join(package.pieces(name)))
            except (UnicodeError, LookupError) as error:
                reason = message("not in the encoding that it says: %(error)s", error=error)
                dropped.append(Dropped(BAD_RECORD, 0, where, reason))
                continue
            unclosed: list[str] = []
            text = page_text([page], unclosed.append)
            for what in unclosed:
                note(message("%(file)s: %(what)s is never closed.", file=where, what=what))
            if text.strip():
                texts.append(text.strip("\n"))
            else:
                dropped.append(Dropped(EMPTY, 0, where))
    if texts:
        whole = "\n\n".join(texts)
        yield Found(Document(whole, f"{file.name}#1"), utf8_size(whole))
    elif not dropped:
        yield Dropped(EMPTY, 0, file.name)
    yield from dropped


def _decoded(raw: bytes) -> str:
    """A chapter's text by its mark or declaration, else as UTF-8, with LF line ends.

    >>> _decoded(b"a\\r\\nb"), _decoded("<?xml encoding='gb2312'?>镕".encode("gb18030"))[-1]
    ('a\\nb', '镕')
    """
    encoding = next((name for mark, name in MARKS.items() if raw.startswith(mark)), "")
    if not encoding:
        found = _declared.search(raw, 0, 1024)
        encoding = found.group(1).decode().lower() if found else "utf-8"
        # Pages that say gb2312 hold its superset: WHATWG Encoding, 4.2.
        encoding = "gb18030" if encoding in ("gb2312", "gbk") else encoding
    return raw.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")


def _spine(package: Package) -> list[str]:
    """Names of the chapters' members, in reading order, each once."""
    root = next(
        (
            attributes["full-path"]
            for tag, attributes in package.elements("META-INF/container.xml")
            if tag == "rootfile" and "full-path" in attributes
        ),
        None,
    )
    if root is None:
        raise InputError(message("is no EPUB: it names no book"), where=package.file.name)
    elements = package.elements(root)
    members = {
        attributes.get("id", ""): _member(posixpath.dirname(root), attributes.get("href", ""))
        for tag, attributes in elements
        if tag == "item"
    }
    order = [attributes.get("idref", "") for tag, attributes in elements if tag == "itemref"]
    return list(dict.fromkeys(members.get(key, key) for key in order))


def _member(folder: str, reference: str) -> str:
    return posixpath.normpath(posixpath.join(folder, unquote(reference.partition("#")[0])))


def _locked(package: Package) -> frozenset[str]:
    """Names of encrypted members: mostly fonts, which are of no matter here."""
    name = "META-INF/encryption.xml"
    if name not in package.names:
        return frozenset()
    return frozenset(
        _member("", attributes.get("URI", "")) for tag, attributes in package.elements(name) if tag == "CipherReference"
    )
