"""The adaptive softmax: equal to torch's, a distribution, ordered by frequency. float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from textmill.config import PRESETS, RecurrentConfig, TransformerConfig
from textmill.errors import ConfigError
from textmill.models import IGNORED, LanguageModel, build_model
from textmill.models.adaptive_head import AdaptiveHead
from textmill.models.clusters import clusters_of

V, D = 64, 32


def drawn_head(vocab_size=V, bias=True, cap=None, counts=None):
    head = AdaptiveHead(torch.nn.Embedding(vocab_size, D), bias, cap).double()
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.normal_(generator=generator)
    if counts is not None:
        head.order_by(lambda: counts)
    hidden = torch.randn(3, 50, D, generator=generator, dtype=torch.float64)
    return head, hidden, torch.randint(0, vocab_size, (3, 50), generator=generator)


def close(actual, expected):
    torch.testing.assert_close(actual, expected, atol=1e-10, rtol=0)


def torchs(head):
    """torch.nn.AdaptiveLogSoftmaxWithLoss with the same weights. Its ids are ranks."""
    theirs = torch.nn.AdaptiveLogSoftmaxWithLoss(D, V, cutoffs=list(head.starts), div_value=4, head_bias=True).double()
    with torch.no_grad():
        theirs.head.weight.copy_(head.weight)
        theirs.head.bias.copy_(head.bias)
        for tail, reduce, expand in zip(theirs.tail, head.reduce, head.expand, strict=True):
            tail[0].weight.copy_(reduce)
            tail[1].weight.copy_(expand)
    return theirs


def test_values_and_gradients_are_those_of_torchs_adaptive_softmax():
    head, hidden, targets = drawn_head()
    theirs = torchs(head)
    ours_in, theirs_in = hidden.clone().requires_grad_(), hidden.clone().requires_grad_()
    expected, _ = theirs(theirs_in.flatten(0, 1), targets.flatten())
    nats = head.nll(ours_in, targets)
    close(nats.flatten(), -expected)
    close(head.log_probs(hidden), theirs.log_prob(hidden.flatten(0, 1)).view(3, 50, V))
    nats.sum().backward()
    (-expected).sum().backward()
    close(ours_in.grad, theirs_in.grad)
    close(head.weight.grad, theirs.head.weight.grad)
    for tail, reduce, expand in zip(theirs.tail, head.reduce, head.expand, strict=True):
        close(reduce.grad, tail[0].weight.grad)
        close(expand.grad, tail[1].weight.grad)


@pytest.mark.parametrize("vocab_size", [4, 5, 17, V, 301])
@pytest.mark.parametrize("cap", [None, 1.5])
def test_probabilities_sum_to_1_and_are_those_of_the_nats(vocab_size, cap):
    counts = np.random.default_rng(2).integers(0, 9, vocab_size)
    head, hidden, targets = drawn_head(vocab_size, cap=cap, counts=counts)
    log_probs = head.log_probs(hidden)
    close(log_probs.exp().sum(dim=-1), torch.ones(3, 50, dtype=torch.float64))
    close(head.nll(hidden, targets), -log_probs.gather(-1, targets[..., None]).squeeze(-1))
    targets[:, ::3] = IGNORED
    assert (head.nll(hidden, targets)[:, ::3] == 0).all()


def test_frequent_tokens_stand_in_the_first_softmax_and_ties_keep_the_order_of_ids():
    counts = np.zeros(V, dtype=np.int64)
    counts[[60, 7, 33, 12]] = [9, 8, 7, 6]  # V 64: four stand alone, up to rank 16 in one cluster
    head, _, _ = drawn_head(counts=counts)
    assert head.rank[[60, 7, 33, 12]].tolist() == [0, 1, 2, 3]
    assert head.rank[[0, 1, 63]].tolist() == [4, 5, 63]
    assert sorted(head.rank.tolist()) == list(range(V))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_smoothing_moves_the_gradient_and_not_the_value(smoothing):
    head, hidden, targets = drawn_head()
    nats = head.nll(hidden, targets, smoothing)
    close(nats, head.nll(hidden, targets))
    nats.sum().backward()
    smoothed = head.bias.grad.clone()
    head.zero_grad()
    head.nll(hidden, targets).sum().backward()
    n_first = head.n_frequent + 2
    rank = head.rank[targets.flatten()]
    first = torch.where(rank < head.starts[0], rank, torch.where(rank < head.starts[1], n_first - 2, n_first - 1))
    passed = torch.bincount(first, minlength=n_first).double()
    close(smoothed, head.bias.grad + smoothing * passed - smoothing * len(rank) / n_first)


def test_under_autocast_it_trains_and_stays_close_to_float32():
    head, hidden, targets = drawn_head()
    head, hidden = head.float(), hidden.float()
    with torch.autocast("cpu", torch.bfloat16):
        nats = head.nll(hidden, targets)
    nats.sum().backward()
    assert nats.dtype == torch.float32
    assert all(parameter.grad.isfinite().all() for parameter in head.parameters())
    torch.testing.assert_close(nats, head.nll(hidden, targets), atol=0.5, rtol=0.03)


@pytest.mark.parametrize("arch", ["rnn", "lstm", "gru", "transformer"])
def test_order_and_weights_come_back_from_files_to_the_bit(arch, tmp_path):
    config = (
        TransformerConfig(**PRESETS["transformer"]["modern"], n_layers=1, d_model=16, n_heads=2, softmax="adaptive")
        if arch == "transformer"
        else RecurrentConfig(arch=arch, n_layers=1, d_model=16, softmax="adaptive")
    )
    model = build_model(config, V, seed=3).eval()
    assert model.head.rank.tolist() == list(range(V))
    model.head.order_by(lambda: np.random.default_rng(1).integers(0, 9, V))
    model.save(tmp_path)
    back = LanguageModel.load(tmp_path).eval()
    assert torch.equal(back.head.rank, model.head.rank)
    ids = torch.randint(0, V, (2, 9), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.equal(back.nll(ids, ids)[0], model.nll(ids, ids)[0])
        even = model.nll(ids, ids)[0].mean()
    assert even < 2 * np.log(V)  # first values are near an even guess


def test_a_tied_one_and_a_vocabulary_that_cannot_be_divided_are_refused():
    with pytest.raises(ValidationError, match="softmax adaptive shares no weights with the embedding"):
        RecurrentConfig(softmax="adaptive", tied=True)
    with pytest.raises(ConfigError, match=r"a vocabulary of 4 tokens or more, not of 3\n.*--softmax full"):
        build_model(RecurrentConfig(softmax="adaptive"), 3)
    assert clusters_of(4, 1).widths == (1, 1)
