"""The floor: what counting n-grams reaches on the same text. Room: evaluation/ (weights -> numbers).

A network that does not beat it has learned less than a table of counts. Two rows: over the model's own tokens, and over
UTF-8 bytes. Training fits it once and keeps it in the run folder, as a run of its own (floor/, floor/bytes/), so that
it can be scored and can write like any other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from textmill.config import Config, TaskConfig
from textmill.config.layers import to_toml
from textmill.errors import InputError
from textmill.files import new_folder, write_atomically, write_sealed_json
from textmill.messages import Message, message
from textmill.metrics.language import ExampleScore
from textmill.models.ngram import FALLBACK_DISCOUNTS, MAX_TOKENS, NGram
from textmill.runs import hashes_of
from textmill.tables import FOREIGN
from textmill.tasks.measuring import DocumentIds, TokenSizes, score_documents
from textmill.tokens import Tokenizer, TokenStore

Ints = npt.NDArray[np.int64]
N_BYTE_VALUES = 256  # ids of the bytes tokenizer are the bytes; its mark follows
BYTES_FOLDER = "bytes"


@dataclass(frozen=True)
class Floor:
    """The two n-gram models of one training text."""

    ngram: NGram
    """Over the model's own tokens."""
    ngram_bytes: NGram
    """Over UTF-8 bytes."""

    @classmethod
    def fit(
        cls,
        store: TokenStore,
        tokenizer: Tokenizer,
        seed: int = 0,
        max_tokens: int = MAX_TOKENS,
        documents: range | None = None,
    ) -> Floor:
        """Count the training part; of more than max_tokens tokens (bytes), whole documents drawn by `seed` up to there.

        documents: their numbers, where not all are counted. Raises TooLittleText where there is no token.
        """
        order = np.arange(store.n_documents) if documents is None else np.array(documents, dtype=np.int64)
        n_tokens = int((store.starts[order + 1] - store.starts[order]).sum())
        n_bytes = store.n_bytes if documents is None else sum(map(store.document_bytes, documents))
        if max(n_tokens, n_bytes + len(order)) > max_tokens:
            order = np.random.default_rng(seed).permutation(order)
        tokens = stream_of((store.document(int(number)) for number in order), tokenizer.mark, max_tokens)
        table = table_of_bytes(tokenizer)
        in_bytes = (bytes_of(store.document(int(number)), table, tokenizer) for number in order)
        values = stream_of(in_bytes, N_BYTE_VALUES, max_tokens)
        floor = cls(
            NGram.fit(tokens, tokenizer.vocab_size, tokenizer.mark),
            NGram.fit(values, N_BYTE_VALUES + 1, N_BYTE_VALUES),
        )
        floor.ngram.facts["n_tokens_of_text"] = n_tokens
        floor.ngram_bytes.facts["n_tokens_of_text"] = n_bytes + len(order)
        return floor

    @classmethod
    def load(cls, folder: Path) -> Floor:
        """What fit_floor wrote. Raises RunError where there is none, Damaged."""
        return cls(NGram.load(folder), NGram.load(folder / BYTES_FOLDER))

    def score(
        self,
        documents: Sequence[DocumentIds],
        tokenizer: Tokenizer,
        begin_mark: bool = True,
        batch: int = 32,
        n_blocks: int | None = None,
    ) -> dict[str, list[ExampleScore]]:
        """What both spend on the same documents: {"ngram": …, "ngram_bytes": …}."""
        table = table_of_bytes(tokenizer)
        in_bytes = [
            (bytes_of(ids, table, tokenizer), n_bytes, n_chars, source) for ids, n_bytes, n_chars, source in documents
        ]
        rows: tuple[tuple[str, NGram, Sequence[DocumentIds], TokenSizes], ...] = (
            ("ngram", self.ngram, documents, TokenSizes.of(tokenizer)),
            ("ngram_bytes", self.ngram_bytes, in_bytes, TokenSizes.of_bytes()),
        )
        return {
            name: score_documents(
                model, own, model.mark, begin_mark=begin_mark, batch=batch, sizes=sizes, n_blocks=n_blocks
            )
            for name, model, own, sizes in rows
        }

    def convention(self) -> dict[str, Any]:
        """What an evaluation should say of it, flat."""
        models = {"tokens": self.ngram, "bytes": self.ngram_bytes}
        return {
            "floor": message("interpolated modified Kneser-Ney, order %(order)s", order=self.ngram.order),
            "floor_fitted_on": message(
                "%(tokens)s of %(all_tokens)s training tokens; %(bytes)s of %(all_bytes)s training bytes (marks "
                "counted)",
                **{name: f"{model.facts['n_tokens']:,}" for name, model in models.items()},
                **{f"all_{name}": f"{model.facts['n_tokens_of_text']:,}" for name, model in models.items()},
            ),
            "floor_fallback_discounts": message(
                "%(discounts)s where the counts give none: over tokens %(tokens)s; over bytes %(bytes)s",
                discounts=", ".join(map(str, FALLBACK_DISCOUNTS)),
                **{name: _in_orders(model.fallback_orders) for name, model in models.items()},
            ),
        }


def _in_orders(orders: Sequence[int]) -> Message:
    return message("in order %(orders)s", orders=", ".join(map(str, orders))) if orders else message("nowhere")


def fit_floor(
    train_store: TokenStore,
    tokenizer: Tokenizer,
    into: Path,
    seed: int,
    config: Config | None = None,
    max_tokens: int = MAX_TOKENS,
    documents: range | None = None,
) -> Floor:
    """Fit the floor of a training part and keep it as a run folder: `into`, with the one over bytes in `into`/bytes.

    config: that of the run it belongs to. documents: as in Floor.fit. The folder is there whole or not at all. Raises
    TooLittleText, NoSpace.
    """
    floor, tokenizer = Floor.fit(train_store, tokenizer, seed, max_tokens, documents), tokenizer.alone()
    with new_folder(into) as temporary:
        _save_run(temporary, floor.ngram, tokenizer, train_store, seed, config or Config())
        over_bytes = Tokenizer.train("bytes", [], None, seed)
        _save_run(temporary / BYTES_FOLDER, floor.ngram_bytes, over_bytes, train_store, seed, config or Config())
    return floor


def _save_run(
    folder: Path, model: NGram, tokenizer: Tokenizer, train_store: TokenStore, seed: int, config: Config
) -> None:
    save_as_run(
        folder,
        model,
        tokenizer,
        _of_single_texts(config),
        seed,
        kind="ngram",
        form="decoder",
        n_parameters=sum(model.describe()["n_ngrams"]),
        prepared=train_store.folder.parent.name,
    )


class Saved(Protocol):
    """A model of tables.MODELS that is fitted, not trained."""

    def save(self, folder: Path) -> None:
        """Write its files into a folder."""

    def describe(self) -> dict[str, Any]:
        """What a report should say of it."""


def save_as_run(
    folder: Path,
    model: Saved,
    tokenizer: Tokenizer,
    config: Config,
    seed: int,
    *,
    kind: str,
    form: str,
    n_parameters: int,
    prepared: str,
) -> None:
    """Write a fitted model as a run that can be opened. prepared: the name of the folder of its prepared text."""
    model.save(folder)
    tokenizer.save(folder)
    said = {
        "kind": tokenizer.kind,
        "segmenter": tokenizer.segmenter,
        "vocab_size": None if tokenizer.kind == FOREIGN else tokenizer.vocab_size,
        "shared": True,
    }
    tokens = config.tokens.model_copy(update=said)
    write_atomically(folder / "config.toml", to_toml(config.model_copy(update={"tokens": tokens})))
    write_sealed_json(
        folder / "run.json",
        {
            "format": 1,
            "kind": kind,
            "form": form,
            "heads": {},
            "finished": True,
            "command": "",
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "seed": seed,
            "n_parameters": {"total": n_parameters},
            "data": {"prepared": prepared, "paths": list(config.data.paths)},
            "floor": model.describe(),
            "hashes": hashes_of(folder),
        },
    )


def _of_single_texts(config: Config) -> Config:
    """The config of a language model on the same texts: an n-gram reads no source."""
    if not config.data.pairs:
        return config
    data = config.data.model_copy(update={"pairs": False, "source": None, "target": None})
    return config.model_copy(update={"data": data, "task": TaskConfig(), "model": Config().model})


def uniform_scores(scores: Sequence[ExampleScore], vocab_size: int) -> list[ExampleScore]:
    """What guessing evenly over the vocabulary spends on the same targets: ln V each."""
    return [
        ExampleScore(score.source, score.n_tokens * math.log(vocab_size), score.n_tokens, score.n_bytes, score.n_chars)
        for score in scores
    ]


def stream_of(documents: Iterable[npt.NDArray[Any]], mark: int, max_tokens: int) -> Ints:
    """Document, mark, document, mark, … of at most max_tokens; the document that would go over is cut, without mark."""
    parts: list[npt.NDArray[np.int32]] = []
    left = max_tokens
    for ids in documents:
        part = np.append(ids, mark)[:left].astype(np.int32)
        parts.append(part)
        left -= len(part)
        if left <= 0:
            break
    return np.concatenate(parts, dtype=np.int64) if parts else np.zeros(0, dtype=np.int64)


def table_of_bytes(tokenizer: Tokenizer) -> list[bytes]:
    """The bytes of every id."""
    return [tokenizer.token_bytes(number) for number in range(tokenizer.vocab_size)]


def bytes_of(
    ids: Sequence[int] | npt.NDArray[Any], token_bytes: list[bytes], tokenizer: Tokenizer | None = None
) -> npt.NDArray[np.uint8]:
    """The UTF-8 bytes of a text that is given as ids, as numbers. tokenizer: whose ids they are, where its text may
    begin otherwise than they do. Raises InputError for an id that is none."""
    if tokenizer is not None and not tokenizer.exact:
        return np.frombuffer(tokenizer.text_bytes(ids), dtype=np.uint8)
    try:
        text = b"".join(map(token_bytes.__getitem__, np.asarray(ids).tolist()))
    except IndexError:
        raise InputError(f"there is no token {max(ids)}: the ids are 0 to {len(token_bytes) - 1}") from None
    return np.frombuffer(text, dtype=np.uint8)
