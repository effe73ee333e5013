"""The task of hidden words: which are hidden, what is read in their place, and what a guess costs."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from textmill.config import Config, RecurrentConfig
from textmill.errors import ConfigError, NothingScored
from textmill.models import IGNORED, build_model
from textmill.tasks import task_of
from textmill.tasks.mask import N_PASSES, Mask, MaskedRows, Windows, batch_of, passes_of
from textmill.text import Document
from textmill.tokens import Tokenizer, TokenStore

TEXTS = ["很好的一天", "the boats came home at dusk, and the geese did not", "", "a", "so so " * 60]
CONFIG = Config(model={"arch": "gru", "seq_len": 16}, task={"name": "mask"}, eval={"batch": 3})


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.train("bytes", [], None, 0)


@pytest.fixture(scope="module")
def store(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> TokenStore:
    documents = [Document(text, f"a.txt:{number}") for number, text in enumerate(TEXTS, start=1)]
    return Mask(16).encode(documents, tokenizer, tmp_path_factory.mktemp("kept") / "store")


def model_for(store: TokenStore, tokenizer: Tokenizer, arch: str = "gru"):
    config = RecurrentConfig(arch=arch, n_layers=1, d_model=16, seq_len=16, dropout=0.0)
    model = build_model(config, tokenizer.vocab_size, "encoder", Mask(16).heads_of(store), seed=1).double().eval()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += torch.empty_like(parameter).normal_(std=0.3, generator=generator)
    return model


# --- windows


@settings(deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=8), st.integers(2, 9), st.booleans())
def test_windows_hold_every_token_once_and_are_no_longer_than_a_row(
    lengths: list[int], seq_len: int, begin_mark: bool
) -> None:
    windows = Windows.of(np.array(lengths), seq_len, begin_mark)
    held = {
        (int(document), place)
        for document, start, stop in zip(windows.documents, windows.starts, windows.stops, strict=True)
        for place in range(start, stop)
    }
    wanted = {(d, p) for d, n in enumerate(lengths) if n for p in range(n + begin_mark)}
    assert held == wanted
    sizes = windows.stops - windows.starts
    assert sizes.sum() == len(wanted)
    assert not len(sizes) or (sizes.min() >= 1 and sizes.max() <= seq_len)


# --- what is hidden in training


def test_what_is_hidden_is_a_pure_function_of_seed_step_and_window(store: TokenStore, tokenizer: Tokenizer) -> None:
    rows, again = (MaskedRows(store, tokenizer, Mask(16), seed=3) for _ in range(2))
    n_windows = len(rows.windows)
    alone = [rows.row(number) for number in range(3 * n_windows)]
    for number in reversed(range(3 * n_windows)):
        assert all(np.array_equal(one, other) for one, other in zip(again.row(number), alone[number], strict=True))
    longest = max(range(n_windows), key=lambda number: rows.sizes[number])
    readings = {tuple(alone[step * n_windows + longest][1].tolist()) for step in range(3)}
    assert len(readings) == 3, "each step hides other tokens"
    other_seed = MaskedRows(store, tokenizer, Mask(16), seed=4).row(longest)
    assert not np.array_equal(other_seed[1], alone[longest][1])


def test_micro_batches_of_another_size_hide_the_same(store: TokenStore, tokenizer: Tokenizer) -> None:
    task = Mask(16)
    rows = MaskedRows(store, tokenizer, task, seed=3)
    config = CONFIG.model_copy(update={"train": CONFIG.train.model_copy(update={"batch": 4, "order": "shuffle"})})
    [numbers] = task.sampler(rows, config).rows(2)
    assert all(number // len(rows.windows) == 2 for number in numbers)
    whole, parts = task.collate(rows, numbers), [task.collate(rows, [number]) for number in numbers]
    assert whole.n_targets == sum(part.n_targets for part in parts)
    together = whole.targets[whole.targets != IGNORED].tolist()
    assert together == [one for part in parts for one in part.targets[part.targets != IGNORED].tolist()]


def test_fifteen_in_a_hundred_are_asked_for_eight_tenths_of_them_stood_in_and_a_tenth_exchanged(
    tokenizer: Tokenizer, tmp_path
) -> None:
    text = "x" * 199
    store = Mask(200).encode([Document(text, "a")], tokenizer, tmp_path / "store")
    rows = MaskedRows(store, tokenizer, Mask(200), seed=0)
    fates: Counter[str] = Counter()
    for step in range(200):
        ids, targets, stood_in = rows.row(step)
        asked = targets != IGNORED
        assert asked.sum() == 30, "15 % of 199, rounded"
        assert not asked[0], "the mark is never asked for"
        assert (targets[asked] == ord("x")).all()
        assert not (stood_in & ~asked).any()
        assert (ids[1:][~asked[1:]] == ord("x")).all(), "what is not asked for is read as it is"
        fates["stood in"] += int(stood_in.sum())
        fates["exchanged"] += int((asked & ~stood_in & (ids != ord("x"))).sum())
        assert ids[0] == tokenizer.mark
        assert (ids[1:] != tokenizer.mark).all()
    assert fates["stood in"] / 6000 == pytest.approx(0.8, abs=0.02)
    assert fates["exchanged"] / 6000 == pytest.approx(0.1 * 255 / 256, abs=0.015)


@pytest.mark.parametrize("kind", ["bytes", "char", "bpe"])
def test_a_word_is_hidden_whole_or_not_at_all(kind: str, tmp_path) -> None:
    text = "the boats came home at dusk, 船回家了 and don't " * 8
    tokenizer = Tokenizer.train(kind, [text], 300 if kind == "bpe" else None, 0)
    task = Mask(2000, share=0.3, whole_words=True)
    store = task.encode([Document(text, "a")], tokenizer, tmp_path / "store")
    rows = MaskedRows(store, tokenizer, task, seed=1)
    for step in range(20):
        _, targets, _ = rows.row(step)
        asked = (targets != IGNORED)[1:]
        whole = store.document(0)
        assert asked.mean() == pytest.approx(0.3, abs=0.05)
        place = 0
        hidden = []  # per character
        for number, own in zip(whole.tolist(), asked.tolist(), strict=True):
            n_bytes = len(tokenizer.token_bytes(number))
            hidden += [own] * n_bytes
            place += n_bytes
        data = text.encode()
        for word in (b"boats", b"came", b"home", b"dusk", "船".encode(), "家".encode()):
            start = data.find(word)
            while start >= 0:
                assert len(set(hidden[start : start + len(word)])) == 1, word
                start = data.find(word, start + 1)


# --- measuring


def test_every_token_is_hidden_exactly_once_and_alone_by_its_reading(store: TokenStore, tokenizer: Tokenizer) -> None:
    task = Mask(16)
    texts = list(task.examples(store, tokenizer))
    windows = Windows.of(np.array([len(ids) for ids, *_ in texts]), 16, True)
    seen: Counter[tuple[int, int]] = Counter()
    for numbers, batch in task.readings(texts, windows, tokenizer, 4):
        assert batch.masked is not None
        assert torch.equal(batch.masked, batch.targets != IGNORED), "what is asked for is always stood in"
        for row, place in (batch.targets != IGNORED).nonzero().tolist():
            number = int(numbers[row])
            seen[int(windows.documents[number]), int(windows.starts[number]) + place] += 1
            assert batch.ids[row, place] == batch.targets[row, place]
    assert seen == Counter({(d, p + 1): 1 for d, (ids, *_) in enumerate(texts) for p in range(len(ids))})


@pytest.mark.parametrize("length", [1, 3, 7, 8, 250])
def test_readings_hide_about_as_many_tokens_each(length: int) -> None:
    counts = np.bincount(passes_of(length), minlength=N_PASSES)
    assert counts.sum() == length
    assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize("arch", ["rnn", "lstm", "gru", "transformer"])
def test_a_document_costs_the_same_alone_as_among_others_in_any_batch(
    arch: str, store: TokenStore, tokenizer: Tokenizer
) -> None:
    task = Mask(16)
    if arch == "transformer":
        config = Config(model={"arch": arch, "seq_len": 16, "d_model": 16, "n_layers": 1, "n_heads": 2}).model
        heads = task.heads_of(store)
        model = build_model(config, tokenizer.vocab_size, "encoder", heads, seed=1).double().eval()
    else:
        model = model_for(store, tokenizer, arch)
    texts = list(task.examples(store, tokenizer))
    together = task.measure(model, texts, tokenizer, CONFIG)
    assert [score.n_tokens for score in together] == [len(ids) for ids, *_ in texts]
    assert [score.source for score in together] == [source for *_, source in texts]
    for text, score in zip(texts, together, strict=True):
        [alone] = task.measure(model, [text], tokenizer, CONFIG)
        assert alone.nats == pytest.approx(score.nats, abs=1e-8)
        assert (alone.n_tokens, alone.n_right) == (score.n_tokens, score.n_right)
    blocks = task.measure(model, texts[-1:], tokenizer, CONFIG, n_blocks=5)
    assert len(blocks) == 5
    assert sum(block.nats for block in blocks) == pytest.approx(together[-1].nats)
    assert sum(block.n_tokens for block in blocks) == together[-1].n_tokens


def test_a_model_that_knows_nothing_spends_ln_v_and_one_that_knows_the_token_nothing(
    store: TokenStore, tokenizer: Tokenizer
) -> None:
    task, model = Mask(16), model_for(store, tokenizer)
    head = model.heads["mask"]
    texts = list(task.examples(store, tokenizer))[:1]
    with torch.no_grad():
        head.weight.zero_()
        head.bias.zero_()
    metrics = task.metrics(task.measure(model, texts, tokenizer, CONFIG))
    assert metrics["loss"] == pytest.approx(math.log(257))
    assert metrics["perplexity"] == pytest.approx(257)
    assert metrics["n_masked"] == 15, "five Chinese characters of three bytes"
    only_a = [([97] * 5, 5, 5, "a")]
    with torch.no_grad():
        head.bias[97] = 50.0
    metrics = task.metrics(task.measure(model, only_a, tokenizer, CONFIG))
    assert metrics["loss"] < 1e-6
    assert metrics["accuracy"] == 1.0


def test_the_loss_of_a_batch_is_that_of_the_tokens_asked_for(store: TokenStore, tokenizer: Tokenizer) -> None:
    task, model = Mask(16), model_for(store, tokenizer)
    rows = MaskedRows(store, tokenizer, task, seed=0)
    batch = task.collate(rows, range(len(rows.windows)))
    loss, state = task.loss(model, batch)
    assert state is None
    assert loss.count == int((batch.targets != IGNORED).sum())
    hidden = model(batch.ids, batch.segments, masked=batch.masked)
    log_probs = model.heads["mask"].logits(hidden, model.embedding.weight).log_softmax(dim=-1)
    asked = batch.targets != IGNORED
    expected = -log_probs[asked].gather(1, batch.targets[asked][:, None]).sum()
    assert loss.detach().total == pytest.approx(expected.item())


def test_guesses_stand_beside_what_was_hidden_in_english_and_chinese(store: TokenStore) -> None:
    tokenizer = Tokenizer.train("char", ["船回家了 boats home"] * 2, None, 0)
    model = build_model(
        RecurrentConfig(arch="gru", n_layers=1, d_model=16, seq_len=16), tokenizer.vocab_size, "encoder",
        {"mask": {"vocab_size": tokenizer.vocab_size}},
    ).eval()  # fmt: skip
    [told, empty] = Mask(16).predict(model, tokenizer, ["船回家了", ""], CONFIG, 0)
    assert "→" in told
    assert told.split(" → ")[0] in "船回家了"
    assert empty == "–"


def test_no_text_is_named(tokenizer: Tokenizer) -> None:
    with pytest.raises(NothingScored, match="no token was hidden"):
        Mask(8).metrics([])


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"task": {"name": "lm", "whole_words": True}}, "task.whole_words is of masked words"),
        ({"task": {"name": "classify", "mask_share": 0.3}}, "task.mask_share is of masked words"),
        ({"task": {"name": "lm"}, "train": {"pretrain": ("a.txt",)}}, "train.pretrain is of tasks that read whole"),
        ({"task": {"name": "mask"}, "train": {"pretrain": ("a.txt",)}}, "train.pretrain is of tasks that read whole"),
    ],
)
def test_knobs_of_hidden_words_are_refused_elsewhere(said, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        Config(**said)


def test_the_best_is_chosen_by_the_loss_alone() -> None:
    with pytest.raises(ConfigError, match=r"train.best_by is accuracy, and hidden words are told by their loss"):
        task_of(Config(task={"name": "mask"}, train={"best_by": "accuracy"}))


def test_padding_is_no_target() -> None:
    rows = [
        (np.array([5, 6]), np.array([IGNORED, 6]), np.array([False, True])),
        (np.array([7]), np.array([7]), np.array([True])),
    ]
    batch = batch_of(rows)
    assert batch.segments.tolist() == [[0, 0], [0, -1]]
    assert batch.targets.tolist() == [[IGNORED, 6], [7, IGNORED]]
    assert (batch.n_targets, batch.n_read) == (2, 3)
