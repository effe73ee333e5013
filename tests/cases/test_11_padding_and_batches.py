"""Case 11: a text gives the same answer alone and in a batch, padded left and padded right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from pydantic import TypeAdapter

from textmill.config import PRESETS, ModelConfig
from textmill.models import PADDING, build_model
from textmill.tables import ARCHITECTURES
from textmill.tokens import Tokenizer

HERE = Path(__file__).parent / "11-padding-and-batches"
PROMPTS = [json.loads(line)["prompt"] for line in (HERE / "prompts.jsonl").read_text("utf-8").splitlines()]
KINDS = [(arch, preset) for arch in ARCHITECTURES for preset in PRESETS.get(arch) or [None]]


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.train("bytes", [], None, 0)


@pytest.fixture(params=KINDS, ids=lambda kind: "-".join(filter(None, kind)))
def model(request, tokenizer):
    """Seed 1, dropout off, float64; moved away from the first values: zeros would hide what they multiply."""
    torch.set_num_threads(1)
    arch, preset = request.param
    dialect = {**PRESETS[arch][preset], "preset": preset} if preset else {}
    config = TypeAdapter(ModelConfig).validate_python(
        {"arch": arch, **dialect, "n_layers": 2, "d_model": 32, "seq_len": 128, "dropout": 0.0}
    )
    model = build_model(config, tokenizer.vocab_size, seed=1).double().eval()
    with torch.no_grad():
        for number, parameter in enumerate(model.parameters()):
            parameter += 0.2 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(number)).double()
    return model


@pytest.fixture(scope="module")
def texts(tokenizer):
    """Byte ids of the prompts, without a begin mark."""
    return [torch.tensor(tokenizer.encode(prompt), dtype=torch.long) for prompt in PROMPTS]


def padded(texts, side, pad=0):
    """(ids, segments), each (B, longest)."""
    longest = max(len(text) for text in texts)
    ids = torch.full((len(texts), longest), pad)
    segments = torch.full((len(texts), longest), PADDING)
    for row, text in enumerate(texts):
        places = slice(longest - len(text), longest) if side == "left" else slice(0, len(text))
        ids[row, places], segments[row, places] = text, 0
    return ids, segments


@torch.no_grad()
def at_real_places(model, texts, side, pad=0):
    """ln P at the places of each text, and the state."""
    ids, segments = padded(texts, side, pad)
    scores, state = model.log_probs(ids, segments)
    assert scores.isfinite().all(), "padding may hold anything but NaN"
    return [row[real >= 0] for row, real in zip(scores, segments, strict=True)], state


def test_the_batch_is_5_by_68_with_234_places_of_padding(texts):
    assert [len(text) for text in texts] == [1, 7, 30, 68, 0]
    for side in ("left", "right"):
        ids, segments = padded(texts, side)
        assert ids.shape == (5, 68)
        assert int((segments == PADDING).sum()) == 234


@pytest.mark.parametrize("side", ["left", "right"])
def test_scores_agree_alone_and_padded_in_any_order_and_batch_size(model, texts, side):
    with torch.no_grad():
        alone = [model.log_probs(text[None])[0][0] if len(text) else None for text in texts]
    batches = [[0, 1, 2, 3, 4], [4, 2, 0, 3, 1], [3, 4], [2, 1], [0, 4], [4]] + [[row] for row in range(4)]
    for rows in batches:
        if all(not len(texts[row]) for row in rows):
            continue  # nothing but an empty prompt: there is no place to score
        together, _ = at_real_places(model, [texts[row] for row in rows], side)
        for row, scores in zip(rows, together, strict=True):
            assert len(scores) == len(texts[row])
            if len(texts[row]):
                torch.testing.assert_close(scores, alone[row], atol=1e-8, rtol=0)


@pytest.mark.parametrize("side", ["left", "right"])
@torch.no_grad()
def test_an_embedding_of_1000_at_the_padding_id_changes_nothing(model, texts, side):
    """Hidden vectors, not scores: where the head is tied, the row is what the padding id is scored with, too."""
    assert all(0 not in text for text in texts)
    ids, segments = padded(texts, side, pad=0)
    before, _ = model(ids, segments)
    model.embedding.weight[0] = 1000.0
    after, _ = model(ids, segments)
    assert torch.equal(before[segments >= 0], after[segments >= 0])


@pytest.mark.parametrize("side", ["left", "right"])
@torch.no_grad()
def test_20_greedy_tokens_are_equal_alone_and_in_the_batch(model, texts, side):
    def greedy(scores, state):
        """scores (B, V) of the first token."""
        chosen = []
        for _ in range(20):
            chosen.append(scores.argmax(dim=-1))
            scores, state = model.log_probs(chosen[-1][:, None], state=state)
            scores = scores[:, -1]
        return torch.stack(chosen, dim=1)

    real = texts[:4]  # the empty prompt has no last place to go on from
    alone = []
    for text in real:
        scores, state = model.log_probs(text[None])
        alone.append(greedy(scores[:, -1], state)[0])
    together, state = at_real_places(model, texts, side)
    first = torch.stack([scores[-1] for scores in together[:4]])
    in_batch = greedy(first, state.select(torch.arange(4)))
    assert torch.equal(in_batch, torch.stack(alone))


@torch.no_grad()
def test_the_empty_prompt_simply_begins_with_what_comes_next(model, texts):
    """As with a begin mark: the row that was all padding reads its first token at position 0."""
    _, state = at_real_places(model, texts, "left")
    assert state.n_seen.tolist() == [1, 7, 30, 68, 0]
    ids = torch.full((5, 3), 77)
    scores, _ = model.log_probs(ids, state=state)
    alone, _ = model.log_probs(ids[:1])
    torch.testing.assert_close(scores[4], alone[0], atol=1e-8, rtol=0)
