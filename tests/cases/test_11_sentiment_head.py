"""Case 11 with a sentiment head: a text has the same class scores alone and in a batch, padded on either side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from pydantic import TypeAdapter

from textmill.config import PRESETS, ModelConfig
from textmill.errors import InputError
from textmill.models import PADDING, build_model
from textmill.tables import ENCODERS
from textmill.tokens import Tokenizer

HERE = Path(__file__).parent / "11-padding-and-batches"
PROMPTS = [json.loads(line)["prompt"] for line in (HERE / "prompts.jsonl").read_text("utf-8").splitlines()]
KINDS = [(arch, preset) for arch in ENCODERS for preset in PRESETS.get(arch) or [None]]
BATCHES = [[0, 1, 2, 3, 4], [4, 2, 0, 3, 1], [3, 4], [2, 1], [0, 4], [0], [1], [2], [3], [4]]


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.train("bytes", [], None, 0)


@pytest.fixture(params=KINDS, ids=lambda kind: "-".join(filter(None, kind)))
def model(request, tokenizer):
    """Seed 1, dropout off, float64; moved away from the first values. The LSTM reads both ways, as all recurrences."""
    torch.set_num_threads(1)
    arch, preset = request.param
    dialect = {**PRESETS[arch][preset], "preset": preset} if preset else {}
    config = TypeAdapter(ModelConfig).validate_python(
        {"arch": arch, **dialect, "n_layers": 2, "d_model": 32, "seq_len": 128, "dropout": 0.0}
    )
    heads = {"classify": {"classes": ["negative", "positive"], "several": False}}
    model = build_model(config, tokenizer.vocab_size, "encoder", heads, seed=1).double().eval()
    with torch.no_grad():
        for number, parameter in enumerate(model.parameters()):
            parameter += 0.2 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(number)).double()
    return model


@pytest.fixture(scope="module")
def texts(tokenizer):
    """Byte ids of the prompts, without a begin mark."""
    return [torch.tensor(tokenizer.encode(prompt), dtype=torch.long) for prompt in PROMPTS]


@pytest.fixture(scope="module")
def marked(texts, tokenizer):
    """The same, each behind the begin mark."""
    return [torch.cat([torch.tensor([tokenizer.mark]), text]) for text in texts]


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
def class_scores(model, ids, segments=None):
    """(ln P of the classes (B, 2), hidden vectors (B, T, D))."""
    hidden, head = model(ids, segments), model.heads["classify"]
    return head.log_probs(head(hidden, None if segments is None else segments >= 0)), hidden


@pytest.mark.parametrize("side", ["left", "right"])
def test_class_scores_agree_alone_and_padded_in_any_order_and_batch_size(model, marked, side):
    alone = [class_scores(model, text[None]) for text in marked]
    assert all(scores.isfinite().all() for scores, _ in alone), "the empty prompt starts at the mark"
    for rows in BATCHES:
        ids, segments = padded([marked[row] for row in rows], side)
        scores, hidden = class_scores(model, ids, segments)
        assert scores.isfinite().all() and hidden.isfinite().all()
        for place, row in enumerate(rows):
            torch.testing.assert_close(scores[place], alone[row][0][0], atol=1e-8, rtol=0)
            torch.testing.assert_close(hidden[place, segments[place] >= 0], alone[row][1][0], atol=1e-8, rtol=0)


@pytest.mark.parametrize("side", ["left", "right"])
def test_without_a_begin_mark_the_empty_prompt_is_refused_by_name(model, texts, side):
    ids, segments = padded(texts, side)
    assert ids.shape == (5, 68)
    with pytest.raises(InputError, match=r"row 4 holds no token.*\n.*tokens\.begin_mark"):
        model(ids, segments)
    scores, _ = class_scores(model, *padded(texts[:4], side))
    for row, text in enumerate(texts[:4]):
        torch.testing.assert_close(scores[row], class_scores(model, text[None])[0][0], atol=1e-8, rtol=0)


@pytest.mark.parametrize("side", ["left", "right"])
def test_an_embedding_of_1000_at_the_padding_id_changes_nothing(model, marked, side):
    assert all(0 not in text for text in marked)
    ids, segments = padded(marked, side, pad=0)
    scores, hidden = class_scores(model, ids, segments)
    with torch.no_grad():
        model.embedding.weight[0] = 1000.0
    scores_after, hidden_after = class_scores(model, ids, segments)
    assert torch.equal(scores, scores_after)
    assert torch.equal(hidden[segments >= 0], hidden_after[segments >= 0])
