"""Measuring: the numbers do not depend on the batch, the counts not on the windows, and memory not on the length."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from textmill.config.model import RecurrentConfig, TransformerConfig
from textmill.metrics.language import metrics_of
from textmill.models import build_model
from textmill.models.ngram import NGram
from textmill.tasks import measuring
from textmill.tasks.measuring import TokenSizes, score_documents
from textmill.tokens import Tokenizer

MARK, VOCAB = 256, 257
LENGTHS = [0, 1, 37, 5, 16, 15, 17, 3, 80]


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def documents(seed=0):
    generator = np.random.default_rng(seed)
    return [(generator.integers(97, 123, size=n), n, n, f"d{number}") for number, n in enumerate(LENGTHS)]


def model_of(arch, dtype):
    if arch == "ngram":
        stream = np.concatenate([np.append(ids, MARK) for ids, *_ in documents(seed=1)])
        return NGram.fit(stream, VOCAB, MARK)
    config = {
        "gru": RecurrentConfig(arch="gru", d_model=16, n_layers=2, seq_len=16, dropout=0.0),
        "transformer": TransformerConfig(
            d_model=16, n_layers=2, n_heads=2, d_ff=32, seq_len=16, dropout=0.0, init="normal"
        ),
    }[arch]
    return build_model(config, VOCAB, seed=3).to(dtype).eval().requires_grad_(False)


ARCHITECTURES = ["gru", "transformer", "ngram"]


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 1e-5), (torch.float64, 1e-9)])
def test_the_batch_does_not_change_a_number(arch, dtype, tolerance):
    model = model_of(arch, dtype)
    for window, stride in ((None, None), (16, 7), (9, 9)):
        alone, *others = (
            [s.nats / s.n_tokens for s in score_documents(model, documents(), MARK, True, window, stride, batch)]
            for batch in (1, 2, 5, 64)
        )
        for other in others:
            assert other == pytest.approx(alone, abs=tolerance)
        assert np.std(alone) > 100 * tolerance  # there is something to get wrong


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("packed", [False, True])
def test_every_token_and_every_mark_is_scored_once_for_any_window(arch, packed):
    model = model_of(arch, torch.float32)
    for window, stride in ((None, None), (16, 16), (16, 3), (5, 1), (1, 1)):
        scores = score_documents(model, documents(), MARK, True, window, stride, batch=4, packed=packed)
        assert [s.n_tokens for s in scores] == [n + 1 for n in LENGTHS]
        assert [s.source for s in scores] == [f"d{n}" for n in range(len(LENGTHS))]
        assert np.isfinite([s.nats for s in scores]).all()


@pytest.mark.parametrize("arch", ["gru", "ngram"])
def test_reading_on_with_a_carried_state_equals_reading_the_whole(arch, monkeypatch):
    model = model_of(arch, torch.float64)
    whole = []
    for ids, *_ in documents():
        nll, _ = model.nll(torch.tensor([[MARK, *ids.tolist()]]), torch.tensor([[*ids.tolist(), MARK]]))
        whole.append(float(nll.sum()))
    for at_once in (10_000, 40, 6):
        monkeypatch.setattr(measuring, "READ_AT_ONCE", at_once)
        scores = score_documents(model, documents(), MARK, batch=4)
        assert [s.nats for s in scores] == pytest.approx(whole, rel=1e-12)


def test_packed_documents_see_what_stood_before_and_apart_they_do_not():
    model = model_of("gru", torch.float64)
    ids = documents()
    packed = score_documents(model, ids, MARK, packed=True)
    apart = score_documents(model, ids, MARK)

    stream = [token for own, *_ in ids for token in (*own.tolist(), MARK)]
    nll, _ = model.nll(torch.tensor([[MARK, *stream[:-1]]]), torch.tensor([stream]))
    assert sum(s.nats for s in packed) == pytest.approx(float(nll.sum()), rel=1e-12)
    assert packed[0].nats == pytest.approx(apart[0].nats, rel=1e-12)
    assert packed[3].nats != pytest.approx(apart[3].nats, rel=1e-6)


def test_blocks_of_one_document_sum_to_the_document():
    text = "naïve 好的 " * 9
    tokenizer = Tokenizer.train("bytes", [], None, seed=0)
    document = (tokenizer.encode(text), len(text.encode()), len(text), "book.txt")
    model, sizes = model_of("ngram", torch.float64), TokenSizes.of(tokenizer)
    for begin_mark in (True, False):
        [whole] = score_documents(model, [document], MARK, begin_mark=begin_mark, sizes=sizes)
        blocks = score_documents(model, [document], MARK, begin_mark=begin_mark, sizes=sizes, n_blocks=7)

        assert len(blocks) == 7 and blocks[2].source == "book.txt block 3/7"
        assert max(b.n_tokens for b in blocks) - min(b.n_tokens for b in blocks) <= 1
        assert sum(b.nats for b in blocks) == pytest.approx(whole.nats, rel=1e-12)
        for count in ("n_tokens", "n_bytes", "n_chars"):
            assert sum(getattr(b, count) for b in blocks) == getattr(whole, count)
        assert whole.n_bytes == len(text.encode()) - (not begin_mark) and whole.n_chars == len(text) - (not begin_mark)

    assert len(score_documents(model, [document], MARK, sizes=sizes, n_blocks=10_000)) == len(document[0]) + 1
    assert len(score_documents(model, [document] * 2, MARK, sizes=sizes, n_blocks=7)) == 2


def test_sizes_of_tokens_sum_to_those_of_the_text():
    for tokenizer in (
        Tokenizer.train("bytes", [], None, seed=0),
        Tokenizer.train("char", ["好好学习 abc abc"], None, seed=0),
        Tokenizer.train("bpe", ["the thing that they thought 好好学习" * 9], 290, seed=0),
    ):
        sizes = TokenSizes.of(tokenizer)
        for text in ("", "好 thé 👩‍👧 \0\r\n", "ﬁ"):
            ids = tokenizer.encode(text)
            assert sizes.n_bytes[ids].sum() == len(text.encode())
            assert sizes.n_chars[ids].sum() == len(text)
        assert sizes.n_bytes[tokenizer.mark] == sizes.n_chars[tokenizer.mark] == 0
    over_bytes = TokenSizes.of(Tokenizer.train("bytes", [], None, seed=0))
    assert np.array_equal(TokenSizes.of_bytes().n_bytes, over_bytes.n_bytes)
    assert np.array_equal(TokenSizes.of_bytes().n_chars, over_bytes.n_chars)


def test_what_cannot_be_counted_is_asked_for():
    with pytest.raises(ValueError, match="sizes"):
        score_documents(model_of("ngram", torch.float64), documents(), MARK, begin_mark=False)


def test_a_model_in_training_mode_is_measured_without_dropout_and_put_back():
    config = RecurrentConfig(arch="gru", d_model=16, n_layers=2, seq_len=16, dropout=0.5)
    model = build_model(config, VOCAB, seed=3)
    model.train()
    first, again = (metrics_of(score_documents(model, documents(), MARK)) for _ in range(2))
    assert first == again and model.training
    assert all(parameter.grad is None for parameter in model.parameters())
