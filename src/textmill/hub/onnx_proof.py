"""Graphs held to their network: random ids at several sizes, and tokens written one after the other. Room: hub/.

Called by onnx_folder.py; onnxruntime is the other reader.
Shapes: B batch, T new tokens, S tokens of a source, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from textmill.errors import RunError
from textmill.generation.beam import padded
from textmill.hub.leaving import TOLERANCE, Leaving, texts_of_proof
from textmill.models.matches import CONTEXT, N_FACTS, NO_ANSWER, QUESTION

BATCHES = ((2, 7, 5), (3, 1, 11))
"""(rows, tokens read first, tokens read after them): what a graph is proved at."""
N_SENTENCES, N_WRITTEN = 20, 40
"""Sentences that a translator translates greedily, there and here, and tokens of each at most."""
Arrays = dict[str, NDArray[Any]]


def opened(folder: Path, name: str = "model") -> Any:
    """An onnxruntime session over NAME.onnx, on one thread, silent but for errors."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(folder / f"{name}.onnx"), options, providers=["CPUExecutionProvider"])


def sizes_of(model: Any) -> list[str]:
    """The batches of the proof, in words."""
    return [f"{rows} rows of {first} + {then} tokens" for rows, first, then in within(model)]


def within(model: Any) -> Iterable[tuple[int, int, int]]:
    """BATCHES, shorter where the context is."""
    for rows, first, then in BATCHES:
        most = model.max_context or first + then
        yield rows, min(first, most - 1), min(then, most - min(first, most - 1))


def random_ids(rows: int, n_tokens: int, n_ids: int) -> Tensor:
    return torch.randint(n_ids, (rows, n_tokens), generator=torch.Generator().manual_seed(rows))


def half_padded(ids: Tensor) -> Tensor:
    """segments (B, T): the first row is half as long as the others."""
    segments = torch.zeros_like(ids)
    segments[0, (ids.shape[1] + 1) // 2 :] = -1
    return segments


# --- what goes into a decoder


def is_state(name: str) -> bool:
    """Whether an input of a decoder is what it keeps of the past: not the tokens, nor what is told of a source."""
    return name not in ("ids", "real") and not name.startswith("source_")


def no_past(session: Any, rows: int, begin: Mapping[str, NDArray[Any]] | None = None) -> Arrays:
    """What a decoder reads at the beginning of a text: what its source begins with, zeros, or nothing at all."""
    return {
        value.name: (begin or {}).get(
            value.name,
            np.zeros([rows if dim == "batch" else 0 if dim == "past" else dim for dim in value.shape], np.float32),
        )
        for value in session.get_inputs()
        if is_state(value.name)
    }


def read_source(session: Any, source: Tensor, real: Tensor) -> Arrays:
    """What encoder.onnx gives, by name, and `real` itself."""
    names = [value.name for value in session.get_outputs()]
    made = session.run(None, {"ids": source.numpy(), "real": real.numpy()})
    return {"real": real.numpy(), **dict(zip(names, made, strict=True))}


def in_parts(
    session: Any, parts: Sequence[Tensor], given: Mapping[str, NDArray[Any]] | None = None
) -> Iterator[Tensor]:
    """Logits of each part of texts (B, T), the state carried on. given: what read_source gives."""
    told = {name: value for name, value in (given or {}).items() if not is_state(name)}
    feeds = no_past(session, len(parts[0]), given)
    for part in parts:
        logits, *after = session.run(None, {"ids": part.numpy(), **told, **feeds})
        feeds = dict(zip(feeds, after, strict=True))
        yield torch.from_numpy(logits)


# --- proofs: (largest difference of a logit, logits compared)


@torch.no_grad()
def prove_decoder(model: Any, session: Any) -> tuple[float, int]:
    """Texts read in two parts there, at once here."""
    found = Compared()
    for rows, first, then in within(model):
        ids = random_ids(rows, first + then, model.vocab_size)
        hidden, _ = model(ids)
        wanted = (model.head.log_probs if is_adaptive(model) else model.head.logits)(hidden)
        found.add(torch.cat([*in_parts(session, [ids[:, :first], ids[:, first:]])], dim=1), wanted)
    return found.worst, found.n_numbers


@torch.no_grad()
def prove_encoder(model: Any, session: Any) -> tuple[float, int]:
    """Texts that are read whole, one of them half as long, with padding."""
    compared = Compared()
    for rows, first, then in within(model):
        ids = random_ids(rows, max(first + then, 4), model.vocab_size)
        segments = half_padded(ids)
        real = segments >= 0
        feeds = {"ids": ids.numpy(), "real": real.numpy()}
        if "mask" in model.heads:
            hidden_here = torch.rand(ids.shape, generator=torch.Generator().manual_seed(rows)) < 0.3
            feeds["hidden"] = hidden_here.numpy()
            wanted = model.heads["mask"].logits(model(ids, segments, masked=hidden_here), model.embedding.weight)[real]
            found = torch.from_numpy(session.run(None, feeds)[0])[real]
        elif "span" in model.heads:
            facts = random_facts(real)
            feeds["facts"] = facts.numpy()
            wanted = model.heads["span"](model(ids, segments, facts=facts), facts)
            found = torch.from_numpy(session.run(None, feeds)[0])
            may_be = wanted > -torch.inf
            assert bool((may_be == (found > -torch.inf)).all()), "the same places are open there and here"
            wanted, found = wanted[may_be], found[may_be]
        else:
            wanted = model.heads["classify"](model(ids, segments), real)
            found = torch.from_numpy(session.run(None, feeds)[0])
        compared.add(found, wanted)
    return compared.worst, compared.n_numbers


@torch.no_grad()
def prove_sourced(model: Any, encoder: Any, decoder: Any) -> tuple[float, int]:
    """Sources, one of them padded, of another length than their targets, which are read in two parts."""
    compared = Compared()
    for rows, first, then in within(model):
        n_ids = model.source_vocab_size or model.vocab_size
        source = random_ids(rows, min(first + then + 2 * rows, model.max_context or 1 << 30), n_ids)
        segments, ids = half_padded(source), random_ids(rows + 1, first + then, model.vocab_size)[:rows]
        hidden, _ = model(ids, None, model.begin(source, segments))
        wanted = (model.head.log_probs if is_adaptive(model) else model.head.logits)(hidden)
        given = read_source(encoder, source, segments >= 0)
        compared.add(torch.cat([*in_parts(decoder, [ids[:, :first], ids[:, first:]], given)], dim=1), wanted)
    return compared.worst, compared.n_numbers


@torch.no_grad()
def equal_translations(leaving: Leaving, encoder: Any, decoder: Any) -> tuple[int, int]:
    """(sentences, likeliest tokens of them that are equal there and here, one after the other), sentences of unlike
    length in one batch. Raises RunError where one differs that is likelier here by more than TOLERANCE."""
    model, tokenizer = leaving.model, leaving.tokenizer
    sources = sentences_of(leaving)
    source, segments = padded(sources)
    real = torch.ones_like(source, dtype=torch.bool) if segments is None else segments >= 0
    given, state = read_source(encoder, source, real), model.begin(source, segments)
    told = {name: value for name, value in given.items() if not is_state(name)}
    feeds = no_past(decoder, len(sources), given)
    begin = tokenizer.mark if tokenizer.begin is None else tokenizer.begin
    last = torch.full((len(sources), 1), begin)
    going_on, n_equal = torch.ones(len(sources), dtype=torch.bool), 0
    for _ in range(min(N_WRITTEN, model.max_context or N_WRITTEN)):
        log_probs, state = model.log_probs(last, None, state)
        logits, *after = decoder.run(None, {"ids": last.numpy(), **told, **feeds})
        feeds = dict(zip(feeds, after, strict=True))
        here, there = log_probs[:, -1], torch.from_numpy(logits)[:, -1].argmax(dim=-1)
        best = here.argmax(dim=-1)
        loses = here.max(dim=-1).values - here.gather(1, there[:, None])[:, 0]
        if bool((loses[going_on] > 2 * TOLERANCE).any()):
            row = int((going_on & (loses > 2 * TOLERANCE)).nonzero()[0])
            raise RunError(
                f"of the source {sources[row]} the run writes {int(best[row])}, what was written {int(there[row])}; "
                "nothing was written",
                hint="This should not happen: it is worth a report, with the run's config.toml.",
            )
        n_equal += int((best == there)[going_on].sum())
        going_on &= best != tokenizer.mark
        last = best[:, None]
        if not bool(going_on.any()):
            break
    return len(sources), n_equal


def sentences_of(leaving: Leaving) -> list[tuple[int, ...]]:
    """Sources as ids, of unlike length, as many of N_SENTENCES as the context holds."""
    own, most = leaving.tokenizer.of_source, leaving.model.max_context
    found = [
        (*leaving.wanted, *own.encode(text), own.mark) for text in texts_of_proof(10 * N_SENTENCES) if text.strip()
    ]
    return [source for source in found if most is None or len(source) <= most][:N_SENTENCES]


def random_facts(real: Tensor) -> Tensor:
    """(B, T, F) of rows that ask and are asked, as tasks/answer.py lays them: mark, question, passage."""
    facts = torch.zeros(*real.shape, N_FACTS)
    facts[..., NO_ANSWER + 1 :] = 0.0
    for row, n in enumerate(real.sum(dim=1).tolist()):
        n_asked = max(1, (n - 1) // 3)
        facts[row, 0, NO_ANSWER] = 1.0
        facts[row, 1 : 1 + n_asked, QUESTION] = 1.0
        facts[row, 1 + n_asked : n, CONTEXT] = 1.0
        known = facts[row, 1:n, CONTEXT + 1 :]
        known.copy_(torch.rand(known.shape, generator=torch.Generator().manual_seed(n)))
    return facts


class Compared:
    """The largest difference so far, NaN where something is no number; and numbers compared."""

    def __init__(self) -> None:
        self.worst, self.n_numbers = 0.0, 0

    def add(self, found: Tensor, wanted: Tensor) -> None:
        difference = float((found - wanted).abs().max())
        self.worst = difference if not difference <= self.worst else self.worst
        self.n_numbers += wanted.numel()


def is_adaptive(model: Any) -> bool:
    return bool(model.config.softmax == "adaptive")
