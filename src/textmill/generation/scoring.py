"""The probability of a given text, token by token: P(w_i | w_1 … w_{i−1}). Room: generation/. Used by the `score` verb.

Shapes: T tokens scored together, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from textmill.errors import ContextFull, NothingScored
from textmill.generation.engine import device_of, reading
from textmill.generation.sampling import Floats, best_first
from textmill.generation.windows import plan_windows
from textmill.generation.writing import encoded_prompt
from textmill.models.next_token import IGNORED, NextToken
from textmill.results import Scored, ScoredToken
from textmill.text.wording import counted

if TYPE_CHECKING:
    from textmill.tokens import Tokenizer

READ_AT_ONCE = 256  # tokens of a window in one call: bounds the memory of its scores (T, V)


def score(
    model: NextToken,
    tokenizer: Tokenizer,
    text: str,
    n_alternatives: int = 3,
    begin_mark: bool = True,
    window: int | None = None,
    stride: int | None = None,
    include_end: bool = False,
) -> Scored:
    """ln P of each token of the text given those before it, its rank and the likeliest ones in its place.

    total_logprob is the chain rule's sum over `tokens`: with a begin mark, the probability that a text begins like
    this; with include_end the mark is predicted too, and it is the probability that this is a whole text. Without a
    begin mark the first token is only read: it has no entry but stands in `unscored`, and the total is conditional on
    it.
    rank: 1 is the likeliest; of equally likely tokens the lowest id is first. start end: code points of the text; a
    token inside a character has that character's place.
    A text of any length is read in windows: of the model's context, `stride` apart (default: the window).
    Raises NothingScored where no token is predicted, ContextFull for a window above the model's context.
    """
    own = encoded_prompt(tokenizer, text)
    places = character_places(text, tokenizer.offsets(text))
    begin_mark = begin_mark and tokenizer.begin is not None
    before = [] if tokenizer.begin is None or not begin_mark else [tokenizer.begin]
    ids = [*before, *own, *([tokenizer.mark] if include_end else [])]
    spans = [*places, *([(len(text), len(text))] if include_end else [])][0 if begin_mark else 1 :]
    if len(ids) < 2:
        raise NothingScored(
            f"there is no token to score: the text has {counted(len(own), 'token')}"
            + ("" if begin_mark else ", and without a begin mark (tokens.begin_mark = false) the first is only read")
        )
    if window is not None and model.max_context is not None and window > model.max_context:
        raise ContextFull(f"eval.window is {window}, but the model can read {model.max_context} tokens at once")

    tokens = []
    rows = next_token_log_probs(model, ids, window or model.max_context, stride)
    for target, (start, end), log_probs in zip(ids[1:], spans, rows, strict=True):
        tokens.append(
            ScoredToken(
                text=tokenizer.token_text(target),
                id=target,
                start=start,
                end=end,
                logprob=float(log_probs[target]),
                rank=rank_of(log_probs, target),
                alternatives=[
                    {"text": tokenizer.token_text(other), "id": other, "logprob": float(log_probs[other])}
                    for other in best_first(log_probs, n_alternatives).tolist()
                ],
            )
        )
    unscored = "" if begin_mark or not places else text[: places[0][1]]
    total = float(np.sum([token.logprob for token in tokens]))
    return Scored(text=text, tokens=tokens, total_logprob=total, unscored=unscored)


def next_token_log_probs(
    model: NextToken, ids: Sequence[int], window: int | None, stride: int | None
) -> Iterator[Floats]:
    """ln P of every token (V,), float64, in the place of ids[1], ids[2], …: each place once, windows as planned."""
    inputs = torch.tensor(ids[:-1], device=device_of(model))[None]
    for start, stop, first_scored in plan_windows(len(ids) - 1, window, stride):
        state: Any = None
        for chunk_start in range(start, stop, READ_AT_ONCE):
            chunk = inputs[:, chunk_start : min(chunk_start + READ_AT_ONCE, stop)]
            with reading(model):
                if chunk_start + chunk.shape[1] <= first_scored:  # only context
                    _, state = model.nll(chunk, torch.full_like(chunk, IGNORED), state=state)
                    continue
                log_probs, state = model.log_probs(chunk, state=state)
            yield from log_probs[0, max(first_scored - chunk_start, 0) :].to("cpu", torch.float64).numpy()


def rank_of(log_probs: Floats, token_id: int) -> int:
    """How many tokens come before this one, best first and lowest id first, itself included.

    >>> rank_of(np.log([0.25, 0.5, 0.25]), 2)
    3
    """
    better = int((log_probs > log_probs[token_id]).sum())
    equal_before = int((log_probs[:token_id] == log_probs[token_id]).sum())
    return better + equal_before + 1


def character_places(text: str, offsets: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Byte places (start, end) of tokens as code points; part of a character counts as the whole.

    >>> character_places("a山", [(0, 1), (1, 2), (2, 4)])
    [(0, 1), (1, 2), (1, 2)]
    """
    codes = np.frombuffer(text.encode(), dtype=np.uint8)
    is_first_byte = (codes & 0xC0) != 0x80
    character_at = np.append(np.cumsum(is_first_byte) - 1, len(text))  # of each byte; the end of the text
    return [
        (int(character_at[start]), int(character_at[end - 1]) + 1 if end > start else int(character_at[start]))
        for start, end in offsets
    ]
