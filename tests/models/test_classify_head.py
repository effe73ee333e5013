"""The head that classifies: pooling on paper, over windows, and what it refuses. Laws of encoders: tests/laws."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from textmill.config import RecurrentConfig, TransformerConfig
from textmill.errors import ConfigError, InputError
from textmill.models import build_model
from textmill.models.classify_head import ClassifyHead

D, CLASSES = 4, ["neg", "pos"]


def head_of(pooling: str = "attention", several: bool = False, seed: int = 1) -> ClassifyHead:
    torch.set_num_threads(1)
    config = RecurrentConfig(arch="gru", d_model=D, pooling=pooling)
    head = ClassifyHead(config, CLASSES, several).double()
    generator = torch.Generator().manual_seed(seed)
    for parameter in head.parameters():
        nn.init.normal_(parameter, generator=generator)
    return head.eval()


def hidden_of(*shape: int, seed: int = 2) -> Tensor:
    return torch.randn(*shape, D, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_weighted_mean_on_paper():
    """One dimension, W = 1, v = ln 3 / tanh(1): tokens at 1 and 0 have heights ln 3 and 0, so weights 3/4 and 1/4."""
    head = ClassifyHead(RecurrentConfig(arch="gru", d_model=1), ["a", "b"]).double()
    with torch.no_grad():
        head.compare.fill_(1.0)
        head.score.fill_(math.log(3) / math.tanh(1))
        head.weight.copy_(torch.tensor([[4.0], [0.0]]))
        head.bias.copy_(torch.tensor([1.0, 0.5]))
    hidden = torch.tensor([[[1.0], [0.0]]], dtype=torch.float64)
    torch.testing.assert_close(head.weights(hidden), torch.tensor([[0.75, 0.25]], dtype=torch.float64))
    torch.testing.assert_close(head(hidden), torch.tensor([[4.0, 0.5]], dtype=torch.float64))


@pytest.mark.parametrize("pooling", ["attention", "max", "mean"])
def test_a_text_in_windows_is_pooled_as_its_tokens_in_one_row(pooling):
    """Windows of 5, 1 and 3 tokens weigh by their tokens: a mean of means would weigh each window alike."""
    head, hidden = head_of(pooling), hidden_of(5, 5)
    real = torch.tensor([[1, 1, 1, 1, 1], [0, 0, 1, 0, 0], [1, 1, 1, 0, 0], [0, 1, 1, 1, 1], [1, 0, 0, 0, 0]]).bool()
    owners = torch.tensor([0, 0, 0, 1, 1])
    scores = head(hidden, real, owners)
    for text, rows in ((0, [0, 1, 2]), (1, [3, 4])):
        tokens = hidden[rows][real[rows]]  # (tokens of the text, D)
        if pooling == "mean":
            vector = tokens.mean(dim=0)
        elif pooling == "max":
            vector = torch.tensor([max(token[number].item() for token in tokens) for number in range(D)]).double()
        else:
            heights = torch.stack([head.score @ torch.tanh(head.compare @ token) for token in tokens])
            vector = heights.softmax(dim=0) @ tokens
        torch.testing.assert_close(scores[text], head.weight @ vector + head.bias, atol=1e-6, rtol=0)
        torch.testing.assert_close(scores[text], head(tokens[None])[0], atol=1e-12, rtol=0)
    weights = head.weights(hidden, real, owners)
    assert (weights[~real] == 0).all()
    sums = weights.sum(dim=1)
    torch.testing.assert_close(torch.stack([sums[:3].sum(), sums[3:].sum()]), torch.ones(2, dtype=torch.float64))
    if pooling == "mean":
        torch.testing.assert_close(weights[0, 0], torch.tensor(1 / 9, dtype=torch.float64))


def test_of_max_a_token_weighs_by_its_share_of_the_highest_numbers():
    """By hand: of four numbers the second token has two, the third one, and two tokens share the last."""
    hidden = torch.tensor([[[0.0, 1.0, 2.0, 5.0], [3.0, 4.0, 0.0, 0.0]], [[0.0, 0.0, 7.0, 5.0], [9.0, 9.0, 9.0, 9.0]]])
    real = torch.tensor([[True, True], [True, False]])
    weights = head_of("max").weights(hidden.double(), real, torch.tensor([0, 0]))
    torch.testing.assert_close(weights, torch.tensor([[0.125, 0.5], [0.375, 0.0]], dtype=torch.float64))


def test_a_height_beyond_what_exp_can_hold_is_no_trouble():
    head, hidden = head_of(), hidden_of(2, 3)
    with torch.no_grad():
        head.score.mul_(1e4)
    for owners in (None, torch.tensor([0, 0]), torch.tensor([0, 1])):
        scores = head(hidden, None, owners)
        assert scores.isfinite().all()
    head(hidden, torch.tensor([[1, 1, 0], [1, 0, 0]]).bool(), torch.tensor([0, 0])).sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in head.parameters())


def test_one_class_of_all_or_each_for_itself():
    logits = torch.tensor([[0.0, math.log(3)]], dtype=torch.float64)
    one, each = head_of(), head_of(several=True)
    torch.testing.assert_close(one.log_probs(logits).exp(), torch.tensor([[0.25, 0.75]], dtype=torch.float64))
    torch.testing.assert_close(each.log_probs(logits).exp(), torch.tensor([[0.5, 0.75]], dtype=torch.float64))
    assert each.description() == {"classes": CLASSES, "several": True}


@pytest.mark.parametrize("owners", [[1, 1], [0, 2], [1, 0], [0], [0, 1, 1], [0, -1], [[0, 1]]])
def test_owners_that_skip_a_text_or_are_not_one_a_row_are_refused(owners):
    with pytest.raises(InputError, match=r"owners .* they number the texts from 0"):
        head_of()(hidden_of(2, 3), None, torch.tensor(owners))


def test_a_text_without_a_token_is_refused_by_name():
    real = torch.tensor([[1, 1, 1], [0, 0, 0]]).bool()
    with pytest.raises(InputError, match="row 1 belongs to a text without a token"):
        head_of()(hidden_of(2, 3), real)
    assert head_of()(hidden_of(2, 3), real, torch.tensor([0, 0])).isfinite().all()  # another window has some


HEADS = {"classify": {"classes": CLASSES, "several": False}}


@pytest.mark.parametrize(
    ("form", "heads", "complaint"),
    [
        ("decoder", HEADS, r"no head 'classify'\n.*form 'decoder' has its one head"),
        ("encoder-decoder", HEADS, r"no head 'classify'\n.*form 'encoder-decoder' has its one head"),
        ("encoder", {"clasify": HEADS["classify"]}, r"no head 'clasify'\n.*did you mean 'classify'"),
        ("encoder", {"xyz": {}}, r"no head 'xyz'\n.*an encoder has: classify"),
        ("encoder", {"classify": {}}, "head 'classify': missing a required argument: 'classes'"),
        ("encoder", {"classify": {"classes": CLASSES, "labels": 3}}, "head 'classify': .*'labels'"),
        ("encoder", {"classify": {"classes": ["neg"]}}, r"one class, 'neg', and nothing to tell apart\n.*labels"),
        ("encoder", {"classify": {"classes": []}}, "no class, and nothing to tell apart"),
        ("encoder", {"classify": {"classes": [], "several": True}}, "no class, and nothing to tell apart"),
        ("encoder", {"classify": {"classes": ["a", "b", "a"]}}, "class 'a' stands twice"),
        ("encoder", {"classify": {"classes": "ab"}}, "classes are a list of texts, not 'ab'"),
        ("encoder", {"classify": {"classes": [1, 2]}}, r"classes are a list of texts, not \[1, 2\]"),
    ],
)
def test_heads_that_make_no_sense_are_refused(form, heads, complaint):
    for device in ("cpu", "meta"):
        with pytest.raises(ConfigError, match=complaint):
            build_model(RecurrentConfig(arch="gru", d_model=8), 11, form, heads, device=device)


def test_one_class_may_be_told_for_itself():
    heads = {"classify": {"classes": ["spam"], "several": True}}
    model = build_model(TransformerConfig(d_model=16, n_layers=1, seq_len=8), 11, "encoder", heads).eval()
    head = model.heads["classify"]
    assert (head.classes, head.several) == (("spam",), True)
    assert head(model(torch.zeros(3, 5, dtype=torch.long))).shape == (3, 1)


def test_an_encoder_without_a_head_gives_hidden_vectors_and_the_form_takes_no_sources():
    config = RecurrentConfig(arch="lstm", d_model=8)
    assert build_model(config, 11, "encoder")(torch.zeros(3, 5, dtype=torch.long)).shape == (3, 5, 8)
    with pytest.raises(ConfigError, match="form 'encoder' reads no sources"):
        build_model(config, 11, "encoder", source_vocab_size=7)
    with pytest.raises(ConfigError, match=r"model\.d_model is 7"):
        build_model(RecurrentConfig(arch="lstm", d_model=7), 11, "encoder")
