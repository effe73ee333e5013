"""gettext's translations in an archive -> pairs of English and Chinese. Room: text/."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePosixPath

from textmill.text.catalogue.archive import Archive
from textmill.text.catalogue.records import FUZZY, LeftOut, Record, jsonl, translations


def compiled_messages(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
    """gettext's .mo files of simplified Chinese, wherever they lie."""
    names = archive.names(r".+/zh_(CN|Hans)/LC_MESSAGES/[^/]+\.mo")
    yield "messages.jsonl", jsonl(translations(_messages(archive, names, _read_mo, left_out), left_out))


def message_sources(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
    """gettext's .po files of simplified Chinese, wherever they lie."""
    names = archive.names(r".+/zh_(CN|Hans)/LC_MESSAGES/[^/]+\.po")
    yield "messages.jsonl", jsonl(translations(_messages(archive, names, _read_po, left_out), left_out))


def _messages(
    archive: Archive,
    names: Sequence[str],
    read: Callable[[bytes, LeftOut], Iterator[tuple[str, str]]],
    left_out: LeftOut,
) -> Iterator[Record]:
    """Messages on one line each: theirs are wrapped and indented as the templates that they come from."""
    for name in names:
        for english, chinese in read(archive.read(name), left_out):
            yield {"en": " ".join(english.split()), "zh": " ".join(chinese.split()), "domain": PurePosixPath(name).stem}


def _read_mo(data: bytes, left_out: LeftOut) -> Iterator[tuple[str, str]]:
    """Pairs of a .mo file. Source: GNU gettext manual, "The Format of GNU MO Files"."""
    order = "<" if data[:4] == b"\xde\x12\x04\x95" else ">"
    n_messages, originals, translated = struct.unpack_from(f"{order}3I", data, 8)

    def texts(table: int) -> Iterator[list[str]]:
        for number in range(n_messages):
            length, start = struct.unpack_from(f"{order}2I", data, table + 8 * number)
            yield data[start : start + length].decode().split("\0")

    # Several forms of a plural lie side by side: Chinese has one, and the last of the English ones is the general one.
    for english, chinese in zip(texts(originals), texts(translated), strict=True):
        identifier = english[-1].rpartition("\x04")[2]  # before it: the context
        if identifier:
            yield identifier, chinese[0]


_PO_LINE = re.compile(r'(msgctxt|msgid|msgid_plural|msgstr|msgstr\[0\])?\s*"(.*)"')


def _read_po(data: bytes, left_out: LeftOut) -> Iterator[tuple[str, str]]:
    """Pairs of a .po file. Source: GNU gettext manual, "The Format of PO Files"."""
    for block in re.split(r"\n[ \t]*\n", data.decode().replace("\r\n", "\n")):
        fields: dict[str, str] = {}
        field = ""
        for line in block.splitlines():
            if (found := _PO_LINE.fullmatch(line.strip())) is not None:
                field = found[1] or field
                # A PO string has the escapes of C, of which JSON knows all that are in use.
                fields[field] = fields.get(field, "") + json.loads(f'"{found[2]}"')
        english = fields.get("msgid_plural") or fields.get("msgid", "")
        if not english:
            continue
        if re.search(r"^#,.*\bfuzzy\b", block, re.MULTILINE):
            left_out[FUZZY] += 1
        else:
            yield english, fields.get("msgstr[0]") or fields.get("msgstr", "")
