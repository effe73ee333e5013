"""From pairs to a model that translates them, through the house's own loop, sampler and search."""

from __future__ import annotations

import pytest
import torch

from textmill.config import PRESETS, RecurrentConfig, TransformerConfig
from textmill.config.train import TrainConfig
from textmill.generation.beam import BeamSettings
from textmill.models import build_model
from textmill.tasks.length_batches import LengthSampler
from textmill.tasks.translate import Translate
from textmill.text.aligned import SentencePair
from textmill.text.worlds import Pairs
from textmill.tokens import Tokenizer
from textmill.training.optimizers import build_optimizers
from textmill.training.schedule import Plan
from textmill.training.updates import Lanes, updates

# Architecture -> pairs, updates, rate of AdamW beside Muon's 0.02.
TOY = {
    "transformer": (4000, 600, 3e-3),
    "lstm": (8000, 1200, 0.01),
    "gru": (8000, 1500, 0.01),
    "rnn": (8000, 1500, 0.01),
}
SEEN, UNSEEN = 0.99, 0.95
"""Share of the sentences that must be translated exactly."""


@pytest.mark.parametrize(
    "arch", ["transformer", *(pytest.param(arch, marks=pytest.mark.ci) for arch in ("lstm", "gru", "rnn"))]
)
def test_a_toy_language_is_translated_word_for_word_and_unseen_sentences_too(arch):
    n_pairs, steps, lr_rest = TOY[arch]
    torch.set_num_threads(1)
    world = Pairs(seed=7, depth=0, modifiers=0.0)
    items = [world.item(number) for number in range(n_pairs + 300)]
    known = {item.source for item in items[:n_pairs]}
    pairs = [SentencePair(item.source, item.target, "") for item in items[:n_pairs]]
    others = [SentencePair(item.source, item.target, "") for item in items[n_pairs:] if item.source not in known]
    tokenizer = Tokenizer.train("word", [text for pair in pairs for text in (pair.source, pair.target)], None, 0)
    sizes = {"n_layers": 1, "d_model": 64, "seq_len": 64, "dropout": 0.0}
    if arch == "transformer":
        config = TransformerConfig(**PRESETS["transformer"]["modern"], **sizes)
    else:
        config = RecurrentConfig(arch=arch, **sizes)
    model = build_model(config, tokenizer.vocab_size, "encoder-decoder", seed=1).train()
    optimizers = build_optimizers(model, TrainConfig(optimizer="muon", lr=0.02, lr_rest=lr_rest, weight_decay=0.0))
    task = Translate()
    examples = task.pair_ids(pairs, tokenizer)
    sampler = LengthSampler([max(len(pair.source), len(pair.target) + 1) for pair in examples], 400, 1, seed=0)
    plan = Plan(steps, 1, "wsd", steps // 50, 0.6, 0.0, 1.0, steps, steps, steps)

    def batches(step):
        return [(task.batch([examples[n] for n in numbers], tokenizer.mark), Lanes()) for numbers in sampler.rows(step)]

    for _ in updates(model, optimizers, task, batches, plan):
        pass
    for some, least in ((pairs[:200], SEEN), (others[:200], UNSEEN)):
        settings = BeamSettings(beams=1, max_new_tokens=40)
        best = task.translations(model, tokenizer, [pair.source for pair in some], settings)
        exact = sum(found[0].text == pair.target for found, pair in zip(best, some, strict=True)) / len(some)
        assert exact >= least
