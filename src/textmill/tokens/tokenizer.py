"""Text to ids and back. Room: tokens/ (documents -> ids -> batches).

Used by every room above. A run keeps its tokenizer as tokenizer.json (the format of Hugging Face's tokenizers library,
which other tools read: with transformers' PreTrainedTokenizerFast pass split_special_tokens=True) and, beside it, what
that format has no place for: tokenizer.textmill.json.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer as Library

from textmill.errors import ConfigError, Damaged, InputError, did_you_mean
from textmill.files import json_of, write_atomically, write_json
from textmill.messages import Message, message, paragraph
from textmill.tables import FOREIGN, SEGMENTERS, TOKENIZERS, load
from textmill.text import languages
from textmill.text.long_text import Text
from textmill.tokens.choice import default_vocab_size, size_in_words
from textmill.tokens.cuts import PART_CHARS
from textmill.tokens.encoders import Encoder
from textmill.tokens.joins import encode_joined
from textmill.tokens.kinds import CHARACTERS, Kind
from textmill.tokens.library import (
    MARK,
    N_BYTES,
    Ids,
    assemble,
    bytes_of_ids,
    encode_by_library,
    keep_control_words_as_text,
    pattern_of,
)
from textmill.tokens.pieces import within_memory
from textmill.tokens.sample import SAMPLE_BYTES, Sample, take_sample, utf8, within_reach
from textmill.tokens.stream import HEX, StreamDecoder

FILE, SOURCE_FILE = "tokenizer.json", "tokenizer.source.json"
FACTS_SUFFIX = ".textmill.json"
FORMAT = 1


class Tokenizer:
    """Text to ids and back, exactly, for every text that Unicode allows.

    Ids 0 to 255 are the bytes, the last id is the mark `<|endoftext|>`, which only programs can put in: in a text it is
    thirteen letters. kind: bytes, char, word, bpe or unigram. note: what was decided in training, as sentences.

    >>> tokenizer = Tokenizer.train("bytes", [], None, seed=0)
    >>> tokenizer.encode("né"), tokenizer.decode([110, 195, 169, tokenizer.mark]), tokenizer.vocab_size
    ([110, 195, 169], 'né', 257)
    """

    def __init__(self, library: Library, kind: Kind, note: str = ""):
        """library: as kinds.assemble gives it. Raises InputError for another layout of ids."""
        keep_control_words_as_text(library)
        self._library, self._kind = library, kind
        self.note = note
        self.vocab_size: int = library.get_vocab_size(with_added_tokens=True)
        """Control token included."""
        self.mark: int = self.vocab_size - 1
        """Id of the control token that ends a text; of our own kinds the one that begins it, too."""
        self.begin: int | None = self.mark
        """Id that stands before a text; None: nothing does."""
        self.between: tuple[int, ...] = (self.mark,)
        """Ids between a question and its passage."""
        self.after: tuple[int, ...] = ()
        """Ids behind a text that is read whole, from both sides."""
        self.stops: tuple[int, ...] = (self.mark,)
        """Ids that end what is written."""
        self.chat_template: str | None = None
        """The program that lays out a conversation for the model, where there is one."""
        self.control_names: dict[str, str] = {}
        """Control words by what they are for, such as bos_token, as chat templates name them."""
        self.control_words: tuple[str, ...] = (MARK,)
        """Words that are control tokens where a program writes them, and letters in a text."""
        self.unknown: int | None = None
        """Id of what is not known; our own kinds know every text."""
        self.drops_first_blank = False
        """A text without a prompt is written without the blank that its first token begins with."""
        self.exact = True
        """Every text comes back from its ids, and the bytes of its ids are its own."""
        self.of_source: Tokenizer = self
        """What cuts the sources of pairs: this one too, unless each side has a vocabulary of its own."""
        self._bytes_of = bytes_of_ids(library, self.vocab_size)

    @property
    def kind(self) -> str:
        return self._kind.name

    @property
    def source_vocab_size(self) -> int | None:
        """None where sources and targets share a vocabulary."""
        return None if self.of_source is self else self.of_source.vocab_size

    def with_source(self, of_source: Tokenizer) -> Tokenizer:
        """This one for targets, another one for sources."""
        both = self.alone()
        both.of_source = of_source
        both.note = paragraph(
            [
                message(
                    "Each side has a vocabulary of its own: %(n)s ids of sources, %(m)s of targets.",
                    n=f"{of_source.vocab_size:,}",
                    m=f"{self.vocab_size:,}",
                ),
                *(note for note in dict.fromkeys([of_source.note, self.note]) if isinstance(note, Message)),
            ]
        )
        return both

    def alone(self) -> Tokenizer:
        """This one, for sources too."""
        return Tokenizer(self._library, self._kind, self.note)

    @property
    def segmenter(self) -> str:
        """What cuts Chinese into words, in kind word."""
        return self._kind.segmenter

    # making, saving, loading

    @classmethod
    def train(
        cls, kind: str, texts: Iterable[Text], vocab_size: int | None, seed: int, segmenter: str = CHARACTERS
    ) -> Tokenizer:
        """Learn from texts: a pure function of what is given, on any machine and number of threads.

        segmenter: what cuts Chinese into words, for kind word: characters (each alone) or jieba.
        vocab_size: ids at most, mark included; None = from the amount of text (bpe, word), all that occur twice (char).
        Reads the texts once; of more than 200 MB it learns from a seeded sample of that size, pairs from 5 MB of runs
        without any break (sample.within_reach) and 6 MB of different pieces (pieces.within_memory); the note says so.
        Raises ConfigError for an unknown kind or segmenter, or a vocab_size below 257, InputError for a lone surrogate,
        MissingExtra without the segmenter.
        """
        the_kind = kind_named(kind, segmenter)
        if vocab_size is not None and vocab_size <= N_BYTES:
            raise ConfigError(
                f"tokens.vocab_size is {vocab_size}: the 256 bytes and the mark alone are {N_BYTES + 1}",
                hint=f"Choose at least {N_BYTES + 1}; a larger vocabulary packs more text into each token.",
            )
        sample = take_sample(texts if the_kind.learns else (), seed)
        size = vocab_size
        if size is None and the_kind.grows:
            size = default_vocab_size(kind, sample.n_bytes, languages(sample.pieces))
        if the_kind.holds_pieces:
            sample = within_memory(within_reach(sample), seed)
        learned = the_kind.learn(sample.pieces, None if size is None else size - N_BYTES - 1)
        tokenizer = cls(assemble(the_kind.pattern, the_kind.ignore_merges, learned), the_kind)
        tokenizer.note = paragraph(notes_on(tokenizer, sample, vocab_size, size))
        return tokenizer

    @classmethod
    def load(cls, path: Path | str) -> Tokenizer:
        """A tokenizer.json, or the folder that holds it; with the one of sources beside it, where that has its own.

        Raises InputError where there is none of ours, Damaged.
        """
        path = Path(path)
        path = path / FILE if path.is_dir() else path
        tokenizer, beside = cls._read(path), path.with_name(SOURCE_FILE)
        if path.name == FILE and beside.is_file():
            tokenizer.of_source = cls._read(beside)
        return tokenizer

    @classmethod
    def _read(cls, path: Path) -> Tokenizer:
        try:
            content = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise InputError("there is no tokenizer here", where=str(path)) from None
        except (OSError, UnicodeDecodeError) as error:
            raise Damaged(f"the tokenizer cannot be read: {error}", where=str(path)) from error
        try:
            layout = json_of(content)
            library = Library.from_str(content)
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except BaseException as error:  # the library raises plain Exception, and where it panics, BaseException
            raise Damaged(f"this is no tokenizer: {error}", where=str(path)) from error
        facts = read_facts(path.with_suffix(FACTS_SUFFIX))
        if facts.get("kind") == FOREIGN:
            from textmill.tokens.foreign import ForeignTokenizer  # which is built on this one

            return ForeignTokenizer.of_file(path, content, facts)
        try:
            return cls(library, kind_of(layout), facts.get("note", ""))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise InputError(
                f"this tokenizer is none of Textmill's kinds ({', '.join(TOKENIZERS)})",
                where=str(path),
                hint="Train one from text: it is made by `textmill train`.",
            ) from error

    def save(self, folder: Path | str) -> None:
        """Write tokenizer.json and tokenizer.textmill.json into a folder that exists; where sources have one of their
        own, tokenizer.source.json and tokenizer.source.textmill.json too. Raises NoSpace."""
        if self.of_source is not self:
            self.of_source._write(Path(folder) / SOURCE_FILE)
        self._write(Path(folder) / FILE)

    def _write(self, path: Path) -> None:
        facts = {"format": FORMAT, "kind": self.kind, "vocab_size": self.vocab_size, "note": self.note}
        if self.segmenter != CHARACTERS:
            facts["segmenter"] = self.segmenter
        write_json(path.with_suffix(FACTS_SUFFIX), facts)
        write_atomically(path, self._library.to_str(pretty=True))

    # text to ids

    def encode(self, text: str) -> list[int]:
        """Ids of a text, never the mark. Raises InputError for a lone surrogate."""
        ids: list[int] = self.encode_arrays([text])[0].tolist()
        return ids

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """encode of each."""
        return [ids.tolist() for ids in self.encode_arrays(texts)]

    def encode_arrays(self, texts: Sequence[str]) -> list[Ids]:
        """encode of each, as int32 arrays: what large texts are prepared with."""
        for text in texts:
            if not text.isascii():
                utf8(text)
        if all(len(text) <= PART_CHARS for text in texts):
            return self._encoder(texts)
        return [np.concatenate([*self.encode_parts(text)]) for text in texts]

    def encode_parts(self, text: Text, part_chars: int = PART_CHARS) -> Iterator[Ids]:
        """encode of a text of any length, part by part; in bounded memory, but for a text without a blank, a letter, a
        digit or a line that begins for longer than that. Raises InputError for a lone surrogate.
        """
        yield from encode_joined(text, self._encode_part, self._n_bytes_of, part_chars, self._kind.last_cut)

    def _encode_part(self, part: str) -> Ids:
        if not part.isascii():
            utf8(part)
        return self._encoder([part])[0]

    def encode_slowly(self, texts: Sequence[str]) -> list[Ids]:
        """The reference: by the tokenizers library alone, which knows no segmenter; else equal to encode_arrays."""
        return encode_by_library(self._library, texts)

    @cached_property
    def _encoder(self) -> Encoder:
        return self._kind.encoder(self._library, self._bytes_of)

    # ids to text

    def decode(self, ids: Iterable[int]) -> str:
        """Text of ids, marks left out; bytes that are no character become U+FFFD. Raises InputError: no such id."""
        return b"".join(self.token_bytes(token_id) for token_id in ids).decode("utf-8", errors="replace")

    def token_bytes(self, token_id: int) -> bytes:
        """Bytes that an id stands for, b"" for the mark. Raises InputError for an id that is none."""
        if not 0 <= token_id < self.vocab_size:
            raise InputError(f"there is no token {token_id}: the ids are 0 to {self.vocab_size - 1}")
        return self._bytes_of[token_id]

    def token_text(self, token_id: int) -> str:
        """An id for people: its text; bytes that are no whole character as <E4><BD>."""
        if token_id == self.mark:
            return MARK
        return self.token_bytes(token_id).decode("utf-8", errors=HEX)

    def encode_with_control(self, text: str) -> list[int]:
        """Ids of what a program wrote, such as a chat template: its control words are control tokens."""
        return self.placed_with_control(text)[0]

    def placed_with_control(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """The same, and (start, stop) of each token in code points of the text."""
        raise InputError(f"a tokenizer of kind {self.kind} knows no control words")

    def placed(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Ids of what a person typed, and their places, likewise."""
        raise InputError(f"a tokenizer of kind {self.kind} knows no control words")

    def stream(self, goes_on: bool = False) -> StreamDecoder:
        """A decoder that is given one id at a time and never breaks a character. goes_on: a text stands before."""
        return StreamDecoder(self._bytes_of)

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """(byte start, byte end) of each token of a text: they follow each other, also inside a character."""
        ends = np.cumsum(self._n_bytes_of[self.encode_arrays([text])[0]]).tolist()
        return list(zip([0, *ends[:-1]], ends, strict=True)) if ends else []

    def text_bytes(self, ids: Sequence[int] | NDArray[Any]) -> bytes:
        """UTF-8 bytes of the text of ids, those that are no character included. Raises InputError: no such id."""
        return b"".join(self.token_bytes(token_id) for token_id in np.asarray(ids, dtype=np.int64).tolist())

    def n_bytes_of(self, ids: Sequence[int] | NDArray[Any]) -> int:
        """UTF-8 bytes that the ids stand for; marks have none."""
        return int(self._n_bytes_of[np.asarray(ids, dtype=np.int64)].sum())

    def ends_of(self, ids: Sequence[int] | NDArray[Any]) -> NDArray[np.int64]:
        """(N,) UTF-8 bytes of the text of ids up to the end of each."""
        return np.cumsum(self._n_bytes_of[np.asarray(ids, dtype=np.int64)])

    @cached_property
    def plain_ids(self) -> NDArray[np.int64]:
        """Every id that a text may hold, in order."""
        return np.arange(self.mark)

    @cached_property
    def _n_bytes_of(self) -> NDArray[np.int64]:
        return np.array([len(token) for token in self._bytes_of], dtype=np.int64)


def kind_named(name: str, segmenter: str = CHARACTERS) -> Kind:
    """Raises ConfigError for a name that stands in no table, and for a segmenter where kind is not word."""
    if name == FOREIGN:
        raise ConfigError(
            "a tokenizer of kind foreign is not learned: it comes with another's model",
            hint="Begin from that model: --from PATH. Or leave --tokens.kind out.",
        )
    for word, known, what in ((name, TOKENIZERS, "tokenizer"), (segmenter, SEGMENTERS, "segmenter")):
        if word not in known:
            advice = did_you_mean(word, known)
            raise ConfigError(f"there is no {what} {word!r} (there are: {', '.join(known)})", hint=advice)
    if segmenter == CHARACTERS:
        kind: Kind = load(TOKENIZERS[name])()
        return kind
    if name != "word":
        raise ConfigError(f"the segmenter {segmenter} is for kind word, not {name}")
    segmented: Kind = load(SEGMENTERS[segmenter])()
    return segmented


def kind_of(layout: dict[str, Any]) -> Kind:
    """The kind of a parsed tokenizer.json: each cuts by a rule of its own. Raises KeyError, TypeError, ValueError."""
    pattern = pattern_of(layout)
    for kind in (*map(kind_named, TOKENIZERS), *(kind_named("word", name) for name in SEGMENTERS)):
        if kind.pattern == pattern and kind.ignore_merges == layout["model"].get("ignore_merges", False):
            return kind
    raise ValueError(f"no kind cuts by {pattern!r}")


def read_facts(path: Path) -> dict[str, Any]:
    """What lies beside a tokenizer, nothing where the file was left behind."""
    try:
        facts = dict(json_of(path.read_text(encoding="utf-8")))
        facts["note"] = str(facts["note"])
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Damaged(f"the facts beside the tokenizer cannot be read: {error}", where=str(path)) from error
    return facts


def notes_on(tokenizer: Tokenizer, sample: Sample, asked: int | None, size: int | None) -> list[Message]:
    """What was decided without being asked, and what could not be had, as sentences."""
    notes = []
    if tokenizer.segmenter != CHARACTERS:
        notes.append(message("Chinese is cut into words by %(segmenter)s.", segmenter=tokenizer.segmenter))
    if size is not None and tokenizer.vocab_size < size:
        n = f"{size:,}"
        wish = message("%(n)s ids were asked for", n=n) if asked else message("%(n)s ids were planned", n=n)
        notes.append(
            message(
                "Vocabulary: %(wish)s, the text supports %(n)s.",
                wish=wish,
                n=f"{tokenizer.vocab_size:,}",
            )
        )
    if sample.n_unbroken:
        notes.append(
            message(
                "Of %(all)s without a blank, a sign or the end of a line for a million characters, at most %(kept)s, "
                "evenly spread, were learned from.",
                all=size_in_words(sample.n_unbroken),
                kept=size_in_words(sample.n_unbroken_kept),
            )
        )
    if sample.different_bytes is not None:
        notes.append(
            message(
                "The vocabulary was learned from a seeded sample of %(kept)s of the %(all)s of text: more would hold "
                "over %(most)s of different words and clauses, the most that pairs are learned from.",
                kept=size_in_words(sample.n_bytes_kept),
                all=size_in_words(sample.n_bytes),
                most=size_in_words(sample.different_bytes),
            )
        )
    elif not sample.is_whole:
        notes.append(
            message(
                "The vocabulary was learned from a seeded sample of %(kept)s of the %(all)s of text (at most "
                "%(most)s).",
                kept=size_in_words(sample.n_bytes_kept),
                all=size_in_words(sample.n_bytes),
                most=size_in_words(SAMPLE_BYTES),
            )
        )
    return notes
