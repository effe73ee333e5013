"""Case 09: perplexity must not depend on windows, stride or batch. Powers of 1/2: bits add by hand."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from textmill.errors import ConfigError, ContextFull, NothingScored
from textmill.metrics.language import metrics_of
from textmill.models.next_token import IGNORED
from textmill.tasks.measuring import TokenSizes, score_documents

FOLDER = Path(__file__).parent / "09-perplexity-windows"
EXPECTED = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))
PROBABILITIES = json.loads((FOLDER / "unigram.json").read_text(encoding="utf-8"))["probabilities"]
SYMBOLS = list(PROBABILITIES)
MARK = len(SYMBOLS)
TEXTS = [json.loads(line)["text"] for line in (FOLDER / "docs.jsonl").read_text(encoding="utf-8").splitlines()]
SIZES = TokenSizes(np.array([len(s.encode()) for s in SYMBOLS] + [0]), np.array([1] * len(SYMBOLS) + [0]))


class FixedUnigram:
    """Gives each symbol its probability, whatever stands before; the mark costs nothing (design, Numbers)."""

    def __init__(self, max_context=None):
        self.max_context = max_context
        probabilities = [float(Fraction(PROBABILITIES[symbol])) for symbol in SYMBOLS] + [1.0]
        self.log_p = torch.tensor(probabilities, dtype=torch.float64).log()
        self.longest = 0

    def nll(self, ids, targets, segments=None, state=None):
        self.longest = max(self.longest, ids.shape[1])
        counted = targets != IGNORED
        assert (segments is None) or (counted <= (segments >= 0)).all()
        return -self.log_p[targets.where(counted, MARK)] * counted, state

    def log_probs(self, ids, segments=None, state=None):
        return self.log_p.expand(*ids.shape, -1), state


def documents(texts=TEXTS):
    return [
        ([SYMBOLS.index(c) for c in text], len(text.encode()), len(text), f"d{number}")
        for number, text in enumerate(texts)
    ]


EVERY_SETTING = [
    (context, stride, batch, packed)
    for context in (4, 5, 8, 64)
    for stride in (1, 2, context)
    for batch in (1, 2, 3)
    for packed in (False, True)
]


@pytest.mark.parametrize("context, stride, batch, packed", EVERY_SETTING)
def test_every_window_stride_and_batch_gives_58_bits_over_23_characters(context, stride, batch, packed):
    model = FixedUnigram()
    scores = score_documents(
        model, documents(), MARK, window=context, stride=stride, batch=batch, packed=packed, sizes=SIZES
    )
    assert model.longest <= context

    bits = [score.nats / math.log(2) for score in scores]
    assert bits == pytest.approx(EXPECTED["bits_per_doc"], abs=1e-12)
    assert [score.n_chars for score in scores] == EXPECTED["symbols_per_doc"]
    assert [score.n_bytes for score in scores] == EXPECTED["bytes_per_doc"]
    assert [score.n_tokens for score in scores] == [4, 20, 2]  # characters and the end mark

    metrics = metrics_of(scores)
    assert metrics["n_chars"] == 23 and metrics["n_bytes"] == 29 and metrics["n_tokens"] == 26
    assert metrics["bpb"] == pytest.approx(2.0, abs=1e-12)
    assert metrics["bpc"] == pytest.approx(EXPECTED["bits_per_symbol"], abs=1e-12)
    assert 2 ** metrics["bpc"] == pytest.approx(EXPECTED["perplexity_per_symbol"], abs=1e-9)
    assert 2 ** metrics["bpb"] == pytest.approx(EXPECTED["perplexity_per_byte"], abs=1e-9)
    assert metrics["bpc"] * math.log(2) == pytest.approx(EXPECTED["mean_loss_nats_per_symbol"], abs=1e-12)
    n_words = sum(len(text.split()) for text in TEXTS)
    assert 2 ** (sum(bits) / n_words) == pytest.approx(EXPECTED["perplexity_per_word"], abs=1e-4)
    assert metrics["perplexity"] == pytest.approx(2 ** (58 / 26), abs=1e-9)  # per token: the marks are tokens


@pytest.mark.parametrize("batch", [1, 2, 3])
@pytest.mark.parametrize("packed", [False, True])
def test_a_model_without_a_bound_reads_whole_documents(batch, packed):
    metrics = metrics_of(score_documents(FixedUnigram(), documents(), MARK, batch=batch, packed=packed))
    assert metrics["bpb"] == pytest.approx(2.0, abs=1e-12) and metrics["n_tokens"] == 26


def test_the_default_window_is_the_models_context():
    model = FixedUnigram(max_context=5)
    metrics = metrics_of(score_documents(model, documents(), MARK))
    assert model.longest == 5 and metrics["bpb"] == pytest.approx(2.0, abs=1e-12)


@pytest.mark.parametrize("context, stride, batch, packed", EVERY_SETTING)
def test_without_begin_marks_the_first_symbol_is_not_scored(context, stride, batch, packed):
    """Documents apart lose 1 + 1 + 4 bits and 3 symbols; packed, only the first document loses its first one."""
    scores = score_documents(
        FixedUnigram(),
        documents(),
        MARK,
        begin_mark=False,
        window=context,
        stride=stride,
        batch=batch,
        packed=packed,
        sizes=SIZES,
    )
    metrics = metrics_of(scores)
    bits = metrics["bpb"] * metrics["n_bytes"]
    if packed:
        assert bits == pytest.approx(57, abs=1e-9) and metrics["n_chars"] == 22 and metrics["n_bytes"] == 28
    else:
        expected = EXPECTED["without_first_symbol_of_each_document"]
        assert bits == pytest.approx(expected["bits"], abs=1e-9) and metrics["n_chars"] == expected["symbols"]
        assert 2 ** metrics["bpc"] == pytest.approx(expected["perplexity_per_symbol"], abs=1e-9)
        assert metrics["n_bytes"] == 29 - 1 - 1 - 3


def test_scoring_nothing_is_an_error_and_no_number():
    with pytest.raises(NothingScored):
        metrics_of(score_documents(FixedUnigram(), [], MARK))
    with pytest.raises(NothingScored, match="no token"):
        metrics_of(score_documents(FixedUnigram(), documents([""]), MARK, begin_mark=False, sizes=SIZES))
    with pytest.raises(NothingScored, match="no byte"):  # only an end mark
        metrics_of(score_documents(FixedUnigram(), documents([""]), MARK))


def test_a_stride_that_leaps_and_a_window_above_the_context_are_refused():
    with pytest.raises(ConfigError, match="stride"):
        score_documents(FixedUnigram(), documents(), MARK, window=4, stride=5)
    with pytest.raises(ContextFull, match="64"):
        score_documents(FixedUnigram(max_context=64), documents(), MARK, window=65)
