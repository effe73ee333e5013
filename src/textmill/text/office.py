"""A zip of XML -> its parts, safely. Room: text/ (bytes -> documents). Used by docx and epub.

Members are read in memory by name and never written anywhere, so no name can point outside. All members together may
unpack to LARGEST_CONTENT. A document type declaration is refused, so there are no entities to expand or to fetch.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO
from xml.parsers import expat

from textmill.errors import InputError, TextmillError
from textmill.messages import message
from textmill.text.files import CHUNK, TextFile
from textmill.text.wording import damage

LARGEST_CONTENT = 1 << 28
"""Bytes that the members which are read may unpack to, all together."""
OLD_OFFICE = bytes.fromhex("d0cf11e0a1b11ae1")  # [MS-CFB] 2.2: .doc, and any Office file with a password


class Package:
    """The members of an opened zip file. Use inside `damage_named`."""

    def __init__(self, file: TextFile, stream: BinaryIO):
        self.file = file
        head = stream.read(len(OLD_OFFICE))
        if head == OLD_OFFICE:
            raise InputError(
                message("is an old Word file (.doc) or locked with a password"),
                where=file.name,
                hint=message("open it and save it as .docx without a password"),
            )
        stream.seek(0)
        self.zip = zipfile.ZipFile(stream)
        self.names = frozenset(self.zip.namelist())
        self.n_unpacked = 0

    def pieces(self, name: str) -> Iterator[bytes]:
        """A member's bytes. Raises InputError past LARGEST_CONTENT, or where it is locked."""
        if self.zip.getinfo(name).flag_bits & 1:
            raise InputError(message("is locked with a password"), where=f"{self.file.name}#{name}")
        with self.zip.open(name) as member:
            while piece := member.read(CHUNK):
                self.n_unpacked += len(piece)
                if self.n_unpacked > LARGEST_CONTENT:
                    raise InputError(
                        message("unpacks to more than %(n)s MiB, the limit for one file", n=LARGEST_CONTENT >> 20),
                        where=f"{self.file.name}#{name}",
                        hint=message("such a file is mostly made to fill memory; if it is not, store its text as .txt"),
                    )
                yield piece

    def parse(
        self,
        name: str,
        start: Callable[[str, dict[str, str]], None],
        end: Callable[[str], None],
        characters: Callable[[str], None],
    ) -> None:
        """Parse a member as XML. Names come without their name space."""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = lambda tag, attributes: start(
            _local(tag), {_local(key): value for key, value in attributes.items()}
        )
        parser.EndElementHandler = lambda tag: end(_local(tag))
        parser.CharacterDataHandler = characters
        for piece in self.pieces(name):
            parser.Parse(piece, False)
        parser.Parse(b"", True)

    def elements(self, name: str) -> list[tuple[str, dict[str, str]]]:
        """The elements of a member in order, each with its attributes: for lists of parts, which hold no text."""
        found: list[tuple[str, dict[str, str]]] = []
        self.parse(name, lambda tag, attributes: found.append((tag, attributes)), lambda _: None, lambda _: None)
        return found

    def _refuse(self, *_: object) -> None:
        raise InputError(message("its XML declares a document type (DTD), which is refused"), where=self.file.name)


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


@contextmanager
def damage_named(file: TextFile, kind: str) -> Iterator[None]:
    """Whatever a damaged zip or XML raises, as an error that names the file. kind: "DOCX", "EPUB"."""
    try:
        yield
    except TextmillError:
        raise
    except Exception as error:  # zipfile, zlib, lzma, expat and struct have a family each
        raise InputError(
            damage(kind, error), where=file.name, hint=message("fetch it anew, or save it again")
        ) from None
