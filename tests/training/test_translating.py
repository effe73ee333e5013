"""From pairs to a model that translates them, through the house's own loop, sampler and search."""

from __future__ import annotations

import pytest
import torch

from textmill.config import RecurrentConfig
from textmill.config.train import TrainConfig
from textmill.generation.beam import BeamSettings
from textmill.models import build_model
from textmill.tasks.pair_batches import PairSampler
from textmill.tasks.translate import Translate
from textmill.text.aligned import SentencePair
from textmill.text.worlds import Pairs
from textmill.tokens import Tokenizer
from textmill.training.optimizers import build_optimizers
from textmill.training.schedule import Plan
from textmill.training.updates import Lanes, updates

STEPS = 150


@pytest.mark.ci
def test_a_model_learns_the_translations_of_a_few_sentences_by_heart():
    """Not yet of unseen ones: this holds the parts together, and no model could do it without reading its source."""
    torch.set_num_threads(1)
    world = Pairs(direction="zh-en", depth=0, modifiers=0.0, seed=1)
    pairs = [SentencePair(item.source, item.target, f"w:{n}") for n, item in enumerate(map(world.item, range(8)))]
    tokenizer = Tokenizer.train("word", [text for pair in pairs for text in (pair.source, pair.target)], None, 0)
    task = Translate(label_smoothing=0.05)
    examples = task.pair_ids(pairs, tokenizer)
    config = RecurrentConfig(arch="gru", n_layers=1, d_model=64, seq_len=64)
    model = build_model(config, tokenizer.vocab_size, "encoder-decoder", seed=1).train()
    optimizers = build_optimizers(model, TrainConfig(optimizer="adamw", lr=8e-3, weight_decay=0.0))
    sizes = [max(len(pair.source), len(pair.target) + 1) for pair in examples]
    sampler = PairSampler(sizes, tokens=100, accumulate=1, seed=1)
    plan = Plan(STEPS, 1, "wsd", 5, 0.6, 0.0, 1.0, STEPS, STEPS, STEPS)

    def batches(step):
        return [(task.batch([examples[n] for n in numbers], tokenizer.mark), Lanes()) for numbers in sampler.rows(step)]

    losses = [update.loss.mean for update in updates(model, optimizers, task, batches, plan)]
    assert losses[-1] < 0.1 * losses[0]
    for settings in (BeamSettings(beams=1, max_new_tokens=40), BeamSettings(beams=3, max_new_tokens=40)):
        best = task.translations(model, tokenizer, [pair.source for pair in pairs], settings)
        assert [found[0].text for found in best] == [pair.target for pair in pairs]
