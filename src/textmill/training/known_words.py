"""`--model.vectors FILE`: a run whose words begin with vectors that others learned. Room: training/.

Called by session once the text is prepared and the vocabulary known: of a file of word2vec or GloVe (hub/vector_files)
it takes the vectors of the words that are tokens. They are kept in the run's folder (start.safetensors), as the weights
of another run are with --from, so that the file may change or go.
Shapes: V vocabulary, D width.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor

from textmill.config import Config
from textmill.errors import ConfigError, InputError
from textmill.evaluation.own_vectors import whole_tokens
from textmill.files import write_atomically
from textmill.hub.vector_files import VectorFile, read_vectors
from textmill.models import build_model
from textmill.models.network import seed_for
from textmill.runs import Prepared
from textmill.runs.folder import START
from textmill.tasks import task_of


@dataclass(frozen=True)
class KnownWords:
    """The first values of every embedding, and how many of its words the file knows. scale: what the file's numbers
    were multiplied by. found: embedding -> (words found as written, in small letters, of how many tokens)."""

    file: VectorFile
    scale: float
    tensors: dict[str, Tensor]
    found: dict[str, tuple[int, int, int]]

    def keep(self, folder: Path) -> tuple[dict[str, Any], str]:
        """Write start.safetensors into a run's folder; what run.json says of it, and a sentence."""
        write_atomically(folder / START, safetensors.torch.save(self.tensors))
        facts = {
            "vectors": str(self.file.path),
            "layout": self.file.layout,
            "sha256": self.file.sha256,
            "n_words": self.file.n_words,
            "n_repeated": self.file.n_repeated,
            "n_unreadable": self.file.n_unreadable,
            "scale": self.scale,
            "found": {name: list(counts) for name, counts in self.found.items()},
        }
        parts = [
            f"{exact + small:,} of the {n:,} words of the vocabulary"
            + (" of sources" if "source" in name else "")
            + (f" ({small:,} of them by their small letters)" if small else "")
            for name, (exact, small, n) in self.found.items()
        ]
        told = f"begins with vectors of {self.file.path}: found are {' and '.join(parts)}; the others are drawn as ever"
        aside = [f"{self.file.n_repeated:,} words stand in it again (the first counts)"] * bool(self.file.n_repeated)
        aside += [f"{self.file.n_unreadable:,} are no UTF-8"] * bool(self.file.n_unreadable)
        return facts, told + (f". Of the file's {self.file.n_words:,} words {' and '.join(aside)}" if aside else "")


def known_words(config: Config, prepared: Prepared) -> KnownWords | None:
    """The first values of the embeddings, by the file that the config names; None where it names none, or
    where a run of hidden words comes first (--pretrain), which begins with them.

    The file's vectors are multiplied by one number, so that they are as large, in the mean square, as those that are
    drawn: cosines stay, and the rates of training mean the same. A word is looked for as it is written, then in small
    letters.
    Raises ConfigError where the width is another, or the run begins from another one; InputError for a file that is
    none, and for one that knows no word of the vocabulary.
    """
    path = config.model.vectors
    if path is None:
        return None
    if config.train.pretrain:
        return None  # the run that is trained first begins with them
    if config.model.start is not None:
        raise ConfigError(
            "the run that this one begins from has vectors of its words already",
            where="model.vectors",
            hint="Leave --model.vectors out, or --from.",
        )
    tokenizer, task = prepared.tokenizer, task_of(config)
    tables = {"embedding.weight": tokenizer}
    if tokenizer.source_vocab_size is not None:
        tables["source_embedding.weight"] = tokenizer.of_source
    texts = {name: whole_tokens(own) for name, own in tables.items()}
    wanted = {text for own in texts.values() for text in own.values()}
    file = read_vectors(path, wanted | {text.lower() for text in wanted})
    if file.width != config.model.d_model:
        raise ConfigError(
            f"the vectors have {file.width:,} numbers, and the model's width (model.d_model) is "
            f"{config.model.d_model:,}",
            where=path,
            hint=f"Take the file's width: --model.d_model {file.width}" + fitting_heads(config, file.width),
        )
    if not file.words or not np.any(file.vectors):
        raise InputError(
            f"none of the {sum(map(len, texts.values())):,} words of the vocabulary (tokens.kind {tokenizer.kind}) is "
            "among its words",
            where=path,
            hint="Vectors are of words: train with --tokens.kind word, on text of the file's language.",
        )
    model: Any = build_model(
        config.model,
        tokenizer.vocab_size,
        task.form,
        task.heads_of(prepared.train),
        device="meta",
        source_vocab_size=tokenizer.source_vocab_size,
    )
    drawn = {name: drawn_by(model, name, config.run.seed) for name in tables}
    scale = root_mean_square(drawn["embedding.weight"]) / root_mean_square(torch.from_numpy(file.vectors))
    found = {name: put(tensor, texts[name], file, scale) for name, tensor in drawn.items()}
    return KnownWords(file, scale, drawn, found)


def drawn_by(model: Any, name: str, seed: int) -> Tensor:
    """(V, D) the values that an embedding would begin with else; see Network.initialise."""
    first = torch.empty(model.get_parameter(name).shape)
    with torch.no_grad():
        model.draw(name, first, torch.Generator().manual_seed(seed_for(seed, name)))
    return first


def put(tensor: Tensor, texts: dict[int, str], file: VectorFile, scale: float) -> tuple[int, int, int]:
    """Put the vectors of known words in their rows (V, D); words found as written, in small letters, and looked for."""
    place_of = {word: place for place, word in enumerate(file.words)}
    exact = {number: place_of[text] for number, text in texts.items() if text in place_of}
    small = {
        number: place_of[text.lower()]
        for number, text in texts.items()
        if number not in exact and text.lower() in place_of
    }
    for number, place in (exact | small).items():
        tensor[number] = torch.from_numpy(file.vectors[place] * np.float32(scale))
    return len(exact), len(small), len(texts)


def root_mean_square(table: Tensor) -> float:
    return float(table.double().square().mean().sqrt())


def fitting_heads(config: Config, width: int) -> str:
    """More to say where the heads of a Transformer do not divide another width."""
    n_heads = getattr(config.model, "n_heads", None)
    if n_heads is None or getattr(config.model, "d_head", None) is not None:
        return ""
    if width % n_heads == 0 and (width // n_heads) % 2 == 0:
        return ""
    fits = [n for n in range(1, min(width, 64) + 1) if width % n == 0 and (width // n) % 2 == 0]
    return f" --model.n_heads {min(fits, key=lambda n: abs(n - n_heads))}" if fits else ""
