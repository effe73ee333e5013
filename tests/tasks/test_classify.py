"""The task of classes: labels beside texts in a store, windows, batches, loss and predictions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from textmill.config import Config, RecurrentConfig
from textmill.errors import ConfigError, Damaged, InputError, NothingScored
from textmill.models import build_model
from textmill.tasks import task_of
from textmill.tasks.classify import Classify, LabelScore, classes_of, costs, nats_of
from textmill.text import Document
from textmill.text.documents import LABELS
from textmill.tokens import StoreWriter, Tokenizer, TokenStore

TEXTS = ["很好", "bad, very bad", "so-so", "", "a longer text that needs more than one window of eight bytes"]
LABELS_OF = [("好",), ("bad",), ("bad",), ("好",), ("中",)]


@pytest.fixture
def tokenizer():
    return Tokenizer.train("bytes", [], None, 0)


def documents(labels=LABELS_OF):
    return [
        Document(text, f"reviews.csv:{number}", {LABELS: own})
        for number, (text, own) in enumerate(zip(TEXTS, labels, strict=True), start=2)
    ]


def model_for(task, store, tokenizer, arch="gru", **knobs):
    config = RecurrentConfig(arch=arch, n_layers=1, d_model=16, seq_len=8, dropout=0.0, **knobs)
    model = build_model(config, tokenizer.vocab_size, "encoder", task.heads_of(store), seed=1).double().eval()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += torch.empty_like(parameter).normal_(std=0.3, generator=generator)
    return model


# --- the store


def test_a_store_keeps_the_labels_of_each_text(tmp_path, tokenizer):
    store = Classify(8).encode(documents(), tokenizer, tmp_path / "store")
    again = TokenStore(tmp_path / "store")
    again.verify()
    assert again.field(LABELS) == store.field(LABELS) == LABELS_OF
    assert again.names == {LABELS: ["好", "bad", "中"]}  # in the order in which they came
    assert classes_of(again) == (["bad", "中", "好"], False)  # by code point


def test_several_labels_and_none_are_kept(tmp_path, tokenizer):
    labels = [("a", "b"), (), ("b",), ("a",), ()]
    store = Classify(8).encode(documents(labels), tokenizer, tmp_path / "store")
    assert store.field(LABELS) == labels
    assert classes_of(store) == (["a", "b"], True)


def test_a_store_whose_labels_were_changed_is_refused(tmp_path, tokenizer):
    Classify(8).encode(documents(), tokenizer, tmp_path / "store")
    path = tmp_path / "store" / "labels.bin"
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(Damaged, match="sha256"):
        TokenStore(tmp_path / "store").verify()
    path.write_bytes(np.array([9, 0, 0, 0, 0]).astype("<i8").tobytes())
    with pytest.raises(Damaged, match="3 names of labels"):
        TokenStore(tmp_path / "store").field(LABELS)
    path.unlink()
    with pytest.raises(Damaged, match="the file is missing"):
        TokenStore(tmp_path / "store")


def test_what_has_no_fields_is_stored_as_before(tmp_path):
    with StoreWriter(tmp_path / "plain", 257) as writer:
        writer.add([1, 2], 2, 2, "a:1")
    assert "names" not in (tmp_path / "plain" / "store.json").read_text()
    assert not [path for path in (tmp_path / "plain").iterdir() if path.name.startswith("labels")]
    with (
        StoreWriter(tmp_path / "labelled", 257, fields=("labels",)) as writer,
        pytest.raises(ValueError, match="labels"),
    ):
        writer.add([1, 2], 2, 2, "a:1")


# --- batches


def test_nothing_of_a_long_text_is_left_out(tokenizer):
    task = Classify(seq_len=8)
    ids = tuple(range(1, 31))
    windows, owners = task.windows([ids, (5,), ()], mark=256)
    assert [token for window in windows[:4] for token in window] == [256, *ids]
    assert all(len(window) <= 8 for window in windows)
    assert owners.tolist() == [0, 0, 0, 0, 1, 2]
    assert [tuple(window) for window in windows[4:]] == [(256, 5), (256,)]
    with pytest.raises(InputError, match="text 2 has no token, and without a begin mark"):
        Classify(seq_len=8, begin_mark=False).windows([(1,), ()], mark=256)


def test_an_epoch_reads_every_text_once(tmp_path, tokenizer):
    config = Config(
        task={"name": "classify"}, model={"arch": "gru", "seq_len": 8}, train={"batch": 4, "order": "shuffle"}
    )
    task = task_of(config)
    store = task.encode(documents(), tokenizer, tmp_path / "store")
    rows = task.rows(store, tokenizer, config)
    sampler = task.sampler(rows, config)
    read = [number for step in range(sampler.steps_per_epoch) for micro in sampler.rows(step) for number in micro]
    assert sorted(read) == [0, 1, 2, 3, 4]
    batch = task.collate(rows, [4, 0])
    assert batch.targets.tolist() == [1, 2]
    assert batch.owners.tolist() == [0] * 8 + [1]
    assert batch.n_targets == 2 and batch.n_read == 1 + len(TEXTS[4]) + 1 + 6


def test_classes_weigh_the_same_where_that_is_asked_for(tmp_path, tokenizer):
    config = Config(task={"name": "classify", "balanced": True}, model={"arch": "gru", "seq_len": 8})
    task = task_of(config)
    store = task.encode(documents(), tokenizer, tmp_path / "store")
    rows = task.rows(store, tokenizer, config)
    # classes bad, 中, 好 have 2, 1 and 2 of 5 texts
    torch.testing.assert_close(rows.weights, torch.tensor([5 / 6, 5 / 3, 5 / 6]))
    model = model_for(task, store, tokenizer).float().train()
    batch = task.collate(rows, range(5))
    loss, _ = task.loss(model, batch)
    plain, _ = Classify(8).loss(model, batch)
    assert loss.total.item() == pytest.approx(plain.total.item())  # what is told is the loss itself
    several = task.encode(documents([("a", "b"), (), ("b",), ("a",), ()]), tokenizer, tmp_path / "several")
    with pytest.raises(ConfigError, match="these texts have several"):
        task.rows(several, tokenizer, config)


# --- loss and predictions


@pytest.mark.parametrize("several", [False, True])
def test_alone_is_as_in_any_batch(tmp_path, tokenizer, several):
    task = Classify(8)
    labels = [("a", "b"), (), ("b",), ("a",), ()] if several else LABELS_OF
    store = task.encode(documents(labels), tokenizer, tmp_path / "store")
    model = model_for(task, store, tokenizer)
    texts = [tokenizer.encode(text) for text in TEXTS]
    together = task.log_probs(model, texts, tokenizer.mark, at_once=32)
    by_two = task.log_probs(model, texts[::-1], tokenizer.mark, at_once=2)[::-1]
    alone = np.concatenate([task.log_probs(model, [text], tokenizer.mark) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-12)
    np.testing.assert_allclose(by_two, alone, atol=1e-12)
    if not several:
        np.testing.assert_allclose(np.exp(together).sum(axis=1), 1.0)


@pytest.mark.parametrize("several", [False, True])
def test_what_is_measured_is_what_is_trained_on(tmp_path, tokenizer, several):
    task, config = Classify(8), Config(task={"name": "classify"}, model={"arch": "gru", "seq_len": 8})
    labels = [("a", "b"), (), ("b",), ("a",), ()] if several else LABELS_OF
    store = task.encode(documents(labels), tokenizer, tmp_path / "store")
    model = model_for(task, store, tokenizer)
    rows = task.rows(store, tokenizer, config)
    loss, _ = task.loss(model, task.collate(rows, range(5)))
    scores = task.measure(model, task.examples(store, tokenizer), tokenizer, config)
    assert sum(score.nats for score in scores) == pytest.approx(loss.total.item(), rel=1e-5)
    assert [score.source for score in scores] == [f"reviews.csv:{number}" for number in range(2, 7)]
    found = task.metrics(scores)
    assert found["loss"] == pytest.approx(loss.total.item() / 5, rel=1e-5)
    predicted = list(task.predict(model, tokenizer, TEXTS, config, seed=0))
    right = [set(filter(None, one.split(", "))) == set(own) for one, own in zip(predicted, labels, strict=True)]
    assert found["accuracy"] == sum(right) / 5
    assert [score.right for score in scores] == right


def test_losses_by_hand():
    logits = torch.tensor([[0.0, math.log(3)]])
    assert nats_of(logits, torch.tensor([1]), several=False).item() == pytest.approx(-math.log(0.75))
    # each class decided alone: P(a) = 1/2, P(b) = 3/4
    assert nats_of(logits, torch.tensor([[0.0, 1.0]]), several=True).item() == pytest.approx(-math.log(0.5 * 0.75))
    assert costs(np.log([0.5, 0.75]), [1]) == pytest.approx(-math.log(0.5 * 0.75))
    assert costs(np.log([0.5, 0.75]), []) == pytest.approx(-math.log(0.5 * 0.25))


def test_nothing_scored_has_no_number():
    with pytest.raises(NothingScored, match="no text was scored"):
        Classify(8).metrics([])
    assert Classify(8).metrics([LabelScore("a", 1.0, 1, 3, 3, True)])["accuracy"] == 1.0


# --- bad input


def test_one_class_is_nothing_to_learn(tmp_path, tokenizer):
    task = Classify(8)
    store = task.encode(documents([("好",)] * 5), tokenizer, tmp_path / "store")
    with pytest.raises(InputError, match="all texts to train on have one label, '好'"):
        task.refuse({"train": store})


def test_a_label_unseen_in_training_is_named_with_its_place(tmp_path, tokenizer):
    task = Classify(8)
    train = task.encode(documents(), tokenizer, tmp_path / "train")
    valid = task.encode([Document("x", "dev.csv:2", {LABELS: ("混合",)})], tokenizer, tmp_path / "valid")
    with pytest.raises(InputError, match="no training text has the label '混合'") as refused:
        task.refuse({"train": train, "valid": valid})
    assert refused.value.where == "dev.csv:2"
    model = model_for(task, train, tokenizer)
    with pytest.raises(InputError, match="混合"):
        task.measure(model, task.examples(valid, tokenizer), tokenizer, Config(task={"name": "classify"}))


def test_knobs_of_other_tasks_are_refused():
    with pytest.raises(ConfigError, match=r"task\.balanced is of classes"):
        Config(task={"balanced": True})
    with pytest.raises(ConfigError, match="best_by is bleu, which a classifier has not"):
        task_of(Config(task={"name": "classify"}, train={"best_by": "bleu"}))
    with pytest.raises(ConfigError, match="best_by is accuracy, which a language model has not"):
        task_of(Config(train={"best_by": "accuracy"}))
    with pytest.raises(ConfigError, match="does not go on from the one before it"):
        config = Config(task={"name": "classify"}, train={"order": "stream", "batch": 2})
        task_of(config).sampler(None, config)
