"""The vectors that a run has of words, and those it makes of texts. Room: evaluation/ (weights -> numbers).

A word of a run is a token that is a whole word, as it stands within a text: after a blank where it is learned so. What
is no token is made of its pieces. Used by the verb `vectors` and by exports. Shapes: N texts, T tokens, D width.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from textmill.errors import InputError, RunError
from textmill.evaluation.word_space import Composed, WordSpace, unit
from textmill.generation.beam import padded
from textmill.generation.engine import device_of
from textmill.models.heads import Head
from textmill.runs import Run
from textmill.tokens import Tokenizer
from textmill.tokens.words import ALONE

Of = Literal["input", "output", "context"]
Pooling = Literal["mean", "max", "first", "head"]
PLACES_AT_ONCE = 8192
"""Tokens, padding included, that are read together."""
N_BYTES = 256


class TextReader:
    """What a run makes of texts: the states of its last layer, and one vector a text.

    Vectors are as the run itself makes one of a text where it has a head for that (classify), else the mean over all
    that it reads of it, control tokens around it included; of an encoder-decoder over its source. A text longer than
    the model's context is read in windows of like length and pooled over all of them: nothing is cut.
    normalised: the vectors have length 1.
    Raises RunError for a run without a network.
    """

    def __init__(self, run: Run, checkpoint: str | int | None = None, device: str = "cpu"):
        if run.kind != "network":
            raise RunError(
                f"this run is of kind {run.kind}: it counts, and has no vectors",
                where=str(run.path),
                hint="Name the run that it is the floor of.",
            )
        self.run, self.model = run, run.model(checkpoint, device=device)
        self.tokenizer = run.tokenizer.of_source
        self.before, self.behind = around(run, run.tokenizer)
        sentences = run.info.get("origin", {}).get("sentences", {})
        self._refused: str | None = sentences.get("refused")
        self.pooling: Pooling = sentences.get("pooling") or pooling_of(self.model)
        self.normalised = bool(sentences.get("normalised"))

    @property
    def width(self) -> int:
        return int(self.model.config.d_model)

    @property
    def window(self) -> int | None:
        """Tokens that are read at once, at most; None: a recurrence carries its state on."""
        longest: int | None = self.model.max_context
        return longest or (None if self.model.form == "decoder" else int(self.model.config.seq_len))

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(N, D). Raises InputError for a text of which nothing is read, RunError where the folder of another's model
        asks for more than is read."""
        if self._refused is not None:
            raise RunError(
                f"there are no sentence vectors of this folder: {self._refused}",
                where=str(self.run.path),
                hint="Its words have vectors: textmill vectors RUN WORD",
            )
        found = np.zeros((len(texts), self.width), dtype=np.float32)
        whole = [(*self.before, *ids, *self.behind) for ids in self.tokenizer.encode_batch(list(texts))]
        for number, ids in enumerate(whole):
            if not ids:
                raise InputError(f"text {number + 1} has no token, and nothing stands before it that could be read")
        for numbers in self._together(whole):
            found[numbers] = self._read([whole[number] for number in numbers]).float().cpu().numpy()
        return unit(found) if self.normalised else found

    @torch.no_grad()
    def _read(self, texts: Sequence[tuple[int, ...]]) -> Tensor:
        """(B, D) of texts as ids."""
        if len(texts) == 1 and self.window is None and len(texts[0]) > PLACES_AT_ONCE:
            return self._carried(texts[0])
        windows, owners = self._windows(texts)
        ids, segments = padded(windows, device_of(self.model))
        hidden = self.model.states(ids, segments)  # (W, T, D)
        real = torch.ones_like(ids, dtype=torch.bool) if segments is None else segments >= 0
        if self.pooling == "head":
            pooled, _ = self.model.heads["classify"].pooled(hidden, real, owners.to(ids.device))
            return pooled  # type: ignore[no-any-return]
        belongs = (torch.arange(len(texts))[:, None] == owners).to(hidden.device)  # (B, W)
        if self.pooling == "mean":
            sums = belongs.to(hidden.dtype) @ torch.where(real[..., None], hidden, 0.0).sum(dim=1)
            return sums / (belongs.long() @ real.sum(dim=1))[:, None]
        if self.pooling == "first":
            return torch.stack([hidden[row][real[row]][0] for row in belongs.long().argmax(dim=1).tolist()])
        highest = hidden.masked_fill(~real[..., None], -torch.inf).amax(dim=1)
        return torch.stack([highest[own].amax(dim=0) for own in belongs])

    def _carried(self, text: tuple[int, ...]) -> Tensor:
        """(1, D) the mean over a text of any length by a recurrence."""
        total, state = torch.zeros(1, self.width, dtype=torch.float64), None
        for start in range(0, len(text), PLACES_AT_ONCE):
            ids = torch.tensor([text[start : start + PLACES_AT_ONCE]], device=device_of(self.model))
            hidden, state = self.model(ids, None, state)
            total += hidden.double().sum(dim=1).cpu()
        return total / len(text)

    def _windows(self, texts: Sequence[tuple[int, ...]]) -> tuple[list[Sequence[int]], Tensor]:
        """Windows of like length within a text, and the number of the text that each belongs to."""
        windows: list[Sequence[int]] = []
        owners: list[int] = []
        for number, ids in enumerate(texts):
            n_windows = 1 if self.window is None else -(-len(ids) // self.window)
            width = -(-len(ids) // n_windows)
            own = [ids[start : start + width] for start in range(0, len(ids), width)]
            windows += own
            owners += [number] * len(own)
        return windows, torch.tensor(owners)

    def _together(self, texts: Sequence[tuple[int, ...]]) -> list[list[int]]:
        """Numbers of texts that are read together, of like length; one text in any case."""
        batches: list[list[int]] = []
        for number in sorted(range(len(texts)), key=lambda number: (-len(texts[number]), number)):
            n_at_once = max(1, PLACES_AT_ONCE // len(texts[batches[-1][0]])) if batches else 0
            if batches and len(batches[-1]) < n_at_once:
                batches[-1].append(number)
            else:
                batches.append([number])
        return batches

    # --- words

    @cached_property
    def table(self) -> RunWords:
        return RunWords(self.tokenizer)

    def words(self, of: Of = "input") -> WordSpace:
        """The words of the vocabulary as points.

        input: what the model reads an id as. output: what it scores an id by, where that is another table. context:
        what its last layer says of the word read alone, the mean over its pieces. A word of several tokens: the mean of
        their vectors; of context, what the model itself makes of them.
        Raises RunError where there is no such table.
        """
        table, where = self.table, str(self.run.path)
        numbers = list(table.words.values())
        if of == "context":
            found = self._alone([(number,) for number in numbers])
            return WordSpace(list(table.words), found, lambda word: self._composed(word, None), where)
        vectors = self._embedding() if of == "input" else self._output()
        return WordSpace(list(table.words), vectors[numbers], lambda word: self._composed(word, vectors), where)

    def _composed(self, word: str, vectors: NDArray[np.float32] | None) -> Composed | None:
        pieces = self.table.pieces(word)
        if pieces is None:
            return None
        vector = self._alone([pieces])[0] if vectors is None else vectors[list(pieces)].mean(axis=0)
        return Composed(vector, [self.tokenizer.token_text(number).strip() for number in pieces])

    def _embedding(self) -> NDArray[np.float32]:
        own = getattr(self.model, "source_embedding", None) or self.model.embedding
        return own.weight.detach().float().cpu().numpy()  # type: ignore[no-any-return]

    def _output(self) -> NDArray[np.float32]:
        head = getattr(self.model, "head", None)
        if type(head) is not Head or getattr(self.model, "source_embedding", None) is not None:
            why = "it has no head over the vocabulary" if head is None else "its head has no full vector of each word"
            if type(head) is Head:
                why = "sources and targets have vocabularies of their own, and only targets are scored"
            raise RunError(f"there are no output vectors: {why}", where=str(self.run.path), hint="Take --of input.")
        return head.projection.detach().float().cpu().numpy()

    @torch.no_grad()
    def _alone(self, words: Sequence[tuple[int, ...]]) -> NDArray[np.float32]:
        """(N, D) the mean over a word's own tokens, read with what stands around every text."""
        found = np.zeros((len(words), self.width), dtype=np.float32)
        n_before = len(self.before)
        whole = [(*self.before, *ids, *self.behind) for ids in words]
        for numbers in self._together(whole):
            ids, segments = padded([whole[number] for number in numbers], device_of(self.model))
            hidden = self.model.states(ids, segments).float().cpu()
            for row, number in enumerate(numbers):
                first = 0 if segments is None else int((segments[row] >= 0).long().argmax())
                start = first + n_before
                found[number] = hidden[row, start : start + len(words[number])].mean(dim=0).numpy()
        return found


class RunWords:
    """Which tokens of a tokenizer are words, and how another word is made of tokens."""

    def __init__(self, tokenizer: Tokenizer):
        self.tokenizer = tokenizer
        self.words = words_of(tokenizer)
        """word -> id."""

    def pieces(self, word: str) -> tuple[int, ...] | None:
        """Ids of a word as it stands within a text; None where its letters are not known."""
        if not word.strip():
            return None
        tokenizer = self.tokenizer
        ids = tokenizer.encode(f" {word}") if not ALONE.match(word) and tokenizer.exact else tokenizer.encode(word)
        texts = [tokenizer.token_bytes(number) for number in ids]
        if ids and texts[0] == b" ":
            ids, texts = ids[1:], texts[1:]
        if not ids or tokenizer.unknown in ids:
            return None
        if tokenizer.kind == "word" and any(number < N_BYTES for number in ids):
            return None  # letter by letter, as bytes: the word was never seen twice
        try:
            for text in texts:
                text.decode()
        except UnicodeDecodeError:
            return None
        return tuple(ids)


def words_of(tokenizer: Tokenizer) -> dict[str, int]:
    """word -> id: the whole tokens that are letters alone, or letters joined by ' ’ -."""
    return {text: number for number, text in whole_tokens(tokenizer).items() if is_word(text)}


def whole_tokens(tokenizer: Tokenizer) -> dict[int, str]:
    """id -> text of the tokens that are no part of a word: each text once, as it stands within a text. Letters begin
    after a blank, or in a script that has none; kinds that hold whole words also have some that are known at the start
    of a text alone."""
    after_blank: dict[str, int] = {}
    others: dict[str, int] = {}
    for number in tokenizer.plain_ids.tolist():
        try:
            text = tokenizer.token_bytes(number).decode()
        except UnicodeDecodeError:
            continue
        word = text.removeprefix(" ")
        if not word.strip() or number == tokenizer.unknown:
            continue
        if word != text:
            after_blank.setdefault(word, number)
        elif is_whole(word, number, tokenizer.kind):
            others.setdefault(word, number)
    return {number: text for text, number in sorted((others | after_blank).items(), key=lambda entry: entry[1])}


def is_whole(text: str, number: int, kind: str) -> bool:
    """Whether a token without a blank before it is no part of a word."""
    if not text[0].isalpha() or ALONE.match(text):
        return True
    return kind in ("char", "bytes") or (kind == "word" and number >= N_BYTES)


def is_word(text: str) -> bool:
    """
    >>> is_word("don't"), is_word("国"), is_word("a1"), is_word("-")
    (True, True, False, False)
    """
    return text[:1].isalpha() and all(c.isalpha() or c in "'’-" or unicodedata.category(c)[0] == "M" for c in text)


def pooling_of(model: Any) -> Pooling:
    """head where the model makes one vector of a text itself."""
    return "head" if "classify" in getattr(model, "heads", {}) else "mean"


def around(run: Run, tokenizer: Tokenizer) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Ids that the run's model reads before a text, and behind it."""
    form = run.info["form"]
    begin = tokenizer.begin if run.config.tokens.begin_mark else None
    before = () if begin is None or form == "encoder-decoder" else (begin,)
    match form:
        case "encoder-decoder":
            return before, (tokenizer.of_source.mark,)
        case "encoder":
            return before, tokenizer.after
        case _:
            return before, ()
