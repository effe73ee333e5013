"""Tokenizers of other people's models, as ours. Room: tokens/ (documents -> ids -> batches). Used by hub and Tokenizer.

A folder of a model -> a Tokenizer: its tokenizer.json is kept as it is, every other layout of files becomes one
(foreign_files, sentencepiece_files). What stands around a text (begin, mark, between, after) is read from what the
folder says, and kept beside it in tokenizer.textmill.json. Nothing of a folder is executed, and no pickle is read.

What our own kinds promise and these cannot: ids need not give the text back (lower case, unknown words, blanks), the
mark need not be the last id, and what begins a text need not be what ends it. As with ours, a control word in a text is
letters: ids equal those of transformers with split_special_tokens=True.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer as Library

from textmill.errors import Damaged, InputError
from textmill.files import dataclass_of, json_of, write_atomically, write_json
from textmill.messages import Message, message, paragraph
from textmill.tables import FOREIGN
from textmill.text.long_text import Text
from textmill.tokens.charsmap import Charsmap
from textmill.tokens.cuts import PART_CHARS
from textmill.tokens.foreign_files import Built, built_from
from textmill.tokens.kinds import CHARACTERS
from textmill.tokens.library import Ids, encode_by_library, keep_control_words_as_text
from textmill.tokens.sample import utf8
from textmill.tokens.spelling import comes_back, spelling_of, steps_of
from textmill.tokens.stream import HEX, StreamDecoder
from textmill.tokens.tokenizer import FACTS_SUFFIX, FORMAT, Tokenizer

UNKNOWN = "\ufffd"
"""What an unknown token is in a text."""


@dataclass(frozen=True)
class Facts:
    """What tokenizer.json has no place for; kept in tokenizer.textmill.json. All ids are the model's."""

    vocab_size: int
    """Ids of the model: those beyond the tokenizer's own stand for nothing."""
    mark: int
    """What ends a text."""
    begin: int | None = None
    """What stands before a text."""
    between: tuple[int, ...] = ()
    """What stands between a question and its passage."""
    after: tuple[int, ...] = ()
    """What an encoder reads after a text."""
    stops: tuple[int, ...] = ()
    """Every id that ends what is written, the mark among them."""
    control: tuple[int, ...] = ()
    """Ids that no text holds."""
    unknown: int | None = None
    masked: int | None = None
    """What stands in for a hidden token."""
    ids: tuple[int, ...] | None = None
    """Of each id of tokenizer.json that of the model, where they differ."""
    words: tuple[str, ...] | None = None
    """The word of each id of the model, where tokenizer.json does not say it."""
    charsmap: bool = False
    """Characters are mapped as sentencepiece maps them, not as the tokenizers library does."""
    codes: bool = False
    """A text may begin with a language code, such as >>fra<<: one token."""
    names: dict[str, str] | None = None
    """The control words by what they are for (bos_token …), as chat templates name them."""
    chat_template: str | None = None


class ForeignTokenizer(Tokenizer):
    """The tokenizer of another's model.

    decode leaves control tokens out and shows an unknown one as U+FFFD. Bytes of an id are those it has inside a text:
    at a text's start some tokenizers put a blank before it, and decode takes it away again.
    """

    def __init__(
        self, content: str, facts: Facts, note: str = "", where: str = "", layout: dict[str, Any] | None = None
    ):
        """content: tokenizer.json. layout: the same, parsed already. Raises InputError where it cannot be read by these
        means."""
        self._content, self.facts, self.note = content, facts, note
        self._where = where
        try:
            layout = layout or json_of(content)
            self._charsmap = charsmap_of(layout) if facts.charsmap else None
            self._library = library_of(layout, mapped=self._charsmap is not None)
            self._spelling = spelling_of(layout)
            self.drops_first_blank = self._spelling.drops_first_blank
            self.exact = comes_back(layout) and facts.ids is None
            words = facts.words or words_of(self._library)
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except BaseException as error:  # the library raises plain Exception, and where it panics, BaseException
            raise InputError(
                f"this tokenizer cannot be read: {error}", where=where, hint="Known are BPE, WordPiece and Unigram."
            ) from error
        if len(words) > facts.vocab_size:
            raise InputError(
                f"the tokenizer has {len(words):,} ids, and the model {facts.vocab_size:,}",
                where=where,
                hint="They belong to different models: put the model's own tokenizer beside it.",
            )
        self.words = words
        self.vocab_size, self.mark, self.begin = facts.vocab_size, facts.mark, facts.begin
        self.between, self.after, self.stops = facts.between, facts.after, facts.stops
        self.of_source, self.unknown = self, facts.unknown
        silent = {*facts.control, *facts.stops, facts.mark} | ({facts.begin} if facts.begin is not None else set())
        self._bytes_of = [
            b"" if number in silent or word is None else self._spelling.bytes_of(word)
            for number, word in enumerate(words)
        ] + [b""] * (facts.vocab_size - len(words))
        if facts.unknown is not None:
            self._bytes_of[facts.unknown] = self._spelling.bytes_of(UNKNOWN)
        self._is_control = np.zeros(facts.vocab_size, dtype=bool)
        self._is_control[list(silent)] = True
        self.chat_template, self.control_names = facts.chat_template, dict(facts.names or {})
        self.control_words = tuple(sorted(word for number in silent if (word := words[number])))
        self._ids = None if facts.ids is None else np.array(facts.ids, dtype=np.int32)

    @cached_property
    def plain_ids(self) -> NDArray[np.int64]:
        named = [word is not None for word in self.words] + [False] * (self.vocab_size - len(self.words))
        return np.flatnonzero(np.array(named) & ~self._is_control)

    @property
    def kind(self) -> str:
        return FOREIGN

    @property
    def segmenter(self) -> str:
        return CHARACTERS

    @property
    def source_vocab_size(self) -> int | None:
        """None where sources and targets share a vocabulary, though each side may cut by rules of its own."""
        of_source = self.of_source
        if of_source is self or (isinstance(of_source, ForeignTokenizer) and of_source.words == self.words):
            return None
        return of_source.vocab_size

    def alone(self) -> Tokenizer:
        return ForeignTokenizer(self._content, self.facts, self.note, self._where)

    def with_source(self, of_source: Tokenizer) -> Tokenizer:
        both = self.alone()
        both.of_source = of_source
        return both

    @classmethod
    def of_file(cls, path: Path, content: str, facts: Any) -> Self:
        """What save wrote. Raises Damaged."""
        beside = path.with_suffix(FACTS_SUFFIX)
        try:
            own = dataclass_of(Facts, facts["foreign"])
            return cls(content, own, facts["note"], str(path))
        except (KeyError, TypeError, ValueError) as error:
            raise Damaged(f"the facts beside the tokenizer cannot be read: {error}", where=str(beside)) from error
        except InputError as error:
            raise Damaged(error.message, where=str(path)) from error

    def _write(self, path: Path) -> None:
        facts = {"format": FORMAT, "kind": FOREIGN, "vocab_size": self.vocab_size, "note": self.note}
        write_json(path.with_suffix(FACTS_SUFFIX), facts | {"foreign": asdict(self.facts)})
        write_atomically(path, self._content)

    # text to ids

    def encode_arrays(self, texts: Sequence[str]) -> list[Ids]:
        for text in texts:
            if not text.isascii():
                utf8(text)
        if self.facts.codes and any(text.startswith(">>") for text in texts):
            return [self._with_code(text) for text in texts]
        return self._encoded(texts)

    def _encoded(self, texts: Sequence[str]) -> list[Ids]:
        mapped = texts if self._charsmap is None else [self._charsmap.normalised(text)[0] for text in texts]
        rows = [self._of_model(ids) for ids in encode_by_library(self._library, mapped)]
        return [
            np.array(self._apart(text)[0], dtype=np.int32) if self._is_control[ids].any() else ids
            for text, ids in zip(texts, rows, strict=True)
        ]

    def _of_model(self, ids: Ids) -> Ids:
        return ids if self._ids is None else self._ids[ids]

    def _with_code(self, text: str) -> Ids:
        """A language code before a text is one token, and an unknown one where the model does not know it."""
        end = text.find("<<") + 2
        if not text.startswith(">>") or end < 2:
            return self._encoded([text])[0]
        code = self._number_of.get(text[:end], self.facts.unknown)
        return np.append(np.int32(0 if code is None else code), self._encoded([text[end:]])[0]).astype(np.int32)

    @cached_property
    def _number_of(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.words) if word is not None}

    def encode_parts(self, text: Text, part_chars: int = PART_CHARS) -> Iterator[Ids]:
        """encode of the whole at once: where others' rules may cut a text is not known."""
        yield self.encode_arrays([text[0 : len(text)]])[0]

    def encode_slowly(self, texts: Sequence[str]) -> list[Ids]:
        return self.encode_arrays(texts)

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """(byte start, byte end) of each token of a text, as the library places them: blanks may belong to none, and
        tokens inside a character have the place of all of it."""
        _, places = self._apart(text)
        if text.isascii():
            return places
        starts = [0]
        for character in text:
            starts.append(starts[-1] + len(character.encode()))
        return [(starts[start], starts[end]) for start, end in places]

    def _apart(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Ids and code points of the tokens of a text. A control word that would be one token is cut behind its first
        letter: in a text it is letters."""
        utf8(text)
        end = text.find("<<") + 2 if self.facts.codes and text.startswith(">>") else 0
        if end >= 2:
            rest, places_of_rest = self._apart(text[end:])
            code = int(self._with_code(text[:end])[0])
            return [code, *rest], [(0, end), *((start + end, stop + end) for start, stop in places_of_rest)]
        mapped, origins = (text, range(len(text) + 1)) if self._charsmap is None else self._charsmap.normalised(text)
        found = self._library.encode(mapped, add_special_tokens=False)
        ids: list[int] = self._of_model(np.array(found.ids, dtype=np.int32)).tolist()
        places = [(origins[start], origins[stop]) for start, stop in found.offsets]
        controlled = np.flatnonzero(self._is_control[np.array(ids, dtype=np.int64)])
        if not len(controlled):
            return ids, places
        start, stop = places[int(controlled[0])]
        cut = start + 1
        if stop - start < 2:
            raise InputError(f"{text[start:stop]!r} is a control word of this tokenizer: a text cannot hold it")
        ids, places = self._apart(text[:cut])
        rest, places_of_rest = self._apart(text[cut:])
        return [*ids, *rest], [*places, *((first + cut, last + cut) for first, last in places_of_rest)]

    def encode_with_control(self, text: str) -> list[int]:
        """Ids of a text in which control words are control tokens: for what a program wrote, never for what a person
        typed."""
        return self.placed_with_control(text)[0]

    def placed_with_control(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """The same, and (start, stop) of each token in code points of the text, as the library places them."""
        found = self._library_with_control.encode(text, add_special_tokens=False)
        ids: list[int] = self._of_model(np.array(found.ids, dtype=np.int32)).tolist()
        return ids, list(found.offsets)

    def placed(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Ids of what a person typed, and their places, likewise."""
        return self._apart(text)

    @cached_property
    def _library_with_control(self) -> Library:
        library = library_of(json_of(self._content))
        library.encode_special_tokens = False
        return library

    # ids to text

    def decode(self, ids: Iterable[int]) -> str:
        decoder = self.stream()
        return "".join(map(decoder.push, self._checked(ids))) + decoder.finish(keep_incomplete=True)

    def _checked(self, ids: Iterable[int]) -> Iterator[int]:
        for token_id in ids:
            self.token_bytes(token_id)
            yield token_id

    def token_text(self, token_id: int) -> str:
        data = self.token_bytes(token_id)
        if not data and token_id < len(self.words) and (word := self.words[token_id]) is not None:
            return word
        return data.decode("utf-8", errors=HEX)

    def stream(self, goes_on: bool = False) -> StreamDecoder:
        return StreamDecoder(self._bytes_of, drops_first_blank=self.drops_first_blank and not goes_on)

    def text_bytes(self, ids: Sequence[int] | NDArray[Any]) -> bytes:
        data = super().text_bytes(ids)
        return data[1:] if self.drops_first_blank and data.startswith(b" ") else data


def foreign_tokenizer(folder: Path | str) -> Tokenizer:
    """The tokenizer in the folder of another's model, from the first of these that is there: source.spm + target.spm,
    tokenizer.json, vocab.json + merges.txt, vocab.txt, tokenizer.model.

    Raises InputError naming the file that is missing or cannot be read, MissingExtra without sentencepiece.
    """
    built = built_from(Path(folder))
    tokenizer = of_built(built)
    return tokenizer.with_source(of_built(built.source)) if built.source is not None else tokenizer


def of_built(built: Built) -> ForeignTokenizer:
    """A tokenizer out of what was read from files."""
    facts = Facts(**built.facts)
    if not facts.stops:
        facts = replace(facts, stops=(facts.mark,))
    tokenizer = ForeignTokenizer(built.content, facts, where=built.where, layout=built.layout)
    try:
        tokenizer.encode("a \u0378\ue000")
    except InputError:
        raise
    except Exception as error:  # the library raises plain Exception
        raise InputError(f"this tokenizer cannot be used: {error}", where=built.where) from error
    files = " + ".join(Path(name).name for name in built.where.split(", "))
    notes: list[Message] = [message("The tokenizer is another's: %(files)s.", files=files), *built.notes]
    tokenizer.note = paragraph(notes)
    return tokenizer


def charsmap_of(layout: dict[str, Any]) -> Charsmap | None:
    """The map of characters in a parsed tokenizer.json, if it has one. Raises ValueError."""
    for step in steps_of(layout.get("normalizer"), "normalizers"):
        if step["type"] == "Precompiled":
            return Charsmap(b64decode(step["precompiled_charsmap"]))
    return None


def library_of(layout: dict[str, Any], mapped: bool = False) -> Library:
    """The library's object of a parsed tokenizer.json that cuts a text and adds nothing around it: no control tokens,
    no padding, nothing cut off and nothing left to chance. mapped: its characters are mapped before it has them. Raises
    whatever the library raises."""
    plain = layout | {"post_processor": None, "truncation": None, "padding": None}
    if layout["model"].get("dropout") is not None:
        plain["model"] = layout["model"] | {"dropout": None}
    if mapped:
        steps = [step for step in steps_of(layout["normalizer"], "normalizers") if step["type"] != "Precompiled"]
        plain["normalizer"] = {"type": "Sequence", "normalizers": steps}
    library = Library.from_str(json.dumps(plain))
    keep_control_words_as_text(library)
    return library


def words_of(library: Library) -> tuple[str | None, ...]:
    """The word of each id, None where there is none."""
    vocab = library.get_vocab(with_added_tokens=True)
    table: list[str | None] = [None] * (1 + max(vocab.values(), default=-1))
    for word, number in vocab.items():
        table[number] = word
    return tuple(table)
