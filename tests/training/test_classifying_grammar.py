"""From labelled texts to a model that tells them apart, through the house's own loop and sampler.

The world of reviews knows every label by rule: negation turns a word round, "but" makes its second half decide. Words
alone, whatever their order, do not tell that.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from textmill.config import PRESETS, RecurrentConfig, TransformerConfig
from textmill.config.train import TrainConfig
from textmill.models import build_model
from textmill.tasks.classify import Classify
from textmill.tasks.length_batches import LengthSampler
from textmill.text import Document
from textmill.text.documents import LABELS
from textmill.text.worlds import Sentiment
from textmill.tokens import Tokenizer
from textmill.training.optimizers import build_optimizers
from textmill.training.schedule import Plan
from textmill.training.updates import Lanes, updates

N_TEXTS, N_OTHERS = 6000, 1000
# Architecture -> updates, rate of AdamW beside Muon's 0.02.
TOY = {"transformer": (600, 3e-3), "lstm": (600, 0.01), "gru": (600, 0.01), "rnn": (600, 0.01)}
RIGHT = 0.99
WORDS_ALONE = 0.9


@pytest.fixture(scope="module")
def reviews():
    world = Sentiment(seed=3, n_sentences=(1, 2))
    items = [world.item(number) for number in range(N_TEXTS + N_OTHERS)]
    known = {item.text for item in items[:N_TEXTS]}
    return items[:N_TEXTS], [item for item in items[N_TEXTS:] if item.text not in known]


def test_words_alone_do_not_tell_them(reviews):
    train, others = reviews
    words = make_pipeline(CountVectorizer(), TfidfTransformer(), LogisticRegression(max_iter=1000))
    words.fit([item.text for item in train], [item.label for item in train])
    assert words.score([item.text for item in others], [item.label for item in others]) < WORDS_ALONE


@pytest.mark.parametrize(
    "arch", ["gru", *(pytest.param(arch, marks=pytest.mark.ci) for arch in ("lstm", "rnn", "transformer"))]
)
def test_the_grammar_of_opinion_is_learned(arch, reviews):
    train, others = reviews
    steps, lr_rest = TOY[arch]
    torch.set_num_threads(1)
    tokenizer = Tokenizer.train("word", [item.text for item in train], None, 0)
    sizes = {"n_layers": 2 if arch == "transformer" else 1, "d_model": 64, "seq_len": 64, "dropout": 0.0}
    if arch == "transformer":
        config = TransformerConfig(**PRESETS["transformer"]["modern"], **sizes)
    else:
        config = RecurrentConfig(arch=arch, **sizes)
    task = Classify(seq_len=64)
    classes = ["negative", "positive"]
    heads = {"classify": {"classes": classes, "several": False}}
    model = build_model(config, tokenizer.vocab_size, "encoder", heads, seed=1).train()
    optimizers = build_optimizers(model, TrainConfig(optimizer="muon", lr=0.02, lr_rest=lr_rest, weight_decay=0.0))
    seen, unseen = (
        task.documents([Document(item.text, "", {LABELS: (item.label,)}) for item in some], tokenizer)
        for some in (train, others)
    )
    sampler = LengthSampler([len(text.ids) + 1 for text in seen], 1500, 1, seed=0)
    plan = Plan(steps, 1, "wsd", steps // 50, 0.6, 0.0, 1.0, steps, steps, steps)

    def batches(step):
        return [
            (task.batch([seen[n] for n in numbers], tokenizer.mark, classes, False), Lanes())
            for numbers in sampler.rows(step)
        ]

    for _ in updates(model, optimizers, task, batches, plan):
        pass
    found = task.log_probs(model, [text.ids for text in unseen], tokenizer.mark)
    truth = np.array([classes.index(text.labels[0]) for text in unseen])
    assert (found.argmax(axis=1) == truth).mean() >= RIGHT
