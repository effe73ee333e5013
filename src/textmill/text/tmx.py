"""Translation memories (.tmx, TMX 1.4b) -> pairs, or the texts of all languages. Room: text/ (bytes -> documents).

A unit <tu> holds a <tuv> with a <seg> for each language. Inline codes (<bpt> <ept> <it> <ph> <ut>) are markup, what
they stand around is text. Units are parsed one at a time, so a file of any size takes the memory of one; nothing
outside them is read as XML, so no entity is defined and none is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

from textmill.config import DataConfig
from textmill.errors import InputError
from textmill.messages import message
from textmill.text.aligned import SentencePair, the_two
from textmill.text.columns import utf8_size
from textmill.text.documents import BAD_RECORD, MARKUP, Document, Dropped, Found
from textmill.text.files import TextFile, open_text
from textmill.text.sides import ALONE

UNIT = re.compile(rb"<tu(?=[\s>]).*?</tu\s*>", re.DOTALL)
CHUNK = 1 << 20
LARGEST_UNIT = 16 << 20  # bytes
CODES = frozenset(("bpt", "ept", "it", "ph", "ut"))
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


@dataclass(frozen=True)
class Unit:
    """A unit as it stands in the file: its bytes in UTF-8, where it begins, and its texts by language."""

    n_bytes: int
    place: str
    texts: list[tuple[str, str]]

    def of(self, language: str) -> str | None:
        """The text of a language; en finds en-US where there is no en."""
        wanted = language.lower()
        for known, text in self.texts:
            if known.lower() == wanted:
                return text
        return next((text for known, text in self.texts if re.split("[-_]", known.lower())[0] == wanted), None)


def read_pairs(file: TextFile, data: DataConfig, note: Callable[[str], None]) -> Iterator[Found | Dropped]:
    """Units that hold both languages; others are dropped by name. Without --source and --target, the two languages of
    the first unit, if it has two. Raises InputError where it is not said which."""
    wanted = (data.source, data.target) if data.source and data.target else None
    for item in units(file):
        if isinstance(item, Dropped):
            yield item
            continue
        if wanted is None:
            wanted = languages_of(item, data)
            note(message("%(name)s is read from %(one)s to %(other)s.", name=file.name, one=wanted[0], other=wanted[1]))
        source, target = (item.of(language) for language in wanted)
        if not (source and source.strip() and target and target.strip()):
            yield Dropped(ALONE, item.n_bytes)
            continue
        n_bytes = utf8_size(source) + utf8_size(target)
        yield Found(SentencePair(source, target, item.place).document(), n_bytes, item.n_bytes - n_bytes)


def read_texts(file: TextFile, data: DataConfig, note: Callable[[str], None]) -> Iterator[Found | Dropped]:
    """Every text of every unit, each a document."""
    for item in units(file):
        if isinstance(item, Dropped):
            yield item
            continue
        texts = [text for _, text in item.texts if text.strip()]
        left = item.n_bytes
        for number, text in enumerate(texts, start=1):
            n_bytes = utf8_size(text)
            left -= n_bytes
            yield Found(Document(text, item.place, {"group": item.place}), n_bytes, left if number == len(texts) else 0)
        if not texts:
            yield Dropped(MARKUP, item.n_bytes)


def languages_of(unit: Unit, data: DataConfig) -> tuple[str, str]:
    """(source, target) of the first unit."""
    there = [language for language, _ in unit.texts]
    if (two := the_two(there, data)) is not None:
        return two
    raise InputError(
        f"it is not said which two of its languages are the pair (there are: {', '.join(there) or 'none'})",
        where=unit.place,
        hint="Say them: --source en --target de",
    )


def units(file: TextFile) -> Iterator[Unit | Dropped]:
    """The units in order; what stands between them is markup, and a unit that is no XML a bad record."""
    line, held = 1, b""
    with open_text(file) as stream:
        while chunk := stream.read(CHUNK):
            held += chunk
            end = 0
            for match in UNIT.finditer(held):
                if match.start() > end:
                    yield Dropped(MARKUP, match.start() - end)
                line += held.count(b"\n", end, match.start())
                yield unit_of(match[0], f"{file.name}:{line}")
                line += match[0].count(b"\n")
                end = match.end()
            held = held[end:]
            if len(held) > LARGEST_UNIT:
                raise InputError(
                    f"a unit (<tu>) of more than {LARGEST_UNIT:,} bytes", where=f"{file.name}:{line}", hint="Is it TMX?"
                )
    if re.search(rb"<tu[\s>]", held):
        yield Dropped(BAD_RECORD, len(held), f"{file.name}:{line}", message("the file ends inside a unit (<tu>)"))
    elif held:
        yield Dropped(MARKUP, len(held))


def unit_of(raw: bytes, place: str) -> Unit | Dropped:
    try:
        root = ElementTree.fromstring(raw)
    except ElementTree.ParseError as error:
        return Dropped(BAD_RECORD, len(raw), place, message("this unit is no XML (%(error)s)", error=str(error)))
    texts = []
    for variant in root.iter("tuv"):
        segment = variant.find("seg")
        if segment is not None:
            texts.append((variant.get(LANGUAGE) or variant.get("lang") or "", text_of(segment)))
    return Unit(len(raw), place, texts)


def text_of(element: ElementTree.Element) -> str:
    """The text inside, without codes; what stands behind one is text again."""
    parts = [element.text or ""]
    for child in element:
        parts += ["" if child.tag in CODES else text_of(child), child.tail or ""]
    return "".join(parts)
